//! [`GgufMetadata`]: the keys and values of a GGUF file.

use super::reader::{Fault, Reader};
use crate::LlmError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a GGUF file says about its model and its tokens, by key.
///
/// A key that is missing is `None`; one with a value of another type is an error that names it.
#[derive(Debug, Clone)]
pub struct GgufMetadata {
    path: PathBuf,
    values: BTreeMap<String, Value>,
}

/// The types of numbers, with their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Flag,
    U64,
    I64,
    F64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Flag(bool),
    Integer(i128),
    Float(f64),
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Number(Number),
    Texts(Vec<String>),
    /// As they lie in the file, so that they need no more memory than there.
    Numbers(Kind, Vec<u8>),
}

/// The identifiers of what is no number.
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

impl Kind {
    fn of(id: u32) -> Result<Self, Fault> {
        Ok(match id {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Flag,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return Err(format!("has a value of the unknown type {id}").into()),
        })
    }

    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Flag => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// The number in `size` bytes.
    ///
    /// One of 32 bits becomes the double with the same shortest decimal: a converter that rounded
    /// 1e-5 is read as 1e-5.
    fn number(self, bytes: &[u8]) -> Number {
        let mut wide = [0; 8];
        wide[..self.size()].copy_from_slice(&bytes[..self.size()]);
        let unsigned = u64::from_le_bytes(wide);
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => Number::Integer(unsigned.into()),
            Self::I8 => Number::Integer((unsigned as i8).into()),
            Self::I16 => Number::Integer((unsigned as i16).into()),
            Self::I32 => Number::Integer((unsigned as i32).into()),
            Self::I64 => Number::Integer((unsigned as i64).into()),
            Self::Flag => Number::Flag(unsigned != 0),
            Self::F64 => Number::Float(f64::from_bits(unsigned)),
            Self::F32 => {
                let x = f32::from_bits(unsigned as u32);
                Number::Float(x.to_string().parse().unwrap_or(f64::from(x)))
            }
        }
    }
}

impl Value {
    fn read(reader: &mut Reader) -> Result<Self, Fault> {
        match reader.u32()? {
            TEXT => Ok(Self::Text(reader.text()?)),
            ARRAY => Self::read_array(reader),
            id => {
                let kind = Kind::of(id)?;
                Ok(Self::Number(kind.number(&numbers(kind, 1, reader)?)))
            }
        }
    }

    fn read_array(reader: &mut Reader) -> Result<Self, Fault> {
        let (id, count) = (reader.u32()?, reader.u64()?);
        match id {
            ARRAY => Err("is an array of arrays, which is not read".to_owned().into()),
            TEXT => {
                // Each text has its length, of eight bytes.
                reader.room_for(count, 8)?;
                Ok(Self::Texts((0..count).map(|_| reader.text()).collect::<Result<_, _>>()?))
            }
            id => {
                let kind = Kind::of(id)?;
                Ok(Self::Numbers(kind, numbers(kind, count, reader)?))
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Text(_) => "a text".into(),
            Self::Number(Number::Flag(flag)) => flag.to_string(),
            Self::Number(Number::Integer(n)) => n.to_string(),
            Self::Number(Number::Float(x)) => x.to_string(),
            Self::Texts(texts) => format!("an array of {} texts", texts.len()),
            Self::Numbers(kind, bytes) => {
                format!("an array of {} numbers", bytes.len() / kind.size())
            }
        }
    }
}

/// The bytes of `count` numbers; those of a flag are 0 or 1.
fn numbers(kind: Kind, count: u64, reader: &mut Reader) -> Result<Vec<u8>, Fault> {
    reader.room_for(count, kind.size() as u64)?;
    // The product is at most what is left of the file.
    let bytes = reader.bytes(count * kind.size() as u64)?;
    match bytes.iter().find(|&&byte| kind == Kind::Flag && byte > 1) {
        Some(byte) => Err(format!("has a flag of {byte}, which is neither 0 nor 1").into()),
        None => Ok(bytes),
    }
}

impl GgufMetadata {
    /// Reads `count` keys with their values.
    pub(super) fn read(reader: &mut Reader, count: u64, path: &Path) -> Result<Self, LlmError> {
        let path = path.to_path_buf();
        let header = |fault| match fault {
            Fault::Io(source) => LlmError::File { path: path.clone(), source },
            Fault::Problem(problem) => LlmError::Header { path: path.clone(), problem },
        };
        // A length, a type and a value.
        reader.room_for(count, 13).map_err(header)?;
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = reader.text().map_err(header)?;
            let value = Value::read(reader).map_err(|fault| match fault {
                Fault::Io(source) => LlmError::File { path: path.clone(), source },
                Fault::Problem(problem) => {
                    LlmError::Metadata { path: path.clone(), key: key.clone(), problem }
                }
            })?;
            if values.insert(key.clone(), value).is_some() {
                return Err(LlmError::Metadata { path, key, problem: "occurs twice".into() });
            }
        }
        Ok(Self { path, values })
    }

