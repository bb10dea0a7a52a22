//! Trains 400-84-10 in floating point on the features that frozen convolutions have for all of MNIST.
//!
//! `cargo run --release -p nn-encrypted --example frozen_mnist -- DATA_DIR [KEY=VALUE ...]`; the settings are
//! those of the recipe `hesamifard2017`. ReLU, quadratic loss, 5 epochs.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use nn_encrypted::internals::{Clear, Function, accuracy};
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::Session;
use nn_encrypted::twin::classes;

const SETTINGS: [&str; 5] = [
    "data.set=mnist",
    "data.frozen=digits-cnn",
    "layers=[{kind='Linear',out_features=84,scheme='bgv'},{kind='Square',scheme='bgv'},\
     {kind='Linear',scheme='bgv'}]",
    "numbers.input_bits=8",
    "optimizer={learning_rate='1/16',momentum='7/8',batch_size=60,epochs=5,init_gain=1.4}",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or("the folder of MNIST is needed")?);
    let settings: Vec<String> = SETTINGS.iter().map(|setting| (*setting).to_owned()).chain(words).collect();
    let recipe = Recipe::load("hesamifard2017", &settings)?;
    let start = Instant::now();
    let session = Session::new(recipe, Some(&folder))?;
    let Session { recipe, data, network, batches, first, .. } = &session;
    println!("{} features after {:.1} s", data.features.len(), start.elapsed().as_secs_f64());
    println!("saturated: {} of {}", data.train.saturated, data.train.x.len());
    let mut net = Clear::floating(recipe, network, first.clone(), Some(&Function::Relu))?;
    for epoch in 0..recipe.optimizer.epochs {
        for batch in batches.order(epoch) {
            let (x, targets) = session.batch(batch)?;
            net.step(&x, &targets)?;
        }
        let found = classes(recipe, &net.outputs(&session.features(&data.test.x))?);
        let right = 100.0 * accuracy(&found, &data.test.labels);
        let seconds = start.elapsed().as_secs_f64();
        println!("epoch {}: {right:.2} % of the test images right, {seconds:.1} s", epoch + 1);
    }
    Ok(())
}
