//! From a graph to a chain of layers, node by node.

use std::collections::HashMap;

use prost::Message;

use super::super::{ExchangeError, FloatNetwork};
use super::chain::Chain;
use super::constant::Constant;
use super::node::Node;
use super::operators::operate;
use super::proto::{GraphProto, ModelProto, ValueInfoProto};
use super::scan;
use super::value::{Elementwise, Value};

/// Bytes of a file.
const LARGEST_FILE: usize = 1 << 28;
/// Versions of the operators of `ai.onnx`: those of one meaning here.
const OPSETS: std::ops::RangeInclusive<i64> = 9..=26;

/// A graph on the way to a chain.
pub(super) struct Reading {
    values: HashMap<String, Value>,
    pub(super) chain: Chain,
    /// Names of the classes, once a node says them.
    pub(super) classes: Vec<String>,
}

fn damaged(what: impl Into<String>) -> ExchangeError {
    ExchangeError::Damaged(what.into())
}

/// The network of a file.
///
/// # Errors
/// If the bytes are damaged or too many; the node is named that has no place in a chain of layers, and what would fit instead.
pub(crate) fn read(bytes: &[u8]) -> Result<FloatNetwork, ExchangeError> {
    if bytes.len() > LARGEST_FILE {
        let what = format!("{} bytes; at most {LARGEST_FILE} are read", bytes.len());
        return Err(ExchangeError::Large(what));
    }
    scan::check(bytes)?;
    let file = ModelProto::decode(bytes)
        .map_err(|error| damaged(format!("{error}: this is no ONNX file, or a damaged one")))?;
    let graph =
        file.graph.as_ref().ok_or_else(|| damaged("no graph: this is no ONNX file, or a damaged one"))?;
    let versions = file.opset_import.iter().filter(|set| ["", "ai.onnx"].contains(&set.domain.as_str()));
    if let Some(set) = versions.into_iter().find(|set| !OPSETS.contains(&set.version)) {
        let what = format!("opset {}; {} to {} is needed", set.version, OPSETS.start(), OPSETS.end());
        return Err(ExchangeError::Unfit(what));
    }
    let mut reading = Reading::new(graph)?;
    for (place, proto) in graph.node.iter().enumerate() {
        let node = Node::new(place, proto);
        let outputs = operate(&mut reading, &node).map_err(|what| node.refused(what))?;
        for (name, value) in proto.output.iter().zip(outputs) {
            reading.values.insert(name.clone(), value);
        }
    }
    let list = |key: &str| -> Vec<String> {
        let found = file.metadata_props.iter().find(|entry| entry.key == key);
        found.and_then(|entry| serde_json::from_str(&entry.value).ok()).unwrap_or_default()
    };
    reading.finish(graph, list("classes"), list("columns"))
}

/// Extents of an input without the batch.
fn shape(input: &ValueInfoProto) -> Result<Vec<usize>, ExchangeError> {
    let wrong = |what: &str| damaged(format!("input `{}`: {what}", input.name));
    let tensor = input.r#type.as_ref().and_then(|of| of.tensor_type.as_ref());
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
    let dims = shape.ok_or_else(|| wrong("no tensor of a known shape"))?;
    let extents = dims.dim.iter().skip(1).map(|dim| dim.dim_value.and_then(|n| usize::try_from(n).ok()));
    let extents: Option<Vec<usize>> = extents.collect();
    extents.filter(|all| !all.is_empty() && all.iter().all(|&n| n > 0)).ok_or_else(|| {
        wrong("its extents behind the batch are not all known; export the model with a fixed number of features")
    })
}

impl Reading {
    fn new(graph: &GraphProto) -> Result<Self, ExchangeError> {
        let mut values = HashMap::new();
        for tensor in &graph.initializer {
            values.insert(tensor.name.clone(), Value::Constant(Constant::new(tensor)?));
        }
        let inputs: Vec<&ValueInfoProto> =
            graph.input.iter().filter(|input| !values.contains_key(&input.name)).collect();
        let [input] = inputs[..] else {
            let what = format!("{} inputs; one with all columns is needed", inputs.len());
            return Err(ExchangeError::Unfit(what));
        };
        let chain = Chain::new(&shape(input)?).map_err(ExchangeError::Unfit)?;
        values.insert(input.name.clone(), Value::Elementwise(chain.end()));
        Ok(Self { values, chain, classes: vec![] })
    }

    /// The tensor of a name.
    pub(super) fn value(&self, name: &str) -> Result<Value, String> {
        self.values.get(name).cloned().ok_or_else(|| format!("no node before it gives `{name}`"))
    }

    /// Takes a tensor for the outputs.
    pub(super) fn decide(&mut self, value: &Elementwise) -> Result<Value, String> {
        self.chain.decide(value)?;
        Ok(Value::Decision)
    }

    fn finish(
        mut self,
        graph: &GraphProto,
        classes: Vec<String>,
        columns: Vec<String>,
    ) -> Result<FloatNetwork, ExchangeError> {
        for output in &graph.output {
            let value = self.value(&output.name).map_err(damaged)?;
            if let Value::Elementwise(value) = value {
                let what = |what: String| ExchangeError::Unfit(format!("output `{}`: {what}", output.name));
                self.decide(&value).map_err(what)?;
            }
        }
        if !self.chain.is_decided() {
            return Err(ExchangeError::Unfit("no output depends on the input".to_owned()));
        }
        let Chain { extent, input, layers, .. } = self.chain;
        let classes = if self.classes.is_empty() { classes } else { self.classes };
        let mut network = FloatNetwork { extent, input, layers, classes, columns };
        network.with_two_outputs();
        network.checked()
    }
}
