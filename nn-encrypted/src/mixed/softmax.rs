//! The softmax by tables.
//!
//! A table reads with an error that is a fixed part of the torus. Written naively, `exp(z_i)/Σ exp(z_j)` asks for numbers of very
//! different size on one torus, and drowns in it. Here every number is brought to a small interval before it counts:
//!
//! 1. `M ≈ max z_j`, by a tree of `max(a, b) = b + max(a − b, 0)`; its error is common to all classes and cancels;
//! 2. `L = M + log Σ exp(z_j − M)`, which cancels as well, up to what step 5 takes off;
//! 3. `t_i = z_i − L ≤ 1/2` is *clipped* by adding `s(t_i)`, 0 for `t_i > −k` and `c − t_i` below: nothing is read where it counts,
//!    and no error is added. What is clipped is small and comes from the same reading as a second output, `exp(t_i)` below `−k`;
//! 4. `e_i = exp(t_i + s(t_i))` is read on a torus of 16, where the error is small;
//! 5. `y = 1/Σ e_j − 1` is small, and `p_i = e_i + e_i·y` with `u·v = ((u + v)² − (u − v)²)/4`.
//!
//! `(K − 1) + K + 1 + K + K + 1 + 2K = 6K + 1` blind rotations for `K` classes. A value `v` *on a torus of `T`* has the phase `v/T`.
//! Inputs are on a torus of 128 and results on one of 64.

use std::cell::RefCell;
use std::collections::VecDeque;

use he_tfhe::LweCiphertext;

use super::numbers::Reader;
use crate::activation::{exp, sigmoid};
use crate::data::random::normal_16;

/// Largest magnitude of an input.
pub const LIMIT: f64 = 8.0;

/// The torus of inputs.
pub const INPUT_TORUS: f64 = 128.0;

/// The torus of results.
pub const OUTPUT_TORUS: f64 = 64.0;

/// Factor of `y` in products: small results of squares, and a sum that stays in their interval.
const BALANCE: f64 = 2.0;

/// Deviations of a reading that the zones of step 3 are apart, and half of that.
const APART: f64 = 14.0;

/// A table on half a torus: its first value, the torus, and its outputs as functions with the torus of each result.
struct Table<'f> {
    first: f64,
    torus: f64,
    outputs: Vec<(&'f dyn Fn(f64) -> f64, f64)>,
}

impl Table<'_> {
    /// Points of the torus, in units of `2^-32`, for boxes that are centred at multiples of their width.
    fn boxes(&self, boxes: usize) -> Vec<Vec<u32>> {
        let width = self.torus / 2.0 / boxes as f64;
        let all = |(f, torus): &(&dyn Fn(f64) -> f64, f64)| {
            (0..boxes).map(|b| point(f(self.first + b as f64 * width) / torus)).collect()
        };
        self.outputs.iter().map(all).collect()
    }
}

/// A point of the torus, in units of `2^-32`.
fn point(x: f64) -> u32 {
    (x * 32_f64.exp2()).round() as i64 as u32
}

/// What the circuit is computed with.
pub trait Tables {
    /// A value on the torus.
    type Value: Clone;
    /// Why a table cannot be read.
    type Error;

    /// What a table can tell apart.
    fn reader(&self) -> &Reader;

    /// `Σ c_i·x_i` and a constant.
    ///
    /// # Errors
    /// If values do not belong together.
    fn sum(&self, terms: &[(i32, &Self::Value)], constant: u32) -> Result<Self::Value, Self::Error>;

    /// For each input the outputs of a table with these boxes on the half torus.
    ///
    /// # Errors
    /// If an input does not belong to the table.
    fn look_up(
        &self,
        inputs: &[Self::Value],
        boxes: &[Vec<u32>],
    ) -> Result<Vec<Vec<Self::Value>>, Self::Error>;
}

/// Blind rotations of [`softmax`] for so many classes.
#[must_use]
pub fn rotations(classes: usize) -> usize {
    6 * classes + 1
}

