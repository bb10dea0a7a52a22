//! Parameters: those of BGV, with the numbers that lead to the top of the modulus and back.

use std::ops::Deref;
use std::sync::Arc;

use he_bgv::Error;
use he_core::Modulus;

/// The specification of an instance: that of BGV, which has the same ring, chain of primes and plaintext modulus.
///
/// ```
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// let spec = Spec(he_bgv::Spec { plaintext_modulus: 65_537, ..he_bgv::Spec::n8192() });
/// let params = spec.build()?;
/// assert_eq!((params.n(), params.t().value(), params.max_level()), (8192, 65_537, 3));
/// // 230 bits would not give 128-bit security in this dimension.
/// let large = Spec(he_bgv::Spec { q_bits: vec![45; 4], ..spec.0 });
/// assert!(large.build().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec(
    /// Ring, primes and plaintext modulus.
    pub he_bgv::Spec,
);

impl Spec {
    /// Preset: [`he_bgv::Spec::n8192`], two or three products at 128 bits of security.
    pub fn n8192() -> Self {
        Self(he_bgv::Spec::n8192())
    }

    /// Preset: [`he_bgv::Spec::n16384`], six or seven products at 128 bits of security.
    pub fn n16384() -> Self {
        Self(he_bgv::Spec::n16384())
    }

    /// Preset: [`he_bgv::Spec::n8192_wide`], a plaintext prime of 40 bits.
    pub fn n8192_wide() -> Self {
        Self(he_bgv::Spec::n8192_wide())
    }

    /// Preset: [`he_bgv::Spec::n16384_wide`], a plaintext prime of 49 bits.
    pub fn n16384_wide() -> Self {
        Self(he_bgv::Spec::n16384_wide())
    }

    /// Parameters at 128-bit security.
    ///
    /// # Errors
    /// If a field is out of range, `t` is no unit modulo a prime, or `log2(Q·P)` is above the cap for 128 bits.
    pub fn build(&self) -> Result<Parameters, Error> {
        Ok(Parameters::from_bgv(&self.0.build()?))
    }

    /// Parameters without security, for fast tests and comparisons; `reason` says why that is right.
    ///
    /// # Errors
    /// If a field is out of range, or the reason is empty.
    pub fn build_insecure(&self, reason: &str) -> Result<Parameters, Error> {
        Ok(Parameters::from_bgv(&self.0.build_insecure(reason)?))
    }
}

/// Checked parameters; cheap to clone. They are parameters of BGV wherever those are taken.
///
/// ```
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// let params = Spec::n8192().build()?;
/// // The encoder is that of BGV.
/// let encoder = Encoder::new(&params);
/// assert_eq!(encoder.slots()?, params.n());
/// assert!(Parameters::from_bgv(params.bgv()).same(&params));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Parameters {
    bgv: he_bgv::Parameters,
    scalars: Arc<Scalars>,
}

/// Numbers modulo the primes of `Q`.
struct Scalars {
    /// `−t^{−1}`: up.
    up: Vec<u64>,
    /// `−t`: down; and the product of two ciphertexts at the top is brought back to it.
    down: Vec<u64>,
    /// `t²`: the product of two ciphertexts at the top, down.
    product: Vec<u64>,
}

impl Parameters {
    /// The parameters of BFV over those of BGV.
    pub fn from_bgv(bgv: &he_bgv::Parameters) -> Self {
        let t = bgv.t().value();
        let basis = bgv.rlwe().basis(bgv.max_level() + 1);
        let each = |number: &dyn Fn(&Modulus) -> u64| basis.moduli().map(number).collect();
        // `t` is no multiple of a prime: checked when the parameters of BGV were built.
        let scalars = Scalars {
            up: each(&|q| q.neg(q.inv(q.reduce(t)).expect("t is a unit modulo every prime"))),
            down: each(&|q| q.neg(q.reduce(t))),
            product: each(&|q| q.mul(q.reduce(t), q.reduce(t))),
        };
        Self { bgv: bgv.clone(), scalars: Arc::new(scalars) }
    }

    /// The parameters of BGV.
    pub fn bgv(&self) -> &he_bgv::Parameters {
        &self.bgv
    }

    pub(crate) fn up(&self) -> &[u64] {
        &self.scalars.up
    }

    pub(crate) fn down(&self) -> &[u64] {
        &self.scalars.down
    }

    pub(crate) fn product_down(&self) -> &[u64] {
        &self.scalars.product
    }

    /// `Q_l^{−1} mod t`, by which the correction factors of both schemes differ at a level.
    pub(crate) fn inverse_of_q(&self, level: usize) -> u64 {
        let (t, primes) = (self.t(), &self.rlwe().spec().q[..=level]);
        let q = primes.iter().fold(t.reduce(1), |product, &q| t.mul(product, t.reduce(q)));
        t.inv(q).expect("the primes are units modulo t")
    }
}

impl Deref for Parameters {
    type Target = he_bgv::Parameters;

    fn deref(&self) -> &he_bgv::Parameters {
        &self.bgv
    }
}

he_core::brief_debug!(Parameters: |a| bgv = a.bgv);
