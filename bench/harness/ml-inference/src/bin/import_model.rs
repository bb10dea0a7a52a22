//! Writes `model/weights.bin` from a training. Called with its `client/model.private.safetensors` and the file to be written.

use std::path::Path;

use ml_inference::{Failure, Model, files, import};

fn main() -> Result<(), Failure> {
    let argument = |place| std::env::args().nth(place).ok_or_else(|| format!("argument {place} is missing"));
    let trained = import::import(&files::read(Path::new(&argument(1)?))?)?;
    Model::new(&trained)?;
    Ok(std::fs::write(argument(2)?, trained.to_bytes())?)
}
