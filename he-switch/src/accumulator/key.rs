//! Keys of the blind rotation and of packing.

use he_core::ring::poly::{Coeff, Eval, Poly};
use he_core::ring::sample::{Gaussian, Prng, Seed};
use he_core::rlwe;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::{AccumulatorParameters, LIMBS, PARTS, Tables};
use crate::error::Error;

/// The first stream of masks of packing keys; those of the blind rotation begin at zero.
const PACKING_STREAM: u64 = 1 << 40;

/// A key whose masks are kept as the seed that they are expanded from: half the size.
#[derive(Clone)]
pub struct SeededAccumulatorKey {
    params: AccumulatorParameters,
    seed: Seed,
    /// For each step: bodies of `[matrix][row]`, limb after limb.
    rotation: Vec<Vec<u64>>,
    /// For each automorphism: bodies of its rows.
    packing: Vec<Vec<u64>>,
}

/// What one generation has at hand.
struct Generator<'a> {
    params: &'a AccumulatorParameters,
    /// The secret of the ring.
    secret: Poly<Eval>,
    /// The constant 1.
    one: Poly<Eval>,
    errors: Gaussian,
    seed: Seed,
}

impl SeededAccumulatorKey {
    /// The bits of the short key of `from`, encrypted under `to`.
    ///
    /// # Errors
    /// If a secret belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &AccumulatorParameters,
        from: &he_tfhe::SecretKey,
        to: &rlwe::SecretKey,
    ) -> Result<Self, Error> {
        let operation = "accumulator key";
        if !from.params().same(params.lwe()) {
            return Err(Error::Foreign { operation, object: "TFHE key" });
        }
        if !to.params().same(params.target()) {
            return Err(Error::Foreign { operation, object: "RLWE key" });
        }
        let ring = &params.0.ring;
        let mut prng = Prng::from_os()?;
        let generator = Generator {
            params,
            secret: to.values(LIMBS),
            one: Poly::from_words(ring.basis(LIMBS), &vec![1; LIMBS * params.n()]),
            errors: Gaussian::new(ring.spec().sigma)?,
            seed: prng.next_seed(),
        };
        let bits = from.short_bits();
        let steps: Vec<&[i8]> = bits.chunks(params.spec().unroll).collect();
        let rotation = each(&mut prng, &steps, |step, bits, prng| generator.step(step, bits, prng));
        let elements: Vec<u32> = (1..params.reading_bits()).collect();
        let packing = each(&mut prng, &elements, |index, &j, prng| generator.automorphism(index, j, prng));
        Ok(Self { params: params.clone(), seed: generator.seed, rotation, packing })
    }

    /// The parameters.
    pub fn params(&self) -> &AccumulatorParameters {
        &self.params
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        bytes(&self.rotation) + bytes(&self.packing)
    }

    /// The key in the form in which it is used; nothing secret goes in.
    pub fn expand(&self) -> AccumulatorKey {
        let params = &self.params;
        let prepare = |tables: &Tables, first: u64, count: usize, bodies: &[Vec<u64>]| {
            let expand = |(index, bodies): (usize, &Vec<u64>)| {
                let rows = (bodies.len() / (LIMBS * params.n())) as u64;
                let first = first + index as u64 * rows;
                let words = |j: usize| self.rows(first, bodies, j);
                tables.externals.iter().enumerate().map(|(j, e)| e.prepare(&words(j), count)).collect()
            };
            bodies.par_iter().enumerate().map(expand).collect::<Vec<Vec<_>>>()
        };
        let rotation = prepare(&params.0.rotation, 0, params.spec().matrices(), &self.rotation);
        let packing = prepare(&params.0.packing, PACKING_STREAM, 1, &self.packing);
        AccumulatorKey { params: params.clone(), rotation, packing }
    }

    /// Rows `[body, mask]` modulo prime `j`, the masks from the streams of rows `first, first + 1, …`.
    fn rows(&self, first: u64, bodies: &[u64], j: usize) -> Vec<u64> {
        let n = self.params.n();
        let q = self.params.0.ring.basis(LIMBS).modulus(j);
        let mut words = vec![0; bodies.len() / LIMBS * PARTS];
        let rows = words.chunks_exact_mut(PARTS * n).zip(bodies.chunks_exact(LIMBS * n));
        for (index, (row, body)) in (first..).zip(rows) {
            row[..n].copy_from_slice(&body[j * n..(j + 1) * n]);
            Prng::from_seed_stream(&self.seed, streams(index)[j]).uniform(q, &mut row[n..]);
        }
        words
    }
}

