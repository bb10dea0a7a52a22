//! Constants as operands: a circuit is built anew, and gates fold away.

use super::builder::Builder;
use super::circuit::{Circuit, Operation};
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// The circuit with the constant `value` as operand `operand`, which is no operand any more: gates become fewer.
    ///
    /// # Errors
    /// If there is no such operand.
    pub fn bind(&self, operand: usize, value: u64) -> Result<Self, Error> {
        if operand >= self.operand_widths().len() {
            let needed = format!("more than {operand}, the one that is bound");
            return Err(Error::Count {
                operation: "binding of an operand",
                found: self.operand_widths().len(),
                needed,
            });
        }
        let mut builder = Builder::new();
        let mut wires = vec![Wire::FALSE];
        for (at, &width) in self.operand_widths().iter().enumerate() {
            if at == operand {
                wires.extend((0..width).map(|bit| Wire::constant(value >> bit & 1 == 1)));
            } else {
                wires.extend(builder.operand(width));
            }
        }
        for node in &self.nodes[wires.len()..] {
            let [a, b, c] = node.inputs.map(|input| moved(&wires, input));
            wires.push(match node.operation {
                Operation::Constant | Operation::Operand => Wire::FALSE,
                Operation::And => builder.and(b, c),
                Operation::Xor => builder.xor(b, c),
                Operation::Xor3 => builder.xor3(a, b, c),
                Operation::Majority => builder.majority(a, b, c),
                Operation::Refresh => builder.refresh(c),
                Operation::Join => builder.join(b, c),
            });
        }
        let outputs =
            self.outputs.iter().map(|integer| integer.iter().map(|&wire| moved(&wires, wire)).collect());
        let outputs = outputs.collect();
        Ok(builder.finish(outputs))
    }
}

/// A wire of the old circuit in the new one.
fn moved(wires: &[Wire], wire: Wire) -> Wire {
    wires[wire.node()].negate_if(wire.negated())
}
