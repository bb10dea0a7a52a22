//! The data of a search for the cheapest plan.

use std::collections::BTreeMap;

use crate::engine::EngineError;
use crate::engine::slots::bgv::{Broken, Instance, Rehearsal, Stage};
use crate::engine::slots::{Formulas, Level};
use crate::layout::{Cube, Geometry};
use crate::network::Matrix;
use crate::plan::{PlanError, Security};
use crate::program::{Program, Tensor};

/// All that candidates are chosen for.
pub(super) struct Search<'a> {
    pub(super) program: &'a Program,
    pub(super) formulas: &'a Formulas<i64>,
    /// Number, inputs and outputs of each layer.
    pub(super) shapes: Vec<(usize, (usize, usize))>,
    pub(super) matrices: &'a [Matrix],
    /// Samples of a mini-batch.
    pub(super) batch: usize,
    /// Largest magnitude of any tensor.
    pub(super) bound: i128,
    /// Bits of the plaintext primes to try.
    pub(super) plaintext_bits: Vec<Vec<u32>>,
    /// The rings to choose among.
    pub(super) security: Security<'a>,
}

/// Why the last parameters tried are none.
pub(super) enum Failure {
    /// A tensor cannot be computed over a chain of so many bits.
    Broken(Broken, f64),
    /// There are no such parameters.
    Parameters(PlanError),
}

/// A ring, a chain and a cube, with the levels and the cost of a step.
pub(super) struct Candidate {
    pub(super) geometry: Geometry,
    pub(super) instances: Vec<Instance>,
    pub(super) fresh: BTreeMap<Tensor, usize>,
    pub(super) levels: BTreeMap<Tensor, Level>,
    pub(super) rehearsal: Rehearsal,
    pub(super) seconds: f64,
}

impl Candidate {
    pub(super) fn log_n(&self) -> u32 {
        self.instances[0].spec.log_n
    }
}

impl Search<'_> {
    /// The layout in a cube.
    pub(super) fn geometry(&self, cube: Cube) -> Geometry {
        Geometry::new(cube, self.shapes.iter().copied(), self.batch)
    }

    /// A stage of a candidate's size.
    pub(super) fn stage(
        &self,
        geometry: &Geometry,
        instances: &[Instance],
    ) -> Result<Stage<'_>, EngineError> {
        let params: Vec<_> = instances.iter().map(|instance| instance.params.clone()).collect();
        Stage::new(self.program, self.formulas, geometry, &params)
    }
}
