//! The secret key.

use he_core::ring::kernel::{mul_assign, mul_scalar_add_assign, sub_assign};
use he_core::ring::sample::{Gaussian, Prng};
use he_core::rlwe::{self, SecretId};
use he_core::wire::{self, Reader, WireError};
use rayon::prelude::*;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::error::Error;
use crate::object;
use crate::params::Parameters;

/// A secret key: the short key of `n` bits, of the input of blind rotations, and the long key of `k` binary polynomials, whose
/// coefficients are the key of ciphertexts between bootstraps.
///
/// It cannot be printed, cloned, compared or serialized by derive, and is wiped when dropped.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let encryptor = Encryptor::with_secret(&key);
/// // Bytes are the only way out of memory; they are wiped as well.
/// let bytes = key.to_secret_bytes();
/// let restored = SecretKey::from_secret_bytes(&params, &bytes)?;
/// assert_eq!(Decryptor::new(&restored).decrypt(&encryptor.encrypt(7)?)?, 7);
/// # Ok(())
/// # }
/// ```
/// ```compile_fail,E0277
/// fn print(key: &he_tfhe::SecretKey) { println!("{key:?}"); }
/// ```
/// ```compile_fail,E0308
/// fn copy(key: &he_tfhe::SecretKey) -> he_tfhe::SecretKey { key.clone() }
/// ```
/// ```compile_fail,E0369
/// fn compare(a: &he_tfhe::SecretKey, b: &he_tfhe::SecretKey) -> bool { a == b }
/// ```
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Backup { key: he_tfhe::SecretKey }
/// ```
#[derive(ZeroizeOnDrop)]
pub struct SecretKey {
    #[zeroize(skip)]
    params: Parameters,
    #[zeroize(skip)]
    id: SecretId,
    /// The short key.
    small: Zeroizing<Vec<i8>>,
    /// The coefficients of the polynomials, one after the other.
    big: Zeroizing<Vec<i8>>,
    /// The values of the polynomials.
    values: Zeroizing<Vec<u64>>,
}

impl SecretKey {
    /// Draws a key.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn generate(params: &Parameters) -> Result<Self, Error> {
        let mut prng = Prng::from_os()?;
        let mut draw = |length| {
            let mut bits = Zeroizing::new(vec![0_i8; length]);
            prng.binary(&mut bits);
            bits
        };
        let (small, big) = (draw(params.spec().lwe_dimension), draw(params.spec().big_dimension()));
        Ok(Self::from_bits(params, SecretId::draw()?, small, big))
    }

    fn from_bits(
        params: &Parameters,
        id: SecretId,
        small: Zeroizing<Vec<i8>>,
        big: Zeroizing<Vec<i8>>,
    ) -> Self {
        let mut values = Zeroizing::new(big.iter().map(|&bit| bit as u64).collect::<Vec<_>>());
        values.chunks_exact_mut(params.n()).for_each(|poly| params.ntt().forward(poly));
        Self { params: params.clone(), id, small, big, values }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret, which is public: all keys made from it and all ciphertexts under it carry it.
    pub fn secret_id(&self) -> SecretId {
        self.id
    }

    pub(crate) fn small(&self) -> &[i8] {
        &self.small
    }

    pub(crate) fn big(&self) -> &[i8] {
        &self.big
    }

    /// `b + ⟨a, s⟩` modulo `2^32`, for a mask under the short or the long key.
    pub(crate) fn phase(key: &[i8], words: &[u32]) -> u32 {
        let (mask, body) = words.split_at(key.len());
        let terms = mask.iter().zip(key).map(|(&a, &s)| a & 0_u32.wrapping_sub(s as u32));
        terms.fold(body[0], u32::wrapping_add)
    }

    /// The body that makes `mask` an encryption of `message` under `key`, with fresh noise.
    pub(crate) fn lwe_body(key: &[i8], mask: &[u32], message: u32, noise: &Gaussian, prng: &mut Prng) -> u32 {
        let mut error = Zeroizing::new([0_i64]);
        noise.sample(prng, &mut error[..]);
        let terms = mask.iter().zip(key).map(|(&a, &s)| a & 0_u32.wrapping_sub(s as u32));
        message.wrapping_add(error[0] as u32).wrapping_sub(terms.fold(0, u32::wrapping_add))
    }

    /// The body, in values, that makes `mask` a GLWE encryption of zero, with fresh noise.
    pub(crate) fn glwe_body(&self, mask: &[u64], body: &mut [u64], prng: &mut Prng) {
        let (q, n) = (self.params.modulus(), self.params.n());
        let mut errors = Zeroizing::new(vec![0_i64; n]);
        self.params.glwe_noise().sample(prng, &mut errors);
        for (x, &e) in body.iter_mut().zip(errors.iter()) {
            *x = q.reduce_i64(e);
        }
        self.params.ntt().forward(body);
        let mut product = Zeroizing::new(vec![0; n]);
        for (mask, s) in mask.chunks_exact(n).zip(self.values.chunks_exact(n)) {
            product.copy_from_slice(mask);
            mul_assign(q, &mut product, s);
            sub_assign(q, body, &product);
        }
    }

    /// The phase of a GLWE ciphertext `[body, masks…]` in coefficients.
    #[cfg(test)]
    pub(crate) fn glwe_phase(&self, ciphertext: &[u64]) -> Zeroizing<Vec<u64>> {
        let (q, n) = (self.params.modulus(), self.params.n());
        let (body, masks) = ciphertext.split_at(n);
        let mut sum = Zeroizing::new(vec![0; n]);
        for (mask, s) in masks.chunks_exact(n).zip(self.values.chunks_exact(n)) {
            let mut product = Zeroizing::new(mask.to_vec());
            self.params.ntt().forward(&mut product);
            he_core::ring::kernel::mul_add_assign(q, &mut sum, &product, s);
        }
        self.params.ntt().inverse(&mut sum);
        he_core::ring::kernel::add_assign(q, &mut sum, body);
        sum
    }

    /// The polynomial `s_i`, `i < k`, in values.
    pub(crate) fn polynomial(&self, i: usize) -> &[u64] {
        &self.values[i * self.params.n()..][..self.params.n()]
    }

    /// The polynomials of the key as secrets of an RLWE instance in the same ring, for bridges to other schemes. They have the
    /// identifier of the key.
    ///
    /// # Errors
    /// If the ring dimensions differ.
    pub fn ring_keys(&self, params: &rlwe::Parameters) -> Result<Vec<rlwe::SecretKey>, Error> {
        if params.n() != self.params.n() {
            return Err(Error::Foreign { operation: "ring key", object: "RLWE instance" });
        }
        let polynomials = self.big.chunks_exact(self.params.n());
        Ok(polynomials
            .map(|bits| rlwe::SecretKey::from_ternary(params, self.id, Zeroizing::new(bits.to_vec())))
            .collect())
    }

    /// The key as bytes: the only way in which it leaves memory. Its identifier, then one byte a bit, sealed with its parameters' hash.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (id, bits) = (self.id.to_bytes(), self.small.iter().chain(self.big.iter()));
        // Taken once at its size: growth would leave copies that nobody wipes.
        let mut body = Zeroizing::new(Vec::with_capacity(id.len() + self.small.len() + self.big.len()));
        body.extend(id.into_iter().chain(bits.map(|&bit| bit as u8)));
        Zeroizing::new(wire::seal(&object::header(&self.params, object::SECRET_KEY), &body))
    }

    /// A key from its bytes.
    ///
    /// # Errors
    /// If the bytes are damaged, belong to other parameters, lack an identifier, or hold something else than bits.
    pub fn from_secret_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let what = "secret key";
        let (small, big) = (params.spec().lwe_dimension, params.spec().big_dimension());
        let header = object::header(params, object::SECRET_KEY);
        let mut reader = Reader::new(wire::open(bytes, &header, SecretId::BYTES + small + big)?);
        let id = SecretId::read(&mut reader, what)?;
        let body = reader.bytes(small + big, what)?;
        reader.finish(what)?;
        if let Some((index, &found)) = body.iter().enumerate().find(|(_, bit)| **bit > 1) {
            return Err(WireError::Value { what, index, found: u64::from(found), bound: 2 });
        }
        let bits = |bytes: &[u8]| Zeroizing::new(bytes.iter().map(|&bit| bit as i8).collect::<Vec<_>>());
        Ok(Self::from_bits(params, id, bits(&body[..small]), bits(&body[small..])))
    }
}

