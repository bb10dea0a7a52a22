//! Gradients are the derivatives of the loss.

use super::*;
use crate::recipe::Loss;

pub(super) const CONVOLUTIONS: &str = "layers=[
    { kind = 'Conv1d', channels = 3, kernel = 4, scheme = 'ckks' }, { kind = 'Cubic', scheme = 'ckks' },
    { kind = 'AvgPool1d', kernel = 3, scheme = 'ckks' },
    { kind = 'Conv1d', channels = 2, kernel = 2, scheme = 'ckks' }, { kind = 'Quadratic', scheme = 'ckks' },
    { kind = 'Linear', scheme = 'ckks' }]";

pub(super) const IMAGES: &str = "layers=[
    { kind = 'Conv2d', channels = 3, kernel = [3, 2], scheme = 'ckks' }, { kind = 'Square', scheme = 'ckks' },
    { kind = 'AvgPool2d', kernel = [2, 4], scheme = 'ckks' },
    { kind = 'Conv2d', channels = 2, kernel = 2, scheme = 'ckks' }, { kind = 'Quadratic', scheme = 'ckks' },
    { kind = 'Linear', scheme = 'ckks' }]";

/// A sigmoid of the outputs.
const OUTPUTS: &str = "layers=[
    { kind = 'Linear', out_features = 5, scheme = 'ckks' }, { kind = 'Quadratic', scheme = 'ckks' },
    { kind = 'Linear', scheme = 'ckks' }, { kind = 'Sigmoid', scheme = 'ckks' }]";

/// A network whose biases are not 0, and samples with targets.
pub(super) fn fixture(
    recipe: &Recipe,
    sides: Option<[usize; 2]>,
    features: usize,
) -> (Network, Model, [Array2<f64>; 2]) {
    let network = Network::new(recipe, features, sides, 3).unwrap();
    let mut model = initial(recipe, &network);
    for layer in &mut model.layers {
        layer.bias.iter_mut().enumerate().for_each(|(i, bias)| *bias = 0.1 * i as f64 - 0.15);
    }
    (network, model, [wave(5, features), wave(5, 3).mapv(f64::abs)])
}

/// The loss of outputs whose derivative by pre-activations of the last layer is the error there: with cross-entropy the outputs are
/// these pre-activations.
fn loss(network: &Network, z: &Array2<f64>, targets: &Array2<f64>) -> f64 {
    let polynomial = network.output_activation().and_then(|activation| activation.polynomial.clone());
    let p = polynomial.unwrap_or_else(|| vec![0.0, 1.0]);
    let powers = |z: f64| (0..p.len()).map(move |i| z.powi(i as i32));
    let term = |(&z, &y): (&f64, &f64)| match network.loss {
        Loss::Quadratic => (z - y).powi(2) / 2.0,
        Loss::CrossEntropy => {
            let terms = powers(z).zip(&p).enumerate();
            terms.map(|(i, (power, c))| c * power * z / (i + 1) as f64).sum::<f64>() - y * z
        }
    };
    z.iter().zip(targets).map(term).sum()
}

/// Compares a trace with differences of a loss of the outputs.
fn compare(training: &Walk, x: &Array2<f64>, y: &Array2<f64>, loss: impl Fn(&Array2<f64>) -> f64) {
    let trace = training.traced(x, y).unwrap();
    let network = &training.network;
    let slope = |change: &dyn Fn(&mut Model, f64)| {
        let shifted = |h: f64| {
            let mut training = training.clone();
            change(&mut training.model, h);
            loss(&training.outputs(x).unwrap())
        };
        (shifted(1e-5) - shifted(-1e-5)) / 2e-5
    };
    for (l, [weight, bias]) in trace.gradients.iter().enumerate() {
        let weight = layers::in_order(&network.layers[l], &weight.real());
        for (i, found) in weight.iter().enumerate() {
            let slope = slope(&|model, h| model.layers[l].weight[i] += h);
            assert!((slope - found).abs() < 1e-7, "layer {l} weight {i}: {found}, {slope}");
        }
        for (i, found) in bias.real().iter().enumerate() {
            let slope = slope(&|model, h| model.layers[l].bias[i] += h);
            assert!((slope - found).abs() < 1e-7, "layer {l} bias {i}: {found}, {slope}");
        }
        assert!(weight.iter().any(|g| g.abs() > 1e-3), "layer {l} learns nothing");
    }
}

#[test]
fn of_every_layer_and_every_loss() {
    for (settings, sides, features) in [
        (&[][..], None, 6),
        (&[CONVOLUTIONS], None, 12),
        (&[IMAGES], Some([6, 9]), 54),
        (&[OUTPUTS], None, 6),
        (&["variant=cross_entropy"], None, 6),
    ] {
        let recipe = recipe("ckks_sgd", settings);
        let (network, model, [x, y]) = fixture(&recipe, sides, features);
        let twin = Twin::new(&recipe, &network, model, None).unwrap();
        compare(&twin.walk, &x, &y, |z| loss(&network, z, &y));
    }
}

