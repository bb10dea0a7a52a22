//! From a recipe and the shape of the data to a network.

use ndarray::Array2;

use super::{Activation, Entries, Entry, Extent, Layer, Matrix, Network};
use crate::activation::{Function, Polynomial};
use crate::recipe::{self, Arithmetic, LayerKind, Recipe, RecipeError};

/// Entries of the matrices of all layers.
const MOST_ENTRIES: usize = 1 << 24;

impl Network {
    /// The network for so many features, which are images of `sides` rows and columns where they are images, and so many outputs:
    /// one a class, or one for a series.
    ///
    /// # Errors
    /// If the last layer has another width, a kernel does not fit its positions, a polynomial is constant, or there are too many
    /// weights; the layer is named.
    pub fn new(
        recipe: &Recipe,
        features: usize,
        sides: Option<[usize; 2]>,
        outputs: usize,
    ) -> Result<Self, RecipeError> {
        let mut building = Building {
            recipe,
            outputs,
            layers: Vec::new(),
            input: sides.map_or(Extent::row(features), |[height, width]| Extent {
                channels: 1,
                height,
                width,
            }),
            pool: [1, 1],
            entries: 0,
        };
        for (place, layer) in recipe.layers.iter().enumerate() {
            building.add(place + 1, layer)?;
        }
        Ok(Self { layers: building.layers, loss: recipe.loss })
    }
}

struct Building<'r> {
    recipe: &'r Recipe,
    outputs: usize,
    layers: Vec<Layer>,
    input: Extent,
    pool: [usize; 2],
    entries: usize,
}

fn wrong(index: usize, layer: &recipe::Layer, what: impl Into<String>) -> RecipeError {
    RecipeError::Layer { index, kind: layer.kind.to_string(), what: what.into() }
}

impl Building<'_> {
    fn add(&mut self, index: usize, layer: &recipe::Layer) -> Result<(), RecipeError> {
        if layer.kind.is_pooling() {
            self.pool = self.pooling(index, layer)?;
        } else if layer.kind.has_weights() {
            self.weights(index, layer)?;
        } else if let Some(before) = self.layers.last_mut() {
            before.activation = Some(activation(self.recipe, index, layer)?);
        }
        Ok(())
    }

    fn pooling(&self, index: usize, layer: &recipe::Layer) -> Result<[usize; 2], RecipeError> {
        let [rows, columns] = sides(layer);
        let Extent { height, width, .. } = self.input;
        if height.checked_rem(rows) == Some(0) && width.checked_rem(columns) == Some(0) {
            return Ok([rows, columns]);
        }
        let what =
            format!("`kernel` = {rows} x {columns}; divisors of the {height} x {width} positions are needed");
        Err(wrong(index, layer, what))
    }

    fn weights(&mut self, index: usize, layer: &recipe::Layer) -> Result<(), RecipeError> {
        let last = self.recipe.layers[index..].iter().all(|layer| layer.kind.is_activation());
        let [pool_rows, pool_columns] = self.pool;
        let seen = Extent {
            height: self.input.height / pool_rows,
            width: self.input.width / pool_columns,
            ..self.input
        };
        let kernel = if layer.kind == LayerKind::Linear { [1, 1] } else { sides(layer) };
        let output = self.output(index, layer, seen, kernel, last)?;
        self.entries = self.entries.saturating_add(self.input.size().saturating_mul(output.size()));
        if self.entries > MOST_ENTRIES {
            let what = format!(
                "{} inputs and {} outputs make {} entries up to here; at most {MOST_ENTRIES} are possible",
                self.input.size(),
                output.size(),
                self.entries
            );
            return Err(wrong(index, layer, what));
        }
        let word = if layer.kind == LayerKind::Linear { "linear" } else { "conv" };
        let mut made = Layer {
            name: format!("{word}{}", self.layers.len() + 1),
            index,
            kind: layer.kind,
            scheme: layer.scheme,
            input: self.input,
            pool: self.pool,
            kernel,
            output,
            matrix: Matrix { entries: Array2::default((0, 0)), bias: vec![] },
            activation: None,
        };
        made.matrix = if layer.kind == LayerKind::Linear { dense(&made) } else { convolution(&made) };
        self.layers.push(made);
        (self.input, self.pool) = (output, [1, 1]);
        Ok(())
    }

    fn output(
        &self,
        index: usize,
        layer: &recipe::Layer,
        seen: Extent,
        kernel: [usize; 2],
        last: bool,
    ) -> Result<Extent, RecipeError> {
        if layer.kind != LayerKind::Linear {
            let [rows, columns] = kernel;
            if rows > seen.height || columns > seen.width || rows == 0 || columns == 0 {
                let (height, width) = (seen.height, seen.width);
                let what = format!(
                    "`kernel` = {rows} x {columns}; at most the {height} x {width} positions are needed"
                );
                return Err(wrong(index, layer, what));
            }
            return Ok(Extent {
                channels: layer.channels.unwrap_or(1),
                height: seen.height - rows + 1,
                width: seen.width - columns + 1,
            });
        }
        let width = layer.out_features.unwrap_or(self.outputs);
        if last && width != self.outputs {
            let needed = self.outputs;
            let what = format!(
                "`out_features` = {width}; the data needs {needed} (one a class, or one for a series)"
            );
            return Err(wrong(index, layer, what));
        }
        Ok(Extent::row(width))
    }
}

