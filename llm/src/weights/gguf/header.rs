//! The header of a GGUF file: keys with values, then tensors with types, shapes and places.

use super::metadata::GgufMetadata;
use super::quantisation;
use super::reader::{Fault, Reader};
use crate::LlmError;
use crate::weights::TensorProblem;
use crate::weights::problem::check_places;
use candle_core::quantized::GgmlDType;
use std::fs::File;
use std::path::Path;

/// "GGUF", little-endian.
const MAGIC: u32 = 0x4655_4747;

/// Where data starts when the file does not say.
const ALIGNMENT: u32 = 32;

/// The most dimensions of a tensor.
const DIMENSIONS: u32 = 4;

/// Where a tensor lies and what it is.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: GgmlDType,
    /// The slowest dimension first, as everywhere but in the file.
    pub(super) shape: Vec<usize>,
    /// From the start of the data.
    pub(super) start: u64,
    pub(super) end: u64,
}

/// A header, checked: every tensor has the bytes that its shape needs, within the file, and
/// shares them with no other.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) metadata: GgufMetadata,
    pub(super) entries: Vec<Entry>,
    /// The byte at which data starts.
    pub(super) data: u64,
}

impl Header {
    /// Reads the header of a file. Memory grows with what is read, never with what a file claims.
    pub(super) fn read(path: &Path) -> Result<Self, LlmError> {
        let io = |source| LlmError::File { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut reader = Reader::new(file, size);
        let (tensors, keys) = counts(&mut reader).map_err(|fault| error(path, fault))?;
        let metadata = GgufMetadata::read(&mut reader, keys, path)?;
        let alignment = alignment(&metadata)?;
        // A name's length, a number of dimensions, a type and an offset.
        reader.room_for(tensors, 24).map_err(|fault| error(path, fault))?;
        let entries =
            (0..tensors).map(|_| entry(&mut reader, path)).collect::<Result<Vec<_>, _>>()?;
        let data = reader.at().next_multiple_of(alignment);
        let bad = |tensor: &str, problem| LlmError::BadTensor {
            path: path.to_path_buf(),
            tensor: tensor.into(),
            problem,
        };
        let available = size.saturating_sub(data);
        for Entry { name, start, end, .. } in &entries {
            if !start.is_multiple_of(alignment) {
                let problem = TensorProblem::Misaligned { start: *start, alignment };
                return Err(bad(name, problem));
            }
            if *end > available {
                return Err(bad(name, TensorProblem::Truncated { end: *end, available }));
            }
        }
        let places = entries.iter().map(|e| (e.name.as_str(), e.start, e.end)).collect();
        check_places(places).map_err(|(tensor, problem)| bad(&tensor, problem))?;
        Ok(Self { metadata, entries, data })
    }
}

fn error(path: &Path, fault: Fault) -> LlmError {
    let path = path.to_path_buf();
    match fault {
        Fault::Io(source) => LlmError::File { path, source },
        Fault::Problem(problem) => LlmError::Header { path, problem },
    }
}

/// The numbers of tensors and of keys.
fn counts(reader: &mut Reader) -> Result<(u64, u64), Fault> {
    if reader.u32()? != MAGIC {
        return Err("not a GGUF file: it does not start with \"GGUF\"".to_owned().into());
    }
    let version = reader.u32()?;
    match version {
        2 | 3 => Ok((reader.u64()?, reader.u64()?)),
        _ if matches!(version.swap_bytes(), 1..=3) => {
            Err("a GGUF file of the other byte order, which is not read".to_owned().into())
        }
        _ => Err(format!("GGUF version {version} is not read (2 and 3 are)").into()),
    }
}

fn alignment(metadata: &GgufMetadata) -> Result<u64, LlmError> {
    const KEY: &str = "general.alignment";
    let alignment = metadata.id(KEY)?.unwrap_or(ALIGNMENT);
    match alignment.is_power_of_two() {
        true => Ok(alignment.into()),
        false => Err(metadata.problem(KEY, format!("is {alignment}, not a power of two"))),
    }
}

fn entry(reader: &mut Reader, path: &Path) -> Result<Entry, LlmError> {
    let name = reader.text().map_err(|fault| error(path, fault))?;
    match place(reader) {
        Ok(Ok((kind, shape, start, end))) => Ok(Entry { name, kind, shape, start, end }),
        Ok(Err(problem)) => {
            Err(LlmError::BadTensor { path: path.to_path_buf(), tensor: name, problem })
        }
        Err(Fault::Io(source)) => Err(LlmError::File { path: path.to_path_buf(), source }),
        Err(Fault::Problem(problem)) => Err(LlmError::Header {
            path: path.to_path_buf(),
            problem: format!("tensor {name:?}: {problem}"),
        }),
    }
}

/// A type, a shape, a start and an end.
type Place = (GgmlDType, Vec<usize>, u64, u64);

fn place(reader: &mut Reader) -> Result<Result<Place, TensorProblem>, Fault> {
    let count = reader.u32()?;
    if count > DIMENSIONS {
        return Ok(Err(TensorProblem::Dimensions { count }));
    }
    let mut sizes = (0..count).map(|_| reader.u64()).collect::<Result<Vec<_>, _>>()?;
    sizes.reverse();
    let (id, start) = (reader.u32()?, reader.u64()?);
    Ok(measure(&sizes, id, start))
}

/// Where a tensor ends, if its sizes can be counted and divide into the blocks of its type.
fn measure(sizes: &[u64], id: u32, start: u64) -> Result<Place, TensorProblem> {
    let kind = quantisation::of(id).ok_or(TensorProblem::GgmlType { id })?;
    let shape: Vec<usize> =
        sizes.iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
    let (block, row) = (kind.block_size(), shape.last().copied().unwrap_or(1));
    if !row.is_multiple_of(block) {
        return Err(TensorProblem::Blocks { row, block });
    }
    let numbers = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n as u64));
    let bytes = numbers.and_then(|n| (n / block as u64).checked_mul(kind.type_size() as u64));
    match bytes.and_then(|bytes| start.checked_add(bytes)) {
        Some(end) => Ok((kind, shape, start, end)),
        None => Err(TensorProblem::Huge { shape }),
    }
}
