//! `server.toml`: what a server gives to its tenants.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::run::RunError;

/// Limits of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Jobs of a tenant.
    pub(super) jobs: usize,
    /// Bytes on disk of all jobs of a tenant, as planned.
    pub(super) disk: u64,
    /// Bytes of memory of all runs, as planned; what a job of more is refused for.
    pub(super) memory: u64,
    /// Pieces of uploads and answers of a tenant at a time.
    pub(super) uploads: usize,
    /// Connections at a time.
    pub(super) connections: usize,
    /// Seconds without a request after which a run is parked.
    pub(super) silence: u64,
    /// Seconds for the headers of a request, and for a handshake.
    pub(super) header_seconds: u64,
    /// Seconds without a byte of a body.
    pub(super) body_seconds: u64,
    /// Seconds that a computation may take to end when the server is stopped.
    pub(super) grace: u64,
    /// Days after which a job that nobody uses is removed; 0 keeps all.
    pub(super) retention: u32,
    /// Where health and metrics are told, if anywhere: without a token at an address of this machine, over TLS and by a token for
    /// metrics elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operate: Option<SocketAddr>,
    /// PEM file with the authorities of certificates of clients, from the folder of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_ca: Option<PathBuf>,
    /// The tenant of each name that a certificate of a client holds for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) clients: BTreeMap<String, String>,
    /// Whether jobs in small rings without security are taken: by servers of tests.
    #[serde(skip)]
    pub(super) insecure_small: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            jobs: 16,
            disk: 1 << 40,
            memory: memory_here() / 4 * 3,
            uploads: 4,
            connections: 256,
            silence: 600,
            header_seconds: 10,
            body_seconds: 60,
            grace: 120,
            retention: 30,
            operate: None,
            client_ca: None,
            clients: BTreeMap::new(),
            insecure_small: false,
        }
    }
}

/// Bytes of memory of this machine.
fn memory_here() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    system.total_memory()
}

impl Limits {
    /// Those that `server.toml` in a folder says, and the others as they are without it.
    pub(super) fn read(root: &Path) -> Result<Self, RunError> {
        let path = root.join("server.toml");
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|source| RunError::Io { path: path.clone(), source })?;
        toml::from_str(&text).map_err(|error| RunError::File { path, what: error.message().to_owned() })
    }

    /// Writes them, for whoever wants to change them.
    pub(super) fn write(&self, root: &Path) -> Result<(), RunError> {
        let path = root.join("server.toml");
        let text = toml::to_string(self)
            .map_err(|error| RunError::File { path: path.clone(), what: error.to_string() })?;
        std::fs::write(&path, text).map_err(|source| RunError::Io { path, source })
    }
}
