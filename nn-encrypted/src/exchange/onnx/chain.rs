//! The chain of layers that a graph is brought to.
//!
//! Each layer takes what the one before it gives, changed by a factor and a summand of each number at most, which become part of
//! weights. A polynomial of higher degree is an activation. What branches is no chain, and refused where it does.

use ndarray::ArrayView2;

use super::super::{FloatLayer, Weights};
use super::constant::MOST_NUMBERS;
use super::value::Elementwise;
use crate::activation::Function;
use crate::network::Extent;

/// Features of a sample.
const MOST_FEATURES: usize = 1 << 16;
/// Numbers of a sample between layers.
const MOST_BETWEEN: usize = 1 << 20;
/// Products by which layers without an activation between them become one.
const MOST_PRODUCTS: usize = 1 << 33;

/// The last tensor of the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Last {
    Input,
    /// Sums of a layer with weights.
    Sums,
    /// Values of its activation.
    Activated,
    /// Means of those.
    Pooled,
}

/// A chain as far as it is known.
pub(super) struct Chain {
    last: Last,
    /// The number of the last tensor.
    base: usize,
    shape: Vec<usize>,
    pub(super) extent: Extent,
    /// Factors and summands of the features.
    pub(super) input: Option<[Vec<f64>; 2]>,
    pool: [usize; 2],
    /// Weights, and products of merging, so far.
    weights: usize,
    products: usize,
    pub(super) layers: Vec<FloatLayer>,
    /// The polynomial of the last tensor that the outputs are, once they are known.
    decided: Option<Vec<Vec<f64>>>,
}

type Result<T> = std::result::Result<T, String>;

/// One number a channel, from one a place.
fn by_channel(all: &[f64], channels: usize) -> Option<Vec<f64>> {
    let each = all.len().checked_div(channels).filter(|each| *each > 0)?;
    let channel = |part: &[f64]| part.iter().all(|value| *value == part[0]).then_some(part[0]);
    all.chunks(each).map(channel).collect()
}

impl Chain {
    /// A chain that begins with features: a row of numbers, or channels of rows.
    pub(super) fn new(shape: &[usize]) -> Result<Self> {
        let extent = match *shape {
            [width] => Extent::row(width),
            [channels, height, width] => Extent { channels, height, width },
            _ => {
                return Err(format!(
                    "samples of shape {shape:?}; a row of numbers, or channels, rows and columns, are needed"
                ));
            }
        };
        if !(1..=MOST_FEATURES).contains(&extent.size()) {
            return Err(format!("samples of shape {shape:?}; 1 to {MOST_FEATURES} numbers are needed"));
        }
        Ok(Self {
            last: Last::Input,
            base: 0,
            shape: shape.to_vec(),
            extent,
            input: None,
            pool: [1, 1],
            weights: 0,
            products: 0,
            layers: vec![],
            decided: None,
        })
    }

    /// Whether the outputs are known.
    pub(super) fn is_decided(&self) -> bool {
        self.decided.is_some()
    }

    /// The last tensor.
    pub(super) fn end(&self) -> Elementwise {
        Elementwise::of(self.base, self.shape.clone())
    }

    fn moved(&mut self, last: Last, shape: Vec<usize>) -> Elementwise {
        (self.last, self.shape, self.base) = (last, shape, self.base + 1);
        self.end()
    }

    /// Factors and summands of the last tensor, by which a layer takes it; a polynomial becomes an activation before.
    fn taken(&mut self, value: &Elementwise) -> Result<([Vec<f64>; 2], Vec<usize>)> {
        if value.base != self.base || self.is_decided() {
            return Err(
                "its input is not what the layer before it gives, or is used by another layer too; a chain of layers is needed"
                    .to_owned(),
            );
        }
        if let Some(affine) = value.affine() {
            return Ok((affine, value.shape.clone()));
        }
        let Some(coefficients) = value.uniform() else {
            return Err("a polynomial that differs from place to place; one for all is needed".to_owned());
        };
        self.activate(Function::Real(coefficients))?;
        let count = value.shape.iter().product();
        Ok(([vec![1.0; count], vec![0.0; count]], value.shape.clone()))
    }

    fn activate(&mut self, function: Function) -> Result<()> {
        if self.last != Last::Sums {
            return Err(
                "an activation stands behind a layer with weights, and only one behind each: put a Gemm or a Conv before it"
                    .to_owned(),
            );
        }
        if let Some(layer) = self.layers.last_mut() {
            layer.activation = Some(function);
        }
        let shape = self.shape.clone();
        self.moved(Last::Activated, shape);
        Ok(())
    }

