//! The rectifier: `y = max(x, 0)`.

/// Replaces negative values by 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relu;

impl Relu {
    /// One image, into another of the same shape.
    pub(super) fn forward(x: &[f32], y: &mut [f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = if x > 0.0 { x } else { 0.0 };
        }
    }

    /// The gradient by `x` from that by `y`, of any number of images; at 0 it is 0.
    pub(super) fn backward(x: &[f32], gradient: &[f32]) -> Vec<f32> {
        x.iter().zip(gradient).map(|(&x, &g)| if x > 0.0 { g } else { 0.0 }).collect()
    }
}
