//! BGV and CKKS over shared primes.
//!
//! The first primes `q_0, …, q_{l−1}` of the CKKS chain are the primes of the BGV scheme: a BGV ciphertext is one of CKKS's ring
//! over a shorter chain, and comes back from a lift with all of its primes. For a plaintext modulus `t` that is a power of two
//! they are 1 modulo `t` where there are enough such primes: then `Q ≡ 1 (mod t)` and no ciphertext has a correction factor.
//!
//! Secrets: BGV's in a ring of dimension `n`, CKKS's in one of dimension `N ≥ n`. A key that leads into the large ring under
//! a secret of the small one protects as much as that secret does in its own ring: its modulus is held to the small
//! dimension's cap.

use he_ckks::bootstrap::{BootstrapSpec as Circuit, Order};
use he_core::rlwe::{self, SecretDistribution};

use crate::error::Error;

/// The most primes of BGV whose CKKS chain has 128 bits at `N = 65536`.
const MOST_PRIMES: usize = 10;
/// `log2` of the largest power of two that primes of 45 bits are congruent to 1 modulo.
const MOST_CONGRUENT: u32 = 30;

/// The parameters of BGV with bootstrapping, before they are checked: a BGV scheme over the first primes of the CKKS chain that
/// lifts it.
///
/// ```
/// # use he_switch::{Error, bgv::BootstrapSpec, he_bgv};
/// # fn main() -> Result<(), Error> {
/// // BGV as it would be without bootstrapping: slots modulo 65,537, 140 bits in three primes.
/// let bgv = he_bgv::Spec {
///     log_n: 13,
///     plaintext_modulus: 65_537,
///     q_bits: vec![50, 45, 45],
///     p_bits: vec![50],
///     digit: 1,
/// };
/// let params = BootstrapSpec::for_bgv(&bgv)?.build()?;
/// assert_eq!((params.bgv().max_level(), params.capacity()), (2, 8));
/// // 230 bits would not give 128-bit security at N = 8192, whatever CKKS has.
/// assert!(BootstrapSpec::new(13, 65_537, 4)?.build().is_err());
/// // What does not fit is named.
/// let error = BootstrapSpec::for_bgv(&he_bgv::Spec { q_bits: vec![41; 4], ..bgv }).err();
/// assert!(error.is_some_and(|error| error.to_string().contains("41")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapSpec {
    /// `log2` of BGV's ring dimension `n`.
    pub log_n: u32,
    /// BGV's plaintext modulus `t`, 2 to `2^49`.
    pub plaintext_modulus: u64,
    /// The CKKS instance that lifts, with coefficients first; BGV has as many primes as it has levels for its user, and one.
    pub ckks: he_ckks::Spec,
}

impl BootstrapSpec {
    /// BGV in dimension `2^log_n` modulo `t` over so many primes, the first of 50 bits and the others of 45, under CKKS at
    /// `N = 65536` with a uniform secret. At 128 bits three primes fit into `n = 8192`, eight into 16,384, ten into 32,768 and
    /// 65,536.
    ///
    /// # Errors
    /// If there are less than 2 primes or more than 10.
    pub fn new(log_n: u32, plaintext_modulus: u64, primes: usize) -> Result<Self, Error> {
        if !(2..=MOST_PRIMES).contains(&primes) {
            let (found, needed) = (primes.to_string(), format!("2 to {MOST_PRIMES}"));
            return Err(Error::Mismatch { field: "the number of BGV's primes", found, needed });
        }
        Ok(Self::over(log_n, plaintext_modulus, primes))
    }

    /// Bootstrapping for a BGV scheme of these sizes. Its primes are those of the CKKS chain that is picked: the first of up to
    /// 50 bits, the others of one size, 2 to 5 bits shorter; one special prime of 50 bits, and digits of one prime.
    ///
    /// # Errors
    /// If a size is another; the message names it.
    pub fn for_bgv(spec: &he_bgv::Spec) -> Result<Self, Error> {
        let (first, others) = spec.q_bits.split_first().map_or((0, &[][..]), |(&first, rest)| (first, rest));
        let scale = others.first().copied().unwrap_or(0);
        let fits = first <= 50 && (2..=5).contains(&first.saturating_sub(scale));
        if !fits || others.iter().any(|&bits| bits != scale) {
            let (found, needed) = (format!("{:?}", spec.q_bits), "[50, 45, 45, …] or the like".into());
            return Err(Error::Mismatch { field: "bits of BGV's primes", found, needed });
        }
        if spec.p_bits != [50] || spec.digit != 1 {
            let found = format!("{:?} with digits of {}", spec.p_bits, spec.digit);
            let needed = "[50] with digits of 1".into();
            return Err(Error::Mismatch { field: "bits of BGV's special primes", found, needed });
        }
        let preset = Self::new(spec.log_n, spec.plaintext_modulus, spec.q_bits.len())?;
        let ckks = he_ckks::Spec { first_bits: first, scale_bits: scale, ..preset.ckks };
        Ok(Self { ckks, ..preset })
    }

