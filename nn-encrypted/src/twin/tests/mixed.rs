//! Networks whose layers have different numbers.

use ndarray::arr2;

use super::*;
use crate::model::LayerState;

fn state(shape: [usize; 2], weight: &[f64], bias: &[f64]) -> LayerState {
    LayerState {
        shape: shape.to_vec(),
        weight: weight.to_vec(),
        bias: bias.to_vec(),
        weight_momentum: vec![0.0; weight.len()],
        bias_momentum: vec![0.0; bias.len()],
    }
}

/// A 2-1-2 network with a square between, refreshed by the client, its two layers in these schemes.
fn pair(first: &str, second: &str, weights: [&[f64]; 4]) -> Twin {
    let layers = format!(
        "layers=[{{kind='Linear',out_features=1,scheme='{first}'}},{{kind='Square',scheme='{second}'}},{{kind='Linear',scheme='{second}'}}]"
    );
    let settings =
        [layers.as_str(), "optimizer.batch_size=2", "optimizer.learning_rate=1/2", "optimizer.momentum=1/2"];
    let recipe = recipe("hesamifard2017", &settings);
    let network = Network::new(&recipe, 2, None, 2).unwrap();
    let layers = vec![state([2, 1], weights[0], weights[1]), state([1, 2], weights[2], weights[3])];
    Twin::new(&recipe, &network, Model { layers }, None).unwrap()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-14, "{found:?} {expected:?}");
    }
}

#[test]
fn the_client_leaves_real_numbers_as_they_are_and_rounds_what_becomes_exact() {
    let mut twin = pair("bgv", "ckks", [&[0.5, -0.25 + 1.0 / 64.0], &[0.125], &[0.3, -0.7], &[0.0, 0.1]]);
    let (x, y) = (arr2(&[[1.0, -0.5]]), arr2(&[[0.0, 1.0]]));
    let trace = twin.walk.traced(&x, &y).unwrap();
    let z: f64 = 0.75 - 1.0 / 128.0; // exact, and no multiple of 1/16
    let outputs = [z * z * 0.3, z * z * -0.7 + 0.1];
    let errors = [outputs[0], outputs[1] - 1.0];
    let error = (errors[0] * 0.3 - errors[1] * 0.7) * 2.0 * z;
    let rounded = (error * 64.0).round() / 64.0;
    assert_ne!(error, rounded);
    close(trace.preactivations[0].real().as_slice().unwrap(), &[z]);
    close(trace.preactivations[1].real().as_slice().unwrap(), &outputs);
    close(trace.errors[1].real().as_slice().unwrap(), &errors);
    assert_eq!(trace.errors[0], tensor::Tensor::Exact(arr2(&[[(error * 64.0).round() as i64]]), 6));
    twin.step(&x, &y).unwrap();
    let (first, second) = (&twin.model().layers[0], &twin.model().layers[1]);
    close(&first.bias_momentum, &[rounded / 2.0]);
    close(&first.weight, &[0.5 - rounded / 4.0, -0.25 + 1.0 / 64.0 + rounded / 8.0]);
    close(&second.bias, &[-errors[0] / 4.0, 0.1 - errors[1] / 4.0]);
    close(&second.weight, &[0.3 - z * z * errors[0] / 4.0, -0.7 - z * z * errors[1] / 4.0]);
}

#[test]
fn real_numbers_before_exact_ones_are_rounded_on_their_way() {
    let mut twin = pair("ckks", "bgv", [&[0.3, -0.21], &[0.1], &[0.5, -0.5], &[0.0, 0.25]]);
    let (x, y) = (arr2(&[[1.0, -0.5]]), arr2(&[[0.0, 1.0]]));
    let trace = twin.walk.traced(&x, &y).unwrap();
    let z = 0.3 + 0.105 + 0.1; // 8.08/16
    assert_eq!(trace.preactivations[0], tensor::Tensor::Exact(arr2(&[[8]]), 4));
    // 1/4·(±1/2), and 1/4 more: 8 and 8 at 6 bits; D2 = (8, 8 - 64)
    assert_eq!(trace.errors[1], tensor::Tensor::Exact(arr2(&[[8, -56]]), 6));
    let error = (8.0 + 56.0) / 64.0 * 0.5; // times 2Z = 1, and not rounded: here it is a multiple of 1/64 anyway
    close(trace.errors[0].real().as_slice().unwrap(), &[error]);
    assert!(matches!(trace.errors[0], tensor::Tensor::Real(_)));
    assert!((z - 0.505_f64).abs() < 1e-15);
    twin.step(&x, &y).unwrap();
    let first = &twin.model().layers[0];
    close(&first.weight, &[0.3 - error / 4.0, -0.21 + error / 8.0]);
    close(&first.weight_momentum, &[error / 2.0, -error / 4.0]);
}

#[test]
fn a_client_saturates_real_numbers_and_a_server_does_not() {
    let recipe = recipe("ckks_sgd", &["refresh.strategy=client", "numbers.bounds.preactivation=0.25"]);
    let network = Network::new(&recipe, 4, None, 3).unwrap();
    let model = initial(&recipe, &network);
    let x = wave(6, 4);
    let mut client = Twin::new(&recipe, &network, model.clone(), None).unwrap();
    let mut alone = recipe.clone();
    alone.refresh.strategy = RefreshStrategy::Bootstrap;
    let mut server = Twin::new(&alone, &network, model.clone(), None).unwrap();
    let sums = |twin: &Twin| twin.walk.traced(&x, &wave(6, 3)).unwrap().preactivations[0].real().into_owned();
    let (found, all) = (sums(&client), sums(&server));
    assert!(all.iter().any(|z| z.abs() > 0.25));
    assert_eq!(found, all.mapv(|z| z.clamp(-0.25, 0.25)));
    client.step(&x, &wave(6, 3)).unwrap();
    server.step(&x, &wave(6, 3)).unwrap();
    let beyond = all.iter().filter(|z| z.abs() > 0.25).count() as u64;
    assert_eq!([client.out_of_range(), server.out_of_range()], [beyond; 2]);
    assert_ne!(client.model(), server.model());
    // Within its bounds a client changes nothing.
    let mut wide = recipe.clone();
    wide.numbers.bounds.preactivation = 10.0;
    let mut client = Twin::new(&wide, &network, model, None).unwrap();
    client.step(&x, &wave(6, 3)).unwrap();
    assert_eq!(client.model(), server.model());
}

