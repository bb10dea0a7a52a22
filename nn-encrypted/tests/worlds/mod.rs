//! A small training of every recipe and every kind of engine, in rings that protect nothing.

use std::sync::Arc;

use nn_encrypted::plan::Plan;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::Session;

/// A name, the recipe, and what makes it small.
pub(crate) type Small = (&'static str, &'static str, &'static [&'static str]);

const TWO_IN_BGV: &str = "layers=[{kind='Linear',out_features=3,scheme='bgv'},{kind='Square',scheme='bgv'},{kind='Linear',scheme='bgv'}]";
const IN_CKKS: &str = "layers=[{kind='Linear',scheme='ckks'}]";
const IN_BLOCKS: &str = "layers=[{kind='Linear',scheme='ckks'},{kind='Sigmoid',scheme='tfhe'}]";
const IN_CONV1D: &str = "layers=[{kind='Conv1d',channels=2,kernel=7,scheme='ckks'},{kind='Polynomial',coefficients=[0.5,0.197,0.0,-0.004],scheme='ckks'},{kind='AvgPool1d',kernel=2,scheme='ckks'},{kind='Linear',scheme='ckks'}]";
/// Images that are classified at the end.
const FEW: &str = "data.test=4";
const SHORT: &str = "numbers.word_bits=8";

/// All of them.
pub(crate) const ALL: [Small; 9] = [
    ("bgv", "hesamifard2017", &["data.set=iris", TWO_IN_BGV, "optimizer.batch_size=4"]),
    ("ckks", "ckks_sgd", &["data.set=iris", IN_CKKS, "optimizer.batch_size=4"]),
    ("series", "onoufriou2021", &[IN_CONV1D, "optimizer.batch_size=4"]),
    ("coefficients", "glyph2020", &["variant=tiny", FEW]),
    ("blocks", "glyph2020", &["variant=tiny", FEW, IN_BLOCKS]),
    (
        "digits",
        "tbmpnet2021",
        &["variant=tiny", SHORT, FEW, "optimizer.batch_size=1", "optimizer.learning_rate=1"],
    ),
    (
        "bits",
        "tbmpnet2021",
        &[
            "variant=tiny",
            SHORT,
            FEW,
            "optimizer.batch_size=1",
            "optimizer.learning_rate=1",
            "numbers.words=bits",
        ],
    ),
    ("slot_tables", "nandakumar2019", &["variant=tiny", "optimizer.batch_size=4", FEW]),
    ("columns", "ghimes2018", &["variant=iris", "data.test=134", "optimizer.batch_size=16"]),
];

/// Recipe and data of one of them, planned in small rings.
///
/// # Panics
/// If it cannot be planned.
pub(crate) fn session((name, recipe, settings): Small) -> Session {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    let recipe = Recipe::load(recipe, &settings).unwrap_or_else(|error| panic!("{name}: {error}"));
    planned(recipe).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A recipe, planned in small rings.
///
/// # Errors
/// If its data cannot be read, or it has no plan.
pub(crate) fn planned(recipe: Recipe) -> Result<Session, nn_encrypted::run::RunError> {
    Session::new(recipe, None)?.insecure_small("a test of what is read: no secret is in it")
}

/// Its plan.
///
/// # Panics
/// If there is none.
pub(crate) fn plan(session: &Session) -> Arc<Plan> {
    session.plan().unwrap_or_else(|error| panic!("{error}"))
}
