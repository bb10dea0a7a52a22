//! Primes `q ≡ 1 (mod step)` and canonical roots of unity modulo them.
//!
//! A prime `q ≡ 1 (mod 2n)` has an element `psi` with `psi^n = -1`, a primitive `2n`-th root of unity, so
//! `X^n + 1` splits into linear factors modulo `q`. Primality is decided, not guessed: Miller-Rabin with the
//! first twelve primes as bases has no counterexample below `2^64` (Sorenson and Webster, 2015).

use thiserror::Error;

use crate::modulus::Modulus;

/// A prime search that cannot succeed.
#[derive(Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrimeError {
    /// There are too few primes of the wanted form.
    #[error("found {found} primes below {limit} congruent to 1 modulo {step}, but {wanted} are needed")]
    NotEnough {
        /// The exclusive upper bound of the search.
        limit: u64,
        /// The primes are congruent to 1 modulo this.
        step: u64,
        /// How many there are.
        found: usize,
        /// How many were asked for.
        wanted: usize,
    },
    /// The step is zero.
    #[error("a prime search needs a step of at least 1, not 0")]
    ZeroStep,
}

const WITNESSES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// Whether `x` is prime; exact for every word.
pub fn is_prime(x: u64) -> bool {
    if x < 2 {
        return false;
    }
    for p in WITNESSES {
        if x.is_multiple_of(p) {
            return x == p;
        }
    }
    let twos = (x - 1).trailing_zeros();
    let odd = (x - 1) >> twos;
    // Moduli above 2^62 have no Barrett constants and take the slow remainder.
    match Modulus::new(x) {
        Ok(m) => WITNESSES.iter().all(|&a| passes(x, odd, twos, m.reduce(a), |a, b| m.mul(a, b))),
        Err(_) => WITNESSES
            .iter()
            .all(|&a| passes(x, odd, twos, a, |a, b| (u128::from(a) * u128::from(b) % u128::from(x)) as u64)),
    }
}

/// One Miller-Rabin round for `x - 1 = odd * 2^twos`.
fn passes(x: u64, odd: u64, twos: u32, base: u64, mul: impl Fn(u64, u64) -> u64) -> bool {
    let (mut power, mut square, mut rest) = (1, base, odd);
    while rest > 0 {
        if rest & 1 == 1 {
            power = mul(power, square);
        }
        square = mul(square, square);
        rest >>= 1;
    }
    if power == 1 || power == x - 1 {
        return true;
    }
    for _ in 1..twos {
        power = mul(power, power);
        if power == x - 1 {
            return true;
        }
    }
    false
}

/// The `count` largest primes below `limit` congruent to 1 modulo `step`, in descending order.
///
/// # Errors
/// If `step` is 0 or there are fewer such primes.
pub fn primes_below(limit: u64, step: u64, count: usize) -> Result<Vec<u64>, PrimeError> {
    if step == 0 {
        return Err(PrimeError::ZeroStep);
    }
    let mut found = Vec::new();
    // The largest candidate is the largest number ≡ 1 (mod step) below the limit.
    let mut candidate = (limit > 1).then(|| limit - 1 - (limit - 2) % step);
    while let Some(x) = candidate
        && found.len() < count
    {
        if is_prime(x) {
            found.push(x);
        }
        candidate = x.checked_sub(step);
    }
    if found.len() < count {
        return Err(PrimeError::NotEnough { limit, step, found: found.len(), wanted: count });
    }
    Ok(found)
}

/// The primes congruent to 1 modulo `step` in the order of their distance from `center`, above first at equal
/// distance.
///
/// The sequence ends when both sides are exhausted; a `step` of 0 counts as 1.
pub fn primes_around(center: u64, step: u64) -> impl Iterator<Item = u64> {
    let step = step.max(1);
    let below = (center > 0).then(|| center - (center - 1) % step);
    // The candidate at or below the centre belongs to the lower side, so the upper side starts one step
    // higher.
    let above = match below {
        Some(x) => x.checked_add(step),
        None => Some(1),
    };
    let mut lower = progression(below, move |x| x.checked_sub(step)).peekable();
    let mut upper = progression(above, move |x| x.checked_add(step)).peekable();
    std::iter::from_fn(move || match (lower.peek(), upper.peek()) {
        (Some(&low), Some(&high)) if center - low < high - center => lower.next(),
        (Some(_), None) => lower.next(),
        _ => upper.next(),
    })
}

