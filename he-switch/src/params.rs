//! Parameters of three schemes: those of [`shared`](crate::bgv), and TFHE beside them.
//!
//! TFHE's secret is in a ring of dimension `n' ≤ n`, whose ciphertexts live modulo the first of the shared primes.

use he_ckks::bootstrap::{BootstrapSpec as Circuit, Order};
use he_core::rlwe;
use he_tfhe::Decomposition;

use crate::error::Error;
use crate::shared::{self, BootstrapSpec, ring};

/// The name of the ring-switching key in a list of margins.
const RING_SWITCH: &str = "tfhe, ring switch";

/// The parameters of three schemes that share primes, before they are checked.
///
/// ```
/// # use he_switch::{Error, Spec};
/// # fn main() -> Result<(), Error> {
/// let spec = Spec::insecure_small().with_modulus(1 << 20);
/// let params = spec.build_insecure("small rings for an example")?;
/// assert_eq!(params.t(), 1 << 20);
/// // Small rings have no security, and `build` says so.
/// assert!(spec.build().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// BGV, and the CKKS instance that refreshes it. With a plaintext modulus that the primes are not congruent to 1 modulo, such
    /// as a prime with slots, messages have a correction factor that the bridge to TFHE takes away, at up to `t/2` times the
    /// noise.
    pub bgv: BootstrapSpec,
    /// The TFHE instance.
    pub tfhe: he_tfhe::Spec,
}

impl Spec {
    /// The preset: `t = 2^26`, BGV at `N = 8192` over three primes (140 bits, 190 with the special prime of its keys, at most 214),
    /// CKKS at `N = 65536` with a uniform secret, TFHE as given.
    pub fn with_tables(tfhe: he_tfhe::Spec) -> Self {
        Self { bgv: BootstrapSpec::glyph(), tfhe }
    }

    /// The preset for training: [`with_tables`](Self::with_tables) of [`he_tfhe::Spec::approximate_table()`], whose outputs have a noise below
    /// `2^-20`.
    pub fn glyph() -> Self {
        Self::with_tables(he_tfhe::Spec::approximate_table())
    }

    /// The preset for values that must be read exactly: [`with_tables`](Self::with_tables) of 5 bits behind a padding bit, in a
    /// ring of 4096.
    ///
    /// A message `v·t/2^6 + d` with `−16 ≤ v < 16` is read as `v` if the low bits `d` keep to the centre of the interval of
    /// `v`, `|d| ≤ 3/16·t/2^6`; a fresh ciphertext at the edge of that fails with a probability of `2^-58`, one without low
    /// bits of `2^-144`. Low bits beyond it are dropped as well, but are not far enough from the next interval for a promise.
    pub fn exact() -> Self {
        Self::with_tables(he_tfhe::Spec {
            lwe_dimension: 940,
            lwe_noise: -20.73,
            polynomial_size: 4096,
            key_switch: Decomposition { base_log: 2, levels: 10 },
            message_bits: 5,
            failure: -64.0,
            ..he_tfhe::Spec::approximate_table()
        })
    }

    /// Small rings, for fast tests: they protect nothing.
    pub fn insecure_small() -> Self {
        let tfhe = he_tfhe::Spec {
            lwe_dimension: 32,
            lwe_noise: -30.0,
            polynomial_size: 512,
            glwe_noise: -46.32,
            rotation: Decomposition { base_log: 15, levels: 2 },
            key_switch: Decomposition { base_log: 2, levels: 12 },
            ..he_tfhe::Spec::approximate_table()
        };
        Self { bgv: BootstrapSpec::insecure_small(), tfhe }
    }

    /// These schemes with another plaintext modulus of BGV: see [`BootstrapSpec::with_modulus`].
    #[must_use]
    pub fn with_modulus(self, t: u64) -> Self {
        Self { bgv: self.bgv.with_modulus(t), ..self }
    }

    /// These schemes with the bootstrap that refreshes slots, for bridges between CKKS and TFHE instead of BGV and TFHE.
    #[must_use]
    pub fn for_slots(self) -> Self {
        let (order, ckks) = (Order::SlotsFirst, self.bgv.ckks);
        let bootstrap = ckks.bootstrap.map(|b| Circuit { order, ..b });
        let bgv = BootstrapSpec { ckks: he_ckks::Spec { bootstrap, ..ckks }, ..self.bgv };
        Self { bgv, ..self }
    }

