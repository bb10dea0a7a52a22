//! Messages between client and server.

use std::sync::LazyLock;

use he_core::wire::Header;
use nn_encrypted::roles::{Client, Server};

use crate::world::{INSTANCES, PLAN, SESSION, known_key, object};

/// Kinds of messages, as on the wire: weights.
pub const MODEL: u16 = 1;
/// A mini-batch.
pub const BATCH: u16 = 2;
/// Tensors to be refreshed while training.
pub const REQUEST: u16 = 4;
/// The outputs of a classification.
pub const OUTPUTS: u16 = 8;

/// A client with known keys.
pub fn client() -> Client {
    let keys = INSTANCES.iter().map(|instance| known_key(&instance.params).to_secret_bytes()).collect();
    Client::with_secrets(&PLAN, SESSION.first.clone(), &[keys]).expect("keys")
}

/// Its evaluation keys.
static KEYS: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| client().evaluation_keys().expect("keys"));

/// Its server.
pub fn server() -> Server {
    Server::new(&PLAN, &KEYS, false).expect("a server")
}

/// The upper bits of the first byte say which message it is.
pub fn message(bytes: &[u8]) {
    let Some(&first) = bytes.first() else { return };
    let kind = [BATCH, MODEL, REQUEST, OUTPUTS][usize::from(first / 2 % 4)];
    let bytes = object(&Header { tag: nn_encrypted::TAG, kind, params: PLAN.hash() }, bytes);
    match kind {
        BATCH => drop(server().receive_batch(0, bytes)),
        MODEL => drop(server().receive_model(0, bytes)),
        REQUEST => request(&bytes),
        _ => outputs(&bytes),
    }
}

/// A request that is answered is not answered twice, and its answer is a message.
fn request(bytes: &[u8]) {
    let mut client = client();
    let (x, targets) = SESSION.batch(0).expect("a mini-batch");
    client.begin(0, x.view(), targets.view()).expect("a step");
    if client.answer(bytes.to_vec()).is_ok() {
        assert!(client.answer(bytes.to_vec()).is_err());
    }
}

fn outputs(bytes: &[u8]) {
    let mut client = client();
    let (x, _) = SESSION.data.train.select(&[0, 1]);
    client.encrypt_query(0, SESSION.features(&x).view()).expect("a query");
    if let Ok(outputs) = client.read_outputs(bytes.to_vec()) {
        assert_eq!(outputs.dim(), (2, 3));
        assert!(client.read_outputs(bytes.to_vec()).is_err());
    }
}
