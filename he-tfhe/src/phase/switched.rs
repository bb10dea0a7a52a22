//! The phase under the short key modulo a power of two: the input of a blind rotation.

use he_core::rlwe::SecretId;
use he_core::wire::{Reader, WireError, Writer};
use rayon::prelude::*;

use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::rotation::switch_to;
use crate::secret::SecretKey;

/// Ciphertexts whose key switches share the tables made from the key.
const BLOCK: usize = 128;

/// An encrypted mod-switched phase: an LWE ciphertext under the short key modulo `2^log`, as a blind rotation in a ring of
/// dimension `2^{log − 1}` takes it.
///
/// The body is rounded down: for a phase `x` it stands for `⌊x·2^log⌋`, up to the noise of the key switch and of the modulus
/// switch.
///
/// ```
/// # use he_tfhe::{Encryptor, Error, Evaluator, SecretKey, Spec};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// // Three eighths of the torus, among 2^9 positions.
/// let input = Encryptor::with_secret(&key).encrypt_phases(&[3 << 29])?;
/// let switched = server.switched_phases(&[&input[0]], 9, 0)?;
/// assert!(key.decrypt_phase(&switched[0])?.abs_diff(3 << 6) < 8);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "reading")]
pub struct SwitchedPhase {
    params: Parameters,
    secret: SecretId,
    /// Mask, then body.
    words: Vec<u32>,
    log: u32,
}

impl SwitchedPhase {
    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }

    /// The mask, of the dimension of the short key, below `2^log`.
    pub fn mask(&self) -> &[u32] {
        &self.words[..self.words.len() - 1]
    }

    /// The body, below `2^log`.
    pub fn body(&self) -> u32 {
        self.words[self.words.len() - 1]
    }

    /// `log2` of the modulus.
    pub fn log(&self) -> u32 {
        self.log
    }

    /// Writes it without an envelope: the identifier of its secret, the bits of its modulus, and two bytes a word.
    pub fn write(&self, out: &mut Writer) {
        self.secret.write(out);
        out.u32(self.log);
        // Words are below `2^16`.
        self.words.iter().for_each(|&word| out.u16(word as u16));
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// If bytes are missing, or a word is not below the modulus.
    pub fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        let what = "mod-switched phase";
        let (secret, log) = (SecretId::read(from, what)?, from.u32(what)?);
        if !(2..=16).contains(&log) {
            let why = format!("a modulus of {log} bits, needed 2 to 16");
            return Err(WireError::Invalid { what, why });
        }
        let words = (0..=params.spec().lwe_dimension).map(|index| {
            let word = u32::from(from.u16(what)?);
            let bound = 1 << log;
            let fits = u64::from(word) < bound;
            fits.then_some(word).ok_or(WireError::Value { what, index, found: word.into(), bound })
        });
        Ok(Self { words: words.collect::<Result<_, _>>()?, params: params.clone(), secret, log })
    }
}

impl Evaluator {
    /// Key switch and modulus switch to `2^log`, in steps of `2^spare`: the first half of a bootstrap, before its blind
    /// rotation, where `2^log = 2N` and `2^spare` is the number of outputs of the table.
    ///
    /// # Errors
    /// If `log` is not in 2 to 16 or `spare` not below it, or a ciphertext belongs to other parameters.
    #[doc(alias = "readings")]
    pub fn switched_phases(
        &self,
        inputs: &[&LweCiphertext],
        log: u32,
        spare: u32,
    ) -> Result<Vec<SwitchedPhase>, Error> {
        if !(2..=16).contains(&log) || spare >= log {
            let (field, needed) = ("the bits of a phase", "2 to 16, and more than the spare bits".into());
            return Err(Error::Spec { field, found: log.to_string(), needed });
        }
        inputs.iter().try_for_each(|input| self.check("modulus switch", "operand", input))?;
        let (params, secret) = (self.params(), self.secret_id());
        let switch = |inputs: &[&LweCiphertext]| {
            let words: Vec<&[u32]> = inputs.iter().map(|input| input.words.as_slice()).collect();
            let switched = self.keys().switch().switch(&words);
            let phase = |words: Vec<u32>| {
                let words = switch_to(log, &words, spare);
                SwitchedPhase { params: params.clone(), secret, words, log }
            };
            switched.into_iter().map(phase).collect::<Vec<_>>()
        };
        Ok(inputs.par_chunks(BLOCK).flat_map_iter(switch).collect())
    }
}

impl SecretKey {
    /// Decrypts a mod-switched phase, below `2^log`: the coefficient of the table, in a ring of that size, that a blind
    /// rotation brings to the front. For the owner of the key, to see afterwards which entry was looked up.
    ///
    /// # Errors
    /// If the phase belongs to other parameters or another secret.
    pub fn decrypt_phase(&self, phase: &SwitchedPhase) -> Result<u32, Error> {
        let (operation, object) = ("decryption of a phase", "operand");
        if !phase.params.same(self.params()) {
            return Err(Error::Foreign { operation, object });
        }
        phase.secret.check(operation, object, self.secret_id())?;
        Ok(Self::phase(self.small(), &phase.words) & ((1 << phase.log) - 1))
    }
}

he_core::brief_debug!(SwitchedPhase: |a| log = a.log, secret_id = a.secret);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    #[test]
    fn phases_are_read_as_they_were_written() {
        let params = Spec::insecure_small().build_insecure("a test of bytes").unwrap();
        let words: Vec<u32> = (0..=params.spec().lwe_dimension as u32).map(|i| i * 37 % 512).collect();
        let mut out = Writer::new();
        let secret = SecretId::from_bytes([7; 16]).unwrap();
        SwitchedPhase { params: params.clone(), secret, words: words.clone(), log: 9 }.write(&mut out);
        let bytes = out.finish();
        let read = SwitchedPhase::read(&mut Reader::new(&bytes), &params).unwrap();
        assert_eq!((&read.words, read.log(), read.secret_id()), (&words, 9, secret));
        assert!(SwitchedPhase::read(&mut Reader::new(&bytes[..bytes.len() - 1]), &params).is_err());
        let mut large = bytes.clone();
        large[16 + 5] = 2;
        assert!(SwitchedPhase::read(&mut Reader::new(&large), &params).is_err());
        let mut modulus = bytes;
        modulus[16] = 17;
        assert!(SwitchedPhase::read(&mut Reader::new(&modulus), &params).is_err());
    }
}
