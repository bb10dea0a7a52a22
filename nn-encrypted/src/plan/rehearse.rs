//! A plan walked in a ring of dimension 16: levels, noise and operations are those of the real one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use he_bgv::{Ciphertext, Encoder, Encryptor, Error, Parameters, SecretKey};

use super::lower::Program;
use super::once::{Numbered, Once};
use super::step::Step;
use super::tensor::Tensor;
use super::{Refresh, ciphertexts};
use crate::engine::{BgvEngine, Channel, Cost, EngineError, Executor, Geometry, Level, Store, Usage};

/// Where a rehearsal broke off.
pub(super) struct Broken {
    pub(super) place: String,
    pub(super) error: EngineError,
}

/// What a rehearsal found.
pub(super) struct Rehearsal {
    pub(super) usage: Usage,
    /// Ciphertexts sent to the client in a step, with their limbs.
    pub(super) to_client: Vec<usize>,
    /// Limbs at which each tensor is sent.
    pub(super) sent: BTreeMap<Tensor, usize>,
    /// Ciphertexts sent back, with their limbs.
    pub(super) to_server: Vec<usize>,
    /// Limbs at which the products of each tensor were computed, and those of the tensor.
    pub(super) computed: BTreeMap<Tensor, (usize, usize)>,
}

/// An engine that is cheap to run and the sources it starts from.
pub(super) struct Stage {
    engine: Once,
    sources: Vec<Ciphertext>,
    fresh: Mutex<BTreeMap<usize, Numbered>>,
    evaluators: Vec<he_bgv::Evaluator>,
}

impl Stage {
    pub(super) fn new(geometry: &Geometry, params: &[Parameters]) -> Result<Self, Error> {
        let mut channels = Vec::new();
        let (mut sources, mut evaluators) = (Vec::new(), Vec::new());
        for real in params {
            let tiny = real.insecure_rehearsal()?;
            let key = SecretKey::generate(&tiny)?;
            let channel = Channel::rehearsal(geometry.cube, real, &key)?;
            let zero = Encoder::new(&tiny).encode_coefficients(&[])?;
            sources.push(Encryptor::with_secret(&key).encrypt(&zero)?);
            evaluators.push(channel.evaluator().clone());
            channels.push(channel);
        }
        let engine = Once::new(BgvEngine::new(geometry.cube, channels));
        Ok(Self { engine, sources, fresh: Mutex::default(), evaluators })
    }

    /// A fresh ciphertext over so many limbs: always the same one.
    fn fresh(&self, limbs: usize) -> Result<Numbered, Error> {
        let mut known = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fresh) = known.get(&limbs) {
            return Ok(fresh.clone());
        }
        let reduced =
            self.sources.iter().zip(&self.evaluators).map(|(source, e)| e.mod_switch_to(source, limbs - 1));
        let fresh = self.engine.source(reduced.collect::<Result<_, _>>()?);
        known.insert(limbs, fresh.clone());
        Ok(fresh)
    }

    /// Walks one training step.
    pub(super) fn walk(
        &self,
        geometry: &Geometry,
        program: &Program,
        limbs: &BTreeMap<Tensor, usize>,
        levels: &BTreeMap<Tensor, Level>,
    ) -> Result<Rehearsal, Broken> {
        let broken = |place: String| move |error: Error| Broken { place, error: error.into() };
        self.engine.take_usage();
        let executor = Executor { engine: &self.engine, geometry, levels };
        let mut store = Store::<Once>::default();
        for tensor in [Tensor::Input, Tensor::Labels, Tensor::High, Tensor::Low, Tensor::Momentum] {
            let fresh = self.fresh(limbs[&tensor]).map_err(broken(tensor.to_string()))?;
            store.put(tensor, vec![fresh; ciphertexts(geometry, tensor)]);
        }
        let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
        let (mut sent_limbs, mut computed) = (BTreeMap::new(), BTreeMap::new());
        let mut usage = Usage::default();
        for step in &program.training {
            if let Step::Refresh { round } = step {
                for refresh in &program.rounds[*round] {
                    let place = refresh.from().to_string();
                    let sent = self.send(store.get(refresh.from())).map_err(broken(place.clone()))?;
                    sent_limbs.insert(refresh.from(), sent.iter().copied().max().unwrap_or(1));
                    to_client.extend(sent);
                    for to in refresh.to() {
                        let fresh = self.fresh(limbs[&to]).map_err(broken(place.clone()))?;
                        let count = ciphertexts(geometry, to);
                        to_server.extend(std::iter::repeat_n(limbs[&to], count * fresh.channels.len()));
                        store.put(to, vec![fresh; count]);
                    }
                }
                continue;
            }
            let place = || step.writes().map_or_else(String::new, |tensor| tensor.to_string());
            executor.run(&mut store, step).map_err(|error| Broken { place: place(), error })?;
            let spent = self.engine.take_usage();
            let tiles = step.writes().map(|to| (to, store.get(to)));
            if let Some((to, [tile, ..])) = tiles {
                computed.insert(to, (spent.most_limbs(Cost::Product), tile.channels[0].level() + 1));
            }
            usage.merge(&spent);
        }
        Ok(Rehearsal { usage, to_client, sent: sent_limbs, to_server, computed })
    }

    fn send(&self, tiles: &[Numbered]) -> Result<Vec<usize>, Error> {
        let mut limbs = Vec::new();
        for tile in tiles {
            for (ciphertext, evaluator) in tile.channels.iter().zip(&self.evaluators) {
                limbs.push(evaluator.mod_switch_for_decryption(ciphertext, 0.0)?.level() + 1);
            }
        }
        Ok(limbs)
    }
}

/// Every tensor the client encrypts, at the full chain.
pub(super) fn fresh_tensors(program: &Program) -> Vec<Tensor> {
    let mut tensors = vec![Tensor::Input, Tensor::Labels];
    tensors.extend(program.rounds.iter().flatten().flat_map(Refresh::to));
    tensors
}
