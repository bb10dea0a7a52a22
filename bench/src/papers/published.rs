//! What was published, as the authors of a system, or later papers that measured it, state it.

use super::cells::{Cell, Line, Source};

/// A figure as text and where it is from.
type Figure = (&'static str, Source);

struct System {
    name: &'static str,
    network: &'static str,
    batch: Option<Figure>,
    bits: Option<Figure>,
    seconds: Option<Figure>,
    memory: Option<Figure>,
    clear: Option<Figure>,
    client: &'static str,
    extrapolated: &'static str,
}

use Source::{Derived, Others, Published};

const NOTHING: System = System {
    name: "",
    network: "",
    batch: None,
    bits: None,
    seconds: None,
    memory: None,
    clear: None,
    client: "none",
    extrapolated: "",
};

/// Systems, by the recipe that rebuilds them.
const SYSTEMS: [(&str, System); 9] = [
    (
        "hesamifard2017",
        System {
            name: "Hesamifard et al., CCSW 2017",
            network: "1 to 5 hidden layers on tables of UCI",
            clear: Some(("above 99 %", Published)),
            client: "refreshes",
            ..NOTHING
        },
    ),
    (
        "ghimes2018",
        System {
            name: "Ghimes et al., ECAI 2018 (YASHE, broken)",
            network: "3 layers, identity activation",
            extrapolated: "parameters since broken",
            ..NOTHING
        },
    ),
    (
        "nandakumar2019",
        System {
            name: "FHESGD NN2, Nandakumar et al. 2019",
            network: "64-32-16-10, 8x8 crops of MNIST",
            batch: Some(("60", Published)),
            bits: Some(("far below 80", Derived)),
            seconds: Some(("1,200", Published)),
            clear: Some(("96 %", Published)),
            extrapolated: "one mini-batch of 40 minutes on about 30 threads; the time of a training is a product",
            ..NOTHING
        },
    ),
    (
        "nandakumar2019",
        System {
            name: "FHESGD NN1, as Glyph measured it",
            network: "784-128-32-10, MNIST",
            batch: Some(("60", Published)),
            bits: Some(("\"80\"", Others)),
            seconds: Some(("1,970", Others)),
            clear: Some(("97.8 %", Published)),
            extrapolated: "13.4 years for 50 epochs on 48 threads",
            ..NOTHING
        },
    ),
    (
        "glyph2020",
        System {
            name: "Glyph MLP, Lou et al. 2020",
            network: "784-128-32-10, MNIST",
            batch: Some(("60", Published)),
            bits: Some(("80", Published)),
            seconds: Some(("48; 132 if activations are counted for every image of the batch", Derived)),
            extrapolated: "all totals are products of unit times; accuracies are of trainings in the clear",
            ..NOTHING
        },
    ),
    (
        "glyph2020",
        System {
            name: "Glyph CNN, transfer learning",
            network: "two dense layers behind frozen convolutions, MNIST",
            batch: Some(("60", Published)),
            bits: Some(("80", Published)),
            seconds: Some(("22 to 58", Published)),
            clear: Some(("98.6 %", Published)),
            extrapolated: "8 days on 48 threads, a product",
            ..NOTHING
        },
    ),
    (
        "onoufriou2021",
        System {
            name: "Onoufriou et al. 2021",
            network: "1-D CNN, milk yields of a farm (private)",
            clear: Some(("MAPE 12.4 %", Published)),
            client: "backward pass and update",
            ..NOTHING
        },
    ),
    (
        "tbmpnet2021",
        System {
            name: "t-BMPNet, Yoo and Yoon 2021",
            network: "1-1-1, words of 32 bits",
            batch: Some(("1", Published)),
            bits: Some(("110 to 128", Others)),
            seconds: Some(("1,681", Others)),
            ..NOTHING
        },
    ),
    (
        "ckks_sgd",
        System {
            name: "ReBoot, AAAI 2026 (beside a recipe of our own)",
            network: "one hidden layer; two or three",
            batch: Some(("1", Published)),
            bits: Some(("128", Published)),
            seconds: Some(("190 s; 621 s of an iteration by the clock", Published)),
            memory: Some(("76 to 214 GB", Published)),
            ..NOTHING
        },
    ),
];

/// The lines of the systems that a recipe rebuilds.
pub(super) fn of(recipe: &str) -> Vec<Line> {
    let cell = |figure: &Option<Figure>| figure.map_or_else(Cell::none, |(text, from)| Cell::new(text, from));
    let systems = SYSTEMS.iter().filter(|(name, _)| *name == recipe);
    systems
        .map(|(_, system)| Line {
            ours: false,
            name: system.name.into(),
            network: Cell::new(system.network, Published),
            batch: cell(&system.batch),
            bits: cell(&system.bits),
            seconds: cell(&system.seconds),
            memory: cell(&system.memory),
            // None of them reports a whole training on ciphertexts that is told apart from one in the clear.
            accuracy: Cell::none(),
            twin: cell(&system.clear),
            client: Cell::new(system.client, Published),
            extrapolated: system.extrapolated.into(),
        })
        .collect()
}
