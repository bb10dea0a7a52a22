//! Encrypted training against the twin, bit for bit, at 128-bit parameters.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use he_bgv::{Ciphertext, EvaluationKeys, Evaluator, Parameters};
use he_core::wire::{self, Header, Reader, Writer};
use nn_encrypted::plan::Plan;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::{Client, Link, LinkError, Server, ServerError};
use nn_encrypted::run::{Encrypted, Predictions, Session, predict_encrypted};
use nn_encrypted::twin::Twin;

fn session(settings: &[&str]) -> Session {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    Session::new(Recipe::load("hesamifard2017", &settings).unwrap(), None).unwrap()
}

fn start(session: &Session) -> Encrypted {
    let plan = session.plan().unwrap();
    Encrypted::start(&plan, Client::new(&plan, session.initial()).unwrap()).unwrap().0
}

/// Trains both sides side by side.
fn train(session: &Session, steps: usize) -> (Encrypted, Twin) {
    let mut both = start(session);
    let mut twin = Twin::with_model(&session.recipe, &session.network, session.initial());
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        both.send(session, batch).unwrap();
        both.step(session, step as u64, batch).unwrap();
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        twin.step(&x, &labels).unwrap();
        assert_eq!(both.client.model(), twin.model(), "step {step}");
    }
    (both, twin)
}

#[test]
fn the_digits_recipe_equals_its_twin_and_keeps_its_promises() {
    let session = session(&[]);
    let steps = 20;
    let (mut both, twin) = train(&session, steps);
    assert!(both.plan.instances.iter().all(|instance| instance.params.rlwe().security_bits() == Some(128)));
    assert_eq!(both.client.counts().out_of_bounds, 0);
    assert_eq!(both.client.counts().saturations, twin.saturations());
    let layers = session.network.layers.len();
    assert!(both.traffic.rounds <= (steps * (2 * layers + 1)) as u64);
    let most = (20_000_000 * steps) as u64;
    assert!(both.traffic.to_server <= most && both.traffic.to_client <= most);
    let prediction = predict_encrypted(&session, &mut both, &twin).unwrap();
    assert!(prediction.summary.twin_equal);
    let expected = twin.predict(&session.data.test.x).unwrap();
    assert_eq!(prediction.predicted, Predictions::Classes(expected));
}

#[test]
fn a_deeper_network_with_another_activation_equals_its_twin() {
    let layers = "[{kind='Linear',out_features=12,scheme='bgv'},{kind='Quadratic',scheme='bgv'},\
                   {kind='Linear',out_features=9,scheme='bgv'},{kind='Quadratic',scheme='bgv'},\
                   {kind='Linear',out_features=7,scheme='bgv'},{kind='Quadratic',scheme='bgv'},\
                   {kind='Linear',scheme='bgv'}]";
    let (_, twin) =
        train(&session(&["data.set=iris", &format!("layers={layers}"), "optimizer.momentum=3/4"]), 20);
    assert!(twin.model().layers.len() == 4);
}

#[test]
fn a_cubic_network_without_momentum_equals_its_twin() {
    let layers = "[{kind='Linear',out_features=8,scheme='bgv'},{kind='Cubic',scheme='bgv'},{kind='Linear',scheme='bgv'}]";
    train(&session(&["data.set=iris", &format!("layers={layers}"), "optimizer.momentum=0"]), 20);
}

#[test]
fn a_single_layer_with_a_short_last_batch_equals_its_twin() {
    let settings = ["data.set=iris", "layers=[{kind='Linear',scheme='bgv'}]", "optimizer.batch_size=50"];
    train(&session(&settings), 6);
}

#[test]
fn values_too_wide_for_one_plaintext_prime_go_into_several() {
    let layers = "[{kind='Linear',out_features=8,scheme='bgv'},\
                   {kind='Sigmoid',scheme='bgv',polynomial={degree=5,coefficient_bits=10}},{kind='Linear',scheme='bgv'}]";
    let session = session(&["data.set=iris", &format!("layers={layers}")]);
    let (both, _) = train(&session, 4);
    assert!(both.plan.instances.len() > 1, "{:.1} bits in one prime", both.plan.value_bits());
}

#[test]
fn one_seed_gives_one_model_and_never_the_same_ciphertexts() {
    let session = session(&["data.set=iris"]);
    let (first, _) = train(&session, 3);
    let (second, _) = train(&session, 3);
    assert_eq!(first.client.model(), second.client.model());
    assert_ne!(first.client.encrypt_model().unwrap(), second.client.encrypt_model().unwrap());
    assert_ne!(first.client.encrypt_model().unwrap(), first.client.encrypt_model().unwrap());
}

