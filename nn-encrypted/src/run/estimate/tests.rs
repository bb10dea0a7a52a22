//! Estimates beside runs, in rings that protect nothing.

use std::time::Instant;

use super::RunEstimate;
use crate::run::small::ALL;
use crate::run::{Options, train_session};

#[test]
fn bytes_of_every_recipe_are_those_of_its_run() {
    for small in &ALL {
        let (session, name) = (small.session(), small.name);
        let options = Options { steps: Some(small.steps), quiet: true, ..Options::default() };
        let estimate = RunEstimate::new(&session, options.steps).unwrap();
        let report = train_session(&session, &options, Instant::now()).unwrap().report;
        let (said, sent) = (&estimate.traffic, &report.traffic);
        assert_eq!(
            [said.keys, said.data, said.to_server, said.to_client, said.rounds],
            [report.key_bytes, sent.data_bytes, sent.to_server_bytes, sent.to_client_bytes, sent.rounds],
            "{name}"
        );
        let classified = report.prediction.map_or(0.0, |p| p.bytes_per_image * p.images as f64);
        if !session.keeps_weights() {
            assert_eq!(said.prediction as f64, classified.round(), "{name}: classification");
        }
        let seconds = &estimate.seconds;
        assert!(
            seconds.step > 0.0 && seconds.keys > 0.0 && seconds.all > seconds.step,
            "{name}: {seconds:?}"
        );
        assert!(estimate.simulated >= 1 && estimate.simulated <= small.steps, "{name}");
        assert!(estimate.memory.needed > 0, "{name}");
    }
}
