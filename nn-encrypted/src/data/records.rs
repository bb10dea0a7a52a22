//! Tables as rows of cells, read one row at a time: no more than a row is held, however long the file is.

use std::io::{self, Read};

use csv::StringRecord;

use super::DataError;
use super::limits::{MOST_COLUMNS, MOST_ROW_BYTES};

/// Which columns of a table are what. A column is meant by its name, or by its number from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// The column that holds the class.
    pub label: String,
    /// Columns that are neither class nor feature.
    pub ignore: Vec<String>,
    /// The first row is a sample, and columns have numbers only. Without it a table whose label is given by name has a
    /// header; so has one whose label is given by number if a feature of the first row is a word above a number, or if
    /// all of them are words.
    pub no_header: bool,
    /// The separator of two cells.
    pub separator: Separator,
}

/// The separator of two cells of a table.
///
/// ```
/// use nn_encrypted::data::Separator;
///
/// assert_eq!(Separator::default(), Separator::Comma);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Separator {
    /// A comma; cells may be quoted.
    #[default]
    Comma,
    /// Blanks and tabs, any number of them.
    Blanks,
}

/// The rows of a table, all of the same length.
pub(super) struct Rows<'a> {
    reader: csv::Reader<Budget<Box<dyn Read + 'a>>>,
    file: &'a str,
    /// Columns of the first row.
    columns: Option<usize>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(reader: impl Read + 'a, file: &'a str, separator: Separator) -> Self {
        let inner: Box<dyn Read + 'a> = match separator {
            Separator::Comma => Box::new(reader),
            Separator::Blanks => Box::new(Commas::new(reader)),
        };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(Budget { inner, left: 0 });
        Self { reader, file, columns: None }
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
            self.fault(line, error.to_string())
        })?;
        if !read {
            return Ok(None);
        }
        let line = row.position().map_or(start, csv::Position::line);
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
            let mut rows = Rows::new(Endless { text: text.as_bytes(), taken: &taken }, "t.csv", separator);
            let error = rows.read(&mut StringRecord::new()).unwrap_err().to_string();
            assert_eq!(error, expected, "{text}");
            assert!(taken.get() <= 2 * MOST_ROW_BYTES, "{text}: {} bytes were read", taken.get());
        }
        let wide = "1,".repeat(MOST_COLUMNS);
        let mut rows = Rows::new(wide.as_bytes(), "t.csv", Separator::Comma);
        let error = rows.read(&mut StringRecord::new()).unwrap_err().to_string();
        assert_eq!(error, format!("t.csv:1: {} columns; at most {MOST_COLUMNS} are read", MOST_COLUMNS + 1));
    }
}