/// The primes of an arithmetic progression.
fn progression(start: Option<u64>, step: impl Fn(&u64) -> Option<u64>) -> impl Iterator<Item = u64> {
    std::iter::successors(start, step).filter(|&x| is_prime(x))
}

/// The canonical primitive `2n`-th root of unity modulo a prime `q`, for `n` a power of two; `None` if there
/// is none.
///
/// It is `g^((q-1)/2n)` for the least `g >= 2` that makes this a primitive root: a function of `q` and `n`
/// alone, the same in every version and on every machine, because data in evaluation form depends on it.
pub fn primitive_root_2n(q: &Modulus, n: usize) -> Option<u64> {
    /// Half of all `g` succeed modulo a prime, so a longer search only happens for composite moduli.
    const SEARCH: u64 = 1 << 10;
    let n = u64::try_from(n).ok().filter(|n| n.is_power_of_two() && *n < 1 << 62)?;
    let order = q.value() - 1;
    if !order.is_multiple_of(2 * n) {
        return None;
    }
    (2..q.value().min(SEARCH)).map(|g| q.pow(g, order / (2 * n))).find(|&root| q.pow(root, n) == order)
}

crate::debug_as_displayed!(PrimeError);

#[cfg(test)]
mod tests {
    use super::*;

    fn is_prime_by_division(x: u64) -> bool {
        x >= 2 && (2..).take_while(|d| d * d <= x).all(|d| !x.is_multiple_of(d))
    }

    #[test]
    fn primality_matches_trial_division() {
        for x in (0..20_000).chain((1 << 32) - 300..(1 << 32) + 300) {
            assert_eq!(is_prime(x), is_prime_by_division(x), "{x}");
        }
    }

    #[test]
    fn primality_of_hard_words() {
        // Strong pseudoprimes to the first bases, Mersenne numbers and the ends of the range.
        for composite in [2047, 3_215_031_751, 3_825_123_056_546_413_051, (1 << 61) + 1, u64::MAX] {
            assert!(!is_prime(composite), "{composite}");
        }
        for prime in [(1 << 61) - 1, 18_446_744_073_709_551_557, (1 << 31) - 1, (1 << 62) - 57] {
            assert!(is_prime(prime), "{prime}");
        }
    }

    #[test]
    fn primes_below_are_the_largest() {
        let (limit, step) = (10_000, 32);
        let expected: Vec<u64> =
            (2..limit).rev().filter(|x| x % step == 1 && is_prime_by_division(*x)).collect();
        assert_eq!(primes_below(limit, step, expected.len()), Ok(expected.clone()));
        let wanted = expected.len() + 1;
        assert_eq!(
            primes_below(limit, step, wanted),
            Err(PrimeError::NotEnough { limit, step, found: expected.len(), wanted })
        );
        assert_eq!(primes_below(100, 0, 1), Err(PrimeError::ZeroStep));
        assert_eq!(primes_below(0, 8, 0), Ok(vec![]));
        // The limit itself is excluded and one below it is not.
        assert_eq!(
            primes_below(97, 32, 1),
            Err(PrimeError::NotEnough { limit: 97, step: 32, found: 0, wanted: 1 })
        );
        assert_eq!(primes_below(98, 32, 1), Ok(vec![97]));
    }

    #[test]
    fn primes_around_are_sorted_by_distance() {
        for center in [5_000_u64, 97, 4_993, 1, 0] {
            let mut expected: Vec<u64> =
                (2..20_000).filter(|x| x % 32 == 1 && is_prime_by_division(*x)).collect();
            expected.sort_by_key(|&x| (x.abs_diff(center), x < center));
            let found: Vec<u64> = primes_around(center, 32).take(20).collect();
            assert_eq!(found, expected[..20]);
        }
    }

    #[test]
    fn roots_are_primitive_and_canonical() {
        for log in 1..=17 {
            let n = 1_usize << log;
            for q in primes_below(1 << 50, 2 * n as u64, 3).unwrap() {
                let m = Modulus::new(q).unwrap();
                let root = primitive_root_2n(&m, n).unwrap();
                assert_eq!(m.pow(root, n as u64), q - 1);
                assert_eq!(primitive_root_2n(&m, n), Some(root));
            }
        }
        // Fixed for ever: serialized data depends on it.
        let m = Modulus::new(97).unwrap();
        assert_eq!(primitive_root_2n(&m, 16), Some(28));
        assert_eq!(primitive_root_2n(&m, 32), None);
        assert_eq!(primitive_root_2n(&m, 12), None);
    }
}
