//! From the rows of a table to integers, as a training learnt it: what a model needs of the data it was trained on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::scale::{Raw, Scale};
use super::{Data, DataError, Dataset, ROWS, Rows, Samples, Schema, Series, limits, source};

/// Columns, normalization and classes of the data of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intake {
    /// The name of the data set.
    pub name: String,
    /// The columns of a table, which are pixels where a frozen network follows.
    pub schema: Schema,
    /// The chosen features of the frozen network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Schema>,
    /// How features become integers.
    pub scale: Scale,
    /// How measured values become targets and back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
    /// Rows and columns of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sides: Option<[usize; 2]>,
    /// How many samples were trained on.
    pub rows: usize,
}

/// Rows to be predicted, as integers.
pub(crate) struct Further {
    /// The features, and labels or measured values as far as there are some.
    pub samples: Samples,
    /// The name of each row, or none.
    pub ids: Vec<String>,
    /// Features with values beyond those of the training part, and how many.
    pub beyond: Vec<(String, usize)>,
    /// Notes to a user on how they were read.
    pub notes: Vec<String>,
}

impl Intake {
    /// The columns that features are made of, behind a frozen network.
    pub(crate) fn features(&self) -> &Schema {
        self.frozen.as_ref().unwrap_or(&self.schema)
    }

    /// Reads rows from a table and brings them to the form that the model was trained with; `frozen` applies the frozen network of
    /// the model to images.
    ///
    /// # Errors
    /// If the table cannot be read or does not have the columns of the model, or there are too many rows.
    pub(crate) fn read(
        &self,
        settings: &Data,
        path: &Path,
        id: Option<&str>,
        frozen: impl FnOnce(Dataset) -> Result<Dataset, DataError>,
    ) -> Result<Further, DataError> {
        let data = source::new_rows(settings, &self.schema, path, id)?;
        self.bring(data, &path.display().to_string(), frozen)
    }

    /// Brings rows in memory to the form that the model was trained with, as [`read`](Self::read) does those of a table.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn take(
        &self,
        rows: &Rows,
        frozen: impl FnOnce(Dataset) -> Result<Dataset, DataError>,
    ) -> Result<Further, DataError> {
        self.bring(rows.dataset_for(&self.schema)?, ROWS, frozen)
    }

    fn bring(
        &self,
        mut data: Dataset,
        from: &str,
        frozen: impl FnOnce(Dataset) -> Result<Dataset, DataError>,
    ) -> Result<Further, DataError> {
        if let Some(features) = &self.frozen {
            data = frozen(data)?;
            let names = data.schema.names();
            let place = |name: &String| names.iter().position(|found| found == name);
            let chosen: Option<Vec<usize>> = features.names().iter().map(place).collect();
            let chosen = chosen.ok_or_else(|| DataError::File {
                file: from.to_owned(),
                what: "the frozen network of the model has other features".to_owned(),
            })?;
            data.schema.chosen(&chosen, &mut data.table);
        }
        let raw = Raw { schema: self.features(), table: &data.table };
        limits::values(data.table.rows(), raw.schema.features.len())
            .map_err(|what| DataError::File { file: from.to_owned(), what })?;
        let rows: Vec<usize> = (0..data.table.rows()).collect();
        let (x, saturated) = self.scale.apply(raw, &rows);
        let counts = raw.schema.names().into_iter().zip(self.scale.beyond(raw));
        let beyond = counts.filter(|(_, count)| *count > 0).collect();
        let samples = Samples { x, labels: data.labels, values: data.values, rows: data.rows, saturated };
        Ok(Further { samples, ids: data.ids, beyond, notes: data.notes })
    }

    /// Whether all parts fit each other, as they must when they come from outside.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.schema.check()?;
        self.frozen.iter().try_for_each(Schema::check)?;
        let features = self.features().features.len();
        self.scale.check(features)?;
        let series =
            self.series.is_none_or(|s| s.divisor.is_finite() && s.center.is_finite() && s.divisor != 0.0);
        let classes = self.schema.classes.len();
        if !series || self.series.is_some() != (classes == 0) || classes == 1 {
            return Err(format!("{classes} classes, or measured values without a scale"));
        }
        let pixels = self.sides.map(|[rows, columns]| rows.checked_mul(columns));
        match pixels {
            Some(pixels) if pixels != Some(features) => {
                Err(format!("images of {:?} pixels of {features} features", self.sides))
            }
            _ => Ok(()),
        }
    }
}
