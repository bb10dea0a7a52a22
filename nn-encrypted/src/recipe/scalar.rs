//! Numbers of a recipe: as a float, or as a fraction in quotes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::activation::Dyadic;

/// A finite real number, written `0.125`, `"1/8"` or `"2^-3"`.
///
/// ```
/// use nn_encrypted::recipe::Scalar;
///
/// assert_eq!(Scalar::new(0.125).map(|rate| rate.to_string()), Some("1/8".to_owned()));
/// assert_eq!(Scalar::new(f64::NAN), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scalar(f64);

impl Scalar {
    /// The number; `None` if it is not finite.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// The number as `n/2^k` with `k` up to [`Dyadic::MAX_BITS`], as exact schemes need it.
    #[must_use]
    pub(crate) fn dyadic(self) -> Option<Dyadic> {
        Dyadic::from_f64(self.0)
    }
}

impl From<Dyadic> for Scalar {
    fn from(value: Dyadic) -> Self {
        Self(value.to_f64())
    }
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.dyadic() {
            Some(dyadic) => dyadic.fmt(f),
            None => self.0.fmt(f),
        }
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.dyadic() {
            Some(dyadic) => dyadic.serialize(serializer),
            None => serializer.serialize_f64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Integer(i64),
            Float(f64),
            Text(String),
        }
        let (found, shown) = match Form::deserialize(deserializer)? {
            Form::Integer(value) => (Self::new(value as f64), value.to_string()),
            Form::Float(value) => (Self::new(value), value.to_string()),
            Form::Text(text) => {
                let number = Dyadic::parse(&text).map(Self::from);
                (number.or_else(|| text.trim().parse().ok().and_then(Self::new)), format!("`{text}`"))
            }
        };
        found.ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{shown} is not a finite number; one is needed, such as 0.125, \"1/8\" or \"2^-3\""
            ))
        })
    }
}
