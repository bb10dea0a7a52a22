//! Every cell: a step on ciphertexts equal to the twin, or a refusal by number, the same in both modes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::{Cell, Shortage, planned, section};
use crate::plan::{DataShape, Plan, PlannedEngine};
use crate::recipe::Recipe;
use crate::roles::Client;
use crate::run::compare::compare;
use crate::run::{Encrypted, Mode, Options, Report, Session, train, train_session};
use crate::twin::Twin;

/// The text of a run of one step in a mode.
fn refusal(session: &Session, mode: Mode) -> String {
    let options = Options { mode, steps: Some(1), quiet: true, ..Options::default() };
    train_session(session, &options, Instant::now()).unwrap_err().to_string()
}

/// The plan in small rings where there are any; that at 128 bits elsewhere.
fn small(session: &Session, plan: Arc<Plan>) -> Arc<Plan> {
    let only = |name: &str| {
        let schemes = plan.engines.iter().flat_map(|engine| engine.schemes());
        schemes.into_iter().all(|scheme| scheme.name == name)
    };
    if only("bgv") || only("tfhe") {
        return plan;
    }
    let bound = f64::from(session.data.bound) / f64::from(session.data.fraction_bits).exp2();
    let shape = DataShape { bound, rows: session.data.train.labels.len() };
    Arc::new(Plan::choose_insecure_small(&session.recipe, &session.network, shape, "a test").unwrap())
}

/// Whether an engine of a plan computes on words, at least a second for each product.
fn has_words(plan: &Plan) -> bool {
    let alone = |engine: &Arc<dyn PlannedEngine>| engine.schemes().iter().all(|scheme| scheme.name == "tfhe");
    plan.engines.iter().any(alone)
}

/// A step on ciphertexts, and of the twin.
fn step(session: &Session, plan: &Arc<Plan>) {
    let reader = plan.engines.iter().find_map(|engine| engine.table_reader());
    let mut twin = Twin::new(&session.recipe, &session.network, session.first.clone(), reader).unwrap();
    let client = Client::new(plan, session.first.clone()).unwrap();
    let (mut both, _) = Encrypted::start(plan, client).unwrap();
    both.send(session, 0).unwrap();
    assert!(both.step(session, 0, 0, &Arc::default()).unwrap());
    both.tell(&mut twin).unwrap();
    let (x, targets) = session.batch(0).unwrap();
    twin.step(&x, &targets).unwrap();
    assert_ne!(twin.model(), &session.first, "nothing moved");
    let tolerance = plan.engines.iter().filter_map(|engine| engine.tolerance());
    let tolerance = tolerance.reduce(|a, b| if a.weights > b.weights { a } else { b });
    let found = compare(&both.model(1).unwrap(), twin.model(), tolerance);
    assert_eq!(found.equal, Some(true), "{:?} with {tolerance:?}", found.max_abs_error);
}

/// What comes of a cell; steps are taken of plans with words, or of those without.
fn answer(cell: &Cell, words: bool) -> Result<String, Shortage> {
    let session = cell.session().unwrap();
    match session.plan() {
        Ok(plan) => {
            if has_words(&plan) == words {
                step(&session, &small(&session, Arc::clone(&plan)));
            }
            Ok(planned(&plan))
        }
        Err(error) => {
            let text = error.to_string();
            assert_eq!(refusal(&session, Mode::Simulate), text);
            assert_eq!(refusal(&session, Mode::Encrypted), text);
            let shortage = Shortage::of(error).unwrap();
            assert!(shortage.needed > shortage.available, "{shortage:?}");
            Err(shortage)
        }
    }
}

/// All cells of a recipe, against the page.
fn check(recipe: &str, words: bool) {
    // Read here: a package has no page.
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/backends.md")).unwrap();
    let mut known: BTreeMap<Vec<String>, Result<String, Shortage>> = BTreeMap::new();
    let mut wrong = 0;
    let found = section(recipe, |cell| {
        if let Some(found) = known.get(&cell.settings) {
            return Ok(found.clone());
        }
        let start = Instant::now();
        let found = std::panic::catch_unwind(|| answer(cell, words)).unwrap_or_else(|_| {
            wrong += 1;
            Ok("wrong".to_owned())
        });
        println!("{:.1} s: {:?}: {found:?}", start.elapsed().as_secs_f64(), cell.settings);
        known.insert(cell.settings.clone(), found.clone());
        Ok(found)
    });
    let found = found.unwrap();
    println!("{found}");
    assert!(wrong == 0 && page.contains(&found), "{wrong} cells; docs/backends.md is not what was found");
}

#[test]
fn cells_of_hesamifard2017() {
    check("hesamifard2017", false);
}

#[test]
fn cells_of_ckks_sgd() {
    check("ckks_sgd", false);
}

#[test]
fn cells_of_glyph2020() {
    check("glyph2020", false);
}

#[test]
fn cells_of_nandakumar2019() {
    check("nandakumar2019", false);
}

#[test]
fn cells_of_onoufriou2021() {
    check("onoufriou2021", false);
}

#[test]
fn cells_of_tbmpnet2021() {
    check("tbmpnet2021", false);
}

#[test]
fn cells_of_ghimes2018() {
    check("ghimes2018", false);
}

#[test]
#[ignore = "a step on words takes half a minute: cargo test --release -p nn-encrypted --lib backends -- --ignored"]
fn cells_on_words() {
    for recipe in Recipe::builtin_names() {
        check(recipe, true);
    }
}

/// The report of a training on ciphertexts at 128 bits.
fn trained(recipe: &str, settings: &[&str], steps: Option<usize>) -> Report {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    let recipe = Recipe::load(recipe, &settings).unwrap();
    let outcome = train(recipe, &Options { steps, quiet: true, ..Options::default() }).unwrap();
    assert_eq!(outcome.report.twin.equal, Some(true), "{:?}", outcome.report.twin);
    assert!(outcome.report.schemes.iter().all(|scheme| scheme.security_bits == Some(128)));
    outcome.report
}

#[test]
fn a_layer_in_ckks_among_layers_in_bgv() {
    let report = trained("hesamifard2017", &["layers.3.scheme=ckks"], Some(3));
    let names: Vec<&str> = report.schemes.iter().map(|scheme| &*scheme.name).collect();
    assert_eq!(names, ["bgv", "ckks"]);
}

#[test]
#[ignore = "minutes at 128 bits: cargo test --release -p nn-encrypted --lib backends -- --ignored"]
fn networks_of_recipes_in_other_schemes() {
    let ckks: Vec<String> = (1..=5).map(|layer| format!("layers.{layer}.scheme=ckks")).collect();
    let ckks: Vec<&str> = ckks.iter().map(String::as_str).collect();
    let report = trained("hesamifard2017", &[&ckks[..], &["optimizer.epochs=1"]].concat(), None);
    assert!(report.twin.max_abs_error.unwrap() < 1.0 / 1024.0, "{:?}", report.twin);
    let bgv = [
        "layers.1.scheme=bgv",
        "layers.2.scheme=bgv",
        "layers.3.scheme=bgv",
        "refresh.strategy=client",
        "optimizer.learning_rate=3/16",
        "optimizer.momentum=7/8",
        "numbers.bounds.momentum=0.15625",
    ];
    trained("ckks_sgd", &bgv, Some(3));
    let beside_tables = [
        "layers.1.scheme=bgv",
        "layers.3.scheme=bgv",
        "refresh.strategy=clean",
        "numbers.bounds={error=1.0,output=2.0}",
    ];
    trained("tbmpnet2021", &beside_tables, Some(1));
}
