//! The outcome of a task: `usage | result | records`, each after its length: JSON, bytes, and for each engine bytes.

use he_core::wire::{Reader, WireError, Writer};

use crate::engine::Usage;

/// Engines and stages of one, at most.
const MOST: usize = 64;
/// Characters of the name of a stage, at most.
const LONGEST_NAME: usize = 64;

/// The outcome of a task.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Counts and times of each engine since the run began.
    pub(super) usage: Vec<Usage>,
    /// The bytes that were asked for.
    pub(super) result: Vec<u8>,
    /// Records of each engine for an audit.
    pub(super) records: Vec<Vec<u8>>,
}

impl Outcome {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.len_bytes(&serde_json::to_vec(&self.usage).unwrap_or_default());
        out.len_bytes(&self.result);
        out.u32(self.records.len() as u32);
        self.records.iter().for_each(|record| out.len_bytes(record));
        out.finish()
    }

    /// Reads what a server sent; it may be anything.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let wire = |error: WireError| error.to_string();
        let most = bytes.len();
        let mut reader = Reader::new(bytes);
        let usage = reader.len_bytes(most, "usage").map_err(wire)?;
        let usage: Vec<Usage> = serde_json::from_slice(usage).map_err(|error| format!("usage: {error}"))?;
        let names = usage.iter().flat_map(|engine| &engine.stages).map(|(name, ..)| name);
        let word = |name: &String| name.len() <= LONGEST_NAME && name.bytes().all(|b| (32..127).contains(&b));
        if usage.len() > MOST || usage.iter().any(|u| u.stages.len() > MOST) || !names.clone().all(word) {
            return Err("usage: more engines or stages than any plan has, or names that are none".into());
        }
        let result = reader.len_bytes(most, "result").map_err(wire)?.to_vec();
        let count = reader.u32("records").map_err(wire)? as usize;
        if count > MOST {
            return Err(format!("records of {count} engines: at most {MOST} are possible"));
        }
        let record = |_| Ok(reader.len_bytes(most, "record").map_err(wire)?.to_vec());
        let records = (0..count).map(record).collect::<Result<_, String>>()?;
        reader.finish("outcome").map_err(wire)?;
        Ok(Self { usage, result, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_comes_back_and_damage_is_an_error() {
        let stages = vec![("lookup tables".to_owned(), 0.1, 0.2)];
        let usage = vec![Usage { tables: 3, failure: 1e-20, stages, ..Usage::default() }];
        let outcome = Outcome { usage, result: vec![1, 2, 3], records: vec![vec![], vec![7; 9]] };
        let bytes = outcome.to_bytes();
        assert_eq!(Outcome::from_bytes(&bytes), Ok(outcome));
        for length in 0..bytes.len() {
            assert!(Outcome::from_bytes(&bytes[..length]).is_err());
        }
        assert!(Outcome::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let mut many = Writer::new();
        many.len_bytes(b"[]");
        many.len_bytes(&[]);
        many.u32(u32::MAX);
        assert!(Outcome::from_bytes(&many.finish()).unwrap_err().contains("4294967295"));
        let stages = vec![("\u{1b}[2J".to_owned(), 0.0, 0.0)];
        let hostile = Outcome { usage: vec![Usage { stages, ..Usage::default() }], ..Outcome::default() };
        assert!(Outcome::from_bytes(&hostile.to_bytes()).unwrap_err().contains("names"));
    }
}
