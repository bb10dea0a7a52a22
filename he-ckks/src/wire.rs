//! Serialized objects: every one sealed with tag, kind and parameter hash, and with a digest.

use std::io::Read;

use he_core::rlwe::object::Kind;
use he_core::rlwe::{sealed, serial};
use he_core::wire::{self, Header, Reader, Source, Tag, WireError, Writer};

use crate::bootstrap::{self, BootstrapKeys};
use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::error::Error;
use crate::estimate::Estimate;
use crate::keys::{EvaluationKeys, KeyRequest};
use crate::params::Parameters;

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(2);

/// The name of bootstrapping keys in messages.
const NAME: &str = "bootstrapping keys";

/// Kind of the one object that RLWE does not have.
pub(crate) const BOOTSTRAP_KEYS: u16 = 5;

/// Bytes of a ciphertext beside its polynomials: scale, slots, bound, error.
const FIELDS: usize = 8 + 4 + 8 + 8;

impl Parameters {
    fn header_of(&self, kind: u16) -> Header {
        Header { tag: TAG, kind, params: *self.hash() }
    }

    /// The header of an object of these parameters.
    pub(crate) fn header(&self, kind: Kind) -> Header {
        self.header_of(kind as u16)
    }
}

fn check_slots(params: &Parameters, slots: usize) -> Result<(), WireError> {
    if slots.is_power_of_two() && slots <= params.slots() {
        return Ok(());
    }
    let why = format!("{slots}, needed a power of two up to {}", params.slots());
    Err(WireError::Invalid { what: "number of slots", why })
}

fn read_slots(from: &mut impl Source, params: &Parameters) -> Result<usize, WireError> {
    let slots = from.u32("number of slots")? as usize;
    check_slots(params, slots)?;
    Ok(slots)
}

/// Scale, slots and estimate, as a ciphertext carries them.
struct Fields {
    scale: f64,
    slots: usize,
    estimate: Estimate,
}

impl Fields {
    fn check(&self, params: &Parameters, level: usize) -> Result<(), WireError> {
        check_slots(params, self.slots)?;
        let (Self { scale, estimate: Estimate { bound, error }, .. }, modulus) = (self, params.log_q(level));
        let invalid = |what, why| Err(WireError::Invalid { what, why });
        // Written so that neither infinities nor what is no number passes.
        if !(1.0..=modulus).contains(&scale.log2()) {
            return invalid("scale of a ciphertext", format!("{scale:e}, needed 2 to 2^{modulus:.1}"));
        }
        if !(*bound >= 0.0 && params.fits(self.estimate, *scale, level)) {
            let (scale, why) = (scale.log2(), "needed 0 or more, and what fits in the modulus");
            let why = format!("{bound:e} at scale 2^{scale:.1} and a modulus of {modulus:.1} bits, {why}");
            return invalid("bound of a ciphertext", why);
        }
        // More error than the whole modulus is no ciphertext's.
        if !(*error >= 0.0 && error.log2() + scale.log2() <= modulus) {
            let why = format!("{error:e}, needed 0 or more, and at most the modulus of {modulus:.1} bits");
            return invalid("error of a ciphertext", why);
        }
        Ok(())
    }

    fn write(&self, out: &mut Writer, params: &Parameters, level: usize) -> Result<(), WireError> {
        self.check(params, level)?;
        out.f64(self.scale);
        out.u32(self.slots as u32);
        out.f64(self.estimate.bound);
        out.f64(self.estimate.error);
        Ok(())
    }

    /// Not checked but for the slots: that takes the level, which follows.
    fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        let scale = from.f64("scale of a ciphertext")?;
        let slots = read_slots(from, params)?;
        let bound = from.f64("bound of a ciphertext")?;
        let error = from.f64("error of a ciphertext")?;
        Ok(Self { scale, slots, estimate: Estimate { bound, error } })
    }
}

impl Ciphertext {
    /// Bytes that [`write`](Self::write) writes of a ciphertext of degree 1 and a level, at most the highest.
    pub fn wire_bytes(params: &Parameters, level: usize) -> usize {
        sealed::written_bytes(params.rlwe(), level.saturating_add(1), 2) + FIELDS
    }

