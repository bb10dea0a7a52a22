//! Programmable bootstrapping of many ciphertexts: key switch, modulus switch, blind rotation, extraction, and the switch to
//! 32 bits.

use rayon::prelude::*;

use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::noise;
use crate::packed::Packed;
use crate::params::{Parameters, RotationTables};
use crate::ring::extract;
use crate::rotation::{Switched, blind_rotate, modulus_switch};
use crate::table::LookupTable;
use crate::torus::Rescale;

/// Ciphertexts whose key switches share the tables made from the key.
const SWITCH_BLOCK: usize = 128;
/// Accumulators that share one pass over the bootstrapping key.
const ROTATION_BLOCK: usize = 16;

/// One bootstrap: an operand and its table.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let (square, double) = (LookupTable::new(&params, |m| m * m % 16)?, LookupTable::new(&params, |m| 2 * m % 16)?);
/// let inputs = encryptor.encrypt_all(&[2, 3])?;
/// let jobs = [Job { input: &inputs[0], table: &square }, Job { input: &inputs[1], table: &double }];
/// let outputs = server.bootstrap_jobs(&jobs)?;
/// assert_eq!((decryptor.decrypt(&outputs[0])?, decryptor.decrypt(&outputs[1])?), (4, 6));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The operand.
    pub input: &'a LweCiphertext,
    /// The function that is applied to its message.
    pub table: &'a LookupTable,
}

/// One output of a blind rotation.
pub(crate) struct Accumulator<'a> {
    /// `[body, masks…]` in coefficients.
    pub(crate) words: &'a [u64],
    /// The coefficient of the output.
    pub(crate) at: usize,
}

impl Evaluator {
    /// Bootstraps one ciphertext: its message becomes that of the table, its noise that of the parameters. For a table of
    /// several outputs this is the first.
    ///
    /// # Errors
    /// If the operand or the table belongs to other parameters, or the operand is too noisy.
    #[doc(alias = "programmable_bootstrap")]
    pub fn bootstrap(&self, input: &LweCiphertext, table: &LookupTable) -> Result<LweCiphertext, Error> {
        Ok(self.bootstrap_jobs(&[Job { input, table }])?.swap_remove(0))
    }

    /// Bootstraps many ciphertexts with one table. With a table of several outputs those of one ciphertext follow one another.
    ///
    /// # Errors
    /// If an operand or the table belongs to other parameters, or an operand is too noisy.
    pub fn bootstrap_batch(
        &self,
        inputs: &[LweCiphertext],
        table: &LookupTable,
    ) -> Result<Vec<LweCiphertext>, Error> {
        self.bootstrap_jobs(&inputs.iter().map(|input| Job { input, table }).collect::<Vec<_>>())
    }

    /// Bootstraps many ciphertexts, each with its table.
    ///
    /// # Errors
    /// If an operand or a table belongs to other parameters, or an operand is too noisy.
    pub fn bootstrap_jobs(&self, jobs: &[Job<'_>]) -> Result<Vec<LweCiphertext>, Error> {
        let params = self.params();
        jobs.iter().try_for_each(|job| self.check_job(job, "bootstrap"))?;
        let rescale = Rescale::new(params.modulus());
        let (secret, variance) = (Some(self.secret_id()), params.prediction().bootstrap);
        let (tables, keys) = (params.rotation(), self.keys().rotation());
        Ok(self.rotate_jobs(jobs, tables, keys, |accumulator| {
            let sample = extract(params.modulus(), accumulator.words, params.n(), accumulator.at);
            let words = sample.iter().map(|&x| rescale.to_32_bits(x)).collect();
            LweCiphertext { params: params.clone(), secret, words, variance }
        }))
    }

    /// Blind rotations of all jobs, and `finish` for each output of each.
    pub(crate) fn rotate_jobs<T: Send>(
        &self,
        jobs: &[Job<'_>],
        tables: &RotationTables,
        keys: &[Packed],
        finish: impl Fn(Accumulator<'_>) -> T + Sync,
    ) -> Vec<T> {
        self.count(jobs.len());
        let params = self.params();
        let threads = rayon::current_num_threads();
        let switched: Vec<Switched> = jobs
            .par_chunks(block(jobs.len(), threads, SWITCH_BLOCK))
            .flat_map_iter(|jobs| {
                let inputs: Vec<&[u32]> = jobs.iter().map(|job| job.input.words.as_slice()).collect();
                let words = self.keys().switch().switch(&inputs);
                words
                    .into_iter()
                    .zip(jobs)
                    .map(|(words, job)| modulus_switch(params, &words, job.table.spare))
            })
            .collect();
        let size = (params.spec().glwe_dimension + 1) * params.n();
        let block = block(jobs.len(), threads, ROTATION_BLOCK);
        (jobs.par_chunks(block), switched.par_chunks(block))
            .into_par_iter()
            .flat_map_iter(|(jobs, switched)| {
                let polynomials: Vec<&[u64]> =
                    jobs.iter().map(|job| job.table.polynomial.as_slice()).collect();
                let accumulators = blind_rotate(params, tables, keys, switched, &polynomials);
                let outputs = |(words, job): (&[u64], &Job<'_>)| {
                    (0..job.table.outputs()).map(|at| finish(Accumulator { words, at })).collect::<Vec<_>>()
                };
                accumulators.chunks_exact(size).zip(jobs).flat_map(outputs).collect::<Vec<_>>()
            })
            .collect()
    }

    pub(crate) fn check_job(&self, job: &Job<'_>, operation: &'static str) -> Result<(), Error> {
        self.check(operation, "operand", job.input)?;
        if !job.table.params.same(self.params()) {
            return Err(Error::Foreign { operation, object: "table" });
        }
        check_noise(self.params(), operation, job.input.variance, job.table)
    }
}

/// Whether `variance` at the input of a table keeps the promise of the parameters.
fn check_noise(
    params: &Parameters,
    operation: &'static str,
    variance: f64,
    table: &LookupTable,
) -> Result<(), Error> {
    let spec = params.spec();
    let added = noise::key_switch(spec) + noise::modulus_switch(spec, table.spare);
    let allowed = noise::allowed_variance(spec.failure, table.boxes, table.tolerance);
    // A relative margin for sums of floats.
    if variance + added <= allowed * (1.0 + 1e-9) {
        return Ok(());
    }
    if added >= allowed && table.outputs() > 1 {
        let (outputs, found, allowed) = (table.outputs(), added.sqrt().log2(), allowed.sqrt().log2());
        let polynomial_size = params.n() * outputs;
        return Err(Error::Coarse { operation, outputs, found, allowed, polynomial_size });
    }
    let allowed = (allowed - added).max(0.0).sqrt().log2();
    Err(Error::TooNoisy { operation, found: variance.sqrt().log2(), allowed })
}

/// Ciphertexts in a block: no more than `most`, and such that every thread has work.
fn block(count: usize, threads: usize, most: usize) -> usize {
    let blocks = count.div_ceil(most).next_multiple_of(threads.max(1));
    count.div_ceil(blocks.max(1)).max(1)
}

he_core::brief_debug!(['a] Job<'a>: |a| input = a.input, table = a.table);
