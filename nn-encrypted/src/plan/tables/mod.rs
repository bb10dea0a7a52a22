//! Plans of layers with weights beside lookup tables: in coefficients of BGV or BFV, or in blocks of slots of CKKS.

mod arrangement;
pub(super) mod check;
pub(super) mod cost;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use he_core::wire::Writer;
use zeroize::Zeroizing;

use self::arrangement::Arrangement;
use super::parameters::switch;
use super::task::{Planned, Security, Task};
use super::{Disclosure, Estimate, PlannedEngine, Result, SchemeUse, Tolerance, WireSize, Workload};
use crate::activation::Function;
use crate::engine::tables::{self, TableFunctions};
use crate::engine::{Engine, EngineError, KeyStream};
use crate::network::Network;
use crate::numbers::tables::{TableNumbers, TableReader};
use crate::program::Tensor;
use crate::recipe::{Recipe, Scheme};
use crate::roles::cipher::{Cipher, CipherError, only};

/// Layers beside tables, as planned.
pub(crate) struct PlannedTables {
    shared: Shared,
    arrangement: Arrangement,
}

/// The parts of a plan that do not depend on the scheme of the layers.
pub(crate) struct Shared {
    pub(crate) parameters: tables::Parameters,
    /// Of layers with weights.
    pub(crate) scheme: Scheme,
    pub(crate) numbers: TableNumbers,
    pub(crate) reader: TableReader,
    pub(crate) functions: TableFunctions,
    /// Images of a mini-batch.
    pub(crate) batch: usize,
}

/// Plans layers beside tables: all of a network, or there is no plan.
///
/// # Errors
/// If a layer cannot be computed where the recipe puts it, or a field has a value for which there are no parameters.
pub(super) fn plan(task: &Task<'_>) -> Result<Planned> {
    let engine = Arc::new(PlannedTables::with_security(task.recipe, task.network, task.security)?);
    Ok(Planned { engine, bootstrapped: BTreeSet::new(), proven: Vec::new() })
}

/// Seconds of a core that a lookup takes, with its key switch.
const LOOKUP_SECONDS: f64 = 0.0116;

impl PlannedTables {
    /// The plan of a recipe for its network, at 128-bit security: all layers with weights in one scheme, `bgv` or `ckks`, and all
    /// activations in `tfhe`.
    ///
    /// # Errors
    /// If a layer cannot be computed where the recipe puts it, named with what is needed and what there is by number; or a field has
    /// a value for which there are no parameters.
    #[cfg(test)]
    pub(crate) fn new(recipe: &Recipe, network: &Network) -> Result<Self> {
        Self::with_security(recipe, network, Security::Standard)
    }

    /// The plan in small rings without security, for fast tests.
    #[cfg(test)]
    pub(crate) fn insecure(recipe: &Recipe, network: &Network) -> Result<Self> {
        Self::with_security(recipe, network, Security::InsecureSmall("a test of training"))
    }

    fn with_security(recipe: &Recipe, network: &Network, security: Security<'_>) -> Result<Self> {
        let products = check::products(recipe, network)?;
        // What does not fit is said before parameters take their time.
        let numbers = check::numbers(recipe, network)?;
        let parameters = switch::parameters(numbers.log_t, products, security)?;
        check::fields(recipe, parameters.bgv().n())?;
        check::layers(recipe, network, switch::depth(&parameters, products))?;
        let functions = TableFunctions::of(network);
        let shared = Shared {
            reader: switch::reader(&parameters),
            functions: functions.map_err(|l| check::without_function(network, l, &numbers))?,
            batch: recipe.optimizer.batch_size,
            numbers,
            parameters,
            scheme: network.layers.first().map_or(Scheme::Bgv, |layer| layer.scheme),
        };
        let arrangement = arrangement::choose(&shared, network, products)?;
        Ok(Self { shared, arrangement })
    }

    /// Bootstraps of tables in a step of a whole mini-batch.
    pub(crate) fn lookups(&self) -> usize {
        let (widths, functions) = (self.places().widths(), &self.shared.functions);
        let last = widths.len() - 2;
        let of = |(l, function): (usize, &Function)| {
            let masked = l < last && crate::numbers::tables::is_masked(function);
            widths[l + 1] * if masked { 2 } else { 3 }
        };
        let activations: usize = functions.activations.iter().enumerate().map(of).sum();
        self.shared.batch * (activations + functions.output.iter().count() * widths[last + 1])
    }
}

