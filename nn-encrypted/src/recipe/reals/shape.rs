//! The extents of the layers for given data.

use super::{RealLayer, RealLayerKind, RealRecipe, RecipeError};

/// Entries of the matrices of all layers.
const MOST_ENTRIES: usize = 1 << 22;

/// Numbers in rows: so many channels of so many positions, counted channel after channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Channels.
    pub(crate) channels: usize,
    /// Positions of each.
    pub(crate) length: usize,
}

impl Extent {
    /// How many numbers there are.
    pub(crate) fn size(self) -> usize {
        self.channels.saturating_mul(self.length)
    }
}

/// A layer with weights, the pooling before it and the activation behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'r> {
    /// Linear or Conv1d.
    pub(crate) layer: &'r RealLayer,
    /// What comes in, before the pooling.
    pub(crate) input: Extent,
    /// Positions that the pooling makes one; 1 without pooling.
    pub(crate) pool: usize,
    /// What goes out.
    pub(crate) output: Extent,
    /// The activation; none for the last.
    pub(crate) activation: Option<&'r RealLayer>,
}

impl Block<'_> {
    /// What the layer with weights sees, after the pooling.
    pub(crate) fn pooled(&self) -> Extent {
        Extent { channels: self.input.channels, length: self.input.length / self.pool }
    }

    /// Shape of its weights.
    pub(crate) fn shape(&self) -> Vec<usize> {
        match self.layer.kind {
            RealLayerKind::Conv1d => {
                let taps = self.layer.kernel.unwrap_or(1);
                vec![self.output.channels, self.input.channels, taps]
            }
            _ => vec![self.pooled().size(), self.output.size()],
        }
    }

    /// How many inputs a weighted sum has.
    pub(crate) fn fan_in(&self) -> usize {
        match self.layer.kind {
            RealLayerKind::Conv1d => self.input.channels * self.layer.kernel.unwrap_or(1),
            _ => self.pooled().size(),
        }
    }

    /// How many biases it has.
    pub(crate) fn biases(&self) -> usize {
        match self.layer.kind {
            RealLayerKind::Conv1d => self.output.channels,
            _ => self.output.size(),
        }
    }
}

/// The blocks of a recipe for so many features and outputs.
pub(crate) fn blocks(
    recipe: &RealRecipe,
    features: usize,
    outputs: usize,
) -> Result<Vec<Block<'_>>, RecipeError> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut input = Extent { channels: 1, length: features };
    let (mut pool, mut entries) = (1, 0_usize);
    for (index, layer) in recipe.layers.iter().enumerate() {
        if layer.kind == RealLayerKind::AvgPool1d {
            pool = pooling(layer, index, input)?;
        } else if layer.kind.has_weights() {
            let last = index + 1 == recipe.layers.len();
            let seen = Extent { length: input.length / pool, ..input };
            let output = output(layer, index, seen, last.then_some(outputs))?;
            entries = entries.saturating_add(input.size().saturating_mul(output.size()));
            if entries > MOST_ENTRIES {
                let what = format!(
                    "{} inputs and {} outputs make {entries} entries up to here; at most {MOST_ENTRIES} are possible",
                    input.size(),
                    output.size()
                );
                return Err(layer.wrong(index, what));
            }
            blocks.push(Block { layer, input, pool, output, activation: None });
            (input, pool) = (output, 1);
        } else if let Some(block) = blocks.last_mut() {
            block.activation = Some(layer);
        }
    }
    Ok(blocks)
}

/// Positions that become one.
fn pooling(layer: &RealLayer, index: usize, input: Extent) -> Result<usize, RecipeError> {
    let (kernel, length) = (layer.kernel.unwrap_or(1), input.length);
    if length.checked_rem(kernel) == Some(0) {
        return Ok(kernel);
    }
    Err(layer.wrong(index, format!("`kernel` = {kernel}; a divisor of the {length} positions is needed")))
}

/// What a layer with weights makes of its input; of the last so many outputs are needed.
fn output(
    layer: &RealLayer,
    index: usize,
    input: Extent,
    needed: Option<usize>,
) -> Result<Extent, RecipeError> {
    if layer.kind == RealLayerKind::Conv1d {
        let (taps, length) = (layer.kernel.unwrap_or(1), input.length);
        if taps > length {
            let what = format!("`kernel` = {taps}; at most the {length} positions are needed");
            return Err(layer.wrong(index, what));
        }
        return Ok(Extent { channels: layer.channels.unwrap_or(1), length: length - taps + 1 });
    }
    let length = layer.out_features.or(needed).unwrap_or(0);
    match needed {
        Some(outputs) if length != outputs => Err(layer.wrong(
            index,
            format!("`out_features` = {length}; the data needs {outputs} (one a class, or one for a series)"),
        )),
        _ => Ok(Extent { channels: 1, length }),
    }
}
