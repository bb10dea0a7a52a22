//! Noise of every stage of every bridge, measured with the keys against the formulas.

use std::sync::Arc;

use he_ckks::Bootstrapper;
use he_core::ring::poly::{Coeff, Poly};
use he_core::ring::rns::to_integers;
use he_core::ring::sample::Prng;
use he_core::rlwe;
use he_tfhe::GlweCiphertext;
use num_bigint::BigInt;

use crate::bgv_ckks::{self, Integers, Refresher};
use crate::bgv_to_tfhe::{self, BgvToTfhe};
use crate::ckks_to_tfhe::{self, CkksToTfhe};
use crate::expand::Expander;
use crate::params::{Parameters, Spec};
use crate::ring_switch::{self, RingSwitch, SeededRingSwitch, rounding_to_32_bits};
use crate::rings::{join, to_one_limb};
use crate::secret::SecretKeys;
use crate::tfhe_to_ckks::{self, TfheToCkks};
use crate::top::at_the_top;

/// The mean square within a quarter of the formula.
#[track_caller]
fn check(stage: &str, errors: &[f64], variance: f64) {
    let found = errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64;
    let ratio = found / variance;
    println!(
        "{stage}: 2^{:.2}, {ratio:.3} of the variance of the formula, {} errors",
        found.log2() / 2.0,
        errors.len()
    );
    assert!((0.75..=1.25).contains(&ratio), "{stage}: {ratio:.3} of the variance of the formula");
}

/// The point of the torus that `x/q` is, in `[−1/2, 1/2]`, with all bits of a float.
fn torus(x: &BigInt, q: &BigInt) -> f64 {
    let float = |x: &BigInt| {
        let magnitude =
            x.magnitude().iter_u64_digits().rev().fold(0.0, |sum, d| sum * 64_f64.exp2() + d as f64);
        if *x < BigInt::ZERO { -magnitude } else { magnitude }
    };
    // The remainder has the sign of x.
    let rest = x % q;
    let twice: BigInt = &rest * 2;
    let rest = if twice > *q {
        rest - q
    } else if -twice > *q {
        rest + q
    } else {
        rest
    };
    float(&rest) / float(q)
}

/// A difference of points of the torus.
fn centred(x: f64) -> f64 {
    x - x.round()
}

fn modulus(params: &rlwe::Parameters, limbs: usize) -> BigInt {
    params.spec().q[..limbs].iter().map(|&q| BigInt::from(q)).product()
}

/// Differences of the coefficients of a phase from the expected ones, on the torus.
fn differences(found: &[BigInt], expected: &[BigInt], q: &BigInt) -> Vec<f64> {
    found.iter().zip(expected).map(|(found, expected)| torus(&(found - expected), q)).collect()
}

fn phase(key: &rlwe::SecretKey, c: &rlwe::Ciphertext) -> Vec<BigInt> {
    to_integers(&key.phase(c))
}

/// Secrets of the three schemes, by themselves and in the rings of a bridge.
struct World {
    params: Parameters,
    secret: SecretKeys,
    top: rlwe::SecretKey,
    joint: rlwe::SecretKey,
    ring: rlwe::SecretKey,
}

impl World {
    fn new(params: Parameters) -> Self {
        let secret = SecretKeys::generate(&params).unwrap();
        let top = secret.bgv().inner().interleaved(params.top());
        let joint = secret.ckks().inner().interleaved(params.joint());
        let ring = secret.tfhe().ring_keys(params.ring()).unwrap().swap_remove(0);
        Self { params, secret, top, joint, ring }
    }

    fn small() -> Self {
        Self::new(Spec::insecure_small().build_insecure("noise is measured").unwrap())
    }

    fn bootstrapper(&self, slots: usize) -> Arc<Bootstrapper> {
        let keys = self.secret.ckks().bootstrap_keys(slots, &he_ckks::KeyRequest::default()).unwrap();
        Arc::new(Bootstrapper::new(keys).unwrap())
    }

    fn refresher(&self, bootstrapper: Arc<Bootstrapper>) -> Refresher {
        let keys =
            bgv_ckks::Keys::generate(self.params.shared(), self.secret.bgv(), self.secret.ckks()).unwrap();
        Refresher::new(keys, bootstrapper).unwrap()
    }

    fn encrypted(&self, values: &[i64]) -> he_bgv::Ciphertext {
        let plain = he_bgv::Encoder::new(self.params.bgv()).modular().encode_coefficients(values).unwrap();
        he_bgv::Encryptor::with_secret(self.secret.bgv()).encrypt(&plain).unwrap()
    }

