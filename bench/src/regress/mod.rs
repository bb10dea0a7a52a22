//! Twenty operations beside what they took when the committed file was written, in units: what got slower is named.

use std::collections::BTreeMap;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::operations::{self, Operation, Time};
use crate::pages::{self, Failure};

/// The committed file.
const FILE: &str = "docs/bench/regress.json";
/// An operation that takes more than so many times its units of before got slower.
const LIMIT: f64 = 1.1;
/// From here on it is measured again.
const NEAR: f64 = 1.05;
/// Measurements of an operation, at most; the least counts.
const TRIES: usize = 4;
/// Measurements of each for the file.
const WRITTEN: usize = 3;
/// Ciphertexts of a batch.
const BATCH: usize = 64;

#[derive(Args)]
pub(crate) struct RegressArgs {
    /// Writes what is measured for this machine in place of comparing with it.
    #[arg(long)]
    write: bool,
    /// Measures the operations of one scheme only: ring, BGV, BFV, YASHE, CKKS, TFHE or bridges; others stay in the file as they are.
    #[arg(long)]
    only: Option<String>,
}

/// Times by operation.
type Times = BTreeMap<String, Time>;

/// Times by machine: ratios to the unit differ from one kind of processor to another.
#[derive(Default, Serialize, Deserialize)]
struct Known {
    machines: BTreeMap<String, Times>,
}

/// Operations that share keys.
type Group = (&'static str, fn() -> Result<Vec<Operation>, Failure>);

/// All operations, by what they share.
fn groups() -> [Group; 7] {
    [
        ("ring", || operations::ring(16)),
        ("BGV", || operations::bgv(&he_bgv::Spec::n16384().build()?)),
        ("BFV", || operations::bfv(&he_bfv::Spec::n16384().build()?)),
        ("YASHE", || {
            operations::yashe(&he_yashe::Spec::legacy_n32768().build_legacy("a comparison of speeds")?)
        }),
        ("CKKS", || operations::ckks(&he_ckks::Spec::n32768().build()?)),
        ("TFHE", || operations::tfhe(BATCH)),
        ("bridges", operations::bridges),
    ]
}

/// Measures, and compares or writes; whether nothing got slower.
pub(crate) fn run(args: &RegressArgs) -> Result<bool, Failure> {
    let known = |only: &String| groups().iter().any(|(group, _)| only.eq_ignore_ascii_case(group));
    if let Some(unknown) = args.only.as_ref().filter(|only| !known(only)) {
        return Err(format!("`{unknown}` is no scheme that is measured").into());
    }
    let machine = pages::machine();
    let mut known: Known = match pages::read(FILE) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?,
        Err(_) if args.write => Known::default(),
        Err(error) => return Err(error),
    };
    let before = known.machines.get(&machine).cloned();
    if before.is_none() && !args.write {
        let others: Vec<&str> = known.machines.keys().map(String::as_str).collect();
        let text = format!("{FILE} has no figures of `{machine}`, only of {others:?}; --write makes them");
        return Err(text.into());
    }
    let before = before.unwrap_or_default();
    println!("{machine}; {}", pages::load());
    println!("{:<40} {:>12} {:>14} {:>12} {:>7}", "", "units", "CPU seconds", "before", "ratio");
    // Of a part of the operations the others are kept.
    let mut now = if args.write && args.only.is_some() { before.clone() } else { Times::new() };
    for (group, operations) in groups() {
        if args.only.as_ref().is_some_and(|only| !only.eq_ignore_ascii_case(group)) {
            continue;
        }
        for mut operation in operations()? {
            let before = before.get(&operation.name).copied();
            let time = measure(|| operation.time(), before.filter(|_| !args.write))?;
            show(&operation.name, time, before);
            now.insert(operation.name, time);
        }
        if args.write {
            // What was measured stays if the rest is interrupted.
            known.machines.insert(machine.clone(), now.clone());
            pages::write(FILE, &(serde_json::to_string_pretty(&known)? + "\n"))?;
        }
    }
    if args.write {
        return Ok(true);
    }
    let slower = slower(&before, &now, args.only.is_none());
    slower.iter().for_each(|line| println!("{line}"));
    if slower.is_empty() {
        println!("nothing got slower by more than {:.0} %", 100.0 * (LIMIT - 1.0));
    }
    Ok(slower.is_empty())
}

/// The least of several measurements: as long as one is near the limit, or of [`WRITTEN`] where there is none.
fn measure(mut once: impl FnMut() -> Result<Time, Failure>, before: Option<Time>) -> Result<Time, Failure> {
    let mut least = once()?;
    for done in 1..TRIES {
        if before.map_or(done >= WRITTEN, |before| least.units <= NEAR * before.units) {
            break;
        }
        let again = once()?;
        if again.units < least.units {
            least = again;
        }
    }
    Ok(least)
}

fn show(name: &str, Time { units, seconds }: Time, before: Option<Time>) {
    let (old, ratio) = before.map_or((String::new(), String::new()), |before| {
        (format!("{:.2}", before.units), format!("{:.2}", units / before.units))
    });
    println!("{name:<40} {units:>12.2} {seconds:>14.6} {old:>12} {ratio:>7}");
}

/// What got slower, and what is on one side only; in `all` that were known something may be missing.
fn slower(before: &Times, now: &Times, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, time) in now {
        match before.get(name) {
            None => lines.push(format!("NEW: {name} is not in {FILE}; --write makes it anew")),
            Some(old) if time.units > LIMIT * old.units => {
                let more = 100.0 * (time.units / old.units - 1.0);
                lines.push(format!(
                    "SLOWER: {name}, {:.2} units, {more:.0} % more than {:.2}",
                    time.units, old.units
                ));
            }
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| all && !now.contains_key(*name));
    lines.extend(gone.map(|name| format!("GONE: {name} is in {FILE} and was not measured")));
    lines
}

#[cfg(test)]
mod tests;
