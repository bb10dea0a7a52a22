//! Polynomials close to a function on an interval.

use serde::{Deserialize, Serialize};

use super::elementary::cos_pi;

/// The measure of closeness.
///
/// ```
/// use nn_encrypted::recipe::{Fit, FitMethod};
///
/// assert_eq!(Fit::default().method, FitMethod::LeastSquares);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitMethod {
    /// Least sum of squares over the interval.
    #[default]
    LeastSquares,
    /// Equal at the Chebyshev nodes of the interval, which keeps the largest error small.
    Chebyshev,
}

/// The coefficients, constant first, of the polynomial of a degree closest to `function` on `interval`.
///
/// Both methods expand in Chebyshev polynomials T_i; sums and products of the basic operations only, so that the
/// result is the same on every machine.
pub(crate) fn fit(
    function: impl Fn(f64) -> f64,
    degree: usize,
    interval: [f64; 2],
    method: FitMethod,
) -> Vec<f64> {
    let [low, high] = interval;
    let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
    let scaled = |t: f64| function(middle + half * t);
    let in_t = match method {
        FitMethod::Chebyshev => chebyshev(scaled, degree),
        FitMethod::LeastSquares => least_squares(scaled, degree),
    };
    substitute(&in_t, -middle / half, 1.0 / half)
}

/// The coefficients, constant first, of the polynomial of a degree with the least sum of squared differences from `function` over
/// `points` of an interval, beside a tenth as many even ones that keep it close where there are none.
pub(crate) fn fit_at(
    function: impl Fn(f64) -> f64,
    degree: usize,
    interval: [f64; 2],
    points: impl IntoIterator<Item = f64>,
) -> Vec<f64> {
    let [low, high] = interval;
    let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
    let scaled = |t: f64| function(middle + half * t);
    let mut nodes: Vec<f64> = points.into_iter().map(|z| (z - middle) / half).collect();
    let even = (nodes.len() / 10).max(10 * (degree + 1));
    nodes.extend((0..even).map(|k| (2 * k + 1) as f64 / even as f64 - 1.0));
    substitute(&orthogonal(&scaled, &nodes, degree), -middle / half, 1.0 / half)
}

/// Coefficients in powers of t of the interpolation at the nodes cos(π(2k+1) / 2(d+1)).
fn chebyshev(function: impl Fn(f64) -> f64, degree: usize) -> Vec<f64> {
    let n = degree + 1;
    let nodes: Vec<f64> = (0..n).map(|k| cos_pi((2 * k + 1) as f64 / (2 * n) as f64)).collect();
    orthogonal(&function, &nodes, degree)
}

/// Coefficients in powers of t of the best fit on a fine even grid of [-1, 1].
fn least_squares(function: impl Fn(f64) -> f64, degree: usize) -> Vec<f64> {
    const POINTS: usize = 2000;
    let nodes: Vec<f64> = (0..POINTS).map(|k| (2 * k + 1) as f64 / POINTS as f64 - 1.0).collect();
    orthogonal(&function, &nodes, degree)
}

/// Least squares on given nodes by polynomials orthogonal on them: q_0 = 1, q_{i+1} = t·q_i - (projections).
fn orthogonal(function: &impl Fn(f64) -> f64, nodes: &[f64], degree: usize) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut residual: Vec<f64> = nodes.iter().map(|&t| function(t)).collect();
    let mut basis: Vec<(Vec<f64>, Vec<f64>)> = Vec::new(); // values on the nodes, coefficients in t
    let mut result = vec![0.0; degree + 1];
    for i in 0..=degree {
        let mut next = match basis.last() {
            None => (vec![1.0; nodes.len()], vec![1.0]),
            Some((values, coefficients)) => {
                (values.iter().zip(nodes).map(|(v, t)| v * t).collect(), [&[0.0], &coefficients[..]].concat())
            }
        };
        for (values, coefficients) in basis.iter().rev().take(i.min(degree)) {
            let part = dot(&next.0, values) / dot(values, values);
            next.0.iter_mut().zip(values).for_each(|(a, b)| *a -= part * b);
            next.1.iter_mut().zip(coefficients).for_each(|(a, b)| *a -= part * b);
        }
        let part = dot(&residual, &next.0) / dot(&next.0, &next.0);
        residual.iter_mut().zip(&next.0).for_each(|(a, b)| *a -= part * b);
        result.iter_mut().zip(&next.1).for_each(|(a, b)| *a += part * b);
        basis.push(next);
    }
    result
}

/// The coefficients of `p(offset + factor·z)` in powers of z.
fn substitute(p: &[f64], offset: f64, factor: f64) -> Vec<f64> {
    let mut result = vec![0.0; p.len()];
    for &coefficient in p.iter().rev() {
        for i in (0..result.len()).rev() {
            let below = if i == 0 { 0.0 } else { result[i - 1] };
            result[i] = result[i] * offset + below * factor;
        }
        result[0] += coefficient;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::tanh;

    fn close(found: &[f64], expected: &[f64], tolerance: f64) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < tolerance), "{found:?} {expected:?}");
        assert_eq!(found.len(), expected.len());
    }

    #[test]
    fn known_cubics_of_tanh() {
        let on = |a: f64| fit(tanh, 3, [-a, a], FitMethod::LeastSquares);
        close(&on(1.5), &[0.0, 0.933, 0.0, -0.157], 1e-3);
        close(&on(2.0), &[0.0, 0.866, 0.0, -0.106], 1e-3);
    }

    #[test]
    fn polynomials_are_found_exactly() {
        let p = |z: f64| 0.5 - z + 0.25 * z * z * z;
        for method in [FitMethod::LeastSquares, FitMethod::Chebyshev] {
            close(&fit(p, 3, [-1.0, 3.0], method), &[0.5, -1.0, 0.0, 0.25], 1e-9);
            close(&fit(p, 5, [-2.0, 2.0], method), &[0.5, -1.0, 0.0, 0.25, 0.0, 0.0], 1e-9);
        }
    }

    #[test]
    fn a_polynomial_is_closest_where_the_points_are() {
        let points = || (0..1000).map(|k| 0.5 + f64::from(k % 100) / 400.0);
        let near = fit_at(tanh, 3, [-3.0, 3.0], points());
        let even = fit(tanh, 3, [-3.0, 3.0], FitMethod::LeastSquares);
        let error = |c: &[f64]| {
            let miss = |z: f64| (c.iter().rev().fold(0.0, |sum, c| sum * z + c) - tanh(z)).powi(2);
            points().map(miss).sum::<f64>()
        };
        assert!(error(&near) < error(&even) / 4.0, "{} {}", error(&near), error(&even));
        let cubic = |z: f64| 0.5 - z + 0.25 * z * z * z;
        close(&fit_at(cubic, 3, [-1.0, 3.0], points()), &[0.5, -1.0, 0.0, 0.25], 1e-9);
    }

    #[test]
    fn chebyshev_equals_the_function_at_its_nodes() {
        let c = fit(tanh, 2, [-2.0, 2.0], FitMethod::Chebyshev);
        let node = 2.0 * (3.0_f64.sqrt() / 2.0);
        assert!((c[0] + c[1] * node + c[2] * node * node - tanh(node)).abs() < 1e-12);
        assert!(c[2].abs() < 1e-12);
    }
}
