//! Bootstrapping at 128 bits of security: precision, time on one and on two threads, keys, memory. One command for the table
//! in the README:
//!
//! ```sh
//! cargo bench -p he-ckks --bench bootstrap
//! ```
//!
//! The unit is a forward transform of the `tfhe-ntt` library at 50 bits and the same length on one thread. A name in the
//! arguments (`sparse`, `uniform`) restricts the run to that preset.

mod measure;

use std::hint::black_box;
use std::time::Instant;

use he_ckks::{
    BootstrapKeys, Bootstrapper, Complex64, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator,
    KeyRequest, Precision, SecretKey, Spec,
};
use measure::{median, pool, seconds, thousand_units};

/// Runs on each number of threads; the median counts.
const RUNS: usize = 3;

/// Most memory the process ever had, in bytes, where the system tells.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
}

/// Complex numbers with parts between −1 and 1.
fn values(slots: usize) -> Vec<Complex64> {
    let part = |i: usize| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    (0..slots)
        .map(|i| Complex64::new(part(2 * i), part(2 * i + 1)) * std::f64::consts::FRAC_1_SQRT_2)
        .collect()
}

fn preset(name: &str, spec: &Spec) {
    let params = spec.build().expect("a preset");
    let (one, two) = (pool(1), pool(2));
    let mut units = thousand_units(&params);
    let mut unit = || seconds(&mut units) / 1000.0;
    println!("\n{name}: log2 QP = {:.0}", params.rlwe().key_basis(params.rlwe().max_limbs()).log2());
    let key = SecretKey::generate(&params).expect("randomness");
    let x = values(params.slots());
    let plaintext = Encoder::new(&params).encode_complex(&x).expect("fits");
    let fresh = Encryptor::with_secret(&key).encrypt(&plaintext).expect("randomness");
    let low = Evaluator::new(&params, EvaluationKeys::none(&params)).expect("own parameters");
    let low = low.mod_switch_to(&fresh, params.reserved_levels()).expect("levels");
    let start = Instant::now();
    let keys =
        two.install(|| key.bootstrap_keys(params.slots(), &KeyRequest::default()).expect("randomness"));
    let made = start.elapsed().as_secs_f64();
    let file = std::env::temp_dir().join(format!("he-ckks-bootstrap-{}.keys", std::process::id()));
    std::fs::write(&file, keys.to_bytes().expect("bytes")).expect("a file");
    drop(keys);
    let disk = std::fs::metadata(&file).expect("a file").len() as f64;
    let start = Instant::now();
    let bytes = std::fs::read(&file).expect("a file");
    std::fs::remove_file(&file).expect("a file");
    let keys = two.install(|| BootstrapKeys::from_bytes(&params, &bytes).expect("own keys"));
    drop(bytes);
    let read = start.elapsed().as_secs_f64();
    let b = two.install(|| Bootstrapper::new(keys).expect("own keys"));
    println!(
        "keys {:.2} GB on disk (made in {made:.1} s, read in {read:.1} s), transforms {:.2} GB",
        disk / 1e9,
        b.transform_bytes() as f64 / 1e9
    );
    let out = two.install(|| b.bootstrap(&low).expect("levels"));
    let precision = Precision::of(&Decryptor::new(&key).decrypt_complex(&out).expect("own key"), &x);
    println!(
        "precision {:.2} bits rms, {:.2} mean, {:.2} worst; estimated {:.2}; {} levels of {} bits left",
        precision.rms,
        precision.mean,
        precision.worst,
        out.estimate().bits(),
        spec.levels,
        spec.scale_bits
    );
    let [mut alone, mut both, mut units] = [vec![], vec![], vec![]];
    for _ in 0..RUNS {
        let time = |pool: &rayon::ThreadPool| seconds(|| drop(black_box(pool.install(|| b.bootstrap(&low)))));
        let before = unit();
        alone.push(time(&one));
        units.push(alone[alone.len() - 1] / f64::midpoint(before, unit()));
        both.push(time(&two));
    }
    let (alone, both, units) = (median(alone), median(both), median(units));
    println!("one thread {alone:.2} s, {units:.0} units of {:.0} us", alone / units * 1e6);
    println!("two threads {both:.2} s, {:.2} times faster", alone / both);
    println!(
        "peak memory {}",
        peak().map_or("not known".into(), |bytes| format!("{:.2} GiB", bytes / (1u64 << 30) as f64))
    );
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    for (name, spec) in [("sparse", Spec::bootstrap_sparse()), ("uniform", Spec::bootstrap_uniform())] {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            preset(name, &spec);
        }
    }
}
