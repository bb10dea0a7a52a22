//! Servers that send what they choose and see what the client does: attacks on its keys.

use std::sync::Arc;

use he_ckks::{Ciphertext, Decryptor, SecretKey};
use he_core::ring::{Coeff, Poly};
use he_core::rlwe::{self, serial};
use he_core::wire::{Reader, Writer};
use ndarray::Array2;

use super::recipe;
use super::world::{World, samples, start};
use crate::roles::Client;
use crate::roles::forge::{Meddler, ciphertexts, with_ciphertexts};

/// Bytes of a ciphertext in CKKS before its polynomials: scale, slots, bound, error.
const FIELDS: usize = 28;

/// A ciphertext, and the same with `c1 + delta·X^k`: its phase is that of before and `delta·X^k·s`.
fn with_key(piece: &[u8], params: &rlwe::Parameters, delta: i64, k: usize) -> Vec<u8> {
    let (fields, body) = piece.split_at(FIELDS);
    let mut parts = serial::read_ciphertext(&mut Reader::new(body), params).unwrap().into_parts();
    let mut power = vec![0; params.n()];
    power[k] = delta;
    let power = Poly::<Coeff>::from_signed(parts[1].basis(), &power).into_eval();
    parts[1].add_assign(&power);
    let mut out = Writer::new();
    out.bytes(fields);
    serial::write_ciphertext(&mut out, &rlwe::Ciphertext::new(params, parts)).unwrap();
    out.finish()
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
fn whether_outputs_are_near_tells_the_server_linear_functions_of_the_key() {
    let (mut world, x, y, request) = asked();
    let params = {
        let (recipe, network) = recipe("onoufriou2021", &["optimizer.batch_size=20"], 12, 1);
        super::planned(&recipe, &network, 0.5, Some(11)).unwrap().agreement().params.clone()
    };
    let model = world.client.model().clone();
    let mut right = 0;
    for k in 0..8 {
        // The server halves the interval of the factor at which the client stops.
        let (mut low, mut high) = (1_i64, 1_i64 << 40);
        while high - low > low / 256 + 1 {
            let delta = i64::midpoint(low, high);
            let bytes = with_ciphertexts(&request, &mut |piece| with_key(piece, params.rlwe(), delta, k));
            world.client.set_model(model.clone());
            world.client.begin(0, x.view(), y.view()).unwrap();
            if world.client.answer(bytes).is_ok() { low = delta } else { high = delta }
        }
        let found = 1.0 / 1024.0 / low as f64;
        let hidden = hidden(&world.client, &request, &params, k);
        println!("coefficient {k}: {found:e}, hidden {hidden:e}");
        right += usize::from((found / hidden - 1.0).abs() < 0.02);
    }
    println!("{right} of 8 linear functions of the key by whether the client goes on");
    assert_eq!(right, 8);
}
