//! The largest integers that are decrypted of a training that nothing refreshes, proven.
//!
//! Of products and sums only what is decrypted has to fit the plaintext moduli: arithmetic is that of integers modulo their product. The
//! first weights are public, so that magnitudes are followed through all entries of matrices from there: `|A·W| ≤ |A|·|W|`, and so on.

use num_bigint::BigUint;

use crate::engine::columns::{Constant, Ladder, LayerNumbers};

/// Magnitudes of the weights, input after input, and of the biases of a layer.
type Magnitudes = (Vec<BigUint>, Vec<BigUint>);

/// Largest magnitudes of features and of targets, and samples of a mini-batch.
pub(super) struct Batch {
    pub(super) features: u64,
    pub(super) targets: u64,
    pub(super) samples: usize,
}

fn scaled(a: &BigUint, Constant { number, shift }: Constant) -> BigUint {
    (a * number.unsigned_abs()) << shift
}

/// `a·W + b`, of magnitudes.
fn forward(a: &[BigUint], (weights, biases): &Magnitudes, of_biases: Constant) -> Vec<BigUint> {
    let outputs = biases.len();
    let sum =
        |j: usize| -> BigUint { a.iter().enumerate().map(|(i, a)| a * &weights[i * outputs + j]).sum() };
    (0..outputs).map(|j| sum(j) + scaled(&biases[j], of_biases)).collect()
}

/// `d·Wᵀ`, of magnitudes.
fn backward(d: &[BigUint], (weights, _): &Magnitudes) -> Vec<BigUint> {
    let line = |line: &[BigUint]| line.iter().zip(d).map(|(w, d)| w * d).sum();
    weights.chunks(d.len().max(1)).map(line).collect()
}

/// The largest magnitude of weights, biases and outputs after so many steps.
pub(super) fn largest(layers: &[LayerNumbers], ladder: &Ladder, batch: &Batch) -> BigUint {
    let first = |layer: &LayerNumbers| {
        let weights = layer.weights.iter().map(|w| BigUint::from(w.unsigned_abs()));
        (weights.collect(), vec![BigUint::ZERO; layer.outputs])
    };
    let mut all: Vec<Magnitudes> = layers.iter().map(first).collect();
    let mut largest = BigUint::ZERO;
    for step in 0..ladder.steps() {
        let mut tensors = vec![vec![BigUint::from(batch.features); layers.first().map_or(0, |l| l.inputs)]];
        for (l, layer) in all.iter().enumerate() {
            tensors.push(forward(&tensors[l], layer, ladder.of_biases(l, step)));
        }
        let targets = scaled(&BigUint::from(batch.targets), ladder.of_targets(step));
        let outputs = tensors.pop().unwrap_or_default();
        largest = outputs.iter().max().cloned().unwrap_or_default().max(largest);
        let mut error: Vec<BigUint> = outputs.iter().map(|z| z + &targets).collect();
        for l in (0..all.len()).rev() {
            let before = backward(&error, &all[l]);
            let samples = Constant { number: batch.samples as i64, shift: 0 };
            let moved = |gradient: BigUint| scaled(&scaled(&gradient, samples), ladder.moved(step));
            let (weights, biases) = &mut all[l];
            for (at, weight) in weights.iter_mut().enumerate() {
                let (input, output) = (at / error.len(), at % error.len());
                *weight = scaled(weight, ladder.kept(step)) + moved(&tensors[l][input] * &error[output]);
            }
            for (bias, error) in biases.iter_mut().zip(&error) {
                *bias = scaled(bias, ladder.kept(step)) + moved(scaled(error, ladder.of_biases(l, step)));
            }
            largest = weights.iter().chain(&*biases).max().cloned().unwrap_or_default().max(largest);
            error = before;
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_one_weight_are_those_by_hand() {
        let layers = [LayerNumbers { inputs: 1, outputs: 1, weights: vec![-3] }];
        let ladder = Ladder::new([2, 1], 1, (1, 0), 2);
        let batch = Batch { features: 4, targets: 8, samples: 5 };
        // Z = 4·3; D = 12 + 8; G = 5·4·20 at 2^(2·2 + 1): W = 3·2^4 + 400, b = 5·20·2^2 at that scale.
        let first = Ladder::new([2, 1], 1, (1, 0), 1);
        assert_eq!(largest(&layers, &first, &batch), BigUint::from(448_u32));
        // Z = 4·448 + 400·2^2; D = 3392 + 8·2^4; G = 5·4·3520; W = 448·2^4 + 70400.
        assert_eq!(largest(&layers, &ladder, &batch), BigUint::from(77_568_u32));
    }
}
