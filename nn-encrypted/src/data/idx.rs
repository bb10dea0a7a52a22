//! IDX, the format of MNIST: a magic number, big-endian dimensions, then bytes; plain or gzip.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::open::open;
use super::{DataError, limits};

/// Pictures of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// How many.
    pub count: usize,
    /// Pixels from top to bottom.
    pub rows: usize,
    /// Pixels from left to right.
    pub columns: usize,
    /// `count · rows · columns` pixels.
    pub pixels: Vec<u8>,
}

const IMAGES: u32 = 0x0000_0803;
const LABELS: u32 = 0x0000_0801;
/// Labels of two bytes, as more than 256 classes need.
const LONG_LABELS: u32 = 0x0000_0b01;
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Deflate cannot expand further than this.
const MAX_EXPANSION: u64 = 1032;
/// Values of a file, which a small gzip can hold very many of. MNIST has 47 million.
const MOST_VALUES: u64 = limits::MOST_VALUES as u64;

/// Reads a file of images (magic number 0x00000803).
///
/// # Errors
/// If the file is missing, is something else, or its length is not the one its header says.
pub(crate) fn read_images(path: &Path) -> Result<Images, DataError> {
    images(&read(path)?, &path.display().to_string())
}

/// Reads a file of labels (magic number 0x00000801; of two bytes 0x00000b01).
///
/// # Errors
/// As `read_images`.
pub(crate) fn read_labels(path: &Path) -> Result<Vec<u16>, DataError> {
    labels(&read(path)?, &path.display().to_string())
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|source| DataError::Io { path: path.to_owned(), source })
}

/// As `read_images`, from bytes; `file` is their name in errors.
///
/// # Errors
/// As `read_images`.
pub fn images(bytes: &[u8], file: &str) -> Result<Images, DataError> {
    let ([count, rows, columns], pixels) = parse(bytes, file, IMAGES)?;
    Ok(Images { count, rows, columns, pixels })
}

/// As `read_labels`, from bytes; `file` is their name in errors.
///
/// # Errors
/// As `read_images`.
pub fn labels(bytes: &[u8], file: &str) -> Result<Vec<u16>, DataError> {
    match parse::<1>(bytes, file, LONG_LABELS) {
        Ok((_, labels)) => {
            Ok(labels.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
        }
        Err(DataError::File { what, .. }) if what.starts_with(WRONG_MAGIC) => {
            parse::<1>(bytes, file, LABELS).map(|(_, labels)| labels.into_iter().map(u16::from).collect())
        }
        Err(error) => Err(error),
    }
}

/// The beginning of the error that a file is of another kind.
const WRONG_MAGIC: &str = "magic number";

fn parse<const D: usize>(bytes: &[u8], file: &str, magic: u32) -> Result<([usize; D], Vec<u8>), DataError> {
    if bytes.starts_with(&GZIP) {
        let longest = (bytes.len() as u64).saturating_mul(MAX_EXPANSION);
        body(MultiGzDecoder::new(bytes), longest, file, magic)
    } else {
        body(bytes, bytes.len() as u64, file, magic)
    }
}

/// Reads header and values; `longest` is the most the reader can give, so that a false header takes no memory.
fn body<const D: usize>(
    mut reader: impl Read,
    longest: u64,
    file: &str,
    magic: u32,
) -> Result<([usize; D], Vec<u8>), DataError> {
    let fault = |what: String| DataError::File { file: file.to_owned(), what };
    let mut word = || {
        let mut bytes = [0; 4];
        let read = reader.read_exact(&mut bytes);
        read.map(|()| u32::from_be_bytes(bytes))
            .map_err(|error| fault(format!("the header is cut short: {error}")))
    };
    let found = word()?;
    if found != magic {
        return Err(fault(format!("{WRONG_MAGIC} {found:#010x}; {magic:#010x} is needed")));
    }
    let mut shape = [0; D];
    let mut length: u64 = if magic == LONG_LABELS { 2 } else { 1 };
    for side in &mut shape {
        let value = word()?;
        length = length.saturating_mul(u64::from(value));
        *side = value as usize;
    }
    if length == 0 {
        return Err(fault(format!("empty: its dimensions are {shape:?}")));
    }
    if length > longest {
        return Err(fault(format!("{length} values by its header; the file is too short for them")));
    }
    if length > MOST_VALUES {
        return Err(fault(format!("{length} values by its header; at most {MOST_VALUES} are read")));
    }
    let mut values = Vec::new();
    reader
        .take(length + 1)
        .read_to_end(&mut values)
        .map_err(|error| fault(format!("cut short after {} of {length} values: {error}", values.len())))?;
    match values.len() as u64 {
        n if n == length => Ok((shape, values)),
        n if n < length => Err(fault(format!("cut short after {n} of {length} values"))),
        _ => Err(fault(format!("longer than the {length} values of its header"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(words: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend_from_slice(values);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_gzip() {
        let bytes = file(&[IMAGES, 2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let expected = Images { count: 2, rows: 1, columns: 3, pixels: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(images(&bytes, "f").unwrap(), expected);
        assert_eq!(images(&gzip(&bytes), "f").unwrap(), expected);
        assert_eq!(labels(&file(&[LABELS, 2], &[7, 9]), "f").unwrap(), [7, 9]);
        assert_eq!(labels(&file(&[LONG_LABELS, 2], &[1, 0, 0, 9]), "f").unwrap(), [256, 9]);
        let error = labels(&file(&[IMAGES, 2], &[7, 9]), "f").unwrap_err().to_string();
        assert_eq!(error, "f: magic number 0x00000803; 0x00000801 is needed");
    }

    #[test]
    fn errors() {
        let table = [
            (vec![], "f: the header is cut short: "),
            (file(&[LABELS, 2], &[7, 9]), "f: magic number 0x00000801; 0x00000803 is needed"),
            (file(&[IMAGES, 2, 1], &[]), "f: the header is cut short: "),
            (file(&[IMAGES, 2, 1, 0], &[]), "f: empty: its dimensions are [2, 1, 0]"),
            (
                file(&[IMAGES, u32::MAX, u32::MAX, u32::MAX], &[1]),
                "f: 18446744073709551615 values by its header; the file is too short",
            ),
            (file(&[IMAGES, 2, 1, 3], &[1; 5]), "f: cut short after 5 of 6 values"),
            (file(&[IMAGES, 2, 1, 3], &[1; 7]), "f: longer than the 6 values of its header"),
            (gzip(&file(&[IMAGES, 1 << 15, 1 << 15, 8], &[1])), "f: 8589934592 values by its header"),
            (gzip(&file(&[IMAGES, 2, 1, 3], &[1; 5])), "f: cut short after 5 of 6 values"),
        ];
        for (bytes, message) in table {
            let error = images(&bytes, "f").unwrap_err().to_string();
            assert!(error.starts_with(message) || error == message, "{error} / {message}");
        }
        let large = file(&[LABELS, (1 << 26) + 1], &[]);
        let error = body::<1>(&large[..], u64::MAX, "f", LABELS).unwrap_err().to_string();
        assert_eq!(error, "f: 67108865 values by its header; at most 67108864 are read");
        let mut cut = gzip(&file(&[IMAGES, 40, 50, 3], &[9; 6000]));
        cut.truncate(cut.len() - 12);
        assert!(images(&cut, "f").unwrap_err().to_string().starts_with("f: "));
        let error = images(&file(&[IMAGES, 2, 1, 3], &[1; 6])[..20], "f").unwrap_err().to_string();
        assert_eq!(error, "f: cut short after 4 of 6 values");
    }
}
