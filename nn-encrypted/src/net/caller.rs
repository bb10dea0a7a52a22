//! Requests of a client: repeated until they are answered, since each may be.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, parse_pem};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

use super::api::{LONGEST_WAIT, PROTOCOL, PROTOCOL_HEADER};
use super::names::from_hex;
use super::pin;
use crate::roles::ServerError;
use crate::run::RunError;
use crate::tls;

/// Largest answer that is read: keys and models are smaller.
const LARGEST_ANSWER: u64 = 1 << 32;
/// Characters of a server's sentence that are shown.
const LONGEST_SENTENCE: usize = 400;
/// First and longest pause between two attempts.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(30)];
/// For a connection, and for the body of a request or an answer.
const CONNECTING: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(600);

/// A server as its user names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// `https://host:port`, or `http://` and an address of this machine.
    pub(crate) url: String,
    /// The file with the token; none of a client that shows a certificate.
    pub(crate) token_file: Option<PathBuf>,
    /// The files, in PEM, with the certificate of the client and those that lead to its authority, and with its private key.
    pub(crate) certificate: Option<[PathBuf; 2]>,
    /// The fingerprint of the authority of the server; without it the authorities of the web are believed.
    pub(crate) pin: Option<String>,
    /// How long a server that does not answer is asked again.
    pub(crate) patience: Duration,
    /// Whether nothing is said on the way.
    pub(crate) quiet: bool,
}

impl Place {
    /// How long a server that does not answer is asked again, where nothing else is said.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(86_400);
}

/// Requests to a server.
pub(super) struct Caller {
    agent: Agent,
    base: String,
    authorization: Option<Zeroizing<String>>,
    patience: Duration,
    quiet: bool,
}

/// An answer of a status that was expected.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// A header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that is a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }
}

/// Why one attempt failed.
enum Failure {
    /// Nothing else will come of it.
    Final(ServerError),
    /// To be tried again.
    Passing(String),
}

fn loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// A fingerprint as it is compared, out of any notation of it.
pub(super) fn pin_of(text: &str) -> Result<String, &'static str> {
    let pin = text.to_lowercase().replace(':', "");
    match from_hex(&pin, &mut [0; 32]) {
        Ok(()) => Ok(pin),
        Err(()) => Err("--pin needs the 64 hexadecimal digits that `serve --init` printed"),
    }
}

/// The token in a file.
fn token(path: &Path) -> Result<Zeroizing<String>, RunError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|source| RunError::Io { path: path.to_owned(), source })?;
    let word = text.trim();
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
        let what = "is no token: one word is needed, as `nn-encrypted serve DIR token NAME` prints it";
        return Err(RunError::File { path: path.to_owned(), what: what.into() });
    }
    Ok(Zeroizing::new(word.to_owned()))
}

/// The certificate of the client and its key.
fn own_certificate([chain, key]: &[PathBuf; 2]) -> Result<ClientCert, RunError> {
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path).map(Zeroizing::new);
        bytes.map_err(|source| RunError::Io { path: path.clone(), source })
    };
    let wrong = |path: &PathBuf, what: String| RunError::File { path: path.clone(), what };
    let mut certificates = Vec::new();
    for item in parse_pem(&read(chain)?) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(chain, error.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong(chain, "holds no certificate in PEM".into()));
    }
    let private = PrivateKey::from_pem(&read(key)?).map_err(|error| wrong(key, error.to_string()))?;
    Ok(ClientCert::new_with_certs(&certificates, private))
}

/// Whether an error of a connection passes: a certificate that is refused is refused again.
fn failure(base: &str, error: &ureq::Error) -> Failure {
    let of_tls = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    };
    let what = match of_tls {
        Some(rustls::Error::InvalidCertificate(
            rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. },
        )) => "the certificate of the server has ended: `nn-encrypted serve DIR --init` renews it there, and the fingerprint stays".into(),
        Some(error @ rustls::Error::InvalidCertificate(_)) => error.to_string(),
        _ => return Failure::Passing(error.to_string()),
    };
    Failure::Final(ServerError::Remote(format!("{base}: {what}").into()))
}

/// Text of a server without what moves a terminal's cursor.
pub(super) fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|c| !c.is_control()).take(LONGEST_SENTENCE).collect()
}

