//! Counts of a server since it started, as Prometheus reads them.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts since the start.
#[derive(Default)]
pub(super) struct Measures {
    received: AtomicU64,
    sent: AtomicU64,
    steps: AtomicU64,
    step_microseconds: AtomicU64,
    requests: AtomicU64,
    refused: AtomicU64,
}

impl Measures {
    pub(super) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn step(&self, took: Duration) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.step_microseconds.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    pub(super) fn request(&self, refused: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.refused.fetch_add(u64::from(refused), Ordering::Relaxed);
    }

    /// The counts, as lines.
    pub(super) fn write(&self, page: &mut Page) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
        page.counter("requests_total", "Requests of clients.", of(&self.requests));
        page.counter("requests_refused_total", "Requests that were refused.", of(&self.refused));
        page.counter("received_bytes_total", "Bytes of bodies of requests.", of(&self.received));
        page.counter("sent_bytes_total", "Bytes of refresh requests and outcomes.", of(&self.sent));
        page.head(
            "step_seconds",
            "Training steps that were completed, waits for clients included.",
            "summary",
        );
        page.line("step_seconds_sum", "", of(&self.step_microseconds) / 1e6);
        page.line("step_seconds_count", "", of(&self.steps));
    }
}

/// A page in the text format of Prometheus, version 0.0.4. Labels are words of this program.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _ = write!(self.0, "# HELP nn_encrypted_{name} {help}\n# TYPE nn_encrypted_{name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &str, value: f64) {
        let _ = writeln!(self.0, "nn_encrypted_{name}{labels} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help, "counter");
        self.line(name, "", value);
    }

    /// A number that goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help, "gauge");
        self.line(name, "", value);
    }

    /// Such a number for each value of a label.
    pub(super) fn gauges<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) {
        self.head(name, help, "gauge");
        for (word, value) in values {
            self.line(name, &format!("{{{label}=\"{word}\"}}"), value);
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
