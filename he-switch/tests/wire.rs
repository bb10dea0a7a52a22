//! Keys of bridges as bytes: bridges that compute alike after sending, and an error for everything else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use he_core::wire::{self, WireError};
use he_switch::bgv::BootstrapSpec;
use he_switch::expand::Expander;
use he_switch::{Bridge, Error, EvaluationKeys, KeyKind, KeyRequest, Parameters, SecretKeys, Spec, Switcher};
use he_switch::{bgv_ckks, bgv_to_tfhe, ckks_to_tfhe, tables, tfhe_to_ckks};
use he_tfhe::LweCiphertext;

/// The least rings there are: keys of some thousand bytes.
fn tiny() -> Spec {
    let small = Spec::insecure_small();
    let tfhe = he_tfhe::Spec { lwe_dimension: 4, polynomial_size: 64, message_bits: 1, ..small.tfhe };
    let ckks = he_ckks::Spec { log_n: 7, ..small.bgv.ckks };
    Spec { bgv: BootstrapSpec { log_n: 6, ckks, ..small.bgv }, tfhe }
}

fn built(spec: &Spec) -> Parameters {
    spec.build_insecure("a test of the bytes of keys").unwrap()
}

/// A reader of bytes, whatever comes out.
type Open = fn(&Parameters, &[u8]) -> Result<(), WireError>;

/// Every kind of key, drawn, and its reader.
fn keys(params: &Parameters) -> Vec<(&'static str, Vec<u8>, Open)> {
    let secret = SecretKeys::generate(params).unwrap();
    let (bgv, ckks, tfhe) = (secret.bgv(), secret.ckks(), secret.tfhe());
    let down = bgv_to_tfhe::SeededKey::generate(params, bgv, tfhe).unwrap();
    let slots = ckks_to_tfhe::SeededKey::generate(params, ckks, tfhe).unwrap();
    let up = tfhe_to_ckks::Key::generate(params, tfhe, ckks).unwrap();
    let refresh = bgv_ckks::Keys::generate(params.shared(), bgv, ckks).unwrap();
    let expander = Expander::generate(params, bgv, 2).unwrap();
    vec![
        ("BGV to TFHE", down.to_bytes().unwrap(), |p, b| {
            bgv_to_tfhe::SeededKey::from_bytes(p, b).map(|_| ())
        }),
        ("CKKS to TFHE", slots.to_bytes().unwrap(), |p, b| {
            ckks_to_tfhe::SeededKey::from_bytes(p, b).map(|_| ())
        }),
        ("TFHE to CKKS", up.to_bytes().unwrap(), |p, b| tfhe_to_ckks::Key::from_bytes(p, b).map(|_| ())),
        ("BGV and CKKS", refresh.to_bytes().unwrap(), |p, b| {
            bgv_ckks::Keys::from_bytes(p.shared(), b).map(|_| ())
        }),
        ("expansion", expander.to_bytes().unwrap(), |p, b| Expander::from_bytes(p, b).map(|_| ())),
        ("secret keys", secret.to_secret_bytes().to_vec(), |p, b| {
            SecretKeys::from_secret_bytes(p, b).map(|_| ())
        }),
    ]
}

#[test]
fn bridges_of_bgv_compute_alike_after_sending() {
    let params = built(&Spec::insecure_small());
    let secret = SecretKeys::generate(&params).unwrap();
    let (encoder, decryptor) =
        (he_bgv::Encoder::new(params.bgv()).modular(), he_bgv::Decryptor::new(secret.bgv()));
    let values: Vec<i64> = (0..params.bgv().n() as i64).map(|i| (i % 16 - 8) << 21).collect();
    let c = encoder.encode_coefficients(&values).unwrap();
    let c = he_bgv::Encryptor::with_secret(secret.bgv()).encrypt(&c).unwrap();
    let small = he_tfhe::Encryptor::with_secret(secret.tfhe()).encrypt_phases(&[3 << 20, 5 << 20]).unwrap();

    let products = he_bgv::KeyRequest::default().relinearization(params.bgv().max_level());
    let request = KeyRequest::bgv_and_tfhe().bgv(products).expansion(3);
    let keys = secret.evaluation_keys(&request).unwrap();
    let messages = keys.to_bytes().unwrap();
    let lengths: Vec<usize> = messages.iter().map(Vec::len).collect();
    assert_eq!(EvaluationKeys::sealed_bytes(&params, &request).unwrap(), lengths);
    let read = EvaluationKeys::from_bytes(&params, &request, &messages).unwrap();
    assert!(keys.kinds() == request.kinds() && read.kinds() == request.kinds());
    assert_eq!(read.to_bytes().unwrap(), messages);

    let bytes = |c: &[he_bgv::Ciphertext]| c.iter().map(|c| c.to_bytes().unwrap()).collect::<Vec<_>>();
    let [before, after] = [keys, read].map(|keys| {
        let switcher = Switcher::new(keys).unwrap();
        let samples = switcher.bgv_to_tfhe(&c, &[0, 5, 1023]).unwrap();
        let packed = switcher.tfhe().unwrap().pack(&small).unwrap();
        let back = switcher.tfhe_to_bgv(&[packed], 12, (-46_f64).exp2()).unwrap();
        assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&back[0]).unwrap())[0], 3);
        (
            LweCiphertext::to_bytes(params.tfhe(), &samples).unwrap(),
            bytes(&switcher.expand(&c, 2).unwrap()),
            bytes(&[switcher.bgv().square(&c).unwrap()]),
            bytes(&switcher.refresh(std::slice::from_ref(&c), (-46_f64).exp2()).unwrap()),
            bytes(&back),
        )
    });
    assert!(before == after);
}

