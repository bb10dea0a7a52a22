//! Which weight meets which input: the sums of a layer as lists of places.

use crate::network::Layer;

/// A product of a sum: two places.
type Places = Vec<(usize, usize)>;

/// A layer with weights; its inputs are those behind the pooling.
pub(super) struct Wiring {
    /// Inputs before the pooling that become one behind it; none without a pooling.
    pub(super) windows: Vec<Vec<usize>>,
    /// Of each output: weight and input.
    pub(super) of_output: Vec<Places>,
    /// Of each input: weight and output.
    pub(super) of_input: Vec<Places>,
    /// Of each weight: output and input.
    pub(super) of_weight: Vec<Places>,
    /// The bias of each output.
    pub(super) bias: Vec<usize>,
    /// Of each bias: its outputs.
    pub(super) of_bias: Vec<Vec<usize>>,
}

impl Wiring {
    pub(super) fn new(layer: &Layer) -> Self {
        let windows = windows(layer);
        let weights = layer.shape().iter().product();
        let mut this = Self {
            of_output: vec![vec![]; layer.outputs()],
            of_input: vec![vec![]; windows.len()],
            of_weight: vec![vec![]; weights],
            bias: layer.matrix.bias.clone(),
            of_bias: vec![vec![]; layer.biases()],
            windows,
        };
        for (input, window) in this.windows.iter().enumerate() {
            // Every position of a window has the same weights.
            let row = window.first().map(|&first| layer.matrix.entries.row(first));
            for (output, entry) in row.iter().flatten().enumerate() {
                let Some(entry) = entry else { continue };
                this.of_output[output].push((entry.weight, input));
                this.of_input[input].push((entry.weight, output));
                this.of_weight[entry.weight].push((output, input));
            }
        }
        for (output, &bias) in layer.matrix.bias.iter().enumerate() {
            this.of_bias[bias].push(output);
        }
        if layer.pool == [1, 1] {
            this.windows.clear();
        }
        this
    }

    /// Inputs behind the pooling.
    pub(super) fn inputs(&self) -> usize {
        self.of_input.len()
    }

    pub(super) fn outputs(&self) -> usize {
        self.of_output.len()
    }

    /// Weights and biases.
    pub(super) fn words(&self) -> usize {
        self.of_weight.len() + self.of_bias.len()
    }
}

/// The inputs before the pooling that become one behind it.
fn windows(layer: &Layer) -> Vec<Vec<usize>> {
    let (input, [rows, columns]) = (layer.input, layer.pool);
    let behind = layer.pooled();
    let mut windows = vec![vec![]; behind.size()];
    for place in 0..input.size() {
        let (channel, rest) = (place / (input.height * input.width), place % (input.height * input.width));
        let (row, column) = (rest / input.width / rows, rest % input.width / columns);
        windows[(channel * behind.height + row) * behind.width + column].push(place);
    }
    windows
}
