//! The client's side of layers in columns.

mod wide;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use he_core::wire::{Reader, WireError, Writer};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use zeroize::Zeroizing;

use self::wide::Crt;
use super::bgv::time_rotation;
use super::{Cipher, CipherError, Decryption, Opened, Plain, Result, Values, row, side_by_side};
use crate::engine::Pieces;
use crate::engine::columns::{
    Agreement, Channel, IntegerKeys, PUBLIC, SEALED, key_request, of_one_step, read_integers, read_yashe,
    steps_of, yashe_residue_encoder,
};
use crate::engine::form::{check_secret, number};
use crate::engine::integers::residue_encoder;
use crate::model::{LayerState, Model};
use crate::program::Tensor;

/// The secret key of a plaintext prime.
enum Key {
    Integers(he_bgv::SecretKey),
    Yashe(Box<LegacyKey>),
}

/// A secret key of YASHE, and the public one that encryption takes.
struct LegacyKey {
    secret: he_yashe::SecretKey,
    public: he_yashe::PublicKey,
}

impl LegacyKey {
    /// CPU seconds of a rotation over all primes, alone on a thread.
    fn time_rotation(&self) -> Result<f64> {
        let params = self.secret.params();
        let request = he_yashe::KeyRequest::default().rotations(params, &[1]);
        let evaluator = he_yashe::Evaluator::new(params, self.secret.evaluation_keys(&request)?)?;
        let zero = yashe_residue_encoder(params).encode(&[])?;
        let operand = he_yashe::Encryptor::new(&self.public).encrypt(&zero)?;
        side_by_side(|| evaluator.rotate_rows(&operand, 1).map(drop).map_err(Into::into))
    }
}

/// A ciphertext of a plaintext prime.
enum Sealed {
    Integers(he_bgv::Ciphertext),
    Yashe(he_yashe::Ciphertext),
}

impl Key {
    fn generate(channel: &Channel) -> Result<Self> {
        Ok(match channel {
            Channel::Integers(form) => Self::Integers(he_bgv::SecretKey::generate(form.params())?),
            Channel::Yashe(params) => Self::yashe(he_yashe::SecretKey::generate(params)?),
        })
    }

    fn yashe(secret: he_yashe::SecretKey) -> Self {
        Self::Yashe(Box::new(LegacyKey { public: secret.public_key(), secret }))
    }

    fn of_bytes(channel: &Channel, number: usize, bytes: &[u8]) -> Result<Self> {
        let wrong = |source| CipherError::Secret { number, source };
        Ok(match channel {
            Channel::Integers(form) => {
                Self::Integers(he_bgv::SecretKey::from_secret_bytes(form.params(), bytes).map_err(wrong)?)
            }
            Channel::Yashe(params) => Self::yashe(he_yashe::SecretKey::from_secret_bytes(params, bytes)?),
        })
    }

    fn bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Integers(key) => key.to_secret_bytes(),
            Self::Yashe(key) => key.secret.to_secret_bytes(),
        }
    }

    /// Refuses a ciphertext under another secret.
    fn check(&self, sealed: Sealed) -> Result<Sealed, WireError> {
        let (found, needed) = match (&sealed, self) {
            (Sealed::Integers(c), Self::Integers(key)) => (c.secret_id(), key.secret_id()),
            (Sealed::Yashe(c), Self::Yashe(key)) => (c.secret_id(), key.secret.secret_id()),
            _ => return Err(WireError::Invalid { what: "ciphertext", why: "of another scheme".into() }),
        };
        check_secret(Some(found), Some(needed)).map(|()| sealed)
    }

    /// Encrypts slots over all primes.
    fn encrypt(&self, channel: &Channel, slots: &[i64], out: &mut Writer) -> Result<()> {
        match (self, channel) {
            (Self::Integers(key), Channel::Integers(form)) => {
                let plaintext = residue_encoder(form.params()).encode(slots)?;
                form.encrypt(key, &plaintext, form.params().max_level(), out)?;
            }
            (Self::Yashe(key), Channel::Yashe(params)) => {
                let plaintext = yashe_residue_encoder(params).encode(slots)?;
                let sealed = he_yashe::Encryptor::new(&key.public).encrypt(&plaintext)?;
                sealed.write(out).map_err(|source| CipherError::Keys { what: "ciphertext", source })?;
            }
            _ => return Err(CipherError::data("secret key", "of another scheme", "that of the plan")),
        }
        Ok(())
    }

    fn decrypt(&self, sealed: &Sealed) -> Result<Vec<i64>> {
        match (self, sealed) {
            (Self::Integers(key), Sealed::Integers(c)) => {
                Ok(he_bgv::Encoder::new(key.params()).decode(&he_bgv::Decryptor::new(key).decrypt(c)?)?)
            }
            (Self::Yashe(key), Sealed::Yashe(c)) => {
                let plaintext = he_yashe::Decryptor::new(&key.secret).decrypt(c)?;
                Ok(he_yashe::Encoder::new(key.secret.params()).decode(&plaintext)?)
            }
            _ => Err(CipherError::data("ciphertext", "of another scheme", "that of the plan")),
        }
    }
}

