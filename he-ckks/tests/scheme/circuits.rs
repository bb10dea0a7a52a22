//! Transforms, polynomials and approximated functions.

use he_ckks::approximation::{ChebyshevSeries, SignComposite, functions};
use he_ckks::{Error, Evaluator, LinearTransform, OperandError, Precision, Spec};
use num_complex::Complex64;

use crate::world::{World, insecure, reals, values, zip};

#[test]
fn matrices_multiply() {
    let world = World::new(insecure(Spec::n16384(), 9));
    for (n, density) in [(1usize, 1), (4, 1), (16, 1), (64, 3), (256, 5)] {
        let entries = values(n * n, 9);
        let entry = |i: usize, j: usize| {
            if (j + n - i).is_multiple_of(density) { entries[i * n + j] } else { Complex64::default() }
        };
        let rows: Vec<Vec<Complex64>> = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
        for level in [7, 1] {
            let matrix = LinearTransform::from_rows(&world.params, &rows, level).unwrap();
            assert_eq!(matrix.level(), level);
            let keys = world.key.evaluation_keys(&matrix.key_request(&world.params)).unwrap();
            let evaluator = Evaluator::new(&world.params, keys).unwrap();
            let x = values(n, 8);
            let product = evaluator.transform(&matrix, &world.encrypt(&x)).unwrap();
            assert_eq!(product.level(), level - 1);
            let expected: Vec<Complex64> =
                rows.iter().map(|row| row.iter().zip(&x).map(|(a, b)| a * b).sum()).collect();
            world.check(&format!("{n} x {n}"), &product, &expected, 6.0);
        }
    }
    // Errors that are related: those of a matrix of ones are all equal after the first time.
    let ones = vec![vec![Complex64::new(1.0, 0.0); 64]; 64];
    let mut x = values(64, 2);
    let mut c = world.encrypt(&x);
    let transforms: Vec<_> = [7, 6, 5]
        .iter()
        .map(|&level| LinearTransform::from_rows(&world.params, &ones, level).unwrap())
        .collect();
    let request =
        (transforms.iter()).fold(he_ckks::KeyRequest::default(), |r, m| r.and(&m.key_request(&world.params)));
    let evaluator = Evaluator::new(&world.params, world.key.evaluation_keys(&request).unwrap()).unwrap();
    for matrix in &transforms {
        c = evaluator.transform(matrix, &c).unwrap();
        x = vec![x.iter().sum(); 64];
        world.check("ones", &c, &x, 6.0);
    }
    let wide = world.encrypt(&values(128, 1));
    assert!(matches!(
        evaluator.transform(&transforms[0], &wide),
        Err(Error::SlotCount { found: 128, needed: 64, .. })
    ));
    let bare = insecure(Spec { special_bits: vec![], ..Spec::n16384() }, 9);
    assert!(matches!(
        LinearTransform::from_rows(&bare, &ones, 3),
        Err(Error::Operand(OperandError::NoSpecialPrimes { .. }))
    ));
    let [ragged, odd] =
        [vec![vec![Complex64::i(); 2], vec![Complex64::i()]], vec![vec![Complex64::i(); 3]; 3]];
    for rows in [ragged, odd, vec![]] {
        assert!(matches!(
            LinearTransform::from_rows(&world.params, &rows, 7),
            Err(Error::Operand(OperandError::MatrixShape { .. }))
        ));
    }
}

#[test]
fn polynomials_in_the_chebyshev_basis() {
    let world = World::new(insecure(Spec { levels: 9, ..Spec::n16384() }, 9));
    let x = reals(256, 7);
    let c = world.encrypt(&x);
    for (degree, levels) in [
        (1, 1),
        (2, 2),
        (3, 2),
        (4, 3),
        (7, 3),
        (8, 4),
        (15, 4),
        (23, 5),
        (31, 5),
        (63, 6),
        (100, 7),
        (127, 7),
        (255, 8),
        (511, 9),
    ] {
        let coefficients: Vec<Complex64> =
            values(degree + 1, degree as u64).iter().map(|c| c / (degree as f64)).collect();
        let value = world.evaluator.evaluate_chebyshev(&c, &coefficients).unwrap();
        assert_eq!(c.level() - value.level(), levels, "degree {degree}");
        let term = |k: usize, z: Complex64| coefficients[k] * (k as f64 * z.re.acos()).cos();
        let expected: Vec<Complex64> = x.iter().map(|&z| (0..=degree).map(|k| term(k, z)).sum()).collect();
        world.check(&format!("degree {degree}"), &value, &expected, 20.0);
        let precision = Precision::of(&world.decrypt(&value), &expected).rms;
        assert!(precision > 22.0, "degree {degree}: {precision:.1} bits");
    }
    // Coefficients that are zero, and a series with nothing but T_8.
    let mut lone = vec![Complex64::default(); 9];
    lone[8] = Complex64::new(0.5, 0.0);
    let expected: Vec<Complex64> =
        x.iter().map(|z| Complex64::new(0.5 * (8.0 * z.re.acos()).cos(), 0.0)).collect();
    world.check("T_8", &world.evaluator.evaluate_chebyshev(&c, &lone).unwrap(), &expected, 12.0);
    // Constants, zero among them.
    for constant in [Complex64::i(), Complex64::default()] {
        let value = world.evaluator.evaluate_chebyshev(&c, &[constant, Complex64::default()]).unwrap();
        let found = world.decrypt(&value);
        assert!(found.iter().all(|z| (z - constant).norm() < 1e-8) && value.level() == c.level() - 1);
    }
    assert!(matches!(
        world.evaluator.evaluate_chebyshev(&c, &[]),
        Err(Error::Operand(OperandError::NoOperands { .. }))
    ));
}

