//! Files come back bit for bit.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::*;
use crate::network::Network;
use crate::numbers::{model_grids, weight_grid};
use crate::recipe::Recipe;

fn initial(recipe: &Recipe, features: usize, outputs: usize) -> (Network, Model) {
    let network = Network::new(recipe, features, None, outputs).unwrap();
    let grid = |l: usize| weight_grid(recipe, &network.layers[l]);
    let model = Model::initial(&network, recipe.init_gain(), recipe.seed, grid);
    (network, model)
}

fn forecast() -> (Network, Model) {
    let (network, mut model) = initial(&Recipe::load("onoufriou2021", &[]).unwrap(), 12, 1);
    for layer in &mut model.layers {
        layer.bias.iter_mut().zip(1..).for_each(|(bias, i)| *bias = f64::from(i) / 10.0 + 1e-17);
        layer.weight_momentum.fill(-0.5);
        layer.bias_momentum.fill(f64::MIN_POSITIVE);
    }
    (network, model)
}

#[test]
fn a_file_comes_back_bit_for_bit() {
    let (network, model) = forecast();
    let metadata = [("recipe".to_owned(), "onoufriou2021".to_owned())];
    let bytes = model.to_bytes(&network, metadata.clone()).unwrap();
    assert_eq!(Model::from_bytes(&network, &bytes).unwrap(), model);
    // Equal models are equal files.
    let again = || model.to_bytes(&network, metadata.clone()).unwrap();
    assert!((0..16).all(|_| again() == bytes));
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let shape = |name: &str| tensors.tensor(name).unwrap().shape().to_vec();
    assert_eq!((shape("conv1.weight"), shape("conv1.bias")), (vec![4, 1, 7], vec![4]));
    assert_eq!((shape("linear2.weight_momentum"), shape("linear2.bias_momentum")), (vec![12, 1], vec![1]));
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["recipe"], "onoufriou2021");
}

#[test]
fn weights_alone_come_back_without_momenta() {
    let (network, mut model) = forecast();
    let bytes = model.weights_to_bytes(&network, [("distance".to_owned(), "2^-10".to_owned())]).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert!(tensors.names().iter().all(|name| !name.contains("momentum")));
    let read = Model::from_bytes(&network, &bytes).unwrap();
    assert_ne!(read, model);
    for layer in &mut model.layers {
        layer.weight_momentum.fill(0.0);
        layer.bias_momentum.fill(0.0);
    }
    assert_eq!(read, model);
    // A whole model that calls itself weights has tensors too many.
    let whole = model.to_bytes(&network, []).unwrap();
    let mut renamed = whole.clone();
    let at = whole.windows(18).position(|window| window == b"nn-encrypted model").unwrap();
    renamed.splice(at..at + 18, *b"nn-encrypted weights");
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) + 2;
    renamed[..8].copy_from_slice(&length.to_le_bytes());
    let found = Model::from_bytes(&network, &renamed).unwrap_err().to_string();
    assert!(found.contains("_momentum: the network has no such layer"), "{found}");
}

#[test]
fn errors_name_the_tensor_and_both_sides() {
    let (network, model) = forecast();
    let bytes = model.to_bytes(&network, []).unwrap();
    let (other, _) =
        initial(&Recipe::load("onoufriou2021", &["variant=unpooled".to_owned()]).unwrap(), 12, 1);
    let message =
        |network: &Network, bytes: &[u8]| Model::from_bytes(network, bytes).unwrap_err().to_string();
    let shape = "tensor linear2.weight: F64 of shape [12, 1]; F64 of [24, 1] is needed";
    assert_eq!(message(&other, &bytes), shape);
    let mut fewer = network.clone();
    fewer.layers.pop();
    let found = message(&fewer, &bytes);
    assert!(
        found.starts_with("tensor linear2.") && found.ends_with("the network has no such layer"),
        "{found}"
    );
    assert_eq!(
        model.to_bytes(&fewer, []).unwrap_err().to_string(),
        "the model has 2 layers with weights; the network has 1"
    );
    let mut longer = network.clone();
    longer.layers.push(network.layers[1].clone());
    longer.layers[2].name = "linear3".to_owned();
    assert!(message(&longer, &bytes).starts_with("tensor linear3.weight: "));
    assert!(!message(&network, &bytes[..bytes.len() - 1]).is_empty() && !message(&network, b"PK").is_empty());
    let mut broken = model.clone();
    broken.layers[1].bias_momentum[0] = f64::NAN;
    let found = broken.to_bytes(&network, []).unwrap_err().to_string();
    assert_eq!(found, "tensor linear2.bias_momentum has NaN at place 0; a finite number is needed");
    broken.layers[0].bias.pop();
    let found = broken.to_bytes(&network, []).unwrap_err().to_string();
    assert_eq!(found, "tensor conv1.bias: 3 numbers; [4] are needed");
}