    /// Writes the ciphertext without an envelope, to be sealed together with others.
    ///
    /// # Errors
    /// If its scale was divided down to less than 2 or its estimated error exceeds the modulus: it would not be read.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        let Self { scale, slots, estimate, .. } = *self;
        Fields { scale, slots, estimate }.write(out, &self.params, self.level())?;
        serial::write_ciphertext(out, &self.inner)
    }

    /// Reads a ciphertext written by [`write`](Self::write) or [`SeededCiphertext::write`].
    ///
    /// # Errors
    /// If a field is out of range, the values do not fit in the modulus, or bytes are missing.
    pub fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        let fields = Fields::read(from, params)?;
        let seeded = from.clone().u8("ciphertext")? == 1;
        let inner = serial::read_ciphertext(from, params.rlwe())?;
        fields.check(params, inner.limbs() - 1)?;
        let Fields { scale, slots, estimate } = fields;
        let level = inner.limbs() - 1;
        if seeded && scale != params.scale(level) {
            let why = format!("{scale:e}, a fresh ciphertext of level {level} has {:e}", params.scale(level));
            return Err(WireError::Invalid { what: "scale of a ciphertext", why });
        }
        // A claim of less error than a fresh ciphertext has would mislead whoever adds noise to hide it.
        let least = params.slot_variance(slots, params.noise().fresh_secret(), scale).sqrt();
        let estimate = Estimate { error: estimate.error.max(least), ..estimate };
        Ok(Self { params: params.clone(), inner, scale, slots, estimate })
    }

    /// The ciphertext, sealed.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let body = sealed::ciphertext_bytes(&self.inner) + FIELDS;
        wire::seal_with(&self.params.header(Kind::Ciphertext), body, |out| self.write(out))
    }

    /// Opens a sealed ciphertext, in either form.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        sealed::open_ciphertext(&params.header(Kind::Ciphertext), params.rlwe(), bytes, |from| {
            Self::read(from, params)
        })
    }
}

impl SeededCiphertext {
    /// Bytes that [`write`](Self::write) writes of a ciphertext of a level, at most the highest.
    pub fn wire_bytes(params: &Parameters, level: usize) -> usize {
        sealed::fresh_bytes(params.rlwe(), level.saturating_add(1)) + FIELDS
    }

    /// Writes the ciphertext without an envelope; [`Ciphertext::read`] reads it.
    ///
    /// # Errors
    /// Never for a ciphertext that was encrypted.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        let (scale, slots, estimate) = (self.params.scale(self.level()), self.slots, self.estimate);
        Fields { scale, slots, estimate }.write(out, &self.params, self.level())?;
        serial::write_seeded(out, &self.inner)
    }

    /// The ciphertext, sealed; [`Ciphertext::from_bytes`] opens it.
    ///
    /// # Errors
    /// Never for a ciphertext that was encrypted.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let body = sealed::seeded_bytes(&self.inner) + FIELDS;
        wire::seal_with(&self.params.header(Kind::Ciphertext), body, |out| self.write(out))
    }
}

