//! Certificates as files: nothing is lost, and nothing hostile gets in.

mod common;

use certificate::{Certificate, CertificateError};
use common::{Arrays, certify};
use proptest::prelude::*;

fn sample() -> Certificate {
    let row = |r: f64| (r, vec![(0, 1.0 / 3.0), (1, 2.0 / 3.0)]);
    let arrays = Arrays::new(&[vec![row(0.1), row(-2.0)], vec![row(1.0)]]);
    let record = serde_json::json!({"rows": [0, 2], "reason": "1/3"});
    let record = record.as_object().expect("an object").clone();
    certify(&arrays.model(), 0.9, 0.8).with_adjustments(record)
}

/// Whether the text is refused after replacing the first `from` by `to`.
fn refused(from: &str, to: &str) -> bool {
    let text = sample().to_json().expect("JSON");
    assert!(text.contains(from), "{from} is not in {text}");
    let read = Certificate::from_json(&text.replacen(from, to, 1));
    matches!(read, Err(CertificateError::Format(_)))
}

#[test]
fn a_round_trip_loses_nothing() {
    let mut certificate = sample();
    // Values that decimal shorthand tends to spoil.
    certificate.optimal.v = vec![-0.0, 5e-324];
    certificate.optimal.c_hi = f64::MAX;
    let back = Certificate::from_json(&certificate.to_json().expect("JSON")).expect("it reads");
    assert_eq!(back, certificate);
    assert!(back.optimal.v[0].is_sign_negative());
    let plain = Certificate { restricted: None, adjustments: None, ..certificate };
    assert_eq!(Certificate::from_json(&plain.to_json().expect("JSON")).expect("it reads"), plain);
}

#[test]
fn saving_replaces_the_file_and_loading_gives_it_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.cert");
    std::fs::write(&path, "something older").expect("written");
    sample().save(&path).expect("saved");
    assert_eq!(Certificate::load(&path).expect("loaded"), sample());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing beside it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "").expect("written");
        let mode = |p: &std::path::Path| std::fs::metadata(p).expect("there").permissions().mode();
        assert_eq!(mode(&path), mode(&plain), "readable like any other file");
    }
}

#[test]
fn missing_files_and_folders_are_named() {
    let path = std::path::Path::new("/nonexistent/folder/x.cert");
    let read = Certificate::load(path).unwrap_err();
    assert!(matches!(&read, CertificateError::Read { .. }));
    assert_eq!(read.to_string(), "/nonexistent/folder/x.cert: cannot read the file");
    let written = sample().save(path).unwrap_err();
    assert!(matches!(&written, CertificateError::Write { .. }));
    assert!(written.to_string().contains("/nonexistent/folder/x.cert"), "{written}");
}

#[test]
fn a_temporary_file_is_not_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "kept").expect("written");
    for path in [file.join("below"), folder.path().join("missing/x.cert"), folder.path().into()] {
        let error = sample().save(&path).unwrap_err();
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(!cause.contains("tmp"), "{cause}");
    }
}

#[test]
fn bytes_that_are_no_text_are_no_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("garbage.cert");
    for bytes in [&b"\xff\xfe\x00"[..], b"", b"{\"format\":\"\xff\"}", b"garbage"] {
        std::fs::write(&path, bytes).expect("written");
        let error = Certificate::load(&path).unwrap_err();
        assert!(matches!(&error, CertificateError::NotACertificate { .. }), "{error:?}");
        assert!(error.to_string().ends_with("garbage.cert is not a certificate"), "{error}");
    }
}

#[test]
fn fields_must_be_known_single_and_complete() {
    assert!(refused("\"gamma\"", "\"gama\""));
    assert!(refused("{\"format\"", "{\"extra\":1,\"format\""));
    assert!(refused("\"c_lo\"", "\"c_low\""));
    assert!(refused("\"c_lo\"", "\"x\":0,\"c_lo\""));
    assert!(refused("\"kept\"", "\"x\":0,\"kept\""));
    assert!(refused("{\"format\"", "{\"p\":\"3fe0000000000000\",\"format\""));
    assert!(refused("bellman-certificate/1", "bellman-certificate/2"));
    let text = sample().to_json().expect("JSON");
    assert!(Certificate::from_json(&text[..text.len() - 1]).is_err());
    assert!(Certificate::from_json(&format!("{text}x")).is_err());
}

#[test]
fn doubles_are_sixteen_lower_case_digits_of_a_finite_one() {
    let c_hi = |text: &str| {
        let json = sample().to_json().expect("JSON");
        let at = json.find("\"c_hi\":\"").expect("the field") + 8;
        Certificate::from_json(&[&json[..at], text, &json[at + 16..]].concat())
    };
    assert_eq!(c_hi("3ff8000000000000").expect("it reads").optimal.c_hi, 1.5);
    assert_eq!(c_hi("7fefffffffffffff").expect("it reads").optimal.c_hi, f64::MAX);
    for bad in [
        "7ff0000000000000",
        "fff0000000000000",
        "7ff8000000000000",
        "3FF8000000000000",
        "+ff8000000000000",
        "3ff800000000000",
        "3ff80000000000000",
        "3ff800000000000g",
        "",
        "1.5",
        "éééééééé",
    ] {
        assert!(c_hi(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    for bad in [f64::NAN, f64::INFINITY] {
        let mut certificate = sample();
        certificate.optimal.c_hi = bad;
        assert!(matches!(certificate.to_json(), Err(CertificateError::Format(_))));
    }
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    let deep = format!("\"adjustments\":{}", "[".repeat(1_000_000));
    assert!(refused("\"adjustments\":", &deep));
}

#[test]
fn adjustments_are_an_object_or_null() {
    let record = r#"{"reason":"1/3","rows":[0,2]}"#;
    assert!(!refused(record, "null") && !refused(record, "{}"));
    for bad in ["0", "false", "\"\"", "[]", "[{}]"] {
        assert!(refused(record, bad), "{bad}");
    }
}

#[test]
fn slots_must_be_small_whole_numbers() {
    for bad in ["-1", "1.5", "4294967296", "\"0\"", "null"] {
        assert!(refused("\"kept\":[[0", &format!("\"kept\":[[{bad}")), "{bad}");
    }
}

proptest! {
    #[test]
    fn damaged_files_never_panic(at in 0usize..2000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = sample().to_json().expect("JSON").into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(text) = String::from_utf8(bytes) {
            // Read or refused: both are fine, and what is read can be written.
            if let Ok(certificate) = Certificate::from_json(&text) {
                prop_assert!(certificate.to_json().is_ok());
            }
        }
    }
}
