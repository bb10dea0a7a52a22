//! The functions of he-ckks.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use he_ckks::approximation::{ChebyshevSeries, SignComposite, functions};
use he_ckks::bootstrap::{BootstrapKeys, Bootstrapper, FourierSeries, Integers, Table};
use he_ckks::{
    Ciphertext, Complex64, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, LinearTransform, Parameters,
    Plaintext, Precision, PreparedPlaintext, SecretKey, SeededCiphertext, SlotIntegers, Spec, rotation,
};

use crate::numbers::Numbers;
use crate::run::Call;

struct World {
    params: Parameters,
    key: SecretKey,
    encoder: Encoder,
    evaluator: Evaluator,
    plain: Plaintext,
    c: Ciphertext,
    series: ChebyshevSeries,
    sign: SignComposite,
}

static W: LazyLock<World> = LazyLock::new(|| {
    let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("hostile numbers").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let level = params.max_level();
    let request = KeyRequest::default().relinearization(level).rotations(&params, &[1, 2, 3], level);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let encoder = Encoder::new(&params);
    let plain = encoder.encode(&[0.5, -0.25]).unwrap();
    let c = Encryptor::with_secret(&key).encrypt(&plain).unwrap();
    let series = ChebyshevSeries::interpolate(functions::sigmoid, (-8.0, 8.0), 7).unwrap();
    let sign = SignComposite::new(0.25, &[7]).unwrap();
    World { params, key, encoder, evaluator, plain, c, series, sign }
});

/// A ring in which there is bootstrapping.
struct Refresh {
    params: Parameters,
    key: SecretKey,
    bootstrapper: Bootstrapper,
    c: Ciphertext,
}

static R: LazyLock<Refresh> = LazyLock::new(|| {
    let params = Spec { log_n: 9, ..Spec::bootstrap_uniform() }.build_insecure("hostile numbers").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let keys = key.bootstrap_keys(4, &KeyRequest::default()).unwrap();
    let bootstrapper = Bootstrapper::new(keys).unwrap();
    let plain = Encoder::new(&params).encode_in(&[0.5], 4).unwrap();
    let c = Encryptor::with_secret(&key).encrypt_at(&plain, params.reserved_levels()).unwrap();
    Refresh { params, key, bootstrapper, c }
});

pub(crate) fn prepare() {
    LazyLock::force(&W);
    LazyLock::force(&R);
}

fn keys(request: &KeyRequest) {
    let _ = W.key.evaluation_keys(request);
    let _ = request.sealed_bytes(&W.params);
    let _ = he_ckks::EvaluationKeys::requested(&W.params, request, &[]);
}

fn complex(n: &mut Numbers) -> Complex64 {
    Complex64::new(n.f64(), n.f64())
}

/// A ciphertext whose claims were changed.
fn used(c: Result<Ciphertext, he_ckks::Error>) {
    if let Ok(c) = c {
        let _ = W.evaluator.mul(&c, &c);
        let _ = Decryptor::new(&W.key).decrypt_shared(&c, 4);
    }
}

fn integers() -> Option<Integers> {
    R.bootstrapper.to_integers(&R.c, 4).ok()
}

fn interval(n: &mut Numbers) -> (f64, f64) {
    if n.u16().is_multiple_of(2) { (-1.0, 1.0) } else { (n.f64(), n.f64()) }
}

