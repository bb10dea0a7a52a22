//! Which engine computes which layer.

use std::collections::BTreeSet;

use he_core::rlwe::SecretDistribution;
use he_core::rlwe::security::max_log_qp;

use super::task::{DataShape, Planned, Task};
use super::{Plan, PlanError, Reason, Result, Security, slot_tables, slots, tables, words};
use crate::network::{Layer, Network};
use crate::numbers::tables::over_slots;
use crate::program::{Tensor, lower_with};
use crate::recipe::{Arithmetic, Encryption, Recipe, RefreshStrategy, RefreshTensor, Scheme};

impl Plan {
    /// The plan of a recipe for its network and data.
    ///
    /// # Errors
    /// If the recipe breaks its rules, or no engine can compute a layer: the error names the layer, and what there is too little of.
    pub fn choose(recipe: &Recipe, network: &Network, data: DataShape) -> Result<Self> {
        Self::with(recipe, network, data, Security::Standard)
    }

    /// A plan in small rings, which protect nothing; the reason says why that is right.
    ///
    /// # Errors
    /// As [`choose`](Self::choose), or if the reason is empty.
    pub(crate) fn choose_insecure_small(
        recipe: &Recipe,
        network: &Network,
        data: DataShape,
        reason: &str,
    ) -> Result<Self> {
        Self::with(recipe, network, data, Security::InsecureSmall(reason))
    }

    fn with(recipe: &Recipe, network: &Network, data: DataShape, security: Security<'_>) -> Result<Self> {
        recipe.validate()?;
        check_poolings(recipe, network)?;
        check_activations(network)?;
        let segments = segments(network);
        check_borders(recipe, network, &segments)?;
        let program = lower_with(recipe, network, &BTreeSet::new());
        let (mut engines, mut bootstrapped, mut proven) = (Vec::new(), BTreeSet::new(), Vec::new());
        for layers in &segments {
            let task = Task { recipe, network, layers, program: &program, data, security };
            let planned = plan(&task)?;
            engines.push(planned.engine);
            bootstrapped.extend(planned.bootstrapped);
            proven.extend(planned.proven);
        }
        let mut program = lower_with(recipe, network, &bootstrapped);
        proven.into_iter().for_each(|(tensor, bound)| program.prove(tensor, bound));
        let of = |l: usize| segments.iter().position(|layers| layers.contains(&l)).unwrap_or(0);
        Ok(Self {
            network: network.clone(),
            optimizer: recipe.optimizer.clone(),
            program,
            engines,
            engine_of: (0..network.depth()).map(of).collect(),
        })
    }
}

/// The layers of each engine: those of one scheme are one engine's, in the order in which schemes come first.
fn segments(network: &Network) -> Vec<Vec<usize>> {
    let mut segments: Vec<(Scheme, Vec<usize>)> = Vec::new();
    for (l, layer) in network.layers.iter().enumerate() {
        match segments.iter_mut().find(|(scheme, _)| *scheme == layer.scheme) {
            Some((_, layers)) => layers.push(l),
            None => segments.push((layer.scheme, vec![l])),
        }
    }
    segments.into_iter().map(|(_, layers)| layers).collect()
}

/// The means of a pooling are entries of the matrix of the layer behind it: they have no other place.
fn check_poolings(recipe: &Recipe, network: &Network) -> Result<()> {
    for (place, pooling) in recipe.layers.iter().enumerate().filter(|(_, layer)| layer.kind.is_pooling()) {
        let behind = network.layers.iter().find(|layer| layer.index > place + 1);
        let Some(behind) = behind.filter(|behind| behind.scheme != pooling.scheme) else { continue };
        let inputs = behind.inputs();
        let what = format!(
            "its means of {inputs} values are part of the matrix of layer {} ({}), of whose {inputs} rows {} has 0: `scheme` = \"{}\" is needed",
            behind.index, behind.kind, pooling.scheme, behind.scheme
        );
        let at = (place + 1, pooling.kind.to_string());
        return Err(PlanError::refused(at, Reason::Layout, what, [inputs as f64, 0.0]));
    }
    Ok(())
}

