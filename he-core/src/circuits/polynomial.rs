//! Polynomials of a ciphertext (Paterson, Stockmeyer 1973).
//!
//! With baby powers `x, …, x^k` and giant powers `x^k, x^{2k}, x^{4k}, …` a polynomial of degree `d < k·2^m` is split
//! recursively as `p = q·x^{k·2^{m−1}} + r`, both halves of degree below `k·2^{m−1}`. With `k ≈ √(d/2)` it takes about
//! `√(2d) + log d` products, at depth `⌈log2(d + 1)⌉` or one more.

use super::Arithmetic;
use super::linear::accumulate;

/// Powers of one ciphertext, each by the product of its two halves, so that `x^i` has depth `⌈log2 i⌉`.
fn powers<V: Arithmetic>(
    evaluator: &V,
    x: &V::Ciphertext,
    count: usize,
) -> Result<Vec<V::Ciphertext>, V::Error> {
    let mut powers: Vec<V::Ciphertext> = vec![x.clone()];
    for i in 2..=count {
        let half = i / 2;
        powers.push(evaluator.mul(&powers[i - half - 1], &powers[half - 1])?);
    }
    Ok(powers)
}

/// `Σ c_i·x^i` for `coefficients = [c_0, c_1, …]`; `None` if only the constant is non-zero.
///
/// # Errors
/// Whatever the evaluator returns.
pub fn evaluate_polynomial<V: Arithmetic>(
    evaluator: &V,
    x: &V::Ciphertext,
    coefficients: &[V::Scalar],
) -> Result<Option<V::Ciphertext>, V::Error> {
    let used = coefficients.iter().rposition(|c| !evaluator.is_zero(c)).map_or(0, |i| i + 1);
    let coefficients = &coefficients[..used];
    if used < 2 {
        return Ok(None);
    }
    let degree = used - 1;
    let k = (1usize..).find(|k| 2 * k * k >= degree).unwrap_or(1).next_power_of_two();
    let baby = powers(evaluator, x, k.min(degree))?;
    let mut giants = Vec::new();
    let mut size = k;
    while size < used {
        let next = match giants.last() {
            None => baby[k - 1].clone(),
            Some(last) => evaluator.mul(last, last)?,
        };
        giants.push(next);
        size *= 2;
    }
    let value = split(evaluator, &baby, &giants, coefficients)?;
    Ok(match value {
        Value::Ciphertext(c) => Some(c),
        _ => None,
    })
}

/// A part of the polynomial: nothing, a lone constant, or a ciphertext.
enum Value<'a, V: Arithmetic> {
    Zero,
    Constant(&'a V::Scalar),
    Ciphertext(V::Ciphertext),
}

fn split<'a, V: Arithmetic>(
    evaluator: &V,
    baby: &[V::Ciphertext],
    giants: &[V::Ciphertext],
    coefficients: &'a [V::Scalar],
) -> Result<Value<'a, V>, V::Error> {
    let Some((giant, lower)) = giants.split_last() else {
        return leaf(evaluator, baby, coefficients);
    };
    let half = baby.len() << lower.len();
    if coefficients.len() <= half {
        return split(evaluator, baby, lower, coefficients);
    }
    let rest = split(evaluator, baby, lower, &coefficients[..half])?;
    let product = match split(evaluator, baby, lower, &coefficients[half..])? {
        Value::Zero => return Ok(rest),
        Value::Constant(c) => evaluator.mul_scalar(giant, c)?,
        Value::Ciphertext(quotient) => evaluator.mul(&quotient, giant)?,
    };
    Ok(Value::Ciphertext(match rest {
        Value::Zero => product,
        Value::Constant(c) => evaluator.add_scalar(&product, c)?,
        Value::Ciphertext(rest) => evaluator.add(&product, &rest)?,
    }))
}

