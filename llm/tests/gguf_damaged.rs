//! GGUF files as hostile input: each wrong file is an error that names what is wrong.

mod gguf_file;

use gguf_file::{Writer, gpt2, llama, text};
use llm::LlmError;
use llm::weights::{Gguf, TensorProblem, Weights};
use proptest::prelude::*;

/// Opens a file of these bytes and loads whatever it says it has.
fn opened(bytes: &[u8]) -> Result<Gguf, LlmError> {
    let file = tempfile::NamedTempFile::with_suffix(".gguf").unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let gguf = Gguf::open(file.path())?;
    for name in gguf.names() {
        // A tensor, or an error where rows are no heads; never a panic.
        if let Ok(tensor) = gguf.load(name) {
            assert_eq!(tensor.dims(), gguf.shape(name)?);
        }
    }
    Ok(gguf)
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let (bytes, start) = llama().bytes();
    for length in (0..start).chain([start + 1, bytes.len() / 2, bytes.len() - 33]) {
        match opened(&bytes[..length]).map(|_| ()) {
            Err(
                LlmError::Header { .. } | LlmError::Metadata { .. } | LlmError::BadTensor { .. },
            ) => {}
            other => panic!("{length} bytes of {}: {other:?}", bytes.len()),
        }
    }
}

/// What is wrong with a tensor of the tiny Llama after a change to its type and its dimensions.
fn problem(name: &str, change: impl Fn(&mut (String, Vec<u64>, u32, Vec<u8>))) -> TensorProblem {
    let mut writer = llama();
    let tensor = writer.tensors.iter_mut().find(|t| t.0 == name).unwrap();
    change(tensor);
    let changed = tensor.0.clone();
    match opened(&writer.bytes().0).map(|_| ()) {
        Err(LlmError::BadTensor { tensor, problem, .. }) => {
            assert_eq!(tensor, changed);
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn absurd_tensors_are_refused_by_name() {
    let q = "blk.0.attn_q.weight";
    let huge = problem(q, |t| t.1 = vec![1 << 62, 1 << 62]);
    assert!(matches!(huge, TensorProblem::Huge { .. }));
    let long = problem(q, |t| t.1 = vec![1 << 40, 2]);
    assert!(matches!(long, TensorProblem::Truncated { end, .. } if end > 1 << 43));
    assert_eq!(problem(q, |t| t.2 = 99), TensorProblem::GgmlType { id: 99 });
    // Q8_0 has blocks of 32; a row has 36 numbers.
    assert_eq!(problem(q, |t| t.2 = 8), TensorProblem::Blocks { row: 36, block: 32 });
    assert_eq!(problem(q, |t| t.1 = vec![1; 5]), TensorProblem::Dimensions { count: 5 });
    for no_part in ["blk.3.attn_q.weight", "blk.00.attn_q.weight", "blk.0.ssm_in.weight", "x"] {
        assert_eq!(problem(q, |t| t.0 = no_part.into()), TensorProblem::NoPart);
    }
    assert_eq!(problem(q, |t| t.0 = "blk.0.attn_k.weight".into()), TensorProblem::Twice);
    let embedding = llama().tensors[0].0.clone();
    assert_eq!(embedding, "token_embd.weight");
    let mut longer = llama();
    longer.tensors[0].1[1] += 1;
    let next = longer.tensors[1].0.clone();
    match opened(&longer.bytes().0).map(|_| ()) {
        Err(LlmError::BadTensor { tensor, problem: TensorProblem::Overlap { other }, .. }) => {
            assert_eq!((tensor, other), (next, embedding));
        }
        other => panic!("{other:?}"),
    }
}

/// The bytes of the tiny Llama with another offset for its first tensor.
fn moved(offset: u64) -> Vec<u8> {
    let writer = llama();
    let (mut bytes, _) = writer.bytes();
    let (name, dimensions, ..) = &writer.tensors[0];
    let name = bytes.windows(name.len()).position(|w| w == name.as_bytes()).unwrap() + name.len();
    let place = name + 4 + 8 * dimensions.len() + 4;
    bytes[place..place + 8].copy_from_slice(&offset.to_le_bytes());
    bytes
}

#[test]
fn offsets_that_lead_elsewhere_are_refused() {
    let problem = |offset| match opened(&moved(offset)).map(|_| ()) {
        Err(LlmError::BadTensor { problem, .. }) => problem,
        other => panic!("{offset}: {other:?}"),
    };
    assert_eq!(problem(8), TensorProblem::Misaligned { start: 8, alignment: 32 });
    assert!(matches!(problem(32), TensorProblem::Overlap { .. }));
    assert!(matches!(problem(1 << 50), TensorProblem::Truncated { .. }));
    assert!(matches!(problem(u64::MAX - 31), TensorProblem::Huge { .. }));
}

#[test]
fn keys_that_make_no_sense_are_refused_by_name() {
    let nested = [&9u32.to_le_bytes()[..], &9u32.to_le_bytes(), &1u64.to_le_bytes()].concat();
    let longest = [&9u32.to_le_bytes()[..], &0u32.to_le_bytes(), &u64::MAX.to_le_bytes()].concat();
    let texts = [&9u32.to_le_bytes()[..], &8u32.to_le_bytes(), &(1u64 << 40).to_le_bytes()];
    let mut latin = 8u32.to_le_bytes().to_vec();
    text(&mut latin, "ab");
    *latin.last_mut().unwrap() = 0xff;
    for (value, part) in [
        (nested, "array of arrays"),
        (longest, "18446744073709551615 entries"),
        (texts.concat(), "1099511627776 entries"),
        (latin, "not UTF-8"),
        (vec![13, 0, 0, 0], "unknown type 13"),
        (vec![7, 0, 0, 0, 2], "neither 0 nor 1"),
    ] {
        let mut writer = llama();
        writer.keys.push(("key.of.mine".into(), value));
        match opened(&writer.bytes().0).map(|_| ()) {
            Err(LlmError::Metadata { key, problem, .. }) => {
                assert_eq!(key, "key.of.mine");
                assert!(problem.contains(part), "{problem}");
            }
            other => panic!("{part}: {other:?}"),
        }
    }
    let change = |change: &dyn Fn(&mut Writer)| {
        let mut writer = llama();
        change(&mut writer);
        opened(&writer.bytes().0).map(|_| ()).unwrap_err().to_string()
    };
    for (key, value, part) in [
        ("general.alignment", 0, "not a power of two"),
        ("general.alignment", 48, "not a power of two"),
        ("llama.block_count", 3, "occurs twice"),
        ("llama.expert_count", 8, "only 0 is implemented"),
        ("llama.attention.key_length", 8, "llama.rope.dimension_count is 6"),
    ] {
        let message = change(&|w| w.integer(key, value));
        assert!(message.contains(key) || message.contains("rope"), "{message}");
        assert!(message.contains(part), "{message}");
    }
    let message = change(&|w| w.keys.retain(|(key, _)| key != "llama.block_count"));
    assert!(message.contains("llama.block_count is missing"), "{message}");
    let message = change(&|w| w.keys[0].1[12] = b'x');
    assert!(message.contains("general.architecture is \"xlama\""), "{message}");
    let message = change(&|w| w.string("llama.rope.scaling.type", "yarn"));
    assert!(message.contains("llama.rope.scaling.type is yarn"), "{message}");
    let message = change(&|w| w.float("llama.rope.scale_linear", f32::NAN));
    assert!(message.contains("llama.rope.scale_linear is NaN"), "{message}");
}

#[test]
fn what_is_no_file_of_a_version_that_is_read_says_so() {
    let (bytes, _) = llama().bytes();
    for (version, part) in [(1u32, "version 1 is not"), (4, "version 4"), (3 << 24, "byte order")] {
        let mut bytes = bytes.clone();
        bytes[4..8].copy_from_slice(&version.to_le_bytes());
        let message = opened(&bytes).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    let message = opened(b"{\"a\": 1}").map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("not a GGUF file"), "{message}");
    let mut older = bytes;
    older[4] = 2;
    assert!(opened(&older).is_ok());
}

#[test]
fn counts_beyond_the_file_are_refused() {
    let (bytes, _) = llama().bytes();
    for place in [8, 16] {
        for count in [u64::MAX, 1 << 40, 1 << 20] {
            let mut bytes = bytes.clone();
            bytes[place..place + 8].copy_from_slice(&count.to_le_bytes());
            assert!(opened(&bytes).is_err());
        }
    }
}

proptest! {
    #![proptest_config(match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(256),
    })]

    #[test]
    fn any_change_of_the_header_gives_a_model_or_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        transposed in any::<bool>(),
    ) {
        let (mut bytes, start) = if transposed { gpt2().bytes() } else { llama().bytes() };
        for (place, byte) in changes {
            bytes[place.index(start)] = byte;
        }
        let _ = opened(&bytes);
    }
}
