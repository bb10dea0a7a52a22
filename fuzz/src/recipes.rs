//! Messages of every recipe and kind of engine.

use std::sync::{Arc, LazyLock, Mutex};

use he_core::wire::Header;
use nn_encrypted::plan::Plan;
use nn_encrypted::roles::{Client, Purpose, Server};
use nn_encrypted::run::Session;

use crate::world::object;
use crate::worlds;

/// Who speaks in a small world.
pub struct Roles {
    /// Recipe and data.
    pub session: Session,
    /// The plan.
    pub plan: Arc<Plan>,
    /// The client.
    pub client: Client,
    /// The server.
    pub server: Server,
}

/// The worlds; keys are made when one is used first, and anew in every process.
pub static ROLES: [LazyLock<Mutex<Roles>>; worlds::ALL.len()] = [
    LazyLock::new(|| roles(0)),
    LazyLock::new(|| roles(1)),
    LazyLock::new(|| roles(2)),
    LazyLock::new(|| roles(3)),
    LazyLock::new(|| roles(4)),
    LazyLock::new(|| roles(5)),
    LazyLock::new(|| roles(6)),
    LazyLock::new(|| roles(7)),
    LazyLock::new(|| roles(8)),
];

/// What is read, by its place in the upper bits of the first byte.
pub const PURPOSES: [Purpose; 5] =
    [Purpose::Model, Purpose::Batch, Purpose::Request, Purpose::QueryRequest, Purpose::Outputs];

/// Bytes for the keys of all worlds, and what is read.
const MOST_MEMORY: usize = 1 << 30;

fn roles(world: usize) -> Mutex<Roles> {
    // It can only fail if more is in use already.
    let _ = crate::MEMORY.set_limit(MOST_MEMORY);
    let session = worlds::session(worlds::ALL[world]);
    let plan = worlds::plan(&session);
    let client = Client::new(&plan, session.first.clone()).expect("a client");
    let keys = client.evaluation_keys().expect("keys");
    let server = Server::new(&plan, &keys, false).expect("a server");
    Mutex::new(Roles { session, plan, client, server })
}

/// The first byte says which message it is and whether it is a body to be sealed, the second of which recipe.
pub fn recipes(bytes: &[u8]) {
    let [first, world, rest @ ..] = bytes else { return };
    let Ok(mut roles) = ROLES[usize::from(*world) % ROLES.len()].lock() else { return };
    let purpose = PURPOSES[usize::from(first / 2) % PURPOSES.len()];
    let header = Header { tag: nn_encrypted::TAG, kind: purpose as u16, params: roles.plan.hash() };
    roles.read(purpose, object(&header, &[&[*first], rest].concat()));
}

impl Roles {
    fn read(&mut self, purpose: Purpose, bytes: Vec<u8>) {
        let Self { session, client, server, .. } = self;
        let (x, targets) = session.batch(0).expect("a mini-batch");
        match purpose {
            Purpose::Model => {
                if server.receive_model(0, bytes).is_ok() {
                    // What the server keeps it takes again, and it is the same.
                    let kept = server.model(0).expect("weights");
                    server.restore(0, kept.clone()).expect("what was written is read");
                    assert!(server.model(0).expect("weights") == kept);
                }
            }
            Purpose::Batch => drop(server.receive_batch(0, bytes)),
            Purpose::Request => {
                client.begin(0, x.view(), targets.view()).expect("a step");
                let _ = client.answer(bytes);
            }
            Purpose::QueryRequest => {
                client.encrypt_query(0, x.view()).expect("a query");
                let _ = client.answer(bytes);
            }
            _ => {
                client.encrypt_query(0, x.view()).expect("a query");
                let _ = client.read_outputs(bytes);
            }
        }
    }
}
