//! Fractional bits of integers that nothing rounds: those of weights grow from step to step.
//!
//! With inputs of `i` bits, weights of `f` and `L` layers: `Sum(l)` has `i + (l + 1)·f`, the error at it `i + (2L − 1 − l)·f`, and so every
//! gradient of weights `2i + (2L − 1)·f`; of two layers three times those of weights. The mean over a mini-batch and the step width add theirs.

use he_core::Modulus;
use he_core::wire::Writer;

/// `number·2^shift`, by which a tensor is multiplied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) number: i64,
    pub(crate) shift: u32,
}

impl Constant {
    /// Its centred residue.
    pub(crate) fn residue(self, t: &Modulus) -> i64 {
        t.center(t.mul(t.reduce_i64(self.number), t.pow(2, self.shift.into())))
    }
}

/// The fractional bits of weights before each step and after the last one, and what follows from them. Steps and layers count from 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ladder {
    /// Of features.
    pub(crate) input: u32,
    layers: usize,
    /// The odd part of the step width, with the sign of the step.
    rate: i64,
    /// `log2` of what the mean and the rest of the step width divide by.
    mean: i64,
    weights: Vec<u32>,
}

impl Ladder {
    /// Of so many `steps`, from first weights with `weight` bits. A step is `rate·G/2^mean`.
    pub(crate) fn new(
        [input, weight]: [u32; 2],
        layers: usize,
        (rate, mean): (i64, i64),
        steps: usize,
    ) -> Self {
        let twos = if rate == 0 { 0 } else { rate.trailing_zeros() };
        let (rate, mean) = (-(rate >> twos), mean - i64::from(twos));
        let mut this = Self { input, layers, rate, mean, weights: vec![weight] };
        for _ in 0..steps {
            let next = this.stepped(this.weights.len() - 1).clamp(0, u32::MAX.into()) as u32;
            this.weights.push(next.max(this.weights[this.weights.len() - 1]));
        }
        this
    }

    pub(crate) fn steps(&self) -> usize {
        self.weights.len() - 1
    }

    /// Of weights after so many steps.
    pub(crate) fn weight(&self, steps: usize) -> u32 {
        self.weights[steps.min(self.steps())]
    }

    /// Of what a step adds to weights, without a further constant.
    fn stepped(&self, step: usize) -> i64 {
        let errors = (2 * self.layers as i64 - 1).saturating_mul(self.weight(step).into());
        errors.saturating_add(2 * i64::from(self.input) + self.mean)
    }

    /// Of `Sum(l)`.
    pub(crate) fn sum(&self, l: usize, step: usize) -> u32 {
        self.input.saturating_add((l as u32 + 1).saturating_mul(self.weight(step)))
    }

    /// Of targets as they are encrypted: those of the outputs of the first step.
    pub(crate) fn targets(&self) -> u32 {
        self.sum(self.layers - 1, 0)
    }

    /// From targets to the scale of outputs.
    pub(crate) fn of_targets(&self, step: usize) -> Constant {
        Constant { number: 1, shift: self.sum(self.layers - 1, step) - self.targets() }
    }

    /// From biases to the scale of `Sum(l)`, which is as well from the gradient of biases to that of weights.
    pub(crate) fn of_biases(&self, l: usize, step: usize) -> Constant {
        Constant { number: 1, shift: self.sum(l, step) - self.weight(step) }
    }

    /// From old weights to new ones.
    pub(crate) fn kept(&self, step: usize) -> Constant {
        Constant { number: 1, shift: self.weight(step + 1) - self.weight(step) }
    }

    /// From gradients of weights to new weights.
    pub(crate) fn moved(&self, step: usize) -> Constant {
        let shift = i64::from(self.weight(step + 1)).saturating_sub(self.stepped(step));
        Constant { number: self.rate, shift: shift.clamp(0, u32::MAX.into()) as u32 }
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.u32(self.input);
        out.i64(self.rate);
        out.i64(self.mean);
        out.length(self.weights.len());
        self.weights.iter().for_each(|&bits| out.u32(bits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_weights_grow_threefold_in_two_layers_and_by_a_sum_in_one() {
        // Inputs of 4 bits, weights of 6, a mean over 2^11 images, a step width of 2.
        let ladder = Ladder::new([4, 6], 2, (2, 11), 3);
        let weights: Vec<u32> = (0..=3).map(|step| ladder.weight(step)).collect();
        assert_eq!(weights, [6, 36, 126, 396]);
        assert_eq!((ladder.targets(), ladder.sum(1, 1), ladder.of_targets(1).shift), (16, 76, 60));
        assert_eq!((ladder.kept(1).shift, ladder.moved(1)), (90, Constant { number: -1, shift: 0 }));
        let one = Ladder::new([4, 6], 1, (3, 12), 3);
        assert_eq!((0..=3).map(|step| one.weight(step)).collect::<Vec<_>>(), [6, 26, 46, 66]);
        assert_eq!(one.moved(0), Constant { number: -3, shift: 0 });
        // A step of larger units than weights have takes a constant itself.
        let coarse = Ladder::new([0, 4], 1, (16, 0), 1);
        assert_eq!((coarse.weight(1), coarse.moved(0)), (4, Constant { number: -1, shift: 4 }));
        let t = Modulus::new(257).unwrap();
        assert_eq!(Constant { number: -3, shift: 9 }.residue(&t), 6);
    }
}
