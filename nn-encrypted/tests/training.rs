//! Encrypted training against the twin, bit for bit, at 128-bit parameters.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use he_bgv::{Ciphertext, EvaluationKeys, Evaluator, Parameters};
use he_core::wire::{self, Header, Reader, Writer};
use nn_encrypted::internals::{PlannedBgv, lower};
use nn_encrypted::plan::Plan;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::{Client, Link, LinkError, Server};
use nn_encrypted::run::{Encrypted, Session, predict_encrypted};
use nn_encrypted::twin::Twin;

fn session(settings: &[&str]) -> Session {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    Session::new(Recipe::load("hesamifard2017", &settings).unwrap(), None).unwrap()
}

fn start(session: &Session) -> Encrypted {
    let plan = session.plan().unwrap();
    Encrypted::start(&plan, Client::new(&plan, session.first.clone()).unwrap()).unwrap().0
}

/// Trains both sides side by side.
fn train(session: &Session, steps: usize) -> (Encrypted, Twin) {
    let mut both = start(session);
    let mut twin = session.twin(session.first.clone()).unwrap();
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        both.send(session, batch).unwrap();
        assert!(both.step(session, step as u64, batch, &Arc::default()).unwrap());
        let (x, targets) = session.batch(batch).unwrap();
        twin.step(&x, &targets).unwrap();
        assert_eq!(both.client.model(), twin.model(), "step {step}");
    }
    (both, twin)
}

#[test]
fn the_digits_recipe_equals_its_twin_and_keeps_its_promises() {
    let session = session(&[]);
    let steps = 20;
    let (mut both, mut twin) = train(&session, steps);
    assert!(both.plan.engines[0].schemes().iter().all(|scheme| scheme.security_bits == Some(128)));
    assert_eq!(both.client.counts().out_of_bounds, 0);
    assert_eq!(both.client.counts().saturations, twin.out_of_range());
    let layers = session.network.layers.len();
    assert!(both.traffic.rounds <= (steps * (2 * layers + 1)) as u64);
    let most = (20_000_000 * steps) as u64;
    assert!(both.traffic.to_server <= most && both.traffic.to_client <= most);
    let prediction = predict_encrypted(&session, &mut both, &twin).unwrap();
    assert!(prediction.summary.twin_equal);
    assert_eq!(prediction.predicted, session.predicted(&mut twin, &session.data.test).unwrap());
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
fn a_convolutional_network_equals_its_twin() {
    let (both, twin) = train(&session(&["variant=cnn"]), 3);
    assert_eq!(twin.model().layers[0].shape, [4, 1, 3, 3]);
    assert_eq!((both.client.counts().saturations, both.client.counts().out_of_bounds), (0, 0));
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
                   {kind='CentredSigmoid',scheme='bgv',polynomial={degree=5,coefficient_bits=10}},{kind='Linear',scheme='bgv'}]";
    let session = session(&["data.set=iris", &format!("layers={layers}")]);
    let (both, _) = train(&session, 4);
    assert!(both.plan.engines[0].schemes().len() > 1, "{}", both.plan);
}

#[test]
fn one_seed_gives_one_model_and_never_the_same_ciphertexts() {
    let session = session(&["data.set=iris"]);
    let (first, _) = train(&session, 3);
    let (second, _) = train(&session, 3);
    assert_eq!(first.client.model(), second.client.model());
    assert_ne!(first.client.encrypt_model(3).unwrap(), second.client.encrypt_model(3).unwrap());
    assert_ne!(first.client.encrypt_model(3).unwrap(), first.client.encrypt_model(3).unwrap());
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
        both.step(&session, step as u64, batch, &Arc::default()).unwrap();
    }
    assert_eq!(both.client.model(), whole.client.model());
    assert!(both.data_bytes - first > whole.data_bytes - first);
}

/// Passes messages on, altering one coefficient of one ciphertext of one request.
struct Tampering<'a> {
    client: &'a mut Client,
    plan: Arc<Plan>,
    params: &'a Parameters,
    /// Rounds until the one that is altered.
    rounds_left: usize,
}

