//! Weights out of the run folder of a training: the tensors `integers.linearN.weight` and `.bias`, beside which the metadata says their
//! fractional bits.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors};

use crate::Failure;
use crate::model::{SHAPES, Trained};

/// The weights of `model.private.safetensors`.
///
/// # Errors
/// If it is of another network, of another kind of numbers, or a number does not fit 16 bits.
pub fn import(bytes: &[u8]) -> Result<Trained, Failure> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let none = HashMap::new();
    let fields = metadata.metadata().as_ref().unwrap_or(&none);
    let tensors = SafeTensors::deserialize(bytes)?;
    let (mut layers, mut bits) = ([[vec![], vec![]], [vec![], vec![]], [vec![], vec![]]], None);
    for (l, (layer, [outputs, inputs])) in layers.iter_mut().zip(SHAPES).enumerate() {
        for (numbers, kind) in layer.iter_mut().zip(["bias", "weight"]) {
            let name = format!("linear{}.{kind}", l + 1);
            let field = format!("{name}.fraction_bits");
            let found: u8 =
                fields.get(&field).ok_or_else(|| format!("the metadata have no {field}"))?.parse()?;
            if *bits.get_or_insert(found) != found {
                return Err(format!("{name} has {found} fractional bits, others have not").into());
            }
            let tensor = tensors.tensor(&format!("integers.{name}"))?;
            // Weights stand by inputs, as they are multiplied in a training.
            let shape = if kind == "bias" { vec![outputs] } else { vec![inputs, outputs] };
            if tensor.dtype() != Dtype::I64 || tensor.shape() != shape {
                let found = (tensor.dtype(), tensor.shape());
                return Err(format!("{name} is {found:?}, needed I64 and {shape:?}").into());
            }
            let words = tensor.data().as_chunks::<8>().0;
            let small = |word: &[u8; 8]| i16::try_from(i64::from_le_bytes(*word));
            let read: Vec<i16> = words.iter().map(small).collect::<Result<_, _>>()?;
            *numbers = match kind {
                "bias" => read,
                _ => (0..outputs).flat_map(|o| read.iter().skip(o).step_by(outputs)).copied().collect(),
            };
        }
    }
    Ok(Trained { fraction_bits: bits.unwrap_or(0), layers })
}
