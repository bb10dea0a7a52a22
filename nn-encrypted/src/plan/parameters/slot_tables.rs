//! Parameters of BGV and of the CKKS instances that tables over slots take, and their keys.

use he_switch::tables::{EvaluationKeys, Spec, Switcher};

use super::switch::integer_bytes;
use crate::engine::{EngineError, KeyStream};
use crate::plan::{Result, SchemeUse, Security};

pub(crate) use he_bgv::SecretKey;
pub(crate) use he_switch::tables::{KeyRequest, MESSAGES, Parameters};

/// Parameters for plaintexts modulo `2^log_t`.
pub(crate) fn parameters(log_t: u32, security: Security<'_>) -> Result<Parameters> {
    let t = 1 << log_t;
    Ok(match security {
        Security::Standard => Spec::uniform().with_modulus(t).build()?,
        Security::InsecureSmall(reason) => Spec::insecure_small().with_modulus(t).build_insecure(reason)?,
    })
}

/// Keys of layers in coefficients that are expanded in up to `2^expansion` parts; slots of tables, and of lifts.
pub(crate) fn key_request(
    parameters: &Parameters,
    expansion: u32,
    [slots, refresh_slots]: [usize; 2],
) -> KeyRequest {
    let bgv = parameters.bgv();
    let level = bgv.max_level();
    let own = he_bgv::KeyRequest::default().relinearization(level).galois(2 * bgv.n() - 1, level);
    KeyRequest { bgv: own, expansion, slots, refresh_slots }
}

/// All ways, from evaluation keys as they were sent.
pub(crate) fn switcher(
    parameters: &Parameters,
    request: &KeyRequest,
    keys: Vec<KeyStream<'_>>,
) -> Result<Switcher, EngineError> {
    let needed = MESSAGES.len();
    if keys.len() != needed {
        return Err(EngineError::KeyCount { found: keys.len(), needed });
    }
    let keys = EvaluationKeys::read_from(parameters, request, keys).map_err(|error| match error {
        he_switch::Error::Message { what, source } => EngineError::Keys { what: what.into(), source },
        other => other.into(),
    })?;
    Ok(Switcher::new(keys)?)
}

/// Bytes of a ciphertext as the client sends it, and as the server does: over all primes one that is `kept`.
pub(crate) fn piece_bytes(parameters: &Parameters, kept: bool) -> [usize; 2] {
    integer_bytes(parameters.bgv(), kept)
}

/// Bytes of the evaluation keys of a request, of each kind.
pub(crate) fn key_bytes(parameters: &Parameters, request: &KeyRequest) -> Result<Vec<usize>> {
    Ok(EvaluationKeys::sealed_bytes(parameters, request)?)
}

/// `log2` of the probability that modulus raising of the tables fails.
pub(crate) fn log2_failure(parameters: &Parameters) -> f64 {
    let tables = parameters.tables();
    tables.spec().bootstrap.as_ref().map_or(0.0, |bootstrap| bootstrap.log2_failure(tables.n()))
}

/// The schemes: of exact products first.
pub(crate) fn schemes(
    parameters: &Parameters,
    log_t: u32,
    [slots, refresh_slots]: [usize; 2],
) -> Vec<SchemeUse> {
    let margins = |name: &str| {
        parameters.margins().into_iter().filter(|margin| margin.what.starts_with(name)).collect::<Vec<_>>()
    };
    let bgv = parameters.bgv().rlwe();
    // Margins of both CKKS instances have one name.
    let ckks =
        |params: &he_ckks::Parameters, text| SchemeUse::of_rlwe("ckks", params.rlwe(), text, margins("ckks"));
    vec![
        SchemeUse::of_rlwe("bgv", bgv, format!("integers modulo 2^{log_t}"), margins("bgv")),
        ckks(parameters.tables(), format!("tables of {slots} slots")),
        ckks(parameters.ckks(), format!("lifts of {refresh_slots} slots")),
    ]
}
