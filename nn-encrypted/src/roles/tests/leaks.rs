//! Servers that send what they choose and see what the client does: attacks on its keys.

use he_tfhe::{Decryptor, Encryptor, LweCiphertext, SecretKey};

use super::words::{planned, recipe, x};
use crate::engine::words::{BitWords, Coding, DigitWords};
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
    let digit = LweCiphertext::from_mask_and_body(params, key.secret_id(), words, 1e-9).unwrap();
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
fn words_out_of_range_are_reduced_and_counted_and_the_client_goes_on() {
    let (plan, model) = planned(&recipe(&[]));
    let mut client = Client::new(&plan, model).unwrap();
    let all = ask(&mut client, &plan);
    assert!(all.iter().all(|(_, answer)| answer.is_ok()));
    // A digit of half the torus is out of range; weights and biases of two layers have four each.
    let set = all.iter().filter(|(bit, _)| *bit).count() as u64;
    assert!(set > 0 && set < all.len() as u64);
    assert_eq!(client.counts().out_of_bounds, 4 * 4 * set);
}

/// What the client does with weights and outputs of random words, extreme ones and honest ones.
fn answers(settings: &[&str], digits: usize) {
    let (plan, model) = planned(&recipe(settings));
    let mut client = Client::new(&plan, model).unwrap();
    let key = client.secret_bytes();
    let params = if digits == 4 { DigitWords::parameters() } else { BitWords::parameters() }.unwrap();
    let key = SecretKey::from_secret_bytes(&params, &key[0][0]).unwrap();
    let mut word = 1_u32;
    let mut random = || {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        word ^ word >> 13
    };
    for round in 0..24_u64 {
        let mut out = he_core::wire::Writer::new();
        for _ in 0..digits {
            let mut words: Vec<u32> = (0..=params.spec().big_dimension()).map(|_| random()).collect();
            if round % 3 == 1 {
                // Almost no mask: phases at the edges of digits and of the torus.
                words.fill(0);
                words[0] = 1;
                words[params.spec().big_dimension()] = (round as u32) << 28;
            }
            let digit = LweCiphertext::from_mask_and_body(&params, key.secret_id(), words, 1e-9).unwrap();
            digit.write(&mut out);
        }
        if round % 3 == 2 {
            out = he_core::wire::Writer::new();
            let honest = Encryptor::with_secret(&key).encrypt_phases(&vec![0; digits]).unwrap();
            honest.iter().for_each(|digit| digit.write(&mut out));
        }
        let piece = out.finish();
        let bytes = message(&plan, Purpose::Model, Moment::first(round), 0, Tensor::Weights, &piece);
        client.decrypt_model(round, bytes).unwrap();
        client.encrypt_query(round, x().view()).unwrap();
        let moment = Moment { number: round, round: plan.program.rounds.len() as u16 };
        let from = plan.program.outputs.from;
        client.read_outputs(message(&plan, Purpose::Outputs, moment, 1, from, &piece)).unwrap();
        // Nothing comes after it, whatever it held.
        assert!(client.answer(vec![]).is_err());
    }
}

#[test]
fn a_server_sees_nothing_of_what_words_hold() {
    answers(&[], 4);
    answers(&["numbers.words=bits"], 8);
}

#[test]
fn words_without_a_mask_are_refused_by_the_client() {
    let (plan, model) = planned(&recipe(&[]));
    let mut client = Client::new(&plan, model).unwrap();
    let params = DigitWords::parameters().unwrap();
    let honest =
        Encryptor::with_secret(&SecretKey::generate(&params).unwrap()).encrypt_all(&[1, 2, 3]).unwrap();
    let mut out = he_core::wire::Writer::new();
    honest.iter().for_each(|digit| digit.write(&mut out));
    LweCiphertext::trivial(&params, 0).write(&mut out);
    let bytes = message(&plan, Purpose::Model, Moment::first(1), 0, Tensor::Weights, &out.finish());
    let error = client.decrypt_model(1, bytes).unwrap_err();
    assert!(error.to_string().contains("its mask is zero"), "{error}");
}
