//! Tables of real functions on half a torus.

use super::backend::Backend;

/// A table: its first argument, the torus of its input, and its outputs, each a function and the torus of its results.
pub(super) struct Table<'f> {
    pub(super) first: f64,
    pub(super) torus: f64,
    pub(super) outputs: Vec<(&'f dyn Fn(f64) -> f64, f64)>,
}

impl Table<'_> {
    /// Points of the torus, in units of `2^-32`, for boxes that are centred at multiples of their width.
    fn values(&self, boxes: usize) -> Vec<Vec<u32>> {
        let width = self.torus / 2.0 / boxes as f64;
        let all = |(f, torus): &(&dyn Fn(f64) -> f64, f64)| {
            (0..boxes).map(|b| point(f(self.first + b as f64 * width) / torus)).collect()
        };
        self.outputs.iter().map(all).collect()
    }

    /// Looks all inputs up: for each the outputs, one or two.
    pub(super) fn look_up<B: Backend>(
        &self,
        backend: &B,
        inputs: &[B::Value],
    ) -> Result<Vec<Vec<B::Value>>, B::Error> {
        let constant = point(-self.first / self.torus);
        let shifted = inputs.iter().map(|x| backend.linear_combination(&[(1, x)], constant));
        let shifted = shifted.collect::<Result<Vec<_>, _>>()?;
        backend.look_up(&shifted, &self.values(backend.model().boxes(self.outputs.len())))
    }
}

/// A point of the torus, in units of `2^-32`.
pub(super) fn point(x: f64) -> u32 {
    (x * 32_f64.exp2()).round() as i64 as u32
}
