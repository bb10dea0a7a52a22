//! An engine and its cipher without encryption: rows and layers of floats, as their bytes. It is the formulas of the steps once
//! more, and counts what a server asks of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use he_core::wire::{WireError, Writer};
use ndarray::{Array2, Axis};
use zeroize::Zeroizing;

use crate::engine::{Engine, EngineError, KeyStream, Pieces, Usage};
use crate::model::{LayerState, Model};
use crate::network::{Activation, Network};
use crate::plan::{Estimate, Plan, PlanError, PlannedEngine, SchemeUse, Tolerance, WireSize, Workload};
use crate::program::lower::lower;
use crate::program::{Step, Tensor};
use crate::recipe::{Loss, Optimizer, Recipe};
use crate::roles::cipher::{Cipher, CipherError, Decryption, Opened, Plain, Values};

/// An engine of some layers.
#[derive(Clone)]
pub(super) struct ClearPlan {
    pub(super) network: Network,
    pub(super) optimizer: Optimizer,
    pub(super) layers: Vec<usize>,
    pub(super) tolerance: Option<Tolerance>,
    /// What tells plans apart.
    pub(super) salt: u64,
}

/// A plan of a recipe over such engines, one for each list of layers.
pub(crate) fn plan(recipe: &Recipe, features: usize, outputs: usize, layers: &[Vec<usize>]) -> Arc<Plan> {
    let network = Network::new(recipe, features, None, outputs).unwrap();
    let of = |l: usize| layers.iter().position(|layers| layers.contains(&l)).unwrap();
    let engine = |layers: &Vec<usize>| -> Arc<dyn PlannedEngine> {
        let tolerance = Some(Tolerance { weights: 1e-9, outputs: 1e-9 });
        let (network, optimizer) = (network.clone(), recipe.optimizer.clone());
        Arc::new(ClearPlan { network, optimizer, layers: layers.clone(), tolerance, salt: 0 })
    };
    Arc::new(Plan {
        optimizer: recipe.optimizer.clone(),
        program: lower(recipe, &network),
        engines: layers.iter().map(engine).collect(),
        engine_of: (0..network.depth()).map(of).collect(),
        network,
    })
}

impl fmt::Display for ClearPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layers {:?}", self.layers)
    }
}

impl PlannedEngine for ClearPlan {
    fn encode(&self, out: &mut Writer) {
        out.u64(self.salt);
    }

    fn sent(&self, tensor: Tensor, rows: usize) -> WireSize {
        let widths = self.network.widths();
        let columns = match tensor {
            Tensor::Features => widths[0],
            Tensor::Targets => widths[widths.len() - 1],
            Tensor::Weights | Tensor::NewWeights | Tensor::Momentum | Tensor::NewMomentum => {
                let bytes =
                    self.layers.iter().map(|&l| 8 * self.network.layers[l].matrix.entries.len() + 8000);
                let bytes = bytes.max().unwrap_or(0);
                return WireSize { parts: 1, pieces: self.layers.len(), fresh: bytes, computed: bytes };
            }
            other => match other.layer() {
                Some(l) => widths[l + 1],
                None => return WireSize::default(),
            },
        };
        WireSize { parts: 1, pieces: rows, fresh: 8 * columns, computed: 8 * columns }
    }

    fn key_bytes(&self) -> Result<Vec<usize>, PlanError> {
        Ok(vec![])
    }

    fn key_names(&self) -> Vec<String> {
        vec![]
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(ClearCipher { plan: self.clone() }))
    }

    fn with_secret(&self, _: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        self.generate()
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, _: bool) -> Result<Box<dyn Engine>, EngineError> {
        if !keys.is_empty() {
            return Err(EngineError::KeyCount { found: keys.len(), needed: 0 });
        }
        let (plan, stop) = (self.clone(), Arc::default());
        Ok(Box::new(ClearEngine { plan, rows: BTreeMap::new(), model: BTreeMap::new(), stop }))
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        vec![]
    }

    fn tolerance(&self) -> Option<Tolerance> {
        self.tolerance
    }

    fn estimate(&self) -> Estimate {
        Estimate::default()
    }

    fn work(&self) -> Workload {
        Workload::default()
    }
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Result<Vec<f64>, WireError> {
    let (chunks, []) = bytes.as_chunks::<8>() else {
        return Err(WireError::Invalid { what: "row", why: format!("{} bytes", bytes.len()) });
    };
    Ok(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect())
}

/// All rows of a tensor.
fn read(parts: &[Pieces]) -> Result<Vec<Vec<f64>>, WireError> {
    parts.iter().flat_map(Pieces::all).map(floats).collect()
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows.first().map_or(0, Vec::len)), |(r, c)| rows[r][c])
}

struct ClearCipher {
    plan: ClearPlan,
}

/// Weights and biases, or momenta, of a layer.
fn layer(state: &LayerState, tensor: Tensor) -> Vec<f64> {
    match tensor {
        Tensor::Momentum => [&state.weight_momentum[..], &state.bias_momentum].concat(),
        _ => [&state.weight[..], &state.bias].concat(),
    }
}