#[test]
fn polynomials_of_products_that_were_not_rescaled() {
    let world = World::new(insecure(Spec::n16384(), 9));
    let e = &world.evaluator;
    let x = reals(256, 3);
    let lazy = {
        let c = world.encrypt(&x);
        e.mul_lazy(&c, &c).unwrap()
    };
    for operand in [e.relinearize(&lazy).unwrap(), lazy] {
        for degree in [1, 2, 3, 5, 7] {
            let coefficients: Vec<Complex64> = values(degree + 1, 5);
            let powers =
                |z: Complex64| (0..=degree).map(|k| coefficients[k] * z.powu(k as u32)).sum::<Complex64>();
            let expected: Vec<Complex64> = x.iter().map(|&z| powers(z * z)).collect();
            world.check("powers", &e.evaluate_powers(&operand, &coefficients).unwrap(), &expected, 12.0);
            let term = |k: usize, z: f64| coefficients[k] * (k as f64 * z.acos()).cos();
            let expected: Vec<Complex64> =
                x.iter().map(|z| (0..=degree).map(|k| term(k, z.re * z.re)).sum()).collect();
            world.check(
                "Chebyshev",
                &e.evaluate_chebyshev(&operand, &coefficients).unwrap(),
                &expected,
                12.0,
            );
        }
    }
    // A scale that belongs to no level.
    let c = world.encrypt(&x);
    let strange = e.rescale(&c).unwrap();
    assert!(matches!(e.evaluate_powers(&strange, &[Complex64::i(); 3]), Err(Error::Scales { .. })));
}

#[test]
fn functions_on_an_interval() {
    let world = World::new(insecure(Spec { levels: 8, ..Spec::n16384() }, 9));
    type Case = (fn(f64) -> f64, (f64, f64), usize);
    let cases: [Case; 5] = [
        (functions::sigmoid, (-8.0, 8.0), 31),
        (functions::tanh, (-2.0, 2.0), 15),
        (functions::exp, (-1.0, 1.0), 15),
        (functions::gelu, (-4.0, 4.0), 31),
        (functions::inverse, (0.5, 2.5), 31),
    ];
    for (f, interval, degree) in cases {
        let series = ChebyshevSeries::interpolate(f, interval, degree).unwrap();
        let (low, high) = interval;
        let x: Vec<Complex64> = reals(256, 5)
            .iter()
            .map(|z| Complex64::new(f64::midpoint(low, high) + z.re * (high - low) / 2.0, 0.0))
            .collect();
        let shift = if low > 0.0 { low } else { 0.0 };
        // Where the interval does not hold 0, the bound of the values says nothing of its lower end.
        let moved: Vec<Complex64> = x.iter().map(|z| z - shift).collect();
        let c = world.evaluator.add_const(&world.encrypt(&moved), shift).unwrap();
        let c = c.with_bound(low.abs().max(high)).unwrap();
        let value = world.evaluator.evaluate_series(&c, &series).unwrap();
        let exact: Vec<Complex64> =
            x.iter().map(|z| Complex64::new(series.simulate(z.re).unwrap(), 0.0)).collect();
        let precision = Precision::of(&world.decrypt(&value), &exact);
        assert!(precision.rms > 20.0, "{interval:?}: {:.1} bits of the series", precision.rms);
        let truth: Vec<Complex64> = x.iter().map(|z| Complex64::new(f(z.re), 0.0)).collect();
        let bound = series.max_error(f, 1000) + 1e-5;
        let worst = Precision::of(&world.decrypt(&value), &truth).worst;
        assert!(worst > -bound.log2(), "{interval:?}: {worst:.1} bits");
        // The estimate is of the root mean square.
        let estimate = value.estimate().bits();
        assert!(estimate < precision.rms + 0.5, "{interval:?}: {estimate:.1}, {:.1} bits", precision.rms);
    }
}

#[test]
fn signs_by_composition() {
    let world = World::new(insecure(Spec { levels: 12, ..Spec::n32768() }, 9));
    let sign = SignComposite::new(1.0 / 32.0, &[7, 7, 7]).unwrap();
    let x: Vec<Complex64> = reals(256, 4)
        .iter()
        .map(|z| Complex64::new(z.re.signum() * (1.0 / 32.0 + z.re.abs() * 0.96), 0.0))
        .collect();
    let c = world.encrypt(&x);
    let value = world.evaluator.evaluate_sign(&c, &sign).unwrap();
    assert_eq!(c.level() - value.level(), 9);
    let expected: Vec<Complex64> = x.iter().map(|z| Complex64::new(z.re.signum(), 0.0)).collect();
    let worst = Precision::of(&world.decrypt(&value), &expected).worst;
    assert!(worst > -(sign.tolerance() + 1e-4).log2(), "{worst:.1} bits");
    // ReLU.
    let relu = world.evaluator.mul(&c, &world.evaluator.add_const(&value, 1.0).unwrap()).unwrap();
    let expected = zip(&x, &expected, |x, s| x * (s + 1.0));
    assert!(Precision::of(&world.decrypt(&relu), &expected).worst > -(sign.tolerance() + 1e-4).log2());
}
