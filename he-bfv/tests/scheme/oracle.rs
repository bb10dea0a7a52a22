//! The scale-invariant product, as BFV defines it: `⌊t·(a ⊗ b)/Q⌉` over the integers (Fan, Vercauteren 2012), by residues
//! (Halevi, Polyakov, Shoup 2019, section 4). It shares nothing with the product under test but the ring.

use he_bfv::Parameters;
use he_core::Modulus;
use he_core::ring::rns::{BaseConverter, ExactDivider, scale_and_round, to_integers};
use he_core::ring::{Basis, Coeff, Eval, Poly};
use he_core::rlwe;
use he_core::rlwe::params::find_primes;

/// Tables for products of ciphertexts over the whole chain `Q`, lifted to `B·Q` with `B ≥ 2·n·t·Q`.
pub(crate) struct Oracle {
    params: Parameters,
    q: Basis,
    both: Basis,
    lift: BaseConverter,
    divide: ExactDivider,
    back: BaseConverter,
}

impl Oracle {
    pub(crate) fn new(params: &Parameters) -> Self {
        let spec = params.rlwe().spec();
        let (l, t) = (spec.q.len(), params.t().value());
        let bits = params.noise().log_q(l - 1) + (t as f64).log2() + f64::from(spec.log_n) + 2.0;
        let count = (bits / 49.9).ceil() as usize;
        let taken: Vec<u64> = spec.q.iter().chain(&spec.p).copied().chain([t]).collect();
        let mut primes = find_primes(spec.log_n, &vec![50; count], &taken).unwrap();
        primes.extend(&spec.q);
        let both = Basis::new(params.n(), &primes).unwrap();
        let (b, q) = (both.select(0..count), both.select(count..count + l));
        let moduli = |basis: &Basis| basis.moduli().copied().collect::<Vec<Modulus>>();
        Self {
            params: params.clone(),
            lift: BaseConverter::new(&q, &moduli(&b), 1),
            divide: ExactDivider::new(&b, &q, 1),
            back: BaseConverter::new(&b, &moduli(&q), 1),
            q,
            both,
        }
    }

    /// Residues modulo the targets of a converter, before those that are given (or without them).
    fn converted(converter: &BaseConverter, x: &Poly<Coeff>, targets: usize) -> Vec<u64> {
        let limbs: Vec<&[u64]> = (0..x.basis().len()).map(|i| x.limb(i)).collect();
        let (prepared, n) = (converter.prepare(&limbs), x.basis().n());
        let mut words = vec![0; targets * n];
        words.chunks_mut(n).enumerate().for_each(|(j, limb)| converter.limb(&prepared, j, limb));
        words
    }

    /// The centred representative modulo `B·Q`.
    fn lifted(&self, x: &Poly<Eval>) -> Poly<Eval> {
        let x = x.clone().into_coeff();
        let mut words = Self::converted(&self.lift, &x, self.both.len() - self.q.len());
        words.extend(x.words());
        Poly::<Coeff>::from_words(&self.both, &words).into_eval()
    }

    /// `⌊t·x/Q⌉ mod Q`.
    fn scaled(&self, mut x: Poly<Eval>) -> Poly<Eval> {
        x.mul_integer_assign(self.params.t().value() as i64);
        let quotient = self.divide.divide(&x).into_coeff();
        let words = Self::converted(&self.back, &quotient, self.q.len());
        let basis = self.params.rlwe().basis(self.q.len());
        Poly::<Coeff>::from_words(basis, &words).into_eval()
    }

    /// The product of two ciphertexts of degree 1 over the whole chain.
    pub(crate) fn product(&self, a: &rlwe::Ciphertext, b: &rlwe::Ciphertext) -> rlwe::Ciphertext {
        let secret = a.secret_id();
        let [a, b] = [a, b].map(|c| c.parts().iter().map(|part| self.lifted(part)).collect::<Vec<_>>());
        let mut tensor = [Poly::zero(&self.both), Poly::zero(&self.both), Poly::zero(&self.both)];
        for (i, a) in a.iter().enumerate() {
            b.iter().enumerate().for_each(|(j, b)| tensor[i + j].mul_add_assign(a, b));
        }
        let parts = tensor.map(|part| self.scaled(part)).into();
        rlwe::Ciphertext::new(self.params.rlwe(), secret, parts)
    }

    /// Decryption by its definition, `⌊t·φ/Q⌉ mod t`, without the correction factor.
    pub(crate) fn read(&self, key: &rlwe::SecretKey, c: &rlwe::Ciphertext) -> Vec<u64> {
        scale_and_round(&key.phase(c), self.params.t())
    }

    /// `log2(Q/2) − log2 max|[t·φ]_Q|`: what is left before a decryption fails.
    pub(crate) fn budget(&self, key: &rlwe::SecretKey, c: &rlwe::Ciphertext) -> f64 {
        let mut phase = key.phase(c);
        phase.mul_integer_assign(self.params.t().value() as i64);
        let largest = to_integers(&phase).iter().map(rlwe::noise::log2_abs).fold(0.0, f64::max);
        self.params.noise().log_q(c.limbs() - 1) - 1.0 - largest
    }
}
