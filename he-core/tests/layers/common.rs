//! What the tests share: bases and polynomials from a seed, and naive twins.

use he_core::Modulus;
use he_core::ring::naive::negacyclic_mul;
use he_core::ring::sample::Prng;
use he_core::ring::{Basis, Coeff, Poly};
use he_core::rlwe::params::find_primes;
use he_core::rlwe::{Ciphertext, Parameters, SecretDistribution, SecretId, SecretKey, Spec};
use num_bigint::{BigInt, BigUint};

/// One prime of each size in use.
pub(crate) const SIZES: [u32; 4] = [30, 41, 47, 50];

/// A basis of primes just below the given powers of two.
pub(crate) fn basis(log_n: u32, bits: &[u32]) -> Basis {
    Basis::new(1 << log_n, &find_primes(log_n, bits, &[]).unwrap()).unwrap()
}

/// A generator from a test's number.
pub(crate) fn prng(seed: u64) -> Prng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Prng::from_seed(&bytes)
}

/// Residues below `q`; one word in four is an extreme value.
pub(crate) fn residues(prng: &mut Prng, n: usize, q: &Modulus) -> Vec<u64> {
    let extremes = [0, 1, q.value() / 2, q.value() / 2 + 1, q.value() - 1];
    (0..n)
        .map(|_| {
            let word = prng.next_u64();
            match word % 4 {
                0 => extremes[(word >> 2) as usize % extremes.len()],
                _ => q.reduce(prng.next_u64()),
            }
        })
        .collect()
}

/// A random polynomial in coefficients, extremes included.
pub(crate) fn poly(prng: &mut Prng, basis: &Basis) -> Poly<Coeff> {
    let words: Vec<u64> = basis.moduli().flat_map(|q| residues(prng, basis.n(), q)).collect();
    Poly::from_words(basis, &words)
}

/// Limb by limb, in coefficients.
pub(crate) fn limbs(p: &Poly<Coeff>) -> Vec<Vec<u64>> {
    (0..p.basis().len()).map(|i| p.limb(i).to_vec()).collect()
}

/// `f(q_i, a_i, b_i)` for every limb.
pub(crate) fn zip_limbs(
    a: &Poly<Coeff>,
    b: &Poly<Coeff>,
    f: impl Fn(&Modulus, &[u64], &[u64]) -> Vec<u64>,
) -> Vec<Vec<u64>> {
    (0..a.basis().len()).map(|i| f(a.basis().modulus(i), a.limb(i), b.limb(i))).collect()
}

/// The product by definition.
pub(crate) fn naive_product(a: &Poly<Coeff>, b: &Poly<Coeff>) -> Vec<Vec<u64>> {
    zip_limbs(a, b, |q, a, b| negacyclic_mul(a, b, q))
}

/// `a(X^g)` by definition.
pub(crate) fn naive_automorphism(q: &Modulus, a: &[u64], g: usize) -> Vec<u64> {
    let n = a.len();
    let mut out = vec![0; n];
    for (i, &c) in a.iter().enumerate() {
        let exponent = i * g % (2 * n);
        out[exponent % n] = if exponent < n { c } else { q.neg(c) };
    }
    out
}

/// The product of primes.
pub(crate) fn product<'a>(moduli: impl IntoIterator<Item = &'a Modulus>) -> BigInt {
    moduli.into_iter().map(|q| BigInt::from(q.value())).product()
}

/// The residue of `x` in `[0, q)`.
pub(crate) fn modulo(x: &BigInt, q: &BigInt) -> BigInt {
    ((x % q) + q) % q
}

/// The representative of `x` in `(−q/2, q/2]`.
pub(crate) fn centred(x: &BigInt, q: &BigInt) -> BigInt {
    let r = modulo(x, q);
    if &r * 2 > *q { r - q } else { r }
}

/// A uniform integer in `[0, bound)`, up to `2^-64`.
pub(crate) fn below(prng: &mut Prng, bound: &BigInt) -> BigInt {
    let mut bytes = vec![0; bound.to_bytes_le().1.len() + 8];
    prng.fill_bytes(&mut bytes);
    BigInt::from(BigUint::from_bytes_le(&bytes)) % bound
}

/// The polynomial of the given integers.
pub(crate) fn from_integers(basis: &Basis, coefficients: &[BigInt]) -> Poly<Coeff> {
    let words: Vec<u64> = (basis.moduli())
        .flat_map(|q| {
            let q = BigInt::from(q.value());
            coefficients.iter().map(move |c| modulo(c, &q).to_u64_digits().1.first().copied().unwrap_or(0))
        })
        .collect();
    Poly::from_words(basis, &words)
}

/// Parameters for a test; they protect nothing.
pub(crate) fn insecure(log_n: u32, q: &[u32], p: &[u32], digit: usize, error_factor: u64) -> Parameters {
    let primes = find_primes(log_n, &[q, p].concat(), &[]).unwrap();
    let (q, p) = primes.split_at(q.len());
    let spec = Spec {
        log_n,
        q: q.to_vec(),
        p: p.to_vec(),
        digit,
        secret: SecretDistribution::UniformTernary,
        sigma: 3.19,
        error_factor,
    };
    spec.build_insecure("a test").unwrap()
}

/// The coefficients of the secret: the phase of `(0, 1)`.
pub(crate) fn secret_coefficients(key: &SecretKey) -> Vec<i64> {
    let basis = key.params().basis(1);
    let mut one = Poly::<Coeff>::zero(basis).into_eval();
    one.add_integer_assign(1);
    let phase = key.phase(&Ciphertext::new(key.params(), key.secret_id(), vec![Poly::zero(basis), one]));
    phase.limb(0).iter().map(|&w| basis.modulus(0).center(w)).collect()
}

/// An identifier of a secret, from a byte that is not 0.
pub(crate) fn secret_id(byte: u8) -> SecretId {
    SecretId::from_bytes([byte; 16]).unwrap()
}

/// A ciphertext of uniform parts.
pub(crate) fn random_ciphertext(
    prng: &mut Prng,
    secret: SecretId,
    params: &Parameters,
    limbs: usize,
    degree: usize,
) -> Ciphertext {
    let parts = (0..=degree).map(|_| poly(prng, params.basis(limbs)).into_eval()).collect();
    Ciphertext::new(params, secret, parts)
}
