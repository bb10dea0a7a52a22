//! Key switch and bootstrap: this project against the `tfhe` crate, in one run, one thread, outputs checked.
//!
//! `cargo run --release` in this folder. Rounds of both alternate; medians of the rounds are printed.

use std::hint::black_box;
use std::time::Instant;

mod ours;
mod theirs;

/// Rounds of each measurement.
const ROUNDS: usize = 5;
/// Ciphertexts of a batch.
const BATCH: usize = 512;
/// Calls of what is measured alone, a round.
const SINGLE: usize = 20;

/// Times of one bootstrap in milliseconds, and bytes of the keys.
struct Figures {
    peer: f64,
    batch: f64,
    alone: f64,
    peer_bytes: usize,
    bytes: usize,
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Milliseconds a call of `count` calls.
fn milliseconds<T>(count: usize, work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let out = black_box(work());
    (start.elapsed().as_secs_f64() * 1e3 / count as f64, out)
}

/// Inputs that differ from run to run.
fn random(count: usize) -> impl Iterator<Item = u64> {
    let keys = std::hash::RandomState::new();
    (0..count).map(move |i| std::hash::BuildHasher::hash_one(&keys, i))
}

/// Alternates the peer, a batch and single calls.
fn rounds(
    mut peer: impl FnMut() -> f64,
    mut batch: impl FnMut() -> f64,
    mut alone: impl FnMut() -> f64,
) -> [f64; 3] {
    let mut times = [vec![], vec![], vec![]];
    for _ in 0..ROUNDS {
        times[0].push(peer());
        times[1].push(batch());
        times[2].push(alone());
    }
    times.map(median)
}

fn show(name: &str, figures: &Figures) {
    let Figures { peer, batch, alone, peer_bytes, bytes } = figures;
    let mebi = |bytes: &usize| *bytes as f64 / f64::from(1 << 20);
    println!(
        "{name:28} {peer:8.3} {batch:8.3} {:6.2} {alone:8.3} {:6.2} {:8.1} {:8.1}",
        batch / peer,
        alone / peer,
        mebi(peer_bytes),
        mebi(bytes),
    );
}

fn main() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let two = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool of two threads");
    println!("milliseconds, medians of {ROUNDS} rounds, one thread; batches of {BATCH}");
    println!(
        "{:28} {:>8} {:>8} {:>6} {:>8} {:>6} {:>8} {:>8}",
        "", "tfhe", "batch", "ratio", "alone", "ratio", "MiB", "MiB ours"
    );
    one.install(|| {
        for set in [theirs::Set::TwoTwo, theirs::Set::OneOne] {
            let (peer, our) = (theirs::Messages::new(set), ours::Messages::new(set));
            let [a, b, c] = rounds(|| peer.round(SINGLE), || our.batch(BATCH), || our.alone(SINGLE));
            let figures =
                Figures { peer: a, batch: b, alone: c, peer_bytes: peer.key_bytes(), bytes: our.key_bytes() };
            show(set.name(), &figures);
        }
        let (peer, our) = (theirs::Gates::new(), ours::Gates::new());
        let [a, b, c] = rounds(|| peer.nand(SINGLE), || our.nand(BATCH), || our.nand_alone(SINGLE));
        let bytes = (peer.key_bytes(), our.key_bytes());
        let figures = |[peer, batch, alone]: [f64; 3]| Figures {
            peer,
            batch,
            alone,
            peer_bytes: bytes.0,
            bytes: bytes.1,
        };
        show("NAND, failure 2^-64", &figures([a, b, c]));
        let mux = rounds(|| peer.mux(SINGLE), || our.mux(BATCH), || our.mux_alone(SINGLE));
        show("MUX, failure 2^-64", &figures(mux));
    });
    let our = ours::Messages::new(theirs::Set::TwoTwo);
    let mut threads = [vec![], vec![]];
    for _ in 0..ROUNDS {
        threads[0].push(one.install(|| our.batch(BATCH)));
        threads[1].push(two.install(|| our.batch(BATCH)));
    }
    let [single, double] = threads.map(median);
    println!(
        "2+2, a batch of {BATCH} on two threads: {double:.3} ms each, {:.2} times one thread",
        single / double
    );
}