impl Cipher for ClearCipher {
    fn time_units(&self) -> Result<Vec<f64>, CipherError> {
        Ok(vec![])
    }

    fn secret_bytes(&self) -> Vec<Zeroizing<Vec<u8>>> {
        vec![]
    }

    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>, CipherError> {
        Ok(vec![])
    }

    fn encrypt(&self, tensor: Tensor, values: Plain<'_>) -> Result<Vec<Vec<Vec<u8>>>, CipherError> {
        Ok(vec![match values {
            Plain::Rows(rows) => rows.rows().into_iter().map(|row| bytes(&row.to_vec())).collect(),
            Plain::Model(model) => {
                self.plan.layers.iter().map(|&l| bytes(&layer(&model.layers[l], tensor))).collect()
            }
        }])
    }

    fn open(&self, tensor: Tensor, _: usize, parts: &[Pieces]) -> Result<Decryption<'_>, CipherError> {
        let rows = read(parts).map_err(|source| CipherError::Message { tensor, source })?;
        let opened = if tensor.is_of_model() {
            let layers = self.plan.layers.iter().zip(rows).map(|(&l, values)| {
                let weights: usize = self.plan.network.layers[l].shape().iter().product();
                let row = |values: &[f64]| Values::Real(matrix(&[values.to_vec()]));
                (row(&values[..weights]), row(&values[weights..]))
            });
            Opened::Layers(layers.collect())
        } else {
            Opened::Rows(Values::Real(matrix(&rows)))
        };
        Ok(Box::new(|| Ok(opened.into())))
    }
}

struct ClearEngine {
    plan: ClearPlan,
    rows: BTreeMap<Tensor, Array2<f64>>,
    /// Weights and momenta, and those as computed, of each layer.
    model: BTreeMap<Tensor, Vec<Vec<f64>>>,
    stop: Arc<AtomicBool>,
}

fn value(activation: Option<&Activation>, z: f64) -> f64 {
    activation.map_or(z, |a| a.function.value(z))
}

fn derivative(activation: Option<&Activation>, z: f64) -> f64 {
    activation.map_or(1.0, |a| a.function.derivative(z))
}

impl ClearEngine {
    fn get(&self, tensors: &[Tensor]) -> Result<&Array2<f64>, EngineError> {
        let found = tensors.iter().find_map(|tensor| self.rows.get(tensor));
        found.ok_or(EngineError::Missing(tensors[0]))
    }

    fn errors(&self, l: usize) -> Result<&Array2<f64>, EngineError> {
        self.get(&[Tensor::Error(l), Tensor::RawError(l)])
    }

    /// The numbers of a layer.
    fn weights(&self, l: usize) -> Result<&[f64], EngineError> {
        let place = self.plan.layers.iter().position(|&mine| mine == l);
        let place = place.ok_or_else(|| EngineError::Unplanned(format!("layer {l}")))?;
        let all = self.model.get(&Tensor::Weights).ok_or(EngineError::Missing(Tensor::Weights))?;
        Ok(&all[place])
    }

    fn matrix(&self, l: usize) -> Result<Array2<f64>, EngineError> {
        let weights = self.weights(l)?;
        let entries = &self.plan.network.layers[l].matrix.entries;
        Ok(entries.map(|entry| entry.map_or(0.0, |entry| entry.factor * weights[entry.weight])))
    }

    fn step(&mut self, step: Step) -> Result<(), EngineError> {
        let network = self.plan.network.clone();
        let activation = |l: usize| network.layers[l].activation.as_ref();
        let sums = |l: usize| self.get(&[Tensor::Preactivation(l), Tensor::Sum(l)]);
        let last = network.depth() - 1;
        let (tensor, rows) = match step {
            Step::Expand => return Ok(()),
            Step::Forward(l) => {
                let count: usize = network.layers[l].shape().iter().product();
                let mut z = self.get(&[Tensor::input(l)])?.dot(&self.matrix(l)?);
                let biases = &self.weights(l)?[count..];
                for (mut column, &bias) in z.columns_mut().into_iter().zip(&network.layers[l].matrix.bias) {
                    column += biases[bias];
                }
                (Tensor::Sum(l), z)
            }
            Step::Activate(l) => (Tensor::Activation(l), sums(l)?.mapv(|z| value(activation(l), z))),
            Step::Loss => {
                let (z, targets) = (sums(last)?, self.get(&[Tensor::Targets])?);
                let misses = z.mapv(|z| value(activation(last), z)) - targets;
                let quadratic = network.loss == Loss::Quadratic;
                let slopes = z.mapv(|z| if quadratic { derivative(activation(last), z) } else { 1.0 });
                (Tensor::Error(last), misses * slopes)
            }
            Step::Backward(l) => (Tensor::InputGradient(l - 1), self.errors(l)?.dot(&self.matrix(l)?.t())),
            Step::Derivative(l) => {
                let slopes = sums(l)?.mapv(|z| derivative(activation(l), z));
                (Tensor::RawError(l), self.get(&[Tensor::InputGradient(l)])? * slopes)
            }
            Step::Gradient(l) => (Tensor::Products(l), self.gradient(l)?),
            Step::Update => return self.update(),
            Step::Refresh { .. } => return Err(EngineError::Unplanned(step.to_string())),
        };
        self.rows.insert(tensor, rows);
        Ok(())
    }

