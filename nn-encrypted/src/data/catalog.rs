//! The data sets known by name: what they are, and where their files lie and come from.

use std::path::{Path, PathBuf};

use super::records::CsvOptions;
use super::{DataError, Separator};

/// A data set known by name.
///
/// ```
/// use nn_encrypted::data::KNOWN;
///
/// let iris = KNOWN.iter().find(|set| set.name == "iris").ok_or("no such set")?;
/// assert_eq!((iris.rows, iris.features, iris.classes), (150, 4, 3));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, PartialEq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// The folder of its files, below that of all sets.
    pub folder: &'static str,
    /// Samples.
    pub rows: usize,
    /// Features, after words have become a column each.
    pub features: usize,
    /// Classes; 0 for a series.
    pub classes: usize,
    /// Terms of use.
    pub licence: &'static str,
    /// Its files; none if it is inside the program.
    pub files: &'static [KnownFile],
    /// How its table is read, if it is one.
    pub table: Option<KnownTable>,
}

/// A file of a data set.
///
/// ```
/// use nn_encrypted::data::KNOWN;
///
/// let mnist = KNOWN.iter().find(|set| set.name == "mnist").ok_or("no such set")?;
/// assert!(mnist.files.iter().all(|file| file.sha256.len() == 64));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, PartialEq)]
pub struct KnownFile {
    /// Its name.
    pub name: &'static str,
    /// Where it can be had, the official place first.
    pub sources: &'static [&'static str],
    /// SHA-256, in hexadecimal.
    pub sha256: &'static str,
    /// The form that the digest is taken of.
    pub form: Form,
    /// No copy has more bytes, packed or not.
    pub most_bytes: u64,
}

/// The form of a file that its digest is taken of.
///
/// ```
/// use nn_encrypted::data::{Form, KNOWN};
///
/// let mnist = KNOWN.iter().find(|set| set.name == "mnist").ok_or("no such set")?;
/// assert!(mnist.files.iter().all(|file| file.form == Form::Unpacked));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Its bytes, unpacked.
    Unpacked,
    /// Its samples: lines that hold a number, cells joined by commas, numbers in their shortest form. Copies of one
    /// table differ in header, blanks and ends of lines.
    Samples,
}

/// Columns of a known table by their numbers from 1.
///
/// ```
/// use nn_encrypted::data::KNOWN;
///
/// let table = KNOWN.iter().find(|set| set.name == "crabs").ok_or("no such set")?.table.as_ref();
/// assert_eq!(table.map(|table| table.label), Some("3"));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, PartialEq)]
pub struct KnownTable {
    /// The column that holds the class.
    pub label: &'static str,
    /// Columns that are neither class nor feature.
    pub ignore: &'static [&'static str],
    /// The separator of two cells.
    pub separator: Separator,
}

const UCI: &str = "CC BY 4.0";

/// Measures of crabs: row number, species, sex, index within the group, and five lengths.
const CRABS: KnownFile = KnownFile {
    name: "crabs.csv",
    sources: &[
        "https://raw.githubusercontent.com/vincentarelbundock/Rdatasets/master/csv/MASS/crabs.csv",
        "https://vincentarelbundock.github.io/Rdatasets/csv/MASS/crabs.csv",
    ],
    sha256: "e848cb683b14f65ae4881d6fb59351833ce244b64da3d9659ef33f35fca05edc",
    form: Form::Samples,
    most_bytes: 1 << 16,
};

