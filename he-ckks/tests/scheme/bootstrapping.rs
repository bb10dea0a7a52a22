//! Bootstrapping from outside: what comes back, how close, and how often.

use he_ckks::{Bootstrapper, KeyRequest, Precision, Spec};
use num_complex::Complex64;

use crate::world::{World, insecure, values, zip};

fn with_bootstrapper(spec: Spec, log_n: u32, slots: usize) -> (World, Bootstrapper) {
    let world = World::new(insecure(spec, log_n));
    let keys = world.key.bootstrap_keys(slots, &KeyRequest::default()).unwrap();
    (world, Bootstrapper::new(keys).unwrap())
}

/// Bootstraps values with no levels left, and checks the worst error; gives its ratio to the estimate.
fn refreshed(world: &World, b: &Bootstrapper, x: &[Complex64]) -> f64 {
    let low = world.evaluator.mod_switch_to(&world.encrypt(x), 3).unwrap();
    let out = b.bootstrap(&low).unwrap();
    assert_eq!((out.level(), out.scale(), out.slots()), (12, world.params.scale(12), x.len()));
    let precision = Precision::of(&world.decrypt(&out), x);
    let (worst, estimate) = ((-precision.worst).exp2(), out.estimate());
    assert!(worst < estimate.worst_error(), "an error of {worst:e}, bounded by {:e}", estimate.worst_error());
    worst / estimate.error
}

/// All values at the ends of the interval, in every pattern that could add up.
fn extremes(n: usize) -> Vec<Vec<Complex64>> {
    let [one, i] = [Complex64::new(1.0, 0.0), Complex64::i()];
    let both = (one + i) * std::f64::consts::FRAC_1_SQRT_2;
    vec![
        vec![one; n],
        vec![-one; n],
        vec![i; n],
        vec![both; n],
        vec![Complex64::default(); n],
        (0..n).map(|k| if k % 2 == 0 { one } else { -one }).collect(),
        (0..n).map(|k| if k < n / 2 { both } else { -both }).collect(),
        (0..n).map(|k| Complex64::from_polar(1.0, k as f64)).collect(),
    ]
}

#[test]
fn any_values_in_any_number_of_slots_are_refreshed() {
    for spec in [Spec::bootstrap_sparse(), Spec::bootstrap_uniform()] {
        for slots in [256, 16, 1] {
            let (world, b) = with_bootstrapper(spec.clone(), 9, slots);
            for x in extremes(slots).into_iter().chain((0..8).map(|seed| values(slots, seed))) {
                refreshed(&world, &b, &x);
            }
        }
    }
}

#[test]
fn a_second_iteration_leaves_the_errors_of_rescaling() {
    for spec in [Spec::bootstrap_sparse(), Spec::bootstrap_uniform()] {
        let (world, b) = with_bootstrapper(spec, 10, 512);
        let x = values(512, 1);
        let low = world.evaluator.mod_switch_to(&world.encrypt(&x), 3).unwrap();
        let [once, twice] = [b.bootstrap(&low).unwrap(), b.bootstrap_twice(&low).unwrap()];
        world.check("once", &once, &x, 1.0);
        world.check("twice", &twice, &x, 1.0);
        assert_eq!(twice.level(), once.level() - 1);
        let bits = |c| Precision::of(&world.decrypt(c), &x).rms;
        assert!(bits(&twice) > bits(&once) + 2.0, "{} and {} bits", bits(&once), bits(&twice));
    }
}

/// `cargo test --release -p he-ckks -- --ignored thousand`
#[test]
#[ignore = "takes minutes"]
fn a_thousand_bootstraps_do_not_fail() {
    for spec in [Spec::bootstrap_sparse(), Spec::bootstrap_uniform()] {
        let (world, b) = with_bootstrapper(spec, 12, 2048);
        let worst = (0..500).map(|seed| refreshed(&world, &b, &values(2048, seed))).fold(0.0, f64::max);
        let extreme = extremes(2048).iter().map(|x| refreshed(&world, &b, x)).fold(0.0, f64::max);
        println!("worst error {worst:.2} times the estimate; at the ends of the interval {extreme:.2}");
    }
}

#[test]
fn fewer_slots_than_the_keys_are_for_stay_fewer() {
    let (world, b) = with_bootstrapper(Spec::bootstrap_sparse(), 9, 16);
    for slots in [1, 2, 16] {
        let x: Vec<Complex64> = values(slots, 7).iter().map(|z| z * 0.25).collect();
        let out = b.bootstrap(&world.encrypt(&x)).unwrap();
        assert!(out.slots() == slots && out.estimate().bound <= 0.25);
        world.check("few", &out, &x, 6.0);
    }
}

#[test]
fn a_computation_goes_on_for_ever() {
    // The logistic map on nothing but products: nine levels, then a bootstrap, three times over.
    let (world, b) = with_bootstrapper(Spec::bootstrap_uniform(), 9, 64);
    let e = b.evaluator();
    let mut x: Vec<Complex64> =
        values(64, 3).iter().map(|z| Complex64::new(0.25 + 0.2 * z.re, 0.0)).collect();
    let mut c = world.encrypt(&x);
    for round in 0..3 {
        for _ in 0..4 {
            // x ↦ 2x(1 − x), two levels.
            let rest = e.add_const(&e.negate(&c).unwrap(), 1.0).unwrap();
            c = e.mul_integer(&e.mul(&c, &rest).unwrap(), 2).unwrap().with_bound(1.0).unwrap();
            x = zip(&x, &x, |x, _| 2.0 * x * (1.0 - x));
        }
        c = b.bootstrap(&c).unwrap();
        let precision = Precision::of(&world.decrypt(&c), &x).worst;
        assert!(precision > 18.0, "round {round}: {precision:.1} bits");
    }
}
