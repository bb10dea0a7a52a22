//! A proxy that cuts connections at random bytes. The seed is printed, and `CUTS_SEED=N` repeats it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use rand_core::Rng;

use super::training::compare;
use super::*;
use crate::data::random::{Purpose, stream};

/// Bytes that pass in either direction before a connection is cut, at most.
const MOST_BYTES: u64 = 300_000;

/// Passes bytes to a server, and cuts.
struct Proxy {
    address: SocketAddr,
    cuts: Arc<AtomicU32>,
}

impl Proxy {
    fn new(to: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&cuts);
        let mut rng = stream(seed, Purpose::Order(0));
        // It ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(to).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (bytes, cuts) = (rng.next_u64() % MOST_BYTES, Arc::clone(&counted));
                    std::thread::spawn(move || pass(from, to, bytes as usize, &cuts));
                }
            }
        });
        Self { address, cuts }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut left: usize, cuts: &AtomicU32) {
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer[..left.min(4096)]).unwrap_or(0);
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            break;
        }
        left -= read;
        if left == 0 {
            cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn a_training_over_a_line_that_is_cut_at_random_bytes_ends_as_any_other() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("CUTS_SEED").map_or(now, |seed| seed.parse().unwrap());
    let (server, runs) = (Folder::new("server"), Folder::new("runs"));
    let served = Served::plain(server.path(), limits());
    let proxy = Proxy::new(served.address, seed);
    let place = Place { url: format!("http://{}", proxy.address), ..served.place("owner") };
    let small = &Small { steps: 12, ..ALL[0] };
    let session = small.session();
    let here = small.here(&session, &runs.path().join("here"));
    let there = small.there(&session, &place, &runs.path().join("there"));
    let cuts = proxy.cuts.load(Ordering::SeqCst);
    println!("CUTS_SEED={seed}: {cuts} cuts");
    assert!(cuts >= 3, "{cuts} cuts");
    // Rounds and refreshed ciphertexts are those of a whole line: nothing was decrypted twice.
    compare(small, &session, &here, &there);
}
