//! `bellman generate --server` against a server in this process.
#![cfg(feature = "llm")]

mod common;
#[path = "common/http.rs"]
mod http;
#[path = "common/tiny.rs"]
mod tiny;

use common::{bellman, error};
use serde_json::{Value, json};
use std::path::Path;

/// A server that always says `ok`, quite sure of it; the last letter with a mass of 0.7.
fn serve() -> String {
    http::serve(|path, body| {
        if path == "/v1/models" {
            return (200, json!({"data": [{"id": "tiny"}]}).to_string());
        }
        let asked: Value = serde_json::from_str(body).unwrap();
        // A token for each letter.
        let prompt_tokens = asked["prompt"].as_str().unwrap().len();
        let most = asked["logprobs"].as_u64().unwrap() as usize;
        let top: Vec<(&str, f64)> = vec![("k", -0.4), ("a", -1.3), ("b", -3.0)];
        let top: serde_json::Map<String, Value> =
            top.into_iter().take(most).map(|(token, log)| (token.into(), json!(log))).collect();
        let reply = json!({
            "choices": [{"text": "ok", "finish_reason": "stop", "logprobs": {
                "tokens": ["o", "k", "</s>"],
                "token_logprobs": [-0.1, -0.4, -0.01],
                "top_logprobs": [{"o": -0.1}, top, {"</s>": -0.01}],
            }}],
            "usage": {"prompt_tokens": prompt_tokens},
        });
        (200, reply.to_string())
    })
}

fn prompts(folder: &Path) {
    tiny::model(folder);
    let lines: Vec<String> =
        (0..20).map(|i| json!({"instruction": format!("What is {i}?")}).to_string()).collect();
    std::fs::write(folder.join("prompts.jsonl"), lines.join("\n")).unwrap();
}

fn generate(folder: &Path, url: &str, more: &[&str]) -> assert_cmd::Command {
    let mut command = bellman();
    let common = ["generate", "--prompts", "prompts.jsonl", "--prompt", "chat", "--out", "out"];
    let server = ["--server", url, "--tokenizer", ".", "--responses", "2", "--json"];
    command.current_dir(folder).args(common).args(server).args(more);
    command
}

#[test]
fn a_server_answers_every_prompt_and_short_sets_stop_it_until_they_are_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prompts(folder);
    let url = serve();
    let words = error(&mut generate(folder, &url, &["--top-logprobs", "1"]));
    let problem = "response 0 to prompt 0: position 1: the 1 most likely tokens that the server gave \
                   carry 0.6703 of the mass, less than p = 0.8";
    assert!(words.contains(problem), "{words}");
    assert!(words.contains("--top-logprobs N") && words.contains("--allow-short-sets"), "{words}");

    let allowed = ["--top-logprobs", "1", "--allow-short-sets"];
    let answer = common::json(&mut generate(folder, &url, &allowed));
    assert_eq!((&answer["prompts"], &answer["responses"]), (&json!(20), &json!(40)));
    assert_eq!((&answer["tokens"], &answer["short_sets"]), (&json!(120), &json!(40)));
    assert_eq!(answer["ended"], 1.0);
    // The file is there: what is in it is not what is asked for now.
    let words = error(&mut generate(folder, &url, &["--top-logprobs", "3"]));
    assert!(words.contains("short_sets is allowed, where refused is needed"), "{words}");

    std::fs::remove_dir_all(folder.join("out")).unwrap();
    let answer = common::json(&mut generate(folder, &url, &["--top-logprobs", "3"]));
    assert_eq!((&answer["tokens"], &answer["short_sets"]), (&json!(120), &json!(0)));
    assert_eq!(answer["set_sizes"]["max"], 2);
}

#[test]
fn another_server_does_not_go_on_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prompts(folder);
    common::json(&mut generate(folder, &serve(), &[]));
    let words = error(&mut generate(folder, &serve(), &[]));
    assert!(words.contains("its weights is"), "{words}");
}

#[test]
fn messages_are_sent_where_log_probabilities_are_raw() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prompts(folder);
    let url = http::serve(|path, body| {
        if path == "/v1/models" {
            return (200, json!({"data": [{"id": "tiny"}]}).to_string());
        }
        assert_eq!(path, "/v1/chat/completions");
        let asked: Value = serde_json::from_str(body).unwrap();
        let prompt_tokens = asked["messages"][0]["content"].as_str().unwrap().len();
        let top = json!([{"token": "o", "logprob": -0.1}]);
        let content = json!([{"token": "o", "logprob": -0.1, "top_logprobs": top}]);
        let choice = json!({"finish_reason": "length", "logprobs": {"content": content}});
        let usage = json!({"prompt_tokens": prompt_tokens});
        (200, json!({"choices": [choice], "usage": usage}).to_string())
    });
    let chat = ["--server-api", "chat"];
    let words = error(&mut generate(folder, &url, &chat));
    assert!(words.contains("`--temperature 1 --top-p 1`"), "{words}");
    let raw = [&chat[..], &["--top-p", "1"]].concat();
    let alpaca = ["generate", "--prompts", "prompts.jsonl", "--out", "out", "--server", &url];
    let alpaca = [&alpaca[..], &["--tokenizer", ".", "--max-prompt-tokens", "1000"], &raw].concat();
    let words = error(bellman().current_dir(folder).args(alpaca));
    assert!(words.contains("`--prompt chat`"), "{words}");
    let answer = common::json(&mut generate(folder, &url, &raw));
    assert_eq!((&answer["responses"], &answer["tokens"]), (&json!(40), &json!(40)));
}

#[test]
fn a_server_needs_a_tokenizer_and_takes_the_place_of_a_teacher() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prompts(folder);
    let generate = |more: &[&str]| {
        let mut command = bellman();
        command.current_dir(folder).args(["generate", "--prompts", "prompts.jsonl", "--out", "a"]);
        error(command.args(more))
    };
    assert!(generate(&["--server", "http://127.0.0.1:1"]).contains("--tokenizer"));
    assert!(generate(&[]).contains("--teacher"));
    let both = ["--teacher", ".", "--server", "http://127.0.0.1:1", "--tokenizer", "."];
    assert!(generate(&both).contains("cannot be used with"));
    let nobody = ["--server", "http://127.0.0.1:1", "--tokenizer", ".", "--prompt", "chat"];
    let words = generate(&nobody);
    assert!(words.contains("cannot be reached") && words.contains("check the address"), "{words}");
    let wrong = [&nobody[..], &["--temperature", "NaN"]].concat();
    assert!(generate(&wrong).contains("temperature = NaN"));
}
