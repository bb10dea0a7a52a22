//! The description of a training, before a byte of it is encrypted: enough for a server to make the same plan, and no more.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::{Data, Normalization, TestPart};
use crate::network::Network;
use crate::plan::{DataShape, Plan};
use crate::recipe::{Recipe, RefreshStrategy};
use crate::roles::traffic;
use crate::run::{JobFile, RunError, Session, hex};

/// Largest number of features or outputs that is planned for, as of the width of a layer.
const WIDEST: usize = 1 << 16;
/// Largest number of rows, and of mini-batches.
const MOST_ROWS: usize = 1 << 31;

/// The body that asks for a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobBody {
    /// The recipe as TOML with every field written out, without names of files, columns and classes, and without its seed
    /// where no plan depends on it.
    pub(super) recipe: String,
    /// Features of a row.
    pub(super) features: usize,
    /// Height and width of an image.
    pub(super) sides: Option<[usize; 2]>,
    /// Outputs of the network.
    pub(super) outputs: usize,
    /// Largest magnitude of a feature.
    pub(super) bound: f64,
    /// Rows to train on.
    pub(super) rows: usize,
    /// Mini-batches.
    pub(super) batches: usize,
    /// Hash of the client's plan.
    pub(super) plan: String,
    /// Small rings that protect nothing, and why: for tests, whose servers alone take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) insecure_small: Option<String>,
}

/// Bytes of the objects of a job, at most, by its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sizes {
    /// Of each kind of evaluation keys.
    pub(super) keys: Vec<u64>,
    /// Of weights and momentum as a client or a server writes them.
    pub(super) model: u64,
    /// Of a mini-batch.
    pub(super) batch: u64,
    /// Of a query.
    pub(super) query: u64,
    /// Of an answer.
    pub(super) answer: u64,
    /// Of memory at the peak of a training, where it is reckoned.
    pub(super) memory: u64,
}

/// The plan of a job.
pub(super) struct Planned {
    /// The name of its recipe.
    pub(super) recipe: String,
    pub(super) plan: Arc<Plan>,
    pub(super) sizes: Sizes,
}

impl Sizes {
    fn of(plan: &Plan) -> Result<Self, RunError> {
        let mut keys = Vec::new();
        for engine in &plan.engines {
            keys.extend(engine.key_bytes()?.into_iter().map(|bytes| bytes as u64));
        }
        let (rows, memory) =
            (plan.batch(), plan.engines.iter().map(|engine| engine.estimate().memory as u64));
        let [fresh, computed] = traffic::model_bytes(plan);
        let (step, query) = (traffic::step_bytes(plan, rows), traffic::query_bytes(plan, rows));
        Ok(Self {
            keys,
            model: fresh.max(computed),
            batch: traffic::batch_bytes(plan, rows),
            query: query.to_server,
            answer: step.to_server.max(query.to_server),
            memory: memory.sum(),
        })
    }

    /// Bytes on disk of all objects, two checkpoints included.
    pub(super) fn disk(&self, batches: usize) -> u64 {
        let keys = self.keys.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes));
        let batches = self.batch.saturating_mul(batches as u64);
        keys.saturating_add(batches).saturating_add(self.model.saturating_mul(4)).saturating_add(self.query)
    }
}

impl JobBody {
    /// That of a session and its plan.
    pub(super) fn of(
        session: &Session,
        plan: &Plan,
        insecure_small: Option<String>,
    ) -> Result<Self, RunError> {
        let DataShape { bound, rows } = session.shape();
        Ok(Self {
            recipe: bare(&session.recipe).to_toml()?,
            features: session.data.features.len(),
            sides: session.data.sides,
            outputs: session.data.outputs,
            bound,
            rows,
            batches: session.batches.count(),
            plan: hex(&plan.hash()),
            insecure_small,
        })
    }

    /// That of a job that keys were made for.
    pub(super) fn of_job(job: &JobFile) -> Result<Self, RunError> {
        let outputs = job.outputs()?;
        let scale = &job.intake.scale;
        Ok(Self {
            recipe: bare(&job.recipe).to_toml()?,
            features: job.intake.features().features.len(),
            sides: job.intake.sides,
            outputs,
            bound: f64::from(scale.bound()) / f64::from(scale.fraction_bits()).exp2(),
            rows: job.intake.rows,
            batches: job.batches,
            plan: job.plan.clone(),
            insecure_small: job.insecure_small.clone(),
        })
    }

    /// Recipe and network, with numbers within the limits of plans.
    pub(super) fn network(&self) -> Result<(Recipe, Network), RunError> {
        for (what, found, most) in [
            ("features", self.features, WIDEST),
            ("outputs", self.outputs, WIDEST),
            ("rows", self.rows, MOST_ROWS),
            ("batches", self.batches, MOST_ROWS),
        ] {
            if found > most {
                return Err(RunError::Job(format!("{what}: {found}; at most {most} are planned for")));
            }
        }
        if !(self.bound.is_finite() && self.bound >= 0.0) {
            return Err(RunError::Job(format!("bound: {}; a number of at least 0 is needed", self.bound)));
        }
        let recipe = Recipe::from_toml(&self.recipe, "the recipe of the job", &[])?;
        let network = Network::new(&recipe, self.features, self.sides, self.outputs)?;
        Ok((recipe, network))
    }

    /// The plan by this program. What does not fit one is an error that says so.
    pub(super) fn plan(&self) -> Result<Planned, RunError> {
        let (recipe, network) = self.network()?;
        let shape = DataShape { bound: self.bound, rows: self.rows };
        let plan = match &self.insecure_small {
            None => Plan::choose(&recipe, &network, shape)?,
            Some(reason) => Plan::choose_insecure_small(&recipe, &network, shape, reason)?,
        };
        let (found, needed) = (hex(&plan.hash()), &self.plan);
        if found != *needed {
            let what = format!(
                "the server, version {}, plans this recipe as {}.., its client as {}..; both need the same version of the program",
                env!("CARGO_PKG_VERSION"),
                &found[..8],
                needed.chars().take(8).collect::<String>(),
            );
            return Err(RunError::Job(what));
        }
        let sizes = Sizes::of(&plan)?;
        Ok(Planned { recipe: recipe.name, plan: Arc::new(plan), sizes })
    }
}

/// A recipe with no more about its data than a plan depends on.
fn bare(recipe: &Recipe) -> Recipe {
    let mut recipe = recipe.clone();
    recipe.description.clear();
    // Where nothing is refreshed, bounds follow from the first weights.
    if recipe.refresh.strategy != RefreshStrategy::None {
        recipe.seed = 0;
    }
    let Data { outputs, balance, normalize, .. } = &recipe.data;
    let normalize = Normalization::MinMax { limit: normalize.limit() };
    recipe.data = Data {
        set: "elsewhere".into(),
        outputs: *outputs,
        balance: *balance,
        normalize,
        test: TestPart::Count(0),
        label: None,
        ignore: vec![],
        no_header: false,
        separator: None,
        decimal_comma: None,
        encoding: None,
        missing: Default::default(),
        group: None,
        window: None,
        columns: vec![],
        frozen: None,
        positive: None,
        stratify: false,
    };
    recipe
}
