//! An estimate in lines.

use super::{LinkSpeed, RunEstimate};
use crate::recipe::Scheme;
use crate::run::summary::SchemeSummary;

impl RunEstimate {
    /// The lines that head a run.
    #[must_use]
    pub(crate) fn text(&self, link: LinkSpeed) -> String {
        let widths: Vec<String> = self.network.iter().map(ToString::to_string).collect();
        let batches = self.rows.div_ceil(self.batch.max(1)).max(1);
        let mut lines = vec![format!(
            "{} on {}: {}, {} rows, mini-batches of {}: {} step{} in {} epoch{}",
            self.recipe,
            self.data,
            widths.join("-"),
            thousands(self.rows),
            thousands(self.batch),
            thousands(self.steps),
            plural(self.steps),
            self.steps.div_ceil(batches),
            plural(self.steps.div_ceil(batches)),
        )];
        let mut line = |name: &str, text: String| lines.push(format!("{name:<12} {text}"));
        line("runs on", self.parties.clone());
        line("security", self.security());
        let s = &self.seconds;
        line(
            "time",
            format!(
                "plan {}, keys {}, data {}, a step {}, all {}     on this machine: {} thread{}",
                duration(s.plan),
                duration(s.keys),
                duration(s.encrypt),
                duration(s.step),
                duration(s.all),
                self.threads,
                plural(self.threads),
            ),
        );
        line("memory", self.memory_text());
        line("disk", format!("keys {}, checkpoints {}", bytes(self.disk.keys), bytes(self.disk.checkpoints)));
        line("network", self.network_text(link));
        line("results", self.results());
        for (i, saving) in self.savings.iter().enumerate() {
            line(if i == 0 { "to save" } else { "" }, saving.clone());
        }
        lines.join("\n")
    }

    fn security(&self) -> String {
        let least = self.schemes.iter().map(|scheme| scheme.security_bits).min().flatten();
        let of = |scheme: &SchemeSummary| {
            let (name, n) = (scheme.name.to_uppercase(), scheme.ring_dimension);
            let legacy =
                if scheme.name == Scheme::Yashe.name() { ", a broken scheme: not for real data" } else { "" };
            format!("{name} N = {n}, log2(QP) = {:.0}{legacy}", scheme.log_qp)
        };
        let all: Vec<String> = self.schemes.iter().map(of).collect();
        let least = least.map_or("none: small rings".to_owned(), |bits| format!("{bits} bits"));
        format!("{least}: {}", all.join("; "))
    }

    fn memory_text(&self) -> String {
        let needed = bytes(self.memory.needed);
        match self.memory.machine {
            None => needed,
            Some(machine) if self.memory.fits() => format!("{needed} of {} here: fits", bytes(machine)),
            Some(machine) => format!(
                "{needed}, and this machine has {}: it does not fit; smaller mini-batches take less (--batch)",
                bytes(machine)
            ),
        }
    }

    fn network_text(&self, link: LinkSpeed) -> String {
        let t = &self.traffic;
        let seconds = link.seconds(t.up() + t.to_client);
        format!(
            "up {} (keys {}, data {}, refreshes {}), down {}; at {link} {}; {} rounds",
            bytes(t.up()),
            bytes(t.keys),
            bytes(t.data),
            bytes(t.to_server),
            bytes(t.to_client),
            duration(seconds),
            thousands(t.rounds as usize)
        )
    }

    fn results(&self) -> String {
        let equal = match self.tolerance {
            None => "equal to the simulation bit for bit".to_owned(),
            Some(tolerance) => format!("equal to the simulation within {tolerance:.0e}"),
        };
        let Some(range) = &self.closest else { return equal };
        format!(
            "{equal}; largest value {:.0} % of its bound ({}) in {} simulated step{}",
            100.0 * range.used(),
            range.tensor,
            self.simulated,
            plural(self.simulated)
        )
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A number with separators.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(",")
}

/// Bytes in a unit of which there are few.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e7 => format!("{:.0} MB", b / 1e6),
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.0} kB", (b / 1e3).ceil()),
    }
}

/// Seconds in a unit of which there are few.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 2.0 * 3600.0 => format!("{:.1} h", s / 3600.0),
        s if s >= 120.0 => format!("{:.0} min", s / 60.0),
        s if s >= 10.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{s:.1} s"),
        s => format!("{:.0} ms", (s * 1e3).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_units_of_which_there_are_few() {
        assert_eq!([0, 1, 999, 1000, 60_000].map(thousands), ["0", "1", "999", "1,000", "60,000"]);
        assert_eq!(
            [1, 12_000, 2_350_000, 40_000_000, 1_850_000_000].map(bytes),
            ["1 kB", "12 kB", "2.4 MB", "40 MB", "1.9 GB"]
        );
        assert_eq!(
            [0.0123, 1.25, 92.0, 360.0, 27_360.0].map(duration),
            ["13 ms", "1.2 s", "92 s", "6 min", "7.6 h"]
        );
    }
}
