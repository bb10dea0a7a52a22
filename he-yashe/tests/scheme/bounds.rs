//! Public bounds: stated, followed, sent, and refused where a result may pass `t/2`.

use he_core::rlwe::OperandError;
use he_yashe::{Bound, Ciphertext, Encoder, Error};

use crate::world::{World, insecure};

fn wraps<T>(result: Result<T, Error>, expected: u64) -> bool {
    let Err(Error::Operand(OperandError::Wraps { bound, half, t, .. })) = result else { return false };
    bound == expected && half == t / 2
}

#[test]
fn bounds_follow_every_operation() {
    // 12,289 is 1 modulo 32: t/2 is 6,144.
    let world = World::new(&insecure(4, 12_289, &[45; 4], 15));
    let e = &world.evaluator;
    let of = |most: u64| Encoder::new(&world.params).with_bound(most).encode(&[most as i64, -3]).unwrap();
    let (p, a, b) = (of(20), world.encrypt(&of(10)), world.encrypt(&of(30)));
    let is = |c: Result<Ciphertext, Error>, most: u64, first: i64| {
        let c = c.unwrap();
        assert_eq!((c.bound(), world.slots(&c)[0]), (Bound::Slots { most }, first));
    };
    is(e.add(&a, &b), 40, 40);
    is(e.sub(&a, &b), 40, -20);
    is(e.negate(&a), 10, -10);
    is(e.add_plain(&a, &p), 30, 30);
    is(e.mul_const(&a, -7), 70, -70);
    is(e.mul_plain(&a, &p), 200, 200);
    is(e.mul(&a, &b), 300, 300);
    is(e.relinearize(&e.mul_lazy(&b, &b).unwrap()), 900, 900);
    is(e.rotate_rows(&a, 1), 10, -3);
    is(e.mod_switch_to(&a, 1), 10, 10);
    // One step beyond t/2.
    let large = world.encrypt(&of(6_144));
    assert!(wraps(e.add(&large, &a), 6_154) && wraps(e.sub(&a, &large), 6_154));
    assert!(wraps(e.add_plain(&large, &p), 6_164) && wraps(e.mul_const(&large, 2), 12_288));
    assert!(wraps(e.mul_plain(&large, &p), 122_880) && wraps(e.mul(&large, &a), 61_440));
    assert!(wraps(e.mul_lazy(&large, &large), 6_144 * 6_144));
    assert_eq!(world.slots(&e.negate(&large).unwrap())[0], -6_144);
    // Modulo t by name, and contagious.
    let sum = e.add(&a, &large.with_bound(Bound::Modulo).unwrap()).unwrap();
    assert!(sum.bound().is_modulo());
    assert_eq!(world.slots(&sum)[0], 6_154 - 12_289);
    // The bound is sent.
    let read = Ciphertext::from_bytes(&world.params, &b.to_bytes().unwrap()).unwrap();
    assert_eq!([read.bound(), world.decrypt(&read).bound()], [b.bound(); 2]);
}

#[test]
fn values_and_bounds_out_of_range_are_named() {
    let world = World::new(&insecure(4, 97, &[40; 3], 11));
    let encoder = Encoder::new(&world.params);
    let text = |error: Option<Error>| error.unwrap().to_string();
    assert!(
        text(encoder.clone().with_bound(5).encode(&[0, 6]).err())
            .contains("value 6 at place 1 is above the bound 5")
    );
    assert!(text(encoder.clone().with_bound(5).encode_coefficients(&[-6]).err()).contains("-6 at place 0"));
    assert!(wraps(encoder.clone().with_bound(49).encode(&[1]), 49));
    assert!(wraps(world.slots_of(&[1]).with_bound(Bound::Slots { most: 49 }), 49));
    let (one, three) = (encoder.clone().with_bound(4), encoder.clone().with_bound(2));
    let a = world.encrypt(&one.encode_coefficients(&[4]).unwrap());
    let b = world.encrypt(&three.encode_coefficients(&[2, -2, 1]).unwrap());
    let e = &world.evaluator;
    assert_eq!(e.mul(&a, &b).unwrap().bound(), Bound::Coefficients { most: 8, count: 3 });
    assert_eq!(e.mul(&b, &b).unwrap().bound(), Bound::Coefficients { most: 12, count: 5 });
    assert_eq!(e.swap_rows(&b).unwrap().bound(), Bound::Coefficients { most: 2, count: 16 });
    let slotted = world.encrypt(&three.encode(&[1]).unwrap());
    assert!(matches!(e.add(&slotted, &b), Err(Error::Operand(OperandError::Places { .. }))));
}
