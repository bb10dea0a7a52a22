//! Training in the clear: stochastic gradient descent with momentum, `V ← momentum·V + G`, `W ← W - rate·V`.

use rayon::prelude::*;

use super::head::Head;
use super::{AvgPool2d, BatchNorm2d, Conv2d, Frozen, Layer, Relu, Result, Shape};
use crate::data::random::{Purpose, normal_16, stream};

const MOMENTUM: f32 = 0.9;
/// Values of the images, kernels of the two convolutions, side of kernels and squares.
const SIDE: usize = 28;
const KERNELS: [usize; 2] = [6, 16];
const KERNEL_SIDE: usize = 3;
const POOL_SIDE: usize = 2;

/// A network in training.
#[derive(Debug, Clone)]
pub(super) struct Trainer {
    pub(super) network: Frozen,
    pub(super) head: Head,
    velocity: Vec<Vec<f32>>,
}

/// The gradients of all parameters, in their order.
type Gradients = Vec<Vec<f32>>;

impl Trainer {
    /// The network of Glyph for images of 28x28, with the initial weights of a seed.
    pub(super) fn new(classes: usize, seed: u64) -> Result<Self> {
        let mut rng = stream(seed, Purpose::Weights);
        let mut weights = |count: usize, inputs: usize| -> Vec<f32> {
            let deviation = (2.0 / inputs as f32).sqrt();
            (0..count).map(|_| normal_16(&mut rng) as f32 / 65_536.0 * deviation).collect()
        };
        let (mut layers, mut inputs) = (Vec::new(), 1);
        for outputs in KERNELS {
            let fan_in = inputs * KERNEL_SIDE * KERNEL_SIDE;
            let shape = [outputs, inputs, KERNEL_SIDE, KERNEL_SIDE];
            let conv = Conv2d::new(shape, weights(outputs * fan_in, fan_in), vec![0.0; outputs])?;
            layers.push(Layer::Conv2d(conv));
            layers.push(Layer::BatchNorm2d(BatchNorm2d::identity(outputs)));
            layers.push(Layer::Relu(Relu));
            layers.push(Layer::AvgPool2d(AvgPool2d::new(POOL_SIDE)?));
            inputs = outputs;
        }
        let network = Frozen::new(Shape::new(1, SIDE, SIDE)?, layers)?;
        let features = network.output().size();
        let head = Head::new(features, classes, weights(features * classes, features));
        Ok(Self::with(network, head))
    }

    /// Any network and head.
    pub(super) fn with(network: Frozen, head: Head) -> Self {
        let mut trainer = Self { network, head, velocity: vec![] };
        trainer.velocity = trainer.parameters_mut().iter().map(|values| vec![0.0; values.len()]).collect();
        trainer
    }

    pub(super) fn parameters_mut(&mut self) -> Vec<&mut Vec<f32>> {
        let layers = self.network.layers_mut().iter_mut().flat_map(Layer::parameters_mut);
        layers.chain(self.head.parameters_mut()).collect()
    }

    /// Trains on one batch of images; gives its loss, and how many were classified right.
    pub(super) fn step(&mut self, images: Vec<f32>, labels: &[usize], rate: f32) -> (f64, usize) {
        let (loss, right, gradients) = self.gradients(images, labels);
        let mut velocity = std::mem::take(&mut self.velocity);
        let steps = self.parameters_mut().into_iter().zip(velocity.iter_mut().zip(&gradients));
        for (values, (velocity, gradient)) in steps {
            for (value, (v, g)) in values.iter_mut().zip(velocity.iter_mut().zip(gradient)) {
                *v = MOMENTUM * *v + g;
                *value -= rate * *v;
            }
        }
        self.velocity = velocity;
        (loss, right)
    }

    /// Loss, count of right classes, and gradients of a batch. Normalizations follow the batch.
    pub(super) fn gradients(&mut self, images: Vec<f32>, labels: &[usize]) -> (f64, usize, Gradients) {
        let shapes = self.network.shapes().to_vec();
        let (mut x, mut passed) = (images, Vec::new());
        for (layer, shapes) in self.network.layers_mut().iter_mut().zip(shapes.windows(2)) {
            let used = layer.of_batch(&x, shapes[0]);
            let mut y = vec![0.0; labels.len() * shapes[1].size()];
            (y.par_chunks_exact_mut(shapes[1].size()).zip(x.par_chunks_exact(shapes[0].size())))
                .for_each(|(y, x)| used.forward(x, shapes[0], y));
            passed.push((used, std::mem::replace(&mut x, y)));
        }
        let lesson = self.head.learn(&x, labels);
        let (mut gradient, mut gradients) = (lesson.by_x, vec![lesson.by_parameters]);
        for ((layer, x), shape) in passed.iter().zip(&shapes).rev() {
            let (by_x, by_parameters) = layer.backward(x, *shape, &gradient);
            gradient = by_x;
            gradients.push(by_parameters);
        }
        (lesson.loss, lesson.right, gradients.into_iter().rev().flatten().collect())
    }
}

impl Layer {
    /// The layer as a batch goes through it in training, which a normalization follows.
    pub(super) fn of_batch(&mut self, x: &[f32], from: Shape) -> Self {
        if let Self::BatchNorm2d(layer) = self {
            let batch = layer.of_batch(x, from);
            layer.follow(&batch);
            return Self::BatchNorm2d(batch);
        }
        self.clone()
    }

    /// The gradient by `x`, and those by the parameters, of a batch from that by the results.
    pub(super) fn backward(&self, x: &[f32], from: Shape, gradient: &[f32]) -> (Vec<f32>, Gradients) {
        let images = || x.par_chunks_exact(from.size());
        let gradients = || gradient.par_chunks_exact(gradient.len() * from.size() / x.len());
        match self {
            Self::Relu(_) => (Relu::backward(x, gradient), vec![]),
            Self::BatchNorm2d(layer) => layer.backward(x, from, gradient),
            Self::AvgPool2d(layer) => {
                let by_x: Vec<Vec<f32>> = gradients().map(|g| layer.backward(from, g)).collect();
                (by_x.concat(), vec![])
            }
            Self::Conv2d(layer) => {
                let parts: Vec<(Vec<f32>, Gradients)> =
                    images().zip(gradients()).map(|(x, g)| layer.backward(x, from, g)).collect();
                let mut sums = vec![vec![0.0; layer.weight().len()], vec![0.0; layer.bias().len()]];
                let values = parts.iter().map(|(_, values)| values);
                values.for_each(|values| add(&mut sums, values));
                (parts.into_iter().flat_map(|(by_x, _)| by_x).collect(), sums)
            }
        }
    }
}

fn add(sums: &mut Gradients, values: &Gradients) {
    let pairs = sums.iter_mut().zip(values).flat_map(|(sums, values)| sums.iter_mut().zip(values));
    pairs.for_each(|(sum, value)| *sum += value);
}
