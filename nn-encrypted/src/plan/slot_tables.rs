//! Plans of layers in coefficients of BGV beside exact tables over the slots of CKKS.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use he_core::wire::Writer;
use zeroize::Zeroizing;

use super::parameters::slot_tables::{self as ways, KeyRequest, MESSAGES, Parameters, SecretKey};
use super::tables::{check, cost};
use super::task::{Planned, Security, Task};
use super::{Disclosure, Estimate, PlanError, PlannedEngine, Reason, Result, SchemeUse, WireSize, Workload};
use crate::engine::coefficients::Coefficients;
use crate::engine::integers::IntegerForm;
use crate::engine::slot_tables::{SlotTables, TableValues};
use crate::engine::tables::{TableEngine, TableFunctions};
use crate::engine::{Engine, EngineError, KeyStream};
use crate::layout::Places;
use crate::layout::coefficients::{CoefficientLayout, PolynomialTiles};
use crate::network::Network;
use crate::numbers::tables::{Looked, TableNumbers, is_masked};
use crate::program::Tensor;
use crate::recipe::{Loss, Recipe, Scheme};
use crate::roles::cipher::coefficients::{BesideSlots, Integers};
use crate::roles::cipher::tables::TableCipher;
use crate::roles::cipher::{Cipher, CipherError, only};

/// Seconds of a core that a truncation or tables of one argument take, of all slots and of few; and a lift.
const TABLE_SECONDS: f64 = 4.0;
const LIFT_SECONDS: f64 = 3.2;
/// The time of a classification by that of its bootstraps: products of weights and rows take the rest.
const FORWARD: f64 = 1.6;

/// Seconds of a core that a rotation takes in the ring of the tables, where those were measured.
const ROTATION_SECONDS: f64 = 0.0316;

/// Seconds of a byte of sealed keys, made, written and read.
const KEY_BYTE: f64 = 1.2e-8;

/// Bytes of keys in memory for each byte of sealed keys: sealed, expanded, and the transforms of two bootstraps; by a step of the
/// default network, which took 12.7 GB.
const KEYS: f64 = 4.6;

/// Lifts of a result of tables, about, and of weights.
const LIFTS: usize = 2;

/// Layers beside tables over slots, as planned.
pub(crate) struct PlannedSlotTables {
    parameters: Parameters,
    numbers: TableNumbers,
    functions: TableFunctions,
    loss: Loss,
    layout: CoefficientLayout,
    /// Images of a mini-batch.
    batch: usize,
}

/// Plans layers beside tables over slots: all of a network, or there is no plan.
///
/// # Errors
/// If a layer cannot be computed where the recipe puts it, or a field has a value for which there are no parameters.
pub(super) fn plan(task: &Task<'_>) -> Result<Planned> {
    let engine = Arc::new(PlannedSlotTables::with_security(task.recipe, task.network, task.security)?);
    Ok(Planned { engine, bootstrapped: BTreeSet::new(), proven: Vec::new() })
}

impl PlannedSlotTables {
    pub(crate) fn with_security(recipe: &Recipe, network: &Network, security: Security<'_>) -> Result<Self> {
        only_bgv(network)?;
        check::products(recipe, network)?;
        let numbers = check::numbers(recipe, network)?;
        check::targets(recipe, network)?;
        let parameters = ways::parameters(numbers.log_t, security)?;
        check::fields(recipe, parameters.bgv().n())?;
        check::dense(network)?;
        let functions = TableFunctions::of(network);
        let functions = functions.map_err(|l| check::without_function(network, l, &numbers))?;
        let (batch, n, widths) = (recipe.optimizer.batch_size, parameters.bgv().n(), network.widths());
        let layout = CoefficientLayout::over_slots(&widths, batch, n, parameters.capacity());
        let layout = layout.ok_or_else(|| {
            let (l, width) = (0..network.depth())
                .map(|l| (l, widths[l + 1]))
                .max_by_key(|(_, width)| *width)
                .unwrap_or((0, 0));
            let what =
                format!("{width} outputs do not fit a half of {n} coefficients, or a layer behind them all");
            let numbers = [width as f64, n as f64 / 2.0];
            PlanError::refused(network.layers[l].place(), Reason::Layout, what, numbers)
        })?;
        Ok(Self { parameters, numbers, functions, loss: network.loss, layout, batch })
    }

