//! Keys that are read piece by piece are the keys that are read whole, and damaged ones are the same errors.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read;

use he_ckks::BootstrapKeys;
use he_core::wire::{DIGEST_BYTES, HEADER_BYTES, WireError, peek, seal};
use he_switch::expand::Expander;
use he_switch::{SecretKeys, Spec};
use he_switch::{bgv_ckks, bgv_to_tfhe, ckks_to_tfhe, tfhe_to_ckks};
use he_tfhe::SeededEvaluationKeys;

type Again = Result<Vec<u8>, WireError>;

/// Odd pieces.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = out.len().min(self.0.len()).min(1001);
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// Compares both ways of reading, each followed by writing again, on whole and damaged keys.
fn compare(name: &str, bytes: &[u8], whole: &dyn Fn(&[u8]) -> Again, pieces: &dyn Fn(Pieces<'_>) -> Again) {
    let both = |bytes: &[u8]| {
        let read = whole(bytes);
        assert_eq!(read, pieces(Pieces(bytes)), "{name}");
        read
    };
    assert_eq!(both(bytes).unwrap(), bytes, "{name}");
    let step = bytes.len() / 40 + 1;
    for length in (0..bytes.len()).step_by(step).chain([1, 80, 81, bytes.len() - 1]) {
        assert!(matches!(both(&bytes[..length]), Err(WireError::Truncated { .. })), "{name}: {length}");
    }
    assert!(matches!(both(&[bytes, &[0, 1]].concat()), Err(WireError::Trailing { extra: 2, .. })));
    let header = peek(bytes).unwrap().0;
    let (mut altered, mut inside) = (bytes.to_vec(), 0);
    for at in (0..bytes.len()).step_by(step).chain(HEADER_BYTES..HEADER_BYTES + 60) {
        altered[at] ^= 0xff;
        assert!(both(&altered).is_err(), "{name}: byte {at}");
        // Sealed again, what the body says counts.
        if (HEADER_BYTES..bytes.len() - DIGEST_BYTES).contains(&at) {
            let mut body = altered[HEADER_BYTES..bytes.len() - DIGEST_BYTES].to_vec();
            let end = body.len().min(at - HEADER_BYTES + 20);
            body[at - HEADER_BYTES..end].fill(0xff);
            inside += usize::from(both(&seal(&header, &body)).is_err());
        }
        altered[at] ^= 0xff;
    }
    assert!(inside > 0, "{name}: no damage of a body was found");
    let short = seal(&header, &bytes[HEADER_BYTES..bytes.len() - DIGEST_BYTES - 1]);
    assert!(both(&short).is_err(), "{name}");
    let mut foreign = header;
    foreign.params[0] ^= 1;
    let foreign = seal(&foreign, &bytes[HEADER_BYTES..bytes.len() - DIGEST_BYTES]);
    assert!(matches!(both(&foreign), Err(WireError::Parameters { .. })), "{name}");
}

#[test]
fn keys_in_pieces_are_keys_and_damage_is_the_same_error() {
    let small = Spec::insecure_small();
    let tfhe = he_tfhe::Spec { lwe_dimension: 4, polynomial_size: 64, message_bits: 1, ..small.tfhe };
    let ckks = he_ckks::Spec { log_n: 7, ..small.bgv.ckks };
    let spec = Spec { bgv: he_switch::bgv::BootstrapSpec { log_n: 6, ckks, ..small.bgv }, tfhe };
    let params = &spec.build_insecure("a test of the bytes of keys").unwrap();
    let secret = SecretKeys::generate(params).unwrap();
    let (bgv, ckks, tfhe) = (params.bgv(), params.ckks(), params.tfhe());

    let request = he_bgv::KeyRequest::default().relinearization(bgv.max_level()).row_swap(bgv, 0);
    let keys = secret.bgv().evaluation_keys(&request).unwrap().to_bytes().unwrap();
    type Bgv = he_bgv::EvaluationKeys;
    compare("BGV", &keys, &|b| Bgv::from_bytes(bgv, b)?.to_bytes(), &|r| Bgv::read_from(bgv, r)?.to_bytes());
    compare("BGV, requested", &keys, &|b| Bgv::requested(bgv, &request, b)?.to_bytes(), &|r| {
        Bgv::requested_from(bgv, &request, r)?.to_bytes()
    });
    let fewer = he_bgv::KeyRequest::default().relinearization(bgv.max_level());
    let refused = Bgv::requested_from(bgv, &fewer, &keys[..]).unwrap_err();
    assert_eq!(Some(refused), Bgv::requested(bgv, &fewer, &keys).err());

    let none = he_ckks::KeyRequest::default();
    let keys = secret.ckks().bootstrap_keys(ckks.slots(), &none).unwrap().to_bytes().unwrap();
    compare("CKKS", &keys, &|b| BootstrapKeys::from_bytes(ckks, b)?.to_bytes(), &|r| {
        BootstrapKeys::read_from(ckks, r)?.to_bytes()
    });
    compare(
        "CKKS, requested",
        &keys,
        &|b| BootstrapKeys::requested(ckks, ckks.slots(), &none, b)?.to_bytes(),
        &|r| BootstrapKeys::requested_from(ckks, ckks.slots(), &none, r)?.to_bytes(),
    );

    let keys = secret.tfhe().seeded_evaluation_keys().unwrap().to_bytes().unwrap();
    type Tfhe = SeededEvaluationKeys;
    compare("TFHE", &keys, &|b| Tfhe::from_bytes(tfhe, b)?.to_bytes(), &|r| {
        Tfhe::read_from(tfhe, r)?.to_bytes()
    });

    type Down = bgv_to_tfhe::SeededKey;
    let key = Down::generate(params, secret.bgv(), secret.tfhe()).unwrap().to_bytes().unwrap();
    compare("BGV to TFHE", &key, &|b| Down::from_bytes(params, b)?.to_bytes(), &|r| {
        Down::read_from(params, r)?.to_bytes()
    });
    type Slots = ckks_to_tfhe::SeededKey;
    let key = Slots::generate(params, secret.ckks(), secret.tfhe()).unwrap().to_bytes().unwrap();
    compare("CKKS to TFHE", &key, &|b| Slots::from_bytes(params, b)?.to_bytes(), &|r| {
        Slots::read_from(params, r)?.to_bytes()
    });
    type Up = tfhe_to_ckks::Key;
    let key = Up::generate(params, secret.tfhe(), secret.ckks()).unwrap().to_bytes().unwrap();
    compare("TFHE to CKKS", &key, &|b| Up::from_bytes(params, b)?.to_bytes(), &|r| {
        Up::read_from(params, r)?.to_bytes()
    });
    type Both = bgv_ckks::Keys;
    let key = Both::generate(params.shared(), secret.bgv(), secret.ckks()).unwrap().to_bytes().unwrap();
    compare("BGV and CKKS", &key, &|b| Both::from_bytes(params.shared(), b)?.to_bytes(), &|r| {
        Both::read_from(params.shared(), r)?.to_bytes()
    });
    let keys = Expander::generate(params, secret.bgv(), 2).unwrap().to_bytes().unwrap();
    compare("expansion", &keys, &|b| Expander::from_bytes(params, b)?.to_bytes(), &|r| {
        Expander::read_from(params, r)?.to_bytes()
    });
}
