//! The ring.

use he_core::Modulus;
use he_core::ring::ntt::Ntt;
use he_core::rlwe::params::find_primes;

use super::operation::Operation;
use crate::pages::Failure;

/// Transforms and products of polynomials modulo a prime of 50 bits.
pub(crate) fn ring(log_n: u32) -> Result<Vec<Operation>, Failure> {
    let q = Modulus::new(find_primes(log_n, &[50], &[])?[0])?;
    let n = 1 << log_n;
    let ntt = || Ntt::new(n, q);
    let words = || -> Vec<u64> { (0..n as u64).map(|i| q.pow(3, i * i + 7)).collect() };
    let (forward, mut a) = (ntt()?, words());
    let (inverse, mut b) = (ntt()?, words());
    let (c, mut d) = (words(), words());
    Ok(vec![
        Operation::new("ring: forward transform", log_n, move || {
            forward.forward(&mut a);
            Ok::<(), Failure>(())
        }),
        Operation::new("ring: inverse transform", log_n, move || {
            inverse.inverse(&mut b);
            Ok::<(), Failure>(())
        }),
        Operation::new("ring: pointwise product", log_n, move || {
            he_core::ring::kernel::mul_assign(&q, &mut d, &c);
            Ok::<(), Failure>(())
        }),
    ])
}
