//! A client in the same process.

use super::{Client, Link, LinkError, Traffic};

/// Passes bytes to a client in the same process, with everything that crosses counted.
pub struct LocalLink<'a> {
    /// The client.
    pub client: &'a mut Client,
    /// The count.
    pub traffic: &'a mut Traffic,
}

impl Link for LocalLink<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        self.traffic.rounds += 1;
        self.traffic.to_client += request.len() as u64;
        let client = &mut *self.client;
        let answer = self.traffic.client.on(|| client.answer(request))?;
        self.traffic.to_server += answer.len() as u64;
        Ok(answer)
    }
}
