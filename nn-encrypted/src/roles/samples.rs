//! Samples as a plan takes them.

use ndarray::ArrayView2;

use super::ClientError;
use crate::network::Layer;
use crate::plan::Plan;

/// Checks the shape of features for a plan, and of targets if there are any.
pub(super) fn check_samples(
    plan: &Plan,
    x: ArrayView2<'_, f64>,
    targets: Option<ArrayView2<'_, f64>>,
) -> Result<(), ClientError> {
    let shape = |what: &'static str, found: usize, needed: usize| match found == needed {
        true => Ok(()),
        false => Err(ClientError::Data { what, found, needed: needed.to_string() }),
    };
    let (layers, most) = (&plan.network.layers, plan.batch());
    if x.nrows() == 0 || x.nrows() > most {
        let needed = format!("1 to {most}");
        return Err(ClientError::Data { what: "images of a mini-batch", found: x.nrows(), needed });
    }
    shape("features of an image", x.ncols(), layers.first().map_or(0, Layer::inputs))?;
    let Some(targets) = targets else { return Ok(()) };
    shape("targets of a mini-batch", targets.nrows(), x.nrows())?;
    shape("targets of an image", targets.ncols(), layers.last().map_or(0, Layer::outputs))
}
