//! The settings of a data set: which one, and how it becomes numbers.

use serde::{Deserialize, Deserializer, Serialize};

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
    /// A data set known by name, such as `digits`, or the path of a CSV file.
    pub set: String,
    /// CSV: the column of the class, by name or by number from 1.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "label")]
    pub label: Option<String>,
    /// CSV: columns to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// CSV: the first row is a sample; columns are meant by their numbers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_header: bool,
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
    /// The size of the test part, unless the data set has one of its own; of a series it is the end.
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

/// A column's name or its number, as text.
fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Column {
        Name(String),
        Number(u64),
    }
    Column::deserialize(deserializer).map(|column| match column {
        Column::Name(name) => Some(name),
        Column::Number(number) => Some(number.to_string()),
    })
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
}
