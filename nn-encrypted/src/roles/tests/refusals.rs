//! Messages that are not the ones that are due.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_core::wire::WireError;

use super::clear::{ClearPlan, model, plan};
use super::training::{recipe, roles, targets, x};
use crate::plan::{Plan, PlannedEngine};
use crate::roles::forge::Meddler;
use crate::roles::{Client, ClientError, LocalLink, MessageError, Server, ServerError, Traffic};

fn usual() -> Arc<Plan> {
    plan(&recipe(""), 3, 2, &[vec![0, 1]])
}

/// A plan that differs in a number of its engine.
fn other() -> Arc<Plan> {
    let mut other = (*usual()).clone();
    let (network, optimizer) = (other.network.clone(), other.optimizer.clone());
    let engine = ClearPlan { network, optimizer, layers: vec![0, 1], tolerance: None, salt: 1 };
    other.engines = vec![Arc::new(engine) as Arc<dyn PlannedEngine>];
    Arc::new(other)
}

fn flipped(mut bytes: Vec<u8>, place: usize) -> Vec<u8> {
    let place = place % bytes.len();
    bytes[place] ^= 1;
    bytes
}

#[test]
fn messages_of_another_plan_are_refused() {
    let (mut client, mut server) = roles(&usual());
    let (mut stranger, mut away) = roles(&other());
    let foreign = |error: ServerError| {
        let found = matches!(
            error,
            ServerError::Message(MessageError::Wire { source: WireError::Parameters { .. }, .. })
        );
        assert!(found, "{error}");
    };
    foreign(server.receive_model(0, stranger.encrypt_model(0).unwrap()).unwrap_err());
    let batch = stranger.encrypt_batch(0, x().view(), targets().view()).unwrap();
    foreign(server.receive_batch(0, batch).unwrap_err());
    let query = stranger.encrypt_query(0, x().view()).unwrap();
    let mut traffic = Traffic::default();
    let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
    foreign(server.predict(0, query, &mut link).unwrap_err());
    assert!(client.decrypt_model(0, away.model(0).unwrap()).is_err());
}

#[test]
fn a_request_is_answered_once_in_its_step_and_round() {
    let (mut client, mut server) = roles(&usual());
    server.receive_batch(0, client.encrypt_batch(0, x().view(), targets().view()).unwrap()).unwrap();
    let mut requests = Vec::new();
    let mut keep = |request: Vec<u8>| {
        requests.push(request.clone());
        request
    };
    client.begin(7, x().view(), targets().view()).unwrap();
    let mut link = Meddler { client: &mut client, request: &mut keep, answer: &mut |answer| answer };
    server.train(7, 0, &mut link, &Arc::default()).unwrap();
    assert_eq!(requests.len(), 4);
    // The step is over.
    let over = client.answer(requests[3].clone()).unwrap_err();
    assert!(matches!(over, ClientError::Message(MessageError::Unexpected { .. })), "{over}");
    // Another step, another round, another number of images, a classification: none is the one that is due.
    let refused = |client: &mut Client, request: &Vec<u8>| {
        let error = client.answer(request.clone()).unwrap_err();
        assert!(matches!(error, ClientError::Message(_)), "{error}");
    };
    client.begin(8, x().view(), targets().view()).unwrap();
    refused(&mut client, &requests[0]);
    client.begin(7, x().view(), targets().view()).unwrap();
    refused(&mut client, &requests[1]);
    let (fewer, less) = (x(), targets());
    let one = ndarray::Slice::from(..1);
    client.begin(7, fewer.slice_axis(ndarray::Axis(0), one), less.slice_axis(ndarray::Axis(0), one)).unwrap();
    refused(&mut client, &requests[0]);
    client.encrypt_query(7, x().view()).unwrap();
    refused(&mut client, &requests[0]);
    // A refusal does not use the round up.
    client.begin(7, x().view(), targets().view()).unwrap();
    refused(&mut client, &flipped(requests[0].clone(), 200));
    client.answer(requests[0].clone()).unwrap();
    refused(&mut client, &requests[0]);
}

