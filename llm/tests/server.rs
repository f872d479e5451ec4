//! A teacher behind a server: replies of real servers, and replies of no server.

#[path = "../../tests/common/http.rs"]
mod http;

use http::serve;
use llm::generation::{Job, Sampling, Stream, generate};
use llm::teacher::server::{Asked, Question, Server, Wanted, answer_all};
use llm::teacher::{Exchange, Expected, Prompt, Row, Settings, Summary, fill, hash_prompts, score};
use llm::text::{ByteLevel, Message, Tokenizer};
use llm::{Checkpoint, DType, Device, LlmError, Mode};
use operators::TopP;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const END: u32 = 2;

fn reference(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference").join(path)
}

/// A token for each printable character, blank and line break included, and one that ends.
fn letters() -> Tokenizer {
    let mut tokens: Vec<String> = ('!'..='~').chain(['Ġ', 'Ċ']).map(String::from).collect();
    tokens.insert(END as usize, "</s>".into());
    of_tokens(tokens)
}

fn of_tokens(tokens: Vec<String>) -> Tokenizer {
    let kind = |token: &String| if token == "</s>" { 3 } else { 1 };
    let byte_level = ByteLevel {
        model: "gpt2".into(),
        pre: "gpt-2".into(),
        token_types: tokens.iter().map(kind).collect(),
        tokens,
        merges: Vec::new(),
    };
    byte_level.tokenizer(Path::new("letters")).expect("a tokenizer")
}

fn top_p(p: f64) -> TopP {
    TopP::new(p).expect("a mass")
}

fn wanted(p: f64, top: u32) -> Wanted {
    let sampling = Sampling { max_new_tokens: 4, ..Sampling::default() };
    Wanted { sampling, p: top_p(p), top, short_sets: false }
}

fn models() -> (u16, String) {
    (200, json!({"object": "list", "data": [{"id": "tiny", "object": "model"}]}).to_string())
}

/// A server that answers every question with these words.
fn saying(status: u16, body: String) -> String {
    serve(move |path, _| if path == "/v1/models" { models() } else { (status, body.clone()) })
}

fn connect(url: &str, wanted: Wanted) -> Result<Server, LlmError> {
    Server::connect(url, None, None, &letters(), vec![END], wanted)
}

fn ask(url: &str, wanted: Wanted) -> Result<Row, LlmError> {
    let prompt = Prompt { number: 3, tokens: letters().encode("ab")? };
    connect(url, wanted)?.answer(&Question {
        prompt: &prompt,
        asked: Asked::Text("ab"),
        response: 1,
    })
}

/// A position of a reply: its token, the probability of it, and the most likely.
type Position<'a> = (&'a str, f64, &'a [(&'a str, f64)]);

/// A reply in lists, of logarithms.
fn lists(positions: &[Position], finish: &str) -> Value {
    let map = |top: &[(&str, f64)]| {
        Value::Object(top.iter().map(|&(token, x)| (token.into(), json!(x.ln()))).collect())
    };
    json!({"choices": [{"text": "", "index": 0, "finish_reason": finish, "logprobs": {
        "tokens": positions.iter().map(|(token, ..)| token).collect::<Vec<_>>(),
        "token_logprobs": positions.iter().map(|(_, x, _)| x.ln()).collect::<Vec<_>>(),
        "top_logprobs": positions.iter().map(|(.., top)| map(top)).collect::<Vec<_>>(),
    }}], "usage": {"prompt_tokens": 2}})
}

fn says(reply: &Value, wanted: Wanted) -> String {
    ask(&saying(200, reply.to_string()), wanted).unwrap_err().to_string()
}

