//! Blocks: where the tensors of a step stand in slots, an image beside the other.
//!
//! All layers share vectors of `S` slots. A layer with `K` inputs, the constant one for the bias among them, and `O` outputs, both
//! rounded up to powers of two, has blocks of `K·O` slots, one for each of `S/(K·O)` images: value `(k, o)` of image `u` is slot
//! `(u·O + o)·K + k`. What does not fit a ciphertext goes on in further ones. Inputs are the same for all `o`, errors for all `k`
//! and weights for all `u`; so
//!
//! ```text
//! forward   Σ_k a·w    rotations by 1, 2, …, K/2         at k = 0
//! backward  Σ_o d·w    rotations by K, 2K, …, K·O/2      at o = 0
//! gradient  Σ_u a·d    rotations by K·O, …, S/2          everywhere: the rotations are those of all slots
//! ```

use super::{At, Places, Rows};

/// The shape of a layer in slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Inputs without the constant one.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
}

impl Block {
    /// `K`.
    pub(crate) fn width(&self) -> usize {
        (self.inputs + 1).next_power_of_two()
    }

    /// `O`.
    pub(crate) fn height(&self) -> usize {
        self.outputs.next_power_of_two()
    }

    /// Slots of an image.
    pub(crate) fn size(&self) -> usize {
        self.width() * self.height()
    }

    /// The slot of value `(k, o)` of an image.
    pub(crate) fn slot(&self, image: usize, k: usize, o: usize) -> usize {
        (image * self.height() + o) * self.width() + k
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "Packing")]
pub(crate) struct BlockLayout {
    /// The layers.
    pub layers: Vec<Block>,
    /// `S`.
    pub slots: usize,
}

impl BlockLayout {
    /// Of a network with widths from the features to the outputs, for mini-batches of `batch` images, in as few of at most `most`
    /// slots as hold a mini-batch, and two at least: values of a table need no fewer coefficients than a ciphertext of their ring has.
    ///
    /// # Errors
    /// The layer, counted from 0, of which an image has more slots than a ciphertext, and their number.
    pub(crate) fn new(widths: &[usize], batch: usize, most: usize) -> Result<Self, (usize, usize)> {
        let layers: Vec<Block> =
            widths.windows(2).map(|pair| Block { inputs: pair[0], outputs: pair[1] }).collect();
        if let Some(refused) = layers.iter().map(Block::size).enumerate().find(|(_, size)| *size > most) {
            return Err(refused);
        }
        let needed = |layer: &Block| batch.next_power_of_two().saturating_mul(layer.size()).min(most);
        let slots = layers.iter().map(needed).max().unwrap_or(1).max(2);
        Ok(Self { layers, slots })
    }

    /// Images of a layer in a ciphertext.
    pub(crate) fn images(&self, l: usize) -> usize {
        self.slots / self.layers[l].size()
    }

    fn layer(rows: Rows) -> usize {
        match rows {
            Rows::Inputs(l) | Rows::Sums(l) | Rows::Errors(l) | Rows::InputGradients(l) => l,
        }
    }
}

impl Places for BlockLayout {
    fn widths(&self) -> Vec<usize> {
        let first = self.layers.first().map(|layer| layer.inputs);
        first.into_iter().chain(self.layers.iter().map(|layer| layer.outputs)).collect()
    }

    fn size(&self) -> usize {
        self.slots
    }

    fn pieces(&self, rows: Rows, images: usize) -> usize {
        images.div_ceil(self.images(Self::layer(rows)))
    }

    fn places(&self, rows: Rows, image: usize, column: usize) -> Vec<At> {
        let l = Self::layer(rows);
        let (block, images) = (self.layers[l], self.images(l));
        let at = |k, o| At { piece: image / images, index: block.slot(image % images, k, o), negated: false };
        match rows {
            Rows::Inputs(_) => (0..block.height()).map(|o| at(column, o)).collect(),
            Rows::Errors(_) => (0..block.width()).map(|k| at(k, column)).collect(),
            Rows::Sums(_) => vec![at(0, column)],
            Rows::InputGradients(_) => vec![at(column, 0)],
        }
    }

    fn weight_pieces(&self) -> usize {
        self.layers.len()
    }

    fn weight(&self, l: usize, input: usize, output: usize) -> Vec<At> {
        let at = |image| At { piece: l, index: self.layers[l].slot(image, input, output), negated: false };
        (0..self.images(l)).map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_stands_where_something_else_does() {
        for (widths, batch, most) in
            [(&[4, 3][..], 6, 1024), (&[4, 5, 3], 6, 1024), (&[9, 5, 3], 30, 128), (&[1, 1], 1, 8)]
        {
            let layout = BlockLayout::new(widths, batch, most).unwrap();
            assert_eq!(layout.widths(), widths);
            for l in 0..widths.len() - 1 {
                for rows in [Rows::Inputs(l), Rows::Sums(l), Rows::Errors(l), Rows::InputGradients(l)] {
                    let (columns, pieces) = (layout.columns(rows), layout.pieces(rows, batch));
                    let all = (0..batch * columns).map(|i| layout.places(rows, i / columns, i % columns));
                    let all: Vec<At> = all.flatten().collect();
                    let own: HashSet<_> = all.iter().map(|at| (at.piece, at.index)).collect();
                    assert_eq!(own.len(), all.len(), "{rows:?}");
                    assert!(own.iter().all(|at| at.0 < pieces && at.1 < layout.slots));
                }
                // A weight stands beside its input and its error in every image.
                let (block, per) = (layout.layers[l], layout.images(l));
                for (k, o) in (0..block.inputs).flat_map(|k| (0..block.outputs).map(move |o| (k, o))) {
                    let weight: HashSet<_> = layout.weight(l, k, o).iter().map(|at| at.index).collect();
                    for image in 0..batch {
                        let of = |rows, column| -> HashSet<_> {
                            let all = layout.places(rows, image, column);
                            all.iter().map(|at| at.index).collect()
                        };
                        let (input, error) = (of(Rows::Inputs(l), k), of(Rows::Errors(l), o));
                        let both: Vec<_> = input.intersection(&error).collect();
                        assert_eq!(both, [&block.slot(image % per, k, o)]);
                        assert!(weight.contains(both[0]));
                    }
                }
            }
        }
    }

    #[test]
    fn a_layer_that_fits_no_ciphertext_is_named() {
        assert_eq!(BlockLayout::new(&[3, 30, 3], 30, 64), Err((0, 128)));
        assert_eq!(BlockLayout::new(&[1, 2, 300], 1, 1024), Err((1, 2048)));
        assert_eq!(BlockLayout::new(&[1, 1], 1, 1024).unwrap().slots, 2);
    }
}
