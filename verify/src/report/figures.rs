//! Numbers as a reader wants them.

/// What stands for a number that is not there.
pub const NONE: &str = "–";

/// A whole number with its thousands apart: 10,000.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// About three digits: 0.0312, 1.25, 22.1, 3.2·10⁻⁷.
pub fn figure(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".to_string()
    } else if x.is_nan() {
        "undefined".to_string()
    } else if x.is_infinite() {
        if x > 0.0 { "∞" } else { "−∞" }.to_string()
    } else if (1e-3..1e5).contains(&size) {
        let decimals = (2 - size.log10().floor() as i32).clamp(0, 4) as usize;
        format!("{x:.decimals$}").replace('-', "−")
    } else {
        scientific(x)
    }
}

/// 3.2·10⁻⁷.
pub fn scientific(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return figure(x);
    }
    let text = format!("{x:.1e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let power = exponent.parse().map_or_else(|_| exponent.to_string(), superscript);
            format!("{}·10{power}", mantissa.replace('-', "−"))
        }
        None => text,
    }
}

/// A ratio to its bound: six decimals, for those within a hair of one.
pub fn ratio(x: f64) -> String {
    if x.abs() < 1e5 { format!("{x:.6}").replace('-', "−") } else { figure(x) }
}

/// A share in per cent.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// 10⁻³, or the plain number where that is as short: 0.1, 1, 10.
pub fn power_of_ten(exponent: i32) -> String {
    match exponent {
        -1 => "0.1".to_string(),
        0 => "1".to_string(),
        1 => "10".to_string(),
        _ => format!("10{}", superscript(exponent)),
    }
}

fn superscript(exponent: i32) -> String {
    let raise = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' => '⁰',
        // The others lie in a row.
        digit => {
            char::from_u32(u32::from('⁰') + (u32::from(digit) - u32::from('0'))).unwrap_or(digit)
        }
    };
    exponent.to_string().chars().map(raise).collect()
}

/// A formula as HTML: `T_p` and `γ^{H−1}` get real sub- and superscripts, all else is escaped.
pub fn math(text: &str) -> String {
    let mut html = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let tag = match (c, rest.peek()) {
            ('_', Some(next)) if *next == '{' || next.is_alphanumeric() => "sub",
            ('^', Some(next)) if *next == '{' || next.is_alphanumeric() => "sup",
            _ => {
                escape(c, &mut html);
                continue;
            }
        };
        html.push_str(&format!("<{tag}>"));
        if rest.next_if_eq(&'{').is_some() {
            rest.by_ref().take_while(|&c| c != '}').for_each(|c| escape(c, &mut html));
        } else if let Some(c) = rest.next() {
            escape(c, &mut html);
        }
        html.push_str(&format!("</{tag}>"));
    }
    html
}

fn escape(c: char, html: &mut String) {
    match c {
        '<' => html.push_str("&lt;"),
        '>' => html.push_str("&gt;"),
        '&' => html.push_str("&amp;"),
        '"' => html.push_str("&quot;"),
        '\'' => html.push_str("&#x27;"),
        other => html.push(other),
    }
}

/// A command line that a shell reads back as these words.
pub fn shell(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    let quote = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn figures_keep_about_three_digits() {
        let shown = [0.0, 0.03124, 1.25, -22.14, 1234.5, 3.2e-7, 2.5e13].map(figure);
        assert_eq!(shown, ["0", "0.0312", "1.25", "−22.1", "1234", "3.2·10⁻⁷", "2.5·10¹³"]);
        assert_eq!([f64::INFINITY, f64::NAN].map(figure), ["∞", "undefined"]);
    }

    #[test]
    fn formulas_get_real_subscripts_and_stay_harmless() {
        assert_eq!(
            math("Q̄_p* ≤ Σ_{t=1}^{H−1} γ^t"),
            "Q̄<sub>p</sub>* ≤ Σ<sub>t=1</sub><sup>H−1</sup> γ<sup>t</sup>"
        );
        assert_eq!(math("_{<b>} a_ & ^"), "<sub>&lt;b&gt;</sub> a_ &amp; ^");
    }

    #[test]
    fn a_shell_reads_the_words_back() {
        let words = ["bellman", "--file", "it's <mine>.json", ""].map(String::from);
        assert_eq!(shell(&words), r"bellman --file 'it'\''s <mine>.json' ''");
    }
}
