//! Images of 8x8 pixels as images of 28x28 that look as if written by others: enlarged by bilinear
//! interpolation into a box of about 20x20 in the middle, slanted, shifted, and with thinner or thicker
//! strokes.

use rand_chacha::ChaCha20Rng;

use crate::data::random::below;

/// The side of the images that come in, and of those that go out.
const FROM: usize = 8;
const TO: usize = 28;
/// The largest pixel that comes in.
const WHITE: f32 = 16.0;

/// How an image is changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Warp {
    /// Height and width of the box.
    height: f32,
    width: f32,
    /// How far a row goes to the right for each row downwards, and a column downwards for each column to the
    /// right.
    slant: [f32; 2],
    /// How far the box is off the middle, downwards and to the right.
    shift: [f32; 2],
    /// The grey, of 0 to 1, in the middle between paper and ink, and how steep the way between them is.
    middle: f32,
    contrast: f32,
}

impl Warp {
    /// Plain enlargement to 20x20.
    pub(super) const NONE: Self =
        Self { height: 20.0, width: 20.0, slant: [0.0; 2], shift: [0.0; 2], middle: 0.5, contrast: 2.0 };

    /// A change by chance.
    pub(super) fn random(rng: &mut ChaCha20Rng) -> Self {
        let mut between = |low: f32, high: f32| low + (high - low) * (below(rng, 1 << 16) as f32 / 65_536.0);
        Self {
            height: between(17.0, 22.0),
            width: between(15.0, 23.0),
            slant: [between(-0.35, 0.35), between(-0.2, 0.2)],
            shift: [between(-2.5, 2.5), between(-2.5, 2.5)],
            middle: between(0.3, 0.65),
            contrast: between(1.5, 4.0),
        }
    }

    /// The image of 28x28 values from 0 to 1 of one of 8x8 pixels from 0 to 16.
    pub(super) fn apply(&self, pixels: &[f32]) -> Vec<f32> {
        let middle = |side: usize| (side as f32 - 1.0) / 2.0;
        let value = |place: usize| {
            let y = (place / TO) as f32 - middle(TO) - self.shift[0];
            let x = (place % TO) as f32 - middle(TO) - self.shift[1];
            let row = (y - self.slant[1] * x) * FROM as f32 / self.height + middle(FROM);
            let column = (x - self.slant[0] * y) * FROM as f32 / self.width + middle(FROM);
            let grey = between(pixels, row, column) / WHITE;
            ((grey - self.middle) * self.contrast + 0.5).clamp(0.0, 1.0)
        };
        (0..TO * TO).map(value).collect()
    }
}

/// The value at a place between pixels; beyond them all is 0.
fn between(pixels: &[f32], row: f32, column: f32) -> f32 {
    let pixel = |row: f32, column: f32| {
        let inside = 0.0..FROM as f32;
        if !inside.contains(&row) || !inside.contains(&column) {
            return 0.0;
        }
        pixels.get(row as usize * FROM + column as usize).copied().unwrap_or(0.0)
    };
    let (top, left) = (row.floor(), column.floor());
    let (down, right) = (row - top, column - left);
    let across = |row: f32| (1.0 - right) * pixel(row, left) + right * pixel(row, left + 1.0);
    (1.0 - down) * across(top) + down * across(top + 1.0)
}
