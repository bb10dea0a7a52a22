//! Tensors of a graph: constants, polynomials of what the chain computed last, and decisions.

use super::constant::Constant;

/// The largest degree of a polynomial: that of an activation.
const MOST_DEGREE: usize = 7;

/// A tensor on the way through a graph.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Constant(Constant),
    Elementwise(Elementwise),
    /// Scores of classes, or a class: the outputs of the network decide it.
    Decision,
}

/// A polynomial of each number of a tensor of the chain.
#[derive(Clone, Debug)]
pub(super) struct Elementwise {
    /// The tensor of the chain, counted from the input.
    pub(super) base: usize,
    /// Extents without the batch.
    pub(super) shape: Vec<usize>,
    /// From the constant one; each is one number, or one for each place.
    pub(super) coefficients: Vec<Vec<f64>>,
}

fn combined(a: &[f64], b: &[f64], with: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let at = |of: &[f64], place: usize| if of.len() == 1 { of[0] } else { of[place] };
    (0..a.len().max(b.len())).map(|place| with(at(a, place), at(b, place))).collect()
}

impl Elementwise {
    /// A tensor of the chain itself.
    pub(super) fn of(base: usize, shape: Vec<usize>) -> Self {
        Self { base, shape, coefficients: vec![vec![0.0], vec![1.0]] }
    }

    /// A constant in the place of a tensor of the same shape.
    pub(super) fn constant(&self, constant: &Constant) -> Option<Self> {
        let coefficients = vec![constant.spread(&self.shape)?];
        Some(Self { base: self.base, shape: self.shape.clone(), coefficients })
    }

    pub(super) fn degree(&self) -> usize {
        let zero = |coefficient: &Vec<f64>| coefficient.iter().all(|c| *c == 0.0);
        self.coefficients.iter().rposition(|coefficient| !zero(coefficient)).unwrap_or(0)
    }

    fn is_of(&self, other: &Self) -> bool {
        (self.base, &self.shape) == (other.base, &other.shape)
    }

    /// `self + factor·other`; none of another tensor of the chain.
    pub(super) fn plus(&self, other: &Self, factor: f64) -> Option<Self> {
        if !self.is_of(other) {
            return None;
        }
        let zero = vec![0.0];
        let at =
            |of: &Self, power: usize| of.coefficients.get(power).cloned().unwrap_or_else(|| zero.clone());
        let powers = self.coefficients.len().max(other.coefficients.len());
        let sum = |power| combined(&at(self, power), &at(other, power), |a, b| a + factor * b);
        Some(Self { coefficients: (0..powers).map(sum).collect(), ..self.clone() })
    }

    /// `self·other`; none of another tensor of the chain, or of a degree that no activation has.
    pub(super) fn times(&self, other: &Self) -> Option<Self> {
        let degree = self.degree() + other.degree();
        if !self.is_of(other) || degree > MOST_DEGREE {
            return None;
        }
        let mut coefficients = vec![vec![0.0]; degree + 1];
        for (i, a) in self.coefficients.iter().enumerate().take(self.degree() + 1) {
            for (j, b) in other.coefficients.iter().enumerate().take(other.degree() + 1) {
                let product = combined(a, b, |a, b| a * b);
                coefficients[i + j] = combined(&coefficients[i + j], &product, |a, b| a + b);
            }
        }
        Some(Self { coefficients, ..self.clone() })
    }

    /// Factors and summands, one of each for every place; none of another polynomial.
    pub(super) fn affine(&self) -> Option<[Vec<f64>; 2]> {
        if self.degree() > 1 {
            return None;
        }
        let count = self.shape.iter().product();
        let all = |power: usize| match self.coefficients.get(power).map(Vec::as_slice) {
            Some([one]) => vec![*one; count],
            Some(each) => each.to_vec(),
            None => vec![0.0; count],
        };
        Some([all(1), all(0)])
    }

    /// The coefficients of a polynomial that is the same at all places.
    pub(super) fn uniform(&self) -> Option<Vec<f64>> {
        let one = |all: &Vec<f64>| {
            let first = *all.first()?;
            all.iter().all(|c| *c == first).then_some(first)
        };
        self.coefficients[..=self.degree()].iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_those_of_sums_and_products() {
        let z = Elementwise::of(3, vec![2]);
        let shift = z.constant(&Constant::row(vec![1.0, -1.0])).unwrap();
        let square = z.plus(&shift, 1.0).unwrap();
        let square = square.times(&square).unwrap();
        // (z ± 1)² = 1 ± 2z + z²
        assert_eq!(square.coefficients, [vec![1.0, 1.0], vec![2.0, -2.0], vec![1.0]]);
        assert_eq!((square.degree(), square.affine(), square.uniform()), (2, None, None));
        let back = z.plus(&shift, -2.0).unwrap();
        assert_eq!(back.affine().unwrap(), [vec![1.0, 1.0], vec![-2.0, 2.0]]);
        let fourth = z.times(&z).unwrap();
        let fourth = fourth.times(&fourth).unwrap();
        assert!(fourth.times(&fourth).is_none(), "degree 8");
        assert_eq!(fourth.uniform().unwrap(), [0.0, 0.0, 0.0, 0.0, 1.0]);
        assert!(z.plus(&Elementwise::of(2, vec![2]), 1.0).is_none());
    }
}
