use ndarray::Array2;

use super::*;
use crate::data::Batches;
use crate::frozen;
use crate::metrics;
use crate::model::Model;
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
        let mut net = Clear::new(&recipe, &network, model.clone()).unwrap();
        for batch in (0..10).flat_map(|epoch| batches.order(epoch)) {
            let (x, labels) = data.train.select(batches.rows(batch));
            net.step(&real(&x), &hard_targets(&recipe, None, &labels, 10).unwrap()).unwrap();
        }
        let found = classes(&recipe, &net.outputs(&real(&data.test.x)).unwrap());
        metrics::accuracy(&found, &data.test.labels)
    };
    let accuracy = train();
    assert!(accuracy > 0.93, "{accuracy}");
    assert_eq!(accuracy, train());
}
