//! Exponents by least squares.

/// The exponent `e` of `y = c·x^e` that is closest to points, by least squares of the logarithms; none of fewer than two sizes.
pub(super) fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = logs.iter().map(|p| (p.0 - x).powi(2)).sum();
    let both: f64 = logs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    (spread > 0.0).then(|| both / spread)
}

#[test]
fn exponents_of_powers_are_found() {
    let of = |e: f64| [1.0, 2.0, 4.0, 8.0].map(|x: f64| (x, 3.0 * x.powf(e)));
    for e in [0.0, 1.0, 1.5, 2.0, -1.0] {
        assert!((exponent(&of(e)).expect("an exponent") - e).abs() < 1e-12, "{e}");
    }
    // N log N over these sizes is a little more than linear.
    let fast = [13, 14, 15, 16].map(|k: i32| (f64::from(1 << k), f64::from(k) * f64::from(1 << k)));
    assert!((exponent(&fast).expect("an exponent") - 1.1).abs() < 0.01);
    assert_eq!(exponent(&[(4.0, 1.0)]), None);
    assert_eq!(exponent(&[]), None);
}
