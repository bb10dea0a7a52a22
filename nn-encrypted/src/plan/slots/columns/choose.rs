//! The parameters of a step that nothing refreshes, or the number that is missing.

use crate::engine::columns::{Agreement, Channel, LayerNumbers, rehearse};
use crate::engine::slots::LossFormula;
use crate::layout::columns::Columns;
use crate::model::Model;
use crate::network::Layer;
use crate::numbers::fixed::Scales;
use crate::numbers::weight_grid;
use crate::plan::parameters::bgv::{self as integers, bits};
use crate::plan::parameters::yashe;
pub(crate) use crate::plan::parameters::yashe::most_levels;
use crate::plan::slots::bgv::formulas::Numbers;
use crate::plan::slots::bgv::{prove, refusal};
use crate::plan::{PlanError, Reason, Result, Security, Task};
use crate::program::Tensor;
use crate::recipe::Scheme;

/// Levels of the first step, one after another: two products with plaintexts, and one with a ciphertext.
pub(super) const LEVELS: usize = 3;

/// The dimension whose chains small rings take.
const SMALL_AS: u32 = 14;

/// Agreement and bits of the largest integer.
pub(super) fn choose(task: &Task<'_>) -> Result<(Agreement, f64)> {
    let network = task.network;
    check_whole(task)?;
    check_layers(task)?;
    check_steps(task)?;
    if task.recipe.numbers.product_weight_bits != task.recipe.numbers.weight_bits {
        let (found, needed) = (task.recipe.numbers.product_weight_bits, task.recipe.numbers.weight_bits);
        let what = format!("{found}; weight_bits = {needed} is needed where nothing rounds weights");
        return Err(PlanError::field("numbers.product_weight_bits", what));
    }
    let scales = Scales::new(task.recipe, network).map_err(refusal::scale)?;
    let numbers = Numbers::new(task.recipe, network, &scales)?;
    let mut bounds = prove(&numbers, task.program, task.layers, task.data.bound).known;
    let (layers, unit, spare) = constants(task, &numbers)?;
    // What all constants of the update share is left out, and new weights have so many fractional bits less.
    bounds.entry(Tensor::NewWeights).and_modify(|bound| *bound >>= spare);
    let (widest, bound) = refusal::widest(&bounds);
    let last = scales.layers.last().map_or(0, |layer| layer.sum);
    let agreement = Agreement {
        columns: Columns { groups: 0, images: 0 },
        batch: task.recipe.optimizer.batch_size,
        layers,
        unit,
        first: first_weights(task),
        bits: [task.recipe.numbers.input_bits, scales.targets, last, scales.weight_sum() - spare],
        channels: Vec::new(),
        piece_bytes: 0,
    };
    let search = Search { task, bound, widest, agreement };
    Ok((search.found()?, bits(bound)))
}

/// The weights that the recipe begins with.
fn first_weights(task: &Task<'_>) -> Model {
    let grid = |l: usize| weight_grid(task.recipe, &task.network.layers[l]);
    Model::initial(task.network, task.recipe.init_gain(), task.recipe.seed, grid)
}

/// The constants of each layer, the factor of first weights in new ones, and `log2` of a factor that these had in common.
fn constants(task: &Task<'_>, numbers: &Numbers<'_>) -> Result<(Vec<LayerNumbers>, i64, u32)> {
    let formulas = &numbers.formulas;
    let of_gradient = formulas.weights.iter().find(|(_, tensor)| *tensor == Tensor::Gradient);
    let (rate, unit) = (of_gradient.map_or(0, |(c, _)| *c), formulas.weights[0].0);
    let weight_unit = f64::from(numbers.scales.weight).exp2();
    let layers = task.network.layers.iter().zip(first_weights(task).layers).zip(&formulas.layers);
    let layers = layers.map(|((layer, state), formula)| {
        let rates = [formula.gradient.0, formula.gradient.1].map(|factor| rate.checked_mul(factor));
        let [Some(of_weights), Some(of_biases)] = rates else {
            return Err(refusal::wraps(task.network, Tensor::NewWeights, None, i128::MAX));
        };
        Ok(LayerNumbers {
            inputs: layer.inputs(),
            outputs: layer.outputs(),
            weights: state.weight.iter().map(|w| (w * weight_unit) as i64).collect(),
            rates: [of_weights, of_biases],
        })
    });
    let mut layers = layers.collect::<Result<Vec<_>>>()?;
    let all =
        layers.iter().flat_map(|layer| layer.rates).chain([unit]).fold(0, |bits, constant| bits | constant);
    let spare = if all == 0 { 0 } else { all.trailing_zeros() };
    layers.iter_mut().flat_map(|layer| &mut layer.rates).for_each(|rate| *rate >>= spare);
    Ok((layers, unit >> spare, spare))
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

/// Levels of each later step, whose weights are encrypted: of every layer a product forward, and of all but one a product back and two
/// with plaintexts; the gradient, and a plaintext that spreads it.
fn levels(layers: usize, steps: usize) -> usize {
    LEVELS + steps.saturating_sub(1) * (layers + 3 * (layers - 1) + 2)
}

/// Refuses a second step: it has no levels, or its integers no room.
fn check_steps(task: &Task<'_>) -> Result<()> {
    let optimizer = &task.recipe.optimizer;
    let steps = task.data.rows.div_ceil(optimizer.batch_size.max(1)) * optimizer.epochs;
    if steps <= 1 {
        return Ok(());
    }
    let first = &task.network.layers[0];
    let needed = levels(task.network.depth(), steps);
    if first.scheme == Scheme::Yashe {
        let most = most_levels();
        let what = format!(
            "{steps} steps take {needed} levels one after another, and there are {most} at most where log2 q/t is up to {:.0}: 1 step takes {LEVELS}, the first of which is with public weights; a full batch and epochs = 1 are needed",
            yashe::most_log_ratio()
        );
        return Err(PlanError::refused(first.place(), Reason::Levels, what, [needed as f64, most as f64]));
    }
    let bits = grown(task, steps)?;
    let what = format!(
        "weights after {} steps have {bits} fractional bits, as no one takes them away, and the next gradient would have three times as many; integers of 62 bits hold those of 1 step: a full batch and epochs = 1 are needed, or refresh.strategy = \"client\"",
        steps - 1
    );
    Err(PlanError::refused(first.place(), Reason::Range, what, [f64::from(3 * bits), 62.0]))
}

/// Fractional bits of the weights before the last of some steps.
fn grown(task: &Task<'_>, steps: usize) -> Result<u32> {
    let scales = Scales::new(task.recipe, task.network).map_err(refusal::scale)?;
    let first = scales.weight_sum();
    Ok((2..steps).fold(first, |bits, _| bits.saturating_mul(3)))
}

struct Search<'a> {
    task: &'a Task<'a>,
    bound: i128,
    widest: Tensor,
    agreement: Agreement,
}

