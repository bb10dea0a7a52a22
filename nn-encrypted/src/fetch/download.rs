//! One download by HTTP, which goes on where an earlier one broke.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode, header};
use ureq::tls::RootCerts;
use ureq::{Agent, Body};

use crate::tls;

/// A place that gives a file.
///
/// ```
/// use nn_encrypted::fetch::Source;
///
/// let source = Source { url: "https://example.org/data.csv" };
/// assert!(source.url.ends_with(".csv"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its address.
    pub url: &'a str,
}

/// Seconds without an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Seconds for a whole file.
const LONGEST: Duration = Duration::from_secs(1800);

impl Source<'_> {
    /// The name of the unfinished file; places have different copies, hence different names.
    pub(super) fn part_name(&self, file: &str) -> String {
        let place = blake3::hash(self.url.as_bytes()).to_hex();
        format!("{file}.{}.part", &place[..8])
    }

    /// Brings `part` to its end; what came before a break stays.
    pub(super) fn download(&self, part: &Path, most: u64) -> Result<(), String> {
        let text = |error: io::Error| error.to_string();
        let had = fs::metadata(part).map_or(0, |data| data.len());
        let mut response = self.request(had)?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            if whole_length(response.headers()) == Some(had) {
                return Ok(()); // it had come to its end, and was not looked at
            }
            fs::remove_file(part).map_err(text)?; // longer than the file: not a part of it
            return self.download(part, most);
        }
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT;
        if goes_on && range_start(response.headers()) != Some(had) {
            return Err("the answer begins elsewhere than asked for".to_owned());
        }
        let had = if goes_on { had } else { 0 };
        let left = content_length(response.headers());
        if left.is_some_and(|left| had.saturating_add(left) > most) {
            return Err(discard(part, &format!("more than {most} bytes are offered")));
        }
        let mut options = OpenOptions::new();
        options.create(true).write(true).append(goes_on).truncate(!goes_on);
        let mut file = options.open(part).map_err(text)?;
        let got = copy(response.body_mut(), &mut file, most - had.min(most)).map_err(text)?;
        file.sync_all().map_err(text)?;
        if had + got > most {
            return Err(discard(part, &format!("more than {most} bytes came")));
        }
        match left {
            Some(left) if got < left => Err(format!("broke off after {} of {} bytes", had + got, had + left)),
            _ => Ok(()),
        }
    }

    fn request(&self, had: u64) -> Result<ureq::http::Response<Body>, String> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_global(Some(LONGEST));
        match tls::config(RootCerts::WebPki, None) {
            Some(tls) => config = config.tls_config(tls),
            None if self.url.starts_with("https:") => {
                return Err(format!("{}; download the file by other means", tls::MISSING));
            }
            None => {}
        }
        let agent: Agent = config.build().into();
        let mut request = agent.get(self.url);
        if had > 0 {
            request = request.header(header::RANGE, format!("bytes={had}-"));
        }
        let response = request.call().map_err(|error| error.to_string())?;
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(response),
            StatusCode::RANGE_NOT_SATISFIABLE if had > 0 => Ok(response),
            status => Err(format!("the answer is {status}")),
        }
    }
}

/// At most `most` bytes and one more, written as they come.
fn copy(body: &mut Body, file: &mut File, most: u64) -> io::Result<u64> {
    let mut reader = body.with_config().limit(u64::MAX).reader().take(most + 1);
    io::copy(&mut reader, file)
}

/// Removes what cannot become a right file, and says why.
fn discard(part: &Path, why: &str) -> String {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => format!("{why}; {error}"),
        _ => why.to_owned(),
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The first byte of a `Content-Range: bytes 7-99/100`.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// The length of the whole in a `Content-Range: bytes */100`.
fn whole_length(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes */")?.trim().parse().ok()
}
