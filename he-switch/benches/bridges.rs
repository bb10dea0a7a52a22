//! What each stage of BGV → TFHE → BGV costs at 128 bits, and the error it leaves:
//!
//! ```sh
//! cargo bench -p he-switch --bench bridges
//! RAYON_NUM_THREADS=1 cargo bench -p he-switch --bench bridges
//! ```
//!
//! and bootstraps of BGV alone, in seconds and in units: the time of one forward transform of length `2^16` modulo a prime of 50
//! bits. `cargo bench -p he-switch --bench bridges -- bootstrap` runs these only.

use std::sync::Arc;
use std::time::Instant;

use he_core::rlwe::params::find_primes;
use he_switch::bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget};
use he_switch::bgv_ckks::{self, Refresher};
use he_switch::bgv_to_tfhe::{BgvToTfhe, SeededKey};
use he_switch::tfhe_to_bgv::TfheToBgv;
use he_switch::tfhe_to_ckks::{self, TfheToCkks};
use he_switch::{Parameters, SecretKeys, Spec};
use he_tfhe::LookupTable;

/// CPU time of the process in seconds.
fn cpu() -> f64 {
    cpu_time::ProcessTime::now().as_duration().as_secs_f64()
}

fn timed<T>(what: &str, values: usize, f: impl FnOnce() -> T) -> T {
    priced(what, values, f).0
}

/// As [`timed`], with the CPU time of a value in microseconds.
fn priced<T>(what: &str, values: usize, f: impl FnOnce() -> T) -> (T, f64) {
    let (start, before) = (Instant::now(), cpu());
    let out = f();
    let (seconds, core) = (start.elapsed().as_secs_f64(), cpu() - before);
    let price = core * 1e6 / values as f64;
    println!("{what:<40} {seconds:>9.3} s {core:>9.3} core-s {price:>10.2} core-µs a value");
    (out, price)
}

fn main() {
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    println!("{} threads", rayon::current_num_threads());
    for t in [1 << 26, 65_537] {
        bootstraps(t);
    }
    if std::env::args().any(|a| a == "bootstrap") {
        return;
    }
    let params: Parameters = Spec::glyph().build().expect("the preset is secure");
    let secret = SecretKeys::generate(&params).expect("randomness");
    let (bgv, ckks, tfhe) = (secret.bgv(), secret.ckks(), secret.tfhe());
    let seeded = SeededKey::generate(&params, bgv, tfhe).expect("keys");
    let down = timed("key of BGV to TFHE, expanded", 1, || BgvToTfhe::new(&seeded).expect("key"));
    let slots = params.ckks().slots();
    let bootstrap = timed("keys of the bootstrap", 1, || {
        ckks.bootstrap_keys(slots, &he_ckks::KeyRequest::default()).expect("keys")
    });
    let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(bootstrap).expect("transforms"));
    let key = tfhe_to_ckks::Key::generate(&params, tfhe, ckks).expect("keys");
    let ring = Arc::new(TfheToCkks::new(key, Arc::clone(&bootstrapper)).expect("bridge"));
    let keys = bgv_ckks::Keys::generate(params.shared(), bgv, ckks).expect("keys");
    let refresher = Arc::new(Refresher::new(keys, bootstrapper).expect("bridge"));
    let up = TfheToBgv::new(Arc::clone(&ring), Arc::clone(&refresher)).expect("bridge");
    let evaluator =
        timed("keys of TFHE", 1, || he_tfhe::Evaluator::new(tfhe.evaluation_keys().expect("keys")));
    stages(bgv, &Bridges { down, ring, up, refresher }, &evaluator);
}

