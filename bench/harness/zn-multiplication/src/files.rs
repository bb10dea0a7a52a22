//! Files where the harness has them, below the folder that it is run in.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::Failure;

/// A name and its file: below `io`, which the harness makes anew.
fn io(test: &str, inner: &str) -> PathBuf {
    PathBuf::from("io").join(test).join(inner)
}

/// Argument `place` of the program, from 1.
///
/// # Errors
/// If it is missing, or is no plain name.
pub fn argument(place: usize) -> Result<String, Failure> {
    let found = std::env::args().nth(place).ok_or_else(|| format!("argument {place} is missing"))?;
    let plain = !found.is_empty() && found.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { Ok(found) } else { Err(format!("argument {place}, `{found}`, is no name").into()) }
}

/// Writes a file.
///
/// # Errors
/// If that is not possible.
pub fn write(test: &str, inner: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = io(test, inner);
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    Ok(fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Writes a secret: nobody else may read it.
///
/// # Errors
/// If that is not possible.
pub fn write_secret(test: &str, inner: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = io(test, inner);
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(bytes)?)
}

/// Reads a secret.
///
/// # Errors
/// If that is not possible.
pub fn read_secret(test: &str, inner: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    Ok(Zeroizing::new(read(test, inner)?))
}

/// Reads a file.
///
/// # Errors
/// If that is not possible.
pub fn read(test: &str, inner: &str) -> Result<Vec<u8>, Failure> {
    let path = io(test, inner);
    Ok(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Factors, one a line.
///
/// # Errors
/// If the file cannot be read, or a line is no number of 64 bits.
pub fn factors(test: &str, side: &str) -> Result<Vec<u64>, Failure> {
    let path = PathBuf::from("datasets").join(test).join(format!("{side}.txt"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let number = |line: &str| line.parse().map_err(|error| format!("{}: `{line}`: {error}", path.display()));
    Ok(text.split_whitespace().map(number).collect::<Result<_, String>>()?)
}
