//! Every recipe with a layer of each kind in each scheme: what is planned, or which number refuses it.

use std::fmt::Write as _;

use super::{RunError, Session};
use crate::plan::{Plan, PlanError, Reason};
use crate::recipe::{Recipe, Scheme};

/// The schemes of the columns.
const SCHEMES: [Scheme; 5] = [Scheme::Bgv, Scheme::Bfv, Scheme::Yashe, Scheme::Ckks, Scheme::Tfhe];

/// A recipe, on few flowers or images and with small layers.
struct Row {
    recipe: &'static str,
    /// Schemes of layers with weights and of activations.
    own: [&'static str; 2],
    /// The activation between layers with weights.
    activation: &'static str,
    /// The activation behind the last layer.
    end: &'static str,
    /// Settings with which every scheme can take the recipe: rates and bounds of few fractional bits.
    settings: &'static [&'static str],
}

const ROWS: [Row; 7] = [
    Row {
        recipe: "hesamifard2017",
        own: ["bgv", "bgv"],
        activation: "kind='Square'",
        end: "",
        settings: &[
            "optimizer.batch_size=2",
            "optimizer.momentum=0",
            "numbers={word_bits=8,error_bits=4,output_bits=4}",
            // Of which both schemes have parameters: what is to be found takes a third of the time.
            "parameters.ring_dimension=16384",
        ],
    },
    Row {
        recipe: "ckks_sgd",
        own: ["ckks", "ckks"],
        activation: "kind='Square'",
        end: "",
        settings: &[
            "optimizer.batch_size=2",
            "optimizer.learning_rate=1/4",
            "optimizer.momentum=0",
            "numbers={word_bits=8}",
            "numbers.bounds={preactivation=4.0,output=4.0,error=4.5,weight=1.5,momentum=0.5}",
        ],
    },
    Row {
        recipe: "glyph2020",
        own: ["bgv", "tfhe"],
        activation: "kind='ReLU'",
        end: "{kind='Sigmoid',scheme='tfhe'}",
        settings: &["optimizer.batch_size=2"],
    },
    Row {
        recipe: "nandakumar2019",
        own: ["bgv", "tables"],
        activation: "kind='Sigmoid'",
        end: "{kind='Sigmoid',scheme='tables'}",
        settings: &["optimizer.batch_size=2", "optimizer.learning_rate=1/2"],
    },
    Row {
        recipe: "onoufriou2021",
        own: ["ckks", "ckks"],
        activation: "kind='Polynomial',coefficients=[0.5,0.1875,0.0,-0.00390625]",
        end: "",
        settings: &[
            "optimizer.batch_size=2",
            "optimizer.momentum=0",
            "numbers.bounds={preactivation=8.0,output=2.5,error=0.5,weight=6.0,momentum=0.5}",
        ],
    },
    Row {
        recipe: "tbmpnet2021",
        own: ["tfhe", "tfhe"],
        activation: "kind='Sigmoid'",
        end: "{kind='Sigmoid',scheme='tfhe'}",
        settings: &["optimizer.batch_size=1", "optimizer.learning_rate=1", "numbers.word_bits=8"],
    },
    Row {
        recipe: "ghimes2018",
        own: ["yashe", "yashe"],
        activation: "kind='Identity'",
        end: "",
        settings: &["optimizer.batch_size=120", "optimizer.epochs=1", "optimizer.learning_rate=1"],
    },
];

/// The layer that changes its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// A layer; the first of its kind.
    One,
    /// All layers with weights, and activations that had their scheme.
    All,
}

/// Kinds of layers: how they stand in a small network. `W`, `A` and `E` are the schemes of layers with weights, of the activation and
/// of the end, `X` that of the layer that changes.
const KINDS: [(&str, &str, &str); 5] = [
    ("Linear", "iris", "{kind='Linear',out_features=2,X},{ACT,A},{kind='Linear',W}"),
    ("activation", "iris", "{kind='Linear',out_features=2,W},{ACT,X},{kind='Linear',W}"),
    ("Conv1d", "iris", "{kind='Conv1d',channels=1,kernel=2,X},{ACT,A},{kind='Linear',W}"),
    ("Conv2d", "digits", "{kind='Conv2d',channels=1,kernel=7,X},{ACT,A},{kind='Linear',W}"),
    (
        "AvgPool1d",
        "iris",
        "{kind='Linear',out_features=4,W},{ACT,A},{kind='AvgPool1d',kernel=2,X},{kind='Linear',X}",
    ),
];

/// A recipe with a layer of a kind in a scheme.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) recipe: &'static str,
    pub(crate) kind: &'static str,
    /// Settings of the recipe.
    pub(crate) settings: Vec<String>,
}