/// Runs `make` for each index in parallel, each with randomness of its own.
pub(crate) fn each<T: Send>(
    count: usize,
    make: impl Fn(usize, &mut Prng) -> T + Sync,
) -> Result<Vec<T>, Error> {
    let mut root = Prng::from_os()?;
    let prngs: Vec<Prng> = (0..count).map(|_| root.fork()).collect();
    Ok(prngs.into_par_iter().enumerate().map(|(index, mut prng)| make(index, &mut prng)).collect())
}

/// GGSW rows without the message: for each row a GLWE encryption of zero with a mask out of `masks`, bodies alone.
pub(crate) fn ggsw_bodies(
    key: &SecretKey,
    masks: &mut Prng,
    gadget: &[u64],
    message: &Message<'_>,
    prng: &mut Prng,
) -> Vec<u64> {
    let params = &key.params;
    let (q, n, k) = (params.modulus(), params.n(), params.spec().glwe_dimension);
    let mut bodies = vec![0; (k + 1) * gadget.len() * n];
    let mut mask = vec![0; k * n];
    for (row, body) in bodies.chunks_exact_mut(n).enumerate() {
        let (column, step) = (row / gadget.len(), gadget[row % gadget.len()]);
        masks.uniform(q, &mut mask);
        key.glwe_body(&mask, body, prng);
        // The message times the gadget stands in column 0 or in a mask; a mask is drawn, so there its product with the key
        // goes to the body instead: the same phase.
        let mut term = Zeroizing::new(message.values(n));
        if column > 0 {
            mul_assign(q, &mut term, key.polynomial(column - 1));
        }
        mul_scalar_add_assign(q, body, &term, step);
    }
    bodies
}

/// Message of a GGSW ciphertext of a key.
pub(crate) enum Message<'a> {
    /// A bit.
    Bit(u64),
    /// A polynomial in values.
    Values(&'a [u64]),
}

impl Message<'_> {
    fn values(&self, n: usize) -> Vec<u64> {
        match self {
            Self::Bit(bit) => vec![*bit; n],
            Self::Values(values) => values.to_vec(),
        }
    }
}
