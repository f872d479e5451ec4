//! [`Reader`]: the numbers and texts of a header, none larger than what is left of the file.

use std::fs::File;
use std::io::{BufReader, Read};

/// The longest header that is read; those of real models have some tens of megabytes at most.
const LONGEST_HEADER: u64 = 100_000_000;

/// Why a header cannot be read on.
#[derive(Debug)]
pub(super) enum Fault {
    Io(std::io::Error),
    Problem(String),
}

impl From<String> for Fault {
    fn from(problem: String) -> Self {
        Self::Problem(problem)
    }
}

/// A file read from its start.
#[derive(Debug)]
pub(super) struct Reader {
    file: BufReader<File>,
    at: u64,
    end: u64,
}

impl Reader {
    /// A reader at the start of a file of `size` bytes.
    pub(super) fn new(file: File, size: u64) -> Self {
        Self { file: BufReader::new(file), at: 0, end: size.min(LONGEST_HEADER) }
    }

    /// The byte that comes next.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Fails when `count` things of at least `bytes` bytes each cannot follow.
    pub(super) fn room_for(&self, count: u64, bytes: u64) -> Result<(), Fault> {
        let (at, end) = (self.at, self.end);
        match count.checked_mul(bytes) {
            Some(needed) if needed <= end - at => Ok(()),
            _ => Err(format!(
                "{count} entries of {bytes} bytes or more at byte {at}: the header ends by {end}"
            )
            .into()),
        }
    }

    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        self.room_for(count, 1)?;
        let mut bytes = vec![0; count as usize];
        self.file.read_exact(&mut bytes).map_err(Fault::Io)?;
        self.at += count;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.room_for(1, N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes).map_err(Fault::Io)?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A text after its length.
    pub(super) fn text(&mut self) -> Result<String, Fault> {
        let at = self.at;
        let length = self.u64()?;
        let bytes = self.bytes(length)?;
        Ok(String::from_utf8(bytes).map_err(|_| format!("the text at byte {at} is not UTF-8"))?)
    }
}
