//! Frozen networks as safetensors.
//!
//! The entry `network` of the header is the shape of the images and the layers, such as `1x28x28 Conv2d
//! BatchNorm2d ReLU AvgPool2d(2)`. The numbers are tensors of single precision, named as PyTorch names those
//! of an `nn.Sequential` of the same layers: `0.weight`, `0.bias`, `1.running_mean`, ...

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{AvgPool2d, BatchNorm2d, Conv2d, Frozen, FrozenError, Layer, Relu, Result, Shape};

/// The frozen networks inside the program, by name; `data/PROVENANCE.md` says how they were made.
pub const BUILTIN: [(&str, &[u8]); 1] = [("digits-cnn", include_bytes!("../../data/digits-cnn.safetensors"))];

/// Bytes of a file.
const LARGEST_FILE: u64 = 1 << 24;
/// The entry of the header.
const ENTRY: &str = "network";
/// Names of the numbers of a normalization, in their order.
const NORM: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

impl Frozen {
    /// Writes a file, in place of one that is there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes()?;
        std::fs::write(path, bytes).map_err(|source| FrozenError::Io { path: path.to_owned(), source })
    }

    /// A network inside the program by its name, or else the file of this path.
    ///
    /// # Errors
    /// As [`Frozen::read`].
    pub fn find(name_or_path: &str) -> Result<Self> {
        match BUILTIN.iter().find(|(name, _)| *name == name_or_path) {
            Some((name, bytes)) => Self::from_bytes(bytes, name),
            None => Self::read(Path::new(name_or_path)),
        }
    }

    /// Reads a file of at most 16 MiB.
    ///
    /// # Errors
    /// If it cannot be read, or as [`Frozen::from_bytes`].
    pub fn read(path: &Path) -> Result<Self> {
        let io = |source| FrozenError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)).map_err(io)?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// A network from the bytes of a file; `file` is their name in errors.
    ///
    /// # Errors
    /// If the bytes are no safetensors, have no or a faulty list of layers, a tensor is missing, is of
    /// another type or shape, holds numbers that are not finite or belongs to no layer, or the layers do not
    /// fit each other.
    pub fn from_bytes(bytes: &[u8], file: &str) -> Result<Self> {
        parse(bytes).map_err(|error| FrozenError::File { file: file.to_owned(), what: error.to_string() })
    }

    /// The bytes of a file: the same for the same network.
    ///
    /// # Errors
    /// Never, as far as is known.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> =
            self.layers().iter().enumerate().flat_map(|(index, layer)| tensors(index, layer)).collect();
        let views = (tensors.iter())
            .map(|(name, shape, bytes)| {
                Ok((name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
            })
            .collect::<Result<HashMap<_, _>, _>>();
        let entry = HashMap::from([(ENTRY.to_owned(), self.listing())]);
        (views.and_then(|views| safetensors::serialize(views, Some(entry)))).map_err(wrong)
    }

    /// Shape and layers as text.
    fn listing(&self) -> String {
        let layer = |layer: &Layer| match layer {
            Layer::Conv2d(_) => " Conv2d".to_owned(),
            Layer::BatchNorm2d(_) => " BatchNorm2d".to_owned(),
            Layer::Relu(_) => " ReLU".to_owned(),
            Layer::AvgPool2d(pool) => format!(" AvgPool2d({})", pool.side()),
        };
        std::iter::once(self.input().to_string()).chain(self.layers().iter().map(layer)).collect()
    }
}

fn wrong(error: safetensors::SafeTensorError) -> FrozenError {
    FrozenError::Numbers(error.to_string())
}

/// Name, shape and bytes of the numbers of a layer.
fn tensors(index: usize, layer: &Layer) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let tensor = |name: &str, shape: &[usize], values: &[f32]| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        (format!("{index}.{name}"), shape.to_vec(), bytes)
    };
    match layer {
        Layer::Conv2d(conv) => vec![
            tensor("weight", &conv.shape(), conv.weight()),
            tensor("bias", &[conv.bias().len()], conv.bias()),
        ],
        Layer::BatchNorm2d(norm) => {
            let numbers = NORM.into_iter().zip(norm.numbers());
            numbers.map(|(name, values)| tensor(name, &[values.len()], values)).collect()
        }
        Layer::Relu(_) | Layer::AvgPool2d(_) => vec![],
    }
}

