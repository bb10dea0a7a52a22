//! The bridges that a server needs, and the kinds of keys that open them.

use std::collections::BTreeSet;
use std::fmt;

/// A way from one scheme to another.
///
/// ```
/// # use he_switch::{Bridge, KeyKind, KeyRequest};
/// // Results of tables go back to the client, not to BGV: no keys of CKKS are needed.
/// let one_way = KeyRequest::default().bridge(Bridge::BgvToTfhe);
/// assert_eq!(one_way.kinds(), [KeyKind::Tfhe, KeyKind::BgvToTfhe]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bridge {
    /// Coefficients of BGV ciphertexts as LWE ciphertexts of TFHE.
    BgvToTfhe,
    /// Packed ciphertexts of TFHE as BGV ciphertexts.
    TfheToBgv,
    /// BGV ciphertexts refreshed by the bootstrap of CKKS.
    BgvRefresh,
    /// Slots of CKKS ciphertexts as LWE ciphertexts of TFHE.
    CkksToTfhe,
    /// Packed ciphertexts of TFHE in slots of CKKS.
    TfheToCkks,
}

impl Bridge {
    /// The kinds of keys that it takes.
    fn keys(self) -> &'static [KeyKind] {
        match self {
            Self::BgvToTfhe => &[KeyKind::Tfhe, KeyKind::BgvToTfhe],
            Self::TfheToBgv => &[KeyKind::Tfhe, KeyKind::Ckks, KeyKind::TfheToCkks, KeyKind::BgvCkks],
            Self::BgvRefresh => &[KeyKind::Ckks, KeyKind::BgvCkks],
            Self::CkksToTfhe => &[KeyKind::Tfhe, KeyKind::Ckks, KeyKind::CkksToTfhe],
            Self::TfheToCkks => &[KeyKind::Tfhe, KeyKind::Ckks, KeyKind::TfheToCkks],
        }
    }
}

/// A kind of evaluation keys. Each is a message of its own.
///
/// ```
/// # use he_switch::KeyKind;
/// assert_eq!(KeyKind::BgvToTfhe.to_string(), "key from BGV to TFHE");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Relinearization and Galois keys of BGV.
    Bgv,
    /// Keys of TFHE's bootstraps and of packing.
    Tfhe,
    /// Keys of CKKS's bootstraps, and those of products and rotations between them.
    Ckks,
    /// The ring-switching key from BGV's secret to TFHE's.
    BgvToTfhe,
    /// The ring-switching key from CKKS's secret to TFHE's.
    CkksToTfhe,
    /// The key from TFHE's secret to that of CKKS, on the way to CKKS and to BGV.
    TfheToCkks,
    /// The keys between the secrets of BGV and CKKS.
    BgvCkks,
    /// Galois keys of BGV that take a ciphertext apart.
    Expansion,
}

impl KeyKind {
    /// All kinds, in the order in which they are sent.
    pub const ALL: [Self; 8] = [
        Self::Bgv,
        Self::Tfhe,
        Self::Ckks,
        Self::BgvToTfhe,
        Self::CkksToTfhe,
        Self::TfheToCkks,
        Self::BgvCkks,
        Self::Expansion,
    ];

    /// The name, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bgv => "evaluation keys of BGV",
            Self::Tfhe => "evaluation keys of TFHE",
            Self::Ckks => "evaluation and bootstrapping keys of CKKS",
            Self::BgvToTfhe => "key from BGV to TFHE",
            Self::CkksToTfhe => "key from CKKS to TFHE",
            Self::TfheToCkks => "key from TFHE to CKKS",
            Self::BgvCkks => "keys between BGV and CKKS",
            Self::Expansion => "keys of expansions",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which evaluation keys to draw: those of the requested bridges, and of what schemes compute between them.
///
/// ```
/// # use he_switch::{Error, KeyRequest, SecretKeys, Spec, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let secret = SecretKeys::generate(&params)?;
/// // Both ways between BGV and TFHE, products in BGV, and BGV ciphertexts taken apart in up to 4.
/// let products = he_bgv::KeyRequest::default().relinearization(params.bgv().max_level());
/// let request = KeyRequest::bgv_and_tfhe().bgv(products).expansion(2);
/// let keys = secret.evaluation_keys(&request)?;
/// assert_eq!(keys.kinds(), request.kinds());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest {
    bridges: BTreeSet<Bridge>,
    pub(crate) bgv: Option<he_bgv::KeyRequest>,
    pub(crate) ckks: Option<he_ckks::KeyRequest>,
    pub(crate) slots: Option<usize>,
    pub(crate) expansion: Option<u32>,
}

impl KeyRequest {
    /// Both ways between BGV and TFHE, and the refresh of BGV.
    #[must_use]
    pub fn bgv_and_tfhe() -> Self {
        Self::default().bridge(Bridge::BgvToTfhe).bridge(Bridge::TfheToBgv).bridge(Bridge::BgvRefresh)
    }

    /// Both ways between CKKS and TFHE, for parameters of [`Spec::for_slots`](crate::Spec::for_slots).
    #[must_use]
    pub fn ckks_and_tfhe() -> Self {
        Self::default().bridge(Bridge::CkksToTfhe).bridge(Bridge::TfheToCkks)
    }

    /// One more bridge.
    #[must_use]
    pub fn bridge(mut self, bridge: Bridge) -> Self {
        self.bridges.insert(bridge);
        self
    }

    /// The keys of BGV's own operations.
    #[must_use]
    pub fn bgv(self, request: he_bgv::KeyRequest) -> Self {
        Self { bgv: Some(request), ..self }
    }

    /// The keys of CKKS's own operations, beside those of its bootstrap.
    #[must_use]
    pub fn ckks(self, request: he_ckks::KeyRequest) -> Self {
        Self { ckks: Some(request), ..self }
    }

    /// Slots of the bootstraps of CKKS, a power of two; all of the ring if this is not called. A refresh of `p` BGV ciphertexts,
    /// `p` a power of two, takes `p·n/2` slots.
    #[must_use]
    pub fn slots(self, slots: usize) -> Self {
        Self { slots: Some(slots), ..self }
    }

    /// The keys that take a BGV ciphertext apart in up to `2^levels`.
    #[must_use]
    pub fn expansion(self, levels: u32) -> Self {
        Self { expansion: Some(levels), ..self }
    }

    /// The kinds of keys, in the order in which they are sent.
    pub fn kinds(&self) -> Vec<KeyKind> {
        KeyKind::ALL.into_iter().filter(|&kind| self.wants(kind)).collect()
    }

    /// Whether a kind of keys is needed.
    pub(crate) fn wants(&self, kind: KeyKind) -> bool {
        let asked = match kind {
            KeyKind::Bgv => self.bgv.is_some(),
            KeyKind::Ckks => self.ckks.is_some(),
            KeyKind::Expansion => self.expansion.is_some(),
            _ => false,
        };
        asked || self.bridges.iter().any(|bridge| bridge.keys().contains(&kind))
    }

    /// Slots of the bootstraps of CKKS, and the keys of its own operations.
    pub(crate) fn of_ckks(&self, params: &he_ckks::Parameters) -> (usize, he_ckks::KeyRequest) {
        (self.slots.unwrap_or(params.slots()), self.ckks.clone().unwrap_or_default())
    }

    /// The requested bridges.
    pub(crate) fn bridges(&self) -> impl Iterator<Item = Bridge> {
        self.bridges.iter().copied()
    }
}
