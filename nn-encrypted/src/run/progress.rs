//! Progress with the time left: a bar on a terminal, plain lines elsewhere.

use std::time::{Duration, Instant};

use super::Options;
use super::watch::{Event, Watch};

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

/// Shows how far a long run has come, and tells whoever watches it.
pub(super) struct Progress {
    /// On the standard error output, unless that is quiet.
    shown: bool,
    bar: Option<Bar>,
    watch: Option<Watch>,
    total: u64,
    done: u64,
    /// Steps that were done before: they say nothing about the speed of this process.
    resumed: u64,
    start: Instant,
    last_line: Instant,
}

impl Progress {
    /// A run of `total` steps, of which `done` were done before.
    pub(super) fn new(options: &Options, total: u64, done: u64) -> Self {
        let shown = !options.quiet;
        let bar = if shown { Bar::new(total, done) } else { None };
        let (watch, now) = (options.watch.clone(), Instant::now());
        Self { shown, bar, watch, total, done, resumed: done, start: now, last_line: now }
    }

    /// One step more.
    pub(super) fn step(&mut self) {
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.step(),
            None if self.shown && self.last_line.elapsed() >= Duration::from_secs(LINE_SECONDS) => {
                self.line();
            }
            None => {}
        }
        self.tell(None, None);
    }

    /// An epoch has ended, with a score of the test part in its usual form.
    pub(super) fn epoch(&self, epoch: usize, score: f64, text: &str) {
        let note = format!("epoch {epoch}: test {text}");
        match &self.bar {
            Some(bar) => bar.note(&note),
            None if self.shown => eprintln!("  {note}"),
            None => {}
        }
        self.tell(Some(epoch), Some(score).filter(|score| score.is_finite()));
    }

    fn tell(&self, epoch: Option<usize>, score: Option<f64>) {
        if let Some(watch) = &self.watch {
            let (step, steps) = (self.done, self.total);
            watch(&Event { step, steps, epoch, score, seconds_left: self.seconds_left() });
        }
    }

    fn seconds_left(&self) -> Option<f64> {
        let done = self.done - self.resumed;
        let elapsed = self.start.elapsed().as_secs_f64();
        (done > 0).then(|| elapsed / done as f64 * (self.total - self.done) as f64)
    }

    fn line(&mut self) {
        self.last_line = Instant::now();
        let elapsed = self.start.elapsed().as_secs_f64();
        let left = self.seconds_left().unwrap_or(0.0);
        eprintln!("step {}/{}, {elapsed:.0} s elapsed, about {left:.0} s left", self.done, self.total);
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
