//! The functions of he-core that state no precondition.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use he_core::ring::automorphism::{galois_power, inverse_element};
use he_core::ring::gadget::Gadget;
use he_core::ring::ntt::{Backend, Ntt};
use he_core::ring::sample::{Gaussian, Prng};
use he_core::ring::slots::Slots;
use he_core::ring::{Basis, Coeff, IntegerMatrix, Poly};
use he_core::rlwe::{
    Bound, Ciphertext, Digits, EvaluationKeys, Extended, KeyRequest, Margin, Parameters, SecretDistribution,
    SecretKey, Spec, noise::NoiseModel, object, params, sealed, security, serial,
};
use he_core::wire::{self, Header, Reader, Source as _, Tag, Writer};
use he_core::{Modulus, prime};

use crate::numbers::Numbers;
use crate::run::Call;

struct World {
    params: Parameters,
    keys: EvaluationKeys,
    c: Ciphertext,
    digits: Digits,
}

static W: LazyLock<World> = LazyLock::new(|| {
    let params = Spec::insecure_small().build_insecure("hostile numbers").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let keys = key.evaluation_keys(3, &BTreeMap::from([(3, 3), (31, 2)])).unwrap();
    let c = key.encrypt(3, &[1, 2, 3], &mut Prng::from_os().unwrap()).expand();
    let digits = Digits::decompose(&params, &c.parts()[1]);
    World { params, keys, c, digits }
});

pub(crate) fn prepare() {
    LazyLock::force(&W);
}

/// A modulus, and two numbers below it.
fn modulus(n: &mut Numbers) -> (Modulus, u64, u64) {
    let q = Modulus::new(n.u64()).unwrap_or(Modulus::new(97).unwrap());
    (q, n.u64() % q.value(), n.u64() % q.value())
}

fn secret(n: &mut Numbers) -> SecretDistribution {
    match n.u16() % 2 {
        0 => SecretDistribution::UniformTernary,
        _ => SecretDistribution::SparseTernary { weight: n.usize() },
    }
}

