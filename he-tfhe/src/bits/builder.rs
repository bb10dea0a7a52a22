//! Building circuits: constants are folded, equal gates are built once.
//!
//! A node has the *norm* of its noise, in variances of a bootstrap: 1 for an operand and a gate, the sum of both for a join.
//! Gates take norms of at most [`MAX_NORM`] in all, and what is noisier is bootstrapped first.

use std::collections::HashMap;

use super::circuit::{Circuit, Node, Operation};
use super::wire::Wire;

/// Largest norm of the inputs of a gate: the squared norm of the parameters for gates.
const MAX_NORM: u32 = 4;

/// A circuit that grows.
pub(crate) struct Builder {
    nodes: Vec<Node>,
    levels: Vec<u32>,
    norms: Vec<u32>,
    seen: HashMap<Node, usize>,
    operands: Vec<usize>,
}

impl Builder {
    /// Without operands.
    pub(crate) fn new() -> Self {
        let constant = Node { operation: Operation::Constant, inputs: [Wire::FALSE; 3] };
        Self {
            nodes: vec![constant],
            levels: vec![0],
            norms: vec![0],
            seen: HashMap::new(),
            operands: Vec::new(),
        }
    }

    /// A further operand, least significant bit first; all operands come before the first gate.
    pub(crate) fn operand(&mut self, width: usize) -> Vec<Wire> {
        self.operands.push(width);
        (0..width)
            .map(|_| self.push(Node { operation: Operation::Operand, inputs: [Wire::FALSE; 3] }))
            .collect()
    }

    /// The circuit of the nodes that the outputs need.
    pub(crate) fn finish(self, outputs: Vec<Vec<Wire>>) -> Circuit {
        Circuit::new(self.nodes, self.operands, outputs)
    }

    /// Gates between the operands and a wire.
    pub(crate) fn level(&self, wire: Wire) -> u32 {
        self.levels[wire.node()]
    }

    fn push(&mut self, node: Node) -> Wire {
        let inputs = node.inputs.iter().map(|input| input.node());
        let level = inputs.clone().map(|input| self.levels[input]).max().unwrap_or(0);
        let (gate, norm) = match node.operation {
            Operation::Join => (0, inputs.map(|input| self.norms[input]).sum()),
            Operation::Constant | Operation::Operand => (0, 1),
            _ => (1, 1),
        };
        self.levels.push(level + gate);
        self.norms.push(norm);
        self.nodes.push(node);
        Wire::of(self.nodes.len() - 1)
    }

    /// A gate or join, the one there is if it was built before.
    fn node(&mut self, operation: Operation, mut inputs: [Wire; 3]) -> Wire {
        if !matches!(operation, Operation::Join | Operation::Refresh) {
            self.quiet(&mut inputs);
        }
        inputs.sort_unstable();
        let node = Node { operation, inputs };
        if let Some(&at) = self.seen.get(&node) {
            return Wire::of(at);
        }
        let wire = self.push(node);
        self.seen.insert(node, wire.node());
        wire
    }

    /// Bootstraps the noisiest inputs until a gate can take all of them.
    fn quiet(&mut self, inputs: &mut [Wire; 3]) {
        while inputs.iter().map(|input| self.norms[input.node()]).sum::<u32>() > MAX_NORM {
            let Some(noisiest) = inputs.iter_mut().max_by_key(|input| self.norms[input.node()]) else {
                return;
            };
            *noisiest = self.refresh(*noisiest);
        }
    }

    /// The bit with the noise of a bootstrap.
    pub(crate) fn refresh(&mut self, wire: Wire) -> Wire {
        if self.norms[wire.node()] <= 1 {
            return wire;
        }
        self.node(Operation::Refresh, [wire.plain(), Wire::FALSE, Wire::FALSE]).negate_if(wire.negated())
    }

    /// `a ∧ b`.
    pub(crate) fn and(&mut self, a: Wire, b: Wire) -> Wire {
        match (a.known(), b.known()) {
            (Some(false), _) | (_, Some(false)) => Wire::FALSE,
            (Some(true), _) => b,
            (_, Some(true)) => a,
            _ if a == b => a,
            _ if a == !b => Wire::FALSE,
            _ => self.node(Operation::And, [a, b, Wire::FALSE]),
        }
    }

    /// `a ∨ b`.
    pub(crate) fn or(&mut self, a: Wire, b: Wire) -> Wire {
        !self.and(!a, !b)
    }

    /// `a ⊕ b`.
    pub(crate) fn xor(&mut self, a: Wire, b: Wire) -> Wire {
        let negated = a.negated() ^ b.negated();
        let (a, b) = (a.plain(), b.plain());
        let plain = match (a.known(), b.known()) {
            (Some(_), _) => b,
            (_, Some(_)) => a,
            _ if a == b => Wire::FALSE,
            _ => self.node(Operation::Xor, [a, b, Wire::FALSE]),
        };
        plain.negate_if(negated)
    }

    /// `a ⊕ b ⊕ c`.
    pub(crate) fn xor3(&mut self, a: Wire, b: Wire, c: Wire) -> Wire {
        let negated = a.negated() ^ b.negated() ^ c.negated();
        let mut inputs = [a.plain(), b.plain(), c.plain()];
        inputs.sort_unstable();
        let [a, b, c] = inputs;
        let plain = if a.known().is_some() {
            self.xor(b, c)
        } else if a == b {
            c
        } else if b == c {
            a
        } else {
            self.node(Operation::Xor3, inputs)
        };
        plain.negate_if(negated)
    }