#[test]
fn a_served_model_gives_the_sets_that_it_gives_here() {
    let open = || {
        let checkpoint = Checkpoint::open(&reference("models/llama")).expect("a model");
        checkpoint.model(DType::F32, &Device::Cpu, Mode::Frozen).expect("weights")
    };
    let served = open();
    let url = serve(move |path, body| {
        if path == "/v1/models" {
            return models();
        }
        let asked: Value = serde_json::from_str(body).unwrap();
        let tokenizer = letters();
        let prompt = tokenizer.encode(asked["prompt"].as_str().unwrap()).unwrap();
        let sampling = Sampling {
            temperature: asked["temperature"].as_f64().unwrap(),
            top_p: asked["top_p"].as_f64().unwrap(),
            greedy: false,
            max_new_tokens: asked["max_tokens"].as_u64().unwrap() as usize,
            seed: asked["seed"].as_u64().unwrap(),
        };
        let job = Job { prompt: &prompt, stream: Stream::default() };
        let answers =
            generate(&served, &[job], &[END], &sampling, &mut |_| ControlFlow::Continue(()));
        let answer = answers.unwrap().remove(0);
        let exchange = Exchange { prompt: prompt.clone(), response: answer.tokens.clone() };
        let scores = score(&served, &[exchange], top_p(1.0)).unwrap().remove(0);
        let name = |&token: &u32| tokenizer.token(token).unwrap();
        let most = asked["logprobs"].as_u64().unwrap() as usize;
        let top = |set: std::ops::Range<usize>| {
            let set = set
                .take(most)
                .map(|i| (name(&scores.candidates[i]), json!(scores.log_probabilities[i])));
            Value::Object(set.collect())
        };
        let reply = json!({"choices": [{
            "text": "", "index": 0,
            "finish_reason": if answer.ended { "stop" } else { "length" },
            "logprobs": {
                "tokens": answer.tokens.iter().map(name).collect::<Vec<_>>(),
                "token_logprobs": scores.chosen,
                "top_logprobs": scores.sets().map(top).collect::<Vec<_>>(),
            },
        }], "usage": {"prompt_tokens": prompt.len()}});
        (200, reply.to_string())
    });
    let sampling = Sampling { max_new_tokens: 12, seed: 5, ..Sampling::default() };
    let server = connect(&url, Wanted { sampling, ..wanted(0.8, 97) }).expect("a server");
    let prompts: Vec<Prompt> = ["Hello", "What is 1 + 1?", "a"]
        .iter()
        .zip(0..)
        .map(|(text, number)| Prompt { number, tokens: letters().encode(text).expect("tokens") })
        .collect();
    let texts: Vec<String> =
        prompts.iter().map(|p| letters().decode(&p.tokens).expect("text")).collect();
    let questions: Vec<Question> = prompts
        .iter()
        .zip(&texts)
        .flat_map(|(prompt, text)| {
            let asked = Asked::Text(text);
            (0..4).map(move |response| Question { prompt, asked, response })
        })
        .collect();
    let rows = answer_all(&server, &questions, 3, &|| false).expect("rows");
    assert_eq!(rows, answer_all(&server, &questions, 1, &|| false).expect("rows"));
    let here = open();
    let mut different = std::collections::BTreeSet::new();
    for (row, question) in rows.iter().zip(&questions) {
        assert_eq!((row.prompt, row.response), (question.prompt.number, question.response));
        let (prompt, response) = (row.prompt_tokens.clone(), row.response_tokens.clone());
        different.insert(response.clone());
        assert_eq!(row.ended, response.last() == Some(&END));
        let expected = score(&here, &[Exchange { prompt, response }], top_p(0.8)).expect("scores");
        let (found, expected) = (&row.scores, &expected[0]);
        assert_eq!(found.sizes, expected.sizes);
        assert_eq!(found.candidates, expected.candidates);
        assert_eq!(found.log_probabilities, expected.log_probabilities);
        assert_eq!(found.chosen, expected.chosen);
        for (found, expected) in found.mass.iter().zip(&expected.mass) {
            // The sum of at most 97 probabilities whose logarithms, below 10, are f32.
            assert!((found - expected).abs() < 10.0 * f32::EPSILON, "{found} {expected}");
        }
    }
    assert!(different.len() > 6, "each response has a seed of its own");
    assert_eq!(server.withheld(), 0);
}

