//! What decrypted weights tell of the secret key, for who shows them to others.

/// What decrypted weights depend on beside what was to be computed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Disclosure {
    /// Nothing: decryption is exact, and right whatever the noise is.
    Exact,
    /// Errors that are a function of the key.
    Errors {
        /// Root mean square of those that a training step adds to a weight or bias.
        step: f64,
    },
    /// Bootstraps that may fail.
    Failures {
        /// `log2` of the probability of each.
        log2: f64,
    },
    /// Phases by which tables are looked up.
    Phases {
        /// Deviation of one, in boxes of a table.
        deviation: f64,
        /// Lookups of a step.
        lookups: usize,
    },
    /// It is not known.
    #[default]
    Unknown,
}
