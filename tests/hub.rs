//! Models by their name on the hub, against a server in this process.
#![cfg(feature = "llm")]

mod common;

use assert_cmd::Command;
use common::{bellman, error, json, repository};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the server does with a request for a file that it has.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    Honest,
    /// Ends each body in the middle, with the length of the whole announced.
    Short,
    /// The same, with nothing announced.
    ShortAndSilent,
    /// Sends everybody to the same address again.
    Circular,
    /// Names a file outside the cache.
    Escaping,
    /// Is no hub.
    Plain,
    /// Refuses.
    Forbidding,
}

struct Hub {
    files: BTreeMap<String, Vec<u8>>,
    manner: Manner,
}

impl Hub {
    fn of_llama(manner: Manner) -> Self {
        let folder = repository("tests/reference/models/llama");
        let names = ["config.json", "generation_config.json", "model.safetensors"];
        let read = |name: &str| (name.to_owned(), std::fs::read(folder.join(name)).unwrap());
        Self { files: names.into_iter().map(read).collect(), manner }
    }

    /// Serves from now on; the address.
    fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let hub = Arc::new(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let hub = hub.clone();
                // A client that hangs up is none of the server's business.
                std::thread::spawn(move || hub.answer(stream));
            }
        });
        address
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request = lines.next().unwrap()?;
        let mut range = None;
        for line in lines {
            let line = line?.to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(bytes) = line.strip_prefix("range: bytes=") {
                let (from, to) = bytes.split_once('-').unwrap();
                range = Some((from.parse::<usize>().unwrap(), to.parse::<usize>().ok()));
            }
        }
        let address = request.split(' ').nth(1).unwrap();
        let path = address.strip_prefix("/tiny/llama/resolve/");
        let file = path.and_then(|path| path.split_once('/')).map(|(_, file)| file);
        let bytes = file.and_then(|file| self.files.get(file));
        let (Some(bytes), false) = (bytes, self.manner == Manner::Forbidding) else {
            let status = if bytes.is_some() { "403 Forbidden" } else { "404 Not Found" };
            return write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
        };
        let start = range.map_or(0, |(from, _)| from);
        let end = range.and_then(|(_, to)| to).map_or(bytes.len(), |to| (to + 1).min(bytes.len()));
        self.send(stream, file.unwrap_or_default(), bytes, start..end)
    }

    fn send(
        &self,
        mut stream: TcpStream,
        file: &str,
        bytes: &[u8],
        part: std::ops::Range<usize>,
    ) -> std::io::Result<()> {
        let etag = match self.manner {
            Manner::Escaping => "../../../escaped".into(),
            _ => format!("etag-of-{file}"),
        };
        if self.manner == Manner::Circular {
            write!(stream, "HTTP/1.1 302 Found\r\nlocation: /tiny/llama/resolve/main/{file}\r\n")?;
        } else {
            write!(stream, "HTTP/1.1 206 Partial Content\r\n")?;
        }
        if self.manner != Manner::Plain {
            write!(stream, "x-repo-commit: {COMMIT}\r\netag: \"{etag}\"\r\n")?;
        }
        write!(stream, "accept-ranges: bytes\r\nconnection: close\r\n")?;
        let (start, end) = (part.start, part.end);
        write!(stream, "content-range: bytes {start}-{}/{}\r\n", end - 1, bytes.len())?;
        if self.manner != Manner::ShortAndSilent {
            write!(stream, "content-length: {}\r\n", end - start)?;
        }
        write!(stream, "\r\n")?;
        let short = [Manner::Short, Manner::ShortAndSilent].contains(&self.manner);
        let middle = start + (end - start) / 2;
        stream.write_all(&bytes[start..if short { middle } else { end }])
    }
}

/// `bellman logits` of a model from this server, with this folder as `HF_HOME`.
fn logits(model: &str, endpoint: &str, home: &Path) -> Command {
    let mut command = bellman();
    for unwanted in ["HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN"] {
        command.env_remove(unwanted);
    }
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command.env("HF_ENDPOINT", endpoint).env("HF_HOME", home).current_dir(home);
    command.args(["logits", "--model", model, "--ids", "3,1,4", "--json"]);
    command
}

/// Whether a message names an address, over whatever lines.
fn names(message: &str, address: &str) -> bool {
    message.replace(' ', "").contains(address)
}

