//! The operations that a network is computed by.

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::{EvaluationKeys, Parameters};

use crate::activation::Function;
use crate::engine::Result;
use crate::numbers::words::Format;

/// Values and derivatives.
pub(crate) type Pair<W> = (Vec<W>, Vec<W>);

/// Operations on many words at a time; those of one call do not depend on each other. Results are in the order of the
/// operands. They refuse where the scheme does.
pub(crate) trait Arithmetic {
    type Word: Clone + Send + Sync;

    fn format(&self) -> Format;

    /// A constant, which need not be secret.
    fn constant(&self, value: i64) -> Result<Self::Word>;

    /// `a + b`
    fn add(&self, pairs: &[(&Self::Word, &Self::Word)]) -> Result<Vec<Self::Word>>;

    /// `a - b`
    fn sub(&self, pairs: &[(&Self::Word, &Self::Word)]) -> Result<Vec<Self::Word>>;

    /// `a·b`, rounded as the format says.
    fn mul(&self, pairs: &[(&Self::Word, &Self::Word)]) -> Result<Vec<Self::Word>>;

    /// `a·b + c` for each pair and its `c`.
    fn mul_add(
        &self,
        pairs: &[(&Self::Word, &Self::Word)],
        addends: &[&Self::Word],
    ) -> Result<Vec<Self::Word>> {
        let products = self.mul(pairs)?;
        self.add(&products.iter().zip(addends.iter().copied()).collect::<Vec<_>>())
    }

    /// `⌊a / 2^k⌋`
    fn shift_right(&self, words: &[&Self::Word], k: u32) -> Result<Vec<Self::Word>>;

    /// One of the functions that the arithmetic was made for.
    fn activate(&self, function: usize, words: &[&Self::Word]) -> Result<Vec<Self::Word>>;

    /// An activation and its derivative.
    fn activate_and_derive(&self, function: usize, words: &[&Self::Word]) -> Result<Pair<Self::Word>>;

    /// The sum of each group; by this one in a tree, the groups side by side.
    fn sum(&self, groups: &[Vec<&Self::Word>]) -> Result<Vec<Self::Word>> {
        let mut sums = self.halve(groups)?;
        while sums.iter().any(|group| group.len() > 1) {
            let groups: Vec<Vec<&Self::Word>> = sums.iter().map(|group| group.iter().collect()).collect();
            sums = self.halve(&groups)?;
        }
        sums.into_iter().map(|group| group.into_iter().next().map_or_else(|| self.constant(0), Ok)).collect()
    }

    /// Each group with its words added in pairs.
    fn halve(&self, groups: &[Vec<&Self::Word>]) -> Result<Vec<Vec<Self::Word>>> {
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

    fn write(word: &Self::Word, out: &mut Writer);

    /// Reads a word.
    ///
    /// # Errors
    /// If the bytes are not a word of this format, or it hides nothing.
    fn read(&self, from: &mut Reader<'_>) -> Result<Self::Word, WireError>;
}

/// Bootstraps that each operation on a word takes; parts of one where operations share them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Prices {
    pub(crate) sum: f64,
    pub(crate) product: f64,
    pub(crate) shift: f64,
    pub(crate) activation: f64,
    pub(crate) derivative: f64,
}

/// How words become ciphertexts of TFHE.
pub(crate) trait Coding: Arithmetic + Sized + Send + Sync + 'static {
    fn parameters() -> Result<Parameters, he_tfhe::Error>;

    fn ciphertexts(format: Format) -> usize;

    fn can(function: &Function) -> bool;

    /// Bootstraps that each operation on a word takes.
    ///
    /// # Errors
    /// If there are no words of this format.
    fn bootstraps_of(format: Format) -> Result<Prices>;

    /// The operations of a server, for some functions.
    ///
    /// # Errors
    /// If the keys are for another coding, or there is no circuit for a function.
    fn new(format: Format, functions: &[Function], keys: EvaluationKeys) -> Result<Self>;

    /// Reads a word under some parameters, as [`Arithmetic::read`] does.
    ///
    /// # Errors
    /// If the bytes are not a word of this format, or it hides nothing.
    fn read_word(format: Format, params: &Parameters, from: &mut Reader<'_>)
    -> Result<Self::Word, WireError>;
}
