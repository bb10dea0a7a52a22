use super::{Known, Times, groups, measure, slower};
use crate::operations::Time;
use crate::pages;

fn time(units: f64) -> Time {
    Time { units, seconds: units / 1e4 }
}

fn times(units: [f64; 2]) -> Times {
    ["a", "b"].into_iter().zip(units).map(|(name, units)| (name.to_owned(), time(units))).collect()
}

#[test]
fn operations_that_got_slower_are_named() {
    let before = times([100.0, 10.0]);
    assert_eq!(slower(&before, &times([109.9, 10.9]), true), Vec::<String>::new());
    let found = slower(&before, &times([100.0, 11.1]), true);
    assert_eq!(found, ["SLOWER: b, 11.10 units, 11 % more than 10.00"]);
    let mut less = before.clone();
    less.remove("a");
    assert!(slower(&before, &less, true)[0].starts_with("GONE: a"));
    assert!(slower(&before, &less, false).is_empty());
    assert!(slower(&less, &before, true)[0].starts_with("NEW: a"));
}

#[test]
fn a_measurement_near_the_limit_is_repeated_and_the_least_counts() {
    let run = |results: &[f64], before: Option<f64>| {
        let mut calls = 0;
        let once = || {
            calls += 1;
            Ok(time(results[calls - 1]))
        };
        let least = measure(once, before.map(time)).expect("a time").units;
        (least, calls)
    };
    assert_eq!(run(&[104.0], Some(100.0)), (104.0, 1));
    assert_eq!(run(&[140.0, 120.0, 104.0], Some(100.0)), (104.0, 3));
    // What is slower stays so, however often it is measured.
    assert_eq!(run(&[121.0, 120.0, 122.0, 123.0], Some(100.0)), (120.0, 4));
    assert_eq!(run(&[3.0, 1.0, 2.0], None), (1.0, 3));
}

/// The committed file has twenty operations of every machine, all of them from the groups.
#[test]
fn the_committed_file_has_twenty_operations() {
    let known: Known = serde_json::from_str(&pages::read(super::FILE).expect("the file")).expect("its form");
    assert!(!known.machines.is_empty());
    for (machine, times) in known.machines {
        assert_eq!(times.len(), 20, "{machine}");
        for (name, time) in times {
            let scheme = name.split(':').next().expect("a scheme").split(' ').next().expect("a scheme");
            let known = groups().iter().any(|(group, _)| *group == scheme);
            assert!(known && time.units > 0.0 && time.seconds > 0.0, "{machine}: {name}");
        }
    }
}
