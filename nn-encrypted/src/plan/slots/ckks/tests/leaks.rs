//! Servers that send what they choose and see what the client does: attacks on its keys.

use std::sync::Arc;

use he_ckks::{Ciphertext, Decryptor, KeyRequest, SecretKey};
use he_core::ring::{Coeff, Poly};
use he_core::rlwe;
use he_core::wire::Reader;
use ndarray::Array2;

use super::client::CKKS;
use super::recipe;
use super::world::{World, samples, start};
use crate::engine::{EngineError, streams};
use crate::network::Network;
use crate::plan::{Plan, PlannedEngine};
use crate::recipe::Recipe;
use crate::roles::cipher::CipherError;
use crate::roles::forge::{
    CKKS_FIELDS, Forger, Meddler, ciphertexts, sees_the_same, with_ciphertexts, with_last,
};
use crate::roles::{Client, ClientError, Link, LinkError, MessageError, ServerError};
use crate::twin::targets;

/// A ciphertext, and the same with `c1 + delta·X^k`: its phase is that of before and `delta·X^k·s`.
fn with_key(piece: &[u8], params: &rlwe::Parameters, delta: i64, k: usize) -> Vec<u8> {
    let forger = Forger { fields: CKKS_FIELDS, params: params.clone() };
    forger.with_parts(piece, |basis, mut parts| {
        let mut power = vec![0; params.n()];
        power[k] = delta;
        parts[1].add_assign(&Poly::<Coeff>::from_signed(basis, &power).into_eval());
        parts
    })
}

/// The world of `onoufriou2021`, one sample, and an honest request for it.
fn asked() -> (World, Array2<f64>, Array2<f64>, Vec<u8>) {
    let (recipe, network) = recipe("onoufriou2021", &["optimizer.batch_size=20"], 12, 1);
    let mut world = World::new(&recipe, &network, 11);
    let (x, _) = samples(1, 12, 1);
    let y = Array2::zeros((1, 1));
    world.server.receive_batch(0, world.client.encrypt_batch(0, x.view(), y.view()).unwrap()).unwrap();
    world.client.begin(0, x.view(), y.view()).unwrap();
    let mut request = Vec::new();
    let mut keep = |bytes: Vec<u8>| {
        request.clone_from(&bytes);
        bytes
    };
    let mut link = Meddler { client: &mut world.client, request: &mut keep, answer: &mut |answer| answer };
    world.server.train(0, 0, &mut link, &Arc::default()).unwrap();
    // The client as it was before the step.
    world.client.set_model(start(&recipe, &network));
    (world, x, y, request)
}

/// A number that depends on the key: what `X^k·s` adds to the output that the client compares, for `c1 + X^k`.
fn hidden(client: &Client, request: &[u8], params: &he_ckks::Parameters, k: usize) -> f64 {
    let key = SecretKey::from_secret_bytes(params, &client.secret_bytes()[0][0]).unwrap();
    let piece = &ciphertexts(request)[0];
    let delta = 1 << 20;
    let altered = with_key(piece, params.rlwe(), delta, k);
    let [before, after] = [piece, &altered].map(|piece| {
        let c = Ciphertext::read(&mut Reader::new(piece), params).unwrap();
        Decryptor::new(&key).decrypt(&c).unwrap()[0]
    });
    (after - before).abs() / delta as f64
}

#[test]
fn outputs_that_are_far_are_answered_alike_and_counted() {
    let (mut world, x, y, request) = asked();
    let agreement = {
        let (recipe, network) = recipe("onoufriou2021", &["optimizer.batch_size=20"], 12, 1);
        super::planned(&recipe, &network, 0.5, Some(11)).unwrap()
    };
    let params = agreement.agreement.params.clone();
    let model = world.client.model().clone();
    let mut lengths = std::collections::BTreeSet::new();
    let mut next = Vec::new();
    for k in 0..8 {
        let most = hidden(&world.client, &request, &params, k);
        // On either side of where a client stopped that looked at them: 2^-10 from its own.
        let edge = 1.0 / 1024.0 / most;
        for (factor, far) in [(0.9, false), (1.1, true), (1e6, true)] {
            let delta = (edge * factor) as i64;
            let bytes = with_ciphertexts(&request, &mut |piece| with_key(piece, params.rlwe(), delta, k));
            world.client.set_model(model.clone());
            world.client.begin(0, x.view(), y.view()).unwrap();
            let before = world.client.counts().out_of_bounds;
            lengths.insert(world.client.answer(bytes).unwrap().len());
            assert_eq!(world.client.counts().out_of_bounds > before, far, "{k} {factor}");
            next.push(world.client.model().clone());
        }
    }
    assert_eq!(lengths.len(), 1);
    // Nothing of what the server sent is in the next weights.
    assert!(next[0] != model && next.iter().all(|other| *other == next[0]));
}

