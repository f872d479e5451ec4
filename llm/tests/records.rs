//! Data sets in JSON Lines.

use llm::LlmError;
use llm::text::{FieldNames, Message, Record, read_records};

fn read(content: impl AsRef<[u8]>, fields: &FieldNames) -> Result<Vec<Record>, LlmError> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("data.jsonl");
    std::fs::write(&path, content).expect("file");
    read_records(&path, fields)
}

fn one(line: &str) -> Record {
    read(line, &FieldNames::default()).expect("records").remove(0)
}

fn problem(content: impl AsRef<[u8]>) -> (usize, String) {
    match read(content, &FieldNames::default()) {
        Err(LlmError::Record { line, problem, .. }) => (line, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_output_is_a_string_or_a_list_or_nothing() {
    let record = one(r#"{"instruction":"a","input":"b","output":"c","category":7}"#);
    assert_eq!(record.instruction, "a");
    assert_eq!(record.input, "b");
    assert_eq!(record.outputs, ["c"]);
    assert_eq!(one(r#"{"instruction":"a","output":["c","d"]}"#).outputs, ["c", "d"]);
    let bare = one(r#"{"instruction":"a","input":null}"#);
    assert_eq!(bare, Record { instruction: "a".into(), ..Record::default() });
}

#[test]
fn fields_may_have_other_names() {
    let [instruction, input, output] = ["question", "context", "response"].map(str::to_owned);
    let fields = FieldNames { instruction, input, output };
    let line = r#"{"question":"a","context":"b","response":"c","input":7}"#;
    let record = read(line, &fields).expect("records").remove(0);
    assert_eq!((&*record.instruction, &*record.input, &*record.outputs[0]), ("a", "b", "c"));
}

#[test]
fn the_last_message_of_a_chat_is_the_response_when_it_is_the_assistants() {
    let record =
        one(r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},
            {"role":"assistant","content":"a"}]}"#
            .replace('\n', " ")
            .as_str());
    assert_eq!(record.messages, [Message::system("s"), Message::user("u")]);
    assert_eq!((&*record.instruction, &*record.outputs[0]), ("u", "a"));
    let open = one(r#"{"messages":[{"role":"user","content":"u"}]}"#);
    assert_eq!((open.messages.len(), open.outputs.len()), (1, 0));
}

#[test]
fn empty_lines_are_skipped_and_counted() {
    let content = "\n{\"instruction\":\"a\"}\r\n\n  \n{\"instruction\":\"b\"}";
    assert_eq!(read(content, &FieldNames::default()).expect("records").len(), 2);
    assert_eq!(problem("\n{\"instruction\":\"a\"}\n\n7").0, 4);
    assert!(read("", &FieldNames::default()).expect("records").is_empty());
}

#[test]
fn a_line_that_is_no_record_is_named() {
    assert_eq!(problem("[]"), (1, "not a JSON object".into()));
    assert!(problem("{\"instruction\":\"a\"}\n{").1.starts_with("not JSON"));
    assert!(problem(b"{\"instruction\":\"\xff\"}").1.starts_with("not JSON"));
    let fields = problem(r#"{"prompt":"a","x":1}"#).1;
    let expected = r#"no field "instruction" and no "messages"; its fields are "prompt", "x""#;
    assert_eq!(fields, expected);
    assert_eq!(problem(r#"{"instruction":7}"#).1, r#""instruction" is no string"#);
    let output = r#""output" is neither a string nor a list of strings"#;
    assert_eq!(problem(r#"{"instruction":"a","output":[7]}"#).1, output);
    assert_eq!(problem(r#"{"messages":7}"#).1, r#""messages" is no list"#);
    assert_eq!(
        problem(r#"{"messages":[{"role":"user"}]}"#).1,
        r#"message 1 has no text "content""#
    );
    let alone = r#"{"messages":[{"role":"assistant","content":"a"}]}"#;
    assert_eq!(problem(alone).1, r#""messages" has no message before the response"#);
    assert!(problem("[".repeat(1 << 20)).1.contains("recursion"));
}

#[test]
fn a_line_without_end_is_refused_before_it_fills_the_memory() {
    let mut content = b"{\"instruction\":\"a\"}\n".to_vec();
    content.resize(content.len() + (1 << 24) + 1, b' ');
    assert_eq!(problem(content), (2, "a line of more than 16 MiB".into()));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = std::path::Path::new("no such file.jsonl");
    let error = read_records(missing, &FieldNames::default()).expect_err("no file");
    assert_eq!(error.to_string(), "cannot read no such file.jsonl");
}
