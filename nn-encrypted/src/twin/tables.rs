//! Exact integers modulo `t` with lookup tables between layers, in the formats of [`TableNumbers`]: nothing is rounded but by
//! tables.
//!
//! - Forward: `Z = A·W + 2^α·b`; a hidden activation is looked up together with its derivative `M`: of ReLU whether it lets its input
//!   pass.
//! - Error: with cross-entropy `σ(Z)` as it is looked up, less targets; with quadratic loss outputs less targets, times the derivative
//!   of their activation. Before, the lookup of `D·Wᵀ`, which `M` of ReLU masks; with others it is multiplied, by two lookups in a
//!   table of squares.
//! - Update: `W ← W − 2^−κ·Σ A·D`, and no momentum.
//!
//! A value z is looked up by the phase `z·2^j/t`, which a mod switch rounds to one of `2^log` positions: without an error, with one
//! drawn from the distribution of encrypted phases, or as an encrypted run recorded it: then the results must equal that run's bit
//! for bit. What leaves the range of its table wraps, and is counted.
//!
//! A layer with weights in `ckks` has real numbers in the place of these integers, which they are up to its noise; an activation in
//! `ckks` or `bgv` is a polynomial and no lookup.

use ndarray::{Array2, ArrayRef2};

use super::error::{Result, TwinError};
use super::fixed::Fixed;
use super::numbers::{Numbers, Pass, Phases, by_table, without_momentum};
use super::reals::Reals;
use super::tensor::Tensor;
use crate::data::random::normal_16;
use crate::network::{Activation, Layer, Network};
use crate::numbers::tables::{self, TableNumbers, TableReader};
use crate::recipe::{Loss, Recipe, RefreshTensor, Scheme};

/// Integers and tables.
#[derive(Debug)]
pub(super) struct Tables {
    /// The arithmetic between tables.
    base: Box<dyn Numbers>,
    /// Whether `base` is of real numbers.
    real: bool,
    numbers: TableNumbers,
    reader: TableReader,
}

/// The middle of the range of a table, in `2^-32` of the torus.
const QUARTER: u32 = 1 << 30;

impl Tables {
    pub(super) fn new(
        recipe: &Recipe,
        network: &Network,
        layer: &Layer,
        reader: TableReader,
    ) -> Result<Self> {
        without_momentum(recipe, "strategy = \"clean\"")?;
        let (numbers, real) = (TableNumbers::new(recipe, network)?, layer.scheme == Scheme::Ckks);
        let base: Box<dyn Numbers> = if real {
            Box::new(Reals::new(recipe))
        } else {
            Box::new(Fixed::unrounded(recipe, numbers.weight_bits())?)
        };
        Ok(Self { base, real, numbers, reader })
    }

    /// The positions that values select, of a table of `2^spare` outputs: that of the phase `value·2^shift/t + offset`.
    fn positions(
        &self,
        values: &Array2<i64>,
        shift: u32,
        offset: impl Fn((usize, usize)) -> u32,
        spare: u32,
        pass: &mut Pass<'_>,
    ) -> Result<Array2<u32>> {
        let mut positions = Array2::zeros(values.dim());
        for (at, value) in values.indexed_iter() {
            let phase = (value << (shift + 32 - self.numbers.log_t)) as u32;
            positions[at] = self.position(phase.wrapping_add(offset(at)), spare, &mut pass.phases)?;
        }
        Ok(positions)
    }

    /// The position that a phase selects, in steps of `2^spare`, half a step added before it is rounded down.
    fn position(&self, phase: u32, spare: u32, phases: &mut Phases) -> Result<u32> {
        let step = self.reader.log - spare;
        let error = match phases {
            Phases::Exact => 0,
            Phases::Sampled(rng) => {
                let unit = self.reader.deviations[spare as usize] * 65536.0;
                (normal_16(rng) as f64 * unit).round() as i32
            }
            Phases::Recorded(positions) => {
                let none =
                    TwinError::Shape { what: "recorded phases that are left".into(), found: 0, needed: 1 };
                return positions.pop_front().ok_or(none);
            }
        };
        Ok(phase.wrapping_add(1 << (31 - step)).wrapping_add_signed(error) >> (32 - step) << spare)
    }

    /// The entries of a table at positions, which have so many fractional bits.
    fn entries(&self, table: &[i64], positions: &Array2<u32>, bits: u32) -> Tensor {
        let width = (1 << (self.reader.log - 1)) / table.len();
        let found = positions.mapv(|position| {
            let at = (position as usize + width / 2) / width % (2 * table.len());
            if at < table.len() { table[at] } else { -table[at - table.len()] }
        });
        let found = Tensor::Exact(found, bits);
        if self.real { Tensor::Real(found.real().into_owned()) } else { found }
    }

    /// The integers of values that are looked up, with their fractional bits; those that leave the range of a table are counted.
    fn looked_up(&self, values: &Tensor, limit: i64, bits: u32, pass: &mut Pass<'_>) -> Result<Array2<i64>> {
        let values = Tensor::Exact(pass.fits(values.integers(bits))?, bits);
        let (limit, unit) = (limit as f64, 2_f64.powi(bits as i32));
        pass.observe(values.largest(), Some(limit / unit), values.beyond((limit - 1.0) / unit), None)?;
        pass.fits(values.integers(bits))
    }

