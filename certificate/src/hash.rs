//! [`ModelHash`]: which model a certificate speaks about.

use crate::Model;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// SHA-256 of a model's canonical content; shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelHash([u8; 32]);

/// The first bytes that are hashed: changed whenever the layout below changes.
const TAG: &[u8] = b"bellman model, version 1\n";

/// How many numbers are turned into bytes before the hasher sees them.
const CHUNK: usize = 8192;

impl Model<'_> {
    /// The hash of the canonical content: a version tag, the numbers of states, pairs and
    /// transitions, then the offsets of states, actions, rewards, offsets of rows, successors and
    /// weights. Counts and offsets are 64-bit, actions and successors 32-bit, rewards and weights
    /// the bits of the double with −0 read as 0; all little-endian.
    pub fn hash(&self) -> ModelHash {
        let mut hasher = Sha256::new();
        hasher.update(TAG);
        let counts = [self.states(), self.pairs(), self.transitions()];
        feed(&mut hasher, &counts, |n| (n as u64).to_le_bytes());
        feed(&mut hasher, self.state_offsets, |n| (n as u64).to_le_bytes());
        feed(&mut hasher, self.actions, u32::to_le_bytes);
        feed(&mut hasher, self.rewards, double);
        feed(&mut hasher, self.row_offsets, |n| (n as u64).to_le_bytes());
        feed(&mut hasher, self.successors, u32::to_le_bytes);
        feed(&mut hasher, self.weights, double);
        ModelHash(hasher.finalize().into())
    }
}

/// The bits of a double; adding 0 turns −0 into 0 and changes nothing else.
fn double(x: f64) -> [u8; 8] {
    (x + 0.0).to_bits().to_le_bytes()
}

fn feed<T: Copy, const N: usize>(hasher: &mut Sha256, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
    let mut buffer = Vec::with_capacity(CHUNK * N);
    for chunk in values.chunks(CHUNK) {
        buffer.clear();
        buffer.extend(chunk.iter().flat_map(|&x| bytes(x)));
        hasher.update(&buffer);
    }
}

impl fmt::Display for ModelHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModelHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a model hash is 64 lower-case hexadecimal digits")]
pub struct InvalidHash;

impl FromStr for ModelHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(InvalidHash);
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        Ok(Self(hash))
    }
}

/// One way to write each hash: upper case is refused.
fn digit(text: u8) -> Result<u8, InvalidHash> {
    match text {
        b'0'..=b'9' => Ok(text - b'0'),
        b'a'..=b'f' => Ok(text - b'a' + 10),
        _ => Err(InvalidHash),
    }
}