/// Secret keys, one for each plaintext prime, and the columns.
pub(crate) struct ColumnsCipher {
    agreement: Arc<Agreement>,
    keys: Vec<Key>,
    plaintext: Crt,
    /// Whether encrypted weights were opened: those of the client are no longer public, whatever they are.
    opened: AtomicBool,
}

impl ColumnsCipher {
    /// With new keys.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub(crate) fn generate(agreement: &Arc<Agreement>) -> Result<Self> {
        let keys = agreement.channels.iter().map(Key::generate).collect::<Result<_>>()?;
        Ok(Self::new(agreement, keys))
    }

    /// With keys of before.
    ///
    /// # Errors
    /// If one is missing, damaged or of other parameters.
    pub(crate) fn with_secret(agreement: &Arc<Agreement>, keys: &[Zeroizing<Vec<u8>>]) -> Result<Self> {
        let needed = agreement.channels.len();
        if keys.len() != needed {
            return Err(CipherError::data("secret keys", keys.len(), needed));
        }
        let read = agreement.channels.iter().zip(keys).enumerate();
        let keys = read.map(|(number, (channel, bytes))| Key::of_bytes(channel, number, bytes));
        Ok(Self::new(agreement, keys.collect::<Result<_>>()?))
    }

    fn new(agreement: &Arc<Agreement>, keys: Vec<Key>) -> Self {
        let moduli: Vec<_> = agreement.channels.iter().map(Channel::t).collect();
        let opened = AtomicBool::new(false);
        Self { agreement: Arc::clone(agreement), keys, plaintext: Crt::new(&moduli), opened }
    }

    /// Slots of images by columns: features beside one another, targets everywhere.
    fn pack(&self, tensor: Tensor, values: ArrayView2<'_, f64>) -> Result<Vec<Vec<i64>>> {
        let Agreement { columns, batch, ladder, .. } = &*self.agreement;
        let count = self.agreement.ciphertexts(tensor).unwrap_or(0);
        let layers = &self.agreement.layers;
        let (beside, bits, width) = match tensor {
            Tensor::Features => (true, ladder.input, layers.first().map_or(0, |layer| layer.inputs)),
            Tensor::Targets => (false, ladder.targets(), count),
            _ => return Err(CipherError::foreign(tensor, "images by columns")),
        };
        if values.nrows() > *batch || values.ncols() != width {
            let found = format!("{} x {}", values.nrows(), values.ncols());
            return Err(CipherError::data("images by columns", found, format!("at most {batch} x {width}")));
        }
        let mut all = vec![vec![0; columns.slots()]; count];
        for ((image, unit), &value) in values.indexed_iter() {
            let integer = (value * f64::from(bits).exp2()).round();
            // The number itself is not told.
            if integer.abs() > f64::from(1u32 << 30) || (beside && integer != value * f64::from(bits).exp2())
            {
                let needed = format!("a multiple of 2^-{bits}");
                return Err(CipherError::data("number to be encrypted", "another", needed));
            }
            if beside {
                let (tile, slot) = columns.place(unit, image);
                all[tile][slot] = integer as i64;
            } else {
                (0..columns.groups).for_each(|g| all[unit][g * columns.images + image] = integer as i64);
            }
        }
        Ok(all)
    }

    /// Reads the ciphertexts of a tensor: for each plaintext prime its own, and of how many steps; none of weights that are public.
    fn read(&self, tensor: Tensor, parts: &[Pieces]) -> Result<Option<(usize, Vec<Vec<Sealed>>)>> {
        let wrong = |source| CipherError::Message { tensor, source };
        let count = self.agreement.ciphertexts(tensor);
        let count = count.ok_or_else(|| CipherError::foreign(tensor, "tensor that is decrypted"))?;
        let steps = self.agreement.ladder.steps();
        let read = |index: usize, reader: &mut Reader<'_>| {
            let Some(done) = steps_of(tensor, reader.u8("piece")?, steps)? else { return Ok(None) };
            let sealed = match &self.agreement.channels[index / count] {
                Channel::Integers(form) => read_integers(form, reader, false).map(Sealed::Integers),
                Channel::Yashe(params) => read_yashe(params, reader, false).map(Sealed::Yashe),
            };
            let sealed = sealed.and_then(|sealed| self.keys[index / count].check(sealed));
            Ok(Some((done, sealed.map_err(|error| number(index, error))?)))
        };
        let names = ["number of ciphertexts", "ciphertext"];
        let all = Pieces::read(parts, count * self.keys.len(), names, read).map_err(wrong)?;
        let Some((done, sealed)) = of_one_step(all).map_err(wrong)? else { return Ok(None) };
        let mut sealed = sealed.into_iter();
        Ok(Some((done, self.keys.iter().map(|_| sealed.by_ref().take(count).collect()).collect())))
    }

    /// The slots of each ciphertext, modulo each plaintext prime.
    fn decrypt(&self, all: &[Vec<Sealed>]) -> Result<Vec<Vec<Vec<i64>>>> {
        let count = all.first().map_or(0, Vec::len);
        let slots =
            |at: usize| self.keys.iter().zip(all).map(|(key, sealed)| key.decrypt(&sealed[at])).collect();
        (0..count).into_par_iter().map(slots).collect()
    }

    /// Weights and biases out of slots.
    fn unpack_model(&self, slots: &[Vec<Vec<i64>>], done: usize) -> Opened {
        let (columns, bits) = (&self.agreement.columns, self.agreement.ladder.weight(done));
        let layers = self.agreement.layers.iter().enumerate().map(|(l, layer)| {
            let (tiles, count) = (columns.tiles(layer.inputs), self.agreement.weight_tiles(layer));
            let start = self.agreement.of_weights(l).start;
            let value = |number: usize, unit: usize| {
                let (at, slot) = match self.agreement.is_packed() {
                    true => columns.packed(number, count, unit),
                    false => (number, columns.place(unit, 0).1),
                };
                self.plaintext.number(slots[start + at].iter().map(|residues| residues[slot]), bits)
            };
            let weight = |at: usize| {
                let (input, output) = (at / layer.outputs, at % layer.outputs);
                value(output * tiles + input / columns.groups, input)
            };
            let bias = |j: usize| value(layer.outputs * tiles + j / columns.groups, j);
            let values = |all: Vec<f64>| Values::Real(row(all));
            let weights = (0..layer.inputs * layer.outputs).map(weight).collect();
            (values(weights), values((0..layer.outputs).map(bias).collect()))
        });
        Opened::Layers(layers.collect())
    }

    /// Numbers of each layer that the client has itself.
    fn own(&self, of: impl Fn(&LayerState) -> [Vec<f64>; 2]) -> Opened {
        let real = |values: Vec<f64>| Values::Real(row(values));
        let layers = self.agreement.first.layers.iter().map(|state| {
            let [weight, bias] = of(state);
            (real(weight), real(bias))
        });
        Opened::Layers(layers.collect())
    }

    /// Refuses weights that are not the public ones: they would be shown.
    fn check_public(&self, model: &Model) -> Result<()> {
        if !self.opened.load(Ordering::SeqCst) && *model == self.agreement.first {
            return Ok(());
        }
        let needed =
            "those that the recipe begins with: without a refresh weights are encrypted by the server alone";
        Err(CipherError::data("weights to be sent in the clear", "others", needed))
    }
}

