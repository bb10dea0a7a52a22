//! Bytes changed by chance, the same for the same seed.

use he_core::wire::{DIGEST_BYTES, HEADER_BYTES, MAGIC, peek, seal};

/// SplitMix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Below `n`, which is at least 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Numbers at which readers go wrong.
const NUMBERS: [u64; 18] = [
    0,
    1,
    2,
    3,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    u64::MAX >> 1,
    1 << 63,
    u64::MAX,
    // Not a number, and infinity.
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0000,
];

/// A copy with one to four changes, most of them near the beginning, where headers and lengths are.
pub(crate) fn mutated(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        let near = if chance.below(2) == 0 { out.len().min(256) } else { out.len() };
        let at = chance.below(near.max(1)).min(out.len());
        change(&mut out, at, chance);
    }
    if out == bytes {
        out.push(0);
    }
    out
}

fn change(out: &mut Vec<u8>, at: usize, chance: &mut Chance) {
    let left = out.len() - at;
    match chance.below(9) {
        0 | 1 if left > 0 => out[at] ^= 1 << chance.below(8),
        2 if left > 0 => out[at] = chance.next() as u8,
        3 | 4 if left > 0 => {
            let size = [1, 2, 4, 8][chance.below(4)].min(left);
            let number = NUMBERS[chance.below(NUMBERS.len())].to_le_bytes();
            out[at..at + size].copy_from_slice(&number[..size]);
        }
        5 => out.truncate(at),
        6 if left > 0 => {
            let size = (1 + chance.below(16)).min(left);
            drop(out.drain(at..at + size));
        }
        7 if left > 0 => {
            // A piece twice, or in another place.
            let size = (1 + chance.below(64)).min(left);
            let piece = out[at..at + size].to_vec();
            let to = chance.below(out.len());
            if chance.below(2) == 0 {
                out.splice(to..to, piece);
            } else {
                let size = size.min(out.len() - to);
                out[to..to + size].copy_from_slice(&piece[..size]);
            }
        }
        _ => {
            let piece: Vec<u8> = (0..1 + chance.below(16)).map(|_| chance.next() as u8).collect();
            out.splice(at..at, piece);
        }
    }
}

/// Whether it begins like a sealed object.
pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    peek(bytes).is_ok()
}

/// A copy of a sealed object with a changed body, sealed again, and with it every sealed object inside, so that all digests are
/// right.
pub(crate) fn mutated_inside(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let body = mutated(&bytes[HEADER_BYTES..bytes.len() - DIGEST_BYTES], chance);
    let mut out = [&bytes[..HEADER_BYTES], &body, &[0; DIGEST_BYTES]].concat();
    out[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&(body.len() as u64).to_le_bytes());
    // Inner objects begin behind outer ones.
    let places: Vec<usize> = (0..out.len()).filter(|&at| out[at..].starts_with(&MAGIC)).collect();
    for at in places.into_iter().rev() {
        let Ok((header, length)) = peek(&out[at..]) else { continue };
        let end = at.checked_add(HEADER_BYTES).and_then(|at| at.checked_add(usize::try_from(length).ok()?));
        let Some(end) = end.filter(|end| end + DIGEST_BYTES <= out.len()) else { continue };
        let sealed = seal(&header, &out[at + HEADER_BYTES..end]);
        out[end..end + DIGEST_BYTES].copy_from_slice(&sealed[sealed.len() - DIGEST_BYTES..]);
    }
    out
}
