//! Conditions of layers beside tables, and refusals by number.

use crate::network::{Activation, Layer, Network};
use crate::numbers::tables::{TableError, TableNumbers};
use crate::plan::parameters::switch::Products;
use crate::plan::{PlanError, Reason, Result};
use crate::program::lower::lower;
use crate::program::{Refresher, Step};
use crate::recipe::{Loss, Recipe, Scheme, Secret};

/// Refuses a layer without an activation, whose pre-activations no table rounds.
pub(in crate::plan) fn without_function(network: &Network, l: usize, numbers: &TableNumbers) -> PlanError {
    let last = l + 1 == network.depth();
    let (has, kept) = (numbers.sum_bits(), if last { numbers.error_bits } else { numbers.activation_bits });
    let what = format!("its pre-activations have {has} fractional bits and no table rounds them to {kept}");
    let name = network.layers.get(l).map(Layer::place).unwrap_or_default();
    PlanError::refused(name, Reason::Range, what, [f64::from(has), f64::from(kept)])
}

/// Who multiplies: the scheme of all layers with weights.
pub(in crate::plan) fn products(recipe: &Recipe, network: &Network) -> Result<Products> {
    let first = network.layers.first().map_or(Scheme::Bgv, |layer| layer.scheme);
    if let Some(other) = network.layers.iter().find(|layer| layer.scheme != first) {
        let same = network.layers.iter().filter(|layer| layer.scheme == first).count();
        let (depth, scheme) = (network.depth(), other.scheme);
        let what = format!(
            "in {scheme}, {same} of {depth} layers with weights are in {first}: beside tables all are under one set of secret keys"
        );
        return Err(PlanError::refused(other.place(), Reason::Layout, what, [depth as f64, same as f64]));
    }
    let products = match first {
        Scheme::Bgv | Scheme::Bfv => Products::Coefficients,
        Scheme::Ckks => Products::Slots,
        Scheme::Yashe | Scheme::Tfhe | Scheme::Tables => {
            let what = format!("0 of {} layers with weights are in bgv, bfv or ckks", network.depth());
            let layer = network.layers.first().map(Layer::place).unwrap_or_default();
            return Err(PlanError::refused(layer, Reason::Layout, what, [1.0, 0.0]));
        }
    };
    check_refreshes(recipe, network)?;
    Ok(products)
}

/// Tensors beside tables are rounded by these, and weights cleaned: no other refresh has a place.
fn check_refreshes(recipe: &Recipe, network: &Network) -> Result<()> {
    let program = lower(recipe, network);
    let others = program.training.iter().filter_map(|step| match *step {
        Step::Refresh { round, by } if by != Refresher::Clean => Some((by, program.rounds[round].len())),
        _ => None,
    });
    let counted = others.fold(None, |all: Option<(Refresher, usize)>, (by, tensors)| {
        Some((by, tensors + all.map_or(0, |(_, before)| before)))
    });
    let Some((by, tensors)) = counted else { return Ok(()) };
    let looked_up = network.layers.iter().filter_map(|layer| layer.activation.as_ref());
    let name = looked_up.filter(|activation| activation.scheme.looks_up()).map(Activation::place).next();
    let what = format!(
        "it is looked up in tables, beside which 0 tensors are refreshed by {by}, and the recipe has {tensors} of them in a step: refresh.strategy = \"clean\" is needed, or a polynomial"
    );
    Err(PlanError::refused(name.unwrap_or_default(), Reason::Layout, what, [tensors as f64, 0.0]))
}

