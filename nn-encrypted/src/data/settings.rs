//! The settings of a data set: which one, and how it becomes numbers.

use serde::{Deserialize, Deserializer, Serialize};

use super::dialect::{Missing, Separator};
use super::{Balance, Normalization, TestPart};

/// `[data]`: the data set and how it becomes numbers.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
///
/// let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// assert_eq!((recipe.data.set.as_str(), recipe.data.stratify), ("iris", false));
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// A data set known by name, such as `digits`; or the path of a table, or of a folder of IDX files.
    pub set: String,
    /// Of a table: the column of the class, by name or by number from 1.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "label")]
    pub label: Option<String>,
    /// Of a table: columns to leave out, by name or by number from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "labels")]
    pub ignore: Vec<String>,
    /// Of a table: the first row is a sample; columns are meant by their numbers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_header: bool,
    /// Of a table: `comma`, `semicolon`, `tab` or `blanks` between cells; found without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<Separator>,
    /// Of a table: whether decimals come behind a comma; found without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal_comma: Option<bool>,
    /// Of a table that is neither in UTF-8 nor in UTF-16 with its mark: its encoding, such as `latin1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Of a table: what becomes of rows in which something is missing.
    #[serde(default, skip_serializing_if = "Missing::is_default")]
    pub missing: Missing,
    /// Of a table: rows with the same value in this column are all trained on, or all tested on. It is no feature.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "label")]
    pub group: Option<String>,
    /// Of a table: its label is a series, and a sample is so many values of it, oldest first, before the one to be predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Names of the features to use; all without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Images of 28x28 pixels become the features of a frozen network: `digits-cnn`, or the path of a file that
    /// `pretrain` wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
    /// A class to be told apart from all others, which become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// The size of the test part, or the path of another table; of a series it is the end. A data set with a test part of its own
    /// keeps it.
    pub test: TestPart,
    /// Every class has the same part of its samples in the test part.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stratify: bool,
    /// How rare classes are dealt with in training.
    #[serde(default)]
    pub balance: Balance,
    /// How classes become outputs.
    #[serde(default)]
    pub outputs: Coding,
    /// From measured values to numbers of about size 1.
    pub normalize: Normalization,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A column's name or its number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Column {
    Name(String),
    Number(u64),
}

impl Column {
    fn text(self) -> String {
        match self {
            Self::Name(name) => name,
            Self::Number(number) => number.to_string(),
        }
    }
}

fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Column::deserialize(deserializer).map(|column| Some(column.text()))
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Vec::<Column>::deserialize(deserializer).map(|columns| columns.into_iter().map(Column::text).collect())
}

impl Data {
    /// The data set of this name with nothing but a test part and a normalization.
    #[cfg(test)]
    pub(crate) fn of(set: &str, test: TestPart, normalize: Normalization) -> Self {
        let (ignore, columns) = (vec![], vec![]);
        let (label, separator, decimal_comma, encoding) = (None, None, None, None);
        let (group, window, frozen, positive) = (None, None, None, None);
        let (missing, balance, outputs) = (Missing::Refuse, Balance::None, Coding::OneHot);
        let (set, no_header, stratify) = (set.to_owned(), false, false);
        Self {
            set,
            label,
            ignore,
            no_header,
            separator,
            decimal_comma,
            encoding,
            missing,
            group,
            window,
            columns,
            frozen,
            positive,
            test,
            stratify,
            balance,
            outputs,
            normalize,
        }
    }
}

/// `outputs`: how classes become outputs.
///
/// ```
/// use nn_encrypted::data::Coding;
///
/// assert_eq!(Coding::default(), Coding::OneHot);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// An output for each class, 1 for the right one; the largest decides.
    #[default]
    OneHot,
    /// One output, near 1 for the second of two classes; a half decides.
    Single,
    /// One output for a label that is a measured value, as no classes are.
    Measured,
}
