//! Short trainings of every recipe in rings that protect nothing, for tests.

use std::sync::LazyLock;

use super::Session;
use crate::recipe::Recipe;

/// Why small rings are right.
pub(crate) const REASON: &str = "a test: no secret is in it";

/// How near a training comes to another of the same keys and data.
#[derive(Clone, Copy)]
pub(crate) enum Near {
    /// The same model, bit for bit.
    Same,
    /// Other noise moves it within the tolerance of the plan; both are the twin's within it.
    Twin,
}

/// A short training.
pub(crate) struct Small {
    pub(crate) name: &'static str,
    pub(crate) recipe: &'static str,
    pub(crate) settings: &'static [&'static str],
    pub(crate) steps: usize,
    pub(crate) near: Near,
}

const TWO_IN_BGV: &str = "layers=[{kind='Linear',out_features=3,scheme='bgv'},{kind='Square',scheme='bgv'},{kind='Linear',scheme='bgv'}]";
const IN_CKKS: &str = "layers=[{kind='Linear',scheme='ckks'}]";
const IN_CONV1D: &str = "layers=[{kind='Conv1d',channels=2,kernel=7,scheme='ckks'},{kind='Polynomial',coefficients=[0.5,0.197,0.0,-0.004],scheme='ckks'},{kind='AvgPool1d',kernel=2,scheme='ckks'},{kind='Linear',scheme='ckks'}]";

const fn small(
    name: &'static str,
    recipe: &'static str,
    settings: &'static [&'static str],
    steps: usize,
    near: Near,
) -> Small {
    Small { name, recipe, settings, steps, near }
}

/// One of every recipe.
pub(crate) const ALL: [Small; 8] = [
    small("bgv", "hesamifard2017", &["data.set=iris", TWO_IN_BGV, "optimizer.batch_size=16"], 6, Near::Same),
    small("ckks", "ckks_sgd", &["data.set=iris", IN_CKKS, "optimizer.batch_size=4"], 2, Near::Twin),
    small("series", "onoufriou2021", &[IN_CONV1D, "optimizer.batch_size=4"], 2, Near::Twin),
    small("coefficients", "glyph2020", &["variant=tiny", "data.test=4"], 1, Near::Twin),
    small("digits", "tbmpnet2021", WORDS, 1, Near::Same),
    small(
        "slot tables",
        "nandakumar2019",
        &["variant=tiny", "optimizer.batch_size=4", "data.test=4"],
        1,
        Near::Same,
    ),
    small(
        "columns",
        "ghimes2018",
        &["variant=iris", "data.test=134", "optimizer.batch_size=16"],
        1,
        Near::Same,
    ),
    small("bits", "tbmpnet2021", BITS, 1, Near::Same),
];

const WORDS: &[&str] = &[
    "variant=tiny",
    "numbers.word_bits=8",
    "data.test=4",
    "optimizer.batch_size=1",
    "optimizer.learning_rate=1",
];
const BITS: &[&str] = &[
    "variant=tiny",
    "numbers.word_bits=8",
    "data.test=4",
    "optimizer.batch_size=1",
    "optimizer.learning_rate=1",
    "numbers.words=bits",
];

impl Small {
    pub(crate) fn settings(&self) -> Vec<String> {
        self.settings.iter().map(ToString::to_string).collect()
    }

    pub(crate) fn session(&self) -> Session {
        // Most tests take the first one, and its plan takes longest.
        static FIRST: LazyLock<Session> = LazyLock::new(|| ALL[0].planned());
        if self.name == ALL[0].name { FIRST.clone() } else { self.planned() }
    }

    fn planned(&self) -> Session {
        let recipe = Recipe::load(self.recipe, &self.settings()).unwrap();
        Session::new(recipe, None).unwrap().insecure_small(REASON).unwrap()
    }
}
