//! Time and memory of this process.

use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};

/// CPU seconds of all threads since the process started.
pub(crate) fn cpu_seconds() -> f64 {
    ProcessTime::now().as_duration().as_secs_f64()
}

/// Wall-clock and CPU seconds spent in stretches of work.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Wall-clock seconds.
    pub wall: f64,
    /// CPU seconds, all threads.
    pub cpu: f64,
}

impl Spent {
    /// Runs `work` and adds what it took.
    pub(crate) fn on<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (start, cpu) = (std::time::Instant::now(), cpu_seconds());
        let result = work();
        self.wall += start.elapsed().as_secs_f64();
        self.cpu += cpu_seconds() - cpu;
        result
    }
}

/// A line `name: value` of a file under `/proc`; none on other systems.
fn proc_line(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Largest resident memory so far, in bytes; none where the system does not tell.
pub(crate) fn peak_memory() -> Option<u64> {
    let kilobytes = proc_line("/proc/self/status", "VmHWM")?;
    kilobytes.split_whitespace().next()?.parse::<u64>().ok().map(|k| k * 1024)
}

/// The machine in a line.
pub(crate) fn host() -> String {
    let model = proc_line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}
