//! The columns that a model was trained on: what further rows are read by.

use serde::{Deserialize, Serialize};

use super::Table;

/// A column of the table that was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    /// Its name, or its number from 1.
    pub name: String,
    /// Its words, in alphabetical order; none of a column of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// A feature: a column of numbers, or 1 where a column holds a word and 0 elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feature {
    /// Its place among the fields.
    pub column: usize,
    /// Its place among the words of the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<usize>,
}

/// Columns, features and classes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schema {
    /// Whether the first row of the table holds the names.
    pub header: bool,
    /// The columns that are read.
    pub columns: Vec<Field>,
    /// The features, in order.
    pub features: Vec<Feature>,
    /// Names of the classes; none of measured values.
    pub classes: Vec<String>,
    /// Whether the first class stands for all labels but the second.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rest: bool,
    /// The column of the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Columns that were there and are no features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// Of a series: how many values a sample has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
}

impl Schema {
    /// Columns of numbers, each a feature.
    pub(crate) fn numbers(names: impl IntoIterator<Item = String>, classes: Vec<String>) -> Self {
        let columns: Vec<Field> = names.into_iter().map(|name| Field { name, words: vec![] }).collect();
        let features = (0..columns.len()).map(|column| Feature { column, word: None }).collect();
        Self { header: true, columns, features, classes, ..Self::default() }
    }

    /// Columns of numbers or words, each or each word a feature.
    pub(super) fn of(header: bool, columns: Vec<Field>, label: Option<String>) -> Self {
        let features = columns.iter().enumerate().flat_map(|(column, field)| {
            let words = (0..field.words.len()).map(move |word| Feature { column, word: Some(word) });
            let number = field.words.is_empty().then_some(Feature { column, word: None });
            number.into_iter().chain(words)
        });
        Self { header, features: features.collect(), columns, label, ..Self::default() }
    }

    /// The names of the features.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |feature: &Feature| {
            let Field { name, words } = &self.columns[feature.column];
            feature.word.map_or_else(|| name.clone(), |word| format!("{name}={}", words[word]))
        };
        self.features.iter().map(name).collect()
    }

    /// The value of a feature; no number where it is missing.
    pub(crate) fn value(&self, table: &Table, row: usize, feature: usize) -> f64 {
        let Feature { column, word } = self.features[feature];
        let value = table.get(row, column);
        match word {
            Some(_) if value.is_nan() => value,
            Some(word) => f64::from(u8::from(value == word as f64)),
            None => value,
        }
    }

    /// Some of the features; the columns that none of them needs become others. `table` loses them too.
    pub(super) fn chosen(&mut self, features: &[usize], table: &mut Table) {
        let features: Vec<Feature> = features.iter().map(|&place| self.features[place]).collect();
        let needed = |column: &usize| features.iter().any(|feature| feature.column == *column);
        let (kept, gone): (Vec<usize>, Vec<usize>) = (0..self.columns.len()).partition(needed);
        let place = |column| kept.iter().position(|&kept| kept == column).unwrap_or(0);
        self.features =
            features.iter().map(|feature| Feature { column: place(feature.column), ..*feature }).collect();
        self.others.extend(gone.iter().map(|&column| self.columns[column].name.clone()));
        self.columns = kept.iter().map(|&column| self.columns[column].clone()).collect();
        *table = table.part(&(0..table.rows()).collect::<Vec<_>>(), &kept);
    }

    /// Whether all places are of what is there, so that a schema from outside can be used.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        let there = |feature: &Feature| {
            self.columns.get(feature.column).is_some_and(|column| match feature.word {
                Some(word) => word < column.words.len(),
                None => column.words.is_empty(),
            })
        };
        if let Some(place) = self.features.iter().position(|feature| !there(feature)) {
            return Err(format!("feature {place} is of no column or word that is there"));
        }
        if self.rest && self.classes.len() != 2 {
            return Err(format!(
                "{} classes, of which one is for the rest; 2 are needed",
                self.classes.len()
            ));
        }
        if self.window.is_some_and(|window| window != self.columns.len()) || self.features.is_empty() {
            return Err(format!("{} columns and {} features", self.columns.len(), self.features.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_columns_and_words() {
        let field = |name: &str, words: &[&str]| Field {
            name: name.to_owned(),
            words: words.iter().map(ToString::to_string).collect(),
        };
        let columns = vec![field("size", &[]), field("hue", &["blue", "red"]), field("age", &[])];
        let mut schema = Schema::of(true, columns, None);
        assert_eq!(schema.names(), ["size", "hue=blue", "hue=red", "age"]);
        let mut table = Table::of(3, [[1.5, 1.0, 7.0], [2.5, f64::NAN, 8.0]]);
        let values: Vec<f64> = (0..4).map(|feature| schema.value(&table, 0, feature)).collect();
        assert_eq!(values, [1.5, 0.0, 1.0, 7.0]);
        assert!(schema.value(&table, 1, 1).is_nan() && schema.check().is_ok());
        schema.chosen(&[3, 2], &mut table);
        assert_eq!(
            (schema.names(), schema.others.clone()),
            (vec!["age".into(), "hue=red".into()], vec!["size".into()])
        );
        assert_eq!((schema.value(&table, 0, 0), schema.value(&table, 0, 1)), (7.0, 1.0));
        let wrong = |change: &dyn Fn(&mut Schema)| {
            let mut other = schema.clone();
            change(&mut other);
            other.check().is_err()
        };
        assert!(wrong(&|s| s.features[0].column = 9) && wrong(&|s| s.features[1].word = Some(2)));
        assert!(wrong(&|s| s.features[1].word = None) && wrong(&|s| s.features.clear()));
        assert!(wrong(&|s| s.rest = true) && wrong(&|s| s.window = Some(5)));
    }
}
