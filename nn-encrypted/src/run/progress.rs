//! Progress with the time left: a bar on a terminal, plain lines elsewhere.

use std::time::{Duration, Instant};

/// Seconds between plain lines.
const LINE_SECONDS: u64 = 5;

#[cfg(feature = "cli")]
mod bar {
    use std::io::IsTerminal;

    use indicatif::{ProgressBar, ProgressStyle};

    /// A bar on a terminal.
    pub(super) struct Bar(ProgressBar);

    impl Bar {
        pub(super) fn new(total: u64, done: u64) -> Option<Self> {
            std::io::stderr().is_terminal().then(|| {
                let style = ProgressStyle::with_template(
                    "{bar:30} step {pos}/{len}  {elapsed} elapsed, {eta} left  {msg}",
                );
                let bar = ProgressBar::new(total)
                    .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                    .with_position(done);
                bar.reset_eta();
                Self(bar)
            })
        }

        pub(super) fn step(&self) {
            self.0.inc(1);
        }

        pub(super) fn note(&self, note: &str) {
            self.0.set_message(note.to_owned());
            self.0.println(format!("  {note}"));
        }

        pub(super) fn finish(&self) {
            self.0.finish_and_clear();
        }
    }
}

#[cfg(not(feature = "cli"))]
mod bar {
    /// There are plain lines alone.
    pub(super) enum Bar {}

    impl Bar {
        pub(super) fn new(_total: u64, _done: u64) -> Option<Self> {
            None
        }

        pub(super) fn step(&self) {}

        pub(super) fn note(&self, _note: &str) {}

        pub(super) fn finish(&self) {}
    }
}

use self::bar::Bar;

/// Shows how far a long run has come.
pub(super) struct Progress {
    bar: Option<Bar>,
    total: u64,
    done: u64,
    /// Steps that were done before: they say nothing about the speed of this process.
    resumed: u64,
    start: Instant,
    last_line: Instant,
}

impl Progress {
    /// A run of `total` steps, of which `done` were done before.
    pub(super) fn new(total: u64, done: u64) -> Self {
        let bar = Bar::new(total, done);
        let now = Instant::now();
        Self { bar, total, done, resumed: done, start: now, last_line: now }
    }

    /// One step more.
    pub(super) fn step(&mut self) {
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.step(),
            None if self.last_line.elapsed() >= Duration::from_secs(LINE_SECONDS) => self.line(),
            None => {}
        }
    }

    /// A note beside the bar; printed as a line of its own.
    pub(super) fn note(&self, note: &str) {
        match &self.bar {
            Some(bar) => bar.note(note),
            None => eprintln!("  {note}"),
        }
    }

    fn line(&mut self) {
        self.last_line = Instant::now();
        let elapsed = self.start.elapsed().as_secs_f64();
        let left = elapsed / (self.done - self.resumed) as f64 * (self.total - self.done) as f64;
        eprintln!("step {}/{}, {elapsed:.0} s elapsed, about {left:.0} s left", self.done, self.total);
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
