//! Rows that are in memory: what a table on disk is elsewhere.

use ndarray::{Array2, ArrayRef2};

use super::limits::{MOST_CLASSES, MOST_COLUMNS, values as check_size};
use super::{DataError, Dataset, Schema, Table};

/// Samples as numbers, with labels or without.
///
/// ```
/// use nn_encrypted::data::{Labels, Rows};
///
/// let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
/// let labels = Labels::Classes { names: names(&["cat", "dog"]), of: vec![0, 1, 0] };
/// let x = ndarray::array![[0.3, 4.5], [0.6, 20.0], [0.25, 3.9]];
/// let rows = Rows::new(names(&["height", "weight"]), x.clone(), labels)?;
/// // One of them without a name is refused.
/// assert!(Rows::new(names(&["height"]), x, Labels::None).is_err());
/// # Ok::<(), nn_encrypted::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rows {
    names: Vec<String>,
    x: Array2<f64>,
    labels: Labels,
}

/// The labels of rows.
///
/// ```
/// # use nn_encrypted::data::Rows;
/// use nn_encrypted::data::Labels;
///
/// let values = Labels::Measured(vec![2.5, f64::NAN]);
/// # let x = ndarray::array![[0.3], [0.6]];
/// let error = Rows::new(vec!["height".to_owned()], x, values).unwrap_err();
/// assert!(error.to_string().contains("the value of row 1 is NaN"));
/// ```
#[derive(Clone, Debug)]
pub enum Labels {
    /// There are none.
    None,
    /// Names of classes, two or more that are all different, and the place of each row's class among them.
    Classes {
        /// The names.
        names: Vec<String>,
        /// One place a row.
        of: Vec<usize>,
    },
    /// One measured value a row.
    Measured(Vec<f64>),
}

impl Labels {
    fn count(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Classes { of, .. } => Some(of.len()),
            Self::Measured(values) => Some(values.len()),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::None => Ok(()),
            Self::Measured(values) => match values.iter().position(|value| !value.is_finite()) {
                None => Ok(()),
                Some(row) => {
                    Err(format!("the value of row {row} is {}; finite numbers are needed", values[row]))
                }
            },
            Self::Classes { names, of } => {
                if !(2..=MOST_CLASSES).contains(&names.len()) {
                    return Err(format!("{} classes; 2 to {MOST_CLASSES} are needed", names.len()));
                }
                let mut sorted: Vec<&String> = names.iter().collect();
                sorted.sort_unstable();
                if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                    return Err(format!("two classes are named {:?}", twice[0]));
                }
                match of.iter().position(|class| *class >= names.len()) {
                    None => Ok(()),
                    Some(row) => Err(format!("row {row} is of class {} of {}", of[row], names.len())),
                }
            }
        }
    }
}

/// The name of data that are in memory.
pub(crate) const NAME: &str = "rows-in-memory";

impl Rows {
    /// Rows of `x`, one name for each of its columns.
    ///
    /// # Errors
    /// If there are no rows or columns, or too many, names or labels are of another count, a name stands twice, or a number is not finite.
    pub fn new(names: Vec<String>, x: Array2<f64>, labels: Labels) -> Result<Self, DataError> {
        let fault = |what: String| DataError::Setting { set: NAME.to_owned(), what };
        let (rows, columns) = x.dim();
        if rows == 0 || !(1..=MOST_COLUMNS).contains(&columns) {
            return Err(fault(format!(
                "{rows} rows of {columns} columns; one of each or more, and at most {MOST_COLUMNS} columns, are needed"
            )));
        }
        check_size(rows, columns).map_err(fault)?;
        if names.len() != columns {
            return Err(fault(format!("{} names of {columns} columns", names.len())));
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(fault(format!("two columns are named {:?}", twice[0])));
        }
        if let Some(((row, column), value)) = x.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(fault(format!(
                "column `{}` of row {row} is {value}; finite numbers are needed",
                names[column]
            )));
        }
        if let Some(count) = labels.count().filter(|count| *count != rows) {
            return Err(fault(format!("{count} labels of {rows} rows")));
        }
        labels.check().map_err(fault)?;
        Ok(Self { names, x, labels })
    }

    /// The names of the columns, and the numbers.
    pub(crate) fn numbers(&self) -> (&[String], &Array2<f64>) {
        (&self.names, &self.x)
    }

    /// How many there are.
    fn count(&self) -> usize {
        self.x.nrows()
    }

    /// A table of these rows, of which all train.
    pub(crate) fn dataset(&self) -> Dataset {
        let (classes, labels, values) = match &self.labels {
            Labels::None => (vec![], vec![], vec![]),
            Labels::Classes { names, of } => (names.clone(), of.clone(), vec![]),
            Labels::Measured(values) => (vec![], vec![], values.clone()),
        };
        Dataset {
            name: NAME.to_owned(),
            schema: Schema::numbers(self.names.iter().cloned(), classes),
            table: table(&self.x, &(0..self.x.ncols()).collect::<Vec<_>>()),
            labels,
            values,
            rows: (1..=self.count()).collect(),
            own_test: Some(0),
            ..Dataset::default()
        }
    }

    /// A table with the columns of a model, which are found by name.
    ///
    /// # Errors
    /// If a column of the model is missing or one is foreign, a column has words, or a label is no class of the model.
    pub(crate) fn dataset_for(&self, schema: &Schema) -> Result<Dataset, DataError> {
        let fault = |what: String| DataError::Setting { set: NAME.to_owned(), what };
        let place = |name: &String| self.names.iter().position(|found| found == name);
        let known = |name: &String| {
            schema.columns.iter().any(|field| field.name == *name) || schema.others.contains(name)
        };
        if let Some(field) = schema.columns.iter().find(|field| place(&field.name).is_none()) {
            return Err(fault(format!("column `{}` of the model is missing", field.name)));
        }
        if let Some(name) = self.names.iter().find(|name| !known(name)) {
            return Err(fault(format!("column `{name}` is none of the model")));
        }
        if let Some(field) = schema.columns.iter().find(|field| !field.words.is_empty()) {
            return Err(fault(format!(
                "column `{}` of the model holds words; these are numbers",
                field.name
            )));
        }
        let places: Vec<usize> = schema.columns.iter().filter_map(|field| place(&field.name)).collect();
        let labels = match &self.labels {
            Labels::Classes { names, of } => {
                let classes = of.iter().map(|&class| {
                    let found = schema.classes.iter().position(|known| *known == names[class]);
                    found.ok_or_else(|| fault(format!("class {:?} is none of the model", names[class])))
                });
                classes.collect::<Result<_, _>>()?
            }
            Labels::None | Labels::Measured(_) => vec![],
        };
        let values = if let Labels::Measured(values) = &self.labels { values.clone() } else { vec![] };
        Ok(Dataset {
            name: NAME.to_owned(),
            schema: schema.clone(),
            table: table(&self.x, &places),
            labels,
            values,
            rows: (1..=self.count()).collect(),
            ..Dataset::default()
        })
    }
}

