//! Tables of numbers in CSV, one column of which holds the class.

use std::io::Read;
use std::path::Path;

use ndarray::Array2;

use super::open::open;
use super::{DataError, Dataset};

/// Which columns of a CSV file are what. A column is meant by its name, or by its number from 1.
///
/// A file whose label is given by name has a header. One whose label is given by number has a header if a
/// feature cell of its first row is not a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// The column that holds the class.
    pub label: String,
    /// Columns that are neither class nor feature.
    pub ignore: Vec<String>,
}

/// Reads a CSV file with numeric features and any class names.
///
/// # Errors
/// If a cell is missing or not a finite number, a row has another length, or a column does not exist;
/// with file, line and column.
pub fn read_csv(path: &Path, options: &CsvOptions) -> Result<Dataset, DataError> {
    let file = open(path)?;
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    parse(file, &path.display().to_string(), &name, options)
}

/// Reads CSV from anywhere; `file` is its name in errors, `name` that of the data set.
///
/// # Errors
/// As [`read_csv`].
pub fn parse(reader: impl Read, file: &str, name: &str, options: &CsvOptions) -> Result<Dataset, DataError> {
    let rows = records(reader, file)?;
    let Some((_, first)) = rows.first() else {
        return Err(fault(file, "no rows; a header or a first sample is needed"));
    };
    let columns = Columns::find(first, file, options)?;
    let samples = &rows[usize::from(columns.header)..];
    if samples.is_empty() {
        return Err(fault(file, "no samples below the header"));
    }
    let mut values = Vec::with_capacity(samples.len() * columns.features.len());
    let mut names = Vec::with_capacity(samples.len());
    for (line, row) in samples {
        for &column in &columns.features {
            values.push(number(row[column].trim()).map_err(|what| columns.cell(file, *line, column, what))?);
        }
        let label = row[columns.label].trim();
        if is_missing(label) {
            return Err(columns.cell(file, *line, columns.label, missing(label)));
        }
        names.push(label);
    }
    let classes = classes(&names);
    if classes.len() < 2 {
        return Err(fault(file, &format!("only one class, `{}`; two or more are needed", classes[0])));
    }
    let labels = names.iter().filter_map(|name| classes.iter().position(|class| class == name)).collect();
    let x = Array2::from_shape_vec((samples.len(), columns.features.len()), values)
        .map_err(|error| fault(file, &error.to_string()))?;
    let features = columns.features.iter().map(|&column| columns.names[column].clone()).collect();
    Ok(Dataset { name: name.to_owned(), features, classes, x, labels, own_test: None })
}

/// All rows with their line numbers, all of the same length.
fn records(reader: impl Read, file: &str) -> Result<Vec<(u64, Vec<String>)>, DataError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
    let mut rows: Vec<(u64, Vec<String>)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            DataError::Line { file: file.to_owned(), line, what: error.to_string() }
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut row: Vec<String> = record.iter().map(str::to_owned).collect();
        if let Some(first) = rows.first() {
            if row.len() != first.1.len() {
                let what = format!("{} columns; the first row has {}", row.len(), first.1.len());
                return Err(DataError::Line { file: file.to_owned(), line, what });
            }
        } else if let Some(rest) = row[0].strip_prefix('\u{feff}') {
            row[0] = rest.to_owned();
        }
        rows.push((line, row));
    }
    Ok(rows)
}

/// The roles of the columns.
struct Columns {
    names: Vec<String>,
    header: bool,
    label: usize,
    features: Vec<usize>,
}

impl Columns {
    fn find(first: &[String], file: &str, options: &CsvOptions) -> Result<Self, DataError> {
        let find = |column: &str| {
            find_column(first, column).ok_or_else(|| DataError::NoColumn {
                file: file.to_owned(),
                column: column.to_owned(),
                available: first.join(", "),
            })
        };
        let label = find(&options.label)?;
        let ignored = options.ignore.iter().map(|column| find(column)).collect::<Result<Vec<_>, _>>()?;
        let features: Vec<usize> =
            (0..first.len()).filter(|column| *column != label && !ignored.contains(column)).collect();
        if features.is_empty() {
            return Err(fault(file, "no column is left for a feature"));
        }
        let by_name = options.label.parse::<f64>().is_err();
        let header = by_name || !features.iter().all(|&column| first[column].trim().parse::<f64>().is_ok());
        let names = (0..first.len())
            .map(|i| if header { first[i].trim().to_owned() } else { (i + 1).to_string() })
            .collect();
        Ok(Self { names, header, label, features })
    }

    fn cell(&self, file: &str, line: u64, column: usize, what: String) -> DataError {
        DataError::Cell { file: file.to_owned(), line, column: self.names[column].clone(), what }
    }
}

