//! A series of measured values: samples are windows of it, targets the values behind them.

use std::io::Read;

use csv::StringRecord;
use ndarray::Array2;

use super::columns::no_column;
use super::records::{Rows, Separator, fault};
use super::{DataError, Dataset, Normalization, limits};

/// No value of a series is larger.
const LARGEST: u64 = 1 << 31;

/// How a label of a series, the measured value as a whole number of its unit, becomes a target and back.
///
/// ```
/// use nn_encrypted::data::Series;
///
/// let series = Series { divisor: 256.0, center: 2.75 };
/// assert_eq!(series.value(series.target(720)), 720.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series {
    /// The divisor of a value.
    pub divisor: f64,
    /// The value subtracted then.
    pub center: f64,
}

impl Series {
    /// The target of a label: it is normalized like the features.
    #[must_use]
    pub fn target(&self, label: usize) -> f64 {
        label as f64 / self.divisor - self.center
    }

    /// The value of an output, in the unit of the series.
    #[must_use]
    pub fn value(&self, output: f64) -> f64 {
        (output + self.center) * self.divisor
    }

    /// The maps of a normalization.
    pub(super) fn of(normalize: &Normalization, set: &str) -> Result<Self, DataError> {
        if let Normalization::Affine { divisor, center, .. } = *normalize {
            return Ok(Self { divisor, center });
        }
        let what = "data.normalize.method = \"affine\" is needed for a series".to_owned();
        Err(DataError::Setting { set: set.to_owned(), what })
    }
}

/// Reads the series in a column of a table with a header; the features of a sample are the `window` values before its
/// label, oldest first.
pub(super) fn parse(
    reader: impl Read,
    file: &str,
    name: &str,
    column: &str,
    window: usize,
) -> Result<Dataset, DataError> {
    let (mut rows, mut row) = (Rows::new(reader, file, Separator::Comma), StringRecord::new());
    if rows.read(&mut row)?.is_none() {
        return Err(fault(file, "no rows; a header is needed"));
    }
    let place = row.iter().position(|cell| cell == column).ok_or_else(|| {
        let names: Vec<&str> = row.iter().collect();
        no_column(file, column, names.into_iter())
    })?;
    let mut values = Vec::new();
    while let Some(line) = rows.read(&mut row)? {
        values.push(whole(&row[place]).map_err(|what| DataError::Cell {
            file: file.to_owned(),
            line,
            column: column.to_owned(),
            what,
        })?);
        limits::values(values.len(), window.max(1)).map_err(|what| DataError::Line {
            file: file.to_owned(),
            line,
            what,
        })?;
    }
    // One window to train on and one to test on.
    if window == 0 || values.len() < window + 2 {
        let what = format!("{} values; {} or more are needed", values.len(), window + 2);
        return Err(fault(file, &what));
    }
    Ok(windows(&values, name, window))
}

/// A value as a whole number of its unit.
fn whole(cell: &str) -> Result<usize, String> {
    let value: f64 = cell.trim().parse().unwrap_or(f64::NAN);
    if value.fract() == 0.0 && (0.0..=LARGEST as f64).contains(&value) {
        return Ok(value as usize);
    }
    Err(format!("`{cell}`; a whole number from 0 to {LARGEST} is needed"))
}

/// The samples of more values than a window has.
fn windows(values: &[usize], name: &str, window: usize) -> Dataset {
    let (before, labels) = values.split_at(window);
    Dataset {
        name: name.to_owned(),
        features: (1..=window).rev().map(|lag| format!("lag {lag}")).collect(),
        classes: vec![],
        x: Array2::from_shape_fn((labels.len(), window), |(row, lag)| values[row + lag] as f64),
        labels: labels.to_vec(),
        own_test: None,
        series: Some(before.to_vec()),
        sides: None,
        frozen: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Dataset, DataError> {
        parse(text.as_bytes(), "s.csv", "s", "value", 2)
    }

    #[test]
    fn windows_come_in_order_of_time() {
        let data = read("time,value\n1,10\n2,20\n3,30.0\n4, 41\n5,0\n").unwrap();
        assert_eq!(data.features, ["lag 2", "lag 1"]);
        assert_eq!(data.x, ndarray::arr2(&[[10.0, 20.0], [20.0, 30.0], [30.0, 41.0]]));
        assert_eq!((data.labels, data.series), (vec![30, 41, 0], Some(vec![10, 20])));
        assert!(data.classes.is_empty());
    }

    #[test]
    fn errors_name_the_row() {
        let table = |cell: &str| format!("time,value\n1,10\n2,{cell}\n3,30\n4,40\n");
        for cell in ["1.5", "-1", "2147483649", "x", "", "NaN", "inf"] {
            let message = read(&table(cell)).unwrap_err().to_string();
            let start = format!("s.csv:3: column `value`: `{cell}`; a whole number from 0 to 2147483648");
            assert!(message.starts_with(&start), "{message}");
        }
        assert!(read(&table("2147483648")).is_ok());
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
    fn targets_and_values_are_each_others_inverse() {
        let series = Series { divisor: 256.0, center: 2.75 };
        assert_eq!(series.target(720), 0.0625);
        assert_eq!(series.value(0.0625), 720.0);
        let whiten = Normalization::Whiten { roots: 0, scale: 1.0, limit: 1.0 };
        let message = Series::of(&whiten, "milk").unwrap_err().to_string();
        assert_eq!(message, "data set milk: data.normalize.method = \"affine\" is needed for a series");
    }
}
