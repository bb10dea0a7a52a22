//! Functions approximated by polynomials in the Chebyshev basis, in floating point.
//!
//! [`ChebyshevSeries`] approximates a function on an interval. The sign function has no good polynomial near its jump;
//! [`SignComposite`] is a composition of small ones, each the best for the range the last one leaves, which needs far fewer
//! products (Lee, Lee, No, Kim 2022).

mod chebyshev;
mod error;
pub mod functions;
mod sign;
mod solve;

pub use chebyshev::ChebyshevSeries;
pub(crate) use chebyshev::divide_by_chebyshev;
pub use error::ApproximationError;
pub use sign::SignComposite;
pub(crate) use solve::solve;
