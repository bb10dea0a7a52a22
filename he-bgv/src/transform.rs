//! From slots to coefficients and back, under encryption.
//!
//! Slot `(r, c)` of `m = Σ_j m_j·X^j` is `m(ψ^{±3^c})`, so that a ciphertext with `v` in its slots becomes one with `v` in its
//! coefficients by the matrix of the negacyclic transform modulo `t`, and back by its inverse (Halevi, Shoup 2018 and 2021).
//! The matrix factors like a fast Fourier transform (Chen, Han 2018; Geelen, Vercauteren 2022). Let `n = N/2`, `i = ψ^n`,
//! `g = −3`: its powers are the exponents that are 1 modulo 4, where `X^n = i`; at their negatives `X^n = −i`. With
//! `w^σ_j = m_j + σi·m_{j+n}`, `σ = ±1`,
//!
//! `m(ψ^{σg^c}) = Σ_{j<n} w^σ_j·ψ^{σg^c·j}`, and this is `L_{log n}·…·L_1·B·w^σ`:
//!
//! `B` reverses the bits of `j`, `L_k` works in blocks of `2^k` columns on pairs half a block apart,
//! `(x, y) ↦ (x + ρy, x − ρy)` with `ρ = ψ^{σ·g^c·n/2^k}`, and `L_0: m ↦ w` mixes the two rows. `B` has no few diagonals, and is
//! left to the order of the coefficients: slot `(r, c)` holds coefficient `r·n + rev(c)`, `rev` the reversal of `log2 n` bits.
//!
//! The `1 + log2 n` layers are multiplied into as many factors as the caller asks for. One of `k` layers has `2^{k+1} − 1`
//! diagonals, the last one `2^k`, the one with `L_0` twice as many; a diagonal product of baby and giant steps takes about the
//! root of that in rotations. Each factor costs one multiplication by plaintexts, up to `log2 t + log2(N)/2 + 2` bits and one
//! or two for what the estimate keeps in hand. The primes need not match: one is dropped when nothing is lost with it, and few
//! large primes are faster than many small ones.

mod layers;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use he_core::rlwe::{Bound, OperandError};

use crate::ciphertext::Ciphertext;
use crate::elements::row_element;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::keys::KeyRequest;
use crate::params::Parameters;
use crate::plaintext::PreparedPlaintext;

use layers::{Diagonals, Layers, Shift, multiply, place, split, steps};

/// Direction of a slot transform.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// use he_bgv::transform::{Direction, SlotTransform};
///
/// let [down, up] = [Direction::SlotsToCoefficients, Direction::CoefficientsToSlots]
///     .map(|direction| SlotTransform::new(&params, 2, params.max_level(), direction));
/// assert_eq!(down?.direction(), Direction::SlotsToCoefficients);
/// assert_eq!(up?.direction(), Direction::CoefficientsToSlots);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Values in slots become coefficients.
    SlotsToCoefficients,
    /// Coefficients become values in slots.
    CoefficientsToSlots,
}

/// For each slot, the coefficient that its value becomes or comes from: slot `r·n + c` and coefficient `r·n + rev(c)`,
/// `n = N/2`. It is its own inverse. Where the argument `N` is no power of two from 2 to 2^17 there is no such ring, and no slot.
pub fn coefficient_order(n: usize) -> Vec<usize> {
    if !n.is_power_of_two() || !(2..=1 << 17).contains(&n) {
        return Vec::new();
    }
    let row = n / 2;
    let log = row.ilog2();
    let reverse = |c: usize| if log == 0 { c } else { c.reverse_bits() >> (usize::BITS - log) };
    (0..n).map(|slot| slot / row * row + reverse(slot % row)).collect()
}

/// One sparse factor: baby steps, and for each giant step the diagonals to multiply them with.
struct Factor {
    /// Galois elements of the baby steps.
    baby: Vec<usize>,
    /// Galois element, and pairs of an index into `baby` and a diagonal.
    giants: Vec<(usize, Vec<(usize, PreparedPlaintext)>)>,
}

impl Factor {
    /// Arranges diagonals, `baby_steps` a power of two.
    fn new(
        params: &Parameters,
        encoder: &Encoder,
        diagonals: &Diagonals,
        baby_steps: usize,
        level: usize,
    ) -> Result<Self, Error> {
        let n = params.n() / 2;
        let parts = |k: usize| (k % baby_steps, k - k % baby_steps);
        let shifts: BTreeSet<Shift> = diagonals.keys().map(|&(k, swap)| (parts(k).0, swap)).collect();
        let mut giants: BTreeMap<usize, Vec<(usize, PreparedPlaintext)>> = BTreeMap::new();
        for (&(k, swap), diagonal) in diagonals {
            let (b, g) = parts(k);
            let mut turned = diagonal.clone();
            turned.chunks_exact_mut(n).for_each(|row| row.rotate_right(g));
            let values: Vec<i64> = (0..2 * n).map(|slot| params.t().center(turned[place(slot, n)])).collect();
            let index = shifts.range(..(b, swap)).count();
            giants
                .entry(g)
                .or_default()
                .push((index, PreparedPlaintext::new(params, &encoder.encode(&values)?, level)?));
        }
        Ok(Self {
            baby: shifts.into_iter().map(|shift| element(params, shift)).collect(),
            giants: giants.into_iter().map(|(g, row)| (element(params, (g, false)), row)).collect(),
        })
    }