    /// Slots of tables, and of lifts.
    fn slots(&self) -> [usize; 2] {
        let (most, n) = (self.parameters.capacity(), self.parameters.bgv().n());
        let errors = self.layout.errors(self.batch).pieces();
        let weights = self.layout.weight_pieces();
        [errors, errors.max(weights)].map(|pieces| pieces.min(most).next_power_of_two() * n / 2)
    }

    fn key_request(&self) -> KeyRequest {
        ways::key_request(&self.parameters, self.layout.levels(), self.slots())
    }

    /// Truncations and lookups of a step, and lifts about.
    fn bootstraps(&self) -> [usize; 2] {
        let [slots, refresh] = self.slots().map(|slots| 2 * slots / self.parameters.bgv().n());
        let groups = self.layout.errors(self.batch).pieces().div_ceil(slots);
        let parts = |looked| self.numbers.index(looked).parts.len();
        let hidden = self.layout.layers.len() - 1;
        let mut tables = parts(Looked::Output) + 1;
        for function in self.functions.activations.iter().take(hidden) {
            tables += parts(Looked::Preactivation) + 1 + parts(Looked::Error) + 1;
            if !is_masked(function) {
                tables += self.numbers.product_index(function).parts.len() + 1;
            }
        }
        let weights = self.layout.weight_pieces().div_ceil(refresh);
        [tables * groups, LIFTS * ((2 * hidden + 1) * groups + weights)]
    }

    /// Truncations and lookups of the classification of a mini-batch, and lifts about.
    fn query_bootstraps(&self) -> [usize; 2] {
        let slots = 2 * self.slots()[0] / self.parameters.bgv().n();
        let groups = self.layout.errors(self.batch).pieces().div_ceil(slots);
        let hidden = self.layout.layers.len() - 1;
        let tables = self.numbers.index(Looked::Preactivation).parts.len() + 1;
        [tables * hidden * groups, LIFTS * hidden * groups]
    }

    /// Bytes at the peak.
    fn memory(&self) -> f64 {
        let [fixed, slot] = cost::REFRESH;
        KEYS * self.sealed_bytes() + fixed + slot * self.slots()[1] as f64
    }

    /// Bytes of all evaluation keys, sealed.
    fn sealed_bytes(&self) -> f64 {
        self.key_bytes().unwrap_or_default().into_iter().map(|bytes| bytes as f64).sum()
    }

    /// The tables of a network with an activation behind every layer with weights.
    fn values(&self) -> TableValues {
        TableValues::new(&self.functions, self.loss, &self.numbers)
    }

    fn engine_with(
        &self,
        keys: Vec<KeyStream<'_>>,
        values: &TableValues,
    ) -> Result<Box<dyn Engine>, EngineError> {
        let switcher = ways::switcher(&self.parameters, &self.key_request(), keys)?;
        let tables = SlotTables::new(values, self.numbers, &switcher)?;
        let layers = Coefficients::new(&self.layout, Scheme::Bgv, self.numbers.activation_bits, switcher)?;
        Ok(Box::new(TableEngine::new(layers, tables)))
    }

    fn cipher(&self, key: SecretKey) -> Box<dyn Cipher> {
        let keys = BesideSlots { parameters: self.parameters.clone(), key, request: self.key_request() };
        let integers = Integers::new(IntegerForm::new(Scheme::Bgv, self.parameters.bgv()));
        Box::new(TableCipher::new(integers, self.layout.clone(), self.numbers, keys))
    }
}

/// Refuses layers with weights in another scheme than BGV, and activations in another than the tables.
fn only_bgv(network: &Network) -> Result<()> {
    let refused = |place, what: String| Err(PlanError::refused(place, Reason::Layout, what, [1.0, 0.0]));
    for layer in &network.layers {
        if layer.scheme != Scheme::Bgv {
            let what = format!(
                "0 of its tensors in {} reach tables over slots: scheme = \"bgv\" is needed, or \"tfhe\" for activations",
                layer.scheme
            );
            return refused(layer.place(), what);
        }
        if let Some(other) = layer.activation.as_ref().filter(|found| found.scheme != Scheme::Tables) {
            let what = format!(
                "it is in {}, beside tables over slots 0 activations are in another scheme: \"tables\" is needed",
                other.scheme
            );
            return refused(other.place(), what);
        }
    }
    Ok(())
}

