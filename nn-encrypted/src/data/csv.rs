//! Tables of numbers and words; one column holds the class or the measured value.

use std::collections::HashMap;
use std::io::Read;

use csv::StringRecord;
use ndarray::Array2;

use super::columns::{Columns, missing_cell};
use super::dialect::{Dialect, Missing, Separator};
use super::features::Features;
use super::limits::MOST_CLASSES;
use super::records::{CsvOptions, Rows, fault};
use super::schema::Schema;
use super::words::{Words, places};
use super::{DataError, Dataset};

/// Reads a table from anywhere; `file` is its name in errors, `name` that of the data set.
///
/// A column of words becomes one feature for each of them, which is 1 where the word stands and 0 elsewhere.
///
/// # Errors
/// If a cell is missing, not finite, or a word among numbers, a row has another length, a column does not exist, or the table is
/// larger than one may be: rows of 4 MiB, 65,536 columns, 4,096 classes and 2^26 numbers are read; with file, line and column.
pub(super) fn parse(
    reader: impl Read,
    file: &str,
    name: &str,
    options: &CsvOptions,
) -> Result<Dataset, DataError> {
    let read = Reading { file, name, options, known: None }.read(reader)?;
    if let [class] = &read.schema.classes[..] {
        return Err(fault(file, &format!("only one class, `{class}`; two or more are needed")));
    }
    Ok(read)
}

/// The cells of the first row.
///
/// # Errors
/// If it is missing, or no row of a table.
pub(super) fn first_row(
    reader: impl Read,
    file: &str,
    options: &CsvOptions,
) -> Result<Vec<String>, DataError> {
    let mut row = StringRecord::new();
    match Rows::new(reader, file, options)?.read(&mut row)? {
        Some(_) => Ok(row.iter().map(|cell| cell.trim().to_owned()).collect()),
        None => Err(fault(file, "no rows")),
    }
}

/// Features and the class of each row of a table with labels.
///
/// # Errors
/// If a cell, a row or the whole table cannot be used: with file, line and column.
pub fn parse_plain(
    reader: impl Read,
    file: &str,
    options: &CsvOptions,
) -> Result<(Array2<f64>, Vec<String>), DataError> {
    let data = parse(reader, file, "", options)?;
    let class = |label: &usize| data.schema.classes[*label].clone();
    Ok((data.x(), data.labels.iter().map(class).collect()))
}

/// Reads further rows of a table that a model was trained on: its columns by their names, in any order, with labels or without.
///
/// # Errors
/// As [`parse`]; if a column of the model is missing, another is there, or a word or a class is none of the model's.
pub(super) fn further(
    reader: impl Read,
    file: &str,
    options: &CsvOptions,
    known: &Schema,
) -> Result<Dataset, DataError> {
    Reading { file, name: file, options, known: Some(known) }.read(reader)
}

/// A table to be read.
struct Reading<'a> {
    file: &'a str,
    name: &'a str,
    options: &'a CsvOptions,
    known: Option<&'a Schema>,
}

impl Reading<'_> {
    fn read(&self, reader: impl Read) -> Result<Dataset, DataError> {
        let Self { file, options, known, .. } = *self;
        let mut rows = Rows::new(reader, file, options)?;
        let (mut first, mut row) = (StringRecord::new(), StringRecord::new());
        let Some(first_line) = rows.read(&mut first)? else {
            return Err(fault(file, "no rows; a header or a first sample is needed"));
        };
        let mut line = rows.read(&mut row)?;
        let columns = match known {
            None => Columns::find(&first, line.map(|_| &row), file, options)?,
            Some(known) => Columns::matching(&first, file, options, known)?,
        };
        let mut features = Features::new(&columns, file, rows.dialect, options.missing, known);
        let mut beside = Beside::new(&columns, file, rows.dialect, options, known);
        if !columns.header {
            features.push(first_line, &first)?;
            beside.push(first_line, &first)?;
        }
        while let Some(number) = line {
            features.push(number, &row)?;
            beside.push(number, &row)?;
            line = rows.read(&mut row)?;
        }
        if features.rows() == 0 {
            return Err(fault(file, "no samples below the header"));
        }
        let (schema, table, mut notes) = features.finish(known.map_or_else(
            || columns.label.map(|label| columns.names[label].clone()),
            |known| known.label.clone(),
        ))?;
        notes.extend(said(file, rows.dialect));
        let mut data = Dataset { name: self.name.to_owned(), table, schema, notes, ..Dataset::default() };
        beside.finish(&mut data);
        if options.missing == Missing::Drop {
            drop_missing(&mut data, file)?;
        }
        let names = &columns.names;
        data.schema.others = match known {
            Some(known) => known.others.clone(),
            None => names.iter().filter(|name| !data.is_column(name)).cloned().collect(),
        };
        Ok(data)
    }
}

