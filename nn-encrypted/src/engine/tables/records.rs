//! Phases by which tables were looked up, as bytes.

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::{Parameters, SwitchedPhase};

/// The phases of a step, in the order of lookups.
pub(super) fn write_records(phases: &[SwitchedPhase]) -> Vec<u8> {
    let mut out = Writer::new();
    out.length(phases.len());
    phases.iter().for_each(|phase| phase.write(&mut out));
    out.finish()
}

/// Reads them.
pub(crate) fn read_records(bytes: &[u8], parameters: &Parameters) -> Result<Vec<SwitchedPhase>, WireError> {
    let mut reader = Reader::new(bytes);
    let count = reader.length(bytes.len(), "phases")?;
    let all = (0..count).map(|_| SwitchedPhase::read(&mut reader, parameters)).collect::<Result<_, _>>()?;
    reader.finish("phases")?;
    Ok(all)
}
