//! TLS without a C toolchain: rustls over graviola, which is Rust and the instructions of x86-64 and AArch64.

use ureq::tls::TlsConfig;

/// The message where there is none.
pub(super) const MISSING: &str = "this processor has no TLS here (AES, AVX2 and ADX, or AArch64 with AES, are needed); download the file by other means";

/// The settings of TLS; none where the processor lacks what graviola needs.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) fn config() -> Option<TlsConfig> {
    let provider = || std::sync::Arc::new(rustls_graviola::default_provider());
    supported().then(|| TlsConfig::builder().unversioned_rustls_crypto_provider(provider()).build())
}

/// The settings of TLS: there is none for this processor.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn config() -> Option<TlsConfig> {
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
