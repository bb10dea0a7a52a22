//! Columns of cells as columns of numbers: a number stays, a word becomes its number among those of its column.

use csv::StringRecord;

use super::columns::{Columns, missing_cell};
use super::dialect::{Dialect, Missing, other_form};
use super::records::fault;
use super::schema::{Field, Schema};
use super::words::{Words, places};
use super::{DataError, Table, limits};

/// Different words of a column; more are a name or an identifier.
const MOST_WORDS: usize = 64;

/// The content of a column, by its first cell that holds something.
enum Content<'a> {
    Nothing,
    Numbers,
    Words {
        /// The first of them and its line.
        first: (u64, String),
        words: Words,
    },
    /// The words of a model.
    Known(&'a [String]),
}

/// The features of the samples read so far.
pub(super) struct Features<'a> {
    columns: &'a Columns,
    file: &'a str,
    dialect: Dialect,
    missing: Missing,
    contents: Vec<Content<'a>>,
    /// The first cell of each column that holds nothing, while it may be an empty column.
    absent: Vec<Option<(u64, String)>>,
    /// Columns without a name that count rows so far: the number of the first.
    counting: Vec<Option<f64>>,
    table: Table,
    row: Vec<f64>,
    /// Columns that the words need besides.
    further: usize,
    /// The first cell that was read as more than its digits, with separators of thousands or a percent sign.
    converted: Option<String>,
}

impl<'a> Features<'a> {
    /// Of a table whose columns are to be learnt, or known.
    pub(super) fn new(
        columns: &'a Columns,
        file: &'a str,
        dialect: Dialect,
        missing: Missing,
        known: Option<&'a Schema>,
    ) -> Self {
        let content = |place: usize| match known.map(|known| &known.columns[place].words[..]) {
            None => Content::Nothing,
            Some([]) => Content::Numbers,
            Some(words) => Content::Known(words),
        };
        let count = columns.features.len();
        let may_count = |&column: &usize| (columns.nameless[column] && known.is_none()).then_some(f64::NAN);
        Self {
            columns,
            file,
            dialect,
            missing,
            contents: (0..count).map(content).collect(),
            absent: vec![None; count],
            counting: columns.features.iter().map(may_count).collect(),
            table: Table::new(count),
            row: vec![],
            further: 0,
            converted: None,
        }
    }

    /// Takes the cells of one sample.
    ///
    /// # Errors
    /// If a cell is missing, not finite, or a word among numbers, or the table has become too large.
    pub(super) fn push(&mut self, line: u64, row: &StringRecord) -> Result<(), DataError> {
        let (mut further, count) = (0, self.table.rows() as f64);
        self.row.clear();
        let contents = self.contents.iter_mut().zip(&mut self.absent).zip(&mut self.counting);
        for (&column, ((content, absent), counting)) in self.columns.features.iter().zip(contents) {
            let taken = value(&row[column], line, content, absent, (self.dialect, self.missing));
            let value = taken.map_err(|(line, what)| self.columns.cell(self.file, line, column, what))?;
            self.row.push(value);
            if self.converted.is_none() && row[column].contains([',', '\'', ' ', '%', '\u{a0}', '\u{202f}']) {
                let cell = row[column].trim();
                let number = self.dialect.converted(cell).filter(|number| *number == value);
                self.converted = number.map(|number| format!("`{cell}` is {number}"));
            }
            if let Some(first) = counting {
                let start = if count == 0.0 { value } else { *first };
                *counting = ((start == 0.0 || start == 1.0) && value == start + count).then_some(start);
            }
            if let Content::Words { words, .. } = content {
                further += words.len() - 1;
            }
        }
        self.table.push(self.row.iter().copied());
        self.further = further;
        limits::values(self.table.rows(), self.contents.len() + further).map_err(|what| DataError::Line {
            file: self.file.to_owned(),
            line,
            what,
        })
    }

    /// Samples so far.
    pub(super) fn rows(&self) -> usize {
        self.table.rows()
    }

