//! Keys of bridges as bytes: the same bridge after a journey, and an error for everything else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use he_ckks::bootstrap::Bootstrapper;
use he_core::wire::{self, WireError};
use he_switch::bgv_ckks::{self, Refresher};
use he_switch::expand::Expander;
use he_switch::tfhe_to_bgv::{self, TfheToBgv};
use he_switch::{Parameters, Spec, bgv_to_tfhe, ckks_tfhe};
use he_tfhe::LweCiphertext;

/// Secrets of the three schemes.
struct Secrets {
    bgv: he_bgv::SecretKey,
    ckks: he_ckks::SecretKey,
    tfhe: he_tfhe::SecretKey,
}

impl Secrets {
    fn generate(params: &Parameters) -> Self {
        Self {
            bgv: he_bgv::SecretKey::generate(params.bgv()).unwrap(),
            ckks: he_ckks::SecretKey::generate(params.ckks()).unwrap(),
            tfhe: he_tfhe::SecretKey::generate(params.tfhe()).unwrap(),
        }
    }

    fn bootstrapper(&self, slots: usize) -> Bootstrapper {
        Bootstrapper::new(self.ckks.bootstrap_keys(slots, &he_ckks::KeyRequest::default()).unwrap()).unwrap()
    }
}

/// The least rings there are: keys of some thousand bytes.
fn tiny() -> Spec {
    let small = Spec::insecure_small();
    let tfhe = he_tfhe::Spec { lwe_dimension: 4, polynomial_size: 64, message_bits: 1, ..small.tfhe };
    Spec { bgv_log_n: 6, ckks: he_ckks::Spec { log_n: 7, ..small.ckks }, tfhe, ..small }
}

fn built(spec: &Spec) -> Parameters {
    spec.build_insecure("a test of the bytes of keys").unwrap()
}

/// A reader of bytes, whatever comes out.
type Open = fn(&Parameters, &[u8]) -> Result<(), WireError>;

/// Every kind of key, drawn, and its reader.
fn keys(params: &Parameters) -> Vec<(&'static str, Vec<u8>, Open)> {
    let Secrets { bgv, ckks, tfhe } = Secrets::generate(params);
    let down = bgv_to_tfhe::SeededKey::generate(params, &bgv, &tfhe).unwrap();
    let slots = ckks_tfhe::SeededKey::generate(params, &ckks, &tfhe).unwrap();
    let up = tfhe_to_bgv::Key::generate(params, &tfhe, &ckks).unwrap();
    let refresh = bgv_ckks::Keys::generate(params, &bgv, &ckks).unwrap();
    let expander = Expander::generate(params, &bgv, 2).unwrap();
    vec![
        ("BGV to TFHE", down.to_bytes().unwrap(), |p, b| {
            bgv_to_tfhe::SeededKey::from_bytes(p, b).map(|_| ())
        }),
        ("CKKS to TFHE", slots.to_bytes().unwrap(), |p, b| {
            ckks_tfhe::SeededKey::from_bytes(p, b).map(|_| ())
        }),
        ("TFHE to BGV", up.to_bytes().unwrap(), |p, b| tfhe_to_bgv::Key::from_bytes(p, b).map(|_| ())),
        ("BGV and CKKS", refresh.to_bytes().unwrap(), |p, b| bgv_ckks::Keys::from_bytes(p, b).map(|_| ())),
        ("expansion", expander.to_bytes().unwrap(), |p, b| Expander::from_bytes(p, b).map(|_| ())),
    ]
}

