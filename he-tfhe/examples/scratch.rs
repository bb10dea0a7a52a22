//! Scratch.
use he_tfhe::*;
use std::time::Instant;
fn main() {
    let spec = presets::MESSAGE_2_CARRY_2_FAILURE_128;
    let params = spec.build().unwrap();
    println!("{:?}", params.prediction());
    let key = SecretKey::generate(&params).unwrap();
    let t = Instant::now();
    let seeded = key.evaluation_keys().unwrap();
    println!("keygen {:.2}", t.elapsed().as_secs_f64());
    let t = Instant::now();
    let keys = seeded.expand();
    println!("expand {:.2}, {} MiB", t.elapsed().as_secs_f64(), keys.bytes() >> 20);
    let e = Evaluator::new(keys);
    let table = LookupTable::new(&params, |x| (3 * x + 1) % 16).unwrap();
    let n: usize = std::env::args().nth(1).map_or(64, |s| s.parse().unwrap());
    let messages: Vec<u64> = (0..n as u64).map(|i| i * 7 % 16).collect();
    let cts = Encryptor::new(&key).encrypt_all(&messages).unwrap();
    let t = Instant::now();
    let out = e.bootstrap_batch(&cts, &table).unwrap();
    println!("batch {n}: {:.3} ms each", t.elapsed().as_secs_f64() * 1e3 / n as f64);
    let d = Decryptor::new(&key);
    let mut sq = 0.0;
    for (m, c) in messages.iter().zip(&out) {
        assert_eq!(d.decrypt(c).unwrap(), (3 * m + 1) % 16);
        let err = (d.phase(c).unwrap().wrapping_sub((((3 * m + 1) % 16) << 27) as u32)) as i32 as f64
            / 2f64.powi(32);
        sq += err * err;
    }
    println!(
        "measured 2^{:.2}, predicted 2^{:.2}",
        (sq / n as f64).sqrt().log2(),
        params.prediction().bootstrap.sqrt().log2()
    );
    let t = Instant::now();
    for c in cts[..10].iter().cycle().take(std::env::args().nth(2).map_or(0, |s| s.parse().unwrap())) {
        e.bootstrap(c, &table).unwrap();
    }
    println!("one alone {:.3} ms", t.elapsed().as_secs_f64() * 1e3 / 100.0);
}