    /// Factors and summands of the sums of the last layer become part of it.
    fn fold(&mut self, [factors, summands]: &[Vec<f64>; 2]) -> Result<()> {
        let Some(layer) = self.layers.last_mut() else { return Ok(()) };
        let channels = layer.bias.len();
        let both = by_channel(factors, channels).zip(by_channel(summands, channels));
        let (factors, summands) =
            both.ok_or("factors that differ within a channel; one a channel is needed")?;
        layer.then(&factors, &summands);
        Ok(())
    }

    /// A function of each number.
    pub(super) fn activation(&mut self, value: &Elementwise, function: Function) -> Result<Elementwise> {
        let (affine, shape) = self.taken(value)?;
        if self.last == Last::Sums {
            self.fold(&affine)?;
        }
        self.activate(function)?;
        Ok(Elementwise::of(self.base, shape))
    }

    /// Weights and biases of a layer, taken by it.
    fn layer(
        &mut self,
        mut layer: FloatLayer,
        affine: &[Vec<f64>; 2],
        shape: Vec<usize>,
    ) -> Result<Elementwise> {
        let [factors, summands] = affine;
        self.weights += layer.count();
        let size = shape.iter().try_fold(1_usize, |all, n| all.checked_mul(*n));
        if self.weights > MOST_NUMBERS || size.is_none_or(|size| size > MOST_BETWEEN) {
            return Err(format!(
                "{} weights up to here, and {shape:?} numbers behind it; at most {MOST_NUMBERS} and {MOST_BETWEEN} are read",
                self.weights
            ));
        }
        match self.last {
            Last::Input => {
                let plain = factors.iter().all(|f| *f == 1.0) && summands.iter().all(|s| *s == 0.0);
                self.input = (!plain).then(|| affine.clone());
            }
            Last::Sums => {
                self.fold(affine)?;
                let each = self.layers.last().map_or(0, FloatLayer::count);
                self.products = self.products.saturating_add(each.saturating_mul(layer.bias.len()));
                let before = self.layers.last().filter(|_| self.products <= MOST_PRODUCTS);
                if let Some(merged) = before.and_then(|before| merged(before, &layer)) {
                    self.layers.pop();
                    self.layers.push(merged);
                    return Ok(self.moved(Last::Sums, shape));
                }
                self.activate(Function::Real(vec![0.0, 1.0]))?;
            }
            Last::Activated | Last::Pooled => match &layer.weights {
                Weights::Linear(_) => layer.after(factors, summands),
                Weights::Conv(_, [channels, ..]) => {
                    let both = by_channel(factors, *channels).zip(by_channel(summands, *channels));
                    let (factors, summands) =
                        both.ok_or("factors that differ within a channel; one a channel is needed")?;
                    layer.after(&factors, &summands);
                }
            },
        }
        layer.pool = std::mem::replace(&mut self.pool, [1, 1]);
        self.layers.push(layer);
        Ok(self.moved(Last::Sums, shape))
    }

    /// `A·W + b` with weights `[inputs, outputs]`.
    pub(super) fn linear(
        &mut self,
        name: &str,
        value: &Elementwise,
        weight: Vec<f64>,
        bias: Vec<f64>,
    ) -> Result<Elementwise> {
        let (affine, shape) = self.taken(value)?;
        let (inputs, outputs) = (affine[0].len(), bias.len());
        if shape.len() != 1 {
            return Err(format!("an input of shape {shape:?}; a row is needed: put a Flatten before it"));
        }
        if outputs == 0 || inputs.checked_mul(outputs) != Some(weight.len()) {
            return Err(format!("{} weights of {inputs} inputs and {outputs} outputs", weight.len()));
        }
        self.layer(FloatLayer::new(name, Weights::Linear(weight), bias), &affine, vec![outputs])
    }

    /// A convolution of weights `[out, in, rows, columns]`, stride 1, without padding.
    pub(super) fn convolution(
        &mut self,
        name: &str,
        value: &Elementwise,
        weight: (Vec<f64>, [usize; 4]),
        bias: Vec<f64>,
    ) -> Result<Elementwise> {
        let (affine, shape) = self.taken(value)?;
        let (weight, [out, channels, rows, columns]) = weight;
        let [found, height, width] = shape[..] else {
            return Err(format!("an input of shape {shape:?}; channels, rows and columns are needed"));
        };
        if found != channels || !(1..=height).contains(&rows) || !(1..=width).contains(&columns) || out == 0 {
            return Err(format!("a kernel of {channels} x {rows} x {columns} on {shape:?}"));
        }
        if bias.len() != out {
            return Err(format!("{} biases of {out} channels", bias.len()));
        }
        if self.last == Last::Input {
            // Features in a row may have been given another shape.
            self.extent = Extent { channels, height, width };
        }
        let weights = Weights::Conv(weight, [channels, rows, columns]);
        let shape = vec![out, height - rows + 1, width - columns + 1];
        self.layer(FloatLayer::new(name, weights, bias), &affine, shape)
    }

