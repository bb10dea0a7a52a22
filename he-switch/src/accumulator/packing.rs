//! Packing of constant coefficients (Chen, Dai, Kim and Song 2021, algorithm 2), in two primes.
//!
//! Two ciphertexts that hold something in the coefficients that are multiples of `N/2^{j−1}` are joined as `(x + X^{N/2^j}·y) +
//! τ(x − X^{N/2^j}·y)` with `τ: X → X^{2^j+1}`: what both have there is doubled, and what they have in between cancels. The
//! factor `N` that comes together is taken off at the start as `N^{-1} mod Q`.

use he_core::ring::kernel;
use he_core::ring::poly::{Coeff, Eval, Poly};
use he_core::rlwe;

use super::key::element;
use super::rotation::Accumulator;
use super::{LIMBS, PARTS};
use crate::error::Error;

/// A ciphertext of degree 1, in evaluation form.
type Pair = [Poly<Eval>; PARTS];

impl Accumulator {
    /// Packs the constant coefficients of up to `N` ciphertexts: that of the `i`-th becomes coefficient `i·N/2^k` of the phase,
    /// where `2^k` is the least power of two not below their number; the other coefficients are noise about zero.
    ///
    /// # Errors
    /// If there are none or too many, or one is no ciphertext of degree 1 over the first two primes of the target.
    pub fn pack(&self, inputs: &[rlwe::Ciphertext]) -> Result<rlwe::Ciphertext, Error> {
        let (params, target) = (self.params(), self.params().target());
        if inputs.is_empty() || inputs.len() > params.n() {
            let (field, found) = ("the number of packed ciphertexts", inputs.len().to_string());
            return Err(Error::Mismatch { field, found, needed: format!("1 to {}", params.n()) });
        }
        let fits = |c: &rlwe::Ciphertext| c.params().same(target) && c.limbs() == LIMBS && c.degree() == 1;
        if !inputs.iter().all(fits) {
            return Err(Error::Foreign { operation: "packing", object: "operand" });
        }
        let log = inputs.len().next_power_of_two().trailing_zeros();
        let mut packed = self.join(inputs, 0, log);
        for j in log + 1..params.reading_bits() {
            let image = self.automorphism(&packed, j);
            packed.iter_mut().zip(&image).for_each(|(x, y)| x.add_assign(y));
        }
        Ok(rlwe::Ciphertext::new(target, packed.into()))
    }

    /// Takes what is at the top of the modulus to the bottom: `−t` times the ciphertext, whose phase is then `[Q·m]_t + t·e`,
    /// a BGV encryption of `m` with the factor [`factor`](super::AccumulatorParameters::factor).
    ///
    /// # Errors
    /// If `t` is not 2 to `2^49`.
    pub fn to_bottom(&self, ciphertext: &rlwe::Ciphertext, t: u64) -> Result<rlwe::Ciphertext, Error> {
        if !(2..=1 << 49).contains(&t) {
            let (field, found) = ("the modulus of a table", t.to_string());
            return Err(Error::Mismatch { field, found, needed: "2 to 2^49".into() });
        }
        let mut out = ciphertext.clone();
        out.mul_integer(-(t as i64));
        Ok(out)
    }

    /// The ciphertexts at places congruent to `start` modulo `2^(all − log)`, joined.
    fn join(&self, inputs: &[rlwe::Ciphertext], start: usize, log: u32) -> Pair {
        let basis = self.params().0.ring.basis(LIMBS);
        if log == 0 {
            let Some([body, mask]) = inputs.get(start).map(rlwe::Ciphertext::parts) else {
                return [(); PARTS].map(|()| Poly::zero(basis));
            };
            let inverse = |q: &he_core::Modulus| q.inv(q.reduce(basis.n() as u64)).unwrap_or(1);
            let inverses: Vec<u64> = basis.moduli().map(inverse).collect();
            return [body, mask].map(|part| {
                let mut part = part.clone();
                part.mul_scalars_assign(&inverses);
                part
            });
        }
        let step = inputs.len().next_power_of_two() >> log;
        let (mut even, mut odd) =
            rayon::join(|| self.join(inputs, start, log - 1), || self.join(inputs, start + step, log - 1));
        let mut shift = vec![0; basis.n()];
        shift[basis.n() >> log] = 1;
        let shift = Poly::<Coeff>::from_signed(basis, &shift).into_eval();
        odd.iter_mut().for_each(|part| part.mul_assign(&shift));
        let mut difference = even.clone();
        difference.iter_mut().zip(&odd).for_each(|(x, y)| x.sub_assign(y));
        let image = self.automorphism(&difference, log);
        for (sum, (y, z)) in even.iter_mut().zip(odd.iter().zip(&image)) {
            sum.add_assign(y);
            sum.add_assign(z);
        }
        even
    }

    /// `X → X^{2^j + 1}`, back under the same key.
    fn automorphism(&self, [body, mask]: &Pair, j: u32) -> Pair {
        let (params, tables) = (self.params(), &self.params().0.packing);
        let (n, basis) = (params.n(), params.0.ring.basis(LIMBS));
        let [body, mask] = [body, mask].map(|part| part.automorphism(element(j)));
        let mask = mask.into_coeff();
        let mut digits = [(); LIMBS].map(|()| vec![0; tables.rows(1) * n]);
        tables.gadget.decompose(
            mask.words(),
            digits.each_mut().map(Vec::as_mut_slice),
            &mut vec![0; LIMBS * n],
        );
        let mut words = [(); PARTS].map(|()| vec![0; LIMBS * n]);
        let key = &self.key.packing[j as usize - 1];
        let mut product = vec![0; PARTS * n];
        for (i, (external, digits)) in tables.externals.iter().zip(&mut digits).enumerate() {
            digits.chunks_exact_mut(n).for_each(|digit| external.ntt().forward(digit));
            external.product(&mut product, digits, &key[i]);
            for (words, product) in words.iter_mut().zip(product.chunks_exact(n)) {
                words[i * n..(i + 1) * n].copy_from_slice(product);
            }
            kernel::add_assign(basis.modulus(i), &mut words[0][i * n..(i + 1) * n], body.limb(i));
        }
        words.map(|words| Poly::from_words(basis, &words))
    }
}
