//! The speed of a line.

use std::str::FromStr;

/// Bits a second, such as `100Mbit` or `1Gbit`; `MB` is bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LinkSpeed {
    bits: f64,
}

impl LinkSpeed {
    /// Seconds that bytes take.
    pub(super) fn seconds(&self, bytes: u64) -> f64 {
        8.0 * bytes as f64 / self.bits
    }
}

impl Default for LinkSpeed {
    /// 100 Mbit/s.
    fn default() -> Self {
        Self { bits: 1e8 }
    }
}

impl std::fmt::Display for LinkSpeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.bits >= 1e9 {
            write!(f, "{} Gbit/s", self.bits / 1e9)
        } else {
            write!(f, "{} Mbit/s", self.bits / 1e6)
        }
    }
}

impl FromStr for LinkSpeed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text}: a number with kbit, Mbit, Gbit, kB, MB or GB a second is needed, such as 100Mbit"
            )
        };
        let text = text.trim().trim_end_matches("/s");
        let at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(at);
        let scale = match unit {
            "kbit" => 1e3,
            "Mbit" => 1e6,
            "Gbit" => 1e9,
            "kB" => 8e3,
            "MB" => 8e6,
            "GB" => 8e9,
            _ => return Err(wrong()),
        };
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let bits = number * scale;
        if bits.is_finite() && bits >= 1.0 { Ok(Self { bits }) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_have_a_unit() {
        let seconds = |text: &str| text.parse::<LinkSpeed>().map(|link| link.seconds(25_000_000)).ok();
        assert_eq!(["100Mbit", "0.1 Gbit/s", "12.5MB"].map(seconds), [Some(2.0); 3]);
        assert_eq!(["100", "Mbit", "-1Mbit", "1 parsec", "nan Mbit"].map(seconds), [None; 5]);
    }
}
