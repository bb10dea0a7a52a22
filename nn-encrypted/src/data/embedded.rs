//! The data sets inside the program; `data/PROVENANCE.md` says where they are from.

use ndarray::Array2;

use super::{CsvOptions, DataError, Dataset, Images, csv, idx, limits, series};

/// The 8x8 digits: 1,797 images, pixels 0 to 16, ten classes.
///
/// # Errors
/// Never, unless the program was built with damaged data.
pub(crate) fn digits() -> Result<Dataset, DataError> {
    let file = "embedded digits";
    let images = idx::images(include_bytes!("../../data/digits-images-idx3-ubyte.gz"), file)?;
    let labels = idx::labels(include_bytes!("../../data/digits-labels-idx1-ubyte.gz"), file)?;
    pictures("digits", &[Part { file: file.to_owned(), images, labels }], None)
}

/// Fisher's iris: 150 flowers, four measures, three species.
///
/// # Errors
/// Never, unless the program was built with damaged data.
pub(crate) fn iris() -> Result<Dataset, DataError> {
    let text: &[u8] = include_bytes!("../../data/iris.csv");
    let options = CsvOptions { label: "species".to_owned(), ..CsvOptions::default() };
    csv::parse(text, "embedded iris.csv", "iris", &options)
}

/// Months of a window of the milk series.
const YEAR: usize = 12;

/// Monthly milk production, January 1962 to December 1975, in pounds a cow: 156 windows of twelve months, each with the
/// month behind it.
///
/// # Errors
/// Never, unless the program was built with damaged data.
pub(crate) fn milk() -> Result<Dataset, DataError> {
    let text: &[u8] = include_bytes!("../../data/milk_ts.csv");
    series::parse(text, "embedded milk_ts.csv", "milk", "value", YEAR)
}

/// Images and their labels.
pub(super) struct Part {
    /// The file of the labels, for errors.
    pub(super) file: String,
    pub(super) images: Images,
    pub(super) labels: Vec<u8>,
}

/// A data set of images and their labels 0 to 9.
pub(super) fn pictures(name: &str, parts: &[Part], own_test: Option<usize>) -> Result<Dataset, DataError> {
    let (rows, columns) = parts.first().map_or((0, 0), |part| (part.images.rows, part.images.columns));
    for Part { file, images, labels } in parts {
        let fault = |what: String| DataError::File { file: file.clone(), what };
        if images.count != labels.len() {
            return Err(fault(format!("{} images but {} labels", images.count, labels.len())));
        }
        if (images.rows, images.columns) != (rows, columns) {
            let found = (images.rows, images.columns);
            return Err(fault(format!("images of {found:?} pixels beside images of {:?}", (rows, columns))));
        }
        if let Some((image, label)) = labels.iter().enumerate().find(|(_, label)| **label > 9) {
            return Err(fault(format!("label {label} of image {image}; labels are 0 to 9")));
        }
    }
    let labels: Vec<usize> =
        parts.iter().flat_map(|part| part.labels.iter().map(|&label| usize::from(label))).collect();
    limits::values(labels.len(), rows.saturating_mul(columns)).map_err(|what| DataError::File {
        file: parts.last().map_or(name, |part| &part.file).to_owned(),
        what,
    })?;
    let values = parts.iter().flat_map(|part| part.images.pixels.iter().map(|&pixel| f64::from(pixel)));
    let x = Array2::from_shape_vec((labels.len(), rows * columns), values.collect())
        .map_err(|error| DataError::File { file: name.to_owned(), what: error.to_string() })?;
    let features = (0..rows * columns).map(|i| format!("pixel_{}_{}", i / columns, i % columns)).collect();
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    Ok(Dataset {
        name: name.to_owned(),
        features,
        classes,
        x,
        labels,
        own_test,
        series: None,
        sides: Some([rows, columns]),
        frozen: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_uci() {
        let data = digits().unwrap();
        assert_eq!((data.x.dim(), data.sides), ((1797, 64), Some([8, 8])));
        assert_eq!(data.classes.len(), 10);
        assert_eq!(data.x.sum(), 561_718.0);
        assert_eq!(data.x.row(0).to_vec()[..8], [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]);
        assert!(data.x.iter().all(|&v| (0.0..=16.0).contains(&v)));
        let counts: Vec<usize> = (0..10).map(|c| data.labels.iter().filter(|&&l| l == c).count()).collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }

    #[test]
    fn iris_is_fishers() {
        let data = iris().unwrap();
        assert_eq!(data.x.dim(), (150, 4));
        assert_eq!(data.classes, ["setosa", "versicolor", "virginica"]);
        assert_eq!(data.x.row(0).to_vec(), [5.1, 3.5, 1.4, 0.2]);
        assert!((data.x.sum() - 2078.7).abs() < 1e-9);
        assert!((0..3).all(|class| data.labels.iter().filter(|&&l| l == class).count() == 50));
    }

    #[test]
    fn milk_is_that_of_fourteen_years() {
        let data = milk().unwrap();
        assert_eq!(data.x.dim(), (156, 12));
        assert_eq!((data.features[0].as_str(), data.features[11].as_str()), ("lag 12", "lag 1"));
        assert_eq!((data.x[(0, 0)], data.x[(0, 1)], data.labels[155]), (589.0, 561.0, 843));
        let before: usize = data.series.unwrap().iter().sum();
        assert_eq!(before + data.labels.iter().sum::<usize>(), 126_791);
    }

    #[test]
    fn images_and_labels_must_agree() {
        let part = |count, columns, labels: &[u8]| {
            let images = Images { count, rows: 1, columns, pixels: vec![0; count * columns] };
            Part { file: format!("f{columns}"), images, labels: labels.to_vec() }
        };
        let message = |parts: &[_]| pictures("p", parts, None).unwrap_err().to_string();
        assert_eq!(message(&[part(2, 3, &[1])]), "f3: 2 images but 1 labels");
        assert_eq!(message(&[part(2, 3, &[9, 10])]), "f3: label 10 of image 1; labels are 0 to 9");
        let mixed = [part(1, 3, &[1]), part(1, 4, &[1])];
        assert_eq!(message(&mixed), "f4: images of (1, 4) pixels beside images of (1, 3)");
    }
}