fn forger(plan: &Plan, recipe: &Recipe, network: &Network) -> Vec<Forger> {
    let planned = super::planned(recipe, network, 0.5, Some(11)).unwrap();
    assert_eq!(plan.engines.len(), 1);
    vec![Forger { fields: CKKS_FIELDS, params: planned.agreement.params.rlwe().clone() }]
}

fn sees_nothing(name: &str, settings: &[&str], features: usize, outputs: usize) {
    let (recipe, network) = recipe(name, settings, features, outputs);
    let world = World::new(&recipe, &network, 11);
    let (x, labels) = samples(5, features, outputs);
    let y = match outputs {
        1 => Array2::zeros((5, 1)),
        _ => targets(&recipe, &labels, outputs).unwrap(),
    };
    let forgers = forger(&world.plan, &recipe, &network);
    sees_the_same(&world.plan, &start(&recipe, &network), (&x, &y), &forgers);
}

#[test]
fn a_server_sees_nothing_of_what_a_client_decrypts_that_refreshes() {
    sees_nothing("hesamifard2017", &CKKS, 10, 3);
}

#[test]
fn a_server_sees_nothing_of_what_a_client_decrypts_that_takes_the_backward_pass() {
    sees_nothing("onoufriou2021", &["optimizer.batch_size=20"], 12, 1);
}

#[test]
fn a_server_sees_nothing_of_what_a_client_decrypts_that_takes_no_part() {
    sees_nothing("ckks_sgd", &["optimizer.batch_size=12", "layers.1.out_features=6"], 10, 3);
}

/// A ciphertext with fields that no plan has.
fn wrong(forger: &Forger, piece: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let real = |at: usize| f64::from_le_bytes(piece[at..at + 8].try_into().unwrap());
    let with = |at: usize, bytes: &[u8]| [&piece[..at], bytes, &piece[at + bytes.len()..]].concat();
    let slots = u32::from_le_bytes(piece[8..12].try_into().unwrap());
    let mut all = forger.wrong(piece);
    all.extend([
        ("slots", with(8, &(slots / 2).to_le_bytes())),
        ("one slot", with(8, &1_u32.to_le_bytes())),
        ("scale", with(0, &(real(0) * (1.0 + 1e-6)).to_le_bytes())),
        ("half the scale", with(0, &(real(0) / 2.0).to_le_bytes())),
        ("bound", with(12, &(real(12) * 60_f64.exp2()).to_le_bytes())),
        ("no bound", with(12, &f64::NAN.to_le_bytes())),
    ]);
    all
}

