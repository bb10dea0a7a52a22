//! The client decrypts. Called with the name of the test and the number of pairs.

use zn_multiplication::{Failure, files, way};

fn main() -> Result<(), Failure> {
    let (test, count) = (files::argument(1)?, files::argument(2)?.parse()?);
    let secret = files::read_secret(&test, "secret_key/secret.key")?;
    let products = files::read(&test, "ciphertexts_download/products.ciphertexts")?;
    let numbers = way()?.decrypt(&secret, &products, count)?;
    let lines: String = numbers.iter().map(|number| format!("{number}\n")).collect();
    files::write(&test, "cleartext_output/out.txt", lines.as_bytes())
}
