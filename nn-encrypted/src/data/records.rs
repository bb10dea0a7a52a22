//! Tables as rows of cells, read one row at a time: no more than a row is held, however long the file is.

use std::io::{self, BufRead, BufReader, Read};

use csv::StringRecord;
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;

use super::DataError;
use super::dialect::{Dialect, Missing, Separator};
use super::limits::{LARGEST_FILE, MOST_COLUMNS, MOST_ROW_BYTES};

/// How a table is read, and which columns of it are what. A column is meant by its name, or by its number from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// The column that holds the class or the measured value; empty if there is none.
    pub label: String,
    /// Columns that are neither class nor feature.
    pub ignore: Vec<String>,
    /// The first row is a sample, and columns have numbers only. Without it a table whose label is given by name has a
    /// header; so has one whose label is given by number if a feature of the first row is a word above a number, or if
    /// all of them are words.
    pub no_header: bool,
    /// The separator of two cells; found without it.
    pub separator: Option<Separator>,
    /// Whether decimals come behind a comma; found without it.
    pub decimal_comma: Option<bool>,
    /// The encoding of a text that is neither UTF-8 nor UTF-16 with its mark, such as `latin1`.
    pub encoding: Option<String>,
    /// The fate of rows with cells that hold nothing.
    pub missing: Missing,
    /// The column whose rows with the same value stay in one part.
    pub group: Option<String>,
    /// The label is a measured value, not a class.
    pub measured: bool,
    /// The column by which rows are named.
    pub id: Option<String>,
}

/// The rows of a table, all of the same length.
pub(super) struct Rows<'a> {
    reader: csv::Reader<Budget<Box<dyn Read + 'a>>>,
    file: &'a str,
    pub(super) dialect: Dialect,
    /// Whether the text was in another encoding than UTF-8.
    decoded: bool,
    /// Columns of the first row.
    columns: Option<usize>,
}

/// Bytes in which separator and decimal sign are looked for.
const BEGIN: u64 = 1 << 16;

impl<'a> Rows<'a> {
    /// # Errors
    /// If the beginning cannot be read or is no text.
    pub(super) fn new(
        reader: impl Read + 'a,
        file: &'a str,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        let wrong = |error: io::Error| fault(file, &error.to_string());
        let encoding = options.encoding.as_deref().map(|name| {
            Encoding::for_label(name.as_bytes()).ok_or_else(|| {
                fault(
                    file,
                    &format!("data.encoding = {name:?}; a name such as \"latin1\" or \"utf-16le\" is needed"),
                )
            })
        });
        let encoding = encoding.transpose()?;
        let mut packed = BufReader::new(reader);
        let plain: Box<dyn BufRead + 'a> = match packed.fill_buf().map_err(wrong)? {
            [0x1f, 0x8b, ..] => {
                Box::new(BufReader::new(Limited { inner: MultiGzDecoder::new(packed), left: LARGEST_FILE }))
            }
            _ => Box::new(packed),
        };
        let mut plain = plain;
        let decoded = encoding.is_some()
            || matches!(plain.fill_buf().map_err(wrong)?, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        let mut text: Box<dyn Read + 'a> = if decoded {
            Box::new(DecodeReaderBytesBuilder::new().encoding(encoding).build(plain))
        } else {
            Box::new(plain)
        };
        let mut begin = Vec::new();
        text.by_ref().take(BEGIN).read_to_end(&mut begin).map_err(wrong)?;
        if begin.contains(&0) {
            return Err(fault(
                file,
                "zero bytes; a table of text is needed, and of one in UTF-16 without a mark its data.encoding: \"utf-16le\" or \"utf-16be\"",
            ));
        }
        let dialect =
            Dialect::find(&String::from_utf8_lossy(&begin), options.separator, options.decimal_comma);
        let whole = io::Cursor::new(begin).chain(text);
        let inner: Box<dyn Read + 'a> = match dialect.separator {
            Separator::Blanks => Box::new(Commas::new(whole)),
            _ => Box::new(whole),
        };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.separator.byte())
            .from_reader(Budget { inner, left: 0 });
        Ok(Self { reader, file, dialect, decoded, columns: None })
    }

    /// Reads the next row: its line, or none at the end.
    ///
    /// # Errors
    /// If it is no text, has another length than the first, or is longer than a row may be.
    pub(super) fn read(&mut self, row: &mut StringRecord) -> Result<Option<u64>, DataError> {
        let start = self.reader.position().line();
        self.reader.get_mut().left = MOST_ROW_BYTES;
        let read = self.reader.read_record(row).map_err(|error| {
            let line = error.position().map_or(start, csv::Position::line);
            let what = match error.kind() {
                csv::ErrorKind::Utf8 { .. } => NOT_UTF8.to_owned(),
                _ => error.to_string(),
            };
            self.fault(line, what)
        })?;
        if !read {
            return Ok(None);
        }
        let line = row.position().map_or(start, csv::Position::line);
        if self.decoded && row.iter().any(|cell| cell.contains('\u{fffd}')) {
            return Err(self.fault(line, "bytes that are no text in this encoding".to_owned()));
        }
        if let Some(columns) = self.columns {
            if row.len() != columns {
                let what = format!("{} columns; the first row has {columns}", row.len());
                return Err(self.fault(line, what));
            }
            return Ok(Some(line));
        }
        if row.len() > MOST_COLUMNS {
            let what = format!("{} columns; at most {MOST_COLUMNS} are read", row.len());
            return Err(self.fault(line, what));
        }
        self.columns = Some(row.len());
        if let Some(rest) = row.get(0).and_then(|cell| cell.strip_prefix('\u{feff}')) {
            *row = std::iter::once(rest).chain(row.iter().skip(1)).collect();
        }
        Ok(Some(line))
    }

    fn fault(&self, line: u64, what: String) -> DataError {
        DataError::Line { file: self.file.to_owned(), line, what }
    }
}