    /// Galois elements of the rotations it takes: of the hoisted ones, and of those on their own.
    fn elements(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.baby.iter().copied().chain(self.giants.iter().map(|(g, _)| *g));
        all.filter(|&g| g != 1)
    }

    /// `log2` of its growth of noise.
    fn growth(&self) -> f64 {
        let operands = self.giants.iter().flat_map(|(_, row)| row);
        operands.map(|(_, p)| (2.0 * p.log_norm()).exp2()).sum::<f64>().log2() / 2.0
    }
}

/// The Galois element of a shift of places: `(−3)^k`, negated if the rows are swapped.
fn element(params: &Parameters, (k, swap): Shift) -> usize {
    let power = row_element(params, k);
    if (k % 2 == 1) ^ swap { 2 * params.n() - power } else { power }
}

/// The transform from slots to coefficients or back, as sparse factors ready to be applied.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// use he_bgv::transform::{Direction, SlotTransform, coefficient_order};
///
/// # let spec = Spec { log_n: 5, plaintext_modulus: 193, q_bits: vec![30; 4], p_bits: vec![40], digit: 1 };
/// # let params = spec.build_insecure("an example that is quick")?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let transform = SlotTransform::new(&params, 2, params.max_level(), Direction::SlotsToCoefficients)?;
/// let keys = key.evaluation_keys(&transform.key_request(KeyRequest::default()))?;
/// let evaluator = Evaluator::new(&params, keys)?;
/// let slots = encryptor.encrypt(&encoder.encode(&[5, -6, 7])?)?;
/// let polynomial = evaluator.slots_to_coefficients(&transform, &slots)?;
/// assert_eq!(polynomial.bound().most(), Some(96));
/// let coefficients = encoder.decode_coefficients(&decryptor.decrypt(&polynomial)?);
/// let order = coefficient_order(params.n());
/// assert_eq!([0, 1, 2].map(|slot| coefficients[order[slot]]), [5, -6, 7]);
/// # Ok(())
/// # }
/// ```
pub struct SlotTransform {
    params: Parameters,
    direction: Direction,
    level: usize,
    /// In the order in which they are applied.
    factors: Vec<Factor>,
}

impl SlotTransform {
    /// The transform in `factors` factors, from 1 to `log2(N/2)`, for ciphertexts up to `level`.
    ///
    /// # Errors
    /// If `t` has no slots, or there cannot be so many factors, or the level is above the highest.
    pub fn new(
        params: &Parameters,
        factors: usize,
        level: usize,
        direction: Direction,
    ) -> Result<Self, Error> {
        params.slots()?;
        let (t, n) = (params.t(), params.n() / 2);
        let depth = n.ilog2();
        if factors == 0 || factors > depth as usize {
            return Err(Error::Factors { wanted: factors, most: depth as usize });
        }
        params.check_level("slot transform", level)?;
        // Roots of unity are residues; what they do to values in all is proven by the transform that they make.
        let encoder = Encoder::new(params).modular();
        // The root behind the slots is the value of X in the first of them.
        let psi = encoder.decode(&encoder.encode_coefficients(&[0, 1])?)?[0];
        let layers = Layers::new(t, n, t.reduce_i64(psi));
        let inverse = direction == Direction::CoefficientsToSlots;
        // Of two matrices the later one stands to the left; inverses come in the opposite order.
        let chain =
            |a: &Diagonals, b: &Diagonals| if inverse { multiply(t, b, a) } else { multiply(t, a, b) };
        let (mut start, mut out) = (0, Vec::with_capacity(factors));
        for size in split(depth, factors) {
            let mut product = layers.butterflies(start + 1, inverse);
            if start == 0 {
                product = chain(&product, &layers.mix(inverse));
            }
            for layer in start + 2..=start + size {
                product = chain(&layers.butterflies(layer, inverse), &product);
            }
            let baby = steps(size, start == 0, start + size == depth).0;
            out.push(Factor::new(params, &encoder, &product, 1 << (start + baby), level)?);
            start += size;
        }
        if inverse {
            out.reverse();
        }
        Ok(Self { params: params.clone(), direction, level, factors: out })
    }

    /// Direction of the transform.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Plaintext products in a row: as many as there are factors.
    pub fn levels(&self) -> usize {
        self.factors.len()
    }

