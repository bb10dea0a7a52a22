//! A step of a linear network that nothing refreshes, against the twin; and refusals by number.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::columns::Channel;
use crate::plan::{Plan, PlanError, Reason, Security, Task};
use crate::program::lower_with;
use crate::recipe::Recipe;
use crate::roles::forge::{BGV_FIELDS, Forger, ciphertexts, sees_the_same, with_last};
use crate::roles::{Client, LocalLink, Server, Traffic};
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

/// All steps on ciphertexts, and of the twin; and that no further one is taken.
fn steps(session: &Session) {
    let plan = session.plan().unwrap();
    let mut twin = Twin::new(&session.recipe, &session.network, session.first.clone(), None).unwrap();
    let (mut both, _) = Encrypted::start(&plan, Client::new(&plan, session.first.clone()).unwrap()).unwrap();
    let steps = session.steps(None) as u64;
    for (step, batch) in (0..steps).zip(session.batches.schedule(0)) {
        both.send(session, batch).unwrap();
        assert!(both.step(session, step, batch, &Arc::default()).unwrap());
        let (x, targets) = session.batch(batch).unwrap();
        let before = twin.model().clone();
        twin.step(&x, &targets).unwrap();
        assert_ne!(twin.model(), &before);
        assert_eq!(&both.model(step + 1).unwrap(), twin.model(), "step {step}");
        // A trained model is not shown, which goes back as the public weights would.
        assert!(both.client.encrypt_model(step + 1).is_err());
        // What a server keeps is what it goes on with.
        let kept = both.server.model(step + 1).unwrap();
        both.server.restore(step + 1, kept).unwrap();
    }
    let again = both.step(session, steps, 0, &Arc::default()).unwrap_err().to_string();
    assert!(again.contains("weights that are encrypted"), "{again}");
}

fn insecure(scheme: &str, further: &[&str]) -> Session {
    let all = flowers(scheme);
    let all: Vec<&str> = all.iter().map(String::as_str).chain(further.iter().copied()).collect();
    session(&all).insecure_small("a test of a step").unwrap()
}

#[test]
fn a_step_in_an_insecure_small_ring_of_yashe() {
    steps(&insecure("yashe", &[]));
}

#[test]
fn a_step_in_an_insecure_small_ring_of_bfv_and_bgv() {
    steps(&insecure("bfv", &[]));
    steps(&insecure("bgv", &[]));
}

/// Thirty flowers in one mini-batch, of which eight stand beside one another; the columns of the other tests have two groups.
const FEW: &str = "data={set='iris',test=120,normalize={method='min_max',limit=1.0}}";

#[test]
fn two_steps_in_an_insecure_small_ring_of_bfv_and_bgv() {
    steps(&insecure("bfv", &["optimizer.epochs=2"]));
    steps(&insecure("bgv", &["optimizer.epochs=2", FEW, "optimizer.batch_size=30"]));
}

#[test]
fn three_steps_in_an_insecure_small_ring_of_bfv() {
    steps(&insecure("bfv", &["optimizer.epochs=3", FEW, "optimizer.batch_size=30"]));
}