/// A polynomial between two layers with weights is computed where one of them is: its values have no other place.
fn check_activations(network: &Network) -> Result<()> {
    for (l, layer) in network.layers.iter().enumerate() {
        let behind = network.layers.get(l + 1).unwrap_or(layer);
        let Some(activation) = layer.activation.as_ref().filter(|found| found.polynomial.is_some()) else {
            continue;
        };
        let beside = [layer, behind].iter().filter(|layer| layer.scheme == activation.scheme).count();
        if beside == 0 && !activation.scheme.looks_up() {
            let what = format!(
                "scheme `{}`: its values are in {} before it and in {} behind it, in 0 of 2 places where it stands: 1 is needed",
                activation.scheme, layer.scheme, behind.scheme
            );
            return Err(PlanError::refused(activation.place(), Reason::Layout, what, [1.0, 0.0]));
        }
    }
    Ok(())
}

/// Between engines of two schemes the client carries tensors: with its refresh of them.
fn check_borders(recipe: &Recipe, network: &Network, segments: &[Vec<usize>]) -> Result<()> {
    if segments.len() < 2 {
        return Ok(());
    }
    let refresh = &recipe.refresh;
    let crossing = [RefreshTensor::Preactivation, RefreshTensor::Error];
    let carried = crossing.iter().filter(|tensor| refresh.tensors.contains(tensor)).count();
    let carried = if refresh.strategy == RefreshStrategy::Client { carried } else { 0 };
    let pairs = network.layers.iter().zip(network.layers.iter().skip(1));
    match pairs.into_iter().find(|(before, behind)| before.scheme != behind.scheme) {
        Some((before, behind)) if carried < crossing.len() => {
            let what = format!(
                "{carried} of {} tensors between it and layer {} ({}) can cross from {} to {}: only a refresh by the client carries preactivation and error",
                crossing.len(),
                before.index,
                before.kind,
                before.scheme,
                behind.scheme,
            );
            Err(PlanError::refused(
                behind.place(),
                Reason::Layout,
                what,
                [crossing.len() as f64, carried as f64],
            ))
        }
        _ => Ok(()),
    }
}

/// The engine for layers of one scheme.
fn plan(task: &Task<'_>) -> Result<Planned> {
    let first = &task.network.layers[task.layers[0]];
    check_encryption(task, first)?;
    match (first.scheme.arithmetic(), task.recipe.refresh.strategy) {
        _ if over_slots(task.network) => slot_tables::plan(task),
        (Arithmetic::Integers, RefreshStrategy::None) => slots::columns::plan(task),
        (_, RefreshStrategy::None) => Err(unrefreshed(first, "bgv, bfv or yashe")),
        _ if first.scheme == Scheme::Yashe => Err(legacy(task, first)),
        (Arithmetic::Words, _) => words::plan(task),
        (_, RefreshStrategy::Clean) => tables::plan(task),
        _ if looks_up(task) => tables::plan(task),
        (Arithmetic::Integers, RefreshStrategy::Bootstrap) => {
            check_levels(task, first)?;
            slots::bgv::plan(task)
        }
        (Arithmetic::Integers, RefreshStrategy::Client) => slots::bgv::plan(task),
        (Arithmetic::Reals, _) => slots::ckks::plan(task),
    }
}