    /// Rotations it takes, of which those of one factor's baby steps share a decomposition.
    pub fn rotations(&self) -> usize {
        self.factors.iter().map(|factor| factor.elements().count()).sum()
    }

    /// Diagonals, each a product with a plaintext.
    pub fn diagonals(&self) -> usize {
        self.factors.iter().flat_map(|factor| &factor.giants).map(|(_, row)| row.len()).sum()
    }

    /// `log2` of the growth of noise by each factor, in the order in which they are applied.
    pub fn growth(&self) -> Vec<f64> {
        self.factors.iter().map(Factor::growth).collect()
    }

    /// The request with the Galois keys it needs.
    #[must_use]
    pub fn key_request(&self, request: KeyRequest) -> KeyRequest {
        let elements = self.factors.iter().flat_map(Factor::elements);
        elements.fold(request, |request, g| request.galois(g, self.level))
    }
}

impl Evaluator {
    /// A ciphertext with the slots of `c` as its coefficients, in [`coefficient_order`].
    ///
    /// # Errors
    /// If the transform goes the other way or is foreign, a key is missing, `c` is of degree 2, or the result would not
    /// decrypt.
    pub fn slots_to_coefficients(
        &self,
        transform: &SlotTransform,
        c: &Ciphertext,
    ) -> Result<Ciphertext, Error> {
        self.apply_factors("slots to coefficients", Direction::SlotsToCoefficients, transform, c)
    }

    /// A ciphertext with the coefficients of `c` in its slots, in [`coefficient_order`].
    ///
    /// # Errors
    /// As [`slots_to_coefficients`](Self::slots_to_coefficients).
    pub fn coefficients_to_slots(
        &self,
        transform: &SlotTransform,
        c: &Ciphertext,
    ) -> Result<Ciphertext, Error> {
        self.apply_factors("coefficients to slots", Direction::CoefficientsToSlots, transform, c)
    }

    fn apply_factors(
        &self,
        operation: &'static str,
        direction: Direction,
        transform: &SlotTransform,
        c: &Ciphertext,
    ) -> Result<Ciphertext, Error> {
        self.check(operation, c)?;
        if !transform.params.same(&self.params) {
            return Err(OperandError::Foreign { operation, object: "slot transform" }.into());
        }
        if transform.direction != direction {
            return Err(Error::Direction { operation });
        }
        let bound = self.moved(operation, direction, c.bound)?;
        let mut out = self.mod_switch_to(c, c.level().min(transform.level))?;
        for factor in &transform.factors {
            let operand = self.mod_switch_for_plain_product(&out)?;
            out = self.mod_switch_for_plain_product(&self.apply_factor(factor, &operand)?)?;
        }
        Ok(Ciphertext { bound, ..out })
    }

    /// The bound of values after the transform, which takes them to other places and leaves them as they are.
    fn moved(&self, operation: &'static str, direction: Direction, bound: Bound) -> Result<Bound, Error> {
        match (direction, bound) {
            (_, Bound::Modulo) => Ok(bound),
            (Direction::SlotsToCoefficients, Bound::Slots { most }) => {
                Ok(Bound::of_coefficients(Some(most), self.params.n()))
            }
            (Direction::CoefficientsToSlots, Bound::Coefficients { most, .. }) => Ok(Bound::Slots { most }),
            (Direction::SlotsToCoefficients, _) => {
                let right = Bound::Slots { most: self.params.t().value() / 2 };
                Err(OperandError::Places { operation, left: bound, right }.into())
            }
            (Direction::CoefficientsToSlots, _) => {
                let right = Bound::of_coefficients(Some(self.params.t().value() / 2), self.params.n());
                Err(OperandError::Places { operation, left: bound, right }.into())
            }
        }
    }

    /// `Σ_g τ_g(Σ_b d_{g,b} ∘ τ_b(x))`. The diagonals look random, whatever `x` is, so that the terms are unrelated.
    fn apply_factor(&self, factor: &Factor, x: &Ciphertext) -> Result<Ciphertext, Error> {
        let turned = self.automorphism_many(x, &factor.baby)?;
        let sums: Vec<Ciphertext> = (factor.giants.par_iter())
            .map(|(g, row)| {
                let terms: Vec<_> = row.iter().map(|(b, diagonal)| (diagonal, &turned[*b])).collect();
                self.automorphism(&self.dot_prepared(&terms)?, *g)
            })
            .collect::<Result<_, Error>>()?;
        let mut sums = sums.into_iter();
        let first = sums.next().ok_or(OperandError::NoOperands { operation: "slot transform" })?;
        sums.try_fold(first, |sum, term| self.add_unrelated(sum, &term))
    }
}

he_core::brief_debug!(SlotTransform: |a| direction = a.direction, level = a.level, factors = a.factors.len());
