//! Columns: a unit of a layer stands with all images of a mini-batch, in slots that follow one another.
//!
//! `G` groups of `B` images, slot `g·B + y`. In the form *beside one another* unit `i` stands in group `i mod G` of ciphertext `i div G`; in
//! the form *everywhere* it has a ciphertext, and stands in every group of it. Groups are the outer axis: a sum over all of them, by
//! rotations of whole rows and a swap of the two, is right in every group, without a mask. A sum over images is right at image 0.

use super::Rotation;

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
}
