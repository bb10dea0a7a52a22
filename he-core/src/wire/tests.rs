//! Round trips, damage, truncation.

use super::*;
use proptest::prelude::*;

const HEADER: Header = Header { tag: Tag(1), kind: 0x1234, params: [0xab; 32] };
const LIMIT: usize = 1 << 20;

#[test]
fn layout_is_as_documented() {
    let sealed = seal(&HEADER, b"abc");
    let mut want = b"HEW1\x02\x00\x01\x34\x12".to_vec();
    want.extend([0xab; 32]);
    want.extend([3, 0, 0, 0, 0, 0, 0, 0]);
    want.extend(b"abc");
    let digest = blake3::hash(&want);
    want.extend(digest.as_bytes());
    assert_eq!(sealed, want);
    assert_eq!(open(&sealed, &HEADER, 3).unwrap(), b"abc");
    assert_eq!(peek(&sealed).unwrap(), (HEADER, 3));
}

#[test]
fn objects_are_read_one_after_another() {
    let mut bytes = seal(&HEADER, b"first");
    bytes.extend(seal(&HEADER, b""));
    let (body, used) = open_prefix(&bytes, &HEADER, LIMIT).unwrap();
    assert_eq!((body, used), (&b"first"[..], 86));
    assert_eq!(open_prefix(&bytes[used..], &HEADER, LIMIT).unwrap(), (&b""[..], 81));
    let extra = WireError::Trailing { what: "the object", extra: 81 };
    assert_eq!(open(&bytes, &HEADER, LIMIT), Err(extra));
}

#[test]
fn every_truncation_is_an_error() {
    let sealed = seal(&HEADER, b"some body");
    for len in 0..sealed.len() {
        assert!(matches!(open(&sealed[..len], &HEADER, LIMIT), Err(WireError::Truncated { .. })), "{len}");
        assert!(open_prefix(&sealed[..len], &HEADER, LIMIT).is_err());
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    let sealed = seal(&HEADER, b"some body");
    for bit in 0..8 * sealed.len() {
        let mut bad = sealed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&bad, &HEADER, LIMIT).is_err(), "{bit}");
        assert!(open_prefix(&bad, &HEADER, LIMIT).is_err(), "{bit}");
    }
}

#[test]
fn errors_name_both_sides() {
    let sealed = seal(&HEADER, b"body");
    let error = |header| open(&sealed, &header, LIMIT).unwrap_err().to_string();
    assert_eq!(error(Header { tag: Tag(5), ..HEADER }), "the object has tag 1, expected tag 5");
    assert_eq!(error(Header { kind: 7, ..HEADER }), "the object is of kind 4660, expected kind 7");
    assert_eq!(
        error(Header { params: [0; 32], ..HEADER }),
        "the object was made under parameters abababab.., expected 00000000.."
    );
    let magic = open(&[b'x'; 100], &HEADER, LIMIT).unwrap_err().to_string();
    assert_eq!(magic, "the bytes do not start with [48, 45, 57, 31] but with [78, 78, 78, 78]");
    let mut other = sealed.clone();
    other[4] = 9;
    assert_eq!(open(&other, &HEADER, LIMIT), Err(WireError::Version { found: 9 }));
    let mut damaged = sealed.clone();
    damaged[50] ^= 1;
    assert_eq!(open(&damaged, &HEADER, LIMIT), Err(WireError::Digest { bytes: 53 }));
    assert_eq!(
        open(&sealed[..84], &HEADER, LIMIT).unwrap_err().to_string(),
        "the body is truncated: 4 bytes needed, 3 there"
    );
}

#[test]
fn announced_lengths_are_not_believed() {
    let mut sealed = seal(&HEADER, b"body");
    let limit = WireError::TooLarge { what: "the body", found: 4, limit: 3 };
    assert_eq!(open(&sealed, &HEADER, 3), Err(limit));
    sealed[LENGTH_AT..HEADER_BYTES].fill(0xff);
    let huge = WireError::Truncated { what: "the body", have: 4, need: u64::MAX };
    assert_eq!(open(&sealed, &HEADER, usize::MAX), Err(huge));
    let mut out = Vec::new();
    for (count, bits) in [(usize::MAX, 64), (1 << 61, 8), (1 << 40, 41), (17, 1), (3, 6)] {
        let got = Reader::new(&[0; 2]).packed_u64(count, bits, 1, "limb", &mut out);
        assert!(matches!(got, Err(WireError::Truncated { have: 2, .. })), "{count} {bits}");
        assert_eq!(out.capacity(), 0);
    }
}

