//! Imports of small networks: ranges, formats, and what is said of them.

use ndarray::{Array2, Axis, array};

use super::*;
use crate::activation::Function;
use crate::data::Labels;
use crate::exchange::onnx::{Graph, Output};
use crate::exchange::{FloatLayer, Weights};
use crate::network::Extent;

/// Rows of two whole numbers and one between.
fn rows() -> Rows {
    let x = Array2::from_shape_fn((120, 3), |(row, column)| match column {
        0 => (row % 17) as f64,
        1 => (row * 7 % 30) as f64 - 10.0,
        _ => (row * 11 % 23) as f64 / 10.0,
    });
    Rows::new(["a", "b", "c"].map(String::from).to_vec(), x, Labels::None).unwrap()
}

/// A file of a network of three features and two classes.
struct Model(std::path::PathBuf);

impl Model {
    fn new(name: &str, function: &Function) -> Self {
        let mut graph = Graph::new(3);
        graph.with("Div", &[3], &[16.0, 20.0, 2.0]);
        let weights = [0.9, -0.7, 0.4, 0.8, 1.1, -0.6, -0.5, 0.3, 0.7, 0.2, -0.9, 0.6];
        graph.linear([3, 4], &weights, &[0.1, -0.2, 0.3, 0.0]);
        graph.activation(function);
        graph.linear([4, 2], &[1.5, -1.2, -0.8, 1.1, 0.9, -0.4, 0.7, 1.3], &[0.1, -0.1]);
        graph.output("outputs", Output::Reals(2));
        graph.say("classes", "[\"no\",\"yes\"]".to_owned());
        graph.say("columns", "[\"a\",\"b\",\"c\"]".to_owned());
        let path =
            std::env::temp_dir().join(format!("nn-encrypted-import-{name}-{}.onnx", std::process::id()));
        std::fs::write(&path, graph.finish()).unwrap();
        Self(path)
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn whole_numbers_keep_their_distances_where_the_bits_hold_them() {
    let network = FloatNetwork {
        extent: Extent::row(4),
        input: None,
        layers: vec![FloatLayer::new("l", Weights::Linear(vec![1.0; 8]), vec![0.0, 0.0])],
        classes: vec![],
        columns: vec![],
    };
    let x = array![[0.0, 0.0, 5.0, 0.5], [16.0, 300.0, 5.0, 1.5], [7.0, 1.0, 5.0, 1.0]];
    let maps = FeatureMaps::new(&network, &x, 4);
    assert_eq!(maps.maps[0], (8.0, 16.0, 0.0), "a sixteenth a pixel");
    assert_eq!(maps.maps[1], (150.0, 187.5, 0.0), "300 needs more than four bits");
    assert_eq!(maps.maps[2], (5.0, 1.0, 0.0), "a constant");
    assert_eq!(maps.maps[3], (1.0, 0.625, 0.0), "no whole numbers");
    assert!(maps.applied(&x).iter().all(|value| value.abs() <= 0.8));
    // The way there and back changes nothing.
    let folded = maps.folded(&network).unwrap();
    let Weights::Linear(weight) = &folded.layers[0].weights else { panic!("no Linear") };
    let sums = maps.applied(&x).dot(&ndarray::ArrayView2::from_shape((4, 2), weight).unwrap());
    for (found, row) in sums.rows().into_iter().zip(x.rows()) {
        assert!((found[0] + folded.layers[0].bias[0] - row.sum()).abs() < 1e-9);
    }
}

#[test]
fn every_kind_of_recipe_takes_a_network_over() {
    for (function, name) in
        [(Function::Relu, "relu"), (Function::Tanh, "tanh"), (Function::Real(vec![0.0, 0.0, 1.0]), "square")]
    {
        let model = Model::new(name, &function);
        for recipe in ["hesamifard2017", "ckks_sgd", "glyph2020", "nandakumar2019"] {
            if name == "square" && ["glyph2020", "nandakumar2019"].contains(&recipe) {
                continue;
            }
            let options = ImportOptions { degree: 5, ..ImportOptions::of(recipe) };
            let import = import_rows(&model.0, &rows(), &options).unwrap();
            let summary = &import.summary;
            assert!(summary.agreement >= 0.95, "{name} in {recipe}: {summary}");
            assert_eq!((summary.rows, summary.layers.len(), &summary.layers[0].kind[..]), (120, 4, "input"));
            assert_eq!(import.session.data.classes, ["no", "yes"]);
            let inside = |layer: &ImportedLayer| {
                layer.bound.is_none_or(|bound| layer.range[0].abs().max(layer.range[1]) <= bound)
            };
            assert!(summary.layers.iter().all(inside), "{name} in {recipe}: {summary}");
            // It is written and read as a training's.
            let bytes = model_bytes(&import.session, &import.model).unwrap();
            let (session, read) = super::super::model_of_bytes(&bytes).unwrap();
            assert_eq!((read, session.recipe), (import.model, import.session.recipe));
        }
    }
}

#[test]
fn settings_that_help_are_named_where_classes_are_lost() {
    let model = Model::new("coarse", &Function::Real(vec![0.0, 0.0, 1.0]));
    let settings = ["numbers.product_weight_bits=1", "numbers.preactivation_bits=1", "numbers.input_bits=2"];
    let settings = settings.map(String::from).to_vec();
    let options = ImportOptions { settings, ..ImportOptions::of("hesamifard2017") };
    let summary = import_rows(&model.0, &rows(), &options).unwrap().summary;
    assert!(summary.agreement < 0.99, "{summary}");
    let advice = summary.advice.as_ref().unwrap();
    assert!(advice.iter().all(|(_, agreement)| *agreement > summary.agreement), "{summary}");
    assert!(!advice.is_empty() && summary.to_string().contains("with --set numbers."), "{summary}");
}

#[test]
fn rows_and_networks_that_do_not_fit_are_named() {
    let model = Model::new("unfit", &Function::Relu);
    let told = |names: &[&str], recipe: &str| {
        let x = rows().numbers().1.select(Axis(1), &(0..names.len()).collect::<Vec<_>>());
        let rows = Rows::new(names.iter().map(ToString::to_string).collect(), x, Labels::None).unwrap();
        import_rows(&model.0, &rows, &ImportOptions::of(recipe)).err().unwrap().to_string()
    };
    assert!(told(&["a", "b"], "ckks_sgd").contains("2 columns of the calibration rows; the model takes 3"));
    assert!(told(&["b", "a", "c"], "ckks_sgd").contains("have column `b` where the model has `a`"));
    assert!(told(&["a", "b", "c"], "no-such").contains("no-such"));
}
