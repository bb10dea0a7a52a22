//! Steps on integers against the twin, and against sums entry by entry.

use std::sync::atomic::AtomicBool;

use ndarray::Array2;
use proptest::prelude::*;

use super::*;
use crate::model::{LayerState, Model};
use crate::program::Program;
use crate::program::lower::lower;
use crate::recipe::Recipe;
use crate::twin::Twin;

/// Settings of formats.
const FORMATS: [&[&str]; 7] = [
    &["numbers.word_bits=8"],
    &["numbers.word_bits=8", "numbers.fraction_bits=6"],
    &["numbers.word_bits=16"],
    &["numbers.word_bits=16", "numbers.fraction_bits=4"],
    &["numbers.word_bits=8", "numbers.words=bits", "numbers.fraction_bits=3"],
    &["numbers.word_bits=16", "numbers.words=bits"],
    &["numbers.word_bits=32", "numbers.words=bits"],
];

/// Words that may be anything, with so many bits.
fn wild(count: usize, bits: u32, seed: u64) -> Vec<i64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state as i64) >> (64 - bits)
    };
    (0..count).map(|_| next()).collect()
}

/// An engine over integers, and the program that it runs.
struct Case {
    engine: WordEngine<Plain>,
    program: Program,
}

impl Case {
    fn new(recipe: &Recipe, network: &Network) -> Self {
        let format = Format::of(&recipe.numbers);
        let layers: Vec<usize> = (0..network.depth()).collect();
        let shift = recipe.optimizer.update_shift().unwrap();
        let shape = Arc::new(Shape::new(network, &layers, format, shift));
        let plain = Plain::new(format, &shape.functions());
        Self { engine: WordEngine::new(&shape, plain), program: lower(recipe, network) }
    }

    fn train(&mut self, x: &[i64], targets: &[i64]) -> Result<(), EngineError> {
        self.engine.put(Tensor::Features, x.to_vec());
        self.engine.put(Tensor::Targets, targets.to_vec());
        let mut ahead = &self.program.training[..];
        let mut walked = Ok(());
        while !ahead.is_empty() && walked.is_ok() {
            let (now, later) = ahead.split_at(Step::count_independent(ahead));
            walked = self.engine.run(now);
            ahead = later;
        }
        self.engine.end(walked.is_ok());
        walked
    }

    fn outputs(&mut self, x: &[i64]) -> Vec<i64> {
        self.engine.put(Tensor::Features, x.to_vec());
        self.engine.run(&self.program.prediction).unwrap();
        let outputs = self.engine.get(self.program.outputs.from).unwrap().to_vec();
        self.engine.end(false);
        outputs
    }
}

/// The model of some words, layer after layer, weights in the order of their shape.
fn model(network: &Network, words: &[i64], format: Format) -> Model {
    let mut words = words.iter().map(|&word| format.real(word));
    let mut take = |count: usize| words.by_ref().take(count).collect::<Vec<f64>>();
    let layers = network.layers.iter().map(|layer| {
        let (shape, biases) = (layer.shape(), layer.biases());
        let (weight, bias) = (take(shape.iter().product()), take(biases));
        let (weight_momentum, bias_momentum) = (vec![0.0; weight.len()], vec![0.0; bias.len()]);
        LayerState { shape, weight, bias, weight_momentum, bias_momentum }
    });
    Model { layers: layers.collect() }
}

/// The words of a model in this order.
fn words(model: &Model, format: Format) -> Vec<i64> {
    let all = model.layers.iter().flat_map(|layer| layer.weight.iter().chain(&layer.bias));
    all.map(|&value| (value * format.one() as f64) as i64).collect()
}