/// A recorded reply: the tokenizer that has its tokens, the server that gives it, and the record.
fn recorded(name: &str) -> (Tokenizer, String, Value) {
    let text = std::fs::read_to_string(reference("server").join(name)).expect("a record");
    let record: Value = serde_json::from_str(&text).expect("JSON");
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": true});
    let model = json!({"type": "BPE", "vocab": record["vocabulary"], "merges": []});
    let tokenizer = json!({"pre_tokenizer": byte_level, "decoder": byte_level, "model": model});
    let tokenizer = Tokenizer::parse(&tokenizer.to_string(), Path::new(name)).expect("tokenizer");
    let (models, reply) = (record["models"].to_string(), record["reply"].to_string());
    let url = serve(move |path, _| {
        (200, if path == "/v1/models" { models.clone() } else { reply.clone() })
    });
    (tokenizer, url, record)
}

/// What a recorded reply becomes, and how many responses ended without their last token.
fn row_of(name: &str, short_sets: bool) -> (Result<Row, LlmError>, u64) {
    let (tokenizer, url, record) = recorded(name);
    let request = &record["request"];
    let number = |name: &str| request[name].as_u64().expect("a number");
    let sampling =
        Sampling { max_new_tokens: number("max_tokens") as usize, ..Sampling::default() };
    let p = top_p(record["p"].as_f64().expect("p"));
    let wanted = Wanted { sampling, p, top: number("logprobs") as u32, short_sets };
    let server = Server::connect(&url, None, None, &tokenizer, vec![END], wanted).expect("it");
    let tokens = record["reply"]["usage"]["prompt_tokens"].as_u64().expect("a number");
    let prompt = Prompt { number: 0, tokens: vec![0; tokens as usize] };
    let text = request["prompt"].as_str().expect("a text");
    (
        server.answer(&Question { prompt: &prompt, asked: Asked::Text(text), response: 0 }),
        server.withheld(),
    )
}

#[test]
fn recorded_replies_give_the_sets_that_were_computed_of_them_elsewhere() {
    for name in ["letters.json", "short.json", "ended.json"] {
        let (row, withheld) = row_of(name, true);
        let row = row.expect("a row");
        let (tokenizer, _, record) = recorded(name);
        let logs = &record["reply"]["choices"][0]["logprobs"];
        let sets = record["sets"].as_array().expect("sets");
        assert_eq!(row.scores.positions(), sets.len());
        for (t, (cells, set)) in row.scores.sets().zip(sets).enumerate() {
            let what = format!("{name}, position {t}");
            let text = |&token: &u32| tokenizer.token(token).expect("a token");
            let chosen = text(&row.response_tokens[t]);
            assert_eq!(chosen, logs["tokens"][t], "{what}");
            let expected = logs["token_logprobs"][t].as_f64().expect("a number");
            assert_eq!(row.scores.chosen[t], expected as f32, "{what}");
            let found: Vec<String> = row.scores.candidates[cells].iter().map(text).collect();
            let mass = row.scores.mass[t];
            match set["mass"].as_f64() {
                Some(expected) => {
                    assert_eq!(json!(found), set["tokens"], "{what}");
                    assert!((f64::from(mass) - expected).abs() < 1e-6 && mass >= 0.8, "{what}");
                }
                None => assert!(mass < 0.8, "{what}"),
            }
        }
        // The server has left out the token that ended it.
        assert_eq!((row.ended, withheld), (false, u64::from(name == "ended.json")), "{name}");
    }
    let error = row_of("short.json", false).0.unwrap_err().to_string();
    assert!(error.starts_with("response 0 to prompt 0: position 1: the 3 most likely"), "{error}");
}

#[test]
fn a_set_is_the_shortest_prefix_that_reaches_p_and_ties_go_by_number() {
    let top: &[(&str, f64)] = &[("c", 0.25), ("b", 0.25), ("a", 0.3), ("d", 0.1)];
    let reply = lists(&[("a", 0.3, top), ("</s>", 0.5, &[("</s>", 0.5), ("a", 0.2)])], "stop");
    let row = ask(&saying(200, reply.to_string()), wanted(0.5, 4)).expect("a row");
    let id = |text: &str| letters().id(text).expect("a letter");
    assert_eq!((row.prompt, row.response), (3, 1));
    assert_eq!(row.response_tokens, [id("a"), END]);
    assert!(row.ended);
    assert_eq!(row.scores.sizes, [2, 1]);
    assert_eq!(row.scores.candidates, [id("a"), id("b"), END]);
    assert_eq!(row.scores.mass, [0.55, 0.5]);
}