/// A word on separators and decimal signs that are not those of English tables.
fn said(file: &str, Dialect { separator, decimal_comma }: Dialect) -> Option<String> {
    let comma = if decimal_comma { " and decimals behind a comma" } else { "" };
    (separator != Separator::Comma || decimal_comma)
        .then(|| format!("{file}: read with {} between cells{comma}", separator.name()))
}

/// Leaves rows out in which something is missing.
fn drop_missing(data: &mut Dataset, file: &str) -> Result<(), DataError> {
    let whole = |row: &usize| {
        let labelled = data.labels.get(*row).is_none_or(|label| *label != MISSING)
            && data.values.get(*row).is_none_or(|value| !value.is_nan());
        labelled && data.table.row(*row).all(|value| !value.is_nan())
    };
    let all = data.table.rows();
    let kept: Vec<usize> = (0..all).filter(whole).collect();
    if kept.is_empty() {
        return Err(fault(file, "something is missing in every row"));
    }
    if kept.len() < all {
        data.keep(&kept);
        data.notes.push(format!(
            "{file}: {} of {all} rows are left out: something is missing there",
            all - kept.len()
        ));
    }
    Ok(())
}

/// The class of a label that is missing.
const MISSING: usize = usize::MAX;

/// Columns beside the features: labels, groups, names of rows.
struct Beside<'a> {
    columns: &'a Columns,
    file: &'a str,
    dialect: Dialect,
    options: &'a CsvOptions,
    known: Option<&'a Schema>,
    classes: Words,
    labels: Vec<usize>,
    values: Vec<f64>,
    groups: HashMap<String, usize>,
    group: Vec<usize>,
    ids: Vec<String>,
}

impl<'a> Beside<'a> {
    fn new(
        columns: &'a Columns,
        file: &'a str,
        dialect: Dialect,
        options: &'a CsvOptions,
        known: Option<&'a Schema>,
    ) -> Self {
        let (classes, labels, values) = (Words::default(), vec![], vec![]);
        let (groups, group, ids) = (HashMap::new(), vec![], vec![]);
        Self { columns, file, dialect, options, known, classes, labels, values, groups, group, ids }
    }

    fn push(&mut self, line: u64, row: &StringRecord) -> Result<(), DataError> {
        if let Some(column) = self.columns.label {
            let wrong = |what| self.columns.cell(self.file, line, column, what);
            let cell = row[column].trim();
            match missing_cell(cell) {
                Some(_) if self.options.missing == Missing::Drop => self.unlabelled(),
                Some(what) => return Err(wrong(what)),
                None => self.label(cell).map_err(|what| self.columns.cell(self.file, line, column, what))?,
            }
        }
        if let Some(column) = self.columns.group {
            let next = self.groups.len();
            self.group.push(*self.groups.entry(row[column].trim().to_owned()).or_insert(next));
        }
        self.ids.extend(self.columns.id.map(|column| row[column].trim().to_owned()));
        Ok(())
    }

    fn unlabelled(&mut self) {
        if self.options.measured {
            self.values.push(f64::NAN);
        } else {
            self.labels.push(MISSING);
        }
    }

