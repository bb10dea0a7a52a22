//! Messages, keys and files of every recipe with changed bytes, three quarters of them sealed again so that every digest is right:
//! nothing panics, nothing hangs, nothing takes memory out of proportion, and nothing wrong ends with success.
//!
//! `cargo test --release -p nn-encrypted --test mutations -- --ignored --nocapture` makes 20,000 of them. A finding is repeated by
//! `MUTATION=world/object/seed`, as it is printed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod honest;
mod memory;
mod mutate;
mod subjects;
#[path = "../worlds/mod.rs"]
mod worlds;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use self::memory::{peak, reset_peak};
use self::mutate::{Chance, is_sealed, mutated, mutated_inside};
use self::subjects::{Subject, Verdict, subjects};
use self::worlds::Small;

/// Memory above that of an honest run, in bytes.
const MOST_MEMORY: u64 = 200 << 20;
/// Time of one mutation: none of them computes for longer.
const LONGEST: Duration = Duration::from_secs(60);

/// What became of the mutations.
#[derive(Default, Debug)]
struct Count {
    refused: usize,
    /// Taken, and all is as it was without the change.
    same: usize,
    /// Taken, and said to be wrong.
    told: usize,
    findings: Vec<String>,
}

impl Count {
    fn all(&self) -> usize {
        self.refused + self.same + self.told + self.findings.len()
    }
}

/// The changed bytes of a seed, and whether they are sealed again.
fn change(subject: &Subject<'_>, seed: u64) -> (Vec<u8>, bool) {
    let mut chance = Chance(seed);
    let again = is_sealed(&subject.bytes) && chance.below(4) > 0;
    let bytes = if again {
        mutated_inside(&subject.bytes, &mut chance)
    } else {
        mutated(&subject.bytes, &mut chance)
    };
    (bytes, again)
}

fn mutate(world: &str, subject: &mut Subject<'_>, seed: u64, count: &mut Count) {
    let (bytes, again) = change(subject, seed);
    let sealed = is_sealed(&subject.bytes);
    let start = Instant::now();
    let verdict = catch_unwind(AssertUnwindSafe(|| (subject.read)(&bytes)));
    let mut finding = |what: String| {
        let what = format!("{world}/{}/{seed}: {what}", subject.name);
        println!("finding: {what}");
        count.findings.push(what);
    };
    if start.elapsed() > LONGEST {
        finding(format!("took {:?}", start.elapsed()));
    }
    match verdict {
        Err(_) => finding("panicked".into()),
        Ok(Verdict::Wrong(what)) => finding(what),
        Ok(Verdict::Refused) => count.refused += 1,
        Ok(_) if sealed && !again => finding("taken with a wrong digest".into()),
        Ok(Verdict::Same) => count.same += 1,
        Ok(Verdict::Told) => count.told += 1,
    }
}

/// So many mutations of a world, shared among what it reads by what reading takes.
fn run(small: Small, mutations: usize, first_seed: u64, count: &mut Count) {
    let name = small.0;
    let start = Instant::now();
    reset_peak();
    let session = worlds::session(small);
    subjects(name, &session, &mut |all| {
        // Each once as it is: what it takes, and that it is right.
        let mut costs = Vec::new();
        for subject in all.iter_mut() {
            let start = Instant::now();
            let bytes = subject.bytes.clone();
            let verdict = (subject.read)(&bytes);
            assert!(matches!(verdict, Verdict::Same), "{name}/{}: {verdict:?}", subject.name);
            costs.push(start.elapsed().as_secs_f64().max(1e-3));
        }
        let honest = peak();
        let shares: f64 = costs.iter().map(|cost| cost.powf(-0.5)).sum();
        for (subject, cost) in all.iter_mut().zip(&costs) {
            let share = (mutations as f64 * cost.powf(-0.5) / shares).ceil() as u64;
            println!("{name}/{}: {} bytes, {share} mutations", subject.name, subject.bytes.len());
            reset_peak();
            (first_seed..first_seed + share).for_each(|seed| mutate(name, subject, seed, count));
            if let (Some(honest), Some(peak)) = (honest, peak())
                && peak > honest + MOST_MEMORY
            {
                let what = format!("{} MiB beside {} MiB", peak >> 20, honest >> 20);
                count.findings.push(format!("{name}/{}: {what}", subject.name));
            }
        }
    });
    println!("{name}: {:.0} s", start.elapsed().as_secs_f64());
}

fn all(worlds: &[Small], mutations: usize, first_seed: u64) {
    let mut count = Count::default();
    for world in worlds {
        run(*world, mutations / worlds.len(), first_seed, &mut count);
    }
    let Count { refused, same, told, findings } = &count;
    println!("{} mutations: {refused} refused, {same} without effect, {told} told", count.all());
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    assert!(count.all() >= mutations && *refused > mutations / 4);
}

#[test]
fn some_mutations_of_every_recipe() {
    all(&worlds::ALL, 800, 1 << 32);
}

#[test]
#[ignore = "20,000 mutations of messages, keys and files of every recipe"]
fn twenty_thousand_mutations() {
    all(&worlds::ALL, 20_000, 1);
}

#[test]
#[ignore = "one mutation, given by MUTATION=world/object/seed"]
fn one_mutation() {
    let Ok(which) = std::env::var("MUTATION") else { return };
    let (world, rest) = which.split_once('/').unwrap();
    let (object, seed) = rest.rsplit_once('/').unwrap();
    let small = worlds::ALL.into_iter().find(|small| small.0 == world).unwrap();
    subjects(world, &worlds::session(small), &mut |all| {
        let subject = all.iter_mut().find(|subject| subject.name == object).unwrap();
        let (bytes, again) = change(subject, seed.parse().unwrap());
        println!("{} bytes, sealed again: {again}", bytes.len());
        println!("{:?}", (subject.read)(&bytes));
    });
}
