//! A plan walked in a ring of dimension 16: levels, noise and operations are those of the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use he_bgv::{Ciphertext, Encryptor, Error, Parameters, PublicKey, SecretKey};

use super::memoized::{Memoized, Numbered};
use super::{BgvSlots, Channel, Cost, Operations};
use crate::engine::integers::residue_encoder;
use crate::engine::slots::{Body, Exact, Formulas, Level, Whole, written};
use crate::engine::{EngineError, Result, Store};
use crate::layout::Geometry;
use crate::program::{Program, Step, Tensor};

/// Where a rehearsal broke off.
pub struct Broken {
    /// The tensor that cannot be computed.
    pub tensor: Tensor,
    /// Why.
    pub error: EngineError,
}

impl Broken {
    /// Bits by which the noise would exceed the modulus, if that is why.
    pub fn excess(&self) -> Option<f64> {
        match &self.error {
            EngineError::Bgv(Error::NoiseExhausted { excess, .. }) => Some(*excess),
            _ => None,
        }
    }
}

/// What a rehearsal found.
#[derive(Default)]
pub struct Rehearsal {
    pub operations: Operations,
    /// Primes of each ciphertext that is sent to the client in a step.
    pub to_client: Vec<usize>,
    /// Primes over which each tensor is sent.
    pub sent: BTreeMap<Tensor, usize>,
    /// Primes of each ciphertext that is sent back.
    pub to_server: Vec<usize>,
    /// Primes over which the products of each tensor were computed, and those of the tensor.
    pub computed: BTreeMap<Tensor, (usize, usize)>,
}

/// The steps of some layers, and all that does not change from one rehearsal to the next.
pub struct Stage<'a> {
    /// The steps of these layers, and all refreshes.
    pub steps: Vec<Step>,
    pub program: &'a Program,
    /// The constants of steps.
    pub formulas: &'a Formulas<i64>,
    pub geometry: Geometry,
    engine: Memoized,
    sources: Vec<Ciphertext>,
    /// Of each plaintext prime, where mini-batches may be encrypted under it.
    public: Vec<PublicKey>,
    fresh: Mutex<BTreeMap<(usize, bool), Numbered>>,
}

impl<'a> Stage<'a> {
    /// A stage for instances of given parameters; in a `public` one mini-batches have the noise of the public key.
    pub fn new(
        (program, formulas): (&'a Program, &'a Formulas<i64>),
        geometry: &Geometry,
        params: &[Parameters],
        is_public: bool,
    ) -> Result<Self> {
        let (mut channels, mut sources, mut public) = (Vec::new(), Vec::new(), Vec::new());
        for real in params {
            let tiny = real.insecure_rehearsal()?;
            let key = SecretKey::generate(&tiny)?;
            channels.push(Channel::rehearsal(geometry, real, &key)?);
            let zero = residue_encoder(&tiny).encode_coefficients(&[])?;
            sources.push(Encryptor::with_secret(&key).encrypt(&zero)?);
            if is_public {
                public.push(key.public_key()?);
            }
        }
        let engine = Memoized::new(BgvSlots::new(channels));
        let depth = formulas.layers.len();
        let layers = &geometry.numbers;
        let steps = program.training.iter().copied().filter(|step| step.runs(layers, depth)).collect();
        let geometry = geometry.clone();
        let fresh = Mutex::default();
        Ok(Self { steps, program, formulas, geometry, engine, sources, public, fresh })
    }

    /// The tensors that the steps compute, in their order.
    pub fn computed(&self) -> Vec<Tensor> {
        self.steps.iter().flat_map(|step| self.written(*step)).collect()
    }

    fn written(&self, step: Step) -> Vec<Tensor> {
        written(step, self.formulas.layers.len().saturating_sub(1), self.formulas.loss)
    }

    /// The tensors of these layers that the client encrypts, in the order of the program: those of a mini-batch, then those of
    /// refreshes.
    pub fn encrypted(&self) -> Vec<Tensor> {
        let refreshed = self.program.rounds.iter().flatten().flat_map(|refresh| refresh.to.iter().copied());
        let (layers, depth, mut seen) = (&self.geometry.numbers, self.formulas.layers.len(), BTreeSet::new());
        [Tensor::Features, Tensor::Targets]
            .into_iter()
            .chain(refreshed)
            .filter(|tensor| tensor.is_on(layers, depth) && seen.insert(*tensor))
            .collect()
    }

