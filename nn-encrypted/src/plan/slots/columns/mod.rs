//! Plans of layers that nothing refreshes: from public weights one step, whose integers and noise are held to the end.
//!
//! Layers are linear, their first weights public. The first step then multiplies by constants, two plaintexts and one ciphertext, one
//! after another; a later one multiplies by weights that are encrypted. Fractional bits grow as no one takes them away, of two layers by a
//! factor of three a step, and with them the number of plaintext primes: their growth ends a training, and not its noise. Levels that are
//! missing are said by number, and so are bits.

mod bounds;
mod choose;
mod count;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use he_core::wire::Writer;
use zeroize::Zeroizing;

pub(crate) use self::choose::most_levels;
use self::count::{key_switch_transforms, levels};
use crate::engine::columns::{Agreement, Channel, LayerNumbers, key_bytes};
use crate::engine::{Engine, EngineError, KeyStream};
use crate::plan::parameters::yashe::scheme_use;
use crate::plan::{
    Disclosure, Estimate, Planned, PlannedEngine, Result, SchemeUse, Task, WireSize, Workload,
};
use crate::program::Tensor;
use crate::roles::cipher::columns::ColumnsCipher;
use crate::roles::cipher::{Cipher, CipherError};

/// Encryptions in the time of a rotation.
const ENCRYPTIONS: f64 = 4.0;
/// Rotations in the time in which a mebibyte of evaluation keys is made, written and read.
const KEY_MEBIBYTE: f64 = 0.46;
/// The part of a rotation that a key switch of a step takes: many of them share a decomposition.
const SWITCH: f64 = 0.69;
// Memory, fitted to the peaks of five runs from 0.8 to 17.7 GB.

/// Bytes for each byte of sealed evaluation keys.
const KEYS: f64 = 1.8;
/// Bytes for each byte of the ciphertexts that weights would take, one for each that a tile multiplies: in YASHE; in BFV and BGV while first
/// weights are public, and when they are unpacked.
const WEIGHTS: [f64; 3] = [4.0, 2.1, 2.8];

/// Some layers that nothing refreshes, as planned.
pub struct PlannedColumns {
    agreement: Arc<Agreement>,
    /// Bits of the largest integer that is decrypted.
    value_bits: f64,
}

/// The plan of layers that nothing refreshes.
///
/// # Errors
/// If there is none: the layer is named, with what is needed and what there is by number.
pub fn plan(task: &Task<'_>) -> Result<Planned> {
    let (agreement, value_bits) = choose::choose(task)?;
    let engine = PlannedColumns { agreement: Arc::new(agreement), value_bits };
    Ok(Planned { engine: Arc::new(engine), bootstrapped: BTreeSet::new(), proven: Vec::new() })
}

impl PlannedEngine for PlannedColumns {
    fn encode(&self, out: &mut Writer) {
        self.agreement.encode(out);
    }

    fn sent(&self, tensor: Tensor, _rows: usize) -> WireSize {
        let pieces = self.agreement.ciphertexts(tensor).unwrap_or(0) * self.agreement.channels.len();
        let (all, computed) = (self.agreement.channels.iter(), self.agreement.piece_bytes);
        let fresh = match tensor {
            // The first ones are public.
            Tensor::Weights => 1,
            _ => all.map(Channel::fresh_bytes).max().unwrap_or(0),
        };
        let computed = if matches!(tensor, Tensor::Features | Tensor::Targets) { fresh } else { computed };
        WireSize { parts: usize::from(pieces > 0), pieces, fresh, computed }
    }

    fn key_bytes(&self) -> Result<Vec<usize>> {
        Ok(key_bytes(&self.agreement)?)
    }

    fn key_names(&self) -> Vec<String> {
        let number = |i: usize| format!("evaluation keys of plaintext prime {}", i + 1);
        (0..self.agreement.channels.len()).map(number).collect()
    }