    /// Small rings, for fast tests, over three primes and with `t = 2^26`: they protect nothing.
    pub fn insecure_small() -> Self {
        let preset = Self::glyph();
        Self { log_n: 10, ckks: he_ckks::Spec { log_n: 11, ..preset.ckks }, ..preset }
    }

    /// `t = 2^26` at `n = 8192` over three primes.
    pub(crate) fn glyph() -> Self {
        Self::over(13, 1 << 26, 3)
    }

    fn over(log_n: u32, plaintext_modulus: u64, primes: usize) -> Self {
        let uniform = he_ckks::Spec::bootstrap_uniform();
        let order = Order::CoefficientsFirst;
        let bootstrap = uniform.bootstrap.clone().map(|b| Circuit { order, ..b });
        let ckks = he_ckks::Spec { levels: primes - 1, bootstrap, ..uniform };
        Self { log_n, plaintext_modulus, ckks }.with_modulus(plaintext_modulus)
    }

    /// These schemes with another plaintext modulus.
    #[must_use]
    pub fn with_modulus(self, t: u64) -> Self {
        let congruent = t.is_power_of_two() && t <= 1 << MOST_CONGRUENT;
        let ckks = he_ckks::Spec { congruence: if congruent { t } else { 1 }, ..self.ckks };
        Self { plaintext_modulus: t, ckks, ..self }
    }

    /// Parameters at 128-bit security, of all secrets: BGV's, that of CKKS, and the ephemeral one of its bootstrap.
    ///
    /// # Errors
    /// If one of them has less, or the schemes do not fit together.
    pub fn build(&self) -> Result<Parameters, Error> {
        self.check_order()?;
        self.freeze(None)
    }

    /// Parameters without security, for fast tests; `reason` says why that is right.
    ///
    /// # Errors
    /// If the schemes do not fit together.
    pub fn build_insecure(&self, reason: &str) -> Result<Parameters, Error> {
        self.check_order()?;
        self.freeze(Some(reason))
    }

    /// Refuses a CKKS instance whose bootstrap does not refresh coefficients.
    fn check_order(&self) -> Result<(), Error> {
        let found = self.ckks.bootstrap.as_ref().map(|bootstrap| bootstrap.order);
        if found == Some(Order::CoefficientsFirst) {
            return Ok(());
        }
        let (found, needed) = (format!("{found:?}"), format!("{:?}", Some(Order::CoefficientsFirst)));
        Err(Error::Mismatch { field: "the order of bootstrapping", found, needed })
    }

    pub(crate) fn freeze(&self, insecure: Option<&str>) -> Result<Parameters, Error> {
        if self.log_n > self.ckks.log_n {
            let (found, needed) = (format!("2^{}", self.log_n), format!("at most 2^{}", self.ckks.log_n));
            return Err(Error::Mismatch { field: "the dimension of BGV", found, needed });
        }
        let ckks = match insecure {
            None => self.ckks.build()?,
            Some(reason) => self.ckks.build_insecure(reason)?,
        };
        let chain = ckks.rlwe().spec();
        let missing = || Error::Mismatch {
            field: "special primes of CKKS",
            found: "0".into(),
            needed: "one or more".into(),
        };
        let (q, p) = (&chain.q[..1 + self.ckks.levels], chain.p.get(..1).ok_or_else(missing)?);
        let (log_n, t) = (self.log_n, self.plaintext_modulus);
        let bgv = match insecure {
            None => he_bgv::Parameters::over_primes(log_n, t, q, p, 1)?,
            Some(reason) => he_bgv::Parameters::over_primes_insecure(log_n, t, q, p, 1, reason)?,
        };
        let joint = ring(self.ckks.log_n, q, p, chain.sigma, insecure)?;
        let top = ring(log_n, q, p, chain.sigma, insecure)?;
        let hash = fingerprint([bgv.rlwe().hash(), ckks.hash()]);
        Ok(Parameters { bgv, ckks, joint, top, hash })
    }
}

