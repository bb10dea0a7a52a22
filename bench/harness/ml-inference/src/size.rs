//! Sizes of the harness: how many images there are, and in which folder.

use crate::Failure;

/// An instance of the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Its folder below `io` and `datasets`.
    pub name: &'static str,
    /// Images.
    pub images: usize,
}

/// All instances, by the number that programs are called with.
pub const SIZES: [Size; 4] = [
    Size { name: "single", images: 1 },
    Size { name: "small", images: 15 },
    Size { name: "medium", images: 1_000 },
    Size { name: "large", images: 10_000 },
];

impl Size {
    /// The instance with a number, 0 to 3.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(number: &str) -> Result<Self, Failure> {
        let found = number.parse().ok().and_then(|number: usize| SIZES.get(number));
        found.copied().ok_or_else(|| format!("the size is `{number}`, needed 0, 1, 2 or 3").into())
    }

    /// The instance that the program is called with, its first argument.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_arguments() -> Result<Self, Failure> {
        Self::new(&std::env::args().nth(1).ok_or("an argument is missing: the size, 0, 1, 2 or 3")?)
    }
}

#[test]
fn sizes_are_four() {
    assert_eq!(Size::new("3").unwrap().images, 10_000);
    assert!(Size::new("4").is_err() && Size::new("").is_err() && Size::new("-1").is_err());
}
