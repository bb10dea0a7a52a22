//! How a table is written: its separator and decimal sign, found in its first lines where nobody states them, and what is missing.

use serde::{Deserialize, Serialize};

/// The separator of two cells of a table.
///
/// ```
/// use nn_encrypted::data::Separator;
///
/// assert_ne!(Separator::Comma, Separator::Semicolon);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Separator {
    /// A comma; cells may be quoted.
    Comma,
    /// A semicolon; cells may be quoted.
    Semicolon,
    /// A tab; cells may be quoted.
    Tab,
    /// Blanks and tabs, any number of them.
    Blanks,
}

impl Separator {
    /// The byte that parts cells as they are read: blanks become commas before.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Comma | Self::Blanks => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// Its name in a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::Blanks => "blanks",
        }
    }

    /// The cells of a line.
    fn cells(self, line: &str) -> Vec<&str> {
        if self == Self::Blanks {
            return line.split_ascii_whitespace().collect();
        }
        let (mut quoted, mut start, mut cells) = (false, 0, Vec::new());
        for (place, byte) in line.bytes().enumerate() {
            quoted ^= byte == b'"';
            if byte == self.byte() && !quoted {
                cells.push(&line[start..place]);
                start = place + 1;
            }
        }
        cells.push(&line[start..]);
        cells
    }
}

/// `missing`: what becomes of rows in which something is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// They are an error.
    #[default]
    Refuse,
    /// They are left out.
    Drop,
    /// The mean of the training part stands for what is missing, but not for labels.
    Mean,
}

impl Missing {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::Refuse
    }
}

/// Separator and decimal sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) separator: Separator,
    pub(super) decimal_comma: bool,
}

/// Lines that are looked at.
const LINES: usize = 50;

impl Dialect {
    /// As stated; what is not is found in the beginning of a table, of which the last line may be cut.
    pub(super) fn find(begin: &str, separator: Option<Separator>, decimal_comma: Option<bool>) -> Self {
        let cut = if begin.ends_with('\n') { begin.len() } else { begin.rfind('\n').unwrap_or(begin.len()) };
        let lines: Vec<&str> = begin[..cut].lines().filter(|l| !l.trim().is_empty()).take(LINES).collect();
        let separator = separator.unwrap_or_else(|| found(&lines));
        let decimal_comma = decimal_comma.unwrap_or_else(|| {
            let cells = || lines.iter().flat_map(|line| separator.cells(line)).map(str::trim);
            separator != Separator::Comma
                && cells().any(|cell| number(cell, true).is_some() && cell.contains(','))
                && !cells().any(|cell| number(cell, false).is_some() && cell.contains('.'))
        });
        Self { separator, decimal_comma }
    }

    /// The number in a cell, with separators of thousands or a percent sign too; it may be infinite.
    pub(super) fn number(self, cell: &str) -> Option<f64> {
        number(cell, self.decimal_comma).or_else(|| self.converted(cell))
    }

    /// The number in a cell that has separators of thousands or a percent sign: `5 %` is 0.05.
    pub(super) fn converted(self, cell: &str) -> Option<f64> {
        if let Some(percent) = cell.strip_suffix('%') {
            let percent = percent.trim_end();
            let value = number(percent, self.decimal_comma).or_else(|| self.ungrouped(percent))?;
            return Some(value / 100.0).filter(|_| percent.ends_with(|c: char| c.is_ascii_digit()));
        }
        self.ungrouped(cell)
    }

