//! A plan in words.

use std::fmt;

use super::PlannedTables;
use crate::plan::PlannedEngine;

impl fmt::Display for PlannedTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (numbers, reader) = (&self.shared.numbers, &self.shared.reader);
        for scheme in self.schemes() {
            let security = scheme.security_bits.map_or("none".into(), |bits| format!("{bits} bits"));
            let (name, n) = (scheme.name.to_uppercase(), scheme.ring_dimension);
            writeln!(f, "{name}: N = {n}, {}, security {security}", scheme.plaintext)?;
        }
        let range = |limit: i64, bits: u32| limit as f64 / f64::from(bits).exp2();
        let [hidden, output, error] = numbers.limits();
        writeln!(
            f,
            "lookups within 2^{:.1} of the torus; fractional bits: {} of activations, {} of errors, {} of weights",
            reader.deviations[0].log2(),
            numbers.activation_bits,
            numbers.error_bits,
            numbers.weight_bits()
        )?;
        write!(f, "tables hold ")?;
        if self.places().widths().len() == 2 {
            writeln!(f, "pre-activations up to {}", range(output, numbers.sum_bits()))?;
        } else {
            writeln!(
                f,
                "pre-activations up to {}, those of the outputs up to {}, errors up to {}",
                range(hidden, numbers.sum_bits()),
                range(output, numbers.sum_bits()),
                range(error, numbers.back_bits())
            )?;
        }
        for (l, line) in self.lines().iter().enumerate() {
            writeln!(f, "layer {} with weights: {line}", l + 1)?;
        }
        let (batch, lookups, refreshes) = (self.shared.batch, self.lookups(), self.refreshes());
        write!(f, "a step of {batch} samples: {lookups} lookups, {refreshes} refreshes")
    }
}