    /// Means of so many rows and columns.
    pub(super) fn average(&mut self, value: &Elementwise, kernel: Option<[usize; 2]>) -> Result<Elementwise> {
        let (affine, shape) = self.taken(value)?;
        let [channels, height, width] = shape[..] else {
            return Err(format!("an input of shape {shape:?}; channels, rows and columns are needed"));
        };
        let kernel = kernel.unwrap_or([height, width]);
        let whole = height.checked_rem(kernel[0]) == Some(0) && width.checked_rem(kernel[1]) == Some(0);
        if !whole {
            return Err(format!(
                "a kernel of {kernel:?} on {shape:?}; divisors of rows and columns are needed"
            ));
        }
        match self.last {
            Last::Sums => {
                self.fold(&affine)?;
                self.activate(Function::Real(vec![0.0, 1.0]))?;
            }
            Last::Activated => {}
            Last::Input | Last::Pooled => {
                return Err("a pooling stands behind an activation, and only one behind each".to_owned());
            }
        }
        let [factors, summands] = affine.map(|all| by_channel(&all, channels));
        let (factors, summands) =
            factors.zip(summands).ok_or("factors that differ within a channel; one a channel is needed")?;
        self.pool = kernel;
        let shape = vec![channels, height / kernel[0], width / kernel[1]];
        let each = shape[1] * shape[2];
        let mut means = self.moved(Last::Pooled, shape);
        if factors.iter().any(|f| *f != 1.0) || summands.iter().any(|s| *s != 0.0) {
            let spread = |all: &[f64]| all.iter().flat_map(|&one| std::iter::repeat_n(one, each)).collect();
            means.coefficients = vec![spread(&summands), spread(&factors)];
        }
        Ok(means)
    }

    /// Takes a tensor for the outputs: sums of the last layer, or a sigmoid or softmax of them, which is left out since it changes no
    /// order.
    pub(super) fn decide(&mut self, value: &Elementwise) -> Result<()> {
        if value.base == self.base && self.decided.as_ref() == Some(&value.coefficients) {
            return Ok(());
        }
        let coefficients = value.coefficients.clone();
        let (affine, _) = self.taken(value)?;
        match self.last {
            Last::Sums => self.fold(&affine)?,
            Last::Activated => {
                let plain = affine[0].iter().all(|f| *f == 1.0) && affine[1].iter().all(|s| *s == 0.0);
                let layer = self.layers.last_mut().filter(|_| plain);
                match layer.map(|layer| layer.activation.take()) {
                    Some(Some(Function::Sigmoid)) => {}
                    _ => {
                        return Err(
                            "a network ends with a layer with weights, or a sigmoid or softmax behind it"
                                .to_owned(),
                        );
                    }
                }
            }
            Last::Input | Last::Pooled => {
                return Err("a network ends with a layer with weights: Gemm or MatMul".to_owned());
            }
        }
        self.decided = Some(coefficients);
        Ok(())
    }
}

/// Two layers one after another as one, if both are fully connected.
fn merged(before: &FloatLayer, layer: &FloatLayer) -> Option<FloatLayer> {
    let (Weights::Linear(a), Weights::Linear(b)) = (&before.weights, &layer.weights) else { return None };
    let (middle, outputs) = (before.bias.len(), layer.bias.len());
    let inputs = a.len().checked_div(middle)?;
    inputs.checked_mul(outputs).filter(|count| *count <= MOST_NUMBERS)?;
    let a = ArrayView2::from_shape((inputs, middle), a).ok()?;
    let b = ArrayView2::from_shape((middle, outputs), b).ok()?;
    let first = ArrayView2::from_shape((1, middle), &before.bias).ok()?;
    let bias = first.dot(&b).iter().zip(&layer.bias).map(|(a, b)| a + b).collect();
    let weights = Weights::Linear(a.dot(&b).iter().copied().collect());
    Some(FloatLayer { pool: before.pool, ..FloatLayer::new(&layer.name, weights, bias) })
}