pub(in crate::plan) fn numbers(recipe: &Recipe, network: &Network) -> Result<TableNumbers> {
    let numbers = TableNumbers::new(recipe, network).map_err(|error| match error {
        TableError::Range { layer, kind, what, needed, available } => {
            PlanError::refused((layer, kind), Reason::Range, what, [needed, available])
        }
        rate @ TableError::LearningRate { .. } => {
            PlanError::field("optimizer.learning_rate", rate.to_string())
        }
    })?;
    let momentum = recipe.optimizer.momentum;
    let last = network.layers.last();
    if let Some(layer) = last.filter(|_| momentum.value() != 0.0) {
        let bits = momentum.dyadic().map_or(f64::INFINITY, |momentum| f64::from(momentum.bits()));
        let kept = f64::from(numbers.weight_bits());
        let what = format!(
            "momentum = {momentum} makes {} fractional bits of weights a step, and nothing rounds them to the {kept} there are: 0 is needed",
            kept + bits
        );
        return Err(PlanError::refused(layer.place(), Reason::Range, what, [kept + bits, kept]));
    }
    Ok(numbers)
}

/// Refuses targets that are not 0 or 1, of which a bit of an index tells no more.
pub(in crate::plan) fn targets(recipe: &Recipe, network: &Network) -> Result<()> {
    let smoothing = recipe.target_smoothing;
    if smoothing == 0.0 || network.loss == Loss::Quadratic {
        return Ok(());
    }
    let what = format!("{smoothing}; 0 is needed where a table over slots holds the loss");
    Err(PlanError::field("target_smoothing", what))
}

/// Fields that have parameters of one value only.
pub(in crate::plan) fn fields(recipe: &Recipe, n: usize) -> Result<()> {
    if let Some(found) = recipe.parameters.ring_dimension.value().filter(|found| *found != n) {
        let what = format!("{found}; beside tables the rings are given: \"auto\" or {n} is needed");
        return Err(PlanError::field("parameters.ring_dimension", what));
    }
    if recipe.parameters.secret != Secret::Uniform {
        let what = "sparse; beside tables secrets are uniform".to_owned();
        return Err(PlanError::field("parameters.secret", what));
    }
    Ok(())
}

/// Refuses layers whose weights do not stand once.
pub(in crate::plan) fn dense(network: &Network) -> Result<()> {
    let Some(layer) = network.layers.iter().find(|layer| !layer.is_dense()) else { return Ok(()) };
    let entries = layer.matrix.entries.iter().flatten().count() as f64;
    let weights: usize = layer.shape().iter().product();
    let what = format!(
        "{entries} places of a matrix hold {weights} weights: beside tables gradients of a weight are not summed over places"
    );
    Err(PlanError::refused(layer.place(), Reason::Layout, what, [entries, weights as f64]))
}

/// Refuses layers that products of `depth` one after another do not compute, or whose weights do not stand once.
pub(super) fn layers(recipe: &Recipe, network: &Network, depth: usize) -> Result<()> {
    dense(network)?;
    for (l, layer) in network.layers.iter().enumerate() {
        if let Some(activation) = layer.activation.as_ref().filter(|found| found.scheme != Scheme::Tfhe) {
            let (batch, behind) = (recipe.optimizer.batch_size, network.layers.get(l + 1));
            return Err(polynomial(activation, layer, behind, batch, depth));
        }
    }
    Ok(())
}

/// A polynomial between layers whose values tables bring to their places.
fn polynomial(
    activation: &Activation,
    layer: &Layer,
    behind: Option<&Layer>,
    batch: usize,
    depth: usize,
) -> PlanError {
    let degree = activation.polynomial.as_ref().map_or(1, |all| all.len().saturating_sub(1)).max(1);
    let own = degree.next_power_of_two().trailing_zeros() as usize;
    let name = activation.place();
    let scheme = activation.scheme;
    // A product before it, and one behind it.
    let needed = own + 2;
    if needed > depth {
        let what = format!(
            "a polynomial of degree {degree} in {scheme} takes {own} products between those of the layers, {needed} one after another; {depth} are possible before values are refreshed: \"tfhe\" is needed"
        );
        return PlanError::refused(name, Reason::Levels, what, [needed as f64, depth as f64]);
    }
    let values = batch * layer.outputs();
    let copies = behind.map_or(1, Layer::outputs);
    let what = format!(
        "its {values} values stand apart otherwise than the layer behind takes them, {copies} places each: only tables move them, \"tfhe\" is needed"
    );
    PlanError::refused(name, Reason::Layout, what, [(values * copies) as f64, values as f64])
}
