//! Models as safetensors: real numbers in double precision, whatever the scheme.
//!
//! A layer `linear1` has the tensors `linear1.weight`, `linear1.bias`, `linear1.weight_momentum` and `linear1.bias_momentum`, row-major
//! in the shape of the layer. Numbers that an exact scheme holds are integers over a power of two, of which a float has every bit.
//! The metadata holds `format` and `version`, beside what the writer adds, such as the name of the recipe and fractional bits.
//!
//! Weights that are shown to others are a format of their own: the same without momenta, which are read as zeros.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{Grid, LayerState, Model};
use crate::network::{Layer, Network};

/// The `format` of the metadata.
const FORMAT: &str = "nn-encrypted model";
/// That of weights and biases alone.
const WEIGHTS: &str = "nn-encrypted weights";
/// The `version` of the metadata.
const VERSION: &str = "1";
/// Tensors of a layer.
const KINDS: [&str; 4] = ["weight", "bias", "weight_momentum", "bias_momentum"];

/// A model that cannot be written or read.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes are no safetensors, or of another format.
    #[error("{what}")]
    Foreign {
        /// Found and needed.
        what: String,
    },
    /// The model has other layers than the network.
    #[error("the model has {found} layers with weights; the network has {needed}")]
    Layers {
        /// Those of the model.
        found: usize,
        /// Those of the network.
        needed: usize,
    },
    /// A tensor is missing, or of another type or shape.
    #[error("tensor {tensor}: {what}")]
    Tensor {
        /// Its name.
        tensor: String,
        /// Found and needed.
        what: String,
    },
    /// A number is not finite.
    #[error("tensor {tensor} has {value} at place {place}; a finite number is needed")]
    NotFinite {
        /// The name of the tensor.
        tensor: String,
        /// The place, in row-major order from 0.
        place: usize,
        /// The number.
        value: String,
    },
}

impl LayerState {
    /// The values of each tensor, in the order of [`KINDS`].
    fn values(&self) -> [&[f64]; 4] {
        [&self.weight, &self.bias, &self.weight_momentum, &self.bias_momentum]
    }
}

/// Names and shapes of the tensors of a layer, in the order of [`KINDS`].
fn expected(layer: &Layer) -> [(String, Vec<usize>); 4] {
    let (weights, biases) = (layer.shape(), vec![layer.biases()]);
    let shapes = [weights.clone(), biases.clone(), weights, biases];
    let mut named =
        KINDS.into_iter().zip(shapes).map(|(kind, shape)| (format!("{}.{kind}", layer.name), shape));
    std::array::from_fn(|_| named.next().unwrap_or_default())
}

impl Model {
    /// The bytes of a model of a network, with metadata beside.
    ///
    /// # Errors
    /// If the model has other layers or shapes than the network, or a number that is not finite; the tensor is named.
    pub(crate) fn to_bytes(
        &self,
        network: &Network,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<u8>, ModelError> {
        self.written(network, FORMAT, metadata)
    }

    /// Weights and biases in bytes, without momenta, with metadata beside.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    pub(crate) fn weights_to_bytes(
        &self,
        network: &Network,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<u8>, ModelError> {
        self.written(network, WEIGHTS, metadata)
    }

    /// Checks that the layers are those of a network, and all numbers finite.
    ///
    /// # Errors
    /// Names the first tensor that is not so.
    pub(crate) fn check_shapes(&self, network: &Network) -> Result<(), ModelError> {
        if self.layers.len() != network.depth() {
            return Err(ModelError::Layers { found: self.layers.len(), needed: network.depth() });
        }
        for (state, layer) in self.layers.iter().zip(&network.layers) {
            for ((name, shape), values) in expected(layer).into_iter().zip(state.values()) {
                if values.len() != shape.iter().product::<usize>() {
                    let what = format!("{} numbers; {shape:?} are needed", values.len());
                    return Err(ModelError::Tensor { tensor: name, what });
                }
                finite(&name, values)?;
            }
        }
        Ok(())
    }

    fn written(
        &self,
        network: &Network,
        format: &str,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<u8>, ModelError> {
        self.check_shapes(network)?;
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (state, layer) in self.layers.iter().zip(&network.layers) {
            for ((name, shape), values) in expected(layer).into_iter().zip(state.values()).take(kinds(format))
            {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                tensors.push((name, shape, bytes));
            }
        }
        let foreign = |error: safetensors::SafeTensorError| ModelError::Foreign { what: error.to_string() };
        let views = tensors.iter().map(|(name, shape, bytes)| {
            Ok((name.clone(), TensorView::new(Dtype::F64, shape.clone(), bytes).map_err(foreign)?))
        });
        let views = views.collect::<Result<Vec<_>, ModelError>>()?;
        let mut all: HashMap<String, String> = metadata.into_iter().collect();
        all.insert("format".to_owned(), format.to_owned());
        all.insert("version".to_owned(), VERSION.to_owned());
        let bytes = safetensors::serialize(views, Some(all)).map_err(foreign)?;
        Ok(canonical(&bytes).unwrap_or(bytes))
    }

    /// The model of a network in bytes; weights alone have no momentum.
    ///
    /// # Errors
    /// If the bytes are damaged or of another format, a tensor is missing, of another type or shape, or belongs to no layer, or a
    /// number is not finite; the tensor is named.
    pub fn from_bytes(network: &Network, bytes: &[u8]) -> Result<Self, ModelError> {
        let foreign = |what: String| ModelError::Foreign { what };
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| foreign(error.to_string()))?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| foreign(error.to_string()))?;
        let said = |key| header.metadata().as_ref().and_then(|all| all.get(key)).map_or("", String::as_str);
        let format = if said("format") == WEIGHTS { WEIGHTS } else { FORMAT };
        for (key, needed) in [("format", format), ("version", VERSION)] {
            let found = said(key);
            if found != needed {
                return Err(foreign(format!("metadata {key} = {found:?}; {needed:?} is needed")));
            }
        }
        let kinds = kinds(format);
        let layers = network.layers.iter().map(|layer| state(&tensors, layer, kinds));
        let layers = layers.collect::<Result<_, _>>()?;
        let known = network.layers.iter().flat_map(|layer| expected(layer).into_iter().take(kinds));
        let known: Vec<String> = known.map(|(name, _)| name).collect();
        if let Some(other) = tensors.names().into_iter().find(|name| !known.iter().any(|known| known == name))
        {
            let what = "the network has no such layer".to_owned();
            return Err(ModelError::Tensor { tensor: other.to_owned(), what });
        }
        Ok(Self { layers })
    }
}

