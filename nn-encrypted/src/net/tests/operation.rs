//! Health, metrics, the log, retention, certificates that end, certificates of clients, and the end of a server.

use std::io::Write;
use std::sync::Mutex;
use std::time::SystemTime;

use super::hostile::Asker;
use super::*;
use crate::net::identity::{check_certificate, init};
use crate::net::service::Service;

/// A log that is read.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Status and text at a path, without a token.
fn get(url: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(url).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

/// The value of a line of metrics.
fn value(page: &str, line: &str) -> f64 {
    let found = page.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{line} in {page}")).parse().unwrap()
}

#[test]
fn health_metrics_and_a_log_without_tokens() {
    let (server, runs, kept) = (Folder::new("server"), Folder::new("runs"), Kept::default());
    let limits = Limits { operate: Some(HERE), ..limits() };
    let served = Served::logged(server.path(), limits, Journal::to(Form::Json, kept.clone()));
    let operated = format!("http://{}", served.operated.unwrap());
    assert_eq!(get(&format!("{operated}/healthz")), (200, "alive\n".into()));
    assert_eq!(get(&format!("{operated}/readyz")), (200, "ready\n".into()));
    assert_eq!(get(&format!("{operated}/v1/jobs")).0, 404);
    let place = served.place("owner");
    let small = Small { steps: 2, ..ALL[0] };
    small.there(&small.session(), &place, &runs.path().join("there"));
    let page = get(&format!("{operated}/metrics")).1;
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, number) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("nn_encrypted_") && number.parse::<f64>().is_ok(), "{line}");
    }
    assert_eq!(value(&page, "nn_encrypted_step_seconds_count"), 2.0);
    assert_eq!(value(&page, "nn_encrypted_jobs{state=\"waiting\"}"), 1.0);
    for line in
        ["disk_bytes", "received_bytes_total", "sent_bytes_total", "step_seconds_sum", "requests_total"]
    {
        assert!(value(&page, &format!("nn_encrypted_{line}")) > 0.0, "{line}: {page}");
    }
    // Of what a client asks without a token, or wrongly, the reason is in the log, and no token.
    let owner = Asker::new(&place);
    assert_eq!(owner.put("/v1/jobs/x", b"a body that nobody notes").0, 404);
    let none = format!("/v1/jobs/{}", crate::net::names::Id::draw().unwrap());
    assert_eq!(owner.put(&none, br#"{"a body that nobody notes": 1}"#).0, 400);
    let stranger = Asker { token: format!("{}x", owner.token), ..Asker::new(&place) };
    assert_eq!(stranger.get("/v1/jobs").0, 401);
    let page = get(&format!("{operated}/metrics")).1;
    assert_eq!(value(&page, "nn_encrypted_requests_refused_total"), 3.0);
    drop(served);
    let text = kept.text();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["time"].is_string() && line["event"].is_string(), "{line}");
    }
    for event in ["job created", "run begun", "request refused", "run ended", "stopping", "stopped"] {
        assert!(text.contains(&format!("\"event\":\"{event}\"")), "{event}: {text}");
    }
    for secret in [&owner.token[4..20], "Bearer", "a body that nobody notes"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn elsewhere_metrics_take_a_token_for_metrics_and_nothing_else_does() {
    use axum::body::Body;
    use axum::http::Request;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use crate::net::operate::{Operated, router};

    let server = Folder::new("operate");
    let tokens = Tokens::new(server.path());
    let [metrics, owner] = [tokens.issue_for_metrics("m", None).unwrap(), tokens.issue("o", None).unwrap()];
    let service = Arc::new(Service::open(server.path(), limits(), quiet()).unwrap());
    let router = router(Operated { service, open: false, tls: true });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = |path: &str, token: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        let answer = TowerToHyperService::new(router.clone()).call(request.body(Body::empty()).unwrap());
        runtime.block_on(answer).unwrap().status().as_u16()
    };
    assert_eq!((status("/healthz", ""), status("/metrics", ""), status("/metrics", &owner)), (200, 401, 401));
    // Without a certificate it is not ready.
    assert_eq!((status("/metrics", &metrics), status("/readyz", &metrics)), (200, 503));
    // Nor does it listen elsewhere without TLS.
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let limits = Limits { operate: Some(any), ..limits() };
    let said = Listener::with(server.path(), HERE, true, limits, quiet()).map(drop).unwrap_err().to_string();
    assert!(said.contains("without TLS"), "{said}");
}

