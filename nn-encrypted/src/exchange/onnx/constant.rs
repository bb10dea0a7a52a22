//! Constants of a graph: numbers or words of a shape.

use super::super::ExchangeError;
use super::proto::{DOUBLE, FLOAT, INT32, INT64, STRING, TensorProto};

/// Numbers of a constant.
pub(super) const MOST_NUMBERS: usize = 1 << 24;
/// Whole numbers that may be names of classes.
const MOST_WORDS: usize = 1 << 12;
/// Extents of a constant.
const MOST_EXTENTS: usize = 8;

/// Numbers or words of a shape, the last index fastest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Constant {
    pub(super) dims: Vec<usize>,
    /// The numbers; none of words.
    pub(super) numbers: Vec<f64>,
    /// The words, or whole numbers as words: names of classes may be either.
    pub(super) words: Vec<String>,
}

impl Constant {
    /// The constant of a tensor.
    ///
    /// # Errors
    /// If its numbers are elsewhere, of a type that is not read, not finite, or more or fewer than its shape has.
    pub(super) fn new(tensor: &TensorProto) -> Result<Self, ExchangeError> {
        let fault = |what: String| ExchangeError::Damaged(format!("constant `{}`: {what}", tensor.name));
        if tensor.data_location != 0 || !tensor.external_data.is_empty() {
            return Err(fault("its numbers are in another file; a model in one file is needed".to_owned()));
        }
        let dims = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok());
        let dims: Option<Vec<usize>> = dims.collect();
        let dims = dims.filter(|dims| dims.len() <= MOST_EXTENTS);
        let Some(dims) = dims else {
            return Err(fault(format!("shape {:?}", tensor.dims)));
        };
        let count = dims.iter().try_fold(1_usize, |all, &dim| all.checked_mul(dim));
        let Some(count) = count.filter(|&count| count <= MOST_NUMBERS) else {
            return Err(fault(format!("{dims:?} numbers; at most {MOST_NUMBERS} are read")));
        };
        let (numbers, words) = values(tensor).map_err(fault)?;
        let found = numbers.len().max(words.len());
        if found != count {
            return Err(fault(format!("{found} numbers of shape {dims:?}, which has {count}")));
        }
        match numbers.iter().position(|number| !number.is_finite()) {
            Some(place) => Err(fault(format!("number {place} is {}", numbers[place]))),
            None => Ok(Self { dims, numbers, words }),
        }
    }

    /// Numbers in a row.
    pub(super) fn row(numbers: Vec<f64>) -> Self {
        Self { dims: vec![numbers.len()], numbers, words: vec![] }
    }

    /// These numbers for every place of a shape, by the rules of broadcasting; one number where there is only one.
    pub(super) fn spread(&self, shape: &[usize]) -> Option<Vec<f64>> {
        if self.numbers.len() == 1 {
            return Some(self.numbers.clone());
        }
        let surplus = self.dims.len().saturating_sub(shape.len());
        if self.dims[..surplus].iter().any(|&dim| dim != 1) {
            return None;
        }
        let own = &self.dims[surplus..];
        let offset = shape.len() - own.len();
        let fits = own.iter().zip(&shape[offset..]).all(|(&own, &dim)| own == dim || own == 1);
        let count: usize = shape.iter().product();
        (fits && count > 0).then(|| {
            let place = |at: usize| {
                let (mut rest, mut found, mut stride) = (at, 0, 1);
                for (axis, &dim) in shape.iter().enumerate().rev() {
                    let index = rest % dim;
                    rest /= dim;
                    if let Some(&own) = axis.checked_sub(offset).and_then(|axis| own.get(axis)) {
                        found += if own == 1 { 0 } else { index * stride };
                        stride *= own;
                    }
                }
                found
            };
            (0..count).map(|at| self.numbers[place(at)]).collect()
        })
    }
}

