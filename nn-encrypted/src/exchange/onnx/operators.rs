//! The operators that have a place in a chain of layers.

use super::constant::{Constant, MOST_NUMBERS};
use super::node::Node;
use super::proto::{DOUBLE, FLOAT};
use super::reading::Reading;
use super::value::{Elementwise, Value};
use crate::activation::Function;

type Result<T> = std::result::Result<T, String>;

/// The tensors that a node gives.
///
/// # Errors
/// Why the node has no place, and what would fit instead.
pub(super) fn operate(reading: &mut Reading, node: &Node<'_>) -> Result<Vec<Value>> {
    let domain = node.inner.domain.as_str();
    if !["", "ai.onnx", "ai.onnx.ml"].contains(&domain) {
        return Err(format!("its domain is `{domain}`; operators of ai.onnx and ai.onnx.ml are read"));
    }
    let one = match node.inner.op_type.as_str() {
        "Constant" => constant(node)?,
        "Identity" | "Dropout" => first(reading, node)?,
        "Cast" => cast(reading, node)?,
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => reshape(reading, node)?,
        "Add" | "Sub" | "Mul" | "Div" | "Neg" | "Pow" => arithmetic(reading, node)?,
        "Scaler" => scaler(reading, node)?,
        "BatchNormalization" => batch_normalization(reading, node)?,
        "Gemm" | "MatMul" => matrix(reading, node)?,
        "Conv" => convolution(reading, node)?,
        "AveragePool" | "GlobalAveragePool" => average(reading, node)?,
        "Relu" => activation(reading, node, Function::Relu)?,
        "Tanh" => activation(reading, node, Function::Tanh)?,
        "Sigmoid" => activation(reading, node, Function::Sigmoid)?,
        "LinearClassifier" => return linear_classifier(reading, node),
        "Softmax" | "LogSoftmax" | "Normalizer" | "ArgMax" | "ZipMap" => decision(reading, node)?,
        "Concat" => both_classes(reading, node)?,
        "ArrayFeatureExtractor" => class_of(reading, node)?,
        other => return Err(instead(other)),
    };
    Ok(vec![one])
}

/// The operators that would fit in the place of one that has none.
fn instead(operator: &str) -> String {
    let fits = match operator {
        "MaxPool" | "GlobalMaxPool" | "LpPool" => "AveragePool fits",
        "LeakyRelu" | "Elu" | "Selu" | "Celu" | "PRelu" | "HardSigmoid" | "HardSwish" | "Softplus"
        | "Softsign" | "Gelu" | "Mish" | "Erf" | "Exp" | "ThresholdedRelu" => {
            "Relu, Tanh and Sigmoid fit, and polynomials up to degree 7 by Mul and Add"
        }
        "Clip" | "Floor" | "Ceil" | "Round" | "Abs" | "Sign" => {
            "nothing that rounds or saturates is read; a model that `nn-encrypted export --format onnx` wrote is read from its safetensors"
        }
        "RNN" | "LSTM" | "GRU" | "Attention" | "LayerNormalization" | "InstanceNormalization" | "Gather" => {
            "a chain of Gemm, Conv and activations fits"
        }
        "TreeEnsembleClassifier" | "TreeEnsemble" | "SVMClassifier" => {
            "LogisticRegression (LinearClassifier) and MLPClassifier fit"
        }
        "LinearRegressor" | "SVMRegressor" | "TreeEnsembleRegressor" => "classifiers are read",
        "OneHotEncoder" | "LabelEncoder" | "Imputer" | "TfIdfVectorizer" | "StringNormalizer" => {
            "columns of numbers fit: encode the table before, and import the model behind it"
        }
        _ => {
            "Gemm, MatMul, Conv, AveragePool, BatchNormalization, Relu, Tanh, Sigmoid, Add, Sub, Mul, Div, Scaler and \
             LinearClassifier fit"
        }
    };
    format!("it has no place in a network on encrypted data; {fits}")
}

