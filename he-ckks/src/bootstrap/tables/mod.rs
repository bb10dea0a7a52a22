//! Integers modulo `t` in coefficients, cleaned and looked up in tables while they are refreshed.
//!
//! An integer `m` stands in a coefficient as `m·q_0/t` modulo the first prime, with a small error. After modulus raising and
//! coefficients-to-slots the exponential of modular reduction is `E = exp(2πi·(m/t + ε))`, whatever multiple of `q_0` was added.
//! A table `f` is then one polynomial in `E` (Alexandru, Kim, Polyakov 2024): with the discrete Fourier transform
//! `f̂_k = Σ_m f(m)·e^{−2πi·km/t}`,
//!
//! ```text
//! F(E) = f̂_0/t + 2·Re Σ_{k=1}^{t−1} (1/t)(1 − k/t)·f̂_k·E^k
//! ```
//!
//! is the trigonometric Hermite interpolation of Fejér: `F = f(m)` and `dF/dε = 0` at every `m/t`, so that an error `ε` leaves
//! with its square. Fejér's kernel is not negative and sums to 1: no result
//! passes the extremes of the table. All tables of one argument share its powers.
//!
//! **Wide integers** do not fit a table: they are *truncated* first, see [`Bootstrapper::truncate`]. **Smooth functions** of numbers that
//! are no integers are Fourier series in the same exponential, see [`FourierSeries`].
//!
//! [`Bootstrapper::truncate`]: super::Bootstrapper::truncate

mod fourier;
mod integers;
mod lookup;
mod phase;
mod table;
mod truncation;

pub use fourier::FourierSeries;
pub use integers::Integers;
pub use table::Table;
