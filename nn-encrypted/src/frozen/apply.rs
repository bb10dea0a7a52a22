//! Features of a frozen network in place of pixels: what the owner of images computes in the clear before it
//! encrypts.

use std::path::Path;

use ndarray::{Array2, ArrayRef2, Axis};

use super::{Frozen, Shape};
use crate::data::{self, Data, DataError, Dataset, Prepared};

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
    let data = data::read(settings, data_dir)?;
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
    let fault = |what: String| DataError::Setting {
        set: data.name.clone(),
        what: format!("data.frozen = {network:?}: {what}"),
    };
    let frozen = Frozen::find(network).map_err(|error| fault(error.to_string()))?;
    let shape = frozen.input();
    if data.series.is_some() || data.x.ncols() != shape.size() {
        let what = format!(
            "images of {shape} = {} pixels are needed; the data have {} features",
            shape.size(),
            data.x.ncols()
        );
        return Err(fault(what));
    }
    if let Some(((row, column), pixel)) =
        data.x.indexed_iter().find(|(_, pixel)| !(0.0..=WHITE).contains(*pixel))
    {
        let name = &data.features[column];
        return Err(fault(format!(
            "column `{name}` of sample {row} is {pixel}; pixels from 0 to {WHITE} are needed"
        )));
    }
    data::limits::values(data.x.nrows(), frozen.output().size()).map_err(fault)?;
    let x = apply(&frozen, &data.x).map_err(fault)?;
    let (features, network) = (names(frozen.output()), Some(network.to_owned()));
    Ok(Dataset { features, x, sides: None, frozen: network, ..data })
}

/// The features of all images.
fn apply(frozen: &Frozen, pixels: &ArrayRef2<f64>) -> Result<Array2<f64>, String> {
    let mut x = Array2::zeros((pixels.nrows(), frozen.output().size()));
    let chunks = x.axis_chunks_iter_mut(Axis(0), CHUNK).zip(pixels.axis_chunks_iter(Axis(0), CHUNK));
    for (mut x, pixels) in chunks {
        let images = pixels.mapv(|pixel| (pixel / WHITE) as f32);
        let features = frozen.features(&images).map_err(|error| error.to_string())?;
        if features.iter().any(|feature| !feature.is_finite()) {
            return Err("a feature is too large to be a number".to_owned());
        }
        x.zip_mut_with(&features, |x, &feature| *x = f64::from(feature));
    }
    Ok(x)
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
    use crate::data::{Balance, Coding, Normalization, TestPart, digits};

    /// The digits, each eight times as large in the middle of 28x28 pixels.
    fn pictures() -> Dataset {
        let data = digits().unwrap();
        let pixel = |(row, place): (usize, usize)| {
            let (y, x) = (place / 28, place % 28);
            let inside = (6..22).contains(&y) && (6..22).contains(&x);
            if inside { data.x[(row, (y - 6) / 2 * 8 + (x - 6) / 2)] * 15.0 } else { 0.0 }
        };
        let x = Array2::from_shape_fn((40, 784), pixel);
        let features = (0..784).map(|place| format!("pixel {place}")).collect();
        Dataset { x, features, labels: data.labels[..40].to_vec(), ..data }
    }

    #[test]
    fn pixels_become_features_and_these_have_the_range_of_pixels() {
        let data = features(pictures(), "digits-cnn").unwrap();
        assert_eq!((data.x.dim(), data.features.len(), data.labels.len()), ((40, 400), 400, 40));
        assert_eq!(
            (data.features[0].as_str(), data.features[399].as_str()),
            ("frozen_0_0_0", "frozen_15_4_4")
        );
        assert!(data.x.iter().all(|&value| value >= 0.0));
        assert_eq!((data.sides, data.frozen.as_deref()), (None, Some("digits-cnn")));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let message = |data: Dataset, network: &str| features(data, network).unwrap_err().to_string();
        let error = message(digits().unwrap(), "digits-cnn");
        let expected = "images of 1x28x28 = 784 pixels are needed; the data have 64 features";
        assert_eq!(error, format!("data set digits: data.frozen = \"digits-cnn\": {expected}"));
        let mut data = pictures();
        data.x[(3, 7)] = 256.0;
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
        let x =
            Array2::from_shape_fn((40, 784), |(row, place)| ((row * 31 + place * place * 7) % 256) as f64);
        let images = Dataset {
            name: "noise".to_owned(),
            features: (0..784).map(|place| place.to_string()).collect(),
            classes: vec!["a".to_owned(), "b".to_owned()],
            x,
            labels: (0..40).map(|row| row % 2).collect(),
            own_test: None,
            series: None,
            sides: Some([28, 28]),
            frozen: None,
        };
        let normalize = Normalization::Affine { divisor: 255.0, center: 0.0, limit: 1.0 };
        let settings = Data {
            set: "noise".to_owned(),
            frozen: Some("digits-cnn".to_owned()),
            test: TestPart::Count(10),
            normalize,
            label: None,
            ignore: vec![],
            no_header: false,
            columns: vec![],
            positive: None,
            stratify: false,
            balance: Balance::None,
            outputs: Coding::OneHot,
        };
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