/// A recipe of layers of these widths.
fn recipe(widths: &[usize], settings: &[String]) -> Recipe {
    let sigmoid = "{ kind = 'Sigmoid', scheme = 'tfhe' }";
    let layers: Vec<String> = widths[1..]
        .iter()
        .map(|width| format!("{{ kind = 'Linear', out_features = {width}, scheme = 'tfhe' }}, {sigmoid}"))
        .collect();
    let all = [&[format!("layers=[{}]", layers.join(", "))], settings].concat();
    Recipe::load("tbmpnet2021", &all).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn steps_are_those_of_the_twin(
        format in 0..FORMATS.len(),
        seed in 0..1_000_u64,
        mad in any::<bool>(),
        outputs in prop_oneof![Just(1_usize), Just(3)],
        features in 1..4_usize,
        hidden in proptest::collection::vec(1..5_usize, 0..4),
        count in 1..5_usize,
        shift in 0..7_u32,
    ) {
        // 2^-shift of sums is 2^(k - shift) of means.
        let k = count.next_power_of_two().trailing_zeros();
        let rate = format!("optimizer.learning_rate={}", f64::from(k as i32 - shift as i32).exp2());
        let size = format!("optimizer.batch_size={count}");
        let widths = [&[features][..], &hidden, &[outputs]].concat();
        let mut settings: Vec<String> = FORMATS[format].iter().map(|&s| s.to_owned()).collect();
        settings.extend([rate, size]);
        let recipe = recipe(&widths, &settings);
        let network = Network::new(&recipe, features, None, outputs).unwrap();
        let format = Format::of(&recipe.numbers);
        let mut case = Case::new(&recipe, &network);

        // Any words at all where sums of their products fit 63 bits.
        let bits = if mad && format.word_bits < 32 { format.word_bits } else { format.fraction_bits + 1 };
        let all = network.layers.iter().map(|l| l.shape().iter().product::<usize>() + l.biases()).sum();
        let first = wild(all, bits, seed);
        case.engine.put(Tensor::Weights, first.clone());
        let mut twin = Twin::new(&recipe, &network, model(&network, &first, format), None).unwrap();

        let x = wild(count * features, bits, seed + 1);
        let hit = |at: usize| i64::from(at % outputs == (at / outputs + seed as usize) % outputs.max(2));
        let targets: Vec<i64> = (0..count * outputs).map(|at| hit(at) * format.one()).collect();
        let real = |words: &[i64], columns: usize| {
            let values = words.iter().map(|&word| format.real(word)).collect();
            Array2::from_shape_vec((count, columns), values).unwrap()
        };
        for _ in 0..4 {
            let found = case.outputs(&x);
            prop_assert_eq!(real(&found, outputs), twin.outputs(&real(&x, features)).unwrap());
            case.train(&x, &targets).unwrap();
            twin.step(&real(&x, features), &real(&targets, outputs)).unwrap();
            let found = case.engine.get(Tensor::Weights).unwrap();
            prop_assert_eq!(found, &words(twin.model(), format)[..]);
        }
    }
}

/// A step computed from the entries of the matrices, one product after another.
struct Naive<'a> {
    network: &'a Network,
    plain: Plain,
}

