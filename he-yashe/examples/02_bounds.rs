//! Which moduli are taken, and what is left of them: products in a row beside the two measures of security.
//!
//! `cargo run --release -p he-yashe --example 02_bounds`

use he_yashe::security::{log_fatigue_point, max_log_ratio};
use he_yashe::{Error, Parameters, Spec};

/// Products in a row, each of the last one with itself, by the noise formulas alone.
fn products(params: &Parameters) -> usize {
    let estimator = params.noise();
    let (mut noise, mut level, mut count) = (estimator.fresh(), params.max_level(), 0);
    loop {
        let best = estimator.best_level([(&noise, level), (&noise, level)]);
        let reduced = estimator.reduce(&noise, level, best);
        let product = estimator.key_switch(&estimator.product(&reduced, &reduced), best);
        if estimator.budget(&product, best) < 0.0 {
            return count;
        }
        (noise, level, count) = (product, best, count + 1);
    }
}

fn main() -> Result<(), Error> {
    for log_n in 13..=17 {
        let (fatigue, most) = (log_fatigue_point(log_n), max_log_ratio(log_n).unwrap_or(f64::NAN));
        println!("N = 2^{log_n}: overstretched beyond q/t = 2^{fatigue:.1}, taken up to 2^{most:.0}");
    }
    let presets = [Spec::legacy_n32768(), Spec::legacy_n65536()];
    for spec in &presets {
        let params = spec.build_legacy("an example of what is taken")?;
        println!(
            "N = {}, t = {}, log2 q/t = {:.1}: overstretched: {}, {} products in a row",
            params.n(),
            params.t().value(),
            params.log_ratio(),
            params.is_overstretched(),
            products(&params),
        );
        assert!(params.is_overstretched() && products(&params) >= 2);
    }

    // The parameters that the scheme was published with, and a chain that is one prime too long.
    let published = Spec { log_n: 12, q_bits: vec![43; 3], ..Spec::legacy_n32768() };
    let mut long = presets[1].clone();
    long.q_bits.push(43);
    for spec in [published, long] {
        match spec.build_legacy("an example of what is refused") {
            Err(error) => println!("refused: {error}"),
            Ok(_) => unreachable!("parameters beyond the bound"),
        }
    }
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
