//! Seeded ciphertexts and the public key.

use he_tfhe::digits::{self, Digits};
use he_tfhe::{Decryptor, Encryptor, LweCiphertext, PublicKey, SeededCiphertexts, bits};

use crate::world::{World, insecure, insecure_spec};

#[test]
fn a_fresh_word_takes_at_most_16_bytes_a_digit() {
    let world = World::small();
    let decryptor = Decryptor::new(&world.key);
    // A word of 8 bits without an envelope, words of 64 and 32 times 8 bits with theirs.
    let word = digits::encrypt_seeded(&world.key, &[-77], 8).unwrap();
    assert_eq!((word.len(), SeededCiphertexts::wire_bytes(word.len())), (4, 56));
    for (values, width) in [(vec![i64::MIN], 64), ((-16..16).collect(), 8)] {
        let seeded = digits::encrypt_seeded(&world.key, &values, width).unwrap();
        let bytes = seeded.to_bytes();
        println!("{} bytes, {} digits", bytes.len(), seeded.len());
        assert!(bytes.len() <= 16 * seeded.len());
        let read = SeededCiphertexts::from_bytes(&world.params, &bytes).unwrap();
        let words = Digits::of_each(read.expand(), 2, width).unwrap();
        let found: Vec<i64> = words.iter().map(|x| digits::decrypt(&decryptor, x).unwrap()).collect();
        assert_eq!(found, values);
    }
    let seeded = bits::encrypt_seeded(&world.key, &[-3, 100], 8).unwrap();
    let words = bits::Bits::of_each(seeded.expand(), 8).unwrap();
    assert_eq!(bits::decrypt(&decryptor, &words).unwrap(), [-3, 100]);
    assert!(
        Digits::of_each(seeded.expand(), 2, 10).is_err() && bits::Bits::of_each(seeded.expand(), 5).is_err()
    );
}

#[test]
fn two_seeded_lists_share_no_mask() {
    let world = World::small();
    let lists = [(); 2].map(|()| world.key.encrypt_seeded(&[1, 1]).unwrap().expand());
    let masks: std::collections::BTreeSet<&[u32]> = lists.iter().flatten().map(LweCiphertext::mask).collect();
    assert_eq!(masks.len(), 4);
}

#[test]
fn the_public_key_encrypts_what_the_secret_key_does() {
    for glwe_dimension in [1, 2] {
        let spec = he_tfhe::Spec { glwe_dimension, circuit: None, ..insecure_spec() };
        let world = World::new(insecure(spec));
        let bytes = world.key.public_key().unwrap().to_bytes().unwrap();
        let public = PublicKey::from_bytes(&world.params, &bytes).unwrap();
        assert_eq!(public.to_bytes().unwrap(), bytes);
        let encryptor = Encryptor::with_public(&public);
        // More than fit in one ring element.
        let messages: Vec<u64> = (0..1500).map(|i| i % 16).collect();
        let ciphertexts = encryptor.encrypt_all(&messages).unwrap();
        assert_eq!(world.decrypt(&ciphertexts), messages);
        let words = digits::encrypt(&encryptor, &[-77, 5], 8).unwrap();
        let sum =
            digits::DigitEvaluator::new(&world.evaluator).unwrap().add(&words[..1], &words[1..]).unwrap();
        assert_eq!(digits::decrypt(&Decryptor::new(&world.key), &sum[0]).unwrap(), -72);
        assert!(encryptor.encrypt(16).is_err() && encryptor.encrypt_all(&[]).unwrap().is_empty());
    }
}

#[test]
fn damaged_or_foreign_objects_are_refused() {
    let (here, there) =
        (World::small(), World::new(insecure(he_tfhe::Spec { failure: -60.0, ..insecure_spec() })));
    let seeded = here.key.encrypt_seeded(&[1, 2]).unwrap().to_bytes();
    let public = here.key.public_key().unwrap().to_bytes().unwrap();
    assert!(SeededCiphertexts::from_bytes(&there.params, &seeded).is_err());
    assert!(PublicKey::from_bytes(&there.params, &public).is_err());
    assert!(PublicKey::from_bytes(&here.params, &seeded).is_err());
    for at in [0, 60, seeded.len() - 40, seeded.len() - 1] {
        let mut damaged = seeded.clone();
        damaged[at] ^= 1;
        assert!(SeededCiphertexts::from_bytes(&here.params, &damaged).is_err());
        assert!(SeededCiphertexts::from_bytes(&here.params, &seeded[..at]).is_err());
        assert!(PublicKey::from_bytes(&here.params, &public[..at]).is_err());
    }
}
