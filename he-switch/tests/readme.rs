//! The example of the README, which is a documentation test as well: it is short, and he-switch is all it depends on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

const README: &str = include_str!("../README.md");

/// Most lines of the round trip.
const LINES: usize = 25;

fn example() -> Vec<&'static str> {
    let block = README.split("```rust\n").nth(1).unwrap();
    block.split("```").next().unwrap().lines().collect()
}

#[test]
fn the_round_trip_takes_few_lines() {
    let lines = example().len();
    assert!((10..=LINES).contains(&lines), "{lines} lines");
}

/// Documentation tests see the dependencies of the crate, a user of it does not.
#[test]
fn the_round_trip_needs_no_other_crate() {
    let (uses, code): (Vec<&str>, Vec<&str>) = example().iter().partition(|line| line.starts_with("use "));
    assert!(!uses.is_empty() && uses.iter().all(|line| line.starts_with("use he_switch::")), "{uses:?}");
    let imported: Vec<&str> =
        uses.iter().flat_map(|line| line.split(['{', '}', ',', ';', ' ', ':'])).collect();
    for krate in ["he_core", "he_bgv", "he_ckks", "he_tfhe"] {
        let named = code.iter().any(|line| line.contains(&format!("{krate}::")));
        assert!(!named || imported.contains(&krate), "{krate} is used and not imported from he_switch");
    }
}
