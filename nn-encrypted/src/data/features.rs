//! Columns of cells as columns of numbers: a number stays, each word of a column of words gets a column of its own.

use ndarray::Array2;

use super::DataError;
use super::columns::{Columns, missing_cell};
use super::records::{Record, fault};

/// Different words of a column; more are a name or an identifier.
const MOST_WORDS: usize = 64;

/// Names and values of the features.
pub(super) fn read(
    samples: &[Record],
    columns: &Columns,
    file: &str,
) -> Result<(Vec<String>, Array2<f64>), DataError> {
    let mut names = Vec::new();
    let mut values: Vec<Vec<f64>> = Vec::new();
    for &column in &columns.features {
        let name = &columns.names[column];
        if is_words(samples, column) {
            let words = words(samples, columns, file, column)?;
            for word in words {
                let holds = |(_, row): &Record| f64::from(u8::from(row[column].trim() == word));
                values.push(samples.iter().map(holds).collect());
                names.push(format!("{name}={word}"));
            }
        } else {
            let number = |(line, row): &Record| {
                number(row[column].trim()).map_err(|what| columns.cell(file, *line, column, what))
            };
            values.push(samples.iter().map(number).collect::<Result<_, _>>()?);
            names.push(name.clone());
        }
    }
    let x = Array2::from_shape_fn((samples.len(), values.len()), |(row, column)| values[column][row]);
    Ok((names, x))
}

/// Whether all cells that are there are words, and there is one.
fn is_words(samples: &[Record], column: usize) -> bool {
    let mut there = samples
        .iter()
        .map(|(_, row)| row[column].trim())
        .filter(|cell| missing_cell(cell).is_none())
        .peekable();
    there.peek().is_some() && there.all(|cell| cell.parse::<f64>().is_err())
}

/// The different words of a column, in order.
fn words<'s>(
    samples: &'s [Record],
    columns: &Columns,
    file: &str,
    column: usize,
) -> Result<Vec<&'s str>, DataError> {
    let mut words: Vec<&str> = Vec::new();
    for (line, row) in samples {
        let cell = row[column].trim();
        if let Some(what) = missing_cell(cell) {
            return Err(columns.cell(file, *line, column, what));
        }
        if !words.contains(&cell) {
            words.push(cell);
        }
        if words.len() > MOST_WORDS {
            let what = format!(
                "column `{}` has more than {MOST_WORDS} different words; numbers or fewer categories are needed, or data.ignore",
                columns.names[column]
            );
            return Err(fault(file, &what));
        }
    }
    words.sort_unstable();
    Ok(words)
}

fn number(cell: &str) -> Result<f64, String> {
    if let Some(what) = missing_cell(cell) {
        return Err(what);
    }
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!("`{cell}` is not finite; a finite number is needed")),
        Err(_) => Err(format!("`{cell}` is not a number; the other cells of the column are")),
    }
}
