//! Circuits on ciphertexts: one call for all gates of a level and all tuples of operands.

use std::borrow::Cow;

use super::circuit::{Circuit, Node, Operation};
use super::integer::Bits;
use super::wire::Wire;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::gates::{Gate, GateJob};
use crate::lwe::LweCiphertext;

/// `1/8` of the torus.
const EIGHTH: u32 = 1 << 29;
/// Tuples that go through a circuit together make full batches on 8 threads in levels of one gate.
const TUPLES: usize = 128;
/// The most ciphertexts that are kept for them, 6 KiB each for the parameters of gates, unless one tuple needs more.
const KEPT: usize = 1 << 16;
/// Gates in one call: their linear combinations take memory too.
const CALL: usize = 4096;

/// Evaluates circuits on slices of integers, and chooses them.
///
/// Results may have noise of twice the variance of a gate's (choices); operands as noisy as that are bootstrapped first, at
/// one gate for each such bit.
///
/// ```
/// # use he_tfhe::*;
/// use he_tfhe::bits::{BitEvaluator, decrypt, encrypt};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let (a, b) = (encrypt(&encryptor, &[3, -7], 4)?, encrypt(&encryptor, &[2, 5], 4)?);
/// let bits = BitEvaluator::new(&server);
/// assert_eq!(decrypt(&decryptor, &bits.max(&a, &b)?)?, [3, 5]);
/// # Ok(())
/// # }
/// ```
pub struct BitEvaluator<'a> {
    pub(super) evaluator: &'a Evaluator,
    /// The constant 0, which fills up gates.
    zero: LweCiphertext,
}

impl<'a> BitEvaluator<'a> {
    /// With an evaluator of parameters for gates, which allow a squared norm of 4.
    pub fn new(evaluator: &'a Evaluator) -> Self {
        Self { evaluator, zero: evaluator.constant_bit(false) }
    }

    /// A circuit on many tuples of operands: `operands[i][j]` is operand `i` of tuple `j`, and so with results.
    ///
    /// # Errors
    /// If the number or the width of operands is wrong, one belongs to other parameters, or it is too noisy for a gate.
    pub fn run(&self, circuit: &Circuit, operands: &[&[Bits]]) -> Result<Vec<Vec<Bits>>, Error> {
        let lengths: Vec<usize> = operands.iter().map(|integers| integers.len()).collect();
        let count = circuit.check_operands("circuit", &lengths)?;
        for (&needed, integers) in circuit.operand_widths().iter().zip(operands) {
            if let Some(integer) = integers.iter().find(|integer| integer.width() != needed) {
                let (field, found) = ("the width of an operand", format!("{} bits", integer.width()));
                return Err(Error::Spec { field, found, needed: needed.to_string() });
            }
        }
        let schedule = Schedule::new(circuit);
        let size =
            TUPLES.max(16 * rayon::current_num_threads()).min(KEPT / schedule.most_kept(circuit)).max(1);
        let mut results = vec![Vec::with_capacity(count); circuit.output_widths().len()];
        for start in (0..count).step_by(size) {
            let end = count.min(start + size);
            let part: Vec<&[Bits]> = operands.iter().map(|integers| &integers[start..end]).collect();
            let integers = self.run_part(circuit, &schedule, &part, end - start)?;
            results.iter_mut().zip(integers).for_each(|(all, integers)| all.extend(integers));
        }
        Ok(results)
    }

    fn run_part(
        &self,
        circuit: &Circuit,
        schedule: &Schedule,
        operands: &[&[Bits]],
        count: usize,
    ) -> Result<Vec<Vec<Bits>>, Error> {
        let mut state = State { circuit, values: self.operand_values(operands, count)?, count };
        state.values.resize_with(circuit.nodes.len(), Vec::new);
        for (level, nodes) in schedule.nodes.iter().enumerate() {
            let (gates, joins): (Vec<usize>, Vec<usize>) =
                nodes.iter().partition(|&&at| circuit.nodes[at].operation.is_gate());
            let mut outputs = self.gates(&state, &gates)?.into_iter();
            for at in gates {
                state.values[at] = outputs.by_ref().take(count).map(Cow::Owned).collect();
            }
            for at in joins {
                state.values[at] = state.join(&circuit.nodes[at])?;
            }
            schedule.last[level].iter().for_each(|&at| state.values[at] = Vec::new());
        }
        let integer = |wires: &Vec<Wire>, tuple| {
            Bits::from_bits(wires.iter().map(|&w| state.read(w, tuple).into_owned()).collect())
        };
        circuit.outputs.iter().map(|wires| (0..count).map(|tuple| integer(wires, tuple)).collect()).collect()
    }

