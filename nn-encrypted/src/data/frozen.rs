//! Features of a frozen network in place of pixels: what the owner of images computes in the clear before it
//! encrypts.

use ndarray::{Array2, ArrayRef2, Axis};

use super::{DataError, Dataset};
use crate::frozen::{Frozen, Shape};

/// The largest pixel.
const WHITE: f64 = 255.0;
/// Images that are dealt with together.
const CHUNK: usize = 1024;

/// The features that a frozen network, given by its name or path, has for the images of a data set.
///
/// # Errors
/// If there is no such network, the data are no images of its shape with pixels from 0 to 255, or a feature
/// is too large.
pub(super) fn features(data: Dataset, network: &str) -> Result<Dataset, DataError> {
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
    let x = apply(&frozen, &data.x).map_err(fault)?;
    Ok(Dataset { features: names(frozen.output()), x, ..data })
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

/// Brings features to the range of pixels, whose normalization a recipe has: the largest value of each
/// feature in the training part becomes 255. A feature that is nowhere positive there is left as it is.
pub(super) fn like_pixels(x: &mut Array2<f64>, train: &[usize]) {
    for mut feature in x.columns_mut() {
        let largest = train.iter().map(|&row| feature[row]).fold(0.0, f64::max);
        if largest > 0.0 {
            feature.mapv_inplace(|value| value / largest * WHITE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;

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
        let mut data = features(pictures(), "digits-cnn").unwrap();
        assert_eq!((data.x.dim(), data.features.len(), data.labels.len()), ((40, 400), 400, 40));
        assert_eq!(
            (data.features[0].as_str(), data.features[399].as_str()),
            ("frozen_0_0_0", "frozen_15_4_4")
        );
        assert!(data.x.iter().all(|&value| value >= 0.0));
        let before = data.x.clone();
        let train: Vec<usize> = (0..30).collect();
        like_pixels(&mut data.x, &train);
        for (old, new) in before.columns().into_iter().zip(data.x.columns()) {
            let largest = train.iter().map(|&row| old[row]).fold(0.0, f64::max);
            let factor = if largest > 0.0 { 255.0 / largest } else { 1.0 };
            assert!(old.iter().zip(new).all(|(old, new)| (old * factor - new).abs() < 1e-9));
        }
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
}