#[test]
fn the_form_of_conversations_and_numbers_of_tokens_are_understood() {
    let id = |text: &str| letters().id(text).expect("a letter");
    let entry = |text: &str, x: f64| json!({"id": id(text), "token": text, "bytes": text.as_bytes(), "logprob": x.ln()});
    let mut position = entry("a", 0.3);
    position["top_logprobs"] = json!([entry("b", 0.6), entry("a", 0.3)]);
    let reply = json!({"choices": [{"text": "a", "finish_reason": "length",
        "logprobs": {"content": [position]}}]});
    let content = ask(&saying(200, reply.to_string()), wanted(0.8, 2)).expect("a row");
    assert_eq!(content.scores.candidates, [id("b"), id("a")]);
    let (a, b) = (format!("token_id:{}", id("a")), format!("token_id:{}", id("b")));
    let reply = lists(&[(&a, 0.3, &[(&b, 0.6), (&a, 0.3)])], "length");
    assert_eq!(ask(&saying(200, reply.to_string()), wanted(0.8, 2)).expect("a row"), content);
}

#[test]
fn a_conversation_is_sent_as_messages_to_the_other_address() {
    let id = |text: &str| letters().id(text).expect("a letter");
    let asked: &'static Mutex<Vec<Value>> = Box::leak(Box::default());
    let url = serve(move |path, body| {
        if path == "/v1/models" {
            return models();
        }
        assert_eq!(path, "/v1/chat/completions");
        asked.lock().unwrap().push(serde_json::from_str(body).unwrap());
        // As text-generation-inference answers: texts without numbers, the end as a token.
        let entry = |text: &str, x: f64| json!({"token": text, "logprob": x.ln()});
        let position = |text: &str, x: f64, top: Value| {
            let mut entry = entry(text, x);
            entry["top_logprobs"] = top;
            entry
        };
        let content = json!([
            position("a", 0.3, json!([entry("b", 0.6), entry("a", 0.3)])),
            position("</s>", 0.9, json!([entry("</s>", 0.9), entry("a", 0.05)])),
        ]);
        let reply = json!({"choices": [{"finish_reason": "stop", "message": {"role": "assistant",
            "content": "a"}, "logprobs": {"content": content}}], "usage": {"prompt_tokens": 2}});
        (200, reply.to_string())
    });
    let wanted = wanted(0.8, 2);
    let sampling = Sampling { top_p: 1.0, ..wanted.sampling };
    let server = connect(&url, Wanted { sampling, ..wanted }).expect("a server");
    let prompt = Prompt { number: 0, tokens: vec![5, 6] };
    let messages = [Message::user("ab")];
    let question = Question { prompt: &prompt, asked: Asked::Messages(&messages), response: 0 };
    let row = server.answer(&question).expect("a row");
    assert_eq!(row.response_tokens, [id("a"), END]);
    assert!(row.ended);
    assert_eq!(row.scores.candidates, [id("b"), id("a"), END]);
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0]["messages"], json!([{"role": "user", "content": "ab"}]));
    assert_eq!((&asked[0]["logprobs"], &asked[0]["top_logprobs"]), (&json!(true), &json!(2)));
    // A 1 is refused there, and is what counts where nothing is said.
    assert!(asked[0].get("top_p").is_none() && asked[0].get("prompt").is_none());
}

#[test]
fn a_token_that_is_listed_because_it_was_chosen_is_no_candidate() {
    // Two were asked for, and z is the third: what lies between y and z is not known.
    let reply = lists(&[("z", 0.1, &[("x", 0.5), ("y", 0.2), ("z", 0.1)])], "length");
    let error = says(&reply, wanted(0.75, 2));
    assert!(
        error.contains("the 2 most likely tokens that the server gave carry 0.7000"),
        "{error}"
    );
    // The same from a server that gives fewer than it was asked for.
    let error = says(&reply, wanted(0.75, 50));
    assert!(error.contains("the 2 most likely tokens"), "{error}");
}