impl Search<'_> {
    /// The first parameters that hold integers and noise.
    fn found(mut self) -> Result<Agreement> {
        let first = &self.task.network.layers[0];
        let mut failure = None;
        let all = match first.scheme {
            Scheme::Yashe => self.legacy()?,
            _ => self.leveled()?,
        };
        for (log_n, channels) in all {
            let Some(columns) = Columns::new(1 << log_n, self.agreement.batch) else { continue };
            (self.agreement.columns, self.agreement.channels) = (columns, channels);
            match rehearse(&self.agreement) {
                Ok(()) => {
                    self.agreement.piece_bytes =
                        self.agreement.channels.iter().map(Channel::piece_bytes).max().unwrap_or(0);
                    return Ok(self.agreement);
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(self.refused(first, failure.map(|error| error.to_string())))
    }

    fn refused(&self, first: &Layer, failure: Option<String>) -> PlanError {
        let needed = bits(self.bound);
        let Some(failure) = failure else {
            return refusal::range(self.task.network, self.widest, None, needed, 0.0);
        };
        let what = format!(
            "no parameters hold the noise of a step of {LEVELS} levels with integers of {needed:.1} bits; the last ones tried fail: {failure}"
        );
        PlanError::refused(first.place(), Reason::Levels, what, [LEVELS as f64, LEVELS as f64 - 1.0])
    }

    /// Parameters of BGV and BFV.
    fn leveled(&self) -> Result<Vec<(u32, Vec<Channel>)>> {
        let Self { task, bound, .. } = self;
        let scheme = task.network.layers[0].scheme;
        let plaintext_bits = integers::plaintext_bits(task.recipe, *bound)?
            .map_err(|available| refusal::range(task.network, self.widest, None, bits(*bound), available))?;
        let mut all = Vec::new();
        for log_n in integers::dimensions(task.recipe, task.security)? {
            // One chain of each length: of the same number of primes the largest.
            let small = task.security != Security::Standard;
            let mut chains = integers::chains(if small { SMALL_AS } else { log_n });
            chains.dedup_by_key(|(q_bits, _)| q_bits.len());
            for (q_bits, special) in chains {
                let made = integers::instances(
                    log_n,
                    &plaintext_bits,
                    (&q_bits, special),
                    *bound,
                    task.security,
                    scheme,
                );
                let Ok(made) = made else { continue };
                all.push((
                    log_n,
                    made.into_iter().map(|instance| Channel::Integers(instance.form)).collect(),
                ));
            }
        }
        Ok(all)
    }

    /// Parameters of YASHE.
    fn legacy(&self) -> Result<Vec<(u32, Vec<Channel>)>> {
        let (needed, security) = (bits(self.bound).ceil() as u32, self.task.security);
        let mut all = Vec::new();
        for log_n in yashe::dimensions(security) {
            for (count, bits) in yashe::plaintext_bits(needed) {
                let Some(primes) = self.plaintext_primes(log_n, count, bits) else { continue };
                let chains: Vec<_> = primes.iter().map(|&t| yashe::chains(log_n, t, security)).collect();
                for length in 2..=6 {
                    let of = |chains: &Vec<yashe::Parameters>| {
                        chains
                            .iter()
                            .find(|params| params.max_level() + 1 == length)
                            .cloned()
                            .map(Channel::Yashe)
                    };
                    all.extend(
                        chains.iter().map(of).collect::<Option<Vec<_>>>().map(|channels| (log_n, channels)),
                    );
                }
            }
        }
        Ok(all)
    }

    /// Plaintext primes whose product holds the integers.
    fn plaintext_primes(&self, log_n: u32, count: usize, bits: u32) -> Option<Vec<u64>> {
        for bits in bits..=bits + 2 {
            let mut primes = Vec::new();
            for _ in 0..count {
                primes.extend(yashe::plaintext_prime(log_n, bits, &primes).ok());
            }
            let product: i128 = primes.iter().map(|&t| i128::from(t)).product();
            if primes.len() == count && self.bound < product / 2 {
                return Some(primes);
            }
        }
        None
    }
}