fn first(reading: &Reading, node: &Node<'_>) -> Result<Value> {
    reading.value(node.input(0).ok_or("it has no input")?)
}

/// Numbers in another format: real ones stay real.
fn cast(reading: &Reading, node: &Node<'_>) -> Result<Value> {
    let (value, to) = (first(reading, node)?, node.int("to", 0));
    let real = [FLOAT, DOUBLE].map(i64::from).contains(&to);
    match value {
        Value::Elementwise(_) if !real => {
            Err(format!("to type {to}; FLOAT or DOUBLE is needed: others round"))
        }
        other => Ok(other),
    }
}

/// The tensor of the chain that is the input at a place.
fn of_chain(reading: &Reading, node: &Node<'_>, place: usize) -> Result<Elementwise> {
    match reading.value(node.input(place).ok_or("an input is missing")?)? {
        Value::Elementwise(value) => Ok(value),
        Value::Constant(_) => Err("its input is a constant; features are needed".to_owned()),
        Value::Decision => Err("it follows scores or classes; a network ends with these".to_owned()),
    }
}

fn constant_of(reading: &Reading, node: &Node<'_>, place: usize) -> Result<Constant> {
    let name = node.input(place).ok_or("an input is missing")?;
    match reading.value(name)? {
        Value::Constant(constant) => Ok(constant),
        _ => Err(format!("`{name}` is computed; a constant is needed")),
    }
}

fn constant(node: &Node<'_>) -> Result<Value> {
    let tensor = node.attribute("value").and_then(|attribute| attribute.t.as_ref());
    let tensor = tensor.ok_or("a constant that is no tensor; `value` is needed")?;
    Ok(Value::Constant(Constant::new(tensor).map_err(|error| error.to_string())?))
}

/// A tensor of another shape; the order of its numbers stays.
fn reshape(reading: &Reading, node: &Node<'_>) -> Result<Value> {
    let mut value = match first(reading, node)? {
        Value::Elementwise(value) => value,
        other => return Ok(other),
    };
    let count: usize = value.shape.iter().product();
    let shape = match node.inner.op_type.as_str() {
        "Flatten" if node.int("axis", 1) == 1 => vec![count],
        "Reshape" => {
            let dims = constant_of(reading, node, 1)?.numbers;
            let known = dims.iter().skip(1).filter(|dim| **dim > 0.0).product::<f64>().max(1.0);
            let extent = |(place, &dim): (usize, &f64)| match dim {
                0.0 => value.shape.get(place).copied().unwrap_or(0),
                -1.0 => count.checked_div(known as usize).unwrap_or(0),
                dim => dim as usize,
            };
            dims.iter().skip(1).enumerate().map(extent).collect()
        }
        other => {
            return Err(format!(
                "{other} of samples of shape {:?}; Flatten or Reshape is needed",
                value.shape
            ));
        }
    };
    if ![1, 3].contains(&shape.len())
        || shape.iter().try_fold(1_usize, |all, n| all.checked_mul(*n)) != Some(count)
    {
        return Err(format!(
            "samples of {:?} become {shape:?}; a row, or channels, rows and columns, are needed",
            value.shape
        ));
    }
    value.shape = shape;
    Ok(Value::Elementwise(value))
}

