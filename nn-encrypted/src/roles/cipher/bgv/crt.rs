//! Chinese remainders, without a branch or a division that depends on values.

use he_core::Modulus;

/// Integers modulo the product of the plaintext primes.
pub(in crate::roles::cipher) struct Crt {
    moduli: Vec<Modulus>,
    /// `(M/t_i)^{-1} mod t_i`.
    inverses: Vec<u64>,
    product: i128,
}

impl Crt {
    pub(in crate::roles::cipher) fn new(moduli: &[Modulus]) -> Self {
        let product: i128 = moduli.iter().map(|t| i128::from(t.value())).product();
        let inverse = |t: &Modulus| {
            let hat = product / i128::from(t.value()) % i128::from(t.value());
            t.inv(hat as u64).unwrap_or(1)
        };
        Self { moduli: moduli.to_vec(), inverses: moduli.iter().map(inverse).collect(), product }
    }

    /// Centred residues modulo prime `c`.
    pub(in crate::roles::cipher) fn residues(&self, values: &[i64], c: usize) -> Vec<i64> {
        let t = &self.moduli[c];
        values.iter().map(|&value| t.center(t.reduce_i64(value))).collect()
    }

    /// The centred integers with the given residues modulo each prime.
    pub(in crate::roles::cipher) fn combine(&self, residues: &[Vec<i64>]) -> Vec<i128> {
        if let [only] = residues {
            return only.iter().map(|&value| i128::from(value)).collect();
        }
        let hats: Vec<i128> = self.moduli.iter().map(|t| self.product / i128::from(t.value())).collect();
        // All ones where `x > most`.
        let above = |x: i128, most: i128| (most - x) >> 127;
        let count = residues.first().map_or(0, Vec::len);
        let value = |i: usize| {
            let terms = self.inverses.iter().zip(residues).zip(&self.moduli).zip(&hats);
            let sum = terms.fold(0_i128, |sum, (((&inverse, values), t), hat)| {
                let sum = sum + hat * i128::from(t.mul(inverse, t.reduce_i64(values[i])));
                sum - (self.product & above(sum, self.product - 1))
            });
            sum - (self.product & above(sum, self.product / 2))
        };
        (0..count).map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back_from_their_residues(values in prop::collection::vec(any::<i64>(), 1..20)) {
            let crt = Crt::new(&[1_099_510_054_913, 1_099_507_695_617].map(|t| Modulus::new(t).unwrap()));
            let residues: Vec<_> = (0..2).map(|c| crt.residues(&values, c)).collect();
            let back = crt.combine(&residues);
            prop_assert_eq!(back, values.iter().map(|&v| i128::from(v)).collect::<Vec<_>>());
        }
    }
}
