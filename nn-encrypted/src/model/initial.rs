//! Where training starts.

use super::{LayerState, Model};
use crate::data::random::{Purpose, normal_16, stream};
use crate::network::Network;

/// How first weights are rounded and bounded.
///
/// ```
/// use nn_encrypted::model::Grid;
///
/// let grid = Grid { bits: Some(14), bound: 1.0 };
/// assert!(grid.bits.is_some());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Fractional bits of weights; none where they are approximate.
    pub bits: Option<u32>,
    /// Largest magnitude.
    pub bound: f64,
}

impl Model {
    /// Nearly normal weights of deviation `gain / √inputs`, everything else 0; the same on every machine. `grid` tells of each
    /// layer how its weights are rounded.
    pub(crate) fn initial(network: &Network, gain: f64, seed: u64, grid: impl Fn(usize) -> Grid) -> Self {
        let mut rng = stream(seed, Purpose::Weights);
        let layers = network.layers.iter().enumerate().map(|(l, layer)| {
            let deviation = gain / (layer.fan_in() as f64).sqrt();
            let grid = grid(l);
            let mut draw = || {
                let normal = normal_16(&mut rng);
                grid.bits.map_or_else(
                    || (normal as f64 / 65_536.0 * deviation).clamp(-grid.bound, grid.bound),
                    |bits| rounded(i128::from(normal), deviation, bits, grid.bound),
                )
            };
            let shape = layer.shape();
            let weight: Vec<f64> = (0..shape.iter().product()).map(|_| draw()).collect();
            let bias = vec![0.0; layer.biases()];
            LayerState {
                shape,
                weight_momentum: vec![0.0; weight.len()],
                weight,
                bias_momentum: bias.clone(),
                bias,
            }
        });
        Self { layers: layers.collect() }
    }
}

/// `normal/2^16 · deviation` rounded half away from zero to `bits` fractional bits, by integers alone.
fn rounded(normal: i128, deviation: f64, bits: u32, bound: f64) -> f64 {
    let unit = 2_f64.powi(bits as i32);
    let scaled = normal * (deviation * unit * 65_536.0).round() as i128;
    let magnitude = ((scaled.abs() + (1 << 31)) >> 32).min((bound * unit) as i128) as f64;
    (if scaled < 0 { -magnitude } else { magnitude }) / unit
}
