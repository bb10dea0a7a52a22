//! Least squares onto one-hot targets, without a ridge and in floating point: the limit of any network of identity layers.
//!
//! `cargo run --release -p nn-encrypted --example least_squares -- RECIPE [KEY=VALUE ...]` prints a row of a table: the part of the
//! training samples and of the test samples that are right. Columns that depend on others linearly have the weight 0.

use std::error::Error;

use ndarray::{Array2, Axis, concatenate};
use nn_encrypted::internals::accuracy;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::Session;
use nn_encrypted::twin::classes;

/// What is left of a column's square, relative to it, where it depends on those before.
const DEPENDS: f64 = 1e-10;

/// `w` with the least `|x·w − y|²`, by elimination in the normal equations.
fn solved(x: &Array2<f64>, y: &Array2<f64>) -> Array2<f64> {
    let (mut square, mut right) = (x.t().dot(x), x.t().dot(y));
    let count = square.nrows();
    let first: Vec<f64> = square.diag().to_vec();
    let mut free = vec![false; count];
    for pivot in 0..count {
        free[pivot] = square[[pivot, pivot]] <= DEPENDS * first[pivot];
        if free[pivot] {
            continue;
        }
        for row in (0..count).filter(|row| *row != pivot) {
            let factor = square[[row, pivot]] / square[[pivot, pivot]];
            let (line, target) = (square.row(pivot).to_owned(), right.row(pivot).to_owned());
            square.row_mut(row).scaled_add(-factor, &line);
            right.row_mut(row).scaled_add(-factor, &target);
        }
    }
    let weight = |(row, column)| if free[row] { 0.0 } else { right[[row, column]] / square[[row, row]] };
    Array2::from_shape_fn(right.dim(), weight)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let name = words.next().ok_or("a recipe is needed")?;
    let session = Session::new(Recipe::load(&name, &words.collect::<Vec<_>>())?, None)?;
    let with_one = |x: Array2<f64>| concatenate(Axis(1), &[x.view(), Array2::ones((x.nrows(), 1)).view()]);
    let data = &session.data;
    let [train, test] =
        [with_one(session.features(&data.train.x))?, with_one(session.features(&data.test.x))?];
    let hit = |(row, class): (usize, usize)| f64::from(u8::from(data.train.labels[row] == class));
    let targets = Array2::from_shape_fn((train.nrows(), data.classes.len()), hit);
    let weights = solved(&train, &targets);
    let right = |x: &Array2<f64>, labels: &[usize]| {
        100.0 * accuracy(&classes(&session.recipe, &x.dot(&weights)), labels)
    };
    println!(
        "| least squares, closed form | {:.2} % of the training samples, {:.2} % of the test samples |",
        right(&train, &data.train.labels),
        right(&test, &data.test.labels)
    );
    Ok(())
}
