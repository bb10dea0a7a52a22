//! Keys as bytes: a sealed message for each of [`MESSAGES`].

use std::io::Read;

use he_ckks::bootstrap::BootstrapKeys;
use he_core::rlwe::{sealed, serial};
use he_core::wire::{self, Source, WireError};

use super::keys::{Between, EvaluationKeys, KeyRequest, MESSAGES};
use super::spec::Parameters;
use crate::bgv_ckks;
use crate::error::Error;
use crate::expand::Expander;
use crate::wire::{BGV_TABLES, enveloped, header, read_key};

impl Between {
    fn body_bytes(params: &Parameters) -> usize {
        bgv_ckks::Keys::body_bytes(params.shared())
            + 2 * sealed::key_switch_key_bytes(params.shared().joint(), 1)
    }

    fn sealed_bytes(params: &Parameters) -> usize {
        enveloped(Self::body_bytes(params))
    }

    fn to_bytes(&self, params: &Parameters) -> Result<Vec<u8>, WireError> {
        wire::seal_with(&header(params.hash(), BGV_TABLES), Self::body_bytes(params), |out| {
            self.bgv.write(out)?;
            [&self.up, &self.across].into_iter().try_for_each(|key| serial::write_key_switch_key(out, key))
        })
    }

    fn read_from(params: &Parameters, from: impl Read) -> Result<Self, WireError> {
        let (header, limit) = (header(params.hash(), BGV_TABLES), Self::body_bytes(params));
        wire::open_from(from, &header, limit, |body| {
            let joint = params.shared().joint();
            let bgv = bgv_ckks::Keys::read(body, params.shared())?;
            let (up, across) = (read_key(body, joint, 1)?, read_key(body, joint, 1)?);
            body.ended(MESSAGES[4])?;
            Ok(Self { bgv, up, across })
        })
    }
}

impl EvaluationKeys {
    /// Bytes of the messages of a request, in the order of [`MESSAGES`], before there are keys.
    ///
    /// # Errors
    /// If the request names levels, slots or Galois elements that are not there.
    pub fn sealed_bytes(params: &Parameters, request: &KeyRequest) -> Result<Vec<usize>, Error> {
        let none = he_ckks::KeyRequest::default();
        let ckks = |params, slots| BootstrapKeys::sealed_bytes(params, slots, &none);
        Ok(vec![
            request.bgv.sealed_bytes(params.bgv())?,
            Expander::sealed_bytes(params.bgv(), request.expansion),
            ckks(params.ckks(), request.refresh_slots)?,
            ckks(params.tables(), request.slots)?,
            Between::sealed_bytes(params),
        ])
    }

    /// A sealed message for each of [`MESSAGES`].
    ///
    /// # Errors
    /// Never for keys that were drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<Vec<u8>>, Error> {
        Ok(vec![
            self.bgv.to_bytes()?,
            self.expander.to_bytes()?,
            self.lift.to_bytes()?,
            self.tables.to_bytes()?,
            self.between.to_bytes(&self.params)?,
        ])
    }

    /// Opens the messages of a request.
    ///
    /// # Errors
    /// [`Error::Message`] with its name if a message is truncated, altered, of another kind, belongs to other parameters, or holds other
    /// keys than the request asks for; [`Error::Mismatch`] for another number of messages.
    pub fn from_bytes<B: AsRef<[u8]>>(
        params: &Parameters,
        request: &KeyRequest,
        messages: &[B],
    ) -> Result<Self, Error> {
        Self::read_from(params, request, messages.iter().map(AsRef::as_ref).collect())
    }

    /// As [`from_bytes`](Self::from_bytes), of messages that are read piece by piece, each to its end: hashed and opened as they come, so
    /// that their bytes are never in memory beside the keys.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from<R: Read>(
        params: &Parameters,
        request: &KeyRequest,
        messages: Vec<R>,
    ) -> Result<Self, Error> {
        let found = messages.len().to_string();
        let Ok([bgv, expansion, lift, tables, between]) = <[R; MESSAGES.len()]>::try_from(messages) else {
            let (field, needed) = ("the number of messages with evaluation keys", MESSAGES.len().to_string());
            return Err(Error::Mismatch { field, found, needed });
        };
        let of = |i: usize| move |source| Error::Message { what: MESSAGES[i], source };
        let none = he_ckks::KeyRequest::default();
        let ckks = |params, slots, from: R| BootstrapKeys::requested_from(params, slots, &none, from);
        let expander = Expander::open_sealed(params.bgv(), params.hash(), expansion).map_err(of(1))?;
        if expander.levels != request.expansion {
            let why = format!("{}, asked for {}", expander.levels, request.expansion);
            return Err(of(1)(WireError::Invalid { what: "levels of an expansion", why }));
        }
        let bgv = he_bgv::EvaluationKeys::requested_from(params.bgv(), &request.bgv, bgv);
        Ok(Self {
            params: params.clone(),
            bgv: bgv.map_err(of(0))?,
            expander,
            lift: ckks(params.ckks(), request.refresh_slots, lift).map_err(of(2))?,
            tables: ckks(params.tables(), request.slots, tables).map_err(of(3))?,
            between: Between::read_from(params, between).map_err(of(4))?,
        })
    }
}
