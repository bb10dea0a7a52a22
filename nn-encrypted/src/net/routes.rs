//! Requests: who asks, for what, and that a body is no longer than planned and does not stand still.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, head, put};
use http_body_util::BodyExt;
use serde::Deserialize;

use super::api::{
    COMPLETE, DIGEST, EVENT, LENGTH, LONGEST_WAIT, OFFSET, PIECE, PROTOCOL, PROTOCOL_HEADER, ROUND, Task,
};
use super::body::JobBody;
use super::mailbox::{Refusal, Run};
use super::names::{Id, Object};
use super::objects::{Announced, UploadError};
use super::service::{Granted, Refused, Service};
use super::store::{JobRecord, ObjectRecord};

/// Bytes of a request for a job, and of a task, at most.
const LARGEST_TEXT: usize = 1 << 18;

/// The answer to a request in which the server failed.
const FAILED: &str = "the server failed; its log says why";

/// Characters of a path in the log, at most.
const LONGEST_PATH: usize = 200;

/// Why a request was refused, for the log.
#[derive(Clone)]
struct Cause(String);

/// The tenant that the certificate of a connection stands for.
#[derive(Clone)]
pub(super) struct Peer(pub(super) String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, what) = self;
        // Causes of failures, and paths in them, are the server's business.
        let told = if status == StatusCode::INTERNAL_SERVER_ERROR { FAILED } else { &what };
        let mut response = (status, told.to_owned()).into_response();
        response.extensions_mut().insert(Cause(what));
        if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Gone(why) => Self::new(StatusCode::GONE, why),
            Refusal::Conflict(why) => Self::new(StatusCode::CONFLICT, why),
        }
    }
}

/// A tenant that asks something of a server. No request is looked at without.
struct Asked {
    service: Arc<Service>,
    tenant: String,
}

impl FromRequestParts<Arc<Service>> for Asked {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Granted<Self> {
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let protocol = text(HeaderName::from_static(PROTOCOL_HEADER));
        let token = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let failed = |what| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, what);
        let peer = parts.extensions.get::<Peer>().map(|Peer(tenant)| tenant.clone());
        let tenant =
            peer.map_or_else(|| service.tokens.tenant(token.unwrap_or_default()), |peer| Ok(Some(peer)));
        let tenant = match tenant.map_err(failed)? {
            Some(tenant) => tenant,
            None => {
                let uploader = service.tokens.uploader(token.unwrap_or_default()).map_err(failed)?;
                let none = || Refused::new(StatusCode::UNAUTHORIZED, "no valid token");
                let (tenant, job) = uploader.ok_or_else(none)?;
                permit_upload(&parts.method, parts.uri.path(), job)?;
                tenant
            }
        };
        if protocol != Some(PROTOCOL) {
            let found = protocol.unwrap_or("none");
            let version = env!("CARGO_PKG_VERSION");
            let what = format!("protocol {found}; this server, version {version}, speaks {PROTOCOL}");
            return Err(Refused::new(StatusCode::BAD_REQUEST, what));
        }
        Ok(Self { service: Arc::clone(service), tenant })
    }
}

/// Grants to an owner of data the mini-batches of one job, and nothing else: of other jobs it does not learn whether they exist.
fn permit_upload(method: &Method, path: &str, job: Id) -> Granted<()> {
    let own = format!("/v1/jobs/{job}");
    let Some(rest) = path.strip_prefix(&own).filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        return Err(Refused::unknown());
    };
    let object = rest.strip_prefix("/objects/").and_then(|name| name.parse().ok());
    if matches!(object, Some(Object::Batch(_))) && [Method::HEAD, Method::PATCH].contains(method) {
        return Ok(());
    }
    Err(Refused::new(StatusCode::FORBIDDEN, "this token uploads mini-batches, and does nothing else"))
}

impl Asked {
    fn job(&self, job: &str) -> Granted<(Id, JobRecord)> {
        let id = job.parse().map_err(|()| Refused::unknown())?;
        Ok((id, self.service.job(&self.tenant, id)?))
    }

    /// A run of a job; one that this process does not know was of another one.
    fn run(&self, job: &str, run: &str) -> Granted<(Arc<Run>, JobRecord)> {
        let (job, record) = self.job(job)?;
        let id: Id = run.parse().map_err(|()| Refused::unknown())?;
        let found = self.service.run(job).filter(|found| found.id == id);
        let gone = || Refused::new(StatusCode::GONE, "the server was started anew, or another run begun");
        Ok((found.ok_or_else(gone)?, record))
    }

