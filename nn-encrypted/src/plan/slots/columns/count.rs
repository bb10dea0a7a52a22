//! Levels of a training that nothing refreshes, and transforms of its key switches.

/// Levels of the first step, one after another: two products with plaintexts, and one with a ciphertext.
pub(super) const LEVELS: usize = 3;

/// Levels of so many steps. Each later one multiplies by weights that are encrypted: of every layer a product forward, and of all but one
/// a product back and two with plaintexts; the gradient, and two plaintexts that pack it and unpack new weights.
pub(super) fn levels(layers: usize, steps: usize) -> usize {
    LEVELS + steps.saturating_sub(1) * (layers + 3 * (layers - 1) + 3)
}

/// Transforms of a key switch of so many limbs, in digits, with special primes.
pub(super) fn key_switch_transforms(limbs: usize, digits: usize, special: usize) -> f64 {
    (limbs + special + (limbs + special) * digits) as f64
}
