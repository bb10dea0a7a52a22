//! A graph on the way to a chain: the tensors so far.

use std::collections::HashMap;

use super::super::ExchangeError;
use super::chain::Chain;
use super::constant::Constant;
use super::proto::{GraphProto, ValueInfoProto};
use super::value::{Elementwise, Value};

/// Numbers of tensors that are computed from constants.
const MOST_KEPT: usize = 1 << 25;

/// A graph on the way to a chain.
pub(super) struct Reading {
    /// Numbers of the tensors so far.
    kept: usize,
    values: HashMap<String, Value>,
    pub(super) chain: Chain,
    /// Names of the classes, once a node says them.
    pub(super) classes: Vec<String>,
}

pub(super) fn damaged(what: impl Into<String>) -> ExchangeError {
    ExchangeError::Damaged(what.into())
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
    /// The tensors before the first node.
    ///
    /// # Errors
    /// If a constant is damaged, or there is no input of a known shape, or more than one.
    pub(super) fn new(graph: &GraphProto) -> Result<Self, ExchangeError> {
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
        Ok(Self { kept: 0, values, chain, classes: vec![] })
    }

    /// Names a tensor.
    ///
    /// # Errors
    /// If all tensors together have more numbers than are kept.
    pub(super) fn insert(&mut self, name: &str, value: Value) -> Result<(), ExchangeError> {
        self.kept += match &value {
            Value::Elementwise(value) => value.coefficients.iter().map(Vec::len).sum(),
            Value::Constant(constant) => constant.numbers.len(),
            Value::Decision => 0,
        };
        if self.kept > MOST_KEPT {
            return Err(ExchangeError::Large(format!(
                "factors and summands of more than {MOST_KEPT} numbers; at most so many are kept"
            )));
        }
        self.values.insert(name.to_owned(), value);
        Ok(())
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
}
