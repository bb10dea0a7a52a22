//! Circuits: gates in the order of their levels.

use super::wire::Wire;
use crate::error::Error;

/// The operation of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// 0.
    Constant,
    /// A bit of an operand.
    Operand,
    /// `a ∧ b`.
    And,
    /// `a ⊕ b`.
    Xor,
    /// `a ⊕ b ⊕ c`.
    Xor3,
    /// Two or three of three.
    Majority,
    /// A bit with less noise.
    Refresh,
    /// `a ∨ b` without a gate, of bits that are never both 1.
    Join,
}

impl Operation {
    /// Whether it takes a bootstrap.
    pub(crate) fn is_gate(self) -> bool {
        !matches!(self, Self::Constant | Self::Operand | Self::Join)
    }

    /// Of 64 cases at once; the inputs of two-input operations come last.
    fn evaluate(self, [a, b, c]: [u64; 3]) -> u64 {
        match self {
            Self::Constant | Self::Operand => 0,
            Self::And => b & c,
            Self::Xor => b ^ c,
            Self::Xor3 => a ^ b ^ c,
            Self::Majority => (a & b) | (c & (a | b)),
            // The inputs that there are not are 0.
            Self::Refresh | Self::Join => a | b | c,
        }
    }
}

/// An operation on wires of earlier nodes, in increasing order; wires that it does not take are 0, and so come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) operation: Operation,
    pub(crate) inputs: [Wire; 3],
}

/// A function of integers as gates on their bits: pure, and independent of keys.
///
/// Built by functions named after what they compute ([`Circuit::add`] and so on), evaluated in the clear by
/// [`evaluate`](Self::evaluate) and on ciphertexts by [`BitEvaluator::run`](super::BitEvaluator::run).
///
/// ```
/// use he_tfhe::bits::{Carry, Circuit};
/// let product = Circuit::mul(8, Carry::Ripple)?;
/// assert_eq!((product.evaluate(&[12, 11])?, product.depth()), (vec![132], product.levels().len()));
/// // A constant operand folds away.
/// assert!(product.bind(1, 10)?.gates() < product.gates() / 3);
/// # Ok::<(), he_tfhe::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Circuit {
    /// Node 0 is the constant, then come the operands, then the others in an order in which they can be computed.
    pub(crate) nodes: Vec<Node>,
    /// Gates between the operands and each node.
    pub(crate) node_levels: Vec<u32>,
    operands: Vec<usize>,
    pub(crate) outputs: Vec<Vec<Wire>>,
    levels: Vec<usize>,
}

impl Circuit {
    /// With the nodes that the outputs need, and all operands.
    pub(super) fn new(nodes: Vec<Node>, operands: Vec<usize>, outputs: Vec<Vec<Wire>>) -> Self {
        let fixed = 1 + operands.iter().sum::<usize>();
        let mut needed: Vec<bool> = (0..nodes.len()).map(|at| at < fixed).collect();
        outputs.iter().flatten().for_each(|wire| needed[wire.node()] = true);
        for at in (fixed..nodes.len()).rev() {
            if needed[at] {
                nodes[at].inputs.iter().for_each(|input| needed[input.node()] = true);
            }
        }
        let mut places = vec![0; nodes.len()];
        let mut circuit =
            Self { nodes: Vec::new(), node_levels: Vec::new(), operands, outputs, levels: Vec::new() };
        for (at, node) in nodes.iter().enumerate().filter(|(at, _)| needed[*at]) {
            places[at] = circuit.nodes.len();
            circuit.push(Node { inputs: node.inputs.map(|input| moved(&places, input)), ..*node });
        }
        circuit.outputs.iter_mut().flatten().for_each(|wire| *wire = moved(&places, *wire));
        circuit
    }

    fn push(&mut self, node: Node) {
        let mut level = node
            .inputs
            .iter()
            .filter_map(|input| self.node_levels.get(input.node()))
            .max()
            .copied()
            .unwrap_or(0);
        if node.operation.is_gate() {
            level += 1;
            self.levels.resize(self.levels.len().max(level as usize), 0);
            self.levels[level as usize - 1] += 1;
        }
        self.node_levels.push(level);
        self.nodes.push(node);
    }

