//! Parameters of BGV and of two CKKS instances.

use he_core::rlwe;

use crate::error::Error;
use crate::shared::{self, BootstrapSpec};

/// The parameters before they are checked.
///
/// ```
/// # use he_switch::{Error, tables::Spec};
/// # fn main() -> Result<(), Error> {
/// let spec = Spec::insecure_small().with_modulus(1 << 24);
/// let params = spec.build_insecure("small rings for an example")?;
/// assert_eq!((params.t(), params.capacity()), (1 << 24, 2));
/// // Small rings have no security, and `build` says so.
/// assert!(spec.build().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// BGV, and the CKKS instance that lifts and cleans.
    pub bgv: BootstrapSpec,
    /// The CKKS instance of the tables, in the same ring and with the same first prime.
    pub tables: he_ckks::Spec,
}

impl Spec {
    /// The preset at 128 bits: BGV at `N = 8192` over three primes with `t = 2^26`, both CKKS instances at `N = 65536` with uniform
    /// secrets, tables of up to 1024 entries.
    pub fn uniform() -> Self {
        Self { bgv: BootstrapSpec::glyph(), tables: he_ckks::Spec::tables_uniform() }.with_modulus(1 << 26)
    }

    /// Small rings, for fast tests: they protect nothing.
    pub fn insecure_small() -> Self {
        let bgv = BootstrapSpec::insecure_small();
        let tables = he_ckks::Spec { log_n: bgv.ckks.log_n, ..he_ckks::Spec::tables_uniform() };
        Self { bgv, tables }.with_modulus(1 << 26)
    }

    /// These schemes with another plaintext modulus of BGV: see [`BootstrapSpec::with_modulus`].
    #[must_use]
    pub fn with_modulus(self, t: u64) -> Self {
        let bgv = self.bgv.with_modulus(t);
        let tables = he_ckks::Spec { congruence: bgv.ckks.congruence, ..self.tables };
        Self { bgv, tables }
    }

    /// Parameters at 128-bit security.
    ///
    /// # Errors
    /// If those of a scheme are not, or the schemes do not fit together.
    pub fn build(&self) -> Result<Parameters, Error> {
        self.fit(self.bgv.build()?, self.tables.build()?)
    }

    /// Parameters without security, for fast tests; `reason` says why that is right.
    ///
    /// # Errors
    /// If the schemes do not fit together.
    pub fn build_insecure(&self, reason: &str) -> Result<Parameters, Error> {
        self.fit(self.bgv.build_insecure(reason)?, self.tables.build_insecure(reason)?)
    }

    fn fit(&self, shared: shared::Parameters, tables: he_ckks::Parameters) -> Result<Parameters, Error> {
        let mismatch = |field, [found, needed]: [u64; 2]| Error::Mismatch {
            field,
            found: found.to_string(),
            needed: needed.to_string(),
        };
        if tables.n() != shared.ckks().n() {
            let both = [tables.n(), shared.ckks().n()].map(|n| n as u64);
            return Err(mismatch("the dimension of the CKKS instance of the tables", both));
        }
        let firsts = [tables.rlwe(), shared.joint()].map(|rlwe| rlwe.spec().q[0]);
        if firsts[0] != firsts[1] {
            return Err(mismatch("the first prime of the CKKS instance of the tables", firsts));
        }
        let hash = blake3::derive_key(
            "he-switch parameters of tables v1",
            &[&shared.hash()[..], &tables.hash()[..]].concat(),
        );
        Ok(Parameters { shared: shared.sealed_with(hash), tables })
    }
}

/// Checked parameters; cheap to clone.
///
/// ```
/// # use he_switch::{Error, tables::Spec};
/// # fn main() -> Result<(), Error> {
/// let params = Spec::insecure_small().build_insecure("an example")?;
/// assert_eq!([params.bgv().n(), params.tables().n()], [1024, 2048]);
/// // What keeps to 128 bits: keys of BGV, those of both CKKS instances, and those between them.
/// let params = Spec::uniform().build()?;
/// assert!(params.margins().len() == 6 && params.margins().iter().all(|margin| margin.bits() >= 0.0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Parameters {
    shared: shared::Parameters,
    tables: he_ckks::Parameters,
}

impl Parameters {
    /// Parameters of BGV.
    pub fn bgv(&self) -> &he_bgv::Parameters {
        self.shared.bgv()
    }

    /// Parameters of the CKKS instance that lifts.
    pub fn ckks(&self) -> &he_ckks::Parameters {
        self.shared.ckks()
    }

    /// Parameters of the CKKS instance of the tables.
    pub fn tables(&self) -> &he_ckks::Parameters {
        &self.tables
    }

    /// The plaintext modulus `t` of BGV.
    pub fn t(&self) -> u64 {
        self.shared.t()
    }

    /// The hash that objects of these parameters are sealed with: that of the parameters of all schemes.
    pub fn hash(&self) -> &[u8; 32] {
        self.shared.hash()
    }

    /// Number of BGV ciphertexts that fit side by side into a ciphertext of CKKS, and go through tables at the price of one.
    pub fn capacity(&self) -> usize {
        self.shared.capacity()
    }

    /// How far moduli are from the bounds for 128 bits: as [`bgv::Parameters::margins`](crate::bgv::Parameters::margins), and of the
    /// keys of the tables and the ephemeral ones of their bootstrap. Keys between the secrets of both CKKS instances have fewer primes than
    /// either.
    pub fn margins(&self) -> Vec<rlwe::Margin> {
        self.shared.margins().into_iter().chain(self.tables.margins()).collect()
    }

    pub(crate) fn shared(&self) -> &shared::Parameters {
        &self.shared
    }
}

he_core::brief_debug!(Parameters: |a| shared = a.shared, tables = a.tables);
