use ndarray::{Array2, arr2};

use super::*;
use crate::data::Batches;
use crate::frozen;
use crate::metrics;
use crate::model::{Grid, Model};
use crate::network::Network;
use crate::numbers::weight_grid;
use crate::recipe::Recipe;
use crate::twin::{classes, hard_targets};

#[test]
fn the_polynomial_network_learns_the_digits() {
    let recipe = Recipe::load("hesamifard2017", &[]).unwrap();
    let data = frozen::prepare(&recipe.data, recipe.seed, recipe.numbers.input_bits, None).unwrap();
    let network = Network::new(&recipe, 64, None, 10).unwrap();
    let batches = Batches::new(data.train.labels.len(), recipe.optimizer.batch_size, 1);
    let real = |x: &Array2<i32>| x.mapv(|x| f64::from(x) / 16.0);
    let model = Model::initial(&network, recipe.init_gain(), 1, |l| weight_grid(&recipe, &network.layers[l]));
    let train = || {
        let mut net = Clear::floating(&recipe, &network, model.clone(), None).unwrap();
        for batch in (0..10).flat_map(|epoch| batches.order(epoch)) {
            let (x, labels) = data.train.select(batches.rows(batch));
            net.step(&real(&x), &hard_targets(&recipe, &labels, 10).unwrap()).unwrap();
        }
        let found = classes(&recipe, &net.outputs(&real(&data.test.x)).unwrap());
        metrics::accuracy(&found, &data.test.labels)
    };
    let accuracy = train();
    assert!(accuracy > 0.93, "{accuracy}");
    assert_eq!(accuracy, train());
}

#[test]
fn a_linear_network_learns_two_points() {
    let recipe = Recipe::load("ckks_sgd", &["optimizer.batch_size=2".to_owned()]).unwrap();
    let network = Network::new(&recipe, 2, None, 2).unwrap();
    let model = Model::initial(&network, recipe.init_gain(), 1, |_| Grid { bits: None, bound: 1.0 });
    let mut net = Clear::floating(&recipe, &network, model, None).unwrap();
    let (x, y) = (arr2(&[[0.5, -0.5], [-0.25, 0.75]]), arr2(&[[1.0, 0.0], [0.0, 1.0]]));
    for _ in 0..100 {
        net.step(&x, &y).unwrap();
    }
    assert!((net.outputs(&x).unwrap() - y).iter().all(|miss| miss.abs() < 0.1));
}

#[test]
#[cfg(feature = "cli")]
fn a_regression_parts_two_classes() {
    let x = arr2(&[[-1.0], [-0.5], [0.5], [1.0]]);
    let regression = Logistic::fit(&x, &[0, 0, 1, 1], 2);
    assert_eq!(regression.predict(&arr2(&[[-2.0], [0.25]])), [0, 1]);
}

#[test]
#[cfg(feature = "cli")]
fn a_sweep_tries_every_rate() {
    let settings = ["optimizer.epochs=2", "data.set=iris"].map(str::to_owned);
    let recipe = Recipe::load("hesamifard2017", &settings).unwrap();
    let rates = [crate::activation::Dyadic::new(1, 3), crate::activation::Dyadic::new(1, 1)];
    let sweep = sweep(&recipe, &crate::activation::Function::Tanh, &rates, &[1.0], &[1], None).unwrap();
    assert_eq!(sweep.runs.len(), 2);
    assert!(sweep.best().is_some_and(|best| best.accuracy > 0.3));
}
