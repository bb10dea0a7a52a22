//! BGV → TFHE → BGV with a set that reads exactly: every message comes back as it was, whatever its low bits within the centre.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use he_core::ring::sample::Prng;
use he_switch::bgv::BootstrapSpec;
use he_switch::{KeyRequest, Parameters, SecretKeys, Spec, Switcher, bgv_to_tfhe, tfhe_to_ckks};
use he_tfhe::{LookupTable, noise};

/// Bits of a message, behind a padding bit.
const BITS: u32 = 5;
/// Results of the table are multiples of `2^-10` on the torus.
const LOG_SMALL: u32 = 10;

/// The largest low bits: 3/16 of the distance of two messages.
fn most_low(params: &Parameters) -> i64 {
    3 * (unit(params) / 16)
}

/// The distance of two messages.
fn unit(params: &Parameters) -> i64 {
    1 << (params.log_t() - BITS - 1)
}

/// `log2` of the probability that a message of a fresh ciphertext is not read as it is, by the formulas.
fn reading_failure(params: &Parameters, low: i64) -> f64 {
    let (spec, q) = (params.tfhe().spec(), params.bgv().noise().log_q(params.bgv().max_level()));
    let fresh = params.bgv().noise().fresh_secret().log2() - q - f64::from(params.log_t());
    let sample = (2.0 * fresh).exp2() + bgv_to_tfhe::noise(params) + noise::to_32_bits(spec);
    let variance = sample + noise::key_switch(spec) + noise::modulus_switch(spec, 0);
    // Half an interval less the low bits.
    let distance = (0.5 * unit(params) as f64 - low as f64) / f64::from(params.log_t()).exp2();
    noise::log2_erfc(distance / (2.0 * variance).sqrt())
}

/// `log2` of the probability that the noise of a value after the table, packed and beside others in the ring of CKKS, leaves the
/// interval of CKKS's bootstrap when it is cleaned; that bootstrap itself fails in `2^-95`.
fn return_failure(params: &Parameters) -> f64 {
    let (spec, prediction) = (params.tfhe().spec(), params.tfhe().prediction());
    let variance = prediction.bootstrap + noise::packing(spec) + tfhe_to_ckks::noise(params);
    let interval = params.ckks().scale(0) / params.ckks().rlwe().spec().q[0] as f64;
    // The messages themselves are lifted first.
    assert!((f64::from(BITS) - 1.0 - f64::from(LOG_SMALL)).exp2() <= interval);
    noise::log2_erfc(interval / f64::from(LOG_SMALL).exp2() / (2.0 * variance).sqrt())
}

/// Messages to TFHE, through the table of the identity, and back to BGV: what is decrypted.
fn there_and_back(params: &Parameters, messages: &[i64]) -> Vec<i64> {
    let secret = SecretKeys::generate(params).unwrap();
    let keys = secret.evaluation_keys(&KeyRequest::bgv_and_tfhe()).unwrap();
    let switcher = Switcher::new(keys).unwrap();
    let tables = switcher.tfhe().unwrap();
    let encoder = he_bgv::Encoder::new(params.bgv());
    let encryptor = he_bgv::Encryptor::with_secret(secret.bgv());
    let mut samples = vec![];
    for part in messages.chunks(params.bgv().n()) {
        let c = encryptor.encrypt(&encoder.encode_coefficients(part).unwrap()).unwrap();
        samples.extend(switcher.bgv_to_tfhe(&c, &(0..part.len()).collect::<Vec<_>>()).unwrap());
    }
    samples.iter_mut().for_each(|sample| sample.add_constant_assign(1 << 30));
    let half = 1 << (BITS - 1);
    let boxes: Vec<u32> = (0..2 * half).map(|i: i32| ((i - half) as u32) << (32 - LOG_SMALL)).collect();
    let table = LookupTable::on_half_torus(params.tfhe(), &[&boxes]).unwrap();
    let start = std::time::Instant::now();
    let read = tables.bootstrap_batch(&samples, &table).unwrap();
    println!("{} tables: {:.1} s", read.len(), start.elapsed().as_secs_f64());
    let (m, k, l) = (params.tfhe().n(), params.tfhe_capacity(), params.bgv_capacity());
    // A full ciphertext packs without gaps.
    let pad = || std::iter::repeat_n(he_tfhe::LweCiphertext::trivial(params.tfhe(), 0), m);
    let packed: Vec<_> = (read.chunks(m))
        .map(|part| tables.pack(&part.iter().cloned().chain(pad()).take(m).collect::<Vec<_>>()).unwrap())
        .collect();
    let back = switcher.tfhe_to_bgv(&packed, LOG_SMALL, (-46_f64).exp2()).unwrap();
    let decryptor = he_bgv::Decryptor::new(secret.bgv());
    let found: Vec<Vec<i64>> =
        back.iter().map(|c| encoder.decode_coefficients(&decryptor.decrypt(c).unwrap())).collect();
    (0..messages.len())
        .map(|i| {
            let place = i % m * k + i / m;
            found[place % l][place / l]
        })
        .collect()
}

