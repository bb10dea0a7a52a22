//! Objects of TFHE.

use std::sync::LazyLock;

use he_core::wire::{HEADER_BYTES, Header};
use he_tfhe::{
    Decryptor, Evaluator, FullTable, LookupTable, LweCiphertext, SecretKey, SeededEvaluationKeys, WideTable,
};

use crate::world::{TFHE, object, tfhe_key};

static EVALUATOR: LazyLock<Evaluator> =
    LazyLock::new(|| Evaluator::new(tfhe_key(&TFHE).evaluation_keys().expect("keys")));

fn table() -> LookupTable {
    LookupTable::new(&TFHE, |m| m).expect("a table")
}

/// The upper bits of the first byte say which object it is.
pub fn tfhe(bytes: &[u8]) {
    let Some(&first) = bytes.first() else { return };
    let choice = usize::from(first / 2 % 3);
    let bytes = object(&Header { tag: he_tfhe::TAG, kind: [3, 2, 1][choice], params: *TFHE.hash() }, bytes);
    [ciphertexts, evaluation_keys, secret_key][choice](&bytes);
}

fn ciphertexts(bytes: &[u8]) {
    let Ok(read) = LweCiphertext::from_bytes(&TFHE, bytes) else { return };
    assert_eq!(LweCiphertext::to_bytes(&TFHE, &read).expect("bytes"), bytes);
    let (key, e) = (tfhe_key(&TFHE), &*EVALUATOR);
    for c in &read {
        let own = c.secret_id().is_none_or(|id| id == key.secret_id());
        assert_eq!(Decryptor::new(&key).decrypt_reduced(c).is_ok(), own);
    }
    // All of these may be refused, by an error.
    let _ = e.bootstrap_batch(&read, &table());
    let _ =
        e.bootstrap_full(&read, &FullTable::new(&TFHE, &[0, 1 << 30, 1 << 31, 3 << 30]).expect("a table"));
    let _ = e.pack(&read);
    let wide = WideTable::new(&TFHE, 2, 1, |t| vec![t % 2]).expect("a table");
    let _ = e.look_up(&read.chunks(2).collect::<Vec<_>>(), &[&wide]);
    if let [a, b, ..] = read.as_slice() {
        let _ = e.gate(he_tfhe::Gate::And, a, b);
        let _ = e.linear_combination(&[(i32::MAX, a), (i32::MIN, b)]);
    }
}

fn evaluation_keys(bytes: &[u8]) {
    let Ok(keys) = SeededEvaluationKeys::from_bytes(&TFHE, bytes) else { return };
    assert_eq!(keys.to_bytes().expect("bytes"), bytes);
    let evaluator = Evaluator::new(keys.expand());
    let c = he_tfhe::Encryptor::with_secret(&tfhe_key(&TFHE)).encrypt_all(&[1, 0]).expect("ciphertexts");
    // Wrong keys give wrong results.
    let _ = evaluator.bootstrap_batch(&c, &table());
    let _ = evaluator.circuit_bootstrap(&[&c[0]]);
}

fn secret_key(bytes: &[u8]) {
    let Ok(key) = SecretKey::from_secret_bytes(&TFHE, bytes) else { return };
    assert_eq!(*key.to_secret_bytes(), *bytes);
    assert!(bytes.len() > HEADER_BYTES);
}