/// The index of a column meant by its number from 1 or, if it is no number, by its name.
fn find_column(first: &[String], column: &str) -> Option<usize> {
    if column.parse::<f64>().is_ok() {
        return column.parse::<usize>().ok().filter(|n| (1..=first.len()).contains(n)).map(|n| n - 1);
    }
    first.iter().position(|cell| cell.trim() == column)
}

fn is_missing(cell: &str) -> bool {
    cell.is_empty() || cell == "?" || ["na", "nan", "null"].contains(&cell.to_ascii_lowercase().as_str())
}

fn missing(cell: &str) -> String {
    format!("the value is missing (`{cell}`)")
}

fn number(cell: &str) -> Result<f64, String> {
    if is_missing(cell) {
        return Err(missing(cell));
    }
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!("`{cell}` is not finite; a finite number is needed")),
        Err(_) => Err(format!("`{cell}` is not a number; features must be numbers")),
    }
}

/// The distinct class names: by value if all are numbers, else by name.
fn classes(names: &[&str]) -> Vec<String> {
    let mut classes: Vec<&str> = names.to_vec();
    classes.sort_unstable();
    classes.dedup();
    let value = |name: &&str| name.parse::<f64>().unwrap_or(f64::NAN);
    if classes.iter().all(|name| value(name).is_finite()) {
        classes.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    classes.into_iter().map(str::to_owned).collect()
}

fn fault(file: &str, what: &str) -> DataError {
    DataError::File { file: file.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, label: &str) -> Result<Dataset, DataError> {
        let options = CsvOptions { label: label.to_owned(), ignore: vec![] };
        parse(text.as_bytes(), "t.csv", "t", &options)
    }

    #[test]
    fn header_and_class_names() {
        let data = read("\u{feff}a,kind,b\n1,x,2.5\n-3,w, 4e1\n", "kind").unwrap();
        assert_eq!(data.features, ["a", "b"]);
        assert_eq!(data.classes, ["w", "x"]);
        assert_eq!(data.labels, [1, 0]);
        assert_eq!(data.x, ndarray::arr2(&[[1.0, 2.5], [-3.0, 40.0]]));
    }

    #[test]
    fn no_header_label_by_number() {
        let data = read("1,2,10\n3,4,9\n5,6,10\n", "3").unwrap();
        assert_eq!(data.features, ["1", "2"]);
        assert_eq!(data.classes, ["9", "10"]); // by value, not by letter
        assert_eq!(data.labels, [1, 0, 1]);
        assert_eq!(read("u,v,w\n1,2,10\n3,4,9\n", "3").unwrap().features, ["u", "v"]);
    }

    #[test]
    fn columns_can_be_ignored() {
        let options = CsvOptions { label: "y".into(), ignore: vec!["id".into()] };
        let data = parse("id,a,y\nfirst,1,p\nsecond,2,q\n".as_bytes(), "t.csv", "t", &options).unwrap();
        assert_eq!(data.features, ["a"]);
    }

    #[test]
    fn errors_name_file_line_and_column() {
        let table = [
            ("a,y\n1,p\n,q\n", "y", "t.csv:3: column `a`: the value is missing (``)"),
            ("a,y\n1,p\n?,q\n", "y", "t.csv:3: column `a`: the value is missing (`?`)"),
            ("a,y\nNaN,p\n1,q\n", "y", "t.csv:2: column `a`: the value is missing (`NaN`)"),
            ("a,y\n1,p\ninf,q\n", "y", "t.csv:3: column `a`: `inf` is not finite; a finite number is needed"),
            (
                "a,y\n1,p\n1e999,q\n",
                "y",
                "t.csv:3: column `a`: `1e999` is not finite; a finite number is needed",
            ),
            (
                "a,y\n1,p\nred,q\n",
                "y",
                "t.csv:3: column `a`: `red` is not a number; features must be numbers",
            ),
            (
                "1,p\n2,q\nred,q\n",
                "2",
                "t.csv:3: column `1`: `red` is not a number; features must be numbers",
            ),
            ("a,y\n1,p\n2,\n", "y", "t.csv:3: column `y`: the value is missing (``)"),
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
        let missing =
            read_csv(Path::new("/nowhere/x.csv"), &CsvOptions { label: "y".into(), ignore: vec![] });
        assert!(missing.unwrap_err().to_string().starts_with("/nowhere/x.csv: "));
        let bytes: &[u8] = b"a,y\n1,p\n\xff,q\n";
        let options = CsvOptions { label: "y".into(), ignore: vec![] };
        assert!(parse(bytes, "t.csv", "t", &options).unwrap_err().to_string().starts_with("t.csv:3: "));
    }
}
