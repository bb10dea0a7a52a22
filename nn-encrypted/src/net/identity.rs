//! The identity of a server: a certificate authority of its own, a certificate for the names it goes by, and the fingerprint by which
//! clients know the authority.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::certificates::issue;
use super::files::wrong;
use super::limits::Limits;
use crate::run::RunError;
use crate::tls;

/// Makes a server's folder: an authority, unless there is one, a certificate for names and addresses, and `server.toml`. Tells the
/// fingerprint.
pub(crate) fn init(root: &Path, names: &[String]) -> Result<String, RunError> {
    let folder = root.join("tls");
    fs::create_dir_all(&folder).map_err(|source| RunError::Io { path: folder.clone(), source })?;
    issue(&folder, names)?;
    if !root.join("server.toml").exists() {
        Limits::default().write(root)?;
    }
    fingerprint_of(root)
}

/// Makes no certificates: nothing here signs them.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn issue(_folder: &Path, _names: &[String]) -> Result<(), RunError> {
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

/// TLS 1.3 as the server of a folder.
pub(super) fn server_config(root: &Path) -> Result<Arc<ServerConfig>, RunError> {
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
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    config.map(Arc::new).map_err(|error| wrong(&path, error))
}
