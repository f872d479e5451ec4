//! Text to tokens and back, and the prompts that models were trained on.

use llm::text::{
    ByteLevel, ChatTemplate, Message, PromptFormat, Record, Tokenizer, agreement, agreement_on,
    alpaca,
};
use llm::{Checkpoint, LlmError};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokenizers::pre_tokenizers::byte_level;

/// The letters that stand for the 256 bytes, in the order of their code points.
fn letters() -> Vec<String> {
    let mut letters: Vec<char> = byte_level::ByteLevel::alphabet().into_iter().collect();
    letters.sort_unstable();
    letters.into_iter().map(String::from).collect()
}

/// Two special tokens, the bytes, and some merges.
fn byte_level(pre: &str) -> ByteLevel {
    let merges = ["Ġ t", "h e", "Ġt he", "1 2", "12 3", "' s"].map(str::to_owned);
    let mut tokens = vec!["<|endoftext|>".to_owned(), "<|im_end|>".into(), "[user]".into()];
    let token_types = [vec![3, 3, 4], vec![1; 256 + merges.len()]].concat();
    tokens.extend(letters());
    tokens.extend(merges.iter().map(|merge| merge.replace(' ', "")));
    ByteLevel { model: "gpt2".into(), pre: pre.into(), tokens, merges: merges.into(), token_types }
}

fn tokenizer(pre: &str) -> Tokenizer {
    byte_level(pre).tokenizer(Path::new("model.gguf")).expect("tokenizer")
}

/// The same tokenizer as a `tokenizer.json`.
fn file(pre_tokenizer: Value) -> Value {
    let ByteLevel { tokens, merges, .. } = byte_level("gpt-2");
    let vocabulary: serde_json::Map<String, Value> =
        tokens.iter().cloned().zip((0..).map(|id: u32| json!(id))).collect();
    let added = |id: usize, special: bool| {
        json!({"id": id, "content": tokens[id], "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": special})
    };
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [added(0, true), added(1, true), added(2, false)],
        "normalizer": null,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
            "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "ignore_merges": false, "vocab": vocabulary, "merges": merges},
    })
}

