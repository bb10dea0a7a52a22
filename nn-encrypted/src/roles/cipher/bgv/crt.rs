//! Chinese remainders.

/// Integers modulo the product of the plaintext primes.
pub(super) struct Crt {
    moduli: Vec<i128>,
    /// `(M/t_i)^{-1} mod t_i`.
    inverses: Vec<i128>,
    product: i128,
}

impl Crt {
    pub(super) fn new(moduli: &[u64]) -> Self {
        let product: i128 = moduli.iter().map(|&t| i128::from(t)).product();
        let inverse = |t: u64| {
            let hat = (product / i128::from(t) % i128::from(t)) as u64;
            let found = he_core::Modulus::new(t).ok().and_then(|modulus| modulus.inv(hat));
            i128::from(found.unwrap_or(1))
        };
        let inverses = moduli.iter().map(|&t| inverse(t)).collect();
        Self { moduli: moduli.iter().map(|&t| i128::from(t)).collect(), inverses, product }
    }

    /// Centred residues modulo prime `c`.
    pub(super) fn residues(&self, values: &[i64], c: usize) -> Vec<i64> {
        // Plaintext primes have less than 62 bits.
        let t = self.moduli[c] as i64;
        let centred = |residue: i64| if 2 * residue > t { residue - t } else { residue };
        values.iter().map(|value| centred(value.rem_euclid(t))).collect()
    }

    /// The centred integers with the given residues modulo each prime.
    pub(super) fn combine(&self, residues: &[Vec<i64>]) -> Vec<i128> {
        if let [only] = residues {
            return only.iter().map(|&value| i128::from(value)).collect();
        }
        let count = residues.first().map_or(0, Vec::len);
        (0..count)
            .map(|i| {
                let terms = self.inverses.iter().zip(residues).zip(&self.moduli);
                let sum = terms.fold(0i128, |sum, ((inverse, values), t)| {
                    let digit = (inverse * i128::from(values[i])).rem_euclid(*t);
                    (sum + self.product / t * digit) % self.product
                });
                if 2 * sum > self.product { sum - self.product } else { sum }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back_from_their_residues(values in prop::collection::vec(any::<i64>(), 1..20)) {
            let crt = Crt::new(&[1_099_510_054_913, 1_099_507_695_617]);
            let residues: Vec<_> = (0..2).map(|c| crt.residues(&values, c)).collect();
            let back = crt.combine(&residues);
            prop_assert_eq!(back, values.iter().map(|&v| i128::from(v)).collect::<Vec<_>>());
        }
    }
}