/// Parameters of a bridge's keys in the ring of dimension `2^log_n`.
pub(crate) fn ring(
    log_n: u32,
    q: &[u64],
    p: &[u64],
    sigma: f64,
    insecure: Option<&str>,
) -> Result<rlwe::Parameters, Error> {
    let spec = rlwe::Spec {
        log_n,
        q: q.to_vec(),
        p: p.to_vec(),
        digit: 1,
        secret: SecretDistribution::UniformTernary,
        sigma,
        error_factor: 1,
    };
    Ok(match insecure {
        None => spec.build()?,
        Some(reason) => spec.build_insecure(reason)?,
    })
}

/// The hash of the parameters of BGV, its plaintext modulus among them, and CKKS.
fn fingerprint(schemes: [&[u8; 32]; 2]) -> [u8; 32] {
    blake3::derive_key(
        "he-switch BGV bootstrapping parameters v1",
        &schemes.map(<[u8; 32]>::as_slice).concat(),
    )
}

/// Checked parameters of BGV with bootstrapping; cheap to clone.
///
/// ```
/// # use he_switch::{Error, bgv::BootstrapSpec};
/// # fn main() -> Result<(), Error> {
/// let params = BootstrapSpec::insecure_small().build_insecure("an example")?;
/// // The rings of BGV and CKKS; ciphertexts of the small one lie side by side in the large one.
/// assert_eq!([params.bgv().n(), params.ckks().n(), params.capacity()], [1024, 2048, 2]);
/// // What keeps to 128 bits, and how much is left: keys of BGV, of CKKS, and those between them.
/// let params = BootstrapSpec::new(16, 257, 10)?.build()?;
/// assert!(params.margins().len() == 4 && params.margins().iter().all(|margin| margin.bits() >= 0.0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Parameters {
    bgv: he_bgv::Parameters,
    ckks: he_ckks::Parameters,
    /// The primes of BGV in the ring of CKKS.
    joint: rlwe::Parameters,
    /// The primes of BGV in its own ring, for messages at the top.
    top: rlwe::Parameters,
    hash: [u8; 32],
}

impl Parameters {
    /// Parameters of BGV.
    pub fn bgv(&self) -> &he_bgv::Parameters {
        &self.bgv
    }

    /// Parameters of CKKS.
    pub fn ckks(&self) -> &he_ckks::Parameters {
        &self.ckks
    }

    /// The plaintext modulus `t` of BGV.
    pub fn t(&self) -> u64 {
        self.bgv.t().value()
    }

    /// The hash that objects of these parameters are sealed with: that of the parameters of all schemes.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Whether both have the same schemes.
    pub fn same(&self, other: &Self) -> bool {
        self.hash == other.hash
    }

    /// Number of BGV ciphertexts that fit side by side into a ciphertext of CKKS, and are bootstrapped at the price of one.
    pub fn capacity(&self) -> usize {
        self.joint.n() / self.top.n()
    }

    /// How far moduli are from the bounds for 128 bits: of the keys of BGV and of CKKS, the ephemeral ones of its bootstrap, and
    /// those that lead from CKKS to BGV, under BGV's secret. Those that lead to CKKS have fewer primes than its own.
    pub fn margins(&self) -> Vec<rlwe::Margin> {
        let between = [self.bgv.rlwe().margin("bgv"), self.top.margin("bgv, top of the modulus")];
        between.into_iter().flatten().chain(self.ckks.margins()).collect()
    }

    /// These parameters as a part of larger ones, whose hash seals their objects.
    pub(crate) fn sealed_with(self, hash: [u8; 32]) -> Self {
        Self { hash, ..self }
    }

    /// The order of the transforms in the bootstrap of CKKS.
    pub(crate) fn order(&self) -> Option<Order> {
        self.ckks.spec().bootstrap.as_ref().map(|bootstrap| bootstrap.order)
    }

    pub(crate) fn joint(&self) -> &rlwe::Parameters {
        &self.joint
    }

    pub(crate) fn top(&self) -> &rlwe::Parameters {
        &self.top
    }
}

he_core::brief_debug!(Parameters: |a| bgv = a.bgv, ckks = a.ckks);