impl Naive<'_> {
    fn mul(&self, a: i64, b: i64) -> i64 {
        self.plain.mul(&[(&a, &b)]).unwrap()[0]
    }

    /// The inputs of a layer with every window replaced by its mean, in place of its first position.
    fn pooled(&self, l: usize, input: &[i64]) -> Vec<i64> {
        let layer = &self.network.layers[l];
        let ([rows, columns], width) = (layer.pool, layer.input.width);
        (0..input.len())
            .map(|place| {
                let (row, column) = (place / width, place % width);
                if row % rows > 0 || column % columns > 0 {
                    return 0;
                }
                let window = (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c)));
                let sum: i64 = window.map(|(r, c)| input[(row + r) * width + column + c]).sum();
                sum.div_euclid((rows * columns) as i64)
            })
            .collect()
    }

    /// Whether an entry is that of the first position of its window.
    fn is_first(&self, l: usize, input: usize) -> bool {
        let layer = &self.network.layers[l];
        let (row, column) = (input / layer.input.width, input % layer.input.width);
        row.is_multiple_of(layer.pool[0]) && column.is_multiple_of(layer.pool[1])
    }

    fn entries(&self, l: usize) -> Vec<(usize, usize, usize)> {
        let entries = self.network.layers[l].matrix.entries.indexed_iter();
        let entries = entries.filter_map(|((i, o), entry)| entry.map(|entry| (entry.weight, i, o)));
        entries.filter(|&(_, i, _)| self.is_first(l, i)).collect()
    }

    fn sums(&self, l: usize, input: &[i64], weights: &[i64], biases: &[i64]) -> Vec<i64> {
        let bias = &self.network.layers[l].matrix.bias;
        let mut sums: Vec<i64> = bias.iter().map(|&bias| biases[bias]).collect();
        for (weight, i, o) in self.entries(l) {
            sums[o] += self.mul(weights[weight], input[i]);
        }
        sums
    }

    /// Changes of all weights and biases by one image of a network of two layers with a quadratic loss and no activation at the end.
    fn gradients(&self, x: &[i64], targets: &[i64], model: &[i64]) -> Vec<i64> {
        let layers = &self.network.layers;
        let sizes: Vec<[usize; 2]> =
            layers.iter().map(|l| [l.shape().iter().product(), l.biases()]).collect();
        let (first, second) = model.split_at(sizes[0][0] + sizes[0][1]);
        let ((w0, b0), (w1, b1)) = (first.split_at(sizes[0][0]), second.split_at(sizes[1][0]));
        let z0 = self.sums(0, x, w0, b0);
        let (a, slopes) = self.plain.activate_and_derive(0, &z0.iter().collect::<Vec<_>>()).unwrap();
        let pooled = self.pooled(1, &a);
        let z1 = self.sums(1, &pooled, w1, b1);
        let errors: Vec<i64> = z1.iter().zip(targets).map(|(z, t)| z - t).collect();
        let mut gradient = vec![0; model.len()];
        let (g0, g1) = gradient.split_at_mut(first.len());
        let mut back = vec![0; a.len()];
        for (weight, i, o) in self.entries(1) {
            g1[weight] += self.mul(errors[o], pooled[i]);
            back[i] += self.mul(w1[weight], errors[o]);
        }
        layers[1].matrix.bias.iter().zip(&errors).for_each(|(&b, e)| g1[sizes[1][0] + b] += e);
        let ([rows, columns], width) = (layers[1].pool, layers[1].input.width);
        let below: Vec<i64> = (0..a.len())
            .map(|place| {
                let (row, column) = (place / width / rows * rows, place % width / columns * columns);
                let mean = back[row * width + column].div_euclid((rows * columns) as i64);
                self.mul(mean, slopes[place])
            })
            .collect();
        for (weight, i, o) in self.entries(0) {
            g0[weight] += self.mul(below[o], x[i]);
        }
        layers[0].matrix.bias.iter().zip(&below).for_each(|(&b, e)| g0[sizes[0][0] + b] += e);
        gradient
    }
}

#[test]
fn a_convolution_and_a_pooling_are_what_their_entries_say() {
    let layers = "layers=[
        { kind = 'Conv2d', channels = 2, kernel = 2, scheme = 'tfhe' }, { kind = 'ReLU', scheme = 'tfhe' },
        { kind = 'AvgPool2d', kernel = 2, scheme = 'tfhe' }, { kind = 'Linear', scheme = 'tfhe' }]"
        .replace('\n', " ");
    let settings = [layers, "optimizer.batch_size=2".into(), "optimizer.learning_rate=0.25".into()];
    let recipe = Recipe::load("tbmpnet2021", &settings).unwrap();
    let network = Network::new(&recipe, 25, Some([5, 5]), 3).unwrap();
    let mut case = Case::new(&recipe, &network);
    let format = Format::of(&recipe.numbers);
    let model =
        wild(network.layers.iter().map(|l| l.shape().iter().product::<usize>() + l.biases()).sum(), 10, 3);
    let (x, targets) = (wild(50, 11, 4), wild(6, 11, 5));
    case.engine.put(Tensor::Weights, model.clone());
    let naive = Naive { network: &network, plain: Plain::new(format, &case.engine.shape.functions()) };
    let gradients: Vec<Vec<i64>> =
        (0..2).map(|i| naive.gradients(&x[25 * i..][..25], &targets[3 * i..][..3], &model)).collect();
    case.train(&x, &targets).unwrap();
    // 1/4 of the mean of two is 2^-3 of the sum.
    let expected: Vec<i64> = (0..model.len())
        .map(|w| format.wrap((model[w] - ((gradients[0][w] + gradients[1][w]) >> 3)).into()))
        .collect();
    assert_eq!(case.engine.get(Tensor::Weights).unwrap(), expected);
    assert_ne!(model, expected);
}

