//! Client and server as processes that are killed at random moments. The seed is printed, and `SERVE_SEED=N` repeats the moments.

use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use rand_core::Rng;

use super::*;
use crate::data::random::{Purpose, stream};
use crate::run::RunFolder;

/// What the process that is started is.
const ROLE: &str = "NN_ENCRYPTED_NET_ROLE";
/// Its folder.
const FOLDER: &str = "NN_ENCRYPTED_NET_FOLDER";
/// Where the server is.
const ADDRESS: &str = "NN_ENCRYPTED_NET_ADDRESS";

fn subject() -> Small {
    Small { steps: 12, ..ALL[0] }
}

/// The processes that are killed: this very test, in the environment that the other gives it.
#[test]
#[ignore = "a process that other tests start and kill"]
fn process() {
    let (Ok(role), Ok(folder)) = (std::env::var(ROLE), std::env::var(FOLDER)) else { return };
    let (folder, address) = (PathBuf::from(folder), std::env::var(ADDRESS).unwrap());
    if role == "server" {
        let listener = Listener::with(&folder, address.parse().unwrap(), true, limits()).unwrap();
        listener.run(&AtomicBool::new(false)).unwrap();
    } else {
        let small = subject();
        let token_file = folder.join("token");
        let (url, patience) = (format!("http://{address}"), Duration::from_secs(60));
        let place = Place { url, token_file, pin: None, patience, quiet: true };
        small.resume(&small.session(), &place, &folder.join("run")).unwrap();
    }
}

fn spawn(role: &str, folder: &Path, address: SocketAddr) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "net::tests::killed::process", "--ignored", "--test-threads=1", "--nocapture"]);
    command.env(ROLE, role).env(FOLDER, folder).env(ADDRESS, address.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn kill(moments: usize) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SERVE_SEED").map_or(now, |seed| seed.parse().unwrap());
    let mut rng = stream(seed, Purpose::Order(0));
    let (server, client, whole) = (Folder::new("server"), Folder::new("client"), Folder::new("whole"));
    let small = subject();
    let session = small.session();
    let begun = Instant::now();
    let here = small.here(&session, &whole.path().join("run"));
    let whole_time = begun.elapsed();
    println!("SERVE_SEED={seed}, a whole run takes {whole_time:.1?}");
    let token = Tokens::new(server.path()).issue("owner", None).unwrap();
    std::fs::write(client.path().join("token"), &**token).unwrap();
    // A port that is free now, and taken again by each server.
    let address = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let mut serving = spawn("server", server.path(), address);
    let mut training = spawn("client", client.path(), address);
    let mut killed = [0; 2];
    while killed.iter().sum::<usize>() < moments {
        let fraction = rng.next_u64() as f64 / u64::MAX as f64;
        std::thread::sleep(whole_time.mul_f64(fraction / 2.0) + Duration::from_millis(100));
        let one = (rng.next_u64() % 2) as usize;
        killed[one] += 1;
        if one == 0 {
            serving.kill().unwrap();
            serving.wait().unwrap();
            serving = spawn("server", server.path(), address);
        } else {
            let over = training.try_wait().unwrap();
            training.kill().unwrap();
            let output = training.wait_with_output().unwrap();
            assert!(over.is_none_or(|s| s.success()), "{}", String::from_utf8_lossy(&output.stderr));
            training = spawn("client", client.path(), address);
        }
    }
    let output = training.wait_with_output().unwrap();
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("killed: the server {}, the client {} times", killed[0], killed[1]);
    let folder = RunFolder::new(client.path().join("run"));
    assert_eq!(folder.read_model(&session.recipe, &session.network).unwrap(), here.model);
    let report = folder.read_report().unwrap();
    assert_eq!(report.twin.equal, Some(true));
    // Of each step the rounds of the time that counts: nothing in it was decrypted twice.
    let (a, b) = (&here.report.traffic, &report.traffic);
    assert_eq!((a.rounds, a.refreshes, a.out_of_bounds), (b.rounds, b.refreshes, b.out_of_bounds));
    let timings = std::fs::read_to_string(client.path().join("run/timings.csv")).unwrap();
    assert_eq!(timings.lines().count(), 1 + small.steps, "a line for each step");
}

#[test]
fn client_and_server_killed_six_times_end_as_they_would_have() {
    kill(6);
}

#[test]
#[ignore = "fifty moments: minutes"]
fn client_and_server_killed_fifty_times_end_as_they_would_have() {
    kill(50);
}
