//! Plaintexts as points of the torus: message `m` of `p` bits is `m/2^{p+1}`, a bit of gates is `1/8` or `−1/8`.

use zeroize::Zeroizing;

use crate::error::Error;
use crate::params::Parameters;

/// The phase `m/2^{p+1}` of message `m`, for `p` bits of messages and carries.
pub(crate) fn encode(params: &Parameters, message: u64) -> u32 {
    (message << step_log(params)) as u32
}

/// `log2` of the distance of two messages, in units of `2^-32`.
pub(crate) fn step_log(params: &Parameters) -> u32 {
    31 - params.spec().message_bits - params.spec().carry_bits
}

/// The phase of a bit in gates.
pub(crate) fn bit_phase(bit: bool) -> u32 {
    // Without a branch: +1/8 or −1/8 of 2^32.
    (u32::from(bit) << 30).wrapping_sub(1 << 29)
}

/// The phases of messages, each of which has to be one.
pub(crate) fn message_phases(params: &Parameters, messages: &[u64]) -> Result<Zeroizing<Vec<u32>>, Error> {
    let modulus = params.spec().messages();
    if let Some(index) = messages.iter().position(|&m| m >= modulus) {
        return Err(Error::MessageOutOfRange { what: "encryption", index, modulus });
    }
    Ok(Zeroizing::new(messages.iter().map(|&m| encode(params, m)).collect()))
}
