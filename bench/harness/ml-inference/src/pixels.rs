//! Images as the network takes them: 784 pixels of 28 x 28, each in one of [`LEVELS`] steps of grey.

use crate::Failure;
use crate::model::PIXELS;

/// The whitest pixel; black is 0. Two bits a pixel are enough: with sixteen steps the network is right no more often.
pub const WHITE: u8 = 3;

/// Images, one after another, row after row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels(Vec<u8>);

impl Pixels {
    /// Images of pixels from 0 to [`WHITE`].
    ///
    /// # Errors
    /// If there are not 784 for each of `count` images, or one is above.
    pub fn new(levels: Vec<u8>, count: usize) -> Result<Self, Failure> {
        if count.checked_mul(PIXELS) != Some(levels.len()) {
            return Err(format!("{} pixels, needed {PIXELS} for each of {count} images", levels.len()).into());
        }
        match levels.iter().position(|&level| level > WHITE) {
            Some(at) => {
                Err(format!("image {}, pixel {}: {} is above {WHITE}", at / PIXELS, at % PIXELS, levels[at])
                    .into())
            }
            None => Ok(Self(levels)),
        }
    }

    /// Reads the harness's text: an image a line, pixels from 0 to 1.
    ///
    /// # Errors
    /// If there are not `count` lines of 784 numbers from 0 to 1.
    pub fn from_text(text: &str, count: usize) -> Result<Self, Failure> {
        let mut levels = Vec::with_capacity(count.saturating_mul(PIXELS).min(text.len()));
        for (image, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            let before = levels.len();
            for (pixel, word) in line.split_ascii_whitespace().enumerate() {
                let value: f64 =
                    word.parse().map_err(|_| format!("image {image}, pixel {pixel}: `{word}`"))?;
                if !(0.0..=1.0).contains(&value) {
                    return Err(format!("image {image}, pixel {pixel}: {value}, needed 0 to 1").into());
                }
                levels.push((value * f64::from(WHITE)).round() as u8);
            }
            let found = levels.len() - before;
            if found != PIXELS {
                return Err(format!("image {image} has {found} pixels, needed {PIXELS}").into());
            }
        }
        Self::new(levels, count)
    }

    /// Number of images.
    pub fn count(&self) -> usize {
        self.0.len() / PIXELS
    }

    /// All pixels.
    pub fn levels(&self) -> &[u8] {
        &self.0
    }

    /// Images, each a slice of 784 pixels.
    pub fn images(&self) -> impl Iterator<Item = &[u8]> {
        self.0.chunks_exact(PIXELS)
    }

    /// One pixel of some images.
    pub fn pixel(&self, pixel: usize, images: std::ops::Range<usize>) -> Vec<i64> {
        images.map(|image| i64::from(self.0[image * PIXELS + pixel])).collect()
    }
}

#[test]
fn text_becomes_levels_or_an_error_that_names_the_place() {
    let line = |first: &str| format!("{first} 0.5 {}\n", vec!["1.000000"; PIXELS - 2].join(" "));
    let pixels = Pixels::from_text(&line("0.160784").repeat(2), 2).unwrap();
    assert_eq!((pixels.count(), &pixels.levels()[..3]), (2, &[0, 2, 3][..]));
    assert_eq!(pixels.pixel(1, 0..2), [2, 2]);
    for (text, count, told) in [
        (line("1.5"), 1, "image 0, pixel 0: 1.5"),
        (line("x"), 1, "image 0, pixel 0: `x`"),
        (line("NaN"), 1, "NaN"),
        (line("0 0"), 1, "image 0 has 785 pixels"),
        (line("0"), 2, "784 pixels, needed 784 for each of 2"),
        (line("0"), usize::MAX, "784 pixels"),
    ] {
        let error = Pixels::from_text(&text, count).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert!(Pixels::new(vec![4; PIXELS], 1).is_err());
}
