//! The roles of a table's columns.

use std::collections::{BTreeSet, HashMap};

use csv::StringRecord;

use super::DataError;
use super::limits::listed;
use super::records::{CsvOptions, fault};
use super::schema::Schema;

/// Which column is what.
pub(super) struct Columns {
    /// Their names, or their numbers from 1.
    pub(super) names: Vec<String>,
    /// Which of them have no name in a header.
    pub(super) nameless: Vec<bool>,
    /// Whether the first row holds the names.
    pub(super) header: bool,
    /// The column of the label.
    pub(super) label: Option<usize>,
    /// The column by which rows belong together.
    pub(super) group: Option<usize>,
    /// The column that names rows.
    pub(super) id: Option<usize>,
    /// The columns of the features.
    pub(super) features: Vec<usize>,
}

/// The first row of a table, by which columns are found.
struct Head<'a> {
    first: &'a StringRecord,
    file: &'a str,
    no_header: bool,
}

impl Head<'_> {
    /// The place of a column, by its name or its number.
    fn find(&self, column: &str) -> Result<usize, DataError> {
        let Self { first, file, no_header } = *self;
        let named =
            || first.iter().enumerate().filter(|(_, cell)| cell.trim() == column).map(|(place, _)| place);
        let place = if no_header || column.parse::<f64>().is_ok() {
            column.parse().ok().filter(|n| (1..=first.len()).contains(n)).map(|n: usize| n - 1)
        } else {
            if let (Some(a), Some(b)) = (named().next(), named().nth(1)) {
                return Err(twice(file, column, a, b));
            }
            named().next()
        };
        place.ok_or_else(|| match no_header {
            true => no_column(file, column, [format!("1 to {}", first.len()).as_str()].into_iter()),
            false => no_column(file, column, first.iter().map(str::trim).collect::<Vec<_>>().into_iter()),
        })
    }

    /// The place of a column that may be none.
    fn maybe(&self, column: Option<&str>) -> Result<Option<usize>, DataError> {
        column.filter(|name| !name.is_empty()).map(|name| self.find(name)).transpose()
    }

    fn names(&self, header: bool) -> (Vec<String>, Vec<bool>) {
        let name = |(i, cell): (usize, &str)| match cell.trim() {
            cell if header && !cell.is_empty() => cell.to_owned(),
            _ => (i + 1).to_string(),
        };
        let nameless = self.first.iter().map(|cell| header && cell.trim().is_empty());
        (self.first.iter().enumerate().map(name).collect(), nameless.collect())
    }
}

impl Columns {
    /// From the first row of a table, and the second to tell a header by.
    pub(super) fn find(
        first: &StringRecord,
        second: Option<&StringRecord>,
        file: &str,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        let head = Head { first, file, no_header: options.no_header };
        let label = head.find(&options.label)?;
        let group = head.maybe(options.group.as_deref())?;
        let mut gone =
            options.ignore.iter().map(|column| head.find(column)).collect::<Result<BTreeSet<_>, _>>()?;
        gone.extend(group);
        gone.insert(label);
        let features: Vec<usize> = (0..first.len()).filter(|column| !gone.contains(column)).collect();
        if features.is_empty() {
            return Err(fault(file, "no column is left for a feature"));
        }
        let header = !options.no_header
            && (options.label.parse::<f64>().is_err() || looks_like_a_header(first, second, &features));
        let (names, nameless) = head.names(header);
        if header {
            let used = features.iter().chain([&label]).filter(|&&column| !nameless[column]);
            let mut seen = HashMap::new();
            for &column in used {
                if let Some(before) = seen.insert(names[column].as_str(), column) {
                    return Err(twice(file, &names[column], before.min(column), before.max(column)));
                }
            }
        }
        Ok(Self { names, nameless, header, label: Some(label), group, id: None, features })
    }

    /// The columns of a model, found by their names in a table that may have them in another order.
    pub(super) fn matching(
        first: &StringRecord,
        file: &str,
        options: &CsvOptions,
        known: &Schema,
    ) -> Result<Self, DataError> {
        let head = Head { first, file, no_header: !known.header };
        let (names, nameless) = head.names(known.header);
        let place = |name: &str| {
            let mut found = (0..names.len()).filter(|&place| names[place] == name);
            match (found.next(), found.next()) {
                (Some(a), Some(b)) => Err(twice(file, name, a, b)),
                (Some(place), None) => Ok(place),
                _ => Err(no_column(file, name, names.iter().map(String::as_str))),
            }
        };
        let features = known.columns.iter().map(|field| place(&field.name)).collect::<Result<Vec<_>, _>>()?;
        let label = known.label.as_deref().filter(|label| names.iter().any(|name| name == label));
        let (label, id) = (label.map(place).transpose()?, head.maybe(options.id.as_deref())?);
        let expected = |column: &usize| {
            features.contains(column)
                || [label, id].contains(&Some(*column))
                || nameless[*column]
                || known.others.contains(&names[*column])
        };
        if let Some(foreign) = (0..names.len()).find(|column| !expected(column)) {
            let columns = listed(known.columns.iter().map(|field| field.name.as_str()));
            let what = format!(
                "column `{}` is none of the model's, which are {columns}; leave it out, or name rows by it with --id",
                names[foreign]
            );
            return Err(fault(file, &what));
        }
        Ok(Self { names, nameless, header: known.header, label, group: None, id, features })
    }

    /// An error in a cell.
    pub(super) fn cell(&self, file: &str, line: u64, column: usize, what: String) -> DataError {
        DataError::Cell { file: file.to_owned(), line, column: self.names[column].clone(), what }
    }
}

fn twice(file: &str, name: &str, a: usize, b: usize) -> DataError {
    let what = format!(
        "columns {} and {} are both named `{name}`; each needs a name of its own, or its number in data.ignore",
        a + 1,
        b + 1
    );
    fault(file, &what)
}

/// That a table has no such column.
pub(super) fn no_column<'a>(
    file: &str,
    column: &str,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> DataError {
    DataError::NoColumn { file: file.to_owned(), column: column.to_owned(), available: listed(names) }
}

/// Whether a word of the first row stands above a number, or all its features are words.
fn looks_like_a_header(first: &StringRecord, second: Option<&StringRecord>, features: &[usize]) -> bool {
    let word = |row: Option<&StringRecord>, column: usize| {
        row.is_some_and(|cells| cells[column].trim().parse::<f64>().is_err())
    };
    features.iter().any(|&column| word(Some(first), column) && !word(second, column))
        || features.iter().all(|&column| word(Some(first), column))
}

/// The fault of a cell that holds nothing.
pub(super) fn missing_cell(cell: &str) -> Option<String> {
    let words = ["", "?", "na", "n/a", "#n/a", "nan", "null"];
    words
        .iter()
        .any(|word| cell.eq_ignore_ascii_case(word))
        .then(|| format!("the value is missing (`{cell}`); go on by data.missing = \"drop\" or \"mean\""))
}