    /// The phase of a sample on the torus.
    fn sample(&self, c: &he_tfhe::LweCiphertext) -> f64 {
        f64::from(he_tfhe::Decryptor::new(self.secret.tfhe()).phase(c).unwrap()) / 32_f64.exp2()
    }

    /// Errors of integers, in units of their distance; the messages are the nearest ones.
    fn errors(&self, c: &Integers) -> Vec<f64> {
        let q = modulus(self.params.joint(), c.inner.limbs());
        let t = BigInt::from(c.t);
        phase(&self.joint, &c.inner).iter().map(|x| torus(&(x * &t), &q)).collect()
    }
}

/// Errors that ring switch and extraction add to an encryption of zero.
fn ring_switched(w: &World, secret: &rlwe::SecretKey, switch: &RingSwitch) -> [Vec<f64>; 2] {
    let from = secret.params();
    let (n, q) = (from.n(), modulus(from, 1));
    let c = secret.encrypt_zero(1, &mut Prng::from_os().unwrap()).expand();
    let pieces = switch.switch(&c);
    let before = phase(secret, &c);
    let mut after = vec![BigInt::ZERO; n];
    for (r, piece) in pieces.iter().enumerate() {
        let parts = piece.iter().map(|part| part.clone().into_eval()).collect();
        let found = phase(&w.ring, &rlwe::Ciphertext::new(w.params.ring(), w.ring.secret_id(), parts));
        after[r..].iter_mut().step_by(pieces.len()).zip(found).for_each(|(place, x)| *place = x);
    }
    // Some of every piece: an odd step meets them all.
    let places: Vec<usize> = (0..n).step_by(n / 8192 + 1 - n / 8192 % 2).collect();
    let samples = switch.extract(&c, &places, 0.0).unwrap();
    let extracted = samples.iter().zip(&places).map(|(sample, &i)| w.sample(sample) - torus(&after[i], &q));
    [differences(&after, &before, &q), extracted.map(centred).collect()]
}

/// The ring switch from `secret`, and the extraction after it, against their formulas. A key of bits has a mean, so that the
/// roundings of a piece make errors that are alike: they are averaged over many pieces.
fn ring_switch_of(w: &World, name: &str, secret: &rlwe::SecretKey, key: &SeededRingSwitch, variance: f64) {
    let switch = key.expand().unwrap();
    let pieces = secret.params().n() / w.params.ring().n();
    let (mut switched, mut extracted) = (vec![], vec![]);
    for _ in 0..128 / pieces {
        let [first, second] = ring_switched(w, secret, &switch);
        switched.extend(first);
        extracted.extend(second);
    }
    check(&format!("{name}: ring switch"), &switched, variance);
    check(&format!("{name}: extraction"), &extracted, rounding_to_32_bits(w.params.tfhe().n()));
}

/// Both bridges to TFHE but for the transform of CKKS, at 128 bits: no bootstrap is needed.
#[test]
fn ring_switches_to_tfhe_add_the_noise_of_the_formulas() {
    let w = World::new(Spec::glyph().build().unwrap());
    let (params, top) = (&w.params, w.params.top());
    let values: Vec<i64> = (0..top.n() as i64).map(|i| (i * 77_777 % 1_000_003) - 500_000).collect();
    let c = w.encrypted(&values);
    let high = at_the_top(params.top(), &c).0;
    let low = to_one_limb(&high);
    let [wide, narrow] = [&high, &low].map(|c| {
        let q = modulus(top, c.limbs());
        phase(&w.top, c).iter().map(|x| torus(x, &q)).collect::<Vec<f64>>()
    });
    let errors: Vec<f64> = wide.iter().zip(&narrow).map(|(wide, narrow)| centred(narrow - wide)).collect();
    let (h, q) = (2.0 * top.n() as f64 / 3.0, top.spec().q[0] as f64);
    check("BGV to TFHE: modulus switch", &errors, (1.0 + h) / 12.0 / (q * q));

    let key = SeededRingSwitch::generate(params, top, w.secret.bgv().inner(), w.secret.tfhe()).unwrap();
    ring_switch_of(&w, "BGV to TFHE", &w.top, &key, ring_switch::noise(top, h));
    let key = bgv_to_tfhe::SeededKey::generate(params, w.secret.bgv(), w.secret.tfhe()).unwrap();
    let samples = BgvToTfhe::new(&key).unwrap().extract(&c, &(0..top.n()).collect::<Vec<_>>()).unwrap();
    let t = f64::from(params.log_t()).exp2();
    let errors: Vec<f64> =
        samples.iter().zip(&values).map(|(sample, &m)| centred(w.sample(sample) - m as f64 / t)).collect();
    check("BGV to TFHE: all", &errors, samples[0].variance());

    let joint = params.joint();
    let key = SeededRingSwitch::generate(params, joint, w.secret.ckks().inner(), w.secret.tfhe()).unwrap();
    ring_switch_of(&w, "CKKS to TFHE", &w.joint, &key, ckks_to_tfhe::noise(params));
}

