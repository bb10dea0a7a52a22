//! Training steps without any refresh, on integers modulo plaintext primes, in the columns of [`crate::layout::columns`].
//!
//! The first weights are public: the server knows them from the plan. All activations are the identity, so that the first step is
//!
//! | step | tensors and their formulas | levels |
//! |---|---|---|
//! | `Forward(0)` | `Sum(0)`, everywhere: features beside one another times weights as a plaintext, summed over groups | a plaintext |
//! | `Forward(l)` | `Sum(l) = Σ_i w_ij·A_i`: constants | |
//! | `Loss`, `Backward` | `Error(L) = Z − Y`, and `InputGradient(l − 1) = Σ_j w_ij·D_j`: constants | |
//! | `Gradient(l)` | `Products(l) = A_lᵀ·D_l`, with `A_l` beside one another, summed over images; of the biases `Σ D_l` | a plaintext and a product |
//! | `Update` | `NewWeights = W − η·G` | |
//!
//! What a step makes of public weights are ciphertexts. Where the plan has further steps these are packed, and [`sealed`] says what a step
//! with them is.

mod agreement;
mod engine;
mod integers;
mod ladder;
mod residues;
mod sealed;
mod steps;
mod walk;
mod yashe;

use std::sync::Arc;

pub(crate) use self::agreement::{Agreement, Channel, LayerNumbers};
use self::engine::ColumnsEngine;
pub(crate) use self::engine::{PUBLIC, SEALED, of_one_step, steps_of};
use self::integers::IntegerResidues;
pub(crate) use self::integers::{IntegerKeys, read as read_integers};
pub(crate) use self::ladder::{Constant, Ladder};
use self::residues::Residues;
use self::steps::Steps;
use self::walk::walk;
use self::yashe::{RehearsedYashe, YasheResidues};
pub(crate) use self::yashe::{key_request, read as read_yashe, residue_encoder as yashe_residue_encoder};
use super::{Engine, EngineError, KeyStream, Result};

/// An engine with evaluation keys as they were sent.
///
/// # Errors
/// If keys are missing, damaged or of other parameters.
pub(crate) fn engine(agreement: &Arc<Agreement>, keys: Vec<KeyStream<'_>>) -> Result<Box<dyn Engine>> {
    let needed = agreement.channels.len();
    if keys.len() != needed {
        return Err(EngineError::KeyCount { found: keys.len(), needed });
    }
    let (mut integers, mut legacy) = (Vec::new(), Vec::new());
    for (number, (channel, keys)) in agreement.channels.iter().zip(keys).enumerate() {
        match channel {
            Channel::Integers(form) => integers.push(IntegerResidues::new(agreement, form, keys, number)?),
            Channel::Yashe(params) => legacy.push(YasheResidues::new(params, keys, number)?),
        }
    }
    if legacy.is_empty() {
        Ok(Box::new(ColumnsEngine::new(agreement, integers)))
    } else {
        Ok(Box::new(ColumnsEngine::new(agreement, legacy)))
    }
}

/// Bytes of the evaluation keys of each plaintext prime, sealed.
///
/// # Errors
/// If there are no such keys.
pub(crate) fn key_bytes(agreement: &Agreement) -> Result<Vec<usize>> {
    let of = |channel: &Channel| match channel {
        Channel::Integers(form) => {
            let params = form.params();
            Ok(IntegerKeys::of(agreement, params).sealed_bytes(params)?)
        }
        Channel::Yashe(params) => Ok(key_request(agreement, params).sealed_bytes(params)),
    };
    agreement.channels.iter().map(of).collect()
}

/// Walks all steps without ciphertexts, on one plaintext prime.
///
/// # Errors
/// Where the noise exceeds a modulus; with the steps done before.
pub(crate) fn rehearse(agreement: &Agreement, channel: &Channel) -> Result<(), (usize, EngineError)> {
    match channel {
        Channel::Integers(form) => {
            let (ops, fresh) = IntegerResidues::rehearsal(form).map_err(|error| (0, error))?;
            walk(agreement, &ops, &fresh)
        }
        Channel::Yashe(params) => {
            let fresh = (params.noise().fresh(), params.max_level());
            walk(agreement, &RehearsedYashe(params), &fresh)
        }
    }
}
