//! Numbers n / 2^k and polynomials with such coefficients.

use serde::{Serialize, Serializer};

/// The number `numerator / 2^bits` in lowest terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dyadic {
    numerator: i64,
    bits: u32,
}

impl Dyadic {
    /// The most fractional bits a number of a recipe may have.
    pub const MAX_BITS: u32 = 30;

    /// `numerator / 2^bits`, reduced.
    pub fn new(numerator: i64, bits: u32) -> Self {
        let common = if numerator == 0 { bits } else { numerator.trailing_zeros().min(bits) };
        Self { numerator: numerator.checked_shr(common).unwrap_or(0), bits: bits - common }
    }

    /// The numerator; odd unless `bits` is 0.
    pub fn numerator(self) -> i64 {
        self.numerator
    }

    /// The logarithm of the denominator.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// The number.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / 2_f64.powi(self.bits as i32)
    }

    /// The number a float is, if it is one of few enough bits.
    pub fn from_f64(value: f64) -> Option<Self> {
        let scaled = value * f64::from(1_u32 << Self::MAX_BITS);
        let exact = scaled.fract() == 0.0 && scaled.abs() < 2_f64.powi(53);
        exact.then(|| Self::new(scaled as i64, Self::MAX_BITS))
    }

    /// Reads `7/8`, `2^-3` or `0.875`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((numerator, denominator)) = text.split_once('/') {
            let denominator: u64 = denominator.trim().parse().ok()?;
            let numerator: i64 = numerator.trim().parse().ok()?;
            let exact = denominator.is_power_of_two() && numerator.unsigned_abs() < 1 << 53;
            return Self::from_f64(numerator as f64 / denominator as f64).filter(|_| exact);
        }
        if let Some(exponent) = text.strip_prefix("2^") {
            let exponent: i32 = exponent.trim().parse().ok()?;
            return Self::from_f64(2_f64.powi(exponent));
        }
        Self::from_f64(text.parse().ok()?)
    }
}

impl std::fmt::Display for Dyadic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.bits {
            0 => write!(f, "{}", self.numerator),
            bits => write!(f, "{}/{}", self.numerator, 1_u64 << bits),
        }
    }
}

impl Serialize for Dyadic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

/// `p(z) = Σ coefficients[i]·z^i / 2^fraction_bits`: a polynomial over the reals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polynomial {
    coefficients: Vec<i64>,
    fraction_bits: u32,
}

impl Polynomial {
    /// The polynomial with these coefficients, constant first; leading zeros and common twos are removed.
    pub fn new(coefficients: Vec<i64>, fraction_bits: u32) -> Self {
        let (coefficients, fraction_bits) = reduced(coefficients, fraction_bits);
        Self { coefficients, fraction_bits }
    }

    /// The polynomial with real coefficients rounded to `fraction_bits`.
    pub fn rounded(coefficients: &[f64], fraction_bits: u32) -> Self {
        let unit = 2_f64.powi(fraction_bits as i32);
        Self::new(coefficients.iter().map(|c| (c * unit).round() as i64).collect(), fraction_bits)
    }

    /// The polynomial with dyadic coefficients, constant first.
    pub fn from_dyadic(coefficients: &[Dyadic]) -> Self {
        let bits = coefficients.iter().map(|c| c.bits).max().unwrap_or(0);
        Self::new(coefficients.iter().map(|c| c.numerator << (bits - c.bits)).collect(), bits)
    }

    /// Its coefficients as real numbers, constant first.
    pub fn to_real(&self) -> Vec<f64> {
        let unit = 2_f64.powi(self.fraction_bits as i32);
        self.coefficients.iter().map(|&c| c as f64 / unit).collect()
    }

    /// The degree; 0 for a constant.
    pub fn degree(&self) -> usize {
        self.coefficients.len() - 1
    }

    /// The value at `z`.
    pub fn value(&self, z: f64) -> f64 {
        let sum = self.coefficients.iter().rev().fold(0.0, |sum, &c| sum * z + c as f64);
        sum / 2_f64.powi(self.fraction_bits as i32)
    }

    /// The derivative at `z`.
    pub fn derivative_value(&self, z: f64) -> f64 {
        let terms = self.coefficients.iter().enumerate().skip(1).rev();
        terms.fold(0.0, |sum, (i, &c)| sum * z + i as f64 * c as f64) / 2_f64.powi(self.fraction_bits as i32)
    }

    /// This polynomial on integers that have `input_bits` fractional bits.
    ///
    /// Returns `None` if a coefficient does not fit 62 bits.
    pub fn on_fixed_point(&self, input_bits: u32) -> Option<DyadicPolynomial> {
        let degree = self.degree() as u32;
        let scaled =
            self.coefficients.iter().zip(0..).map(|(&c, i)| shift_left(c, input_bits * (degree - i)));
        let bits = self.fraction_bits + degree * input_bits;
        Some(DyadicPolynomial::new(scaled.collect::<Option<_>>()?, bits))
    }
}

/// A polynomial on integers: `P(Z) = Σ coefficients_int[i]·Z^i` has `fraction_bits` fractional bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DyadicPolynomial {
    /// The coefficients, constant first, all scaling folded in.
    pub coefficients_int: Vec<i64>,
    /// Fractional bits of the result.
    pub fraction_bits: u32,
}

