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

/// Steps of the run.
const STEPS: &str = "NN_ENCRYPTED_NET_STEPS";

/// The training: long enough that each moment is behind another step.
fn subject(steps: usize) -> Small {
    Small { steps, ..ALL[0] }
}

/// The steps of the newest checkpoint of a run folder.
fn newest(folder: &Path) -> Option<u64> {
    let names = std::fs::read_dir(folder.join("client")).ok()?.flatten();
    let step = |name: &str| name.strip_prefix("checkpoint-")?.strip_suffix(".state")?.parse().ok();
    names.filter_map(|entry| step(&entry.file_name().to_string_lossy())).max()
}

/// The processes that are killed: this very test, in the environment that the other gives it.
#[test]
#[ignore = "a process that other tests start and kill"]
fn process() {
    let (Ok(role), Ok(folder)) = (std::env::var(ROLE), std::env::var(FOLDER)) else { return };
    let (folder, address) = (PathBuf::from(folder), std::env::var(ADDRESS).unwrap());
    if role == "server" {
        let listener = Listener::with(&folder, address.parse().unwrap(), true, limits(), quiet()).unwrap();
        listener.run(&AtomicBool::new(false)).unwrap();
    } else {
        let small = subject(std::env::var(STEPS).unwrap().parse().unwrap());
        let token_file = Some(folder.join("token"));
        let (url, patience) = (format!("http://{address}"), Duration::from_secs(60));
        let place = Place { url, token_file, patience, quiet: true, ..Place::default() };
        small.resume(&small.session(), &place, &folder.join("run")).unwrap();
    }
}

pub(super) fn spawn(role: &str, folder: &Path, address: SocketAddr, steps: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "net::tests::killed::process", "--ignored", "--test-threads=1", "--nocapture"]);
    command.env(ROLE, role).env(FOLDER, folder).env(ADDRESS, address.to_string());
    command.env(STEPS, steps.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn kill(moments: usize) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SERVE_SEED").map_or(now, |seed| seed.parse().unwrap());
    let mut rng = stream(seed, Purpose::Order(0));
    let (server, client, whole) = (Folder::new("server"), Folder::new("client"), Folder::new("whole"));
    let steps = 8 + 2 * moments;
    let small = subject(steps);
    let session = small.session();
    let begun = Instant::now();
    let here = small.here(&session, &whole.path().join("run"));
    let step = begun.elapsed() / steps as u32;
    println!("SERVE_SEED={seed}, a step takes {step:.1?}");
    let token = Tokens::new(server.path()).issue("owner", None).unwrap();
    std::fs::write(client.path().join("token"), &**token).unwrap();
    // A port that is free now, and taken again by each server.
    let address = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let mut serving = spawn("server", server.path(), address, steps);
    let mut training = spawn("client", client.path(), address, steps);
    let (mut killed, mut done) = ([0; 2], None);
    let run = client.path().join("run");
    while killed.iter().sum::<usize>() < moments {
        // At any instant of a step, with a step more behind it than at the last one.
        while newest(&run) <= done {
            assert!(training.try_wait().unwrap().is_none_or(|status| status.success()), "the client failed");
            assert!(!run.join("report.json").exists(), "finished after {killed:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
        done = newest(&run);
        std::thread::sleep(step.mul_f64(rng.next_u64() as f64 / u64::MAX as f64));
        let one = (rng.next_u64() % 2) as usize;
        killed[one] += 1;
        if one == 0 {
            serving.kill().unwrap();
            serving.wait().unwrap();
            serving = spawn("server", server.path(), address, steps);
        } else {
            training.kill().unwrap();
            training.wait().unwrap();
            training = spawn("client", client.path(), address, steps);
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
    assert_eq!(timings.lines().count(), 1 + steps, "a line for each step");
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
