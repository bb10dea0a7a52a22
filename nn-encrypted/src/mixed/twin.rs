//! The twin: the same training on plain integer matrices.
//!
//! It shares tables and formats with the training on ciphertexts, and no other code. A table's place is found exactly, with an
//! error drawn from the distribution of blind rotations, or as a blind rotation found it: then it must equal the encrypted
//! training bit for bit.

use std::cell::Cell;
use std::collections::VecDeque;

use he_tfhe::{PhaseErrors, PhaseModel};
use ndarray::{Array1, Array2, ArrayRef2, Axis};

use super::numbers::Numbers;
use crate::data::random::{Purpose, normal_16, stream};
use crate::recipe::{MixedRecipe, Readings, WordModel};

/// A network in training on integers.
#[derive(Debug, Clone)]
pub struct MixedTwin {
    numbers: Numbers,
    reader: PhaseModel,
    tables: Tables,
    readings: Readings,
    seed: u64,
    model: WordModel,
    recorded: VecDeque<u32>,
    /// Steps and classifications so far, for the streams of errors.
    draws: Cell<u64>,
    wraps: Cell<u64>,
    most: Cell<[i64; 3]>,
}

/// All tables of a network.
#[derive(Debug, Clone)]
struct Tables {
    rectifier: [Vec<i64>; 2],
    sigmoid: Vec<i64>,
    masked: Vec<i64>,
}

/// What a mini-batch leaves behind on its way forward.
struct Passed {
    /// Inputs of each layer.
    inputs: Vec<Array2<i64>>,
    /// Whether each hidden unit let pass.
    masks: Vec<Array2<i64>>,
    /// The weighted sums of the outputs.
    sums: Array2<i64>,
}

impl MixedTwin {
    /// A network that goes on from given weights.
    #[must_use]
    pub fn new(recipe: &MixedRecipe, numbers: Numbers, reader: PhaseModel, model: WordModel) -> Self {
        let tables = Tables {
            rectifier: numbers.rectifier(reader.boxes(2)),
            sigmoid: numbers.sigmoid(reader.boxes(1)),
            masked: numbers.masked(reader.boxes(1)),
        };
        Self {
            numbers,
            reader,
            tables,
            readings: recipe.quantization.readings,
            seed: recipe.seed,
            model,
            recorded: VecDeque::new(),
            draws: Cell::new(0),
            wraps: Cell::new(0),
            most: Cell::new([0; 3]),
        }
    }

    /// Weights and biases.
    #[must_use]
    pub fn model(&self) -> &WordModel {
        &self.model
    }

    /// Sums outside of the range of their table, since the start.
    #[must_use]
    pub fn wraps(&self) -> u64 {
        self.wraps.get()
    }

    /// The ranges of tables and the largest magnitudes in them, of sums before hidden activations, of outputs and of errors.
    #[must_use]
    pub fn reached(&self) -> [(f64, f64); 3] {
        let (most, limits) = (self.most.get(), self.numbers.limits());
        let (sums, back) = (self.numbers.sum_bits(), self.numbers.back_bits());
        [0, 1, 2].map(|i| {
            let unit = f64::from([sums, sums, back][i]).exp2();
            (limits[i] as f64 / unit, most[i] as f64 / unit)
        })
    }

    /// Places that blind rotations found; the next step or classification reads these.
    pub fn replay(&mut self, places: Vec<u32>) {
        self.recorded = places.into();
    }

    fn source(&self) -> PhaseErrors {
        if !self.recorded.is_empty() {
            return PhaseErrors::Recorded(self.recorded.clone());
        }
        self.draws.set(self.draws.get() + 1);
        match self.readings {
            Readings::Exact => PhaseErrors::Exact,
            Readings::Sampled => {
                let mut rng = stream(self.seed, Purpose::Readings(self.draws.get()));
                PhaseErrors::Sampled(Box::new(move || normal_16(&mut rng) as f64 / 65_536.0))
            }
        }
    }

