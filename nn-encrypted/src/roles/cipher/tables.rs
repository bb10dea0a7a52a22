//! The client's side of layers beside tables, whatever their scheme.

use std::ops::Range;

use he_core::rlwe::SecretId;
use he_core::wire::{Reader, WireError};
use he_switch::{KeyRequest, SecretKeys};
use he_tfhe::LookupTable;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::ckks::time_rotation;
use super::{Cipher, CipherError, Decryption, Opened, Plain, Result, Values, check_secrets};
use crate::engine::Pieces;
use crate::engine::tables::read_records;
use crate::layout::{At, Places, Rows};
use crate::meter;
use crate::model::Model;
use crate::numbers::tables::TableNumbers;
use crate::program::Tensor;

/// The secret keys of layers and of the tables between them.
pub(crate) trait Keys: Send + Sync {
    fn secret_bytes(&self) -> Zeroizing<Vec<u8>>;

    /// New evaluation keys, as they are sent.
    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>>;

    /// See [`Cipher::time_units`].
    fn time_units(&self) -> Result<Vec<f64>>;

    /// See [`Cipher::open_records`].
    fn open_records(&self, records: &[u8]) -> Result<Vec<u32>>;
}

/// Secret keys of layers beside TFHE, and the evaluation keys that a server needs.
pub(crate) struct Switched {
    pub(crate) keys: SecretKeys,
    pub(crate) request: KeyRequest,
}

impl Keys for Switched {
    fn secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.keys.to_secret_bytes()
    }

    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>> {
        Ok(self.keys.evaluation_keys(&self.request)?.to_bytes()?)
    }

    /// A rotation in the ring of CKKS, and a lookup in a table of TFHE among others.
    fn time_units(&self) -> Result<Vec<f64>> {
        Ok(vec![time_rotation(self.keys.ckks())?, time_lookup(self.keys.tfhe())?])
    }

    fn open_records(&self, records: &[u8]) -> Result<Vec<u32>> {
        let tfhe = self.keys.tfhe();
        let what = "records of lookups";
        let phases = read_records(records, self.keys.params().tfhe())
            .map_err(|source| CipherError::Keys { what, source })?;
        phases.iter().map(|phase| Ok(tfhe.decrypt_phase(phase)?)).collect()
    }
}

/// How a scheme holds numbers: integers of the formats, times a factor, in its ciphertexts.
pub(crate) trait Coding: Send + Sync {
    type Ciphertext: Send + Sync;
    type Keys: Keys;

    /// Whether numbers are integers, and come back as they were.
    const EXACT: bool;

    /// The factor of integers of a tensor; of weights without rows.
    fn factor(&self, rows: Option<Rows>) -> f64;

    /// A ciphertext of values, as it is sent.
    fn encrypt(&self, keys: &Self::Keys, values: &[f64]) -> Result<Vec<u8>>;

    /// Reads a ciphertext of so many places: one that is `kept`, or one that was computed to be decrypted.
    fn read(
        &self,
        keys: &Self::Keys,
        from: &mut Reader<'_>,
        size: usize,
        kept: bool,
    ) -> Result<Self::Ciphertext, WireError>;

    /// The secret that a ciphertext is under, and that of the client for its scheme.
    fn secrets(&self, keys: &Self::Keys, ciphertext: &Self::Ciphertext) -> [SecretId; 2];

    fn decrypt(&self, keys: &Self::Keys, ciphertext: &Self::Ciphertext) -> Result<Vec<f64>>;
}

/// Keys of all schemes and bridges, and a layout.
pub(crate) struct TableCipher<C: Coding, L> {
    coding: C,
    layout: L,
    numbers: TableNumbers,
    keys: C::Keys,
}

impl<C: Coding, L: Places> TableCipher<C, L> {
    /// With keys of before, or new ones.
    pub(crate) fn new(coding: C, layout: L, numbers: TableNumbers, keys: C::Keys) -> Self {
        Self { coding, layout, numbers, keys }
    }

    fn depth(&self) -> usize {
        self.layout.widths().len() - 1
    }

    /// The layout of a tensor of images; none of weights.
    fn rows(&self, tensor: Tensor) -> Result<Option<Rows>> {
        match tensor {
            Tensor::Weights | Tensor::NewWeights => Ok(None),
            _ => {
                let rows = Rows::of(tensor, self.depth());
                rows.map(Some).ok_or_else(|| CipherError::data("a tensor", tensor, "one that is sent"))
            }
        }
    }

    /// Fractional bits of a tensor.
    fn bits(&self, rows: Option<Rows>) -> u32 {
        match rows {
            None => self.numbers.weight_bits(),
            Some(Rows::Inputs(_)) => self.numbers.activation_bits,
            Some(Rows::Sums(_)) => self.numbers.sum_bits(),
            Some(Rows::Errors(_)) => self.numbers.error_bits,
            Some(Rows::InputGradients(_)) => self.numbers.back_bits(),
        }
    }

