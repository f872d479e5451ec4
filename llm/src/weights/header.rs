//! The header of a safetensors file: names, types, shapes and places, each checked.

use super::problem::{TensorProblem, check_places};
use candle_core::DType;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Where a tensor lies and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    /// From the start of the data.
    pub(super) start: u64,
    pub(super) end: u64,
}

#[derive(Deserialize)]
struct Raw {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// What a header lists, in its order, with repeated names; without the metadata.
struct List(Vec<(String, Raw)>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = List;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object of tensors")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<List, M::Error> {
                let mut list = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    } else {
                        list.push((name, map.next_value()?));
                    }
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// What is wrong with a header: with one tensor, or with its text.
#[derive(Debug)]
pub(super) enum HeaderProblem {
    Tensor(String, TensorProblem),
    Text(serde_json::Error),
}

/// Reads a header before `available` bytes of data; entries by rising start.
pub(super) fn parse(text: &[u8], available: u64) -> Result<Vec<Entry>, HeaderProblem> {
    let List(list) = serde_json::from_slice(text).map_err(HeaderProblem::Text)?;
    let entry = |(name, raw): (String, Raw)| match check(&raw, available) {
        Ok(dtype) => {
            let (start, end) = raw.data_offsets;
            Ok(Entry { name, dtype, shape: raw.shape, start, end })
        }
        Err(problem) => Err(HeaderProblem::Tensor(name, problem)),
    };
    let mut entries: Vec<Entry> = list.into_iter().map(entry).collect::<Result<_, _>>()?;
    let places = entries.iter().map(|e| (e.name.as_str(), e.start, e.end)).collect();
    check_places(places).map_err(|(name, problem)| HeaderProblem::Tensor(name, problem))?;
    entries.sort_by_key(|e| (e.start, e.end));
    Ok(entries)
}

fn check(raw: &Raw, available: u64) -> Result<DType, TensorProblem> {
    let dtype = match raw.dtype.as_str() {
        "F64" => DType::F64,
        "F32" => DType::F32,
        "F16" => DType::F16,
        "BF16" => DType::BF16,
        "I64" => DType::I64,
        "U32" => DType::U32,
        _ => return Err(TensorProblem::Type { dtype: raw.dtype.clone() }),
    };
    let (start, end) = raw.data_offsets;
    if start > end {
        return Err(TensorProblem::Backwards { start, end });
    }
    if end > available {
        return Err(TensorProblem::Truncated { end, available });
    }
    let bytes = raw
        .shape
        .iter()
        .try_fold(dtype.size_in_bytes() as u64, |product, &n| product.checked_mul(n as u64));
    match bytes {
        None => Err(TensorProblem::Huge { shape: raw.shape.clone() }),
        Some(expected) if expected != end - start => Err(TensorProblem::Size {
            shape: raw.shape.clone(),
            dtype: raw.dtype.clone(),
            found: end - start,
            expected,
        }),
        Some(_) => Ok(dtype),
    }
}
