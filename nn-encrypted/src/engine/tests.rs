//! The steps on slot vectors in the clear, against matrix products.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2};
use proptest::prelude::*;

use super::clear_slots::ClearSlots;
use super::{Executor, Geometry, Store};
use crate::packing::{Cube, Order, Side};
use crate::plan::{Step, Tensor};

/// Values in [−9, 9] that depend on a seed and a position only.
fn value(seed: u64, i: usize) -> i64 {
    let mixed =
        (seed ^ (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as i64 % 19 - 9
}

fn matrix(seed: u64, rows: usize, columns: usize) -> Array2<i64> {
    Array2::from_shape_fn((rows, columns), |(r, c)| value(seed, r * columns + c))
}

/// The network's matrices, and the store with what the client would have sent.
struct Setting {
    geometry: Geometry,
    weights: Vec<(Array2<i64>, Array1<i64>)>,
    store: Store<ClearSlots>,
}

fn setting(cube: Cube, widths: &[usize], batch: usize, seed: u64) -> Setting {
    let shapes: Vec<_> = widths.windows(2).map(|w| (w[0], w[1])).collect();
    let geometry = Geometry::new(cube, shapes.iter().copied(), batch);
    let mut weights = Vec::new();
    let mut compact = vec![vec![0; cube.slots()]; geometry.compact.ciphertexts()];
    for (l, (&(inputs, outputs), layout)) in shapes.iter().zip(&geometry.layers).enumerate() {
        let w = matrix(seed + l as u64, inputs, outputs);
        let b = Array1::from_shape_fn(outputs, |o| value(seed + 100 + l as u64, o));
        layout.pack(&cube, &geometry.compact, w.view(), b.view(), &mut compact);
        weights.push((w, b));
    }
    let mut store = Store::default();
    store.put(Tensor::High, compact);
    Setting { geometry, weights, store }
}

impl Setting {
    fn run(&mut self, step: &Step) {
        let engine = ClearSlots(self.geometry.cube);
        Executor { engine: &engine, geometry: &self.geometry, levels: &BTreeMap::new() }
            .run(&mut self.store, step)
            .unwrap();
    }

    fn put_rows(&mut self, tensor: Tensor, values: &Array2<i64>, output_of: Option<usize>) {
        let tiles = output_of.map_or_else(|| self.geometry.input(0), |l| self.geometry.output(l));
        self.store.put(tensor, tiles.pack(&self.geometry.cube, values.view()));
    }

    fn rows(&self, tensor: Tensor, l: usize) -> Array2<i64> {
        self.geometry.output(l).unpack(&self.geometry.cube, self.store.get(tensor))
    }
}

fn check(cube: Cube, widths: &[usize], batch: usize, seed: u64) {
    let mut s = setting(cube, widths, batch, seed);
    s.run(&Step::Expand);
    let mut activations = vec![matrix(seed + 7, batch, widths[0])];
    s.put_rows(Tensor::Input, &activations[0], None);
    let layers = widths.len() - 1;
    for l in 0..layers {
        let input = if l == 0 { Tensor::Input } else { Tensor::Activation(l - 1) };
        s.run(&Step::Forward { layer: l, input, one: 16 });
        let (w, b) = &s.weights[l];
        let expected = activations[l].dot(w) + &(b * 16);
        assert_eq!(s.rows(Tensor::Sum(l), l), expected, "forward of layer {l} in {cube:?}");
        let next = expected.mapv(|z| z % 7);
        s.put_rows(Tensor::Activation(l), &next, Some(l));
        activations.push(next);
    }
    let mut errors: Vec<Array2<i64>> = Vec::new();
    for l in (0..layers).rev() {
        let error = matrix(seed + 50 + l as u64, batch, widths[l + 1]);
        s.put_rows(Tensor::Error(l), &error, Some(l));
        if l > 0 {
            s.run(&Step::Backward { layer: l });
            let expected = error.dot(&s.weights[l].0.t());
            assert_eq!(s.rows(Tensor::ErrorSum(l - 1), l - 1), expected, "backward of layer {l} in {cube:?}");
        }
        let input = if l == 0 { Tensor::Input } else { Tensor::Activation(l - 1) };
        s.run(&Step::Outer { layer: l, input });
        errors.insert(0, error);
    }
    let scales: Vec<(i64, i64)> = (0..layers as i64).map(|l| (1 + l, 5 + l)).collect();
    s.run(&Step::Collect { scales: scales.clone() });
    let gradient = s.store.get(Tensor::Gradient);
    for (l, layout) in s.geometry.layers.iter().enumerate() {
        let (weight, bias) = layout.unpack(&cube, &s.geometry.compact, gradient);
        assert_eq!(
            weight,
            activations[l].t().dot(&errors[l]) * scales[l].0,
            "gradient of layer {l} in {cube:?}"
        );
        let sums = Array1::from_shape_fn(widths[l + 1], |o| errors[l].column(o).sum() * scales[l].1);
        assert_eq!(bias, sums, "bias gradient of layer {l} in {cube:?}");
    }
}

#[test]
fn steps_equal_matrix_products_in_every_cube_of_512_slots() {
    for cube in Cube::all(Order::Images, 512) {
        check(cube, &[7, 5, 3, 2], 6, 3);
    }
}

#[test]
fn steps_equal_matrix_products_at_the_sizes_of_the_digits() {
    check(Cube { order: Order::Images, b: 32, p: 16, q: 16 }, &[64, 32, 16, 10], 60, 1);
    check(Cube { order: Order::Images, b: 64, p: 16, q: 16 }, &[64, 32, 16, 10], 60, 2);
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
        check(cube, &widths, batch, seed.into());
    }
}

#[test]
fn polynomials_are_evaluated_slot_by_slot() {
    let cube = Cube { order: Order::Images, b: 4, p: 2, q: 2 };
    let engine = ClearSlots(cube);
    let geometry = Geometry::new(cube, [(2, 2)], 4);
    let z: Vec<i64> = (-8..8).collect();
    for coefficients in
        [vec![3], vec![0, 1], vec![0, 0, 1], vec![0, 2048, 0, -1], vec![5, -1, 2, 0, 3, 1, -2, 1]]
    {
        let mut store = Store::<ClearSlots>::default();
        store.put(Tensor::Preactivation(0), vec![z.clone()]);
        let to = Tensor::Activation(0);
        let step =
            Step::Polynomial { from: Tensor::Preactivation(0), to, coefficients: coefficients.clone() };
        Executor { engine: &engine, geometry: &geometry, levels: &BTreeMap::new() }
            .run(&mut store, &step)
            .unwrap();
        let expected: Vec<i64> =
            z.iter().map(|z| coefficients.iter().rev().fold(0, |sum, c| sum * z + c)).collect();
        assert_eq!(store.get(to)[0], expected, "{coefficients:?}");
    }
}

#[test]
fn sides_alternate() {
    assert_eq!(Side::of_layer(0), Side::P);
    assert_eq!(Side::of_layer(1), Side::Q);
    assert_eq!(Side::P.other(), Side::Q);
}
