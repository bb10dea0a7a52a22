//! The parameters of a step that nothing refreshes, or the number that is missing.

use super::bounds::{Batch, largest};
use super::count::{LEVELS, levels};
use super::search::{Search, most_bits};
use crate::engine::columns::{Agreement, Ladder, LayerNumbers};
use crate::engine::slots::LossFormula;
use crate::layout::columns::Columns;
use crate::model::{LayerState, Model};
use crate::network::Layer;
use crate::numbers::fixed::Scales;
use crate::numbers::weight_grid;
use crate::plan::parameters::yashe;
pub(crate) use crate::plan::parameters::yashe::most_levels;
use crate::plan::slots::bgv::refusal;
use crate::plan::{PlanError, Reason, Result, Task};
use crate::recipe::{Coding, Scheme};

/// Steps that are planned, at most: the number stands in a byte of a message.
const MOST_STEPS: usize = 64;

/// Agreement and bits of the largest integer that is decrypted.
pub(super) fn choose(task: &Task<'_>) -> Result<(Agreement, f64)> {
    check_whole(task)?;
    check_layers(task)?;
    let (numbers, optimizer) = (&task.recipe.numbers, &task.recipe.optimizer);
    if numbers.product_weight_bits != numbers.weight_bits {
        let (found, needed) = (numbers.product_weight_bits, numbers.weight_bits);
        let what = format!("{found}; weight_bits = {needed} is needed where nothing rounds weights");
        return Err(PlanError::field("numbers.product_weight_bits", what));
    }
    let steps = task.data.rows.div_ceil(optimizer.batch_size.max(1)).saturating_mul(optimizer.epochs);
    check_steps(task, steps)?;
    let rate = Scales::new(task.recipe, task.network).map_err(refusal::scale)?.learning_rate;
    let mean = i64::from(optimizer.batch_shift() + rate.bits());
    let (depth, bits) = (task.network.depth(), [numbers.input_bits, numbers.weight_bits]);
    let ladder = Ladder::new(bits, depth, (rate.numerator(), mean), steps.max(1));
    check_bits(task, &ladder)?;
    let first = first_weights(task);
    let layers = layers(task, &first);
    let bound = largest(&layers, &ladder, &batch(task, &ladder));
    let agreement = Agreement {
        columns: Columns { groups: 0, images: 0 },
        batch: optimizer.batch_size,
        layers,
        ladder,
        first,
        channels: Vec::new(),
        piece_bytes: 0,
    };
    let bits = bound.bits() as f64 + 1.0;
    Ok((Search { task, bound, agreement }.found()?, bits))
}

/// The weights that the recipe begins with.
fn first_weights(task: &Task<'_>) -> Model {
    let grid = |l: usize| weight_grid(task.recipe, &task.network.layers[l]);
    Model::initial(task.network, task.recipe.init_gain(), task.recipe.seed, grid)
}

/// The sizes of the layers, and their first weights as integers.
fn layers(task: &Task<'_>, first: &Model) -> Vec<LayerNumbers> {
    let unit = f64::from(task.recipe.numbers.weight_bits).exp2();
    let layers = task.network.layers.iter().zip(&first.layers);
    let of = |(layer, state): (&Layer, &LayerState)| LayerNumbers {
        inputs: layer.inputs(),
        outputs: layer.outputs(),
        weights: state.weight.iter().map(|w| (w * unit) as i64).collect(),
    };
    layers.map(of).collect()
}

/// Targets are 0 and 1 or between; measured values are as large as features at most.
fn batch(task: &Task<'_>, ladder: &Ladder) -> Batch {
    let scaled = |bound: f64, bits: u32| (bound * f64::from(bits).exp2()).ceil() as u64;
    let measured = task.recipe.data.outputs == Coding::Measured;
    Batch {
        features: scaled(task.data.bound, ladder.input),
        targets: scaled(if measured { task.data.bound.max(1.0) } else { 1.0 }, ladder.targets()),
        samples: task.recipe.optimizer.batch_size,
    }
}

