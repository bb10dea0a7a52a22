//! TLS without a C toolchain: rustls over graviola, which is Rust and the instructions of x86-64 and AArch64.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::sync::Arc;

use ureq::tls::{ClientCert, RootCerts, TlsConfig};

/// The message where there is none.
pub(crate) const MISSING: &str =
    "this processor has no TLS here (AES, AVX2 and ADX, or AArch64 with AES, are needed)";

/// The settings of TLS with these roots, and a certificate of the client's if it has one; none where the processor lacks what graviola
/// needs.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) fn config(roots: RootCerts, own: Option<ClientCert>) -> Option<TlsConfig> {
    let provider = || Arc::new(rustls_graviola::default_provider());
    let config = || TlsConfig::builder().unversioned_rustls_crypto_provider(provider());
    supported().then(|| config().root_certs(roots).client_cert(own).build())
}

/// The settings of TLS: there is none for this processor.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) fn config(_roots: RootCerts, _own: Option<ClientCert>) -> Option<TlsConfig> {
    None
}

/// The cryptography of rustls; none where the processor lacks what graviola needs.
#[cfg(all(feature = "serve", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) fn provider() -> Option<Arc<rustls::crypto::CryptoProvider>> {
    supported().then(|| Arc::new(rustls_graviola::default_provider()))
}

/// The cryptography of rustls: there is none for this processor.
#[cfg(all(feature = "serve", not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(crate) fn provider() -> Option<std::sync::Arc<rustls::crypto::CryptoProvider>> {
    None
}

#[cfg(target_arch = "x86_64")]
fn supported() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("aes")
        && has!("pclmulqdq")
        && has!("ssse3")
        && has!("bmi1")
        && has!("bmi2")
        && has!("adx")
        && has!("avx")
        && has!("avx2")
}

#[cfg(target_arch = "aarch64")]
fn supported() -> bool {
    use std::arch::is_aarch64_feature_detected as has;
    has!("neon") && has!("aes") && has!("pmull") && has!("sha2")
}
