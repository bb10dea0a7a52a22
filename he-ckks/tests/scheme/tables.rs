//! Integers in coefficients: refreshed, cleaned, and looked up.

use he_ckks::bootstrap::Table;
use he_ckks::{Bootstrapper, Error, KeyRequest, OperandError, Spec};
use he_core::ring::rns::to_integers;
use he_core::ring::sample::{Gaussian, Prng};
use he_core::rlwe;
use num_complex::Complex64;

use crate::world::{World, insecure, values};

fn with_bootstrapper(spec: Spec, log_n: u32, slots: usize) -> (World, Bootstrapper) {
    let world = World::new(insecure(spec, log_n));
    let keys = world.key.bootstrap_keys(slots, &KeyRequest::default()).unwrap();
    (world, Bootstrapper::new(keys).unwrap())
}

/// Integers modulo `t` from a seed, two for each slot.
fn integers(slots: usize, t: usize, seed: u64) -> Vec<usize> {
    let parts = values(slots, seed).into_iter().flat_map(|z| [z.re, z.im]);
    parts.map(|x| ((x.abs() * 1e6) as usize) % t).collect()
}

/// The integers in coefficients over the first prime, as far apart as the ring of fewer slots has them, with errors of the given
/// deviation in units of their distance.
fn in_coefficients(world: &World, m: &[usize], t: usize, deviation: f64) -> rlwe::Ciphertext {
    let (params, n) = (world.params.rlwe(), world.params.n());
    let unit = params.spec().q[0] as f64 / t as f64;
    // From a seed: the mean square of a few errors' squares is any number.
    let mut errors = Prng::from_seed(&[t as u8; 32]);
    let mut message = vec![0i64; n];
    // Wider than is drawn at once: multiples.
    let step = (1u64 << 20) as f64;
    Gaussian::new(step).unwrap().sample(&mut errors, &mut message);
    message.iter_mut().for_each(|e| *e *= (deviation * unit / step).round() as i64);
    let (gap, half) = (n / m.len(), params.spec().q[0] as i64);
    for (c, &m) in message.iter_mut().step_by(gap).zip(m) {
        *c += (m as f64 * unit).round() as i64;
    }
    let centred = |c: i64| if c > half / 2 { c - half } else { c };
    let message: Vec<i64> = message.into_iter().map(centred).collect();
    world.key.inner().encrypt(1, &message, &mut Prng::from_os().unwrap()).expand()
}

/// `f` of the integers, where the slots of a result have them.
fn expected(m: &[usize], f: impl Fn(usize) -> f64) -> Vec<Complex64> {
    let slots = m.len() / 2;
    let reversed = |j: usize| if slots == 1 { 0 } else { j.reverse_bits() >> (64 - slots.trailing_zeros()) };
    (0..slots).map(reversed).map(|r| Complex64::new(f(m[r]), f(m[r + slots]))).collect()
}

#[test]
fn tables_are_exact_and_errors_leave_with_their_square() {
    for (spec, slots) in
        [(Spec::bootstrap_sparse(), 256), (Spec::bootstrap_uniform(), 256), (Spec::bootstrap_sparse(), 8)]
    {
        let (world, b) = with_bootstrapper(spec, 9, slots);
        for (t, deviation) in [(2, 0.03), (3, 0.02), (16, 0.01), (17, 0.0), (256, 0.002)] {
            let m = integers(slots, t, t as u64);
            let integers = b.import(in_coefficients(&world, &m, t, deviation), t, deviation).unwrap();
            let odd = |m: usize| f64::from(u8::from(m % 3 == 1)) * 2.0 - 1.0;
            let ramp = |m: usize| m as f64 / t as f64;
            let tables = [odd, |_| 0.25].map(|f| Table::new(&(0..t).map(f).collect::<Vec<_>>()).unwrap());
            let ramp_table = Table::new(&(0..t).map(ramp).collect::<Vec<_>>()).unwrap();
            let found = b.look_up(&integers, &[&tables[0], &tables[1], &ramp_table]).unwrap();
            let all: [&dyn Fn(usize) -> f64; 3] = [&odd, &|_| 0.25, &ramp];
            for (c, f) in found.iter().zip(all) {
                assert_eq!(c.level(), world.params.max_level() - tables[0].levels());
                world.check(&format!("modulo {t}"), c, &expected(&m, f), 20.0);
                let worst = world
                    .decrypt(c)
                    .iter()
                    .zip(expected(&m, f))
                    .map(|(a, b)| (a - b).norm())
                    .fold(0.0, f64::max);
                assert!(worst < 0.2, "modulo {t}: {worst}");
                if deviation == 0.0 {
                    assert!(worst < 1e-4, "modulo {t}: {worst}");
                }
            }
        }
    }
}

