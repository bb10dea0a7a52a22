//! Progress with the time left: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Seconds between plain lines.
const LINE_SECONDS: u64 = 5;

/// Shows how far a long run has come.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    total: u64,
    done: u64,
    /// Steps that were done before: they say nothing about the speed of this process.
    resumed: u64,
    start: Instant,
    last_line: Instant,
    note: String,
}

impl Progress {
    /// A run of `total` steps, of which `done` were done before.
    pub(super) fn new(total: u64, done: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{bar:30} step {pos}/{len}  {elapsed} elapsed, {eta} left  {msg}",
            );
            let bar = ProgressBar::new(total)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_position(done);
            bar.reset_eta();
            bar
        });
        let now = Instant::now();
        Self { bar, total, done, resumed: done, start: now, last_line: now, note: String::new() }
    }

    /// One step more.
    pub(super) fn step(&mut self) {
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.last_line.elapsed() >= Duration::from_secs(LINE_SECONDS) => self.line(),
            None => {}
        }
    }

    /// What is worth saying beside the bar; printed as a line of its own.
    pub(super) fn note(&mut self, note: String) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(note.clone());
                bar.println(format!("  {note}"));
            }
            None => eprintln!("  {note}"),
        }
        self.note = note;
    }

    fn line(&mut self) {
        self.last_line = Instant::now();
        let elapsed = self.start.elapsed().as_secs_f64();
        let left = elapsed / (self.done - self.resumed) as f64 * (self.total - self.done) as f64;
        eprintln!("step {}/{}, {elapsed:.0} s elapsed, about {left:.0} s left", self.done, self.total);
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
