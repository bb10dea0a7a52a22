//! A server and its clients on this machine, in rings that protect nothing.

mod cuts;
mod hostile;
mod identities;
mod killed;
#[cfg(unix)]
mod memory;
mod operation;
mod owners;
mod tenants;
mod training;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Elsewhere, Form, Journal, Listener, Place, Tokens};
use crate::net::limits::Limits;
use crate::run::small::{ALL, Near, REASON, Small};
use crate::run::{
    Connect, Here, Options, Outcome, Resumption, RunError, Session, resume, train_session_with,
};

/// A folder of its own, removed at the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("nn-encrypted-net-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Limits of a server of a test.
fn limits() -> Limits {
    Limits { insecure_small: true, header_seconds: 2, body_seconds: 2, ..Limits::default() }
}

/// A log that nobody reads.
fn quiet() -> Journal {
    Journal::to(Form::Words, std::io::sink())
}

/// A server in a thread.
struct Served {
    address: SocketAddr,
    root: PathBuf,
    scheme: &'static str,
    /// Where health and metrics are told.
    operated: Option<SocketAddr>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn plain(root: &Path, limits: Limits) -> Self {
        Self::with(root, limits, true)
    }

    fn with(root: &Path, limits: Limits, plain: bool) -> Self {
        Self::of(root, limits, plain, quiet())
    }

    fn logged(root: &Path, limits: Limits, journal: Journal) -> Self {
        Self::of(root, limits, true, journal)
    }

    fn tls(root: &Path, limits: Limits, journal: Journal) -> Self {
        Self::of(root, limits, false, journal)
    }

    fn of(root: &Path, limits: Limits, plain: bool, journal: Journal) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::with(root, any, plain, limits, journal).unwrap();
        let (address, stop) = (listener.address().unwrap(), Arc::<AtomicBool>::default());
        let operated = listener.operated_at().unwrap();
        let flag = Arc::clone(&stop);
        let thread = Some(std::thread::spawn(move || listener.run(&flag).unwrap()));
        let scheme = if plain { "http" } else { "https" };
        Self { address, root: root.to_owned(), scheme, operated, stop, thread }
    }

    fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The server as a tenant names it.
    fn place(&self, tenant: &str) -> Place {
        place(&self.root, tenant, self.url())
    }
}

/// A server as a tenant names it, with a new token.
fn place(root: &Path, tenant: &str, url: String) -> Place {
    let token_file = root.join(format!("{tenant}.token"));
    std::fs::write(&token_file, &**Tokens::new(root).issue(tenant, None).unwrap()).unwrap();
    Place {
        url,
        token_file: Some(token_file),
        patience: Duration::from_secs(30),
        quiet: true,
        ..Place::default()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

impl Small {
    fn options(&self, out: &Path) -> Options {
        Options {
            steps: Some(self.steps),
            out: Some(out.to_owned()),
            quiet: true,
            checkpoint_every: Some(Duration::ZERO),
            ..Options::default()
        }
    }

    fn train(&self, session: &Session, connect: &dyn Connect, out: &Path) -> Result<Outcome, RunError> {
        train_session_with(session, &self.options(out), connect, Instant::now())
    }

    /// With a server in this process.
    fn here(&self, session: &Session, out: &Path) -> Outcome {
        self.train(session, &Here, out).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// With a server elsewhere.
    fn there(&self, session: &Session, place: &Place, out: &Path) -> Outcome {
        let there = self.train(session, &elsewhere(place), out);
        there.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Goes on with what is in a folder, or begins there; nothing if it is finished.
    fn resume(&self, session: &Session, place: &Place, out: &Path) -> Result<(), RunError> {
        let options = self.options(out);
        match resume(Some(self.recipe), &self.settings(), options)? {
            Resumption::Unfinished(_, options) => {
                train_session_with(session, &options, &elsewhere(place), Instant::now()).map(drop)
            }
            Resumption::Finished(_) => Ok(()),
        }
    }
}

fn elsewhere(place: &Place) -> Elsewhere {
    let mut elsewhere = Elsewhere::new(place).unwrap();
    elsewhere.insecure_small = Some(REASON.into());
    elsewhere
}
