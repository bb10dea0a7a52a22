//! Runs the steps of a plan on an engine.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::{EngineError, Level, SlotEngine};
use crate::packing::{Compact, Cube, Mask, Side, Tiles, WeightTiles};
use crate::plan::{Step, Tensor};

/// The sizes that steps need.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// Extents of the slots.
    pub cube: Cube,
    /// How expanded tiles share compact ciphertexts.
    pub compact: Compact,
    /// Weights of each layer.
    pub layers: Vec<WeightTiles>,
    /// Images of a mini-batch.
    pub batch: usize,
}

impl Geometry {
    /// The geometry of a dense network of the given `(inputs, outputs)`.
    pub fn new(cube: Cube, shapes: impl IntoIterator<Item = (usize, usize)>, batch: usize) -> Self {
        let mut layers = Vec::new();
        let mut first = 0;
        for (l, (inputs, outputs)) in shapes.into_iter().enumerate() {
            let layer = WeightTiles { inputs, outputs, side: Side::of_layer(l), first };
            first += layer.count(&cube);
            layers.push(layer);
        }
        Self { cube, compact: Compact::new(&cube, first), layers, batch }
    }

    /// Tiles of a layer's input.
    pub fn input(&self, l: usize) -> Tiles {
        Tiles { rows: self.batch, columns: self.layers[l].inputs, side: self.layers[l].side }
    }

    /// Tiles of a layer's output.
    pub fn output(&self, l: usize) -> Tiles {
        Tiles { rows: self.batch, columns: self.layers[l].outputs, side: self.layers[l].side.other() }
    }
}

/// The tensors there are, as tiles.
pub struct Store<E: SlotEngine> {
    tensors: HashMap<Tensor, Vec<E::Ciphertext>>,
}

impl<E: SlotEngine> Default for Store<E> {
    fn default() -> Self {
        Self { tensors: HashMap::new() }
    }
}

impl<E: SlotEngine> Store<E> {
    /// The tiles of a tensor.
    pub fn get(&self, tensor: Tensor) -> &[E::Ciphertext] {
        self.tensors.get(&tensor).map_or(&[], Vec::as_slice)
    }

    /// Puts a tensor in.
    pub fn put(&mut self, tensor: Tensor, tiles: Vec<E::Ciphertext>) {
        self.tensors.insert(tensor, tiles);
    }

    /// Takes a tensor out.
    pub fn take(&mut self, tensor: Tensor) -> Vec<E::Ciphertext> {
        self.tensors.remove(&tensor).unwrap_or_default()
    }

    /// Keeps only the given tensors.
    pub fn keep(&mut self, wanted: &[Tensor]) {
        self.tensors.retain(|tensor, _| wanted.contains(tensor));
    }
}

/// An engine with the geometry of one plan.
pub struct Executor<'a, E: SlotEngine> {
    /// The engine.
    pub engine: &'a E,
    /// The geometry.
    pub geometry: &'a Geometry,
    /// Limbs at which tensors are computed.
    pub levels: &'a BTreeMap<Tensor, Level>,
}

type Result<T> = std::result::Result<T, EngineError>;

