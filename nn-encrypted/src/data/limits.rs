//! The most that is read of a data set. Each is checked before the memory is taken that it bounds.

/// Bytes of a data file, packed or not. Those of MNIST have 47 million.
pub(super) const LARGEST_FILE: u64 = 1 << 30;
/// Bytes of a row of a table, quoted line breaks included.
pub(super) const MOST_ROW_BYTES: usize = 1 << 22;
/// Columns of a table. A picture of 28x28 has 784, a gene expression array some ten thousand.
pub(super) const MOST_COLUMNS: usize = 1 << 16;
/// Numbers of a data set, samples times features; as real numbers they take 512 MiB. MNIST has 55 million.
pub(crate) const MOST_VALUES: usize = 1 << 26;
/// Classes of a data set.
pub(super) const MOST_CLASSES: usize = 1 << 12;
/// Columns that are made independent of each other: their covariances are a matrix with as many rows.
pub(super) const MOST_WHITENED: usize = 1 << 11;
/// Rows of the training part after rare classes were repeated.
pub(super) const MOST_REPEATED: usize = 1 << 24;

/// Checks that samples of so many features are not too many numbers; the error is in words.
pub(crate) fn values(samples: usize, features: usize) -> Result<(), String> {
    if samples.checked_mul(features).is_some_and(|values| values <= MOST_VALUES) {
        return Ok(());
    }
    Err(format!("{samples} samples of {features} features; at most {MOST_VALUES} numbers are read"))
}

/// Names for an error, of which there may be too many to be told.
pub(super) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const TOLD: usize = 20;
    let more = names.len().saturating_sub(TOLD);
    let told = names.take(TOLD).collect::<Vec<_>>().join(", ");
    if more == 0 { told } else { format!("{told} and {more} more") }
}
