//! A client in the same process.

use super::{Client, Link, LinkError, Traffic};

/// Passes bytes to a client in the same process, with everything that crosses counted.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// use std::sync::Arc;
/// use nn_encrypted::roles::{Client, LocalLink, Server, Traffic};
///
/// let plan = session.plan()?;
/// let mut client = Client::new(&plan, session.first.clone())?;
/// let mut server = Server::new(&plan, &client.evaluation_keys()?, false)?;
/// server.receive_model(0, client.encrypt_model(0)?)?;
/// let (x, targets) = session.batch(0)?;
/// server.receive_batch(0, client.encrypt_batch(0, x.view(), targets.view())?)?;
/// client.begin(0, x.view(), targets.view())?;
/// let mut traffic = Traffic::default();
/// let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
/// server.train(0, 0, &mut link, &Arc::default())?;
/// assert!(traffic.to_client > 0 && traffic.to_server > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
