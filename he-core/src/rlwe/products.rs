//! Products that need no key: with a matrix of integers, and of ciphertexts of any degree.

use super::ciphertext::Ciphertext;
use crate::ring::IntegerMatrix;
use crate::ring::poly::Poly;

impl Ciphertext {
    /// The matrix product `Σ_i w_oi·a_i` over the first `limbs` primes, for integer weights `w` and ciphertexts of one degree, all of
    /// at least so many limbs: one product of matrices for each part. For more outputs than limbs it is far faster than as many
    /// linear combinations, since every operand is read from memory once (Bae, Cheon, Hanrot, Park, Stehlé, *Plaintext-Ciphertext
    /// Matrix Multiplication and FHE Bootstrapping*, ePrint 2024/1284, section 3).
    ///
    /// # Panics
    /// If there are not as many operands as the matrix has columns, the degrees or secrets differ, or an operand is too short.
    pub fn matrix_product(limbs: usize, weights: &IntegerMatrix, a: &[&Self]) -> Vec<Self> {
        assert_eq!(a.len(), weights.columns(), "an operand for each column");
        let first = a[0];
        assert!(a.iter().all(|c| c.degree() == first.degree()), "operands of a sum have one degree");
        assert!(a.iter().all(|c| c.secret_id() == first.secret_id()), "operands are under one secret");
        let basis = first.params().basis(limbs);
        let mut out: Vec<Vec<_>> = (0..weights.rows()).map(|_| Vec::new()).collect();
        for part in 0..=first.degree() {
            let operands: Vec<_> = a.iter().map(|c| &c.parts()[part]).collect();
            let products = Poly::matrix_product(basis, weights, &operands);
            out.iter_mut().zip(products).for_each(|(parts, product)| parts.push(product));
        }
        out.into_iter().map(|parts| Self::new(first.params(), first.secret_id(), parts)).collect()
    }

    /// The product `a·b` over the first `limbs` primes, of ciphertexts of any degrees: the degree of the product is their sum, and
    /// nothing is relinearized.
    ///
    /// # Panics
    /// If the secrets differ, or an operand is too short.
    pub fn product(limbs: usize, a: &Self, b: &Self) -> Self {
        assert_eq!(a.secret_id(), b.secret_id(), "operands are under one secret");
        let basis = a.params().basis(limbs);
        let parts = (0..=a.degree() + b.degree()).map(|k| {
            let pairs = (0..=k).filter_map(|i| Some((a.parts().get(i)?, b.parts().get(k - i)?)));
            Poly::dot(basis, &pairs.collect::<Vec<_>>())
        });
        Self::new(a.params(), a.secret_id(), parts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::sample::Prng;
    use crate::rlwe::{SecretKey, Spec};

    #[test]
    fn products_decrypt_and_equal_those_that_there_are() {
        let params = Spec::insecure_small().build_insecure("a test").unwrap();
        let (key, mut prng) = (SecretKey::generate(&params).unwrap(), Prng::from_seed(&[3; 32]));
        let limbs = params.max_limbs();
        let all: Vec<Ciphertext> =
            (1..=5).map(|m| key.encrypt(limbs, &[m << 10], &mut prng).expand()).collect();
        let operands: Vec<&Ciphertext> = all.iter().collect();
        let weights = IntegerMatrix::new(5, vec![1, -2, 3, 0, 1, 0, 0, 0, 0, -7]).unwrap();
        let words =
            |c: &Ciphertext| c.parts().iter().flat_map(|part| part.words().to_vec()).collect::<Vec<_>>();
        for limbs in 1..=limbs {
            for (row, product) in Ciphertext::matrix_product(limbs, &weights, &operands).iter().enumerate() {
                let mut sum = all[0].truncated(limbs);
                sum.mul_integer(0);
                for (&w, c) in weights.row(row).iter().zip(&all) {
                    let mut term = c.truncated(limbs);
                    term.mul_integer(w);
                    sum.add_assign(&term);
                }
                assert_eq!(words(product), words(&sum));
            }
            let product = Ciphertext::product(limbs, &all[0], &all[1]);
            let tensor = Ciphertext::tensor_products(limbs, 1, &[&all[0]], &[&all[1]]);
            assert_eq!(words(&product), words(&tensor[0]));
        }
        // The phase of a product is the product of the phases, whatever the degrees.
        let square = Ciphertext::product(limbs, &all[0], &all[0]);
        let fourth = Ciphertext::product(limbs, &square, &square);
        assert_eq!((square.degree(), fourth.degree()), (2, 4));
        let mut expected = key.phase(&square).into_eval();
        expected.mul_assign(&expected.clone());
        assert_eq!(key.phase(&fourth).words(), expected.into_coeff().words());
    }
}
