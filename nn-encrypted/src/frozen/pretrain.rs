//! Training convolutions on the embedded digits, in the clear.

use rayon::prelude::*;

use super::augment::Warp;
use super::trainer::Trainer;
use super::{Frozen, FrozenError, Result};
use crate::data::random::{Purpose, permutation, stream};
use crate::data::{Dataset, TestPart, digits, split};
use crate::metrics;

/// Passes over the digits if nothing else is said.
pub const EPOCHS: u16 = 60;
/// The seed if nothing else is said.
pub const SEED: u64 = 1;

/// Passes at most.
const MOST_EPOCHS: usize = 10_000;
/// Images held out.
const HELD_OUT: usize = 360;
/// Images a step.
const BATCH: usize = 32;
/// The step width at the beginning; it falls to 0 along a line.
const RATE: f32 = 0.05;

/// How far a training is.
///
/// ```no_run
/// use nn_encrypted::frozen::{EPOCHS, Progress, SEED, pretrain};
///
/// let tell = |progress: Progress| println!("{} of {}", progress.epoch, progress.epochs);
/// pretrain(usize::from(EPOCHS), SEED, tell)?;
/// # Ok::<(), nn_encrypted::frozen::FrozenError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Passes done.
    pub epoch: usize,
    /// Passes in all.
    pub epochs: usize,
    /// The mean loss of the last pass.
    pub loss: f64,
    /// The part of the changed training images that were classified right in the last pass.
    pub training: f64,
}

/// The end of a training.
///
/// ```no_run
/// use nn_encrypted::frozen::{EPOCHS, Pretrained, SEED, pretrain};
///
/// let Pretrained { network, accuracy, .. } = pretrain(usize::from(EPOCHS), SEED, |_| ())?;
/// println!("{:.1} % of the digits held out", 100.0 * accuracy);
/// network.write("digits.safetensors".as_ref())?;
/// # Ok::<(), nn_encrypted::frozen::FrozenError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pretrained {
    /// The convolutions with their normalizations, without the last layer.
    pub network: Frozen,
    /// The part of the digits held out that were classified right, with the last layer.
    pub accuracy: f64,
    /// How many were held out.
    pub held_out: usize,
}

/// Trains two convolutions of 6 and 16 kernels of 3x3 on the embedded digits, which are enlarged to 28x28 and
/// changed by chance in every pass. The same seed gives the same network, bit for bit.
///
/// # Errors
/// If `epochs` is not from 1 to 10000.
pub fn pretrain(epochs: usize, seed: u64, mut progress: impl FnMut(Progress)) -> Result<Pretrained> {
    if !(1..=MOST_EPOCHS).contains(&epochs) {
        return Err(FrozenError::Numbers(format!("{epochs} epochs; 1 to {MOST_EPOCHS} are needed")));
    }
    let data = digits()?;
    let parts = split(&data, &TestPart::Count(HELD_OUT), false, seed)?;
    let mut trainer = Trainer::new(data.schema.classes.len(), seed)?;
    for epoch in 0..epochs {
        let rate = |batch: usize| {
            let done = (epoch * parts.train.len() + batch * BATCH) as f32;
            RATE * (1.0 - done / (epochs * parts.train.len()) as f32)
        };
        let (loss, training) = pass(&mut trainer, &data, &parts.train, (seed, epoch as u64), rate);
        progress(Progress { epoch: epoch + 1, epochs, loss, training });
    }
    let accuracy = accuracy(&trainer, &data, &parts.test);
    Ok(Pretrained { network: trainer.network, accuracy, held_out: parts.test.len() })
}

/// One pass; gives the mean loss and the part classified right.
fn pass(
    trainer: &mut Trainer,
    data: &Dataset,
    rows: &[usize],
    (seed, epoch): (u64, u64),
    rate: impl Fn(usize) -> f32,
) -> (f64, f64) {
    let order = permutation(&mut stream(seed, Purpose::Order(epoch)), rows.len());
    let (mut loss, mut right) = (0.0, 0);
    for (batch, places) in order.chunks(BATCH).enumerate() {
        let rows: Vec<usize> = places.iter().map(|&place| rows[place]).collect();
        let change = |&row: &usize| {
            let index = epoch * data.labels.len() as u64 + row as u64;
            Warp::random(&mut stream(seed, Purpose::Change(index))).apply(&pixels(data, row))
        };
        let images: Vec<Vec<f32>> = rows.par_iter().map(change).collect();
        let labels: Vec<usize> = rows.iter().map(|&row| data.labels[row]).collect();
        let found = trainer.step(images.concat(), &labels, rate(batch));
        loss += found.0 * rows.len() as f64;
        right += found.1;
    }
    (loss / rows.len() as f64, right as f64 / rows.len() as f64)
}

/// The part of plainly enlarged images that are classified right.
fn accuracy(trainer: &Trainer, data: &Dataset, rows: &[usize]) -> f64 {
    let class = |&row: &usize| {
        let mut features = vec![0.0; trainer.network.output().size()];
        trainer.network.image(&Warp::NONE.apply(&pixels(data, row)), &mut features);
        metrics::argmax(trainer.head.outputs(&features))
    };
    let predicted: Vec<usize> = rows.par_iter().map(class).collect();
    let labels: Vec<usize> = rows.iter().map(|&row| data.labels[row]).collect();
    metrics::accuracy(&predicted, &labels)
}

fn pixels(data: &Dataset, row: usize) -> Vec<f32> {
    data.table.row(row).map(|pixel| pixel as f32).collect()
}