#[test]
fn bridges_of_bgv_do_the_same_after_a_journey() {
    let params = built(&Spec::insecure_small());
    let secrets = Secrets::generate(&params);
    let values: Vec<i64> = (0..params.bgv().n() as i64).map(|i| (i % 16 - 8) << 21).collect();
    let plain = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&values).unwrap();
    let c = he_bgv::Encryptor::with_secret(&secrets.bgv).encrypt(&plain).unwrap();

    let key = bgv_to_tfhe::SeededKey::generate(&params, &secrets.bgv, &secrets.tfhe).unwrap();
    let read = bgv_to_tfhe::SeededKey::from_bytes(&params, &key.to_bytes().unwrap()).unwrap();
    assert_eq!(read.to_bytes().unwrap(), key.to_bytes().unwrap());
    let samples = |key: &bgv_to_tfhe::SeededKey| {
        let samples = key.expand().unwrap().extract(&c, &[0, 5, 1023]).unwrap();
        LweCiphertext::to_bytes(params.tfhe(), &samples).unwrap()
    };
    assert_eq!(samples(&read), samples(&key));

    let expander = Expander::generate(&params, &secrets.bgv, 3).unwrap();
    let read = Expander::from_bytes(&params, &expander.to_bytes().unwrap()).unwrap();
    let bytes = |c: &[he_bgv::Ciphertext]| c.iter().map(|c| c.to_bytes().unwrap()).collect::<Vec<_>>();
    assert_eq!(bytes(&read.expand(&c, 2).unwrap()), bytes(&expander.expand(&c, 2).unwrap()));

    let keys = bgv_ckks::Keys::generate(&params, &secrets.bgv, &secrets.ckks).unwrap();
    let read = bgv_ckks::Keys::from_bytes(&params, &keys.to_bytes().unwrap()).unwrap();
    let up = tfhe_to_bgv::Key::generate(&params, &secrets.tfhe, &secrets.ckks).unwrap();
    let read_up = tfhe_to_bgv::Key::from_bytes(&params, &up.to_bytes().unwrap()).unwrap();
    let tables = he_tfhe::Evaluator::new(secrets.tfhe.evaluation_keys().unwrap());
    let small = he_tfhe::Encryptor::with_secret(&secrets.tfhe).encrypt_phases(&[3 << 20, 5 << 20]).unwrap();
    let packed = [tables.pack(&small).unwrap()];
    let [before, after] = [(keys, up), (read, read_up)].map(|(keys, up)| {
        let refresher = Refresher::new(keys, secrets.bootstrapper(1024)).unwrap();
        // Without a bootstrap, whose keys are other ones: only what these keys do.
        let there = bytes(&refresher.scatter(&refresher.gather(std::slice::from_ref(&c)).unwrap()).unwrap());
        let back = TfheToBgv::new(up).convert(&refresher, &packed, 12, (-46_f64).exp2()).unwrap();
        let decryptor = he_bgv::Decryptor::new(&secrets.bgv);
        (there, back.iter().map(|c| decryptor.decrypt(c).unwrap()).collect::<Vec<_>>())
    });
    assert_eq!(before.0, after.0);
    let coefficients =
        |plain: &he_bgv::Plaintext| he_bgv::Encoder::new(params.bgv()).decode_coefficients(plain);
    assert_eq!(
        before.1.iter().map(coefficients).collect::<Vec<_>>(),
        after.1.iter().map(coefficients).collect::<Vec<_>>()
    );
    assert_eq!(coefficients(&after.1[0])[0], 3);
}

#[test]
fn the_bridge_of_slots_does_the_same_after_a_journey() {
    let params = built(&Spec::insecure_small().for_slots());
    let secrets = Secrets::generate(&params);
    let bootstrapper = secrets.bootstrapper(64);
    let key = ckks_tfhe::SeededKey::generate(&params, &secrets.ckks, &secrets.tfhe).unwrap();
    let read = ckks_tfhe::SeededKey::from_bytes(&params, &key.to_bytes().unwrap()).unwrap();
    let plain = he_ckks::Encoder::new(params.ckks()).encode_in(&[0.25, -0.5], 64).unwrap();
    let x = he_ckks::Encryptor::with_secret(&secrets.ckks).encrypt(&plain).unwrap();
    let samples = |key: &ckks_tfhe::SeededKey| {
        let (samples, _) = key.expand().unwrap().extract(&bootstrapper, &x, 2).unwrap();
        LweCiphertext::to_bytes(params.tfhe(), &samples).unwrap()
    };
    assert_eq!(samples(&read), samples(&key));
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
    let deep = he_ckks::Spec { levels: 1, ..spec.ckks.clone() };
    let others = [
        Spec { log_t: 25, ..spec.clone() },
        Spec { tfhe: short, ..spec.clone() },
        Spec { ckks: deep, ..spec.clone() },
        Spec { bgv_log_n: 7, ..spec },
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
        // The last bytes are words of a body, all but the padding.
        refused(body.len() - 32, &[0xff; 24], "it must be below");
        for length in [0, 1, 33, 40, body.len() - 1] {
            open(&params, &wire::seal(&header, &body[..length])).unwrap_err();
        }
        let longer = wire::seal(&header, &[body, &[0; 8]].concat());
        assert!(open(&params, &longer).is_err(), "{name}");
        match name {
            "TFHE to BGV" => refused(0, &3_u16.to_le_bytes(), "limbs of a key of a bridge"),
            "BGV and CKKS" => refused(0, &2_u16.to_le_bytes(), "2, needed 3"),
            "expansion" => {
                refused(0, &u32::MAX.to_le_bytes(), "levels of an expansion");
                refused(0, &1_u32.to_le_bytes(), "bytes for 1 levels");
                forged(4, &[1]);
                refused(5, &1_u32.to_le_bytes(), "followed by");
                // X -> X^3 instead of X^33.
                refused(9, &3_u32.to_le_bytes(), "automorphisms [3, 65], needed [33, 65]");
            }
            _ => {}
        }
    }
}