#[test]
fn numbers_round_trip() {
    let sealed = seal_with::<WireError>(&HEADER, 0, |w| {
        w.u8(1);
        w.u16(2);
        w.u32(3);
        w.u64(u64::MAX);
        w.i64(-5);
        w.f64(-0.1);
        w.len_bytes(b"text");
        w.packed_u64(&[1, 2, 3], 3)
    })
    .unwrap();
    let mut r = Reader::new(open(&sealed, &HEADER, LIMIT).unwrap());
    assert_eq!((r.u8("a").unwrap(), r.u16("b").unwrap(), r.u32("c").unwrap()), (1, 2, 3));
    assert_eq!((r.u64("d").unwrap(), r.i64("e").unwrap(), r.f64("f").unwrap()), (u64::MAX, -5, -0.1));
    assert_eq!(r.len_bytes(4, "g").unwrap(), b"text");
    let mut out = vec![9];
    r.packed_u64(3, 3, 4, "h", &mut out).unwrap();
    assert_eq!(out, [9, 1, 2, 3]);
    let spare = r.clone().u16("i").unwrap_err();
    assert_eq!(spare, WireError::Truncated { what: "i", have: 0, need: 2 });
    r.finish("body").unwrap();
}

#[test]
fn readers_refuse() {
    assert_eq!(Reader::new(&[0; 3]).finish("x"), Err(WireError::Trailing { what: "x", extra: 3 }));
    let nan = Reader::new(&f64::NAN.to_le_bytes()).f64("scale");
    assert!(matches!(nan, Err(WireError::NotFinite { what: "scale", .. })));
    let mut out = vec![7];
    let mut r = Reader::new(&[0b0001_1011]);
    let value = WireError::Value { what: "limb", index: 0, found: 3, bound: 3 };
    assert_eq!(r.packed_u64(2, 3, 3, "limb", &mut out), Err(value));
    assert_eq!(Reader::new(&[64]).packed_u64(2, 3, 3, "x", &mut out), Err(WireError::Padding { what: "x" }));
    for bits in [0, 65, u32::MAX] {
        assert_eq!(r.packed_u64(0, bits, 3, "x", &mut out), Err(WireError::Width { bits }));
        assert_eq!(Writer::new().packed_u64(&[], bits), Err(WireError::Width { bits }));
    }
    assert_eq!((out, r.remaining()), (vec![7], 1));
    let wide = Writer::new().packed_u64(&[7, 8], 3);
    assert_eq!(wide, Err(WireError::TooWide { index: 1, found: 8, bits: 3 }));
}

/// The definition, bit by bit.
fn pack_by_definition(values: &[u64], bits: u32) -> Vec<u8> {
    let mut out = vec![0; (values.len() * bits as usize).div_ceil(8)];
    for (at, bit) in values.iter().flat_map(|x| (0..bits).map(move |j| x >> j & 1)).enumerate() {
        out[at / 8] |= (bit as u8) << (at % 8);
    }
    out
}

#[test]
fn packing_meets_its_definition() {
    for bits in 1..=64 {
        for len in [0, 1, 2, 7, 8, 9, 15, 16, 17, 40, 100, 257] {
            let values: Vec<u64> = (1..=len)
                .map(|i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(7) & mask(bits))
                .collect();
            let mut writer = Writer::new();
            writer.u8(0xff);
            writer.packed_u64(&values, bits).unwrap();
            let bytes = writer.finish();
            assert_eq!(bytes[1..], pack_by_definition(&values, bits), "{bits} {len}");
            let mut out = Vec::new();
            let mut reader = Reader::new(&bytes[1..]);
            let bound = mask(bits).saturating_add(1);
            reader.packed_u64(values.len(), bits, bound, "x", &mut out).unwrap();
            assert_eq!(out, values, "{bits} {len}");
            reader.finish("x").unwrap();
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), limit: usize) {
        prop_assert!(open(&bytes, &HEADER, limit).is_err());
        prop_assert!(open_prefix(&bytes, &HEADER, limit).is_err());
        let _ = peek(&bytes);
    }

    #[test]
    fn random_readings_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        count: usize,
        bits: u32,
        bound: u64,
        small in 0usize..100,
    ) {
        let mut reader = Reader::new(&bytes);
        let mut out = Vec::new();
        let _ = reader.packed_u64(count, bits % 70, bound, "x", &mut out);
        let _ = reader.packed_u64(small, bits % 70, bound, "x", &mut out);
        let _ = (reader.len_bytes(count, "x"), reader.f64("x"), reader.u16("x"), reader.bytes(count, "x"));
        let _ = reader.finish("x");
    }

    #[test]
    fn bodies_round_trip(body in prop::collection::vec(any::<u8>(), 0..1000), kind: u16, params: [u8; 32]) {
        let header = Header { tag: Tag(5), kind, params };
        let sealed = seal(&header, &body);
        prop_assert_eq!(open(&sealed, &header, body.len()).unwrap(), &body[..]);
    }
}