/// The softmax of values within ±[`LIMIT`], on a torus of [`INPUT_TORUS`]; the results on one of [`OUTPUT_TORUS`].
///
/// # Errors
/// If a table cannot be read.
pub fn softmax<T: Tables>(tables: &T, z: &[T::Value]) -> Result<Vec<T::Value>, T::Error> {
    let zones = Zones::new(tables.reader());
    let most = maximum(tables, z)?;
    let apart = |z: &T::Value, from: &T::Value| tables.sum(&[(2, z), (-2, from)], 0);
    let near = z.iter().map(|z| apart(z, &most)).collect::<Result<Vec<_>, _>>()?;
    let grown = |t: f64| exp(t.min(2.0));
    let parts = read(tables, &near, &Table { first: -24.0, torus: 64.0, outputs: vec![(&grown, 32.0)] })?;
    let sum = all(tables, &parts, 1)?;
    let log = |s: f64| s.max(0.4).ln();
    let log = Table { first: -0.5, torus: 32.0, outputs: vec![(&log, INPUT_TORUS)] };
    let log = read(tables, &[sum], &log)?.concat();
    let whole = tables.sum(&[(1, &most), (1, &log[0])], 0)?;
    let e = exponentials(tables, z, &whole, &zones)?;
    normalized(tables, &e)
}

/// Where step 3 clips.
struct Zones {
    /// Below: clipped.
    kink: f64,
    /// What clipped values become.
    clipped: f64,
}

impl Zones {
    fn new(reader: &Reader) -> Self {
        let deviation = 64.0 * reader.deviations[1];
        let kink = -7.0 + 1.5 * APART * deviation;
        Self { kink, clipped: kink - APART * deviation }
    }

    /// Between the clipped values and the others.
    fn between(&self) -> f64 {
        (self.kink + self.clipped) / 2.0
    }
}

/// Reads a table of one output or two for all inputs.
fn read<T: Tables>(
    tables: &T,
    inputs: &[T::Value],
    table: &Table<'_>,
) -> Result<Vec<Vec<T::Value>>, T::Error> {
    let constant = point(-table.first / table.torus);
    let shifted = inputs.iter().map(|x| tables.sum(&[(1, x)], constant)).collect::<Result<Vec<_>, _>>()?;
    tables.look_up(&shifted, &table.boxes(tables.reader().boxes(table.outputs.len())))
}

/// The sum of all, times a factor.
fn all<T: Tables>(tables: &T, values: &[Vec<T::Value>], factor: i32) -> Result<T::Value, T::Error> {
    let terms: Vec<_> = values.iter().flatten().map(|x| (factor, x)).collect();
    tables.sum(&terms, 0)
}

/// About the largest value, on the torus of inputs.
fn maximum<T: Tables>(tables: &T, z: &[T::Value]) -> Result<T::Value, T::Error> {
    let mut left = z.to_vec();
    let positive = |d: f64| d.max(0.0);
    let table = Table { first: -32.0, torus: INPUT_TORUS, outputs: vec![(&positive, INPUT_TORUS)] };
    while left.len() > 1 {
        let pairs: Vec<&[T::Value]> = left.chunks(2).collect();
        let apart = |pair: &&[T::Value]| tables.sum(&[(1, &pair[0]), (-1, &pair[1])], 0);
        let full = || pairs.iter().filter(|pair| pair.len() == 2);
        let differences = full().map(apart).collect::<Result<Vec<_>, _>>()?;
        let more = read(tables, &differences, &table)?.concat();
        let mut next = full()
            .zip(&more)
            .map(|(pair, more)| tables.sum(&[(1, &pair[1]), (1, more)], 0))
            .collect::<Result<Vec<_>, _>>()?;
        next.extend(pairs.iter().filter(|pair| pair.len() == 1).map(|pair| pair[0].clone()));
        left = next;
    }
    left.pop().map_or_else(|| tables.sum(&[], 0), Ok)
}

/// `exp(z_i − L)`, on the torus of results.
fn exponentials<T: Tables>(
    tables: &T,
    z: &[T::Value],
    whole: &T::Value,
    zones: &Zones,
) -> Result<Vec<T::Value>, T::Error> {
    let doubled = |z: &T::Value| tables.sum(&[(2, z), (-2, whole)], 0);
    let t = z.iter().map(doubled).collect::<Result<Vec<_>, _>>()?;
    let clip = |t: f64| if t > zones.kink { 0.0 } else { zones.clipped - t };
    let coarse = |t: f64| if t > zones.kink { 0.0 } else { exp(t) };
    let both =
        Table { first: -24.0, torus: 64.0, outputs: vec![(&clip, INPUT_TORUS), (&coarse, OUTPUT_TORUS)] };
    let both = read(tables, &t, &both)?;
    let kept = |(t, both): (&T::Value, &Vec<T::Value>)| tables.sum(&[(4, t), (8, &both[0])], 0);
    let kept = t.iter().zip(&both).map(kept).collect::<Result<Vec<_>, _>>()?;
    let fine = |t: f64| if t > zones.between() { exp(t) } else { 0.0 };
    let fine = Table { first: -7.2, torus: 16.0, outputs: vec![(&fine, OUTPUT_TORUS)] };
    let fine = read(tables, &kept, &fine)?;
    fine.iter().zip(&both).map(|(fine, both)| tables.sum(&[(1, &fine[0]), (1, &both[1])], 0)).collect()
}