/// All layers are one engine's: no refresh carries tensors between two.
fn check_whole(task: &Task<'_>) -> Result<()> {
    let (depth, here) = (task.network.depth(), task.layers.len());
    if here == depth {
        return Ok(());
    }
    let first = &task.network.layers[task.layers[0]];
    let what = format!(
        "{here} of {depth} layers with weights are in {}: without refreshes all are in one scheme",
        first.scheme
    );
    Err(PlanError::refused(first.place(), Reason::Layout, what, [depth as f64, here as f64]))
}

/// Layers must be dense, and activations the identity.
fn check_layers(task: &Task<'_>) -> Result<()> {
    for layer in &task.network.layers {
        if !layer.is_dense() {
            let entries = layer.matrix.entries.iter().flatten().count() as f64;
            let weights: usize = layer.shape().iter().product();
            let what = format!(
                "{entries} places of a matrix hold {weights} weights: in columns gradients of a weight are not summed over places"
            );
            return Err(PlanError::refused(layer.place(), Reason::Layout, what, [entries, weights as f64]));
        }
        let Some(activation) = &layer.activation else { continue };
        let identity = activation.polynomial.as_ref().is_some_and(|all| all[..] == [0.0, 1.0]);
        if !identity {
            let degree = activation.polynomial.as_ref().map_or(2, |all| all.len().saturating_sub(1)).max(2);
            let what = format!(
                "a function of degree {degree} takes levels in every step, and its pre-activations are not public: degree 1, an Identity, is needed without refreshes"
            );
            return Err(PlanError::refused(activation.place(), Reason::Levels, what, [degree as f64, 1.0]));
        }
    }
    let last = &task.network.layers[task.network.depth() - 1];
    if LossFormula::of(task.network) != LossFormula::Outputs {
        let what = "1 activation stands behind the outputs, 0 are computed without refreshes".to_owned();
        return Err(PlanError::refused(last.place(), Reason::Levels, what, [1.0, 0.0]));
    }
    Ok(())
}

/// Refuses a second step of a scheme that has no levels for it, or more steps than there ever are.
fn check_steps(task: &Task<'_>, steps: usize) -> Result<()> {
    let first = &task.network.layers[0];
    let needed = levels(task.network.depth(), steps);
    if steps > 1 && first.scheme == Scheme::Yashe {
        let most = most_levels();
        let what = format!(
            "{steps} steps take {needed} levels one after another, and there are {most} at most where log2 q/t is up to {:.0}: 1 step takes {LEVELS}, the first of which is with public weights; a full batch and epochs = 1 are needed",
            yashe::most_log_ratio()
        );
        return Err(PlanError::refused(first.place(), Reason::Levels, what, [needed as f64, most as f64]));
    }
    if steps > MOST_STEPS {
        let available = levels(task.network.depth(), MOST_STEPS);
        let what = format!(
            "{steps} steps take {needed} levels one after another without a refresh, and {available} are looked for at most, of {MOST_STEPS} steps: larger mini-batches or fewer epochs are needed, or refresh.strategy = \"client\""
        );
        return Err(PlanError::refused(
            first.place(),
            Reason::Levels,
            what,
            [needed as f64, available as f64],
        ));
    }
    Ok(())
}

/// Refuses weights with more fractional bits than all plaintext primes hold.
fn check_bits(task: &Task<'_>, ladder: &Ladder) -> Result<()> {
    let (first, most) = (&task.network.layers[0], most_bits(task.network.layers[0].scheme));
    let Some(step) = (1..=ladder.steps()).find(|step| ladder.weight(*step) >= most) else { return Ok(()) };
    let (bits, held) = (ladder.weight(step), ladder.weight(step - 1));
    let what = format!(
        "weights after {step} of {} steps have {bits} fractional bits, as nothing takes them away, and {held} before that: plaintext moduli hold {most} bits; fewer epochs are needed, or refresh.strategy = \"client\"",
        ladder.steps()
    );
    Err(PlanError::refused(first.place(), Reason::Range, what, [f64::from(bits), f64::from(most)]))
}
