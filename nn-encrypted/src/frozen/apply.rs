//! Features of a frozen network in place of pixels: what the owner of images computes in the clear before it
//! encrypts.

use std::path::Path;

use ndarray::Array2;

use super::{Frozen, Shape};
use crate::data::{self, Coding, Data, DataError, Dataset, Prepared, Rows, Schema, Table};

/// The largest pixel.
const WHITE: f64 = 255.0;
/// Images that are dealt with together.
const CHUNK: usize = 1024;

/// Reads, splits by seed and normalizes a data set, as [`data::prepare`] does; with `frozen` its images become the features of that
/// network.
///
/// # Errors
/// If the data cannot be read, or a setting does not fit them.
pub(crate) fn prepare(
    settings: &Data,
    seed: u64,
    fraction_bits: u32,
    data_dir: Option<&Path>,
) -> Result<Prepared, DataError> {
    prepared(data::read(settings, data_dir)?, settings, seed, fraction_bits)
}

/// As [`prepare`], of rows in memory, which all train.
///
/// # Errors
/// If they have no labels, or others than the settings say, or a setting does not fit them.
pub(crate) fn prepare_rows(
    rows: &Rows,
    settings: &Data,
    seed: u64,
    fraction_bits: u32,
) -> Result<Prepared, DataError> {
    let data = rows.dataset();
    let found = match (data.labels.is_empty(), data.values.is_empty()) {
        (true, true) => Some("rows to train on need labels"),
        (false, _) if settings.outputs == Coding::Measured => {
            Some("data.outputs = \"measured\" is of measured values; these rows have classes")
        }
        (true, false) if settings.outputs != Coding::Measured => {
            Some("these rows have measured values, which are of data.outputs = \"measured\"")
        }
        _ => None,
    };
    match found {
        Some(what) => Err(DataError::Setting { set: data.name, what: what.to_owned() }),
        None => prepared(data, settings, seed, fraction_bits),
    }
}

fn prepared(data: Dataset, settings: &Data, seed: u64, fraction_bits: u32) -> Result<Prepared, DataError> {
    let data = match &settings.frozen {
        Some(network) => features(data, network)?,
        None => data,
    };
    data::prepare(data, settings, seed, fraction_bits)
}

/// The features that a frozen network, given by its name or path, has for the images of a data set.
///
/// # Errors
/// If there is no such network, the data are no images of its shape with pixels from 0 to 255, or a feature
/// is too large.
pub(crate) fn features(data: Dataset, network: &str) -> Result<Dataset, DataError> {
    let frozen = Frozen::find(network).map_err(|error| fault(&data, network, error.to_string()))?;
    features_of(data, network, &frozen)
}

fn fault(data: &Dataset, network: &str, what: String) -> DataError {
    DataError::Setting { set: data.name.clone(), what: format!("data.frozen = {network:?}: {what}") }
}

/// As [`features`], of a network that is there.
///
/// # Errors
/// As [`features`].
pub(crate) fn features_of(data: Dataset, network: &str, frozen: &Frozen) -> Result<Dataset, DataError> {
    let fault = |what: String| fault(&data, network, what);
    let (shape, table) = (frozen.input(), &data.table);
    if data.series.is_some() || data.schema.features.len() != shape.size() || table.columns() != shape.size()
    {
        let what = format!(
            "images of {shape} = {} pixels are needed; the data have {} features",
            shape.size(),
            data.schema.features.len()
        );
        return Err(fault(what));
    }
    let pixel = |(row, column): &(usize, usize)| !(0.0..=WHITE).contains(&table.get(*row, *column));
    let mut places = (0..table.rows()).flat_map(|row| (0..table.columns()).map(move |column| (row, column)));
    if let Some((row, column)) = places.find(pixel) {
        let (name, pixel) = (&data.schema.columns[column].name, table.get(row, column));
        return Err(fault(format!(
            "column `{name}` of sample {row} is {pixel}; pixels from 0 to {WHITE} are needed"
        )));
    }
    data::limits::values(table.rows(), frozen.output().size()).map_err(fault)?;
    let features = apply(frozen, table).map_err(fault)?;
    let label = data.schema.label.clone();
    let (classes, rest) = (data.schema.classes.clone(), data.schema.rest);
    let schema = Schema { label, rest, ..Schema::numbers(names(frozen.output()), classes) };
    let frozen = Some((network.to_owned(), data.schema));
    Ok(Dataset { schema, table: features, sides: None, frozen, ..data })
}

/// The features of all images.
fn apply(frozen: &Frozen, pixels: &Table) -> Result<Table, String> {
    let mut table = Table::new(frozen.output().size());
    for start in (0..pixels.rows()).step_by(CHUNK) {
        let rows = CHUNK.min(pixels.rows() - start);
        let pixel = |(row, column)| (pixels.get(start + row, column) / WHITE) as f32;
        let images = Array2::from_shape_fn((rows, pixels.columns()), pixel);
        let features = frozen.features(&images).map_err(|error| error.to_string())?;
        if features.iter().any(|feature| !feature.is_finite()) {
            return Err("a feature is too large to be a number".to_owned());
        }
        features.rows().into_iter().for_each(|row| table.push(row.iter().map(|&value| f64::from(value))));
    }
    Ok(table)
}

