//! Memory of a server in a process of its own: after hostile requests, and while a large object is uploaded.

use std::net::TcpStream;
use std::process::Child;

use ureq::http::Method;

use super::hostile::{Asker, digest};
use super::killed::spawn;
use super::*;
use crate::net::body::JobBody;
use crate::net::caller::Caller;
use crate::net::names::Id;
use crate::net::store::{JobRecord, Store};
use crate::net::upload::upload;
use crate::roles::Client;

/// Bytes that a server may keep after requests that it refused.
const KEPT: u64 = 100_000_000;
/// Bytes that client and server may each take while an object is uploaded.
const WHILE_UPLOADING: u64 = 64 << 20;

/// A server in a process of its own, which ends with this.
struct Process(Child, SocketAddr);

impl Process {
    fn new(root: &Path) -> Self {
        let address = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let child = spawn("server", root, address, 0);
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no server");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self(child, address)
    }

    fn place(&self, root: &Path) -> Place {
        place(root, "owner", format!("http://{}", self.1))
    }

    fn memory(&self, of: &str) -> u64 {
        memory(&self.0.id().to_string(), of)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// `VmRSS` or `VmHWM` of a process, in bytes.
fn memory(process: &str, of: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with(of)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The job of a short training, as a request.
fn body() -> (Session, JobBody) {
    let session = ALL[0].session();
    let body = JobBody::of(&session, &session.plan().unwrap(), Some(REASON.into())).unwrap();
    (session, body)
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "memory is read from /proc")]
fn hostile_requests_leave_no_memory_behind() {
    let folder = Folder::new("memory");
    let served = Process::new(folder.path());
    let owner = Asker::new(&served.place(folder.path()));
    let (session, body) = body();
    let job = format!("/v1/jobs/{}", Id::draw().unwrap());
    assert_eq!(owner.put(&job, &serde_json::to_vec(&body).unwrap()).0, 201);
    let client = Client::new(&session.plan().unwrap(), session.first.clone()).unwrap();
    for (kind, key) in client.evaluation_keys().unwrap().iter().flatten().enumerate() {
        assert_eq!(owner.upload(&format!("{job}/objects/keys-{kind}"), key).0, 200);
    }
    let most = body.plan().unwrap().sizes;
    let nobody =
        Asker { token: "nnt_".to_owned() + &"0".repeat(64), ..Asker::new(&served.place(folder.path())) };
    let wide = |rows: usize| {
        let recipe = body.recipe.replace("out_features = 3", "out_features = 60");
        serde_json::to_vec(&JobBody { recipe, features: 60, rows, ..body.clone() }).unwrap()
    };
    let new = || format!("/v1/jobs/{}", Id::draw().unwrap());
    let text = vec![b' '; (1 << 18) + 1];
    let (long, batch) = (vec![7; most.batch as usize], format!("{job}/objects/batch-0"));
    let mut round = |number: usize| {
        // Networks as large as plans may have, plans that do not exist, bodies that are none.
        assert_eq!(owner.put(&new(), &wide(number)).0, 422);
        assert_eq!(owner.put(&new(), &text).0, 413);
        assert_eq!(owner.put(&new(), format!("{{\"recipe\":{}", "[".repeat(10_000)).as_bytes()).0, 400);
        assert_eq!(nobody.put(&job, b"x").0, 401);
        // Bytes under a wrong digest, bytes too many, and a piece that is never ended.
        assert_eq!(owner.piece(&batch, long.len(), 0, &digest(&[number as u8]), &long).0, 422);
        assert_eq!(owner.piece(&batch, long.len() + 1, 0, &digest(&long), &long[..1000]).0, 413);
        let other = digest(&number.to_le_bytes());
        assert_eq!(owner.piece(&batch, long.len(), 0, &other, &long[..long.len() / 2]).0, 200);
        let begun = Instant::now();
        // Runs one after the other, each with its keys in memory, and tasks that fail.
        let run = format!("{job}/runs/{}", Id::draw().unwrap());
        assert_eq!(owner.put(&run, &[]).0, 201);
        assert_eq!(owner.put(&format!("{run}/tasks/1"), br#"{"task":"take","step":0}"#).0, 202);
        while owner.get(&format!("{run}/tasks/1?wait=20")).0 != 200 {
            assert!(begun.elapsed() < Duration::from_secs(120), "no end of a task that fails");
        }
        assert_eq!(owner.put(&format!("{run}/tasks/1/answers/0"), &long[..1000]).0, 409);
        assert_eq!(owner.ask(Method::DELETE, &format!("{run}/tasks/9"), &[], &[]).0, 409);
    };
    let before = served.memory("VmRSS");
    (0..8).for_each(&mut round);
    let after = served.memory("VmRSS");
    println!("resident: {before} bytes before, {after} after");
    assert!(after <= before + KEPT, "{before} bytes before, {after} after");
}

/// Uploads an object of so many bytes out of a file that is never read whole.
fn large(length: u64) {
    let folder = Folder::new("large");
    let (_, body) = body();
    let (job, mut sizes) = (Id::draw().unwrap(), body.plan().unwrap().sizes);
    sizes.keys = vec![length];
    let record = JobRecord { tenant: "owner".into(), recipe: "large".into(), body, sizes };
    Store::open(folder.path()).unwrap().keep_job(job, &record).unwrap();
    let path = folder.path().join("keys");
    let file = std::fs::File::create_new(&path).unwrap();
    file.set_len(length).unwrap();
    let served = Process::new(folder.path());
    let place = served.place(folder.path());
    let before = served.memory("VmHWM");
    let caller = Caller::new(&place).unwrap();
    // The peak of this process was another test's: it is counted from here.
    let own = memory("self", "VmRSS");
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let begun = Instant::now();
    let mut source = std::fs::File::open(&path).unwrap();
    upload(&caller, &format!("/v1/jobs/{job}/objects/keys-0"), &mut source).unwrap();
    let took = begun.elapsed();
    let (client, server) = (memory("self", "VmHWM") - own, served.memory("VmHWM") - before);
    println!("{length} bytes in {took:.1?}: the client took {client} bytes, the server {server}");
    assert!(client <= WHILE_UPLOADING && server <= WHILE_UPLOADING, "client {client}, server {server}");
    assert_eq!(std::fs::metadata(folder.path().join(format!("jobs/{job}/keys-0"))).unwrap().len(), length);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "memory is read from /proc")]
fn an_upload_takes_little_memory_at_either_end() {
    large(256 << 20);
}

#[test]
#[ignore = "an upload of 2 GB: at most 64 MB of memory at the client and at the server"]
fn an_upload_of_2_gb_takes_little_memory_at_either_end() {
    large(2 << 30);
}
