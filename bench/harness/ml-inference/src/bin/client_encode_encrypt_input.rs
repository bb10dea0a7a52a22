//! The client encrypts images. Called with the size, 0 to 3.

use std::path::Path;

use ml_inference::{Failure, Size, programs, way};

fn main() -> Result<(), Failure> {
    programs::client_encode_encrypt_input(Path::new("."), Size::from_arguments()?, way()?.as_ref())
}
