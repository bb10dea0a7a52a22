//! Keys of BGV bootstrapping.

use std::sync::LazyLock;

use he_ckks::bootstrap::Order;
use he_core::wire::Header;
use he_switch::bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget, Parameters};

use crate::world::{CKKS, object};

/// The kind of these keys on the wire.
pub const KIND: u16 = 7;

/// The least rings there are.
pub static BOOTSTRAP: LazyLock<Parameters> = LazyLock::new(|| {
    let preset = BootstrapSpec::new(3, 17, 2).expect("two primes");
    let order = Order::CoefficientsFirst;
    let bootstrap = CKKS.spec().bootstrap.clone().map(|b| he_ckks::BootstrapSpec { order, ..b });
    let ckks = he_ckks::Spec { bootstrap, ..CKKS.spec().clone() };
    let spec = BootstrapSpec { ckks, ..preset };
    spec.build_insecure("fuzzing: no secret is in it").expect("parameters")
});

/// The rest of the bytes are keys, sealed or to be sealed: see the crate.
pub fn bgv_bootstrap(bytes: &[u8]) {
    let params = &*BOOTSTRAP;
    let bytes = object(&Header { tag: he_switch::TAG, kind: KIND, params: *params.hash() }, bytes);
    let Ok(keys) = BootstrapKeys::from_bytes(params, &bytes) else { return };
    assert_eq!(keys.to_bytes().expect("bytes"), bytes);
    // Wrong keys give wrong results, and errors where estimates say so, but no panic.
    let bootstrapper = Bootstrapper::new(keys).expect("transforms");
    let secret = he_bgv::SecretKey::generate(params.bgv()).expect("a key");
    let plaintext = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[1, 2]).expect("a plaintext");
    let c = he_bgv::Encryptor::with_secret(&secret).encrypt_at(&plaintext, 0).expect("a ciphertext");
    let _ = bootstrapper.bootstrap(&[c], Budget::bits(20));
}
