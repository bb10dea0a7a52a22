//! The evaluation keys of a training.

use he_switch::KeyRequest;

use super::MixedPlan;
use super::arrangement::Arrangement;

impl MixedPlan {
    /// The evaluation keys that a server needs: those of the schemes, and of the bridges between them.
    #[must_use]
    pub fn key_request(&self) -> KeyRequest {
        match &self.arrangement {
            Arrangement::Bgv(layout) => {
                let bgv = self.parameters.bgv();
                let level = bgv.max_level();
                let own = he_bgv::KeyRequest::default().relinearization(level).galois(2 * bgv.n() - 1, level);
                KeyRequest::bgv_and_tfhe().bgv(own).expansion(layout.levels()).slots(self.slots())
            }
            Arrangement::Ckks(packing) => {
                let ckks = self.parameters.ckks();
                let steps: Vec<usize> = (0..packing.slots.trailing_zeros()).map(|bits| 1 << bits).collect();
                let own = he_ckks::KeyRequest::default().relinearization(ckks.max_level());
                let own = own.rotations(ckks, &steps, ckks.max_level());
                KeyRequest::ckks_and_tfhe().ckks(own).slots(self.slots())
            }
        }
    }
}