impl BootstrapKeys {
    /// The keys, sealed, in seeded form.
    ///
    /// # Errors
    /// Never for keys that were made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let (params, evaluation) = (self.params(), self.evaluation());
        let key = sealed::key_switch_key_bytes(params.rlwe(), params.rlwe().max_limbs());
        let capacity = 4 + 2 * key + sealed::evaluation_keys_bytes(&evaluation.inner);
        wire::seal_with(&params.header_of(BOOTSTRAP_KEYS), capacity, |out| {
            out.u32(self.slots() as u32);
            serial::write_key_switch_key(out, self.encapsulation_key())?;
            serial::write_key_switch_key(out, self.decapsulation_key())?;
            serial::write_evaluation_keys(out, &evaluation.inner)
        })
    }

    /// Opens sealed keys. Whether all are there that a bootstrap takes shows when it runs.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters, the keys are not of one secret, or if there
    /// is no bootstrapping.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let (header, limit) = envelope(params, sealed::evaluation_keys_limit(params.rlwe()))?;
        Self::read(&mut Reader::new(wire::open(bytes, &header, limit)?), params)
    }

    /// As [`from_bytes`](Self::from_bytes), of keys that are read piece by piece, to the end of `from`: hashed and expanded as they
    /// come, so that their bytes are never in memory beside the keys.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from(params: &Parameters, from: impl Read) -> Result<Self, WireError> {
        let (header, limit) = envelope(params, sealed::evaluation_keys_limit(params.rlwe()))?;
        wire::open_from(from, &header, limit, |body| Self::read(body, params))
    }

    /// Opens sealed keys that must be those of bootstraps of `slots` slots and of a further request, no more and no less: for a server
    /// that knows what it needs.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes); also if there are no plaintexts of so many slots, the request names a level above the whole
    /// chain, or a key is missing or not asked for.
    pub fn requested(
        params: &Parameters,
        slots: usize,
        further: &KeyRequest,
        bytes: &[u8],
    ) -> Result<Self, WireError> {
        let request = request(params, slots, further)?;
        let (header, limit) = envelope(params, sealed::requested_keys_bytes(params.rlwe(), &request.0))?;
        Self::read(&mut Reader::new(wire::open(bytes, &header, limit)?), params)?.accepted(slots, &request)
    }

    /// As [`requested`](Self::requested), of keys that are read piece by piece, as by [`read_from`](Self::read_from).
    ///
    /// # Errors
    /// As [`requested`](Self::requested), and if reading fails.
    pub fn requested_from(
        params: &Parameters,
        slots: usize,
        further: &KeyRequest,
        from: impl Read,
    ) -> Result<Self, WireError> {
        let request = request(params, slots, further)?;
        let (header, limit) = envelope(params, sealed::requested_keys_bytes(params.rlwe(), &request.0))?;
        wire::open_from(from, &header, limit, |body| Self::read(body, params)?.accepted(slots, &request))
    }

    /// These keys, if they are for so many slots and those of a request.
    fn accepted(self, slots: usize, request: &KeyRequest) -> Result<Self, WireError> {
        if self.slots() != slots {
            return Err(invalid(format!("for {} slots, needed {slots}", self.slots())));
        }
        request.0.accept(&self.evaluation().inner)?;
        Ok(self)
    }

    /// Bytes of the sealed keys of bootstraps of `slots` slots and of a further request, before they are made.
    ///
    /// # Errors
    /// If the parameters have no bootstrapping, there are no plaintexts of so many slots, or the request names a level above the whole
    /// chain.
    pub fn sealed_bytes(params: &Parameters, slots: usize, further: &KeyRequest) -> Result<usize, Error> {
        let (rlwe, request) = (params.rlwe(), bootstrap::keys::request(params, slots)?.and(further));
        let short = params.ephemeral()?;
        let switches =
            sealed::key_switch_key_bytes(&short, 1) + sealed::key_switch_key_bytes(rlwe, rlwe.max_limbs());
        // The slots, the keys of the two switches, and those of evaluation, which need no seal of their own.
        Ok(4 + switches + request.sealed_bytes(params)?)
    }

    /// Reads a whole body.
    fn read(from: &mut impl Source, params: &Parameters) -> Result<Self, WireError> {
        let rlwe = params.rlwe();
        let short = params.ephemeral().map_err(|error| invalid(error.to_string()))?;
        let whole = rlwe.max_limbs();
        let slots = read_slots(from, params)?;
        // Its instance has one limb, and so has the key.
        let to_ephemeral = serial::read_key_switch_key(from, &short)?;
        let from_ephemeral = serial::read_key_switch_key(from, rlwe)?;
        if from_ephemeral.limbs() != whole {
            let found = from_ephemeral.limbs();
            return Err(invalid(format!("a decapsulation key of {found} limbs, needed {whole}")));
        }
        let inner = serial::read_evaluation_keys(from, rlwe)?;
        from.ended(NAME)?;
        let evaluation = EvaluationKeys { params: params.clone(), inner };
        let keys = Self::from_parts(evaluation, to_ephemeral, from_ephemeral, slots);
        if !keys.are_of_one_secret() {
            let [to, from] = [keys.encapsulation_key(), keys.decapsulation_key()]
                .map(he_core::rlwe::KeySwitchKey::secret_ids);
            let evaluation = keys.evaluation().secret_id().map_or("none".into(), |id| id.to_string());
            let [way, back] = [to, from].map(|[from, to]| format!("from secret {from} to {to}"));
            let why = format!(
                "a switch {way}, one back {back}, and evaluation keys of {evaluation}: needed those of one secret"
            );
            return Err(invalid(why));
        }
        Ok(keys)
    }
}

fn invalid(why: String) -> WireError {
    WireError::Invalid { what: NAME, why }
}

/// The request of bootstraps of `slots` slots and of a further one, if it can be met.
fn request(params: &Parameters, slots: usize, further: &KeyRequest) -> Result<KeyRequest, WireError> {
    bootstraps(params)?;
    let request = bootstrap::keys::request(params, slots).map_err(|error| invalid(error.to_string()))?;
    let request = request.and(further);
    request.0.check(params.rlwe()).map_err(|error| invalid(error.to_string()))?;
    Ok(request)
}

fn bootstraps(params: &Parameters) -> Result<(), WireError> {
    let none = || invalid("the parameters have no bootstrapping".into());
    params.spec().bootstrap.as_ref().map(drop).ok_or_else(none)
}

/// The header of sealed keys, and bytes of their body at most, if those for evaluation take so many.
fn envelope(params: &Parameters, evaluation: usize) -> Result<(Header, usize), WireError> {
    bootstraps(params)?;
    let rlwe = params.rlwe();
    let short = params.ephemeral().map_err(|error| invalid(error.to_string()))?;
    let keys = sealed::key_switch_key_bytes(&short, 1) + sealed::key_switch_key_bytes(rlwe, rlwe.max_limbs());
    Ok((params.header_of(BOOTSTRAP_KEYS), 4 + keys + evaluation))
}
