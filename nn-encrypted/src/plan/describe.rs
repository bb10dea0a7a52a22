//! A plan in words.

use std::fmt;

use super::{Plan, Refresh};
use crate::engine::Cost;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for instance in &self.instances {
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
        let (cube, compact) = (&self.geometry.cube, &self.geometry.compact);
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
        for (number, round) in self.rounds.iter().enumerate() {
            let names: Vec<String> = round.iter().map(|refresh| describe(self, refresh)).collect();
            writeln!(f, "round {}: {}", number + 1, names.join("; "))?;
        }
        let count = |cost| self.usage.total(cost);
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

fn describe(plan: &Plan, refresh: &Refresh) -> String {
    let to: Vec<String> =
        refresh.to().iter().map(|tensor| format!("{tensor} ({} limbs)", plan.fresh_limbs[tensor])).collect();
    format!("{} x {} -> {}", plan.ciphertexts(refresh.from()), refresh.from(), to.join(", "))
}
