//! The client: keys, encryption, and refreshes.

use std::collections::BTreeMap;
use std::sync::Arc;

use he_bgv::{Ciphertext, Decryptor, Encoder, Error, SecretKey};
use he_core::wire::Writer;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::message::{MessageError, Purpose, Received, Task, open, seal};
use crate::packing::Tiles;
use crate::plan::{Plan, Refresh, Tensor};
use crate::recipe::{LayerState, Model};

/// What the client counted; it stays with the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshCounts {
    /// Values that were larger than their bound and were cut to it.
    pub saturations: u64,
    /// Values larger than the plan proved possible: the server did not compute what was planned. What the server gets
    /// back does not depend on it.
    pub out_of_bounds: u64,
    /// Ciphertexts decrypted and encrypted again.
    pub refreshed: u64,
}

/// Holds the secret keys and the data.
pub struct Client {
    plan: Arc<Plan>,
    keys: Vec<SecretKey>,
    encoders: Vec<Encoder>,
    plaintext: Crt,
    model: Model,
    counts: RefreshCounts,
    due: Option<Due>,
}

/// The message the client waits for: no other is answered, and none twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    task: Task,
    step: u64,
    round: usize,
    /// Images of the mini-batch.
    rows: usize,
}

/// Slot vectors of one tile.
type Slots = Vec<i64>;

