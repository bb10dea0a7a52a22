//! Keys as bytes: a sealed message for each of [`MESSAGES`].

use he_ckks::bootstrap::BootstrapKeys;
use he_core::rlwe::{sealed, serial};
use he_core::wire::{self, Reader, WireError};

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

    fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let body = wire::open(bytes, &header(params.hash(), BGV_TABLES), Self::body_bytes(params))?;
        let (mut reader, joint) = (Reader::new(body), params.shared().joint());
        let bgv = bgv_ckks::Keys::read(&mut reader, params.shared())?;
        let (up, across) = (read_key(&mut reader, joint, 1)?, read_key(&mut reader, joint, 1)?);
        reader.finish(MESSAGES[4])?;
        Ok(Self { bgv, up, across })
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
        let [bgv, expansion, lift, tables, between] = messages else {
            let (found, needed) = (messages.len().to_string(), MESSAGES.len().to_string());
            let field = "the number of messages with evaluation keys";
            return Err(Error::Mismatch { field, found, needed });
        };
        let of = |i: usize| move |source| Error::Message { what: MESSAGES[i], source };
        let none = he_ckks::KeyRequest::default();
        let ckks = |params, slots, bytes: &B| BootstrapKeys::requested(params, slots, &none, bytes.as_ref());
        let expander =
            Expander::open_sealed(params.bgv(), params.hash(), expansion.as_ref()).map_err(of(1))?;
        if expander.levels != request.expansion {
            let why = format!("{}, asked for {}", expander.levels, request.expansion);
            return Err(of(1)(WireError::Invalid { what: "levels of an expansion", why }));
        }
        let bgv = he_bgv::EvaluationKeys::requested(params.bgv(), &request.bgv, bgv.as_ref());
        Ok(Self {
            params: params.clone(),
            bgv: bgv.map_err(of(0))?,
            expander,
            lift: ckks(params.ckks(), request.refresh_slots, lift).map_err(of(2))?,
            tables: ckks(params.tables(), request.slots, tables).map_err(of(3))?,
            between: Between::from_bytes(params, between.as_ref()).map_err(of(4))?,
        })
    }
}
