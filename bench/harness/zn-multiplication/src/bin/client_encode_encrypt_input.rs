//! The client encrypts both factors of all pairs. Called with the name of the test.

use zn_multiplication::{Failure, files, way};

fn main() -> Result<(), Failure> {
    let (test, way) = (files::argument(1)?, way()?);
    let secret = files::read_secret(&test, "secret_key/secret.key")?;
    for side in ["lhs", "rhs"] {
        let ciphertexts = way.encrypt(&secret, &files::factors(&test, side)?)?;
        files::write(&test, &format!("ciphertexts_upload/{side}.ciphertexts"), &ciphertexts)?;
    }
    Ok(())
}