    /// Tables of a function and of its derivative at the positions of values.
    fn both(
        &self,
        [values, derivatives]: &[Vec<i64>; 2],
        positions: &Array2<u32>,
        [bits, derivative_bits]: [u32; 2],
    ) -> [Tensor; 2] {
        [self.entries(values, positions, bits), self.entries(derivatives, positions, derivative_bits)]
    }

    /// Errors, as they are looked up with a shift, times derivatives: differences of squares.
    fn products(
        &self,
        squares: &[i64],
        errors: &Array2<i64>,
        shift: u32,
        derivatives: &Array2<i64>,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor> {
        let moved = |at, sign: i64| {
            let phase = (sign * derivatives[at]) << (32 - tables::DERIVATIVE_BITS);
            QUARTER.wrapping_add_signed(phase as i32)
        };
        let sums = self.positions(errors, shift, |at| moved(at, 1), 0, pass)?;
        let differences = self.positions(errors, shift, |at| moved(at, -1), 0, pass)?;
        let [sums, differences] =
            [sums, differences].map(|positions| self.entries(squares, &positions, self.numbers.error_bits));
        pass.fits(sums.minus(&differences.real()))
    }
}

impl TableNumbers {
    /// Notes weights, which the plaintext modulus bounds.
    pub(super) fn observe_weights(&self, weights: &Tensor, pass: &mut Pass<'_>) -> Result<()> {
        let bits = self.weight_bits();
        let bound = 2_f64.powi(self.log_t as i32 - 1 - bits as i32);
        let beyond = weights.beyond(bound - 2_f64.powi(-(bits as i32)));
        pass.observe(weights.largest(), Some(bound), beyond, Some("numbers.plaintext_bits"))
    }
}

impl Numbers for Tables {
    fn features(&self, x: &ArrayRef2<f64>) -> Result<Tensor> {
        self.base.features(x)
    }

    fn kept(&self, weights: &ArrayRef2<f64>, momenta: &ArrayRef2<f64>) -> Result<[Tensor; 2]> {
        self.base.kept(weights, momenta)
    }

    fn activate(&self, activation: &Activation, z: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        if activation.scheme != Scheme::Tfhe {
            return self.base.activate(activation, z, pass);
        }
        let (numbers, function) = (&self.numbers, &activation.function);
        let hidden = pass.tensor == RefreshTensor::Preactivation;
        let direct = !hidden && pass.network.loss == Loss::CrossEntropy;
        let values = pass.fits(z.integers(numbers.sum_bits()))?;
        let (shift, spare) = (numbers.shifts[usize::from(!hidden)], u32::from(!direct));
        let positions = self.positions(&values, shift, |_| QUARTER, spare, pass)?;
        let boxes = self.reader.boxes(1 << spare);
        if direct {
            let value = self.entries(&numbers.output(function, boxes), &positions, numbers.error_bits);
            return Ok([value.clone(), value]); // no derivative is asked for
        }
        Ok(if hidden {
            let bits = [numbers.activation_bits, tables::derivative_bits(function)];
            self.both(&numbers.activation(function, boxes), &positions, bits)
        } else {
            let bits = [numbers.error_bits, tables::DERIVATIVE_BITS];
            self.both(&numbers.output_activation(function, boxes), &positions, bits)
        })
    }

    fn derive(
        &self,
        activation: &Activation,
        gradient: &Tensor,
        derivative: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor> {
        if activation.scheme != Scheme::Tfhe {
            return self.base.derive(activation, gradient, derivative, pass);
        }
        let (numbers, function, boxes) = (&self.numbers, &activation.function, self.reader.boxes(1));
        if pass.layer + 1 == pass.network.depth() {
            let (shift, bits) = (numbers.output_error_shift(function), numbers.error_bits);
            let errors = self.looked_up(gradient, 1 << (numbers.log_t - shift - 3), bits, pass)?;
            let derivatives = pass.fits(derivative.integers(tables::DERIVATIVE_BITS))?;
            return self.products(&numbers.output_error(function, boxes), &errors, shift, &derivatives, pass);
        }
        let (shift, table) = (numbers.shifts[2], numbers.error(function, boxes));
        let errors = self.looked_up(gradient, numbers.limits()[2], numbers.back_bits(), pass)?;
        let derivatives = pass.fits(derivative.integers(tables::derivative_bits(function)))?;
        if !tables::is_masked(function) {
            return self.products(&table, &errors, shift, &derivatives, pass);
        }
        let mask = |at: (usize, usize)| {
            (QUARTER / 2)
                .wrapping_add_signed((derivatives[at] << (32 - tables::derivative_bits(function))) as i32)
        };
        let positions = self.positions(&errors, shift, mask, 0, pass)?;
        Ok(self.entries(&table, &positions, numbers.error_bits))
    }

    fn refresh(&self, tensor: Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        let numbers = &self.numbers;
        match pass.tensor {
            RefreshTensor::Momentum => Ok(Tensor::Real(Array2::zeros(tensor.dim()))), // there is none
            RefreshTensor::Weight => {
                numbers.observe_weights(&tensor, pass)?;
                Ok(tensor)
            }
            _ if !by_table(&pass.network.layers[pass.layer]) => self.base.refresh(tensor, pass),
            RefreshTensor::Error => Ok(tensor), // observed before its lookup
            _ => {
                let limit = numbers.limits()[usize::from(pass.tensor == RefreshTensor::Output)];
                self.looked_up(&tensor, limit, numbers.sum_bits(), pass).map(|_| tensor)
            }
        }
    }

    fn update(&self, kept: &[Tensor; 2], gradient: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        self.base.update(kept, gradient, pass)
    }
}
