//! The softmax of real numbers.

/// `exp(z_i)/Σ exp(z_j)`, without tables: the function that the circuit approximates.
#[must_use]
pub fn exact(z: &[f64]) -> Vec<f64> {
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = z.iter().map(|z| (z - most).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}
