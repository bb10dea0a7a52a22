//! The client's side of words in TFHE.

use std::sync::Arc;

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::{Decryptor, Encryptor, LweCiphertext, Parameters, PublicKey, SecretKey, bits, digits};
use ndarray::{Array2, ArrayView2};
use zeroize::Zeroizing;

use super::{
    Cipher, CipherError, Decrypted, Decryption, Opened, Plain, PublicCipher, Result, Values, check_secrets,
    only, row,
};
use crate::engine::Pieces;
use crate::engine::words::{BitWords, Coding, DigitWords, Shape};
use crate::meter::{self, Spent};
use crate::model::Model;
use crate::numbers::words::Format;
use crate::program::Tensor;

/// How a client encrypts words.
pub(crate) trait ClientCoding: Coding {
    fn encrypt(
        format: Format,
        encryptor: &Encryptor<'_>,
        words: &[i64],
    ) -> Result<Vec<Self::Word>, he_tfhe::Error>;

    /// The ciphertexts of a word.
    fn pieces(word: &Self::Word) -> &[LweCiphertext];

    /// Decrypts words, whatever they hold: pieces out of range are reduced, and counted.
    ///
    /// # Errors
    /// If a word belongs to other parameters.
    fn decrypt(key: &SecretKey, words: &[Self::Word]) -> Result<(Vec<i64>, u64), he_tfhe::Error>;
}

impl ClientCoding for BitWords {
    fn encrypt(
        format: Format,
        encryptor: &Encryptor<'_>,
        words: &[i64],
    ) -> Result<Vec<Self::Word>, he_tfhe::Error> {
        bits::encrypt(encryptor, words, format.word_bits as usize)
    }

    fn pieces(word: &Self::Word) -> &[LweCiphertext] {
        word.bits()
    }

    fn decrypt(key: &SecretKey, words: &[Self::Word]) -> Result<(Vec<i64>, u64), he_tfhe::Error> {
        // A bit is the sign of its phase: none is out of range.
        let decryptor = Decryptor::new(key);
        let words = words.iter().map(|word| bits::decrypt_reduced(&decryptor, word));
        Ok((words.collect::<Result<_, _>>()?, 0))
    }
}

impl ClientCoding for DigitWords {
    fn encrypt(
        format: Format,
        encryptor: &Encryptor<'_>,
        words: &[i64],
    ) -> Result<Vec<Self::Word>, he_tfhe::Error> {
        digits::encrypt(encryptor, words, format.word_bits)
    }

    fn pieces(word: &Self::Word) -> &[LweCiphertext] {
        word.digits()
    }

    fn decrypt(key: &SecretKey, words: &[Self::Word]) -> Result<(Vec<i64>, u64), he_tfhe::Error> {
        let decryptor = Decryptor::new(key);
        let all = words.iter().map(|word| digits::decrypt_reduced(&decryptor, word));
        let (words, out_of_range): (Vec<i64>, Vec<u64>) =
            all.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok((words, out_of_range.iter().sum()))
    }
}

/// Words that are added to time bootstraps, by thread.
const WORDS: usize = 4;

/// A secret key of TFHE, and the layers whose weights are words.
pub(crate) struct WordCipher<C> {
    shape: Arc<Shape>,
    key: SecretKey,
    coding: std::marker::PhantomData<fn() -> C>,
}

impl<C: ClientCoding> WordCipher<C> {
    fn new(shape: &Arc<Shape>, key: SecretKey) -> Self {
        Self { shape: Arc::clone(shape), key, coding: std::marker::PhantomData }
    }

    /// With a new secret key.
    pub(crate) fn generate(shape: &Arc<Shape>, parameters: &Parameters) -> Result<Self> {
        Ok(Self::new(shape, SecretKey::generate(parameters)?))
    }