#[test]
fn jobs_that_nobody_uses_are_removed_after_their_days() {
    let (server, runs, kept) = (Folder::new("server"), Folder::new("runs"), Kept::default());
    let small = Small { steps: 1, ..ALL[0] };
    {
        let served = Served::plain(server.path(), limits());
        small.there(&small.session(), &served.place("owner"), &runs.path().join("run"));
    }
    let sweep = |retention: u32, days: u64| {
        let limits = Limits { retention, ..limits() };
        let service = Service::open(server.path(), limits, Journal::to(Form::Words, kept.clone())).unwrap();
        service.sweep(SystemTime::now() + Duration::from_secs(86_400 * days)).unwrap();
        service.store.jobs().unwrap().len()
    };
    assert_eq!((sweep(30, 29), sweep(0, 1000), kept.text().len()), (1, 1, 0));
    assert_eq!(sweep(30, 31), 0);
    assert!(
        kept.text().contains("job deleted") && kept.text().contains("not used for 30 days"),
        "{}",
        kept.text()
    );
    assert_eq!(std::fs::read_dir(server.path().join("jobs")).unwrap().count(), 0);
}

#[test]
fn a_certificate_that_has_ended_is_renewed_under_the_same_authority() {
    let server = Folder::new("ended");
    let names = vec!["127.0.0.1".to_owned()];
    let fingerprint = init(server.path(), &names, 5).unwrap();
    let days = |days: u64| Duration::from_secs(86_400 * days);
    assert_eq!(check_certificate(server.path(), days(3)), Ok(()));
    assert!(check_certificate(server.path(), days(7)).unwrap_err().to_lowercase().contains("expired"));
    crate::net::certificates::issue(&server.path().join("tls"), &names, SystemTime::now() - days(3)).unwrap();
    {
        let kept = Kept::default();
        let served = Served::tls(server.path(), limits(), Journal::to(Form::Words, kept.clone()));
        assert!(kept.text().contains("serve --init renews it"), "{}", kept.text());
        // Said at once, not after a day of trying.
        let patience = Duration::from_secs(86_400);
        let place = Place { pin: Some(fingerprint.clone()), patience, ..served.place("owner") };
        let said = elsewhere(&place).jobs().unwrap_err().to_string();
        assert!(
            said.contains("the certificate of the server has ended") && said.contains("serve DIR --init"),
            "{said}"
        );
    }
    assert_eq!(init(server.path(), &names, 30).unwrap(), fingerprint);
    let served = Served::tls(server.path(), limits(), quiet());
    let place = Place { pin: Some(fingerprint), ..served.place("owner") };
    assert!(elsewhere(&place).jobs().unwrap().is_empty());
}

#[test]
fn a_stopped_server_takes_nothing_new_and_waits_no_longer_than_its_grace() {
    use crate::net::mailbox::Run;
    use crate::net::names::Id;

    let server = Folder::new("grace");
    let limits = Limits { grace: 1, ..limits() };
    let service = Arc::new(Service::open(server.path(), limits, quiet()).unwrap());
    let run = Arc::new(Run::new(Id::draw().unwrap(), "owner"));
    assert!(service.install(Id::draw().unwrap(), &run).unwrap());
    let (told, waits) = std::sync::mpsc::channel::<()>();
    service.remember(std::thread::spawn(move || assert!(waits.recv().is_err())));
    let begun = Instant::now();
    assert!(!service.close());
    assert!((Duration::from_secs(1)..Duration::from_secs(9)).contains(&begun.elapsed()));
    assert_eq!(run.described(), "parked: the server is shutting down");
    assert!(service.check_open().is_err());
    assert!(service.install(Id::draw().unwrap(), &Arc::new(Run::new(Id::draw().unwrap(), "owner"))).is_err());
    drop(told);
}
