//! A graph that is written node by node, each on the result of the one before it.
//!
//! Opset 13 of the operators of `ai.onnx`, in single precision. Numbers are rounded as refreshes round them, half away from zero:
//! `sgn(x)·⌊|x|·2^b + 1/2⌋ / 2^b`, since `Round` of ONNX takes the even neighbour.

use prost::Message;

use super::proto::{
    AttributeProto, DimensionProto, FLOAT, GraphProto, INT, INT64, INTS, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};
use crate::activation::Function;

/// Version of the file format that came with opset 13 and is read by every later program.
const IR_VERSION: i64 = 7;
/// The version of the operators.
const OPSET: i64 = 13;
/// The name of the input.
const FEATURES: &str = "features";

/// The type of numbers of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Single precision, so many a row.
    Reals(usize),
    /// An integer a row.
    Integer,
}

/// A graph with one input, `features`, a row for each sample.
#[derive(Debug)]
pub(crate) struct Graph {
    inner: GraphProto,
    /// The result of the last node.
    at: String,
    constants: usize,
    metadata: Vec<StringStringEntryProto>,
}

impl Graph {
    /// A graph that begins with rows of so many features.
    pub(crate) fn new(features: usize) -> Self {
        let inner = GraphProto {
            name: "nn-encrypted".to_owned(),
            input: vec![value(FEATURES, FLOAT, &[None, Some(features)])],
            ..GraphProto::default()
        };
        Self { inner, at: FEATURES.to_owned(), constants: 0, metadata: vec![] }
    }

    /// The name of the result so far.
    pub(crate) fn at(&self) -> String {
        self.at.clone()
    }

    fn constant(&mut self, dims: &[usize], fill: impl FnOnce(&mut TensorProto)) -> String {
        self.constants += 1;
        let name = format!("constant{}", self.constants);
        let dims = dims.iter().map(|&dim| dim as i64).collect();
        let mut tensor = TensorProto { dims, name: name.clone(), ..TensorProto::default() };
        fill(&mut tensor);
        self.inner.initializer.push(tensor);
        name
    }

    fn reals(&mut self, dims: &[usize], values: &[f64]) -> String {
        let bytes = values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
        self.constant(dims, |tensor| (tensor.data_type, tensor.raw_data) = (FLOAT, Some(bytes)))
    }

    fn integers(&mut self, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = [values.len()];
        self.constant(&dims, |tensor| (tensor.data_type, tensor.raw_data) = (INT64, Some(bytes)))
    }

    /// A node on named tensors; the name of its result.
    fn node(&mut self, operator: &str, input: &[&str], attribute: Vec<AttributeProto>) -> String {
        let name = format!("{}{}", operator.to_lowercase(), self.inner.node.len() + 1);
        self.inner.node.push(NodeProto {
            input: input.iter().map(ToString::to_string).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.to_owned(),
            attribute,
            domain: String::new(),
        });
        name
    }

    /// A node on the result so far.
    pub(crate) fn apply(&mut self, operator: &str) {
        let at = self.at();
        self.at = self.node(operator, &[&at], vec![]);
    }

    /// A node on the result so far and a constant of a shape; none for one number.
    pub(crate) fn with(&mut self, operator: &str, dims: &[usize], values: &[f64]) {
        let (at, constant) = (self.at(), self.reals(dims, values));
        self.at = self.node(operator, &[&at, &constant], vec![]);
    }

    fn times(&mut self, name: &str) {
        let at = self.at();
        self.at = self.node("Mul", &[&at, name], vec![]);
    }

    /// `A·W + b`, with weights `[inputs, outputs]`.
    pub(crate) fn linear(&mut self, [inputs, outputs]: [usize; 2], weight: &[f64], bias: &[f64]) {
        let at = self.at();
        let (weight, bias) = (self.reals(&[inputs, outputs], weight), self.reals(&[outputs], bias));
        self.at = self.node("Gemm", &[&at, &weight, &bias], vec![]);
    }

    /// A convolution with stride 1 and without padding, of weights `[out, in, rows, columns]`.
    pub(crate) fn convolution(&mut self, dims: [usize; 4], weight: &[f64], bias: &[f64]) {
        let at = self.at();
        let (weight, bias) = (self.reals(&dims, weight), self.reals(&[dims[0]], bias));
        let kernel = ints("kernel_shape", &dims[2..]);
        self.at = self.node("Conv", &[&at, &weight, &bias], vec![kernel]);
    }

    /// Means of so many rows and columns.
    pub(crate) fn average(&mut self, kernel: [usize; 2]) {
        let at = self.at();
        let attributes = vec![ints("kernel_shape", &kernel), ints("strides", &kernel)];
        self.at = self.node("AveragePool", &[&at], attributes);
    }

    /// Another shape, of which the first extent is the batch.
    pub(crate) fn reshape(&mut self, dims: &[usize]) {
        let dims: Vec<i64> = [-1].into_iter().chain(dims.iter().map(|&dim| dim as i64)).collect();
        let (at, shape) = (self.at(), self.integers(&dims));
        self.at = self.node("Reshape", &[&at, &shape], vec![]);
    }

