//! The shape of an image.

use std::fmt;

/// The largest side of an image, and the most channels.
const LARGEST_SIDE: usize = 1 << 12;
/// The most values of an image.
const MOST_VALUES: usize = 1 << 20;

/// Channels, each of rows and columns; all at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    channels: usize,
    rows: usize,
    columns: usize,
}

impl Shape {
    /// A shape of at most 4096 on each axis, and 2^20 values.
    ///
    /// # Errors
    /// If an axis is 0, or there would be more.
    pub fn new(channels: usize, rows: usize, columns: usize) -> Result<Self, super::FrozenError> {
        let shape = Self { channels, rows, columns };
        let sides = [channels, rows, columns];
        // The product of three sides within their limit fits 36 bits.
        if sides.iter().any(|side| !(1..=LARGEST_SIDE).contains(side)) || shape.size() > MOST_VALUES {
            let needed = format!("from 1 to {LARGEST_SIDE} on each axis and at most {MOST_VALUES} values");
            let what = format!("shape {shape}; {needed} are needed");
            return Err(super::FrozenError::Numbers(what));
        }
        Ok(shape)
    }

    /// Planes of the image.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// From top to bottom.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// From left to right.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Values of a channel.
    pub(crate) fn plane(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    /// Values of an image.
    pub(crate) fn size(&self) -> usize {
        self.channels.saturating_mul(self.plane())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.rows, self.columns)
    }
}