#[test]
fn integers_stay_for_ever() {
    let (world, b) = with_bootstrapper(Spec::bootstrap_uniform(), 9, 32);
    let t = 16;
    let m = integers(32, t, 1);
    let centred = |m: usize| m as f64 - if 2 * m >= t { t as f64 } else { 0.0 };
    let exact = expected(&m, centred);
    let mut c = world.encrypt(&exact);
    for round in 0..8 {
        // Anew in every round.
        let noise: Vec<Complex64> = values(32, round).iter().map(|z| z * 0.005).collect();
        let plaintext = world.encoder.encode_complex_in(&noise, 32).unwrap();
        c = world.evaluator.add_plain(&c, &plaintext).unwrap();
        c = b.bootstrap_integers(&c, t).unwrap();
        let rounded =
            world.decrypt(&c).iter().map(|z| Complex64::new(z.re.round(), z.im.round())).collect::<Vec<_>>();
        assert_eq!(rounded, exact, "round {round}");
        let left = world.decrypt(&c).iter().zip(&exact).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
        assert!(left < 0.002, "round {round}: {left} is left of 0.005");
    }
}

#[test]
fn what_is_imported_is_exported() {
    let (world, b) = with_bootstrapper(Spec::bootstrap_sparse(), 9, 256);
    let (t, q) = (16, world.params.rlwe().spec().q[0]);
    let m = integers(256, t, 5);
    let read = |c: &rlwe::Ciphertext| -> Vec<usize> {
        let phase = to_integers(&world.key.inner().phase(c));
        let nearest = |x: &num_bigint::BigInt| {
            let x = i64::try_from(x).unwrap() as f64 * t as f64 / q as f64;
            assert!((x - x.round()).abs() < 0.01, "{x}");
            x.round().rem_euclid(t as f64) as usize
        };
        phase.iter().map(nearest).collect()
    };
    let there = b.import(in_coefficients(&world, &m, t, 1e-6), t, 1e-6).unwrap();
    assert_eq!(read(&b.export(&there).unwrap()), m);
    // From slots: the order is the same as that of what is looked up.
    let slots = world.encrypt(&expected(&m, |m| m as f64));
    let integers = b.to_integers(&slots, t).unwrap();
    assert_eq!(read(&b.export(&integers).unwrap()), m);
    assert!(integers.error() < 1e-3 && integers.modulus() == t);
}

#[test]
fn integers_that_cannot_be_told_apart_are_refused() {
    let (world, b) = with_bootstrapper(Spec::bootstrap_sparse(), 9, 16);
    let m = vec![1; 32];
    let error = b.import(in_coefficients(&world, &m, 16, 0.1), 16, 0.1).err().unwrap();
    assert!(matches!(error, Error::Indistinct { operation: "integers", modulus: 16, .. }), "{error}");
    assert!(error.to_string().contains("smaller modulus"), "{error}");
    let c = world.encrypt(&values(16, 1));
    for t in [0, 1, 257, 100_000] {
        assert!(matches!(b.to_integers(&c, t), Err(Error::Spec { field: "modulus of integers", .. })), "{t}");
    }
    let low = world.evaluator.mod_switch_to(&c, 3).unwrap();
    assert!(matches!(
        b.to_integers(&low, 4),
        Err(Error::Operand(OperandError::LevelsUsedUp { needed: 4, present: 3, .. }))
    ));
    let integers = b.to_integers(&c, 4).unwrap();
    let [four, five] = [4, 5].map(|t| Table::identity(t).unwrap());
    assert!(matches!(b.look_up(&integers, &[&four, &five]), Err(Error::Spec { .. })));
    assert!(matches!(b.look_up(&integers, &[]), Err(Error::Operand(OperandError::NoOperands { .. }))));
    // Nothing but zeros, beside another.
    let nothing = Table::new(&[0.0; 4]).unwrap();
    let found = b.look_up(&integers, &[&nothing, &four]).unwrap();
    assert!(world.decrypt(&found[0]).iter().all(|z| z.norm() < 1e-6));
    for values in [&[][..], &[1.0], &[1.0, f64::NAN], &[0.0; 1025]] {
        assert!(Table::new(values).is_err());
    }
    assert!(Table::identity(1).is_err() && Table::identity(2000).is_err());
    let other = World::new(insecure(Spec::bootstrap_uniform(), 9));
    assert!(matches!(
        b.import(in_coefficients(&other, &m, 16, 0.0), 16, 0.0),
        Err(Error::Operand(OperandError::Foreign { .. }))
    ));
    let two = world.key.inner().encrypt(2, &vec![0; 512], &mut Prng::from_os().unwrap()).expand();
    assert!(matches!(
        b.import(two, 16, 0.0),
        Err(Error::Operand(OperandError::Level { wanted: 0, present: 1, .. }))
    ));
    // More levels than there are.
    let large = Table::identity(1024).unwrap();
    let fine = b.import(in_coefficients(&world, &m, 1024, 0.0), 1024, 1e-6).unwrap();
    assert!(b.look_up(&fine, &[&large]).is_ok());
}