fn gpt2_file() -> Value {
    file(json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": true}))
}

fn parse(content: &Value) -> Result<Tokenizer, LlmError> {
    Tokenizer::parse(&content.to_string(), Path::new("tokenizer.json"))
}

fn problem(result: Result<Tokenizer, LlmError>) -> String {
    match result {
        Err(LlmError::Tokenizer { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// The tokens of a text by their texts.
fn cut(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    let ids = tokenizer.encode(text).expect("tokens");
    ids.into_iter().map(|id| tokenizer.token(id).expect("a token")).collect()
}

#[test]
fn merges_apply_within_words_and_special_tokens_are_recognised() {
    let tokenizer = tokenizer("gpt-2");
    let tokens = cut(&tokenizer, "a the<|im_end|>[user]");
    assert_eq!(tokens, ["a", " the", "<|im_end|>", "[user]"]);
    assert_eq!(tokenizer.encode("<|im_end|>").expect("tokens"), [1]);
    // Special tokens are left out, those of a user are not.
    let all = tokenizer.encode("<|endoftext|>the[user]<|im_end|>").expect("tokens");
    assert_eq!(tokenizer.decode(&all).expect("text"), "the[user]");
    assert_eq!(tokenizer.encode("").expect("tokens"), [0u32; 0]);
    assert_eq!(tokenizer.token(10_000), None);
}

#[test]
fn smollm_takes_digits_one_by_one_where_gpt_2_merges_them() {
    assert_eq!(cut(&tokenizer("gpt-2"), "the 123"), ["t", "he", " ", "123"].as_slice());
    assert_eq!(cut(&tokenizer("smollm"), "the 123"), ["t", "he", " ", "1", "2", "3"].as_slice());
    assert_eq!(cut(&tokenizer("qwen2"), "a123"), ["a", "1", "2", "3"].as_slice());
    assert_eq!(cut(&tokenizer("llama-bpe"), "a123"), ["a", "123"].as_slice());
}

#[test]
fn the_same_tokenizer_from_json_and_from_gguf_gives_the_same_tokens() {
    let (one, other) = (parse(&gpt2_file()).expect("tokenizer"), tokenizer("gpt-2"));
    for text in ["the 123's<|im_end|>", "  two  blanks\n\n", "naïve 😀 [user]x"] {
        assert_eq!(one.encode(text).expect("tokens"), other.encode(text).expect("tokens"));
    }
    agreement(&one, &other).expect("agreement");
}

#[test]
fn a_character_without_a_token_is_left_out() {
    let mut metadata = byte_level("gpt-2");
    let bell = metadata.tokens.iter().position(|token| token == "ć").expect("byte 7");
    metadata.tokens[bell] = "<unused>".into();
    let tokenizer = metadata.tokenizer(Path::new("model.gguf")).expect("tokenizer");
    let ids = tokenizer.encode("a\u{7}b").expect("tokens");
    assert_eq!(tokenizer.decode(&ids).expect("text"), "ab");
}

#[test]
fn rows_that_a_converter_made_up_are_no_tokens() {
    let plain = tokenizer("qwen2");
    let mut metadata = byte_level("qwen2");
    let before = metadata.tokens.len();
    assert_eq!(plain.size(), before);
    for i in 0..3 {
        metadata.tokens.push(format!("[PAD{}]", before + i));
        metadata.token_types.push(5);
    }
    let padded = metadata.clone().tokenizer(Path::new("model.gguf")).expect("tokenizer");
    assert_eq!(padded.size(), before);
    assert_eq!(padded.vocabulary(), plain.vocabulary());
    agreement(&padded, &plain).expect("agreement");
    // Of any other type they are tokens.
    *metadata.token_types.last_mut().expect("a type") = 1;
    let more = metadata.tokenizer(Path::new("model.gguf")).expect("tokenizer");
    assert_eq!(more.size(), before + 3);
}

proptest! {
    #[test]
    fn any_text_survives_the_round_trip(text in prop_oneof![any::<String>(), "[ \n\t\r'a-z0-9é😀<|>]*"]) {
        for pre in ["gpt-2", "smollm", "qwen2", "llama-bpe"] {
            let tokenizer = tokenizer(pre);
            let ids = tokenizer.encode(&text).expect("tokens");
            prop_assert_eq!(tokenizer.decode(&ids).expect("text"), text.clone(), "{}", pre);
        }
    }
}

#[test]
fn nothing_is_cut_padded_or_left_to_chance_whatever_the_file_says() {
    let mut content = gpt2_file();
    content["truncation"] = json!({"direction": "Right", "max_length": 2,
        "strategy": "LongestFirst", "stride": 0});
    content["padding"] = json!({"strategy": {"Fixed": 9}, "direction": "Left",
        "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "<|endoftext|>"});
    content["model"]["dropout"] = json!(1.0);
    let (odd, plain) = (parse(&content).expect("tokenizer"), tokenizer("gpt-2"));
    for text in ["a", "the the the the"] {
        assert_eq!(odd.encode(text).expect("tokens"), plain.encode(text).expect("tokens"));
    }
}

#[test]
fn the_hash_is_of_the_content_not_of_its_order() {
    let (one, again) = (parse(&gpt2_file()), parse(&gpt2_file()));
    let hash = one.expect("tokenizer").hash();
    assert_eq!(hash.len(), 64);
    assert_eq!(hash, again.expect("tokenizer").hash());
    let mut other = gpt2_file();
    other["model"]["merges"].as_array_mut().expect("merges").swap(0, 1);
    assert_ne!(hash, parse(&other).expect("tokenizer").hash());
}

#[test]
fn broken_tokenizer_files_are_errors_that_say_what_is_wrong() {
    assert!(problem(Tokenizer::parse("{", Path::new("x"))).contains("EOF"));
    assert!(!problem(parse(&json!({}))).is_empty());
    assert!(!problem(parse(&json!({"model": 7}))).is_empty());
    let change = |path: &str, value: Value| {
        let mut content = gpt2_file();
        *content.pointer_mut(path).expect("a place") = value;
        problem(parse(&content))
    };
    let merges = |merge: &str| change("/model/merges", json!([merge]));
    assert_eq!(merges("zz a"), r#"a merge of "zz" and "a": "zz" is no token"#);
    // The library would panic here: the merged token is longer than any.
    let long = "a merge of \"<|endoftext|>\" and \"<|endoftext|>\": \
                \"<|endoftext|><|endoftext|>\" is no token";
    assert_eq!(merges("<|endoftext|> <|endoftext|>"), long);
    assert_eq!(merges("ab"), r#""ab" is no pair of tokens"#);
    assert_eq!(change("/model/merges", json!([["a"]])), r#"["a"] is no pair of tokens"#);
    assert!(change("/model/vocab/$", json!(-1)).contains("-1"));
    assert!(change("/model/type", json!("Magic")).len() > 5);
    let far = change("/model/vocab/he", json!(4_000_000_000u32));
    assert_eq!(far, r#"token "he" has number 4000000000, beyond 16777216"#);
    let mut prefix = gpt2_file();
    prefix["model"]["continuing_subword_prefix"] = json!("######");
    assert!(problem(parse(&prefix)).contains("######"));
}

#[test]
fn gguf_metadata_that_describe_no_tokenizer_are_errors() {
    let change = |change: fn(&mut ByteLevel)| {
        let mut metadata = byte_level("gpt-2");
        change(&mut metadata);
        problem(metadata.tokenizer(Path::new("model.gguf")))
    };
    let merge = change(|m| m.merges[3] = "q x".into());
    assert_eq!(merge, r#"a merge of "q" and "x": "qx" is no token"#);
    assert_eq!(change(|m| m.merges[3] = "qx".into()), r#""qx" is no pair of tokens"#);
    assert!(change(|m| m.pre = "mystery".into()).contains(r#""mystery""#));
    assert!(change(|m| m.model = "llama".into()).contains(r#""llama""#));
    assert!(change(|m| m.tokens[5] = m.tokens[6].clone()).contains("same text"));
    assert!(change(|m| m.token_types.truncate(4)).contains("4 entries"));
    assert!(
        change(|m| *m =
            ByteLevel { model: "gpt2".into(), pre: "gpt-2".into(), ..ByteLevel::default() })
        .contains("no tokens")
    );
}

proptest! {
    #[test]
    fn no_change_of_one_byte_makes_a_tokenizer_panic(at in 0usize..6000, byte in any::<u8>()) {
        let mut bytes = gpt2_file().to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(tokenizer) = Tokenizer::parse(&text, Path::new("tokenizer.json"))
        {
            let _ = tokenizer.encode("the 123 naïve 😀<|im_end|>");
            let _ = tokenizer.decode(&[0, 1, 2, 3, 200, 261]);
            tokenizer.hash();
        }
    }
}

#[test]
fn vocabularies_agree_when_every_number_is_the_same_token() {
    let teacher = tokenizer("gpt-2");
    let mut metadata = byte_level("gpt-2");
    metadata.tokens[1] = "<|end|>".into();
    metadata.tokens.push("<pad>".into());
    metadata.token_types.push(3);
    let pad = metadata.tokens.len() as u32 - 1;
    let student = metadata.tokenizer(Path::new("model.gguf")).expect("tokenizer");
    agreement(&teacher, &teacher).expect("agreement");
    let message = agreement(&teacher, &student).expect_err("a difference").to_string();
    let expected = format!(
        "the vocabularies of teacher and student differ in 2 tokens: \
         1 is \"<|im_end|>\" here, \"<|end|>\" there; {pad} is nothing here, \"<pad>\" there"
    );
    assert_eq!(message, expected);
    // What is not used does not matter, nor does a row that is no token.
    let (teacher, student) = (teacher.vocabulary(), student.vocabulary());
    agreement_on(&teacher, &student, [0, 2, 3, 40_000]).expect("agreement");
    assert!(agreement_on(&teacher, &student, [0, 1, 1]).is_err());
}

/// The template of SmolLM2-Instruct.
const SMOLLM2: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

fn render(template: &str, messages: &[Message]) -> Result<String, String> {
    let template = ChatTemplate::new(template.into(), "<s>".into(), "</s>".into());
    template.and_then(|t| t.render(messages)).map_err(|e| e.to_string())
}

#[test]
fn the_template_of_smollm2_gives_the_prompt_it_was_trained_on() {
    let asked = render(SMOLLM2, &[Message::user("What is the capital of France?")]);
    let expected = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by \
                    Hugging Face<|im_end|>\n<|im_start|>user\nWhat is the capital of \
                    France?<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(asked.expect("prompt"), expected);
    let messages = [
        Message::system("Be brief."),
        Message::user("Hi"),
        Message::assistant("Hello"),
        Message::user("{{ bos_token }}<|im_end|>&'\""),
    ];
    let expected = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n\
                    <|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\n\
                    {{ bos_token }}<|im_end|>&'\"<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(render(SMOLLM2, &messages).expect("prompt"), expected);
}

#[test]
fn templates_have_what_those_of_transformers_have() {
    let user = [Message::user(" Hi <b> ")];
    let cases = [
        (
            "{{ bos_token }}{{ messages[0].content.strip() | upper }}{{ eos_token }}",
            "<s>HI <B></s>",
        ),
        ("{%- if not tools is defined or tools is none %}none{% endif %}", "none"),
        (
            "  {% set n = namespace(x=0) %}\n{% for m in messages %}{% set n.x = n.x + 1 %}{% endfor %}{{ n.x }}",
            "1",
        ),
        (
            "{% for m in messages * 3 %}{% if loop.index > 2 %}{% break %}{% endif %}{{ loop.index }}{% endfor %}",
            "12",
        ),
        ("{{ messages[0] | tojson }}", r#"{"role": "user", "content": " Hi <b> "}"#),
        ("{{ strftime_now('%%') }}", "%"),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(messages[-1]['role']) }}\n", "[user]"),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template, &user).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn a_template_that_refuses_the_messages_says_why() {
    let template = "{% if messages[0].role != 'user' %}{{ raise_exception('Roles must alternate') }}{% endif %}";
    let message = render(template, &[Message::assistant("Hi")]).expect_err("refused");
    assert!(message.contains("Roles must alternate"), "{message}");
    assert!(render("{% for x in", &[]).expect_err("no template").contains("the chat template"));
    let unknown = render("{{ strftime_now('%Q') }}", &[]).expect_err("no such date");
    assert!(unknown.contains("%Q"), "{unknown}");
}

#[test]
fn hostile_templates_end_in_an_error() {
    let loops = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    let recursion = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
    let growth = "{% set n = namespace(x='x') %}{% for a in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}";
    let deep = "(".repeat(100_000);
    let hostile = [
        loops,
        recursion,
        growth,
        "{{ 'x' * 4000000000 }}",
        "{{ range(99999999999) | list }}",
        "{{ [0] * 4000000000 }}",
        "{% include 'chat_template' %}",
        "{{ 'x'.replace('', 'x' * 9999999) }}",
        "{{ '%999999999d' | format(1) }}",
        &format!("{{{{ {deep} }}}}"),
    ];
    for template in hostile {
        assert!(render(template, &[]).is_err(), "{}", &template[..template.len().min(90)]);
    }
}

#[test]
fn the_alpaca_prompt_is_that_of_minillm() {
    let plain = "Below is an instruction that describes a task. Write a response that \
                 appropriately completes the request.\n\n### Instruction:\nAdd.\n\n### Response:\n";
    assert_eq!(alpaca("Add.", ""), plain);
    let with_input = "Below is an instruction that describes a task, paired with an input that \
                      provides further context. Write a response that appropriately completes the \
                      request.\n\n### Instruction:\nAdd.\n\n### Input:\n1 {input} 2\n\n\
                      ### Response:\n";
    assert_eq!(alpaca("Add.", "1 {input} 2"), with_input);
}

#[test]
fn a_record_becomes_a_prompt_of_either_form() {
    let record = Record { instruction: "Add.".into(), input: "1 2".into(), ..Record::default() };
    let template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
    let template = ChatTemplate::new(template.into(), String::new(), String::new());
    let template = template.expect("template");
    let prompt = PromptFormat::Chat(&template).prompt(&record).expect("prompt");
    assert_eq!(prompt, "user: Add.\n\n1 2\n");
    assert_eq!(PromptFormat::Alpaca.prompt(&record).expect("prompt"), alpaca("Add.", "1 2"));
    let messages = vec![Message::system("Be brief."), Message::user("Add.")];
    let chat = Record { messages, ..record };
    assert_eq!(
        PromptFormat::Chat(&template).prompt(&chat).expect("prompt"),
        "system: Be brief.\nuser: Add.\n"
    );
    let refused = PromptFormat::Alpaca.prompt(&chat);
    assert!(matches!(refused, Err(LlmError::Conversation { messages: 2 })), "{refused:?}");
}

/// A folder with a model of GPT-2's shape, without weights that anybody reads.
fn folder(files: &[(&str, Value)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().to_path_buf();
    let config = json!({"model_type": "gpt2", "vocab_size": 8, "n_positions": 8, "n_embd": 4,
        "n_layer": 1, "n_head": 2, "eos_token_id": 5});
    std::fs::write(path.join("config.json"), config.to_string()).expect("file");
    let mut weights = 2u64.to_le_bytes().to_vec();
    weights.extend(b"{}");
    std::fs::write(path.join("model.safetensors"), weights).expect("file");
    for (name, content) in files {
        let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
        std::fs::write(path.join(name), text).expect("file");
    }
    (folder, path)
}

#[test]
fn a_folder_without_text_says_which_file_is_missing() {
    let (_folder, path) = folder(&[]);
    let checkpoint = Checkpoint::open(&path).expect("checkpoint");
    let place = path.display();
    let message = checkpoint.tokenizer().expect_err("no tokenizer").to_string();
    assert_eq!(message, format!("{place} has no tokenizer.json, which text needs"));
    let message = checkpoint.chat_template().expect_err("no template").to_string();
    assert!(message.contains("chat_template.jinja"), "{message}");
    assert_eq!(checkpoint.end_of_sequence().expect("ids"), [5]);
}

#[test]
fn the_template_of_a_folder_is_found_where_transformers_writes_it() {
    let tokens = json!({"bos_token": {"content": "<s>"}, "eos_token": "</s>"});
    let with = |template: Value| {
        let mut config = tokens.clone();
        config["chat_template"] = template;
        config
    };
    let named = json!([{"name": "tool_use", "template": "no"},
        {"name": "default", "template": "{{ bos_token }}2{{ eos_token }}"}]);
    let text = |files: &[(&str, Value)]| {
        let (_folder, path) = folder(files);
        let template = Checkpoint::open(&path).expect("checkpoint").chat_template();
        template.and_then(|t| t.render(&[])).map_err(|e| e.to_string())
    };
    let config = "tokenizer_config.json";
    assert_eq!(text(&[(config, with(json!("{{ bos_token }}1")))]).as_deref(), Ok("<s>1"));
    assert_eq!(text(&[(config, with(named))]).as_deref(), Ok("<s>2</s>"));
    let file = ("chat_template.jinja", json!("3{{ eos_token }}"));
    assert_eq!(text(&[(config, with(json!("1"))), file]).as_deref(), Ok("3</s>"));
    assert!(text(&[(config, with(json!([])))]).expect_err("none").contains("default"));
    assert!(text(&[(config, with(json!(7)))]).expect_err("none").contains(config));
    assert!(text(&[(config, json!("{"))]).expect_err("none").contains("not JSON"));
}

#[test]
fn responses_end_at_the_tokens_of_both_files() {
    let ids = |content: Value| {
        let (_folder, path) = folder(&[("generation_config.json", content)]);
        let checkpoint = Checkpoint::open(&path).expect("checkpoint");
        checkpoint.end_of_sequence().map_err(|e| e.to_string())
    };
    assert_eq!(ids(json!({"eos_token_id": [7, 5, 2]})), Ok(vec![2, 5, 7]));
    assert_eq!(ids(json!({"eos_token_id": 1})), Ok(vec![1, 5]));
    assert_eq!(ids(json!({"eos_token_id": null})), Ok(vec![5]));
    assert!(ids(json!({"eos_token_id": "x"})).expect_err("no id").contains("generation_config"));
}

#[test]
fn of_several_tokens_that_end_a_response_the_one_of_the_tokenizer_is_trained() {
    let words = json!({"a": 0, "b": 1, "<turn>": 4, "<text>": 2});
    let tokenizer = json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "a"}});
    let end = |named: Value| {
        let (_folder, path) = folder(&[
            ("tokenizer.json", tokenizer.clone()),
            ("generation_config.json", json!({"eos_token_id": [4, 2]})),
            ("tokenizer_config.json", json!({"eos_token": named})),
        ]);
        let checkpoint = Checkpoint::open(&path).expect("checkpoint");
        let tokenizer = checkpoint.tokenizer().expect("tokenizer");
        checkpoint.end_token(&tokenizer).expect("an end")
    };
    assert_eq!(end(json!("<turn>")), Some(4));
    assert_eq!(end(json!({"content": "<text>"})), Some(2));
    // Nothing ends there.
    assert_eq!(end(json!("b")), Some(2));
    assert_eq!(end(json!("unknown")), Some(2));
    assert_eq!(end(Value::Null), Some(2));
}
