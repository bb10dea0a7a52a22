//! The ways to TFHE and back, and the refresh of weights in bulk.

use he_bgv::Ciphertext;
use he_tfhe::LweCiphertext;

use super::{Coefficients, LOG_CLEAN, LOG_WORN};
use crate::engine::tables::{Beside, Lookup, Raised};
use crate::engine::{EngineError, Result};
use crate::layout::At;
use crate::numbers::tables::RESULT_BITS;

impl Coefficients {
    /// Values at places of dense ciphertexts, times `2^shift`, on the torus.
    pub(super) fn to_tables(
        &self,
        pieces: &[Ciphertext],
        places: &[At],
        shift: u32,
    ) -> Result<Vec<LweCiphertext>> {
        let mut values: Vec<Option<LweCiphertext>> = (0..places.len()).map(|_| None).collect();
        for (number, piece) in pieces.iter().enumerate() {
            let own: Vec<usize> = (0..places.len()).filter(|&i| places[i].piece == number).collect();
            let coefficients: Vec<usize> = own.iter().map(|&i| places[i].index).collect();
            for (i, mut value) in own.into_iter().zip(self.switcher.bgv_to_tfhe(piece, &coefficients)?) {
                let factor = 1 << shift;
                value.scale_assign(if places[i].negated { -factor } else { factor });
                values[i] = Some(value);
            }
        }
        values.into_iter().collect::<Option<Vec<_>>>().ok_or(EngineError::Empty)
    }

    /// The error that errors may have, in units of their integers, if sums over images of products of them with these inputs are to
    /// be refreshed, all tiles of a ciphertext of weights at once. Two operands with errors `y` and `y'`, relative to their modulus,
    /// have a product with an error of `y·y'·q·√n` at the second modulus `q`, and `√` of their number is that of the sum.
    pub(super) fn error_beside(&self, Beside { inputs, images }: &Beside<'_, Ciphertext>) -> f64 {
        let bgv = self.parameters.bgv();
        let relative = |c: &Ciphertext| c.noise().log2() - bgv.noise().log_q(c.level());
        let worst = inputs.iter().map(relative).fold(f64::MIN, f64::max);
        let weights = self.layout.weights();
        let terms = (bgv.n() * images * weights.parts.min(1 << weights.levels)) as f64;
        let needed = LOG_WORN - worst - bgv.noise().log_q(1.min(bgv.max_level())) - 0.5 * terms.log2();
        needed.min(LOG_CLEAN).exp2()
    }

    /// Results of tables as dense ciphertexts, `pieces` of them, with an error of at most `error`.
    pub(super) fn collect_from_tables(
        &self,
        lookup: &Lookup,
        values: Vec<Raised>,
        pieces: usize,
        error: f64,
    ) -> Result<Vec<Ciphertext>> {
        let (parameters, most) = (&self.parameters, self.parameters.bgv_capacity());
        let (small, large) = (parameters.tfhe().n(), parameters.bgv().n());
        let mut groups: Vec<Vec<Vec<LweCiphertext>>> = (0..pieces.div_ceil(most))
            .map(|group| {
                let count = (pieces - group * most).min(most).next_power_of_two();
                let zero = LweCiphertext::trivial(parameters.tfhe(), 0);
                vec![vec![zero; small]; count * large / small]
            })
            .collect();
        for Raised { places, value } in values {
            for At { piece, index, negated } in places {
                let group = &mut groups[piece / most];
                let packs = group.len();
                let place = index * (packs * small / large) + piece % most;
                let slot = &mut group[place % packs][place / packs];
                slot.clone_from(&value);
                if negated {
                    slot.scale_assign(-1);
                }
            }
        }
        let mut out = Vec::with_capacity(pieces);
        for group in groups {
            let packed = lookup.pack(&group)?;
            out.extend(lookup.refresh(|| self.switcher.tfhe_to_bgv(&packed, RESULT_BITS, error))??);
        }
        out.truncate(pieces);
        Ok(out)
    }

    /// Dense ciphertexts over all primes, and clean.
    pub(super) fn clean(&self, lookup: &Lookup, pieces: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let mut out = Vec::with_capacity(pieces.len());
        for group in pieces.chunks(self.parameters.bgv_capacity()) {
            out.extend(lookup.refresh(|| self.switcher.refresh(group, LOG_CLEAN.exp2()))??);
        }
        Ok(out)
    }
}
