//! Weights from compact ciphertexts to tiles, and gradients back.

use rayon::prelude::*;

use super::{Exact, Level, SlotOps, Tensors};
use crate::engine::Result;
use crate::layout::{Images, Mask, Sharing, Side};
use crate::program::Tensor;

/// A term of a gradient tile.
struct Term<'s, S: SlotOps> {
    value: S::Scalar,
    at_zero: Option<Side>,
    tile: &'s S::Ciphertext,
}

impl<S: SlotOps> Term<'_, S> {
    fn mask(&self, images: Images) -> S::Mask {
        let at = |side| (self.at_zero == Some(side)).then_some(0);
        Mask { x: at(Side::P), z: at(Side::Q), ..Mask::on(images, self.value) }.into()
    }
}

impl<V: Copy + Send + Sync> Exact<'_, V> {
    /// Distance in slots from one image to the next, times each of the shifts within a compact group.
    fn shifts(&self) -> Vec<isize> {
        let stride = self.geometry.cube.strides().0 as isize;
        (0..self.geometry.compact.group as isize).map(|r| r * stride).collect()
    }

    /// Compact ciphertexts to tiles.
    pub(super) fn expanded<S: SlotOps<Scalar = V>>(
        &self,
        ops: &S,
        compact: &[S::Ciphertext],
    ) -> Result<Vec<S::Ciphertext>> {
        let (layout, shifts, level) =
            (&self.geometry.compact, self.shifts(), self.level_of(Tensor::Expanded));
        let groups = compact.par_iter().enumerate().map(|(g, group)| {
            let rotated = ops.rotate_many(group, &shifts)?;
            (0..layout.tiles_in(g))
                .into_par_iter()
                .map(|m| {
                    let terms: Vec<_> = (rotated.iter().enumerate())
                        .map(|(r, rotated)| {
                            let residue = (layout.group + m - r) % layout.group;
                            let images = Images::Class { modulus: layout.group, residue };
                            (Mask::on(images, S::ONE).into(), rotated)
                        })
                        .collect();
                    ops.masked_sum(&terms, level)
                })
                .collect::<Result<Vec<_>>>()
        });
        Ok(groups.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The terms of the gradient in every tile: the tile's products, or for a bias tile the errors of every image tile.
    fn gradient_terms<'t, S: SlotOps<Scalar = V>>(
        &self,
        tensors: &'t impl Tensors<S::Ciphertext>,
    ) -> Result<Vec<Vec<Term<'t, S>>>> {
        let cube = &self.geometry.cube;
        let mut tiles = Vec::with_capacity(self.geometry.compact.tiles);
        for (&l, layer) in self.geometry.numbers.iter().zip(&self.geometry.layers) {
            let outputs = layer.counts(cube).1;
            let (of_weights, of_bias) = self.formulas.layers[l].gradient;
            let weight = |tile| vec![Term { value: of_weights, at_zero: None, tile }];
            tiles.extend(tensors.get(Tensor::Products(l))?.iter().map(weight));
            let errors = tensors.get(Tensor::Error(l))?;
            tiles.extend((0..outputs).map(|o| {
                let column = errors.iter().skip(o).step_by(outputs);
                column.map(|tile| Term { value: of_bias, at_zero: Some(layer.side), tile }).collect()
            }));
        }
        Ok(tiles)
    }

    /// The gradient of all layers, summed over the images, in compact ciphertexts: of each weight where its first entry stands.
    pub(super) fn gradient<S: SlotOps<Scalar = V>>(
        &self,
        ops: &S,
        tensors: &impl Tensors<S::Ciphertext>,
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        match &self.geometry.sharing {
            None => self.collect(ops, tensors, level),
            Some(sharing) => {
                self.sum_shared(ops, sharing, &self.collect(ops, tensors, Level::default())?, level)
            }
        }
    }

    /// Sums over the entries of each weight.
    fn sum_shared<S: SlotOps<Scalar = V>>(
        &self,
        ops: &S,
        sharing: &Sharing,
        compact: &[S::Ciphertext],
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        let one = S::ONE;
        let first = compact.par_iter().zip(&sharing.first).map(|(ciphertext, steps)| match steps[..] {
            [0] => Ok(vec![ciphertext.clone()]),
            _ => ops.rotate_many(ciphertext, &steps.iter().map(|k| *k as isize).collect::<Vec<_>>()),
        });
        let first = first.collect::<Result<Vec<_>>>()?;
        let sums = sharing.sums.par_iter().map(|parts| {
            let parts = parts.par_iter().map(|part| {
                let mask = |set| S::Mask::from(Mask { set: Some(set), ..Mask::on(Images::All, one) });
                let terms =
                    part.terms.iter().map(|term| (mask(term.set), &first[term.ciphertext][term.step]));
                let sum = ops.masked_sum(&terms.collect::<Vec<_>>(), level)?;
                match part.rotation {
                    0 => Ok(sum),
                    rotation => Ok(ops.rotate(&sum, rotation as isize)?),
                }
            });
            match &parts.collect::<Result<Vec<_>>>()?[..] {
                [only] => Ok(only.clone()),
                parts => ops.combine(&parts.iter().map(|part| (one, part)).collect::<Vec<_>>()),
            }
        });
        sums.collect()
    }

    /// The gradient of every entry, summed over the images.
    fn collect<S: SlotOps<Scalar = V>>(
        &self,
        ops: &S,
        tensors: &impl Tensors<S::Ciphertext>,
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        let (layout, shifts) = (&self.geometry.compact, self.shifts());
        let rotations = self.geometry.cube.image_sum(layout.group);
        let tiles = self.gradient_terms::<S>(tensors)?;
        tiles
            .par_chunks(layout.group)
            .map(|tiles| {
                let shifted = (0..layout.group).into_par_iter().map(|r| {
                    let terms: Vec<_> = (tiles.iter().enumerate())
                        .flat_map(|(m, terms)| terms.iter().map(move |term| (m, term)))
                        .map(|(m, term)| {
                            let residue = (m + r) % layout.group;
                            (term.mask(Images::Class { modulus: layout.group, residue }), term.tile)
                        })
                        .collect();
                    let sum = ops.masked_sum(&terms, level)?;
                    Ok(ops.rotate_many(&sum, &shifts[r..=r])?.swap_remove(0))
                });
                let shifted = shifted.collect::<Result<Vec<_>>>()?;
                let sum = ops.sum_unrelated(&shifted.iter().collect::<Vec<_>>())?;
                ops.rotate_and_add(sum, &rotations)
            })
            .collect()
    }
}
