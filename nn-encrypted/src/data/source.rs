//! Where a data set comes from: a name, a table, a folder of images.

use std::path::{Path, PathBuf};

use super::dialect::Missing;
use super::records::CsvOptions;
use super::{Coding, DATA_DIR, Data, DataError, Dataset, KNOWN, Known, TestPart};
use super::{csv, embedded, open, pictures, series};

/// The variant of a recipe that is for a data set: its own, `csv` of tables, `mnist` of folders of images.
#[must_use]
pub(crate) fn variant(set: &str) -> &str {
    match is_known(set) {
        true => set,
        false if Path::new(set).is_dir() => "mnist",
        false => "csv",
    }
}

/// Whether a data set is one that is known by name.
#[must_use]
pub(crate) fn is_known(set: &str) -> bool {
    KNOWN.iter().any(|known| known.name == set)
}

/// Reads the data set that settings name; `data_dir` is searched for the files of sets that are known by name.
///
/// # Errors
/// If the data cannot be read, or do not take a setting.
pub(crate) fn read(settings: &Data, data_dir: Option<&Path>) -> Result<Dataset, DataError> {
    let set = settings.set.as_str();
    let unknown = match Known::find(set) {
        Ok(known) => {
            refuse(settings, &format!("the columns of `{set}` are known"))?;
            return read_known(known, data_dir.unwrap_or(Path::new(DATA_DIR)));
        }
        Err(unknown) => unknown,
    };
    let path = Path::new(set);
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let name = name.split('.').next().unwrap_or(&name).to_owned();
    if path.is_dir() {
        refuse(settings, "a folder of images has no columns")?;
        return pictures::folder(path, &name);
    }
    if path.extension().is_none() && !path.exists() {
        return Err(unknown);
    }
    table(settings, path, &name)
}

/// Settings that a data set does not take.
fn refuse(settings: &Data, why: &str) -> Result<(), DataError> {
    let given = [
        ("label", settings.label.is_some()),
        ("ignore", !settings.ignore.is_empty()),
        ("no_header", settings.no_header),
        ("separator", settings.separator.is_some()),
        ("decimal_comma", settings.decimal_comma.is_some()),
        ("encoding", settings.encoding.is_some()),
        ("missing", settings.missing != Missing::Refuse),
        ("group", settings.group.is_some()),
        ("window", settings.window.is_some()),
        ("outputs = \"measured\"", settings.outputs == Coding::Measured),
        ("test = \"FILE\"", matches!(settings.test, TestPart::File(_))),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(DataError::Setting {
            set: settings.set.clone(),
            what: format!("data.{name} is for tables of your own; {why}"),
        }),
    }
}

fn table(settings: &Data, path: &Path, name: &str) -> Result<Dataset, DataError> {
    let label = settings.label.as_deref().ok_or_else(|| DataError::Setting {
        set: settings.set.clone(),
        what: "which column holds the class? give its name, or its number from 1, with --label".to_owned(),
    })?;
    let options = options(settings, label);
    let file = path.display().to_string();
    if let Some(window) = settings.window {
        return series::parse(open::open(path)?, &file, name, &options, window, false);
    }
    let mut data = csv::parse(open::open(path)?, &file, name, &options)?;
    if let TestPart::File(test) = &settings.test {
        data.append_test(further(Path::new(test), &data.schema, &options)?);
        if data.labels.len().max(data.values.len()) < data.table.rows() {
            return Err(DataError::File {
                file: test.clone(),
                what: format!("no column `{label}` to test by"),
            });
        }
    }
    Ok(data)
}

/// How settings have a table read.
fn options(settings: &Data, label: &str) -> CsvOptions {
    CsvOptions {
        label: label.to_owned(),
        ignore: settings.ignore.clone(),
        no_header: settings.no_header,
        separator: settings.separator,
        decimal_comma: settings.decimal_comma,
        encoding: settings.encoding.clone(),
        missing: settings.missing,
        group: settings.group.clone(),
        measured: settings.outputs == Coding::Measured,
        id: None,
    }
}

/// Reads further rows of a table; separators and encoding are those of the file.
fn further(path: &Path, schema: &super::Schema, options: &CsvOptions) -> Result<Dataset, DataError> {
    csv::further(open::open(path)?, &path.display().to_string(), options, schema)
}

/// Reads rows that are to be predicted by a model with these columns, with labels or without.
///
/// # Errors
/// If the table cannot be read, or does not have the columns of the model.
pub(super) fn new_rows(
    settings: &Data,
    schema: &super::Schema,
    path: &Path,
    id: Option<&str>,
) -> Result<Dataset, DataError> {
    let label = schema.label.as_deref().unwrap_or_default();
    // How the table was written that was trained on says nothing of this one.
    let options = CsvOptions {
        separator: None,
        decimal_comma: None,
        ignore: vec![],
        group: None,
        id: id.map(str::to_owned),
        ..options(settings, label)
    };
    match schema.window {
        Some(window) => {
            series::parse(open::open(path)?, &path.display().to_string(), "", &options, window, true)
        }
        None => further(path, schema, &options),
    }
}

/// Reads rows of a table without their labels: the columns of these names, or all but the label's where none are given.
///
/// # Errors
/// If the table cannot be read, a column is missing, or a cell is no number.
pub(crate) fn unlabelled(settings: &Data, columns: &[String], path: &Path) -> Result<super::Rows, DataError> {
    let (file, label) = (path.display().to_string(), settings.label.clone());
    let header = !settings.no_header;
    let options = options(settings, label.as_deref().unwrap_or_default());
    let there = csv::first_row(open::open(path)?, &file, &options)?;
    let names = |(place, cell): (usize, String)| if header { cell } else { (place + 1).to_string() };
    let there: Vec<String> = there.into_iter().enumerate().map(names).collect();
    let label = label.filter(|label| there.contains(label));
    let chosen = |name: &&String| {
        if columns.is_empty() { label.as_ref() != Some(*name) } else { columns.contains(name) }
    };
    let names =
        if columns.is_empty() { there.iter().filter(chosen).cloned().collect() } else { columns.to_vec() };
    let others = there.iter().filter(|name| !chosen(name)).cloned().collect();
    let schema = super::Schema { header, others, ..super::Schema::numbers(names.iter().cloned(), vec![]) };
    let data = csv::further(open::open(path)?, &file, &options, &schema)?;
    super::Rows::new(names, data.x(), super::Labels::None)
}

fn read_known(set: &Known, dir: &Path) -> Result<Dataset, DataError> {
    match (set.name, &set.table, set.files) {
        (name, Some(table), [file]) => {
            let path: PathBuf = set.locate(dir, file.name)?;
            csv::parse(open::open(&path)?, &path.display().to_string(), name, &table.options())
        }
        ("digits", ..) => embedded::digits(),
        ("iris", ..) => embedded::iris(),
        ("milk", ..) => embedded::milk(),
        _ => pictures::mnist(dir),
    }
}
