//! A model as a file that is complete in itself: `client/model.private.safetensors`, for the owner of the keys alone.
//!
//! - `I.weight` and `I.bias`, single precision in PyTorch's shapes (Linear `[outputs, inputs]`), `I` the place of the layer in the
//!   recipe from 0, as in a `torch.nn.Sequential` of its layers;
//! - beside them the numbers themselves, in the shapes of this crate: `integers.NAME.weight` times `2^fraction_bits` where a scheme is
//!   exact, `reals.NAME.weight` elsewhere, and so for biases and momenta;
//! - `frozen`, the file of a frozen network;
//! - in the metadata: format, version, the recipe, the columns of the table with their words, the statistics of the normalization, the
//!   classes, fractional bits, a digest of the samples and one of the file itself.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::Session;
use super::digest::hex;
use crate::data::Intake;
use crate::frozen::Frozen;
use crate::model::{LayerState, Model, ModelError, canonical};
use crate::network::{Layer, Network};
use crate::numbers::model_grids;
use crate::recipe::{LayerKind, Recipe};

/// The `format` of the metadata.
const FORMAT: &str = "nn-encrypted private model";
/// The `version` of the metadata.
const VERSION: &str = "1";
/// The digest of a file that has none yet.
const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A model and everything that rows to be predicted need.
pub(super) struct Bundle {
    pub(super) session: Session,
    pub(super) model: Model,
    /// The network that images are given to first.
    pub(super) frozen: Option<Frozen>,
    /// Digest of the samples that were trained and tested on.
    pub(super) samples: String,
}

type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

fn foreign(what: impl ToString) -> ModelError {
    ModelError::Foreign { what: what.to_string() }
}

/// The bytes of a bundle.
///
/// # Errors
/// If the model is not of the network of the session, or the frozen network cannot be read.
pub(super) fn to_bytes(session: &Session, model: &Model) -> Result<Vec<u8>, ModelError> {
    let Session { recipe, network, data, .. } = session;
    model.check_shapes(network)?;
    model.check(network, |l| model_grids(recipe, &network.layers[l]))?;
    let mut tensors = Tensors::new();
    let mut metadata: HashMap<String, String> = [
        ("format", FORMAT.to_owned()),
        ("version", VERSION.to_owned()),
        ("recipe", recipe.to_toml().map_err(foreign)?),
        ("data", serde_json::to_string(&data.intake).map_err(foreign)?),
        ("samples", hex(&session.digest())),
        ("digest", NO_DIGEST.to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    for (state, layer) in model.layers.iter().zip(&network.layers) {
        let [weight, bias] = like_pytorch(layer, state);
        tensors.extend([weight, bias]);
        for (name, shape, values, bits) in exact(recipe, layer, state) {
            let (kind, dtype) = if bits.is_some() { ("integers", Dtype::I64) } else { ("reals", Dtype::F64) };
            let bytes = values.iter().flat_map(|value| match bits {
                Some(bits) => ((value * f64::from(bits).exp2()) as i64).to_le_bytes(),
                None => value.to_le_bytes(),
            });
            tensors.push((format!("{kind}.{name}"), dtype, shape, bytes.collect()));
            metadata.extend(bits.map(|bits| (format!("{name}.fraction_bits"), bits.to_string())));
        }
    }
    if let Some(name) = &recipe.data.frozen {
        let bytes = Frozen::find(name).and_then(|frozen| frozen.to_bytes()).map_err(foreign)?;
        tensors.push(("frozen".to_owned(), Dtype::U8, vec![bytes.len()], bytes));
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        Ok((name.clone(), TensorView::new(*dtype, shape.clone(), bytes).map_err(foreign)?))
    });
    let views = views.collect::<Result<Vec<_>, ModelError>>()?;
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(foreign)?;
    let mut bytes = canonical(&bytes).unwrap_or(bytes);
    let digest = digest_of([&bytes]);
    let place = place_of_digest(&bytes, NO_DIGEST).ok_or_else(|| foreign("no place for a digest"))?;
    bytes[place..place + digest.len()].copy_from_slice(digest.as_bytes());
    Ok(bytes)
}

/// The digest of a file in parts, as text.
fn digest_of<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("nn-encrypted private model v1");
    parts.into_iter().for_each(|part| {
        hasher.update(part.as_ref());
    });
    hex(hasher.finalize().as_bytes())
}