    /// The number in a cell whose thousands are parted by one sign throughout.
    fn ungrouped(self, cell: &str) -> Option<f64> {
        let (decimal, other) = if self.decimal_comma { (',', '.') } else { ('.', ',') };
        let digits = cell.trim_start_matches(['-', '+']);
        let (whole, fraction) = digits.split_once(decimal).map_or((digits, None), |(w, f)| (w, Some(f)));
        let sign = whole.chars().find(|c| !c.is_ascii_digit())?;
        if !([other, '\'', ' ', '\u{a0}', '\u{202f}'].contains(&sign)) {
            return None;
        }
        let groups: Vec<&str> = whole.split(sign).collect();
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let first = groups.first().is_some_and(|first| {
            (1..=3).contains(&first.len()) && all_digits(first) && !first.starts_with('0')
        });
        let rest = groups.iter().skip(1).all(|group| group.len() == 3 && all_digits(group));
        if !first || !rest || !fraction.is_none_or(|fraction| !fraction.is_empty() && all_digits(fraction)) {
            return None;
        }
        let negative = cell.len() - digits.len() == 1 && cell.starts_with('-');
        let plain = format!("{}.{}", groups.concat(), fraction.unwrap_or("0"));
        plain
            .parse()
            .ok()
            .filter(|_| cell.len() - digits.len() <= 1)
            .map(|v: f64| if negative { -v } else { v })
    }
}

/// The first separator that parts all lines into the same number of cells, two or more.
fn found(lines: &[&str]) -> Separator {
    let parts = |separator: &Separator| {
        let mut counts = lines.iter().map(|line| separator.cells(line).len());
        counts.next().is_some_and(|first| first > 1 && counts.all(|count| count == first))
    };
    let known = [Separator::Semicolon, Separator::Tab, Separator::Comma, Separator::Blanks];
    // Rows of several lengths are told of when they are read, by the sign that is there.
    let there = |separator: &Separator| {
        !lines.is_empty()
            && *separator != Separator::Blanks
            && lines.iter().all(|line| separator.cells(line).len() > 1)
    };
    let found = known.into_iter().find(parts).or_else(|| known.into_iter().find(there));
    found.unwrap_or(Separator::Comma)
}

fn number(cell: &str, decimal_comma: bool) -> Option<f64> {
    match (decimal_comma, cell.contains(',')) {
        (true, true) => cell.replacen(',', ".", 1).parse().ok().filter(|_| !cell.contains('.')),
        _ => cell.parse().ok(),
    }
}

/// A number in a form that is not read, by its name: with another decimal sign, a currency; or a date.
pub(super) fn other_form(cell: &str) -> Option<&'static str> {
    let bare = cell.trim_matches(|c: char| "$€£¥".contains(c) || c.is_whitespace());
    let code = |text: &str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    let coded = bare.split_once(' ').and_then(|(a, b)| if code(a) { Some(b) } else { code(b).then_some(a) });
    if (bare.len() < cell.trim().len() && is_amount(bare)) || coded.is_some_and(is_amount) {
        return Some("an amount of money");
    }
    if is_date(cell) {
        return Some("a date or a time");
    }
    let plain = cell.trim_start_matches(['-', '+']);
    let grouped = plain.chars().any(|c| GROUPING.contains(&c));
    let amount = is_amount(cell.strip_suffix('%').unwrap_or(cell).trim_end());
    (grouped && amount).then_some("a number with another decimal sign than the others")
}

/// Signs between thousands.
const GROUPING: [char; 6] = [',', '.', '\'', ' ', '\u{a0}', '\u{202f}'];

/// Digits with signs of thousands and decimals between them.
fn is_amount(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '+']);
    let ends = text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_digit());
    let mut groups = text.split(|c: char| GROUPING.contains(&c));
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let first = groups.next().is_some_and(digits);
    let rest: Vec<&str> = groups.collect();
    let thousands = rest.iter().rev().skip(1).all(|group| group.len() == 3);
    ends && first && thousands && rest.iter().all(|group| !group.is_empty() && digits(group))
}