/// Some of the columns.
fn table(x: &ArrayRef2<f64>, columns: &[usize]) -> Table {
    Table::of(columns.len(), x.rows().into_iter().map(|row| columns.iter().map(move |&column| row[column])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    fn message<T>(result: Result<T, DataError>) -> String {
        result.err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn faults_are_named() {
        let rows = |columns: &[&str], x, labels| message(Rows::new(names(columns), x, labels));
        let x = || array![[1.0, 2.0], [3.0, 4.0]];
        let classes = |of: &[usize]| Labels::Classes { names: names(&["a", "b"]), of: of.to_vec() };
        for (found, words) in [
            (rows(&["p"], x(), Labels::None), "1 names of 2 columns"),
            (rows(&["p", "p"], x(), Labels::None), "two columns are named \"p\""),
            (rows(&["p", "q"], array![[1.0, f64::NAN]], Labels::None), "column `q` of row 0 is NaN"),
            (rows(&["p", "q"], x(), classes(&[0])), "1 labels of 2 rows"),
            (rows(&["p", "q"], x(), classes(&[0, 2])), "row 1 is of class 2 of 2"),
            (
                rows(&["p", "q"], x(), Labels::Classes { names: names(&["a"]), of: vec![0, 0] }),
                "1 classes; 2 to",
            ),
            (rows(&["p", "q"], x(), Labels::Measured(vec![0.0, f64::INFINITY])), "the value of row 1 is inf"),
            (rows(&[], Array2::zeros((2, 0)), Labels::None), "2 rows of 0 columns"),
            (rows(&["p"], Array2::zeros((0, 1)), Labels::None), "0 rows of 1 columns"),
        ] {
            assert!(found.contains(words), "{found} / {words}");
        }
    }

    #[test]
    fn columns_of_a_model_are_found_by_name() {
        let labels = Labels::Classes { names: names(&["a", "b"]), of: vec![1, 0] };
        let rows = Rows::new(names(&["p", "q"]), array![[1.0, 2.0], [3.0, 4.0]], labels).unwrap();
        let schema = rows.dataset().schema;
        let labels = Labels::Classes {
            names: names(&["b"]).into_iter().chain(names(&["a"])).collect(),
            of: vec![0, 1],
        };
        let swapped = Rows::new(names(&["q", "p"]), array![[2.0, 1.0], [4.0, 3.0]], labels).unwrap();
        let (found, expected) = (swapped.dataset_for(&schema).unwrap(), rows.dataset());
        assert_eq!((found.table, found.labels), (expected.table, expected.labels));
        let other = |columns: &[&str]| {
            let x = Array2::zeros((1, columns.len()));
            message(Rows::new(names(columns), x, Labels::None).unwrap().dataset_for(&schema))
        };
        assert!(other(&["p"]).contains("column `q` of the model is missing"));
        assert!(other(&["p", "q", "r"]).contains("column `r` is none of the model"));
        let labels = Labels::Classes { names: names(&["a", "c"]), of: vec![1] };
        let rows = Rows::new(names(&["p", "q"]), array![[0.0, 0.0]], labels).unwrap();
        assert!(message(rows.dataset_for(&schema)).contains("class \"c\" is none of the model"));
    }
}