#[test]
fn a_network_of_one_scheme_word_more_trains_as_well() {
    use crate::data::Batches;
    use crate::frozen;
    let settings = ["layers.3.scheme=ckks", "layers.2.scheme=ckks", "data.set=iris"];
    for settings in [&settings[2..], &settings[..]] {
        let recipe = recipe("hesamifard2017", settings);
        let data = frozen::prepare(&recipe.data, recipe.seed, recipe.numbers.input_bits, None).unwrap();
        let network = Network::new(&recipe, data.features.len(), None, 3).unwrap();
        let mut twin = Twin::new(&recipe, &network, initial(&recipe, &network), None).unwrap();
        let real = |x: &ArrayRef2<i32>| x.mapv(|x| f64::from(x) / f64::from(data.fraction_bits).exp2());
        let batches = Batches::new(data.train.labels.len(), recipe.optimizer.batch_size, recipe.seed);
        for batch in (0..recipe.optimizer.epochs).flat_map(|epoch| batches.order(epoch)) {
            let (x, labels) = data.train.select(batches.rows(batch));
            twin.step(&real(&x), &targets(&recipe, &labels, 3).unwrap()).unwrap();
        }
        let found = classes(&recipe, &twin.outputs(&real(&data.test.x)).unwrap());
        let accuracy = crate::metrics::accuracy(&found, &data.test.labels);
        assert!(accuracy >= 0.9, "{settings:?}: {accuracy}");
    }
}

#[test]
fn tables_behind_ckks_are_those_behind_bgv() {
    let in_bgv = recipe("glyph2020", &["layers.1.out_features=7", "layers.3.out_features=5"]);
    let mut in_ckks = in_bgv.clone();
    in_ckks
        .layers
        .iter_mut()
        .filter(|layer| layer.kind.has_weights())
        .for_each(|layer| layer.scheme = Scheme::Ckks);
    let x = multiples(&wave(6, 4).mapv(f64::abs), 3);
    let y = targets(&in_bgv, &[0, 1, 2, 0, 1, 2], 3).unwrap();
    let reader = TableReader { log: 12, deviations: [0.001; 2] };
    let mut twins = [&in_bgv, &in_ckks].map(|recipe| {
        let network = Network::new(recipe, 4, None, 3).unwrap();
        Twin::new(recipe, &network, initial(recipe, &network), Some(reader)).unwrap()
    });
    for _ in 0..10 {
        let [bgv, ckks] = &mut twins;
        bgv.step(&x, &y).unwrap();
        ckks.step(&x, &y).unwrap();
        // Momentum is not kept where updates are exact.
        for (bgv, ckks) in bgv.model().layers.iter().zip(&ckks.model().layers) {
            assert_eq!((&bgv.weight, &bgv.bias), (&ckks.weight, &ckks.bias));
        }
        assert_eq!(bgv.outputs(&x).unwrap(), ckks.outputs(&x).unwrap());
    }
}

/// A 2-1-1-2 network with a table, then a polynomial.
#[test]
fn a_polynomial_among_tables() {
    let layers = "layers=[{kind='Linear',out_features=1,scheme='ckks'},{kind='ReLU',scheme='tfhe'},
        {kind='Linear',out_features=1,scheme='ckks'},{kind='Square',scheme='ckks'},
        {kind='Linear',scheme='ckks'},{kind='Sigmoid',scheme='tfhe'}]";
    let recipe = recipe("glyph2020", &[layers, "numbers.phases=exact"]);
    let network = Network::new(&recipe, 2, None, 2).unwrap();
    let layers = vec![
        state([2, 1], &[1.0, -1.0], &[0.5]),
        state([1, 1], &[1.0], &[0.0]),
        state([1, 2], &[1.0, -1.0], &[0.0, 0.0]),
    ];
    let reader = TableReader { log: 12, deviations: [0.0; 2] };
    let mut twin = Twin::new(&recipe, &network, Model { layers }, Some(reader)).unwrap();
    // Z1 = Z2 = 5/4, Z3 = ±25/16; σ = 0.827 and 0.173: 26/32 and 6/32
    let x = arr2(&[[1.0, 0.25]]);
    assert_eq!(twin.outputs(&x).unwrap(), arr2(&[[1.5625, -1.5625]]));
    twin.step(&x, &arr2(&[[1.0, 0.0]])).unwrap();
    // D3 = (-6/32, 6/32); D2 = -12/32·2·5/4; D1 the same, by its table; steps are G/256
    let layers = &twin.model().layers;
    close(&layers[2].weight, &[1.0 + 1.5625 * 6.0 / 8192.0, -1.0 - 1.5625 * 6.0 / 8192.0]);
    close(&layers[1].weight, &[1.0 + 1.25 * 30.0 / 8192.0]);
    close(&layers[0].weight, &[1.0 + 30.0 / 8192.0, -1.0 + 0.25 * 30.0 / 8192.0]);
}
