//! A line of limited speed between a client and a server on one machine: passes connections on, so many Mbit a second each way.
//!
//! `cargo run --release --example throttle -- 127.0.0.1:7444 127.0.0.1:7443 1000`

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that pass at a time.
const PIECE: usize = 1 << 16;
/// Time of the line that was not used and may be made up for: a sleep may take longer than it was asked to.
const SLACK: Duration = Duration::from_millis(5);

/// One direction, shared by all connections.
struct Line {
    bits_a_second: f64,
    /// When it is free again.
    free: Mutex<Instant>,
}

impl Line {
    /// Waits until so many bytes have passed.
    fn pass(&self, bytes: usize) {
        let took = Duration::from_secs_f64(8.0 * bytes as f64 / self.bits_a_second);
        let now = Instant::now();
        let until = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            *free = (*free).max(now.checked_sub(SLACK).unwrap_or(now)) + took;
            *free
        };
        std::thread::sleep(until.saturating_duration_since(now));
    }
}

/// From one end to the other, until one of them hangs up.
fn pump(mut from: TcpStream, mut to: TcpStream, line: &Line) {
    let mut buffer = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        line.pass(count);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, to, megabits] = &arguments[..] else {
        return Err("three arguments are needed: where to listen, where to pass on, Mbit a second".into());
    };
    let bits_a_second = 1e6 * megabits.parse::<f64>()?;
    let line = || Arc::new(Line { bits_a_second, free: Mutex::new(Instant::now()) });
    let (up, down) = (line(), line());
    for client in TcpListener::bind(listen)?.incoming() {
        let client = client?;
        let Ok(server) = TcpStream::connect(to) else { continue };
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        for (from, to, line) in [(&client, &server, &up), (&server, &client, &down)] {
            let (from, to, line) = (from.try_clone()?, to.try_clone()?, Arc::clone(line));
            std::thread::spawn(move || pump(from, to, &line));
        }
    }
    Ok(())
}