    /// Two or three of `a`, `b`, `c`.
    pub(crate) fn majority(&mut self, a: Wire, b: Wire, c: Wire) -> Wire {
        let mut inputs = [a, b, c];
        inputs.sort_unstable();
        let [a, b, c] = inputs;
        // Wires of one node are neighbours now, and a constant comes first.
        match a.known() {
            Some(false) => return self.and(b, c),
            Some(true) => return self.or(b, c),
            None if a == b => return a,
            None if a == !b => return c,
            None if b == c => return b,
            None if b == !c => return a,
            None => {}
        }
        // At most one input is negated: the majority of the negations is the negation of the majority.
        let negated = inputs.iter().filter(|input| input.negated()).count() > 1;
        self.node(Operation::Majority, inputs.map(|input| input.negate_if(negated))).negate_if(negated)
    }

    /// `a ∨ b` without a gate, for bits that are never both 1. The norms add.
    pub(crate) fn join(&mut self, a: Wire, b: Wire) -> Wire {
        match (a.known(), b.known()) {
            (Some(true), _) | (_, Some(true)) => Wire::TRUE,
            (Some(false), _) => b,
            (_, Some(false)) => a,
            _ => self.node(Operation::Join, [a, b, Wire::FALSE]),
        }
    }

    /// `c ? a : b` at two gates, with norm 2.
    pub(crate) fn select(&mut self, c: Wire, a: Wire, b: Wire) -> Wire {
        if a == b {
            return a;
        }
        match (c.known(), a.known(), b.known()) {
            (Some(c), _, _) => return if c { a } else { b },
            (_, Some(true), _) => return self.or(c, b),
            (_, _, Some(true)) => return self.or(!c, a),
            _ if a == !b => return self.xor(c, b),
            _ => {}
        }
        let (chosen, other) = (self.and(c, a), self.and(!c, b));
        self.join(chosen, other)
    }

    /// Whether one of the wires is 1, when never two are; four wires take a gate.
    pub(crate) fn any_of_disjoint(&mut self, wires: &[Wire]) -> Wire {
        let mut queue: std::collections::VecDeque<Wire> = wires.iter().copied().collect();
        while queue.len() > 1 {
            let mut halves = [Wire::FALSE; 2];
            for _ in 0..2 {
                for half in &mut halves {
                    if let Some(next) = queue.pop_front() {
                        *half = self.join(*half, next);
                    }
                }
            }
            let any = self.or(halves[0], halves[1]);
            queue.push_back(any);
        }
        queue.pop_front().unwrap_or(Wire::FALSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_and_equal_wires_take_no_gate() {
        let (o, i) = (Wire::FALSE, Wire::TRUE);
        let mut b = Builder::new();
        let integer = b.operand(2);
        let (x, y) = (integer[0], integer[1]);
        let before = b.nodes.len();
        assert_eq!([b.and(x, o), b.and(i, x), b.and(x, x), b.and(x, !x)], [o, x, x, o]);
        assert_eq!([b.or(x, o), b.or(i, x), b.or(x, x), b.or(!x, x)], [x, i, x, i]);
        assert_eq!([b.xor(x, o), b.xor(i, x), b.xor(x, x), b.xor(x, !x)], [x, !x, o, i]);
        assert_eq!([b.xor3(x, o, i), b.xor3(x, y, x), b.xor3(!x, y, x), b.xor3(y, x, x)], [!x, y, !y, y]);
        assert_eq!(
            [b.majority(x, o, i), b.majority(x, y, x), b.majority(!x, y, x), b.majority(y, y, x)],
            [x, x, y, y]
        );
        assert_eq!([b.join(x, o), b.join(o, y), b.select(i, x, y), b.select(o, x, y)], [x, y, x, y]);
        assert_eq!([b.select(x, y, y), b.select(x, i, o), b.select(x, o, i)], [y, x, !x]);
        assert_eq!(b.nodes.len(), before);
    }

    #[test]
    fn equal_gates_are_built_once() {
        let mut b = Builder::new();
        let integer = b.operand(3);
        let (x, y, z) = (integer[0], integer[1], integer[2]);
        let before = b.nodes.len();
        assert_eq!(b.and(x, y), b.and(y, x));
        assert_eq!(b.or(x, y), !b.and(!y, !x));
        assert_eq!(b.xor(x, !y), !b.xor(y, x));
        assert_eq!(b.xor3(x, !y, !z), b.xor3(z, y, x));
        assert_eq!(b.majority(!x, !y, z), !b.majority(!z, x, y));
        assert_eq!(b.xor3(x, y, Wire::FALSE), b.xor(x, y));
        assert_eq!(b.nodes.len() - before, 5);
    }

    #[test]
    fn gates_take_no_more_noise_than_they_can() {
        let mut b = Builder::new();
        let integer = b.operand(4);
        let (x, y) =
            (b.select(integer[0], integer[1], integer[2]), b.select(integer[1], integer[2], integer[3]));
        for wire in [b.and(x, y), b.xor(!x, y), b.xor3(x, y, integer[0]), b.majority(x, !y, integer[3])] {
            assert_eq!(b.norms[wire.node()], 1);
        }
        for node in b.nodes.iter().filter(|node| node.operation.is_gate()) {
            assert!(node.inputs.iter().map(|input| b.norms[input.node()]).sum::<u32>() <= MAX_NORM);
        }
    }

    #[test]
    fn four_disjoint_wires_take_one_gate() {
        for count in 0..20 {
            let mut b = Builder::new();
            let integer = b.operand(count);
            let output = b.any_of_disjoint(&integer);
            let circuit = b.finish(vec![vec![output]]);
            assert_eq!(circuit.gates(), count.saturating_sub(1).div_ceil(3));
            for set in (0..count).map(|bit| 1 << bit).chain([0]) {
                assert_eq!(circuit.evaluate(&[set]).unwrap(), [u64::from(set != 0)]);
            }
        }
    }
}
