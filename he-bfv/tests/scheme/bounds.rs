//! Public bounds at the top: those of BGV, and the same errors.

use he_bfv::{
    Bound, Ciphertext, Decryptor, Encoder, Encryptor, Error, EvaluationKeys, Evaluator, Parameters,
    PreparedPlaintext, SecretKey, Spec,
};
use he_core::rlwe::OperandError;

use crate::world::{World, insecure};

fn wraps<T>(result: Result<T, Error>, expected: u64) -> bool {
    let Err(Error::Operand(OperandError::Wraps { bound, half, t, .. })) = result else { return false };
    bound == expected && half == t / 2
}

#[test]
fn sums_and_products_that_may_pass_half_of_t_are_errors() {
    let world = World::new(&insecure(4, 1_048_193, &[47, 41, 41], &[50], 1));
    let (e, half) = (&world.evaluator, world.params.t().value() / 2);
    let encoder = Encoder::new(&world.params).with_bound(600);
    let c = world.encrypt(&encoder.encode(&[600, -600, 7]).unwrap());
    let product = e.mul(&c, &c).unwrap();
    assert_eq!(product.bound(), Bound::Slots { most: 360_000 });
    assert_eq!(world.slots(&product)[..3], [360_000, 360_000, 49]);
    assert!(wraps(e.add(&product, &product), 720_000) && wraps(e.sub(&product, &product), 720_000));
    assert!(wraps(e.mul(&product, &c), 216_000_000) && wraps(e.mul_const(&product, -2), 720_000));
    assert!(wraps(e.inner_sum(&product, 1, 2), 720_000) && wraps(e.add_const(&product, 200_000), 560_000));
    let p = encoder.encode(&[2]).unwrap();
    assert!(wraps(e.mul_plain(&product, &p), 216_000_000));
    // Of fresh ciphertexts without a smaller bound there is no sum; modulo t there is.
    let open = world.encrypt(&Encoder::new(&world.params).encode(&[1]).unwrap());
    assert!(wraps(e.add(&open, &open), 2 * half));
    let sum = e.add(&product, &open.with_bound(Bound::Modulo).unwrap()).unwrap();
    assert!(sum.bound().is_modulo() && world.slots(&sum)[0] == 360_001);
    // The bound is sent.
    let read = Ciphertext::from_bytes(&world.params, &product.to_bytes().unwrap()).unwrap();
    assert_eq!(read.bound(), product.bound());
    let seeded = world.key.encrypt_seeded(&p, 1).unwrap();
    assert_eq!((seeded.bound(), seeded.expand().bound()), (p.bound(), p.bound()));
}

/// A plaintext of another `t` is no operand, as in he-bgv.
#[test]
fn plaintexts_of_other_parameters_are_errors() {
    let build = |t| -> Parameters { insecure(4, t, &[47, 41], &[50], 1) };
    let (params, other) = (build(1_048_193), build(65_537));
    let key = SecretKey::generate(&params).unwrap();
    let c = Encryptor::with_secret(&key)
        .encrypt(&Encoder::new(&params).with_bound(3).encode(&[1, 2, 3]).unwrap())
        .unwrap();
    let e = Evaluator::new(&params, EvaluationKeys::none(&params)).unwrap();
    let two = Encoder::new(&other).with_bound(2).encode(&[2, 2, 2]).unwrap();
    let is_foreign =
        |error: Option<Error>| matches!(error, Some(Error::Operand(OperandError::Foreign { .. })));
    assert!(is_foreign(e.mul_plain(&c, &two).err()) && is_foreign(e.add_plain(&c, &two).err()));
    assert!(is_foreign(PreparedPlaintext::new(&params, &two, 0).err()));
    assert!(is_foreign(Encryptor::with_secret(&key).encrypt(&two).err()));
    assert!(is_foreign(Encoder::new(&params).decode(&two).err()));
    let level = params.max_level() + 1;
    assert!(PreparedPlaintext::new(&params, &Encoder::new(&params).encode(&[2]).unwrap(), level).is_err());
    let found = Decryptor::new(&key).unwrap().decrypt(&c).unwrap();
    assert_eq!(Encoder::new(&params).decode(&found).unwrap()[..3], [1, 2, 3]);
}

/// Wages of 2,000 to 3,023, of which 1,024 add up to more than t/2: an error, and right with a larger t.
#[test]
fn wages() {
    let wages: Vec<i64> = (0..1024).map(|i| 2_000 + i).collect();
    for (spec, fits) in [(Spec::n8192(), false), (Spec::n8192_wide(), true)] {
        let params = spec.build().unwrap();
        let key = SecretKey::generate(&params).unwrap();
        let encoder = Encoder::new(&params).with_bound(4_000);
        let steps: Vec<usize> = (0..10).map(|i| 1 << i).collect();
        let request = he_bfv::KeyRequest::default().rotations(&params, &steps, params.max_level());
        let e = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
        let c = Encryptor::with_secret(&key).encrypt(&encoder.encode(&wages).unwrap()).unwrap();
        match e.inner_sum(&c, 1, 1024) {
            Ok(sum) => {
                let found = Decryptor::new(&key).unwrap().decrypt(&sum).unwrap();
                assert!(fits && encoder.decode(&found).unwrap()[0] == wages.iter().sum::<i64>());
            }
            error => assert!(!fits && wraps(error, 4_096_000)),
        }
    }
}
