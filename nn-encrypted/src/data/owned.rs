//! Rows of an owner of data, in the form that was fixed before: nothing is learnt from them, since whoever trains never sees them.

use std::path::Path;

use ndarray::Array2;

use super::dialect::Missing;
use super::prepare::outputs;
use super::scale::Raw;
use super::split::Split;
use super::{Data, DataError, Dataset, Intake, Prepared, Samples, TestPart};
use super::{is_known, limits, read, select, source, split};

/// The data set of rows that are elsewhere.
pub(crate) const ELSEWHERE: &str = "elsewhere";

/// The form of rows that was fixed before.
pub(crate) struct Fixed<'a> {
    /// Columns, classes and statistics.
    pub(crate) intake: &'a Intake,
    /// Whether columns and classes have names; otherwise there are so many of them.
    pub(crate) named: bool,
    /// Rows of the table, those of a test part included.
    pub(crate) table_rows: usize,
}

/// Reads the table of an owner of data, `settings.set`, splits it by seed and brings it to the fixed form.
///
/// # Errors
/// If it has other columns, classes or rows than were fixed: they are named.
pub(crate) fn owned(
    settings: &Data,
    seed: u64,
    fixed: &Fixed<'_>,
    data_dir: Option<&Path>,
) -> Result<Prepared, DataError> {
    let fault = |what: String| DataError::Setting { set: settings.set.clone(), what };
    refuse(settings).map_err(fault)?;
    let data = table(settings, fixed, data_dir)?;
    check(&data, fixed).map_err(fault)?;
    let rows = data.table.rows();
    let parts = match settings.test {
        TestPart::Count(0) => Split { train: (0..rows).collect(), test: vec![] },
        _ => split(&data, &settings.test, settings.stratify, seed)?,
    };
    let Intake { scale, series, .. } = fixed.intake;
    let raw = Raw { schema: &data.schema, table: &data.table };
    let samples = |rows: &[usize]| {
        let (x, saturated) = scale.apply(raw, rows);
        let labels = rows.iter().filter_map(|&row| data.labels.get(row).copied()).collect();
        let values = rows.iter().filter_map(|&row| data.values.get(row).copied()).collect();
        let rows = rows.iter().filter_map(|&row| data.rows.get(row).copied()).collect();
        Samples { x, labels, values, rows, saturated }
    };
    let (train, test) = (samples(&parts.train), samples(&parts.test));
    if let Some(what) = scale.misfit(&train.x, train.saturated) {
        return Err(fault(what));
    }
    let before = data.series.clone().unwrap_or_default();
    Ok(Prepared {
        series: *series,
        train,
        test,
        before,
        notes: data.notes.clone(),
        ..without(fixed.intake, settings)?
    })
}

/// So many rows of zeros where there are others that nobody here sees: only how many there are means something.
///
/// # Errors
/// If the classes do not fit the coding of outputs, or there would be too many numbers.
pub(crate) fn elsewhere(intake: &Intake, settings: &Data) -> Result<Prepared, DataError> {
    let mut data = without(intake, settings)?;
    let (rows, features) = (intake.rows, data.features.len());
    limits::values(rows, features).map_err(|what| DataError::Setting { set: settings.set.clone(), what })?;
    data.train.x = Array2::zeros((rows, features));
    if data.series.is_some() {
        data.train.values = vec![0.0; rows];
    } else {
        data.train.labels = vec![0; rows];
    }
    Ok(data)
}

fn without(intake: &Intake, settings: &Data) -> Result<Prepared, DataError> {
    let outputs = outputs(&intake.name, intake.schema.classes.len(), settings.outputs)?;
    Ok(Prepared { outputs, ..Prepared::without_samples(intake.clone(), settings)? })
}

/// Settings whose statistics would be those of the rows.
fn refuse(settings: &Data) -> Result<(), String> {
    let found = [
        (settings.frozen.is_some(), "data.frozen"),
        (settings.group.is_some(), "data.group"),
        (settings.window.is_some(), "data.window"),
        (matches!(settings.test, TestPart::File(_)), "data.test = \"FILE\""),
    ];
    match found.iter().find(|(set, _)| *set) {
        Some((_, setting)) => Err(format!("{setting} is not possible where rows are their owner's")),
        None => Ok(()),
    }
}