    /// Bootstraps for each tuple of operands.
    #[doc(alias = "bootstraps")]
    pub fn gates(&self) -> usize {
        self.levels.iter().sum()
    }

    /// Gates that wait for each other.
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Number of gates with the same number of gates before them, from the operands on.
    pub fn levels(&self) -> &[usize] {
        &self.levels
    }

    /// Widths of the operands.
    pub fn operand_widths(&self) -> &[usize] {
        &self.operands
    }

    /// Widths of the results.
    pub fn output_widths(&self) -> Vec<usize> {
        self.outputs.iter().map(Vec::len).collect()
    }

    /// The circuit for one of the results alone.
    pub(super) fn output(mut self, at: usize) -> Self {
        let integer = self.outputs.swap_remove(at);
        Self::new(self.nodes, self.operands, vec![integer])
    }

    /// The function in the clear; integers are the low bits of a `u64`, bits above the width of an operand are ignored.
    ///
    /// # Errors
    /// If the number of operands is wrong.
    pub fn evaluate(&self, operands: &[u64]) -> Result<Vec<u64>, Error> {
        let operands: Vec<[u64; 1]> = operands.iter().map(|&operand| [operand]).collect();
        let operands: Vec<&[u64]> = operands.iter().map(<[u64; 1]>::as_slice).collect();
        Ok(self.evaluate_all(&operands)?.into_iter().flatten().collect())
    }

    /// The function in the clear on many tuples: `operands[i][j]` is operand `i` of tuple `j`, and so with results.
    ///
    /// # Errors
    /// If the number of operands is wrong, or they are not equally many.
    pub fn evaluate_all(&self, operands: &[&[u64]]) -> Result<Vec<Vec<u64>>, Error> {
        let lengths: Vec<usize> = operands.iter().map(|operand| operand.len()).collect();
        let count = self.check_operands("evaluation of a circuit", &lengths)?;
        let mut results = vec![Vec::with_capacity(count); self.outputs.len()];
        for start in (0..count).step_by(64) {
            let cases = start..count.min(start + 64);
            let bits = self.operands.iter().zip(operands).flat_map(|(&width, operand)| {
                let cases = &operand[cases.clone()];
                (0..width).map(move |bit| gather(cases.iter().map(|value| value >> bit & 1)))
            });
            let values = self.evaluate_lanes(bits);
            for (result, wires) in results.iter_mut().zip(&self.outputs) {
                result.extend(
                    (0..cases.len())
                        .map(|case| gather(wires.iter().map(|&wire| read(&values, wire) >> case & 1))),
                );
            }
        }
        Ok(results)
    }

    /// All nodes, of 64 cases at once.
    fn evaluate_lanes(&self, mut operands: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut values = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let value = match node.operation {
                Operation::Operand => operands.next().unwrap_or(0),
                Operation::Constant => 0,
                operation => operation.evaluate(node.inputs.map(|input| read(&values, input))),
            };
            values.push(value);
        }
        values
    }

    /// The number of tuples, if there are as many of each operand; one for a circuit without operands.
    pub(super) fn check_operands(&self, operation: &'static str, lengths: &[usize]) -> Result<usize, Error> {
        if lengths.len() != self.operands.len() {
            let needed = format!("{}", self.operands.len());
            return Err(Error::Count { operation, found: lengths.len(), needed });
        }
        let count = lengths.first().copied().unwrap_or(1);
        match lengths.iter().find(|&&length| length != count) {
            Some(&found) => {
                Err(Error::Count { operation, found, needed: format!("{count}, as of the first") })
            }
            None => Ok(count),
        }
    }
}

/// Bit `i` is item `i`.
fn gather(bits: impl Iterator<Item = u64>) -> u64 {
    bits.enumerate().fold(0, |integer, (at, bit)| integer | bit << at)
}

fn read(values: &[u64], wire: Wire) -> u64 {
    values[wire.node()] ^ if wire.negated() { u64::MAX } else { 0 }
}

fn moved(places: &[usize], wire: Wire) -> Wire {
    Wire::of(places[wire.node()]).negate_if(wire.negated())
}
