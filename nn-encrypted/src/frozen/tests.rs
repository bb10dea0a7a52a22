//! Known answers, gradients against finite differences, and files.

use ndarray::Array2;

use super::file::BUILTIN;
use super::head::Head;
use super::trainer::Trainer;
use super::*;
use crate::data::random::{Purpose, normal_16, stream};

/// Numbers of about size 1, none of them near 0.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = stream(seed, Purpose::Weights);
    let away = |z: f32| z + 0.1_f32.copysign(z);
    (0..count).map(|_| away(normal_16(&mut rng) as f32 / 65_536.0)).collect()
}

fn conv(shape: [usize; 4], seed: u64) -> Conv2d {
    Conv2d::new(shape, numbers(shape.iter().product(), seed), numbers(shape[0], seed + 1)).unwrap()
}

fn norm(channels: usize, seed: u64) -> BatchNorm2d {
    let variance = numbers(channels, seed + 3).iter().map(|v| v.abs()).collect();
    let [scale, shift, mean] = [0, 1, 2].map(|i| numbers(channels, seed + i));
    BatchNorm2d::new(scale, shift, mean, variance).unwrap()
}

/// All kinds of layers, for images of 2x7x8.
fn small() -> Frozen {
    let layers = vec![
        Layer::Conv2d(conv([3, 2, 3, 3], 1)),
        Layer::BatchNorm2d(norm(3, 5)),
        Layer::Relu(Relu),
        Layer::AvgPool2d(AvgPool2d::new(2).unwrap()),
    ];
    Frozen::new(Shape::new(2, 7, 8).unwrap(), layers).unwrap()
}

fn one(layer: Layer, shape: [usize; 3], x: &[f32]) -> Vec<f32> {
    let network = Frozen::new(Shape::new(shape[0], shape[1], shape[2]).unwrap(), vec![layer]).unwrap();
    let x = Array2::from_shape_vec((1, x.len()), x.to_vec()).unwrap();
    network.features(&x).unwrap().into_raw_vec_and_offset().0
}

#[test]
fn layers_have_known_answers() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    let conv = Conv2d::new([2, 1, 2, 2], vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 2.0], vec![0.0, 0.5]);
    let y = one(Layer::Conv2d(conv.unwrap()), [1, 3, 3], &x);
    assert_eq!(y, [1.0, 2.0, 4.0, 5.0, 8.5, 10.5, 14.5, 16.5]);
    let sum = Conv2d::new([1, 3, 1, 1], vec![1.0, 10.0, 100.0], vec![0.0]).unwrap();
    assert_eq!(one(Layer::Conv2d(sum), [3, 1, 3], &x), [741.0, 852.0, 963.0]);
    let pool = AvgPool2d::new(2).unwrap();
    assert_eq!(one(Layer::AvgPool2d(pool), [1, 3, 3], &x), [3.0]); // one row and one column are left out
    let norm = BatchNorm2d::new(vec![2.0; 3], vec![1.0; 3], vec![1.0, 4.0, 9.0], vec![4.0 - 1e-5; 3]);
    let y = one(Layer::BatchNorm2d(norm.unwrap()), [3, 1, 3], &x);
    assert_eq!(y, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, -1.0, 0.0, 1.0]);
    assert_eq!(one(Layer::Relu(Relu), [1, 1, 3], &[-1.0, 0.0, 2.0]), [0.0, 0.0, 2.0]);
}

/// `Σ c·y` over a batch in training, which has the gradient c by y.
fn weighed(layer: &Layer, x: &[f32], shapes: [Shape; 2], c: &[f32]) -> f64 {
    let used = layer.clone().of_batch(x, shapes[0]);
    let images = x.chunks_exact(shapes[0].size()).zip(c.chunks_exact(shapes[1].size()));
    let image = |(x, c): (&[f32], &[f32])| {
        let mut y = vec![0.0; c.len()];
        used.forward(x, shapes[0], &mut y);
        y.iter().zip(c).map(|(y, c)| f64::from(*y) * f64::from(*c)).sum::<f64>()
    };
    images.map(image).sum()
}