/// The table with the columns that were fixed, found by their names.
fn table(settings: &Data, fixed: &Fixed<'_>, data_dir: Option<&Path>) -> Result<Dataset, DataError> {
    let path = Path::new(&settings.set);
    if fixed.named && !is_known(&settings.set) && !path.is_dir() {
        return source::new_rows(settings, &fixed.intake.schema, path, None);
    }
    select::chosen(read(settings, data_dir)?, &settings.columns, settings.positive.as_deref())
}

fn check(data: &Dataset, fixed: &Fixed<'_>) -> Result<(), String> {
    let (schema, rows) = (&data.schema, data.table.rows());
    let needed = &fixed.intake.schema;
    let (found, names) = (schema.names(), needed.names());
    if fixed.named {
        let missing = names.iter().find(|name| !found.contains(name));
        let foreign = found.iter().find(|name| !names.contains(name));
        match (missing, foreign) {
            (Some(name), _) => return Err(format!("no column `{name}`, which the job has")),
            (_, Some(name)) => return Err(format!("column `{name}`, which the job does not have")),
            _ if found != names => {
                return Err("its columns are in another order than those of the job".into());
            }
            _ => {}
        }
        if schema.classes != needed.classes {
            let [found, needed] = [&schema.classes, &needed.classes].map(|classes| classes.join(", "));
            return Err(format!("its classes are {found}; those of the job are {needed}"));
        }
    } else {
        for (what, found, needed) in
            [("features", found.len(), names.len()), ("classes", schema.classes.len(), needed.classes.len())]
        {
            if found != needed {
                return Err(format!("{found} {what}; the job has {needed}"));
            }
        }
    }
    if rows != fixed.table_rows {
        return Err(format!("{rows} rows; the job has {}", fixed.table_rows));
    }
    let labels = data.labels.iter().filter(|label| **label < schema.classes.len()).count();
    let values = data.values.iter().filter(|value| value.is_finite()).count();
    if labels.max(values) != rows {
        return Err(format!("{} of its rows have a label; all are needed", labels.max(values)));
    }
    Ok(())
}

impl Intake {
    /// That of rows nobody here sees, of so many features and classes: columns have numbers, and the normalization has to be one that
    /// learns nothing.
    ///
    /// # Errors
    /// What cannot be fixed without the rows, in words.
    pub(crate) fn numbered(
        settings: &Data,
        (features, sides): (usize, Option<[usize; 2]>),
        classes: usize,
        rows: usize,
        fraction_bits: u32,
    ) -> Result<Self, String> {
        refuse(settings)?;
        let scale = super::scale::Scale::fixed(&settings.normalize, features, fraction_bits).ok_or_else(|| {
            "data.normalize learns from the rows, which are elsewhere: method = \"affine\" is needed, or a table to learn from by --data"
                .to_owned()
        })?;
        for (learns, setting) in [
            (settings.missing == Missing::Mean, "data.missing = \"mean\" learns means"),
            (settings.balance != super::Balance::None, "data.balance repeats rows by their labels"),
            (classes < 2, "measured values are normalized by what is learnt"),
            (!settings.columns.is_empty(), "data.columns chooses by names"),
            (settings.positive.is_some(), "data.positive chooses by names"),
        ] {
            if learns {
                return Err(format!(
                    "{setting}; the rows are elsewhere: a table to learn from is needed, by --data"
                ));
            }
        }
        let names = |count: usize| (1..=count).map(|number| number.to_string());
        let schema = super::Schema {
            label: settings.label.clone(),
            ..super::Schema::numbers(names(features), names(classes).collect())
        };
        let name = ELSEWHERE.to_owned();
        let intake = Self { name, schema, frozen: None, scale, series: None, sides, rows };
        intake.check().map(|()| intake)
    }
}