#[test]
fn a_response_that_ended_without_its_last_token_counts_as_cut_off() {
    let reply = lists(&[("a", 0.9, &[("a", 0.9)])], "stop");
    let server = connect(&saying(200, reply.to_string()), wanted(0.8, 1)).expect("a server");
    let prompt = Prompt { number: 0, tokens: vec![5, 6] };
    let row = server
        .answer(&Question { prompt: &prompt, asked: Asked::Text("xy"), response: 0 })
        .expect("a row");
    assert!(!row.ended);
    assert_eq!(server.withheld(), 1);
}

#[test]
fn a_set_that_does_not_reach_p_stops_the_run_unless_it_is_allowed() {
    let reply = lists(&[("a", 0.5, &[("a", 0.5), ("b", 0.25)])], "length");
    let error = says(&reply, wanted(0.8, 2));
    let expected = "response 1 to prompt 3: position 0: the 2 most likely tokens that the server gave \
                    carry 0.7500 of the mass, less than p = 0.8";
    assert_eq!(error, expected);

    let url = saying(200, reply.to_string());
    let server = connect(&url, Wanted { short_sets: true, ..wanted(0.8, 2) }).expect("a server");
    let prompts = vec![Prompt { number: 0, tokens: vec![5, 6] }];
    let settings = Settings {
        weights: server.hash(),
        tokenizer: letters().hash(),
        template: "plain".into(),
        prompts: hash_prompts(&prompts),
        dtype: "served".into(),
        p: top_p(0.8),
        responses: 2,
        temperature: 1.0,
        top_p: 1.0,
        max_new_tokens: 4,
        batch: 1,
        seed: 0,
        short_sets: true,
        source: None,
    };
    let folder = tempfile::tempdir().expect("folder");
    let question = |response| Question { prompt: &prompts[0], asked: Asked::Text("ab"), response };
    let answer = |_: &[Prompt]| (0..2).map(|i| server.answer(&question(i))).collect();
    let go_on = |_| ControlFlow::Continue(());
    let cache = fill(folder.path(), &settings, &prompts, &BTreeMap::new(), answer, go_on);
    let cache = cache.expect("a cache").expect("whole");
    assert!(cache.settings().short_sets);
    let row = cache.rows().expect("rows").next().expect("a row").expect("no error");
    assert_eq!((&row.scores.sizes[..], &row.scores.mass[..]), (&[2][..], &[0.75][..]));
    assert_eq!(Summary::of(&cache).expect("a summary").short_sets, 2);
    // Whoever relies on sets that reach p does not get these.
    let strict = Expected::all(&Settings { short_sets: false, ..settings });
    let error = llm::teacher::Cache::open(cache.path(), &strict).unwrap_err().to_string();
    assert!(error.ends_with("its short_sets is allowed, where refused is needed"), "{error}");
}

#[test]
fn a_text_that_several_tokens_have_is_refused_where_it_matters() {
    // Two bytes that are no characters alone.
    let tokens: Vec<String> = ["a", "b", "</s>", "Ã", "Ä"].map(String::from).to_vec();
    let tokenizer = of_tokens(tokens);
    assert_eq!(tokenizer.token(3), tokenizer.token(4));
    let ask = |positions: &[Position], top| {
        let url = saying(200, lists(positions, "length").to_string());
        let prompt = Prompt { number: 0, tokens: vec![0, 1] };
        let server = Server::connect(&url, None, None, &tokenizer, vec![END], wanted(0.8, top));
        server.expect("a server").answer(&Question {
            prompt: &prompt,
            asked: Asked::Text("ab"),
            response: 0,
        })
    };
    let error = ask(&[("�", 0.9, &[("�", 0.9)])], 1).unwrap_err().to_string();
    assert!(error.contains("and 2 tokens may read so"), "{error}");
    // Another of this text may be likelier than b: 0.35 of the mass is not shown.
    let error = ask(&[("a", 0.5, &[("a", 0.5), ("b", 0.1), ("�", 0.05)])], 4).unwrap_err();
    assert!(error.to_string().contains("and 2 tokens may read so"), "{error}");
    // Whatever is not shown is less likely than b.
    let row = ask(&[("a", 0.5, &[("a", 0.5), ("b", 0.4), ("�", 0.05)])], 4).expect("a row");
    assert_eq!(row.scores.candidates, [0, 1]);
    // A server may leave out the byte that is no character.
    let error = ask(&[("a", 0.5, &[("a", 0.5), ("", 0.4)])], 2).unwrap_err().to_string();
    assert!(error.contains("the token \"\", and 2 tokens may read so"), "{error}");
}