/// The place of the bias of a convolution before a normalization among the parameters.
const CONV_BIAS: usize = 1;

/// The slope at 0, from the values at `h` and `-h`.
fn slope(h: f32, mut at: impl FnMut(f32) -> f64) -> f64 {
    (at(h) - at(-h)) / (2.0 * f64::from(h))
}

fn close(slope: f64, gradient: f32, place: &str) {
    let allowed = 2e-3 * (1.0 + slope.abs());
    assert!((slope - f64::from(gradient)).abs() < allowed, "{place}: {slope} {gradient}");
}

#[test]
fn gradients_of_layers_equal_finite_differences() {
    let network = small();
    for (layer, shapes) in network.layers().iter().zip(network.shapes().windows(2)) {
        let shapes = [shapes[0], shapes[1]];
        let (x, c) = (numbers(3 * shapes[0].size(), 20), numbers(3 * shapes[1].size(), 21));
        let (by_x, by_parameters) = layer.clone().of_batch(&x, shapes[0]).backward(&x, shapes[0], &c);
        assert_eq!(by_x.len(), x.len());
        for place in (0..x.len()).step_by(5) {
            let moved = |h: f32| {
                let mut x = x.clone();
                x[place] += h;
                weighed(layer, &x, shapes, &c)
            };
            close(slope(5e-3, moved), by_x[place], &format!("{layer:?} x[{place}]"));
        }
        for (kind, gradient) in by_parameters.iter().enumerate() {
            assert_eq!(gradient.len(), layer.clone().parameters_mut()[kind].len());
            for (place, &gradient) in gradient.iter().enumerate() {
                let moved = |h: f32| {
                    let mut layer = layer.clone();
                    layer.parameters_mut()[kind][place] += h;
                    weighed(&layer, &x, shapes, &c)
                };
                close(slope(5e-3, moved), gradient, &format!("{layer:?} parameter {kind}[{place}]"));
            }
        }
    }
}

#[test]
fn gradients_of_a_network_equal_finite_differences() {
    let network = small();
    let (features, images) = (network.output().size(), numbers(4 * network.input().size(), 30));
    let head = Head::new(features, 3, numbers(features * 3, 31).iter().map(|w| w / 4.0).collect());
    let trainer = Trainer::with(network, head);
    let labels = [0, 2, 1, 2];
    let (_, _, gradients) = trainer.clone().gradients(images.clone(), &labels);
    for (kind, gradient) in gradients.iter().enumerate().filter(|(kind, _)| *kind != CONV_BIAS) {
        let (mut wrong, mut all) = (0.0, 0.0);
        for (place, &gradient) in gradient.iter().enumerate() {
            let moved = |h: f32| {
                let mut trainer = trainer.clone();
                trainer.parameters_mut()[kind][place] += h;
                trainer.gradients(images.clone(), &labels).0
            };
            wrong += (slope(1e-3, moved) - f64::from(gradient)).powi(2);
            all += f64::from(gradient).powi(2);
        }
        // A rectifier that changes sides within the difference makes it less than exact.
        assert!(wrong.sqrt() < 0.02 * all.sqrt(), "parameter {kind}: {wrong} {all}");
    }
    // A normalization takes the bias away again.
    assert!(gradients[CONV_BIAS].iter().all(|gradient| gradient.abs() < 1e-5));
    let mut trainer = trainer;
    let first = trainer.step(images.clone(), &labels, 0.05).0;
    let last = (0..20).map(|_| trainer.step(images.clone(), &labels, 0.05).0).last();
    assert!(last.unwrap() < first / 4.0, "{last:?} {first}");
}

#[test]
fn the_same_seed_gives_the_same_network_whatever_the_threads() {
    let train = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| pretrain(2, seed, |_| ())).unwrap()
    };
    let one = train(1, 5);
    assert!(one.accuracy > 0.85, "{}", one.accuracy);
    assert_eq!(one.network.to_bytes().unwrap(), train(3, 5).network.to_bytes().unwrap());
    assert_ne!(one.network, train(2, 6).network);
    assert!(pretrain(0, 1, |_| ()).is_err());
}