    /// Parameters at 128-bit security.
    ///
    /// # Errors
    /// If those of a scheme are not, or the schemes do not fit together.
    pub fn build(&self) -> Result<Parameters, Error> {
        self.freeze(None)
    }

    /// Parameters without security, for fast tests; `reason` says why that is right.
    ///
    /// # Errors
    /// If the schemes do not fit together.
    pub fn build_insecure(&self, reason: &str) -> Result<Parameters, Error> {
        self.freeze(Some(reason))
    }

    fn freeze(&self, insecure: Option<&str>) -> Result<Parameters, Error> {
        self.check()?;
        let bgv = self.bgv.freeze(insecure)?;
        let tfhe = match insecure {
            None => self.tfhe.build()?,
            Some(reason) => self.tfhe.build_insecure(reason)?,
        };
        let (q, sigma) = (bgv.joint().spec().q[0], bgv.joint().spec().sigma);
        let ring = match insecure {
            None => small_ring(self.tfhe.polynomial_size, q, sigma)?,
            // Without special primes: the dimension has no room for one.
            Some(_) => ring(self.tfhe.polynomial_size.trailing_zeros(), &[q], &[], sigma, insecure)?,
        };
        let schemes = [bgv.bgv().rlwe().hash(), bgv.ckks().hash(), tfhe.hash()];
        let hash = fingerprint(bits(bgv.t()), schemes);
        Ok(Parameters { shared: bgv.sealed_with(hash), tfhe, ring })
    }

    /// Checks that the schemes fit together.
    fn check(&self) -> Result<(), Error> {
        let mismatch =
            |field, found: String, needed: &str| Err(Error::Mismatch { field, found, needed: needed.into() });
        if self.tfhe.glwe_dimension != 1 {
            return mismatch("TFHE's GLWE dimension", self.tfhe.glwe_dimension.to_string(), "1");
        }
        let (n, bgv) = (self.tfhe.polynomial_size, &self.bgv);
        if bgv.log_n > 17 || n > 1 << bgv.log_n || bgv.log_n > bgv.ckks.log_n {
            let found = format!("{n}, 2^{} and 2^{}", bgv.log_n, bgv.ckks.log_n);
            return mismatch("the dimensions of TFHE, BGV and CKKS", found, "ascending");
        }
        Ok(())
    }
}

/// `log2 t`, rounded up.
fn bits(t: u64) -> u32 {
    u64::BITS - (t - 1).leading_zeros()
}

/// Parameters of the ring-switching key at 128-bit security: it is under TFHE's key, which is binary, and so held to the bound of
/// binary secrets beside that of the ring.
fn small_ring(n: usize, q: u64, sigma: f64) -> Result<rlwe::Parameters, Error> {
    let log_q = (q as f64).log2();
    let log_sigma = sigma.log2() - log_q;
    let none = || he_tfhe::Error::Spec {
        field: "the dimension of the ring switch",
        found: n.to_string(),
        needed: "450 or more, below which no security estimate was made".into(),
    };
    let margin = rlwe::Margin::binary(RING_SWITCH, n, log_q, log_sigma).ok_or_else(none)?;
    if margin.bits() < 0.0 {
        let (which, found, needed) = ("ring-switching", log_sigma, -margin.cap);
        return Err(he_tfhe::Error::Insecure { which, found, needed, dimension: n }.into());
    }
    // Without special primes: the dimension has no room for one.
    ring(n.trailing_zeros(), &[q], &[], sigma, None)
}

/// Checked parameters; cheap to clone.
///
/// ```
/// # use he_switch::{Error, Spec};
/// # fn main() -> Result<(), Error> {
/// let params = Spec::insecure_small().build_insecure("an example")?;
/// // The rings of TFHE, BGV and CKKS; ciphertexts of the small ones lie side by side in the large one.
/// assert_eq!([params.tfhe().n(), params.bgv().n(), params.ckks().n()], [512, 1024, 2048]);
/// assert_eq!([params.tfhe_capacity(), params.bgv_capacity()], [4, 2]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Parameters {
    shared: shared::Parameters,
    tfhe: he_tfhe::Parameters,
    /// The first prime in the ring of TFHE.
    ring: rlwe::Parameters,
}

