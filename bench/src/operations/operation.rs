//! An operation, and how it is timed.

use std::hint::black_box;

use cpu_time::ThreadTime;
use serde::{Deserialize, Serialize};

use super::unit::Unit;
use crate::pages::Failure;

/// CPU seconds that a sample takes at least, unless one call takes more.
const SAMPLE: f64 = 0.1;
/// CPU seconds from which a call is long.
const LONG: f64 = 1.0;
/// Samples of short and of long calls.
const ROUNDS: [usize; 2] = [7, 3];

/// Work that is repeated.
type Work = Box<dyn FnMut() -> Result<(), Failure> + Send>;

/// An operation, ready to be repeated.
pub(crate) struct Operation {
    /// Scheme and operation.
    pub(crate) name: String,
    /// `log2` of the ring dimension, which is that of its unit.
    pub(crate) log_n: u32,
    work: Work,
}

impl Operation {
    /// Of something that gives a result, which is dropped.
    pub(crate) fn new<T, E: Into<Failure>>(
        name: impl Into<String>,
        log_n: u32,
        mut work: impl FnMut() -> Result<T, E> + Send + 'static,
    ) -> Self {
        let work = Box::new(move || work().map(|out| drop(black_box(out))).map_err(Into::into));
        Self { name: name.into(), log_n, work }
    }

    /// Does it once.
    pub(crate) fn run(&mut self) -> Result<(), Failure> {
        (self.work)()
    }
}

/// The time of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Time {
    /// In forward transforms of its ring.
    pub(crate) units: f64,
    /// CPU seconds.
    pub(crate) seconds: f64,
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// CPU seconds of this thread for `times` calls, of one of them.
fn seconds(times: usize, mut work: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = ThreadTime::now();
    for _ in 0..times {
        work()?;
    }
    Ok(start.elapsed().as_secs_f64() / times as f64)
}

impl Operation {
    /// The median of samples on one thread, each between two samples of the unit: what slows a machine down slows both.
    pub(crate) fn time(&mut self) -> Result<Time, Failure> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        let (log_n, work) = (self.log_n, &mut self.work);
        pool.install(|| {
            let mut unit = Unit::new(log_n)?;
            // The first call fills caches, the second finds how often a sample repeats it.
            let first = seconds(1, &mut *work)?;
            let once = if first >= LONG { first } else { seconds(1, &mut *work)?.max(1e-7) };
            let times = (SAMPLE / once).ceil() as usize;
            let (mut units, mut all) = (vec![], vec![]);
            let mut before = unit.seconds();
            for _ in 0..ROUNDS[usize::from(once >= LONG)] {
                let sample = seconds(times, &mut *work)?;
                let after = unit.seconds();
                units.push(sample / f64::midpoint(before, after));
                all.push(sample);
                before = after;
            }
            Ok(Time { units: median(units), seconds: median(all) })
        })
    }
}
