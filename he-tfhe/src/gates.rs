//! Gates on bits: a linear combination, then the sign by a bootstrap (Chillotti et al. 2020, section 6).
//!
//! True is `1/8` of the torus and false `−1/8`. A gate brings the phase of true results to `(0, 1/2)` and of false ones to
//! `(−1/2, 0)`, at least `1/8` from both ends, or `1/4` with twice the noise.

use crate::bootstrap::Job;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::phases::bit_phase;
use crate::table::LookupTable;

/// `1/8` of the torus.
const EIGHTH: u32 = 1 << 29;

/// Functions of two or three bits that take one bootstrap.
///
/// ```
/// use he_tfhe::Gate;
/// assert_eq!(Gate::Majority.inputs(), 3);
/// assert!(Gate::Majority.evaluate([true, false, true]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// `a ∧ b`.
    And,
    /// `¬(a ∧ b)`.
    Nand,
    /// `a ∨ b`.
    Or,
    /// `¬(a ∨ b)`.
    Nor,
    /// `a ⊕ b`.
    Xor,
    /// `¬(a ⊕ b)`.
    Xnor,
    /// `¬a ∧ b`.
    AndNy,
    /// `a ∧ ¬b`.
    AndYn,
    /// `¬a ∨ b`.
    OrNy,
    /// `a ∨ ¬b`.
    OrYn,
    /// `a ⊕ b ⊕ c`, the sum of a full adder.
    Xor3,
    /// Two or three of `a`, `b`, `c`: the carry of a full adder.
    Majority,
}

/// Linear combination of a gate, before the sign.
struct Linear {
    /// Coefficients of the inputs; 0 for one that the gate does not have.
    weights: [i32; 3],
    /// In eighths of the torus.
    offset: i32,
}

impl Gate {
    /// All gates.
    pub const ALL: [Gate; 12] = [
        Gate::And,
        Gate::Nand,
        Gate::Or,
        Gate::Nor,
        Gate::Xor,
        Gate::Xnor,
        Gate::AndNy,
        Gate::AndYn,
        Gate::OrNy,
        Gate::OrYn,
        Gate::Xor3,
        Gate::Majority,
    ];

    /// Number of inputs.
    pub fn inputs(self) -> usize {
        self.linear().weights.iter().filter(|weight| **weight != 0).count()
    }

    /// The function in the clear.
    pub fn evaluate(self, [a, b, c]: [bool; 3]) -> bool {
        match self {
            Gate::And => a && b,
            Gate::Nand => !(a && b),
            Gate::Or => a || b,
            Gate::Nor => !(a || b),
            Gate::Xor => a ^ b,
            Gate::Xnor => !(a ^ b),
            Gate::AndNy => !a && b,
            Gate::AndYn => a && !b,
            Gate::OrNy => !a || b,
            Gate::OrYn => a || !b,
            Gate::Xor3 => a ^ b ^ c,
            Gate::Majority => (a && b) || (c && (a || b)),
        }
    }

    fn linear(self) -> Linear {
        let (weights, offset) = match self {
            Gate::And => ([1, 1, 0], -1),
            Gate::Nand => ([-1, -1, 0], 1),
            Gate::Or => ([1, 1, 0], 1),
            Gate::Nor => ([-1, -1, 0], -1),
            Gate::Xor => ([2, 2, 0], 2),
            Gate::Xnor => ([-2, -2, 0], -2),
            Gate::AndNy => ([-1, 1, 0], -1),
            Gate::AndYn => ([1, -1, 0], -1),
            Gate::OrNy => ([-1, 1, 0], 1),
            Gate::OrYn => ([1, -1, 0], 1),
            Gate::Xor3 => ([-2, -2, -2], 0),
            Gate::Majority => ([1, 1, 1], 0),
        };
        Linear { weights, offset }
    }
}

/// A gate and its inputs; a gate of two inputs does not look at the third.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let bits = encryptor.encrypt_bits(&[true, true])?;
/// let jobs = [GateJob::two(Gate::Nand, &bits[0], &bits[1]), GateJob::two(Gate::Or, &bits[0], &bits[1])];
/// let outputs = server.gates(&jobs)?;
/// assert!(!decryptor.decrypt_bit(&outputs[0])? && decryptor.decrypt_bit(&outputs[1])?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct GateJob<'a> {
    /// The function.
    pub gate: Gate,
    /// Its inputs.
    pub inputs: [&'a LweCiphertext; 3],
}