    /// The constant and the bits of the operands, noisy ones bootstrapped.
    fn operand_values<'b>(
        &self,
        operands: &[&'b [Bits]],
        count: usize,
    ) -> Result<Vec<Vec<Cow<'b, LweCiphertext>>>, Error> {
        let mut values = vec![vec![Cow::Owned(self.zero.clone()); count]];
        for integers in operands {
            // Of those too that no gate takes.
            let mut bits = integers.iter().flat_map(Bits::bits);
            bits.try_for_each(|bit| self.evaluator.check("circuit", "operand", bit))?;
            let width = integers.first().map_or(0, Bits::width);
            values.extend(
                (0..width)
                    .map(|bit| integers.iter().map(|integer| Cow::Borrowed(&integer.bits()[bit])).collect()),
            );
        }
        let most = self.evaluator.params().prediction().bootstrap * (1.0 + 1e-9);
        let mut noisy: Vec<&mut Cow<'_, LweCiphertext>> =
            values.iter_mut().flatten().filter(|bit| bit.variance() > most).collect();
        let jobs: Vec<GateJob<'_>> =
            noisy.iter().map(|bit| GateJob::two(Gate::Or, bit, &self.zero)).collect();
        let quiet = self.evaluator.gates(&jobs)?;
        noisy.iter_mut().zip(quiet).for_each(|(bit, quiet)| **bit = Cow::Owned(quiet));
        Ok(values)
    }

    /// All tuples of all gates given, one gate after the other.
    fn gates(&self, state: &State<'_, '_>, gates: &[usize]) -> Result<Vec<LweCiphertext>, Error> {
        let mut inputs = Vec::with_capacity(gates.len() * state.count);
        for &at in gates {
            let node = &state.circuit.nodes[at];
            let (gate, wires) = gate(node);
            inputs.extend((0..state.count).map(|tuple| (gate, wires.map(|wire| state.read(wire, tuple)))));
        }
        let jobs: Vec<GateJob<'_>> = inputs
            .iter()
            .map(|(gate, inputs)| GateJob { gate: *gate, inputs: inputs.each_ref().map(AsRef::as_ref) })
            .collect();
        let mut outputs = Vec::with_capacity(jobs.len());
        for jobs in jobs.chunks(CALL) {
            outputs.extend(self.evaluator.gates(jobs)?);
        }
        Ok(outputs)
    }
}

/// The gate for a node and its inputs, in the order of the gate; two-input nodes have theirs at the end.
fn gate(node: &Node) -> (Gate, [Wire; 3]) {
    let [a, b, c] = node.inputs;
    match node.operation {
        Operation::And => {
            let gate = match (b.negated(), c.negated()) {
                (false, false) => Gate::And,
                (true, false) => Gate::AndNy,
                (false, true) => Gate::AndYn,
                (true, true) => Gate::Nor,
            };
            (gate, [b.plain(), c.plain(), a])
        }
        Operation::Xor => (Gate::Xor, [b, c, a]),
        Operation::Xor3 => (Gate::Xor3, [a, b, c]),
        Operation::Majority => (Gate::Majority, [a, b, c]),
        _ => (Gate::Or, [c, b, a]),
    }
}

/// Values that have been computed and are still needed.
struct State<'c, 'b> {
    circuit: &'c Circuit,
    /// For each node and each tuple; empty if not computed or not needed any more.
    values: Vec<Vec<Cow<'b, LweCiphertext>>>,
    count: usize,
}