/// The hash of `log2 t` and of the parameters of BGV, CKKS and TFHE.
fn fingerprint(log_t: u32, schemes: [&[u8; 32]; 3]) -> [u8; 32] {
    let [bgv, ckks, tfhe] = schemes.map(<[u8; 32]>::as_slice);
    blake3::derive_key("he-switch parameters v1", &[&log_t.to_le_bytes(), bgv, ckks, tfhe].concat())
}

impl Parameters {
    /// Parameters of BGV.
    pub fn bgv(&self) -> &he_bgv::Parameters {
        self.shared.bgv()
    }

    /// Parameters of CKKS.
    pub fn ckks(&self) -> &he_ckks::Parameters {
        self.shared.ckks()
    }

    /// Parameters of TFHE.
    pub fn tfhe(&self) -> &he_tfhe::Parameters {
        &self.tfhe
    }

    /// The plaintext modulus `t` of BGV.
    pub fn t(&self) -> u64 {
        self.shared.t()
    }

    /// `log2 t`, rounded up.
    pub fn log_t(&self) -> u32 {
        bits(self.t())
    }

    /// The hash that objects of these parameters are sealed with: that of the parameters of all three schemes.
    pub fn hash(&self) -> &[u8; 32] {
        self.shared.hash()
    }

    /// Whether both have the same schemes.
    pub fn same(&self, other: &Self) -> bool {
        self.shared.same(&other.shared)
    }

    /// Number of BGV ciphertexts that fit side by side into a ciphertext of CKKS.
    pub fn bgv_capacity(&self) -> usize {
        self.shared.capacity()
    }

    /// Number of packed ciphertexts of TFHE that fit side by side into a ciphertext of CKKS.
    pub fn tfhe_capacity(&self) -> usize {
        self.joint().n() / self.ring.n()
    }

    /// How far moduli and noise are from the bounds for 128 bits: of the keys of each scheme, and of those that lead from one into
    /// another, under the secret of the ring that they come from.
    ///
    /// ```
    /// # use he_switch::{Error, Spec};
    /// # fn main() -> Result<(), Error> {
    /// let margins = Spec::glyph().build()?.margins();
    /// assert!(margins.len() == 7 && margins.iter().all(|margin| margin.bits() >= 0.0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn margins(&self) -> Vec<rlwe::Margin> {
        let q = self.ring.spec().q[0] as f64;
        let log_sigma = self.ring.spec().sigma.log2() - q.log2();
        let switch = rlwe::Margin::binary(RING_SWITCH, self.ring.n(), q.log2(), log_sigma);
        let tfhe = self.tfhe.spec().margins().into_iter().flatten();
        self.shared.margins().into_iter().chain(switch).chain(tfhe).collect()
    }

    /// BGV and CKKS alone, sealed with the hash of all three schemes.
    pub fn shared(&self) -> &shared::Parameters {
        &self.shared
    }

    /// The order of the transforms in the bootstrap of CKKS.
    pub(crate) fn order(&self) -> Option<Order> {
        self.shared.order()
    }

    pub(crate) fn joint(&self) -> &rlwe::Parameters {
        self.shared.joint()
    }

    pub(crate) fn top(&self) -> &rlwe::Parameters {
        self.shared.top()
    }

    pub(crate) fn ring(&self) -> &rlwe::Parameters {
        &self.ring
    }
}

he_core::brief_debug!(Parameters: |a| shared = a.shared, tfhe = a.tfhe);

#[cfg(test)]
mod tests {
    use he_core::rlwe::params::find_primes;

    use super::*;

    #[test]
    fn the_ring_switching_key_is_held_to_the_bound_of_binary_secrets() {
        // At n = 1024 a binary secret allows log2(q/σ) = 22.8, and so 24.5 bits; a ternary one 26.
        let build = |bits| small_ring(1024, find_primes(10, &[bits], &[]).unwrap()[0], 3.19);
        assert_eq!(build(24).unwrap().security_bits(), Some(128));
        let refused = build(25).err().unwrap().to_string();
        assert!(refused.contains("ring-switching") && refused.contains("2^-22.84"), "{refused}");
        assert!(ring(10, &find_primes(10, &[25], &[]).unwrap(), &[], 3.19, None).is_ok());
        assert!(small_ring(256, find_primes(10, &[20], &[]).unwrap()[0], 3.19).is_err());
    }
}