    fn label(&mut self, cell: &str) -> Result<(), String> {
        let number = self.dialect.number(cell).filter(|value| value.is_finite());
        if self.options.measured {
            let wrong = || format!("`{cell}` is no finite number; a measured value is needed");
            self.values.push(number.ok_or_else(wrong)?);
            return Ok(());
        }
        // Numbers are one class in whatever form they are written.
        let class = number.map_or_else(|| cell.to_owned(), |value| (value + 0.0).to_string());
        let Some(known) = self.known else {
            self.labels.push(self.classes.number(&class));
            let all = self.classes.len();
            return if all <= MOST_CLASSES {
                Ok(())
            } else {
                Err(format!("the {all}th class, `{cell}`; at most {MOST_CLASSES} are read"))
            };
        };
        let place = known.classes.iter().position(|known| *known == class);
        let place = if known.rest { Some(place.map_or(0, |place| usize::from(place == 1))) } else { place };
        self.labels.push(place.ok_or_else(|| {
            let classes = super::limits::listed(known.classes.iter().map(String::as_str));
            format!("`{cell}` is a class that the model does not know; it knows {classes}")
        })?);
        Ok(())
    }

    fn finish(self, data: &mut Dataset) {
        let Self { known, classes, mut labels, values, group, ids, .. } = self;
        data.schema.classes = match known {
            Some(known) => known.classes.clone(),
            None => {
                let classes = in_order(classes);
                let places = places(&classes);
                labels
                    .iter_mut()
                    .filter(|label| **label != MISSING)
                    .for_each(|label| *label = places[*label]);
                classes.into_iter().map(|(class, _)| class).collect()
            }
        };
        data.rows = (1..=data.table.rows()).collect();
        (data.labels, data.values, data.groups, data.ids) = (labels, values, group, ids);
    }
}

