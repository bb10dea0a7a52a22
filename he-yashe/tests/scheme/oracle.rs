//! Products against exact rational scaling, `⌊t·a·b/q⌉` over the integers, in small rings.

use he_core::ring::naive::negacyclic_mul;
use he_core::ring::rns::{product, to_integers};
use he_core::ring::{Coeff, Eval, Poly};
use he_yashe::{Ciphertext, Parameters};
use num_bigint::BigInt;

use crate::world::{Choices, World, insecure};

fn integers(poly: &Poly<Eval>) -> Vec<BigInt> {
    to_integers(&poly.clone().into_coeff())
}

/// The product in `Z[X]/(X^n + 1)`.
fn negacyclic(a: &[BigInt], b: &[BigInt]) -> Vec<BigInt> {
    let n = a.len();
    let mut out = vec![BigInt::from(0); n];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            let term = x * y;
            if i + j < n { out[i + j] += term } else { out[i + j - n] -= term }
        }
    }
    out
}

/// `⌊x/q⌉`, halves up.
fn rounded(x: &BigInt, q: &BigInt) -> BigInt {
    let doubled: BigInt = x * 2 + q;
    let (divisor, zero) = (q * 2, BigInt::from(0));
    let quotient: BigInt = &doubled / &divisor;
    if doubled < zero && &quotient * &divisor != doubled { quotient - 1 } else { quotient }
}

/// Residues of integers over the primes of a level.
fn residues(params: &Parameters, level: usize, x: &[BigInt]) -> Poly<Eval> {
    let basis = params.basis(level);
    let residue = |x: &BigInt, q: u64| {
        let q = BigInt::from(q);
        u64::try_from(((x % &q) + &q) % &q).unwrap()
    };
    let words: Vec<u64> = basis.moduli().flat_map(|q| x.iter().map(move |x| residue(x, q.value()))).collect();
    Poly::<Coeff>::from_words(basis, &words).into_eval()
}

/// The scheme as it is defined, over integers.
struct Definition<'w> {
    world: &'w World,
    q: BigInt,
    t: BigInt,
    f: Vec<BigInt>,
}

impl<'w> Definition<'w> {
    fn new(world: &'w World) -> Self {
        let (params, bytes) = (&world.params, world.key.to_secret_bytes());
        let (n, t) = (params.n(), BigInt::from(params.t().value()));
        let body = &bytes[he_core::wire::HEADER_BYTES + he_core::rlwe::SecretId::BYTES..][..n];
        let mut f: Vec<BigInt> = body.iter().map(|&c| (i64::from(c) - 1) * &t).collect();
        f[0] += 1;
        Self { world, q: product(params.basis(params.max_level())).into(), t, f }
    }

    /// `⌊t·a·b/q⌉`.
    fn product(&self, a: &Ciphertext, b: &Ciphertext) -> Vec<BigInt> {
        let product = negacyclic(&integers(a.poly()), &integers(b.poly()));
        product.iter().map(|x| rounded(&(x * &self.t), &self.q)).collect()
    }

    /// `⌊t·[f^degree·c]_q/q⌉ mod t`.
    fn decrypt(&self, c: &[BigInt], degree: usize) -> Vec<u64> {
        let phase = (0..degree).fold(c.to_vec(), |phase, _| negacyclic(&phase, &self.f));
        let top = self.world.params.max_level();
        let centred = integers(&residues(&self.world.params, top, &phase));
        let message = centred.iter().map(|x| rounded(&(x * &self.t), &self.q));
        message.map(|m| u64::try_from(((m % &self.t) + &self.t) % &self.t).unwrap()).collect()
    }
}

#[test]
fn products_agree_with_exact_rational_scaling() {
    for (log_n, t, q_bits, digit_bits) in [
        (4, 2, &[40, 40, 40][..], 13),
        (4, 17, &[44, 44, 44], 22),
        (5, 1021, &[47, 41, 41], 9),
        (6, 65_537, &[50; 4], 30),
    ] {
        let world = World::new(&insecure(log_n, t, q_bits, digit_bits));
        let (definition, mut choices) = (Definition::new(&world), Choices(t));
        for i in 0..10 {
            let [p, r] = [(); 2].map(|()| world.random(&mut choices));
            let (a, b) = (world.encrypt(&p), world.encrypt(&r));
            assert_eq!(definition.decrypt(&integers(a.poly()), 1), p.coefficients());
            let expected = negacyclic_mul(p.coefficients(), r.coefficients(), world.params.t());
            assert_eq!(definition.decrypt(&definition.product(&a, &b), 2), expected, "the oracle, {i}");
            let lazy = world.evaluator.mul_lazy(&a, &b).unwrap();
            assert_eq!(world.decrypt(&lazy).coefficients(), expected, "t = {t}, product {i}");
            let product = world.evaluator.mul(&a, &b).unwrap();
            assert_eq!((product.degree(), world.decrypt(&product).coefficients()), (1, &expected[..]));
            // Read by the definition, where it lives over the whole chain.
            if product.level() == world.params.max_level() {
                assert_eq!(definition.decrypt(&integers(product.poly()), 1), expected);
                assert_eq!(definition.decrypt(&integers(lazy.poly()), 2), expected);
            }
        }
    }
}
