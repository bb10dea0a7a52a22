//! Images and their labels, in files of the form IDX.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::idx::{Images, read_images, read_labels};
use super::schema::Schema;
use super::{DataError, Dataset, Known, Table, limits};

/// Images and their labels.
pub(super) struct Part {
    /// The file of the labels, for errors.
    pub(super) file: String,
    pub(super) images: Images,
    pub(super) labels: Vec<u16>,
}

impl Part {
    fn read(images: &Path, labels: &Path) -> Result<Self, DataError> {
        let file = labels.display().to_string();
        Ok(Self { images: read_images(images)?, labels: read_labels(labels)?, file })
    }
}

/// Reads MNIST from `dir` or `dir/mnist`: 60,000 images for training, then 10,000 for testing.
///
/// # Errors
/// If a file is missing or faulty.
pub(super) fn mnist(dir: &Path) -> Result<Dataset, DataError> {
    let set = Known::find("mnist")?;
    let place = |folder: &PathBuf| files(folder).ok();
    if let Some(files) = set.folders(dir).iter().find_map(place) {
        return of("mnist", &read(&files)?);
    }
    let part = |name: &str| -> Result<Part, DataError> {
        let file = |what: &str| set.locate(dir, &format!("{name}-{what}-ubyte"));
        let images = read_images(&file("images-idx3")?)?;
        let path = file("labels-idx1")?;
        Ok(Part { images, labels: read_labels(&path)?, file: path.display().to_string() })
    };
    of("mnist", &[part("train")?, part("t10k")?])
}

/// Reads a folder with images and labels for training and for testing under their usual names.
///
/// # Errors
/// If a file is missing, there are several, or one is faulty.
pub(super) fn folder(dir: &Path, name: &str) -> Result<Dataset, DataError> {
    of(name, &read(&files(dir)?)?)
}

/// Images and labels, for training and for testing.
fn files(dir: &Path) -> Result<[[PathBuf; 2]; 2], DataError> {
    let io = |source| DataError::Io { path: dir.to_owned(), source };
    let entries = std::fs::read_dir(dir).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let find = |parts: &[&str], what: &str| {
        let is = |path: &&PathBuf| {
            let name =
                path.file_name().map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
            let name = name.trim_end_matches(".gz").replace('.', "-");
            parts.iter().any(|part| name.ends_with(&format!("{part}-{what}-ubyte")))
        };
        let found: Vec<&PathBuf> = paths.iter().filter(is).collect();
        match found[..] {
            [path] => Ok(path.clone()),
            _ => Err(DataError::File {
                file: dir.display().to_string(),
                what: format!(
                    "{} files that end in {}-{what}-ubyte, packed or not; one is needed",
                    found.len(),
                    parts.join(" or ")
                ),
            }),
        }
    };
    let part = |names: &[&str]| Ok([find(names, "images-idx3")?, find(names, "labels-idx1")?]);
    Ok([part(&["train"])?, part(&["t10k", "test"])?])
}

fn read([train, test]: &[[PathBuf; 2]; 2]) -> Result<[Part; 2], DataError> {
    Ok([Part::read(&train[0], &train[1])?, Part::read(&test[0], &test[1])?])
}

fn of(name: &str, parts: &[Part; 2]) -> Result<Dataset, DataError> {
    pictures(name, parts, Some(parts[1].labels.len()))
}

