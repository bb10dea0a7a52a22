//! Servers that send what they choose and see what the client does: attacks on its keys.

use he_tfhe::{Decryptor, LweCiphertext, SecretKey};

use super::words::{planned, recipe};
use crate::engine::words::{Coding, DigitWords};
use crate::plan::Plan;
use crate::program::Tensor;
use crate::roles::message::{Moment, Part, Purpose, expected, seal};
use crate::roles::{Client, ClientError};

/// A message of one tensor whose ciphertexts are all the same.
fn message(
    plan: &Plan,
    purpose: Purpose,
    moment: Moment,
    rows: usize,
    tensor: Tensor,
    piece: &[u8],
) -> Vec<u8> {
    let tensors = expected(plan, &[tensor], rows).into_iter().map(|Part { tensor, engine, parts }| Part {
        tensor,
        engine,
        parts: vec![vec![piece.to_vec(); parts.pieces]; parts.parts],
    });
    seal(&plan.hash(), purpose, moment, rows, &tensors.collect::<Vec<_>>())
}

/// A word of digits whose phase is half the torus if bit `i` of the key is set, and 0 if not.
fn asks_for(key: &SecretKey, i: usize, digits: usize) -> (Vec<u8>, bool) {
    let params = key.params();
    let mut words = vec![0; params.spec().big_dimension() + 1];
    words[i] = 1 << 31;
    let digit = LweCiphertext::from_mask_and_body(params, words, 1e-9).unwrap();
    let mut out = he_core::wire::Writer::new();
    (0..digits).for_each(|_| digit.write(&mut out));
    (out.finish(), Decryptor::new(key).phase(&digit).unwrap() != 0)
}

/// What the server sees of the key: for each bit asked for, what it is and how the client answered.
fn ask(client: &mut Client, plan: &Plan) -> Vec<(bool, Result<(), ClientError>)> {
    let params = DigitWords::parameters().unwrap();
    let key = SecretKey::from_secret_bytes(&params, &client.secret_bytes()[0][0]).unwrap();
    let digits = DigitWords::ciphertexts(recipe_format());
    let dimension = params.spec().big_dimension();
    (0..dimension)
        .step_by(8)
        .map(|i| {
            let (piece, bit) = asks_for(&key, i, digits);
            let bytes = message(plan, Purpose::Model, Moment::first(1), 0, Tensor::Weights, &piece);
            (bit, client.decrypt_model(1, bytes).map(drop))
        })
        .collect()
}

fn recipe_format() -> crate::numbers::words::Format {
    crate::numbers::words::Format::of(&recipe(&[]).numbers)
}

#[test]
fn whether_words_are_in_range_tells_the_server_the_key() {
    let (plan, model) = planned(&recipe(&[]));
    let mut client = Client::new(&plan, model).unwrap();
    let all = ask(&mut client, &plan);
    let learned = all.iter().filter(|(bit, answer)| *bit == answer.is_err()).count();
    println!("{learned} of {} bits of the key by whether the client fails", all.len());
    assert_eq!(learned, all.len());
}
