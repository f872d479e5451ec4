//! Certificates as JSON.
//!
//! Doubles are written as the 16 hexadecimal digits of their bits, so that nothing is lost; the
//! hash as 64 digits. Reading trusts nothing: unknown and repeated fields, NaN, infinities,
//! another version or a file of excessive size are refused, and memory stays in proportion to the
//! size of the file. Whether the content fits a model is for [`crate::check()`] to say.

use crate::certificate::Record;
use crate::{Certificate, CertificateError, ModelHash, Restricted, ValueBounds};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::fs::File;
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
    adjustments: Option<Record>,
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
        Ok(serde_json::from_str::<FileForm>(text)?.into())
    }

    /// Writes the certificate beside `path` and renames it into place, so that no one ever sees
    /// half of it.
    ///
    /// # Errors
    /// [`CertificateError::Format`] as for [`Certificate::to_json`], [`CertificateError::Write`].
    pub fn save(&self, path: &Path) -> Result<(), CertificateError> {
        let text = self.to_json()?;
        save_text(&text, path)
            .map_err(|source| CertificateError::Write { path: name(path), source })
    }

    /// Reads a certificate file.
    ///
    /// # Errors
    /// [`CertificateError::Read`], [`CertificateError::TooLarge`],
    /// [`CertificateError::NotACertificate`].
    pub fn load(path: &Path) -> Result<Self, CertificateError> {
        let bytes = File::open(path).and_then(|file| read_at_most(file, MAX_BYTES));
        let bytes = bytes.map_err(|source| CertificateError::Read { path: name(path), source })?;
        let too_large = || CertificateError::TooLarge { path: name(path), limit: MAX_BYTES };
        let form: FileForm = serde_json::from_slice(&bytes.ok_or_else(too_large)?)
            .map_err(|source| CertificateError::NotACertificate { path: name(path), source })?;
        Ok(form.into())
    }
}

/// The bytes of a file, unless there are more than `limit`.
fn read_at_most(file: impl Read, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // One byte more tells a file of `limit` bytes from a longer one.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

fn save_text(text: &str, path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    // Made by hand, so that it gets the permissions of any new file; and written by hand, so that
    // errors do not name it: it means nothing to whoever asked for `path`.
    let mut aside = tempfile::Builder::new()
        .make_in(directory.unwrap_or(Path::new(".")), |path| File::create_new(path))?;
    aside.as_file_mut().write_all(text.as_bytes())?;
    aside.as_file().sync_all()?;
    aside.persist(path).map_err(|e| e.error)?;
    Ok(())
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

impl From<FileForm> for Certificate {
    fn from(form: FileForm) -> Self {
        Self {
            model_hash: form.model.0,
            gamma: form.gamma.0,
            p: form.p.0,
            adjustments: form.adjustments,
            optimal: form.optimal.into(),
            restricted: form.restricted.map(Into::into),
        }
    }
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
        assert_eq!(read("abc").as_deref(), Some(&b"abc"[..]));
        assert_eq!(read("abcd"), None);
    }
}
