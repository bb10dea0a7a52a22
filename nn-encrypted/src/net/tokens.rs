//! Tokens: who may use a server. A file for each, named by the digest of the token, so that they are made beside a running server,
//! which has the database to itself, and taken back by removing the file. The token itself is not kept.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use he_core::ring::sample::Prng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::names::Id;
use crate::run::{RunError, hex};

/// The first characters of every token, so that one is known where it lies about.
const PREFIX: &str = "nnt_";
/// Characters of a token.
const LENGTH: usize = PREFIX.len() + 64;
/// Characters of the name of a tenant, at most.
const LONGEST_NAME: usize = 64;

/// The record of a token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// Whose it is.
    tenant: String,
    /// Seconds since 1970 when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<u64>,
    /// Whether it reads metrics, and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    metrics: bool,
    /// The job of its tenant that it uploads mini-batches to, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<String>,
}

/// The scope of a token.
enum Scope {
    /// Everything of its tenant.
    Owner,
    /// Metrics.
    Metrics,
    /// Mini-batches of a job.
    Upload(Id),
}

/// The tokens of a server.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    folder: PathBuf,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether a word names a tenant.
pub(super) fn is_tenant(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=LONGEST_NAME).contains(&word.len()) && word.chars().all(plain)
}

impl Tokens {
    /// Those of the server in a folder.
    pub(crate) fn new(root: &Path) -> Self {
        Self { folder: root.join("tokens") }
    }

    fn path(&self, token: &str) -> PathBuf {
        let digest = blake3::derive_key("nn-encrypted token v1", token.as_bytes());
        self.folder.join(format!("{}.toml", hex(&digest)))
    }

    /// A new token for a tenant, for so many days or without end.
    pub(crate) fn issue(&self, tenant: &str, days: Option<u32>) -> Result<Zeroizing<String>, RunError> {
        self.keep(tenant, days, Scope::Owner)
    }

    /// A new token that reads metrics, and nothing else.
    pub(crate) fn issue_for_metrics(
        &self,
        name: &str,
        days: Option<u32>,
    ) -> Result<Zeroizing<String>, RunError> {
        self.keep(name, days, Scope::Metrics)
    }

    /// A new token that uploads mini-batches to a job of a tenant, and does nothing else: for an owner of data.
    pub(crate) fn issue_for_upload(
        &self,
        tenant: &str,
        days: Option<u32>,
        job: &str,
    ) -> Result<Zeroizing<String>, RunError> {
        let wrong =
            |()| RunError::Job(format!("{job:?} is no job: `keygen` and `jobs` tell 32 hexadecimal digits"));
        self.keep(tenant, days, Scope::Upload(job.parse().map_err(wrong)?))
    }

    fn keep(&self, tenant: &str, days: Option<u32>, scope: Scope) -> Result<Zeroizing<String>, RunError> {
        if !is_tenant(tenant) {
            let what = "the name of a tenant is 1 to 64 of A-Z, a-z, 0-9, `.`, `_` and `-`";
            return Err(RunError::Job(format!("{tenant:?}: {what}")));
        }
        let mut bits = Zeroizing::new([0; 32]);
        let mut prng = Prng::from_os().map_err(|error| RunError::Job(error.to_string()))?;
        prng.fill_bytes(&mut *bits);
        let token = Zeroizing::new(format!("{PREFIX}{}", *Zeroizing::new(hex(&bits))));
        let path = self.path(&token);
        let ends = days.map(|days| now() + u64::from(days) * 86_400);
        let (metrics, upload) = match scope {
            Scope::Owner => (false, None),
            Scope::Metrics => (true, None),
            Scope::Upload(job) => (false, Some(job.to_string())),
        };
        let text = toml::to_string(&Kept { tenant: tenant.to_owned(), ends, metrics, upload })
            .map_err(|error| RunError::File { path: path.clone(), what: error.to_string() })?;
        super::files::write_private(&path, text.as_bytes())?;
        Ok(token)
    }

    /// Whose a token is; none if it is unknown, has ended, or is for uploads alone.
    pub(super) fn tenant(&self, token: &str) -> Result<Option<String>, String> {
        Ok(self.known(token)?.filter(|kept| !kept.metrics && kept.upload.is_none()).map(|kept| kept.tenant))
    }

    /// Whether a token reads metrics.
    pub(super) fn reads_metrics(&self, token: &str) -> Result<bool, String> {
        Ok(self.known(token)?.is_some_and(|kept| kept.metrics))
    }

    /// The tenant and the job that a token uploads mini-batches to; none if it is another token.
    pub(super) fn uploader(&self, token: &str) -> Result<Option<(String, Id)>, String> {
        let job = |kept: Kept| Some((kept.tenant, kept.upload?.parse().ok()?));
        Ok(self.known(token)?.and_then(job))
    }

    /// The record of a token that has not ended.
    fn known(&self, token: &str) -> Result<Option<Kept>, String> {
        if token.len() != LENGTH || !token.starts_with(PREFIX) {
            return Ok(None);
        }
        let text = match fs::read_to_string(self.path(token)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| format!("tokens: {error}"))?,
        };
        let kept: Kept = toml::from_str(&text).map_err(|error| format!("tokens: {}", error.message()))?;
        Ok(Some(kept).filter(|kept| kept.ends.is_none_or(|ends| now() < ends)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tests::Folder;

    #[test]
    fn a_token_is_known_by_itself_alone_and_not_kept() {
        let folder = Folder::new("tokens");
        let tokens = Tokens::new(folder.path());
        let token = tokens.issue("ward-3", None).unwrap();
        assert_eq!(tokens.tenant(&token), Ok(Some("ward-3".into())));
        let ended = tokens.issue("ward-4", Some(0)).unwrap();
        assert_eq!(tokens.tenant(&ended), Ok(None));
        let mut other = token.to_string();
        other.replace_range(10..11, if &other[10..11] == "0" { "1" } else { "0" });
        for unknown in ["", "nnt_", &other, &token[1..], &format!("{}a", *token)] {
            assert_eq!(tokens.tenant(unknown), Ok(None), "{unknown}");
        }
        let metrics = tokens.issue_for_metrics("monitor", None).unwrap();
        assert_eq!((tokens.tenant(&metrics), tokens.reads_metrics(&metrics)), (Ok(None), Ok(true)));
        assert_eq!(tokens.reads_metrics(&token), Ok(false));
        let job = Id::draw().unwrap();
        let upload = tokens.issue_for_upload("ward-3", None, &job.to_string()).unwrap();
        assert_eq!(tokens.uploader(&upload), Ok(Some(("ward-3".into(), job))));
        assert_eq!((tokens.tenant(&upload), tokens.uploader(&token)), (Ok(None), Ok(None)));
        assert!(tokens.issue_for_upload("ward-3", None, "../x").is_err());
        for entry in fs::read_dir(folder.path().join("tokens")).unwrap().flatten() {
            assert!(!fs::read_to_string(entry.path()).unwrap().contains(&token[4..]));
            assert!(!entry.file_name().to_string_lossy().contains(&token[4..]));
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
        for name in ["", "a b", "../x", &"x".repeat(65)] {
            assert!(tokens.issue(name, None).is_err(), "{name}");
        }
    }
}
