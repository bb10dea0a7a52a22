//! Which rings a plan may take.

/// Which rings a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security<'a> {
    /// Rings of 128-bit security.
    Standard,
    /// Small rings without security; with the reason why that is right.
    InsecureSmall(&'a str),
}
