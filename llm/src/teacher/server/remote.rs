//! [`Remote`]: one server over HTTP, with patience and limits.

use super::ServerProblem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(30);

/// How long one answer may take, waiting in the server's queue included.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long to wait before a busy server is asked again, and how often.
const WAITS: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(16),
];

/// How many bytes a list of models may have.
const LARGEST_LIST: u64 = 1 << 22;

/// How many characters of a refusal are shown.
const SHOWN: usize = 300;

/// A server, with the key for it.
#[derive(Debug)]
pub(super) struct Remote {
    agent: Agent,
    url: String,
    authorization: Option<String>,
}

impl Remote {
    /// The server at an address, which may end in `/v1` or not.
    pub fn new(url: &str, key: Option<String>) -> Self {
        let url = url.trim_end_matches('/');
        let url = url.strip_suffix("/v1").unwrap_or(url).trim_end_matches('/').to_owned();
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(PATIENCE));
        let authorization = key.map(|key| format!("Bearer {key}"));
        Self { agent: config.build().into(), url, authorization }
    }

    /// The address without `/v1`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What lies at a path.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ServerProblem> {
        let url = format!("{}{path}", self.url);
        let ask = || {
            let mut request = self.agent.get(&url);
            if let Some(authorization) = &self.authorization {
                request = request.header("authorization", authorization);
            }
            request.call()
        };
        parse(&patiently(ask, LARGEST_LIST)?)
    }

    /// What is answered to a body of JSON, which may have so many bytes.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        limit: u64,
    ) -> Result<T, ServerProblem> {
        let url = format!("{}{path}", self.url);
        let ask = || {
            let mut request = self.agent.post(&url);
            if let Some(authorization) = &self.authorization {
                request = request.header("authorization", authorization);
            }
            request.send_json(body)
        };
        parse(&patiently(ask, limit)?)
    }
}

/// The body of an answer. A server that says that it is busy is asked a few times more.
fn patiently(
    ask: impl Fn() -> Result<Response<Body>, ureq::Error>,
    limit: u64,
) -> Result<Vec<u8>, ServerProblem> {
    let mut waits = WAITS.into_iter();
    loop {
        let mut response = ask().map_err(|e| ServerProblem::Unreachable(e.to_string()))?;
        let status = response.status().as_u16();
        if let (429 | 503, Some(wait)) = (status, waits.next()) {
            std::thread::sleep(wait);
            continue;
        }
        let body = response.body_mut().with_config().limit(limit).read_to_vec();
        if !(200..300).contains(&status) {
            let said = String::from_utf8_lossy(&body.unwrap_or_default()).trim().to_owned();
            return Err(ServerProblem::Status { status, said: said.chars().take(SHOWN).collect() });
        }
        return body.map_err(|e| match e {
            ureq::Error::BodyExceedsLimit(limit) => ServerProblem::TooLarge { limit },
            e => ServerProblem::Reply(e.to_string()),
        });
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServerProblem> {
    serde_json::from_slice(body).map_err(|e| ServerProblem::Reply(e.to_string()))
}
