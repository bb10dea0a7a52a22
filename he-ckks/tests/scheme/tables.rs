//! Integers in coefficients: refreshed, cleaned, and looked up.

use std::f64::consts::SQRT_2;

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
    for t in [0, 1, (1 << 32) + 1, usize::MAX] {
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

/// `⌊S/2^bits + 1/2⌋`.
fn rounded(s: i64, bits: u32) -> i64 {
    (s + (1 << (bits - 1))) >> bits
}

/// Sums of so many products of integers of 8 bits, of which one factor has errors of the given deviation: as slots, with the exact sums.
fn sums(slots: usize, terms: usize, deviation: f64, seed: u64) -> (Vec<Complex64>, Vec<[i64; 2]>) {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % 255) as i64 - 127
    };
    let mut normal = values(2 * slots * terms, seed).into_iter();
    let mut noisy = || {
        let (mut exact, mut error) = (0, 0.0);
        for _ in 0..terms {
            let (a, w) = (next(), next());
            exact += a * w;
            // Uniform on a disc of radius 1: of variance 1/6 a part.
            error += w as f64 * deviation * 6f64.sqrt() * normal.next().map_or(0.0, |z| z.re);
        }
        (exact, exact as f64 + error)
    };
    (0..slots)
        .map(|_| {
            let ((re, x), (im, y)) = (noisy(), noisy());
            (Complex64::new(x, y), [re, im])
        })
        .unzip()
}

#[test]
fn wide_integers_are_truncated_exactly() {
    let (world, b) = with_bootstrapper(Spec::bootstrap_uniform(), 9, 256);
    for (terms, deviation) in [(49, 0.0), (49, 1.4e-5)] {
        let (slots, exact) = sums(256, terms, deviation, 9);
        let c = world.encrypt(&slots).with_error_at_least(deviation * 74.0 * 7.0 * SQRT_2).unwrap();
        let wide = b.to_integers(&c, 1 << 20).unwrap();
        let failure = b.truncation_failure(&wide).unwrap();
        println!("error {:e}, failure 2^{failure:.0}", wide.error());
        assert!(failure < -90.0);
        let check = |c: &he_ckks::Ciphertext, bits: &dyn Fn(i64) -> i64, most: f64| {
            for (z, [re, im]) in world.decrypt(c).iter().zip(&exact) {
                let off = (z.re - bits(*re) as f64).abs().max((z.im - bits(*im) as f64).abs());
                assert!(off < most, "{z} instead of {} and {}: {off}", bits(*re), bits(*im));
            }
        };
        // 20 bits less 8, then 4 more: 8 are left.
        let once = b.truncate(&wide, 8).unwrap();
        assert_eq!(once.modulus(), 1 << 12);
        let twice = b.truncate(&once, 4).unwrap();
        let identity = Table::identity(256).unwrap();
        let found = b.look_up(&twice, &[&identity]).unwrap();
        check(&found[0], &|s| rounded(rounded(s, 8), 4), 0.01);
        // Real parts alone: the others are left out.
        let real = b.look_up(&twice.clone().real_parts(), &[&identity]).unwrap();
        let half = world.decrypt(&real[0]);
        for (z, [re, _]) in half.iter().zip(&exact) {
            assert!((z.re - rounded(rounded(*re, 8), 4) as f64).abs() < 0.01 && z.im.abs() < 1e-6, "{z}");
        }
        // Errors are measured where they stand: in units of the truncated integers.
        println!("errors {:e} {:e}", once.error(), twice.error());
        assert!(once.error() < 1.0 / 30.0 / 4.0 && twice.error() < once.error());
    }
}

#[test]
fn a_wrong_entry_of_a_table_is_found() {
    let (world, b) = with_bootstrapper(Spec::bootstrap_sparse(), 9, 256);
    let m = integers(256, 256, 3);
    let integers = b.import(in_coefficients(&world, &m, 256, 0.002), 256, 0.002).unwrap();
    let mut wrong: Vec<f64> = (0..256).map(f64::from).collect();
    wrong[m[17]] += 1.0;
    let found = world.decrypt(&b.look_up(&integers, &[&Table::new(&wrong).unwrap()]).unwrap()[0]);
    let right = expected(&m, |m| m as f64);
    let differ = |(a, b): (&Complex64, &Complex64)| a.re.round() != b.re || a.im.round() != b.im;
    let count = found.iter().zip(&right).filter(|pair| differ(*pair)).count();
    assert!((1..=20).contains(&count), "{count} slots show the wrong entry");
}