/// A file with the fields of its header in the order of their names: equal models have equal bytes.
pub(crate) fn canonical(bytes: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = bytes.split_at_checked(8)?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let (header, values) = rest.split_at_checked(length)?;
    let mut header = serde_json::from_slice::<serde_json::Value>(header).ok()?.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    Some([&length[..], &header, values].concat())
}

/// How many of [`KINDS`] a format has.
fn kinds(format: &str) -> usize {
    if format == WEIGHTS { 2 } else { KINDS.len() }
}

fn state(tensors: &SafeTensors<'_>, layer: &Layer, kinds: usize) -> Result<LayerState, ModelError> {
    let [weight, bias, weight_momentum, bias_momentum] = expected(layer);
    let read = |(name, shape): (String, Vec<usize>)| values(tensors, &name, &shape);
    let momentum = |(name, shape): (String, Vec<usize>)| {
        if kinds < KINDS.len() {
            Ok(vec![0.0; shape.iter().product()])
        } else {
            values(tensors, &name, &shape)
        }
    };
    Ok(LayerState {
        shape: layer.shape(),
        weight: read(weight)?,
        bias: read(bias)?,
        weight_momentum: momentum(weight_momentum)?,
        bias_momentum: momentum(bias_momentum)?,
    })
}

impl Model {
    /// Checks that every number is one of its format: a multiple of its unit within its bound, or, of an approximate format, any.
    /// `grids` tells those of weights and of momenta of each layer.
    ///
    /// # Errors
    /// Names the first number that is none.
    pub(crate) fn check(
        &self,
        network: &Network,
        grids: impl Fn(usize) -> [Grid; 2],
    ) -> Result<(), ModelError> {
        for (l, (state, layer)) in self.layers.iter().zip(&network.layers).enumerate() {
            let [weight, momentum] = grids(l);
            let grids = [weight, weight, momentum, momentum];
            for ((kind, values), grid) in KINDS.into_iter().zip(state.values()).zip(grids) {
                let Some(bits) = grid.bits else { continue };
                let unit = f64::from(bits).exp2();
                let off = |value: f64| (value * unit).fract() != 0.0 || value.abs() > grid.bound;
                if let Some((place, value)) = values.iter().enumerate().find(|(_, value)| off(**value)) {
                    let what = format!(
                        "{value} at place {place}; a multiple of 2^-{bits} up to {} is needed",
                        grid.bound
                    );
                    return Err(ModelError::Tensor { tensor: format!("{}.{kind}", layer.name), what });
                }
            }
        }
        Ok(())
    }
}

/// The values of one tensor.
fn values(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f64>, ModelError> {
    let wrong = |what: String| ModelError::Tensor { tensor: name.to_owned(), what };
    let view = tensors.tensor(name).map_err(|error| wrong(error.to_string()))?;
    if view.shape() != shape || view.dtype() != Dtype::F64 {
        let (dtype, found) = (view.dtype(), view.shape());
        return Err(wrong(format!("{dtype:?} of shape {found:?}; F64 of {shape:?} is needed")));
    }
    let values: Vec<f64> = view
        .data()
        .chunks_exact(8)
        .map(|chunk| f64::from_le_bytes(chunk.try_into().unwrap_or_default()))
        .collect();
    finite(name, &values)?;
    Ok(values)
}

fn finite(name: &str, values: &[f64]) -> Result<(), ModelError> {
    match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((place, value)) => {
            Err(ModelError::NotFinite { tensor: name.to_owned(), place, value: value.to_string() })
        }
        None => Ok(()),
    }
}

he_core::debug_as_displayed!(ModelError);
