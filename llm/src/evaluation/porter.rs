//! Porter's stemmer as NLTK has it by default, so that scores are those of `rouge_score`.
//!
//! Source: M. Porter, *An algorithm for suffix stripping*, Program 14.3 (1980), 130–137, with the
//! deviations of NLTK's mode `NLTK_EXTENSIONS`: the irregular forms, `-ies` and `-ied` of
//! four-letter words, `y → i` after every consonant but the first letter, `-alli`, `-bli`,
//! `-fulli`, `-logi`, and two-letter stems among those that end consonant, vowel, consonant.

/// A suffix and what replaces it.
type Rule = (&'static str, &'static str);

/// Forms that the rules would get wrong.
const IRREGULAR: &[Rule] = &[
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

const STEP_2: &[Rule] = &[
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

const STEP_3: &[Rule] = &[
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
];

const STEP_4: &[&str] = &[
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou",
    "ism", "ate", "iti", "ous", "ive", "ize",
];

/// The stem of a word of lower-case ASCII letters and digits.
///
/// # Example
/// ```
/// assert_eq!(llm::evaluation::stem("relational"), "relat");
/// assert_eq!(llm::evaluation::stem("dying"), "die");
/// ```
pub fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return (*stem).into();
    }
    if word.len() <= 2 {
        return word.into();
    }
    let mut word = word.to_owned();
    plurals(&mut word);
    participles(&mut word);
    final_y(&mut word);
    double_suffixes(&mut word);
    replace_first(&mut word, STEP_3, |stem| measure(stem) > 0);
    last_suffix(&mut word);
    final_e(&mut word);
    if word.ends_with("ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
    word
}

/// Which letters are consonants: all but a, e, i, o, u, and y where a consonant stands before it.
fn consonants(word: &str) -> impl Iterator<Item = bool> + '_ {
    word.bytes().scan(false, |before, letter| {
        *before = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !*before,
            _ => true,
        };
        Some(*before)
    })
}

/// Porter's measure m: how often a consonant follows a vowel.
fn measure(stem: &str) -> usize {
    let follows = consonants(stem).zip(consonants(stem).skip(1));
    follows.filter(|&(first, second)| !first && second).count()
}

/// Whether the word ends with the same consonant twice.
fn ends_double_consonant(word: &str) -> bool {
    let letters = word.as_bytes();
    matches!(letters, [.., a, b] if a == b) && consonants(word).last() == Some(true)
}

/// Whether the word ends consonant, vowel, consonant other than w, x, y (NLTK: or is a vowel and
/// a consonant).
fn ends_short(word: &str) -> bool {
    let kinds: Vec<bool> = consonants(word).collect();
    match kinds[..] {
        [false, true] => true,
        [.., true, false, true] => !word.ends_with(['w', 'x', 'y']),
        _ => false,
    }
}

/// Replaces the last `length` letters.
fn replace(word: &mut String, length: usize, by: &str) {
    word.truncate(word.len() - length);
    word.push_str(by);
}

/// Takes the first rule whose suffix the word has, and applies it if what stands before satisfies
/// the condition; further rules are not tried.
fn replace_first(word: &mut String, rules: &[Rule], condition: impl Fn(&str) -> bool) {
    let Some((suffix, by)) = rules.iter().find(|(suffix, _)| word.ends_with(suffix)) else {
        return;
    };
    if condition(&word[..word.len() - suffix.len()]) {
        replace(word, suffix.len(), by);
    }
}

/// Step 1a: cats, ponies, caresses.
fn plurals(word: &mut String) {
    if word.len() == 4 && word.ends_with("ies") {
        return replace(word, 3, "ie");
    }
    replace_first(word, &[("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")], |_| true);
}

/// Step 1b: agreed, plastered, motoring.
fn participles(word: &mut String) {
    if word.ends_with("ied") {
        return replace(word, 3, if word.len() == 4 { "ie" } else { "i" });
    }
    if word.ends_with("eed") {
        return replace_first(word, &[("eed", "ee")], |stem| measure(stem) > 0);
    }
    let has_vowel = |suffix: &&str| {
        word.strip_suffix(*suffix).is_some_and(|stem| consonants(stem).any(|consonant| !consonant))
    };
    let Some(suffix) = ["ed", "ing"].into_iter().find(has_vowel) else { return };
    replace(word, suffix.len(), "");
    if ["at", "bl", "iz"].iter().any(|end| word.ends_with(end)) {
        word.push('e');
    } else if ends_double_consonant(word) {
        if !word.ends_with(['l', 's', 'z']) {
            word.pop();
        }
    } else if measure(word) == 1 && ends_short(word) {
        word.push('e');
    }
}

/// Step 1c: happy, but not enjoy.
fn final_y(word: &mut String) {
    replace_first(word, &[("y", "i")], |stem| {
        stem.len() > 1 && consonants(stem).last() == Some(true)
    });
}

/// Step 2: relational, sensibility.
fn double_suffixes(word: &mut String) {
    let positive = |stem: &str| measure(stem) > 0;
    if word.strip_suffix("alli").is_some_and(positive) {
        replace(word, 4, "al");
        return double_suffixes(word);
    }
    // No other suffix ends in -logi; the l counts as part of the stem.
    if word.ends_with("logi") && positive(&word[..word.len() - 3]) {
        return replace(word, 1, "");
    }
    replace_first(word, STEP_2, positive);
}

/// Step 4: what is left of a suffix behind a long stem.
fn last_suffix(word: &mut String) {
    let Some(suffix) = STEP_4.iter().find(|suffix| word.ends_with(**suffix)) else { return };
    let stem = &word[..word.len() - suffix.len()];
    if measure(stem) > 1 && (*suffix != "ion" || stem.ends_with(['s', 't'])) {
        replace(word, suffix.len(), "");
    }
}

/// Step 5a: probate, cease, but not rate.
fn final_e(word: &mut String) {
    let Some(stem) = word.strip_suffix('e') else { return };
    let m = measure(stem);
    if m > 1 || (m == 1 && !ends_short(stem)) {
        word.pop();
    }
}