    /// Reads a body of at most `most` bytes, as far as it comes.
    async fn read(&self, body: Body, most: u64) -> (Vec<u8>, Granted<()>) {
        let idle = Duration::from_secs(self.service.limits.body_seconds);
        let (mut body, mut bytes) = (body, Vec::new());
        loop {
            let frame = match tokio::time::timeout(idle, body.frame()).await {
                Err(_) => {
                    let what = format!("no byte of the body came for {} s", idle.as_secs());
                    return (bytes, Err(Refused::new(StatusCode::REQUEST_TIMEOUT, what)));
                }
                Ok(None) => return (bytes, Ok(())),
                Ok(Some(Err(_))) => {
                    return (bytes, Err(Refused::new(StatusCode::BAD_REQUEST, "the body broke off")));
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            self.service.measures.received(data.len());
            if (bytes.len() + data.len()) as u64 > most {
                let what = format!("more than {most} bytes came, the most there may be");
                return (bytes, Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, what)));
            }
            bytes.extend_from_slice(&data);
        }
    }

    async fn text<T: for<'a> Deserialize<'a>>(&self, body: Body) -> Granted<T> {
        let (bytes, read) = self.read(body, LARGEST_TEXT as u64).await;
        read?;
        let wrong = |error: serde_json::Error| Refused::new(StatusCode::BAD_REQUEST, error.to_string());
        serde_json::from_slice(&bytes).map_err(wrong)
    }
}

/// Work on the disk, off the threads that listen.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> Granted<T> + Send + 'static) -> Granted<T> {
    let failed = |_| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed");
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

/// All requests.
pub(super) fn router(service: Arc<Service>) -> Router {
    let run = "/v1/jobs/{job}/runs/{run}";
    Router::new()
        .route("/v1/jobs", get(jobs))
        .route("/v1/jobs/{job}", get(job).put(create).delete(delete))
        .route("/v1/jobs/{job}/objects/{object}", head(object).patch(upload))
        .route(run, put(begin))
        .route(&format!("{run}/tasks/{{number}}"), get(next).put(submit).delete(stop))
        .route(&format!("{run}/tasks/{{number}}/answers/{{round}}"), put(answer))
        .layer(from_fn_with_state(Arc::clone(&service), answered))
        .with_state(service)
}

/// Counts a request, and notes one that is refused.
async fn answered(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path: String = request.uri().path().chars().take(LONGEST_PATH).collect();
    let response = next.run(request).await;
    let status = response.status();
    // That an object is not there is an answer.
    let asked = method == Method::HEAD && status == StatusCode::NOT_FOUND;
    let refused = !asked && (status.is_client_error() || status.is_server_error());
    service.measures.request(refused);
    if refused {
        // A sentence on a body that is none may have parts of it.
        let of_body = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY].contains(&status);
        let cause = response.extensions().get::<Cause>().filter(|_| !of_body);
        let cause = cause.map_or("", |Cause(what)| what);
        let fields: [(&str, &dyn std::fmt::Display); 4] =
            [("method", &method), ("path", &path), ("status", &status.as_u16()), ("why", &cause)];
        service.journal.note("request refused", &fields);
    }
    response
}

async fn jobs(asked: Asked) -> Granted<Response> {
    let all = on_disk(move || asked.service.shown(&asked.tenant)).await?;
    Ok(axum::Json(all).into_response())
}

async fn job(asked: Asked, Path(job): Path<String>) -> Granted<Response> {
    let state = on_disk(move || {
        let (job, record) = asked.job(&job)?;
        asked.service.state(job, &record)
    });
    Ok(axum::Json(state.await?).into_response())
}

async fn create(asked: Asked, Path(job): Path<String>, body: Body) -> Granted<StatusCode> {
    let job = job.parse().map_err(|()| Refused::unknown())?;
    let _taking = asked.service.taking(&asked.tenant)?;
    let body: JobBody = asked.text(body).await?;
    Arc::clone(&asked.service).create(asked.tenant, job, body).await?;
    Ok(StatusCode::CREATED)
}