    /// A fresh ciphertext of a tensor over so many primes: always the same one, but for those under the public key.
    fn fresh(&self, tensor: Tensor, primes: usize) -> Result<Numbered, Error> {
        let public = !self.public.is_empty() && matches!(tensor, Tensor::Features | Tensor::Targets);
        let mut known = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fresh) = known.get(&(primes, public)) {
            return Ok(fresh.clone());
        }
        let channels: Vec<Ciphertext> = if public {
            // Over fewer primes it has the same noise: that of the key.
            let encrypt = |key: &PublicKey, channel: &Channel| {
                let zero = residue_encoder(channel.evaluator().params()).encode_coefficients(&[])?;
                Encryptor::with_public(key).encrypt_at(&zero, primes - 1)
            };
            let keys = self.public.iter().zip(self.engine.channels());
            keys.map(|(key, channel)| encrypt(key, channel)).collect::<Result<_, _>>()?
        } else {
            let sources = self.sources.iter().zip(self.engine.channels());
            let reduced =
                sources.map(|(source, channel)| channel.evaluator().mod_switch_to(source, primes - 1));
            reduced.collect::<Result<_, _>>()?
        };
        let fresh = self.engine.source(channels);
        known.insert((primes, public), fresh.clone());
        Ok(fresh)
    }

    /// Walks one training step.
    ///
    /// # Errors
    /// Where the noise exceeds the modulus.
    pub fn walk(
        &self,
        fresh: &BTreeMap<Tensor, usize>,
        levels: &BTreeMap<Tensor, Level>,
    ) -> Result<Rehearsal, Broken> {
        self.engine.take_operations();
        let numbers = Exact { geometry: &self.geometry, formulas: self.formulas, levels };
        let body = Body { ops: &self.engine, numbers: &numbers };
        let mut store = Store::<Numbered>::default();
        for tensor in
            [Tensor::Features, Tensor::Targets, Tensor::Weights, Tensor::LowWeights, Tensor::Momentum]
        {
            if let Some(&primes) = fresh.get(&tensor) {
                store.put(tensor, self.source(tensor, primes)?);
            }
        }
        let mut found = Rehearsal::default();
        for &step in &self.steps {
            if let Step::Refresh { round, .. } = step {
                self.refresh(round, fresh, &mut store, &mut found)?;
                continue;
            }
            for tensor in self.written(step) {
                let tiles = body.compute(&Whole { store: &store }, tensor);
                let tiles = tiles.map_err(|error| Broken { tensor, error })?;
                let spent = self.engine.take_operations();
                if let Some(tile) = tiles.first() {
                    found
                        .computed
                        .insert(tensor, (spent.most_primes(Cost::Product), tile.channels[0].level() + 1));
                }
                found.operations.merge(&spent);
                store.put(tensor, tiles);
            }
        }
        self.outputs(&store, &mut found)?;
        Ok(found)
    }

    /// What a classification ends with, if training sends it not.
    fn outputs(&self, store: &Store<Numbered>, found: &mut Rehearsal) -> Result<(), Broken> {
        let tensor = self.program.outputs.from;
        if let (Ok(tiles), false) = (store.get(tensor), found.sent.contains_key(&tensor)) {
            let sent = self.send(tiles).map_err(|error| Broken { tensor, error: error.into() })?;
            found.sent.insert(tensor, sent.into_iter().max().unwrap_or(1));
        }
        Ok(())
    }

    /// The tiles of a tensor as the client encrypts it.
    fn source(&self, tensor: Tensor, primes: usize) -> Result<Vec<Numbered>, Broken> {
        let fresh = self.fresh(tensor, primes).map_err(|error| Broken { tensor, error: error.into() })?;
        Ok(vec![fresh; self.geometry.ciphertexts(tensor)])
    }

    /// A round with the client.
    fn refresh(
        &self,
        round: usize,
        fresh: &BTreeMap<Tensor, usize>,
        store: &mut Store<Numbered>,
        found: &mut Rehearsal,
    ) -> Result<(), Broken> {
        for refresh in &self.program.rounds[round] {
            if let Ok(tiles) = store.get(refresh.from) {
                let sent =
                    self.send(tiles).map_err(|error| Broken { tensor: refresh.from, error: error.into() })?;
                found.sent.insert(refresh.from, sent.iter().copied().max().unwrap_or(1));
                found.to_client.extend(sent);
            }
            for &to in &refresh.to {
                let Some(&primes) = fresh.get(&to) else { continue };
                let tiles = self.source(to, primes)?;
                found.to_server.extend(std::iter::repeat_n(primes, tiles.len() * self.sources.len()));
                store.put(to, tiles);
            }
        }
        Ok(())
    }

    fn send(&self, tiles: &[Numbered]) -> Result<Vec<usize>, Error> {
        let mut primes = Vec::new();
        for tile in tiles {
            for (ciphertext, channel) in tile.channels.iter().zip(self.engine.channels()) {
                primes.push(channel.evaluator().mod_switch_for_decryption(ciphertext, 0.0)?.level() + 1);
            }
        }
        Ok(primes)
    }
}
