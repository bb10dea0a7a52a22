//! Connections: how many, how long they may be silent, and TLS in front.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::clients::Clients;
use super::identity::{check_certificate, server_config};
use super::journal::Journal;
use super::limits::Limits;
use super::operate::{self, Operated};
use super::routes::{Peer, router};
use super::service::{Refused, Service};
use crate::run::RunError;

/// Bytes of the headers of a request, at most.
const LARGEST_HEADERS: usize = 16 << 10;
/// Time between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// Time for answers that are being written when the server stops.
const GRACE: Duration = Duration::from_secs(2);
/// Time between two looks for jobs that nobody uses.
const SWEEP: Duration = Duration::from_secs(3600);
/// Connections for health and metrics.
const OPERATORS: usize = 16;

/// A server that has its address, and does not listen yet.
pub(crate) struct Listener {
    door: Door,
    operated: Option<Door>,
    service: Arc<Service>,
}

/// An address that is listened at.
struct Door {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    clients: Arc<Clients>,
}

fn bound(address: SocketAddr) -> Result<TcpListener, RunError> {
    let socket = TcpListener::bind(address).and_then(|socket| {
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    socket.map_err(|error| RunError::Job(format!("{address}: {error}")))
}

impl Listener {
    /// The server of a folder, at an address; `plain` leaves TLS to a proxy on the same machine. `operate` is where health and metrics
    /// are told, before what `server.toml` says.
    pub(crate) fn bind(
        root: &Path,
        address: SocketAddr,
        plain: bool,
        operate: Option<SocketAddr>,
        journal: Journal,
    ) -> Result<Self, RunError> {
        let limits = Limits::read(root)?;
        let operate = operate.or(limits.operate);
        Self::with(root, address, plain, Limits { operate, ..limits }, journal)
    }

    pub(super) fn with(
        root: &Path,
        address: SocketAddr,
        plain: bool,
        limits: Limits,
        journal: Journal,
    ) -> Result<Self, RunError> {
        let exposed = [Some(address), limits.operate].into_iter().flatten().find(|of| !of.ip().is_loopback());
        if let Some(address) = exposed.filter(|_| plain) {
            let what = "without TLS tokens and ciphertexts are open to everyone on the way: --plain is for addresses of this machine";
            return Err(RunError::Job(format!("{address}: {what}")));
        }
        let clients = Arc::new(Clients::new(&limits)?);
        let authority = limits.client_ca.as_ref().map(|path| root.join(path));
        let tls = match plain {
            true => None,
            false => Some(TlsAcceptor::from(server_config(root, authority.as_deref())?)),
        };
        if tls.is_some()
            && let Err(what) = check_certificate(root, Duration::ZERO)
        {
            journal.note(
                "certificate",
                &[("why", &what), ("then", &"clients refuse it: serve --init renews it")],
            );
        }
        let (socket, operate) = (bound(address)?, limits.operate);
        let service = Service::open(root, limits, journal);
        let service = service.map_err(|error| RunError::Job(format!("{}: {error}", root.display())))?;
        let operated = operate.map(|address| -> Result<Door, RunError> {
            let tls = tls.clone().filter(|_| !address.ip().is_loopback());
            Ok(Door { socket: bound(address)?, tls, clients: Arc::default() })
        });
        let operated = operated.transpose()?;
        Ok(Self { door: Door { socket, tls, clients }, operated, service: Arc::new(service) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr, RunError> {
        self.door.address()
    }

    /// Where health and metrics are told, if anywhere.
    pub(crate) fn operated_at(&self) -> Result<Option<SocketAddr>, RunError> {
        self.operated.as_ref().map(Door::address).transpose()
    }

    /// Serves until `stop` is set; then all runs end.
    pub(crate) fn run(self, stop: &AtomicBool) -> Result<(), RunError> {
        let failed = |error: std::io::Error| RunError::Job(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(failed)?;
        let service = Arc::clone(&self.service);
        let served = runtime.block_on(self.serve(stop));
        service.journal.note("stopping", &[]);
        let ended = service.close();
        let how = if ended { "all runs have ended" } else { "a computation did not end within the grace" };
        service.journal.note("stopped", &[("how", &how)]);
        runtime.shutdown_timeout(GRACE);
        served.map_err(failed)
    }

    async fn serve(self, stop: &AtomicBool) -> std::io::Result<()> {
        let Self { door, operated, service } = self;
        let patience = Duration::from_secs(service.limits.header_seconds);
        let sweeping = tokio::spawn(sweep(Arc::clone(&service)));
        if let Some(told) = operated {
            let open = told.tls.is_none();
            let operated = Operated { service: Arc::clone(&service), open, tls: door.tls.is_some() };
            // To the end of the runtime: whoever asks while runs end is told so.
            tokio::spawn(async move {
                let never = AtomicBool::new(false);
                told.accept(operate::router(operated), OPERATORS, patience, &never).await
            });
        }
        let connections = service.limits.connections;
        let asked = door.accept(router(service), connections, patience, stop).await;
        sweeping.abort();
        asked
    }
}

/// Removes jobs that nobody uses, now and again.
async fn sweep(service: Arc<Service>) {
    loop {
        let swept = Arc::clone(&service);
        let swept = tokio::task::spawn_blocking(move || swept.sweep(SystemTime::now())).await;
        if let Ok(Err(Refused(_, why))) = swept {
            service.journal.note("retention", &[("why", &why)]);
        }
        tokio::time::sleep(SWEEP).await;
    }
}

impl Door {
    fn address(&self) -> Result<SocketAddr, RunError> {
        self.socket.local_addr().map_err(|error| RunError::Job(error.to_string()))
    }

    /// Takes so many connections at a time until `stop` is set.
    async fn accept(
        &self,
        router: Router,
        most: usize,
        patience: Duration,
        stop: &AtomicBool,
    ) -> std::io::Result<()> {
        let Self { socket, tls, clients } = self;
        let socket = tokio::net::TcpListener::from_std(socket.try_clone()?)?;
        let free = Arc::new(Semaphore::new(most));
        while !stop.load(Ordering::SeqCst) {
            let Ok(accepted) = tokio::time::timeout(LOOK, socket.accept()).await else { continue };
            let (Ok((stream, _)), Ok(permit)) = (accepted, Arc::clone(&free).try_acquire_owned()) else {
                // Too many connections or files are open: whoever waits asks again.
                tokio::time::sleep(LOOK).await;
                continue;
            };
            let (router, tls, clients) = (router.clone(), tls.clone(), Arc::clone(clients));
            tokio::spawn(async move {
                let _permit = permit;
                // Answers are small, and a round waits for each.
                let _ = stream.set_nodelay(true);
                let Some(tls) = tls else { return connection(stream, router, patience).await };
                if let Ok(Ok(stream)) = tokio::time::timeout(patience, tls.accept(stream)).await {
                    let shown = stream.get_ref().1.peer_certificates().and_then(|all| all.first());
                    let peer = shown.and_then(|own| clients.tenant(own));
                    let router = match peer {
                        Some(tenant) => router.layer(Extension(Peer(tenant))),
                        None => router,
                    };
                    connection(stream, router, patience).await;
                }
            });
        }
        Ok(())
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    patience: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(LARGEST_HEADERS);
    // Whoever breaks off is not told.
    let _ = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}
