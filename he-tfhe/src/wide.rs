//! Wide tables: functions of more bits than a blind rotation takes, by circuit bootstrapping and a tree of selections.
//!
//! The bits of the input are made GGSW ciphertexts. Entry `t` of a table with `m` outputs lies in coefficients `m·t … m·t +
//! m − 1` of a row of polynomials; the high bits choose the polynomial by a tree of selections (vertical packing), the low
//! ones rotate it by `X^{−m·2^i}` each (Chillotti et al. 2020, section 5.2). All is exact but for noise.

use he_core::ring::kernel::sub_assign;
use rayon::prelude::*;

use crate::circuit::{GgswCiphertext, Tools};
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::noise;
use crate::packing::GlweCiphertext;
use crate::params::Parameters;
use crate::phases::encode;
use crate::ring::rotate;
use crate::torus::to_residue;

/// A table of `2^bits` entries with several messages each.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// // The integer square root of four bits: 9 in two digits.
/// let table = WideTable::new(&params, 4, 1, |t| vec![t.isqrt()])?;
/// let digits = encryptor.encrypt_all(&[1, 2])?;
/// let found = server.look_up(&[&digits], &[&table])?;
/// assert_eq!(decryptor.decrypt(&found[0][0][0])?, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct WideTable {
    params: Parameters,
    bits: u32,
    outputs: usize,
    /// `outputs` rounded up to a power of two: coefficients of an entry.
    stride: usize,
    /// A power of two of polynomials modulo `q`.
    polynomials: Vec<Vec<u64>>,
}

impl WideTable {
    /// The table with entry `f(t)` for `t < 2^bits`, each of `outputs` messages.
    ///
    /// # Errors
    /// If the parameters have no circuit part or only one for narrower tables, `f` gives another number of messages, or one
    /// that is out of range.
    pub fn new(
        params: &Parameters,
        bits: u32,
        outputs: usize,
        f: impl Fn(u64) -> Vec<u64>,
    ) -> Result<Self, Error> {
        let what = "wide table";
        let most = params.spec().circuit.ok_or(Error::NoCircuit { operation: what })?.table_bits;
        if bits == 0 || bits > most {
            return Err(Error::TableSize {
                found: 1 << bits.min(63),
                needed: format!("2 to {}", 1_u64 << most),
            });
        }
        let (n, modulus) = (params.n(), params.spec().messages());
        if outputs == 0 || outputs > n {
            return Err(Error::Count {
                operation: what,
                found: outputs,
                needed: format!("1 to {n} outputs"),
            });
        }
        let stride = outputs.next_power_of_two();
        let mut polynomials = vec![vec![0; n]; ((stride << bits) / n).max(1)];
        for index in 0..1 << bits {
            let entry = f(index);
            if entry.len() != outputs {
                return Err(Error::Count {
                    operation: what,
                    found: entry.len(),
                    needed: outputs.to_string(),
                });
            }
            for (o, &value) in entry.iter().enumerate() {
                if value >= modulus {
                    return Err(Error::TableValue { index: index as usize, value, modulus });
                }
                let place = index as usize * stride + o;
                polynomials[place / n][place % n] =
                    to_residue(encode(params, value), params.modulus().value());
            }
        }
        Ok(Self { params: params.clone(), bits, outputs, stride, polynomials })
    }

    /// Bits of an input.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Messages of an entry.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The entry that the bits choose.
    fn look_up(&self, tools: &Tools<'_>, bits: &[GgswCiphertext]) -> Vec<LweCiphertext> {
        let (params, n) = (&self.params, self.params.n());
        let q = params.modulus();
        let masks = vec![0; params.spec().glwe_dimension * n];
        let mut level: Vec<Vec<u64>> =
            self.polynomials.iter().map(|poly| [poly.as_slice(), &masks].concat()).collect();
        let (low, high) = bits.split_at(bits.len() - self.polynomials.len().trailing_zeros() as usize);
        for bit in high {
            level = level
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[x, y]| {
                    let (mut x, mut difference) = (x.clone(), y.clone());
                    sub_assign(q, &mut difference, &x);
                    bit.select(tools, &mut x, &difference);
                    x
                })
                .collect();
        }
        let mut chosen = level.swap_remove(0);
        let mut difference = vec![0; chosen.len()];
        for (i, bit) in low.iter().enumerate() {
            for (out, x) in difference.chunks_exact_mut(n).zip(chosen.chunks_exact(n)) {
                rotate(q, out, x, 2 * n - (self.stride << i));
            }
            sub_assign(q, &mut difference, &chosen);
            bit.select(tools, &mut chosen, &difference);
        }
        let variance = noise::selections(params.spec(), self.bits);
        // There is a bit: the table was made for at least one.
        let secret = bits[0].secret;
        let glwe = GlweCiphertext { params: params.clone(), secret, words: chosen, variance };
        (0..self.outputs).map(|o| glwe.sample(o)).collect()
    }
}

impl Evaluator {
    /// Looks integers up in tables. An integer is a slice of digits below `2^message_bits`, without carry, from the lowest;
    /// every table has as many bits as an integer. For each integer, for each table its outputs.
    ///
    /// # Errors
    /// If the parameters have no circuit part, an integer has not as many bits as a table, or an operand belongs to other
    /// parameters or is too noisy.
    pub fn look_up(
        &self,
        integers: &[&[LweCiphertext]],
        tables: &[&WideTable],
    ) -> Result<Vec<Vec<Vec<LweCiphertext>>>, Error> {
        let operation = "wide table";
        let tools = self.circuit_tools(operation)?;
        let message_bits = self.params().spec().message_bits as usize;
        for table in tables {
            if !table.params.same(self.params()) {
                return Err(Error::Foreign { operation, object: "table" });
            }
            if let Some(integer) =
                integers.iter().find(|integer| integer.len() * message_bits != table.bits as usize)
            {
                let needed = format!("{} bits in digits of {message_bits}", table.bits);
                return Err(Error::Count { operation, found: integer.len(), needed });
            }
        }
        let digits: Vec<&LweCiphertext> = integers.iter().flat_map(|integer| integer.iter()).collect();
        let bits = self.circuit_bootstrap(&digits)?;
        let width = tables.first().map_or(1, |table| table.bits as usize);
        let jobs: Vec<(&[GgswCiphertext], &WideTable)> =
            bits.chunks(width).flat_map(|bits| tables.iter().map(move |table| (bits, *table))).collect();
        let outputs: Vec<Vec<LweCiphertext>> =
            jobs.par_iter().map(|(bits, table)| table.look_up(&tools, bits)).collect();
        Ok(outputs.chunks(tables.len().max(1)).map(<[_]>::to_vec).collect())
    }
}

he_core::brief_debug!(WideTable: |a| bits = a.bits, outputs = a.outputs);