    /// The gradient of weights and biases, as one row.
    fn gradient(&self, l: usize) -> Result<Array2<f64>, EngineError> {
        let layer = &self.plan.network.layers[l];
        let products = self.get(&[Tensor::input(l)])?.t().dot(self.errors(l)?);
        let weights: usize = layer.shape().iter().product();
        let mut gradient = vec![0.0; weights + layer.biases()];
        for (entry, product) in layer.matrix.entries.iter().zip(&products) {
            if let Some(entry) = entry {
                gradient[entry.weight] += entry.factor * product;
            }
        }
        let biases = layer.matrix.bias.iter().zip(self.errors(l)?.sum_axis(Axis(0)));
        biases.for_each(|(&bias, error)| gradient[weights + bias] += error);
        Ok(matrix(&[gradient]))
    }

    fn update(&mut self) -> Result<(), EngineError> {
        let optimizer = &self.plan.optimizer;
        let (rate, mu) = (optimizer.learning_rate.value(), optimizer.momentum.value());
        let missing = EngineError::Missing(Tensor::Momentum);
        let mut momentum = self.model.get(&Tensor::Momentum).ok_or(missing)?.clone();
        let mut weights = self.model[&Tensor::Weights].clone();
        for (place, &l) in self.plan.layers.iter().enumerate() {
            let gradient = self.get(&[Tensor::Products(l)])?.mapv(|g| g / optimizer.batch_size as f64);
            for ((w, v), g) in weights[place].iter_mut().zip(&mut momentum[place]).zip(&gradient) {
                if optimizer.nesterov {
                    *v = mu * *v - rate * g;
                    *w += mu * *v - rate * g;
                } else {
                    *v = mu * *v + g;
                    *w -= rate * *v;
                }
            }
        }
        self.model.insert(Tensor::NewWeights, weights);
        self.model.insert(Tensor::NewMomentum, momentum);
        Ok(())
    }
}

impl Engine for ClearEngine {
    fn check(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<(), EngineError> {
        let found = read(parts).map_err(|source| EngineError::Message { tensor, source })?;
        let sent = self.plan.sent(tensor, rows);
        let finite = found.iter().flatten().all(|value| value.is_finite());
        if found.len() == sent.pieces && finite && parts.len() == sent.parts {
            return Ok(());
        }
        let why = format!("{} rows, finite: {finite}", found.len());
        Err(EngineError::Message { tensor, source: WireError::Invalid { what: "rows", why } })
    }

    fn receive(&mut self, tensor: Tensor, rows: usize, parts: Vec<Pieces>) -> Result<(), EngineError> {
        self.check(tensor, rows, &parts)?;
        let found = read(&parts).map_err(|source| EngineError::Message { tensor, source })?;
        if tensor.is_of_model() {
            self.model.insert(tensor, found);
        } else {
            self.rows.insert(tensor, matrix(&found));
        }
        Ok(())
    }

    fn run(&mut self, steps: &[Step]) -> Result<(), EngineError> {
        for step in steps {
            if self.stop.load(Ordering::SeqCst) {
                return Err(EngineError::Stopped);
            }
            self.step(*step)?;
        }
        Ok(())
    }

    fn send(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>, EngineError> {
        let kept = matches!(tensor, Tensor::Weights | Tensor::Momentum);
        if let Some(layers) = self.model.get(&tensor) {
            let sent = layers.iter().map(|layer| bytes(layer)).collect();
            if !kept {
                self.model.remove(&tensor);
            }
            return Ok(vec![sent]);
        }
        let rows = self.rows.remove(&tensor).ok_or(EngineError::Missing(tensor))?;
        Ok(vec![rows.rows().into_iter().map(|row| bytes(&row.to_vec())).collect()])
    }

    fn end(&mut self, trained: bool) {
        self.rows.clear();
        for (new, kept) in [(Tensor::NewWeights, Tensor::Weights), (Tensor::NewMomentum, Tensor::Momentum)] {
            if let Some(values) = self.model.remove(&new).filter(|_| trained) {
                self.model.insert(kept, values);
            }
        }
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Arc::clone(stop);
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }
}

/// A model of small multiples of 2^-6.
pub(super) fn model(network: &Network) -> Model {
    let mut state = 7_u64;
    let mut draw = |count: usize| -> Vec<f64> {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from((state >> 58) as i32 - 32) / 64.0
        };
        (0..count).map(|_| next()).collect()
    };
    let layers = network.layers.iter().map(|layer| {
        let (weights, biases) = (layer.shape().iter().product(), layer.biases());
        LayerState {
            shape: layer.shape(),
            weight: draw(weights),
            bias: draw(biases),
            weight_momentum: draw(weights),
            bias_momentum: draw(biases),
        }
    });
    Model { layers: layers.collect() }
}