/// Numbers and words of a tensor.
fn values(tensor: &TensorProto) -> Result<(Vec<f64>, Vec<String>), String> {
    fn raw<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Result<Vec<T>, String> {
        if !bytes.len().is_multiple_of(N) {
            return Err(format!("{} bytes of numbers of {N} bytes each", bytes.len()));
        }
        let chunks = bytes.chunks_exact(N);
        Ok(chunks.map(|chunk| read(<[u8; N]>::try_from(chunk).unwrap_or([0; N]))).collect())
    }
    let real = |all: Vec<f64>| Ok((all, vec![]));
    let whole = |all: Vec<i64>| {
        // More are no names of classes.
        let words = all.iter().filter(|_| all.len() <= MOST_WORDS).map(ToString::to_string).collect();
        Ok((all.into_iter().map(|n| n as f64).collect(), words))
    };
    let bytes = tensor.raw_data.as_deref();
    match (tensor.data_type, bytes) {
        (FLOAT, Some(bytes)) => real(raw(bytes, |b| f64::from(f32::from_le_bytes(b)))?),
        (FLOAT, None) => real(tensor.float_data.iter().map(|&f| f64::from(f)).collect()),
        (DOUBLE, Some(bytes)) => real(raw(bytes, f64::from_le_bytes)?),
        (DOUBLE, None) => real(tensor.double_data.clone()),
        (INT32, Some(bytes)) => whole(raw(bytes, |b| i64::from(i32::from_le_bytes(b)))?),
        (INT32, None) => whole(tensor.int32_data.iter().map(|&n| i64::from(n)).collect()),
        (INT64, Some(bytes)) => whole(raw(bytes, i64::from_le_bytes)?),
        (INT64, None) => whole(tensor.int64_data.clone()),
        (STRING, _) => {
            let words = tensor.string_data.iter().map(|word| String::from_utf8_lossy(word).into_owned());
            Ok((vec![], words.collect()))
        }
        (other, _) => Err(format!("type {other}; FLOAT, DOUBLE, INT32, INT64 or STRING is needed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: &[i64], floats: &[f32]) -> TensorProto {
        TensorProto {
            dims: dims.to_vec(),
            data_type: FLOAT,
            float_data: floats.to_vec(),
            ..TensorProto::default()
        }
    }

    #[test]
    fn numbers_are_spread_as_arrays_are() {
        let constant = |dims: &[i64], floats: &[f32]| Constant::new(&tensor(dims, floats)).unwrap();
        let channel = constant(&[1, 2, 1, 1], &[1.0, 2.0]);
        assert_eq!(channel.spread(&[2, 1, 2]).unwrap(), [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(constant(&[3], &[1.0, 2.0, 3.0]).spread(&[3]).unwrap(), [1.0, 2.0, 3.0]);
        assert_eq!(constant(&[], &[7.0]).spread(&[3]).unwrap(), [7.0]);
        assert_eq!(constant(&[2], &[1.0, 2.0]).spread(&[2, 2]).unwrap(), [1.0, 2.0, 1.0, 2.0]);
        assert_eq!(constant(&[2], &[1.0, 2.0]).spread(&[3]), None);
        assert_eq!(constant(&[2, 3], &[0.0; 6]).spread(&[3]), None);
    }

    #[test]
    fn what_is_no_constant_is_named() {
        let told = |tensor: &TensorProto| Constant::new(tensor).unwrap_err().to_string();
        assert!(told(&tensor(&[2], &[1.0])).contains("1 numbers of shape [2], which has 2"));
        assert!(told(&tensor(&[-1], &[1.0])).contains("shape [-1]"));
        assert!(told(&tensor(&[i64::MAX, 4], &[])).contains("at most"));
        assert!(told(&tensor(&[1], &[f32::NAN])).contains("number 0 is NaN"));
        let half = TensorProto { data_type: 10, ..tensor(&[1], &[]) };
        assert!(told(&half).contains("type 10; FLOAT"));
        let cut = TensorProto { raw_data: Some(vec![0; 3]), ..tensor(&[1], &[]) };
        assert!(told(&cut).contains("3 bytes of numbers of 4"));
        let elsewhere = TensorProto { data_location: 1, ..tensor(&[1], &[1.0]) };
        assert!(told(&elsewhere).contains("in another file"));
    }
}