impl<E: SlotEngine> Executor<'_, E> {
    /// Runs one step; a refresh is not one of the engine's and does nothing here.
    ///
    /// # Errors
    /// If the engine refuses.
    pub fn run(&self, store: &mut Store<E>, step: &Step) -> Result<()> {
        let tiles = self.compute(store, step)?;
        if let Some(to) = step.writes() {
            store.put(to, tiles);
        }
        Ok(())
    }

    /// The tiles that one step writes; none for a refresh.
    ///
    /// # Errors
    /// If the engine refuses.
    pub fn compute(&self, store: &Store<E>, step: &Step) -> Result<Vec<E::Ciphertext>> {
        let level = step.writes().and_then(|to| self.levels.get(&to)).copied().unwrap_or_default();
        match step {
            Step::Expand => self.expand(store.get(Tensor::High), level),
            Step::Forward { layer, input, one } => {
                self.forward(*layer, *one, store.get(*input), store.get(Tensor::Weights), level)
            }
            Step::Backward { layer } => {
                self.backward(*layer, store.get(Tensor::Error(*layer)), store.get(Tensor::Weights), level)
            }
            Step::Polynomial { from, coefficients, .. } => {
                store.get(*from).par_iter().map(|z| self.polynomial(z, coefficients, level)).collect()
            }
            Step::Multiply { left, right, .. } => (store.get(*left).par_iter())
                .zip(store.get(*right))
                .map(|(a, b)| self.engine.product(a, b, level))
                .collect(),
            Step::Combine { terms, .. } => self.combine(store, terms),
            Step::Outer { layer, input } => {
                self.outer(*layer, store.get(*input), store.get(Tensor::Error(*layer)), level)
            }
            Step::Collect { scales } => self.collect(store, scales, level),
            Step::Refresh { .. } => Ok(Vec::new()),
        }
    }

    /// Compact ciphertexts to tiles.
    fn expand(&self, compact: &[E::Ciphertext], level: Level) -> Result<Vec<E::Ciphertext>> {
        let layout = &self.geometry.compact;
        let shifts: Vec<usize> = (0..layout.group).collect();
        let groups = compact.par_iter().enumerate().map(|(g, group)| {
            let turned = self.engine.shift_images(group, &shifts)?;
            (0..layout.tiles_in(g))
                .into_par_iter()
                .map(|m| {
                    let terms: Vec<_> = (turned.iter().enumerate())
                        .map(|(r, turned)| {
                            let class = (layout.group, (layout.group + m - r) % layout.group);
                            (Mask { class, at_zero: None, value: 1 }, turned)
                        })
                        .collect();
                    self.engine.masked_sum(&terms, level)
                })
                .collect::<Result<Vec<_>>>()
        });
        Ok(groups.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn forward(
        &self,
        l: usize,
        one: i64,
        input: &[E::Ciphertext],
        weights: &[E::Ciphertext],
        level: Level,
    ) -> Result<Vec<E::Ciphertext>> {
        let (cube, layer) = (&self.geometry.cube, &self.geometry.layers[l]);
        let (blocks, outputs) = layer.counts(cube);
        let weights_of = |k: usize| (0..outputs).map(move |o| &weights[layer.weight(cube, k, o)]);
        let matrix: Vec<_> = (0..blocks).flat_map(weights_of).collect();
        let sums = self.engine.products(blocks, &input.iter().collect::<Vec<_>>(), &matrix, level)?;
        let finished = sums.par_iter().enumerate().map(|(tile, sum)| {
            let bias = &weights[layer.bias(cube, tile % outputs)];
            self.engine.sum_side(&self.engine.combine(&[(1, sum), (one, bias)])?, layer.side, layer.inputs)
        });
        finished.collect()
    }

    fn backward(
        &self,
        l: usize,
        error: &[E::Ciphertext],
        weights: &[E::Ciphertext],
        level: Level,
    ) -> Result<Vec<E::Ciphertext>> {
        let (cube, layer) = (&self.geometry.cube, &self.geometry.layers[l]);
        let (blocks, outputs) = layer.counts(cube);
        let transposed =
            (0..outputs).flat_map(|o| (0..blocks).map(move |k| &weights[layer.weight(cube, k, o)]));
        let matrix: Vec<_> = transposed.collect();
        let sums = self.engine.products(outputs, &error.iter().collect::<Vec<_>>(), &matrix, level)?;
        let side = layer.side.other();
        sums.par_iter().map(|sum| self.engine.sum_side(sum, side, layer.outputs)).collect()
    }

    /// `Σ c_i·z^i` by powers: an activation has a low degree, and one linear combination aligns all powers at once.
    fn polynomial(&self, z: &E::Ciphertext, coefficients: &[i64], level: Level) -> Result<E::Ciphertext> {
        let degree = coefficients.iter().rposition(|&c| c != 0).unwrap_or(0);
        let mut powers: BTreeMap<usize, E::Ciphertext> = BTreeMap::new();
        for (i, _) in coefficients.iter().enumerate().skip(1).filter(|(_, c)| **c != 0) {
            self.power(z, i, &mut powers, level)?;
        }
        let power = |i: usize| if i == 1 { z } else { &powers[&i] };
        let terms: Vec<_> =
            (1..=degree).filter(|&i| coefficients[i] != 0).map(|i| (coefficients[i], power(i))).collect();
        let sum = match terms[..] {
            // A constant: nothing of z is left, but the result must be a ciphertext still.
            [] => self.engine.combine(&[(0, z)])?,
            [(1, only)] => only.clone(),
            _ => self.engine.combine(&terms)?,
        };
        match coefficients.first() {
            None | Some(0) => Ok(sum),
            Some(&c) => self.engine.add_const(&sum, c),
        }
    }

    fn power(
        &self,
        z: &E::Ciphertext,
        i: usize,
        powers: &mut BTreeMap<usize, E::Ciphertext>,
        level: Level,
    ) -> Result<()> {
        if i == 1 || powers.contains_key(&i) {
            return Ok(());
        }
        let (low, high) = (i / 2, i - i / 2);
        self.power(z, low, powers, level)?;
        self.power(z, high, powers, level)?;
        let get = |i: usize| if i == 1 { z } else { &powers[&i] };
        let product = self.engine.product(get(low), get(high), level)?;
        powers.insert(i, product);
        Ok(())
    }

    fn combine(&self, store: &Store<E>, terms: &[(i64, Tensor)]) -> Result<Vec<E::Ciphertext>> {
        let tensors: Vec<_> = terms.iter().map(|(c, tensor)| (*c, store.get(*tensor))).collect();
        let count = tensors.iter().map(|(_, tiles)| tiles.len()).min().unwrap_or(0);
        (0..count)
            .into_par_iter()
            .map(|i| {
                self.engine.combine(&tensors.iter().map(|(c, tiles)| (*c, &tiles[i])).collect::<Vec<_>>())
            })
            .collect()
    }

    fn outer(
        &self,
        l: usize,
        input: &[E::Ciphertext],
        error: &[E::Ciphertext],
        level: Level,
    ) -> Result<Vec<E::Ciphertext>> {
        let blocks = self.geometry.layers[l].counts(&self.geometry.cube).0;
        let transposed: Vec<_> = (0..blocks).flat_map(|k| input.iter().skip(k).step_by(blocks)).collect();
        self.engine.products(input.len() / blocks, &transposed, &error.iter().collect::<Vec<_>>(), level)
    }

    /// The terms of the gradient in every tile: the tile's products, or for a bias tile the errors of every image tile.
    fn gradient_terms<'s>(&self, store: &'s Store<E>, scales: &[(i64, i64)]) -> Vec<Vec<Term<'s, E>>> {
        let cube = &self.geometry.cube;
        let mut tiles = Vec::with_capacity(self.geometry.compact.tiles);
        for (l, layer) in self.geometry.layers.iter().enumerate() {
            let outputs = layer.counts(cube).1;
            let (of_weights, of_bias) = scales[l];
            let weight = |tile| vec![Term { value: of_weights, at_zero: None, tile }];
            tiles.extend(store.get(Tensor::Products(l)).iter().map(weight));
            let errors = store.get(Tensor::Error(l));
            tiles.extend((0..outputs).map(|o| {
                let column = errors.iter().skip(o).step_by(outputs);
                column.map(|tile| Term { value: of_bias, at_zero: Some(layer.side), tile }).collect()
            }));
        }
        tiles
    }

    fn collect(&self, store: &Store<E>, scales: &[(i64, i64)], level: Level) -> Result<Vec<E::Ciphertext>> {
        let layout = &self.geometry.compact;
        let tiles = self.gradient_terms(store, scales);
        tiles
            .par_chunks(layout.group)
            .map(|tiles| {
                let shifted = (0..layout.group).into_par_iter().map(|r| {
                    let terms: Vec<_> = (tiles.iter().enumerate())
                        .flat_map(|(m, terms)| terms.iter().map(move |term| (m, term)))
                        .map(|(m, term)| {
                            let class = (layout.group, (m + r) % layout.group);
                            (Mask { class, at_zero: term.at_zero, value: term.value }, term.tile)
                        })
                        .collect();
                    let sum = self.engine.masked_sum(&terms, level)?;
                    Ok(self.engine.shift_images(&sum, &[r])?.swap_remove(0))
                });
                let shifted = shifted.collect::<Result<Vec<_>>>()?;
                let sum = self.engine.sum(&shifted.iter().collect::<Vec<_>>())?;
                self.engine.sum_images(&sum, layout.group)
            })
            .collect()
    }
}

/// A term of a gradient tile.
struct Term<'s, E: SlotEngine> {
    value: i64,
    at_zero: Option<Side>,
    tile: &'s E::Ciphertext,
}
