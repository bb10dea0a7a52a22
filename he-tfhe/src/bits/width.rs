//! Widths of integers, and their checks.

use crate::error::Error;

/// The most bits of an integer.
pub const MAX_WIDTH: usize = 64;

/// Checks a number against its range.
pub(super) fn check(field: &'static str, found: usize, least: usize, most: usize) -> Result<(), Error> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(Error::Spec { field, found: found.to_string(), needed: format!("{least}..={most}") })
}

/// Checks the width of an integer.
pub(super) fn check_width(width: usize) -> Result<(), Error> {
    check("width of an integer", width, 1, MAX_WIDTH)
}