/// The class names and their numbers: by value if all are numbers, else by name.
fn in_order(classes: Words) -> Vec<(String, usize)> {
    let mut classes = classes.sorted();
    let value = |name: &str| name.parse::<f64>().unwrap_or(f64::NAN);
    if classes.iter().all(|(name, _)| value(name).is_finite()) {
        classes.sort_by(|(a, _), (b, _)| value(a).total_cmp(&value(b)));
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, label: &str) -> Result<Dataset, DataError> {
        let options = CsvOptions { label: label.to_owned(), ..CsvOptions::default() };
        parse(text.as_bytes(), "t.csv", "t", &options)
    }

    #[test]
    fn header_and_class_names() {
        let data = read("\u{feff}a,kind,b\n1,x,2.5\n-3,w, 4e1\n", "kind").unwrap();
        assert_eq!(data.schema.names(), ["a", "b"]);
        assert_eq!(data.schema.classes, ["w", "x"]);
        assert_eq!(data.labels, [1, 0]);
        assert_eq!(data.x(), ndarray::arr2(&[[1.0, 2.5], [-3.0, 40.0]]));
    }

    #[test]
    fn no_header_label_by_number() {
        let data = read("1,2,10\n3,4,9\n5,6,10\n", "3").unwrap();
        assert_eq!(data.schema.names(), ["1", "2"]);
        assert_eq!(data.schema.classes, ["9", "10"]); // by value, not by letter
        assert_eq!(data.labels, [1, 0, 1]);
        assert_eq!(read("u,v,w\n1,2,10\n3,4,9\n", "3").unwrap().schema.names(), ["u", "v"]);
    }

    #[test]
    fn words_become_a_column_each() {
        let data = read("size,colour,y\n1,red,p\n2,blue,q\n3,red,q\n", "y").unwrap();
        assert_eq!(data.schema.names(), ["size", "colour=blue", "colour=red"]);
        assert_eq!(data.x(), ndarray::arr2(&[[1.0, 0.0, 1.0], [2.0, 1.0, 0.0], [3.0, 0.0, 1.0]]));
        assert_eq!(read("colour,y\nred,p\nblue,q\n", "2").unwrap().labels, [0, 1]); // words only: a header
    }

    #[test]
    fn without_a_header_columns_are_numbers() {
        let options = CsvOptions { label: "3".into(), no_header: true, ..CsvOptions::default() };
        let data = parse("1,red,p\n2,blue,q\n".as_bytes(), "t.csv", "t", &options).unwrap();
        assert_eq!(
            (data.schema.names(), data.table.rows()),
            (["1", "2=blue", "2=red"].map(String::from).to_vec(), 2)
        );
        let named = CsvOptions { label: "kind".into(), ..options };
        let error = parse("1,red,p\n".as_bytes(), "t.csv", "t", &named).unwrap_err().to_string();
        assert_eq!(error, "t.csv: no column `kind`; the columns are 1 to 3");
    }

    #[test]
    fn blanks_separate_too() {
        let options =
            CsvOptions { label: "3".into(), separator: Some(Separator::Blanks), ..CsvOptions::default() };
        let data = parse("   1   0.5  1 \n\t2\t0.25  0\n".as_bytes(), "t.dat", "t", &options).unwrap();
        assert_eq!(data.x(), ndarray::arr2(&[[1.0, 0.5], [2.0, 0.25]]));
        assert_eq!(data.labels, [1, 0]);
        let error = parse("1 2 a\n1 b\n".as_bytes(), "t.dat", "t", &options).unwrap_err().to_string();
        assert_eq!(error, "t.dat:2: 2 columns; the first row has 3");
    }

    #[test]
    fn columns_can_be_ignored() {
        let options = CsvOptions { label: "y".into(), ignore: vec!["id".into()], ..CsvOptions::default() };
        let data = parse("id,a,y\nfirst,1,p\nsecond,2,q\n".as_bytes(), "t.csv", "t", &options).unwrap();
        assert_eq!(data.schema.names(), ["a"]);
    }

    #[test]
    fn errors_name_file_line_and_column() {
        let table = [
            (
                "a,y\n1,p\n,q\n",
                "y",
                "t.csv:3: column `a`: the value is missing (``); go on by data.missing = \"drop\" or \"mean\"",
            ),
            (
                "a,y\n1,p\n?,q\n",
                "y",
                "t.csv:3: column `a`: the value is missing (`?`); go on by data.missing = \"drop\" or \"mean\"",
            ),
            (
                "a,y\nNaN,p\n1,q\n",
                "y",
                "t.csv:2: column `a`: the value is missing (`NaN`); go on by data.missing = \"drop\" or \"mean\"",
            ),
            ("a,y\n1,p\ninf,q\n", "y", "t.csv:3: column `a`: `inf` is not finite; a finite number is needed"),
            (
                "a,y\n1,p\n1e999,q\n",
                "y",
                "t.csv:3: column `a`: `1e999` is not finite; a finite number is needed",
            ),
            (
                "a,y\n1,p\nred,q\n",
                "y",
                "t.csv:3: column `a`: `red` is not a number; the other cells of the column are",
            ),
            (
                "1,p\n2,q\nred,q\n",
                "2",
                "t.csv:3: column `1`: `red` is not a number; the other cells of the column are",
            ),
            (
                "a,y\n1,p\n2,\n",
                "y",
                "t.csv:3: column `y`: the value is missing (``); go on by data.missing = \"drop\" or \"mean\"",
            ),
            ("a,y\n1,p\n1,q,3\n", "y", "t.csv:3: 3 columns; the first row has 2"),
            ("a,y\n1,p\n", "z", "t.csv: no column `z`; the columns are a, y"),
            ("1,2\n1,3\n", "3", "t.csv: no column `3`; the columns are 1, 2"),
            ("1,2\n1,3\n", "0", "t.csv: no column `0`; the columns are 1, 2"),
            ("", "y", "t.csv: no rows; a header or a first sample is needed"),
            ("a,y\n", "y", "t.csv: no samples below the header"),
            ("a,y\n1,p\n2,p\n", "y", "t.csv: only one class, `p`; two or more are needed"),
            ("y\np\nq\n", "y", "t.csv: no column is left for a feature"),
        ];
        for (text, label, message) in table {
            assert_eq!(read(text, label).unwrap_err().to_string(), message, "{text:?}");
        }
        let options = CsvOptions { label: "y".into(), ..CsvOptions::default() };
        let bytes: &[u8] = b"a,y\n1,p\n\xff,q\n";
        assert!(parse(bytes, "t.csv", "t", &options).unwrap_err().to_string().starts_with("t.csv:3: "));
    }
}
