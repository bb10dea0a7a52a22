//! TLS, pins, and servers that are not the one that was meant.

use super::*;
use crate::net::{fingerprint_of, init};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn a_training_over_tls_with_a_pinned_authority() {
    let (server, runs) = (Folder::new("server"), Folder::new("runs"));
    let fingerprint = init(server.path(), &names(&["127.0.0.1"]), 30).unwrap();
    let served = Served::with(server.path(), limits(), false);
    let place = Place { pin: Some(fingerprint.clone()), ..served.place("owner") };
    let small = Small { steps: 2, ..ALL[0] };
    let session = small.session();
    let there = small.there(&session, &place, &runs.path().join("there"));
    assert_eq!(there.model, small.here(&session, &runs.path().join("here")).model);
    // Other notations of the same pin.
    let pairs: Vec<String> = (0..32).map(|i| fingerprint[2 * i..2 * i + 2].to_uppercase()).collect();
    let place = Place { pin: Some(pairs.join(":")), ..place };
    assert_eq!(elsewhere(&place).jobs().unwrap().len(), 1);
    let refused = |place: Place| match Elsewhere::new(&Place { patience: Duration::ZERO, ..place }) {
        Ok(elsewhere) => elsewhere.jobs().unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    let other = if fingerprint.starts_with('0') { "1" } else { "0" };
    let other = format!("{other}{}", &fingerprint[1..]);
    let said = refused(Place { pin: Some(other), ..place.clone() });
    assert!(said.contains("does not show the certificate of this fingerprint"), "{said}");
    let said = refused(Place { pin: Some("abc".into()), ..place.clone() });
    assert!(said.contains("64 hexadecimal digits"), "{said}");
    // The authorities of the web do not know it.
    let said = refused(Place { pin: None, ..place.clone() });
    assert!(said.to_lowercase().contains("issuer"), "{said}");
    // Nor is a token sent in the clear.
    let said = refused(Place { url: "http://192.0.2.1:7443".into(), ..place.clone() });
    assert!(said.contains("https is needed"), "{said}");
}

#[test]
fn a_certificate_made_anew_keeps_its_authority_and_another_name_is_refused() {
    let server = Folder::new("server");
    let fingerprint = init(server.path(), &names(&["127.0.0.1"]), 30).unwrap();
    let before = std::fs::read(server.path().join("tls/server.der")).unwrap();
    assert_eq!(init(server.path(), &names(&["example.org", "192.0.2.7"]), 30).unwrap(), fingerprint);
    assert_eq!(fingerprint_of(server.path()).unwrap(), fingerprint);
    assert_ne!(std::fs::read(server.path().join("tls/server.der")).unwrap(), before);
    let served = Served::with(server.path(), limits(), false);
    let place = Place { pin: Some(fingerprint), patience: Duration::ZERO, ..served.place("owner") };
    let said = elsewhere(&place).jobs().unwrap_err().to_string();
    assert!(said.to_lowercase().contains("name"), "{said}");
    #[cfg(unix)]
    for key in ["authority.key", "server.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(server.path().join("tls").join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
}

#[test]
fn without_tls_a_server_listens_on_this_machine_alone() {
    let server = Folder::new("server");
    let all = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let refused =
        Listener::with(server.path(), all, true, limits(), quiet()).map(drop).unwrap_err().to_string();
    assert!(refused.contains("--plain is for addresses of this machine"), "{refused}");
    // Nor without a certificate.
    let refused =
        Listener::with(server.path(), all, false, limits(), quiet()).map(drop).unwrap_err().to_string();
    assert!(refused.contains("server.der"), "{refused}");
}

#[test]
fn the_first_key_exchange_is_the_hybrid_one_and_nothing_older_than_tls_1_3_is_spoken() {
    let provider = crate::tls::provider().unwrap();
    assert_eq!(provider.kx_groups[0].name(), rustls::NamedGroup::X25519MLKEM768);
    let server = Folder::new("server");
    init(server.path(), &names(&["127.0.0.1"]), 30).unwrap();
    let served = Served::with(server.path(), limits(), false);
    // A greeting of TLS 1.2 alone: record and handshake header, version 3.3, and no extension that offers more.
    let mut greeting = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
    greeting.extend([7; 32]);
    greeting.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]);
    let mut stream = std::net::TcpStream::connect(served.address).unwrap();
    std::io::Write::write_all(&mut stream, &greeting).unwrap();
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut answer).unwrap();
    assert_eq!(answer.first(), Some(&21), "an alert, not a handshake: {answer:?}");
}

#[test]
fn a_client_that_shows_a_certificate_needs_no_token() {
    let (server, clients) = (Folder::new("server"), Folder::new("clients"));
    let fingerprint = init(server.path(), &names(&["127.0.0.1"]), 30).unwrap();
    let [authority, certificate, key] =
        crate::net::certificates::client(clients.path(), "ward-3.example.org").unwrap();
    let tenants = [("ward-3.example.org".to_owned(), "ward-3".to_owned())].into();
    let limits = Limits { client_ca: Some(authority), clients: tenants, ..limits() };
    let served = Served::with(server.path(), limits.clone(), false);
    let owner = Place { pin: Some(fingerprint), patience: Duration::ZERO, ..served.place("ward-3") };
    let shown = Place { token_file: None, certificate: Some([certificate, key]), ..owner.clone() };
    let (small, runs) = (Small { steps: 1, ..ALL[0] }, Folder::new("runs"));
    small.there(&small.session(), &shown, &runs.path().join("there"));
    // By either the tenant is the same one; a certificate under another authority is none.
    assert_eq!(elsewhere(&owner).jobs().unwrap(), elsewhere(&shown).jobs().unwrap());
    assert!(elsewhere(&Place { pin: owner.pin.clone(), ..served.place("other") }).jobs().unwrap().is_empty());
    let strangers = Folder::new("strangers");
    let [_, certificate, key] =
        crate::net::certificates::client(strangers.path(), "ward-3.example.org").unwrap();
    let stranger = Place { certificate: Some([certificate, key]), ..shown.clone() };
    assert!(elsewhere(&stranger).jobs().is_err());
    // A name that stands for nobody does not open anything by itself.
    let [_, certificate, key] =
        crate::net::certificates::client(clients.path(), "other.example.org").unwrap();
    let nameless = Place { certificate: Some([certificate, key]), ..shown.clone() };
    assert!(elsewhere(&nameless).jobs().is_err());
    let said = Elsewhere::new(&Place { certificate: None, ..shown }).map(drop).unwrap_err().to_string();
    assert!(said.contains("--token-file is needed, or --cert and --key"), "{said}");
    let wrong = Limits { client_ca: None, ..limits };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let said = Listener::with(server.path(), any, false, wrong, quiet()).map(drop).unwrap_err().to_string();
    assert!(said.contains("`clients` needs `client_ca`"), "{said}");
}