    /// Rounded to `bits` fractional bits, half away from zero, and saturated to ±`bound`.
    pub(crate) fn rounded(&mut self, bits: u32, bound: f64) {
        let unit = f64::from(bits).exp2();
        self.with("Mul", &[], &[unit]);
        let at = self.at();
        let sign = self.node("Sign", &[&at], vec![]);
        self.apply("Abs");
        self.with("Add", &[], &[0.5]);
        self.apply("Floor");
        self.times(&sign);
        self.with("Mul", &[], &[1.0 / unit]);
        self.saturated(bound);
    }

    /// Saturated to ±`bound`.
    pub(crate) fn saturated(&mut self, bound: f64) {
        let (at, low, high) = (self.at(), self.reals(&[], &[-bound]), self.reals(&[], &[bound]));
        self.at = self.node("Clip", &[&at, &low, &high], vec![]);
    }

    /// An activation.
    pub(crate) fn activation(&mut self, function: &Function) {
        match function {
            Function::Polynomial(polynomial) => self.polynomial(&polynomial.to_real()),
            Function::Real(coefficients) => self.polynomial(coefficients),
            Function::Sigmoid => self.apply("Sigmoid"),
            Function::CentredSigmoid => {
                self.apply("Sigmoid");
                self.with("Sub", &[], &[0.5]);
            }
            Function::Relu => self.apply("Relu"),
            Function::Tanh => self.apply("Tanh"),
            Function::Gelu => {
                let z = self.at();
                self.with("Mul", &[], &[std::f64::consts::FRAC_1_SQRT_2]);
                self.apply("Erf");
                self.with("Add", &[], &[1.0]);
                self.with("Mul", &[], &[0.5]);
                self.times(&z);
            }
        }
    }

    /// A polynomial with coefficients from the constant one, by Horner's rule.
    fn polynomial(&mut self, coefficients: &[f64]) {
        let z = self.at();
        let Some((&leading, rest)) = coefficients.split_last() else { return };
        for (place, &coefficient) in rest.iter().rev().enumerate() {
            if place > 0 {
                self.times(&z);
            } else if leading != 1.0 {
                self.with("Mul", &[], &[leading]);
            }
            if coefficient != 0.0 {
                self.with("Add", &[], &[coefficient]);
            }
        }
    }

    /// Makes the result so far an output of the graph.
    pub(crate) fn output(&mut self, name: &str, kind: Output) {
        let at = self.at();
        let last = self.node("Identity", &[&at], vec![]);
        if let Some(node) = self.inner.node.last_mut().filter(|node| node.name == last) {
            node.output = vec![name.to_owned()];
        }
        self.at = name.to_owned();
        self.inner.output.push(match kind {
            Output::Reals(width) => value(name, FLOAT, &[None, Some(width)]),
            Output::Integer => value(name, INT64, &[None]),
        });
    }

    /// The place of the largest number of each row, the first of equals, as an output.
    pub(crate) fn largest(&mut self, name: &str) {
        let (at, before) = (self.at(), self.at());
        self.at = self.node("ArgMax", &[&at], vec![int("axis", 1), int("keepdims", 0)]);
        self.output(name, Output::Integer);
        self.at = before;
    }

    /// Whether the one number of each row is above another, 1 or 0, as an output.
    pub(crate) fn above(&mut self, limit: f64, name: &str) {
        let before = self.at();
        self.with("Greater", &[], &[limit]);
        let at = self.at();
        self.at = self.node("Cast", &[&at], vec![int("to", i64::from(INT64))]);
        self.reshape(&[]);
        self.output(name, Output::Integer);
        self.at = before;
    }

    /// `e^z` over the sum of all `e^z` of a row, as an output of so many numbers.
    pub(crate) fn softmax(&mut self, name: &str, width: usize) {
        let (at, before) = (self.at(), self.at());
        self.at = self.node("Softmax", &[&at], vec![int("axis", 1)]);
        self.output(name, Output::Reals(width));
        self.at = before;
    }

    /// A word of the metadata.
    pub(crate) fn say(&mut self, key: &str, value: String) {
        self.metadata.push(StringStringEntryProto { key: key.to_owned(), value });
    }

    /// The bytes of the file.
    pub(crate) fn finish(self) -> Vec<u8> {
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "nn-encrypted".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.inner),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            metadata_props: self.metadata,
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }
}

fn value(name: &str, elem_type: i32, dims: &[Option<usize>]) -> ValueInfoProto {
    let dim = |dim: &Option<usize>| match dim {
        Some(dim) => DimensionProto { dim_value: Some(*dim as i64), dim_param: None },
        None => DimensionProto { dim_value: None, dim_param: Some("batch".to_owned()) },
    };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type, shape });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i: Some(value), r#type: INT, ..AttributeProto::default() }
}

fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&value| value as i64).collect();
    AttributeProto { name: name.to_owned(), ints, r#type: INTS, ..AttributeProto::default() }
}