fn arithmetic(reading: &Reading, node: &Node<'_>) -> Result<Value> {
    let operator = node.inner.op_type.as_str();
    if operator == "Neg" {
        let value = of_chain(reading, node, 0)?;
        let minus = value.constant(&Constant::row(vec![-1.0])).and_then(|minus| value.times(&minus));
        return minus.map(Value::Elementwise).ok_or_else(|| "its degree is too high".to_owned());
    }
    let [a, b] = [0, 1].map(|place| node.input(place).ok_or("an input is missing".to_owned()));
    let (a, b) = (reading.value(a?)?, reading.value(b?)?);
    let spread = |value: &Elementwise, constant: &Constant| {
        let numbers = if operator == "Div" { reciprocals(constant)? } else { constant.clone() };
        value.constant(&numbers).ok_or_else(|| {
            format!("a constant of shape {:?} beside samples of {:?}", constant.dims, value.shape)
        })
    };
    let (a, b) = match (&a, &b) {
        (Value::Elementwise(a), Value::Constant(power)) if operator == "Pow" => return self::power(a, power),
        (Value::Elementwise(a), Value::Constant(b)) => (a.clone(), spread(a, b)?),
        (Value::Constant(a), Value::Elementwise(b)) if operator != "Div" => (spread(b, a)?, b.clone()),
        (Value::Elementwise(a), Value::Elementwise(b)) if operator != "Div" => (a.clone(), b.clone()),
        (Value::Decision, _) | (_, Value::Decision) => {
            return Err("it follows scores or classes; a network ends with these".to_owned());
        }
        _ => return Err("its inputs are no features beside a constant".to_owned()),
    };
    let found = match operator {
        "Add" => a.plus(&b, 1.0),
        "Sub" => a.plus(&b, -1.0),
        "Mul" | "Div" => a.times(&b),
        _ => None,
    };
    found.map(Value::Elementwise).ok_or_else(|| {
        "its inputs are of different layers, or a polynomial of degree 8 or more; a chain of layers, and degrees up to 7, are needed"
            .to_owned()
    })
}

fn reciprocals(constant: &Constant) -> Result<Constant> {
    if constant.numbers.contains(&0.0) {
        return Err("it divides by 0".to_owned());
    }
    Ok(Constant { numbers: constant.numbers.iter().map(|n| 1.0 / n).collect(), ..constant.clone() })
}

/// A power with a whole exponent.
fn power(value: &Elementwise, exponent: &Constant) -> Result<Value> {
    let wrong = || format!("exponent {:?}; 1 to 7 is needed", exponent.numbers);
    let exponent = match exponent.numbers[..] {
        [n] if (1.0..=7.0).contains(&n) && n.fract() == 0.0 => n as usize,
        _ => return Err(wrong()),
    };
    let found = (1..exponent).try_fold(value.clone(), |power, _| power.times(value));
    found.map(Value::Elementwise).ok_or_else(wrong)
}

/// `(x − offset)·scale`.
fn scaler(reading: &Reading, node: &Node<'_>) -> Result<Value> {
    let value = of_chain(reading, node, 0)?;
    let [offset, scale] = ["offset", "scale"].map(|name| node.floats(name));
    let [offset, scale] = [offset?, scale?].map(|all| value.constant(&Constant::row(all)));
    let (Some(offset), Some(scale)) = (offset, scale) else {
        return Err(format!("offsets and scales beside samples of {:?}", value.shape));
    };
    let scaled = value.plus(&offset, -1.0).and_then(|moved| moved.times(&scale));
    scaled.map(Value::Elementwise).ok_or_else(|| "its degree is too high".to_owned())
}

