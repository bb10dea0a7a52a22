//! Plans as text.

use std::fmt;

use super::PlannedCkks;
use crate::engine::slots::ckks::Counts;
use crate::program::Tensor;

impl fmt::Display for PlannedCkks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agreement = &self.agreement;
        let (spec, formulas, tally) = (agreement.params.spec(), &agreement.formulas, &agreement.tally);
        let (rlwe, cube, compact) = (agreement.params.rlwe(), formulas.cube(), &formulas.geometry.compact);
        let security = rlwe.security_bits().map_or("none".into(), |bits| format!("{bits} bits"));
        writeln!(
            f,
            "ckks: N = {}, log2 QP = {:.0}, security {security}, {} levels of {} bits",
            rlwe.n(),
            rlwe.log_qp(),
            spec.levels,
            spec.scale_bits
        )?;
        writeln!(
            f,
            "slots: P x b x Q = {} x {} x {}; {} tiles of images, {} tiles of weights in {} ciphertexts",
            cube.p,
            cube.b,
            cube.q,
            formulas.image_tiles(),
            compact.tiles,
            compact.ciphertexts()
        )?;
        if agreement.bootstraps() {
            write!(f, "a step: {} levels, {} bootstraps", agreement.levels, tally.bootstraps)?;
        } else {
            write!(f, "a step: {} levels between two refreshes by the client", agreement.levels)?;
        }
        for tensor in &self.bootstrapped {
            let (what, l) = match tensor {
                Tensor::InputGradient(l) => ("gradients of the inputs", l + 1),
                tensor => ("pre-activations", tensor.layer().unwrap_or(0)),
            };
            write!(f, ", one set of them of the {what} of {}", self.names[l])?;
        }
        let total = |of: fn(&Counts) -> u64| tally.operations.values().map(of).sum::<u64>();
        writeln!(
            f,
            "; {} products, {} relinearizations, {} rotations and {} hoisted, {} products with masks",
            total(|c| c.products),
            total(|c| c.relinearized),
            total(|c| c.rotations),
            total(|c| c.hoisted),
            total(|c| c.masked)
        )?;
        write!(
            f,
            "estimate: {:.0} transforms a step, keys {:.1} GB for {} rotations, memory {:.1} GB",
            self.units,
            self.key_bytes as f64 / 1e9,
            tally.rotations.len(),
            self.peak_bytes as f64 / 1e9
        )
    }
}
