//! A plan in words.

use std::fmt;

use super::PlannedBgv;
use crate::engine::slots::bgv::Cost;
use crate::program::Refresh;

impl fmt::Display for PlannedBgv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.agreement;
        for instance in &plan.instances {
            let (spec, rlwe) = (&instance.spec, instance.params.rlwe());
            let security = rlwe.security_bits().map_or("none".into(), |bits| format!("{bits} bits"));
            writeln!(
                f,
                "BGV: N = {}, t = {} ({} bits), Q = {:?} bits, P = {:?}, log2 QP = {:.0}, security {security}",
                rlwe.n(),
                spec.plaintext_modulus,
                64 - spec.plaintext_modulus.leading_zeros(),
                spec.q_bits,
                spec.p_bits,
                rlwe.log_qp(),
            )?;
        }
        let (cube, compact) = (&plan.geometry.cube, &plan.geometry.compact);
        writeln!(
            f,
            "slots: {} images x {} x {}; {} weight tiles in {} compact ciphertext(s) of {}",
            cube.b,
            cube.p,
            cube.q,
            compact.tiles,
            compact.ciphertexts(),
            compact.group
        )?;
        writeln!(f, "values: at most {:.1} bits between two refreshes, proven", self.value_bits())?;
        for (number, round) in self.rounds.rounds.iter().enumerate() {
            let names: Vec<String> = round.iter().map(|refresh| self.describe(refresh)).collect();
            writeln!(f, "round {}: {}", number + 1, names.join("; "))?;
        }
        let count = |cost| plan.operations.total(cost);
        write!(
            f,
            "a step: {} products, {} mask products, {} key switches, {} hoisted rotations; reckoned {:.2} core-seconds",
            count(Cost::Product),
            count(Cost::Mask),
            count(Cost::KeySwitch),
            count(Cost::Hoisted),
            self.estimate
        )
    }
}

impl PlannedBgv {
    fn describe(&self, refresh: &Refresh) -> String {
        let plan = &self.agreement;
        let to: Vec<String> = (refresh.to.iter())
            .filter_map(|tensor| Some(format!("{tensor} ({} primes)", plan.fresh.get(tensor)?)))
            .collect();
        format!("{} x {} -> {}", plan.geometry.ciphertexts(refresh.from), refresh.from, to.join(", "))
    }
}