    /// The columns and their values, without those that are empty or count rows, and a word on each of these.
    ///
    /// # Errors
    /// If no column is left.
    pub(super) fn finish(self, label: Option<String>) -> Result<(Schema, Table, Vec<String>), DataError> {
        let Self { columns, file, contents, counting, mut table, converted, .. } = self;
        let (mut fields, mut kept, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        notes.extend(converted.map(|converted| format!("{file}: {converted}, as all numbers of this form")));
        for (place, (content, counting)) in contents.into_iter().zip(counting).enumerate() {
            let name = &columns.names[columns.features[place]];
            let said = if columns.nameless[columns.features[place]] { "without a name " } else { "" };
            let left_out = match content {
                Content::Nothing => Some("is empty"),
                _ if counting.is_some_and(|first| !first.is_nan()) => Some("numbers the rows"),
                _ => None,
            };
            if let Some(why) = left_out {
                notes.push(format!("{file}: column `{name}` {said}{why} and is left out"));
                continue;
            }
            if !said.is_empty() {
                notes.push(format!("{file}: column `{name}` has no name and is taken for a feature"));
            }
            kept.push(place);
            let words = match content {
                Content::Words { words, .. } => {
                    let words = words.sorted();
                    table.renumber(place, &places(&words));
                    words.into_iter().map(|(word, _)| word).collect()
                }
                Content::Known(words) => words.to_vec(),
                _ => vec![],
            };
            fields.push(Field { name: name.clone(), words });
        }
        if kept.is_empty() {
            return Err(fault(file, "no column is left for a feature"));
        }
        if kept.len() < table.columns() {
            table = table.part(&(0..table.rows()).collect::<Vec<_>>(), &kept);
        }
        Ok((Schema::of(columns.header, fields, label), table, notes))
    }
}

/// The number of a cell, or that of its word; else the line of the fault and what it is.
fn value(
    cell: &str,
    line: u64,
    content: &mut Content<'_>,
    absent: &mut Option<(u64, String)>,
    (dialect, missing): (Dialect, Missing),
) -> Result<f64, (u64, String)> {
    let cell = cell.trim();
    let number = dialect.number(cell).filter(|value| !value.is_nan());
    if let (None, Some(what)) = (number, missing_cell(cell)) {
        return match (missing, &content) {
            (Missing::Refuse, Content::Nothing) => {
                absent.get_or_insert((line, what));
                Ok(f64::NAN)
            }
            (Missing::Refuse, _) => Err((line, what)),
            _ => Ok(f64::NAN),
        };
    }
    if let Some(first) = absent.take() {
        return Err(first);
    }
    let no_number = |cell: &str| match other_form(cell) {
        Some(form) => format!("`{cell}` is {form}; a plain number is needed, or its column in data.ignore"),
        None => format!("`{cell}` is not a number; the other cells of the column are"),
    };
    match (number, &mut *content) {
        (_, Content::Known(words)) => {
            let place = words.iter().position(|word| word == cell);
            let known = || limits::listed(words.iter().map(String::as_str));
            place.map(|place| place as f64).ok_or_else(|| {
                (line, format!("`{cell}` is a word that the model does not know; it knows {}", known()))
            })
        }
        (Some(_), Content::Words { first: (line, word), .. }) => Err((*line, no_number(word))),
        (Some(value), _) if value.is_finite() => {
            *content = Content::Numbers;
            Ok(value)
        }
        (Some(_), _) => Err((line, format!("`{cell}` is not finite; a finite number is needed"))),
        (None, Content::Numbers) => Err((line, no_number(cell))),
        (None, _) if other_form(cell).is_some() => Err((line, no_number(cell))),
        (None, Content::Nothing) => {
            let mut words = Words::default();
            let number = words.number(cell);
            *content = Content::Words { first: (line, cell.to_owned()), words };
            Ok(number as f64)
        }
        (None, Content::Words { words, .. }) => {
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
