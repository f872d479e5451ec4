//! Certificates as JSON.
//!
//! Doubles are written as the 16 hexadecimal digits of their bits, so that nothing is lost; the
//! hash as 64 digits. Reading trusts nothing: unknown and repeated fields, NaN, infinities,
//! another version or a file of excessive size are refused, and memory stays in proportion to the
//! size of the file. Whether the content fits a model is for [`crate::check()`] to say.

use crate::{Certificate, CertificateError, ModelHash, Restricted, ValueBounds};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;

/// The format that this version of the crate reads and writes.
pub const FORMAT: &str = "bellman-certificate/1";

/// The largest file that is read.
pub const MAX_BYTES: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    format: Format,
    model: HashForm,
    gamma: Bits,
    p: Bits,
    adjustments: Option<serde_json::Value>,
    optimal: BoundsForm,
    restricted: Option<RestrictedForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundsForm {
    c_lo: Bits,
    c_hi: Bits,
    v: Vec<Bits>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestrictedForm {
    kept: Vec<Vec<u32>>,
    projected: BoundsForm,
    top_p: BoundsForm,
}

impl Certificate {
    /// The certificate as JSON.
    ///
    /// # Errors
    /// [`CertificateError::Format`] when it holds a double that is not finite, which could not be
    /// read again.
    pub fn to_json(&self) -> Result<String, CertificateError> {
        let form = FileForm {
            format: Format,
            model: HashForm(self.model_hash),
            gamma: Bits(self.gamma),
            p: Bits(self.p),
            adjustments: self.adjustments.clone(),
            optimal: self.optimal.clone().into(),
            restricted: self.restricted.clone().map(Into::into),
        };
        Ok(serde_json::to_string(&form)?)
    }

    /// The certificate that a JSON text holds.
    ///
    /// # Errors
    /// [`CertificateError::Format`], with line and column.
    pub fn from_json(text: &str) -> Result<Self, CertificateError> {
        let form: FileForm = serde_json::from_str(text)?;
        Ok(Self {
            model_hash: form.model.0,
            gamma: form.gamma.0,
            p: form.p.0,
            adjustments: form.adjustments,
            optimal: form.optimal.into(),
            restricted: form.restricted.map(Into::into),
        })
    }

    /// Writes the certificate beside `path` and renames it into place, so that no one ever sees
    /// half of it.
    ///
    /// # Errors
    /// [`CertificateError::Format`] as for [`Certificate::to_json`], [`CertificateError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), CertificateError> {
        let text = self.to_json()?;
        save_text(&text, path).map_err(io_error(path))
    }

    /// Reads a certificate file.
    ///
    /// # Errors
    /// [`CertificateError::Io`], [`CertificateError::TooLarge`], [`CertificateError::Format`].
    pub fn load(path: &Path) -> Result<Self, CertificateError> {
        let file = std::fs::File::open(path).map_err(io_error(path))?;
        match read_at_most(file, MAX_BYTES).map_err(io_error(path))? {
            Some(text) => Self::from_json(&text),
            None => Err(CertificateError::TooLarge { limit: MAX_BYTES }),
        }
    }
}

/// The text of a file, unless it is longer than `limit` bytes.
fn read_at_most(file: impl Read, limit: u64) -> std::io::Result<Option<String>> {
    let mut text = String::new();
    // One byte more tells a file of `limit` bytes from a longer one.
    file.take(limit + 1).read_to_string(&mut text)?;
    Ok((text.len() as u64 <= limit).then_some(text))
}

fn save_text(text: &str, path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    // A temporary file is private by default; a certificate is for others to read.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut aside = builder.tempfile_in(directory.unwrap_or(Path::new(".")))?;
    aside.write_all(text.as_bytes())?;
    aside.as_file().sync_all()?;
    aside.persist(path)?;
    Ok(())
}

fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> CertificateError {
    let path = path.display().to_string();
    |source| CertificateError::Io { path, source }
}

impl From<ValueBounds> for BoundsForm {
    fn from(b: ValueBounds) -> Self {
        Self { c_lo: Bits(b.c_lo), c_hi: Bits(b.c_hi), v: b.v.into_iter().map(Bits).collect() }
    }
}

impl From<BoundsForm> for ValueBounds {
    fn from(b: BoundsForm) -> Self {
        Self { c_lo: b.c_lo.0, c_hi: b.c_hi.0, v: b.v.into_iter().map(|x| x.0).collect() }
    }
}

impl From<Restricted> for RestrictedForm {
    fn from(r: Restricted) -> Self {
        Self { kept: r.kept, projected: r.projected.into(), top_p: r.top_p.into() }
    }
}

impl From<RestrictedForm> for Restricted {
    fn from(r: RestrictedForm) -> Self {
        Self { kept: r.kept, projected: r.projected.into(), top_p: r.top_p.into() }
    }
}

/// The name of the format, and nothing else.
struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(FORMAT, |text: &str| (text == FORMAT).then_some(Self)))
    }
}

struct HashForm(ModelHash);

impl Serialize for HashForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HashForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "64 lower-case hexadecimal digits";
        deserializer.deserialize_str(Text(expecting, |text: &str| text.parse().ok().map(Self)))
    }
}

/// A finite double, as the 16 lower-case hexadecimal digits of its bits.
struct Bits(f64);

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_finite() {
            return Err(serde::ser::Error::custom("a certificate holds finite numbers only"));
        }
        serializer.collect_str(&format_args!("{:016x}", self.0.to_bits()))
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a finite double as the 16 lower-case hexadecimal digits of its bits";
        deserializer.deserialize_str(Text(expecting, |text: &str| {
            let digit = |d: u8| d.is_ascii_digit() || (b'a'..=b'f').contains(&d);
            if text.len() != 16 || !text.bytes().all(digit) {
                return None;
            }
            let x = f64::from_bits(u64::from_str_radix(text, 16).ok()?);
            x.is_finite().then_some(Self(x))
        }))
    }
}

/// Reads a value from a JSON string without copying the string.
struct Text<F>(&'static str, F);

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        let Self(expecting, read) = self;
        read(text).ok_or_else(|| E::custom(format_args!("expected {expecting}")))
    }
}

#[cfg(test)]
mod tests {
    use super::read_at_most;

    #[test]
    fn a_text_of_the_limit_is_read_and_a_longer_one_is_not() {
        let read = |text: &str| read_at_most(text.as_bytes(), 3).unwrap();
        assert_eq!(read("abc").as_deref(), Some("abc"));
        assert_eq!(read("abcd"), None);
    }
}
