//! What a training step needs of an encryption of complex numbers in one cycle of slots.

use he_ckks::Complex64;

/// The engine refused an operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RealError {
    /// The scheme refused.
    #[error(transparent)]
    Ckks(#[from] he_ckks::Error),
    /// A message is damaged, or of another plan.
    #[error("{what}: {source}")]
    Message {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        source: he_core::wire::WireError,
    },
    /// A mini-batch that was never sent.
    #[error("mini-batch {0} was not sent")]
    MissingBatch(usize),
    /// Stopped from outside, before anything was changed.
    #[error("stopped")]
    Stopped,
    /// A part of a mini-batch that was not sent.
    #[error("tile {0} of a mini-batch was not sent")]
    MissingTile(usize),
    /// Outputs that are too far from those the client computes.
    #[error("outputs are up to {error:e} from those computed in the clear, at most {most:e} is taken")]
    Outputs {
        /// How far.
        error: f64,
        /// What is taken.
        most: f64,
    },
    /// A sum of nothing.
    #[error("a sum without terms")]
    Empty,
    /// The plan has no bootstrapping, or has no such transform.
    #[error("the plan has no {0}")]
    Unplanned(&'static str),
}

/// Images of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// All.
    All,
    /// The first so many.
    First(usize),
    /// One.
    At(usize),
}

/// A plaintext that is zero outside a set of slots, named rather than stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mask {
    /// Images.
    pub rows: Rows,
    /// Only this index along `P`.
    pub x: Option<usize>,
    /// Only this index along `Q`.
    pub z: Option<usize>,
    /// Times the constants that stand beside the weights of this tile.
    pub tile: Option<usize>,
    /// The value.
    pub value: Complex64,
}

impl Mask {
    /// A value on some images.
    pub fn on(rows: Rows, value: Complex64) -> Self {
        Self { rows, x: None, z: None, tile: None, value }
    }
}

/// The vocabulary of encrypted training on real numbers. Slots form one cycle; sums and products are slot by slot. Levels and
/// scales are the engine's affair: operands meet at the lower level.
pub trait Slots: Sync {
    /// A ciphertext.
    type Ciphertext: Clone + Send + Sync;

    /// `Σ a·b`, to be summed further and settled then.
    ///
    /// # Errors
    /// If there is no pair, or no level left; so for every operation.
    fn dot(&self, pairs: &[(&Self::Ciphertext, &Self::Ciphertext)]) -> Result<Self::Ciphertext, RealError>;

    /// A sum of products as an operand again; takes a level.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn settle(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, RealError>;

    /// `a + b`.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn add(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, RealError>;

    /// `a − b`.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn sub(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, RealError>;

    /// `a + c` in every slot.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn add_const(&self, a: &Self::Ciphertext, c: f64) -> Result<Self::Ciphertext, RealError>;

    /// `−a`.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn negate(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, RealError>;

    /// `Σ c·a`; takes a level.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn combine(&self, terms: &[(Complex64, &Self::Ciphertext)]) -> Result<Self::Ciphertext, RealError>;

    /// `Σ mask·a`; takes a level.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn masked(&self, terms: &[(Mask, &Self::Ciphertext)]) -> Result<Self::Ciphertext, RealError>;

    /// Slot `j` of each result is slot `j + k` of the operand, for each `k`.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn rotate_many(&self, a: &Self::Ciphertext, steps: &[isize]) -> Result<Vec<Self::Ciphertext>, RealError>;

    /// Slot `j` of the result is slot `j + k` of the operand.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn rotate(&self, a: &Self::Ciphertext, k: isize) -> Result<Self::Ciphertext, RealError> {
        self.rotate_many(a, &[k])?.pop().ok_or(RealError::Empty)
    }

    /// The complex conjugates.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn conjugate(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, RealError>;

    /// In a compact gradient, the sum over all entries that hold one weight, in each of them; takes a level.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn tie(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, RealError>;

    /// The same values, of magnitude up to 1, with all levels.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn bootstrap(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, RealError>;

    /// `a` at the level at which it meets `b`, once for many uses.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn lowered(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, RealError>;

    /// The same, known to stay within a bound.
    ///
    /// # Errors
    /// As [`dot`](Self::dot).
    fn within(&self, a: Self::Ciphertext, bound: f64) -> Result<Self::Ciphertext, RealError>;

    /// From here on operations belong to this part of the step. Called often enough that an engine can stop here.
    ///
    /// # Errors
    /// If it was stopped from outside.
    fn enter(&self, _part: &str) -> Result<(), RealError> {
        Ok(())
    }
}
