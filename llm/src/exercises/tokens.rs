//! [`vocabulary`]: a tokenizer for exercises.

use super::Exercise;
use crate::LlmError;
use crate::text::{Tokenizer, write_json};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The tokens that end a response, begin an instruction, and begin a response.
const SPECIAL: [&str; 3] = ["<|end|>", "<|user|>", "<|answer|>"];

/// An instruction to a prompt.
const TEMPLATE: &str = "{% for message in messages %}\
    {% if message.role == 'assistant' %}<|answer|>{{ message.content }}<|end|>\
    {% else %}<|user|>{{ message.content }}{% endif %}{% endfor %}\
    {% if add_generation_prompt %}<|answer|>{% endif %}";

/// How a byte-level tokenizer writes a blank.
const BLANK: char = 'Ġ';

/// Writes `tokenizer.json` and `tokenizer_config.json` for texts like those of exercises into a
/// folder, and returns the tokenizer.
///
/// A word of two letters or more that occurs once in five hundred exercises or more often is a
/// token, with the blank before it where it has one. All other words are spelled: each printable
/// ASCII character is a token, and digits always stand alone. So common words are short and the
/// letters of made-up ones can be seen. The tokenizer is a byte-level BPE without merges that takes
/// whole words first (`ignore_merges`).
///
/// # Errors
/// [`LlmError::Write`]; [`LlmError::Tokenizer`] never, as long as the library reads what it wrote.
pub fn vocabulary(exercises: &[Exercise], folder: &Path) -> Result<Tokenizer, LlmError> {
    let letters = ('!'..='~').chain([BLANK, 'Ċ']).map(String::from);
    let special = SPECIAL.map(String::from).into_iter();
    let tokens = special.chain(letters).chain(common_words(exercises));
    let vocabulary: Map<String, Value> = tokens.zip((0..).map(|id: u32| id.into())).collect();
    let added = SPECIAL.iter().enumerate().map(|(id, content)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true})
    });
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": true});
    let digits = json!({"type": "Digits", "individual_digits": true});
    let content = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added.collect::<Vec<_>>(),
        "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "post_processor": null,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "ignore_merges": true, "vocab": vocabulary, "merges": []},
    });
    let path = folder.join("tokenizer.json");
    let tokenizer = Tokenizer::parse(&content.to_string(), &path)?;
    tokenizer.save(&path)?;
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": false,
        "eos_token": SPECIAL[0],
        "pad_token": SPECIAL[0],
        "chat_template": TEMPLATE,
    });
    write_json(&folder.join("tokenizer_config.json"), &config)?;
    Ok(tokenizer)
}

/// The words that are tokens, in alphabetical order.
fn common_words(exercises: &[Exercise]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for exercise in exercises {
        for text in [&exercise.instruction, &exercise.output] {
            for word in words(text) {
                *counts.entry(word).or_default() += 1;
            }
        }
    }
    let common = |&(_, count): &(String, usize)| 500 * count >= exercises.len();
    counts.into_iter().filter(common).map(|(word, _)| word).collect()
}

/// The runs of two letters and more, each with the blank before it.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
        if end > 1 {
            let blank = if before.ends_with(' ') { BLANK.to_string() } else { String::new() };
            words.push(format!("{blank}{}", &word[..end]));
        }
        rest = &word[end..];
    }
    words
}
