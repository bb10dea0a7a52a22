//! Requests that no client of ours makes: an error each, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;

use ureq::Agent;
use ureq::http::{Method, Request};

use super::*;
use crate::net::body::{JobBody, Sizes};
use crate::net::names::Id;
use crate::roles::Client;

/// Requests with a token.
pub(super) struct Asker {
    pub(super) agent: Agent,
    pub(super) url: String,
    pub(super) token: String,
    pub(super) protocol: &'static str,
}

impl Asker {
    pub(super) fn new(place: &Place) -> Self {
        // A refusal may end a connection, with a body that was not read.
        let config = Agent::config_builder().http_status_as_error(false).max_idle_connections(0);
        let token = std::fs::read_to_string(place.token_file.as_ref().unwrap()).unwrap();
        Self { agent: config.build().into(), url: place.url.clone(), token, protocol: "1" }
    }

    /// Status and text of an answer.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> (u16, String) {
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("nn-protocol", self.protocol);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let bodied = [Method::PUT, Method::PATCH].contains(&method);
        let sent = match bodied {
            true => self.agent.run(request.body(body).unwrap()),
            false => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = sent.unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    pub(super) fn get(&self, path: &str) -> (u16, String) {
        self.ask(Method::GET, path, &[], &[])
    }

    pub(super) fn put(&self, path: &str, body: &[u8]) -> (u16, String) {
        self.ask(Method::PUT, path, &[], body)
    }

    pub(super) fn piece(
        &self,
        path: &str,
        length: usize,
        offset: usize,
        digest: &str,
        body: &[u8],
    ) -> (u16, String) {
        let headers = [
            ("upload-length", length.to_string()),
            ("upload-offset", offset.to_string()),
            ("upload-digest", digest.to_owned()),
        ];
        self.ask(Method::PATCH, path, &headers, body)
    }

    pub(super) fn upload(&self, path: &str, body: &[u8]) -> (u16, String) {
        self.piece(path, body.len(), 0, &digest(body), body)
    }
}

pub(super) fn digest(body: &[u8]) -> String {
    blake3::hash(body).to_hex().to_string()
}

/// A job and its parts.
struct World {
    _folder: Folder,
    served: Served,
    owner: Asker,
    job: String,
    sizes: Sizes,
    client: Client,
    session: Session,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new("hostile");
        let served = Served::plain(folder.path(), limits());
        let owner = Asker::new(&served.place("owner"));
        let session = ALL[0].session();
        let plan = session.plan().unwrap();
        let body = JobBody::of(&session, &plan, Some(REASON.into())).unwrap();
        let sizes = body.plan().unwrap().sizes;
        let job = format!("/v1/jobs/{}", Id::draw().unwrap());
        assert_eq!(owner.put(&job, &serde_json::to_vec(&body).unwrap()).0, 201);
        let client = Client::new(&plan, session.first.clone()).unwrap();
        Self { _folder: folder, served, owner, job, sizes, client, session }
    }