/// Small rings with the readings of [`Spec::exact`], or better ones.
fn small() -> Parameters {
    let exact = Spec::exact();
    let tfhe = he_tfhe::Spec { lwe_dimension: 32, lwe_noise: -30.0, polynomial_size: 1024, ..exact.tfhe };
    let ckks = he_ckks::Spec { log_n: 11, ..exact.bgv.ckks };
    Spec { bgv: BootstrapSpec { log_n: 10, ckks, ..exact.bgv }, tfhe }
        .build_insecure("a test of exactness")
        .unwrap()
}

#[test]
fn every_message_of_the_range_comes_back_with_any_low_bits_of_the_centre() {
    let params = small();
    let (unit, most) = (unit(&params), most_low(&params));
    assert!(reading_failure(&params, most) < -40.0 && return_failure(&params) < -64.0);
    // Each of 32 values with 32 low parts from one end of the centre to the other.
    let expected: Vec<i64> = (0..1024).map(|i| i % 32 - 16).collect();
    let low = |i: i64| (2 * (i / 32) - 31) * most / 31;
    let messages: Vec<i64> = expected.iter().zip(0..).map(|(v, i)| v * unit + low(i)).collect();
    assert_eq!((low(0), low(1023)), (-most, most));
    assert_eq!(there_and_back(&params, &messages), expected);
}

#[test]
fn readings_fail_less_often_than_once_in_2_to_the_40() {
    let params = Spec::exact().build().unwrap();
    let most = most_low(&params);
    let (centre, edge, back) =
        (reading_failure(&params, 0), reading_failure(&params, most), return_failure(&params));
    println!("centres 2^{centre:.1}, edges 2^{edge:.1}, the way back 2^{back:.1}");
    assert!(centre < -140.0 && edge < -58.0 && back < -64.0);
    // More low bits would break the promise: a quarter of an interval.
    assert!(reading_failure(&params, unit(&params) / 4) > -40.0);
}

#[test]
#[ignore = "10^4 random messages at 128 bits there and back, compared exactly; 5 GB of memory"]
fn ten_thousand_random_messages_come_back() {
    let params = Spec::exact().build().unwrap();
    let (unit, most) = (unit(&params), most_low(&params));
    let mut prng = Prng::from_os().unwrap();
    let mut below = |bound: i64| (prng.next_u64() % bound as u64) as i64;
    let expected: Vec<i64> = (0..10_000).map(|_| below(32) - 16).collect();
    let messages: Vec<i64> = expected.iter().map(|v| v * unit + below(2 * most + 1) - most).collect();
    let found = there_and_back(&params, &messages);
    let wrong = found.iter().zip(&expected).filter(|(found, expected)| found != expected).count();
    println!(
        "{wrong} of {} wrong; by the formulas 2^{:.1} each",
        found.len(),
        reading_failure(&params, most)
    );
    assert_eq!(wrong, 0);
}
