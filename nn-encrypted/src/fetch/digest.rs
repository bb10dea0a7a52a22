//! The SHA-256 of a file, whatever its copies are packed in.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::data::{Form, KnownFile};

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The digest of a copy of a known file, in hexadecimal.
///
/// # Errors
/// If it cannot be read or unpacked, or is larger than any copy can be.
pub(crate) fn digest(file: &KnownFile, path: &Path) -> io::Result<String> {
    let mut start = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut start)?;
    let plain = File::open(path)?;
    let reader: Box<dyn Read> =
        if start == GZIP { Box::new(MultiGzDecoder::new(plain)) } else { Box::new(plain) };
    let mut reader = reader.take(file.most_bytes + 1);
    let mut hasher = Sha256::new();
    let length = match file.form {
        Form::Unpacked => io::copy(&mut reader, &mut HashWriter(&mut hasher))?,
        Form::Samples => {
            let mut text = String::new();
            let length = reader.read_to_string(&mut text)?;
            text.lines().filter_map(sample).for_each(|line| hasher.update(line));
            length as u64
        }
    };
    if length > file.most_bytes {
        let what = format!("unpacks to more than {} bytes", file.most_bytes);
        return Err(io::Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of a table as [`Form::Samples`] has it; nothing of a line without numbers.
fn sample(line: &str) -> Option<String> {
    let split: Vec<&str> =
        if line.contains(',') { line.split(',').collect() } else { line.split_whitespace().collect() };
    let cells: Vec<&str> = split.iter().map(|cell| cell.trim().trim_matches('"')).collect();
    cells.iter().any(|cell| cell.parse::<f64>().is_ok()).then(|| {
        let plain = |cell: &&str| cell.parse::<f64>().map_or_else(|_| (*cell).to_owned(), |v| v.to_string());
        cells.iter().map(plain).collect::<Vec<_>>().join(",") + "\n"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_do_not_depend_on_header_blanks_or_quotes() {
        assert_eq!(sample("a b c"), None);
        assert_eq!(sample(""), None);
        assert_eq!(sample("  1\t 0.50  2e0 \r").as_deref(), Some("1,0.5,2\n"));
        assert_eq!(sample("\"x\", 01.0 ,-0.33").as_deref(), Some("x,1,-0.33\n"));
    }
}
