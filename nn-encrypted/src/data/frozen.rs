//! Features of a frozen network in place of pixels: what the owner of images computes in the clear before it encrypts.

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
/// If there is no such network, the data are no images of its shape with pixels from 0 to 255, or a feature is too large.
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

/// Brings features to the range of pixels, whose normalization a recipe has: the largest value of each feature in the
/// training part becomes 255. A feature that is nowhere positive there is left as it is.
pub(super) fn like_pixels(x: &mut Array2<f64>, train: &[usize]) {
    for mut feature in x.columns_mut() {
        let largest = train.iter().map(|&row| feature[row]).fold(0.0, f64::max);
        if largest > 0.0 {
            feature.mapv_inplace(|value| value / largest * WHITE);
        }
    }
}
