//! Functions of integers by wide tables.

use he_tfhe::digits::{self, DigitEvaluator, IntegerTable};
use he_tfhe::{Decryptor, Encryptor, Error};

use crate::world::World;

const FORMAT: [u32; 2] = [8, 4];

/// `⌊2^f·g(x/2^f)⌉` as an integer of 8 bits.
fn fixed(x: i64, g: impl Fn(f64) -> f64) -> i64 {
    ((g(x as f64 / 16.0) * 16.0).round() as i64).clamp(-128, 127)
}

#[test]
fn tables_of_integers_are_the_functions_they_are_named_after() {
    let world = World::small();
    let params = &world.params;
    let tables = [
        IntegerTable::sigmoid(params, FORMAT, 8).unwrap(),
        IntegerTable::exp(params, FORMAT, 8).unwrap(),
        IntegerTable::reciprocal(params, FORMAT, 8).unwrap(),
    ];
    for x in -128..128 {
        assert_eq!(tables[0].evaluate(x), fixed(x, |x| 1.0 / (1.0 + (-x).exp())), "sigmoid at {x}");
        assert_eq!(tables[1].evaluate(x), fixed(x, f64::exp), "exp at {x}");
        assert_eq!(
            tables[2].evaluate(x),
            if x == 0 { 127 } else { fixed(x, f64::recip) },
            "reciprocal at {x}"
        );
    }
    let values = [-128, -37, -1, 0, 1, 16, 40, 127];
    let integers = digits::encrypt(&Encryptor::with_secret(&world.key), &values, 8).unwrap();
    let evaluator = DigitEvaluator::new(&world.evaluator).unwrap();
    let found = evaluator.look_up(&integers, &tables.each_ref()).unwrap();
    for (table, found) in tables.iter().zip(&found) {
        for (integer, &x) in found.iter().zip(&values) {
            assert_eq!(digits::decrypt(&Decryptor::new(&world.key), integer).unwrap(), table.evaluate(x));
        }
    }
}

#[test]
fn a_coarse_table_takes_the_middle_of_what_it_does_not_read() {
    let world = World::small();
    let table = IntegerTable::new(&world.params, 12, 4, |x| x).unwrap();
    for x in -2048..2048 {
        assert_eq!(table.evaluate(x), (x >> 8) * 256 + 128);
    }
    let integer = digits::encrypt(&Encryptor::with_secret(&world.key), &[-777], 12).unwrap();
    let found = DigitEvaluator::new(&world.evaluator).unwrap().look_up(&integer, &[&table]).unwrap();
    assert_eq!(digits::decrypt(&Decryptor::new(&world.key), &found[0][0]).unwrap(), table.evaluate(-777));
}

#[test]
fn integers_and_tables_that_do_not_fit_are_refused() {
    let world = World::small();
    let params = &world.params;
    let count = |result: Result<IntegerTable, Error>| matches!(result, Err(Error::Spec { .. }));
    assert!(
        count(IntegerTable::sigmoid(params, [9, 4], 8)) && count(IntegerTable::sigmoid(params, FORMAT, 7))
    );
    assert!(
        count(IntegerTable::sigmoid(params, FORMAT, 10)) && count(IntegerTable::sigmoid(params, [16, 8], 14))
    );
    assert!(
        count(IntegerTable::sigmoid(params, [16, 63], 8)) && count(IntegerTable::sigmoid(params, [0, 0], 0))
    );
    let table = IntegerTable::sigmoid(params, FORMAT, 8).unwrap();
    let wide = digits::encrypt(&Encryptor::with_secret(&world.key), &[3], 10).unwrap();
    let evaluator = DigitEvaluator::new(&world.evaluator).unwrap();
    assert!(matches!(evaluator.look_up(&wide, &[&table]), Err(Error::Spec { .. })));
}
