//! One training step of the digits recipe, encrypted, client included: on one thread and on two, in one run.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::Client;
use nn_encrypted::run::{Encrypted, Session};

fn step(c: &mut Criterion) {
    let session = Recipe::load("hesamifard2017", &[]).map(|recipe| Session::new(recipe, None));
    let session = session.expect("a built-in recipe").expect("embedded data");
    let plan = session.plan().expect("a plan");
    println!("{plan}");
    let mut group = c.benchmark_group("digits step");
    group.sample_size(10);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let client = Client::new(&plan, session.first.clone()).expect("keys");
        let (mut both, _) = Encrypted::start(&plan, client).expect("a server");
        both.send(&session, 0).expect("a mini-batch");
        let mut number = 0;
        group.bench_function(format!("{threads} thread(s)"), |bencher| {
            pool.install(|| {
                bencher.iter(|| {
                    both.step(black_box(&session), number, 0, &Arc::default()).expect("a step");
                    number += 1;
                });
            });
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