    /// A run of the job, with keys, weights and a mini-batch.
    fn run(&self) -> String {
        for (kind, key) in self.client.evaluation_keys().unwrap().iter().flatten().enumerate() {
            assert_eq!(self.owner.upload(&format!("{}/objects/keys-{kind}", self.job), key).0, 200);
        }
        let model = self.client.encrypt_model(0).unwrap();
        assert_eq!(self.owner.upload(&format!("{}/objects/model", self.job), &model).0, 200);
        let (x, targets) = self.session.batch(0).unwrap();
        let batch = self.client.encrypt_batch(0, x.view(), targets.view()).unwrap();
        assert_eq!(self.owner.upload(&format!("{}/objects/batch-0", self.job), &batch).0, 200);
        let run = format!("{}/runs/{}", self.job, Id::draw().unwrap());
        assert_eq!(self.owner.put(&run, &[]).0, 201);
        assert_eq!(self.owner.put(&format!("{run}/tasks/1"), br#"{"task":"take","step":0}"#).0, 202);
        assert_eq!(self.owner.get(&format!("{run}/tasks/1?wait=20")).0, 200);
        run
    }
}

/// Statuses that requests must have, each with a word of the answer.
pub(super) fn check(cases: impl IntoIterator<Item = ((u16, String), u16, &'static str)>) {
    for (place, ((status, text), needed, word)) in cases.into_iter().enumerate() {
        assert!(status == needed && text.contains(word), "{place}: {status} {text}; {needed} {word}");
    }
}

#[test]
fn tokens_names_and_bodies_that_are_none() {
    let world = World::new();
    let (owner, job) = (&world.owner, &world.job);
    let stranger = Asker::new(&world.served.place("stranger"));
    let nobody = Asker { token: "nnt_".to_owned() + &"0".repeat(64), ..Asker::new(&world.served.place("x")) };
    let later = Asker { protocol: "2", ..Asker::new(&world.served.place("owner")) };
    let none = format!("/v1/jobs/{}", Id::draw().unwrap());
    check([
        (nobody.get("/v1/jobs"), 401, "no valid token"),
        (nobody.get(job), 401, ""),
        (later.get(job), 400, "speaks 1"),
        (stranger.get(job), 404, "no such thing"),
        (stranger.get(&none), 404, "no such thing"),
        (stranger.put(&format!("{job}/runs/{}", "0".repeat(32)), &[]), 404, "no such thing"),
        (stranger.upload(&format!("{job}/objects/model"), b"x"), 404, "no such thing"),
        (stranger.ask(Method::DELETE, job, &[], &[]), 404, "no such thing"),
        (owner.get("/v1/jobs/..%2f..%2fetc"), 404, ""),
        (owner.get("/v1/elsewhere"), 404, ""),
        (owner.put(job, b"{"), 400, "EOF"),
        (owner.put(&none, b"{}"), 400, "missing field"),
        (owner.put(&none, &vec![b' '; (1 << 18) + 1]), 413, "262144 bytes"),
        (owner.get(&format!("{job}/runs/{}/tasks/1", "0".repeat(32))), 410, ""),
    ]);
    assert_eq!(stranger.get("/v1/jobs"), (200, "[]".into()));
    // A name that another tenant's job has tells nothing of it.
    let plan = world.session.plan().unwrap();
    let body = JobBody::of(&world.session, &plan, Some(REASON.into())).unwrap();
    check([(stranger.put(job, &serde_json::to_vec(&body).unwrap()), 404, "no such thing")]);
}

#[test]
fn jobs_at_the_limits_of_what_is_planned() {
    let world = World::new();
    let plan = world.session.plan().unwrap();
    let body = JobBody::of(&world.session, &plan, Some(REASON.into())).unwrap();
    let new = || format!("/v1/jobs/{}", Id::draw().unwrap());
    let wide = body.recipe.replace("out_features = 3", "out_features = 4000000000");
    assert_ne!(wide, body.recipe);
    let cases = [
        (JobBody { features: usize::MAX, ..body.clone() }, "at most 65536 are planned"),
        (JobBody { rows: usize::MAX, ..body.clone() }, "at most 2147483648 are planned"),
        (JobBody { sides: Some([1 << 40, 1 << 40]), ..body.clone() }, ""),
        (JobBody { outputs: 0, ..body.clone() }, ""),
        (JobBody { bound: -1.0, ..body.clone() }, "at least 0"),
        (JobBody { recipe: wide, ..body.clone() }, "out_features"),
        (JobBody { recipe: "x".repeat(1000), ..body.clone() }, ""),
        (JobBody { plan: "0".repeat(64), ..body.clone() }, "both need the same version"),
        (JobBody { rows: 2 * body.rows, plan: "é".into(), ..body.clone() }, ""),
    ];
    for (body, word) in cases {
        check([(world.owner.put(&new(), &serde_json::to_vec(&body).unwrap()), 422, word)]);
    }
    // The same job again, and another one under its name.
    let same = serde_json::to_vec(&body).unwrap();
    assert_eq!(world.owner.put(&world.job, &same).0, 201);
    let other = JobBody { batches: body.batches + 1, ..body };
    check([(world.owner.put(&world.job, &serde_json::to_vec(&other).unwrap()), 409, "another plan")]);
}

#[test]
fn objects_that_are_too_long_or_other_bytes_under_a_used_name() {
    let world = World::new();
    let (owner, keys) = (&world.owner, format!("{}/objects/keys-0", world.job));
    let most = world.sizes.keys[0] as usize;
    let (half, good) = (vec![7; 1000], digest(&vec![7; 2000]));
    check([
        (owner.piece(&keys, most + 1, 0, &good, &[]), 413, "the plan has at most"),
        (owner.piece(&keys, 10, 0, &good, &[0; 11]), 413, "more than 10 bytes"),
        (owner.piece(&keys, 10, usize::MAX, &good, &[1]), 413, ""),
        (owner.piece(&keys, 10, 0, "0", &[1; 10]), 400, "64 hexadecimal digits"),
        (owner.piece(&keys, 10, 0, &good, &[1; 10]), 422, "send it again"),
        (owner.piece(&keys, 2000, 500, &good, &half), 409, "0 bytes are there"),
        (owner.piece(&keys, 2000, 0, &good, &half), 200, ""),
        (owner.piece(&keys, 2000, 0, &good, &half), 409, "1000 bytes are there"),
        // Other bytes from the beginning take the place of what is not whole.
        (owner.piece(&keys, 1999, 0, &good, &half), 200, ""),
        (owner.piece(&keys, 2000, 0, &good, &half), 200, ""),
        (owner.piece(&keys, 2000, 1000, &good, &half), 200, ""),
        (owner.piece(&keys, 2000, 0, &good, &half), 200, ""),
        (owner.upload(&keys, &[8; 2000]), 409, "does not change"),
        (owner.upload(&format!("{}/objects/keys-9", world.job), &[1]), 404, ""),
        (owner.upload(&format!("{}/objects/batch-4000000", world.job), &[1]), 404, ""),
        (owner.upload(&format!("{}/objects/..%2Fmodel", world.job), &[1]), 404, ""),
        (owner.ask(Method::PATCH, &keys, &[], &[1]), 400, "no upload-length"),
    ]);
    // Those keys are none: the run says so, and its job is still there.
    let run = format!("{}/runs/{}", world.job, Id::draw().unwrap());
    assert_eq!(owner.put(&run, &[]).0, 201);
    assert_eq!(owner.put(&format!("{run}/tasks/1"), br#"{"task":"take","step":0}"#).0, 202);
    check([
        (owner.get(&format!("{run}/tasks/1?wait=20")), 200, "evaluation keys"),
        (owner.get(&world.job), 200, "hesamifard2017"),
    ]);
}

#[test]
fn answers_that_are_replayed_altered_or_not_asked_for() {
    let mut world = World::new();
    let run = world.run();
    let task = format!("{run}/tasks/2");
    let train = br#"{"task":"train","step":0,"batch":0}"#;
    check([
        (world.owner.put(&task, b"{\"task\":\"train\"}"), 400, "missing field"),
        (world.owner.put(&task, b"{\"task\":\"format\"}"), 400, "unknown variant"),
        (world.owner.put(&task, train), 202, ""),
        (world.owner.put(&task, train), 202, ""),
        (world.owner.put(&task, br#"{"task":"train","step":1,"batch":0}"#), 409, ""),
        (world.owner.put(&format!("{run}/tasks/1"), train), 409, ""),
        (world.owner.put(&format!("{run}/tasks/3"), train), 409, "not over"),
    ]);
    let request = || {
        let config = Agent::config_builder().http_status_as_error(false);
        let agent: Agent = config.build().into();
        let response = agent
            .get(format!("{}{task}?wait=20", world.owner.url))
            .header("authorization", format!("Bearer {}", world.owner.token))
            .header("nn-protocol", "1");
        response.call().unwrap().body_mut().read_to_vec().unwrap()
    };
    let asked = request();
    assert_eq!(asked, request(), "asked again, the same request comes");
    let (x, targets) = world.session.batch(0).unwrap();
    world.client.begin(0, x.view(), targets.view()).unwrap();
    let answer = world.client.answer(asked).unwrap();
    let (round, long) = (format!("{task}/answers/0"), vec![0; world.sizes.answer as usize + 1]);
    check([
        (world.owner.put(&format!("{task}/answers/1"), &answer), 409, "nobody asked"),
        (world.owner.put(&format!("{run}/tasks/1/answers/0"), &answer), 409, "another task"),
        (world.owner.put(&round, &long), 413, ""),
        (world.owner.put(&round, &answer), 204, ""),
        (world.owner.put(&round, &answer), 204, ""),
        (world.owner.put(&round, &answer[1..]), 409, "answered otherwise"),
    ]);
    // An answer of round 0 in round 1 is opened by the server's engine, and refused.
    let _next = request();
    let round = format!("{task}/answers/1");
    check([
        (world.owner.put(&round, &answer), 204, ""),
        (world.owner.get(&format!("{task}?wait=20")), 200, "round 0: expected"),
        (world.owner.put(&format!("{run}/tasks/3"), br#"{"task":"restore","step":0,"digest":"x"}"#), 202, ""),
        (world.owner.get(&format!("{run}/tasks/3?wait=20")), 200, "checkpoint 0 is not there"),
        (world.owner.put(&format!("{run}/tasks/4"), br#"{"task":"train","step":0,"batch":1}"#), 202, ""),
        (world.owner.get(&format!("{run}/tasks/4?wait=20")), 200, "batch-1 was not uploaded"),
    ]);
    // Another run takes over; the old one is gone.
    let other = format!("{}/runs/{}", world.job, Id::draw().unwrap());
    check([
        (world.owner.put(&other, &[]), 201, ""),
        (world.owner.get(&format!("{run}/tasks/4")), 410, ""),
        (world.owner.put(&format!("{run}/tasks/5"), train), 410, ""),
    ]);
}

#[test]
fn a_silent_client_is_parked() {
    let folder = Folder::new("silent");
    let served = Served::plain(folder.path(), Limits { silence: 1, ..limits() });
    let owner = Asker::new(&served.place("owner"));
    let session = ALL[0].session();
    let body = JobBody::of(&session, &session.plan().unwrap(), Some(REASON.into())).unwrap();
    let job = format!("/v1/jobs/{}", Id::draw().unwrap());
    assert_eq!(owner.put(&job, &serde_json::to_vec(&body).unwrap()).0, 201);
    let run = format!("{job}/runs/{}", Id::draw().unwrap());
    assert_eq!(owner.put(&run, &[]).0, 201);
    let begun = Instant::now();
    while !owner.get(&job).1.contains("parked: its client was silent for 1 s") {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    check([(owner.get(&format!("{run}/tasks/1")), 410, "silent")]);
}

/// Sends bytes and waits for what comes until the server hangs up.
fn raw(served: &Served, bytes: &[u8]) -> (String, Duration) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    (String::from_utf8_lossy(&text).into_owned(), begun.elapsed())
}

#[test]
fn whoever_is_slow_is_hung_up_on() {
    let world = World::new();
    let (_, silent) = raw(&world.served, b"");
    let (_, slow) = raw(&world.served, b"GET /v1/jobs HTTP/1.1\r\nhost: x\r\nauthor");
    assert!(silent < Duration::from_secs(9) && slow < Duration::from_secs(9), "{silent:?} {slow:?}");
    let long = format!("GET /v1/jobs HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(40_000));
    let (text, _) = raw(&world.served, long.as_bytes());
    assert!(text.starts_with("HTTP/1.1 431"), "{text}");
    let head = format!(
        "PATCH {}/objects/keys-0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nnn-protocol: 1\r\nauthorization: Bearer {}\r\n\
         upload-length: 100\r\nupload-offset: 0\r\nupload-digest: {}\r\ncontent-length: 100\r\n\r\nbegun",
        world.job,
        world.owner.token,
        digest(b"x"),
    );
    let (text, stalled) = raw(&world.served, head.as_bytes());
    assert!(text.starts_with("HTTP/1.1 408") && stalled < Duration::from_secs(9), "{stalled:?} {text}");
    // What came of it is kept.
    let keys = format!("{}/objects/keys-0", world.job);
    check([(world.owner.piece(&keys, 100, 0, &digest(b"x"), &[0; 100]), 409, "5 bytes are there")]);
}

#[test]
fn damaged_bodies_are_errors_and_take_no_time() {
    use rand_core::Rng;

    use crate::data::random::{Purpose, stream};
    use crate::net::api::Task;
    use crate::net::outcome::Outcome;

    let session = ALL[0].session();
    let body = JobBody::of(&session, &session.plan().unwrap(), Some(REASON.into())).unwrap();
    let outcome = Outcome { result: vec![5; 40], records: vec![vec![6; 20]; 2], ..Outcome::default() };
    let task = serde_json::to_vec(&Task::Train { step: 3, batch: 4 }).unwrap();
    let whole = [serde_json::to_vec(&body).unwrap(), outcome.to_bytes(), task];
    let mut rng = stream(24, Purpose::Order(0));
    let (mut read, digits) = (0, b"0123456789\"-.,[]{}e");
    for _ in 0..2_000 {
        let mut bytes = whole.clone();
        for bytes in &mut bytes {
            for _ in 0..1 + rng.next_u64() % 3 {
                let at = rng.next_u64() as usize % bytes.len();
                // Half of the changes are of the kind that text is made of.
                let new = rng.next_u64();
                bytes[at] = if new.is_multiple_of(2) {
                    digits[new as usize / 2 % digits.len()]
                } else {
                    (new / 2) as u8
                };
            }
        }
        if let Ok(body) = serde_json::from_slice::<JobBody>(&bytes[0]) {
            read += 1;
            let _ = body.network();
            let again: JobBody = serde_json::from_slice(&serde_json::to_vec(&body).unwrap()).unwrap();
            assert_eq!(again, body);
        }
        if let Ok(outcome) = Outcome::from_bytes(&bytes[1]) {
            assert_eq!(Outcome::from_bytes(&outcome.to_bytes()), Ok(outcome));
        }
        let _ = serde_json::from_slice::<Task>(&bytes[2]);
    }
    assert!(read > 200, "{read} of 2,000 were read");
}
