//! Integers on digits: sums, products, comparisons and quotients of encrypted numbers, exactly.
//!
//! `cargo run --release -p he-tfhe --example 04_integers_on_digits`

use he_tfhe::digits::{self, DigitEvaluator, Digits};
use he_tfhe::{Decryptor, Encryptor, Error, Evaluator, SecretKey, Spec};

fn main() -> Result<(), Error> {
    // The client: a key, and numbers of 8 bits in four digits of 2 bits each.
    let params = Spec::message_2_carry_2_failure_64().build()?;
    let key = SecretKey::generate(&params)?;
    let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
    let prices = digits::encrypt(&encryptor, &[19, 34, -7], 8)?;
    let amounts = digits::encrypt(&encryptor, &[3, 2, 5], 8)?;

    // The server: it has evaluation keys and nothing secret.
    let evaluator = Evaluator::new(key.evaluation_keys()?);
    let integers = DigitEvaluator::new(&evaluator)?;
    let show = |what: &str, results: &[Digits]| -> Result<Vec<i64>, Error> {
        let values = results
            .iter()
            .map(|integer| digits::decrypt(&decryptor, integer))
            .collect::<Result<Vec<_>, _>>()?;
        println!("{what:<34} {values:?}  ({} bootstraps so far)", evaluator.bootstraps());
        Ok(values)
    };

    // Operations take slices: one call computes all integers, and their bootstraps run together.
    let costs = integers.mul(&prices, &amounts)?;
    assert_eq!(show("price times amount", &costs)?, [57, 68, -35]);

    // Results are modulo 2^8; what does not fit wraps around. More bits are one bootstrap away.
    let twice = integers.add(&costs, &costs)?;
    assert_eq!(show("twice that, in 8 bits", &twice)?, [114, 136 - 256, -70]);
    let wide = integers.resize(&costs, 12)?;
    assert_eq!(show("twice that, in 12 bits", &integers.add(&wide, &wide)?)?, [114, 136, -70]);

    // A comparison gives encrypted bits, and a selection takes them: nobody learns which way it went.
    let limit = vec![integers.constant(60, 8)?; 3];
    let below = integers.lt(&costs, &limit)?;
    let paid = integers.select(&below, &costs, &limit)?;
    assert_eq!(show("at most 60", &paid)?, [57, 60, -35]);
    assert_eq!(show("and at least 0", &integers.relu(&paid)?)?, [57, 60, 0]);

    // Whole digits move for free, other shifts take one bootstrap for each digit.
    assert_eq!(show("a quarter, rounded down", &integers.shift_right(&costs, 2)?)?, [14, 17, -9]);

    // In fixed point with 4 bits behind the point, 24 is 1.5 and 40 is 2.5; their product is 3.75, or 60.
    let (x, y) = (digits::encrypt(&encryptor, &[24], 8)?, digits::encrypt(&encryptor, &[40], 8)?);
    assert_eq!(show("1.5 times 2.5, in sixteenths", &integers.fixed_mul(&x, &y, 4)?)?, [60]);

    // Quotients are rounded towards zero.
    let (quotients, remainders) = integers.div_rem(&prices, &amounts)?;
    assert_eq!(show("price by amount", &quotients)?, [6, 17, -1]);
    assert_eq!(show("and what is left", &remainders)?, [1, 0, -2]);
    Ok(())
}
