//! Files of `docs`, tables in Markdown, and the machine that figures are from.

use std::fs;
use std::path::PathBuf;

use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// Why a command cannot go on.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The machine in a line: processor, cores, system, and the widest kernels that it takes.
pub(crate) fn machine() -> String {
    let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()));
    let brand = system.cpus().first().map_or("", |cpu| cpu.brand().trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{brand}, {cores} cores, {}, {}", std::env::consts::OS, vectors())
}

#[cfg(target_arch = "x86_64")]
fn vectors() -> &'static str {
    if std::is_x86_feature_detected!("avx512ifma") {
        "AVX-512 IFMA"
    } else if std::is_x86_feature_detected!("avx2") {
        "AVX2"
    } else {
        "no AVX2"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vectors() -> &'static str {
    std::env::consts::ARCH
}

/// How many threads want a processor, beside its cores: the mean of the last minutes, where the system tells.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut means = text.split_whitespace();
    match (means.next(), means.next()) {
        (Some(minute), Some(five)) => format!("load {minute} in the last minute, {five} in the last five"),
        _ => "load not known".into(),
    }
}

/// A file below the folder of the workspace.
pub(crate) fn path(inner: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(inner)
}

/// Writes a file below the folder of the workspace.
pub(crate) fn write(inner: &str, text: &str) -> Result<(), Failure> {
    let path = path(inner);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    eprintln!("wrote {inner}");
    Ok(())
}

/// A file below the folder of the workspace.
pub(crate) fn read(inner: &str) -> Result<String, Failure> {
    let path = path(inner);
    Ok(fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// A table in Markdown.
pub(crate) fn table<R: AsRef<[String]>>(head: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows: String = rows.into_iter().map(|row| line(row.as_ref())).collect();
    line(&head) + &rule + &rows
}

/// What stands between two marks of a text.
pub(crate) fn between<'a>(text: &'a str, [begin, end]: [&str; 2]) -> Option<&'a str> {
    let rest = text.split_once(begin)?.1;
    Some(rest.split_once(end)?.0)
}

/// Replaces what stands between two marks of a file.
pub(crate) fn replace(inner: &str, marks: [&str; 2], text: &str) -> Result<(), Failure> {
    let all = read(inner)?;
    let old = between(&all, marks).ok_or_else(|| format!("{inner} has no marks {marks:?}"))?;
    let [begin, end] = marks;
    let old = format!("{begin}{old}{end}");
    write(inner, &all.replace(&old, &format!("{begin}\n{text}{end}")))
}
