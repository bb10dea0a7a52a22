//! A graph, run in single precision: the naive twin of what a program that runs ONNX does, for tests.

use std::collections::HashMap;

use ndarray::{Array2, Axis};
use prost::Message;

use super::constant::Constant;
use super::proto::{ModelProto, NodeProto};

/// Names of the operators of a file, in order; inputs, outputs and metadata behind them.
pub(crate) fn parts(bytes: &[u8]) -> (Vec<String>, Vec<String>, HashMap<String, String>) {
    let file = ModelProto::decode(bytes).unwrap();
    let graph = file.graph.unwrap();
    let outputs = graph.output.iter().map(|output| output.name.clone()).collect();
    let said = file.metadata_props.into_iter().map(|entry| (entry.key, entry.value)).collect();
    (graph.node.into_iter().map(|node| node.op_type).collect(), outputs, said)
}

/// An output of a graph of matrices, for rows of features.
pub(crate) fn evaluate(bytes: &[u8], features: &Array2<f32>, output: &str) -> Array2<f32> {
    let graph = ModelProto::decode(bytes).unwrap().graph.unwrap();
    let mut values: HashMap<String, Array2<f32>> = HashMap::new();
    for tensor in &graph.initializer {
        let constant = Constant::new(tensor).unwrap();
        let columns = constant.dims.last().copied().unwrap_or(1);
        let numbers: Vec<f32> = constant.numbers.iter().map(|&n| n as f32).collect();
        values.insert(
            tensor.name.clone(),
            Array2::from_shape_vec((numbers.len() / columns, columns), numbers).unwrap(),
        );
    }
    values.insert(graph.input[0].name.clone(), features.clone());
    for node in &graph.node {
        let inputs: Vec<&Array2<f32>> = node.input.iter().map(|name| &values[name]).collect();
        let result = operate(node, &inputs);
        values.insert(node.output[0].clone(), result);
    }
    values.remove(output).unwrap()
}

fn operate(node: &NodeProto, inputs: &[&Array2<f32>]) -> Array2<f32> {
    let x = inputs[0];
    match node.op_type.as_str() {
        "Identity" | "Reshape" | "Cast" => x.clone(),
        "Sub" => x - inputs[1],
        "Add" => x + inputs[1],
        "Mul" => x * inputs[1],
        "Div" => x / inputs[1],
        "Abs" => x.mapv(f32::abs),
        "Sign" => x.mapv(|x| if x == 0.0 { 0.0 } else { x.signum() }),
        "Floor" => x.mapv(f32::floor),
        "Relu" => x.mapv(|x| x.max(0.0)),
        "Tanh" => x.mapv(f32::tanh),
        "Sigmoid" => x.mapv(|x| 1.0 / (1.0 + (-x).exp())),
        "Clip" => x.mapv(|x| x.clamp(inputs[1][(0, 0)], inputs[2][(0, 0)])),
        "Gemm" => x.dot(inputs[1]) + inputs[2],
        "Greater" => x.mapv(|x| f32::from(u8::from(x > inputs[1][(0, 0)]))),
        "ArgMax" => {
            let place = |row: ndarray::ArrayView1<'_, f32>| {
                let most = row.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
                row.iter().position(|&value| value == most).unwrap() as f32
            };
            x.map_axis(Axis(1), place).insert_axis(Axis(1))
        }
        "Softmax" => {
            let powers = x.mapv(f32::exp);
            let sums = powers.sum_axis(Axis(1)).insert_axis(Axis(1));
            powers / sums
        }
        other => panic!("{other} is not evaluated"),
    }
}