/// Gives what it has in pieces of a few bytes.
struct Dripping<'a>(&'a [u8], usize);

impl std::io::Read for Dripping<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let (count, next) = (self.1.min(out.len()).min(self.0.len()), self.1 % 7 + 1);
        out[..count].copy_from_slice(&self.0[..count]);
        *self = Self(&self.0[count..], next);
        Ok(count)
    }
}

/// Numbers of eleven bits behind their count, from wherever they come.
fn numbers(from: &mut impl Source) -> Result<Vec<u64>, WireError> {
    let (count, mut out) = (from.u16("count")?, vec![]);
    from.packed_u64(count.into(), 11, 1500, "numbers", &mut out)?;
    from.ended("numbers")?;
    Ok(out)
}

/// What both ways make of bytes.
fn both(bytes: &[u8], header: &Header, limit: usize) -> Result<Vec<u64>, WireError> {
    let whole = open(bytes, header, limit).and_then(|body| numbers(&mut Reader::new(body)));
    let pieces = open_from(Dripping(bytes, 3), header, limit, numbers);
    assert_eq!(whole, pieces);
    whole
}

fn sealed_numbers(values: &[u64]) -> Vec<u8> {
    seal_with(&HEADER, 0, |body| {
        body.u16(values.len() as u16);
        body.packed_u64(values, 11)
    })
    .unwrap()
}

#[test]
fn what_comes_in_pieces_is_what_comes_whole_and_so_are_its_errors() {
    for count in [0, 1, 7, 22, 23, 3000] {
        let values: Vec<u64> = (0..count).map(|i| i * 7 % 1500).collect();
        let bytes = sealed_numbers(&values);
        assert_eq!(both(&bytes, &HEADER, LIMIT), Ok(values));
        let step = 1 + bytes.len() / 200;
        for length in (0..bytes.len()).step_by(step) {
            assert!(both(&bytes[..length], &HEADER, LIMIT).is_err(), "{length}");
        }
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x81;
            assert!(both(&changed, &HEADER, LIMIT).is_err(), "{at}");
            // The same damage under a digest of its own: what is wrong inside is told alike.
            if at >= HEADER_BYTES && at < bytes.len() - DIGEST_BYTES {
                let body = &changed[HEADER_BYTES..changed.len() - DIGEST_BYTES];
                let _ = both(&seal(&HEADER, body), &HEADER, LIMIT);
            }
        }
        let trailing = [&bytes[..], &[0; 40]].concat();
        let extra = WireError::Trailing { what: "the object", extra: 40 };
        assert_eq!(both(&trailing, &HEADER, LIMIT), Err(extra));
        for header in [
            Header { tag: Tag(5), ..HEADER },
            Header { kind: 7, ..HEADER },
            Header { params: [0; 32], ..HEADER },
        ] {
            assert!(both(&bytes, &header, LIMIT).is_err());
        }
        assert!(matches!(both(&bytes, &HEADER, 1), Err(WireError::TooLarge { limit: 1, .. })));
    }
    let wrong = both(&sealed_numbers(&[1, 1600, 2, 1700]), &HEADER, LIMIT);
    assert!(matches!(wrong, Err(WireError::Value { index: 1, found: 1600, .. })), "{wrong:?}");
}

#[test]
fn a_long_object_comes_in_pieces_and_one_that_cannot_be_read_says_why() {
    let bytes = seal(&HEADER, &vec![7; (3 << 20) + 5]);
    let limit = 4 << 20;
    let sum = |from: &[u8]| {
        open_from(from, &HEADER, limit, |body| {
            let mut sum = 0;
            while body.remaining() > 0 {
                sum += u64::from(body.u8("byte")?);
            }
            Ok(sum)
        })
    };
    assert_eq!(sum(&bytes), Ok(7 * ((3 << 20) + 5)));
    let mut changed = bytes.clone();
    changed[2 << 20] ^= 1;
    assert!(matches!(sum(&changed), Err(WireError::Digest { .. })));
    // A body that is not read to its end is hashed all the same.
    assert!(matches!(
        open_from(&changed[..], &HEADER, limit, |body| body.u8("byte")),
        Err(WireError::Digest { .. })
    ));
    assert_eq!(open_from(&bytes[..], &HEADER, limit, |body| body.u8("byte")), Ok(7));
    let need = (3 << 20) + 5;
    assert_eq!(
        sum(&bytes[..2 << 20]),
        Err(WireError::Truncated { what: "the body", have: (2 << 20) - 81, need })
    );
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("a line that broke"))
        }
    }
    let broken = std::io::Read::chain(&bytes[..1000], Broken);
    let error = open_from(broken, &HEADER, limit, |body| body.u8("byte")).unwrap_err();
    assert_eq!(error.to_string(), "the object could not be read: a line that broke");
}
