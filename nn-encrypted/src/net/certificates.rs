//! Keys and certificates of a server, signed by Ed25519 of graviola.

use std::fs;
use std::path::Path;

use graviola::signing::eddsa::Ed25519SigningKey;
use he_core::ring::sample::Prng;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::files::{write_private, wrong};
use crate::run::RunError;

/// Bytes of a private key of Ed25519 in PKCS#8, at most.
const LARGEST_KEY: usize = 128;

/// A key of Ed25519, as certificates are signed with it.
struct Key {
    key: Ed25519SigningKey,
    public: Vec<u8>,
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.key.sign(message).to_vec())
    }
}

impl Key {
    fn of(key: Ed25519SigningKey) -> Self {
        let public = key.public_key().as_bytes().to_vec();
        Self { key, public }
    }

    /// A new key, written to a file.
    fn generate(path: &Path) -> Result<Self, RunError> {
        let key = Ed25519SigningKey::generate().map_err(|error| wrong(path, format!("{error:?}")))?;
        let mut der = Zeroizing::new([0; LARGEST_KEY]);
        let der = key.to_pkcs8_der(&mut *der).map_err(|error| wrong(path, format!("{error:?}")))?;
        write_private(path, der)?;
        Ok(Self::of(key))
    }

    fn read(path: &Path) -> Result<Self, RunError> {
        let der = fs::read(path).map_err(|source| RunError::Io { path: path.to_owned(), source })?;
        let key = Ed25519SigningKey::from_pkcs8_der(&Zeroizing::new(der));
        Ok(Self::of(key.map_err(|error| wrong(path, format!("{error:?}")))?))
    }
}

/// Parameters of a certificate for names and a key.
fn parameters(names: &[String], title: &str, key: &Key) -> Result<CertificateParams, RunError> {
    let bad = |error: rcgen::Error| RunError::Job(format!("{}: {error}", names.join(", ")));
    let mut parameters = CertificateParams::new(names).map_err(bad)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, title);
    parameters.distinguished_name = name;
    let mut serial = [0; 16];
    let mut prng = Prng::from_os().map_err(|error| RunError::Job(error.to_string()))?;
    prng.fill_bytes(&mut serial);
    serial[0] &= 0x7f;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.key_identifier_method = KeyIdMethod::PreSpecified(Sha256::digest(&key.public)[..20].to_vec());
    Ok(parameters)
}

/// Parameters of the authority.
fn authority(key: &Key) -> Result<CertificateParams, RunError> {
    let mut parameters = parameters(&[], "nn-encrypted server authority", key)?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}

/// Writes an authority, unless there is one, and a new key with a certificate for names and addresses.
pub(super) fn issue(folder: &Path, names: &[String]) -> Result<(), RunError> {
    let (key_path, path) = (folder.join("authority.key"), folder.join("authority.der"));
    let key = if key_path.exists() { Key::read(&key_path)? } else { Key::generate(&key_path)? };
    let parameters = authority(&key)?;
    if !path.exists() {
        let certificate = parameters.self_signed(&key).map_err(|error| wrong(&path, error))?;
        write_private(&path, certificate.der())?;
    }
    let (server_key, server) = (Key::generate(&folder.join("server.key"))?, folder.join("server.der"));
    let certificate = self::parameters(names, "nn-encrypted server", &server_key)?
        .signed_by(&server_key, &Issuer::new(parameters, key))
        .map_err(|error| wrong(&server, error))?;
    write_private(&server, certificate.der())
}