/// A data set of images; as many classes as there are labels.
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
    }
    let all = || parts.iter().flat_map(|part| part.labels.iter().copied());
    let known: Vec<u16> = all().collect::<BTreeSet<_>>().into_iter().collect();
    let fault = |what: String| DataError::File {
        file: parts.last().map_or(name, |part| &part.file).to_owned(),
        what,
    };
    if let [label] = known[..] {
        return Err(fault(format!("only one class, `{label}`; two or more are needed")));
    }
    let labels: Vec<usize> = all().map(|label| known.binary_search(&label).unwrap_or(0)).collect();
    let pixels = rows.saturating_mul(columns);
    limits::values(labels.len(), pixels).map_err(fault)?;
    let images = parts.iter().flat_map(|part| part.images.pixels.chunks_exact(pixels.max(1)));
    let table = Table::of(pixels, images.map(|image| image.iter().map(|&pixel| f64::from(pixel))));
    let names = (0..pixels).map(|i| format!("pixel_{}_{}", i / columns, i % columns));
    Ok(Dataset {
        name: name.to_owned(),
        schema: Schema::numbers(names, known.iter().map(ToString::to_string).collect()),
        rows: (1..=table.rows()).collect(),
        table,
        labels,
        own_test,
        sides: Some([rows, columns]),
        ..Dataset::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A folder of images of one row and two columns with the labels 1, 2, 3, …, under these names.
    fn write(dir: &Path, names: [&str; 2], parts: [(&str, u8); 2]) {
        fs::create_dir_all(dir).unwrap();
        for (part, count) in parts {
            let images =
                [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2][..], &vec![7; 2 * count as usize]];
            let labels: Vec<u8> = (1..=count).collect();
            fs::write(dir.join(format!("{part}{}", names[0])), images.concat()).unwrap();
            fs::write(
                dir.join(format!("{part}{}", names[1])),
                [&[0, 0, 8, 1, 0, 0, 0, count][..], &labels].concat(),
            )
            .unwrap();
        }
    }

    #[test]
    fn usual_names_and_any_number_of_classes() {
        let dir = std::env::temp_dir().join(format!("nn-encrypted-letters-{}", std::process::id()));
        let error = folder(&dir, "letters").unwrap_err().to_string();
        assert!(error.starts_with(&dir.display().to_string()), "{error}");
        let dots = ["-images.idx3-ubyte", "-labels.idx1-ubyte"];
        write(&dir, dots, [("train", 26), ("t10k", 2)]);
        let data = folder(&dir, "letters").unwrap();
        assert_eq!(
            (data.name.as_str(), data.schema.classes.len(), data.labels[25], data.own_test),
            ("letters", 26, 25, Some(2))
        );
        assert_eq!(data.schema.classes[25], "26");
        write(&dir, ["-images-idx3-ubyte", "-labels-idx1-ubyte"], [("emnist-train", 3), ("emnist-test", 2)]);
        let error = folder(&dir, "letters").unwrap_err().to_string();
        assert!(error.contains(": 2 files that end in train-images-idx3-ubyte"), "{error}");
        fs::remove_dir_all(&dir).unwrap();
    }

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
            let labels = [vec![0, 0, 8, 1, 0, 0, 0, count], (0..count).map(|i| i % 2).collect()];
            fs::write(inner.join(format!("{part}-images-idx3-ubyte")), images.concat()).unwrap();
            fs::write(inner.join(format!("{part}-labels-idx1-ubyte")), labels.concat()).unwrap();
        }
        let data = mnist(&dir).unwrap();
        assert_eq!((data.x().dim(), data.own_test, data.sides), ((5, 2), Some(2), Some([1, 2])));
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn images_and_labels_must_agree() {
        let part = |count, columns, labels: &[u16]| {
            let images = Images { count, rows: 1, columns, pixels: vec![0; count * columns] };
            Part { file: format!("f{columns}"), images, labels: labels.to_vec() }
        };
        let message = |parts: &[_]| pictures("p", parts, None).unwrap_err().to_string();
        assert_eq!(message(&[part(2, 3, &[1])]), "f3: 2 images but 1 labels");
        assert_eq!(message(&[part(2, 3, &[10, 10])]), "f3: only one class, `10`; two or more are needed");
        let mixed = [part(1, 3, &[1]), part(1, 4, &[1])];
        assert_eq!(message(&mixed), "f4: images of (1, 4) pixels beside images of (1, 3)");
    }
}
