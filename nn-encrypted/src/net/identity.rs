//! The identity of a server: a certificate authority of its own, a certificate for the names it goes by, and the fingerprint by which
//! clients know the authority.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::certificates::issue;
use super::files::wrong;
use super::limits::Limits;
use crate::run::RunError;
use crate::tls;

/// Makes a server's folder: an authority, unless there is one, a certificate for names and addresses and so many days, and
/// `server.toml`. Tells the fingerprint.
pub(crate) fn init(root: &Path, names: &[String], days: u32) -> Result<String, RunError> {
    let folder = root.join("tls");
    fs::create_dir_all(&folder).map_err(|source| RunError::Io { path: folder.clone(), source })?;
    issue(&folder, names, SystemTime::now() + Duration::from_secs(86_400 * u64::from(days)))?;
    if !root.join("server.toml").exists() {
        Limits::default().write(root)?;
    }
    fingerprint_of(root)
}

/// Makes no certificates: nothing here signs them.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn issue(_folder: &Path, _names: &[String], _ends: SystemTime) -> Result<(), RunError> {
    Err(RunError::Job(tls::MISSING.into()))
}

/// The fingerprint of the authority of a server's folder.
pub(crate) fn fingerprint_of(root: &Path) -> Result<String, RunError> {
    let path = root.join("tls").join("authority.der");
    let der = fs::read(&path).map_err(|source| RunError::Io { path, source })?;
    Ok(fingerprint(&der))
}

/// The fingerprint of a certificate: SHA-256 in hexadecimal digits.
pub(super) fn fingerprint(der: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(der).into();
    crate::run::hex(&digest)
}

/// Whether the certificate of a server's folder holds, and still will after `ahead`: why it does not.
pub(super) fn check_certificate(root: &Path, ahead: Duration) -> Result<(), String> {
    let provider = tls::provider().ok_or(tls::MISSING)?;
    let read = |name: &str| fs::read(root.join("tls").join(name)).map_err(|error| format!("{name}: {error}"));
    let (own, authority) = (CertificateDer::from(read("server.der")?), read("authority.der")?);
    let mut roots = RootCertStore::empty();
    let text = |error: rustls::Error| error.to_string();
    roots.add(CertificateDer::from(authority)).map_err(text)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let algorithms = provider.signature_verification_algorithms.all;
    let (own, then) =
        (ParsedCertificate::try_from(&own).map_err(text)?, UnixTime::since_unix_epoch(since + ahead));
    verify_server_cert_signed_by_trust_anchor(&own, &roots, &[], then, algorithms).map_err(text)
}

/// TLS 1.3 as the server of a folder, which asks for certificates of clients if an authority of theirs is given.
pub(super) fn server_config(root: &Path, client_ca: Option<&Path>) -> Result<Arc<ServerConfig>, RunError> {
    let provider = tls::provider().ok_or_else(|| {
        RunError::Job(format!("{}; serve with --plain behind a proxy that has it", tls::MISSING))
    })?;
    let read = |name: &str| {
        let path = root.join("tls").join(name);
        fs::read(&path).map_err(|source| RunError::Io { path, source })
    };
    let chain = ["server.der", "authority.der"].map(|name| read(name).map(CertificateDer::from));
    let chain = chain.into_iter().collect::<Result<Vec<_>, _>>()?;
    let path = root.join("tls").join("server.key");
    let key = PrivateKeyDer::try_from(read("server.key")?).map_err(|error| wrong(&path, error))?;
    let clients = client_ca.map(|path| verifier(path, &provider)).transpose()?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| match clients {
            Some(clients) => builder.with_client_cert_verifier(clients).with_single_cert(chain, key),
            None => builder.with_no_client_auth().with_single_cert(chain, key),
        });
    config.map(Arc::new).map_err(|error| wrong(&path, error))
}

/// Certificates of clients under the authorities of a PEM file; who shows none goes by a token.
fn verifier(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, RunError> {
    let mut roots = RootCertStore::empty();
    let all = CertificateDer::pem_file_iter(path).map_err(|error| wrong(path, error))?;
    for certificate in all {
        let certificate = certificate.map_err(|error| wrong(path, error))?;
        roots.add(certificate).map_err(|error| wrong(path, error))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
    builder.allow_unauthenticated().build().map_err(|error| wrong(path, error))
}