/// Rows and columns of a kernel; along one direction there is one row.
fn sides(layer: &recipe::Layer) -> [usize; 2] {
    let [rows, columns] = layer.kernel.map_or([1, 1], recipe::Kernel::sides);
    match layer.kind {
        LayerKind::Conv1d | LayerKind::AvgPool1d => [1, columns],
        _ => [rows, columns],
    }
}

/// The place after the pooling of an input before it: channel, row and column.
fn pooled(layer: &Layer, input: usize) -> (usize, usize, usize) {
    let Extent { height, width, .. } = layer.input;
    let (channel, rest) = (input / (height * width), input % (height * width));
    (channel, rest / width / layer.pool[0], rest % width / layer.pool[1])
}

fn factor(layer: &Layer) -> f64 {
    1.0 / (layer.pool[0] * layer.pool[1]) as f64
}

fn dense(layer: &Layer) -> Matrix {
    let (seen, outputs, factor) = (layer.pooled(), layer.outputs(), factor(layer));
    let entries: Entries = Array2::from_shape_fn((layer.inputs(), outputs), |(input, output)| {
        let (channel, row, column) = pooled(layer, input);
        let place = (channel * seen.height + row) * seen.width + column;
        Some(Entry { weight: place * outputs + output, factor })
    });
    Matrix { entries, bias: (0..outputs).collect() }
}

fn convolution(layer: &Layer) -> Matrix {
    let ([rows, columns], channels, factor) = (layer.kernel, layer.input.channels, factor(layer));
    let Extent { height, width, .. } = layer.output;
    let entries: Entries = Array2::from_shape_fn((layer.inputs(), layer.outputs()), |(input, output)| {
        let (channel, row, column) = pooled(layer, input);
        let (out_channel, place) = (output / (height * width), output % (height * width));
        let down = row.checked_sub(place / width).filter(|tap| *tap < rows)?;
        let right = column.checked_sub(place % width).filter(|tap| *tap < columns)?;
        let weight = ((out_channel * channels + channel) * rows + down) * columns + right;
        Some(Entry { weight, factor })
    });
    Matrix { entries, bias: (0..layer.outputs()).map(|output| output / (height * width)).collect() }
}

fn activation(recipe: &Recipe, index: usize, layer: &recipe::Layer) -> Result<Activation, RecipeError> {
    let function =
        layer.function().ok_or_else(|| wrong(index, layer, "an activation is needed at this place"))?;
    let last = recipe.layers[index..].iter().all(|layer| !layer.kind.has_weights());
    let bounds = &recipe.numbers.bounds;
    let (mut polynomial, mut dyadic) = (None, None);
    if let Function::Polynomial(known) = &function {
        (polynomial, dyadic) = (Some(known.to_real()), Some(known.clone()));
    } else if let Some(coefficients) = &layer.coefficients {
        let all: Option<Vec<_>> = coefficients.iter().map(|c| c.dyadic()).collect();
        polynomial = Some(coefficients.iter().map(|c| c.value()).collect());
        dyadic = all.map(|all| Polynomial::from_dyadic(&all));
    } else if !layer.scheme.looks_up() {
        polynomial = layer.fitted(if last { bounds.output } else { bounds.preactivation });
        let bits = layer.polynomial.unwrap_or_default().coefficient_bits;
        dyadic = polynomial.as_ref().map(|fitted| Polynomial::rounded(fitted, bits));
    }
    let exact = dyadic.as_ref().filter(|_| layer.scheme.arithmetic() == Arithmetic::Integers);
    let constant = exact.is_some_and(|dyadic| dyadic.degree() == 0)
        || polynomial.as_ref().is_some_and(|all: &Vec<f64>| all.iter().skip(1).all(|c| *c == 0.0));
    if constant {
        return Err(wrong(index, layer, "its polynomial is constant; nothing before it could learn"));
    }
    Ok(Activation { index, kind: layer.kind, scheme: layer.scheme, function, polynomial, dyadic })
}
