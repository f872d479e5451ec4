//! [`Remote`]: the server, asked with care before anything is fetched from it.

use super::HubProblem;
use super::name::is_plain;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{HeaderMap, Response};

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    /// The commit that the revision is now.
    pub(super) commit: String,
    /// The size in bytes.
    pub(super) size: u64,
}

/// A server, with the token for it.
pub(super) struct Remote {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

impl Remote {
    pub(super) fn new(endpoint: String, token: Option<String>) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE));
        Self { agent: config.build().into(), endpoint, token }
    }

    /// What the server says of the file at `url`; nothing when it has none.
    ///
    /// hf-hub asks for the same, but follows redirects without end and trusts the headers with
    /// the names of files in the cache.
    pub(super) fn describe(&self, url: &str) -> Result<Option<Description>, HubProblem> {
        let mut target = url.to_owned();
        let mut commit = None;
        let mut etag = None;
        for _ in 0..=REDIRECTS {
            let response = self.ask(&target)?;
            let headers = response.headers();
            commit = commit.or(plain(headers, "x-repo-commit")?);
            etag = etag.or(plain(headers, "x-linked-etag")?).or(plain(headers, "etag")?);
            let status = response.status();
            if status.is_redirection() {
                target = location(&target, headers)?;
            } else if status == 404 {
                return Ok(None);
            } else if !status.is_success() {
                return Err(HubProblem::Status(status.as_u16()));
            } else {
                etag.ok_or(HubProblem::Header("etag"))?;
                let commit = commit.ok_or(HubProblem::Header("x-repo-commit"))?;
                return Ok(Some(Description { commit, size: size(headers)? }));
            }
        }
        Err(HubProblem::Redirects)
    }

    fn ask(&self, url: &str) -> Result<Response<ureq::Body>, HubProblem> {
        let mut request = self.agent.get(url).header("range", "bytes=0-0");
        // A token is for the server that was named, not for those it points to.
        let named = url.strip_prefix(&self.endpoint).is_some_and(|rest| rest.starts_with('/'));
        if let Some(token) = self.token.as_ref().filter(|_| named) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.call().map_err(|e| HubProblem::Unreachable(e.to_string()))
    }
}

/// A header that names a file or folder of the cache, without quotes.
fn plain(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, HubProblem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().replace('"', "");
    if is_plain(&text) { Ok(Some(text)) } else { Err(HubProblem::Header(name)) }
}

/// The size behind the slash of `content-range`.
fn size(headers: &HeaderMap) -> Result<u64, HubProblem> {
    let range = headers.get("content-range").and_then(|value| value.to_str().ok());
    let size = range.and_then(|range| range.rsplit('/').next()?.parse().ok());
    size.ok_or(HubProblem::Header("content-range"))
}

/// Where a redirect from `url` leads.
fn location(url: &str, headers: &HeaderMap) -> Result<String, HubProblem> {
    let bad = HubProblem::Header("location");
    let Some(to) = headers.get("location").and_then(|value| value.to_str().ok()) else {
        return Err(bad);
    };
    if to.starts_with("https://") || to.starts_with("http://") {
        return Ok(to.to_owned());
    }
    let host = url.find("://").map(|at| at + 3);
    let host_end = host.map(|at| url[at..].find('/').map_or(url.len(), |slash| at + slash));
    match host_end {
        Some(end) if to.starts_with('/') && !to.starts_with("//") => {
            Ok(format!("{}{to}", &url[..end]))
        }
        _ => Err(bad),
    }
}