/// `e_i/Σ e_j` for a sum near 1, on the torus of results.
fn normalized<T: Tables>(tables: &T, e: &[T::Value]) -> Result<Vec<T::Value>, T::Error> {
    let sum = all(tables, std::slice::from_ref(&e.to_vec()), 16)?;
    let less = |s: f64| BALANCE * (1.0 / s.max(0.2) - 1.0);
    let less = Table { first: 0.3, torus: 4.0, outputs: vec![(&less, OUTPUT_TORUS)] };
    let y = read(tables, &[sum], &less)?.concat();
    let with = |sign: i32, e: &T::Value| tables.sum(&[(8, e), (8 * sign, &y[0])], 0);
    let sums = e.iter().map(|e| with(1, e)).chain(e.iter().map(|e| with(-1, e)));
    let sums = sums.collect::<Result<Vec<_>, _>>()?;
    let square = |u: f64| u * u / (4.0 * BALANCE);
    let square = Table { first: -1.2, torus: 8.0, outputs: vec![(&square, OUTPUT_TORUS)] };
    let squares = read(tables, &sums, &square)?.concat();
    let (plus, minus) = squares.split_at(e.len());
    let result = |((e, plus), minus)| tables.sum(&[(1, e), (1, plus), (-1, minus)], 0);
    e.iter().zip(plus).zip(minus).map(result).collect()
}

/// Where places of readings in the clear come from.
pub enum Places {
    /// No error.
    Exact,
    /// Errors of the distribution of blind rotations.
    Sampled(Box<rand_chacha::ChaCha20Rng>),
    /// Places that blind rotations found.
    Recorded(VecDeque<u32>),
}

/// The circuit on plain points of the torus, in units of `2^-32`.
pub struct Clear<'a> {
    /// What a table can tell apart.
    pub reader: Reader,
    /// Where places come from.
    pub places: RefCell<&'a mut Places>,
}

impl Tables for Clear<'_> {
    type Value = u32;
    type Error = std::convert::Infallible;

    fn reader(&self) -> &Reader {
        &self.reader
    }

    fn sum(&self, terms: &[(i32, &u32)], constant: u32) -> Result<u32, Self::Error> {
        let term = |sum: u32, (c, x): &(i32, &u32)| sum.wrapping_add(x.wrapping_mul(*c as u32));
        Ok(terms.iter().fold(constant, term))
    }

    fn look_up(&self, inputs: &[u32], boxes: &[Vec<u32>]) -> Result<Vec<Vec<u32>>, Self::Error> {
        let spare = boxes.len().trailing_zeros();
        let mut places = self.places.borrow_mut();
        let one = |&phase: &u32| {
            let place = self.reader.place(phase, spare, &mut places);
            boxes.iter().map(|values| self.reader.at(values, place)).collect()
        };
        Ok(inputs.iter().map(one).collect())
    }
}

impl Reader {
    /// The place that a phase reads, in steps of `2^spare`, half a step added before it is rounded down.
    pub fn place(&self, phase: u32, spare: u32, places: &mut Places) -> u32 {
        let step = self.log - spare;
        let noise = match places {
            Places::Recorded(places) => return places.pop_front().unwrap_or(0),
            Places::Exact => 0,
            Places::Sampled(rng) => {
                let unit = self.deviations[spare as usize] * 65536.0;
                (normal_16(rng) as f64 * unit).round() as i32
            }
        };
        phase.wrapping_add(1 << (31 - step)).wrapping_add_signed(noise) >> (32 - step) << spare
    }