#[test]
fn replies_that_are_none_are_errors_that_say_what_is_wrong() {
    let good = lists(&[("a", 0.9, &[("a", 0.9)])], "length");
    let with = |pointer: &str, value: Value| {
        let mut reply = good.clone();
        *reply.pointer_mut(pointer).expect("a place") = value;
        reply
    };
    let logs = "/choices/0/logprobs";
    let inside = |name: &str, value: Value| with(&format!("{logs}/{name}"), value);
    let cases = [
        (json!(null), "cannot be understood"),
        (json!([]), "cannot be understood"),
        (json!({"error": "no"}), "missing field `choices`"),
        (with("/choices", json!([])), "0 choices where one was asked for"),
        (with("/choices", json!([{}, {}])), "2 choices"),
        (with(logs, json!(null)), "no log-probabilities at all"),
        (with(logs, json!({})), "(tokens is missing)"),
        (with(logs, json!([1])), "cannot be understood"),
        (inside("tokens", json!(["a", "b"])), "2 tokens, 1 log-probabilities of them and 1 lists"),
        (inside("tokens", json!(["ab"])), "position 0: the tokenizer has no token \"ab\""),
        (inside("tokens", json!(["token_id:97"])), "the tokenizer has no token 97"),
        (inside("tokens", json!([7])), "cannot be understood"),
        (inside("token_logprobs", json!([null])), "no log-probabilities at position 0"),
        (inside("token_logprobs", json!([0.5])), "0.5 is no log-probability"),
        (inside("token_logprobs", json!([-1e300])), "is no log-probability"),
        (inside("top_logprobs", json!([null])), "no log-probabilities at position 0"),
        (inside("top_logprobs", json!([{}])), "no log-probabilities at position 0"),
        (inside("top_logprobs", json!([{"a": "b"}])), "cannot be understood"),
        (inside("top_logprobs", json!([{"a": 1.0}])), "1 is no log-probability"),
        (inside("top_logprobs", json!([{"ab": -0.01}])), "no token \"ab\""),
        (inside("top_logprobs", json!([{"a": -1.0, "token_id:65": -1.0}])), "stands twice"),
        (
            with("/usage/prompt_tokens", json!(3)),
            "counts 3 tokens in the prompt and the tokenizer 2",
        ),
    ];
    for (reply, expected) in cases {
        let error = says(&reply, wanted(0.7, 1 + u32::from(expected == "stands twice")));
        assert!(error.contains(expected), "{reply}: {error}");
    }
    let many = vec![("a", 0.9, &[("a", 0.9)][..]); 5];
    let error = says(&lists(&many, "length"), wanted(0.8, 1));
    assert!(error.contains("5 tokens where at most 4"), "{error}");
    let text = good.to_string();
    let cut = &text[..text.len() / 2];
    let number = json!(0.9f64.ln()).to_string();
    for text in [cut.into(), text.replace(&number, "NaN"), text.replace(&number, "-1e999")] {
        let error = ask(&saying(200, text), wanted(0.8, 1)).unwrap_err().to_string();
        assert!(error.contains("the reply cannot be understood"), "{error}");
    }
}

#[test]
fn a_number_and_a_text_that_do_not_belong_together_are_refused() {
    let entry = json!({"id": 70, "token": "a", "logprob": -0.1,
        "top_logprobs": [{"id": 70, "token": "a", "logprob": -0.1}]});
    let reply = json!({"choices": [{"logprobs": {"content": [entry]}}]});
    let error = says(&reply, wanted(0.8, 1));
    assert!(error.contains("\"a\" has number 70 on the server"), "{error}");
}