/// What a server of this manner makes the command say.
fn complaint(manner: Manner) -> String {
    let home = tempfile::tempdir().unwrap();
    error(&mut logits("tiny/llama", &Hub::of_llama(manner).serve(), home.path()))
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_model_is_fetched_once_and_then_taken_from_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let local = repository("tests/reference/models/llama").display().to_string();
    let expected = json(&mut logits(&local, &nobody(), home.path()));
    let endpoint = Hub::of_llama(Manner::Honest).serve();
    assert_eq!(json(&mut logits("tiny/llama", &endpoint, home.path())), expected);
    for name in ["tiny/llama", &format!("tiny/llama@{COMMIT}")] {
        assert_eq!(json(&mut logits(name, &nobody(), home.path())), expected);
        let mut offline = logits(name, &endpoint, home.path());
        assert_eq!(json(offline.env("HF_HUB_OFFLINE", "1")), expected);
    }
    // The layout that other programs share.
    let repo = home.path().join("hub/models--tiny--llama");
    assert_eq!(std::fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
    let snapshot = repo.join("snapshots").join(COMMIT);
    for file in ["config.json", "generation_config.json", "model.safetensors"] {
        assert!(snapshot.join(file).is_file(), "{file}");
    }
}

#[test]
fn shards_are_fetched_by_the_index() {
    let mut hub = Hub::of_llama(Manner::Honest);
    let weights = hub.files.remove("model.safetensors").unwrap();
    let header = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&weights[8..8 + header]).unwrap();
    let names = header.as_object().unwrap().keys().filter(|name| *name != "__metadata__");
    let map: BTreeMap<&str, &str> =
        names.map(|name| (name.as_str(), "model-1.safetensors")).collect();
    let index = serde_json::json!({ "weight_map": map }).to_string();
    hub.files.insert("model.safetensors.index.json".into(), index.into());
    hub.files.insert("model-1.safetensors".into(), weights);
    let home = tempfile::tempdir().unwrap();
    let sharded = json(&mut logits("tiny/llama", &hub.serve(), home.path()));
    assert_eq!(json(&mut logits("tiny/llama", &nobody(), home.path())), sharded);
}

#[test]
fn an_index_that_names_a_file_outside_the_model_is_refused() {
    for file in ["../../../evil", "/etc/passwd", "sub/model.safetensors"] {
        let mut hub = Hub::of_llama(Manner::Honest);
        let index = serde_json::json!({ "weight_map": { "lm_head.weight": file } }).to_string();
        hub.files.insert("model.safetensors.index.json".into(), index.into());
        let endpoint = hub.serve();
        let home = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let text = error(&mut logits("tiny/llama", &endpoint, home.path()));
            assert!(text.contains("not a plain file name"), "{text}");
        }
    }
}

#[test]
fn a_path_wins_over_a_name() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("tiny/llama")).unwrap();
    let endpoint = Hub::of_llama(Manner::Honest).serve();
    let text = error(&mut logits("tiny/llama", &endpoint, home.path()));
    assert!(text.contains("cannot read tiny/llama/config.json"), "{text}");
}

#[test]
fn what_cannot_be_fetched_is_named_with_its_address() {
    let home = tempfile::tempdir().unwrap();
    let nobody = nobody();
    let address = format!("{nobody}/tiny/llama/resolve/main/config.json");
    let text = error(&mut logits("tiny/llama", &nobody, home.path()));
    assert!(names(&text, &address) && text.contains("cannot be reached"), "{text}");
    let mut offline = logits("tiny/llama", &nobody, home.path());
    let text = error(offline.env("HF_HUB_OFFLINE", "1"));
    assert!(names(&text, &address) && text.contains("HF_HUB_OFFLINE"), "{text}");
    let endpoint = Hub::of_llama(Manner::Honest).serve();
    let text = error(&mut logits("tiny/other", &endpoint, home.path()));
    assert!(text.contains("no file or folder here") && text.contains("no such file"), "{text}");
    let text = error(&mut logits("tiny", &endpoint, home.path()));
    assert!(text.contains("no name on the hub either"), "{text}");
}

#[test]
fn a_server_that_misbehaves_is_no_reason_to_hang_or_to_leave_the_cache() {
    for (manner, says) in [
        (Manner::Short, "broke off"),
        (Manner::ShortAndSilent, "bytes came in place of"),
        (Manner::Circular, "redirects without end"),
        (Manner::Escaping, "the header \"etag\""),
        (Manner::Plain, "the header \"etag\""),
        (Manner::Forbidding, "status 403"),
    ] {
        let text = complaint(manner);
        assert!(text.contains(says), "{manner:?}: {text}");
    }
}

#[test]
fn a_download_that_broke_off_goes_on_the_next_time() {
    for manner in [Manner::Short, Manner::ShortAndSilent] {
        let home = tempfile::tempdir().unwrap();
        error(&mut logits("tiny/llama", &Hub::of_llama(manner).serve(), home.path()));
        let endpoint = Hub::of_llama(Manner::Honest).serve();
        json(&mut logits("tiny/llama", &endpoint, home.path()));
    }
}
