//! Movement along the axes of the cube, for slots in one cycle with `P` on top.

use he_ckks::Complex64;
use rayon::prelude::*;

use super::{RealFormulas, RealMask, RealOps};
use crate::engine::slots::{Body, Level, Sign};
use crate::engine::{EngineError, Result};
use crate::layout::{Images, Mask, Side};

const ONE: Complex64 = Complex64::new(1.0, 0.0);

pub(super) fn on(images: Images, value: f64) -> RealMask {
    RealMask { mask: Mask::on(images, value * ONE), factors: None }
}

/// A value on some images at one index along a side.
fn at(images: Images, side: Side, index: usize, value: f64) -> RealMask {
    let RealMask { mask, factors } = on(images, value);
    let mask = match side {
        Side::P => Mask { x: Some(index), ..mask },
        Side::Q => Mask { z: Some(index), ..mask },
    };
    RealMask { mask, factors }
}

fn at_image(RealMask { mask, factors }: RealMask, image: usize) -> RealMask {
    RealMask { mask: Mask { images: Images::At(image), ..mask }, factors }
}

impl<S: RealOps> Body<'_, S, RealFormulas> {
    /// Adds copies rotated by `step`, `2·step`, … `times` times: to the left they sum, to the right they spread.
    fn double(&self, a: S::Ciphertext, step: isize, times: u32) -> Result<S::Ciphertext> {
        (0..times).try_fold(a, |a, k| self.ops.add(&a, &self.ops.rotate(&a, step << k)?))
    }

    fn all(&self, side: Side) -> u32 {
        self.numbers.cube().extent(side).trailing_zeros()
    }

    fn stride(&self, side: Side) -> isize {
        self.numbers.cube().stride(side) as isize
    }

    /// `Σ mask·a`: takes a level.
    fn masked_sum(&self, terms: &[(RealMask, &S::Ciphertext)]) -> Result<S::Ciphertext> {
        self.ops.masked_sum(terms, Level::default())
    }

    /// The value at index 0 along a side, the rest being zero, at every index.
    pub(super) fn spread(&self, a: S::Ciphertext, side: Side) -> Result<S::Ciphertext> {
        self.double(a, -self.stride(side), self.all(side))
    }

    /// Sums along a side that are right at index 0 of it, at every index and on some images; takes a level.
    pub(super) fn spread_sum(&self, a: &S::Ciphertext, side: Side, images: Images) -> Result<S::Ciphertext> {
        match side {
            Side::P => self.masked_sum(&[(on(images, 1.0), a)]),
            Side::Q => self.spread(self.masked_sum(&[(at(images, side, 0, 1.0), a)])?, side),
        }
    }

    /// Tiles whose values do not depend on the index along `idle` (along `Q`: are right at index 0), times a factor, in as few
    /// ciphertexts as that axis takes: tile `j` at index `j`. Takes a level. `images` says which images count in each tile.
    pub(super) fn pack(
        &self,
        tiles: &[S::Ciphertext],
        images: impl Fn(usize) -> Images + Sync,
        idle: Side,
        factor: f64,
    ) -> Result<Vec<S::Ciphertext>> {
        let extent = self.numbers.cube().extent(idle);
        let groups = tiles.chunks(extent).enumerate().map(|(g, tiles)| {
            let images = |j: usize| images(g * extent + j);
            match idle {
                Side::P => {
                    let mask = |j: usize| at(images(j), idle, j, factor);
                    let terms: Vec<_> = tiles.iter().enumerate().map(|(j, tile)| (mask(j), tile)).collect();
                    self.masked_sum(&terms)
                }
                Side::Q => {
                    let placed = tiles.par_iter().enumerate().map(|(j, tile)| {
                        let cut = self.masked_sum(&[(at(images(j), idle, 0, factor), tile)])?;
                        self.ops.rotate(&cut, -(j as isize) * self.stride(idle))
                    });
                    self.total(&placed.collect::<Result<Vec<_>>>()?)
                }
            }
        });
        groups.collect()
    }

    /// The tiles that were packed, at every index along `idle`, times a factor. Takes a level.
    pub(super) fn unpack(
        &self,
        packed: &[S::Ciphertext],
        tiles: usize,
        idle: Side,
        factor: f64,
    ) -> Result<Vec<S::Ciphertext>> {
        let extent = self.numbers.cube().extent(idle);
        let tile = |tile: usize| {
            let (group, j) = (packed.get(tile / extent).ok_or(EngineError::Empty)?, tile % extent);
            let cut = self.masked_sum(&[(at(Images::All, idle, j, factor), group)])?;
            let cut = match idle {
                Side::P => cut,
                Side::Q => self.ops.rotate(&cut, j as isize * self.stride(idle))?,
            };
            self.spread(cut, idle)
        };
        (0..tiles).into_par_iter().map(tile).collect()
    }

    pub(super) fn total(&self, terms: &[S::Ciphertext]) -> Result<S::Ciphertext> {
        self.ops.sum(&terms.iter().map(|term| (Sign::Plus, term)).collect::<Vec<_>>())
    }

    /// Slots from one tile of a compact group to the next, and images between them.
    fn place(&self) -> (isize, usize) {
        let images = self.numbers.cube().b / self.numbers.geometry.compact.group;
        (images as isize * self.numbers.cube().strides().0 as isize, images)
    }

    /// All rotations from tile to tile within a group of so many: by `r` tiles, `r` from `1 − M` to `tiles − 1`, in two stages that
    /// share their keys.
    fn shifts(&self, a: &S::Ciphertext, tiles: usize) -> Result<Vec<(isize, S::Ciphertext)>> {
        let (stride, _) = self.place();
        let (low, high) = (1 - self.numbers.geometry.compact.group as isize, tiles as isize - 1);
        let baby = baby_steps(self.numbers.geometry.compact.group);
        let giants: Vec<isize> = (low.div_euclid(baby)..=high.div_euclid(baby)).map(|g| g * baby).collect();
        let rotated = self.ops.rotate_many(a, &giants.iter().map(|g| g * stride).collect::<Vec<_>>())?;
        let rows = giants.par_iter().zip(&rotated).map(|(&g, rotated)| {
            let steps: Vec<isize> = (0..baby).filter(|b| (low..=high).contains(&(g + b))).collect();
            let found =
                self.ops.rotate_many(rotated, &steps.iter().map(|b| b * stride).collect::<Vec<_>>())?;
            Ok(steps.into_iter().map(|b| g + b).zip(found).collect::<Vec<_>>())
        });
        Ok(rows.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The tiles of a compact group, for every image; `value` gives the mask of each tile, without its images. Takes a level.
    pub(super) fn expand_group(
        &self,
        group: &S::Ciphertext,
        tiles: usize,
        value: impl Fn(usize) -> RealMask + Sync,
    ) -> Result<Vec<S::Ciphertext>> {
        let (_, images) = self.place();
        let shifted = self.shifts(group, tiles)?;
        let tile = |m: usize| {
            let here = shifted.iter().filter_map(|(r, rotated)| {
                // Image `y` of the rotated group is image `y + r`.
                let to = usize::try_from(m as isize - r)
                    .ok()
                    .filter(|to| *to < self.numbers.geometry.compact.group)?;
                Some((at_image(value(m), to * images), rotated))
            });
            let tile = self.masked_sum(&here.collect::<Vec<_>>())?;
            self.double(tile, -(self.numbers.cube().strides().0 as isize), images.trailing_zeros())
        };
        (0..tiles).into_par_iter().map(tile).collect()
    }

    /// Sums of each tile over the images, at the place of the tile in the compact group; `value` as in [`expand_group`](Self::expand_group).
    /// Takes a level.
    pub(super) fn collect_group(
        &self,
        tiles: &[&S::Ciphertext],
        value: impl Fn(usize) -> RealMask + Sync,
    ) -> Result<S::Ciphertext> {
        let (stride, images) = self.place();
        let step = self.numbers.cube().strides().0 as isize;
        let summed = tiles.par_iter().map(|tile| self.double((*tile).clone(), step, images.trailing_zeros()));
        let summed = summed.collect::<Result<Vec<_>>>()?;
        let (low, high) = (1 - tiles.len() as isize, self.numbers.geometry.compact.group as isize - 1);
        let shifted = |r: isize| {
            let terms = summed.iter().enumerate().filter_map(|(m, tile)| {
                let from = usize::try_from(m as isize + r)
                    .ok()
                    .filter(|from| *from < self.numbers.geometry.compact.group)?;
                Some((at_image(value(m), from * images), tile))
            });
            self.masked_sum(&terms.collect::<Vec<_>>())
        };
        // In two stages, as the tiles were expanded: babies first, then each sum of them by its giant.
        let baby = baby_steps(self.numbers.geometry.compact.group);
        let giants: Vec<isize> = (low.div_euclid(baby)..=high.div_euclid(baby)).map(|g| g * baby).collect();
        let parts = giants.par_iter().map(|&g| {
            let steps = (0..baby).filter(|b| (low..=high).contains(&(g + b)));
            let rotated = steps.map(|b| self.ops.rotate(&shifted(g + b)?, b * stride));
            let sum = self.total(&rotated.collect::<Result<Vec<_>>>()?)?;
            self.ops.rotate(&sum, g * stride)
        });
        self.total(&parts.collect::<Result<Vec<_>>>()?)
    }
}

/// Rotations of the first stage.
fn baby_steps(group: usize) -> isize {
    1 << (2 * group).ilog2().div_ceil(2)
}
