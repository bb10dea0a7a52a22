//! The page.

use super::fit::exponent;
use super::study::{Series, Study};
use crate::pages::{load, machine, table};

const TEXT: &str = "\
# Cost against ring, depth, batch, width and threads

Made by `cargo run --release -p bench -- scaling`; `--only ring` measures one study and prints its table. Times are medians of several samples
in CPU seconds on one thread, but for threads and training steps, where it is said. The *exponent* `e` is that of `c·x^e`, fitted to all sizes
by least squares of logarithms: 1 is proportional, 2 is quadratic, 0 does not depend on the size.

";

/// A study as a table with its plot.
pub(super) fn section(study: &Study, all: &[Series]) -> String {
    let mut sizes: Vec<f64> = all.iter().flat_map(|series| series.points.iter().map(|(x, _)| *x)).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let numbers: Vec<String> = sizes.iter().map(|x| format!("{x:.0}")).collect();
    let head: Vec<&str> =
        [study.size].into_iter().chain(numbers.iter().map(String::as_str)).chain(["exponent"]).collect();
    let rows = all.iter().map(|series| {
        let at = |x: &f64| {
            let found = series.points.iter().find(|(at, _)| at == x);
            found.map_or(String::new(), |(_, y)| time(*y))
        };
        let fitted = exponent(&series.points).map_or(String::new(), |e| format!("{e:.2}"));
        [series.name.clone()].into_iter().chain(sizes.iter().map(at)).chain([fitted]).collect::<Vec<_>>()
    });
    let Study { name, time, remark, .. } = study;
    let title = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
    let table = table(&head, rows);
    format!("## {title}\n\n{remark} Figures: {time}.\n\n{table}\n![{title}](scaling-{name}.svg)\n\n")
}

/// Seconds in a unit that fits.
fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} µs", s * 1e6),
    }
}

/// The whole page.
pub(super) fn markdown(sections: &str, taken: f64) -> String {
    format!(
        "{TEXT}Machine: {}; {} at the end. All of it took {taken:.0} s.\n\n{}\n",
        machine(),
        load(),
        sections.trim_end()
    )
}

#[test]
fn sections_have_all_sizes_and_exponents() {
    let study =
        Study { name: "ring", size: "N", time: "CPU seconds", remark: "Some text.", measure: || Ok(vec![]) };
    let all = [
        Series { name: "a".into(), points: vec![(8.0, 2.0), (16.0, 4.0)] },
        Series { name: "b".into(), points: vec![(16.0, 5e-4)] },
    ];
    let text = section(&study, &all);
    assert!(text.contains("| N | 8 | 16 | exponent |"), "{text}");
    assert!(
        text.contains("| a | 2.00 s | 4.00 s | 1.00 |") && text.contains("| b |  | 500.0 µs |  |"),
        "{text}"
    );
}
