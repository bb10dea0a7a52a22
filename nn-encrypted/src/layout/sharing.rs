//! Sums over all entries that hold one weight, on compact ciphertexts.
//!
//! A weight of a convolution, or behind a pooling, stands in several entries of its layer's matrix, and each of them gets a term of
//! the weight's gradient. With `a_0` the first of its places and `D` the distances of the others from theirs first, over all weights,
//!
//! ```text
//! T[a_0] = Σ_i G[a_i] = Σ_(d in D) ([a_0 has a place at a_0 + d] · rot(G, d))[a_0],    rot(G, d)[a] = G[a + d]
//! ```
//!
//! so that one product with a mask does for all weights. In two stages `d = e + f`, `T = Σ_e rot(Σ_f rot(mask_(e+f), −e)·rot(G, f), e)`:
//! the rotations by `f` share a decomposition, and few distances `e` and `f` make up many `d`. Slots that are the first place of
//! no weight become zero.
//!
//! Compact ciphertexts repeat with a period of `M·P·Q` slots, images on top; places are slots of the first period.

use std::collections::{BTreeMap, BTreeSet};

use super::weights::places;
use super::{Compact, Cube, WeightTiles};
use crate::network::Matrix;

/// The sums over the entries of each weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Of each compact ciphertext the rotations of the first stage.
    pub first: Vec<Vec<usize>>,
    /// Of each compact ciphertext of sums its parts, one for each rotation of the second stage.
    pub sums: Vec<Vec<SharedPart>>,
    sets: Vec<Vec<usize>>,
    period: usize,
}

/// A sum of rotated ciphertexts times masks, to be rotated itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPart {
    /// The rotation of the second stage.
    pub rotation: usize,
    /// The terms.
    pub terms: Vec<SharedTerm>,
}

/// A term of a [`SharedPart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedTerm {
    /// Number of the compact ciphertext.
    pub ciphertext: usize,
    /// Number of its rotation in the first stage.
    pub step: usize,
    /// Number of the set of slots that the mask has.
    pub set: usize,
}

/// A result, a source and the distance from the one to the other.
type Way = (usize, usize, usize);

impl Sharing {
    /// The sums of some layers; none if every weight and bias of all of them stands in one entry.
    pub fn new(cube: &Cube, compact: &Compact, layers: &[WeightTiles], matrices: &[Matrix]) -> Option<Self> {
        if !matrices.iter().any(Matrix::is_shared) {
            return None;
        }
        let all: Vec<_> =
            layers.iter().zip(matrices).map(|(layer, matrix)| places(cube, layer, matrix)).collect();
        let period = compact.group * cube.strides().0;
        let mut ways: BTreeMap<Way, Vec<usize>> = BTreeMap::new();
        for places in all.iter().flatten() {
            let slots: Vec<_> = places.iter().map(|place| compact.slot(cube, *place)).collect();
            let Some(&(to, first)) = slots.first() else { continue };
            for (from, slot) in slots {
                ways.entry((to, from, (slot + period - first) % period)).or_default().push(first);
            }
        }
        let base = base(&ways.keys().map(|(_, _, distance)| *distance).collect(), period);
        Some(Self::staged(ways, base, period, compact.ciphertexts()))
    }

    /// The two stages: `base` is what the distances of the second are multiples of.
    fn staged(ways: BTreeMap<Way, Vec<usize>>, base: usize, period: usize, ciphertexts: usize) -> Self {
        let mut first: Vec<Vec<usize>> = vec![Vec::new(); ciphertexts];
        let mut sums: Vec<BTreeMap<usize, Vec<SharedTerm>>> = vec![BTreeMap::new(); ciphertexts];
        let mut sets = Vec::new();
        for ((to, ciphertext, distance), slots) in ways {
            let (near, far) = (distance % base, distance - distance % base);
            let steps = &mut first[ciphertext];
            let step = steps.iter().position(|step| *step == near).unwrap_or_else(|| {
                steps.push(near);
                steps.len() - 1
            });
            sums[to].entry(far).or_default().push(SharedTerm { ciphertext, step, set: sets.len() });
            sets.push(slots.into_iter().map(|slot| (slot + far) % period).collect());
        }
        let part = |(rotation, terms)| SharedPart { rotation, terms };
        let sums = sums.into_iter().map(|parts| parts.into_iter().map(part).collect()).collect();
        Self { first, sums, sets, period }
    }

    /// A value on a set, in as many slots.
    pub(super) fn slots<V: Copy + Default>(&self, set: usize, value: V, count: usize) -> Vec<V> {
        let mut out = vec![V::default(); count];
        for start in (0..count).step_by(self.period) {
            self.sets[set].iter().for_each(|slot| out[start + slot] = value);
        }
        out
    }
}

/// Rotations of the second stage count as so many of the first.
const SECOND: usize = 2;
/// Distances that are tried as the base, at most.
const BASES: usize = 512;

/// The number whose multiples leave fewest rotations: one of the distances, or the period.
fn base(distances: &BTreeSet<usize>, period: usize) -> usize {
    let cost = |base: &usize| {
        let near: BTreeSet<usize> = distances.iter().map(|distance| distance % base).collect();
        let far: BTreeSet<usize> = distances.iter().map(|distance| distance - distance % base).collect();
        near.len() + SECOND * far.len()
    };
    let tried = distances.iter().copied().filter(|distance| *distance > 0).take(BASES).chain([period]);
    tried.min_by_key(cost).unwrap_or(period)
}