/// Seconds of one forward transform of length `2^16` on one thread, the median of many.
fn unit() -> f64 {
    let q = he_core::Modulus::new(find_primes(16, &[50], &[]).expect("a prime")[0]).expect("a prime");
    let ntt = he_core::ring::ntt::Ntt::new(1 << 16, q).expect("a transform");
    let mut values: Vec<u64> = (0..1 << 16).collect();
    let mut once = || {
        let before = cpu();
        ntt.forward(&mut values);
        cpu() - before
    };
    let mut times: Vec<f64> = (0..201).map(|_| once()).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Products of eight ciphertexts at `N = 8192`, bootstrapped to a budget of 60 bits.
fn bootstraps(t: u64) {
    let params = BootstrapSpec::new(13, t, 3).and_then(|spec| spec.build()).expect("secure parameters");
    let secret = he_bgv::SecretKey::generate(params.bgv()).expect("randomness");
    let keys = BootstrapKeys::generate(&params, &secret).expect("keys");
    println!("\nBGV bootstrap, t = {t}");
    let bootstrapper = Bootstrapper::new(keys).expect("transforms");
    let level = params.bgv().max_level();
    let keys = secret.evaluation_keys(&he_bgv::KeyRequest::default().relinearization(level)).expect("keys");
    let products = he_bgv::Evaluator::new(params.bgv(), keys).expect("keys");
    let encoder = he_bgv::Encoder::new(params.bgv()).modular();
    let decryptor = he_bgv::Decryptor::new(&secret);
    let half = t as i64 / 2;
    let fresh = |k: i64| {
        let values: Vec<i64> = (0..params.bgv().n() as i64).map(|i| (i * 77_777 + k) % half).collect();
        let plain = encoder.encode_coefficients(&values).expect("in range");
        he_bgv::Encryptor::with_secret(&secret).encrypt(&plain).expect("randomness")
    };
    let mut used: Vec<_> = (0..8).map(fresh).collect();
    let budget = Budget::bits(60);
    for round in 1..=3 {
        // Until less than 30 bits are left.
        while decryptor.noise_budget(&used[0]).expect("own") >= 30.0 {
            used = used.iter().map(|c| products.square(c).expect("budget")).collect();
        }
        let cost = bootstrapper.cost(&used, budget).expect("cost");
        let (unit, all) = (unit(), used.len() * params.bgv().n());
        let before = decryptor.noise_budget(&used[0]).expect("own");
        let (back, price) = priced("products bootstrapped to 60 bits", all, || {
            bootstrapper.bootstrap(&used, budget).expect("bootstrap")
        });
        let measured = |c| decryptor.noise_budget(c).expect("own");
        let least = back.iter().map(measured).fold(f64::MAX, f64::min);
        println!(
            "round {round}: {before:.1} bits before, {least:.1} after, estimated {:.1}; {} lifts, said to take {:.1} core-s; \
             {:.0} units of {:.0} µs; a failure in 2^{:.1}",
            back[0].noise_budget(),
            cost.lifts,
            cost.core_seconds,
            price * 1e-6 * all as f64 / unit,
            unit * 1e6,
            -cost.log2_failure
        );
        assert!(back.iter().all(|c| c.noise_budget() <= measured(c)), "an estimate is above the budget");
        used = back;
    }
}

struct Bridges {
    down: BgvToTfhe,
    ring: Arc<TfheToCkks>,
    up: TfheToBgv,
    refresher: Arc<Refresher>,
}

fn stages(bgv: &he_bgv::SecretKey, bridges: &Bridges, evaluator: &he_tfhe::Evaluator) {
    let Bridges { down, ring, up, refresher } = bridges;
    let params = up.params();
    let (n, m, all) = (params.bgv().n(), params.tfhe().n(), 2 * params.ckks().slots());
    let encoder = he_bgv::Encoder::new(params.bgv()).modular();
    let t = 1_i64 << params.log_t();
    let values: Vec<i64> = (0..n as i64).map(|i| (i % 16 - 8) * (t / 32)).collect();
    let plain = encoder.encode_coefficients(&values).expect("in range");
    let c = he_bgv::Encryptor::with_secret(bgv).encrypt(&plain).expect("randomness");
    let places: Vec<usize> = (0..n).collect();
    let (mut samples, extraction) =
        priced("down: ring switch and extraction", n, || down.extract(&c, &places).expect("extract"));
    samples.iter_mut().for_each(|s| s.add_constant_assign(1 << 30));
    let boxes: Vec<u32> = (0..16).map(|i: i64| ((i - 8) << 20) as u32).collect();
    let table = LookupTable::on_half_torus(params.tfhe(), &[&boxes]).expect("a table");
    let count = 256;
    let (mut looked, bootstrap) =
        priced("table", count, || evaluator.bootstrap_batch(&samples[..count], &table).expect("bootstrap"));
    looked.extend(std::iter::repeat_n(looked[0].clone(), m - count));
    let (packed, packing) = priced("packing", m, || evaluator.pack(&looked).expect("pack"));
    let share = (extraction + packing) / bootstrap;
    println!("share of extraction and packing in a table: {:.2} %", 100.0 * share);
    assert!(share < 0.05, "the bridges cost more than a twentieth of the tables between them");
    println!("error after packing: 2^{:.1}", 0.5 * packed.variance().log2() + 12.0);
    let gathered = timed("ring switch into that of CKKS", m, || {
        ring.gather(std::slice::from_ref(&packed), 12).expect("gather")
    });
    println!("error: 2^{:.1}", gathered.error().log2());
    let out = timed("widened and cleaned to 2^-46", all, || {
        up.convert(std::slice::from_ref(&packed), 12, (-46_f64).exp2()).expect("convert")
    });
    let decryptor = he_bgv::Decryptor::new(bgv);
    let budget = |c: &he_bgv::Ciphertext| {
        println!(
            "noise budget {:.1}, estimated {:.1}",
            decryptor.noise_budget(c).expect("own"),
            c.noise_budget()
        );
    };
    budget(&out[0]);
    // With more error than this a square of full ciphertexts still decrypts, but leaves no room to be refreshed.
    let least = (-56_f64).exp2();
    let out = timed("cleaned further to 2^-56", all, || refresher.refresh(&out, least).expect("refresh"));
    budget(&out[0]);
    let level = params.bgv().max_level();
    let keys = bgv.evaluation_keys(&he_bgv::KeyRequest::default().relinearization(level)).expect("keys");
    let products = he_bgv::Evaluator::new(params.bgv(), keys).expect("keys");
    let square =
        |c: &he_bgv::Ciphertext| products.relinearize(&products.mul_lazy(c, c).expect("own")).expect("key");
    let squares: Vec<_> = timed("squares of all ciphertexts", all, || out.iter().map(square).collect());
    budget(&squares[0]);
    let fresh =
        timed("products refreshed to 2^-56", all, || refresher.refresh(&squares, least).expect("refresh"));
    budget(&fresh[0]);
    let wide = refresher.gather(&squares).expect("gather");
    timed("one iteration of cleaning", all, || refresher.clean(&wide).expect("clean"));
}
