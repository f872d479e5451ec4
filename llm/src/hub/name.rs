//! What a name on the hub says: whose model, which revision, perhaps which file.

/// A model on the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HubName {
    /// `owner/name`.
    pub(super) repository: String,
    /// A branch, a tag or a commit.
    pub(super) revision: String,
    /// The one file that is meant, in place of a folder.
    pub(super) file: Option<String>,
}

impl HubName {
    /// Reads `owner/name`, `owner/name@revision`, and either with `/file.gguf` behind it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_file = |(_, file): &(&str, &str)| file.ends_with(".gguf");
        let (model, file) = match text.rsplit_once('/').filter(is_file) {
            Some((model, file)) if is_plain(file) => (model, Some(file.to_owned())),
            Some(_) => return None,
            None => (text, None),
        };
        let (repository, revision) = model.split_once('@').unwrap_or((model, "main"));
        let (owner, name) = repository.split_once('/')?;
        let plain = is_plain(owner) && is_plain(name) && revision.split('/').all(is_plain);
        plain.then(|| Self { repository: repository.into(), revision: revision.into(), file })
    }
}

/// Whether a word can stand in a path and in an address without meaning anything else there.
pub(super) fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !word.is_empty() && !word.starts_with('.') && word.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::HubName;

    fn parse(text: &str) -> Option<(String, String, Option<String>)> {
        HubName::parse(text).map(|n| (n.repository, n.revision, n.file))
    }

    fn some(
        repository: &str,
        revision: &str,
        file: Option<&str>,
    ) -> Option<(String, String, Option<String>)> {
        Some((repository.into(), revision.into(), file.map(str::to_owned)))
    }

    #[test]
    fn a_name_may_carry_a_revision_and_a_file() {
        assert_eq!(parse("openai-community/gpt2"), some("openai-community/gpt2", "main", None));
        assert_eq!(parse("a/b.c@refs/pr/1"), some("a/b.c", "refs/pr/1", None));
        assert_eq!(parse("a/b/c.gguf"), some("a/b", "main", Some("c.gguf")));
        assert_eq!(parse("a/b@v1/c.gguf"), some("a/b", "v1", Some("c.gguf")));
    }

    #[test]
    fn what_could_leave_the_cache_is_no_name() {
        for text in [
            "",
            "gpt2",
            "gpt2/",
            "/gpt2",
            "./gpt2",
            "../gpt2",
            "a/..",
            "a/b/c",
            "a/b@",
            "a/b@../c",
            "a/b@/c",
            "a b/c",
            "a/b?x",
            "a/.gguf",
            "a.gguf",
            "a/b.gguf",
            "a/b/../c.gguf",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
