//! From a graph to a chain of layers, node by node.

use prost::Message;

use super::super::{ExchangeError, FloatNetwork};
use super::chain::Chain;
use super::node::Node;
use super::operators::operate;
use super::proto::{GraphProto, ModelProto};
use super::reading::{Reading, damaged};
use super::scan;
use super::value::Value;

/// Bytes of a file.
const LARGEST_FILE: usize = 1 << 27;
/// Versions of the operators of `ai.onnx`: those of one meaning here.
const OPSETS: std::ops::RangeInclusive<i64> = 9..=26;

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
            reading.insert(name, value)?;
        }
    }
    let list = |key: &str| -> Vec<String> {
        let found = file.metadata_props.iter().find(|entry| entry.key == key);
        found.and_then(|entry| serde_json::from_str(&entry.value).ok()).unwrap_or_default()
    };
    finish(reading, graph, list("classes"), list("columns"))
}

/// The network of a whole graph.
fn finish(
    mut reading: Reading,
    graph: &GraphProto,
    classes: Vec<String>,
    columns: Vec<String>,
) -> Result<FloatNetwork, ExchangeError> {
    for output in &graph.output {
        let value = reading.value(&output.name).map_err(damaged)?;
        if let Value::Elementwise(value) = value {
            let what = |what: String| ExchangeError::Unfit(format!("output `{}`: {what}", output.name));
            reading.decide(&value).map_err(what)?;
        }
    }
    if !reading.chain.is_decided() {
        return Err(ExchangeError::Unfit("no output depends on the input".to_owned()));
    }
    let Chain { extent, input, layers, .. } = reading.chain;
    let classes = if reading.classes.is_empty() { classes } else { reading.classes };
    let mut network = FloatNetwork { extent, input, layers, classes, columns };
    network.with_two_outputs();
    network.checked()
}
