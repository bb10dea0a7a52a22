//! Which rows train and which test.

use serde::{Deserialize, Serialize};

use super::random::{Purpose, permutation, stream};
use super::{DataError, Dataset};

/// The size of the test part: a count of rows, or a fraction of them.
///
/// ```
/// use nn_encrypted::data::TestPart;
/// use nn_encrypted::recipe::Recipe;
///
/// let recipe = Recipe::load("hesamifard2017", &[])?;
/// assert_eq!(recipe.data.test, TestPart::Count(360));
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TestPart {
    /// So many rows.
    Count(usize),
    /// This part of the rows, rounded to the next whole number.
    Fraction(f64),
    /// The rows of another table.
    File(String),
}

/// Row numbers of the two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    /// Rows to train on.
    pub train: Vec<usize>,
    /// Rows to test on, none of which is in `train`.
    pub test: Vec<usize>,
}

/// Splits a data set by seed; one with a test part of its own keeps it, and of a series the last rows test. `stratify` gives every class the same part of
/// its samples for testing, rounded, but at least one on either side. Groups stay whole.
///
/// # Errors
/// If no row would be left for one of the parts.
pub(crate) fn split(data: &Dataset, test: &TestPart, stratify: bool, seed: u64) -> Result<Split, DataError> {
    let n = data.table.rows();
    let fault = |what: String| DataError::Setting { set: data.name.clone(), what };
    let count = match (data.own_test, test) {
        (Some(count), _) => count,
        (None, TestPart::Count(count)) => *count,
        (None, TestPart::Fraction(part)) if *part > 0.0 && *part < 1.0 => (part * n as f64).round() as usize,
        (None, TestPart::Fraction(part)) => {
            return Err(fault(format!(
                "data.test = {part}; a count, or a fraction between 0 and 1, is needed"
            )));
        }
        (None, TestPart::File(path)) => {
            return Err(fault(format!("data.test = {path:?}; only a table takes another one to test on")));
        }
    };
    // Rows in memory may all train.
    if (count == 0 && data.own_test != Some(0)) || count >= n {
        return Err(fault(format!("data.test takes {count} of {n} rows; both parts need at least one")));
    }
    if data.own_test.is_some() || data.series.is_some() {
        return Ok(Split { train: (0..n - count).collect(), test: (n - count..n).collect() });
    }
    let mut test = permutation(&mut stream(seed, Purpose::Split), n);
    if !data.groups.is_empty() {
        let parts = grouped(&data.groups, &test, count);
        if stratify || parts.train.is_empty() {
            let what = "data.group: two groups or more, and data.stratify = false, are needed";
            return Err(fault(what.to_owned()));
        }
        return Ok(parts);
    }
    if stratify {
        return Ok(stratified(data, &test, count as f64 / n as f64));
    }
    let train = test.split_off(count);
    Ok(Split { train, test })
}

/// Groups in random order test until they have as many rows as are asked for; the others train.
fn grouped(groups: &[usize], order: &[usize], count: usize) -> Split {
    let mut tested = std::collections::BTreeSet::new();
    let mut rows = 0;
    for &row in order {
        if rows < count && tested.insert(groups[row]) {
            rows += groups.iter().filter(|group| **group == groups[row]).count();
        }
    }
    let (test, train) = order.iter().partition(|row| tested.contains(&groups[**row]));
    Split { train, test }
}

/// Takes the same part of every class from rows in random order, which both parts keep.
fn stratified(data: &Dataset, order: &[usize], part: f64) -> Split {
    let tested =
        |count: usize| ((part * count as f64).round() as usize).clamp(1, count.saturating_sub(1).max(1));
    let mut left: Vec<usize> = data.class_sizes(0..data.table.rows()).into_iter().map(tested).collect();
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for &row in order {
        let left = &mut left[data.labels[row]];
        if *left > 0 {
            *left -= 1;
            test.push(row);
        } else {
            train.push(row);
        }
    }
    Split { train, test }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{digits, iris, milk};

    #[test]
    fn every_row_once_and_the_seed_decides() {
        let data = digits().unwrap();
        let one = split(&data, &TestPart::Count(360), false, 1).unwrap();
        assert_eq!((one.train.len(), one.test.len()), (1437, 360));
        let mut all = [&one.train[..], &one.test[..]].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1797));
        assert_eq!(one, split(&data, &TestPart::Count(360), false, 1).unwrap());
        assert_ne!(one, split(&data, &TestPart::Count(360), false, 2).unwrap());
    }

    #[test]
    fn fraction_own_part_and_errors() {
        let mut data = iris().unwrap();
        assert_eq!(split(&data, &TestPart::Fraction(0.2), false, 1).unwrap().test.len(), 30);
        for part in [
            TestPart::Count(0),
            TestPart::Count(150),
            TestPart::Fraction(0.0),
            TestPart::Fraction(1.5),
            TestPart::Fraction(f64::NAN),
            TestPart::Fraction(0.001),
        ] {
            let error = split(&data, &part, false, 1).unwrap_err().to_string();
            assert!(error.starts_with("data set iris: data.test"), "{error}");
        }
        data.own_test = Some(10);
        let own = split(&data, &TestPart::Count(30), false, 7).unwrap();
        assert!(own.test.into_iter().eq(140..150));
        let series = split(&milk().unwrap(), &TestPart::Count(24), false, 7).unwrap();
        assert!(series.train.into_iter().eq(0..132) && series.test.into_iter().eq(132..156));
    }

    #[test]
    fn every_class_has_its_part() {
        let mut data = iris().unwrap();
        data.labels = (0..150).map(|row| usize::from(row < 12)).collect();
        data.schema.classes.truncate(2);
        let parts = split(&data, &TestPart::Fraction(0.25), true, 3).unwrap();
        let rare = |rows: &[usize]| rows.iter().filter(|&&row| row < 12).count();
        assert_eq!((rare(&parts.test), parts.test.len(), rare(&parts.train)), (3, 38, 9));
        let mut all = [&parts.train[..], &parts.test[..]].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..150));
        assert_ne!(parts, split(&data, &TestPart::Fraction(0.25), true, 4).unwrap());
    }

    #[test]
    fn groups_stay_whole() {
        let mut data = iris().unwrap();
        data.groups = (0..150).map(|row| row % 11).collect();
        for seed in 0..5 {
            let parts = split(&data, &TestPart::Fraction(0.3), false, seed).unwrap();
            assert!((45..45 + 14).contains(&parts.test.len()), "{}", parts.test.len());
            let groups =
                |rows: &[usize]| rows.iter().map(|row| row % 11).collect::<std::collections::BTreeSet<_>>();
            assert!(groups(&parts.train).is_disjoint(&groups(&parts.test)));
            assert_eq!(parts.train.len() + parts.test.len(), 150);
        }
        let error = |data: &Dataset, stratify| {
            split(data, &TestPart::Fraction(0.3), stratify, 1).unwrap_err().to_string()
        };
        assert!(error(&data, true).contains("data.stratify = false"));
        data.groups.fill(3);
        assert!(error(&data, false).contains("two groups or more"));
    }
}