    fn pieces(&self, rows: Option<Rows>, images: usize) -> usize {
        rows.map_or(self.layout.weight_pieces(), |rows| self.layout.pieces(rows, images))
    }

    /// A number as it stands in a ciphertext. Targets are rounded, half away from zero, and weights saturated, as they may have been
    /// decrypted before; others must be what the formats have.
    fn scaled(&self, rows: Option<Rows>, tensor: Tensor, value: f64) -> Result<f64> {
        let bits = self.bits(rows);
        let integer = value * f64::from(bits).exp2();
        // The number itself is not told: what is encrypted may have been decrypted before.
        if !integer.is_finite() {
            return Err(CipherError::data(
                "a number to be encrypted",
                "one that is not finite",
                "a finite one",
            ));
        }
        let saturated = |value: f64, largest: f64| {
            if rows.is_none() { value.clamp(-largest, largest) } else { value }
        };
        if !C::EXACT {
            return Ok(saturated(integer * self.coding.factor(rows), 1.0));
        }
        let largest = f64::from(self.numbers.log_t - 1).exp2();
        let rounded = saturated(integer.round(), largest - 1.0);
        if rounded.abs() >= largest {
            let needed = format!("less than {}", largest / f64::from(bits).exp2());
            return Err(CipherError::data("a number to be encrypted", "a larger one", needed));
        }
        if integer.fract() != 0.0 && tensor != Tensor::Targets {
            return Err(CipherError::data(
                "a number to be encrypted",
                "another",
                format!("a multiple of 2^-{bits}"),
            ));
        }
        Ok(rounded * self.coding.factor(rows))
    }

    fn put(pieces: &mut [Vec<f64>], places: &[At], value: f64) {
        for at in places {
            pieces[at.piece][at.index] = if at.negated { -value } else { value };
        }
    }

    fn place_rows(&self, tensor: Tensor, rows: Rows, values: ArrayView2<'_, f64>) -> Result<Vec<Vec<f64>>> {
        let columns = self.layout.columns(rows);
        if values.ncols() != columns || values.nrows() == 0 {
            return Err(CipherError::data(
                "columns of a tensor",
                format!("{} x {}", values.nrows(), values.ncols()),
                columns,
            ));
        }
        let mut pieces = vec![vec![0.0; self.layout.size()]; self.layout.pieces(rows, values.nrows())];
        for ((image, column), &value) in values.indexed_iter() {
            let value = self.scaled(Some(rows), tensor, value)?;
            Self::put(&mut pieces, &self.layout.places(rows, image, column), value);
        }
        Ok(pieces)
    }

    /// Weights and biases at their places.
    fn place_model(&self, tensor: Tensor, model: &Model) -> Result<Vec<Vec<f64>>> {
        let widths = self.layout.widths();
        let shapes: Vec<Vec<usize>> = widths.windows(2).map(<[usize]>::to_vec).collect();
        let found: Vec<&[usize]> = model.layers.iter().map(|layer| &layer.shape[..]).collect();
        if found != shapes {
            return Err(CipherError::data("shapes of weights", format!("{found:?}"), format!("{shapes:?}")));
        }
        let mut pieces = vec![vec![0.0; self.layout.size()]; self.layout.weight_pieces()];
        for (l, layer) in model.layers.iter().enumerate() {
            let (inputs, outputs) = (widths[l], widths[l + 1]);
            for (i, &value) in layer.weight.iter().chain(&layer.bias).enumerate().take((inputs + 1) * outputs)
            {
                let value = self.scaled(None, tensor, value)?;
                Self::put(&mut pieces, &self.layout.weight(l, i / outputs, i % outputs), value);
            }
        }
        Ok(pieces)
    }

    /// The ciphertexts of a tensor.
    fn read(
        &self,
        tensor: Tensor,
        rows: Option<Rows>,
        images: usize,
        parts: &[Pieces],
    ) -> Result<Vec<C::Ciphertext>> {
        let wrong = |source| CipherError::Message { tensor, source };
        let (size, kept) = (self.layout.size(), rows.is_none());
        let read = |_: usize, reader: &mut Reader<'_>| self.coding.read(&self.keys, reader, size, kept);
        let names = ["ciphertexts of a tensor", "ciphertext"];
        Pieces::read(parts, self.pieces(rows, images), names, read).map_err(wrong)
    }

    fn decrypt(&self, all: &[C::Ciphertext]) -> Result<Vec<Vec<f64>>> {
        all.par_iter().map(|ciphertext| self.coding.decrypt(&self.keys, ciphertext)).collect()
    }

