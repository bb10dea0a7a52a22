//! How many parts a file has, before memory is taken for them.
//!
//! A part of a few bytes becomes a structure of hundreds, so that a file that consists of empty nodes would take far more memory than it
//! has bytes. Lengths and nesting are walked here without keeping anything.

use super::super::ExchangeError;

/// Parts of a file: nodes, names, attributes, tensors and words.
const MOST_PARTS: usize = 1 << 17;
/// Messages inside one another; what is read has seven.
const DEEPEST: usize = 12;

/// A message, by the fields of it that are messages themselves.
#[derive(Clone, Copy)]
enum Message {
    File,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    Leaf,
}

impl Message {
    /// The message in a field; none of fields that hold no message that is read.
    fn inner(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::File, 7) => Self::Graph,
            (Self::File, 8 | 14) | (Self::Tensor, 13) => Self::Leaf,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11 | 12) => Self::Value,
            (Self::Node, 5) => Self::Attribute,
            (Self::Value, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) => Self::Leaf,
            _ => return None,
        })
    }
}

fn damaged(what: &str) -> ExchangeError {
    ExchangeError::Damaged(format!("{what}: this is no ONNX file, or a damaged one"))
}

/// A number of 7 bits a byte, and the rest.
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), ExchangeError> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * place as u32).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[place + 1..]));
        }
    }
    Err(damaged("a number without an end"))
}

fn split(bytes: &[u8], length: u64) -> Result<(&[u8], &[u8]), ExchangeError> {
    let length = usize::try_from(length).map_err(|_| damaged("a length beyond the file"))?;
    bytes.split_at_checked(length).ok_or_else(|| damaged("a length beyond the file"))
}

/// Checks that a file has no more parts than are read.
///
/// # Errors
/// If it has, or lengths lead beyond its end.
pub(super) fn check(bytes: &[u8]) -> Result<(), ExchangeError> {
    let mut parts = 0;
    walk(Message::File, bytes, 0, &mut parts)
}

fn walk(message: Message, mut bytes: &[u8], depth: usize, parts: &mut usize) -> Result<(), ExchangeError> {
    if depth > DEEPEST {
        return Err(damaged("messages inside messages without an end"));
    }
    while !bytes.is_empty() {
        let (key, rest) = varint(bytes)?;
        bytes = match key & 7 {
            0 => varint(rest)?.1,
            1 => split(rest, 8)?.1,
            2 => {
                *parts += 1;
                if *parts > MOST_PARTS {
                    return Err(ExchangeError::Large(format!(
                        "more than {MOST_PARTS} nodes, names and tensors; at most so many are read"
                    )));
                }
                let (length, rest) = varint(rest)?;
                let (body, rest) = split(rest, length)?;
                if let Some(inner) = message.inner(key >> 3) {
                    walk(inner, body, depth + 1, parts)?;
                }
                rest
            }
            5 => split(rest, 4)?.1,
            _ => return Err(damaged("a field of an unknown kind")),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_nodes_without_an_end_are_refused_before_they_are_read() {
        let graph = [0x0a, 0].repeat(MOST_PARTS + 1);
        let mut file = vec![0x3a];
        let mut length = graph.len();
        while length > 0x7f {
            file.push(((length & 0x7f) | 0x80) as u8);
            length >>= 7;
        }
        file.push(length as u8);
        file.extend(graph);
        assert!(matches!(check(&file), Err(ExchangeError::Large(_))));
        assert!(check(&[0x3a, 4, 0x0a, 0, 0x0a, 0]).is_ok());
        for broken in [&[0x3a, 9, 0x0a][..], &[0x3a], &[0xff; 12], &[0x3b, 0]] {
            assert!(matches!(check(broken), Err(ExchangeError::Damaged(_))), "{broken:?}");
        }
    }
}
