//! Keys and certificates of a server, signed by Ed25519 of graviola.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use graviola::signing::eddsa::Ed25519SigningKey;
use he_core::ring::sample::Prng;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
    date_time_ymd,
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

/// The beginning of the day of a time, as a year, a month and a day.
fn day(time: SystemTime) -> Option<(i32, u8, u8)> {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let mut parts = text.split('T').next()?.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A certificate that holds from two days before, as clocks go wrong, to the beginning of the day of `ends`.
fn limited(mut parameters: CertificateParams, ends: SystemTime) -> CertificateParams {
    let begins = ends.min(SystemTime::now()) - Duration::from_secs(2 * 86_400);
    if let (Some((y, m, d)), Some((year, month, date))) = (day(begins), day(ends)) {
        (parameters.not_before, parameters.not_after) =
            (date_time_ymd(y, m, d), date_time_ymd(year, month, date));
    }
    parameters
}

/// Writes an authority, unless there is one, and a new key with a certificate for names and addresses. The certificate ends, the
/// authority does not.
pub(super) fn issue(folder: &Path, names: &[String], ends: SystemTime) -> Result<(), RunError> {
    let (key_path, path) = (folder.join("authority.key"), folder.join("authority.der"));
    let key = if key_path.exists() { Key::read(&key_path)? } else { Key::generate(&key_path)? };
    let parameters = authority(&key)?;
    if !path.exists() {
        let certificate = parameters.self_signed(&key).map_err(|error| wrong(&path, error))?;
        write_private(&path, certificate.der())?;
    }
    let (server_key, server) = (Key::generate(&folder.join("server.key"))?, folder.join("server.der"));
    let certificate = limited(self::parameters(names, "nn-encrypted server", &server_key)?, ends)
        .signed_by(&server_key, &Issuer::new(parameters, key))
        .map_err(|error| wrong(&server, error))?;
    write_private(&server, certificate.der())
}

/// An authority of clients and a certificate of a client under it, in PEM: the authority, the certificate, its key.
#[cfg(test)]
pub(super) fn client(folder: &Path, name: &str) -> Result<[std::path::PathBuf; 3], RunError> {
    let pem = |kind: &str, der: &[u8]| {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = format!("-----BEGIN {kind}-----\n");
        for chunk in der.chunks(48) {
            for three in chunk.chunks(3) {
                let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
                    << (8 * (3 - three.len()));
                for place in 0..4 {
                    let digit = digits[(word >> (18 - 6 * place) & 63) as usize] as char;
                    text.push(if place <= three.len() { digit } else { '=' });
                }
            }
            text.push('\n');
        }
        text + &format!("-----END {kind}-----\n")
    };
    let paths = ["clients.pem", "client.pem", "client.key.pem"].map(|name| folder.join(name));
    let authority_key = Key::generate(&folder.join("clients.key"))?;
    let parameters = authority(&authority_key)?;
    let own = parameters.self_signed(&authority_key).map_err(|error| wrong(&paths[0], error))?;
    let key_path = folder.join("client.key");
    let key = Key::generate(&key_path)?;
    let certificate = self::parameters(&[name.to_owned()], "a client", &key)?
        .signed_by(&key, &Issuer::new(parameters, authority_key))
        .map_err(|error| wrong(&paths[1], error))?;
    let private = fs::read(&key_path).map_err(|source| RunError::Io { path: key_path, source })?;
    write_private(&paths[0], pem("CERTIFICATE", own.der()).as_bytes())?;
    write_private(&paths[1], pem("CERTIFICATE", certificate.der()).as_bytes())?;
    write_private(&paths[2], pem("PRIVATE KEY", &private).as_bytes())?;
    Ok(paths)
}