/// The parameters of the first plaintext prime of a session's plan.
fn parameters(session: &Session) -> Parameters {
    let (recipe, network) = (&session.recipe, &session.network);
    let layers: Vec<usize> = (0..network.depth()).collect();
    let bound = f64::from(session.data.bound) / f64::from(session.data.fraction_bits).exp2();
    let planned = PlannedBgv::new(recipe, network, &lower(recipe, network), &layers, bound).unwrap();
    planned.agreement().instances[0].params.clone()
}

/// Reseals a message with its first ciphertext changed.
fn alter(
    (plan, params): (&Plan, &Parameters),
    bytes: &[u8],
    change: impl Fn(&Parameters, Ciphertext) -> Vec<u8>,
) -> Vec<u8> {
    let (header, _) = wire::peek(bytes).unwrap();
    let header = Header { tag: nn_encrypted::TAG, kind: header.kind, params: plan.hash() };
    let mut reader = Reader::new(wire::open(bytes, &header, bytes.len()).unwrap());
    let mut body = Writer::new();
    // Number, round, images and parts.
    body.u64(reader.u64("step").unwrap());
    body.u16(reader.u16("round").unwrap());
    body.u32(reader.u32("images").unwrap());
    body.u32(reader.u32("parts").unwrap());
    let mut first = true;
    while reader.remaining() > 0 {
        for _ in 0..3 {
            body.u16(reader.u16("tensor, layer, engine").unwrap());
        }
        body.u32(reader.u32("part").unwrap());
        let pieces = reader.u32("ciphertexts").unwrap();
        body.u32(pieces);
        for _ in 0..pieces {
            let piece = reader.len_bytes(bytes.len(), "piece").unwrap();
            if std::mem::take(&mut first) {
                let ciphertext = Ciphertext::read(&mut Reader::new(piece), params).unwrap();
                body.len_bytes(&change(params, ciphertext));
            } else {
                body.len_bytes(piece);
            }
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
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let now = self.rounds_left == 0;
        self.rounds_left = self.rounds_left.wrapping_sub(1);
        let request = if now { alter((&self.plan, self.params), &request, one_coefficient) } else { request };
        Ok(self.client.answer(request)?)
    }
}

/// Workers that wait take up other trials of the plan; none may wait for what its own thread holds.
#[test]
fn any_number_of_threads_plans_alike() {
    let plan = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let session = self::session(&["data.set=iris"]);
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
    let (plan, params) = (session.plan().unwrap(), parameters(&session));
    let mut client = Client::new(&plan, session.first.clone()).unwrap();
    let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
    server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
    let mut twin = session.twin(session.first.clone()).unwrap();
    for (step, batch) in session.batches.schedule(0).take(4).enumerate() {
        let (x, targets) = session.batch(batch).unwrap();
        let sent = client.encrypt_batch(batch, x.view(), targets.view()).unwrap();
        server.receive_batch(batch, sent).unwrap();
        client.begin(step as u64, x.view(), targets.view()).unwrap();
        let rounds_left = if step == 2 { 0 } else { usize::MAX };
        let mut link =
            Tampering { client: &mut client, plan: Arc::clone(&plan), params: &params, rounds_left };
        server.train(step as u64, batch, &mut link, &Arc::default()).unwrap();
        twin.step(&x, &targets).unwrap();
        assert_eq!(client.model() == twin.model(), step < 2, "step {step}");
    }
}

#[test]
fn a_transparent_ciphertext_is_refused() {
    let session = session(&["data.set=iris"]);
    let (plan, params) = (session.plan().unwrap(), parameters(&session));
    let client = Client::new(&plan, session.first.clone()).unwrap();
    let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
    let bytes = client.encrypt_model(0).unwrap();
    let transparent = alter((&plan, &params), &bytes, |params, ciphertext| {
        let evaluator = Evaluator::new(params, EvaluationKeys::none(params)).unwrap();
        let mut out = Writer::new();
        evaluator.sub(&ciphertext, &ciphertext).unwrap().write(&mut out).unwrap();
        out.finish()
    });
    server.receive_model(0, bytes).unwrap();
    let refused = server.receive_model(0, transparent).unwrap_err().to_string();
    assert!(refused.contains("transparent"), "{refused}");
}