/// With the transform of slots to coefficients before it.
#[test]
fn samples_of_slots_have_the_noise_they_say() {
    let w = World::new(Spec::insecure_small().for_slots().build_insecure("noise is measured").unwrap());
    let (params, slots) = (&w.params, 512);
    let key = ckks_to_tfhe::SeededKey::generate(params, w.secret.ckks(), w.secret.tfhe()).unwrap();
    let bridge = CkksToTfhe::new(&key, w.bootstrapper(slots)).unwrap();
    let values: Vec<f64> = (0..slots).map(|j| (j * 37 % slots) as f64 / 256.0 - 1.0).collect();
    let (mut errors, mut variance) = (vec![], 0.0);
    for _ in 0..8 {
        let plain = he_ckks::Encoder::new(params.ckks()).encode_in(&values, slots).unwrap();
        let x = he_ckks::Encryptor::with_secret(w.secret.ckks()).encrypt(&plain).unwrap();
        let (samples, unit) = bridge.extract(&x, slots).unwrap();
        variance = samples[0].variance();
        errors.extend(samples.iter().zip(&values).map(|(sample, v)| centred(w.sample(sample) - v * unit)));
    }
    check("CKKS to TFHE: all", &errors, variance);
}

/// The phase of a packed ciphertext on the torus, by the definition.
fn packed_phase(w: &World, c: &GlweCiphertext) -> Vec<f64> {
    let (n, q) = (w.params.ring().n(), w.params.tfhe().modulus());
    let bits = phase(&w.ring, &{
        // The ciphertext (0, 1) has the key as phase.
        let basis = w.params.ring().basis(1);
        let one = Poly::<Coeff>::from_signed(basis, &[&[1][..], &vec![0; n - 1]].concat()).into_eval();
        rlwe::Ciphertext::new(
            w.params.ring(),
            w.ring.secret_id(),
            vec![Poly::<Coeff>::zero(basis).into_eval(), one],
        )
    });
    let polynomials: Vec<&[u64]> = c.polynomials().collect();
    let mut out = polynomials[0].to_vec();
    for (j, _) in bits.iter().enumerate().filter(|(_, bit)| **bit != BigInt::ZERO) {
        for (i, &x) in polynomials[1].iter().enumerate() {
            let place = &mut out[(i + j) % n];
            *place = if i + j < n { q.add(*place, x) } else { q.sub(*place, x) };
        }
    }
    out.iter().map(|&x| centred(x as f64 / q.value() as f64)).collect()
}

#[test]
fn values_that_are_gathered_and_widened_have_the_noise_they_say() {
    let w = World::small();
    let params = &w.params;
    let tables = he_tfhe::Evaluator::new(w.secret.tfhe().evaluation_keys().unwrap());
    let bootstrapper = w.bootstrapper(params.ckks().slots());
    let key = tfhe_to_ckks::Key::generate(params, w.secret.tfhe(), w.secret.ckks()).unwrap();
    let up = TfheToCkks::new(key, Arc::clone(&bootstrapper)).unwrap();
    let (n, k) = (params.tfhe().n(), params.tfhe_capacity());
    let encryptor = he_tfhe::Encryptor::with_secret(w.secret.tfhe());
    // Multiples of 2^-12 all over the interval that is lifted.
    let interval = params.ckks().scale(0) / params.joint().spec().q[0] as f64;
    let most = (interval * 12_f64.exp2()) as u32 - 1;
    let packed: Vec<GlweCiphertext> = (0..k as u32)
        .map(|r| {
            let value = |i: u32| ((i * 37 + r) % (2 * most + 1)).wrapping_sub(most);
            let phases: Vec<u32> = (0..n as u32).map(|i| value(i) << 20).collect();
            tables.pack(&encryptor.encrypt_phases(&phases).unwrap()).unwrap()
        })
        .collect();
    let gathered = up.gather(&packed, 12).unwrap();
    let q = modulus(params.joint(), 1);
    let found = phase(&w.joint, &gathered.inner);
    let mut before = vec![0.0; k * n];
    for (r, c) in packed.iter().enumerate() {
        before[r..].iter_mut().step_by(k).zip(packed_phase(&w, c)).for_each(|(place, x)| *place = x);
    }
    let errors: Vec<f64> =
        found.iter().zip(&before).map(|(x, before)| centred(torus(x, &q) - before)).collect();
    check("TFHE to CKKS: gather", &errors, tfhe_to_ckks::noise(params));
    check("TFHE to CKKS: integers", &w.errors(&gathered), gathered.error().powi(2));

    let refresher = w.refresher(bootstrapper);
    let wide = refresher.widen(&gathered).unwrap();
    let (before, after) = (w.errors(&gathered), w.errors(&wide));
    check("TFHE to BGV: widened", &after, wide.error().powi(2));
    let lifted: Vec<f64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    check("TFHE to BGV: lift", &lifted, wide.error().powi(2) - gathered.error().powi(2));
    let mut c = wide;
    for round in 1..4 {
        c = refresher.clean(&c).unwrap();
        check(&format!("TFHE to BGV: cleaned {round}"), &w.errors(&c), c.error().powi(2));
    }
}