    fn secret_keys(&self) -> usize {
        self.agreement.channels.len()
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(ColumnsCipher::generate(&self.agreement)?))
    }

    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(ColumnsCipher::with_secret(&self.agreement, keys)?))
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, _record: bool) -> Result<Box<dyn Engine>, EngineError> {
        crate::engine::columns::engine(&self.agreement, keys)
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        self.agreement.channels.iter().map(scheme_use).collect()
    }

    fn disclosure(&self) -> Disclosure {
        Disclosure::Exact
    }

    fn estimate(&self) -> Estimate {
        let (depth, steps) = (self.agreement.layers.len(), self.agreement.ladder.steps());
        let count = levels(depth, steps) - if steps > 1 { levels(depth, steps - 1) } else { 0 };
        let keys: usize = self.key_bytes().unwrap_or_default().iter().sum();
        let memory = (KEYS * keys as f64 + self.weight_bytes()) as usize;
        Estimate { units: self.seconds(), levels: Some(count), memory, ..Estimate::default() }
    }

    /// In rotations over all primes of a plaintext prime.
    fn work(&self) -> Workload {
        let rotations = |count: f64| vec![count * self.agreement.channels.len() as f64];
        let tiles = |tensor| self.agreement.ciphertexts(tensor).unwrap_or(0);
        let fresh = tiles(Tensor::Features) + tiles(Tensor::Targets);
        let keys: usize = self.key_bytes().unwrap_or_default().iter().sum();
        let switches = SWITCH * self.key_switches() as f64;
        Workload {
            keys: vec![KEY_MEBIBYTE * keys as f64 / f64::from(1 << 20)],
            batch: rotations(fresh as f64 / ENCRYPTIONS),
            step: rotations(switches),
            query: rotations(switches / 2.0),
        }
    }
}

impl PlannedColumns {
    /// Bytes of memory that weights and what is computed with them take.
    fn weight_bytes(&self) -> f64 {
        let layers = &self.agreement.layers;
        let tiles: usize = layers.iter().map(|layer| self.agreement.weight_tiles(layer)).sum();
        let bytes = |channel: &Channel| {
            let (n, limbs, ..) = channel.sizes();
            let [yashe, public, unpacked] = WEIGHTS;
            let (polynomials, factor) = match channel {
                Channel::Yashe(_) => (1, yashe),
                Channel::Integers(_) if self.agreement.is_packed() => (2, unpacked),
                Channel::Integers(_) => (2, public),
            };
            factor * (8 * polynomials * n * limbs) as f64
        };
        tiles as f64 * self.agreement.channels.iter().map(bytes).sum::<f64>()
    }

    /// Key switches of the last step, of each plaintext prime.
    fn key_switches(&self) -> usize {
        let (columns, layers) = (&self.agreement.columns, &self.agreement.layers);
        let (group_sum, image_sum) = (columns.group_sum().len(), columns.image_sum().len());
        let tiles: usize = layers.iter().map(|layer| self.agreement.weight_tiles(layer)).sum();
        let products = |layer: &LayerNumbers| layer.outputs * columns.tiles(layer.inputs);
        let all: usize = layers.iter().map(products).sum();
        let gradients = all + tiles * image_sum;
        if !self.agreement.is_packed() {
            return layers.first().map_or(0, |first| first.outputs * group_sum) + gradients;
        }
        // Weights are unpacked forward, and of all layers but the first back as well: moved by half of the bits, and copied.
        let unpacked = |layer: &LayerNumbers| {
            let count = self.agreement.weight_tiles(layer);
            (count.min(columns.images).next_power_of_two().trailing_zeros() as usize / 2 + image_sum) * count
        };
        let forward: usize = layers.iter().map(|l| unpacked(l) + products(l) + l.outputs * group_sum).sum();
        let back: usize =
            layers.iter().skip(1).map(|l| unpacked(l) + products(l) + l.inputs * group_sum).sum();
        forward + back + gradients + tiles
    }

    /// Reckoned seconds of a core for the last step: a transform takes half a nanosecond a word and a doubling.
    fn seconds(&self) -> f64 {
        let of = |channel: &Channel| {
            let (n, limbs, digits, special) = channel.sizes();
            let transforms = key_switch_transforms(limbs, digits, special);
            transforms * 0.47e-9 * n as f64 * (n as f64).log2() * self.key_switches() as f64
        };
        self.agreement.channels.iter().map(of).sum()
    }
}

impl fmt::Display for PlannedColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for scheme in self.schemes() {
            let security = scheme.security_bits.map_or("none".into(), |bits| format!("{bits} bits"));
            let (name, n, log_q) = (scheme.name.to_uppercase(), scheme.ring_dimension, scheme.log_qp);
            writeln!(f, "{name}: N = {n}, log2 QP = {log_q:.0}, {}, security {security}", scheme.plaintext)?;
        }
        let columns = &self.agreement.columns;
        writeln!(
            f,
            "slots: {} units x {} images; the first weights are public",
            columns.groups, columns.images
        )?;
        writeln!(f, "values: at most {:.1} bits where they are decrypted, proven", self.value_bits)?;
        write!(
            f,
            "a step: {} key switches for each of {} plaintext primes; reckoned {:.2} core-seconds",
            self.key_switches(),
            self.agreement.channels.len(),
            self.seconds()
        )
    }
}