    /// What a table of points has at a place.
    fn at(&self, values: &[u32], place: u32) -> u32 {
        let width = (1 << (self.log - 1)) / values.len();
        let at = (place as usize + width / 2) / width % (2 * values.len());
        if at < values.len() { values[at] } else { values[at - values.len()].wrapping_neg() }
    }
}

/// The softmax of real numbers, without tables.
#[must_use]
pub fn exact(z: &[f64]) -> Vec<f64> {
    if let [a, b] = z {
        return vec![sigmoid(a - b), sigmoid(b - a)];
    }
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = z.iter().map(|z| exp(z - most)).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}

/// The circuit on ciphertexts.
pub struct Encrypted<'a> {
    /// Bootstraps with keys.
    pub evaluator: &'a he_tfhe::Evaluator,
    /// What a table can tell apart.
    pub reader: Reader,
    /// What is read, if it is kept.
    pub readings: Option<RefCell<Vec<he_tfhe::Reading>>>,
}

/// Boxes by which a reading may be off.
const TOLERANCE: u32 = 40;

impl Tables for Encrypted<'_> {
    type Value = LweCiphertext;
    type Error = he_tfhe::Error;

    fn reader(&self) -> &Reader {
        &self.reader
    }

    fn sum(&self, terms: &[(i32, &LweCiphertext)], constant: u32) -> Result<LweCiphertext, he_tfhe::Error> {
        let mut sum = LweCiphertext::trivial(self.evaluator.params(), constant);
        terms.iter().try_for_each(|(c, x)| sum.add_scaled_assign(x, *c))?;
        Ok(sum)
    }

    fn look_up(
        &self,
        inputs: &[LweCiphertext],
        boxes: &[Vec<u32>],
    ) -> Result<Vec<Vec<LweCiphertext>>, he_tfhe::Error> {
        let outputs: Vec<&[u32]> = boxes.iter().map(Vec::as_slice).collect();
        let table = he_tfhe::LookupTable::on_half_torus(self.evaluator.params(), &outputs)?;
        let spare = outputs.len().trailing_zeros();
        let mut inputs = inputs.to_vec();
        let half = 1 << (31 + spare - self.reader.log);
        inputs.iter_mut().for_each(|x| x.add_constant_assign(half));
        if let Some(kept) = &self.readings {
            let all: Vec<&LweCiphertext> = inputs.iter().collect();
            kept.borrow_mut().extend(self.evaluator.readings(&all, self.reader.log, spare)?);
        }
        let found = self.evaluator.bootstrap_batch(&inputs, &table.read_within(TOLERANCE))?;
        Ok(found.chunks(outputs.len()).map(<[_]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests {
    use he_tfhe::{Decryptor, Encryptor, Evaluator, SecretKey, Spec};

    use super::*;
    use crate::data::random::{Purpose, below, stream};

    /// Readings four times as fine as those of the set for networks.
    const FINE: Spec = Spec {
        lwe_dimension: 1014,
        lwe_noise: -22.58,
        polynomial_size: 8192,
        key_switch: he_tfhe::Decomposition { base_log: 2, levels: 10 },
        packing: None,
        ..Spec::approximate_table()
    };

    fn uniform(rng: &mut rand_chacha::ChaCha20Rng, low: f64, high: f64) -> f64 {
        low + (high - low) * below(rng, 1 << 32) as f64 / 32_f64.exp2()
    }

    /// Ten scores in [−8, 8), the hard ones first.
    fn cases(rng: &mut rand_chacha::ChaCha20Rng) -> Vec<Vec<f64>> {
        let with = |top: &[f64], rest: f64| {
            let mut z = vec![rest; 10];
            z[..top.len()].copy_from_slice(top);
            z
        };
        let mut all = vec![
            with(&[7.999], -8.0),
            with(&[7.9, 7.9], -8.0),
            with(&[5.0, 5.0, 5.0], -8.0),
            with(&[], -8.0),
            with(&[], 7.9),
            with(&[3.0], 0.0),
            with(&[2.2], 0.0),
            with(&[1.6], -8.0),
            with(&[2.0, 2.0], 0.0),
            with(&[1.0, 0.0], -8.0),
            with(&[5.0], -1.3),
        ];
        for _ in 0..9 {
            all.push((0..10).map(|_| uniform(rng, -8.0, 8.0)).collect());
            all.push((0..10).map(|_| uniform(rng, -2.0, 2.0)).collect());
        }
        all
    }

    fn points(z: &[f64]) -> Vec<u32> {
        z.iter().map(|z| point(z / INPUT_TORUS)).collect()
    }

    fn real(x: u32) -> f64 {
        f64::from(x as i32) / 32_f64.exp2() * OUTPUT_TORUS
    }

    /// Worst error and largest deviation over the cases.
    fn errors(reader: Reader, draws: usize) -> (f64, f64) {
        let mut rng = stream(5, Purpose::Split);
        let (mut worst, mut deviation) = (0.0_f64, 0.0_f64);
        for z in cases(&mut rng) {
            let expected = exact(&z);
            let mut squares = vec![0.0; z.len()];
            for draw in 0..draws {
                let mut places = Places::Sampled(Box::new(stream(draw as u64, Purpose::Weights)));
                let clear = Clear { reader, places: RefCell::new(&mut places) };
                let Ok(found) = softmax(&clear, &points(&z));
                for ((x, p), square) in found.iter().zip(&expected).zip(&mut squares) {
                    let error = real(*x) - p;
                    worst = worst.max(error.abs());
                    *square += error * error;
                }
            }
            let most = squares.iter().fold(0.0_f64, |most, s| most.max(s / draws as f64));
            deviation = deviation.max(most.sqrt());
        }
        (worst, deviation)
    }

    #[test]
    fn ten_classes_are_within_a_64th_of_the_exact_softmax() {
        let (worst, deviation) = errors(Reader::new(&FINE), 400);
        println!(
            "N = 8192: worst {worst:.5}, deviation {deviation:.5}, {:.1} deviations",
            1.0 / 64.0 / deviation
        );
        assert!(worst < 1.0 / 64.0 && deviation < 1.0 / 64.0 / 4.5, "{worst} {deviation}");
        let (worst, deviation) = errors(Reader::new(&Spec::approximate_table()), 100);
        println!("N = 2048: worst {worst:.5}, deviation {deviation:.5}");
        assert!(worst < 0.1 && deviation < 0.016, "{worst} {deviation}");
    }

    #[test]
    fn no_reading_error_leaves_that_of_boxes() {
        let reader = Reader::new(&FINE);
        for z in cases(&mut stream(6, Purpose::Split)) {
            let mut places = Places::Exact;
            let clear = Clear { reader, places: RefCell::new(&mut places) };
            let Ok(found) = softmax(&clear, &points(&z));
            let worst = found.iter().zip(exact(&z)).map(|(x, p)| (real(*x) - p).abs()).fold(0.0, f64::max);
            assert!(worst < 0.004, "{z:?}: {worst}");
        }
    }

    #[test]
    #[ignore = "427 bootstraps at N = 8192: half a minute on two cores, 3 GB of memory"]
    fn encrypted_softmax_is_within_a_64th_and_equals_the_circuit_in_the_clear_under_replay() {
        let params = FINE.build().unwrap();
        let key = SecretKey::generate(&params).unwrap();
        let evaluator = Evaluator::new(key.evaluation_keys().unwrap());
        let (reader, decryptor) = (Reader::new(&FINE), Decryptor::new(&key));
        let mut worst = 0.0_f64;
        for z in cases(&mut stream(7, Purpose::Split)).into_iter().take(13).step_by(2) {
            let inputs = Encryptor::with_secret(&key).encrypt_phases(&points(&z)).unwrap();
            let circuit = Encrypted { evaluator: &evaluator, reader, readings: Some(RefCell::default()) };
            let before = evaluator.bootstraps();
            let found = softmax(&circuit, &inputs).unwrap();
            assert_eq!(evaluator.bootstraps() - before, rotations(z.len()) as u64);
            let readings = circuit.readings.unwrap().into_inner();
            let read = readings.iter().map(|reading| key.read(reading).unwrap()).collect();
            let mut places = Places::Recorded(read);
            let clear = Clear { reader, places: RefCell::new(&mut places) };
            let Ok(replayed) = softmax(&clear, &points(&z));
            for ((found, replayed), expected) in found.iter().zip(&replayed).zip(exact(&z)) {
                let found = decryptor.phase(found).unwrap();
                assert!((real(found) - real(*replayed)).abs() < 1e-3);
                worst = worst.max((real(found) - expected).abs());
            }
        }
        println!("worst {worst:.5}");
        assert!(worst < 1.0 / 64.0);
    }
}