#[test]
fn bridges_of_slots_compute_alike_after_sending() {
    let params = built(&Spec::insecure_small().for_slots());
    let secret = SecretKeys::generate(&params).unwrap();
    let plain = he_ckks::Encoder::new(params.ckks()).encode_in(&[0.25, -0.5], 64).unwrap();
    let x = he_ckks::Encryptor::with_secret(secret.ckks()).encrypt(&plain).unwrap();
    let request = KeyRequest::ckks_and_tfhe().slots(64);
    let keys = secret.evaluation_keys(&request).unwrap();
    let messages = keys.to_bytes().unwrap();
    let lengths: Vec<usize> = messages.iter().map(Vec::len).collect();
    assert_eq!(EvaluationKeys::sealed_bytes(&params, &request).unwrap(), lengths);
    let read = EvaluationKeys::from_bytes(&params, &request, &messages).unwrap();
    let [before, after] = [keys, read].map(|keys| {
        let switcher = Switcher::new(keys).unwrap();
        let (samples, _) = switcher.ckks_to_tfhe(&x, 2).unwrap();
        let packed = switcher.tfhe().unwrap().pack(&samples).unwrap();
        let (back, _) = switcher.tfhe_to_ckks(&[packed], 12).unwrap();
        (LweCiphertext::to_bytes(params.tfhe(), &samples).unwrap(), back.to_bytes().unwrap())
    });
    assert!(before == after);
}

/// Messages that are missing, swapped, altered or of other parameters: the kind of keys is named.
#[test]
fn bundles_that_do_not_fit_the_request_are_refused() {
    let params = built(&tiny());
    let request = KeyRequest::default().bridge(Bridge::BgvToTfhe).expansion(2);
    let messages =
        SecretKeys::generate(&params).unwrap().evaluation_keys(&request).unwrap().to_bytes().unwrap();
    let open = |params: &Parameters, messages: &[Vec<u8>]| {
        EvaluationKeys::from_bytes(params, &request, messages).map(|_| ()).unwrap_err()
    };
    let few = open(&params, &messages[1..]).to_string();
    assert_eq!(few, "the number of messages with evaluation keys is 2, needed 3");
    let mut swapped = messages.clone();
    swapped.swap(1, 2);
    let expected = WireError::Kind { found: 5, expected: 1 };
    assert!(matches!(
        open(&params, &swapped),
        Error::Key { kind: KeyKind::BgvToTfhe, source } if source == expected
    ));
    let mut altered = messages.clone();
    altered[2][100] ^= 1;
    assert!(open(&params, &altered).to_string().starts_with("keys of expansions: "));
    let other = built(&tiny().with_modulus(1 << 25));
    let foreign = open(&other, &messages);
    assert!(matches!(foreign, Error::Key { source: WireError::Parameters { .. }, .. }), "{foreign}");
}

#[test]
fn every_truncation_and_every_altered_byte_is_an_error() {
    let params = built(&tiny());
    for (name, bytes, open) in keys(&params) {
        println!("{name}: {} bytes", bytes.len());
        open(&params, &bytes).unwrap();
        for length in 0..bytes.len() {
            assert!(open(&params, &bytes[..length]).is_err(), "{name}, {length} bytes");
        }
        let mut bad = bytes.clone();
        for at in 0..bytes.len() {
            bad[at] ^= 1 << (at % 8);
            assert!(open(&params, &bad).is_err(), "{name}, byte {at}");
            bad[at] = bytes[at];
        }
        bad.push(0);
        assert!(matches!(open(&params, &bad), Err(WireError::Trailing { .. })), "{name}");
    }
}

#[test]
fn keys_of_other_parameters_and_of_other_bridges_are_refused() {
    let params = built(&tiny());
    let spec = tiny();
    let short = he_tfhe::Spec { lwe_dimension: 6, ..spec.tfhe };
    let deep = he_ckks::Spec { levels: 1, ..spec.bgv.ckks.clone() };
    let deep = BootstrapSpec { ckks: deep, ..spec.bgv.clone() };
    let modulus = BootstrapSpec { plaintext_modulus: 1 << 25, ..spec.bgv.clone() };
    let wide = BootstrapSpec { log_n: 7, ..spec.bgv.clone() };
    let others = [
        Spec { bgv: modulus, ..spec.clone() },
        Spec { tfhe: short, ..spec.clone() },
        Spec { bgv: deep, ..spec.clone() },
        Spec { bgv: wide, ..spec },
    ];
    let keys = keys(&params);
    for other in others.iter().map(built) {
        assert!(!other.same(&params));
        for (name, bytes, open) in &keys {
            assert!(matches!(open(&other, bytes), Err(WireError::Parameters { .. })), "{name}");
        }
    }
    for (i, (name, bytes, _)) in keys.iter().enumerate() {
        for (j, (other, _, open)) in keys.iter().enumerate().filter(|(j, _)| *j != i) {
            let expected = WireError::Kind { found: i as u16 + 1, expected: j as u16 + 1 };
            assert_eq!(open(&params, bytes), Err(expected), "{name} for {other}");
        }
    }
}

