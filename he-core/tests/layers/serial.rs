//! Serialized keys and ciphertexts: what comes back, and what is refused.

use std::collections::BTreeMap;

use he_core::ring::sample::Prng;
use he_core::rlwe::serial::{
    body_limit, read_ciphertext, read_evaluation_keys, read_key_switch_key, read_public_key,
    write_ciphertext, write_evaluation_keys, write_key_switch_key, write_public_key, write_seeded,
};
use he_core::rlwe::{Ciphertext, EvaluationKeys, Parameters, SecretKey};
use he_core::wire::{Reader, WireError, Writer};

use crate::common::{insecure, prng, random_ciphertext, secret_id};

fn tiny() -> Parameters {
    insecure(3, &[47, 30, 41], &[50], 1, 257)
}

fn written(write: impl FnOnce(&mut Writer) -> Result<(), WireError>) -> Vec<u8> {
    let mut out = Writer::new();
    write(&mut out).unwrap();
    out.finish()
}

fn same(a: &Ciphertext, b: &Ciphertext) -> bool {
    a.degree() == b.degree()
        && a.secret_id() == b.secret_id()
        && a.limbs() == b.limbs()
        && a.parts().iter().zip(b.parts()).all(|(a, b)| a.words() == b.words())
}

/// Every prefix is refused, and a change of any bit is refused or gives another valid object: never a panic.
fn abuse<T>(bytes: &[u8], read: impl Fn(&mut Reader<'_>) -> Result<T, WireError>) {
    let whole = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes);
        let value = read(&mut reader)?;
        reader.finish("test")?;
        Ok::<T, WireError>(value)
    };
    assert!(whole(bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(whole(&bytes[..length]).is_err(), "{length} bytes of {}", bytes.len());
    }
    assert!(whole(&[bytes, &[0]].concat()).is_err());
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let _ = whole(&changed);
    }
    for byte in 0..bytes.len().min(64) {
        let mut changed = bytes.to_vec();
        changed[byte] = 0xff;
        let _ = whole(&changed);
    }
}

#[test]
fn ciphertexts_come_back() {
    let (params, mut prng) = (tiny(), prng(1));
    let key = SecretKey::generate(&params).unwrap();
    for limbs in 1..=3 {
        for degree in 1..=2 {
            let c = random_ciphertext(&mut prng, key.secret_id(), &params, limbs, degree);
            let bytes = written(|out| write_ciphertext(out, &c));
            assert!(bytes.len() <= body_limit(&params, degree + 1));
            assert!(same(&read_ciphertext(&mut Reader::new(&bytes), &params).unwrap(), &c));
            abuse(&bytes, |from| read_ciphertext(from, &params));
        }
        let seeded = key.encrypt_zero(limbs, &mut prng);
        let bytes = written(|out| write_seeded(out, &seeded));
        assert!(same(&read_ciphertext(&mut Reader::new(&bytes), &params).unwrap(), &seeded.clone().expand()));
        abuse(&bytes, |from| read_ciphertext(from, &params));
    }
}

#[test]
fn keys_come_back() {
    let params = tiny();
    let (key, mut prng) = (SecretKey::generate(&params).unwrap(), prng(2));
    let public = key.public_key().unwrap();
    let bytes = written(|out| write_public_key(out, &public));
    let read = read_public_key(&mut Reader::new(&bytes), &params).unwrap();
    let encrypt = |key: &he_core::rlwe::PublicKey| key.encrypt_zero(2, &mut Prng::from_seed(&[1; 32]));
    assert!(same(&encrypt(&public), &encrypt(&read)));
    abuse(&bytes, |from| read_public_key(from, &params));

    let galois: BTreeMap<usize, usize> = [(3, 2), (15, 1)].into();
    let keys = key.evaluation_keys(3, &galois).unwrap();
    let bytes = written(|out| write_evaluation_keys(out, &keys));
    assert!(bytes.len() <= body_limit(&params, 3 * (params.n() + 1)));
    let read = read_evaluation_keys(&mut Reader::new(&bytes), &params).unwrap();
    let c = random_ciphertext(&mut prng, key.secret_id(), &params, 3, 2);
    assert!(same(&keys.relinearize(&c).unwrap(), &read.relinearize(&c).unwrap()));
    let c = random_ciphertext(&mut prng, key.secret_id(), &params, 2, 1);
    assert!(same(&keys.automorphism(&c, 3).unwrap(), &read.automorphism(&c, 3).unwrap()));
    assert!(read.automorphism(&c, 15).is_none());
    assert_eq!(read.galois_elements().collect::<Vec<_>>(), [3, 15]);
    abuse(&bytes, |from| read_evaluation_keys(from, &params));

    let none = EvaluationKeys::none(&params);
    let bytes = written(|out| write_evaluation_keys(out, &none));
    assert!(read_evaluation_keys(&mut Reader::new(&bytes), &params).unwrap().relinearization().is_none());
}

#[test]
fn no_keys_come_back_without_special_primes_either() {
    let params = insecure(3, &[47], &[], 1, 1);
    let bytes = written(|out| write_evaluation_keys(out, &EvaluationKeys::none(&params)));
    let read = read_evaluation_keys(&mut Reader::new(&bytes), &params).unwrap();
    assert!(read.relinearization().is_none());
    for claim in [&[1][..], &[0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0]] {
        let mut bytes = [&[7; 16], claim].concat();
        bytes.resize(4096, 0);
        assert!(matches!(
            read_evaluation_keys(&mut Reader::new(&bytes), &params),
            Err(WireError::Invalid { .. })
        ));
    }
}

