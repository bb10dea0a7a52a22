//! The server checks its model. Called without arguments.

use ml_inference::{Failure, programs};

fn main() -> Result<(), Failure> {
    programs::server_preprocess_model()
}