impl Cell {
    fn new(row: &Row, (kind, data, layers): (&'static str, &str, &str), change: Change, to: Scheme) -> Self {
        let [weights, activation] = row.own;
        // Words multiply one by one: for them images have one row, and there are few.
        let words = to == Scheme::Tfhe || (weights == "tfhe" && change == Change::One);
        let (data, layers) = match data {
            "digits" if words => ("iris", layers.replace("kernel=7", "kernel=[1,2]")),
            _ if words => (data, layers.replace("out_features=4", "out_features=2")),
            _ => (data, layers.to_owned()),
        };
        let to_all = to.to_string();
        let (w, a) = match change {
            Change::One => (weights, activation),
            Change::All if weights == activation => (&*to_all, &*to_all),
            Change::All => (&*to_all, activation),
        };
        let word = |scheme: &str| format!("scheme='{scheme}'");
        let x = if kind == "activation" && change == Change::All { a.to_owned() } else { to.to_string() };
        let layers = layers.replace("ACT", row.activation);
        let layers = layers.replace(",X}", &format!(",{}}}", word(&x)));
        let layers = layers.replace(",A}", &format!(",{}}}", word(a)));
        let layers = layers.replace(",W}", &format!(",{}}}", word(w)));
        let end = if row.end.is_empty() { String::new() } else { format!(",{}", row.end) };
        let end = if a == activation { end } else { end.replace(&word(activation), &word(a)) };
        let normalize = match data {
            "digits" => "{method='affine',divisor=16.0,center=0.0,limit=1.0}",
            _ => "{method='min_max',limit=1.0}",
        };
        let mut settings = vec![
            format!("data={{set='{data}',test=30,normalize={normalize}}}"),
            format!("layers=[{layers}{end}]"),
        ];
        settings.extend(row.settings.iter().map(ToString::to_string));
        if words {
            settings.push("optimizer.batch_size=1".to_owned());
        }
        Self { recipe: row.recipe, kind, settings }
    }

    /// All cells, row by row.
    pub(crate) fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for row in &ROWS {
            for kind in KINDS {
                for change in [Change::One, Change::All] {
                    cells.extend(SCHEMES.map(|scheme| Self::new(row, kind, change, scheme)));
                }
            }
        }
        cells
    }

    /// Recipe, data and network.
    pub(crate) fn session(&self) -> Result<Session, RunError> {
        Session::new(Recipe::load(self.recipe, &self.settings)?, None)
    }
}

/// The resource that there is too little of, and how much of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shortage {
    reason: Reason,
    needed: f64,
    available: f64,
    /// Layer, kind and reason.
    whole: String,
}

impl Shortage {
    /// Of a refusal by number; other errors are returned.
    pub(crate) fn of(error: RunError) -> Result<Self, RunError> {
        match error {
            RunError::Plan(PlanError::Refused { reason, needed, available, layer, kind, what }) => {
                let whole = format!("layer {layer} ({kind}): {reason}: {what}");
                Ok(Self { reason, needed, available, whole })
            }
            other => Err(other),
        }
    }
}

/// The schemes of a plan, and how close it comes to the twin.
pub(crate) fn planned(plan: &Plan) -> String {
    let mut names: Vec<String> = Vec::new();
    for scheme in plan.engines.iter().flat_map(|engine| engine.schemes()) {
        if !names.contains(&scheme.name) {
            names.push(scheme.name);
        }
    }
    let tolerance = plan.engines.iter().filter_map(|engine| engine.tolerance()).map(|t| t.weights);
    match tolerance.reduce(f64::max) {
        Some(weights) => format!("{}, within 2^{:.0}", names.join(" + "), weights.log2()),
        None => format!("{}, exact", names.join(" + ")),
    }
}

/// The part of the page about a recipe; `answer` says what comes of a cell.
pub(crate) fn section(
    recipe: &str,
    mut answer: impl FnMut(&Cell) -> Result<Result<String, Shortage>, RunError>,
) -> Result<String, RunError> {
    let mut text = format!("\n## {recipe}\n\n{HEAD}");
    let mut refusals: Vec<String> = Vec::new();
    let cells: Vec<Cell> = Cell::all().into_iter().filter(|cell| cell.recipe == recipe).collect();
    for cells in cells.chunks(2 * SCHEMES.len()) {
        let _ = write!(text, "| {} |", cells[0].kind);
        for cell in cells {
            let found = answer(cell)?.unwrap_or_else(|Shortage { reason, needed, available, whole }| {
                let place = refusals.iter().position(|known| *known == whole).unwrap_or_else(|| {
                    refusals.push(whole);
                    refusals.len() - 1
                });
                format!("{reason}: {} of {} ({})", number(available), number(needed), place + 1)
            });
            let _ = write!(text, " {found} |");
        }
        text.push('\n');
    }
    text.push('\n');
    for (place, refusal) in refusals.iter().enumerate() {
        let _ = writeln!(text, "{}. {refusal}", place + 1);
    }
    Ok(text)
}

/// The table of all cells as a Markdown page.
///
/// # Errors
/// If a cell is refused otherwise than by a number.
pub(crate) fn backends_page() -> Result<String, RunError> {
    let mut page = INTRODUCTION.to_owned();
    for row in &ROWS {
        page += &section(row.recipe, |cell| match cell.session()?.plan() {
            Ok(plan) => Ok(Ok(planned(&plan))),
            Err(error) => Shortage::of(error).map(Err),
        })?;
    }
    Ok(page)
}

/// A number with at most one digit behind the point.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.1}") }
}

const HEAD: &str = "| layer | one: bgv | bfv | yashe | ckks | tfhe | all: bgv | bfv | yashe | ckks | tfhe |\n\
     |---|---|---|---|---|---|---|---|---|---|---|\n";

const INTRODUCTION: &str = "# Every recipe, every kind of layer, every scheme

What `nn-encrypted backends` prints. Each recipe has a small network with a layer of the kind. Under *one* that layer alone is in the
scheme, a pooling with the layer behind it, of which it is a part; under *all* are all layers with weights, and the activations that
had their scheme. A cell names the schemes that compute the plan, and how close weights come to the twin's; or what there is too
little of: *2 of 3* means that 2 are there and 3 are needed, and the number behind it is that of the whole refusal below the table.

`cargo test --release -p nn-encrypted --lib backends` trains every planned cell for a step on ciphertexts, in small rings where there
are any, and compares it with the twin, those on words in TFHE if `-- --ignored` is added; it holds this page, and every refusal in
`--mode simulate` and in `--mode encrypted`, to be the same. Conv2d sees images of 8 x 8, and on words rows of 1 x 4.
";

#[cfg(test)]
mod tests;
