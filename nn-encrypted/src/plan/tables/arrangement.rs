//! The scheme of the layers with weights, and where their values stand.

use std::sync::Arc;

use he_core::wire::Writer;

use super::Shared;
use crate::engine::blocks::{BlockScales, Blocks};
use crate::engine::coefficients::Coefficients;
use crate::engine::tables::{KeyRequest, Lookup, SecretKeys, Switcher, TableEngine};
use crate::engine::{Engine, EngineError};
use crate::layout::Places;
use crate::layout::blocks::BlockLayout;
use crate::layout::coefficients::CoefficientLayout;
use crate::network::Network;
use crate::plan::parameters::switch::{self, Products};
use crate::plan::{PlanError, Reason, Result, Tolerance};
use crate::roles::cipher::Cipher;
use crate::roles::cipher::blocks::Reals;
use crate::roles::cipher::coefficients::Integers;
use crate::roles::cipher::tables::TableCipher;

/// How far weights and outputs in slots may be from the twin's.
const TOLERANCE: Tolerance = Tolerance { weights: 1.0 / 256.0, outputs: 1.0 / 16.0 };

/// Seconds of a core that a bootstrap of all slots takes.
const REFRESH_SECONDS: f64 = 16.0;

/// A scheme for layers with weights, with its layout.
pub(super) trait Arrangement: Send + Sync {
    fn places(&self) -> &dyn Places;
    fn products(&self) -> Products;
    /// Encodes the layout, but for widths.
    fn encode(&self, out: &mut Writer);
    /// Slots of the bootstrap that refreshes.
    fn slots(&self, shared: &Shared) -> usize;
    /// Ciphertexts of CKKS that are refreshed or filled in a step.
    fn refreshes(&self, shared: &Shared) -> usize;
    /// Seconds of a core that a step takes, but for lookups.
    fn seconds(&self, shared: &Shared) -> f64;
    fn key_request(&self, shared: &Shared) -> KeyRequest;
    fn cipher(&self, shared: &Shared, keys: SecretKeys) -> Box<dyn Cipher>;
    fn engine(
        &self,
        shared: &Shared,
        switcher: Switcher,
        lookup: Lookup,
    ) -> Result<Box<dyn Engine>, EngineError>;
    fn tolerance(&self) -> Option<Tolerance>;
    /// A line about each layer with weights.
    fn lines(&self) -> Vec<String>;
}

pub(super) fn choose(shared: &Shared, network: &Network, products: Products) -> Result<Arc<dyn Arrangement>> {
    let widths = network.widths();
    let refused = |l: usize, what: String, needed: usize, available: usize| {
        let layer = &network.layers[l];
        let (needed, available) = (needed as f64, available as f64);
        let (layer, kind) = (layer.index, layer.kind.to_string());
        PlanError::Refused { layer, kind, reason: Reason::Layout, what, needed, available }
    };
    match products {
        Products::Coefficients => {
            let (n, most) = (shared.parameters.bgv().n(), shared.parameters.bgv_capacity());
            let layout = CoefficientLayout::new(&widths, shared.batch, n, most).ok_or_else(|| {
                let outputs = widths[1..].iter().enumerate();
                let (l, &width) = outputs.max_by_key(|(_, width)| **width).unwrap_or((0, &0));
                let what = format!("{width} outputs do not fit a ciphertext of {n} coefficients");
                refused(l, what, width, n)
            })?;
            Ok(Arc::new(layout))
        }
        Products::Slots => {
            let most = shared.parameters.ckks().slots();
            let layout = BlockLayout::new(&widths, shared.batch, most).map_err(|(l, slots)| {
                let what = format!("an image takes {slots} slots, a ciphertext of CKKS has {most}");
                refused(l, what, slots, most)
            })?;
            let scales = BlockScales::new(&shared.numbers, &shared.parameters);
            Ok(Arc::new(InBlocks { layout, scales }))
        }
    }
}

impl Arrangement for CoefficientLayout {
    fn places(&self) -> &dyn Places {
        self
    }

    fn products(&self) -> Products {
        Products::Coefficients
    }

    fn encode(&self, out: &mut Writer) {
        out.length(self.dimension);
    }

    fn slots(&self, shared: &Shared) -> usize {
        let pieces = self.most_pieces(shared.batch).min(shared.parameters.bgv_capacity()).next_power_of_two();
        pieces * shared.parameters.bgv().n() / 2
    }