pub(crate) const CALLS: &[Call] = &[
    ("Ciphertext::wire_bytes", |n| {
        let _ = Ciphertext::wire_bytes(&W.params, n.usize());
    }),
    ("SeededCiphertext::wire_bytes", |n| {
        let _ = SeededCiphertext::wire_bytes(&W.params, n.usize());
    }),
    ("ChebyshevSeries::new", |n| {
        if let Ok(series) = ChebyshevSeries::new(n.many(Numbers::f64), interval(n)) {
            let _ = W.evaluator.evaluate_series(&W.c, &series);
        }
    }),
    ("ChebyshevSeries::interpolate", |n| {
        let _ = ChebyshevSeries::interpolate(f64::exp, interval(n), n.usize());
    }),
    ("ChebyshevSeries::with_tolerance", |n| {
        let _ = ChebyshevSeries::with_tolerance(f64::exp, interval(n), n.f64(), n.usize() % 100);
        let _ = ChebyshevSeries::with_tolerance(f64::exp, (-1.0, 1.0), 1e-6, n.usize());
    }),
    ("ChebyshevSeries::evaluate", |n| {
        let _ = W.series.evaluate(n.f64());
    }),
    ("ChebyshevSeries::simulate", |n| {
        let _ = W.series.simulate(n.f64());
    }),
    ("ChebyshevSeries::max_error", |n| {
        let _ = W.series.max_error(f64::exp, n.usize());
    }),
    ("approximation/functions::sigmoid", |n| {
        let _ = functions::sigmoid(n.f64());
    }),
    ("approximation/functions::tanh", |n| {
        let _ = functions::tanh(n.f64());
    }),
    ("approximation/functions::exp", |n| {
        let _ = functions::exp(n.f64());
    }),
    ("approximation/functions::inverse", |n| {
        let _ = functions::inverse(n.f64());
    }),
    ("approximation/functions::softplus", |n| {
        let _ = functions::softplus(n.f64());
    }),
    ("approximation/functions::gelu", |n| {
        let _ = functions::gelu(n.f64());
    }),
    ("approximation/functions::erf", |n| {
        let _ = functions::erf(n.f64());
    }),
    ("SignComposite::new", |n| {
        let _ = SignComposite::new(n.f64(), &n.many(Numbers::usize));
    }),
    ("SignComposite::evaluate", |n| {
        let _ = W.sign.evaluate(n.f64());
    }),
    ("SecretKey::bootstrap_keys", |n| {
        let _ = W.key.bootstrap_keys(n.usize(), &KeyRequest::default().relinearization(n.usize()));
        let _ = R.key.bootstrap_keys(n.usize() | 1 << 20, &KeyRequest::default());
    }),
    ("BootstrapKeys::sealed_bytes", |n| {
        let further = KeyRequest::default().relinearization(n.usize());
        let _ = BootstrapKeys::sealed_bytes(&R.params, n.usize(), &further);
    }),
    ("BootstrapKeys::requested", |n| {
        let further = KeyRequest::default().relinearization(n.usize());
        let _ = BootstrapKeys::requested(&R.params, n.usize(), &further, &[]);
    }),
    ("BootstrapKeys::requested_from", |n| {
        let further = KeyRequest::default().relinearization(n.usize());
        let _ = BootstrapKeys::requested_from(&R.params, n.usize(), &further, &[][..]);
    }),
    ("Bootstrapper::from_first_prime", |n| {
        let _ = R.bootstrapper.from_first_prime(R.c.inner().truncated(1), n.f64());
    }),
    ("Bootstrapper::lift_normal", |n| {
        let _ = R.bootstrapper.lift_normal(&R.c.inner().truncated(1), n.f64());
    }),
    ("Table::new", |n| {
        let _ = Table::new(&n.many(Numbers::f64));
    }),
    ("Table::identity", |n| {
        let _ = Table::identity(n.usize());
    }),
    ("Table::evaluate", |n| {
        let _ = Table::identity(4).unwrap().evaluate(n.f64());
    }),
    ("Bootstrapper::to_integers", |n| {
        let _ = R.bootstrapper.to_integers(&R.c, n.usize());
    }),
    ("Bootstrapper::import", |n| {
        let _ = R.bootstrapper.import(R.c.inner().truncated(1), n.usize(), n.f64());
    }),
    ("Bootstrapper::bootstrap_integers", |n| {
        let _ = R.bootstrapper.bootstrap_integers(&R.c, n.usize());
    }),
    ("FourierSeries::new", |n| {
        let _ = FourierSeries::new(f64::cos, n.f64(), n.usize());
        let _ = FourierSeries::new(f64::sqrt, 2.0, n.usize() % 9);
    }),
    ("FourierSeries::evaluate", |n| {
        let _ = FourierSeries::new(f64::cos, 2.0, 3).unwrap().evaluate(n.f64());
    }),
    ("Integers::log2_beyond", |n| {
        let _ = integers().map(|integers| integers.log2_beyond(n.f64()));
    }),
    ("Bootstrapper::look_up_in_coefficients", |n| {
        let _ = integers().map(|integers| R.bootstrapper.look_up_in_coefficients(&integers, &[], n.usize()));
    }),
    ("Bootstrapper::truncate", |n| {
        let _ = integers().map(|integers| R.bootstrapper.truncate(&integers, n.u32() | 1 << 5));
    }),
    ("SlotIntegers::new", |n| {
        let _ = SlotIntegers::new(W.c.clone(), n.f64());
    }),
    ("Ciphertext::with_bound", |n| used(W.c.clone().with_bound(n.f64()))),
    ("Ciphertext::with_error_at_least", |n| used(W.c.clone().with_error_at_least(n.f64()))),
    ("Ciphertext::with_error_at_most", |n| used(W.c.clone().with_error_at_most(n.f64()))),
    ("elements::rotation_element", |n| {
        rotation::rotation_element(&W.params, n.usize());
        rotation::rotation_element(&W.params, n.i64());
    }),
    ("Encoder::with_bound", |n| {
        if let Ok(p) = W.encoder.clone().with_bound(n.f64()).encode(&[n.f64()]) {
            let _ = Encryptor::with_secret(&W.key).encrypt(&p);
            let _ = W.evaluator.add_plain(&W.c, &p);
            let _ = W.evaluator.mul_plain(&W.c, &p);
        }
    }),
    ("Encoder::encode", |n| {
        let _ = W.encoder.encode(&n.many(Numbers::f64));
    }),
    ("Encoder::encode_split", |n| {
        let _ = W.encoder.encode_split(&n.many(Numbers::f64));
    }),
    ("Encoder::encode_in", |n| {
        let _ = W.encoder.encode_in(&n.many(Numbers::f64), n.usize());
    }),
    ("Encoder::encode_complex_in", |n| {
        let _ = W.encoder.encode_complex_in(&n.many(complex), n.usize());
    }),
    ("SecretKey::encrypt_seeded", |n| {
        let _ = W.key.encrypt_seeded(&W.plain, n.usize());
        let _ = Encryptor::with_secret(&W.key).encrypt_at(&W.plain, n.usize());
    }),
    ("Decryptor::decrypt_joined", |n| {
        let _ = Decryptor::new(&W.key).decrypt_joined(&[W.c.clone(), W.c.clone()], n.usize());
    }),
    ("Decryptor::decrypt_shared", |n| {
        let _ = Decryptor::new(&W.key).decrypt_shared(&W.c, n.u32());
    }),
    ("Evaluator::add_const", |n| {
        let _ = W.evaluator.add_const(&W.c, n.f64());
        let _ = W.evaluator.add_complex(&W.c, complex(n));
    }),
    ("Evaluator::mul_integer", |n| {
        let _ = W.evaluator.mul_integer(&W.c, n.i64());
    }),
    ("Evaluator::mul_const", |n| {
        let _ = W.evaluator.mul_const(&W.c, n.f64());
        let _ = W.evaluator.linear_combination(&[(complex(n), &W.c)], complex(n));
        let _ = W.evaluator.evaluate_powers(&W.c, &n.many(complex));
    }),
    ("KeyRequest::rotations", |n| {
        keys(&KeyRequest::default().rotations(&W.params, &n.many(Numbers::usize), n.usize()));
    }),
    ("KeyRequest::conjugation", |n| keys(&KeyRequest::default().conjugation(&W.params, n.usize()))),
    ("Evaluator::mod_switch_to", |n| {
        let _ = W.evaluator.mod_switch_to(&W.c, n.usize());
    }),
    ("LinearTransform::new", |n| {
        let length = [4, n.usize() % 9][n.usize() % 2];
        let diagonals: BTreeMap<usize, Vec<Complex64>> =
            n.many(|n| (n.usize(), vec![complex(n); length])).into_iter().collect();
        let slots = [4, n.usize()][n.usize() % 2];
        if let Ok(matrix) = LinearTransform::new(&W.params, &diagonals, slots, n.usize() % 4) {
            let _ = (matrix.rotations(), W.evaluator.transform(&matrix, &W.c));
        }
    }),
    ("LinearTransform::from_rows", |n| {
        let _ = LinearTransform::from_rows(&W.params, &n.many(|n| n.many(complex)), n.usize());
        let value = complex(n);
        let _ = LinearTransform::from_rows(&W.params, &[vec![value; 2], vec![value; 2]], n.usize());
    }),
    ("Parameters::scale", |n| {
        let _ = W.params.scale(n.usize());
    }),
    ("Parameters::embedding", |n| {
        let _ = W.params.embedding(n.usize());
    }),
    ("Plaintext::with_bound", |n| {
        if let Ok(p) = W.plain.clone().with_bound(n.f64()) {
            let _ = W.evaluator.add_plain(&W.c, &p);
            let _ = Encryptor::with_secret(&W.key).encrypt(&p);
        }
    }),
    ("PreparedPlaintext::new", |n| {
        let _ = PreparedPlaintext::new(&W.params, &W.plain, n.usize());
    }),
    ("Precision::of_real", |n| {
        let _ = Precision::of_real(&n.many(Numbers::f64), &n.many(Numbers::f64));
    }),
    ("Evaluator::rotate", |n| {
        let _ = W.evaluator.rotate(&W.c, n.usize());
        let _ = W.evaluator.rotate(&W.c, n.i64());
    }),
    ("Evaluator::rotate_many", |n| {
        let _ = W.evaluator.rotate_many(&W.c, &n.many(Numbers::usize));
        let _ = W.evaluator.rotate_many(&W.c, &n.many(Numbers::i64));
    }),
    ("Evaluator::inner_sum", |n| {
        let _ = W.evaluator.inner_sum(&W.c, n.usize(), n.usize());
    }),
    ("BootstrapSpec::log2_failure", |n| {
        let _ = Spec::bootstrap_uniform().bootstrap.unwrap().log2_failure(n.usize());
        let mut spec = Spec { log_n: 5, ..Spec::n8192() };
        match n.u16() % 7 {
            0 => spec.log_n = n.u32(),
            1 => spec.first_bits = n.u32(),
            2 => spec.scale_bits = n.u32(),
            3 => spec.levels = n.usize(),
            4 => spec.special_bits = n.many(Numbers::u32),
            5 => spec.digit = n.usize(),
            _ => spec.congruence = n.u64(),
        }
        let _ = spec.build_insecure("hostile numbers");
    }),
];
