//! A series of measured values: samples are windows of it, targets the values behind them.

use std::io::Read;

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::columns::no_column;
use super::records::{CsvOptions, Rows, fault};
use super::schema::Schema;
use super::{DataError, Dataset, Table, limits};

/// How a measured value becomes a target and back: that of a series, or the label of a sample.
///
/// ```
/// use nn_encrypted::data::Series;
///
/// let series = Series { divisor: 256.0, center: 2.75 };
/// assert_eq!(series.value(series.target(720.0)), 720.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The divisor of a value.
    pub divisor: f64,
    /// The value subtracted then.
    pub center: f64,
}

impl Series {
    /// The target of a value.
    #[must_use]
    pub fn target(&self, value: f64) -> f64 {
        value / self.divisor - self.center
    }

    /// The value of an output, in the unit of the measurements.
    #[must_use]
    pub fn value(&self, output: f64) -> f64 {
        (output + self.center) * self.divisor
    }
}

/// Reads the series in a column of a table; the features of a sample are the `window` values before its label, oldest first.
/// With `ahead` there is a sample more, whose value is yet to come.
pub(super) fn parse(
    reader: impl Read,
    file: &str,
    name: &str,
    options: &CsvOptions,
    window: usize,
    ahead: bool,
) -> Result<Dataset, DataError> {
    let (mut rows, mut row) = (Rows::new(reader, file, options)?, StringRecord::new());
    let column = options.label.as_str();
    let (dialect, mut values) = (rows.dialect, Vec::new());
    let Some(mut line) = rows.read(&mut row)? else {
        return Err(fault(file, "no rows; a header is needed"));
    };
    let place = match options.no_header {
        true => column.parse().ok().filter(|n| (1..=row.len()).contains(n)).map(|n: usize| n - 1),
        false => row.iter().position(|cell| cell.trim() == column),
    };
    let place = place.ok_or_else(|| {
        let names: Vec<&str> = row.iter().map(str::trim).collect();
        no_column(file, column, names.into_iter())
    })?;
    let mut there = options.no_header;
    loop {
        if there {
            let cell = &row[place];
            let number = dialect.number(cell.trim()).filter(|value| value.is_finite());
            values.push(number.ok_or_else(|| DataError::Cell {
                file: file.to_owned(),
                line,
                column: column.to_owned(),
                what: format!("`{cell}`; a finite number is needed"),
            })?);
            limits::values(values.len(), window.max(1)).map_err(|what| DataError::Line {
                file: file.to_owned(),
                line,
                what,
            })?;
        }
        match rows.read(&mut row)? {
            Some(next) => (line, there) = (next, true),
            None => break,
        }
    }
    // One window to train on and one to test on.
    let needed = window.saturating_add(if ahead { 0 } else { 2 });
    if window == 0 || values.len() < needed {
        let what = format!("{} values; {needed} or more are needed", values.len());
        return Err(fault(file, &what));
    }
    let mut data = windows(&values, name, window, ahead);
    (data.schema.header, data.schema.label) = (!options.no_header, Some(column.to_owned()));
    Ok(data)
}

/// The samples of a series.
fn windows(values: &[f64], name: &str, window: usize, ahead: bool) -> Dataset {
    let (before, labels) = values.split_at(window);
    let count = labels.len() + usize::from(ahead);
    let names = (1..=window).rev().map(|lag| format!("lag {lag}"));
    Dataset {
        name: name.to_owned(),
        schema: Schema { window: Some(window), ..Schema::numbers(names, vec![]) },
        table: Table::of(window, values.windows(window).take(count).map(|window| window.iter().copied())),
        rows: (window + 1..=window + count).collect(),
        values: labels.to_vec(),
        series: Some(before.to_vec()),
        ..Dataset::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Dataset, DataError> {
        let options = CsvOptions { label: "value".to_owned(), ..CsvOptions::default() };
        parse(text.as_bytes(), "s.csv", "s", &options, 2, false)
    }

    #[test]
    fn windows_come_in_order_of_time() {
        let data = read("time,value\n1,10\n2,20\n3,30.0\n4, 41\n5,0\n").unwrap();
        assert_eq!(data.schema.names(), ["lag 2", "lag 1"]);
        assert_eq!(data.x(), ndarray::arr2(&[[10.0, 20.0], [20.0, 30.0], [30.0, 41.0]]));
        assert_eq!((data.values, data.series), (vec![30.0, 41.0, 0.0], Some(vec![10.0, 20.0])));
        assert!(data.schema.classes.is_empty() && data.labels.is_empty());
    }

    #[test]
    fn errors_name_the_row() {
        let table = |cell: &str| format!("time,value\n1,10\n2,{cell}\n3,30\n4,40\n");
        for cell in ["x", "", "NaN", "inf"] {
            let message = read(&table(cell)).unwrap_err().to_string();
            let start = format!("s.csv:3: column `value`: `{cell}`; a finite number is needed");
            assert!(message.starts_with(&start), "{message}");
        }
        assert!(read(&table("-1.5")).is_ok());
        for (text, message) in [
            ("", "s.csv: no rows; a header is needed"),
            ("time,other\n1,2\n", "s.csv: no column `value`; the columns are time, other"),
            ("time,value\n1,2\n2,3\n3,4\n", "s.csv: 3 values; 4 or more are needed"),
            ("time,value\n1,2\n2\n", "s.csv:3: 1 columns; the first row has 2"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_value_that_is_yet_to_come_has_a_sample_too() {
        let options = CsvOptions { label: "1".to_owned(), no_header: true, ..CsvOptions::default() };
        let data = parse(
            "1;2,5\n3;4\n".as_bytes(),
            "s.csv",
            "s",
            &CsvOptions { label: "2".to_owned(), ..options },
            2,
            true,
        )
        .unwrap();
        assert_eq!((data.x(), data.values, data.rows), (ndarray::arr2(&[[2.5, 4.0]]), vec![], vec![3]));
    }

    #[test]
    fn targets_and_values_are_each_others_inverse() {
        let series = Series { divisor: 256.0, center: 2.75 };
        assert_eq!((series.target(720.0), series.value(0.0625)), (0.0625, 720.0));
    }
}