    /// Numbers at places, as they are known to the client: rows by columns.
    fn values(&self, rows: Option<Rows>, shape: (usize, usize), numbers: Vec<f64>) -> Values {
        let (bits, factor) = (self.bits(rows), self.coding.factor(rows));
        let numbers = Array2::from_shape_vec(shape, numbers).unwrap_or_default();
        if C::EXACT {
            return Values::Exact(numbers.mapv(|value| value as i128), bits);
        }
        let unit = factor * f64::from(bits).exp2();
        Values::Real(numbers.mapv(|value| value / unit))
    }
}

impl<C: Coding, L: Places> TableCipher<C, L> {
    /// Weights and biases of each layer.
    fn model(&self, pieces: &[Vec<f64>]) -> Vec<(Values, Values)> {
        let widths = self.layout.widths();
        let layer = |(l, pair): (usize, &[usize])| {
            let of = |(k, o)| get(pieces, &self.layout.weight(l, k, o));
            let all = |rows: Range<usize>| -> Values {
                let numbers: Vec<f64> =
                    rows.flat_map(|k| (0..pair[1]).map(move |o| (k, o))).map(of).collect();
                self.values(None, (1, numbers.len()), numbers)
            };
            (all(0..pair[0]), all(pair[0]..pair[0] + 1))
        };
        widths.windows(2).enumerate().map(layer).collect()
    }
}

/// Lookups that are timed together, by thread.
const LOOKUPS: usize = 8;

/// CPU seconds of a lookup, many at a time.
fn time_lookup(key: &he_tfhe::SecretKey) -> Result<f64> {
    let (evaluator, params) = (he_tfhe::Evaluator::new(key.evaluation_keys()?), key.params());
    let table = LookupTable::on_half_torus(params, &[&[0, 1 << 24]])?.with_tolerance(1);
    let count = LOOKUPS * rayon::current_num_threads();
    let inputs = he_tfhe::Encryptor::with_secret(key).encrypt_phases(&vec![0; count])?;
    Ok(meter::time(|| evaluator.bootstrap_batch(&inputs, &table).map(drop))? / count as f64)
}

/// The number at the first of some places.
fn get(pieces: &[Vec<f64>], places: &[At]) -> f64 {
    let at = places.first().and_then(|at| Some((at, pieces.get(at.piece)?.get(at.index)?)));
    at.map_or(0.0, |(at, value)| if at.negated { -value } else { *value })
}

impl<C: Coding, L: Places> Cipher for TableCipher<C, L> {
    fn secret_bytes(&self) -> Vec<Zeroizing<Vec<u8>>> {
        vec![self.keys.secret_bytes()]
    }

    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>> {
        self.keys.evaluation_keys()
    }

    fn time_units(&self) -> Result<Vec<f64>> {
        self.keys.time_units()
    }

    fn encrypt(&self, tensor: Tensor, values: Plain<'_>) -> Result<Vec<Vec<Vec<u8>>>> {
        let pieces = match (self.rows(tensor)?, values) {
            (Some(rows), Plain::Rows(values)) => self.place_rows(tensor, rows, values)?,
            (None, Plain::Model(model)) => self.place_model(tensor, model)?,
            (Some(_), Plain::Model(_)) => {
                return Err(CipherError::data("values of a tensor", "a model", "rows"));
            }
            (None, Plain::Rows(_)) => return Err(CipherError::data("values of a tensor", "rows", "a model")),
        };
        let one = |values: &Vec<f64>| self.coding.encrypt(&self.keys, values);
        Ok(vec![pieces.par_iter().map(one).collect::<Result<_, _>>()?])
    }

    fn open(&self, tensor: Tensor, images: usize, parts: &[Pieces]) -> Result<Decryption<'_>> {
        // There is no momentum.
        let still = matches!(tensor, Tensor::Momentum | Tensor::NewMomentum);
        let rows = if still { None } else { self.rows(tensor)? };
        let all = if still { Vec::new() } else { self.read(tensor, rows, images, parts)? };
        check_secrets(tensor, all.iter().map(|c| self.coding.secrets(&self.keys, c)))?;
        Ok(Box::new(move || {
            let pieces = self.decrypt(&all)?;
            let Some(rows) = rows else {
                return Ok(Opened::Layers(self.model(&pieces)).into());
            };
            let columns = self.layout.columns(rows);
            let all = (0..images * columns).map(|i| self.layout.places(rows, i / columns, i % columns));
            let numbers = all.map(|places| get(&pieces, &places)).collect();
            Ok(Opened::Rows(self.values(Some(rows), (images, columns), numbers)).into())
        }))
    }

    fn open_records(&self, records: &[u8]) -> Result<Vec<u32>> {
        self.keys.open_records(records)
    }
}
