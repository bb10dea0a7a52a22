//! Precision of values against those expected.

use num_complex::Complex64;

/// Errors of slots, in bits after the binary point: `−log2` of an absolute error.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// let found = Precision::of_real(&[1.0, 2.25], &[1.0, 2.0]);
/// assert_eq!((found.mean, found.worst), (3.0, 2.0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// Bits of the root mean square of the complex errors.
    pub rms: f64,
    /// Bits of the mean of the errors' magnitudes.
    pub mean: f64,
    /// Bits of the largest error.
    pub worst: f64,
}

impl Precision {
    /// Compares values with those expected, as far as both go; infinite where all are equal, and not a number for none.
    pub fn of(values: &[Complex64], expected: &[Complex64]) -> Self {
        let errors: Vec<f64> = values.iter().zip(expected).map(|(a, b)| (a - b).norm()).collect();
        let count = errors.len() as f64;
        let square = errors.iter().map(|e| e * e).sum::<f64>() / count;
        Self {
            rms: -square.sqrt().log2(),
            mean: -(errors.iter().sum::<f64>() / count).log2(),
            worst: -errors
                .iter()
                .copied()
                .fold(if errors.is_empty() { f64::NAN } else { 0.0 }, f64::max)
                .log2(),
        }
    }

    /// Compares real values with those expected.
    pub fn of_real(values: &[f64], expected: &[f64]) -> Self {
        let complex = |values: &[f64]| values.iter().map(|&x| Complex64::new(x, 0.0)).collect::<Vec<_>>();
        Self::of(&complex(values), &complex(expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_errors() {
        let found = Precision::of_real(&[1.0, 2.25, 3.0, 4.25], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!((found.mean, found.worst), (3.0, 2.0));
        assert!((found.rms - 2.5).abs() < 1e-12);
        assert_eq!(Precision::of(&[Complex64::i()], &[Complex64::i()]).worst, f64::INFINITY);
        assert!(Precision::of_real(&[], &[]).worst.is_nan());
    }
}
