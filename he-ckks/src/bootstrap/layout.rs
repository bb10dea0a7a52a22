//! The factors of the transforms of bootstrapping, and the rotations that each takes.
//!
//! Layers `a + 1, …, b` of the embedding together have diagonals at the multiples of `2^a` up to `±(2^{b−a} − 1)·2^a`; with the
//! last layer the negative ones coincide with positive ones. A factor is applied with its lowest diagonal moved to 0, which
//! leaves its result rotated; later factors take that into account, since a rotated matrix is one with rotated diagonals. The
//! first factor is moved by what brings the sum of all to 0: nothing has to be rotated back.

use he_core::ring::embedding::Diagonals;

use crate::error::Error;
use crate::linear::rotations_of;
use crate::params::Parameters;
use crate::spec::Order;

/// One factor.
pub(super) struct Stage {
    /// Layers in the order of application.
    layers: Vec<u32>,
    /// Level of the ciphertext it takes.
    pub(super) level: usize,
    /// Rotation of its operand.
    pub(super) before: usize,
    /// Places by which its diagonals are moved.
    shift: usize,
    /// Giant steps are multiples of this.
    pub(super) period: usize,
    /// Its diagonals, before they are moved.
    indices: Vec<usize>,
}

impl Stage {
    fn new(layers: Vec<u32>, level: usize, slots: usize) -> Self {
        let low = layers.iter().min().map_or(0, |layer| layer - 1);
        let (unit, count) = (1usize << low, 1usize << layers.len());
        let wraps = unit * count >= slots;
        let span = if wraps { count } else { 2 * count - 1 };
        let indices = if wraps {
            (0..count).map(|k| k * unit % slots.max(1)).collect()
        } else {
            (0..span).map(|k| (slots + k * unit - (count - 1) * unit) % slots).collect()
        };
        let baby = 1usize << (span.next_power_of_two().trailing_zeros().div_ceil(2));
        let shift = if wraps { 0 } else { (count - 1) * unit };
        Self { layers, level, before: 0, shift, period: baby * unit, indices }
    }

    /// Its layers, in the order of application.
    pub(super) fn layers(&self) -> impl Iterator<Item = u32> + '_ {
        self.layers.iter().copied()
    }

    /// The diagonals of its matrix as they are applied: `rot_s∘M` on a rotated operand has the diagonal `d_k`, rotated by both,
    /// at `k + s`.
    pub(super) fn shifted(&self, matrix: &Diagonals, slots: usize) -> Diagonals {
        let rotation = (self.before + self.shift) % slots;
        (matrix.iter())
            .map(|(&k, diagonal)| {
                let mut diagonal = diagonal.clone();
                diagonal.rotate_left(rotation);
                ((k + self.shift) % slots, diagonal)
            })
            .collect()
    }

    fn rotations(&self, slots: usize) -> Vec<usize> {
        let moved = self.indices.iter().map(|k| (k + self.shift) % slots);
        rotations_of(moved, self.period)
    }
}

/// All factors, of each transform in the order of application.
pub(super) struct Layout {
    pub(super) to_coefficients: Vec<Stage>,
    pub(super) to_slots: Vec<Stage>,
    slots: usize,
}

impl Layout {
    pub(super) fn new(params: &Parameters, slots: usize) -> Result<Self, Error> {
        let spec = params.bootstrap()?;
        let embedding = params.embedding(slots)?;
        let up: Vec<u32> = (1..=embedding.layers()).collect();
        let down: Vec<u32> = up.iter().rev().copied().collect();
        let stages = |layers: &[u32], factors: usize, level: usize| -> Vec<Stage> {
            let parts = cut(layers, factors).into_iter().enumerate();
            parts.map(|(i, part)| Stage::new(part, level - i, slots)).collect()
        };
        let last_first = spec.order == Order::CoefficientsFirst;
        let start = if last_first { params.max_level() } else { spec.slots_to_coefficients };
        let mut to_coefficients = stages(&up, spec.slots_to_coefficients, start);
        let mut to_slots = stages(&down, spec.coefficients_to_slots, params.raised_level());
        let total: usize = to_coefficients.iter().chain(&to_slots).map(|stage| stage.shift).sum();
        // The sum of all becomes a multiple of the slots.
        to_coefficients[0].shift += (slots - total % slots) % slots;
        let both: [&mut [Stage]; 2] = [&mut to_coefficients, &mut to_slots];
        let [first, last] = if last_first {
            let [a, b] = both;
            [b, a]
        } else {
            both
        };
        let mut before = 0;
        for stage in first.iter_mut().chain(last) {
            stage.before = before % slots;
            before += stage.shift;
        }
        Ok(Self { to_coefficients, to_slots, slots })
    }

    /// Rotations and the level at which each is needed.
    pub(super) fn rotations(&self) -> impl Iterator<Item = (Vec<usize>, usize)> + '_ {
        let stages = self.to_coefficients.iter().chain(&self.to_slots);
        let ends = vec![self.rotation(), (self.slots - self.rotation()) % self.slots];
        stages.map(|stage| (stage.rotations(self.slots), stage.level)).chain([(ends, 0)])
    }

    /// Rotation of the operand of coefficients-to-slots.
    pub(super) fn rotation(&self) -> usize {
        self.to_slots.first().map_or(0, |stage| stage.before)
    }
}

/// Consecutive parts, the longer ones first.
fn cut(layers: &[u32], parts: usize) -> Vec<Vec<u32>> {
    let mut rest = layers;
    (0..parts)
        .map(|i| {
            let (part, after) = rest.split_at(rest.len().div_ceil(parts - i));
            rest = after;
            part.to_vec()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use he_core::ring::Embedding;
    use he_core::ring::embedding::multiply;

    #[test]
    fn parts_follow_each_other() {
        assert_eq!(cut(&[1, 2, 3, 4, 5], 2), [vec![1, 2, 3], vec![4, 5]]);
        assert_eq!(
            cut(&(1..=15).collect::<Vec<_>>(), 4).iter().map(Vec::len).collect::<Vec<_>>(),
            [4, 4, 4, 3]
        );
        assert_eq!(cut(&[1], 2), [vec![1], vec![]]);
    }

    #[test]
    fn indices_are_those_of_the_product_of_layers() {
        let (slots, embedding) = (64, Embedding::new(64));
        for layers in [vec![1], vec![1, 2, 3], vec![3, 4], vec![5, 6], vec![6, 5, 4], vec![1, 2, 3, 4, 5, 6]]
        {
            let stage = Stage::new(layers, 2, slots);
            let matrix =
                stage.layers().map(|k| embedding.layer(k)).reduce(|p, next| multiply(&next, &p)).unwrap();
            let mut expected: Vec<usize> = stage.indices.clone();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(matrix.keys().copied().collect::<Vec<_>>(), expected, "layers {:?}", stage.layers);
        }
    }
}
