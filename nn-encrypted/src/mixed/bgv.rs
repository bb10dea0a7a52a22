//! Layers with weights in BGV: exact products, and the ways to TFHE and back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_bgv::{Ciphertext, Encoder, Plaintext};
use he_core::ring::poly::{Eval, Poly};
use he_core::rlwe;
use he_core::wire::{Reader, WireError, Writer};
use he_switch::Switcher;
use he_switch::expand::combine;
use he_tfhe::LweCiphertext;
use rayon::prelude::*;

use super::MixedError;
use super::arrangement::of_images;
use super::bgv_pass::Pass;
use super::layers::{self, How};
use super::layout::{Dense, Layout};
use super::linear::Place;
use super::lookup::Lookup;
use super::numbers::RESULT_BITS;
use super::plan::{LOG_CLEAN, LOG_WORN, MixedPlan};
use super::stages::Stage;

/// One value in TFHE, and where it goes in BGV: ciphertext and coefficient.
pub(super) struct Sent {
    pub(super) to: (usize, usize),
    pub(super) value: LweCiphertext,
}

/// All evaluators.
pub(super) struct Engine {
    pub(super) lookup: Lookup,
    pub(super) products: Arc<he_bgv::Evaluator>,
    plan: Arc<MixedPlan>,
    layout: Layout,
    switcher: Switcher,
}

impl Engine {
    /// With the bridges of a plan; `record` keeps the readings of blind rotations.
    pub(super) fn new(
        plan: &Arc<MixedPlan>,
        layout: &Layout,
        switcher: Switcher,
        record: bool,
    ) -> Result<Self, MixedError> {
        Ok(Self {
            lookup: Lookup::new(plan, switcher.tfhe()?, record)?,
            products: Arc::clone(switcher.bgv()),
            plan: Arc::clone(plan),
            layout: layout.clone(),
            switcher,
        })
    }

    /// The parts of a dense tensor.
    pub(super) fn parts(&self, pieces: &[Ciphertext], dense: Dense) -> Result<Vec<Ciphertext>, MixedError> {
        self.lookup.stages.on(Stage::Products, || {
            let mut parts = Vec::with_capacity(dense.parts);
            for piece in pieces {
                parts.extend(self.switcher.expand(piece, dense.levels)?);
            }
            parts.truncate(dense.parts);
            Ok(parts)
        })
    }

    /// Parts side by side in ciphertexts of degree 1.
    pub(super) fn dense(&self, parts: &[Ciphertext], levels: u32) -> Result<Vec<Ciphertext>, MixedError> {
        let whole = |group: &[Ciphertext]| Ok(self.products.relinearize(&combine(group)?)?);
        parts.par_chunks(1 << levels).map(whole).collect()
    }

    /// A constant at a place, the other coefficients zero, as a ciphertext that hides nothing.
    pub(super) fn trivial(&self, place: Place, value: i64) -> Result<Ciphertext, MixedError> {
        let bgv = self.plan.parameters.bgv();
        let zero = Poly::<Eval>::zero(bgv.rlwe().basis(bgv.rlwe().max_limbs()));
        let inner = rlwe::Ciphertext::new(bgv.rlwe(), vec![zero.clone(), zero]);
        let zero = Ciphertext::from_rlwe(bgv, inner, 0.0)?;
        Ok(self.products.add_plain(&zero, &self.constant(place, value)?)?)
    }

    /// A constant at a place.
    pub(super) fn constant(&self, place: Place, value: i64) -> Result<Plaintext, MixedError> {
        let bgv = self.plan.parameters.bgv();
        let mut coefficients = vec![0; bgv.n()];
        coefficients[place.coefficient] = if place.negated { -value } else { value };
        Ok(Encoder::new(bgv).encode_coefficients(&coefficients)?)
    }

    /// What stands at places of dense ciphertexts, times `2^shift`, on the torus; `offset` and half a step of a reading in steps of
    /// `2^spare` are added.
    pub(super) fn lower(
        &self,
        pieces: &[Ciphertext],
        places: &[((usize, usize), bool)],
        (shift, offset, spare): How,
    ) -> Result<Vec<LweCiphertext>, MixedError> {
        let constant = self.lookup.offset(offset, spare);
        self.lookup.stages.on(Stage::Switching, || {
            let mut values: Vec<Option<LweCiphertext>> = (0..places.len()).map(|_| None).collect();
            for (at, piece) in pieces.iter().enumerate() {
                let own: Vec<usize> = (0..places.len()).filter(|&i| places[i].0.0 == at).collect();
                let coefficients: Vec<usize> = own.iter().map(|&i| places[i].0.1).collect();
                for (i, mut value) in own.into_iter().zip(self.switcher.bgv_to_tfhe(piece, &coefficients)?) {
                    let factor = 1 << shift;
                    value.scale_assign(if places[i].1 { -factor } else { factor });
                    value.add_constant_assign(constant);
                    values[i] = Some(value);
                }
            }
            values.into_iter().collect::<Option<Vec<_>>>().ok_or(MixedError::Place)
        })
    }