#[test]
fn of_exact_functions() {
    // The softmax, and sigmoids one by one.
    let recipe = recipe("ckks_sgd", &["variant=cross_entropy"]);
    let (network, model, [x, mut y]) = fixture(&recipe, None, 6);
    y.rows_mut().into_iter().for_each(|mut row| {
        let sum = row.sum();
        row /= sum;
    });
    let training = Walk::floating(&recipe, &network, model, None).unwrap();
    compare(&training, &x, &y, |z| {
        let rows = z.rows().into_iter().zip(y.rows());
        let row = |(z, y): (ndarray::ArrayView1<'_, f64>, ndarray::ArrayView1<'_, f64>)| {
            z.mapv(f64::exp).sum().ln() * y.sum() - z.dot(&y)
        };
        rows.map(row).sum()
    });
    let recipe = super::recipe("glyph2020", &[]);
    let (network, model, [x, y]) = fixture(&recipe, None, 4);
    let training = Walk::floating(&recipe, &network, model, None).unwrap();
    compare(&training, &x, &y, |z| z.iter().zip(&y).map(|(z, y)| (1.0 + z.exp()).ln() - y * z).sum());
    // Outputs of a floating-point training of integers of a few bits are behind their sigmoid.
    let recipe = super::recipe("tbmpnet2021", &[]);
    let (network, model, [x, y]) = fixture(&recipe, None, 4);
    let training = Walk::floating(&recipe, &network, model, None).unwrap();
    compare(&training, &x, &y, |a| (a - &y).mapv(|d| d * d / 2.0).sum());
}

/// The gradients of a network in fixed point that is not rounded anywhere, and those of the same in real numbers.
fn exact_and_real(layers: &str, sides: Option<[usize; 2]>, features: usize) -> [Vec<tensor::Tensor>; 2] {
    let settings = [
        layers,
        "refresh.tensors=['weight', 'momentum']",
        "optimizer.learning_rate=1/8",
        "optimizer.momentum=1/2",
        "numbers.input_bits=1",
        "numbers.product_weight_bits=2",
        "refresh.strategy=client",
        "numbers.bounds.momentum=0.25",
    ];
    let real = recipe("ckks_sgd", &settings);
    let mut exact = real.clone();
    exact.layers.iter_mut().for_each(|layer| layer.scheme = Scheme::Bgv);
    let (_, mut model, [x, y]) = fixture(&real, sides, features);
    for layer in &mut model.layers {
        for values in [&mut layer.weight, &mut layer.bias] {
            values.iter_mut().for_each(|w| *w = (*w * 4.0).round() / 4.0);
        }
    }
    let (x, y) = (multiples(&x, 1), multiples(&y, 1));
    [&exact, &real].map(|recipe| {
        let mut network = Network::new(recipe, features, sides, 3).unwrap();
        for activation in network.layers.iter_mut().filter_map(|layer| layer.activation.as_mut()) {
            activation.polynomial = activation.dyadic.as_ref().map(crate::activation::Polynomial::to_real);
        }
        let twin = Twin::new(recipe, &network, model.clone(), None).unwrap();
        twin.walk.traced(&x, &y).unwrap().gradients.into_iter().flatten().collect()
    })
}

/// The largest difference, and the largest magnitude.
fn miss(found: &tensor::Tensor, expected: &tensor::Tensor) -> [f64; 2] {
    assert!(matches!(found, tensor::Tensor::Exact(..)));
    let differences = &*found.real() - &*expected.real();
    [differences.iter().fold(0.0_f64, |most, d| most.max(d.abs())), found.largest()]
}

/// With no rounding between weights and gradient, the integers of the gradient are those of real numbers.
#[test]
fn of_fixed_point_are_exact() {
    let dense = "layers=[
        { kind = 'Linear', out_features = 5, scheme = 'ckks' }, { kind = 'Cubic', scheme = 'ckks' },
        { kind = 'Linear', out_features = 4, scheme = 'ckks' }, { kind = 'Identity', scheme = 'ckks' },
        { kind = 'Linear', scheme = 'ckks' }]";
    let pooled = CONVOLUTIONS.replace("kernel = 3,", "kernel = 2,").replace("kernel = 4,", "kernel = 3,");
    let pooled = pooled.replace("Cubic", "Square");
    for (layers, sides, features) in
        [(dense, None, 4), (&pooled, None, 12), (IMAGES, Some([6, 9]), 54), (OUTPUTS, None, 6)]
    {
        let [found, expected] = exact_and_real(layers, sides, features);
        for (found, expected) in found.iter().zip(&expected) {
            let [miss, largest] = miss(found, expected);
            assert!(largest > 0.0 && miss < 1e-12 * largest.max(1.0), "{layers}: {miss} of {largest}");
        }
    }
}

/// The mean over positions whose number is no power of two is a multiple of a power of two near it.
#[test]
fn of_means_over_odd_windows_are_near() {
    let few_bits = CONVOLUTIONS.replace("Cubic", "Square").replace("Quadratic", "Identity");
    let [found, expected] = exact_and_real(&few_bits, None, 12);
    for (found, expected) in found.iter().zip(&expected) {
        let [miss, largest] = miss(found, expected);
        assert!(miss > 0.0 && miss < largest / 100.0, "{miss} of {largest}");
    }
}
