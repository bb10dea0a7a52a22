//! Circuit bootstrapping: from an LWE ciphertext to a GGSW ciphertext of one of its bits.
//!
//! One blind rotation with `l` outputs gives LWE ciphertexts of `bit·g_j` for the gadget `g` (Chillotti et al. 2020, section
//! 4.4). Packing one alone, the trace, makes a GLWE ciphertext of the constant `bit·g_j`: the row of the body. Its external
//! product with a GGSW encryption of `s_i` is one of `bit·g_j·s_i`: the row of mask `i`.

use he_core::ring::external::External;
use he_core::rlwe::SecretId;
use rayon::prelude::*;

use crate::bootstrap::Job;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::keys::CircuitKeys;
use crate::lwe::LweCiphertext;
use crate::packed::Packed;
use crate::packing::Packer;
use crate::params::{CircuitTables, Parameters};
use crate::ring::extract;
use crate::rotation::decompose;
use crate::table::LookupTable;

/// A GGSW ciphertext of a bit, which selects one of two GLWE ciphertexts.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let encryptor = Encryptor::with_secret(&key);
/// // Two bits of a digit, the lowest first: circuit bootstrapping.
/// let digit = encryptor.encrypt(2)?;
/// let bits = server.circuit_bootstrap(&[&digit])?;
/// assert_eq!(bits.len(), params.spec().message_bits as usize);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct GgswCiphertext {
    pub(crate) params: Parameters,
    pub(crate) secret: SecretId,
    /// Rows `(component, level)`, prepared for external products.
    matrix: Vec<u64>,
}

impl GgswCiphertext {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }

    /// `x + bit·(y − x)` in coefficients, given `x` and `y − x`.
    pub(crate) fn select(&self, tools: &Tools<'_>, x: &mut [u64], difference: &[u64]) {
        let CircuitTables { ggsw, select, .. } = tools.tables;
        let product = external_product(&self.params, ggsw, select, difference, &self.matrix);
        he_core::ring::kernel::add_assign(self.params.modulus(), x, &product);
    }
}

/// A ciphertext in coefficients times a prepared matrix, in coefficients.
fn external_product(
    params: &Parameters,
    gadget: &he_core::ring::gadget::Gadget,
    external: &External,
    ciphertext: &[u64],
    matrix: &[u64],
) -> Vec<u64> {
    let mut digits = vec![0; ciphertext.len() * gadget.levels()];
    decompose(params, gadget, ciphertext, &mut digits);
    let mut out = vec![0; ciphertext.len()];
    external.product(&mut out, &digits, matrix);
    out.chunks_exact_mut(params.n()).for_each(|poly| params.ntt().inverse(poly));
    out
}

/// Tables and keys of circuit bootstrapping.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    packer: Packer<'a>,
    tables: &'a CircuitTables,
    keys: &'a CircuitKeys<Packed>,
}

impl Evaluator {
    /// The keys and tables of circuit bootstrapping.
    pub(crate) fn circuit_tools(&self, operation: &'static str) -> Result<Tools<'_>, Error> {
        let missing = Error::NoCircuit { operation };
        let (tables, keys) = self.params().circuit().zip(self.keys().circuit()).ok_or(missing)?;
        Ok(Tools { packer: self.packer(operation)?, tables, keys })
    }

    /// GGSW ciphertexts of the bits of digits below `2^message_bits`, without carry: for each digit its bits from the
    /// lowest.
    ///
    /// # Errors
    /// If the parameters have no circuit part, or an operand belongs to others or is too noisy.
    pub fn circuit_bootstrap(&self, digits: &[&LweCiphertext]) -> Result<Vec<GgswCiphertext>, Error> {
        let operation = "circuit bootstrap";
        let (params, tools) = (self.params(), self.circuit_tools(operation)?);
        let spec = params.spec();
        let gadget = tools.tables.ggsw.vector();
        let tables = (0..spec.message_bits)
            .map(|bit| {
                let value = |step: u64, m: u64| if m >> bit & 1 == 1 { step } else { 0 };
                let output = |&step: &u64| (0..1 << spec.message_bits).map(|m| value(step, m)).collect();
                LookupTable::from_residues(params, &gadget.iter().map(output).collect::<Vec<Vec<u64>>>())
            })
            .collect::<Result<Vec<_>, _>>()?;
        // Without a carry the message may fill the half torus, where its boxes are wider.
        let mut scaled: Vec<LweCiphertext> = digits.iter().map(|&digit| digit.clone()).collect();
        scaled.iter_mut().for_each(|digit| digit.scale_assign(1 << spec.carry_bits));
        let jobs: Vec<Job<'_>> =
            scaled.iter().flat_map(|input| tables.iter().map(move |table| Job { input, table })).collect();
        jobs.iter().try_for_each(|job| self.check_job(job, operation))?;
        let rows = self.rotate_jobs(&jobs, &tools.tables.rotation, &tools.keys.rotation, |accumulator| {
            extract(params.modulus(), accumulator.words, params.n(), accumulator.at)
        });
        let secret = self.secret_id();
        let ggsw = |samples: &[Vec<u64>]| {
            let matrix = matrix(&tools, samples);
            GgswCiphertext { params: params.clone(), secret, matrix }
        };
        Ok(rows.par_chunks(gadget.len()).map(ggsw).collect())
    }
}

/// The prepared matrix whose rows of the body have the phases of `samples` as constants.
fn matrix(tools: &Tools<'_>, samples: &[Vec<u64>]) -> Vec<u64> {
    let Tools { packer, tables, keys } = tools;
    let params = packer.params;
    let constants: Vec<Vec<u64>> =
        samples.iter().map(|sample| packer.pack(std::slice::from_ref(sample))).collect();
    let mut words = constants.concat();
    for key in &keys.scheme {
        let key = key.words();
        for constant in &constants {
            words.extend(external_product(params, &packer.tables.gadget, &tables.scheme, constant, &key));
        }
    }
    words.chunks_exact_mut(params.n()).for_each(|poly| params.ntt().forward(poly));
    tables.select.prepare(&words, 1)
}

he_core::brief_debug!(GgswCiphertext: |a| secret_id = a.secret);