fn leaf<'a, V: Arithmetic>(
    evaluator: &V,
    baby: &[V::Ciphertext],
    coefficients: &'a [V::Scalar],
) -> Result<Value<'a, V>, V::Error> {
    let mut sum = None;
    for (c, power) in coefficients.iter().skip(1).zip(baby) {
        if !evaluator.is_zero(c) {
            sum = Some(accumulate(evaluator, sum, evaluator.mul_scalar(power, c)?)?);
        }
    }
    let constant = coefficients.first().filter(|c| !evaluator.is_zero(c));
    Ok(match (sum, constant) {
        (Some(sum), Some(c)) => Value::Ciphertext(evaluator.add_scalar(&sum, c)?),
        (Some(sum), None) => Value::Ciphertext(sum),
        (None, Some(c)) => Value::Constant(c),
        (None, None) => Value::Zero,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Arithmetic, LinearTransform, Rotation};
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    /// Slot vectors in the clear, modulo a small prime, counting products.
    struct Clear {
        products: Cell<usize>,
    }

    const T: u64 = 257;
    type Infallible = std::convert::Infallible;

    impl Arithmetic for Clear {
        type Ciphertext = Vec<u64>;
        type Plaintext = Vec<u64>;
        type Scalar = u64;
        type Error = Infallible;
        fn add(&self, a: &Vec<u64>, b: &Vec<u64>) -> Result<Vec<u64>, Infallible> {
            Ok(a.iter().zip(b).map(|(a, b)| (a + b) % T).collect())
        }
        fn mul(&self, a: &Vec<u64>, b: &Vec<u64>) -> Result<Vec<u64>, Infallible> {
            self.products.set(self.products.get() + 1);
            self.mul_plain(a, b)
        }
        fn mul_plain(&self, a: &Vec<u64>, b: &Vec<u64>) -> Result<Vec<u64>, Infallible> {
            Ok(a.iter().zip(b).map(|(a, b)| a * b % T).collect())
        }
        fn mul_scalar(&self, a: &Vec<u64>, c: &u64) -> Result<Vec<u64>, Infallible> {
            Ok(a.iter().map(|a| a * c % T).collect())
        }
        fn add_scalar(&self, a: &Vec<u64>, c: &u64) -> Result<Vec<u64>, Infallible> {
            Ok(a.iter().map(|a| (a + c) % T).collect())
        }
        fn is_zero(&self, c: &u64) -> bool {
            *c == 0
        }
    }

    impl Rotation for Clear {
        fn rotate(&self, a: &Vec<u64>, steps: usize) -> Result<Vec<u64>, Infallible> {
            let mut a = a.clone();
            let by = steps % a.len();
            a.rotate_left(by);
            Ok(a)
        }
        fn rotate_many(&self, a: &Vec<u64>, steps: &[usize]) -> Result<Vec<Vec<u64>>, Infallible> {
            steps.iter().map(|&s| self.rotate(a, s)).collect()
        }
    }

    fn horner(coefficients: &[u64], x: u64) -> u64 {
        coefficients.iter().rev().fold(0, |value, c| (value * x + c) % T)
    }

    proptest! {
        #[test]
        fn polynomials_equal_horners_rule(coefficients in prop::collection::vec(0..T, 2..40), x in 0..T) {
            let clear = Clear { products: Cell::new(0) };
            let value = evaluate_polynomial(&clear, &vec![x], &coefficients).unwrap();
            match value {
                Some(value) => prop_assert_eq!(value, vec![horner(&coefficients, x)]),
                None => prop_assert!(coefficients[1..].iter().all(|&c| c == 0)),
            }
            let d = coefficients.len() as f64;
            prop_assert!((clear.products.get() as f64) <= 2.0 * (2.0 * d).sqrt() + d.log2() + 2.0);
        }

        #[test]
        fn transforms_equal_the_matrix_product(seed in prop::collection::vec(0..T, 64), x in prop::collection::vec(0..T, 8), baby in 1usize..9) {
            let rows: Vec<Vec<u64>> = seed.chunks(8).map(<[u64]>::to_vec).collect();
            let diagonals = LinearTransform::<Vec<u64>>::diagonals_of(&rows);
            let transform =
                LinearTransform::new(&diagonals, 8, baby, |d| Ok::<_, Infallible>(d.to_vec())).unwrap();
            let clear = Clear { products: Cell::new(0) };
            let expected: Vec<u64> =
                rows.iter().map(|row| row.iter().zip(&x).map(|(a, b)| a * b).sum::<u64>() % T).collect();
            prop_assert_eq!(transform.apply(&clear, &x).unwrap(), Some(expected));
        }
    }
}