    /// With a secret key of before, as [`Cipher::secret_bytes`] gave it.
    ///
    /// # Errors
    /// If it is damaged or of other parameters, or there is another number of keys.
    pub(crate) fn with_secret(
        shape: &Arc<Shape>,
        parameters: &Parameters,
        keys: &[Zeroizing<Vec<u8>>],
    ) -> Result<Self> {
        let key = SecretKey::from_secret_bytes(parameters, only(keys)?);
        Ok(Self::new(shape, key.map_err(|source| CipherError::Keys { what: "secret key", source })?))
    }

    /// Weights and biases of the layers that run here, layer after layer.
    fn numbers(&self, model: &Model) -> Result<Vec<f64>> {
        let mut numbers = Vec::new();
        for (l, [weights, biases]) in self.shape.sizes() {
            let layer = model.layers.get(l);
            let (found, needed) = (layer.map(|l| [l.weight.len(), l.bias.len()]), [weights, biases]);
            let Some(layer) = layer.filter(|_| found == Some(needed)) else {
                return Err(CipherError::Data {
                    what: "weights and biases of a layer",
                    found: format!("{found:?}"),
                    needed: format!("{needed:?} in layer {}", l + 1),
                });
            };
            numbers.extend(layer.weight.iter().chain(&layer.bias));
        }
        Ok(numbers)
    }

    fn read(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<Vec<C::Word>, WireError> {
        let read =
            |_: usize, reader: &mut Reader<'_>| C::read_word(self.shape.format, self.key.params(), reader);
        Pieces::read(parts, self.shape.words(tensor, rows).unwrap_or(0), ["number of words", "word"], read)
    }

    /// Weights and biases of each layer.
    fn layers(&self, words: &[i128]) -> Vec<(Values, Values)> {
        let values = |words: &[i128]| Values::Exact(row(words.to_vec()), self.shape.format.fraction_bits);
        let mut rest = words;
        let layers = self.shape.sizes().map(|(_, [weights, biases])| {
            let (layer, after) = rest.split_at(weights + biases);
            rest = after;
            let (weights, biases) = layer.split_at(weights);
            (values(weights), values(biases))
        });
        layers.collect()
    }
}

/// The word of a number, which must be one exactly.
fn word(format: Format, (place, value): (usize, f64)) -> Result<i64> {
    let word = value * format.one() as f64;
    if word == word.round() && word.abs() <= format.largest() as f64 {
        return Ok(word as i64);
    }
    let (bits, fraction) = (format.word_bits, format.fraction_bits);
    Err(CipherError::Data {
        what: "a number to be encrypted",
        found: format!("number {} is none", place + 1),
        needed: format!("words of {bits} bits, {fraction} of them behind the point"),
    })
}

/// Encrypts the numbers of a tensor of so many rows.
fn encrypt<C: ClientCoding>(
    shape: &Shape,
    encryptor: &Encryptor<'_>,
    (tensor, rows): (Tensor, usize),
    numbers: Vec<f64>,
) -> Result<Vec<Vec<Vec<u8>>>> {
    let needed = shape.words(tensor, rows).unwrap_or(0);
    if numbers.len() != needed {
        return Err(CipherError::data("numbers", numbers.len(), format!("{needed} of {tensor}")));
    }
    let words = numbers.into_iter().enumerate().map(|number| word(shape.format, number));
    let words = Zeroizing::new(words.collect::<Result<Vec<_>, _>>()?);
    let write = |word: &C::Word| {
        let mut out = Writer::new();
        C::write(word, &mut out);
        out.finish()
    };
    Ok(vec![C::encrypt(shape.format, encryptor, &words)?.iter().map(write).collect()])
}

impl<C: ClientCoding> Cipher for WordCipher<C> {
    fn secret_bytes(&self) -> Vec<Zeroizing<Vec<u8>>> {
        vec![self.key.to_secret_bytes()]
    }

    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>> {
        let keys = self.key.seeded_evaluation_keys()?.to_bytes();
        Ok(vec![keys.map_err(|source| CipherError::Keys { what: "evaluation keys", source })?])
    }