    fn refreshes(&self, shared: &Shared) -> usize {
        let most = shared.parameters.bgv_capacity();
        let of = |pieces: usize| pieces.div_ceil(most);
        let inputs = (1..self.layers.len()).map(|l| of(self.inputs(l, shared.batch).pieces()));
        let errors = self.layers.len() + usize::from(shared.functions.has_output_activation());
        inputs.sum::<usize>() + errors * of(self.errors(shared.batch).pieces()) + of(self.weights().pieces())
    }

    fn seconds(&self, shared: &Shared) -> f64 {
        self.cost(shared.batch, shared.parameters.bgv_capacity()) / 1000.0
    }

    fn key_request(&self, shared: &Shared) -> KeyRequest {
        switch::coefficient_keys(&shared.parameters, self, self.slots(shared))
    }

    fn cipher(&self, shared: &Shared, keys: SecretKeys) -> Box<dyn Cipher> {
        let request = self.key_request(shared);
        Box::new(TableCipher::new(Integers, self.clone(), shared.numbers, request, keys))
    }

    fn engine(
        &self,
        shared: &Shared,
        switcher: Switcher,
        lookup: Lookup,
    ) -> Result<Box<dyn Engine>, EngineError> {
        let layers = Coefficients::new(self, shared.numbers.activation_bits, switcher);
        Ok(Box::new(TableEngine::new(layers, lookup)))
    }

    fn tolerance(&self) -> Option<Tolerance> {
        None
    }

    fn lines(&self) -> Vec<String> {
        let line = |layer: &crate::layout::coefficients::PolynomialTiles| {
            let (inputs, outputs, tiles) = (layer.inputs - 1, layer.outputs, layer.tiles());
            format!("{inputs} to {outputs}, weights in {tiles} tiles of {} coefficients", self.dimension)
        };
        self.layers.iter().map(line).collect()
    }
}

/// Blocks of slots, and the scales of numbers there.
struct InBlocks {
    layout: BlockLayout,
    scales: BlockScales,
}

impl Arrangement for InBlocks {
    fn places(&self) -> &dyn Places {
        &self.layout
    }

    fn products(&self) -> Products {
        Products::Slots
    }

    fn encode(&self, out: &mut Writer) {
        // No dimension of a subring is 0.
        out.length(0);
        out.length(self.layout.slots);
        out.u32(self.scales.bits);
    }

    fn slots(&self, _: &Shared) -> usize {
        self.layout.slots
    }

    fn refreshes(&self, shared: &Shared) -> usize {
        use crate::layout::Rows::{Errors, Inputs};
        let depth = self.layout.layers.len();
        let of = |rows| self.layout.pieces(rows, shared.batch);
        let inputs: usize = (1..depth).map(|l| of(Inputs(l))).sum();
        let errors: usize = (0..depth).map(|l| of(Errors(l))).sum();
        let outputs = if shared.functions.has_output_activation() { of(Errors(depth - 1)) } else { 0 };
        inputs + errors + outputs + self.layout.weight_pieces()
    }

    fn seconds(&self, shared: &Shared) -> f64 {
        REFRESH_SECONDS * self.refreshes(shared) as f64
    }

    fn key_request(&self, shared: &Shared) -> KeyRequest {
        switch::block_keys(&shared.parameters, &self.layout)
    }

    fn cipher(&self, shared: &Shared, keys: SecretKeys) -> Box<dyn Cipher> {
        let (coding, request) = (Reals { scales: self.scales }, self.key_request(shared));
        Box::new(TableCipher::new(coding, self.layout.clone(), shared.numbers, request, keys))
    }

    fn engine(
        &self,
        shared: &Shared,
        switcher: Switcher,
        lookup: Lookup,
    ) -> Result<Box<dyn Engine>, EngineError> {
        let layers = Blocks::new(&self.layout, self.scales, shared.numbers.activation_bits, switcher)?;
        Ok(Box::new(TableEngine::new(layers, lookup)))
    }

    fn tolerance(&self) -> Option<Tolerance> {
        Some(TOLERANCE)
    }

    fn lines(&self) -> Vec<String> {
        let line = |block: &crate::layout::blocks::Block| {
            format!("{} to {}, {} slots an image", block.inputs, block.outputs, block.size())
        };
        self.layout.layers.iter().map(line).collect()
    }
}