#[test]
fn mini_batches_that_do_not_all_fit_are_sent_again_and_the_model_is_the_same() {
    let session = session(&["data.set=iris"]);
    let (count, steps) = (session.batches.count(), 9);
    assert!(count > 1 && steps > 2 * count);
    let (whole, _) = train(&session, steps);
    assert_eq!(whole.batches_kept(), count);
    let mut both = start(&session);
    let first = both.data_bytes;
    // One byte less than all of them take.
    both.batch_bytes = whole.data_bytes - first - 1;
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        both.send(&session, batch).unwrap();
        assert_eq!(both.batches_kept(), 1);
        both.step(&session, step as u64, batch).unwrap();
    }
    assert_eq!(both.client.model(), whole.client.model());
    assert!(both.data_bytes - first > whole.data_bytes - first);
}

/// Passes messages on, altering one coefficient of one ciphertext of one request.
struct Tampering<'a> {
    client: &'a mut Client,
    plan: Arc<Plan>,
    /// Rounds until the one that is altered.
    rounds_left: usize,
}

/// Reseals a message with its first ciphertext changed.
fn alter(plan: &Plan, bytes: &[u8], change: impl Fn(&Parameters, Ciphertext) -> Vec<u8>) -> Vec<u8> {
    let (header, _) = wire::peek(bytes).unwrap();
    let header = Header { tag: nn_encrypted::TAG, kind: header.kind, params: plan.hash() };
    let mut reader = Reader::new(wire::open(bytes, &header, bytes.len()).unwrap());
    let mut body = Writer::new();
    body.u64(reader.u64("step").unwrap());
    body.u16(reader.u16("round").unwrap());
    let mut first = true;
    while reader.remaining() > 0 {
        let piece = reader.len_bytes(bytes.len(), "piece").unwrap();
        let params = &plan.instances[0].params;
        if std::mem::take(&mut first) {
            let ciphertext = Ciphertext::read(&mut Reader::new(piece), params).unwrap();
            body.len_bytes(&change(params, ciphertext));
        } else {
            body.len_bytes(piece);
        }
    }
    wire::seal(&header, &body.finish())
}

/// Changes the constant coefficient, hence every slot.
fn one_coefficient(params: &Parameters, ciphertext: Ciphertext) -> Vec<u8> {
    let evaluator = Evaluator::new(params, EvaluationKeys::none(params)).unwrap();
    let mut out = Writer::new();
    evaluator.add_const(&ciphertext, 1_000_000).unwrap().write(&mut out).unwrap();
    out.finish()
}

impl Link for Tampering<'_> {
    fn refresh(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let now = self.rounds_left == 0;
        self.rounds_left = self.rounds_left.wrapping_sub(1);
        let request = if now { alter(&self.plan, &request, one_coefficient) } else { request };
        Ok(self.client.refresh(&request)?)
    }
}

/// Workers that wait take up other trials of the plan; none may wait for what its own thread holds.
#[test]
fn any_number_of_threads_plans_alike() {
    let session = session(&["data.set=iris"]);
    let plan = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| session.plan()).unwrap().to_string()
    };
    let alone = plan(1);
    for threads in [2, 4, 4, 8, 8] {
        assert_eq!(plan(threads), alone, "{threads} threads");
    }
}

#[test]
fn one_altered_coefficient_ends_in_another_model_than_the_twins() {
    let session = session(&["data.set=iris"]);
    let plan = session.plan().unwrap();
    let mut client = Client::new(&plan, session.initial()).unwrap();
    let mut server = Server::new(&plan, &client.evaluation_keys().unwrap()).unwrap();
    server.receive_model(&client.encrypt_model().unwrap()).unwrap();
    let mut twin = Twin::with_model(&session.recipe, &session.network, session.initial());
    for (step, batch) in session.batches.schedule(0).take(4).enumerate() {
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        server.receive_batch(batch, client.encrypt_batch(batch, x.view(), &labels).unwrap()).unwrap();
        client.begin(step as u64, labels.len());
        let rounds_left = if step == 2 { 0 } else { usize::MAX };
        let mut link = Tampering { client: &mut client, plan: Arc::clone(&plan), rounds_left };
        server.train(step as u64, batch, &mut link).unwrap();
        twin.step(&x, &labels).unwrap();
        assert_eq!(client.model() == twin.model(), step < 2, "step {step}");
    }
}

#[test]
fn a_transparent_ciphertext_is_refused() {
    let session = session(&["data.set=iris"]);
    let plan = session.plan().unwrap();
    let client = Client::new(&plan, session.initial()).unwrap();
    let mut server = Server::new(&plan, &client.evaluation_keys().unwrap()).unwrap();
    let bytes = client.encrypt_model().unwrap();
    let transparent = alter(&plan, &bytes, |params, ciphertext| {
        let evaluator = Evaluator::new(params, EvaluationKeys::none(params)).unwrap();
        let mut out = Writer::new();
        evaluator.sub(&ciphertext, &ciphertext).unwrap().write(&mut out).unwrap();
        out.finish()
    });
    server.receive_model(&bytes).unwrap();
    let refused = server.receive_model(&transparent).unwrap_err();
    assert!(
        matches!(refused, ServerError::Message(_)) && refused.to_string().contains("transparent"),
        "{refused}"
    );
}