impl State<'_, '_> {
    /// A wire of a tuple.
    fn read(&self, wire: Wire, tuple: usize) -> Cow<'_, LweCiphertext> {
        let value = &self.values[wire.node()][tuple];
        let mut value = Cow::Borrowed(value.as_ref());
        if wire.negated() {
            value.to_mut().scale_assign(-1);
        }
        value
    }

    /// `a ∨ b = a + b + 1/8` of bits that are never both 1.
    fn join<'o>(&self, node: &Node) -> Result<Vec<Cow<'o, LweCiphertext>>, Error> {
        let join = |tuple| {
            let mut sum = self.read(node.inputs[1], tuple).into_owned();
            sum.add_scaled_assign(&self.read(node.inputs[2], tuple), 1)?;
            sum.add_constant_assign(EIGHTH);
            Ok(Cow::Owned(sum))
        };
        (0..self.count).map(join).collect()
    }
}

/// The levels in which nodes are computed and forgotten.
struct Schedule {
    /// Gates and joins of each level, in order.
    nodes: Vec<Vec<usize>>,
    /// Nodes that nothing above the level needs.
    last: Vec<Vec<usize>>,
}

impl Schedule {
    fn new(circuit: &Circuit) -> Self {
        let levels = circuit.depth() + 1;
        let mut schedule = Self { nodes: vec![Vec::new(); levels], last: vec![Vec::new(); levels] };
        let mut last: Vec<u32> = circuit.node_levels.clone();
        for (at, node) in circuit.nodes.iter().enumerate() {
            let level = circuit.node_levels[at];
            node.inputs.iter().for_each(|input| last[input.node()] = last[input.node()].max(level));
            if node.operation.is_gate() || node.operation == Operation::Join {
                schedule.nodes[level as usize].push(at);
            }
        }
        circuit.outputs.iter().flatten().for_each(|wire| last[wire.node()] = u32::MAX);
        // The constant stays: gates are filled up with it.
        for (at, &level) in last.iter().enumerate().skip(1) {
            if let Some(nodes) = schedule.last.get_mut(level as usize) {
                nodes.push(at);
            }
        }
        schedule
    }

    /// Bits that are there at one time, for each tuple, those of operands included; at least 1.
    fn most_kept(&self, circuit: &Circuit) -> usize {
        let mut kept = circuit.operand_widths().iter().sum::<usize>();
        let mut most = kept.max(1);
        for (nodes, last) in self.nodes.iter().zip(&self.last) {
            kept += nodes.len();
            most = most.max(kept);
            kept -= last.len();
        }
        most
    }
}

he_core::brief_debug!(['a] BitEvaluator<'a>: |a| evaluator = a.evaluator);

#[cfg(test)]
mod tests {
    use super::super::carry::Carry;
    use super::*;

    #[test]
    fn nodes_are_there_when_they_are_read_and_go_afterwards() {
        let circuits = [
            Circuit::sigmoid(16, 10, Carry::Ripple),
            Circuit::max(8, Carry::Sklansky),
            Circuit::negate(1, Carry::Ripple),
        ];
        for circuit in circuits.map(Result::unwrap) {
            let schedule = Schedule::new(&circuit);
            let mut there = vec![false; circuit.nodes.len()];
            there[..=circuit.operand_widths().iter().sum()].fill(true);
            for (nodes, last) in schedule.nodes.iter().zip(&schedule.last) {
                let (gates, joins): (Vec<usize>, Vec<usize>) =
                    nodes.iter().partition(|&&at| circuit.nodes[at].operation.is_gate());
                for at in gates.into_iter().chain(joins) {
                    assert!(circuit.nodes[at].inputs.iter().all(|input| there[input.node()]));
                    there[at] = true;
                }
                last.iter().for_each(|&at| there[at] = false);
            }
            for (at, there) in there.into_iter().enumerate().skip(1) {
                assert_eq!(there, circuit.outputs.iter().flatten().any(|wire| wire.node() == at));
            }
            let (operands, all) = (circuit.operand_widths()[0], circuit.nodes.len());
            assert!((operands..all).contains(&schedule.most_kept(&circuit)));
        }
    }
}