#[test]
fn fields_out_of_range_are_refused() {
    let params = tiny();
    let c = random_ciphertext(&mut prng(3), secret_id(3), &params, 2, 1);
    let good = written(|out| write_ciphertext(out, &c));
    for (at, value) in [(0, 0), (0, 4), (0, 255), (1, 0), (1, 4), (2, 1)] {
        let mut bytes = good.clone();
        bytes[at] = value;
        assert!(read_ciphertext(&mut Reader::new(&bytes), &params).is_err(), "byte {at} = {value}");
    }
    // Words at and above the prime.
    let q = params.spec().q[0];
    for value in [q, (1 << 47) - 1] {
        let mut body = Writer::new();
        body.u8(2);
        body.u16(1);
        body.bytes(&[3; 16]);
        for _ in 0..2 {
            body.packed_u64(&[value; 8], 47).unwrap();
        }
        let error = read_ciphertext(&mut Reader::new(&body.finish()), &params).err();
        assert!(matches!(error, Some(WireError::Value { found, bound, .. }) if found == value && bound == q));
    }
    // Galois elements: even, too large, descending, repeated.
    let key = SecretKey::generate(&params).unwrap();
    let keys = key.evaluation_keys(0, &[(3, 1), (5, 1)].into()).unwrap();
    let good = written(|out| write_evaluation_keys(out, &keys));
    // After the identifier.
    let second = 5 + (good.len() - 16 - 5) / 2;
    for (at, value) in [(5, 4), (5, 17), (5, 7), (5, 5), (second, 3), (second, 6), (1, 3), (1, 9), (0, 2)] {
        let mut bytes = good.clone();
        bytes[16 + at] = value;
        assert!(read_evaluation_keys(&mut Reader::new(&bytes), &params).is_err(), "byte {at} = {value}");
    }
}

#[test]
fn secret_keys_come_back_and_nothing_else_does() {
    let params = tiny();
    let key = SecretKey::generate(&params).unwrap();
    let bytes = key.to_secret_bytes();
    let read = SecretKey::from_secret_bytes(&params, &bytes).unwrap();
    let c = random_ciphertext(&mut prng(4), key.secret_id(), &params, 3, 1);
    assert_eq!((key.phase(&c).words(), key.secret_id()), (read.phase(&c).words(), read.secret_id()));
    for length in 0..bytes.len() {
        assert!(SecretKey::from_secret_bytes(&params, &bytes[..length]).is_err());
    }
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(SecretKey::from_secret_bytes(&params, &changed).is_err(), "bit {bit}");
    }
    let other = insecure(3, &[47, 30, 41], &[50], 1, 258);
    assert!(matches!(SecretKey::from_secret_bytes(&other, &bytes), Err(WireError::Parameters { .. })));
    // A sealed body with a coefficient 2.
    use he_core::rlwe::serial::{Kind, header};
    let sealed = he_core::wire::seal(
        &header(&params, Kind::SecretKey),
        &[&[7; 16][..], &[0, 1, 2, 3, 1, 1, 1, 1]].concat(),
    );
    assert!(matches!(
        SecretKey::from_secret_bytes(&params, &sealed),
        Err(WireError::Value { index: 3, found: 3, bound: 3, .. })
    ));
    let sealed = he_core::wire::seal(&header(&params, Kind::PublicKey), &[1; 8]);
    assert!(matches!(SecretKey::from_secret_bytes(&params, &sealed), Err(WireError::Kind { .. })));
}

#[test]
fn zero_is_no_secret() {
    let params = tiny();
    let key = SecretKey::generate(&params).unwrap();
    let without = |bytes: Vec<u8>, at: usize| {
        assert_eq!(bytes[at..at + 16], key.secret_id().to_bytes());
        let mut bytes = bytes;
        bytes[at..at + 16].fill(0);
        bytes
    };
    let is_refused = |error: Option<WireError>| {
        assert!(error.as_ref().is_some_and(|e| e.to_string().contains("which is that of n")), "{error:?}");
    };
    let c = key.encrypt_zero(2, &mut prng(6));
    for bytes in
        [written(|out| write_seeded(out, &c)), written(|out| write_ciphertext(out, &c.clone().expand()))]
    {
        is_refused(read_ciphertext(&mut Reader::new(&without(bytes, 3)), &params).err());
    }
    let public = without(written(|out| write_public_key(out, &key.public_key().unwrap())), 0);
    is_refused(read_public_key(&mut Reader::new(&public), &params).err());
    let keys = key.evaluation_keys(1, &BTreeMap::new()).unwrap();
    let bytes = without(written(|out| write_evaluation_keys(out, &keys)), 0);
    is_refused(read_evaluation_keys(&mut Reader::new(&bytes), &params).err());
    let switch = key.switching_key_from(&key, 1, &mut prng(7));
    for at in [2, 18] {
        let bytes = without(written(|out| write_key_switch_key(out, &switch)), at);
        is_refused(read_key_switch_key(&mut Reader::new(&bytes), &params).err());
    }
    let read = written(|out| write_key_switch_key(out, &switch));
    let read = read_key_switch_key(&mut Reader::new(&read), &params).unwrap();
    assert_eq!(read.secret_ids(), switch.secret_ids());
}
