//! Exact match, up to case, punctuation and white space.

/// Whether two texts are the same in lower case, without ASCII punctuation, white space being
/// one space.
///
/// # Example
/// ```
/// assert!(llm::evaluation::exact_match(" Paris. ", "paris"));
/// assert!(!llm::evaluation::exact_match("in Paris", "Paris"));
/// ```
pub fn exact_match(prediction: &str, reference: &str) -> bool {
    normal(prediction) == normal(reference)
}

fn normal(text: &str) -> String {
    let text = text.to_lowercase().replace(|c: char| c.is_ascii_punctuation(), "");
    // The separators U+001C to U+001F are white space where the published scores were computed.
    let space = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    let words: Vec<&str> = text.split(space).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}
