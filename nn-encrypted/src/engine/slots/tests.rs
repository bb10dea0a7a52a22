//! The steps on slot vectors in the clear, against matrix products.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2};
use proptest::prelude::*;

use super::clear_slots::ClearSlots;
use super::{Body, Exact, Formulas, LayerFormulas, LossFormula, Whole};
use crate::engine::Store;
use crate::layout::{Cube, Geometry, Order};
use crate::network::{Entry, Matrix, Network};
use crate::program::{Step, Tensor};
use crate::recipe::Recipe;

/// Values in [−9, 9] that depend on a seed and a position only.
fn value(seed: u64, i: usize) -> i64 {
    let mixed =
        (seed ^ (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as i64 % 19 - 9
}

fn matrix(seed: u64, rows: usize, columns: usize) -> Array2<i64> {
    Array2::from_shape_fn((rows, columns), |(r, c)| value(seed, r * columns + c))
}

fn dense(inputs: usize, outputs: usize) -> Matrix {
    let entry = |(i, o)| Some(Entry { weight: i * outputs + o, factor: 1.0 });
    Matrix { entries: Array2::from_shape_fn((inputs, outputs), entry), bias: (0..outputs).collect() }
}

/// The network's matrices, and the store with what the client would have sent.
struct Setting {
    geometry: Geometry,
    formulas: Formulas<i64>,
    matrices: Vec<Matrix>,
    /// Weights and biases in the order of their shapes.
    weights: Vec<(Vec<i64>, Vec<i64>)>,
    store: Store<Vec<i64>>,
}

fn setting(cube: Cube, matrices: &[Matrix], batch: usize, seed: u64) -> Setting {
    let shapes = matrices.iter().map(|matrix| matrix.entries.dim());
    let geometry = Geometry::new(cube, shapes.enumerate(), batch).with_sharing(matrices);
    let (mut weights, mut layers) = (Vec::new(), Vec::new());
    let mut compact = vec![vec![0; cube.slots()]; geometry.compact.ciphertexts()];
    for (l, (places, layout)) in matrices.iter().zip(&geometry.layers).enumerate() {
        let w: Vec<i64> = (0..places.weights()).map(|i| value(seed + l as u64, i)).collect();
        let b: Vec<i64> = (0..places.biases()).map(|o| value(seed + 100 + l as u64, o)).collect();
        layout.pack(&cube, &geometry.compact, places, (&w, &b), &mut compact);
        weights.push((w, b));
        let gradient = (1 + l as i64, 5 + l as i64);
        layers.push(LayerFormulas { one: 16, constant: 3, activation: None, gradient });
    }
    let mut store = Store::default();
    store.put(Tensor::Weights, compact);
    let momentum = vec![(2, Tensor::Gradient), (-3, Tensor::Momentum)];
    let new = vec![(4, Tensor::Weights), (-1, Tensor::Gradient)];
    let formulas = Formulas { layers, momentum, weights: new, loss: LossFormula::Outputs };
    Setting { geometry, formulas, matrices: matrices.to_vec(), weights, store }
}

impl Setting {
    fn run(&mut self, step: Step) {
        let ops = ClearSlots(self.geometry.clone());
        let numbers = Exact { geometry: &self.geometry, formulas: &self.formulas, levels: &BTreeMap::new() };
        let body = Body { ops: &ops, numbers: &numbers };
        for (tensor, tiles) in body.run(&Whole { store: &self.store }, step).unwrap() {
            self.store.put(tensor, tiles);
        }
    }

    fn put_rows(&mut self, tensor: Tensor, values: &Array2<i64>) {
        let tiles = self.geometry.tiles(tensor).unwrap();
        self.store.put(tensor, tiles.pack(&self.geometry.cube, values.view(), 0));
    }

    fn rows(&self, tensor: Tensor) -> Array2<i64> {
        let tiles = self.geometry.tiles(tensor).unwrap();
        tiles.unpack(&self.geometry.cube, self.store.get(tensor).unwrap())
    }

    /// Weights and biases of layer `l` in a compact tensor.
    fn layer(&self, tensor: Tensor, l: usize) -> (Vec<i64>, Vec<i64>) {
        let slots = self.store.get(tensor).unwrap();
        let Geometry { cube, compact, .. } = &self.geometry;
        let first = |places: &Vec<(usize, usize)>| slots[places[0].0][places[0].1];
        let places = self.geometry.layers[l].places(cube, compact, &self.matrices[l]);
        let [weights, biases] = places.map(|places| places.iter().map(first).collect());
        (weights, biases)
    }

    /// The matrix and the biases of layer `l` in the clear.
    fn clear(&self, l: usize) -> (Array2<i64>, Array1<i64>) {
        let (matrix, (w, b)) = (&self.matrices[l], &self.weights[l]);
        let entries = matrix.entries.map(|entry| entry.map_or(0, |entry| w[entry.weight]));
        (entries, matrix.bias.iter().map(|bias| b[*bias]).collect())
    }

    /// Gradients of weights and biases of layer `l`: sums over their entries.
    fn gradients(&self, l: usize, input: &Array2<i64>, error: &Array2<i64>) -> (Vec<i64>, Vec<i64>) {
        let (matrix, scales) = (&self.matrices[l], self.formulas.layers[l].gradient);
        let (mut weights, mut biases) = (vec![0; matrix.weights()], vec![0; matrix.biases()]);
        let products = input.t().dot(error);
        for (entry, product) in matrix.entries.iter().zip(&products) {
            if let Some(entry) = entry {
                weights[entry.weight] += product * scales.0;
            }
        }
        for (&bias, column) in matrix.bias.iter().zip(error.columns()) {
            biases[bias] += column.sum() * scales.1;
        }
        (weights, biases)
    }
}

fn check(cube: Cube, matrices: &[Matrix], batch: usize, seed: u64) {
    let mut s = setting(cube, matrices, batch, seed);
    s.run(Step::Expand);
    let mut activations = vec![matrix(seed + 7, batch, matrices[0].entries.nrows())];
    s.put_rows(Tensor::Features, &activations[0]);
    for l in 0..matrices.len() {
        s.run(Step::Forward(l));
        let (w, b) = s.clear(l);
        let expected = activations[l].dot(&w) * 3 + &(b * 16);
        assert_eq!(s.rows(Tensor::Sum(l)), expected, "forward of layer {l} in {cube:?}");
        let next = expected.mapv(|z| z % 7);
        s.put_rows(Tensor::Activation(l), &next);
        activations.push(next);
    }
    let mut errors: Vec<Array2<i64>> = Vec::new();
    for l in (0..matrices.len()).rev() {
        let error = matrix(seed + 50 + l as u64, batch, matrices[l].entries.ncols());
        s.put_rows(Tensor::Error(l), &error);
        if l > 0 {
            s.run(Step::Backward(l));
            let expected = error.dot(&s.clear(l).0.t()) * 3;
            assert_eq!(s.rows(Tensor::InputGradient(l - 1)), expected, "backward of layer {l} in {cube:?}");
        }
        s.run(Step::Gradient(l));
        errors.insert(0, error);
    }
    let start = s.store.get(Tensor::Weights).unwrap().to_vec();
    s.store.put(Tensor::Momentum, start);
    s.run(Step::Update);
    for l in 0..matrices.len() {
        let expected = s.gradients(l, &activations[l], &errors[l]);
        assert_eq!(s.layer(Tensor::Gradient, l), expected, "gradient of layer {l} in {cube:?}");
        let combined = |a: i64, b: i64| -> Vec<i64> {
            s.weights[l].0.iter().zip(&expected.0).map(|(w, g)| a * w + b * g).collect()
        };
        assert_eq!(s.layer(Tensor::NewMomentum, l).0, combined(-3, 2));
        assert_eq!(s.layer(Tensor::NewWeights, l).0, combined(4, -1));
    }
}

fn dense_network(widths: &[usize]) -> Vec<Matrix> {
    widths.windows(2).map(|w| dense(w[0], w[1])).collect()
}

#[test]
fn steps_equal_matrix_products_in_every_cube_of_512_slots() {
    for cube in Cube::all(Order::Images, 512) {
        check(cube, &dense_network(&[7, 5, 3, 2]), 6, 3);
    }
}

#[test]
fn steps_equal_matrix_products_at_the_sizes_of_the_digits() {
    let network = dense_network(&[64, 32, 16, 10]);
    check(Cube { order: Order::Images, b: 32, p: 16, q: 16 }, &network, 60, 1);
    check(Cube { order: Order::Images, b: 64, p: 16, q: 16 }, &network, 60, 2);
}

/// The matrices of a network of images of so many rows and columns.
fn convolutional(layers: &str, sides: [usize; 2]) -> Vec<Matrix> {
    let setting = [format!("layers=[{layers}]")];
    let recipe = Recipe::load("hesamifard2017", &setting).unwrap();
    let network = Network::new(&recipe, sides[0] * sides[1], Some(sides), 3).unwrap();
    network.layers.into_iter().map(|layer| layer.matrix).collect()
}

#[test]
fn steps_of_convolutions_and_poolings_equal_matrix_products() {
    let conv = "{kind='Conv2d',channels=2,kernel=[2,3],scheme='bgv'},{kind='Square',scheme='bgv'}";
    let pool = "{kind='AvgPool2d',kernel=2,scheme='bgv'}";
    let linear = "{kind='Linear',scheme='bgv'}";
    let both = convolutional(&format!("{conv},{pool},{conv},{linear}"), [7, 8]);
    let one = convolutional(&format!("{conv},{linear}"), [3, 4]);
    let pooled = convolutional(&format!("{conv},{pool},{linear}"), [5, 6]);
    for cube in Cube::all(Order::Images, 512) {
        check(cube, &one, 5, 4);
        check(cube, &pooled, 3, 5);
    }
    for (b, p, q) in [(8, 16, 32), (4, 64, 16), (16, 4, 64)] {
        check(Cube { order: Order::Images, b, p, q }, &both, 5, 6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn steps_equal_matrix_products(
        widths in prop::collection::vec(1usize..20, 2..6),
        batch in 1usize..40,
        cube in prop::sample::select(Cube::all(Order::Images, 1024)),
        seed: u32,
    ) {
        check(cube, &dense_network(&widths), batch, seed.into());
    }
}

#[test]
fn polynomials_and_losses_are_evaluated_slot_by_slot() {
    let cube = Cube { order: Order::Images, b: 4, p: 2, q: 2 };
    let geometry = Geometry::new(cube, [(0, (2, 2))], 4);
    let ops = ClearSlots(geometry.clone());
    let z: Vec<i64> = (-8..8).collect();
    let y: Vec<i64> = (0..16).collect();
    for coefficients in
        [vec![3], vec![0, 1], vec![0, 0, 1], vec![0, 2048, 0, -1], vec![5, -1, 2, 0, 3, 1, -2, 1]]
    {
        let derivative: Vec<i64> =
            coefficients.iter().enumerate().skip(1).map(|(i, c)| i as i64 * c).collect();
        let at = |polynomial: &[i64], z: i64| polynomial.iter().rev().fold(0, |sum, c| sum * z + c);
        let activation = Some([coefficients.clone(), derivative.clone()]);
        let layer = LayerFormulas { one: 1, constant: 1, activation, gradient: (1, 1) };
        for loss in [LossFormula::Outputs, LossFormula::Activation, LossFormula::ActivationTimesDerivative] {
            let formulas = Formulas { layers: vec![layer.clone()], momentum: vec![], weights: vec![], loss };
            let numbers = Exact { geometry: &geometry, formulas: &formulas, levels: &BTreeMap::new() };
            let body = Body { ops: &ops, numbers: &numbers };
            let mut store = Store::default();
            store.put(Tensor::Preactivation(0), vec![z.clone()]);
            store.put(Tensor::Targets, vec![y.clone()]);
            let values = body.compute(&Whole { store: &store }, Tensor::Activation(0)).unwrap();
            let expected: Vec<i64> = z.iter().map(|z| at(&coefficients, *z)).collect();
            assert_eq!(values[0], expected, "{coefficients:?}");
            store.put(Tensor::Activation(0), values);
            let made = body.run(&Whole { store: &store }, Step::Loss).unwrap();
            let error = z.iter().zip(&y).map(|(&z, &y)| match loss {
                LossFormula::Outputs => z - y,
                LossFormula::Activation => at(&coefficients, z) - y,
                LossFormula::ActivationTimesDerivative => (at(&coefficients, z) - y) * at(&derivative, z),
            });
            let (tensor, tiles) = made.last().unwrap();
            assert_eq!((*tensor, &tiles[0]), (Tensor::Error(0), &error.collect::<Vec<_>>()), "{loss:?}");
        }
    }
}
