//! MNIST from a folder that holds its four files, plain or gzip.

use std::path::Path;

use super::embedded::{Part, pictures};
use super::{DataError, Dataset, Known, read_images, read_labels};

/// Reads MNIST from `dir` or `dir/mnist`: 60,000 images for training, then 10,000 for testing.
///
/// # Errors
/// If a file is missing or faulty.
pub(crate) fn mnist(dir: &Path) -> Result<Dataset, DataError> {
    let train = part(dir, "train")?;
    let test = part(dir, "t10k")?;
    let own_test = test.labels.len();
    pictures("mnist", &[train, test], Some(own_test))
}

fn part(dir: &Path, name: &str) -> Result<Part, DataError> {
    let set = Known::find("mnist")?;
    let images = read_images(&set.locate(dir, &format!("{name}-images-idx3-ubyte"))?)?;
    let path = set.locate(dir, &format!("{name}-labels-idx1-ubyte"))?;
    Ok(Part { images, labels: read_labels(&path)?, file: path.display().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn reads_a_folder_and_names_what_is_missing() {
        let dir = std::env::temp_dir().join(format!("nn-encrypted-mnist-{}", std::process::id()));
        let inner = dir.join("mnist");
        fs::create_dir_all(&inner).unwrap();
        let error = mnist(&dir).unwrap_err().to_string();
        assert!(
            error.contains("train-images-idx3-ubyte (or train-images-idx3-ubyte.gz) is not in"),
            "{error}"
        );
        for (part, count) in [("train", 3_u8), ("t10k", 2)] {
            let images =
                [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2][..], &vec![7; 2 * count as usize]];
            let labels = [&[0, 0, 8, 1, 0, 0, 0, count][..], &vec![1; count as usize]];
            fs::write(inner.join(format!("{part}-images-idx3-ubyte")), images.concat()).unwrap();
            fs::write(inner.join(format!("{part}-labels-idx1-ubyte")), labels.concat()).unwrap();
        }
        let data = mnist(&dir).unwrap();
        assert_eq!((data.x.dim(), data.own_test, data.sides), ((5, 2), Some(2), Some([1, 2])));
        fs::remove_dir_all(&dir).unwrap();
    }
}
