//! Wires of circuits.

use std::ops::Not;

/// The output of a node of a circuit, or its negation, which costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Wire(u32);

impl Wire {
    /// The constant 0: node 0.
    pub(crate) const FALSE: Self = Self(0);
    /// The constant 1.
    pub(crate) const TRUE: Self = Self(1);

    /// The output of a node.
    pub(crate) fn of(node: usize) -> Self {
        Self((node as u32) << 1)
    }

    /// A constant.
    pub(crate) fn constant(bit: bool) -> Self {
        Self(u32::from(bit))
    }

    /// The node.
    pub(crate) fn node(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Whether it is the negation of the node.
    pub(crate) fn negated(self) -> bool {
        self.0 & 1 == 1
    }

    /// Its value, if it is a constant.
    pub(crate) fn known(self) -> Option<bool> {
        (self.node() == 0).then_some(self.negated())
    }

    /// The node, not negated.
    pub(crate) fn plain(self) -> Self {
        Self(self.0 & !1)
    }

    /// Negated if `condition`.
    pub(crate) fn negate_if(self, condition: bool) -> Self {
        Self(self.0 ^ u32::from(condition))
    }
}

impl Not for Wire {
    type Output = Self;

    fn not(self) -> Self {
        self.negate_if(true)
    }
}