#[test]
fn expansions_add_the_noise_of_the_formula() {
    let w = World::small();
    let n = w.params.bgv().n();
    let c = w.encrypted(&(0..n as i64).map(|i| i * 31 % 1021 - 510).collect::<Vec<_>>());
    let before = phase(w.secret.bgv().inner(), c.inner());
    let q = modulus(w.params.bgv().rlwe(), w.params.bgv().rlwe().max_limbs());
    let width = w.params.bgv().noise().log_q(w.params.bgv().max_level()).exp2();
    for levels in [1, 2, 4] {
        let (mut errors, mut variance) = (vec![], 0.0);
        // Keys of so small a ring differ in their noise.
        for _ in 0..4 {
            let expander = Expander::generate(&w.params, w.secret.bgv(), levels).unwrap();
            variance = expander.noise(levels);
            for (r, part) in expander.expand(&c, levels).unwrap().iter().enumerate() {
                let after = phase(w.secret.bgv().inner(), part.inner());
                let kept = (0..n).step_by(1 << levels);
                errors.extend(kept.map(|i| torus(&(&after[i] - &before[i + r]), &q) * width));
            }
        }
        check(&format!("expansion of {levels} levels"), &errors, variance);
    }
}

#[test]
fn refreshed_integers_have_the_errors_they_say() {
    let w = World::small();
    let (params, limbs) = (&w.params, w.params.bgv().rlwe().max_limbs());
    let n = params.bgv().n();
    let c = [3, 5].map(|k| {
        w.encrypted(&(0..n as i64).map(|i| i * k * 77_777 % 60_000_007 - 30_000_003).collect::<Vec<_>>())
    });
    let refresher = w.refresher(w.bootstrapper(params.ckks().slots()));
    let gathered = refresher.gather(&c).unwrap();
    let q = modulus(params.joint(), limbs);
    let pieces: Vec<_> = c.iter().map(|c| at_the_top(params.top(), c).0).collect();
    let before = phase(&w.secret.bgv().inner().interleaved(params.joint()), &join(&pieces, params.joint()));
    let errors = differences(&phase(&w.joint, &gathered.inner), &before, &q);
    let width = params.bgv().noise().log_q(limbs - 1).exp2();
    let switch = rlwe::noise::NoiseModel::new(params.joint()).key_switch(limbs);
    check("BGV refreshed: gather's key switch", &errors, switch / (width * width));
    check("BGV refreshed: gathered", &w.errors(&gathered), gathered.error().powi(2));
    let mut clean = gathered;
    for round in 1..4 {
        clean = refresher.clean(&clean).unwrap();
        check(&format!("BGV refreshed: cleaned {round}"), &w.errors(&clean), clean.error().powi(2));
    }
    let back = refresher.scatter(&clean).unwrap();
    let t = BigInt::from(1_u64 << params.log_t());
    let errors: Vec<f64> = back
        .iter()
        .flat_map(|c| {
            let q = modulus(params.bgv().rlwe(), limbs);
            phase(w.secret.bgv().inner(), c.inner())
                .into_iter()
                .map(|x| {
                    let m = ((&x % &t) + &t + &t / 2) % &t - &t / 2;
                    torus(&(x - m), &q)
                })
                .collect::<Vec<_>>()
        })
        .collect();
    check(
        "BGV refreshed: scattered",
        &errors,
        (2.0 * (back[0].noise().log2() - params.bgv().noise().log_q(limbs - 1))).exp2(),
    );
}
