//! The transform of the `tfhe-ntt` library, brought to the canonical root and order.
//!
//! The library documents neither its root of unity nor its output order, so both are probed: the transform of
//! `X` holds the evaluation points themselves, and matching them with the powers of the canonical root gives
//! the permutation. The library is not trusted to be right for every prime either: the transform of one
//! pseudo-random polynomial is compared with a direct evaluation at one point before the plan is used.

use concrete_ntt::prime64::Plan;

use super::NttError;
use crate::modulus::Modulus;
use crate::ring::naive;

/// The least length the library transforms.
pub(super) const LEAST: usize = 16;

/// A library plan and the permutation of its outputs.
pub(super) struct Library {
    plan: Plan,
    modulus: Modulus,
    /// The library has at `order[p]` what the canonical order has at `p`.
    order: Vec<u32>,
}

impl Library {
    /// Builds and checks the plan for the canonical root and evaluation exponents.
    pub(super) fn new(n: usize, modulus: Modulus, root: u64, exponents: &[u32]) -> Result<Self, NttError> {
        let q = modulus.value();
        let mismatch = NttError::LibraryMismatch { n, q };
        let plan = Plan::try_new(n, q).ok_or(NttError::NoLibraryPlan { n, q })?;
        let mut points = vec![0; n];
        points[1] = 1;
        plan.fwd(&mut points);
        let mut theirs: Vec<(u64, u32)> = points.iter().map(|&x| modulus.reduce(x)).zip(0..).collect();
        theirs.sort_unstable();
        let powers = powers(&modulus, root, 2 * n);
        let order = exponents
            .iter()
            .map(|&e| {
                let at = theirs.binary_search_by_key(&powers[e as usize], |pair| pair.0);
                at.map(|i| theirs[i].1)
            })
            .collect::<Result<Vec<u32>, usize>>()
            .map_err(|_| mismatch)?;
        let library = Self { plan, modulus, order };
        if library.agrees_at_one_point(&powers, exponents) { Ok(library) } else { Err(mismatch) }
    }

    /// Compares a transform with Horner's rule at one point, and its inverse with the input.
    fn agrees_at_one_point(&self, powers: &[u64], exponents: &[u32]) -> bool {
        let m = &self.modulus;
        // A fixed linear congruential sequence: enough to exercise every word length, and reproducible.
        let mut state = m.value();
        let input: Vec<u64> = exponents
            .iter()
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                m.reduce(state)
            })
            .collect();
        let at = (state >> 33) as usize % input.len();
        let mut data = input.clone();
        self.forward(&mut data);
        let right = data[at] == naive::evaluate(&input, powers[exponents[at] as usize], m);
        self.inverse(&mut data);
        right && data == input
    }

    /// Coefficients to values in the canonical order.
    pub(super) fn forward(&self, data: &mut [u64]) {
        self.plan.fwd(data);
        let theirs = data.to_vec();
        for (x, &from) in data.iter_mut().zip(&self.order) {
            *x = self.modulus.reduce(theirs[from as usize]);
        }
    }

    /// Values in the canonical order to coefficients.
    pub(super) fn inverse(&self, data: &mut [u64]) {
        let ours = data.to_vec();
        for (&x, &to) in ours.iter().zip(&self.order) {
            data[to as usize] = x;
        }
        self.plan.inv(data);
        self.plan.normalize(data);
        for x in data {
            *x = self.modulus.reduce(*x);
        }
    }
}

/// The first `count` powers of `base`.
fn powers(modulus: &Modulus, base: u64, count: usize) -> Vec<u64> {
    std::iter::successors(Some(1), |&power| Some(modulus.mul(power, base))).take(count).collect()
}