#[test]
fn results_come_in_coefficients_too() {
    let (world, b) = with_bootstrapper(Spec::bootstrap_uniform(), 9, 256);
    let m = integers(256, 16, 8);
    let integers = b.import(in_coefficients(&world, &m, 16, 0.002), 16, 0.002).unwrap();
    let square = Table::new(&(0..16).map(|m| f64::from(m * m)).collect::<Vec<_>>()).unwrap();
    let cube = Table::new(&(0..16).map(|m| f64::from(m * m * m % 32)).collect::<Vec<_>>()).unwrap();
    let both = b.look_up_in_coefficients(&integers, &[&square, &cube], 256).unwrap();
    let q = world.params.rlwe().spec().q[0] as f64;
    for (found, f) in both.iter().zip([|m: usize| m * m, |m: usize| m * m * m % 32]) {
        let phase = to_integers(&world.key.inner().phase(&b.export(found).unwrap()));
        for (x, &m) in phase.iter().zip(&m) {
            let x = i64::try_from(x).unwrap() as f64 * 256.0 / q;
            assert_eq!(x.round().rem_euclid(256.0), f(m) as f64, "{x}");
            assert!((x - x.round()).abs() < 0.01, "{x}");
        }
    }
}

#[test]
fn what_cannot_be_truncated_is_refused() {
    let (world, b) = with_bootstrapper(Spec::bootstrap_uniform(), 9, 16);
    let c = world.encrypt(&values(16, 1));
    let wide = b.to_integers(&c, 1 << 12).unwrap();
    for bits in [0, 11, 12, 70] {
        assert!(
            matches!(b.truncate(&wide, bits), Err(Error::Spec { field: "bits to truncate", .. })),
            "{bits}"
        );
    }
    let odd = b.to_integers(&c, 1000).unwrap();
    let narrow = b.to_integers(&c, 256).unwrap();
    for a in [odd, narrow] {
        assert!(matches!(b.truncate(&a, 8), Err(Error::Spec { field: "modulus of integers", .. })));
    }
    let blurred = b.to_integers(&c.with_error_at_least(0.03).unwrap(), 1 << 12).unwrap();
    let error = b.truncate(&blurred, 8).err().unwrap();
    assert!(matches!(error, Error::Indistinct { operation: "truncate", .. }), "{error}");
    assert!(b.truncation_failure(&blurred).unwrap() > -40.0);
    // Ten bits leave too few levels to go back to coefficients.
    let wide = b.to_integers(&world.encrypt(&values(16, 1)), 1 << 20).unwrap();
    assert!(matches!(b.truncate(&wide, 10), Err(Error::Operand(OperandError::LevelsUsedUp { .. }))));
    let other = with_bootstrapper(Spec::bootstrap_sparse(), 9, 16).1;
    assert!(matches!(other.truncate(&wide, 8), Err(Error::Operand(OperandError::Foreign { .. }))));
    assert!(other.truncation_failure(&wide).is_err());
}

#[test]
fn presets_for_tables_have_levels_left() {
    for spec in [Spec::tables_uniform(), Spec::tables_sparse()] {
        assert!(spec.build().unwrap().margins().iter().all(|margin| margin.bits() >= 0.0));
        let (world, b) = with_bootstrapper(spec, 9, 256);
        let m = integers(256, 256, 4);
        let slots = world.encrypt(&expected(&m, |m| m as f64));
        let wide = b.to_integers(&slots, 1 << 12).unwrap();
        let table = Table::new(&(0..256).map(|m| f64::from(m) / 256.0).collect::<Vec<_>>()).unwrap();
        let found = b.look_up(&b.to_integers(&slots, 256).unwrap(), &[&table]).unwrap().swap_remove(0);
        assert_eq!(found.level(), world.params.reserved_levels() + 3);
        world.check("table", &found, &expected(&m, |m| m as f64 / 256.0), 6.0);
        // Integers below 16 in 12 bits: their high byte, rounded.
        let high = b.truncate(&wide, 4).unwrap();
        let high = b.look_up(&high, &[&table]).unwrap().swap_remove(0);
        world.check("truncated", &high, &expected(&m, |m| ((m + 8) / 16) as f64 / 256.0), 6.0);
        // Nothing else: values as they are would need the sine series.
        let c = world.encrypt(&values(256, 1));
        assert!(matches!(b.bootstrap(&c), Err(Error::Spec { field: "terms", .. })));
    }
}
