//! How good predicted classes are: which are taken for which, precision, recall, F1, area under the curve.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics;

/// Predicted classes beside labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// How many samples of each class (rows) were taken for each class (columns).
    pub confusion: Vec<Vec<u64>>,
    /// Of those taken for a class, the part that is of it; 0 of none.
    pub precision: Vec<f64>,
    /// Of those of a class, the part that was taken for it; 0 of none.
    pub recall: Vec<f64>,
    /// The harmonic mean of both.
    pub f1: Vec<f64>,
    /// Of two classes: the area under the curve of true against false positives, for the second.
    pub auc: Option<f64>,
}

/// Classes of which a table is made; with more it would be longer than what it tells.
const MOST_CLASSES: usize = 64;
/// Classes of which the whole table is printed.
const PRINTED: usize = 12;

impl Quality {
    /// Of predictions beside labels; `second` are scores of the second class. None of no labels, or of very many classes.
    pub(super) fn of(
        classes: &[String],
        predicted: &[usize],
        labels: &[usize],
        second: &[f64],
    ) -> Option<Self> {
        let n = classes.len();
        if labels.is_empty() || n > MOST_CLASSES {
            return None;
        }
        let mut confusion = vec![vec![0u64; n]; n];
        for (&predicted, &label) in predicted.iter().zip(labels) {
            *confusion.get_mut(label)?.get_mut(predicted)? += 1;
        }
        let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let taken = |class: usize| confusion.iter().map(|row| row[class]).sum();
        let precision: Vec<f64> = (0..n).map(|c| ratio(confusion[c][c], taken(c))).collect();
        let recall: Vec<f64> = (0..n).map(|c| ratio(confusion[c][c], confusion[c].iter().sum())).collect();
        let both = precision.iter().zip(&recall);
        let f1 = both.map(|(p, r)| if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }).collect();
        let is_second: Vec<bool> = labels.iter().map(|label| *label == 1).collect();
        let auc = if n == 2 { metrics::area_under_curve(second, &is_second) } else { None };
        Some(Self { classes: classes.to_vec(), confusion, precision, recall, f1, auc })
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |name: &str| name.chars().take(16).collect::<String>();
        let names: Vec<String> = self.classes.iter().map(|name| short(name)).collect();
        let wide = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
        let whole = names.len() <= PRINTED;
        write!(f, "{:wide$}  precision  recall     F1", "class")?;
        if whole {
            write!(f, "   taken for:")?;
            names.iter().try_for_each(|name| write!(f, " {name:>5}"))?;
        }
        for (class, name) in names.iter().enumerate() {
            let [precision, recall, f1] =
                [self.precision[class], self.recall[class], self.f1[class]].map(|part| 100.0 * part);
            write!(f, "\n{name:wide$}  {precision:7.2} % {recall:6.2} % {f1:6.2}")?;
            if whole {
                write!(f, "             ")?;
                for (count, to) in self.confusion[class].iter().zip(&names) {
                    let wide = to.chars().count().max(5);
                    write!(f, " {count:>wide$}")?;
                }
            }
        }
        self.auc.map_or(Ok(()), |auc| write!(f, "\narea under the curve (AUC): {auc:.4}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let classes = ["a".to_owned(), "b".to_owned()];
        let (predicted, labels) = ([0, 1, 1, 1], [0, 0, 1, 1]);
        let found = Quality::of(&classes, &predicted, &labels, &[0.1, 0.6, 0.6, 0.9]).unwrap();
        assert_eq!(found.confusion, [[1, 1], [0, 2]]);
        assert_eq!((found.precision.clone(), found.recall.clone()), (vec![1.0, 2.0 / 3.0], vec![0.5, 1.0]));
        assert_eq!((found.f1.clone(), found.auc), (vec![2.0 / 3.0, 0.8], Some(0.875)));
        let text = found.to_string();
        for line in [" 100.00 %  50.00 %  66.67", "area under the curve (AUC): 0.8750"] {
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(Quality::of(&classes, &predicted, &[], &[]), None);
        assert_eq!(Quality::of(&classes, &[2], &[0], &[0.0]), None);
    }
}
