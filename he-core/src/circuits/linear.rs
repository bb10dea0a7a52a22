//! Linear transforms by diagonals, baby steps and giant steps (Halevi, Shoup 2018).
//!
//! A matrix `M` over `n` cyclic slots has diagonals `d_k[i] = M[i, (i + k) mod n]`, and `M·x = Σ_k d_k ∘ rot_k(x)`. With
//! `k = g + b`, `g` a multiple of the baby-step count `B` and `0 ≤ b < B`:
//! `M·x = Σ_g rot_g( Σ_b rot_{−g}(d_{g+b}) ∘ rot_b(x) )`. The baby rotations share one decomposition.

use std::collections::BTreeMap;

use super::Rotation;

/// The diagonals of a matrix, arranged in baby and giant steps and encoded.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::circuits::LinearTransform;
///
/// // A 4 x 4 matrix with two baby and two giant steps, not encoded.
/// let rows: Vec<Vec<i64>> = (0..4).map(|i| (4 * i..4 * i + 4).collect()).collect();
/// let diagonals = LinearTransform::<Vec<i64>>::diagonals_of(&rows);
/// assert_eq!(diagonals[&1], [1, 6, 11, 12]);
/// let encode = |diagonal: &[i64]| Ok::<_, std::convert::Infallible>(diagonal.to_vec());
/// let transform = LinearTransform::new(&diagonals, 4, 2, encode)?;
/// assert_eq!(transform.rotations(), [1, 2]);
/// # Ok(())
/// # }
/// ```
pub struct LinearTransform<P> {
    baby: Vec<usize>,
    /// For each giant step: pairs of an index into `baby` and the encoded diagonal.
    giants: BTreeMap<usize, Vec<(usize, P)>>,
}

impl<P> LinearTransform<P> {
    /// Arranges the non-zero diagonals of a matrix over `slots` cyclic slots, with `baby_steps` baby steps.
    ///
    /// # Errors
    /// Whatever `encode` returns.
    ///
    /// # Panics
    /// If a diagonal is not `slots` long or `baby_steps` is 0.
    pub fn new<S: Copy, E>(
        diagonals: &BTreeMap<usize, Vec<S>>,
        slots: usize,
        baby_steps: usize,
        mut encode: impl FnMut(&[S]) -> Result<P, E>,
    ) -> Result<Self, E> {
        assert!(baby_steps > 0, "at least one baby step");
        let mut baby: Vec<usize> = diagonals.keys().map(|k| k % baby_steps).collect();
        baby.sort_unstable();
        baby.dedup();
        let mut giants: BTreeMap<usize, Vec<(usize, P)>> = BTreeMap::new();
        for (&k, diagonal) in diagonals {
            assert_eq!(diagonal.len(), slots, "a diagonal has one entry for each slot");
            let (b, g) = (k % baby_steps, k - k % baby_steps);
            let mut turned = diagonal.clone();
            turned.rotate_right(g % slots);
            let index = baby.binary_search(&b).unwrap_or_else(|i| i);
            giants.entry(g).or_default().push((index, encode(&turned)?));
        }
        Ok(Self { baby, giants })
    }

    /// The diagonals of a dense square matrix given by rows.
    pub fn diagonals_of<S: Copy>(rows: &[Vec<S>]) -> BTreeMap<usize, Vec<S>> {
        let n = rows.len();
        (0..n).map(|k| (k, (0..n).map(|i| rows[i][(i + k) % n]).collect())).collect()
    }

    /// The rotations it uses.
    pub fn rotations(&self) -> Vec<usize> {
        let mut steps: Vec<usize> =
            self.baby.iter().chain(self.giants.keys()).copied().filter(|&k| k != 0).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// `M·x`; `None` for a matrix without diagonals.
    ///
    /// # Errors
    /// Whatever the evaluator returns.
    pub fn apply<V>(&self, evaluator: &V, x: &V::Ciphertext) -> Result<Option<V::Ciphertext>, V::Error>
    where
        V: Rotation<Plaintext = P>,
    {
        let turned = evaluator.rotate_many(x, &self.baby)?;
        let mut total: Option<V::Ciphertext> = None;
        for (&g, row) in &self.giants {
            let mut sum: Option<V::Ciphertext> = None;
            for (b, diagonal) in row {
                let term = evaluator.mul_plain(&turned[*b], diagonal)?;
                sum = Some(accumulate(evaluator, sum, term)?);
            }
            let Some(sum) = sum else { continue };
            let turned = if g == 0 { sum } else { evaluator.rotate(&sum, g)? };
            total = Some(accumulate(evaluator, total, turned)?);
        }
        Ok(total)
    }
}

pub(super) fn accumulate<V: super::Arithmetic>(
    evaluator: &V,
    sum: Option<V::Ciphertext>,
    term: V::Ciphertext,
) -> Result<V::Ciphertext, V::Error> {
    match sum {
        Some(sum) => evaluator.add(&sum, &term),
        None => Ok(term),
    }
}

crate::brief_debug!([P] LinearTransform<P>: |a| baby = a.baby.len(), giants = a.giants.len());
