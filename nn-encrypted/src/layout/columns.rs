//! Columns: a unit of a layer stands with all images of a mini-batch, in slots that follow one another.
//!
//! `G` groups of `B` images, slot `g·B + y`. In the form *beside one another* unit `i` stands in group `i mod G` of ciphertext `i div G`; in
//! the form *everywhere* it has a ciphertext, and stands in every group of it. Groups are the outer axis: a sum over all of them, by
//! rotations of whole rows and a swap of the two, is right in every group, without a mask. A sum over images is right at image 0.
//!
//! Values that stand at image 0 alone are *packed*: ciphertext `k` of up to `B`, moved `left(k, count)` slots to the left, leaves its
//! slots to the others. All rotations are to the left: a value that is moved behind the images of its group and copied to the left over
//! as many slots stands at all images of the group [`BACK`] groups before its own. What it is multiplied with is *moved back* as far.

use super::Rotation;

/// Groups by which packed values that were spread stand before their own, within a row.
const BACK: usize = 2;

/// Groups of images; both are powers of two, and there are at least two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) groups: usize,
    pub(crate) images: usize,
}

impl Columns {
    /// The columns of so many slots in two rows, for mini-batches of so many images; none if those do not fit a row.
    pub(crate) fn new(slots: usize, batch: usize) -> Option<Self> {
        let images = batch.checked_next_power_of_two()?;
        let groups = slots / images;
        (groups >= 2).then_some(Self { groups, images })
    }

    pub(crate) fn slots(&self) -> usize {
        self.groups * self.images
    }

    /// Ciphertexts of units beside one another.
    pub(crate) fn tiles(&self, units: usize) -> usize {
        units.div_ceil(self.groups)
    }

    /// Ciphertext and slot of a unit beside others, at an image.
    pub(crate) fn place(&self, unit: usize, image: usize) -> (usize, usize) {
        (unit / self.groups, unit % self.groups * self.images + image)
    }

    /// The slot of a unit beside others, at an image, where all are moved back.
    pub(crate) fn moved_back(&self, unit: usize, image: usize) -> usize {
        self.moved_left(self.place(unit, image).1, BACK * self.images)
    }

    /// The slot that the value of a slot comes to, so many slots to the left in its row.
    pub(crate) fn moved_left(&self, slot: usize, by: usize) -> usize {
        let row = self.slots() / 2;
        slot / row * row + (slot % row + row - by % row) % row
    }

    /// The rotations that move rows to the left, of those that sum.
    pub(crate) fn left(&self, by: usize) -> impl Iterator<Item = Rotation> {
        let row = self.slots() / 2;
        (0..row.trailing_zeros()).filter(move |bit| by >> bit & 1 == 1).map(|bit| Rotation::Rows(1 << bit))
    }

    /// The rotations that move units beside one another back.
    pub(crate) fn back(&self) -> impl Iterator<Item = Rotation> {
        self.left(BACK * self.images)
    }

    /// How many of `count` ciphertexts with values at image 0 the ciphertext of number `at` is packed with, itself counted.
    pub(crate) fn packed_with(&self, at: usize, count: usize) -> usize {
        (count - at / self.images * self.images).min(self.images)
    }

    /// How far to the left a packing of `count` ciphertexts is moved, beyond its number, each.
    pub(crate) fn packing(&self, count: usize) -> usize {
        self.images - count.next_power_of_two()
    }

    /// How far to the left ciphertext `at` of a packing of `count` is moved for its values to stand at the last image of a group.
    pub(crate) fn unpacking(&self, at: usize, count: usize) -> usize {
        count.next_power_of_two() + 1 - at % self.images
    }

    /// The packed slot of a unit of ciphertext `at` of `count`, each with values beside one another; and the packing.
    pub(crate) fn packed(&self, at: usize, count: usize, unit: usize) -> (usize, usize) {
        let by = self.packing(self.packed_with(at, count)) + at % self.images;
        (at / self.images, self.moved_left(self.place(unit, 0).1, by))
    }

