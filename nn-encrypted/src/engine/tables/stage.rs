//! Names of stages.

/// Products and sums of ciphertexts, expansions included.
pub(crate) const PRODUCTS: &str = "products";
/// From layers to TFHE.
pub(crate) const SWITCHING: &str = "switching";
/// Bootstraps of tables.
pub(crate) const BOOTSTRAPS: &str = "bootstraps";
/// Packing of LWE ciphertexts.
pub(crate) const PACKING: &str = "packing";
/// From packed ciphertexts to layers, and of weights to large moduli: bootstraps of CKKS.
pub(crate) const REFRESH: &str = "refresh";
/// Phases kept for a replay, which training itself does not need.
pub(crate) const AUDIT: &str = "audit";
/// Truncations of wide integers.
pub(crate) const TRUNCATION: &str = "truncation";
/// Tables over slots.
pub(crate) const TABLES: &str = "tables";
