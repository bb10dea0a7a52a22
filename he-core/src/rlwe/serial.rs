//! Bodies of serialized objects: what stands inside the envelope of [`crate::wire`].
//!
//! A polynomial is its limbs, each word in exactly as many bits as its prime has. Uniform parts are never written: a
//! seeded ciphertext or key carries the 32 bytes they are expanded from. Every object has the [identifier](SecretId) of its secret, a set of
//! evaluation keys once for all of them. Every count and every word is checked against
//! the parameters before memory is taken.

use std::collections::BTreeMap;

use super::ciphertext::{Ciphertext, SeededCiphertext};
use super::encrypt::PublicKey;
use super::galois::EvaluationKeys;
use super::keyswitch::KeySwitchKey;
use super::params::Parameters;
use super::secret_id::SecretId;
use crate::ring::basis::Basis;
use crate::ring::poly::{Eval, Poly};
use crate::wire::{Reader, Source, WireError, Writer};

pub use super::object::{Kind, body_limit, header, polynomial_bytes};

/// Writes the limbs of a polynomial.
///
/// # Errors
/// Never for reduced words.
pub fn write_poly(out: &mut Writer, poly: &Poly<Eval>) -> Result<(), WireError> {
    for (i, q) in poly.basis().moduli().enumerate() {
        out.packed_u64(poly.limb(i), q.bits())?;
    }
    Ok(())
}

/// Reads the limbs of a polynomial over a basis.
///
/// # Errors
/// If a word is out of range, or bytes are missing.
pub fn read_poly(from: &mut impl Source, basis: &Basis, what: &'static str) -> Result<Poly<Eval>, WireError> {
    let mut words = Vec::with_capacity(basis.n() * basis.len());
    for q in basis.moduli() {
        from.packed_u64(basis.n(), q.bits(), q.value(), what, &mut words)?;
    }
    Ok(Poly::from_words(basis, &words))
}

fn read_limbs(from: &mut impl Source, params: &Parameters, what: &'static str) -> Result<usize, WireError> {
    let limbs = from.u16(what)?;
    check_limbs(limbs, params, what)
}

fn check_limbs(limbs: u16, params: &Parameters, what: &'static str) -> Result<usize, WireError> {
    let most = params.max_limbs();
    if limbs == 0 || usize::from(limbs) > most {
        return Err(WireError::Value { what, index: 0, found: u64::from(limbs), bound: most as u64 + 1 });
    }
    Ok(usize::from(limbs))
}

/// Writes a ciphertext of degree 1 or 2.
///
/// # Errors
/// Never for a ciphertext of reduced words.
pub fn write_ciphertext(out: &mut Writer, ciphertext: &Ciphertext) -> Result<(), WireError> {
    out.u8(ciphertext.parts().len() as u8);
    out.u16(ciphertext.limbs() as u16);
    ciphertext.secret_id().write(out);
    ciphertext.parts().iter().try_for_each(|part| write_poly(out, part))
}

/// Writes a seeded ciphertext.
///
/// # Errors
/// Never for a ciphertext of reduced words.
pub fn write_seeded(out: &mut Writer, ciphertext: &SeededCiphertext) -> Result<(), WireError> {
    let (c0, seed) = ciphertext.parts();
    out.u8(1);
    out.u16(ciphertext.limbs() as u16);
    ciphertext.secret_id().write(out);
    write_poly(out, c0)?;
    out.bytes(seed);
    Ok(())
}

/// Reads a ciphertext of degree 1 or 2, or a seeded one, which is expanded.
///
/// # Errors
/// If a count or a word is out of range, or bytes are missing.
pub fn read_ciphertext(from: &mut Reader<'_>, params: &Parameters) -> Result<Ciphertext, WireError> {
    read_ciphertext_of_degree(from, params, 2)
}

/// As [`read_ciphertext`], of a degree of at most `most`.
///
/// # Errors
/// If a count or a word is out of range, or bytes are missing.
pub fn read_ciphertext_of_degree(
    from: &mut Reader<'_>,
    params: &Parameters,
    most: usize,
) -> Result<Ciphertext, WireError> {
    let what = "ciphertext";
    let parts = from.u8(what)?;
    let limbs = read_limbs(from, params, what)?;
    let (secret, basis) = (SecretId::read(from, what)?, params.basis(limbs));
    match parts {
        1 => {
            let c0 = read_poly(from, basis, what)?;
            let seed = from.array::<32>(what)?;
            Ok(SeededCiphertext { params: params.clone(), secret, c0, seed }.expand())
        }
        2.. if usize::from(parts) - 1 <= most => {
            let parts = (0..parts).map(|_| read_poly(from, basis, what)).collect::<Result<_, _>>()?;
            Ok(Ciphertext::new(params, secret, parts))
        }
        found => Err(WireError::Value {
            what,
            index: 0,
            found: u64::from(found),
            bound: (most as u64).saturating_add(2),
        }),
    }
}

/// Writes a public key.
///
/// # Errors
/// Never for a key that was made.
pub fn write_public_key(out: &mut Writer, key: &PublicKey) -> Result<(), WireError> {
    let (c0, seed) = key.zero().parts();
    key.secret_id().write(out);
    write_poly(out, c0)?;
    out.bytes(seed);
    Ok(())
}