#[test]
#[ignore = "that the network inside the program is the one that `pretrain` makes"]
fn the_built_in_network_is_made_by_the_command() {
    let trained = pretrain(EPOCHS.into(), SEED, |_| ()).unwrap();
    assert!(trained.network.to_bytes().unwrap() == BUILTIN[0].1);
}

#[test]
fn files_are_read_as_written() {
    let bytes = small().to_bytes().unwrap();
    assert_eq!(Frozen::from_bytes(&bytes, "f").unwrap(), small());
    for (name, bytes) in BUILTIN {
        let network = Frozen::find(name).unwrap();
        assert_eq!(network.to_bytes().unwrap(), bytes);
        assert_eq!((network.input().to_string(), network.output().size()), ("1x28x28".to_owned(), 400));
    }
}

/// A file with another list of layers than its numbers are for.
fn relisted(list: &str) -> String {
    let bytes = small().to_bytes().unwrap();
    let text: Vec<u8> = "2x7x8 Conv2d BatchNorm2d ReLU AvgPool2d(2)".into();
    let start = bytes.windows(text.len()).position(|window| window == text).unwrap();
    let list = format!("{list:width$}", width = text.len());
    let bytes = [&bytes[..start], list.as_bytes(), &bytes[start + text.len()..]].concat();
    Frozen::from_bytes(&bytes, "f").unwrap_err().to_string()
}

#[test]
fn faulty_files_are_named() {
    for (list, message) in [
        ("", "f: `` in the header; a shape such as 1x28x28 is needed"),
        ("2x7", "f: `2x7` in the header; a shape"),
        ("2x7x0 Conv2d BatchNorm2d", "f: shape 2x7x0; from 1 to 4096 on each axis"),
        ("9x999x999 Conv2d BatchNorm2d", "f: shape 9x999x999; from 1 to"),
        ("2x7x8", "f: tensor `"),
        ("1x7x8 Conv2d BatchNorm2d ReLU", "f: layer 0: 1 channels come in; 2 are needed"),
        ("2x7x2 Conv2d BatchNorm2d ReLU", "f: layer 0: shape 3x5x0; from 1"),
        ("2x7x8 Conv2d Conv2d", "f: layer 1: 1.weight is F32 of shape [3]; F32 with 4 axes is needed"),
        ("2x7x8 Conv2d BatchNorm2d Swish", "f: layer 2: `Swish`; Conv2d, BatchNorm2d, ReLU or"),
        ("2x7x8 Conv2d BatchNorm2d AvgPool2d(0)", "f: layer 2: squares of side 0"),
        ("2x7x8 Conv2d BatchNorm2d AvgPool2d(9)", "f: layer 2: shape 3x0x0"),
        ("2x7x8 Conv2d BatchNorm2d Conv2d", "f: layer 2: 2.weight: "),
    ] {
        let found = relisted(list);
        assert!(found.starts_with(message), "{list}: {found}");
    }
    let error = Frozen::find("/nowhere/x.safetensors").unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/x.safetensors: "), "{error}");
    let ones = || vec![1.0; 2];
    assert!(Conv2d::new([1, 2, 1, 1], vec![1.0, f32::NAN], vec![0.0]).is_err());
    assert!(Conv2d::new([usize::MAX, 2, 1, 1], ones(), vec![0.0]).is_err());
    assert!(BatchNorm2d::new(ones(), ones(), ones(), vec![1.0, -1.0]).is_err());
    assert!(BatchNorm2d::new(ones(), ones(), ones(), vec![1.0]).is_err());
    let error = small().features(&Array2::zeros((1, 5))).unwrap_err().to_string();
    assert_eq!(error, "images of 5 values; 2x7x8 are needed");
}

#[test]
fn damaged_files_do_not_panic() {
    let bytes = small().to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert!(Frozen::from_bytes(&bytes[..length], "f").is_err(), "{length}");
    }
    for place in 0..8 * bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place / 8] ^= 1 << (place % 8);
        if let Ok(network) = Frozen::from_bytes(&bytes, "f") {
            let images = Array2::from_elem((1, network.input().size()), 1.0);
            assert_eq!(network.features(&images).unwrap().ncols(), network.output().size());
        }
    }
}
