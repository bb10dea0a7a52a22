//! The last layer of the training before, which is thrown away: `outputs = x·weight + bias`, softmax,
//! cross-entropy.

use crate::activation::exp;

/// A linear layer.
#[derive(Debug, Clone)]
pub(super) struct Head {
    inputs: usize,
    /// inputs x classes, the last index fastest.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The lesson of a batch for a head: the loss and its gradients.
pub(super) struct Lesson {
    /// The mean cross-entropy.
    pub(super) loss: f64,
    /// How many samples were classified right.
    pub(super) right: usize,
    /// By the features.
    pub(super) by_x: Vec<f32>,
    /// By weight and bias.
    pub(super) by_parameters: Vec<Vec<f32>>,
}

impl Head {
    /// A head with these weights, `inputs` times `classes`.
    pub(super) fn new(inputs: usize, classes: usize, weight: Vec<f32>) -> Self {
        Self { inputs, weight, bias: vec![0.0; classes] }
    }

    pub(super) fn parameters_mut(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.weight, &mut self.bias]
    }

    /// The logits of one sample.
    pub(super) fn outputs(&self, x: &[f32]) -> Vec<f32> {
        let mut outputs = self.bias.clone();
        for (x, weights) in x.iter().zip(self.weight.chunks_exact(self.bias.len())) {
            outputs.iter_mut().zip(weights).for_each(|(output, weight)| *output += x * weight);
        }
        outputs
    }

    /// The loss of a batch and its gradients.
    pub(super) fn learn(&self, x: &[f32], labels: &[usize]) -> Lesson {
        let classes = self.bias.len();
        let n = labels.len() as f64;
        let mut lesson = Lesson {
            loss: 0.0,
            right: 0,
            by_x: Vec::with_capacity(x.len()),
            by_parameters: vec![vec![0.0; self.weight.len()], vec![0.0; classes]],
        };
        for (x, &label) in x.chunks_exact(self.inputs).zip(labels) {
            let outputs = self.outputs(x);
            lesson.right += usize::from(crate::metrics::argmax(&outputs) == label);
            let (loss, parts) = cross_entropy(&outputs, label);
            lesson.loss += loss / n;
            let error: Vec<f32> = parts.iter().map(|part| (part / n) as f32).collect();
            let dot = |weights: &[f32]| weights.iter().zip(&error).map(|(w, e)| w * e).sum::<f32>();
            lesson.by_x.extend(self.weight.chunks_exact(classes).map(dot));
            let rows = lesson.by_parameters[0].chunks_exact_mut(classes);
            for (x, row) in x.iter().zip(rows) {
                row.iter_mut().zip(&error).for_each(|(sum, error)| *sum += x * error);
            }
            lesson.by_parameters[1].iter_mut().zip(&error).for_each(|(sum, error)| *sum += error);
        }
        lesson
    }
}

/// `-ln softmax(outputs)[label]` and its gradient by the outputs.
fn cross_entropy(outputs: &[f32], label: usize) -> (f64, Vec<f64>) {
    let largest = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = outputs.iter().map(|&output| exp(f64::from(output - largest))).collect();
    let sum = powers.iter().sum::<f64>();
    let loss = sum.ln() - f64::from(outputs[label] - largest);
    let error = |(class, power): (usize, &f64)| power / sum - f64::from(u8::from(class == label));
    (loss, powers.iter().enumerate().map(error).collect())
}