fn parse(bytes: &[u8]) -> Result<Frozen> {
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(FrozenError::Numbers(format!("more than {LARGEST_FILE} bytes")));
    }
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let entry = header.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let missing = || FrozenError::Numbers(format!("the header has no entry `{ENTRY}`"));
    let mut words = entry.ok_or_else(missing)?.split_whitespace();
    let input = shape(words.next().unwrap_or_default())?;
    let layer = |(index, word)| layer(&tensors, index, word).map_err(|error| error.at(index));
    let layers = words.enumerate().map(layer).collect::<Result<Vec<_>, _>>()?;
    let known: HashSet<String> = (layers.iter().enumerate())
        .flat_map(|(index, layer)| self::tensors(index, layer).into_iter().map(|(name, ..)| name))
        .collect();
    if let Some(name) = tensors.names().iter().find(|name| !known.contains(**name)) {
        return Err(FrozenError::Numbers(format!("tensor `{name}` belongs to no layer")));
    }
    Frozen::new(input, layers)
}

/// A shape such as 1x28x28.
fn shape(text: &str) -> Result<Shape> {
    let sides: Option<Vec<usize>> = text.split('x').map(|side| side.parse().ok()).collect();
    match sides.as_deref() {
        Some(&[channels, rows, columns]) => Shape::new(channels, rows, columns),
        _ => Err(FrozenError::Numbers(format!("`{text}` in the header; a shape such as 1x28x28 is needed"))),
    }
}

/// The layer that a word of the list names, with its numbers.
fn layer(tensors: &SafeTensors<'_>, index: usize, word: &str) -> Result<Layer> {
    let numbers = |name: &str| vector(tensors, &format!("{index}.{name}"));
    let pool = word.strip_prefix("AvgPool2d(").and_then(|rest| rest.strip_suffix(')')?.parse().ok());
    match (word, pool) {
        ("Conv2d", _) => {
            let (shape, weight) = values::<4>(tensors, &format!("{index}.weight"))?;
            Ok(Layer::Conv2d(Conv2d::new(shape, weight, numbers("bias")?)?))
        }
        ("BatchNorm2d", _) => {
            let [scale, shift, mean, variance] = NORM;
            let (scale, shift) = (numbers(scale)?, numbers(shift)?);
            let norm = BatchNorm2d::new(scale, shift, numbers(mean)?, numbers(variance)?)?;
            Ok(Layer::BatchNorm2d(norm))
        }
        ("ReLU", _) => Ok(Layer::Relu(Relu)),
        (_, Some(side)) => Ok(Layer::AvgPool2d(AvgPool2d::new(side)?)),
        _ => Err(FrozenError::Numbers(format!(
            "`{word}`; Conv2d, BatchNorm2d, ReLU or AvgPool2d(side) is needed"
        ))),
    }
}

fn vector(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>> {
    Ok(values::<1>(tensors, name)?.1)
}

/// Shape and values of a tensor with so many axes.
fn values<const AXES: usize>(tensors: &SafeTensors<'_>, name: &str) -> Result<([usize; AXES], Vec<f32>)> {
    let view = tensors.tensor(name).map_err(|error| FrozenError::Numbers(format!("{name}: {error}")))?;
    let shape: Option<[usize; AXES]> = view.shape().try_into().ok();
    let (Some(shape), Dtype::F32) = (shape, view.dtype()) else {
        let (dtype, found) = (view.dtype(), view.shape());
        let what = format!("{name} is {dtype:?} of shape {found:?}; F32 with {AXES} axes is needed");
        return Err(FrozenError::Numbers(what));
    };
    let word = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap_or_default());
    Ok((shape, view.data().chunks_exact(4).map(word).collect()))
}