impl PlannedEngine for PlannedSlotTables {
    fn encode(&self, out: &mut Writer) {
        self.numbers.encode(out);
        self.numbers.spare.into_iter().for_each(|bits| out.u32(bits));
        let widths = self.layout.widths();
        out.length(widths.len());
        widths.iter().for_each(|&width| out.length(width));
        out.length(self.layout.n);
        out.length(self.layout.dimension);
        self.slots().into_iter().for_each(|slots| out.length(slots));
        out.bytes(self.parameters.hash());
    }

    fn sent(&self, tensor: Tensor, rows: usize) -> WireSize {
        let pieces = self.layout.sent(tensor, rows).unwrap_or(0);
        let [fresh, computed] = ways::piece_bytes(&self.parameters, tensor.is_of_model());
        WireSize { parts: usize::from(pieces > 0), pieces, fresh, computed }
    }

    fn key_bytes(&self) -> Result<Vec<usize>> {
        ways::key_bytes(&self.parameters, &self.key_request())
    }

    fn key_names(&self) -> Vec<String> {
        MESSAGES.map(str::to_owned).to_vec()
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(self.cipher(SecretKey::generate(self.parameters.bgv())?))
    }

    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        let key = SecretKey::from_secret_bytes(self.parameters.bgv(), only(keys)?)
            .map_err(|source| CipherError::Keys { what: "secret key", source })?;
        Ok(self.cipher(key))
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, _: bool) -> Result<Box<dyn Engine>, EngineError> {
        self.engine_with(keys, &self.values())
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        ways::schemes(&self.parameters, self.numbers.log_t, self.slots())
    }

    /// Every bit is the twin's but for failures, whose probability is that of the keys alone.
    fn disclosure(&self) -> Disclosure {
        Disclosure::Failures { log2: ways::log2_failure(&self.parameters) }
    }

    fn estimate(&self) -> Estimate {
        let [tables, lifts] = self.bootstraps();
        Estimate {
            units: TABLE_SECONDS * tables as f64 + LIFT_SECONDS * lifts as f64,
            bootstraps: (tables + lifts) as u64,
            memory: self.memory() as usize,
            ..Estimate::default()
        }
    }

    /// In rotations in the ring of the tables.
    fn work(&self) -> Workload {
        let rotations = |seconds: f64| vec![seconds / ROTATION_SECONDS];
        let bytes = |tensor: Tensor| {
            let size = self.sent(tensor, self.batch);
            (size.parts * size.pieces * size.fresh) as f64
        };
        let [tables, lifts] = self.query_bootstraps();
        Workload {
            keys: rotations(KEY_BYTE * self.sealed_bytes()),
            batch: rotations(cost::BYTE * (bytes(Tensor::Features) + bytes(Tensor::Targets))),
            step: rotations(self.estimate().units),
            query: rotations(FORWARD * (TABLE_SECONDS * tables as f64 + LIFT_SECONDS * lifts as f64)),
        }
    }
}

impl fmt::Display for PlannedSlotTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = &self.numbers;
        for scheme in self.schemes() {
            let security = scheme.security_bits.map_or("none".into(), |bits| format!("{bits} bits"));
            let (name, n) = (scheme.name.to_uppercase(), scheme.ring_dimension);
            writeln!(f, "{name}: N = {n}, {}, security {security}", scheme.plaintext)?;
        }
        writeln!(
            f,
            "exact tables; fractional bits: {} of activations, {} of errors, {} of weights",
            numbers.activation_bits,
            numbers.error_bits,
            numbers.weight_bits()
        )?;
        numbers.write_ranges(f, self.layout.layers.len() > 1)?;
        for (l, layer) in self.layout.layers.iter().enumerate() {
            let PolynomialTiles { inputs, outputs, .. } = layer;
            let (tiles, size) = (layer.tiles(), self.layout.dimension);
            let inputs = inputs - 1;
            writeln!(
                f,
                "layer {} with weights: {inputs} to {outputs}, weights in {tiles} tiles of {size} coefficients",
                l + 1
            )?;
        }
        let ([tables, lifts], batch) = (self.bootstraps(), self.batch);
        write!(f, "a step of {batch} samples: {tables} truncations and lookups, about {lifts} lifts")
    }
}
