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
