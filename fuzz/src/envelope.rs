//! The envelope of the wire format, and the fields inside.

use he_core::rlwe::object::TAG;
use he_core::wire::{Header, Reader, WireError, Writer, open, open_prefix, peek, seal};

const HEADER: Header = Header { tag: TAG, kind: 7, params: [7; 32] };
const LIMIT: usize = 1 << 16;

/// Envelopes; then the same bytes as the body of one, and as a script of fields.
pub fn envelope(bytes: &[u8]) {
    let _ = peek(bytes);
    if let Ok(body) = open(bytes, &HEADER, LIMIT) {
        assert_eq!(seal(&HEADER, body), bytes);
    }
    if let Ok((body, used)) = open_prefix(bytes, &HEADER, LIMIT) {
        assert_eq!(seal(&HEADER, body), bytes[..used]);
    }
    let sealed = seal(&HEADER, bytes);
    assert_eq!(open(&sealed, &HEADER, bytes.len()).ok(), Some(bytes));
    fields(bytes);
}

/// The first byte is the length of a script, whose pairs of bytes each read a field from what follows it.
fn fields(bytes: &[u8]) {
    let Some((&length, rest)) = bytes.split_first() else { return };
    let (script, data) = rest.split_at(usize::from(length).min(rest.len()));
    let (mut reader, mut writer) = (Reader::new(data), Writer::new());
    for pair in script.chunks_exact(2) {
        if field(pair[0], pair[1], &mut reader, &mut writer).is_err() {
            break;
        }
        let read = data.len() - reader.remaining();
        assert_eq!(writer_bytes(&mut writer), data[..read], "{pair:?}");
    }
    let left = reader.remaining();
    assert_eq!(reader.finish("data").is_ok(), left == 0);
}

/// What was written, which a writer gives away only with itself.
fn writer_bytes(writer: &mut Writer) -> Vec<u8> {
    let bytes = std::mem::take(writer).finish();
    writer.bytes(&bytes);
    bytes
}

/// Reads one field and writes it again.
fn field(kind: u8, size: u8, from: &mut Reader<'_>, to: &mut Writer) -> Result<(), WireError> {
    let what = "field";
    match kind {
        0 => to.u8(from.u8(what)?),
        1 => to.u16(from.u16(what)?),
        2 => to.u32(from.u32(what)?),
        3 => to.u64(from.u64(what)?),
        4 => to.i64(from.i64(what)?),
        5 => to.f64(from.f64(what)?),
        6 => to.bytes(from.bytes(size.into(), what)?),
        7 => to.len_bytes(from.len_bytes(size.into(), what)?),
        8 => to.length(from.length(size.into(), what)?),
        kind => {
            let bits = u32::from(kind) - 8;
            let all = u64::MAX >> 64u32.saturating_sub(bits).min(63);
            let bound = if size % 2 == 0 { all } else { all / 2 + 1 };
            let mut values = Vec::new();
            from.packed_u64(size.into(), bits, bound, what, &mut values)?;
            assert!(values.len() == usize::from(size) && values.iter().all(|&value| value < bound));
            to.packed_u64(&values, bits)?;
        }
    }
    Ok(())
}