impl<'a> GateJob<'a> {
    /// A gate of two inputs.
    pub fn two(gate: Gate, a: &'a LweCiphertext, b: &'a LweCiphertext) -> Self {
        Self { gate, inputs: [a, b, b] }
    }

    /// A gate of three inputs.
    pub fn three(gate: Gate, a: &'a LweCiphertext, b: &'a LweCiphertext, c: &'a LweCiphertext) -> Self {
        Self { gate, inputs: [a, b, c] }
    }
}

impl Evaluator {
    /// A constant bit, without noise and without secrecy.
    pub fn constant_bit(&self, bit: bool) -> LweCiphertext {
        LweCiphertext::trivial(self.params(), bit_phase(bit))
    }

    /// `¬a`, without a bootstrap.
    ///
    /// # Errors
    /// If the input belongs to other parameters.
    pub fn not(&self, a: &LweCiphertext) -> Result<LweCiphertext, Error> {
        self.negate(a)
    }

    /// One gate of two inputs.
    ///
    /// # Errors
    /// As [`gates`](Self::gates).
    pub fn gate(&self, gate: Gate, a: &LweCiphertext, b: &LweCiphertext) -> Result<LweCiphertext, Error> {
        Ok(self.gates(&[GateJob::two(gate, a, b)])?.swap_remove(0))
    }

    /// Many gates at once, one bootstrap each.
    ///
    /// # Errors
    /// If an input belongs to other parameters or is too noisy.
    pub fn gates(&self, jobs: &[GateJob<'_>]) -> Result<Vec<LweCiphertext>, Error> {
        let sums = jobs.iter().map(|job| self.gate_phase(job)).collect::<Result<Vec<_>, _>>()?;
        // Phases lie 1/8 from a change of sign, or 1/4 where the inputs are doubled.
        let [near, far] = [2, 1].map(|boxes| self.sign(boxes));
        let (near, far) = (near?, far?);
        let jobs: Vec<Job<'_>> = jobs
            .iter()
            .zip(&sums)
            .map(|(job, input)| {
                let doubled = job.gate.linear().weights[0].abs() == 2;
                Job { input, table: if doubled { &far } else { &near } }
            })
            .collect();
        self.bootstrap_jobs(&jobs)
    }

    /// `c ? a : b` for many triples `[c, a, b]`, two bootstraps each; the noise of a result has twice the variance of a gate's.
    ///
    /// # Errors
    /// If an input belongs to other parameters or is too noisy.
    pub fn mux(&self, jobs: &[[&LweCiphertext; 3]]) -> Result<Vec<LweCiphertext>, Error> {
        let gates: Vec<GateJob<'_>> = jobs
            .iter()
            .flat_map(|[c, a, b]| [GateJob::two(Gate::And, c, a), GateJob::two(Gate::AndNy, c, b)])
            .collect();
        let halves = self.gates(&gates)?;
        let (pairs, _) = halves.as_chunks::<2>();
        pairs
            .iter()
            .map(|[chosen, other]| {
                let mut sum = self.add(chosen, other)?;
                sum.add_constant_assign(EIGHTH);
                Ok(sum)
            })
            .collect()
    }

    /// The phase whose sign is the result, less `1/4`: a table is centred.
    fn gate_phase(&self, job: &GateJob<'_>) -> Result<LweCiphertext, Error> {
        let Linear { weights, offset } = job.gate.linear();
        let terms: Vec<_> = weights.into_iter().zip(job.inputs).filter(|(weight, _)| *weight != 0).collect();
        let mut sum = self.linear_combination(&terms)?;
        sum.add_constant_assign((offset as u32).wrapping_sub(2).wrapping_mul(EIGHTH));
        Ok(sum)
    }

    /// `1/8` on `(−1/4, 1/4)` and `−1/8` elsewhere, for phases that are held to boxes of `1/2·boxes`.
    fn sign(&self, boxes: u64) -> Result<LookupTable, Error> {
        let mut table = LookupTable::on_half_torus(self.params(), &[&[EIGHTH]])?;
        table.boxes = boxes;
        Ok(table)
    }
}

he_core::brief_debug!(['a] GateJob<'a>: |a| gate = a.gate, inputs = a.inputs);
