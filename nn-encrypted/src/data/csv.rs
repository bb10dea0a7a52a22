//! Tables of numbers and words in CSV, or with cells between blanks; one column holds the class.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::columns::{Columns, missing_cell};
use super::features::Features;
use super::limits::MOST_CLASSES;
use super::open::open;
use super::records::{CsvOptions, Rows, fault};
use super::words::{Words, places};
use super::{DataError, Dataset};

/// Reads a table with features that are numbers or words, and any class names.
///
/// A column of words becomes one column for each of them, which holds 1 where the word stands and 0 elsewhere.
///
/// # Errors
/// If a cell is missing, not finite, or a word among numbers, a row has another length, a column does not exist, or the table is
/// larger than one may be: rows of 4 MiB, 65,536 columns, 4,096 classes and 2^26 numbers are read; with file, line and column.
pub(crate) fn read_csv(path: &Path, options: &CsvOptions) -> Result<Dataset, DataError> {
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    read_table(path, &name, options)
}

/// Reads a table as the data set `name`.
pub(super) fn read_table(path: &Path, name: &str, options: &CsvOptions) -> Result<Dataset, DataError> {
    parse(open(path)?, &path.display().to_string(), name, options)
}

/// Reads a table from anywhere; `file` is its name in errors, `name` that of the data set.
///
/// # Errors
/// As `read_csv`.
pub fn parse(reader: impl Read, file: &str, name: &str, options: &CsvOptions) -> Result<Dataset, DataError> {
    let mut rows = Rows::new(reader, file, options.separator);
    let (mut first, mut row) = (StringRecord::new(), StringRecord::new());
    let Some(first_line) = rows.read(&mut first)? else {
        return Err(fault(file, "no rows; a header or a first sample is needed"));
    };
    let mut line = rows.read(&mut row)?;
    let columns = Columns::find(&first, line.map(|_| &row), file, options)?;
    let mut features = Features::new(&columns, file);
    let (mut classes, mut labels) = (Words::default(), Vec::new());
    let mut take = |line: u64, row: &StringRecord| {
        features.push(line, row)?;
        let label = row[columns.label].trim();
        if let Some(what) = missing_cell(label) {
            return Err(columns.cell(file, line, columns.label, what));
        }
        labels.push(classes.number(label));
        if classes.len() > MOST_CLASSES {
            let what = format!("the {}th class, `{label}`; at most {MOST_CLASSES} are read", classes.len());
            return Err(columns.cell(file, line, columns.label, what));
        }
        Ok(())
    };
    if !columns.header {
        take(first_line, &first)?;
    }
    while let Some(number) = line {
        take(number, &row)?;
        line = rows.read(&mut row)?;
    }
    if labels.is_empty() {
        return Err(fault(file, "no samples below the header"));
    }
    let classes = in_order(classes);
    if let [(class, _)] = &classes[..] {
        return Err(fault(file, &format!("only one class, `{class}`; two or more are needed")));
    }
    let places = places(&classes);
    labels.iter_mut().for_each(|label| *label = places[*label]);
    let (features, x) = features.finish()?;
    Ok(Dataset {
        name: name.to_owned(),
        features,
        classes: classes.into_iter().map(|(class, _)| class).collect(),
        x,
        labels,
        own_test: None,
        series: None,
        sides: None,
        frozen: None,
    })
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
    use crate::data::Separator;

    fn read(text: &str, label: &str) -> Result<Dataset, DataError> {
        let options = CsvOptions { label: label.to_owned(), ..CsvOptions::default() };
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
    fn words_become_a_column_each() {
        let data = read("size,colour,y\n1,red,p\n2,blue,q\n3,red,q\n", "y").unwrap();
        assert_eq!(data.features, ["size", "colour=blue", "colour=red"]);
        assert_eq!(data.x, ndarray::arr2(&[[1.0, 0.0, 1.0], [2.0, 1.0, 0.0], [3.0, 0.0, 1.0]]));
        assert_eq!(read("colour,y\nred,p\nblue,q\n", "2").unwrap().labels, [0, 1]); // words only: a header
    }

    #[test]
    fn without_a_header_columns_are_numbers() {
        let options = CsvOptions { label: "3".into(), no_header: true, ..CsvOptions::default() };
        let data = parse("1,red,p\n2,blue,q\n".as_bytes(), "t.csv", "t", &options).unwrap();
        assert_eq!(
            (data.features.as_slice(), data.x.nrows()),
            (&["1", "2=blue", "2=red"].map(String::from)[..], 2)
        );
        let named = CsvOptions { label: "kind".into(), ..options };
        let error = parse("1,red,p\n".as_bytes(), "t.csv", "t", &named).unwrap_err().to_string();
        assert_eq!(error, "t.csv: no column `kind`; the columns are 1 to 3");
    }

    #[test]
    fn blanks_separate_too() {
        let options = CsvOptions { label: "3".into(), separator: Separator::Blanks, ..CsvOptions::default() };
        let data = parse("   1   0.5  1 \n\t2\t0.25  0\n".as_bytes(), "t.dat", "t", &options).unwrap();
        assert_eq!(data.x, ndarray::arr2(&[[1.0, 0.5], [2.0, 0.25]]));
        assert_eq!(data.labels, [1, 0]);
        let error = parse("1 2 a\n1 b\n".as_bytes(), "t.dat", "t", &options).unwrap_err().to_string();
        assert_eq!(error, "t.dat:2: 2 columns; the first row has 3");
    }

    #[test]
    fn columns_can_be_ignored() {
        let options = CsvOptions { label: "y".into(), ignore: vec!["id".into()], ..CsvOptions::default() };
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
                "t.csv:3: column `a`: `red` is not a number; the other cells of the column are",
            ),
            (
                "1,p\n2,q\nred,q\n",
                "2",
                "t.csv:3: column `1`: `red` is not a number; the other cells of the column are",
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
        let options = CsvOptions { label: "y".into(), ..CsvOptions::default() };
        let missing = read_csv(Path::new("/nowhere/x.csv"), &options);
        assert!(missing.unwrap_err().to_string().starts_with("/nowhere/x.csv: "));
        let bytes: &[u8] = b"a,y\n1,p\n\xff,q\n";
        assert!(parse(bytes, "t.csv", "t", &options).unwrap_err().to_string().starts_with("t.csv:3: "));
    }
}