const NOT_UTF8: &str = "bytes that are no UTF-8; a table in another encoding is read with its name, such as data.encoding = \"latin1\"";

/// A reader that fails when more is unpacked than a file may have.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let too_long = || io::Error::other(format!("unpacked it has more than {LARGEST_FILE} bytes"));
        self.left = self.left.checked_sub(read as u64).ok_or_else(too_long)?;
        Ok(read)
    }
}
/// A reader that fails when one row takes more bytes than a row may have.
struct Budget<R> {
    inner: R,
    /// Bytes that the present row may still take.
    left: usize,
}

impl<R: Read> Read for Budget<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let too_long = || io::Error::other(format!("a row of more than {MOST_ROW_BYTES} bytes"));
        self.left = self.left.checked_sub(read).ok_or_else(too_long)?;
        Ok(read)
    }
}

/// Where in a line a table with blanks was read to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first cell.
    Start,
    /// In a cell.
    Cell,
    /// Behind a cell.
    Blanks,
}

/// A reader that gives a comma for the blanks between two cells and nothing for those at either end of a line.
struct Commas<R> {
    inner: R,
    at: At,
    /// Bytes that were read and not yet given.
    ready: io::Cursor<Vec<u8>>,
}

/// Bytes that are read at once.
const PIECE: usize = 8192;

impl<R: Read> Commas<R> {
    fn new(inner: R) -> Self {
        Self { inner, at: At::Start, ready: io::Cursor::default() }
    }

    fn put(&mut self, byte: u8) {
        let blank = matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c);
        let ready = self.ready.get_mut();
        self.at = match (byte, self.at) {
            (b'\n', _) => {
                ready.push(byte);
                At::Start
            }
            (_, At::Start) if blank => At::Start,
            _ if blank => At::Blanks,
            (_, at) => {
                ready.extend((at == At::Blanks).then_some(b','));
                ready.push(byte);
                At::Cell
            }
        };
    }
}

impl<R: Read> Read for Commas<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut piece = [0; PIECE];
        while self.ready.position() == self.ready.get_ref().len() as u64 {
            let read = self.inner.read(&mut piece)?;
            if read == 0 {
                return Ok(0);
            }
            self.ready.get_mut().clear();
            self.ready.set_position(0);
            piece[..read].iter().for_each(|byte| self.put(*byte));
        }
        self.ready.read(buffer)
    }
}

/// An error of a whole file.
pub(super) fn fault(file: &str, what: &str) -> DataError {
    DataError::File { file: file.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let one = buffer.len().min(1);
            self.0.read(&mut buffer[..one])
        }
    }

    #[test]
    fn blanks_become_commas_wherever_pieces_end() {
        for (text, expected) in [
            ("  1  0.5\t1 \n\t2\t0.25  0\r\n\n 3 4 5", "1,0.5,1\n2,0.25,0\n\n3,4,5"),
            ("", ""),
            ("  \n  ", "\n"),
            ("a", "a"),
        ] {
            let read = |reader: &mut dyn Read| {
                let mut out = String::new();
                Commas::new(reader).read_to_string(&mut out).unwrap();
                out
            };
            assert_eq!(read(&mut text.as_bytes()), expected);
            assert_eq!(read(&mut Slow(text.as_bytes())), expected);
        }
        let long = "1 \t 2\n".repeat(3000);
        let mut out = String::new();
        Commas::new(long.as_bytes()).read_to_string(&mut out).unwrap();
        assert_eq!(out, "1,2\n".repeat(3000));
    }

    /// Counts what was taken from a text without end.
    struct Endless<'a> {
        text: &'a [u8],
        taken: &'a std::cell::Cell<usize>,
    }

    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for byte in buffer.iter_mut() {
                *byte = self.text[self.taken.get() % self.text.len()];
                self.taken.set(self.taken.get() + 1);
            }
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_row_without_end_is_left_at_its_limit() {
        let expected = format!("t.csv:1: a row of more than {MOST_ROW_BYTES} bytes");
        for (separator, text) in [
            (Separator::Comma, "1,"),
            (Separator::Comma, "1"),
            (Separator::Blanks, "1 "),
            (Separator::Blanks, "1"),
        ] {
            let taken = std::cell::Cell::new(0);
            let options = CsvOptions { separator: Some(separator), ..CsvOptions::default() };
            let endless = Endless { text: text.as_bytes(), taken: &taken };
            let mut rows = Rows::new(endless, "t.csv", &options).unwrap();
            let error = rows.read(&mut StringRecord::new()).unwrap_err().to_string();
            assert_eq!(error, expected, "{text}");
            assert!(taken.get() <= 2 * MOST_ROW_BYTES, "{text}: {} bytes were read", taken.get());
        }
        let wide = "1,".repeat(MOST_COLUMNS);
        let mut rows = Rows::new(wide.as_bytes(), "t.csv", &CsvOptions::default()).unwrap();
        let error = rows.read(&mut StringRecord::new()).unwrap_err().to_string();
        assert_eq!(error, format!("t.csv:1: {} columns; at most {MOST_COLUMNS} are read", MOST_COLUMNS + 1));
    }
}