/// Mini-batches can be encrypted under a public key where they enter slots or words.
fn check_encryption(task: &Task<'_>, first: &Layer) -> Result<()> {
    let Task { recipe, network, layers, program, .. } = *task;
    let depth = network.depth();
    let enters = [Tensor::Features, Tensor::Targets].iter().any(|tensor| tensor.is_on(layers, depth));
    if recipe.encryption == Encryption::Secret || !enters {
        return Ok(());
    }
    let refuse = |what: &str| {
        let what = format!("\"public\": {what}; \"secret\" is needed");
        Err(PlanError::field("encryption", what))
    };
    if program.has_client_backward() {
        return refuse("the client takes the backward pass from rows and labels, which are its own");
    }
    let strategy = recipe.refresh.strategy;
    let slots = !matches!(strategy, RefreshStrategy::None | RefreshStrategy::Clean) && !looks_up(task);
    let public = match first.scheme.arithmetic() {
        Arithmetic::Words => true,
        Arithmetic::Integers | Arithmetic::Reals => slots && !over_slots(network),
    };
    if public {
        return Ok(());
    }
    refuse(&format!(
        "mini-batches enter layers in {} that are no slots and no words, and those have no public key here",
        first.scheme
    ))
}

/// Whether an activation that is computed with these layers, as the layer behind it is, or it is the last, is looked up in tables.
fn looks_up(task: &Task<'_>) -> bool {
    let last = task.network.depth().saturating_sub(1);
    let mut layers = task.network.layers.iter().enumerate();
    layers.any(|(l, layer)| {
        let by_table = layer.activation.as_ref().is_some_and(|activation| activation.scheme.looks_up());
        by_table && task.layers.contains(&(l + 1).min(last))
    })
}

/// Layers that cannot do without a refresh.
fn unrefreshed(first: &Layer, schemes: &str) -> PlanError {
    let what = format!(
        "0 of the layers in {} are computed with refresh.strategy = \"none\": {schemes} is needed",
        first.scheme
    );
    PlanError::refused(first.place(), Reason::Layout, what, [1.0, 0.0])
}

/// YASHE has no refresh, and no more levels than its attacks leave.
fn legacy(task: &Task<'_>, first: &Layer) -> PlanError {
    let (rounds, available) = (task.program.rounds.len().max(1), slots::columns::most_levels());
    let (steps, each) = (steps(task), levels_of_step(task.network));
    let needed = steps.saturating_mul(each);
    let what = format!(
        "{rounds} refreshes a step are planned, and yashe has 0; without one {steps} steps of at least {each} levels take {needed}, and it has {available}: refresh.strategy = \"none\" is needed, and 1 step of a network of Identity layers"
    );
    let numbers = if needed > available { [needed, available] } else { [rounds, 0] };
    PlanError::refused(first.place(), Reason::Levels, what, numbers.map(|number| number as f64))
}

/// Steps of a training.
fn steps(task: &Task<'_>) -> usize {
    let optimizer = &task.recipe.optimizer;
    task.data.rows.div_ceil(optimizer.batch_size.max(1)).saturating_mul(optimizer.epochs)
}

/// There is no bootstrapping of BGV or BFV: as many products follow one another as its chain of primes has levels.
fn check_levels(task: &Task<'_>, first: &Layer) -> Result<()> {
    let (steps, each, available) = (steps(task), levels_of_step(task.network), most_levels(task.recipe));
    let needed = (each * steps) as f64;
    if needed <= available {
        return Ok(());
    }
    let what = format!(
        "{steps} steps of at least {each} levels take {needed} without a refresh, at most {available} are possible at 128 bits; {} is not bootstrapped yet: refresh.strategy \"client\" or \"clean\" is needed",
        first.scheme
    );
    Err(PlanError::refused(first.place(), Reason::Levels, what, [needed, available]))
}

/// Products one after another in a step, at least: of each layer forward and back, of each activation and derivative.
fn levels_of_step(network: &Network) -> usize {
    let activations = network.layers.iter().filter(|layer| layer.activation.is_some()).count();
    2 * (network.depth() + activations)
}

/// The largest ring dimension that the security table has.
const LARGEST_LOG_N: u32 = 16;

/// Levels of the longest chain of primes: each has room for a weight and for the growth of noise by the ring dimension.
fn most_levels(recipe: &Recipe) -> f64 {
    let modulus = max_log_qp(LARGEST_LOG_N, SecretDistribution::UniformTernary).unwrap_or(0.0);
    (modulus / f64::from(recipe.numbers.weight_bits + LARGEST_LOG_N)).floor()
}
