//! Responses of a model, sampled token by token, many sequences at a time.
//!
//! Each response draws from a source of randomness of its own, which the seed and its [`Stream`]
//! name: which other responses are in the batch decides nothing. (In f32 the logits may differ in
//! their last digits with the size of the batch, as sums are then taken in another order.)

mod batch;
mod choice;
mod policy;

pub use batch::generate;
pub use choice::Choice;
pub use policy::generate_mixed;

/// How tokens are chosen, and how many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// What logits are divided by; 1 is the model's own policy.
    pub temperature: f64,
    /// The mass p of the nucleus that tokens are drawn from; 1 for all tokens.
    pub top_p: f64,
    /// Take the most likely token, the lower id among equals; temperature and p then mean nothing.
    pub greedy: bool,
    /// The most tokens of a response.
    pub max_new_tokens: usize,
    /// What every source of randomness starts from.
    pub seed: u64,
}

impl Default for Sampling {
    /// The model's own policy, 256 tokens at most, seed 0.
    fn default() -> Self {
        Self { temperature: 1.0, top_p: 1.0, greedy: false, max_new_tokens: 256, seed: 0 }
    }
}

/// Which source of randomness a response draws from: two that differ are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stream {
    /// The number of the prompt.
    pub prompt: u64,
    /// The number of the response to that prompt.
    pub response: u64,
}

/// One response to be sampled.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The tokens that it follows.
    pub prompt: &'a [u32],
    /// Its source of randomness.
    pub stream: Stream,
}

impl<'a> Job<'a> {
    /// The first response to each of `prompts`, numbered from 0.
    pub fn of_each<S: AsRef<[u32]>>(prompts: &'a [S]) -> Vec<Self> {
        let stream = |prompt| Stream { prompt, response: 0 };
        let numbered = prompts.iter().zip(0..);
        numbered.map(|(p, i)| Self { prompt: p.as_ref(), stream: stream(i) }).collect()
    }
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The tokens after the prompt, with the one that ended it.
    pub tokens: Vec<u32>,
    /// Whether it ended by itself, not for want of room.
    pub ended: bool,
}

/// A token just sampled, for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampled {
    /// The place of its job among the jobs.
    pub job: usize,
    /// The token.
    pub token: u32,
    /// Whether it is the last of its response.
    pub last: bool,
}
