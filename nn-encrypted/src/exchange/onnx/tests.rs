//! Graphs that are written and read again, and those that are no chain of layers.

use prost::Message;

use super::super::{ExchangeError, FloatNetwork, Weights};
use super::proto::{
    AttributeProto, FLOAT, GraphProto, INTS, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
};
use super::{Graph, Output, read};
use crate::activation::Function;

/// What is done to a graph.
type Change = fn(&mut Graph);

/// A graph of two features, two hidden units and three classes, with something else between.
fn file(between: impl FnOnce(&mut Graph)) -> Vec<u8> {
    let mut graph = Graph::new(2);
    graph.with("Sub", &[2], &[1.0, 2.0]);
    graph.with("Div", &[2], &[4.0, 8.0]);
    graph.linear([2, 2], &[1.0, 2.0, 3.0, 4.0], &[0.5, -0.5]);
    between(&mut graph);
    graph.linear([2, 3], &[1.0, 0.0, -1.0, 0.0, 1.0, 2.0], &[0.0, 0.25, 0.5]);
    graph.output("outputs", Output::Reals(3));
    graph.softmax("scores", 3);
    graph.largest("class");
    graph.say("classes", "[\"a\",\"b\",\"c\"]".to_owned());
    graph.finish()
}

fn told(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

fn linear(network: &FloatNetwork, layer: usize) -> &[f64] {
    match &network.layers[layer].weights {
        Weights::Linear(weight) => weight,
        Weights::Conv(..) => panic!("a convolution"),
    }
}

#[test]
fn a_graph_that_was_written_is_read_again() {
    for (function, expected) in [
        (Function::Relu, Function::Relu),
        (Function::Tanh, Function::Tanh),
        (Function::Sigmoid, Function::Sigmoid),
        (Function::Real(vec![0.0, 0.0, 1.0]), Function::Real(vec![0.0, 0.0, 1.0])),
        (Function::Real(vec![0.5, 0.25, 0.0, -0.125]), Function::Real(vec![0.5, 0.25, 0.0, -0.125])),
    ] {
        let network = read(&file(|graph| graph.activation(&function))).unwrap();
        assert_eq!(network.layers[0].activation, Some(expected));
        assert_eq!(network.input, Some([vec![0.25, 0.125], vec![-0.25, -0.25]]));
        assert_eq!(
            (linear(&network, 0), &network.layers[0].bias[..]),
            (&[1.0, 2.0, 3.0, 4.0][..], &[0.5, -0.5][..])
        );
        assert_eq!(
            (network.layers[1].activation.clone(), &network.classes[..]),
            (None, &["a", "b", "c"].map(String::from)[..])
        );
    }
}

#[test]
fn factors_and_summands_become_part_of_weights() {
    // σ(z) − 1/2 before a layer takes 1/2 of each weight from its biases.
    let network = read(&file(|graph| graph.activation(&Function::CentredSigmoid))).unwrap();
    assert_eq!(network.layers[0].activation, Some(Function::Sigmoid));
    assert_eq!(network.layers[1].bias, [-0.5, -0.25, 0.0]);
    let network = read(&file(|graph| {
        graph.with("Mul", &[2], &[2.0, 3.0]);
        graph.apply("Tanh");
    }));
    let network = network.unwrap();
    assert_eq!(
        (linear(&network, 0), &network.layers[0].bias[..]),
        (&[2.0, 6.0, 6.0, 12.0][..], &[1.0, -1.5][..])
    );
    // Without an activation between them two layers are one.
    let network = read(&file(|_| {})).unwrap();
    assert_eq!((network.layers.len(), linear(&network, 0)), (1, &[1.0, 2.0, 3.0, 3.0, 4.0, 5.0][..]));
    assert_eq!(network.layers[0].bias, [0.5, -0.25, -1.0]);
}

#[test]
fn nodes_without_a_place_are_named_with_what_fits() {
    for (operator, words) in [
        ("MaxPool", "AveragePool fits"),
        ("LeakyRelu", "Relu, Tanh and Sigmoid fit"),
        ("LSTM", "a chain of Gemm"),
        ("TreeEnsembleClassifier", "LogisticRegression"),
        ("Floor", "read from its safetensors"),
        ("NoSuch", "LinearClassifier fit"),
    ] {
        let message = told(&file(|graph| graph.apply(operator)));
        assert!(message.contains(&format!("`{}4` ({operator})", operator.to_lowercase())), "{message}");
        assert!(message.contains(words), "{message}");
    }
    let cases: [(Change, &str); 7] = [
        (|graph| graph.reshape(&[1, 2, 1]), "put a Flatten before it"),
        (|graph| graph.with("Add", &[3], &[1.0; 3]), "a constant of shape [3] beside samples of [2]"),
        (|graph| graph.with("Div", &[], &[0.0]), "divides by 0"),
        (
            |graph| {
                graph.apply("Relu");
                graph.apply("Tanh");
            },
            "only one behind each",
        ),
        (|graph| graph.convolution([1, 1, 1, 1], &[1.0], &[0.0]), "channels, rows and columns"),
        (
            |graph| {
                graph.apply("Relu");
                (0..3).for_each(|_| graph.activation(&Function::Real(vec![0.0, 0.0, 1.0])));
            },
            "degree 8 or more",
        ),
        (|graph| graph.apply("Softmax"), "follows scores or classes"),
    ];
    for (between, words) in cases {
        let message = told(&file(between));
        assert!(message.contains(words), "{message}: {words}");
    }
}

#[test]
fn a_graph_that_branches_is_no_chain() {
    let mut graph = Graph::new(2);
    graph.linear([2, 2], &[1.0; 4], &[0.0; 2]);
    let before = graph.at();
    graph.apply("Relu");
    let mut file = ModelProto::decode(&graph.finish()[..]).unwrap();
    let inner = file.graph.as_mut().unwrap();
    let sum = NodeProto {
        input: vec![before, inner.node[1].output[0].clone()],
        output: vec!["sum".to_owned()],
        op_type: "Add".to_owned(),
        ..NodeProto::default()
    };
    inner.node.push(sum);
    let message = told(&file.encode_to_vec());
    assert!(message.contains("node `3` (Add)") && message.contains("a chain of layers"), "{message}");
}

#[test]
fn images_go_through_convolutions_poolings_and_normalizations() {
    let mut graph = Graph::new(16);
    graph.reshape(&[1, 4, 4]);
    graph.convolution([2, 1, 3, 3], &[1.0; 18], &[1.0, 2.0]);
    let before = graph.at();
    graph.apply("Relu");
    graph.average([2, 2]);
    graph.reshape(&[2]);
    graph.linear([2, 2], &[1.0, 2.0, 3.0, 4.0], &[0.0, 0.0]);
    graph.output("outputs", Output::Reals(2));
    let mut file = ModelProto::decode(&graph.finish()[..]).unwrap();
    let inner = file.graph.as_mut().unwrap();
    // γ = 3, β = 1, mean = 1, variance = 8 and ε = 1: `(z − 1) + 1`.
    for (name, value) in [("gamma", 3.0), ("beta", 1.0), ("mean", 1.0), ("variance", 8.0_f32)] {
        inner.initializer.push(TensorProto {
            dims: vec![2],
            data_type: FLOAT,
            float_data: vec![value; 2],
            name: name.to_owned(),
            ..TensorProto::default()
        });
    }
    let epsilon =
        AttributeProto { name: "epsilon".to_owned(), f: Some(1.0), r#type: 1, ..AttributeProto::default() };
    let normalized = NodeProto {
        input: [before.as_str(), "gamma", "beta", "mean", "variance"].map(String::from).to_vec(),
        output: vec!["normalized".to_owned()],
        op_type: "BatchNormalization".to_owned(),
        attribute: vec![epsilon],
        ..NodeProto::default()
    };
    let relu = inner.node.iter().position(|node| node.op_type == "Relu").unwrap();
    inner.node[relu].input = vec!["normalized".to_owned()];
    inner.node.insert(relu, normalized);
    let network = read(&file.encode_to_vec()).unwrap();
    assert_eq!(
        (network.extent.height, network.layers[1].pool, &network.layers[0].bias[..]),
        (4, [2, 2], &[1.0, 2.0][..])
    );
    assert_eq!(network.layers[0].weights, Weights::Conv(vec![1.0; 18], [1, 3, 3]));
    // Strides and padding have no place.
    let inner = file.graph.as_mut().unwrap();
    let convolution = inner.node.iter().position(|node| node.op_type == "Conv").unwrap();
    let strides = AttributeProto {
        name: "strides".to_owned(),
        ints: vec![2, 2],
        r#type: INTS,
        ..AttributeProto::default()
    };
    inner.node[convolution].attribute.push(strides);
    let message = told(&file.encode_to_vec());
    assert!(message.contains("(Conv): `strides` = [2, 2]; 1 everywhere is needed"), "{message}");
}

#[test]
fn damaged_files_and_foreign_versions_are_named() {
    let whole = file(|graph| graph.apply("Relu"));
    // What is cut off behind the graph is the metadata alone.
    for cut in 0..whole.len() {
        assert!(read(&whole[..cut]).is_err() || cut > whole.len() / 2, "{cut}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let _ = read(&changed);
    }
    assert!(matches!(read(b"no model at all"), Err(ExchangeError::Damaged(_))));
    assert!(told(&[]).contains("no graph"));
    let mut old = ModelProto::decode(&whole[..]).unwrap();
    old.opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 5 }];
    assert!(told(&old.encode_to_vec()).contains("opset 5; 9 to 26"));
    let empty = ModelProto { graph: Some(GraphProto::default()), ..ModelProto::default() };
    assert!(told(&empty.encode_to_vec()).contains("0 inputs; one with all columns"));
}
