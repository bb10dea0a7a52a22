//! Certificates of clients: which tenant a name in one stands for.

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

use super::limits::Limits;
use super::tokens::is_tenant;
use crate::run::RunError;

/// The names of `clients` in `server.toml`, each with its tenant.
#[derive(Default)]
pub(super) struct Clients(Vec<(ServerName<'static>, String)>);

impl Clients {
    /// Those of the limits of a server.
    pub(super) fn new(limits: &Limits) -> Result<Self, RunError> {
        let bad = |what: String| RunError::Job(format!("server.toml: {what}"));
        if limits.client_ca.is_none() && !limits.clients.is_empty() {
            return Err(bad("`clients` needs `client_ca`, the authority of their certificates".into()));
        }
        let one = |(name, tenant): (&String, &String)| {
            if !is_tenant(tenant) {
                return Err(bad(format!("clients: {tenant:?} is no name of a tenant")));
            }
            let name = ServerName::try_from(name.clone());
            Ok((name.map_err(|error| bad(format!("clients: {error}")))?, tenant.clone()))
        };
        Ok(Self(limits.clients.iter().map(one).collect::<Result<_, _>>()?))
    }

    /// The tenant of a certificate that was verified: the first of the names that it holds for.
    pub(super) fn tenant(&self, certificate: &CertificateDer<'_>) -> Option<String> {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        let mut names = self.0.iter();
        let found = names.find(|(name, _)| verify_server_name(&parsed, name).is_ok());
        found.map(|(_, tenant)| tenant.clone())
    }
}
