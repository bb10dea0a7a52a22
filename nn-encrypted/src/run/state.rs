//! What the client keeps of an encrypted training: what it measured, and the models.

use he_core::wire::{Reader, WireError, Writer};
use serde::{Deserialize, Serialize};

use super::Traffic;
use super::meter::Spent;
use super::report::StageSummary;
use super::weights::Tensors;
use crate::recipe::{Network, Recipe};
use crate::roles::RefreshCounts;

/// What was measured since the start, over all processes that had a part in the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    /// Digest of the samples.
    pub samples: String,
    /// Digest of the secret keys.
    pub secret: String,
    /// Wall-clock seconds, up to the checkpoint.
    pub total: f64,
    /// Wall-clock seconds of planning.
    pub plan: f64,
    /// Wall-clock seconds of making, sending and reading keys.
    pub keygen: f64,
    /// Wall-clock seconds of encrypting data.
    pub encrypt: f64,
    /// Time of all steps.
    pub training: Spent,
    /// Wall-clock seconds of each step.
    pub times: Vec<f64>,
    /// Images trained on.
    pub images: u64,
    /// Scores of the test part after each epoch, before training first.
    pub curve: Vec<f64>,
    /// The client's counts.
    pub counts: RefreshCounts,
    /// What crossed in refreshes.
    pub traffic: Traffic,
    /// Bytes of data and first weights.
    pub data_bytes: u64,
    /// Largest resident memory of any of the processes.
    pub peak_memory: Option<u64>,
    /// Bootstraps.
    #[serde(default)]
    pub bootstraps: u64,
    /// Switches that made a modulus grow.
    #[serde(default)]
    pub switches: u64,
    /// What the stages of steps took.
    #[serde(default)]
    pub stages: Vec<StageSummary>,
    /// The largest distance of decrypted outputs from those in the clear.
    #[serde(default)]
    pub output_error: f64,
}

/// The client's half of a checkpoint: `ledger | model | twin's model`, each after its length.
pub(super) struct State<M> {
    /// What was measured.
    pub ledger: Ledger,
    /// The model as decrypted last.
    pub model: M,
    /// The twin's own model, which was never encrypted.
    pub twin: M,
}

impl<M: Tensors> State<M> {
    /// The bytes: the ledger as JSON, the models as safetensors.
    pub(super) fn to_bytes(ledger: &Ledger, model: &M, twin: &M) -> Result<Vec<u8>, String> {
        let mut out = Writer::new();
        out.len_bytes(&serde_json::to_vec(ledger).map_err(|error| error.to_string())?);
        for model in [model, twin] {
            out.len_bytes(&super::weights::to_bytes(model)?);
        }
        Ok(out.finish())
    }

    /// The state; `weights` reads a model and checks it.
    pub(super) fn from_bytes(
        bytes: &[u8],
        weights: impl Fn(&[u8]) -> Result<M, String>,
    ) -> Result<Self, String> {
        let wire = |error: WireError| error.to_string();
        let mut reader = Reader::new(bytes);
        let mut part = |what| reader.len_bytes(bytes.len(), what).map_err(wire);
        let ledger = serde_json::from_slice(part("ledger")?).map_err(|error| format!("ledger: {error}"))?;
        let model = weights(part("model")?)?;
        let twin = weights(part("twin's model")?).map_err(|error| format!("twin: {error}"))?;
        reader.finish("state").map_err(wire)?;
        Ok(Self { ledger, model, twin })
    }
}

/// Reads the client's half of a checkpoint, taken out of its envelope, and writes it again.
///
/// # Errors
/// If it is not one of this network and recipe: what is wrong.
pub fn rewrite_client_state(bytes: &[u8], network: &Network, recipe: &Recipe) -> Result<Vec<u8>, String> {
    let State { ledger, model, twin } =
        State::from_bytes(bytes, |bytes| super::weights::from_bytes(bytes, network, recipe))?;
    State::to_bytes(&ledger, &model, &twin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Model;
    use crate::recipe::{RealLayerState, RealModel};

    #[test]
    fn a_state_of_real_numbers_comes_back() {
        let layer = |first: f64| RealLayerState {
            shape: vec![2, 1],
            weight: vec![first, 0.1],
            bias: vec![1e-300],
            weight_momentum: vec![0.0, -0.0],
            bias_momentum: vec![1.0 / 3.0],
        };
        let [model, twin] = [0.5, 0.25].map(|first| RealModel { layers: vec![layer(first)] });
        let bytes = State::to_bytes(&Ledger::default(), &model, &twin).unwrap();
        let read = |like| {
            State::from_bytes(&bytes, |bytes| super::super::real_weights::reals_from_bytes(bytes, like))
        };
        let back = read(&model).unwrap();
        assert_eq!((&back.model, &back.twin), (&model, &twin));
        let other = RealModel { layers: vec![RealLayerState { shape: vec![1, 2], ..layer(0.5) }] };
        assert!(read(&other).is_err_and(|what| what.starts_with("layer1.weight is F64 of shape [2, 1]")));
    }

    #[test]
    fn a_state_comes_back_bit_for_bit_and_nothing_else_is_one() {
        let recipe = Recipe::builtin("hesamifard2017").unwrap();
        let network = recipe.network(64, 10).unwrap();
        let [model, twin] = [1, 2].map(|seed| Model::initial(&recipe, &network, seed));
        let tenths: Vec<f64> = (0..1000).map(|i| f64::from(i) / 10.0 + 1e-17).collect();
        let ledger = Ledger { times: tenths.clone(), peak_memory: Some(u64::MAX), ..Ledger::default() };
        let bytes = State::to_bytes(&ledger, &model, &twin).unwrap();
        let read = |bytes: &[u8]| {
            State::from_bytes(bytes, |bytes| super::super::weights::from_bytes(bytes, &network, &recipe))
        };
        let back = read(&bytes).unwrap();
        assert_eq!((back.model, back.twin), (model, twin));
        assert_eq!((back.ledger.times, back.ledger.peak_memory), (tenths, Some(u64::MAX)));
        for length in [0, 8, 100, bytes.len() - 1] {
            assert!(read(&bytes[..length]).is_err());
        }
        assert!(read(&[bytes, vec![0]].concat()).is_err());
    }
}