#[test]
fn a_damaged_answer_changes_nothing_of_the_model() {
    let (mut client, mut server) = roles(&usual());
    server.receive_batch(0, client.encrypt_batch(0, x().view(), targets().view()).unwrap()).unwrap();
    let before = server.model(0).unwrap();
    for damaged in 0..4 {
        let mut round = 0;
        let mut damage = |answer: Vec<u8>| {
            round += 1;
            if round == damaged + 1 { flipped(answer, 150 * (damaged + 1)) } else { answer }
        };
        client.begin(0, x().view(), targets().view()).unwrap();
        let mut link = Meddler { client: &mut client, request: &mut |request| request, answer: &mut damage };
        let error = server.train(0, 0, &mut link, &Arc::default()).unwrap_err();
        assert!(matches!(error, ServerError::Message(MessageError::Wire { .. })), "{error}");
        assert_eq!(server.model(0).unwrap(), before);
    }
    let mut last = Vec::new();
    let mut replay = |answer: Vec<u8>| {
        if last.is_empty() {
            last.clone_from(&answer);
            answer
        } else {
            last.clone()
        }
    };
    client.begin(0, x().view(), targets().view()).unwrap();
    let mut link = Meddler { client: &mut client, request: &mut |request| request, answer: &mut replay };
    let error = server.train(0, 0, &mut link, &Arc::default()).unwrap_err();
    assert!(matches!(error, ServerError::Message(_)), "{error}");
    assert_eq!(server.model(0).unwrap(), before);
    // The next attempt goes through.
    client.set_model(model(&usual().network));
    client.begin(0, x().view(), targets().view()).unwrap();
    let mut traffic = Traffic::default();
    let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
    server.train(0, 0, &mut link, &Arc::default()).unwrap();
    assert_ne!(server.model(0).unwrap(), before);
}

#[test]
fn a_stop_changes_nothing_and_what_was_not_sent_is_missed() {
    let (mut client, mut server) = roles(&usual());
    let mut traffic = Traffic::default();
    let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
    let missing = server.train(0, 3, &mut link, &Arc::default()).unwrap_err();
    assert!(matches!(missing, ServerError::MissingBatch(3)), "{missing}");
    let batch = link.client.encrypt_batch(3, x().view(), targets().view()).unwrap();
    server.receive_batch(3, batch.clone()).unwrap();
    let before = server.model(0).unwrap();
    let stopped = server.train(0, 3, &mut link, &Arc::new(AtomicBool::new(true))).unwrap_err();
    assert!(matches!(stopped, ServerError::Stopped), "{stopped}");
    assert_eq!(server.model(0).unwrap(), before);
    server.forget_batch(3);
    assert!(matches!(server.train(0, 3, &mut link, &Arc::default()), Err(ServerError::MissingBatch(3))));
    let mut empty = Server::new(&usual(), &[vec![]], false).unwrap();
    empty.receive_batch(3, batch).unwrap();
    assert!(matches!(empty.train(0, 3, &mut link, &Arc::default()), Err(ServerError::MissingModel)));
    assert!(matches!(Server::new(&usual(), &[], false), Err(ServerError::Keys { found: 0, needed: 1 })));
    assert!(Server::new(&usual(), &[vec![vec![1]]], false).is_err());
}

#[test]
fn data_that_does_not_fit_the_plan_is_refused() {
    let (client, mut server) = roles(&usual());
    let refused = |x: ndarray::Array2<f64>, targets: ndarray::Array2<f64>| {
        let error = client.encrypt_batch(0, x.view(), targets.view()).unwrap_err();
        assert!(matches!(error, ClientError::Data { .. }), "{error}");
    };
    refused(ndarray::Array2::zeros((3, 3)), ndarray::Array2::zeros((3, 2)));
    refused(ndarray::Array2::zeros((0, 3)), ndarray::Array2::zeros((0, 2)));
    refused(ndarray::Array2::zeros((2, 4)), ndarray::Array2::zeros((2, 2)));
    refused(ndarray::Array2::zeros((2, 3)), ndarray::Array2::zeros((1, 2)));
    refused(ndarray::Array2::zeros((2, 3)), ndarray::Array2::zeros((2, 3)));
    // A mini-batch under another number, and a model of another step.
    let batch = client.encrypt_batch(1, x().view(), targets().view()).unwrap();
    assert!(matches!(
        server.receive_batch(2, batch),
        Err(ServerError::Message(MessageError::Moment { found_step: 1, step: 2, .. }))
    ));
    let state = client.encrypt_model(4).unwrap();
    assert!(server.restore(5, state.clone()).is_err());
    server.restore(4, state).unwrap();
}