impl PlannedEngine for PlannedTables {
    fn encode(&self, out: &mut Writer) {
        self.shared.numbers.encode(out);
        let widths = self.places().widths();
        out.length(widths.len());
        widths.iter().for_each(|&width| out.length(width));
        self.encode_layout(out);
        out.u8(self.shared.scheme as u8);
        switch::hashes(&self.shared.parameters).into_iter().for_each(|hash| out.bytes(hash));
    }

    fn sent(&self, tensor: Tensor, rows: usize) -> WireSize {
        let places = self.places();
        let pieces = places.sent(tensor, rows).unwrap_or(0);
        let [fresh, computed] =
            switch::piece_bytes(&self.shared.parameters, self.products(), tensor.is_of_model());
        WireSize { parts: usize::from(pieces > 0), pieces, fresh, computed }
    }

    fn key_bytes(&self) -> Result<Vec<usize>> {
        switch::key_bytes(&self.shared.parameters, &self.key_request())
    }

    fn key_names(&self) -> Vec<String> {
        self.key_request().kinds().iter().map(ToString::to_string).collect()
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        let keys = tables::SecretKeys::generate(&self.shared.parameters)?;
        Ok(self.cipher(keys))
    }

    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        let keys = tables::SecretKeys::from_secret_bytes(&self.shared.parameters, only(keys)?)
            .map_err(|source| CipherError::Keys { what: "secret keys", source })?;
        Ok(self.cipher(keys))
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, record: bool) -> Result<Box<dyn Engine>, EngineError> {
        let switcher = tables::switcher(&self.shared.parameters, &self.key_request(), keys)?;
        let Shared { functions, numbers, reader, .. } = &self.shared;
        let lookup = tables::Lookup::new(functions, *numbers, *reader, switcher.tfhe()?, record)?;
        self.engine_with(switcher, lookup)
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        let products = self.products();
        let name = self.shared.scheme.name();
        switch::schemes(&self.shared.parameters, (products, name), &self.shared.reader, self.slots())
    }

    fn tolerance(&self) -> Option<Tolerance> {
        matches!(self.arrangement, Arrangement::Blocks { .. }).then_some(arrangement::TOLERANCE)
    }

    fn disclosure(&self) -> Disclosure {
        let TableReader { deviations: [deviation, _], .. } = self.shared.reader;
        let boxes = 2 * self.shared.reader.boxes(1);
        Disclosure::Phases { deviation: deviation * boxes as f64, lookups: self.lookups() }
    }

    fn table_reader(&self) -> Option<TableReader> {
        Some(self.shared.reader)
    }

    fn estimate(&self) -> Estimate {
        let layers = self.seconds();
        Estimate {
            units: layers + LOOKUP_SECONDS * self.lookups() as f64,
            bootstraps: self.refreshes() as u64,
            memory: self.memory(),
            ..Estimate::default()
        }
    }

    fn work(&self) -> Workload {
        self.planned_work()
    }
}

impl fmt::Display for PlannedTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (numbers, reader) = (&self.shared.numbers, &self.shared.reader);
        for scheme in self.schemes() {
            let security = scheme.security_bits.map_or("none".into(), |bits| format!("{bits} bits"));
            let (name, n) = (scheme.name.to_uppercase(), scheme.ring_dimension);
            writeln!(f, "{name}: N = {n}, {}, security {security}", scheme.plaintext)?;
        }
        writeln!(
            f,
            "lookups within 2^{:.1} of the torus; fractional bits: {} of activations, {} of errors, {} of weights",
            reader.deviations[0].log2(),
            numbers.activation_bits,
            numbers.error_bits,
            numbers.weight_bits()
        )?;
        numbers.write_ranges(f, self.places().widths().len() > 2)?;
        for (l, line) in self.lines().iter().enumerate() {
            writeln!(f, "layer {} with weights: {line}", l + 1)?;
        }
        let (batch, lookups, refreshes) = (self.shared.batch, self.lookups(), self.refreshes());
        write!(f, "a step of {batch} samples: {lookups} lookups, {refreshes} refreshes")
    }
}
