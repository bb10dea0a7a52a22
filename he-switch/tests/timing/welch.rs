//! Two classes of inputs, timed in random order, and Welch's t-test on the times, cropped at several percentiles (Reparaz, Balasch,
//! Verbauwhede, *Dude, is my code constant time?*, DATE 2017).

use std::hint::black_box;

use cpu_time::ThreadTime;
use he_core::ring::sample::Prng;

/// Percentiles at which the times are cropped: what is above them was mostly disturbed by something else.
const CROPPINGS: u32 = 40;
/// Runs before the first that counts.
const WARM_UP: usize = 64;
/// Inputs of each class, which take turns: so many that where one of them lies in memory does not count.
const INPUTS: usize = 512;

/// Nanoseconds of the processor on this thread.
fn now() -> f64 {
    ThreadTime::now().as_duration().as_nanos() as f64
}

/// The largest `|t|` over all croppings of the times that `run` takes with an input of class 0 and one of class 1.
///
/// Inputs are made before anything is timed. Before each run `copy` makes what is timed out of one of them, in memory that both classes
/// use in turn: where an input lies would show otherwise.
pub(crate) fn largest_t<I, J, O>(
    runs: usize,
    mut input: impl FnMut(usize, usize) -> I,
    copy: impl Fn(&I) -> J,
    mut run: impl FnMut(&J) -> O,
) -> f64 {
    let inputs: Vec<[I; 2]> = (0..INPUTS).map(|i| [input(0, i), input(1, i)]).collect();
    let mut prng = Prng::from_os().unwrap();
    let mut times: [Vec<f64>; 2] = [vec![], vec![]];
    for count in 0..WARM_UP + runs {
        let choice = prng.next_u64();
        let (class, place) = ((choice & 1) as usize, (choice >> 1) as usize % INPUTS);
        let chosen = copy(&inputs[place][class]);
        let start = now();
        let out = black_box(run(black_box(&chosen)));
        let time = now() - start;
        drop(out);
        if count >= WARM_UP {
            times[class].push(time);
        }
    }
    largest_over_croppings(&times)
}

fn largest_over_croppings(times: &[Vec<f64>; 2]) -> f64 {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    // From half of all times to nearly all of them, and all.
    let percentile = |i: u32| 1.0 - 0.5_f64.powf(1.0 + 9.0 * f64::from(i) / f64::from(CROPPINGS));
    let limits = (0..CROPPINGS).map(|i| all[(percentile(i) * all.len() as f64) as usize]);
    let cropped = limits.chain([f64::INFINITY]).map(|limit| {
        let [a, b] = times.each_ref().map(|times| times.iter().copied().filter(move |&time| time <= limit));
        welch(a, b).abs()
    });
    cropped.filter(|t| t.is_finite()).fold(0.0, f64::max)
}

/// Welch's statistic of two samples.
fn welch(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64>) -> f64 {
    let [(mean_a, error_a), (mean_b, error_b)] = [mean_and_error(a), mean_and_error(b)];
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}

/// The mean, and the square of its standard error.
fn mean_and_error(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let distance = value - mean;
        mean += distance / count;
        squares += distance * (value - mean);
    }
    (mean, squares / (count - 1.0) / count)
}

#[test]
fn the_statistic_is_that_of_the_formula() {
    // Means 2 and 4, variances 1 and 4: −2/√(1/3 + 4/3).
    let t = welch([1.0, 2.0, 3.0].into_iter(), [2.0, 4.0, 6.0].into_iter());
    assert!((t + 2.0 / (5.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{t}");
}

#[test]
fn a_difference_below_disturbances_is_found_by_cropping() {
    let times = |shift: f64| -> Vec<f64> {
        let disturbed = |i: u64| if i.is_multiple_of(10) { 1e5 * (i % 7) as f64 } else { 0.0 };
        (0..4000).map(|i| 1000.0 + shift + (i * 7919 % 101) as f64 + disturbed(i)).collect()
    };
    assert!(welch(times(0.0).into_iter(), times(5.0).into_iter()).abs() < 4.5);
    assert!(largest_over_croppings(&[times(0.0), times(5.0)]) > 4.5);
    assert!(largest_over_croppings(&[times(0.0), times(0.0)]) < 4.5);
}
