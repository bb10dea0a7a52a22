//! Columns of cells as columns of numbers: a number stays, each word of a column of words gets a column of its own.

use csv::StringRecord;
use ndarray::Array2;

use super::columns::{Columns, missing_cell};
use super::records::fault;
use super::words::{Words, places};
use super::{DataError, limits};

/// Different words of a column; more are a name or an identifier.
const MOST_WORDS: usize = 64;

/// The content of a column, by its first cell.
enum Content {
    Nothing,
    Numbers,
    Words {
        /// The first of them and its line.
        first: (u64, String),
        words: Words,
    },
}

/// The features of the samples read so far: one number a cell, a word by its number.
pub(super) struct Features<'a> {
    columns: &'a Columns,
    file: &'a str,
    contents: Vec<Content>,
    values: Vec<f64>,
    samples: usize,
    /// Columns that the words need besides.
    further: usize,
}

impl<'a> Features<'a> {
    pub(super) fn new(columns: &'a Columns, file: &'a str) -> Self {
        let contents = columns.features.iter().map(|_| Content::Nothing).collect();
        Self { columns, file, contents, values: vec![], samples: 0, further: 0 }
    }

    /// Takes the cells of one sample.
    ///
    /// # Errors
    /// If a cell is missing, not finite, or a word among numbers, or the table has become too large.
    pub(super) fn push(&mut self, line: u64, row: &StringRecord) -> Result<(), DataError> {
        self.samples += 1;
        let mut further = 0;
        for (&column, content) in self.columns.features.iter().zip(&mut self.contents) {
            let value = value(row[column].trim(), line, content)
                .map_err(|(line, what)| self.columns.cell(self.file, line, column, what))?;
            self.values.push(value);
            if let Content::Words { words, .. } = content {
                further += words.len() - 1;
            }
        }
        self.further = further;
        limits::values(self.samples, self.width()).map_err(|what| DataError::Line {
            file: self.file.to_owned(),
            line,
            what,
        })
    }

    fn width(&self) -> usize {
        self.contents.len() + self.further
    }

    /// Names and values of the features.
    pub(super) fn finish(self) -> Result<(Vec<String>, Array2<f64>), DataError> {
        let (samples, width) = (self.samples, self.width());
        let mut names = Vec::with_capacity(width);
        // Of each column its first place, and the places of its words behind that.
        let mut targets = Vec::with_capacity(self.contents.len());
        for (&column, content) in self.columns.features.iter().zip(self.contents) {
            let (name, start) = (&self.columns.names[column], names.len());
            if let Content::Words { words, .. } = content {
                let words = words.sorted();
                targets.push((start, Some(places(&words))));
                names.extend(words.iter().map(|(word, _)| format!("{name}={word}")));
            } else {
                targets.push((start, None));
                names.push(name.clone());
            }
        }
        let x = if targets.iter().all(|(_, words)| words.is_none()) {
            Array2::from_shape_vec((samples, width), self.values)
                .map_err(|error| fault(self.file, &error.to_string()))?
        } else {
            spread(samples, width, &self.values, &targets)
        };
        Ok((names, x))
    }
}

/// The table with words as columns that hold 1 where the word stands and 0 elsewhere.
fn spread(
    samples: usize,
    width: usize,
    values: &[f64],
    targets: &[(usize, Option<Vec<usize>>)],
) -> Array2<f64> {
    let mut x = Array2::zeros((samples, width));
    for (mut to, from) in x.rows_mut().into_iter().zip(values.chunks_exact(targets.len())) {
        for (value, (start, words)) in from.iter().zip(targets) {
            match words {
                Some(places) => to[start + places[*value as usize]] = 1.0,
                None => to[*start] = *value,
            }
        }
    }
    x
}

/// The number of a cell, or that of its word; else the line of the fault and what it is.
fn value(cell: &str, line: u64, content: &mut Content) -> Result<f64, (u64, String)> {
    if let Some(what) = missing_cell(cell) {
        return Err((line, what));
    }
    let no_number = |cell: &str| format!("`{cell}` is not a number; the other cells of the column are");
    match (cell.parse::<f64>(), &mut *content) {
        (Ok(_), Content::Words { first: (line, word), .. }) => Err((*line, no_number(word))),
        (Ok(value), _) if value.is_finite() => {
            *content = Content::Numbers;
            Ok(value)
        }
        (Ok(_), _) => Err((line, format!("`{cell}` is not finite; a finite number is needed"))),
        (Err(_), Content::Numbers) => Err((line, no_number(cell))),
        (Err(_), Content::Nothing) => {
            let mut words = Words::default();
            let number = words.number(cell);
            *content = Content::Words { first: (line, cell.to_owned()), words };
            Ok(number as f64)
        }
        (Err(_), Content::Words { words, .. }) => {
            let number = words.number(cell);
            if words.len() <= MOST_WORDS {
                return Ok(number as f64);
            }
            let what = format!(
                "more than {MOST_WORDS} different words; numbers or fewer categories are needed, or data.ignore"
            );
            Err((line, what))
        }
    }
}