/// Reads a public key.
///
/// # Errors
/// If a word is out of range, or bytes are missing.
pub fn read_public_key(from: &mut Reader<'_>, params: &Parameters) -> Result<PublicKey, WireError> {
    let what = "public key";
    let secret = SecretId::read(from, what)?;
    let c0 = read_poly(from, params.basis(params.max_limbs()), what)?;
    let seed = from.array::<32>(what)?;
    Ok(PublicKey::new(SeededCiphertext { params: params.clone(), secret, c0, seed }))
}

/// Writes a key-switching key, in seeded form.
///
/// # Errors
/// Never for a key that was made.
pub fn write_key_switch_key(out: &mut Writer, key: &KeySwitchKey) -> Result<(), WireError> {
    out.u16(key.limbs as u16);
    key.secrets.iter().for_each(|secret| secret.write(out));
    write_seed_and_bodies(out, key)
}

fn write_seed_and_bodies(out: &mut Writer, key: &KeySwitchKey) -> Result<(), WireError> {
    out.bytes(&key.seed);
    key.b.iter().try_for_each(|poly| write_poly(out, poly))
}

/// Reads a key-switching key to a secret of the given parameters. The parameters of the secret from which it switches it does not
/// say, only its identifier.
///
/// # Errors
/// If the parameters have no special primes, a count or a word is out of range, an identifier is zero, or bytes are missing.
pub fn read_key_switch_key(from: &mut impl Source, params: &Parameters) -> Result<KeySwitchKey, WireError> {
    read_key(from, params, None, |_| Ok(()))
}

/// As [`read_key_switch_key`], of a key whose number of limbs `check` allows: seen before memory is taken for a key of another size.
///
/// # Errors
/// Those of [`read_key_switch_key`] and of `check`.
pub fn read_key_switch_key_if(
    from: &mut impl Source,
    params: &Parameters,
    check: impl FnOnce(usize) -> Result<(), WireError>,
) -> Result<KeySwitchKey, WireError> {
    read_key(from, params, None, check)
}

/// A key-switching key, with the identifiers of its secrets unless they are known.
fn read_key(
    from: &mut impl Source,
    params: &Parameters,
    secrets: Option<[SecretId; 2]>,
    check: impl FnOnce(usize) -> Result<(), WireError>,
) -> Result<KeySwitchKey, WireError> {
    let what = "key-switching key";
    if params.spec().p.is_empty() {
        return Err(WireError::Invalid {
            what,
            why: "the parameters have no special primes, without which there are no such keys".into(),
        });
    }
    let limbs = from.u16(what)?;
    check(limbs.into())?;
    let limbs = check_limbs(limbs, params, what)?;
    let secrets = match secrets {
        Some(secrets) => secrets,
        None => [SecretId::read(from, what)?, SecretId::read(from, what)?],
    };
    let seed = from.array::<32>(what)?;
    let basis = params.key_basis(limbs);
    let b = (0..params.digits(limbs)).map(|_| read_poly(from, basis, what)).collect::<Result<_, _>>()?;
    Ok(KeySwitchKey::from_seeded(params, secrets, limbs, seed, b))
}

/// Writes evaluation keys, in seeded form.
///
/// # Errors
/// Never for keys that were made.
pub fn write_evaluation_keys(out: &mut Writer, keys: &EvaluationKeys) -> Result<(), WireError> {
    let write = |out: &mut Writer, key: &KeySwitchKey| {
        out.u16(key.limbs as u16);
        write_seed_and_bodies(out, key)
    };
    SecretId::write_optional(keys.secret, out);
    out.u8(u8::from(keys.relinearization.is_some()));
    keys.relinearization.iter().try_for_each(|key| write(out, key))?;
    out.u32(keys.galois.len() as u32);
    for (&g, key) in &keys.galois {
        out.u32(g as u32);
        write(out, key)?;
    }
    Ok(())
}

/// Reads evaluation keys.
///
/// # Errors
/// If a count, an element or a word is out of range, elements do not ascend, there are keys of no secret, or bytes are missing.
pub fn read_evaluation_keys<S: Source>(
    from: &mut S,
    params: &Parameters,
) -> Result<EvaluationKeys, WireError> {
    let what = "evaluation keys";
    let secret = SecretId::read_optional(from, what)?;
    let key = |from: &mut S| {
        let why = || "keys with an identifier of zero, which is that of no secret".into();
        let secret = secret.ok_or_else(|| WireError::Invalid { what, why: why() })?;
        read_key(from, params, Some([secret; 2]), |_| Ok(()))
    };
    let relinearization = match from.u8(what)? {
        0 => None,
        1 => Some(key(from)?),
        found => {
            return Err(WireError::Value { what, index: 0, found: u64::from(found), bound: 2 });
        }
    };
    let (count, two_n) = (from.u32(what)?, 2 * params.n() as u64);
    if u64::from(count) > two_n / 2 {
        return Err(WireError::Value { what, index: 1, found: u64::from(count), bound: two_n / 2 + 1 });
    }
    let mut galois = BTreeMap::new();
    for index in 0..count as usize {
        let g = from.u32("Galois element")?;
        let ascends = galois.last_key_value().is_none_or(|(&last, _): (&usize, _)| last < g as usize);
        if g % 2 == 0 || u64::from(g) >= two_n || !ascends {
            return Err(WireError::Value {
                what: "Galois element",
                index,
                found: u64::from(g),
                bound: two_n,
            });
        }
        galois.insert(g as usize, key(from)?);
    }
    Ok(EvaluationKeys { params: params.clone(), secret, relinearization, galois })
}
