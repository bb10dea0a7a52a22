//! The operations that a network is computed by.

use crate::recipe::{Sigmoid, WordRecipe};

/// Where the point is in a word, and how words are computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Bits of a word: 8, 16 or 32.
    pub word_bits: u32,
    /// Bits behind the point.
    pub fraction_bits: u32,
    /// By circuits or by tables.
    pub sigmoid: Sigmoid,
}

impl Format {
    /// That of a recipe.
    #[must_use]
    pub fn of(recipe: &WordRecipe) -> Self {
        Self {
            word_bits: recipe.word_bits,
            fraction_bits: recipe.fraction_bits(),
            sigmoid: recipe.activation,
        }
    }

    /// The integer of a word that is `value` modulo `2^W`.
    #[must_use]
    pub fn wrap(self, value: i128) -> i64 {
        let spare = 128 - self.word_bits;
        (value << spare >> spare) as i64
    }

    /// The word of 1.
    #[must_use]
    pub fn one(self) -> i64 {
        1 << self.fraction_bits
    }

    /// The largest word.
    #[must_use]
    pub fn largest(self) -> i64 {
        (1 << (self.word_bits - 1)) - 1
    }
}

/// Why words cannot be computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WordError {
    /// Stopped from outside.
    #[error("stopped within a step")]
    Stopped,
    /// The scheme refused.
    #[error(transparent)]
    Tfhe(#[from] he_tfhe::Error),
}

/// Operations on many words at a time; those of one call do not depend on each other. Results are in the order of the
/// operands.
pub trait Arithmetic {
    /// A word.
    type Word: Clone;

    /// The format of the words.
    fn format(&self) -> Format;

    /// A constant, which need not be secret.
    ///
    /// # Errors
    /// If the scheme refuses.
    fn constant(&self, value: i64) -> Result<Self::Word, WordError>;

    /// `a + b`
    ///
    /// # Errors
    /// If the scheme refuses.
    fn add(&self, pairs: &[(&Self::Word, &Self::Word)]) -> Result<Vec<Self::Word>, WordError>;

    /// `a - b`
    ///
    /// # Errors
    /// If the scheme refuses.
    fn sub(&self, pairs: &[(&Self::Word, &Self::Word)]) -> Result<Vec<Self::Word>, WordError>;

    /// `a·b`, rounded as the format says.
    ///
    /// # Errors
    /// If the scheme refuses.
    fn mul(&self, pairs: &[(&Self::Word, &Self::Word)]) -> Result<Vec<Self::Word>, WordError>;

    /// `a·b + c` for each pair and its `c`.
    ///
    /// # Errors
    /// If the scheme refuses.
    fn mul_add(
        &self,
        pairs: &[(&Self::Word, &Self::Word)],
        addends: &[&Self::Word],
    ) -> Result<Vec<Self::Word>, WordError> {
        let products = self.mul(pairs)?;
        self.add(&products.iter().zip(addends.iter().copied()).collect::<Vec<_>>())
    }

    /// `⌊a / 2^k⌋`
    ///
    /// # Errors
    /// If the scheme refuses.
    fn shift_right(&self, words: &[&Self::Word], k: u32) -> Result<Vec<Self::Word>, WordError>;

    /// σ.
    ///
    /// # Errors
    /// If the scheme refuses.
    fn sigmoid(&self, words: &[&Self::Word]) -> Result<Vec<Self::Word>, WordError>;

    /// σ and σ'. This one is for circuits: σ' as `σ·(1 - σ)`.
    ///
    /// # Errors
    /// If the scheme refuses.
    fn sigmoid_and_derivative(&self, words: &[&Self::Word]) -> Result<Pair<Self::Word>, WordError> {
        slopes_by_products(self, self.sigmoid(words)?)
    }

    /// The sum of each group; by this one in a tree, the groups side by side.
    ///
    /// # Errors
    /// If the scheme refuses.
    fn sum(&self, groups: &[Vec<&Self::Word>]) -> Result<Vec<Self::Word>, WordError> {
        let mut sums = self.halve(groups)?;
        while sums.iter().any(|group| group.len() > 1) {
            let groups: Vec<Vec<&Self::Word>> = sums.iter().map(|group| group.iter().collect()).collect();
            sums = self.halve(&groups)?;
        }
        sums.into_iter().map(|group| group.into_iter().next().map_or_else(|| self.constant(0), Ok)).collect()
    }

    /// Each group with its words added in pairs.
    ///
    /// # Errors
    /// If the scheme refuses.
    fn halve(&self, groups: &[Vec<&Self::Word>]) -> Result<Vec<Vec<Self::Word>>, WordError> {
        let pairs: Vec<(&Self::Word, &Self::Word)> =
            groups.iter().flat_map(|group| group.chunks_exact(2).map(|pair| (pair[0], pair[1]))).collect();
        let mut sums = if pairs.is_empty() { vec![] } else { self.add(&pairs)? }.into_iter();
        let half = |group: &Vec<&Self::Word>| {
            let single = group.chunks_exact(2).remainder().iter().map(|word| (*word).clone());
            sums.by_ref().take(group.len() / 2).chain(single).collect()
        };
        Ok(groups.iter().map(half).collect())
    }

    /// Bootstraps so far.
    fn bootstraps(&self) -> u64;
}

/// Values and slopes.
pub type Pair<W> = (Vec<W>, Vec<W>);

/// The values and `σ·(1 - σ)` of each.
pub(super) fn slopes_by_products<A: Arithmetic + ?Sized>(
    words: &A,
    values: Vec<A::Word>,
) -> Result<Pair<A::Word>, WordError> {
    let one = words.constant(words.format().one())?;
    let rest = words.sub(&values.iter().map(|value| (&one, value)).collect::<Vec<_>>())?;
    let slopes = words.mul(&values.iter().zip(&rest).collect::<Vec<_>>())?;
    Ok((values, slopes))
}
