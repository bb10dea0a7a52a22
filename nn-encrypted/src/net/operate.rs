//! Health and metrics, at an address of their own: `/healthz`, `/readyz`, `/metrics`.
//!
//! At an address of this machine anyone who is on it may ask. Elsewhere `/readyz` and `/metrics` take a token for metrics, over TLS.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::identity::check_certificate;
use super::measures::Page;
use super::service::{Granted, Refused, Service};
use crate::meter::{available_memory, resident_memory};

/// How long a certificate has to hold still.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// A server of which health and metrics are told.
#[derive(Clone)]
pub(super) struct Operated {
    pub(super) service: Arc<Service>,
    /// Whether anyone may ask.
    pub(super) open: bool,
    /// Whether it has a certificate.
    pub(super) tls: bool,
}

/// All requests.
pub(super) fn router(operated: Operated) -> Router {
    Router::new()
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(operated.clone(), granted))
        .route("/healthz", get(|| async { "alive\n" }))
        .with_state(operated)
}

async fn granted(State(operated): State<Operated>, request: Request, next: Next) -> Granted<Response> {
    let header = request.headers().get(header::AUTHORIZATION);
    let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).unwrap_or_default();
    let known = operated.service.tokens.reads_metrics(token);
    if operated.open || known.map_err(|what| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, what))? {
        return Ok(next.run(request).await);
    }
    Err(Refused::new(StatusCode::UNAUTHORIZED, "no valid token for metrics"))
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Granted<T> + Send + 'static) -> Granted<T> {
    let failed = |_| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed");
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

async fn ready(State(operated): State<Operated>) -> Granted<Response> {
    let lacking = off_thread(move || Ok(operated.lacking())).await?;
    if lacking.is_empty() {
        return Ok("ready\n".into_response());
    }
    let text: String = lacking.iter().map(|line| format!("{line}\n")).collect();
    Ok((StatusCode::SERVICE_UNAVAILABLE, text).into_response())
}

async fn metrics(State(operated): State<Operated>) -> Granted<Response> {
    let page = off_thread(move || operated.page()).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response())
}

impl Operated {
    /// Reasons why the server takes no work: disk, certificate, memory, its end.
    fn lacking(&self) -> Vec<String> {
        let service = &self.service;
        let disk = service.store.disk().map(drop).map_err(|error| format!("disk: {error}"));
        let certificate = match self.tls {
            true => check_certificate(service.store.root(), WEEK)
                .map_err(|what| format!("certificate: not valid a week from now: {what}")),
            false => Ok(()),
        };
        let memory = self.memory();
        let end = service.check_open().map_err(|Refused(_, what)| what);
        [disk, certificate, memory, end].into_iter().filter_map(Result::err).collect()
    }

    /// Whether there is memory for the smallest job that is not in it.
    fn memory(&self) -> Result<(), String> {
        let jobs = self.service.store.jobs().map_err(|error| format!("disk: {error}"))?;
        let smallest = jobs.iter().map(|(_, record)| record.sizes.memory).min().unwrap_or(0);
        match available_memory() {
            Some(free) if free < smallest => {
                Err(format!("memory: {free} bytes are free, the smallest job needs {smallest}"))
            }
            _ => Ok(()),
        }
    }

    fn page(&self) -> Granted<String> {
        let (service, mut page) = (&self.service, Page::default());
        page.gauges("jobs", "Jobs by the state of their run.", "state", service.states()?);
        let (waiting, held) = service.gate.load();
        page.gauge("queue_length", "Runs that wait to compute.", waiting as f64);
        page.gauge("disk_bytes", "Bytes of the objects of all jobs.", service.store.disk()? as f64);
        page.gauge("memory_planned_bytes", "Memory of the runs that are loaded, as planned.", held as f64);
        page.gauge("memory_allowed_bytes", "Memory that runs may take.", service.limits.memory as f64);
        if let Some(bytes) = resident_memory() {
            page.gauge("memory_resident_bytes", "Resident memory of the server.", bytes as f64);
        }
        service.measures.write(&mut page);
        Ok(page.finish())
    }
}
