//! Messages that are altered on their way, for tests of what a role does with them.

use he_core::wire::{self, Reader, Writer};

use super::{Client, Link, LinkError};
use crate::tag::TAG;

/// Passes requests on after a change, and answers after another.
pub(crate) struct Meddler<'a> {
    pub(crate) client: &'a mut Client,
    pub(crate) request: &'a mut dyn FnMut(Vec<u8>) -> Vec<u8>,
    pub(crate) answer: &'a mut dyn FnMut(Vec<u8>) -> Vec<u8>,
}

impl Link for Meddler<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let answer = self.client.answer((self.request)(request))?;
        Ok((self.answer)(answer))
    }
}

/// A message with each of its ciphertexts replaced by another, sealed again as anybody can.
pub(crate) fn with_ciphertexts(message: &[u8], change: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (header, _) = wire::peek(message).unwrap();
    assert_eq!(header.tag, TAG);
    let mut from = Reader::new(wire::open(message, &header, message.len()).unwrap());
    let mut to = Writer::new();
    to.u64(from.u64("number").unwrap());
    to.u16(from.u16("round").unwrap());
    to.u32(from.u32("images").unwrap());
    let parts = from.u32("parts").unwrap();
    to.u32(parts);
    for _ in 0..parts {
        (0..3).for_each(|_| to.u16(from.u16("tensor").unwrap()));
        to.u32(from.u32("part").unwrap());
        let ciphertexts = from.u32("ciphertexts").unwrap();
        to.u32(ciphertexts);
        (0..ciphertexts)
            .for_each(|_| to.len_bytes(&change(from.len_bytes(message.len(), "ciphertext").unwrap())));
    }
    from.finish("message").unwrap();
    wire::seal(&header, &to.finish())
}

/// The ciphertexts of a message.
pub(crate) fn ciphertexts(message: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    with_ciphertexts(message, &mut |ciphertext| {
        all.push(ciphertext.to_vec());
        ciphertext.to_vec()
    });
    all
}