/// Where the digest stands in a file.
fn place_of_digest(bytes: &[u8], digest: &str) -> Option<usize> {
    let field = format!("\"digest\":\"{digest}\"");
    let header = &bytes[..bytes.len().min(HEADER)];
    let found = header.windows(field.len()).position(|window| window == field.as_bytes())?;
    Some(found + field.len() - 1 - digest.len())
}

/// Bytes of a header in which the digest is looked for: names, statistics and words of the most columns that are read.
const HEADER: usize = 1 << 27;

/// Weights and biases in single precision and PyTorch's shapes.
fn like_pytorch(layer: &Layer, state: &LayerState) -> [(String, Dtype, Vec<usize>, Vec<u8>); 2] {
    let singles =
        |values: &mut dyn Iterator<Item = f64>| values.flat_map(|v| (v as f32).to_le_bytes()).collect();
    let (mut shape, place) = (layer.shape(), layer.index - 1);
    let weight = if layer.kind == LayerKind::Linear {
        let (inputs, outputs) = (shape[0], shape[1]);
        shape.reverse();
        let transposed = |place: usize| state.weight[place % inputs * outputs + place / inputs];
        singles(&mut (0..inputs * outputs).map(transposed))
    } else {
        singles(&mut state.weight.iter().copied())
    };
    let bias = singles(&mut state.bias.iter().copied());
    [
        (format!("{place}.weight"), Dtype::F32, shape, weight),
        (format!("{place}.bias"), Dtype::F32, vec![state.bias.len()], bias),
    ]
}

/// Name, shape, values and fractional bits.
type Exact<'a> = (String, Vec<usize>, &'a [f64], Option<u32>);

/// The numbers of a layer.
fn exact<'a>(recipe: &Recipe, layer: &Layer, state: &'a LayerState) -> [Exact<'a>; 4] {
    let [weight, momentum] = model_grids(recipe, layer).map(|grid| grid.bits);
    let (shape, biases) = (layer.shape(), vec![layer.biases()]);
    let name = |kind: &str| format!("{}.{kind}", layer.name);
    [
        (name("weight"), shape.clone(), &state.weight, weight),
        (name("bias"), biases.clone(), &state.bias, weight),
        (name("weight_momentum"), shape, &state.weight_momentum, momentum),
        (name("bias_momentum"), biases, &state.bias_momentum, momentum),
    ]
}

/// The metadata of a bundle that is whole; none of another format.
///
/// # Errors
/// If the bytes are no safetensors, or a bundle that was altered or is of another version.
fn metadata(bytes: &[u8]) -> Result<Option<HashMap<String, String>>, ModelError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(foreign)?;
    let all = header.metadata().clone().unwrap_or_default();
    let said = |key: &str| all.get(key).map_or("", String::as_str);
    if said("format") != FORMAT {
        return Ok(None);
    }
    if said("version") != VERSION {
        return Err(foreign(format!("metadata version = {:?}; {VERSION:?} is needed", said("version"))));
    }
    let digest = said("digest");
    let place = place_of_digest(bytes, digest).filter(|_| digest.len() == NO_DIGEST.len());
    let place = place.ok_or_else(|| foreign("metadata digest is none"))?;
    if digest_of([&bytes[..place], NO_DIGEST.as_bytes(), &bytes[place + digest.len()..]]) != digest {
        return Err(foreign("it was altered: it is not the file that was written"));
    }
    Ok(Some(all))
}

/// Whether bytes are a bundle, if they are safetensors at all.
///
/// # Errors
/// If they are a bundle that was altered or is of another version.
pub(super) fn is_bundle(bytes: &[u8]) -> Result<bool, ModelError> {
    Ok(metadata(bytes)?.is_some())
}