#[test]
fn a_reply_without_end_is_not_read_to_its_end() {
    let error = ask(&saying(200, " ".repeat(3 << 20)), wanted(0.8, 1)).unwrap_err().to_string();
    assert!(error.contains("the reply has more than"), "{error}");
}

#[test]
fn a_refusal_is_shown_and_a_busy_server_is_asked_again() {
    let error = ask(&saying(400, "max_logprobs is 20".into()), wanted(0.8, 50)).unwrap_err();
    assert!(error.to_string().ends_with("status 400: max_logprobs is 20"), "{error}");
    let reply = lists(&[("a", 0.9, &[("a", 0.9)])], "length").to_string();
    let asked = AtomicUsize::new(0);
    let url = serve(move |path, _| match path {
        "/v1/models" => models(),
        _ => match asked.fetch_add(1, Ordering::Relaxed) {
            0 => (429, "slow down".into()),
            1 => (503, "busy".into()),
            _ => (200, reply.clone()),
        },
    });
    assert!(ask(&url, wanted(0.8, 1)).is_ok());
}

#[test]
fn the_only_model_is_taken_and_of_several_the_one_that_is_named() {
    let listing = |names: &[&str]| {
        let data: Vec<Value> = names.iter().map(|id| json!({"id": id})).collect();
        let body = json!({ "data": data }).to_string();
        serve(move |_, _| (200, body.clone()))
    };
    let connect =
        |url: &str, model| Server::connect(url, None, model, &letters(), vec![END], wanted(0.8, 1));
    assert_eq!(connect(&listing(&["one"]), None).expect("a server").model(), "one");
    let two = listing(&["one", "two"]);
    let named = connect(&format!("{two}/v1/"), Some("two")).expect("a server");
    assert_eq!(named.model(), "two");
    assert_ne!(named.hash(), connect(&two, Some("one")).expect("a server").hash());
    let error = connect(&two, None).unwrap_err().to_string();
    assert!(error.ends_with("the server serves one, two; name one of them"), "{error}");
    assert!(connect(&two, Some("three")).is_err());
    let error = connect(&listing(&[]), None).unwrap_err().to_string();
    assert!(error.ends_with("the server says that it serves no model"), "{error}");
    let error = connect("http://127.0.0.1:1", None).unwrap_err().to_string();
    assert!(error.contains("cannot be reached"), "{error}");
    let error = connect("no address", None).unwrap_err().to_string();
    assert!(error.contains("cannot be reached"), "{error}");
}

#[test]
fn after_an_error_no_question_is_asked_any_more() {
    let asked = std::sync::Arc::new(Mutex::new(0));
    let counted = asked.clone();
    let url = serve(move |path, _| {
        if path == "/v1/models" {
            return models();
        }
        *counted.lock().unwrap() += 1;
        (500, "broken".into())
    });
    let server = connect(&url, wanted(0.8, 1)).expect("a server");
    let prompt = Prompt { number: 0, tokens: vec![5, 6] };
    let question = |response| Question { prompt: &prompt, asked: Asked::Text("ab"), response };
    let questions: Vec<Question> = (0..100).map(question).collect();
    let error = answer_all(&server, &questions, 4, &|| false).unwrap_err().to_string();
    assert!(error.ends_with("status 500: broken"), "{error}");
    assert!(*asked.lock().unwrap() <= 8);
    let stopped = answer_all(&server, &questions, 4, &|| true);
    assert!(matches!(stopped, Err(LlmError::Stopped)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Bytes changed anywhere in a reply.
    #[test]
    fn no_reply_does_more_than_fail(
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[ -~]"), 1..4),
    ) {
        let top: &[(&str, f64)] = &[("a", 0.5), ("b", 0.4), ("c", 0.05)];
        let mut reply = lists(&[("a", 0.5, top), ("b", 0.4, top)], "stop").to_string().into_bytes();
        for (place, byte) in changes {
            let place = place.index(reply.len());
            reply[place] = byte.as_bytes()[0];
        }
        let reply = String::from_utf8(reply).expect("ASCII");
        if let Ok(row) = ask(&saying(200, reply), Wanted { short_sets: true, ..wanted(0.8, 3) }) {
            prop_assert!(row.response_tokens.len() == row.scores.positions());
        }
    }
}
