//! Tensors as they come and go.

use he_core::wire::{Reader, WireError, Writer};
use rayon::prelude::*;

use super::{Layers, TableEngine};
use crate::engine::{EngineError, Pieces, Result};
use crate::layout::Rows;
use crate::program::Tensor;

/// Whether a tensor is of the weights of all layers.
fn is_weights(tensor: Tensor) -> bool {
    matches!(tensor, Tensor::Weights | Tensor::NewWeights)
}

impl<L: Layers> TableEngine<L> {
    /// Ciphertexts of a tensor of so many images.
    fn pieces(&self, tensor: Tensor, images: usize) -> Result<usize> {
        let places = self.layers.places();
        if is_weights(tensor) {
            return Ok(places.weight_pieces());
        }
        let rows = Rows::of(tensor, self.depth).filter(|_| images > 0);
        let unplanned = || EngineError::Unplanned(tensor.to_string());
        Ok(places.pieces(rows.ok_or_else(unplanned)?, images))
    }

    /// The ciphertexts of a tensor that came.
    pub(super) fn read(&self, tensor: Tensor, images: usize, parts: &[Pieces]) -> Result<Vec<L::Cipher>> {
        let wrong = |source| EngineError::Message { tensor, source };
        let needed = self.pieces(tensor, images)?;
        let found = parts.iter().map(Pieces::len).sum::<usize>();
        let [pieces] = parts else { return Err(wrong(count("parts", parts.len(), 1))) };
        if found != needed {
            return Err(wrong(count("ciphertexts", found, needed)));
        }
        let whole = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            let ciphertext = self.layers.read(&mut reader)?;
            reader.finish("ciphertext")?;
            Ok(ciphertext)
        };
        pieces.all().into_par_iter().map(whole).collect::<Result<_, WireError>>().map_err(wrong)
    }

    /// Takes a tensor: weights are opened, others stay sealed until they are used.
    pub(super) fn accept(&mut self, tensor: Tensor, images: usize, parts: &[Pieces]) -> Result<()> {
        let read = self.read(tensor, images, parts)?;
        if is_weights(tensor) {
            self.tensors.remove(&Tensor::NewWeights);
            self.tensors.remove(&Tensor::Expanded);
            self.put(Tensor::Weights, read);
            return Ok(());
        }
        self.tensors.remove(&tensor);
        self.images = images;
        self.sealed.extend(parts.iter().map(|pieces| (tensor, pieces.clone())));
        Ok(())
    }

    /// A tensor as it is sent.
    pub(super) fn written(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>> {
        let wrong = |source| EngineError::Message { tensor, source };
        let write = |cipher: &L::Cipher| {
            let mut out = Writer::new();
            self.layers.write(cipher, &mut out).map_err(wrong)?;
            Ok(out.finish())
        };
        let kept = tensor == Tensor::Weights;
        let small = |cipher| if kept { write(cipher) } else { write(&self.layers.smallest(cipher)?) };
        let written = self.get(tensor)?.par_iter().map(small).collect::<Result<_>>()?;
        if !kept {
            self.tensors.remove(&tensor);
        }
        Ok(vec![written])
    }
}

fn count(what: &'static str, found: usize, needed: usize) -> WireError {
    WireError::Invalid { what, why: format!("{found}, the plan has {needed}") }
}