    /// A bootstrap among others, and the keys.
    fn time_units(&self) -> Result<Vec<f64>> {
        let mut keys = Spent::default();
        let evaluation = keys.on(|| self.key.evaluation_keys())?;
        let arithmetic = C::new(self.shape.format, &[], evaluation).map_err(CipherError::timed)?;
        let words = vec![0; WORDS * rayon::current_num_threads()];
        let words = C::encrypt(self.shape.format, &Encryptor::with_secret(&self.key), &words)?;
        let pairs: Vec<_> = words.iter().zip(&words).collect();
        let mut calls = 0;
        let seconds = meter::time(|| {
            calls += 1;
            arithmetic.add(&pairs).map(drop).map_err(CipherError::timed)
        })?;
        let bootstraps = arithmetic.bootstraps() as f64 / f64::from(calls);
        Ok(vec![seconds / bootstraps.max(1.0), keys.cpu])
    }

    fn encrypt(&self, tensor: Tensor, values: Plain<'_>) -> Result<Vec<Vec<Vec<u8>>>> {
        let (rows, numbers) = match values {
            Plain::Rows(rows) => (rows.nrows(), rows.iter().copied().collect()),
            Plain::Model(model) => (0, self.numbers(model)?),
        };
        encrypt::<C>(&self.shape, &Encryptor::with_secret(&self.key), (tensor, rows), numbers)
    }

    fn public_keys(&self) -> Result<Vec<Vec<u8>>> {
        let bytes = self.key.public_key()?.to_bytes();
        Ok(vec![bytes.map_err(|source| CipherError::Keys { what: "public key", source })?])
    }

    fn open(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<Decryption<'_>> {
        if matches!(tensor, Tensor::Momentum | Tensor::NewMomentum) {
            return Ok(Box::new(|| Ok(Opened::Layers(vec![]).into())));
        }
        let words =
            self.read(tensor, rows, parts).map_err(|source| CipherError::Message { tensor, source })?;
        // Constants, as bits that are the same in all words, are under every secret.
        let secrets = words.iter().flat_map(C::pieces).filter_map(LweCiphertext::secret_id);
        check_secrets(tensor, secrets.map(|found| [found, self.key.secret_id()]))?;
        Ok(Box::new(move || {
            let (words, out_of_range) = C::decrypt(&self.key, &words)?;
            let words: Vec<i128> = words.into_iter().map(i128::from).collect();
            let opened = if tensor.is_of_model() {
                Opened::Layers(self.layers(&words))
            } else {
                let shape = (rows, words.len() / rows.max(1));
                let rows = Array2::from_shape_vec(shape, words).unwrap_or_default();
                Opened::Rows(Values::Exact(rows, self.shape.format.fraction_bits))
            };
            Ok(Decrypted { opened, out_of_range })
        }))
    }
}

/// The public key of TFHE, and the layers whose features and targets are words.
pub(crate) struct WordPublic<C> {
    shape: Arc<Shape>,
    key: PublicKey,
    coding: std::marker::PhantomData<fn() -> C>,
}

impl<C: ClientCoding> WordPublic<C> {
    /// A data owner's side with the key of a client.
    ///
    /// # Errors
    /// If it is missing, damaged or of other parameters.
    pub(crate) fn new(shape: &Arc<Shape>, parameters: &Parameters, keys: &[Vec<u8>]) -> Result<Self> {
        let [key] = keys else { return Err(CipherError::data("public keys", keys.len(), 1)) };
        let key = PublicKey::from_bytes(parameters, key);
        let key = key.map_err(|source| CipherError::Keys { what: "public key", source })?;
        Ok(Self { shape: Arc::clone(shape), key, coding: std::marker::PhantomData })
    }
}

impl<C: ClientCoding> PublicCipher for WordPublic<C> {
    fn encrypt(&self, tensor: Tensor, rows: ArrayView2<'_, f64>) -> Result<Vec<Vec<Vec<u8>>>> {
        let encryptor = Encryptor::with_public(&self.key);
        encrypt::<C>(&self.shape, &encryptor, (tensor, rows.nrows()), rows.iter().copied().collect())
    }
}
