//! Time and memory of this process.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, Process, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

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
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let result = work();
        self.wall += start.elapsed().as_secs_f64();
        self.cpu += cpu_seconds() - cpu;
        result
    }
}

/// CPU seconds of an operation, the median of as many times as fit in half a second: beside other programs a run is slower too.
///
/// # Errors
/// That of the operation.
pub(crate) fn time<E>(mut operation: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.is_empty() || start.elapsed() < Duration::from_millis(500) {
        let mut spent = Spent::default();
        spent.on(&mut operation)?;
        times.push(spent.cpu);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
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

/// Resident memory now, in bytes; none where the system does not tell.
pub(crate) fn resident_memory() -> Option<u64> {
    let pid = sysinfo::get_current_pid().ok()?;
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
    system.process(pid).map(Process::memory)
}

/// Memory of this machine that programs may still take, in bytes; none where the system does not tell.
#[cfg(feature = "serve")]
pub(crate) fn available_memory() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory();
    Some(system.available_memory()).filter(|bytes| *bytes > 0)
}

/// Memory of this machine, in bytes; none where the system does not tell.
pub(crate) fn machine_memory() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory();
    Some(system.total_memory()).filter(|bytes| *bytes > 0)
}

/// The machine in a line.
pub(crate) fn host() -> String {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(kind);
    let model =
        system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|brand| !brand.is_empty());
    let model = model.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}