    /// The rotations that sum over groups, each added to what was rotated.
    pub(crate) fn group_sum(&self) -> Vec<Rotation> {
        let rows = (0..(self.groups / 2).trailing_zeros()).map(|k| Rotation::Rows(self.images << k));
        rows.chain([Rotation::Swap]).collect()
    }

    /// The rotations that sum over images.
    pub(crate) fn image_sum(&self) -> Vec<Rotation> {
        (0..self.images.trailing_zeros()).map(|k| Rotation::Rows(1 << k)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both rows left by `k`, or swapped, and added.
    fn added(a: &[i64], rotation: Rotation) -> Vec<i64> {
        let row = a.len() / 2;
        let from = |i: usize| match rotation {
            Rotation::Rows(k) => i / row * row + (i % row + k) % row,
            Rotation::Swap => (i + row) % a.len(),
        };
        (0..a.len()).map(|i| a[i] + a[from(i)]).collect()
    }

    #[test]
    fn sums_are_right_where_they_are_said_to_be() {
        let columns = Columns::new(64, 5).unwrap();
        assert_eq!((columns.groups, columns.images, columns.tiles(9)), (8, 8, 2));
        let all: Vec<i64> = (0..64).map(|i| i * i % 31).collect();
        let groups = columns.group_sum().into_iter().fold(all.clone(), |a, rotation| added(&a, rotation));
        let images = columns.image_sum().into_iter().fold(all.clone(), |a, rotation| added(&a, rotation));
        for g in 0..8 {
            for y in 0..8 {
                let sum: i64 = (0..8).map(|g| all[columns.place(g, y).1]).sum();
                assert_eq!(groups[g * 8 + y], sum);
            }
            assert_eq!(images[g * 8], (0..8).map(|y| all[g * 8 + y]).sum::<i64>());
        }
        assert_eq!(Columns::new(64, 33), None);
    }

    /// Both rows left by `k`.
    fn rotated(a: &[i64], rotations: impl Iterator<Item = Rotation>) -> Vec<i64> {
        let left =
            |a: Vec<i64>, rotation| added(&a, rotation).iter().zip(&a).map(|(sum, a)| sum - a).collect();
        rotations.fold(a.to_vec(), left)
    }

    #[test]
    fn packed_values_come_to_all_images_of_the_group_that_they_are_moved_back_to() {
        for (slots, images, count) in
            [(64_usize, 8_usize, 11_usize), (64, 32, 5), (64, 16, 16), (64, 4, 1), (8, 1, 3)]
        {
            let columns = Columns::new(slots, images).unwrap();
            let value = |at: usize, unit: usize| (1 + at * columns.groups + unit) as i64;
            let mut packed = vec![vec![0; slots]; count.div_ceil(images)];
            for (at, unit) in (0..count).flat_map(|at| (0..columns.groups).map(move |unit| (at, unit))) {
                let (packing, slot) = columns.packed(at, count, unit);
                assert_eq!(std::mem::replace(&mut packed[packing][slot], value(at, unit)), 0);
            }
            for at in 0..count {
                let moved = columns.left(columns.unpacking(at, columns.packed_with(at, count)));
                let mut all = rotated(&packed[at / images], moved);
                all.iter_mut()
                    .enumerate()
                    .filter(|(slot, _)| slot % images + 1 < images)
                    .for_each(|(_, v)| *v = 0);
                let spread = columns.image_sum().into_iter().fold(all, |a, rotation| added(&a, rotation));
                for (unit, image) in (0..columns.groups).flat_map(|unit| (0..images).map(move |y| (unit, y)))
                {
                    assert_eq!(
                        spread[columns.moved_back(unit, image)],
                        value(at, unit),
                        "{columns:?}, {at}, {unit}"
                    );
                }
            }
        }
    }
}
