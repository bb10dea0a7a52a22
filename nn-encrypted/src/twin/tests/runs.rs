//! Whole trainings.

use super::*;
use crate::metrics;

/// Trains for so many mini-batches.
fn trained(run: &Run, steps: usize) -> Twin {
    let mut twin = run.twin(None);
    for [x, targets, _] in run.steps().take(steps) {
        twin.step(&x, &targets).unwrap();
    }
    twin
}

fn accuracy(run: &Run, outputs: &ArrayRef2<f64>) -> f64 {
    metrics::accuracy(&classes(&run.recipe, outputs), &run.test().labels)
}

/// Pinned: other implementations, machines and versions must give these integers.
#[test]
fn a_run_in_fixed_point_is_pinned() {
    let run = Run::new("hesamifard2017", &[], 4);
    let sums = |twin: &Twin| {
        let sum = |layer: &crate::model::LayerState| layer.weight.iter().sum::<f64>() * 16384.0;
        twin.model().layers.iter().map(sum).collect::<Vec<_>>()
    };
    assert_eq!(sums(&run.twin(None)), [-44149.0, -42391.0, -87.0]);
    assert_eq!(sums(&trained(&run, 2 * run.batches.count())), [-57028.0, -75974.0, 5299.0]);
    let mut twin = trained(&run, 15 * run.batches.count());
    let outputs = twin.outputs(&run.real(&run.test().x)).unwrap();
    assert!(accuracy(&run, &outputs) >= 0.96);
    assert_eq!(twin.out_of_range(), 0);
}

#[test]
fn real_numbers_learn_the_digits() {
    for (settings, steps, least) in [(&[][..], 120, 0.97), (&["variant=cross_entropy"], 150, 0.96)] {
        let run = Run::new("ckks_sgd", settings, 16);
        let (mut twin, mut clear) = (trained(&run, steps), run.clear());
        for [x, _, hard] in run.steps().take(steps) {
            clear.step(&x, &hard).unwrap();
        }
        for range in twin.ranges() {
            let bound = range.bound.unwrap();
            assert!(range.largest <= bound / 1.5 && range.largest > bound / 15.0, "{settings:?} {range}");
        }
        let x = run.real(&run.test().x);
        let found = [twin.outputs(&x), clear.outputs(&x)].map(|outputs| accuracy(&run, &outputs.unwrap()));
        assert!(found.iter().all(|found| *found >= least), "{settings:?}: {found:?}");
        assert_eq!(found[0] == found[1], settings.is_empty(), "a square is exact, a polynomial is not");
    }
}

/// The matrices that engines multiply by say the same as the walk, which knows none.
#[test]
fn matrices_of_networks_have_the_outputs_of_the_twin() {
    for (layers, sides, features) in
        [(gradients::CONVOLUTIONS, None, 12), (gradients::IMAGES, Some([6, 9]), 54)]
    {
        let recipe = recipe("ckks_sgd", &[layers]);
        let (network, model, [x, _]) = gradients::fixture(&recipe, sides, features);
        let mut values = x.clone();
        for (layer, state) in network.layers.iter().zip(&model.layers) {
            let entry = |entry: &Option<crate::network::Entry>| {
                entry.as_ref().map_or(0.0, |entry| entry.factor * state.weight[entry.weight])
            };
            let bias: ndarray::Array1<f64> = layer.matrix.bias.iter().map(|&bias| state.bias[bias]).collect();
            values = values.dot(&layer.matrix.entries.map(entry)) + &bias;
            if let Some(p) = layer.activation.as_ref().and_then(|activation| activation.polynomial.as_ref()) {
                values.mapv_inplace(|z| p.iter().rev().fold(0.0, |sum, c| sum * z + c));
            }
        }
        let found = Twin::new(&recipe, &network, model, None).unwrap().outputs(&x).unwrap();
        assert!((&found - &values).iter().all(|d| d.abs() < 1e-12), "{found}\n{values}");
    }
}

/// A small network of a convolution, a pooling and two dense layers, in exact integers and in real numbers.
#[test]
fn a_convolution_and_a_pooling_learn_the_digits() {
    for (name, scheme, bits) in [("hesamifard2017", "bgv", 4), ("ckks_sgd", "ckks", 20)] {
        let layers = "layers=[
            { kind = 'Conv2d', channels = 4, kernel = 3, scheme = 'bgv' }, { kind = 'Square', scheme = 'bgv' },
            { kind = 'AvgPool2d', kernel = 2, scheme = 'bgv' },
            { kind = 'Linear', out_features = 32, scheme = 'bgv' }, { kind = 'Square', scheme = 'bgv' },
            { kind = 'Linear', scheme = 'bgv' }]";
        let run = Run::new(name, &[&layers.replace("bgv", scheme), "optimizer.init_gain=1.0"], bits);
        let mut twin = trained(&run, run.recipe.optimizer.epochs * run.batches.count());
        let outputs = twin.outputs(&run.real(&run.test().x)).unwrap();
        let found = accuracy(&run, &outputs);
        assert!(found >= 0.97, "{name}: {found}");
        assert_eq!(twin.out_of_range(), 0, "{name}");
    }
}

/// Whole trainings and the classification of all samples stay within the bounds of the recipes.
#[test]
fn recipes_keep_their_bounds() {
    for (name, settings, bits) in [
        ("hesamifard2017", &[][..], 4),
        ("hesamifard2017", &["data.set=iris"], 4),
        ("ckks_sgd", &[], 20),
        ("ckks_sgd", &["variant=cross_entropy"], 20),
        ("onoufriou2021", &[], 20),
        ("tbmpnet2021", &[], 10),
    ] {
        let run = Run::new(name, settings, bits);
        let mut twin = trained(&run, run.recipe.optimizer.epochs * run.batches.count());
        for samples in [&run.data.test, &run.data.train] {
            twin.outputs(&run.real(&samples.x)).unwrap();
        }
        for range in twin.ranges() {
            let bound = range.bound.unwrap();
            assert!(range.beyond == 0 && 0.0 < range.largest && range.largest <= bound, "{name}: {range}");
        }
    }
}
