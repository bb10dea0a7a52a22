//! A network in floating point, as another program trained it.

use super::ExchangeError;
use crate::activation::Function;
use crate::network::Extent;

/// A chain of layers with weights, and what they are given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FloatNetwork {
    /// The extent of the features.
    pub(crate) extent: Extent,
    /// Factors and summands of the features before the first layer; none where it takes them as they are.
    pub(crate) input: Option<[Vec<f64>; 2]>,
    /// Layers with weights, input first.
    pub(crate) layers: Vec<FloatLayer>,
    /// Names of the classes; none where the file says none.
    pub(crate) classes: Vec<String>,
    /// Names of the columns; none where the file says none.
    pub(crate) columns: Vec<String>,
}

/// Weights with the pooling before them and the activation behind them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FloatLayer {
    /// Its name in the file.
    pub(crate) name: String,
    /// Rows and columns that become one before the weights.
    pub(crate) pool: [usize; 2],
    pub(crate) weights: Weights,
    /// One number an output, or an output channel.
    pub(crate) bias: Vec<f64>,
    pub(crate) activation: Option<Function>,
    /// The factor by which the activation takes the sums.
    pub(crate) gain: f64,
    /// From where to where a polynomial stands for the activation, in units of what it takes; none without one.
    pub(crate) interval: Option<[f64; 2]>,
}

/// Weights, the last index fastest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Weights {
    /// `[inputs, outputs]`.
    Linear(Vec<f64>),
    /// `[out channels, in channels, rows, columns]`, and the last three of these extents.
    Conv(Vec<f64>, [usize; 3]),
}

impl FloatLayer {
    /// Weights without an activation.
    pub(crate) fn new(name: &str, weights: Weights, bias: Vec<f64>) -> Self {
        let (name, pool) = (name.to_owned(), [1, 1]);
        Self { name, pool, weights, bias, activation: None, gain: 1.0, interval: None }
    }

    /// How many weights it has.
    pub(crate) fn count(&self) -> usize {
        let (Weights::Linear(weight) | Weights::Conv(weight, _)) = &self.weights;
        weight.len()
    }

    /// Factors and summands behind the sums of the layer, one of each an output channel, become part of its weights.
    pub(crate) fn then(&mut self, factors: &[f64], summands: &[f64]) {
        let outputs = self.bias.len().max(1);
        match &mut self.weights {
            Weights::Linear(weight) => {
                weight.iter_mut().enumerate().for_each(|(place, w)| *w *= factors[place % outputs]);
            }
            Weights::Conv(weight, _) => {
                let each = weight.len() / outputs;
                weight.iter_mut().enumerate().for_each(|(place, w)| *w *= factors[place / each.max(1)]);
            }
        }
        let all = self.bias.iter_mut().zip(factors).zip(summands);
        all.for_each(|((bias, factor), summand)| *bias = *bias * factor + summand);
    }

    /// Factors and summands of the inputs, one of each an input of Linear or a channel of a convolution, become part of its weights.
    pub(crate) fn after(&mut self, factors: &[f64], summands: &[f64]) {
        let outputs = self.bias.len().max(1);
        match &mut self.weights {
            Weights::Linear(weight) => {
                for (place, w) in weight.iter_mut().enumerate() {
                    self.bias[place % outputs] += summands[place / outputs] * *w;
                    *w *= factors[place / outputs];
                }
            }
            Weights::Conv(weight, [channels, rows, columns]) => {
                let taps = (*rows * *columns).max(1);
                let each = (*channels * taps).max(1);
                for (place, w) in weight.iter_mut().enumerate() {
                    let channel = place % each / taps;
                    self.bias[place / each] += summands[channel] * *w;
                    *w *= factors[channel];
                }
            }
        }
    }
}

impl FloatNetwork {
    /// A single output that tells two classes apart becomes two, of which the larger decides: `−z/2` and `z/2`, whose softmax is the
    /// sigmoid of `z`.
    pub(crate) fn with_two_outputs(&mut self) {
        let Some(last) = self.layers.last_mut().filter(|last| last.bias.len() == 1) else { return };
        let Weights::Linear(weight) = &mut last.weights else { return };
        *weight = weight.iter().flat_map(|w| [-w / 2.0, w / 2.0]).collect();
        last.bias = last.bias.iter().flat_map(|b| [-b / 2.0, b / 2.0]).collect();
    }

    /// Checks that there is a network that classifies, and that its names are of as many.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn checked(mut self) -> Result<Self, ExchangeError> {
        let Some(last) = self.layers.last() else {
            return Err(ExchangeError::Unfit(
                "no layer with weights; a Gemm or a MatMul is needed".to_owned(),
            ));
        };
        let outputs = last.bias.len();
        if self.classes.is_empty() {
            self.classes = (0..outputs).map(|class| class.to_string()).collect();
        }
        if outputs < 2 || self.classes.len() != outputs {
            let what = format!(
                "{outputs} outputs and {} classes; two outputs or more, or one for two classes, and one class each are needed",
                self.classes.len()
            );
            return Err(ExchangeError::Unfit(what));
        }
        let features = self.extent.size();
        if !self.columns.is_empty() && self.columns.len() != features {
            let what = format!("{} names of {features} columns", self.columns.len());
            return Err(ExchangeError::Unfit(what));
        }
        Ok(self)
    }
}