#[test]
fn a_step_can_be_stopped_and_changes_nothing() {
    let recipe = recipe(&[4, 3], &["optimizer.batch_size=1".into(), "optimizer.learning_rate=0.5".into()]);
    let network = Network::new(&recipe, 4, None, 3).unwrap();
    let mut case = Case::new(&recipe, &network);
    let model = wild(15, 12, 1);
    case.engine.put(Tensor::Weights, model.clone());
    case.engine.stop_by(&Arc::new(AtomicBool::new(true)));
    assert!(matches!(case.train(&[1, 2, 3, 4], &[1, 2, 3]), Err(EngineError::Stopped)));
    assert_eq!(case.engine.get(Tensor::Weights).unwrap(), model);
    case.engine.stop_by(&Arc::default());
    case.train(&[1, 2, 3, 400], &[1, 2, 3]).unwrap();
    assert_ne!(case.engine.get(Tensor::Weights).unwrap(), model);
}

#[test]
fn words_that_do_not_fit_are_refused() {
    let recipe = recipe(&[2, 1], &[]);
    let network = Network::new(&recipe, 2, None, 1).unwrap();
    let mut engine = Case::new(&recipe, &network).engine;
    let word = |value: i64| value.to_le_bytes().to_vec();
    let parts = |pieces: &[Vec<u8>]| vec![Pieces::of(pieces)];
    engine.check(Tensor::Features, 1, &parts(&[word(1), word(2)])).unwrap();
    for (tensor, pieces) in [
        (Tensor::Features, vec![word(1)]),
        (Tensor::Features, vec![word(1), word(2), word(3)]),
        (Tensor::Features, vec![word(1), vec![0; 9]]),
        (Tensor::Features, vec![word(1), vec![0; 7]]),
        (Tensor::Momentum, vec![word(1)]),
    ] {
        assert!(engine.check(tensor, 1, &parts(&pieces)).is_err(), "{tensor} {pieces:?}");
        assert!(engine.receive(tensor, 1, parts(&pieces)).is_err(), "{tensor} {pieces:?}");
    }
    assert!(matches!(engine.run(&[Step::Forward(0)]), Err(EngineError::Missing(_))));
    assert!(matches!(engine.send(Tensor::Weights), Err(EngineError::Missing(_))));
}

#[test]
fn products_wrap_and_digits_leave_out_low_ones() {
    let format = |coding| Format { word_bits: 16, fraction_bits: 10, coding };
    use crate::recipe::WordCoding::{Bits, Digits};
    let product = |coding, a: i64, b: i64| Plain::new(format(coding), &[]).mul(&[(&a, &b)]).unwrap()[0];
    assert_eq!((product(Bits, 1536, 2048), product(Digits, 1536, 2048)), (3072, 3072)); // 1.5 · 2
    assert_eq!((product(Bits, -1, 1), product(Digits, -1, 1)), (-1, -1));
    // 63² = 3969 by digits without those below 4^3: 9·(2·64 + 256) = 3456
    assert_eq!((product(Bits, 63, 63), product(Digits, 63, 63)), (3, 3));
    assert_eq!(product(Bits, 32767, 32767), format(Bits).wrap((32767 * 32767) >> 10));
}
