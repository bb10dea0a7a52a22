//! The studies.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cpu_time::ProcessTime;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::Client;
use nn_encrypted::run::{Encrypted, Session};

use super::study::{Series, Study};
use crate::operations::{self, Operation, median};
use crate::pages::Failure;

/// Training steps that are timed, behind one that is not.
const STEPS: u64 = 5;

/// Bits of the plaintext primes of BGV.
const PLAINTEXT_BITS: u32 = 20;

pub(super) const STUDIES: [Study; 5] = [
    Study {
        name: "ring",
        size: "N",
        time: "CPU seconds of an operation",
        remark: "The same chain of primes in larger rings: four primes and a special one in BGV, the preset's in CKKS. A transform takes N log N.",
        measure: ring,
    },
    Study {
        name: "depth",
        size: "primes of the chain",
        time: "CPU seconds of an operation",
        remark: "At N = 32,768 with more and more primes. A key switch with one prime a digit, as in BGV, takes the square of their number in transforms; \
                 with three primes a digit, as in CKKS, it takes a third of that.",
        measure: depth,
    },
    Study {
        name: "batch",
        size: "values of a batch, rows of a mini-batch",
        time: "CPU seconds of a value, of a training row",
        remark: "A bootstrap of TFHE among others with one key, and a training step of `hesamifard2017` on the digits, all threads, client included.",
        measure: batch,
    },
    Study {
        name: "width",
        size: "neurons of the first hidden layer",
        time: "CPU seconds of a step, all threads, client included",
        remark: "A training step of `hesamifard2017` on the digits, 64-W-16-10, in mini-batches of 60.",
        measure: width,
    },
    Study {
        name: "threads",
        size: "threads",
        time: "seconds by the clock",
        remark: "Seconds by the clock say as much as the cores that were free. An exponent of -1 is twice as fast on two threads.",
        measure: threads,
    },
];

/// The time of an operation out of a group.
fn pick(group: Vec<Operation>, name: &str) -> Result<f64, Failure> {
    let found = group.into_iter().find(|operation| operation.name == name);
    Ok(found.ok_or_else(|| format!("there is no `{name}`"))?.time()?.seconds)
}

fn series(
    name: &str,
    sizes: impl IntoIterator<Item = usize>,
    mut time: impl FnMut(usize) -> Result<f64, Failure>,
) -> Result<Series, Failure> {
    let points = sizes.into_iter().map(|size| Ok((size as f64, time(size)?)));
    Ok(Series { name: name.into(), points: points.collect::<Result<_, Failure>>()? })
}

/// BGV with the first preset's chain, or another, in any ring.
fn bgv(log_n: u32, chain: Option<usize>) -> Result<he_bgv::Parameters, Failure> {
    let preset = he_bgv::Spec::n8192();
    let plaintext_modulus = he_bgv::Spec::slot_modulus(log_n, PLAINTEXT_BITS)?;
    let q_bits = chain.map_or(preset.q_bits, |primes| vec![48; primes]);
    Ok(he_bgv::Spec { log_n, plaintext_modulus, q_bits, ..he_bgv::Spec::n8192() }.build()?)
}

fn ring() -> Result<Vec<Series>, Failure> {
    let sizes = [1 << 13, 1 << 14, 1 << 15, 1 << 16];
    let log = |n: usize| n.ilog2();
    let chain = |n: usize| he_ckks::Spec { log_n: log(n), ..he_ckks::Spec::n8192() }.build();
    Ok(vec![
        series("forward transform", sizes, |n| pick(operations::ring(log(n))?, "ring: forward transform"))?,
        series("BGV: relinearize", sizes, |n| {
            pick(operations::bgv(&bgv(log(n), None)?)?, "BGV: relinearize")
        })?,
        series("CKKS: multiply, relinearize, rescale", sizes, |n| {
            pick(operations::ckks(&chain(n)?)?, "CKKS: multiply, relinearize, rescale")
        })?,
    ])
}