impl DyadicPolynomial {
    /// The polynomial in lowest terms: no leading zero, no power of two common to all coefficients.
    pub fn new(coefficients_int: Vec<i64>, fraction_bits: u32) -> Self {
        let (coefficients_int, fraction_bits) = reduced(coefficients_int, fraction_bits);
        Self { coefficients_int, fraction_bits }
    }

    /// The degree; 0 for a constant.
    pub fn degree(&self) -> usize {
        self.coefficients_int.len() - 1
    }

    /// The exact derivative by the real argument, whose integers have `input_bits` fractional bits.
    ///
    /// Returns `None` if a coefficient does not fit 62 bits.
    pub fn derivative(&self, input_bits: u32) -> Option<Self> {
        let missing = input_bits.saturating_sub(self.fraction_bits);
        let terms = self.coefficients_int.iter().zip(0..).skip(1);
        let coefficients = terms.map(|(&c, i): (_, i64)| shift_left(c.checked_mul(i)?, missing));
        Some(Self::new(coefficients.collect::<Option<_>>()?, self.fraction_bits + missing - input_bits))
    }

    /// The value at an integer; `None` on overflow.
    pub fn value(&self, z: i64) -> Option<i64> {
        self.coefficients_int.iter().rev().try_fold(0_i64, |sum, &c| sum.checked_mul(z)?.checked_add(c))
    }
}

fn shift_left(value: i64, bits: u32) -> Option<i64> {
    let limit = 1_i128 << 62;
    let wide = if bits < 63 { i128::from(value) << bits } else { i128::from(value.signum()) * limit };
    (wide.abs() < limit).then_some(wide as i64)
}

/// Lowest terms: at least one coefficient, no leading zeros, no common factor of two.
fn reduced(mut coefficients: Vec<i64>, fraction_bits: u32) -> (Vec<i64>, u32) {
    while coefficients.len() > 1 && coefficients.last() == Some(&0) {
        coefficients.pop();
    }
    if coefficients.is_empty() {
        coefficients.push(0);
    }
    let twos = coefficients.iter().filter(|&&c| c != 0).map(|c| c.trailing_zeros()).min();
    let common = twos.unwrap_or(fraction_bits).min(fraction_bits);
    (coefficients.into_iter().map(|c| c.checked_shr(common).unwrap_or(0)).collect(), fraction_bits - common)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn on_4_bits(coefficients: &[i64], bits: u32) -> [(Vec<i64>, u32); 2] {
        let p = Polynomial::new(coefficients.to_vec(), bits).on_fixed_point(4).unwrap();
        let d = p.derivative(4).unwrap();
        [(p.coefficients_int, p.fraction_bits), (d.coefficients_int, d.fraction_bits)]
    }

    #[test]
    fn known_forms() {
        assert_eq!(on_4_bits(&[0, 1], 0), [(vec![0, 1], 4), (vec![1], 0)]); // identity
        assert_eq!(on_4_bits(&[0, 0, 1], 0), [(vec![0, 0, 1], 8), (vec![0, 1], 3)]); // square
        assert_eq!(on_4_bits(&[0, 2, 1], 2), [(vec![0, 32, 1], 10), (vec![16, 1], 5)]); // z/2 + z²/4
        assert_eq!(on_4_bits(&[0, 8, 0, -1], 3), [(vec![0, 2048, 0, -1], 15), (vec![2048, 0, -3], 11)]);
        assert_eq!(on_4_bits(&[3], 1), [(vec![3], 1), (vec![0], 0)]); // a constant
        assert_eq!(on_4_bits(&[0, 64], 0), [(vec![0, 4], 0), (vec![64], 0)]); // 64z needs no fraction
    }

    #[test]
    fn dyadic_numbers_in_all_notations() {
        for (text, numerator, bits) in
            [("7/8", 7, 3), ("2^-3", 1, 3), ("0.875", 7, 3), ("6/4", 3, 1), ("2", 2, 0)]
        {
            let d = Dyadic::parse(text).unwrap();
            assert_eq!((d.numerator(), d.bits()), (numerator, bits), "{text}");
            assert_eq!(Dyadic::parse(&d.to_string()), Some(d));
        }
        for text in ["0.1", "1/3", "1/0", "x", "", "1/4294967296", "2^-31", "nan", "inf"] {
            assert_eq!(Dyadic::parse(text), None, "{text}");
        }
        assert_eq!(Dyadic::new(0, 9), Dyadic::new(0, 0));
    }

    proptest! {
        #[test]
        fn integers_equal_the_reals(
            c in proptest::collection::vec(-200_i64..200, 1..7), bits in 0_u32..8, input in 0_u32..7, z in -300_i64..300,
        ) {
            let p = Polynomial::new(c, bits);
            let q = p.on_fixed_point(input).unwrap();
            let real = z as f64 / 2_f64.powi(input as i32);
            let value = q.value(z).unwrap() as f64 / 2_f64.powi(q.fraction_bits as i32);
            prop_assert!((value - p.value(real)).abs() <= 1e-9 * value.abs().max(1.0));
            let d = q.derivative(input).unwrap();
            let slope = d.value(z).unwrap() as f64 / 2_f64.powi(d.fraction_bits as i32);
            prop_assert!((slope - p.derivative_value(real)).abs() <= 1e-9 * slope.abs().max(1.0));
            prop_assert!(d.fraction_bits == 0 || d.coefficients_int.iter().any(|c| c % 2 != 0));
        }
    }
}
