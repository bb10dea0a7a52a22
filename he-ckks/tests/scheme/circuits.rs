//! Transforms, polynomials and approximated functions.

use he_ckks::approximation::{ChebyshevSeries, SignComposite, functions};
use he_ckks::{Error, Evaluator, LinearTransform, Precision, Spec};
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
        for limbs in [8, 2] {
            let matrix = LinearTransform::from_rows(&world.params, &rows, limbs).unwrap();
            assert_eq!(matrix.limbs(), limbs);
            let keys = world.key.evaluation_keys(&matrix.key_request(&world.params)).unwrap();
            let evaluator = Evaluator::new(&world.params, keys).unwrap();
            let x = values(n, 8);
            let product = evaluator.transform(&matrix, &world.encrypt(&x)).unwrap();
            assert_eq!(product.limbs(), limbs - 1);
            let expected: Vec<Complex64> =
                rows.iter().map(|row| row.iter().zip(&x).map(|(a, b)| a * b).sum()).collect();
            world.check(&format!("{n} x {n}"), &product, &expected, 3.0);
        }
    }
    let [ragged, odd] =
        [vec![vec![Complex64::i(); 2], vec![Complex64::i()]], vec![vec![Complex64::i(); 3]; 3]];
    for rows in [ragged, odd, vec![]] {
        assert!(matches!(
            LinearTransform::from_rows(&world.params, &rows, 8),
            Err(Error::MatrixShape { .. })
        ));
    }
}

#[test]
fn polynomials_in_the_chebyshev_basis() {
    let world = World::new(insecure(Spec { levels: 9, ..Spec::n16384() }, 9));
    let x = reals(256, 7);
    let c = world.encrypt(&x);
    for (degree, levels) in
        [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (15, 4), (23, 5), (31, 5), (63, 6), (100, 7)]
    {
        let coefficients: Vec<Complex64> =
            values(degree + 1, degree as u64).iter().map(|c| c / (degree as f64)).collect();
        let value = world.evaluator.evaluate_chebyshev(&c, &coefficients).unwrap();
        assert_eq!(c.levels() - value.levels(), levels, "degree {degree}");
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
    for nothing in [&[][..], &[Complex64::i()], &[Complex64::i(), Complex64::default()]] {
        assert!(matches!(world.evaluator.evaluate_chebyshev(&c, nothing), Err(Error::NoOperands { .. })));
    }
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
        assert!(Precision::of(&world.decrypt(&value), &truth).worst > -bound.log2(), "{interval:?}");
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
    assert_eq!(c.levels() - value.levels(), 9);
    let expected: Vec<Complex64> = x.iter().map(|z| Complex64::new(z.re.signum(), 0.0)).collect();
    let worst = Precision::of(&world.decrypt(&value), &expected).worst;
    assert!(worst > -(sign.tolerance() + 1e-4).log2(), "{worst:.1} bits");
    // ReLU.
    let relu = world.evaluator.mul(&c, &world.evaluator.add_const(&value, 1.0).unwrap()).unwrap();
    let expected = zip(&x, &expected, |x, s| x * (s + 1.0));
    assert!(Precision::of(&world.decrypt(&relu), &expected).worst > -(sign.tolerance() + 1e-4).log2());
}
