//! Connections: how many, how long they may be silent, and TLS in front.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::identity;
use super::limits::Limits;
use super::routes::router;
use super::service::Service;
use crate::run::RunError;

/// Bytes of the headers of a request, at most.
const LARGEST_HEADERS: usize = 16 << 10;
/// Time between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// Time for answers that are being written when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// A server that has its address, and does not listen yet.
pub(crate) struct Listener {
    socket: TcpListener,
    service: Arc<Service>,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// The server of a folder, at an address; `plain` leaves TLS to a proxy on the same machine.
    pub(crate) fn bind(root: &Path, address: SocketAddr, plain: bool) -> Result<Self, RunError> {
        Self::with(root, address, plain, Limits::read(root)?)
    }

    pub(super) fn with(
        root: &Path,
        address: SocketAddr,
        plain: bool,
        limits: Limits,
    ) -> Result<Self, RunError> {
        if plain && !address.ip().is_loopback() {
            let what = "without TLS tokens and ciphertexts are open to everyone on the way: --plain is for addresses of this machine";
            return Err(RunError::Job(format!("{address}: {what}")));
        }
        let tls = if plain { None } else { Some(TlsAcceptor::from(identity::server_config(root)?)) };
        let socket = TcpListener::bind(address).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        let socket = socket.map_err(|error| RunError::Job(format!("{address}: {error}")))?;
        let service = Service::open(root, limits);
        let service = service.map_err(|error| RunError::Job(format!("{}: {error}", root.display())))?;
        Ok(Self { socket, service: Arc::new(service), tls })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr, RunError> {
        self.socket.local_addr().map_err(|error| RunError::Job(error.to_string()))
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
        let served = runtime.block_on(self.accept(stop));
        service.close();
        runtime.shutdown_timeout(GRACE);
        served.map_err(failed)
    }

    async fn accept(self, stop: &AtomicBool) -> std::io::Result<()> {
        let Self { socket, service, tls } = self;
        let socket = tokio::net::TcpListener::from_std(socket)?;
        let free = Arc::new(Semaphore::new(service.limits.connections));
        let patience = Duration::from_secs(service.limits.header_seconds);
        let router = router(service);
        while !stop.load(Ordering::SeqCst) {
            let Ok(accepted) = tokio::time::timeout(LOOK, socket.accept()).await else { continue };
            let (Ok((stream, _)), Ok(permit)) = (accepted, Arc::clone(&free).try_acquire_owned()) else {
                // Too many connections or files are open: whoever waits asks again.
                tokio::time::sleep(LOOK).await;
                continue;
            };
            let (router, tls) = (router.clone(), tls.clone());
            tokio::spawn(async move {
                let _permit = permit;
                // Answers are small, and a round waits for each.
                let _ = stream.set_nodelay(true);
                let Some(tls) = tls else { return connection(stream, router, patience).await };
                if let Ok(Ok(stream)) = tokio::time::timeout(patience, tls.accept(stream)).await {
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