#[test]
fn every_field_of_a_ciphertext_is_the_plans_before_anything_is_decrypted() {
    let (recipe, network) = recipe("hesamifard2017", &CKKS, 10, 3);
    let mut world = World::new(&recipe, &network, 11);
    let forger = forger(&world.plan, &recipe, &network).remove(0);
    let (x, labels) = samples(5, 10, 3);
    let y = targets(&recipe, &labels, 3).unwrap();
    let batch = world.client.encrypt_batch(0, x.view(), y.view()).unwrap();
    world.server.receive_batch(0, batch.clone()).unwrap();
    let kept = world.server.model(0).unwrap();
    // Each message: of a mini-batch, of weights, the requests and the answers.
    let mut refused = 0;
    for (what, piece) in wrong(&forger, ciphertexts(&batch).last().unwrap()) {
        assert!(world.server.receive_batch(0, with_last(&batch, &piece)).is_err(), "{what}");
    }
    for (what, piece) in wrong(&forger, ciphertexts(&kept).last().unwrap()) {
        assert!(world.server.receive_model(0, with_last(&kept, &piece)).is_err(), "{what}");
        assert!(world.client.decrypt_model(0, with_last(&kept, &piece)).is_err(), "{what}");
    }
    world.client.begin(0, x.view(), y.view()).unwrap();
    world.server.receive_batch(0, batch).unwrap();
    let World { client, server, .. } = &mut world;
    let mut link = Checking { client, forger: &forger, refused: &mut refused };
    server.train(0, 0, &mut link, &Arc::default()).unwrap();
    // Six rounds of nine wrong ciphertexts.
    assert_eq!(refused, 6 * 9);
    for round in 0..6 {
        for number in [round, round + 3] {
            let mut at = 0;
            let mut answer = |bytes: Vec<u8>| {
                at += 1;
                if at != round + 1 {
                    return bytes;
                }
                let piece = ciphertexts(&bytes).pop().unwrap();
                with_last(&bytes, &wrong(&forger, &forger.with_parts(&piece, |_, parts| parts))[number].1)
            };
            let before = world.server.model(1).unwrap();
            world.client.begin(1, x.view(), y.view()).unwrap();
            let mut link =
                Meddler { client: &mut world.client, request: &mut |request| request, answer: &mut answer };
            let error = world.server.train(1, 0, &mut link, &Arc::default()).unwrap_err();
            let refused =
                matches!(error, ServerError::Engine(_) | ServerError::Message(MessageError::Wire { .. }));
            assert!(refused, "{round} {number} {error}");
            assert_eq!(world.server.model(1).unwrap(), before);
        }
    }
}

/// Sends every request with wrong ciphertexts first: each is refused, and the right one answered.
struct Checking<'a> {
    client: &'a mut Client,
    forger: &'a Forger,
    refused: &'a mut usize,
}

impl Link for Checking<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let before = self.client.counts();
        for (what, piece) in wrong(self.forger, ciphertexts(&request).last().unwrap()) {
            let error = self.client.answer(with_last(&request, &piece)).err();
            let refused = match &error {
                Some(ClientError::Cipher(CipherError::Message { .. })) => true,
                // More than the plan has bytes for.
                Some(ClientError::Message(MessageError::Wire { .. })) => ["degree", "primes"].contains(&what),
                _ => false,
            };
            assert!(refused, "{what}: {error:?}");
            *self.refused += 1;
        }
        assert_eq!(self.client.counts(), before, "nothing was decrypted");
        Ok(self.client.answer(request)?)
    }
}

#[test]
fn keys_that_the_plan_does_not_ask_for_are_refused() {
    for (name, settings) in [("hesamifard2017", &CKKS[..]), ("ckks_sgd", &["optimizer.batch_size=12"][..])] {
        let (recipe, network) = recipe(name, settings, 10, 3);
        let planned = super::planned(&recipe, &network, 0.5, Some(11)).unwrap();
        let (agreement, params) = (&planned.agreement, &planned.agreement.params);
        let (key, asked) = (SecretKey::generate(params).unwrap(), agreement.keys().unwrap());
        let make = |slots: usize, request: &KeyRequest| match agreement.bootstraps() {
            true => key.bootstrap_keys(slots, request).unwrap().to_bytes().unwrap(),
            false => key.evaluation_keys(request).unwrap().to_bytes().unwrap(),
        };
        let error = |bytes: Vec<u8>| planned.engine(streams(&[bytes]), false).err();
        assert!(error(make(params.slots(), &asked)).is_none());
        // A secret key is no evaluation key: it is sealed as another kind.
        assert!(matches!(error(key.to_secret_bytes().to_vec()), Some(EngineError::Keys { .. })));
        // One rotation more than steps and bootstraps take; a key for more primes, where it is no bootstrap's; none at all.
        let step = params.slots() / 2 + 7;
        let mut more = vec![asked.clone().rotations(params, &[step], 0), KeyRequest::default()];
        if !agreement.bootstraps() {
            more.push(asked.clone().relinearization(params.rlwe().max_limbs() - 1));
        }
        for request in more.iter().filter(|request| **request != asked) {
            let error = error(make(params.slots(), request)).unwrap();
            assert!(matches!(error, EngineError::Keys { .. }), "{error}");
        }
        if agreement.bootstraps() {
            assert!(error(make(params.slots() / 2, &asked)).is_some());
        }
    }
}
