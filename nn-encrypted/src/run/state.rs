//! The client's state of an encrypted training: measurements, and the models.

use he_core::wire::{Reader, WireError, Writer};
use serde::{Deserialize, Serialize};

use super::findings::Findings;
use super::report::StageSummary;
use super::seal::Digests;
use super::weights;
use crate::meter::Spent;
use crate::model::Model;
use crate::network::Network;
use crate::recipe::Recipe;
use crate::roles::{RefreshCounts, Traffic};

/// Measurements since the start, over all processes that had a part in the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    /// Digest of the samples.
    pub samples: String,
    /// Digest of the secret keys.
    pub secret: String,
    /// Digests of recipe and options.
    #[serde(default)]
    pub files: Digests,
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
    /// Traffic of refreshes.
    pub traffic: Traffic,
    /// Bytes of data and first weights.
    pub data_bytes: u64,
    /// Largest resident memory of any of the processes.
    pub peak_memory: Option<u64>,
    /// Bootstraps of lookup tables.
    #[serde(default)]
    pub tables: u64,
    /// Bootstraps that refresh or fill ciphertexts.
    #[serde(default)]
    pub bootstraps: u64,
    /// The probability that one of the bootstraps gave a wrong result, summed over them, where it is known.
    #[serde(default)]
    pub failure: f64,
    /// Times of the stages of steps.
    #[serde(default)]
    pub stages: Vec<StageSummary>,
    /// The largest distance of decrypted outputs from those in the clear.
    #[serde(default)]
    pub output_error: f64,
    /// The findings of the audit so far, if there is one.
    #[serde(default)]
    pub audit: Option<Findings>,
}

/// The client's half of a checkpoint: `ledger | model | twin's model`, each after its length.
pub(super) struct State {
    /// The measurements.
    pub ledger: Ledger,
    /// The model as decrypted last.
    pub model: Model,
    /// The twin's own model, which was never encrypted.
    pub twin: Model,
}

impl State {
    /// The bytes: the ledger as JSON, the models as safetensors.
    pub(super) fn to_bytes(
        recipe: &Recipe,
        network: &Network,
        ledger: &Ledger,
        [model, twin]: [&Model; 2],
    ) -> Result<Vec<u8>, String> {
        let mut out = Writer::new();
        out.len_bytes(&serde_json::to_vec(ledger).map_err(|error| error.to_string())?);
        for model in [model, twin] {
            out.len_bytes(&weights::to_bytes(recipe, network, model).map_err(|error| error.to_string())?);
        }
        Ok(out.finish())
    }

    /// The state; its models are checked to be of this recipe and network.
    pub(super) fn from_bytes(recipe: &Recipe, network: &Network, bytes: &[u8]) -> Result<Self, String> {
        let wire = |error: WireError| error.to_string();
        let model = |bytes: &[u8]| weights::from_bytes(recipe, network, bytes).map_err(|e| e.to_string());
        let mut reader = Reader::new(bytes);
        let mut part = |what| reader.len_bytes(bytes.len(), what).map_err(wire);
        let ledger = serde_json::from_slice(part("ledger")?).map_err(|error| format!("ledger: {error}"))?;
        let decrypted = model(part("model")?)?;
        let twin = model(part("twin's model")?).map_err(|error| format!("twin: {error}"))?;
        reader.finish("state").map_err(wire)?;
        Ok(Self { ledger, model: decrypted, twin })
    }
}

/// Reads the client's half of a checkpoint, taken out of its envelope, and writes it again.
///
/// # Errors
/// If it is not one of this network and recipe: what is wrong.
pub fn rewrite_client_state(bytes: &[u8], network: &Network, recipe: &Recipe) -> Result<Vec<u8>, String> {
    let State { ledger, model, twin } = State::from_bytes(recipe, network, bytes)?;
    State::to_bytes(recipe, network, &ledger, [&model, &twin])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::weight_grid;

    fn network(recipe: &Recipe, features: usize, outputs: usize) -> Network {
        Network::new(recipe, features, None, outputs).unwrap()
    }

    #[test]
    fn a_state_comes_back_bit_for_bit_and_nothing_else_is_one() {
        for (name, outputs) in [("hesamifard2017", 10), ("ckks_sgd", 10)] {
            let recipe = Recipe::load(name, &[]).unwrap();
            let network = network(&recipe, 64, outputs);
            let grid = |l: usize| weight_grid(&recipe, &network.layers[l]);
            let [model, twin] = [1, 2].map(|seed| Model::initial(&network, recipe.init_gain(), seed, grid));
            let tenths: Vec<f64> = (0..1000).map(|i| f64::from(i) / 10.0 + 1e-17).collect();
            let ledger = Ledger { times: tenths.clone(), peak_memory: Some(u64::MAX), ..Ledger::default() };
            let bytes = State::to_bytes(&recipe, &network, &ledger, [&model, &twin]).unwrap();
            let read = |bytes: &[u8]| State::from_bytes(&recipe, &network, bytes);
            let back = read(&bytes).unwrap();
            assert_eq!((back.model, back.twin), (model, twin));
            assert_eq!((back.ledger.times, back.ledger.peak_memory), (tenths, Some(u64::MAX)));
            for length in [0, 8, 100, bytes.len() - 1] {
                assert!(read(&bytes[..length]).is_err());
            }
            assert!(read(&[&bytes[..], &[0]].concat()).is_err());
            let other = self::network(&recipe, 63, outputs);
            let error = State::from_bytes(&recipe, &other, &bytes).err().unwrap();
            assert!(error.contains("linear1.weight"), "{error}");
        }
    }
}
