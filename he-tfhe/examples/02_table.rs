//! Tables: any function of a small number at one bootstrap, and of a larger one by a wide table.
//!
//! `cargo run --release -p he-tfhe --example 02_table`

use he_tfhe::{
    Decryptor, Encryptor, Error, Evaluator, LookupTable, LweCiphertext, SecretKey, Spec, WideTable,
};

fn run() -> Result<(Vec<u64>, u64), Error> {
    // Two bits of message and two of carry: numbers from 0 to 15. The set has the keys of wide tables as well.
    let params = Spec::message_2_carry_2_wide_failure_64().build()?;
    let key = SecretKey::generate(&params)?;
    let server = Evaluator::new(key.evaluation_keys()?);
    let (client, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));

    // Sums and small multiples cost nothing, but add noise; a bootstrap applies a table and takes the noise away.
    let x = client.encrypt_all(&[0, 1, 2, 3])?;
    let sums = x.iter().map(|x| server.mul_const(x, 4)).collect::<Result<Vec<_>, _>>()?;
    let table = LookupTable::new(&params, |m| (m / 4) * (m / 4))?;
    let squares = server.bootstrap_batch(&sums, &table)?;
    let squares = squares.iter().map(|c| decryptor.decrypt(c)).collect::<Result<Vec<_>, _>>()?;

    // Ten bits are too many for one bootstrap. As five digits of two bits they choose an entry of a wide table: here the
    // integer square root, in three digits.
    let number: u64 = 777;
    let digits = client.encrypt_all(&(0..5).map(|i| number >> (2 * i) & 3).collect::<Vec<_>>())?;
    let root = |t: u64| (0..3).map(|i| t.isqrt() >> (2 * i) & 3).collect();
    let table = WideTable::new(&params, 10, 3, root)?;
    let found = server.look_up(&[&digits], &[&table])?.swap_remove(0).swap_remove(0);
    let digit = |(i, c): (usize, &LweCiphertext)| Ok(decryptor.decrypt(c)? << (2 * i));
    let root: Result<Vec<u64>, Error> = found.iter().enumerate().map(digit).collect();
    Ok((squares, root?.iter().sum()))
}

fn main() -> Result<(), Error> {
    let (squares, root) = run()?;
    println!("squares of 0 to 3: {squares:?}; integer root of 777: {root}");
    assert_eq!((squares, root), (vec![0, 1, 4, 9], 27));
    Ok(())
}

#[test]
fn tables_are_read() {
    assert_eq!(run().ok(), Some((vec![0, 1, 4, 9], 27)));
}
