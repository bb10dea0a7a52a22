//! Where the server of a run is.

use std::sync::Arc;

use super::sealed_keys::SealedKeys;
use super::session::Session;
use super::{RunError, RunFolder};
use crate::plan::Plan;
use crate::roles::Channel;
use crate::roles::Server;

/// Ways to the servers of runs.
pub(crate) trait Connect {
    /// A server of the plan of a session, with evaluation keys and without weights. The folder of the run, which has the keys, keeps
    /// what is needed to find the server again.
    fn connect(
        &self,
        session: &Session,
        plan: &Arc<Plan>,
        keys: &SealedKeys,
        folder: Option<&RunFolder>,
    ) -> Result<Box<dyn Channel>, RunError>;

    /// The arguments of the command line that name the server, each after a blank; none of one in this process.
    fn arguments(&self) -> String {
        String::new()
    }
}

/// Servers in this process; they record what an audit needs.
pub(crate) struct Here;

impl Connect for Here {
    fn connect(
        &self,
        _session: &Session,
        plan: &Arc<Plan>,
        keys: &SealedKeys,
        folder: Option<&RunFolder>,
    ) -> Result<Box<dyn Channel>, RunError> {
        Ok(Box::new(match folder {
            Some(folder) => folder.server_with(plan, keys)?,
            None => Server::read_from(plan, keys.open()?, true)?,
        }))
    }
}
