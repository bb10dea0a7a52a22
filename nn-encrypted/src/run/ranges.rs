//! Ranges of the numbers of a training beside their bounds.

use super::session::Session;
use super::summary::RangeSummary;
use crate::program::Tensor;
use crate::recipe::{Backward, RefreshStrategy, RefreshTensor, Scheme};
use crate::twin::{TensorRange, Twin};

impl Session {
    /// The ranges of the tensors whose bounds nothing enforces, or lookup tables have.
    pub(super) fn ranges(&self, twin: &Twin) -> Vec<RangeSummary> {
        let clean = self.recipe.refresh.strategy == RefreshStrategy::Clean;
        let shown = twin.ranges().into_iter().filter(|range| clean || self.is_approximate(range));
        let summary = |range: TensorRange| {
            Some(RangeSummary { bound: range.bound?, tensor: range.tensor, largest: range.largest })
        };
        shown.filter_map(summary).collect()
    }

    /// The tensors of a training that left bounds which nothing enforces: an encrypted training goes wrong there. Where a client
    /// saturates, and where integers wrap that are looked up in tables, the twin has the very numbers of an encrypted training, and
    /// they are counted as saturated.
    pub(super) fn beyond(&self, twin: &Twin) -> Vec<TensorRange> {
        let ranges = twin.ranges().into_iter().filter(|range| range.beyond > 0);
        let mut beyond: Vec<TensorRange> = ranges.filter(|range| self.is_unenforced(range)).collect();
        let wrapped = self.wrapped(twin).into_iter();
        let new: Vec<_> = wrapped.filter(|w| beyond.iter().all(|known| known.tensor != w.tensor)).collect();
        beyond.extend(new);
        beyond
    }

    /// The tensors that were larger than the modulus holds over which they are sent to the client: it gets other numbers.
    fn wrapped(&self, twin: &Twin) -> Vec<TensorRange> {
        let (Ok(plan), ranges) = (self.plan(), twin.ranges()) else { return vec![] };
        let layers = &self.network.layers;
        let name = |tensor: Tensor| match tensor {
            Tensor::Sum(l) if l + 1 == layers.len() => Some(format!("{}.output", layers[l].name)),
            Tensor::Sum(l) => Some(format!("{}.preactivation", layers[l].name)),
            Tensor::RawError(l) => Some(format!("{}.error", layers[l].name)),
            _ => None,
        };
        let refreshes = plan.program.rounds.iter().flatten();
        let wrapped = refreshes.filter_map(|refresh| {
            let (name, proven) = (name(refresh.from)?, refresh.rounding.proven);
            let range = ranges.iter().find(|range| range.tensor == name && range.largest > proven)?;
            Some(TensorRange { bound: Some(proven), ..range.clone() })
        });
        wrapped.collect()
    }

    /// How many values were saturated, or wrapped.
    pub(super) fn saturations(&self, twin: &Twin) -> u64 {
        twin.ranges().iter().filter(|range| !self.is_unenforced(range)).map(|range| range.beyond).sum()
    }

    fn is_approximate(&self, range: &TensorRange) -> bool {
        let layer = range.layer.checked_sub(1).and_then(|place| self.recipe.layers.get(place));
        layer.is_some_and(|layer| layer.scheme == Scheme::Ckks)
    }

    fn is_unenforced(&self, range: &TensorRange) -> bool {
        let refresh = &self.recipe.refresh;
        let is = |tensor: &RefreshTensor| range.setting.ends_with(bound_name(*tensor));
        // A client always saturates the weights that it sends.
        let saturated = [RefreshTensor::Weight, RefreshTensor::Momentum].iter().any(is)
            || (refresh.backward == Backward::Encrypted && refresh.tensors.iter().any(is));
        self.is_approximate(range)
            && match refresh.strategy {
                RefreshStrategy::Client => !saturated,
                RefreshStrategy::Bootstrap => true,
                RefreshStrategy::Clean | RefreshStrategy::None => false,
            }
    }
}

/// The name of the bound of a tensor.
fn bound_name(tensor: RefreshTensor) -> &'static str {
    use RefreshTensor as T;
    match tensor {
        T::Preactivation => ".preactivation",
        T::Output => ".output",
        T::Error => ".error",
        T::Weight => ".weight",
        T::Momentum => ".momentum",
    }
}