impl Caller {
    /// Requests to the server of a place.
    pub(super) fn new(place: &Place) -> Result<Self, RunError> {
        let bad = |what: &str| RunError::Job(format!("{}: {what}", place.url));
        let base = place.url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| bad("is no address of a server"))?;
        let host = uri.host().ok_or_else(|| bad("names no server"))?;
        if uri.path() != "/" && !uri.path().is_empty() {
            return Err(bad("has a path; scheme, host and port are needed"));
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(if loopback(host) { None } else { ureq::Proxy::try_from_env() })
            .timeout_connect(Some(CONNECTING))
            .timeout_send_body(Some(BODY))
            .timeout_recv_response(Some(CONNECTING + Duration::from_secs(LONGEST_WAIT)))
            .timeout_recv_body(Some(BODY));
        match uri.scheme_str() {
            Some("http") if loopback(host) => {}
            Some("http") => {
                return Err(bad("the token would be open to everyone on the way; https is needed"));
            }
            Some("https") => {
                let roots = match &place.pin {
                    None => RootCerts::WebPki,
                    Some(pin) => {
                        let pin = pin_of(pin).map_err(bad)?;
                        let der = pin::certificate(host, uri.port_u16().unwrap_or(443), &pin);
                        let der = der.map_err(RunError::Job)?;
                        RootCerts::new_with_certs(&[Certificate::from_der(&der).to_owned()])
                    }
                };
                let own = place.certificate.as_ref().map(own_certificate).transpose()?;
                config = config.tls_config(tls::config(roots, own).ok_or_else(|| bad(tls::MISSING))?);
            }
            _ => return Err(bad("https:// is needed")),
        }
        let bearer = |path: &PathBuf| Ok::<_, RunError>(Zeroizing::new(format!("Bearer {}", *token(path)?)));
        let authorization = place.token_file.as_ref().map(bearer).transpose()?;
        if authorization.is_none() && place.certificate.is_none() {
            return Err(bad("--token-file is needed, or --cert and --key"));
        }
        let (patience, quiet) = (place.patience, place.quiet);
        Ok(Self { agent: config.build().into(), base, authorization, patience, quiet })
    }

    /// The answer to a request whose status is a success or one of `also`. Where nothing comes it is sent again, with growing pauses.
    pub(super) fn call(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
        also: &[StatusCode],
    ) -> Result<Answer, ServerError> {
        let (begun, mut pause) = (Instant::now(), PAUSES[0]);
        loop {
            let what = match self.attempt(method, path, headers, body, also) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(what)) => what,
            };
            if begun.elapsed() >= self.patience {
                return Err(ServerError::Remote(format!("{}: {what}", self.base).into()));
            }
            if pause > Duration::from_secs(1) && !self.quiet {
                eprintln!("{}: {what}; asked again in {} s", self.base, pause.as_secs());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES[1]);
        }
    }

    fn attempt(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
        also: &[StatusCode],
    ) -> Result<Answer, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(PROTOCOL_HEADER, PROTOCOL);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.as_str());
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let wrong = |error: ureq::http::Error| Failure::Final(ServerError::Remote(error.to_string().into()));
        let bodied = [Method::PUT, Method::PATCH].contains(method);
        let sent = match bodied {
            true => self.agent.run(request.body(body).map_err(wrong)?),
            false => self.agent.run(request.body(()).map_err(wrong)?),
        };
        let mut response = sent.map_err(|error| failure(&self.base, &error))?;
        let status = response.status();
        let body = read(response.body_mut()).map_err(Failure::Passing)?;
        if status.is_success() || also.contains(&status) {
            let headers = response.headers().clone();
            return Ok(Answer { status, headers, body });
        }
        let said = printable(&body);
        let said = if said.is_empty() { status.to_string() } else { said };
        Err(match status {
            StatusCode::GONE => Failure::Final(ServerError::Gone(said)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Failure::Passing(said),
            _ if status.is_server_error() && status != StatusCode::INSUFFICIENT_STORAGE => {
                Failure::Passing(said)
            }
            _ => Failure::Final(ServerError::Remote(said.into())),
        })
    }
}

fn read(body: &mut Body) -> Result<Vec<u8>, String> {
    body.with_config().limit(LARGEST_ANSWER).read_to_vec().map_err(|error| error.to_string())
}
