//! The scheme of the layers with weights, and where their values stand.

use he_core::wire::Writer;

use super::{PlannedTables, Shared};
use crate::engine::blocks::{BlockScales, Blocks};
use crate::engine::coefficients::Coefficients;
use crate::engine::integers::IntegerForm;
use crate::engine::tables::{Bootstraps, KeyRequest, Lookup, SecretKeys, Switcher, TableEngine};
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
use crate::roles::cipher::tables::{Switched, TableCipher};

/// How far weights and outputs in slots may be from the twin's.
pub(super) const TOLERANCE: Tolerance = Tolerance { weights: 1.0 / 256.0, outputs: 1.0 / 16.0 };

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

impl PlannedTables {
    pub(super) fn places(&self) -> &dyn Places {
        match &self.arrangement {
            Arrangement::Coefficients(layout) => layout,
            Arrangement::Blocks { layout, .. } => layout,
        }
    }

    pub(super) fn products(&self) -> Products {
        match &self.arrangement {
            Arrangement::Coefficients(_) => Products::Coefficients,
            Arrangement::Blocks { .. } => Products::Slots,
        }
    }

    /// Encodes the layout, but for widths.
    pub(super) fn encode_layout(&self, out: &mut Writer) {
        match &self.arrangement {
            Arrangement::Coefficients(layout) => out.length(layout.dimension),
            Arrangement::Blocks { layout, scales } => {
                // No dimension of a subring is 0.
                out.length(0);
                out.length(layout.slots);
                out.u32(scales.bits);
            }
        }
    }

    /// Slots of the bootstrap that refreshes.
    pub(crate) fn slots(&self) -> usize {
        match &self.arrangement {
            Arrangement::Coefficients(layout) => {
                let most = layout.most_pieces(self.shared.batch).min(self.shared.parameters.bgv_capacity());
                most.next_power_of_two() * self.shared.parameters.bgv().n() / 2
            }
            Arrangement::Blocks { layout, .. } => layout.slots,
        }
    }

    /// Ciphertexts of CKKS that are refreshed or filled in a step.
    pub(crate) fn refreshes(&self) -> usize {
        let (places, most) = match &self.arrangement {
            Arrangement::Coefficients(_) => (self.places(), self.shared.parameters.bgv_capacity()),
            Arrangement::Blocks { .. } => (self.places(), 1),
        };
        let depth = places.widths().len() - 1;
        let of = |rows| places.pieces(rows, self.shared.batch).div_ceil(most);
        let inputs: usize = (1..depth).map(|l| of(Rows::Inputs(l))).sum();
        let errors: usize = (0..depth).map(|l| of(Rows::Errors(l))).sum();
        let outputs = if self.shared.functions.output.is_none() { of(Rows::Errors(depth - 1)) } else { 0 };
        inputs + errors + outputs + places.weight_pieces().div_ceil(most)
    }

    /// Seconds of a core that a step takes, but for lookups.
    pub(super) fn seconds(&self) -> f64 {
        match &self.arrangement {
            Arrangement::Coefficients(layout) => {
                layout.cost(self.shared.batch, self.shared.parameters.bgv_capacity()) / 1000.0
            }
            Arrangement::Blocks { .. } => REFRESH_SECONDS * self.refreshes() as f64,
        }
    }

    pub(super) fn key_request(&self) -> KeyRequest {
        match &self.arrangement {
            Arrangement::Coefficients(layout) => {
                switch::coefficient_keys(&self.shared.parameters, layout, self.slots())
            }
            Arrangement::Blocks { layout, .. } => switch::block_keys(&self.shared.parameters, layout),
        }
    }

    pub(super) fn cipher(&self, keys: SecretKeys) -> Box<dyn Cipher> {
        let (numbers, keys) = (self.shared.numbers, Switched { keys, request: self.key_request() });
        match &self.arrangement {
            Arrangement::Coefficients(layout) => {
                let form = IntegerForm::new(self.shared.scheme, self.shared.parameters.bgv());
                Box::new(TableCipher::new(Integers::new(form), layout.clone(), numbers, keys))
            }
            Arrangement::Blocks { layout, scales } => {
                Box::new(TableCipher::new(Reals { scales: *scales }, layout.clone(), numbers, keys))
            }
        }
    }

    pub(super) fn engine_with(
        &self,
        switcher: Switcher,
        lookup: Lookup,
    ) -> Result<Box<dyn Engine>, EngineError> {
        let (bits, activations) = (self.shared.numbers.activation_bits, Bootstraps::new(lookup));
        Ok(match &self.arrangement {
            Arrangement::Coefficients(layout) => {
                let layers = Coefficients::new(layout, self.shared.scheme, bits, switcher)?;
                Box::new(TableEngine::new(layers, activations))
            }
            Arrangement::Blocks { layout, scales } => {
                Box::new(TableEngine::new(Blocks::new(layout, *scales, bits, switcher)?, activations))
            }
        })
    }

    /// A line about each layer with weights.
    pub(super) fn lines(&self) -> Vec<String> {
        match &self.arrangement {
            Arrangement::Coefficients(layout) => {
                let line = |layer: &PolynomialTiles| {
                    let (inputs, outputs, tiles) = (layer.inputs - 1, layer.outputs, layer.tiles());
                    let size = layout.dimension;
                    format!("{inputs} to {outputs}, weights in {tiles} tiles of {size} coefficients")
                };
                layout.layers.iter().map(line).collect()
            }
            Arrangement::Blocks { layout, .. } => {
                let line = |block: &Block| {
                    format!("{} to {}, {} slots an image", block.inputs, block.outputs, block.size())
                };
                layout.layers.iter().map(line).collect()
            }
        }
    }
}
