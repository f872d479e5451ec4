//! [`Reply`]: what a server answers, in the two forms that servers have for log-probabilities.

use super::ServerProblem;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// How many names of models a message holds.
const NAMED: usize = 8;

/// The answer to `GET /v1/models`.
#[derive(Debug, Deserialize)]
pub(super) struct Models {
    data: Vec<Served>,
}

#[derive(Debug, Deserialize)]
struct Served {
    id: String,
}

impl Models {
    /// The model of this name, or the only one.
    pub fn choose(self, name: Option<&str>) -> Result<String, ServerProblem> {
        let mut served: Vec<String> = self.data.into_iter().map(|model| model.id).collect();
        let chosen = match name {
            Some(name) => served.iter().position(|id| id == name),
            None => (served.len() == 1).then_some(0),
        };
        match chosen {
            Some(place) => Ok(served.swap_remove(place)),
            None if served.is_empty() => Err(ServerProblem::NoModel),
            None => {
                served.truncate(NAMED);
                Err(ServerProblem::Models { served })
            }
        }
    }
}

/// The answer to `POST /v1/completions` or `/v1/chat/completions`.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    pub choices: Vec<Choice>,
    pub usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    pub prompt_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub finish_reason: Option<String>,
    pub logprobs: Option<LogProbabilities>,
}

/// Log-probabilities: `content` as of conversations, which llama.cpp has here too, or the lists of
/// completions.
#[derive(Debug, Deserialize)]
pub(super) struct LogProbabilities {
    pub content: Option<Vec<Entry>>,
    pub tokens: Option<Vec<String>>,
    pub token_logprobs: Option<Vec<Option<f64>>>,
    pub top_logprobs: Option<Vec<Option<Pairs>>>,
}

/// A token of a response, with the most likely ones.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub id: Option<u32>,
    pub token: String,
    pub logprob: f64,
    #[serde(default)]
    pub top_logprobs: Vec<Likely>,
}

/// A token with its log-probability. llama.cpp gives the number of the token as well.
#[derive(Debug, Deserialize)]
pub(super) struct Likely {
    pub id: Option<u32>,
    pub token: String,
    pub logprob: f64,
}

/// An object from texts to log-probabilities; a text that stands twice in it is kept twice.
#[derive(Debug, Default)]
pub(super) struct Pairs(pub Vec<(String, f64)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object of log-probabilities")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