    /// The place of `value·2^shift/t + offset`, in steps of `2^spare` positions, half a step added before it is rounded down.
    fn place(&self, value: i64, shift: u32, offset: u32, spare: u32, source: &mut PhaseErrors) -> u32 {
        let phase = (value << (shift + 32 - self.numbers.log_t)) as u32;
        self.reader.position(phase.wrapping_add(offset), spare, source)
    }

    /// What a table has at a place.
    fn at(&self, table: &[i64], place: u32) -> i64 {
        let (at, negated) = self.reader.entry(place, table.len());
        if negated { -table[at] } else { table[at] }
    }

    /// Counts what leaves its range.
    fn watch(&self, kind: usize, values: &ArrayRef2<i64>) {
        let limit = self.numbers.limits()[kind];
        let outside = values.iter().filter(|value| value.abs() >= limit).count();
        self.wraps.set(self.wraps.get() + outside as u64);
        let mut most = self.most.get();
        most[kind] = values.iter().fold(most[kind], |most, value| most.max(value.abs()));
        self.most.set(most);
    }

    fn forward(&self, x: &ArrayRef2<i32>, source: &mut PhaseErrors) -> Passed {
        let (mut inputs, mut masks) = (vec![x.mapv(i64::from)], vec![]);
        let last = self.model.layers.len() - 1;
        for (l, layer) in self.model.layers.iter().enumerate() {
            let sums = inputs[l].dot(&layer.weight) + &layer.bias * (1 << self.numbers.activation_bits);
            self.watch(usize::from(l == last), &sums);
            if l == last {
                return Passed { inputs, masks, sums };
            }
            let places = sums.mapv(|z| self.place(z, self.numbers.shifts[0], 1 << 30, 1, source));
            let [values, passes] = &self.tables.rectifier;
            inputs.push(places.mapv(|place| self.at(values, place)));
            masks.push(places.mapv(|place| self.at(passes, place)));
        }
        Passed { inputs, masks, sums: Array2::zeros((x.nrows(), 0)) }
    }

    /// The errors of the outputs.
    fn errors(&self, sums: &ArrayRef2<i64>, labels: &[usize], source: &mut PhaseErrors) -> Array2<i64> {
        let mut errors = sums.mapv(|z| {
            let place = self.place(z, self.numbers.shifts[1], 1 << 30, 0, source);
            self.at(&self.tables.sigmoid, place)
        });
        for (row, &label) in labels.iter().enumerate() {
            errors[(row, label)] -= 1 << self.numbers.error_bits;
        }
        errors
    }

    /// What errors hand back to a hidden layer.
    fn back(
        &self,
        l: usize,
        errors: &ArrayRef2<i64>,
        masks: &Array2<i64>,
        source: &mut PhaseErrors,
    ) -> Array2<i64> {
        let sums = errors.dot(&self.model.layers[l].weight.t());
        self.watch(2, &sums);
        let mut back = Array2::zeros(sums.dim());
        for ((out, &sum), &mask) in back.iter_mut().zip(&sums).zip(masks) {
            let offset = (1_u32 << 29).wrapping_add_signed((mask << 30) as i32);
            let place = self.place(sum, self.numbers.shifts[2], offset, 0, source);
            *out = self.at(&self.tables.masked, place);
        }
        back
    }

    /// Trains on one mini-batch; one row of `x` a sample.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs, or a label is none.
    pub fn step(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) {
        let mut source = self.source();
        self.recorded.clear();
        let passed = self.forward(x, &mut source);
        let mut errors = self.errors(&passed.sums, labels, &mut source);
        for l in (0..self.model.layers.len()).rev() {
            let gradient = passed.inputs[l].t().dot(&errors);
            let bias: Array1<i64> = errors.sum_axis(Axis(0)) * (1 << self.numbers.activation_bits);
            if l > 0 {
                errors = self.back(l, &errors, &passed.masks[l - 1], &mut source);
            }
            self.model.layers[l].weight -= &gradient;
            self.model.layers[l].bias -= &bias;
        }
    }

    /// The weighted sums of the outputs; the largest decides.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    #[must_use]
    pub fn outputs(&self, x: &ArrayRef2<i32>) -> Array2<i64> {
        self.forward(x, &mut self.source()).sums
    }
}
