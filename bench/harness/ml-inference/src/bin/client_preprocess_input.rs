//! The client brings pixels to steps of grey. Called with the size, 0 to 3.

use std::path::Path;

use ml_inference::{Failure, Size, programs};

fn main() -> Result<(), Failure> {
    programs::client_preprocess_input(Path::new("."), Size::from_arguments()?)
}
