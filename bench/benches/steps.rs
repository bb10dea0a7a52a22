//! A training step of every recipe on ciphertexts, client included, on networks small enough to be repeated:
//!
//! ```sh
//! cargo bench -p bench --bench steps                # all; half an hour, 13 GB
//! cargo bench -p bench --bench steps -- onoufriou   # those whose name matches
//! ```
//!
//! The step of `hesamifard2017` on the digits on one and on two threads is `cargo bench -p nn-encrypted --bench step`, operations of steps in
//! CKKS are `--bench reals` there; operations of every scheme are benches of its crate.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, SamplingMode, criterion_group, criterion_main};
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::Client;
use nn_encrypted::run::{Encrypted, RunError, Session};

/// Recipes with settings.
const STEPS: [(&str, &[&str]); 7] = [
    ("hesamifard2017", &["variant=iris"]),
    ("ghimes2018", &["variant=bfv", "variant=iris"]),
    ("nandakumar2019", &["variant=tiny"]),
    ("glyph2020", &["variant=tiny"]),
    ("onoufriou2021", &[]),
    ("tbmpnet2021", &["variant=tiny", "optimizer.batch_size=1"]),
    ("ckks_sgd", &["variant=iris"]),
];

/// A client and its server, with a mini-batch that was sent.
fn start(recipe: &str, settings: &[&str]) -> Result<(Session, Encrypted), RunError> {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    let session = Session::new(Recipe::load(recipe, &settings)?, None)?;
    let plan = session.plan()?;
    let (mut both, _) = Encrypted::start(&plan, Client::new(&plan, session.first.clone())?)?;
    both.send(&session, 0)?;
    Ok((session, both))
}

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (recipe, settings) in STEPS {
        // Keys are made only for what runs: setting up is a part of the first call.
        let mut both = None;
        let mut number = 0;
        group.bench_function([&[recipe], settings].concat().join(" "), |bencher| {
            let (session, both) = both.get_or_insert_with(|| {
                start(recipe, settings).expect("a recipe with data inside the program")
            });
            let step = |both: &mut Encrypted, number| {
                black_box(both.step(session, number, 0, &Arc::default()).expect("a step"));
            };
            if recipe == "ghimes2018" {
                // What nothing refreshes has levels for the first step only.
                let fresh = || start(recipe, settings).expect("as before").1;
                bencher.iter_batched(fresh, |mut both| step(&mut both, 0), BatchSize::PerIteration);
                return;
            }
            bencher.iter(|| {
                step(both, number);
                number += 1;
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