impl Bundle {
    /// A bundle from its bytes.
    ///
    /// # Errors
    /// If they are damaged or something else, or their parts do not fit each other.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let Some(all) = metadata(bytes)? else {
            return Err(foreign(
                "no model of this version with its columns and their normalization; classify with the program that wrote it, or train anew",
            ));
        };
        let said = |key: &str| all.get(key).map_or("", String::as_str);
        let recipe = Recipe::from_toml(said("recipe"), "of the model", &[]).map_err(foreign)?;
        let intake: Intake =
            serde_json::from_str(said("data")).map_err(|error| foreign(format!("metadata data: {error}")))?;
        intake.check().map_err(|what| foreign(format!("metadata data: {what}")))?;
        let session = Session::of_model(recipe, intake).map_err(foreign)?;
        let model = model(&session.recipe, &session.network, bytes)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(foreign)?;
        let frozen = tensors
            .tensor("frozen")
            .ok()
            .map(|view| Frozen::from_bytes(view.data(), "frozen network of the model"));
        let frozen = frozen.transpose().map_err(foreign)?;
        if frozen.is_some() != session.recipe.data.frozen.is_some()
            || frozen.is_some() != session.data.intake.frozen.is_some()
        {
            return Err(foreign("a frozen network is missing, or is one too many"));
        }
        Ok(Self { session, model, frozen, samples: said("samples").to_owned() })
    }
}

/// The model in the bytes of a bundle, of which every number is one that a training of the recipe can hold.
///
/// # Errors
/// Names the first tensor that cannot be used.
pub(super) fn model(recipe: &Recipe, network: &Network, bytes: &[u8]) -> Result<Model, ModelError> {
    let tensors = SafeTensors::deserialize(bytes).map_err(foreign)?;
    let layers = network.layers.iter().map(|layer| {
        let empty = LayerState {
            shape: layer.shape(),
            weight: vec![],
            bias: vec![],
            weight_momentum: vec![],
            bias_momentum: vec![],
        };
        let mut parts = Vec::new();
        for (name, shape, _, bits) in exact(recipe, layer, &empty) {
            parts.push(numbers(&tensors, &name, &shape, bits)?);
        }
        let mut next = parts.into_iter();
        let mut next = || next.next().unwrap_or_default();
        let (weight, bias, weight_momentum, bias_momentum) = (next(), next(), next(), next());
        let state = LayerState { weight, bias, weight_momentum, bias_momentum, ..empty };
        for (name, _, shape, bytes) in like_pytorch(layer, &state) {
            let there =
                tensors.tensor(&name).ok().filter(|view| view.shape() == shape && view.data() == bytes);
            if there.is_none() {
                let what = format!("is missing, or is not {} in single precision", layer.name);
                return Err(ModelError::Tensor { tensor: name, what });
            }
        }
        Ok(state)
    });
    let model = Model { layers: layers.collect::<Result<_, _>>()? };
    model.check(network, |l| model_grids(recipe, &network.layers[l]))?;
    Ok(model)
}

/// The numbers of a tensor.
fn numbers(
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
    bits: Option<u32>,
) -> Result<Vec<f64>, ModelError> {
    let (kind, dtype) = if bits.is_some() { ("integers", Dtype::I64) } else { ("reals", Dtype::F64) };
    let name = format!("{kind}.{name}");
    let wrong = |what: String| ModelError::Tensor { tensor: name.clone(), what };
    let view = tensors.tensor(&name).map_err(|error| wrong(error.to_string()))?;
    if view.shape() != shape || view.dtype() != dtype {
        return Err(wrong(format!(
            "{:?} of shape {:?}; {dtype:?} of {shape:?} is needed",
            view.dtype(),
            view.shape()
        )));
    }
    let words = view.data().chunks_exact(8).map(|word| <[u8; 8]>::try_from(word).unwrap_or_default());
    let number = |word: [u8; 8]| match bits {
        Some(bits) => i64::from_le_bytes(word) as f64 / f64::from(bits).exp2(),
        None => f64::from_le_bytes(word),
    };
    let values: Vec<f64> = words.map(number).collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(place) => Err(ModelError::NotFinite { tensor: name, place, value: values[place].to_string() }),
        None => Ok(values),
    }
}
