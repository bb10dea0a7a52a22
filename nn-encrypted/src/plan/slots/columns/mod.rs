//! Plans of layers that nothing refreshes: from public weights one step, whose integers and noise are held to the end.
//!
//! Layers are linear, their first weights public. A step then multiplies by constants, two plaintexts and one ciphertext, one after
//! another; a second step would multiply by weights that are encrypted. Levels that are missing are said by number, and so are bits of
//! integers, which grow by a factor of three a step as no one takes fractional bits away.

mod choose;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use he_core::wire::Writer;
use zeroize::Zeroizing;

pub(crate) use self::choose::most_levels;
use crate::engine::columns::{Agreement, Channel, key_bytes};
use crate::engine::{Engine, EngineError};
use crate::plan::parameters::yashe::scheme_use;
use crate::plan::{
    Disclosure, Estimate, Planned, PlannedEngine, Result, SchemeUse, Task, WireSize, Workload,
};
use crate::program::Tensor;
use crate::roles::cipher::columns::ColumnsCipher;
use crate::roles::cipher::{Cipher, CipherError};

/// Encryptions in the time of a rotation.
const ENCRYPTIONS: usize = 4;

/// Some layers that nothing refreshes, as planned.
pub struct PlannedColumns {
    agreement: Arc<Agreement>,
    /// Bits of the largest integer of a step.
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
        let bytes = self.agreement.piece_bytes;
        WireSize { parts: usize::from(pieces > 0), pieces, fresh: bytes, computed: bytes }
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

    fn engine(&self, keys: &[Vec<u8>], _record: bool) -> Result<Box<dyn Engine>, EngineError> {
        crate::engine::columns::engine(&self.agreement, keys)
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        self.agreement.channels.iter().map(scheme_use).collect()
    }

    fn disclosure(&self) -> Disclosure {
        Disclosure::Exact
    }

    fn estimate(&self) -> Estimate {
        Estimate { units: self.seconds(), levels: Some(choose::LEVELS), ..Estimate::default() }
    }

    /// In rotations over all primes of a plaintext prime.
    fn work(&self) -> Workload {
        let rotations = |count: usize| vec![(count * self.agreement.channels.len()) as f64];
        let tiles = |tensor| self.agreement.ciphertexts(tensor).unwrap_or(0);
        let keys = self.agreement.rotations().len() + 1;
        let fresh = tiles(Tensor::Features) + tiles(Tensor::Targets);
        Workload {
            keys: rotations(keys),
            batch: rotations(fresh.div_ceil(ENCRYPTIONS)),
            step: rotations(self.key_switches()),
            query: rotations(self.key_switches() / 2),
        }
    }
}

impl PlannedColumns {
    /// Key switches of a step, of each plaintext prime.
    fn key_switches(&self) -> usize {
        let (columns, layers) = (&self.agreement.columns, &self.agreement.layers);
        let first = layers.first().map_or(0, |layer| layer.outputs);
        let tiles: usize = layers.iter().map(|layer| self.agreement.weight_tiles(layer)).sum();
        let products: usize = layers.iter().map(|layer| layer.outputs * columns.tiles(layer.inputs)).sum();
        first * columns.group_sum().len() + products + tiles * columns.image_sum().len()
    }

    /// Reckoned seconds of a core for a step: a transform takes half a nanosecond a word and a doubling.
    fn seconds(&self) -> f64 {
        let of = |channel: &Channel| {
            let (n, limbs, digits) = channel.sizes();
            let transforms = (limbs + limbs * digits) as f64;
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
        writeln!(f, "values: at most {:.1} bits in a step, proven", self.value_bits)?;
        write!(
            f,
            "a step: {} key switches for each of {} plaintext primes; reckoned {:.2} core-seconds",
            self.key_switches(),
            self.agreement.channels.len(),
            self.seconds()
        )
    }
}