#[test]
fn numbers_of_another_format_are_named() {
    let message = |name: &str, change: &dyn Fn(&mut LayerState)| {
        let recipe = Recipe::load(name, &[]).unwrap();
        let (network, mut model) = initial(&recipe, 4, 3);
        change(&mut model.layers[1]);
        let grids = |l: usize| model_grids(&recipe, &network.layers[l]);
        model.check(&network, grids).map_err(|error| error.to_string())
    };
    for name in ["hesamifard2017", "glyph2020", "tbmpnet2021", "ckks_sgd"] {
        message(name, &|_| ()).unwrap();
    }
    let unit = 2_f64.powi(-14);
    message("hesamifard2017", &|layer| layer.weight[3] = -1.0).unwrap();
    message("hesamifard2017", &|layer| layer.weight_momentum[2] = 2_f64.powi(-12)).unwrap();
    assert_eq!(
        message("hesamifard2017", &|layer| layer.weight[3] = 1.0 + unit).unwrap_err(),
        "tensor linear2.weight: 1.00006103515625 at place 3; a multiple of 2^-14 up to 1 is needed"
    );
    let momentum = message("hesamifard2017", &|layer| layer.bias_momentum[1] = unit).unwrap_err();
    assert!(
        momentum.starts_with("tensor linear2.bias_momentum: ") && momentum.contains("of 2^-12"),
        "{momentum}"
    );
    message("tbmpnet2021", &|layer| layer.bias[0] = -32.0).unwrap();
    assert!(message("tbmpnet2021", &|layer| layer.bias[0] = 32.0 + unit).is_err());
    assert!(
        message("tbmpnet2021", &|layer| layer.weight_momentum[0] = 1.0)
            .unwrap_err()
            .contains("up to 0 is needed")
    );
    message("glyph2020", &|layer| layer.weight[0] = -512.0).unwrap();
    assert!(message("glyph2020", &|layer| layer.weight[0] = 0.1).is_err());
    // Beside tables, but moved by approximate products.
    let recipe = ["variant=tiny", "layers.1.scheme=ckks"].map(str::to_owned);
    let recipe = Recipe::load("glyph2020", &recipe).unwrap();
    let (network, mut model) = initial(&recipe, 4, 3);
    model.layers[0].weight[0] = 0.1;
    model.check(&network, |l| model_grids(&recipe, &network.layers[l])).unwrap();
    message("ckks_sgd", &|layer| layer.weight[0] = 0.1).unwrap();
}

#[test]
fn foreign_files_are_told_from_damaged_ones() {
    let (network, model) = forecast();
    let one = [1_u8; 8];
    let foreign = |dtype: Dtype, metadata: Option<HashMap<String, String>>| {
        let view = TensorView::new(dtype, vec![1], &one).unwrap();
        safetensors::serialize([("conv1.weight", view)], metadata).unwrap()
    };
    let message = |bytes: &[u8]| Model::from_bytes(&network, bytes).unwrap_err().to_string();
    let no_format = "metadata format = \"\"; \"nn-encrypted model\" is needed";
    assert_eq!(message(&foreign(Dtype::F64, None)), no_format);
    let metadata = |version: &str| {
        let pairs = [("format", "nn-encrypted model"), ("version", version)];
        Some(pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    };
    assert_eq!(message(&foreign(Dtype::F64, metadata("2"))), "metadata version = \"2\"; \"1\" is needed");
    assert_eq!(
        message(&foreign(Dtype::I64, metadata("1"))),
        "tensor conv1.weight: I64 of shape [1]; F64 of [4, 1, 7] is needed"
    );
    // A number that is not finite, past the writer.
    let mut bytes = model.to_bytes(&network, []).unwrap();
    let end = bytes.len();
    bytes[end - 8..].copy_from_slice(&f64::INFINITY.to_le_bytes());
    assert!(message(&bytes).contains(" has inf at place "), "{}", message(&bytes));
}
