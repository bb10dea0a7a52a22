//! A step of a linear network that nothing refreshes, against the twin; and refusals by number.

use std::sync::Arc;

use crate::plan::{PlanError, Reason};
use crate::recipe::Recipe;
use crate::roles::Client;
use crate::run::{Encrypted, RunError, Session};
use crate::twin::Twin;

fn session(settings: &[&str]) -> Session {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    Session::new(Recipe::load("ghimes2018", &settings).unwrap(), None).unwrap()
}

/// Three layers of units for flowers, in a scheme.
fn flowers(scheme: &str) -> [String; 4] {
    let layers = format!(
        "layers=[{{kind='Linear',out_features=5,scheme='{scheme}'}},{{kind='Identity',scheme='{scheme}'}},{{kind='Linear',scheme='{scheme}'}}]"
    );
    let data = "data={set='iris',test=30,normalize={method='min_max',limit=1.0}}";
    [data.into(), layers, "optimizer.batch_size=120".into(), "optimizer.epochs=1".into()]
}

/// A step on ciphertexts, and of the twin.
fn step(session: &Session) {
    let plan = session.plan().unwrap();
    let mut twin = Twin::new(&session.recipe, &session.network, session.first.clone(), None).unwrap();
    let (mut both, _) = Encrypted::start(&plan, Client::new(&plan, session.first.clone()).unwrap()).unwrap();
    both.send(session, 0).unwrap();
    assert!(both.step(session, 0, 0, &Arc::default()).unwrap());
    let (x, targets) = session.batch(0).unwrap();
    twin.step(&x, &targets).unwrap();
    assert_ne!(twin.model(), &session.first);
    assert_eq!(&both.model(1).unwrap(), twin.model());
    // Weights are encrypted now, and no level is left.
    // Nor is a trained model shown, which goes back as the public weights would.
    assert!(both.client.encrypt_model(1).is_err());
    let again = both.step(session, 1, 0, &Arc::default()).unwrap_err().to_string();
    assert!(again.contains("weights that are encrypted"), "{again}");
}

fn insecure(scheme: &str) -> Session {
    session(&flowers(scheme).each_ref().map(String::as_str)).insecure_small("a test of a step").unwrap()
}

#[test]
fn a_step_in_an_insecure_small_ring_of_yashe() {
    step(&insecure("yashe"));
}

#[test]
fn a_step_in_an_insecure_small_ring_of_bfv_and_bgv() {
    step(&insecure("bfv"));
    step(&insecure("bgv"));
}

/// The reason, the number needed and the one there is.
fn refusal(session: &Session) -> (Reason, f64, f64, String) {
    match session.plan().err().unwrap() {
        RunError::Plan(PlanError::Refused { reason, needed, available, what, .. }) => {
            (reason, needed, available, what)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_second_step_is_refused_by_levels_and_in_a_sound_scheme_by_its_integers() {
    let (reason, needed, available, what) = refusal(&session(&["optimizer.epochs=2"]));
    assert_eq!((reason, needed, available), (Reason::Levels, 10.0, 6.0), "{what}");
    let all = flowers("bfv");
    let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
    all.push("optimizer.epochs=2");
    let (reason, needed, available, what) = refusal(&session(&all));
    assert_eq!((reason, available), (Reason::Range, 62.0), "{what}");
    assert!(needed > 62.0);
}