    /// An error about a key.
    pub(crate) fn problem(&self, key: &str, problem: impl Into<String>) -> LlmError {
        LlmError::Metadata { path: self.path.clone(), key: key.into(), problem: problem.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        what: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, LlmError> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        match read(value) {
            Some(x) => Ok(Some(x)),
            None => Err(self.problem(key, format!("is {}, not {what}", value.name()))),
        }
    }

    fn array<T>(
        &self,
        key: &str,
        what: &str,
        read: impl Fn(Number) -> Option<T>,
    ) -> Result<Option<Vec<T>>, LlmError> {
        self.typed(key, what, |value| match value {
            Value::Numbers(kind, bytes) => {
                bytes.chunks_exact(kind.size()).map(|bytes| read(kind.number(bytes))).collect()
            }
            _ => None,
        })
    }

    /// A text.
    ///
    /// # Errors
    /// [`LlmError::Metadata`] when the value is of another type; so for all that follow.
    pub fn text(&self, key: &str) -> Result<Option<&str>, LlmError> {
        self.typed(key, "a text", |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// True or false.
    ///
    /// # Errors
    /// [`LlmError::Metadata`].
    pub fn flag(&self, key: &str) -> Result<Option<bool>, LlmError> {
        self.typed(key, "true or false", |value| match value {
            Value::Number(Number::Flag(flag)) => Some(*flag),
            _ => None,
        })
    }

    /// An integer, of whatever width.
    ///
    /// # Errors
    /// [`LlmError::Metadata`].
    pub fn integer(&self, key: &str) -> Result<Option<i64>, LlmError> {
        self.typed(key, "an integer of 64 bits", |value| match value {
            Value::Number(number) => integer(*number),
            _ => None,
        })
    }

    /// The identifier of a token, or another integer that is not negative.
    ///
    /// # Errors
    /// [`LlmError::Metadata`].
    pub fn id(&self, key: &str) -> Result<Option<u32>, LlmError> {
        match self.integer(key)? {
            None => Ok(None),
            Some(n) => match u32::try_from(n) {
                Ok(id) => Ok(Some(id)),
                Err(_) => Err(self.problem(key, format!("is {n}, not in 0..2³²"))),
            },
        }
    }

    /// A number.
    ///
    /// # Errors
    /// [`LlmError::Metadata`].
    pub fn float(&self, key: &str) -> Result<Option<f64>, LlmError> {
        self.typed(key, "a number", |value| match value {
            Value::Number(number) => float(*number),
            _ => None,
        })
    }

    /// An array of texts.
    ///
    /// # Errors
    /// [`LlmError::Metadata`].
    pub fn texts(&self, key: &str) -> Result<Option<&[String]>, LlmError> {
        self.typed(key, "an array of texts", |value| match value {
            Value::Texts(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    /// An array of integers, of whatever width.
    ///
    /// # Errors
    /// [`LlmError::Metadata`].
    pub fn integers(&self, key: &str) -> Result<Option<Vec<i64>>, LlmError> {
        self.array(key, "an array of integers of 64 bits", integer)
    }

    /// An array of numbers.
    ///
    /// # Errors
    /// [`LlmError::Metadata`].
    pub fn floats(&self, key: &str) -> Result<Option<Vec<f64>>, LlmError> {
        self.array(key, "an array of numbers", float)
    }
}

fn integer(number: Number) -> Option<i64> {
    match number {
        Number::Integer(n) => i64::try_from(n).ok(),
        _ => None,
    }
}

fn float(number: Number) -> Option<f64> {
    match number {
        Number::Integer(n) => Some(n as f64),
        Number::Float(x) => Some(x),
        Number::Flag(_) => None,
    }
}