/// The streams of the mask of a row, one for each prime.
fn streams(row: u64) -> [u64; LIMBS] {
    [LIMBS as u64 * row, LIMBS as u64 * row + 1]
}

/// `work` on each item with randomness of its own, in parallel.
fn each<T: Sync>(
    prng: &mut Prng,
    items: &[T],
    work: impl Fn(usize, &T, &mut Prng) -> Vec<u64> + Sync,
) -> Vec<Vec<u64>> {
    let forks: Vec<(&T, Prng)> = items.iter().map(|item| (item, prng.fork())).collect();
    forks.into_par_iter().enumerate().map(|(i, (item, mut prng))| work(i, item, &mut prng)).collect()
}

impl Generator<'_> {
    /// The bodies of one step: for each part `T` of the bits that is not empty a GGSW encryption of `s_T`.
    fn step(&self, step: usize, bits: &[i8], prng: &mut Prng) -> Vec<u64> {
        let (params, tables) = (self.params, &self.params.0.rotation);
        let (matrices, rows) = (params.spec().matrices(), tables.rows(PARTS));
        let mut bodies = Vec::with_capacity(matrices * rows * LIMBS * params.n());
        for part in 1..=matrices {
            // A last step may be short of bits: those that are not there are zero.
            let factors = (0..params.spec().unroll).map(|i| {
                let bit = bits.get(i).copied().unwrap_or(0) as u64;
                if part >> i & 1 == 1 { bit } else { 1 - bit }
            });
            let chosen = Zeroizing::new(factors.product::<u64>());
            let first = (step * matrices + part - 1) * rows;
            // The digits of the body meet `s_T`, those of the mask `s_T·s`.
            for (p, message) in [&self.one, &self.secret].into_iter().enumerate() {
                for level in 0..tables.gadget.levels() {
                    let index = first + p * tables.gadget.levels() + level;
                    let body = self.row(tables, index as u64, level, *chosen, message, prng);
                    bodies.extend_from_slice(body.words());
                }
            }
        }
        bodies
    }

    /// The bodies of the switch from `s(X^{2^j + 1})` to `s`.
    fn automorphism(&self, index: usize, j: u32, prng: &mut Prng) -> Vec<u64> {
        let tables = &self.params.0.packing;
        let mut message = self.secret.automorphism(element(j));
        message.mark_secret();
        let rows = tables.gadget.levels();
        let first = PACKING_STREAM + (index * rows) as u64;
        let row = |level: usize| self.row(tables, first + level as u64, level, 1, &message, prng);
        (0..rows).map(row).flat_map(|body| body.words().to_vec()).collect()
    }

    /// `−a·s + e + chosen·2^{b−B(level+1)}·message`, with the mask `a` of the row.
    fn row(
        &self,
        tables: &Tables,
        index: u64,
        level: usize,
        chosen: u64,
        message: &Poly<Eval>,
        prng: &mut Prng,
    ) -> Poly<Eval> {
        let basis = self.params.0.ring.basis(LIMBS);
        let mut body = Poly::<Eval>::uniform(basis, &self.seed, &streams(index));
        body.mul_assign(&self.secret);
        body.neg_assign();
        let mut e = Zeroizing::new(vec![0_i64; basis.n()]);
        self.errors.sample(prng, &mut e);
        let mut errors = Poly::<Coeff>::from_signed(basis, &e);
        errors.mark_secret();
        body.add_assign(&errors.into_eval());
        let mut scaled = message.clone();
        scaled.mark_secret();
        let entry = tables.gadget.entry(level);
        let scalars: Vec<u64> = basis.moduli().zip(entry).map(|(q, entry)| q.mul(entry, chosen)).collect();
        scaled.mul_scalars_assign(&Zeroizing::new(scalars));
        body.add_assign(&scaled);
        body
    }
}

/// The exponent `2^j + 1` of the automorphism that joins ciphertexts at step `j` of packing.
pub(super) fn element(j: u32) -> usize {
    (1 << j) + 1
}

/// What a server computes with; it decrypts nothing.
pub struct AccumulatorKey {
    pub(super) params: AccumulatorParameters,
    /// For each step and prime, the prepared matrices.
    pub(super) rotation: Vec<Vec<Vec<u64>>>,
    /// For each automorphism and prime, the prepared rows.
    pub(super) packing: Vec<Vec<Vec<u64>>>,
}

impl AccumulatorKey {
    /// The parameters.
    pub fn params(&self) -> &AccumulatorParameters {
        &self.params
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.rotation.iter().chain(&self.packing).map(|key| bytes(key)).sum()
    }
}

fn bytes(words: &[Vec<u64>]) -> usize {
    words.iter().map(|words| 8 * words.len()).sum()
}
