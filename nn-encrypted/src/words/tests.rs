//! The network over integers against the twin.

use std::sync::atomic::AtomicBool;

use ndarray::Array2;
use proptest::prelude::*;

use super::twin::WordTwin;
use super::*;
use crate::recipe::{AnyRecipe, Coding, WordModel, WordRecipe};

fn recipe(settings: &[&str]) -> WordRecipe {
    let settings: Vec<String> = settings.iter().map(|&s| s.to_owned()).collect();
    match AnyRecipe::load("tbmpnet2021", &settings).unwrap() {
        AnyRecipe::Words(recipe) => recipe,
        other => panic!("{} is of another kind", other.name()),
    }
}

/// A model whose words are anything.
fn wild(recipe: &WordRecipe, widths: &[usize], seed: u64) -> WordModel {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Format::of(recipe).wrap(i128::from(state >> 20))
    };
    let mut model = WordModel::initial(recipe, widths);
    for layer in &mut model.layers {
        layer.weight.mapv_inplace(|_| next());
        layer.bias.mapv_inplace(|_| next());
    }
    model
}

fn samples(recipe: &WordRecipe, count: usize, features: usize, seed: u64) -> Array2<i32> {
    let model = wild(recipe, &[features, count], seed);
    model.layers[0].weight.t().mapv(|word| word as i32)
}

struct Case {
    recipe: WordRecipe,
    widths: Vec<usize>,
    model: WordModel,
    x: Array2<i32>,
    labels: Vec<usize>,
    classes: usize,
}

impl Case {
    fn new(settings: &[&str], inner: &[usize], samples_count: usize, seed: u64, mad: bool) -> Self {
        let recipe = recipe(settings);
        let classes = if recipe.outputs == Coding::Single { 2 } else { 3 };
        let widths = [&inner[..1], &recipe.hidden, &[if classes == 2 { 1 } else { 3 }]].concat();
        let model = if mad { wild(&recipe, &widths, seed) } else { WordModel::initial(&recipe, &widths) };
        let mut x = samples(&recipe, samples_count, widths[0], seed + 1);
        if !mad {
            x.mapv_inplace(|x| x >> (recipe.word_bits - recipe.fraction_bits() - 1));
        }
        let labels = (0..samples_count).map(|i| (i + seed as usize) % classes).collect();
        Self { recipe, widths, model, x, labels, classes }
    }

    fn batch(&self) -> Batch<i64> {
        let one = Format::of(&self.recipe).one();
        Batch::new(&self.x, &self.labels, self.recipe.outputs, self.classes, one)
    }

    /// Steps of both, compared after each.
    fn check(&self, steps: usize) {
        let words = Plain::new(Format::of(&self.recipe));
        let mut network = Network::from(&self.model);
        let mut twin = WordTwin::new(&self.recipe, self.model.clone());
        let never = AtomicBool::new(false);
        let shift = self.recipe.optimizer.shift().unwrap();
        for step in 0..steps {
            let outputs = network.outputs(&words, &self.batch().x, &never).unwrap();
            assert_eq!(outputs, twin.outputs(&self.x).into_iter().collect::<Vec<_>>(), "outputs {step}");
            network = network.step(&words, &self.batch(), shift, &never).unwrap();
            twin.step(&self.x, &self.labels);
            assert_eq!(&WordModel::from(&network), twin.model(), "step {step}, widths {:?}", self.widths);
        }
    }
}

const FORMATS: [&[&str]; 8] = [
    &["word_bits=8"],
    &["word_bits=8", "fraction_bits=6"],
    &["word_bits=16"],
    &["word_bits=16", "fraction_bits=4"],
    &["word_bits=32", "data.normalize.limit=1"],
    &["word_bits=8", "activation=circuit", "fraction_bits=3"],
    &["word_bits=16", "activation=circuit"],
    &["word_bits=32", "activation=circuit"],
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_network_over_integers_is_the_twin(
        format in 0..FORMATS.len(),
        seed in 0..1_000_u64,
        mad in any::<bool>(),
        single in any::<bool>(),
        features in 1..4_usize,
        hidden in proptest::collection::vec(1..5_usize, 0..4),
        count in 1..5_usize,
        shift in 0..7_u32,
    ) {
        let (hidden, rate) = (format!("hidden={hidden:?}"), format!("optimizer.learning_rate=2^-{shift}"));
        let outputs = if single { "outputs=single" } else { "outputs=one_hot" };
        let settings = [FORMATS[format], &[&hidden, &rate, outputs]].concat();
        Case::new(&settings, &[features], count, seed, mad).check(4);
    }
}