impl Cipher for ColumnsCipher {
    fn secret_bytes(&self) -> Vec<Zeroizing<Vec<u8>>> {
        self.keys.iter().map(Key::bytes).collect()
    }

    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>> {
        let wrong = |source| CipherError::Keys { what: "evaluation keys", source };
        let make = |(key, channel): (&Key, &Channel)| match (key, channel) {
            (Key::Integers(key), Channel::Integers(form)) => {
                Ok(form.evaluation_keys(key, &IntegerKeys::of(&self.agreement, form.params()))?)
            }
            (Key::Yashe(key), Channel::Yashe(params)) => {
                let keys = key.secret.evaluation_keys(&key_request(&self.agreement, params))?;
                keys.to_bytes().map_err(wrong)
            }
            _ => Err(CipherError::data("secret key", "of another scheme", "that of the plan")),
        };
        self.keys.iter().zip(&self.agreement.channels).map(make).collect()
    }

    fn time_units(&self) -> Result<Vec<f64>> {
        let time = |key: &Key| match key {
            Key::Integers(key) => time_rotation(key),
            Key::Yashe(key) => key.time_rotation(),
        };
        self.keys.first().map_or(Ok(vec![0.0]), |key| Ok(vec![time(key)?]))
    }

    fn encrypt(&self, tensor: Tensor, values: Plain<'_>) -> Result<Vec<Vec<Vec<u8>>>> {
        let rows = match values {
            Plain::Rows(rows) => rows,
            Plain::Model(model) => {
                self.check_public(model)?;
                let count = self.agreement.ciphertexts(tensor).unwrap_or(0) * self.keys.len();
                return Ok(vec![vec![vec![PUBLIC]; count]]);
            }
        };
        let slots = self.pack(tensor, rows)?;
        let pieces = (0..self.keys.len() * slots.len()).into_par_iter().map(|i| {
            let (c, slots) = (i / slots.len(), &slots[i % slots.len()]);
            let residues = Zeroizing::new(self.plaintext.residues(slots, c));
            let mut piece = Writer::new();
            piece.u8(SEALED);
            self.keys[c].encrypt(&self.agreement.channels[c], &residues, &mut piece)?;
            Ok(piece.finish())
        });
        Ok(vec![pieces.collect::<Result<_>>()?])
    }

    fn open(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<Decryption<'_>> {
        if matches!(tensor, Tensor::Momentum | Tensor::NewMomentum) {
            // There is none.
            return Ok(Box::new(|| {
                let zeros = |values: &[f64]| vec![0.0; values.len()];
                Ok(self.own(|state| [zeros(&state.weight), zeros(&state.bias)]).into())
            }));
        }
        let Some((done, all)) = self.read(tensor, parts)? else {
            return Ok(Box::new(|| Ok(self.own(|s| [s.weight.clone(), s.bias.clone()]).into())));
        };
        self.opened.fetch_or(tensor == Tensor::Weights, Ordering::SeqCst);
        Ok(Box::new(move || {
            let slots = self.decrypt(&all)?;
            if tensor == Tensor::Weights {
                return Ok(self.unpack_model(&slots, done).into());
            }
            let ladder = &self.agreement.ladder;
            let bits = ladder.sum(self.agreement.layers.len() - 1, done);
            let values = Array2::from_shape_fn((rows, slots.len()), |(image, unit)| {
                self.plaintext.number(slots[unit].iter().map(|residues| residues[image]), bits)
            });
            Ok(Opened::Rows(Values::Real(values)).into())
        }))
    }
}