/// All data sets known by name.
pub const KNOWN: [Known; 8] = [
    Known {
        name: "digits",
        folder: "digits",
        rows: 1797,
        features: 64,
        classes: 10,
        licence: UCI,
        files: &[],
        table: None,
    },
    Known {
        name: "iris",
        folder: "iris",
        rows: 150,
        features: 4,
        classes: 3,
        licence: UCI,
        files: &[],
        table: None,
    },
    Known {
        name: "milk",
        folder: "milk",
        rows: 156,
        features: 12,
        classes: 0,
        licence: "U.S. Department of Agriculture, public domain (Rdatasets)",
        files: &[],
        table: None,
    },
    Known {
        name: "mnist",
        folder: "mnist",
        rows: 70_000,
        features: 784,
        classes: 10,
        licence: "CC BY-SA 3.0",
        files: &[
            mnist(
                "train-images-idx3-ubyte.gz",
                &[
                    "http://yann.lecun.com/exdb/mnist/train-images-idx3-ubyte.gz",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
                ],
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            mnist(
                "train-labels-idx1-ubyte.gz",
                &[
                    "http://yann.lecun.com/exdb/mnist/train-labels-idx1-ubyte.gz",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz",
                ],
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            mnist(
                "t10k-images-idx3-ubyte.gz",
                &[
                    "http://yann.lecun.com/exdb/mnist/t10k-images-idx3-ubyte.gz",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz",
                ],
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            mnist(
                "t10k-labels-idx1-ubyte.gz",
                &[
                    "http://yann.lecun.com/exdb/mnist/t10k-labels-idx1-ubyte.gz",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
                ],
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ],
        table: None,
    },
    Known {
        name: "crabs",
        folder: "crabs",
        rows: 200,
        features: 7,
        classes: 2,
        licence: "GPL-3 (R package MASS)",
        files: &[CRABS],
        table: Some(KnownTable { label: "3", ignore: &["1", "4"], separator: Separator::Comma }),
    },
    Known {
        name: "crabs-species",
        folder: "crabs",
        rows: 200,
        features: 7,
        classes: 2,
        licence: "GPL-3 (R package MASS)",
        files: &[CRABS],
        table: Some(KnownTable { label: "2", ignore: &["1", "4"], separator: Separator::Comma }),
    },
    Known {
        name: "fertility",
        folder: "fertility",
        rows: 100,
        features: 9,
        classes: 2,
        licence: UCI,
        files: &[KnownFile {
            name: "fertility_Diagnosis.txt",
            sources: &[
                "https://archive.ics.uci.edu/ml/machine-learning-databases/00244/fertility_Diagnosis.txt",
                "https://raw.githubusercontent.com/zunaira11000/fertility/9e36b93223bff4bcd42795085ea1b1158c6101f2/fertility_Diagnosis.txt",
            ],
            sha256: "80840493a59200cd06a1bab2aea867940bb9ba2643e2d4abfd76649ec0b5e1b5",
            form: Form::Samples,
            most_bytes: 1 << 16,
        }],
        table: Some(KnownTable { label: "10", ignore: &[], separator: Separator::Comma }),
    },
    Known {
        name: "climate",
        folder: "climate",
        rows: 540,
        features: 18,
        classes: 2,
        licence: UCI,
        files: &[KnownFile {
            name: "pop_failures.dat",
            sources: &[
                "https://archive.ics.uci.edu/ml/machine-learning-databases/00252/pop_failures.dat",
                "https://raw.githubusercontent.com/addmao/Climate_Model/4c226478a609d0562f8535154c5a13a239c668ef/pop_failures.dat",
            ],
            sha256: "a9acc11994c068e8108751501df8f9f536db01461892196c917c466f59557e15",
            form: Form::Samples,
            most_bytes: 1 << 20,
        }],
        // Study and run number, 18 parameters of the simulation, whether it came to its end.
        table: Some(KnownTable { label: "21", ignore: &["1", "2"], separator: Separator::Blanks }),
    },
];

const fn mnist(name: &'static str, sources: &'static [&'static str], sha256: &'static str) -> KnownFile {
    KnownFile { name, sources, sha256, form: Form::Unpacked, most_bytes: 64 << 20 }
}

impl Known {
    /// The set of this name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn find(name: &str) -> Result<&'static Self, DataError> {
        let names = || KNOWN.iter().map(|set| set.name).collect::<Vec<_>>().join(", ");
        let unknown = || DataError::UnknownSet { set: name.to_owned(), known: names() };
        KNOWN.iter().find(|set| set.name == name).ok_or_else(unknown)
    }

    /// The folders its files are looked for in.
    #[must_use]
    pub(crate) fn folders(&self, data_dir: &Path) -> [PathBuf; 2] {
        [data_dir.to_owned(), data_dir.join(self.folder)]
    }

    /// Where one of its files is, plain or packed by gzip.
    ///
    /// # Errors
    /// If it is in none of the folders.
    pub(crate) fn locate(&self, data_dir: &Path, file: &str) -> Result<PathBuf, DataError> {
        let folders = self.folders(data_dir);
        let file = file.trim_end_matches(".gz");
        let names = [file.to_owned(), format!("{file}.gz")];
        let mut candidates = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
        candidates.find(|path| path.is_file()).ok_or_else(|| DataError::NotFound {
            set: self.name,
            file: file.to_owned(),
            searched: format!("{} or {}", folders[0].display(), folders[1].display()),
        })
    }

    /// Whether all its files are there, or it needs none.
    #[must_use]
    pub(crate) fn is_there(&self, data_dir: &Path) -> bool {
        self.files.iter().all(|file| self.locate(data_dir, file.name).is_ok())
    }
}

impl KnownTable {
    pub(super) fn options(&self) -> CsvOptions {
        CsvOptions {
            label: self.label.to_owned(),
            ignore: self.ignore.iter().map(|&column| column.to_owned()).collect(),
            separator: Some(self.separator),
            ..CsvOptions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_digest_and_a_place() {
        for file in KNOWN.iter().flat_map(|set| set.files) {
            let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            assert!(file.sha256.len() == 64 && file.sha256.chars().all(hex), "{}", file.name);
            assert!(file.sources.len() > 1 && file.sources.iter().all(|url| url.ends_with(file.name)));
        }
        assert!(Known::find("cifar").is_err());
    }

    #[test]
    fn known_tables_are_read_with_a_header_or_without() {
        let dir = std::env::temp_dir().join(format!("nn-encrypted-known-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("climate")).unwrap();
        let header = "Season,Age,a,b,c,d,e,f,Sitting,Diagnosis\n";
        let rows = "-0.33,0.69,0,1,1,0,0.8,0,0.88,N\n1,0.94,1,0,1,0,0.8,1,0.31,O\n";
        let numbers: Vec<String> = (0..18).map(|i| format!("0.{i}")).collect();
        let line = |class| format!("   1   7   {}   {class}\n", numbers.join("  "));
        std::fs::write(dir.join("climate/pop_failures.dat"), line(0) + &line(1)).unwrap();
        let crabs = "\"\",sp,sex,index,FL,RW,CL,CW,BD\n1,B,M,1,8.1,6.7,16.1,19,7\n2,O,F,1,9,7,17,20,8\n";
        std::fs::write(dir.join("crabs.csv"), crabs).unwrap();
        let load = |name: &str| {
            let any = super::super::Normalization::MinMax { limit: 1.0 };
            let settings = super::super::Data::of(name, super::super::TestPart::Count(1), any);
            super::super::read(&settings, Some(&dir))
        };
        let plain = |text: &str| {
            std::fs::write(dir.join("fertility_Diagnosis.txt"), text).unwrap();
            load("fertility").unwrap()
        };
        let (with, without) = (plain(&[header, rows].concat()), plain(rows));
        assert_eq!((with.x(), &with.labels), (without.x(), &without.labels));
        for (name, data) in [
            ("fertility", with),
            ("climate", load("climate").unwrap()),
            ("crabs", load("crabs").unwrap()),
            ("crabs-species", load("crabs-species").unwrap()),
        ] {
            let set = Known::find(name).unwrap();
            assert_eq!(
                (data.x().dim(), data.schema.classes.len()),
                ((2, set.features), set.classes),
                "{name}"
            );
            assert_eq!(data.name, name);
        }
        assert_eq!(load("crabs").unwrap().schema.classes, ["F", "M"]);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