/// Three groups of digits, one of them a year or all of two digits, or hours and minutes.
fn is_date(text: &str) -> bool {
    let date = text.split(['T', ' ']).next().unwrap_or(text);
    let groups = |text: &str, sign: char| -> Vec<usize> {
        let groups: Vec<&str> = text.split(sign).collect();
        let digits = groups.iter().all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit()));
        if digits { groups.iter().map(|group| group.len()).collect() } else { vec![] }
    };
    let day = ['-', '/', '.']
        .iter()
        .any(|sign| matches!(groups(date, *sign)[..], [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 4] | [2, 2, 2]));
    day || matches!(groups(text, ':')[..], [1 | 2, 2] | [1 | 2, 2, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_decimal_signs_are_found_or_stated() {
        use Separator::{Blanks, Comma, Semicolon, Tab};
        for (text, separator, decimal_comma) in [
            ("a,b\n1,2\n", Comma, false),
            ("a;b\n1.5;2\n", Semicolon, false),
            ("a;b\n1,5;2\n", Semicolon, true),
            ("1,5;2,5\n3,5;4\n", Semicolon, true),
            ("a;b\n1,5;2.5\n", Semicolon, false),
            ("\"a;b\",c\n1,2\n", Comma, false),
            ("a\tb\n1,5\t2\n", Tab, true),
            ("  1  2 3\n4 5   6\n", Blanks, false),
            ("a,b\n1,2,3\n", Comma, false),
            ("a;b\n1;2;3\n", Semicolon, false),
            ("", Comma, false),
            ("one\ntwo\n", Comma, false),
            // The last line is cut.
            ("a;b\n1;2\n3", Semicolon, false),
        ] {
            assert_eq!(Dialect::find(text, None, None), Dialect { separator, decimal_comma }, "{text:?}");
        }
        let stated = Dialect::find("1,5 2\n", Some(Blanks), Some(false));
        assert_eq!(stated, Dialect { separator: Blanks, decimal_comma: false });
        assert_eq!(stated.number("1,5"), None);
        let comma = Dialect { separator: Semicolon, decimal_comma: true };
        assert_eq!(
            (comma.number("-1,5"), comma.number("2"), comma.number("1.234,5")),
            (Some(-1.5), Some(2.0), Some(1234.5))
        );
    }

    #[test]
    fn thousands_and_percentages_are_numbers() {
        let point = Dialect { separator: Separator::Comma, decimal_comma: false };
        let comma = Dialect { separator: Separator::Semicolon, decimal_comma: true };
        for (dialect, cell, value) in [
            (point, "31,500", 31_500.0),
            (point, "-1,234,567.25", -1_234_567.25),
            (point, "1'000", 1000.0),
            (point, "31 500", 31_500.0),
            (point, "7\u{202f}000", 7000.0),
            (point, "5%", 0.05),
            (point, "12.5 %", 0.125),
            (point, "-3%", -0.03),
            (point, "1,200 %", 12.0),
            (comma, "1.234,5", 1234.5),
            (comma, "2,5 %", 0.025),
        ] {
            assert_eq!(dialect.number(cell), Some(value), "{cell}");
        }
        for cell in [
            "0,500",
            "1,23",
            "1,2345",
            "12,34,567",
            "1,234'567",
            "1 ,000",
            "--1,000",
            ",000",
            "%",
            "a %",
            "inf%",
        ] {
            assert_eq!(point.number(cell), None, "{cell}");
        }
    }

    #[test]
    fn numbers_in_other_forms_are_named_and_words_are_not() {
        let form = |cell: &str| other_form(cell).map_or("", |name| name.rsplit(' ').next().unwrap_or(name));
        for (cells, word) in [
            (&["1.234,5", "2,5", "0,500", "2,5 %"][..], "others"),
            (&["$5", "€ 1,200", "7 £", "USD 12", "3.50 EUR"], "money"),
            (&["2026-11-30", "30.11.2026", "1/2/2026", "2026-11-30T06:00:00", "06:30", "01-02-03"], "time"),
            (
                &[
                    "red", "10-20", "a1", "1a", "v1.2.3", "N/A", "5 apples", "$", "%", "1-2", "ABC 1D", "",
                    "1..2", "-",
                ],
                "",
            ),
        ] {
            for cell in cells {
                assert_eq!(form(cell), word, "{cell}");
            }
        }
    }
}