async fn delete(asked: Asked, Path(job): Path<String>) -> Granted<StatusCode> {
    on_disk(move || {
        let (job, _) = asked.job(&job)?;
        asked.service.delete(job, &asked.tenant, "by its owner")?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The part of an object that is there, as headers.
fn described(record: &ObjectRecord) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let complete = if record.complete { "?1" } else { "?0" };
    for (name, value) in [
        (OFFSET, record.offset.to_string()),
        (LENGTH, record.length.to_string()),
        (DIGEST, record.digest.clone()),
        (COMPLETE, complete.to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

async fn object(asked: Asked, Path((job, object)): Path<(String, String)>) -> Granted<Response> {
    let record = on_disk(move || {
        let (job, _) = asked.job(&job)?;
        let object: Object = object.parse().map_err(|()| Refused::unknown())?;
        asked.service.store.object(job, &object.to_string())?.ok_or_else(Refused::unknown)
    });
    Ok(described(&record.await?).into_response())
}

pub(super) fn number(headers: &HeaderMap, name: &'static str) -> Granted<u64> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
    value.ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, format!("no {name}")))
}

async fn upload(
    asked: Asked,
    Path((job, object)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Granted<Response> {
    let (job, record) = asked.job(&job)?;
    let object: Object = object.parse().map_err(|()| Refused::unknown())?;
    let most = record.most(object).ok_or_else(Refused::unknown)?;
    let (length, offset) = (number(&headers, LENGTH)?, number(&headers, OFFSET)?);
    if length > most {
        let error = UploadError::TooLong { name: object, found: length, most };
        return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()));
    }
    let digest = headers.get(DIGEST).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let _taking = asked.service.taking(&asked.tenant)?;
    let (piece, read) = asked.read(body, (PIECE as u64).min(length.saturating_sub(offset))).await;
    if matches!(&read, Err(Refused(StatusCode::PAYLOAD_TOO_LARGE, _))) {
        return read.map(|()| StatusCode::OK.into_response());
    }
    let service = Arc::clone(&asked.service);
    // What came of a piece that broke off need not be sent again.
    let taken = on_disk(move || {
        let announced = Announced { length, digest, offset };
        match service.uploads.take(&service.store, (job, object, most), announced, &piece) {
            Ok(record) => Ok(described(&record).into_response()),
            Err(UploadError::Offset { there, found }) => {
                let error = UploadError::Offset { there, found };
                let mut response = (StatusCode::CONFLICT, error.to_string()).into_response();
                response.headers_mut().insert(OFFSET, HeaderValue::from(there));
                Ok(response)
            }
            Err(UploadError::Store(error)) => Err(error.into()),
            Err(error) => Err(Refused::new(status(&error), error.to_string())),
        }
    });
    let taken = taken.await?;
    read.map(|()| taken)
}

fn status(error: &UploadError) -> StatusCode {
    match error {
        UploadError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        UploadError::Taken(_) | UploadError::Offset { .. } => StatusCode::CONFLICT,
        UploadError::NoDigest => StatusCode::BAD_REQUEST,
        UploadError::Digest { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        UploadError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn begin(asked: Asked, Path((job, run)): Path<(String, String)>) -> Granted<StatusCode> {
    on_disk(move || {
        let (job, record) = asked.job(&job)?;
        let run = run.parse().map_err(|()| Refused::unknown())?;
        asked.service.begin(job, record, run)?;
        Ok(StatusCode::CREATED)
    })
    .await
}

async fn submit(
    asked: Asked,
    Path((job, run, number)): Path<(String, String, u64)>,
    body: Body,
) -> Granted<StatusCode> {
    let (run, _) = asked.run(&job, &run)?;
    let task: Task = asked.text(body).await?;
    run.submit(number, task)?;
    Ok(StatusCode::ACCEPTED)
}

async fn stop(asked: Asked, Path((job, run, number)): Path<(String, String, u64)>) -> Granted<StatusCode> {
    asked.run(&job, &run)?.0.stop(number)?;
    Ok(StatusCode::ACCEPTED)
}

/// How long a request for what is next waits.
#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

async fn next(
    asked: Asked,
    Path((job, run, number)): Path<(String, String, u64)>,
    Query(Wait { wait }): Query<Wait>,
) -> Granted<Response> {
    let (run, _) = asked.run(&job, &run)?;
    let wait = Duration::from_secs(wait.min(LONGEST_WAIT));
    let Some((event, round, bytes)): Option<(_, u32, Bytes)> = run.next(number, wait).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    asked.service.measures.sent(bytes.len());
    let mut response = bytes.into_response();
    response.headers_mut().insert(EVENT, HeaderValue::from_static(event.name()));
    response.headers_mut().insert(ROUND, HeaderValue::from(round));
    Ok(response)
}

async fn answer(
    asked: Asked,
    Path((job, run, number, round)): Path<(String, String, u64, u32)>,
    body: Body,
) -> Granted<StatusCode> {
    let (run, record) = asked.run(&job, &run)?;
    let _taking = asked.service.taking(&asked.tenant)?;
    let (bytes, read) = asked.read(body, record.sizes.answer).await;
    read?;
    run.answer(number, round, bytes)?;
    Ok(StatusCode::NO_CONTENT)
}
