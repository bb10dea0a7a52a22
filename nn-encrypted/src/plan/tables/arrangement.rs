//! The scheme of the layers with weights, and where their values stand.

use he_core::wire::Writer;

use super::Shared;
use crate::engine::blocks::{BlockScales, Blocks};
use crate::engine::coefficients::Coefficients;
use crate::engine::tables::{KeyRequest, Lookup, SecretKeys, Switcher, TableEngine};
use crate::engine::{Engine, EngineError};
use crate::layout::blocks::{Block, BlockLayout};
use crate::layout::coefficients::{CoefficientLayout, PolynomialTiles};
use crate::layout::{Places, Rows};
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

/// The layout of layers with weights, in a scheme.
pub(super) enum Arrangement {
    Coefficients(CoefficientLayout),
    Blocks { layout: BlockLayout, scales: BlockScales },
}

/// The arrangement for a network.
pub(super) fn choose(shared: &Shared, network: &Network, products: Products) -> Result<Arrangement> {
    let widths = network.widths();
    let refused = |l: usize, what: String, needed: usize, available: usize| {
        let numbers = [needed, available].map(|number| number as f64);
        PlanError::refused(network.layers[l].place(), Reason::Layout, what, numbers)
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
            Ok(Arrangement::Coefficients(layout))
        }
        Products::Slots => {
            let most = shared.parameters.ckks().slots();
            let layout = BlockLayout::new(&widths, shared.batch, most).map_err(|(l, slots)| {
                let what = format!("an image takes {slots} slots, a ciphertext of CKKS has {most}");
                refused(l, what, slots, most)
            })?;
            Ok(Arrangement::Blocks { layout, scales: BlockScales::new(&shared.numbers, &shared.parameters) })
        }
    }
}

impl Arrangement {
    pub(super) fn places(&self) -> &dyn Places {
        match self {
            Self::Coefficients(layout) => layout,
            Self::Blocks { layout, .. } => layout,
        }
    }

    pub(super) fn products(&self) -> Products {
        match self {
            Self::Coefficients(_) => Products::Coefficients,
            Self::Blocks { .. } => Products::Slots,
        }
    }

    /// Encodes the layout, but for widths.
    pub(super) fn encode(&self, out: &mut Writer) {
        match self {
            Self::Coefficients(layout) => out.length(layout.dimension),
            Self::Blocks { layout, scales } => {
                // No dimension of a subring is 0.
                out.length(0);
                out.length(layout.slots);
                out.u32(scales.bits);
            }
        }
    }

    /// Slots of the bootstrap that refreshes.
    pub(super) fn slots(&self, shared: &Shared) -> usize {
        match self {
            Self::Coefficients(layout) => {
                let most = layout.most_pieces(shared.batch).min(shared.parameters.bgv_capacity());
                most.next_power_of_two() * shared.parameters.bgv().n() / 2
            }
            Self::Blocks { layout, .. } => layout.slots,
        }
    }

    /// Ciphertexts of CKKS that are refreshed or filled in a step.
    pub(super) fn refreshes(&self, shared: &Shared) -> usize {
        let (places, most) = match self {
            Self::Coefficients(_) => (self.places(), shared.parameters.bgv_capacity()),
            Self::Blocks { .. } => (self.places(), 1),
        };
        let depth = places.widths().len() - 1;
        let of = |rows| places.pieces(rows, shared.batch).div_ceil(most);
        let inputs: usize = (1..depth).map(|l| of(Rows::Inputs(l))).sum();
        let errors: usize = (0..depth).map(|l| of(Rows::Errors(l))).sum();
        let outputs = if shared.functions.has_output_activation() { of(Rows::Errors(depth - 1)) } else { 0 };
        inputs + errors + outputs + places.weight_pieces().div_ceil(most)
    }

    /// Seconds of a core that a step takes, but for lookups.
    pub(super) fn seconds(&self, shared: &Shared) -> f64 {
        match self {
            Self::Coefficients(layout) => {
                layout.cost(shared.batch, shared.parameters.bgv_capacity()) / 1000.0
            }
            Self::Blocks { .. } => REFRESH_SECONDS * self.refreshes(shared) as f64,
        }
    }

    pub(super) fn key_request(&self, shared: &Shared) -> KeyRequest {
        match self {
            Self::Coefficients(layout) => {
                switch::coefficient_keys(&shared.parameters, layout, self.slots(shared))
            }
            Self::Blocks { layout, .. } => switch::block_keys(&shared.parameters, layout),
        }
    }

    pub(super) fn cipher(&self, shared: &Shared, keys: SecretKeys) -> Box<dyn Cipher> {
        let (numbers, request) = (shared.numbers, self.key_request(shared));
        match self {
            Self::Coefficients(layout) => {
                Box::new(TableCipher::new(Integers, layout.clone(), numbers, request, keys))
            }
            Self::Blocks { layout, scales } => {
                Box::new(TableCipher::new(Reals { scales: *scales }, layout.clone(), numbers, request, keys))
            }
        }
    }

    pub(super) fn engine(
        &self,
        shared: &Shared,
        switcher: Switcher,
        lookup: Lookup,
    ) -> Result<Box<dyn Engine>, EngineError> {
        let bits = shared.numbers.activation_bits;
        Ok(match self {
            Self::Coefficients(layout) => {
                Box::new(TableEngine::new(Coefficients::new(layout, bits, switcher), lookup))
            }
            Self::Blocks { layout, scales } => {
                Box::new(TableEngine::new(Blocks::new(layout, *scales, bits, switcher)?, lookup))
            }
        })
    }

    pub(super) fn tolerance(&self) -> Option<Tolerance> {
        matches!(self, Self::Blocks { .. }).then_some(TOLERANCE)
    }

    /// A line about each layer with weights.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Coefficients(layout) => {
                let line = |layer: &PolynomialTiles| {
                    let (inputs, outputs, tiles) = (layer.inputs - 1, layer.outputs, layer.tiles());
                    let size = layout.dimension;
                    format!("{inputs} to {outputs}, weights in {tiles} tiles of {size} coefficients")
                };
                layout.layers.iter().map(line).collect()
            }
            Self::Blocks { layout, .. } => {
                let line = |block: &Block| {
                    format!("{} to {}, {} slots an image", block.inputs, block.outputs, block.size())
                };
                layout.layers.iter().map(line).collect()
            }
        }
    }
}
