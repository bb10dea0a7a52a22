//! The server multiplies. Called with the name of the test and the number of pairs.

use std::time::Instant;

use zn_multiplication::{Failure, files, way};

fn main() -> Result<(), Failure> {
    let (test, count) = (files::argument(1)?, files::argument(2)?.parse()?);
    let keys = files::read(&test, "public_keys/evaluation.keys")?;
    let factors = |side| files::read(&test, &format!("ciphertexts_upload/{side}.ciphertexts"));
    let (a, b) = (factors("lhs")?, factors("rhs")?);
    let start = Instant::now();
    let products = way()?.multiply(&keys, [&a, &b], count)?;
    println!("         [server] keys read and {count} products: {:.3} s", start.elapsed().as_secs_f64());
    files::write(&test, "ciphertexts_download/products.ciphertexts", &products)
}