/// `(x − mean)/√(variance + ε)·γ + β` of each channel.
fn batch_normalization(reading: &Reading, node: &Node<'_>) -> Result<Value> {
    let value = of_chain(reading, node, 0)?;
    let channels = value.shape[0];
    let epsilon = node.float("epsilon", 1e-5);
    let mut all = Vec::new();
    for place in 1..5 {
        let constant = constant_of(reading, node, place)?;
        if constant.numbers.len() != channels {
            return Err(format!("{} numbers of {channels} channels", constant.numbers.len()));
        }
        all.push(constant.numbers);
    }
    let [gamma, beta, mean, variance] = &all[..] else { return Err("an input is missing".to_owned()) };
    let factor: Vec<f64> = gamma.iter().zip(variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
    let summand = beta.iter().zip(mean).zip(&factor).map(|((b, m), f)| b - m * f).collect();
    if factor.iter().any(|f| !f.is_finite()) {
        return Err("a variance that is not above 0".to_owned());
    }
    let mut dims = vec![channels];
    dims.resize(value.shape.len(), 1);
    let of = |numbers: Vec<f64>| value.constant(&Constant { dims: dims.clone(), numbers, words: vec![] });
    let both = of(factor).zip(of(summand));
    let normalized = both.and_then(|(factor, summand)| value.times(&factor)?.plus(&summand, 1.0));
    normalized.map(Value::Elementwise).ok_or_else(|| "its numbers do not fit its input".to_owned())
}

/// A matrix of two extents, turned if it is transposed.
fn weights(constant: &Constant, transposed: bool, factor: f64) -> Result<(Vec<f64>, usize)> {
    let [rows, columns] = constant.dims[..] else {
        return Err(format!("weights of shape {:?}; two extents are needed", constant.dims));
    };
    let numbers = &constant.numbers;
    let turned = |place: usize| factor * numbers[place % rows * columns + place / rows];
    Ok(match transposed {
        true => ((0..rows * columns).map(turned).collect(), rows),
        false => (numbers.iter().map(|n| factor * n).collect(), columns),
    })
}

fn matrix(reading: &mut Reading, node: &Node<'_>) -> Result<Value> {
    let value = of_chain(reading, node, 0)?;
    let general = node.inner.op_type == "Gemm";
    if general && node.int("transA", 0) != 0 {
        return Err("`transA` = 1; 0 is needed".to_owned());
    }
    let transposed = general && node.int("transB", 0) != 0;
    let (weight, outputs) = weights(&constant_of(reading, node, 1)?, transposed, node.float("alpha", 1.0))?;
    let bias = match node.input(2).filter(|_| general) {
        None => vec![0.0; outputs],
        Some(_) => {
            let (bias, beta) = (constant_of(reading, node, 2)?, node.float("beta", 1.0));
            let numbers = bias
                .spread(&[outputs])
                .ok_or_else(|| format!("biases of shape {:?} of {outputs} outputs", bias.dims))?;
            (0..outputs).map(|place| beta * numbers[place % numbers.len()]).collect()
        }
    };
    reading.chain.linear(&node.name(), &value, weight, bias).map(Value::Elementwise)
}

fn convolution(reading: &mut Reading, node: &Node<'_>) -> Result<Value> {
    let value = of_chain(reading, node, 0)?;
    no_padding(node)?;
    for (name, needed) in [("strides", 1), ("dilations", 1)] {
        node.only(name, needed)?;
    }
    if node.int("group", 1) != 1 {
        return Err(format!("`group` = {}; 1 is needed", node.int("group", 1)));
    }
    let kernel = constant_of(reading, node, 1)?;
    let dims = <[usize; 4]>::try_from(&kernel.dims[..])
        .map_err(|_| format!("weights of shape {:?}; four extents are needed", kernel.dims))?;
    let bias = match node.input(2) {
        Some(_) => constant_of(reading, node, 2)?.numbers,
        None => vec![0.0; dims[0].min(MOST_NUMBERS)],
    };
    reading.chain.convolution(&node.name(), &value, (kernel.numbers, dims), bias).map(Value::Elementwise)
}

fn no_padding(node: &Node<'_>) -> Result<()> {
    let word = node.attribute("auto_pad").and_then(|attribute| attribute.s.as_deref());
    if let Some(word) = word.filter(|word| ![&b"NOTSET"[..], b"VALID", b""].contains(word)) {
        return Err(format!("`auto_pad` = {}; VALID is needed", String::from_utf8_lossy(word)));
    }
    node.only("pads", 0)
}

fn average(reading: &mut Reading, node: &Node<'_>) -> Result<Value> {
    let value = of_chain(reading, node, 0)?;
    let kernel = match node.inner.op_type.as_str() {
        "GlobalAveragePool" => None,
        _ => {
            no_padding(node)?;
            let (kernel, strides) = (node.sides("kernel_shape")?, node.sides("strides")?);
            if kernel != strides || node.int("ceil_mode", 0) != 0 {
                return Err(format!("`strides` = {strides:?}; those of the kernel, {kernel:?}, are needed"));
            }
            Some(kernel)
        }
    };
    reading.chain.average(&value, kernel).map(Value::Elementwise)
}

fn activation(reading: &mut Reading, node: &Node<'_>, function: Function) -> Result<Value> {
    let value = of_chain(reading, node, 0)?;
    reading.chain.activation(&value, function).map(Value::Elementwise)
}

/// Scores by one row of coefficients a class, or one for both of two classes.
fn linear_classifier(reading: &mut Reading, node: &Node<'_>) -> Result<Vec<Value>> {
    let value = of_chain(reading, node, 0)?;
    let (coefficients, mut bias) = (node.floats("coefficients")?, node.floats("intercepts")?);
    reading.classes = node.words("classlabels_strings", "classlabels_ints");
    let inputs: usize = value.shape.iter().product();
    let rows = coefficients.len().checked_div(inputs).unwrap_or(0);
    if bias.is_empty() {
        bias = vec![0.0; rows];
    }
    if rows == 0 || bias.len() != rows || rows * inputs != coefficients.len() {
        return Err(format!(
            "{} coefficients and {} intercepts of {inputs} features",
            coefficients.len(),
            bias.len()
        ));
    }
    let turned = (0..rows * inputs).map(|place| coefficients[place % rows * inputs + place / rows]);
    let sums = reading.chain.linear(&node.name(), &value, turned.collect(), bias)?;
    reading.decide(&sums)?;
    Ok(vec![Value::Decision, Value::Decision])
}

/// Scores or classes of outputs: what changes no order of them is left to the client.
fn decision(reading: &mut Reading, node: &Node<'_>) -> Result<Value> {
    if node.inner.op_type != "ZipMap" {
        let default = if node.inner.op_type == "ArgMax" { 0 } else { 1 };
        let axis = node.int("axis", if node.inner.op_type == "Normalizer" { 1 } else { default });
        // Softmax before opset 13 has axis 1 for a default, and -1 since then: the same of rows.
        if ![1, -1].contains(&axis) {
            return Err(format!("`axis` = {axis}; 1, that of the classes, is needed"));
        }
    }
    let words = node.words("classlabels_strings", "classlabels_int64s");
    if !words.is_empty() {
        reading.classes = words;
    }
    match first(reading, node)? {
        Value::Elementwise(value) => reading.decide(&value),
        Value::Decision => Ok(Value::Decision),
        Value::Constant(_) => Err("its input is a constant".to_owned()),
    }
}

/// `1 − p` beside `p`: the probabilities of two classes.
fn both_classes(reading: &mut Reading, node: &Node<'_>) -> Result<Value> {
    let wrong = || {
        "it joins tensors; only `1 − p` and `p` of two classes may be joined, and one input with all columns is needed".to_owned()
    };
    if node.inner.input.len() != 2 {
        return Err(wrong());
    }
    let [first, second] = [of_chain(reading, node, 0)?, of_chain(reading, node, 1)?];
    let sum = first.plus(&second, 1.0).filter(|sum| sum.shape == [1]);
    let sum = sum.and_then(|sum| sum.affine());
    if sum.is_none_or(|sum| sum != [vec![0.0], vec![1.0]])
        || second.affine().is_none_or(|a| a != [vec![1.0], vec![0.0]])
    {
        return Err(wrong());
    }
    reading.decide(&second)
}

/// The class at a place that the outputs decide.
fn class_of(reading: &mut Reading, node: &Node<'_>) -> Result<Value> {
    let place = reading.value(node.input(1).ok_or("an input is missing")?)?;
    let (Value::Constant(classes), Value::Decision) = (first(reading, node)?, place) else {
        return Err("it chooses columns; only a class may be chosen, by the outputs".to_owned());
    };
    reading.classes = classes.words;
    Ok(Value::Decision)
}
