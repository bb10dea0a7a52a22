//! Formats, and numbers that have none.

use super::fixed::Scales;
use super::tables::{TableError, TableNumbers};
use super::words::Format;
use crate::activation::Function;
use crate::network::Network;
use crate::recipe::{Recipe, Setting, WordCoding};

fn network(recipe: &Recipe) -> Network {
    Network::new(recipe, 20, None, 3).unwrap()
}

#[test]
fn numbers_without_a_format_are_refused_by_layer() {
    let scales = |setting: &str| {
        let recipe = Recipe::load("hesamifard2017", &[setting.to_owned()]).unwrap();
        Scales::new(&recipe, &network(&recipe)).unwrap_err().to_string()
    };
    let fewer = scales("numbers.preactivation_bits=12");
    assert_eq!(
        fewer,
        "layer 1 (Linear): its pre-activations have 10 fractional bits, fewer than `numbers.preactivation_bits` = 12; at most 10 is needed"
    );
    let more = scales("refresh.tensors=['output', 'weight', 'momentum']");
    assert!(more.contains("fractional bits; at most 62 bits are possible: refresh more"), "{more}");
}

#[test]
fn differences_of_squares_are_products_with_derivatives() {
    let settings = ["numbers.bounds.error=2".to_owned(), "numbers.bounds.preactivation=4".to_owned()];
    let recipe = Recipe::load("glyph2020", &settings).unwrap();
    let numbers = TableNumbers::new(&recipe, &network(&recipe)).unwrap();
    for function in [Function::Sigmoid, Function::Tanh, Function::CentredSigmoid, Function::Gelu] {
        let boxes = 1024;
        let ([values, derivatives], squares) =
            (numbers.activation(&function, boxes), numbers.error(&function, boxes));
        // Phases in steps of a box, a quarter of the torus being the middle of a table.
        let steps = 2.0 * boxes as f64;
        let square = |phase: f64| squares[((phase + 0.25) * steps).round().min(1023.0) as usize];
        let mut worst: f64 = 0.0;
        for b in (64..960).step_by(37) {
            let z = (b as f64 / steps - 0.25) * 4.0 * 4.0;
            assert!((values[b] as f64 / 8.0 - function.value(z)).abs() <= 1.0 / 16.0);
            let d = derivatives[b] as f64 / f64::from(super::tables::DERIVATIVE_BITS).exp2();
            for e in (-100..=100).map(|e| f64::from(e) / 64.0) {
                let u = e / 2.0 / 8.0;
                let product = (square(u + d) - square(u - d)) as f64 / 32.0;
                worst = worst.max((product - e * function.derivative(z)).abs());
            }
        }
        // Half a unit of 1/32 from each rounding, and half a box of each phase.
        assert!(worst < 2.0 / 32.0, "{function:?}: {worst}");
    }
}

#[test]
fn bounds_that_no_table_holds_are_refused_by_layer() {
    let refused = |settings: &[&str]| {
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let recipe = Recipe::load("glyph2020", &settings).unwrap();
        TableNumbers::new(&recipe, &network(&recipe)).unwrap_err()
    };
    let found = refused(&["numbers.bounds.error=512"]).to_string();
    assert!(found.starts_with("layer 2 (ReLU): range: numbers.bounds.error is 512; less than "), "{found}");
    let found = refused(&["numbers.plaintext_bits=20"]);
    assert!(
        matches!(&found, TableError::Range { layer: 6, kind, what, .. } if kind == "Sigmoid" && what.contains("bounds.output")),
        "{found}"
    );
    let found = refused(&["variant=tiny", "numbers.plaintext_bits=12"]);
    assert!(matches!(found, TableError::Range { layer: 2, .. }), "{found}");
}

#[test]
fn words_are_integers_in_twos_complement() {
    for (word, coding, fraction) in [(8, "digits", 4), (16, "digits", 10), (16, "bits", 10), (32, "bits", 20)]
    {
        let settings = [format!("numbers.word_bits={word}"), format!("numbers.words={coding}")];
        let format = Format::of(&Recipe::load("tbmpnet2021", &settings).unwrap().numbers);
        assert_eq!((format.word_bits, format.fraction_bits, format.one()), (word, fraction, 1 << fraction));
        assert_eq!(format.coding == WordCoding::Digits, coding == "digits");
        let most = i128::from(format.largest());
        assert_eq!(most, (1 << (word - 1)) - 1);
        assert_eq!((format.wrap(most + 1), format.wrap(3 * most + 5)), (-(most as i64) - 1, 1 - most as i64));
        assert_eq!(format.real(3 * format.one()), 3.0);
    }
    let mut numbers = Recipe::load("tbmpnet2021", &[]).unwrap().numbers;
    numbers.fraction_bits = Setting::Value(6);
    assert_eq!(Format::of(&numbers).fraction_bits, 6);
}

#[test]
fn a_step_of_the_weights_is_a_shift_of_summed_gradients() {
    let shift = |rate: &str, batch: usize| {
        let settings = [format!("optimizer.learning_rate={rate}"), format!("optimizer.batch_size={batch}")];
        let mut recipe = Recipe::load("hesamifard2017", &[]).unwrap();
        recipe.optimizer = Recipe::load("hesamifard2017", &settings).unwrap().optimizer;
        recipe.optimizer.update_shift()
    };
    assert_eq!([shift("1/4", 60), shift("1/32", 8), shift("8", 5)], [Some(8), Some(8), Some(0)]);
    assert_eq!([shift("16", 5), shift("3/8", 5), shift("1/32", 1)], [None, None, Some(5)]);
}