fn bytes(n: &mut Numbers) -> Vec<u8> {
    n.many(Numbers::u64).iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn bound(n: &mut Numbers) -> Bound {
    match n.u16() % 3 {
        0 => Bound::Modulo,
        1 => Bound::Slots { most: n.u64() },
        _ => Bound::Coefficients { most: n.u64(), count: n.u32() },
    }
}

fn header(n: &mut Numbers) -> Header {
    Header { tag: Tag(7), kind: n.u16(), params: [0; 32] }
}

fn request(n: &mut Numbers) -> KeyRequest {
    let mut request = KeyRequest::default();
    request.relinearization(n.usize());
    request.galois(n.usize(), n.usize());
    request
}

pub(crate) const CALLS: &[Call] = &[
    ("Modulus::new", |n| {
        let _ = Modulus::new(n.u64());
    }),
    ("Modulus::add", |n| {
        let (q, a, b) = modulus(n);
        let _ = q.add(a, b);
    }),
    ("Modulus::sub", |n| {
        let (q, a, b) = modulus(n);
        let _ = q.sub(a, b);
    }),
    ("Modulus::neg", |n| {
        let (q, a, _) = modulus(n);
        let _ = q.neg(a);
    }),
    ("Modulus::mul", |n| {
        let (q, a, b) = modulus(n);
        let _ = q.mul(a, b);
    }),
    ("Modulus::reduce", |n| {
        let _ = modulus(n).0.reduce(n.u64());
    }),
    ("Modulus::reduce_u128", |n| {
        let _ = modulus(n).0.reduce_u128(u128::from(n.u64()) << (n.u64() % 65));
    }),
    ("Modulus::reduce_i64", |n| {
        let _ = modulus(n).0.reduce_i64(n.i64());
    }),
    ("Modulus::center", |n| {
        let (q, a, _) = modulus(n);
        let _ = q.center(a);
    }),
    ("Modulus::pow", |n| {
        let (q, a, _) = modulus(n);
        let _ = q.pow(a, n.u64());
    }),
    ("Modulus::inv", |n| {
        let _ = modulus(n).0.inv(n.u64());
    }),
    ("Modulus::shoup", |n| {
        let (q, a, _) = modulus(n);
        let _ = q.shoup(a);
    }),
    ("Modulus::mul_shoup", |n| {
        let (q, a, _) = modulus(n);
        let _ = q.mul_shoup(n.u64(), a, q.shoup(a));
    }),
    ("prime::is_prime", |n| {
        let _ = prime::is_prime(n.u64());
    }),
    ("prime::primes_below", |n| {
        let _ = prime::primes_below(n.u64(), n.u64(), n.usize() % 50);
        // Nearly as many as there can be, where there are few.
        let _ = prime::primes_below(n.u64(), n.u64() | 1 << 50, n.usize());
    }),
    ("prime::primes_around", |n| {
        let _ = prime::primes_around(n.u64(), n.u64()).take(20).count();
    }),
    ("prime::primitive_root_2n", |n| {
        let _ = prime::primitive_root_2n(&modulus(n).0, n.usize());
    }),
    ("ring/automorphism::inverse_element", |n| {
        let _ = inverse_element(n.usize(), n.usize());
    }),
    ("ring/automorphism::galois_power", |n| {
        let _ = galois_power(n.usize(), n.usize(), n.usize());
    }),
    ("Basis::new", |n| {
        let _ = Basis::new(n.usize(), &n.many(Numbers::u64));
        let _ = Basis::new(n.usize(), &[1_099_511_627_297]);
    }),
    ("Gadget::new", |n| {
        let _ = Gadget::new(modulus(n).0, n.u32(), n.usize());
    }),
    ("Poly::automorphism", |n| {
        let basis = W.params.basis(1);
        let _ = Poly::<Coeff>::from_signed(basis, &[1; 16]).automorphism(n.usize() | 1);
    }),
    ("Gaussian::new", |n| {
        let _ = Gaussian::new(n.f64());
    }),
    ("Prng::from_seed_stream", |n| {
        let _ = Prng::from_seed_stream(&[7; 32], n.u64()).next_u64();
    }),
    ("Prng::fixed_weight", |n| {
        let _ = Prng::from_seed(&[7; 32]).fixed_weight(&mut [0; 40], n.usize());
    }),
    ("Ntt::new", |n| {
        let _ = Ntt::new(n.usize(), modulus(n).0);
    }),
    ("Ntt::with_backend", |n| {
        let _ = Ntt::with_backend(n.usize(), modulus(n).0, Backend::Words);
    }),
    ("Writer::list", |n| Writer::new().list(&n.many(Numbers::u32))),
    ("Slots::new", |n| {
        let _ = Slots::new(n.usize(), modulus(n).0);
    }),
    ("SecretDistribution::squared_norm", |n| {
        let _ = secret(n).squared_norm(n.usize());
    }),
    ("EvaluationKeys::automorphism_extended", |n| {
        let _ = W.keys.automorphism_extended(&W.c, &W.digits, n.usize());
    }),
    ("EvaluationKeys::turn_extended", |n| {
        let extended = W.keys.automorphism_extended(&W.c, &W.digits, 3);
        let _ = extended.and_then(|c: Extended| W.keys.turn_extended(&c, n.usize()));
    }),
    ("EvaluationKeys::galois", |n| {
        let _ = W.keys.galois(n.usize()).is_some();
    }),
    ("EvaluationKeys::automorphism", |n| {
        let _ = W.keys.automorphism(&W.c, n.usize());
    }),
    ("EvaluationKeys::automorphism_hoisted", |n| {
        let _ = W.keys.automorphism_hoisted(&W.c, &W.digits, n.usize());
    }),
    ("Bound::of_slots", |n| {
        let _ = Bound::of_slots(Some(n.u64()), n.usize());
    }),
    ("Bound::of_coefficients", |n| {
        let _ = Bound::of_coefficients(Some(n.u64()), n.usize());
    }),
    ("Bound::stated", |n| {
        let _ = bound(n).stated("hostile", n.u64());
    }),
    ("Bound::beside", |n| {
        let _ = bound(n).beside("hostile", bound(n), n.usize());
    }),
    ("Bound::anywhere", |n| {
        let _ = bound(n).anywhere(n.usize());
    }),
    ("Bound::after_automorphism", |n| {
        let _ = bound(n).after_automorphism(n.usize());
    }),
    ("Bound::plus", |n| {
        let _ = bound(n).plus("hostile", bound(n), n.usize());
    }),
    ("Bound::times", |n| {
        let _ = bound(n).times("hostile", bound(n), n.usize());
    }),
    ("Bound::scaled", |n| {
        let _ = bound(n).scaled(n.u64());
    }),
    ("Bound::plus_constant", |n| {
        let _ = bound(n).plus_constant(n.u64());
    }),
    ("Bound::within", |n| {
        let _ = bound(n).within("hostile", n.u64());
    }),
    ("Bound::read", |n| {
        let _ = Bound::read(&mut Reader::new(&bytes(n)), n.u64(), n.usize());
    }),
    ("Margin::ternary", |n| {
        let _ = Margin::ternary("hostile", n.u32(), secret(n), n.f64(), n.f64());
    }),
    ("Margin::binary", |n| {
        let _ = Margin::binary("hostile", n.usize(), n.f64(), n.f64());
    }),
    ("NoiseModel::key_switch", |n| {
        let _ = NoiseModel::new(&W.params).key_switch(n.usize());
    }),
    ("NoiseModel::rounding_at_degree", |n| {
        let _ = NoiseModel::new(&W.params).rounding_at_degree(n.usize());
    }),
    ("IntegerMatrix::new", |n| {
        if let Ok(matrix) = IntegerMatrix::new(n.usize() % 3, n.many(Numbers::i64)) {
            let operands = vec![&W.c; matrix.columns()];
            let _ = Ciphertext::matrix_product(W.params.max_limbs(), &matrix, &operands);
        }
        let _ = IntegerMatrix::new(n.usize(), n.many(Numbers::i64));
    }),
    ("rlwe/serial::read_ciphertext_of_degree", |n| {
        let bytes: Vec<u8> = n.many(|n| n.u16() as u8);
        let _ = serial::read_ciphertext_of_degree(&mut Reader::new(&bytes), &W.params, n.usize());
    }),
    ("rlwe/sealed::open_ciphertext_of_degree", |n| {
        let header = object::header(&W.params, object::Kind::Ciphertext);
        let bytes: Vec<u8> = n.many(|n| n.u16() as u8);
        let most = n.usize();
        let _ = sealed::open_ciphertext_of_degree(&header, &W.params, most, &bytes, |from| {
            serial::read_ciphertext_of_degree(from, &W.params, most)
        });
    }),
    ("rlwe/object::body_limit", |n| {
        let _ = object::body_limit(&W.params, n.usize());
    }),
    ("rlwe/params::find_primes", |n| {
        let _ = params::find_primes(n.u32(), &n.many(Numbers::u32), &n.many(Numbers::u64));
    }),
    ("Parameters::digits", |n| {
        let _ = W.params.digits(n.usize());
    }),
    ("KeyRequest::relinearization", |n| {
        let _ = request(n).check(&W.params);
    }),
    ("KeyRequest::galois", |n| {
        let _ = sealed::requested_keys_bytes(&W.params, &request(n));
    }),
    ("rlwe/sealed::written_bytes", |n| {
        let _ = sealed::written_bytes(&W.params, n.usize(), n.usize());
    }),
    ("rlwe/sealed::fresh_bytes", |n| {
        let _ = sealed::fresh_bytes(&W.params, n.usize());
    }),
    ("rlwe/sealed::key_switch_key_bytes", |n| {
        let _ = sealed::key_switch_key_bytes(&W.params, n.usize());
    }),
    ("rlwe/security::min_binary_log_sigma", |n| {
        let _ = security::min_binary_log_sigma(n.usize());
    }),
    ("rlwe/security::max_log_qp", |n| {
        let _ = security::max_log_qp(n.u32(), secret(n));
    }),
    ("wire::open", |n| {
        let sealed = wire::seal(&header(n), &bytes(n));
        let _ = wire::open(&sealed, &header(n), n.usize());
        let _ = wire::open(&bytes(n), &header(n), n.usize());
    }),
    ("wire::open_prefix", |n| {
        let sealed = wire::seal(&header(n), &bytes(n));
        let _ = wire::open_prefix(&sealed, &header(n), n.usize());
    }),
    ("wire/stream::open_from", |n| {
        let sealed = wire::seal(&header(n), &bytes(n));
        let (header, limit, count, bits) = (header(n), n.usize(), n.usize(), n.u32());
        let read =
            |body: &mut wire::Stream<&[u8]>| body.packed_u64(count, bits, 1 << 40, "words", &mut Vec::new());
        let _ = wire::open_from(&sealed[..], &header, limit, read);
        let _ = wire::open_from(&bytes(n)[..], &header, limit, read);
    }),
    ("Reader::bytes", |n| {
        let _ = Reader::new(&bytes(n)).bytes(n.usize(), "bytes");
    }),
    ("Reader::length", |n| {
        let _ = Reader::new(&bytes(n)).length(n.usize(), "length");
    }),
    ("Reader::len_bytes", |n| {
        let _ = Reader::new(&bytes(n)).len_bytes(n.usize(), "bytes");
    }),
    ("Reader::packed_u64", |n| {
        let bytes = bytes(n);
        let _ = Reader::new(&bytes).packed_u64(n.usize(), n.u32(), n.u64(), "words", &mut Vec::new());
        let _ =
            Reader::new(&bytes).packed_u64(n.usize() % 9, n.u32() % 70, n.u64(), "words", &mut Vec::new());
    }),
    ("Writer::u16", |n| Writer::new().u16(n.u16())),
    ("Writer::u32", |n| Writer::new().u32(n.u32())),
    ("Writer::u64", |n| Writer::new().u64(n.u64())),
    ("Writer::i64", |n| Writer::new().i64(n.i64())),
    ("Writer::f64", |n| Writer::new().f64(n.f64())),
    ("Writer::length", |n| Writer::new().length(n.usize())),
    ("Writer::packed_u64", |n| {
        let _ = Writer::new().packed_u64(&n.many(Numbers::u64), n.u32() % 70);
        let _ = Writer::new().packed_u64(&n.many(Numbers::u64), n.u32());
    }),
];