/// Names of features by channel, row and column.
fn names(shape: Shape) -> Vec<String> {
    let name = |place: usize| {
        let (channel, rest) = (place / shape.plane(), place % shape.plane());
        format!("frozen_{channel}_{}_{}", rest / shape.columns(), rest % shape.columns())
    };
    (0..shape.size()).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Normalization, TestPart, digits};

    /// Images of 28x28 pixels.
    fn images(name: &str, count: usize, classes: usize, pixel: impl Fn(usize, usize) -> f64) -> Dataset {
        let classes = (0..classes).map(|class| class.to_string()).collect();
        let names = (0..784).map(|place| format!("pixel {place}"));
        let row = |row| (0..784).map(move |place| (row, place));
        Dataset {
            name: name.to_owned(),
            schema: Schema::numbers(names, classes),
            table: Table::of(784, (0..count).map(|r| row(r).map(|(row, place)| pixel(row, place)))),
            sides: Some([28, 28]),
            ..Dataset::default()
        }
    }

    /// The digits, each eight times as large in the middle of 28x28 pixels.
    fn pictures() -> Dataset {
        let data = digits().unwrap();
        let pixel = |row: usize, place: usize| {
            let (y, x) = (place / 28, place % 28);
            let inside = (6..22).contains(&y) && (6..22).contains(&x);
            if inside { data.table.get(row, (y - 6) / 2 * 8 + (x - 6) / 2) * 15.0 } else { 0.0 }
        };
        Dataset { labels: data.labels[..40].to_vec(), ..images("digits", 40, 10, pixel) }
    }

    #[test]
    fn pixels_become_features_and_these_have_the_range_of_pixels() {
        let data = features(pictures(), "digits-cnn").unwrap();
        let names = data.schema.names();
        assert_eq!((data.x().dim(), names.len(), data.labels.len()), ((40, 400), 400, 40));
        assert_eq!((names[0].as_str(), names[399].as_str()), ("frozen_0_0_0", "frozen_15_4_4"));
        assert!(data.x().iter().all(|&value| value >= 0.0));
        let (network, pixels) = data.frozen.unwrap();
        assert_eq!((data.sides, network.as_str(), pixels.columns.len()), (None, "digits-cnn", 784));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let message = |data: Dataset, network: &str| features(data, network).unwrap_err().to_string();
        let error = message(digits().unwrap(), "digits-cnn");
        let expected = "images of 1x28x28 = 784 pixels are needed; the data have 64 features";
        assert_eq!(error, format!("data set digits: data.frozen = \"digits-cnn\": {expected}"));
        let data = images("digits", 4, 2, |row, place| if (row, place) == (3, 7) { 256.0 } else { 0.0 });
        let error = message(data.clone(), "digits-cnn");
        assert!(
            error.ends_with("column `pixel 7` of sample 3 is 256; pixels from 0 to 255 are needed"),
            "{error}"
        );
        let error = message(data, "digits-dnn");
        assert!(error.starts_with("data set digits: data.frozen = \"digits-dnn\": digits-dnn: "), "{error}");
    }

    #[test]
    fn images_become_integers_of_frozen_features() {
        let pixel = |row: usize, place: usize| ((row * 31 + place * place * 7) % 256) as f64;
        let images =
            Dataset { labels: (0..40).map(|row| row % 2).collect(), ..images("noise", 40, 2, pixel) };
        let normalize = Normalization::Affine { divisor: 255.0, center: 0.0, limit: 1.0 };
        let frozen = Some("digits-cnn".to_owned());
        let settings = Data { frozen, ..Data::of("noise", TestPart::Count(10), normalize) };
        let prepared =
            data::prepare(features(images.clone(), "digits-cnn").unwrap(), &settings, 5, 8).unwrap();
        assert_eq!((prepared.train.x.dim(), prepared.test.x.dim()), ((30, 400), (10, 400)));
        assert_eq!((prepared.bound, prepared.train.saturated), (256, 0));
        // The scale is that of the training part alone.
        for feature in prepared.train.x.columns() {
            assert!(matches!(feature.iter().max(), Some(0 | 256)) && feature.iter().all(|&value| value >= 0));
        }
        assert!(
            prepared.test.saturated > 0 && prepared.test.x.iter().all(|&value| (0..=256).contains(&value))
        );
        // Columns are those of the features then.
        let settings = Data { columns: vec!["frozen_3_0_4".to_owned()], ..settings };
        assert_eq!(
            data::prepare(features(images, "digits-cnn").unwrap(), &settings, 5, 8).unwrap().train.x.dim(),
            (30, 1)
        );
    }
}