impl Client {
    /// A client with fresh keys and the weights to start from.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(plan: &Arc<Plan>, model: Model) -> Result<Self, Error> {
        let keys =
            plan.instances.iter().map(|i| SecretKey::generate(&i.params)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::with_keys(plan, model, keys))
    }

    /// A client with given keys, one for each plaintext prime.
    ///
    /// # Panics
    /// If there is another number of keys.
    pub fn with_keys(plan: &Arc<Plan>, model: Model, keys: Vec<SecretKey>) -> Self {
        assert_eq!(keys.len(), plan.instances.len(), "one secret key for each plaintext prime");
        let encoders = plan.instances.iter().map(|instance| Encoder::new(&instance.params)).collect();
        let moduli: Vec<u64> = plan.instances.iter().map(|i| i.spec.plaintext_modulus).collect();
        let plaintext = Crt::new(&moduli);
        let counts = RefreshCounts::default();
        Self { plan: Arc::clone(plan), keys, encoders, plaintext, model, counts, due: None }
    }

    /// The secret keys, for storage on the client's side.
    pub fn keys(&self) -> &[SecretKey] {
        &self.keys
    }

    /// Evaluation keys for the server, sealed, one set for each plaintext prime.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>, Error> {
        let make = |key: &SecretKey| Ok(key.evaluation_keys(&self.plan.keys(key.params()))?.to_bytes()?);
        self.keys.iter().map(make).collect()
    }

    /// The weights as of the last refresh.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What was counted since the start.
    pub fn counts(&self) -> RefreshCounts {
        self.counts
    }

    /// A mini-batch of integers (images by features) and labels, encrypted as number `index`.
    ///
    /// # Errors
    /// If it does not fit the plan, or the operating system gives no randomness.
    pub fn encrypt_batch(
        &self,
        index: usize,
        x: ArrayView2<i32>,
        labels: &[usize],
    ) -> Result<Vec<u8>, ClientError> {
        let one = self.plan.bounds[&Tensor::Labels] as i64;
        let last = self.plan.geometry.layers.len() - 1;
        let classes = self.plan.geometry.layers[last].outputs;
        if let Some(&label) = labels.iter().find(|&&label| label >= classes) {
            return Err(misfit("label of an image", label, format!("below {classes}")));
        }
        if labels.len() != x.nrows() {
            return Err(misfit("labels of a mini-batch", labels.len(), x.nrows().to_string()));
        }
        let one_hot =
            Array2::from_shape_fn(
                (labels.len(), classes),
                |(row, class)| {
                    if labels[row] == class { one } else { 0 }
                },
            );
        let slots = [
            (Tensor::Input, self.pack_input(x)?),
            (Tensor::Labels, self.pack(Tensor::Labels, one_hot.view())),
        ];
        let pieces = self.encrypt_all(&[Tensor::Input, Tensor::Labels], &slots.into())?;
        Ok(seal(&self.plan, Purpose::Batch, (index as u64, 0), &pieces))
    }

    /// Images to be classified, encrypted as query number `number`; the client then waits for its rounds.
    ///
    /// # Errors
    /// If they do not fit the plan, or the operating system gives no randomness.
    pub fn encrypt_query(&mut self, number: u64, x: ArrayView2<i32>) -> Result<Vec<u8>, ClientError> {
        let pieces = self.encrypt(Tensor::Input, &self.pack_input(x)?)?;
        self.due = Some(Due { task: Task::Classification, step: number, round: 0, rows: x.nrows() });
        Ok(seal(&self.plan, Purpose::Query, (number, 0), &pieces))
    }

    fn pack_input(&self, x: ArrayView2<i32>) -> Result<Vec<Slots>, ClientError> {
        let tiles = self.plan.geometry.input(0);
        if x.nrows() > tiles.rows {
            return Err(misfit("images of a mini-batch", x.nrows(), format!("at most {}", tiles.rows)));
        }
        if x.ncols() != tiles.columns {
            return Err(misfit("features of an image", x.ncols(), tiles.columns.to_string()));
        }
        let bound = self.plan.bounds[&Tensor::Input];
        if let Some(&value) = x.iter().find(|&&value| i128::from(value).abs() > bound) {
            let found = value.unsigned_abs() as usize;
            return Err(misfit("magnitude of a feature", found, format!("at most {bound}")));
        }
        Ok(self.pack(Tensor::Input, x.mapv(i64::from).view()))
    }

    /// Goes on counting from counts of before.
    pub fn resume_counts(&mut self, counts: RefreshCounts) {
        self.counts = counts;
    }

    /// Begins training step `step` on a mini-batch of `rows` images: the client then waits for its rounds.
    pub fn begin(&mut self, step: u64, rows: usize) {
        self.due = Some(Due { task: Task::Training, step, round: 0, rows });
    }

    /// The weights and momentum, encrypted.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_model(&self) -> Result<Vec<u8>, Error> {
        let tensors = [Tensor::High, Tensor::Low, Tensor::Momentum];
        let pieces = self.encrypt_all(&tensors, &self.pack_model(self.low_bits()).into())?;
        Ok(seal(&self.plan, Purpose::Model, (0, 0), &pieces))
    }

    fn low_bits(&self) -> u32 {
        let of = |refresh: &Refresh| match refresh {
            Refresh::Weights { low_bits, .. } => Some(*low_bits),
            _ => None,
        };
        self.plan.rounds.iter().flatten().find_map(of).unwrap_or(0)
    }

    fn pack(&self, tensor: Tensor, matrix: ArrayView2<i64>) -> Vec<Slots> {
        let Some(tiles) = self.plan.tiles(tensor) else {
            return vec![];
        };
        tiles.pack(&self.plan.geometry.cube, matrix)
    }

    /// Compact slots of high part, low part and momentum.
    fn pack_model(&self, low_bits: u32) -> [(Tensor, Vec<Slots>); 3] {
        let geometry = &self.plan.geometry;
        let (cube, compact) = (&geometry.cube, &geometry.compact);
        let mut parts = [(); 3].map(|()| vec![vec![0; cube.slots()]; compact.ciphertexts()]);
        for (layout, layer) in geometry.layers.iter().zip(&self.model.layers) {
            let high = |w: i64| round_shift(w.into(), low_bits) as i64;
            let low = |w: i64| w - (high(w) << low_bits);
            let [h, l, v] = &mut parts;
            layout.pack(cube, compact, layer.weight.mapv(high).view(), layer.bias.mapv(high).view(), h);
            layout.pack(cube, compact, layer.weight.mapv(low).view(), layer.bias.mapv(low).view(), l);
            layout.pack(cube, compact, layer.weight_momentum.view(), layer.bias_momentum.view(), v);
        }
        let [high, low, momentum] = parts;
        [(Tensor::High, high), (Tensor::Low, low), (Tensor::Momentum, momentum)]
    }

    /// Encrypts slot vectors over the primes the plan says; one piece for each tile and plaintext prime.
    fn encrypt(&self, tensor: Tensor, tiles: &[Slots]) -> Result<Vec<Vec<u8>>, Error> {
        let (limbs, primes) = (self.plan.fresh_limbs[&tensor], self.keys.len());
        (0..tiles.len() * primes)
            .into_par_iter()
            .map(|i| {
                let (tile, c) = (&tiles[i / primes], i % primes);
                let residues = Zeroizing::new(self.plaintext.residues(tile, c));
                let plaintext = self.encoders[c].encode(&residues)?;
                let mut piece = Writer::new();
                self.keys[c].encrypt_seeded(&plaintext, limbs - 1)?.write(&mut piece)?;
                Ok(piece.finish())
            })
            .collect()
    }

    /// Encrypts the given tensors, in their order.
    fn encrypt_all(
        &self,
        tensors: &[Tensor],
        slots: &BTreeMap<Tensor, Vec<Slots>>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let pieces = tensors.par_iter().map(|tensor| self.encrypt(*tensor, &slots[tensor]));
        Ok(pieces.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn decrypt(&self, tiles: &Received) -> Result<Vec<Vec<i128>>, Error> {
        tiles.par_iter().map(|tile| self.decrypt_tile(tile)).collect()
    }

    fn decrypt_tile(&self, tile: &[Ciphertext]) -> Result<Vec<i128>, Error> {
        let slots = tile.iter().enumerate().map(|(c, ciphertext)| {
            self.encoders[c].decode(&Decryptor::new(&self.keys[c]).decrypt(ciphertext)?)
        });
        Ok(self.plaintext.combine(&slots.collect::<Result<Vec<_>, _>>()?))
    }

    /// Answers a refresh request, which must be the one that is due: step and round are the client's own count.
    ///
    /// # Errors
    /// If the request is damaged or not the one that is due, or the operating system gives no randomness.
    pub fn refresh(&mut self, request: &[u8]) -> Result<Vec<u8>, ClientError> {
        let plan = Arc::clone(&self.plan);
        let due = self.due.ok_or_else(|| unexpected("a refresh request", "nothing"))?;
        let Due { task, step, round, rows } = due;
        let rounds = match task {
            Task::Training => plan.rounds.len(),
            // The last round of a classification are the outputs.
            Task::Classification => plan.geometry.layers.len() - 1,
        };
        let refreshes =
            plan.rounds[..rounds].get(round).ok_or_else(|| unexpected("a refresh request", "an end"))?;
        let tensors: Vec<Tensor> = refreshes.iter().map(Refresh::from).collect();
        let moment = (step, round as u16);
        let received = open(&plan, task.request(), moment, &tensors, request)?;
        self.due = Some(Due { round: round + 1, ..due });
        let decrypted =
            received.par_iter().map(|tiles| self.decrypt(tiles)).collect::<Result<Vec<_>, _>>()?;
        let mut fresh = BTreeMap::new();
        let mut compact: Vec<(&Refresh, Vec<Vec<i128>>)> = Vec::new();
        for (refresh, slots) in refreshes.iter().zip(decrypted) {
            self.counts.refreshed += slots.len() as u64 * self.keys.len() as u64;
            match refresh {
                Refresh::Rows { from, to, shift, bound } => {
                    let matrix = self.refresh_rows(*from, rows, &slots, *shift, *bound);
                    fresh.insert(*to, self.pack(*to, matrix.view()));
                }
                _ => compact.push((refresh, slots)),
            }
        }
        if !compact.is_empty() {
            self.refresh_model(&compact);
            fresh.extend(self.pack_model(self.low_bits()));
        }
        let tensors: Vec<Tensor> = refreshes.iter().flat_map(Refresh::to).collect();
        Ok(seal(&plan, task.response(), moment, &self.encrypt_all(&tensors, &fresh)?))
    }

    /// The outputs of the query that was encrypted last, rounded as a refresh would: images by classes.
    ///
    /// # Errors
    /// If the message is damaged or its rounds did not come before.
    pub fn read_outputs(&mut self, message: &[u8]) -> Result<Array2<i64>, ClientError> {
        let plan = Arc::clone(&self.plan);
        let last = plan.geometry.layers.len() - 1;
        let due = self.due.filter(|due| due.task == Task::Classification && due.round == last);
        let Due { step, round, rows, .. } = due.ok_or_else(|| unexpected("outputs", "something else"))?;
        let Some(Refresh::Rows { from, shift, bound, .. }) = plan.rounds.get(round).and_then(|r| r.first())
        else {
            return Err(unexpected("outputs", "no outputs of this plan"));
        };
        let received = open(&plan, Purpose::Outputs, (step, round as u16), &[*from], message)?;
        self.due = None;
        let slots = self.decrypt(&received[0])?;
        Ok(self.refresh_rows(*from, rows, &slots, *shift, *bound))
    }

    /// Rounds and saturates one value, and counts.
    fn settle(&mut self, value: i128, shift: u32, bound: i64, proven: i128) -> i64 {
        self.counts.out_of_bounds += u64::from(value.abs() > proven);
        let rounded = round_shift(value, shift);
        self.counts.saturations += u64::from(rounded.abs() > i128::from(bound));
        rounded.clamp(-i128::from(bound), i128::from(bound)) as i64
    }

    fn refresh_rows(
        &mut self,
        from: Tensor,
        rows: usize,
        slots: &[Vec<i128>],
        shift: u32,
        bound: i64,
    ) -> Array2<i64> {
        let Some(tiles) = self.plan.tiles(from) else {
            return Array2::zeros((0, 0));
        };
        // Rows beyond the mini-batch are not read, hence returned as zeros: their errors vanish.
        let tiles = Tiles { rows: rows.min(tiles.rows), ..tiles };
        let values = tiles.unpack(&self.plan.geometry.cube, slots);
        let proven = self.plan.bounds[&from];
        values.mapv(|value| self.settle(value, shift, bound, proven))
    }

    fn refresh_model(&mut self, compact: &[(&Refresh, Vec<Vec<i128>>)]) {
        let plan = Arc::clone(&self.plan);
        let (cube, layout) = (&plan.geometry.cube, &plan.geometry.compact);
        let mut layers: Vec<LayerState> = self.model.layers.clone();
        for (refresh, slots) in compact {
            let proven = plan.bounds[&refresh.from()];
            let (Refresh::Weights { shift, bound, .. } | Refresh::Momentum { shift, bound }) = *refresh
            else {
                continue;
            };
            for (place, layer) in plan.geometry.layers.iter().zip(&mut layers) {
                let (weight, bias) = place.unpack(cube, layout, slots);
                let weight = weight.mapv(|value| self.settle(value, *shift, *bound, proven));
                let bias = bias.mapv(|value| self.settle(value, *shift, *bound, proven));
                if matches!(refresh, Refresh::Weights { .. }) {
                    (layer.weight, layer.bias) = (weight, bias);
                } else {
                    (layer.weight_momentum, layer.bias_momentum) = (weight, bias);
                }
            }
        }
        self.model = Model { layers };
    }
}

/// `value/2^shift`, rounded half away from zero.
fn round_shift(value: i128, shift: u32) -> i128 {
    let half = if shift == 0 { 0 } else { 1i128 << (shift - 1) };
    if value < 0 { -((-value + half) >> shift) } else { (value + half) >> shift }
}

fn unexpected(found: &str, expected: &str) -> ClientError {
    MessageError::Unexpected { found: found.into(), expected: expected.into() }.into()
}

fn misfit(what: &'static str, found: usize, needed: String) -> ClientError {
    MessageError::Data { what, found, needed }.into()
}

/// A client that cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The request is damaged or not the one expected.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The scheme refused.
    #[error(transparent)]
    Bgv(#[from] Error),
}

/// Integers modulo the product of the plaintext primes.
struct Crt {
    moduli: Vec<i128>,
    /// `(M/t_i)^{-1} mod t_i`.
    inverses: Vec<i128>,
    product: i128,
}

impl Crt {
    fn new(moduli: &[u64]) -> Self {
        let product: i128 = moduli.iter().map(|&t| i128::from(t)).product();
        let inverse = |t: u64| {
            let hat = (product / i128::from(t) % i128::from(t)) as u64;
            let found = he_core::Modulus::new(t).ok().and_then(|modulus| modulus.inv(hat));
            i128::from(found.unwrap_or(1))
        };
        let inverses = moduli.iter().map(|&t| inverse(t)).collect();
        Self { moduli: moduli.iter().map(|&t| i128::from(t)).collect(), inverses, product }
    }

    /// Centred residues modulo prime `c`.
    fn residues(&self, values: &[i64], c: usize) -> Vec<i64> {
        let t = self.moduli[c];
        values
            .iter()
            .map(|&value| {
                let residue = i128::from(value).rem_euclid(t);
                (if 2 * residue > t { residue - t } else { residue }) as i64
            })
            .collect()
    }

    /// The centred integers with the given residues modulo each prime.
    fn combine(&self, residues: &[Vec<i64>]) -> Vec<i128> {
        if let [only] = residues {
            return only.iter().map(|&value| i128::from(value)).collect();
        }
        let count = residues.first().map_or(0, Vec::len);
        (0..count)
            .map(|i| {
                let terms = self.inverses.iter().zip(residues).zip(&self.moduli);
                let sum = terms.fold(0i128, |sum, ((inverse, values), t)| {
                    let digit = (inverse * i128::from(values[i])).rem_euclid(*t);
                    (sum + self.product / t * digit) % self.product
                });
                if 2 * sum > self.product { sum - self.product } else { sum }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back_from_their_residues(values in prop::collection::vec(any::<i64>(), 1..20)) {
            let crt = Crt::new(&[1_099_510_054_913, 1_099_507_695_617]);
            let residues: Vec<_> = (0..2).map(|c| crt.residues(&values, c)).collect();
            let back = crt.combine(&residues);
            prop_assert_eq!(back, values.iter().map(|&v| i128::from(v)).collect::<Vec<_>>());
        }

        #[test]
        fn rounding_is_half_away_from_zero(value in -1_000_000i64..1_000_000, shift in 0u32..12) {
            let exact = value as f64 / f64::from(1u32 << shift);
            prop_assert_eq!(round_shift(value.into(), shift), exact.round() as i128);
        }
    }
}