fn depth() -> Result<Vec<Series>, Failure> {
    let sizes = [2, 4, 8, 16];
    let chain = |primes: usize| he_ckks::Spec { levels: primes - 1, ..he_ckks::Spec::n32768() }.build();
    Ok(vec![
        series("BGV: multiply", sizes, |primes| {
            pick(operations::bgv(&bgv(15, Some(primes))?)?, "BGV: multiply")
        })?,
        series("BGV: relinearize, 1 prime a digit", sizes, |primes| {
            pick(operations::bgv(&bgv(15, Some(primes))?)?, "BGV: relinearize")
        })?,
        series("CKKS: rotate, 3 primes a digit", sizes, |primes| {
            pick(operations::ckks(&chain(primes)?)?, "CKKS: rotate")
        })?,
    ])
}

fn batch() -> Result<Vec<Series>, Failure> {
    Ok(vec![
        series("TFHE: bootstrap of 2+2 bits", [1, 4, 16, 64, 256], |count| {
            let name = format!("TFHE: batch of {count} bootstraps");
            Ok(pick(operations::tfhe(count)?, &name)? / count as f64)
        })?,
        series("a training row", [15, 30, 60, 120, 240], |rows| {
            Ok(step(&[format!("optimizer.batch_size={rows}")])?.cpu / rows as f64)
        })?,
    ])
}

fn width() -> Result<Vec<Series>, Failure> {
    let one = series("a training step", [16, 32, 64, 128, 256], |width| {
        Ok(step(&[format!("layers.1.out_features={width}")])?.cpu)
    })?;
    Ok(vec![one])
}

fn threads() -> Result<Vec<Series>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let sizes: Vec<usize> = [1, 2, 4, 8, 16].into_iter().filter(|threads| *threads <= cores.max(2)).collect();
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let clock = |mut operation: Operation| {
        series(&operation.name.clone(), sizes.clone(), |threads| {
            let run = |operation: &mut Operation| -> Result<f64, Failure> {
                let start = Instant::now();
                operation.run()?;
                Ok(start.elapsed().as_secs_f64())
            };
            pool(threads)?.install(|| {
                let times = (0..9).map(|_| run(&mut operation));
                Ok(median(times.collect::<Result<Vec<_>, Failure>>()?))
            })
        })
    };
    let named = |group: Vec<Operation>, name: &str| {
        group.into_iter().find(|operation| operation.name == name).ok_or_else(|| format!("no `{name}`"))
    };
    let ckks = operations::ckks(&he_ckks::Spec::n32768().build()?)?;
    Ok(vec![
        clock(named(operations::tfhe(64)?, "TFHE: batch of 64 bootstraps")?)?,
        clock(named(ckks, "CKKS: multiply, relinearize, rescale")?)?,
        series("a training step", sizes.clone(), |threads| Ok(pool(threads)?.install(|| step(&[]))?.wall))?,
    ])
}

/// The time of a training step.
struct Spent {
    wall: f64,
    cpu: f64,
}

/// The medians of some training steps of `hesamifard2017` on the digits.
fn step(settings: &[String]) -> Result<Spent, Failure> {
    let session = Session::new(Recipe::load("hesamifard2017", settings)?, None)?;
    let plan = session.plan()?;
    let (mut both, _) = Encrypted::start(&plan, Client::new(&plan, session.first.clone())?)?;
    both.send(&session, 0)?;
    let (mut wall, mut cpu) = (vec![], vec![]);
    for number in 0..=STEPS {
        let (start, before) = (Instant::now(), ProcessTime::now());
        black_box(both.step(&session, number, 0, &Arc::default())?);
        if number > 0 {
            wall.push(start.elapsed().as_secs_f64());
            cpu.push(before.elapsed().as_secs_f64());
        }
    }
    Ok(Spent { wall: median(wall), cpu: median(cpu) })
}
