//! Data sets that are too large are refused before the memory is taken that they would need, with the place and the limit.
//!
//! One test, in a program of its own: it counts what is allocated.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::System;
use std::cell::Cell;
use std::io::{Read, Write};

use cap::Cap;
use flate2::Compression;
use flate2::write::GzEncoder;
use nn_encrypted::data::Separator;
use nn_encrypted::internals::{CsvOptions, parse_csv, parse_images, parse_labels};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const MIB: usize = 1 << 20;
/// What reading may take before it refuses: buffers of a row, or the words of columns.
const REFUSED: usize = 128 * MIB;

/// A text that is made while it is read, and how much of it was.
struct Text<'a, F: Fn(usize) -> String> {
    line: F,
    lines: usize,
    next: usize,
    ready: std::io::Cursor<Vec<u8>>,
    read: &'a Cell<usize>,
}

impl<'a, F: Fn(usize) -> String> Text<'a, F> {
    fn new(lines: usize, read: &'a Cell<usize>, line: F) -> Self {
        Self { line, lines, next: 0, ready: std::io::Cursor::default(), read }
    }
}

impl<F: Fn(usize) -> String> Read for Text<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.ready.position() == self.ready.get_ref().len() as u64 && self.next < self.lines {
            self.ready = std::io::Cursor::new((self.line)(self.next).into_bytes());
            self.next += 1;
        }
        let read = self.ready.read(buffer)?;
        self.read.set(self.read.get() + read);
        Ok(read)
    }
}

fn options(label: &str, separator: Separator) -> CsvOptions {
    CsvOptions { label: label.to_owned(), separator: Some(separator), ..CsvOptions::default() }
}

/// Bytes that were read of a table before it was refused.
fn refused(lines: usize, line: impl Fn(usize) -> String, options: &CsvOptions, message: &str) -> usize {
    let read = Cell::new(0);
    let error = parse_csv(Text::new(lines, &read, line), "t.csv", options).unwrap_err().to_string();
    assert_eq!(error, message);
    let most = MEMORY.max_allocated();
    assert!(most <= REFUSED, "{} MiB were allocated: {message}", most / MIB);
    read.get()
}

fn rows_and_columns() {
    let comma = options("1", Separator::Comma);
    // 32 MB of `1,` without a line break, and a quotation that never ends.
    let row = "t.csv:1: a row of more than 4194304 bytes";
    for (begin, piece, options) in [
        ("", "1,", &comma),
        ("\"", "1\n", &comma),
        ("", "1 ", &options("1", Separator::Blanks)),
        ("", "1", &options("1", Separator::Blanks)),
    ] {
        let line = |i| format!("{}{}", if i == 0 { begin } else { "" }, piece.repeat(1000));
        let read = refused(16_000, line, options, row);
        assert!(read < 5 * MIB, "{read}");
    }
    let wide = "1,".repeat(1 << 16) + "1\n";
    let message = "t.csv:1: 65537 columns; at most 65536 are read";
    assert!(refused(1000, |_| wide.clone(), &comma, message) < MIB);
}

fn classes_and_words() {
    let options = options("y", Separator::Comma);
    let line = |i| if i == 0 { "a,y\n".to_owned() } else { format!("{i},label {i}\n") };
    let message = "t.csv:4098: column `y`: the 4097th class, `label 4097`; at most 4096 are read";
    assert!(refused(100_001, line, &options, message) < MIB);
    // 64 words in each of 20,000 columns: a column of 0 and 1 for each.
    let header: String = (0..20_000).map(|i| format!("c{i},")).collect::<String>() + "y\n";
    let line = |i| if i == 0 { header.clone() } else { format!("w{i},").repeat(20_000) + "p\n" };
    let message = "t.csv:59: 58 samples of 1160000 features; at most 67108864 numbers are read";
    assert!(refused(65, line, &options, message) < 8 * MIB);
}

fn pictures() {
    // 2^28 zeros behind the header of as many pixels: 261 kB.
    let mut gzip = GzEncoder::new(vec![], Compression::best());
    gzip.write_all(&[0, 0, 8, 3, 0, 0, 64, 0, 0, 0, 0, 128, 0, 0, 0, 128]).unwrap();
    let zeros = vec![0; MIB];
    (0..256).for_each(|_| gzip.write_all(&zeros).unwrap());
    let bytes = gzip.finish().unwrap();
    let error = parse_images(&bytes, "images.gz").unwrap_err().to_string();
    assert_eq!(error, "images.gz: 268435456 values by its header; at most 67108864 are read");
    // The same zeros behind a header of one label are not unpacked.
    let mut gzip = GzEncoder::new(vec![], Compression::best());
    gzip.write_all(&[0, 0, 8, 1, 0, 0, 0, 1]).unwrap();
    (0..256).for_each(|_| gzip.write_all(&zeros).unwrap());
    let error = parse_labels(&gzip.finish().unwrap(), "labels.gz").unwrap_err().to_string();
    assert_eq!(error, "labels.gz: longer than the 1 values of its header");
    let most = MEMORY.max_allocated();
    assert!(most <= REFUSED, "{} MiB", most / MIB);
}

/// Cells of this table need a byte each, and as much again while it grows; what is given back, eight.
fn a_table_that_fits() {
    let row = "1,".repeat(1000);
    let line = |i: usize| format!("{row}{}\n", i % 4096);
    let read = Cell::new(0);
    let options = CsvOptions { no_header: true, ..options("1001", Separator::Comma) };
    let (x, classes) = parse_csv(Text::new(8192, &read, line), "t.csv", &options).unwrap();
    let different: std::collections::BTreeSet<_> = classes.iter().collect();
    assert_eq!((x.dim(), different.len(), classes[4097].as_str()), ((8192, 1000), 4096, "1"));
    let most = MEMORY.max_allocated();
    assert!(most <= 11 * 8_192_000 + REFUSED, "{} MiB", most / MIB);
}

#[test]
fn memory_is_not_taken_beyond_the_limits() {
    rows_and_columns();
    classes_and_words();
    pictures();
    a_table_that_fits();
}