/// What a forger can do who seals the bytes again: a key of the right shape, or an error that names the field.
#[test]
fn fields_out_of_range_are_named() {
    let params = built(&tiny());
    for (name, bytes, open) in keys(&params) {
        let (header, _) = wire::peek(&bytes).unwrap();
        let body = &bytes[wire::HEADER_BYTES..bytes.len() - wire::DIGEST_BYTES];
        let forged = |at: usize, with: &[u8]| {
            let mut body = body.to_vec();
            body[at..at + with.len()].copy_from_slice(with);
            open(&params, &wire::seal(&header, &body)).unwrap_err().to_string()
        };
        let refused = |at: usize, with: &[u8], why: &str| {
            let found = forged(at, with);
            assert!(found.contains(why), "{name}: {found}");
        };
        if name == "secret keys" {
            // The key of each scheme is sealed by itself.
            refused(body.len() - 40, &[0xff; 4], "digest");
            continue;
        }
        // The last bytes are words of a body, all but the padding.
        refused(body.len() - 32, &[0xff; 24], "it must be below");
        for length in [0, 1, 33, 40, body.len() - 1] {
            open(&params, &wire::seal(&header, &body[..length])).unwrap_err();
        }
        let longer = wire::seal(&header, &[body, &[0; 8]].concat());
        assert!(open(&params, &longer).is_err(), "{name}");
        match name {
            "TFHE to CKKS" => refused(0, &3_u16.to_le_bytes(), "limbs of a key of a bridge"),
            "BGV and CKKS" => refused(0, &2_u16.to_le_bytes(), "2, needed 3"),
            "expansion" => {
                refused(0, &u32::MAX.to_le_bytes(), "levels of an expansion");
                refused(0, &1_u32.to_le_bytes(), "bytes for 1 levels");
                // After the identifier of the secret.
                forged(20, &[1]);
                refused(21, &1_u32.to_le_bytes(), "followed by");
                // X -> X^3 instead of X^33.
                refused(25, &3_u32.to_le_bytes(), "Galois key of 3: one of level 2, asked for none");
            }
            _ => {}
        }
    }
}

#[test]
fn keys_of_tables_are_those_of_the_request_or_refused_by_name() {
    let small = tables::Spec::insecure_small();
    let [lift, of_tables] =
        [small.bgv.ckks.clone(), small.tables.clone()].map(|spec| he_ckks::Spec { log_n: 7, ..spec });
    let bgv = BootstrapSpec { log_n: 6, ckks: lift, ..small.bgv };
    let spec = tables::Spec { bgv, tables: of_tables };
    let params = spec.build_insecure("a test of the bytes of keys").unwrap();
    let secret = he_bgv::SecretKey::generate(params.bgv()).unwrap();
    let request =
        tables::KeyRequest { expansion: 2, slots: 32, refresh_slots: 64, ..tables::KeyRequest::default() };
    let messages = tables::EvaluationKeys::generate(&params, &secret, &request).unwrap().to_bytes().unwrap();
    let open = |request: &tables::KeyRequest, messages: &[Vec<u8>]| {
        tables::EvaluationKeys::from_bytes(&params, request, messages)
    };
    assert_eq!(open(&request, &messages).unwrap().to_bytes().unwrap(), messages);
    let refused = |result: Result<tables::EvaluationKeys, Error>, wanted: &str| {
        assert!(matches!(result.err(), Some(Error::Message { what, .. }) if what == wanted), "{wanted}");
    };
    for (i, what) in tables::MESSAGES.into_iter().enumerate() {
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut altered = messages.clone();
            change(&mut altered[i]);
            refused(open(&request, &altered), what);
        };
        with(&|bytes| bytes[40] ^= 1);
        with(&|bytes| bytes.truncate(bytes.len() / 2));
        with(&|bytes| *bytes = messages[(i + 1) % messages.len()].clone());
    }
    assert!(matches!(open(&request, &messages[1..]).err(), Some(Error::Mismatch { .. })));
    refused(open(&tables::KeyRequest { expansion: 3, ..request.clone() }, &messages), tables::MESSAGES[1]);
    refused(
        open(&tables::KeyRequest { refresh_slots: 32, ..request.clone() }, &messages),
        tables::MESSAGES[2],
    );
    refused(open(&tables::KeyRequest { slots: 64, ..request.clone() }, &messages), tables::MESSAGES[3]);
    // Of other parameters.
    let other = spec.with_modulus(1 << 24).build_insecure("another").unwrap();
    let found = tables::EvaluationKeys::from_bytes(&other, &request, &messages);
    assert!(matches!(found.err(), Some(Error::Message { .. })));
}
