//! The client makes keys. Called with the name of the test.

use zn_multiplication::{Failure, files, way};

fn main() -> Result<(), Failure> {
    let test = files::argument(1)?;
    let (secret, keys) = way()?.keys()?;
    files::write_secret(&test, "secret_key/secret.key", &secret)?;
    files::write(&test, "public_keys/evaluation.keys", &keys)
}
