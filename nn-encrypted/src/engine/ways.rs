//! Ways out of BGV: to tables in TFHE, or over the slots of CKKS.

use std::sync::Arc;

use he_switch::expand::Expander;
use he_switch::{Switcher, tables};

use super::Result;

/// The part of the ways out of BGV that layers in coefficients take.
pub(crate) trait Ways: Send + Sync {
    fn evaluator(&self) -> &Arc<he_bgv::Evaluator>;

    fn expander(&self) -> Result<&Arc<Expander>>;
}

impl Ways for Switcher {
    fn evaluator(&self) -> &Arc<he_bgv::Evaluator> {
        self.bgv()
    }

    fn expander(&self) -> Result<&Arc<Expander>> {
        Ok(Switcher::expander(self)?)
    }
}

impl Ways for tables::Switcher {
    fn evaluator(&self) -> &Arc<he_bgv::Evaluator> {
        self.bgv()
    }

    fn expander(&self) -> Result<&Arc<Expander>> {
        Ok(tables::Switcher::expander(self))
    }
}
