//! The data sets inside the program; `data/PROVENANCE.md` says where they are from.

use super::pictures::{Part, pictures};
use super::records::CsvOptions;
use super::{DataError, Dataset, csv, idx, series};

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
    let options = CsvOptions { label: "value".to_owned(), ..CsvOptions::default() };
    series::parse(text, "embedded milk_ts.csv", "milk", &options, YEAR, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_uci() {
        let data = digits().unwrap();
        assert_eq!((data.x().dim(), data.sides), ((1797, 64), Some([8, 8])));
        assert_eq!(data.schema.classes.len(), 10);
        assert_eq!(data.x().sum(), 561_718.0);
        assert_eq!(data.x().row(0).to_vec()[..8], [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]);
        assert!(data.x().iter().all(|&v| (0.0..=16.0).contains(&v)));
        let counts: Vec<usize> = (0..10).map(|c| data.labels.iter().filter(|&&l| l == c).count()).collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }

    #[test]
    fn iris_is_fishers() {
        let data = iris().unwrap();
        assert_eq!(data.x().dim(), (150, 4));
        assert_eq!(data.schema.classes, ["setosa", "versicolor", "virginica"]);
        assert_eq!(data.x().row(0).to_vec(), [5.1, 3.5, 1.4, 0.2]);
        assert!((data.x().sum() - 2078.7).abs() < 1e-9);
        assert!((0..3).all(|class| data.labels.iter().filter(|&&l| l == class).count() == 50));
    }

    #[test]
    fn milk_is_that_of_fourteen_years() {
        let data = milk().unwrap();
        assert_eq!(data.x().dim(), (156, 12));
        assert_eq!((data.schema.names()[0].as_str(), data.schema.names()[11].as_str()), ("lag 12", "lag 1"));
        assert_eq!((data.x()[(0, 0)], data.x()[(0, 1)], data.values[155]), (589.0, 561.0, 843.0));
        let before: f64 = data.series.unwrap().iter().sum();
        assert_eq!(before + data.values.iter().sum::<f64>(), 126_791.0);
    }
}