#[test]
fn one_altered_word_ends_in_another_model_than_the_twins() {
    let case = Case::new(&["optimizer.learning_rate=1/8"], &[4], 3, 5, false);
    let words = Plain::new(Format::of(&case.recipe));
    let never = AtomicBool::new(false);
    let mut altered = case.batch();
    altered.x[6] += 100;
    let mut twin = WordTwin::new(&case.recipe, case.model.clone());
    twin.step(&case.x, &case.labels);
    for (batch, equal) in [(case.batch(), true), (altered, false)] {
        let network = Network::from(&case.model).step(&words, &batch, 3, &never).unwrap();
        assert_eq!(&WordModel::from(&network) == twin.model(), equal);
    }
}

#[test]
fn a_step_can_be_stopped_and_changes_nothing() {
    let case = Case::new(&[], &[4], 3, 5, false);
    let words = Plain::new(Format::of(&case.recipe));
    let stopped = Network::from(&case.model).step(&words, &case.batch(), 3, &AtomicBool::new(true));
    assert!(matches!(stopped, Err(WordError::Stopped)));
}

#[test]
fn operations_of_a_step_are_counted() {
    let case = Case::new(&[], &[4], 2, 1, false);
    let words = Plain::new(Format::of(&case.recipe));
    let never = AtomicBool::new(false);
    Network::from(&case.model).step(&words, &case.batch(), 3, &never).unwrap();
    let counts = words.counts();
    // Of each of two samples: 16 and 12 weights forward; 3 errors, 12 gradients, 12 carried back, 4 errors, 16 gradients.
    assert_eq!(counts.products, 2 * (16 + 12 + 3 + 12 + 12 + 4 + 16));
    assert_eq!((counts.sigmoids, counts.slopes, counts.shifts), (14, 14, 16 + 4 + 12 + 3));
}

#[test]
fn words_wrap_and_digits_leave_out_low_products() {
    let format = |settings: &[&str]| Format::of(&recipe(settings));
    let (table, circuit) = (format(&[]), format(&["activation=circuit"]));
    let product = |format, a: i64, b: i64| Plain::new(format).mul(&[(&a, &b)]).unwrap()[0];
    assert_eq!((product(circuit, 1536, 2048), product(table, 1536, 2048)), (3072, 3072)); // 1.5 · 2
    assert_eq!((product(circuit, -1, 1), product(table, -1, 1)), (-1, -1));
    // 63² = 3969 by digits without those below 4^3: 9·(2·64 + 256) = 3456
    assert_eq!((product(circuit, 63, 63), product(table, 63, 63)), (3, 3));
    assert_eq!(product(circuit, 32767, 32767), table.wrap((32767 * 32767) >> 10));
    assert_eq!((table.wrap(32768), table.wrap(-32769), table.largest()), (-32768, 32767, 32767));
}

#[test]
fn tables_are_near_the_function_and_odd_around_a_half() {
    for settings in [&["word_bits=8"][..], &[], &["word_bits=32"]] {
        let format = Format::of(&recipe(settings));
        let (values, slopes) = (format.sigmoid_table(), format.slope_table());
        assert_eq!(values.len(), 1 << format.index_bits());
        let unit = format.one() as f64;
        let step = 2_f64.powi((format.word_bits - format.index_bits()) as i32);
        for word in [-format.largest(), -format.one(), -1, 0, 1, format.one() / 3, format.largest()] {
            let exact = crate::activation::sigmoid(word as f64 / unit);
            let found = values[format.index(word)] as f64 / unit;
            assert!((found - exact).abs() <= 0.5 / unit + step / unit / 8.0 + 1e-12, "{word}");
            let found = slopes[format.index(word)] as f64 / unit;
            assert!((found - exact * (1.0 - exact)).abs() <= 0.5 / unit + step / unit / 8.0 + 1e-12);
        }
    }
}

#[test]
fn the_twins_sigmoid_is_that_of_circuits() {
    for settings in [
        &["word_bits=8"][..],
        &["word_bits=8", "fraction_bits=6"],
        &["word_bits=16"],
        &["word_bits=16", "fraction_bits=13"],
        &["word_bits=32"],
    ] {
        let recipe = recipe(&[settings, &["activation=circuit", "data.normalize.limit=0.5"]].concat());
        let format = Format::of(&recipe);
        let words = Plain::new(format);
        let step = (format.largest() / 20_000).max(1) as usize;
        let near = -300..300_i64;
        for word in (-format.largest() - 1..=format.largest()).step_by(step).chain(near) {
            let word = format.wrap(word.into());
            let found = words.sigmoid_and_derivative(&[&word]).unwrap();
            let (value, slope) = twin::sigmoid(&recipe, word);
            assert_eq!(found, (vec![value], vec![slope]), "{settings:?} {word}");
        }
    }
}
