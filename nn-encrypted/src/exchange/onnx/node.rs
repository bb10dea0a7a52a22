//! A node and its attributes.

use super::super::ExchangeError;
use super::proto::{AttributeProto, NodeProto};

/// A node of a graph.
pub(super) struct Node<'a> {
    place: usize,
    pub(super) inner: &'a NodeProto,
}

impl<'a> Node<'a> {
    pub(super) fn new(place: usize, inner: &'a NodeProto) -> Self {
        Self { place, inner }
    }

    /// Its name, or its number from 1.
    pub(super) fn name(&self) -> String {
        if self.inner.name.is_empty() { format!("{}", self.place + 1) } else { self.inner.name.clone() }
    }

    pub(super) fn refused(&self, what: String) -> ExchangeError {
        ExchangeError::Operator { node: self.name(), operator: self.inner.op_type.clone(), what }
    }

    /// The name of an input; none where it is left out.
    pub(super) fn input(&self, place: usize) -> Option<&'a str> {
        self.inner.input.get(place).map(String::as_str).filter(|name| !name.is_empty())
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.inner.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(default)
    }

    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).and_then(|attribute| attribute.f).map_or(default, f64::from)
    }

    pub(super) fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| &attribute.ints[..]).filter(|all| !all.is_empty())
    }

    /// Finite numbers.
    ///
    /// # Errors
    /// If one is not finite.
    pub(super) fn floats(&self, name: &str) -> Result<Vec<f64>, String> {
        let all = self.attribute(name).map_or(&[][..], |attribute| &attribute.floats[..]);
        match all.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(format!("`{name}` has {value}; finite numbers are needed")),
            None => Ok(all.iter().map(|&value| f64::from(value)).collect()),
        }
    }

    /// Words, or whole numbers as words.
    pub(super) fn words(&self, strings: &str, ints: &str) -> Vec<String> {
        let words = self.attribute(strings).map_or(&[][..], |attribute| &attribute.strings[..]);
        let words = words.iter().map(|word| String::from_utf8_lossy(word).into_owned());
        let numbers = self.ints(ints).unwrap_or_default().iter().map(ToString::to_string);
        words.chain(numbers).collect()
    }

    /// Checks that an attribute that is a list has one value everywhere, or is left out.
    ///
    /// # Errors
    /// Its name, and what is needed.
    pub(super) fn only(&self, name: &str, value: i64) -> Result<(), String> {
        let all = self.ints(name).unwrap_or_default();
        if all.iter().all(|found| *found == value) {
            return Ok(());
        }
        Err(format!("`{name}` = {all:?}; {value} everywhere is needed"))
    }

    /// Two extents from 1.
    ///
    /// # Errors
    /// If there is another number of them, or one is no extent.
    pub(super) fn sides(&self, name: &str) -> Result<[usize; 2], String> {
        let all = self.ints(name).unwrap_or_default();
        let sides = |&n: &i64| usize::try_from(n).ok().filter(|n| (1..=1 << 16).contains(n));
        match all.iter().map(sides).collect::<Option<Vec<_>>>().as_deref() {
            Some(&[rows, columns]) => Ok([rows, columns]),
            _ => Err(format!("`{name}` = {all:?}; two extents from 1 are needed")),
        }
    }
}