    /// The error that errors may have, in units of their integers, if sums over `batch` products of them with these inputs are to be
    /// refreshed, `parts` in a ciphertext. Two operands with errors `y` and `y'`, relative to their modulus, have a product with an
    /// error of `y·y'·q·√n` at the second modulus `q`, and `√` of their number is that of the sum.
    pub(super) fn error_beside(&self, inputs: &[Ciphertext], batch: usize, parts: usize) -> f64 {
        let bgv = self.plan.parameters.bgv();
        let relative = |c: &Ciphertext| c.noise().log2() - bgv.noise().log_q(c.level());
        let worst = inputs.iter().map(relative).fold(f64::MIN, f64::max);
        let terms = (bgv.n() * batch * parts) as f64;
        let needed = LOG_WORN - worst - bgv.noise().log_q(1.min(bgv.max_level())) - 0.5 * terms.log2();
        needed.min(LOG_CLEAN).exp2()
    }

    /// Results of tables as BGV ciphertexts, `pieces` of them, with an error of at most `error`.
    pub(super) fn raise(
        &self,
        all: Vec<Sent>,
        pieces: usize,
        error: f64,
        stop: &AtomicBool,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let parameters = &self.plan.parameters;
        let most = parameters.bgv_capacity();
        let (small, large) = (parameters.tfhe().n(), parameters.bgv().n());
        let mut groups: Vec<Vec<Vec<LweCiphertext>>> = (0..pieces.div_ceil(most))
            .map(|group| {
                let count = (pieces - group * most).min(most).next_power_of_two();
                let zero = LweCiphertext::trivial(parameters.tfhe(), 0);
                vec![vec![zero; small]; count * large / small]
            })
            .collect();
        for Sent { to: (piece, coefficient), value } in all {
            let group = &mut groups[piece / most];
            let packs = group.len();
            let index = coefficient * (packs * small / large) + piece % most;
            group[index % packs][index / packs] = value;
        }
        let mut out = Vec::with_capacity(pieces);
        for group in groups {
            let packed = self.lookup.pack(&group)?;
            let back = || self.switcher.tfhe_to_bgv(&packed, RESULT_BITS, error);
            out.extend(self.lookup.refresh(stop, back)??);
        }
        out.truncate(pieces);
        Ok(out)
    }

    /// Dense ciphertexts as good as new.
    pub(super) fn refresh(
        &self,
        pieces: &[Ciphertext],
        stop: &AtomicBool,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let mut out = Vec::with_capacity(pieces.len());
        for group in pieces.chunks(self.plan.parameters.bgv_capacity()) {
            let refresh = || self.switcher.refresh(group, LOG_CLEAN.exp2());
            out.extend(self.lookup.refresh(stop, refresh)??);
        }
        Ok(out)
    }
}

impl layers::Engine for Engine {
    type Cipher = Ciphertext;
    type Pass<'a> = Pass<'a>;

    fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    fn pass<'a>(
        &'a self,
        weights: &[Ciphertext],
        images: usize,
        stop: &'a AtomicBool,
    ) -> Result<Pass<'a>, MixedError> {
        Pass::new(self, of_images(&self.layout, images), weights, stop)
    }

    fn read(&self, from: &mut Reader<'_>) -> Result<Ciphertext, WireError> {
        let c = Ciphertext::read(from, self.plan.parameters.bgv())?;
        let invalid = |why| Err(WireError::Invalid { what: "ciphertext", why });
        if c.degree() != 1 || c.correction_factor() != 1 {
            return invalid(format!(
                "degree {} and factor {}, 1 and 1 are needed",
                c.degree(),
                c.correction_factor()
            ));
        }
        if c.is_transparent() {
            return invalid("it hides nothing: its second part is zero".into());
        }
        Ok(c)
    }

    fn write(&self, cipher: &Ciphertext, out: &mut Writer) -> Result<(), WireError> {
        cipher.write(out)
    }

    fn health(&self, cipher: &Ciphertext) -> (usize, usize, f64) {
        (cipher.level() + 1, self.plan.parameters.bgv().max_level() + 1, cipher.noise_budget())
    }

    fn least(&self, cipher: &Ciphertext) -> Result<Ciphertext, MixedError> {
        Ok(self.products.mod_switch_for_decryption(cipher, 2.0)?)
    }
}
