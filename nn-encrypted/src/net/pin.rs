//! A server known by the fingerprint of its authority.
//!
//! A handshake that is given up shows its certificates; the one of that fingerprint becomes the only root by which connections are
//! verified from then on, names included. Nothing else is believed of that handshake.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use super::identity::fingerprint;
use crate::tls;

/// For the connection, and for each read and write of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks for a certificate, and accepts none.
#[derive(Debug)]
struct Finder {
    pin: String,
    found: Mutex<Option<Vec<u8>>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Finder {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut all = std::iter::once(own).chain(others);
        let found = all.find(|certificate| fingerprint(certificate) == self.pin);
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found.map(|found| found.to_vec());
        given_up()
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        given_up()
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        given_up()
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The end of a connection that was made for its certificate alone.
fn given_up<T>() -> Result<T, Error> {
    Err(Error::General("given up".into()))
}

/// The certificate of a fingerprint that a server shows.
pub(super) fn certificate(host: &str, port: u16, pin: &str) -> Result<Vec<u8>, String> {
    let provider = tls::provider().ok_or(tls::MISSING)?;
    let finder = Arc::new(Finder {
        pin: pin.to_lowercase().replace(':', ""),
        found: Mutex::default(),
        provider: Arc::clone(&provider),
    });
    let text = |error: std::io::Error| format!("{host}:{port}: {error}");
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Finder>::clone(&finder);
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map(|builder| builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
    let config = config.map_err(|error| error.to_string())?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(|error| format!("{host}: {error}"))?;
    let mut client = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let address = (bare, port).to_socket_addrs().map_err(text)?.next();
    let address = address.ok_or_else(|| format!("{host} has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(text)?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
        .map_err(text)?;
    let shown = client.complete_io(&mut stream);
    let found = finder.found.lock().unwrap_or_else(PoisonError::into_inner).take();
    found.ok_or_else(|| match shown {
        Err(error) if error.kind() != std::io::ErrorKind::InvalidData => text(error),
        _ => format!("{host}:{port} does not show the certificate of this fingerprint: it is another server, or was made anew"),
    })
}