#[test]
fn mini_batches_of_one_layer_of_which_the_last_is_short() {
    let one = "layers=[{kind='Linear',scheme='bfv'}]";
    steps(&insecure("bfv", &[one, FEW, "optimizer.batch_size=12"]));
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
fn a_second_step_is_refused_by_levels_and_in_a_sound_scheme_a_fourth_by_its_integers() {
    let (reason, needed, available, what) = refusal(&session(&["optimizer.epochs=2"]));
    assert_eq!((reason, needed, available), (Reason::Levels, 11.0, 6.0), "{what}");
    let all = flowers("bfv");
    let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
    all.push("optimizer.epochs=5");
    // Of inputs of 4 bits, weights of 6 and a mean over 2^7: 32, 110, 344, 1046 and 3152 bits.
    let (reason, needed, available, what) = refusal(&session(&all));
    assert_eq!((reason, needed, available), (Reason::Range, 3152.0, 1280.0), "{what}");
    assert!(what.contains("after 5 of 5 steps") && what.contains("1046 before that"), "{what}");
}

/// A plan of two steps over one plaintext prime, a mini-batch, and who forges its ciphertexts.
fn world(scheme: &str) -> (Arc<Plan>, Session, Forger) {
    let one = format!("layers=[{{kind='Linear',scheme='{scheme}'}}]");
    let numbers = "numbers.plaintext_bits=40";
    let further = [
        &one,
        FEW,
        "optimizer.batch_size=30",
        "optimizer.epochs=2",
        "numbers.input_bits=2",
        "numbers.weight_bits=3",
        "numbers.product_weight_bits=3",
        numbers,
    ];
    let session = insecure(scheme, &further);
    let (recipe, network) = (&session.recipe, &session.network);
    let program = lower_with(recipe, network, &BTreeSet::new());
    let (layers, data) = ([0], session.shape());
    let security = Security::InsecureSmall("a test of what is seen");
    let task = Task { recipe, network, layers: &layers, program: &program, data, security };
    let (agreement, _) = super::choose::choose(&task).unwrap();
    let [Channel::Integers(form)] = &agreement.channels[..] else { panic!("not one prime") };
    // Before the fields of a ciphertext stands the number of steps.
    let forger = Forger { fields: 1 + BGV_FIELDS, params: form.params().rlwe().clone() };
    (session.plan().unwrap(), session, forger)
}

#[test]
fn a_server_sees_nothing_of_what_a_client_decrypts() {
    for scheme in ["bgv", "bfv"] {
        let (plan, session, forger) = world(scheme);
        let (x, y) = session.batch(0).unwrap();
        sees_the_same(&plan, &session.first, (&x, &y), &[forger]);
    }
}

#[test]
fn ciphertexts_that_no_plan_has_are_refused() {
    for scheme in ["bgv", "bfv"] {
        let (plan, session, forger) = world(scheme);
        let mut client = Client::new(&plan, session.first.clone()).unwrap();
        let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
        server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
        let (x, y) = session.batch(0).unwrap();
        let batch = client.encrypt_batch(0, x.view(), y.view()).unwrap();
        let wrong = |message: &[u8]| {
            let piece = ciphertexts(message).pop().unwrap();
            let mut all = forger.wrong(&piece);
            all.push(("correction factor", [&piece[..1], &3_u64.to_le_bytes(), &piece[9..]].concat()));
            // Of more steps than are planned, of none, and of another than the rest.
            let steps = [("too many steps", 9), ("public", 0), ("another step", piece[0] + 1)];
            all.extend(steps.map(|(what, steps)| (what, [&[steps], &piece[1..]].concat())));
            all
        };
        for (what, piece) in wrong(&batch) {
            assert!(server.receive_batch(0, with_last(&batch, &piece)).is_err(), "{what}");
        }
        server.receive_batch(0, batch).unwrap();
        client.begin(0, x.view(), y.view()).unwrap();
        let mut link = LocalLink { client: &mut client, traffic: &mut Traffic::default() };
        server.train(0, 0, &mut link, &Arc::default()).unwrap();
        let kept = server.model(1).unwrap();
        for (what, piece) in wrong(&kept) {
            if !["transparent", "degree", "too many steps"].contains(&what) {
                continue; // weights may come at any level and of any step, if all do
            }
            assert!(server.receive_model(1, with_last(&kept, &piece)).is_err(), "{what}");
            assert!(client.decrypt_model(1, with_last(&kept, &piece)).is_err(), "{what}");
        }
        client.decrypt_model(1, kept).unwrap();
    }
}

#[test]
fn a_classification_between_two_steps_is_right() {
    let (plan, session, _) = world("bfv");
    let (mut both, _) = Encrypted::start(&plan, Client::new(&plan, session.first.clone()).unwrap()).unwrap();
    both.send(&session, 0).unwrap();
    let (x, _) = session.batch(0).unwrap();
    for step in 0..2 {
        let model = both.model(step).unwrap();
        let mut twin = Twin::new(&session.recipe, &session.network, model, None).unwrap();
        let query = both.client.encrypt_query(step, x.view()).unwrap();
        let mut link = LocalLink { client: &mut both.client, traffic: &mut both.traffic };
        let outputs = both.server.predict(step, query, &mut link).unwrap();
        let far = both.client.read_outputs(outputs).unwrap() - twin.outputs(&x).unwrap();
        // Weights of a step are whole ones here, and those of the twin as many bits as floats have.
        assert!(far.iter().all(|far| far.abs() < 1e-9), "step {step}: {far:?}");
        assert!(both.step(&session, step, 0, &Arc::default()).unwrap());
    }
}
