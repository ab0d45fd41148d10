//! The fake models' tokenizer: how many tokens a text is, and texts of exactly so many tokens.
//!
//! No real model's vocabulary is meant. What matters: the count is a pure function of the text, is never above
//! the number of UTF-8 bytes, and English comes out near four bytes a token.

use crate::rng::Rng;

/// Letters that one token can hold; a longer word is several tokens.
const LETTERS_PER_TOKEN: usize = 6;

/// Words that are one token each when a space stands before them.
const WORDS: [&str; 32] = [
    "river", "stone", "cloud", "light", "budget", "model", "token", "answer", "small", "large", "early", "later", "plan", "cost", "field",
    "green", "north", "south", "paper", "metal", "quiet", "sharp", "round", "plain", "first", "second", "third", "under", "above", "while",
    "after", "before",
];

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Letter,
    Digit,
    Space,
    Wide,
    Other,
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' => Class::Letter,
        '0'..='9' => Class::Digit,
        ' ' | '\t' | '\n' | '\r' => Class::Space,
        c if c.is_ascii() => Class::Other,
        c if c.is_alphabetic() && (c as u32) < 0x1100 => Class::Letter,
        _ => Class::Wide,
    }
}

/// Calls `each` with every token of `text`, in order; the slices together are the text.
pub fn for_each_token<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    let mut start = 0;
    let mut letters = 0;
    let mut digits = 0;
    let mut previous = Class::Other;
    for (at, c) in text.char_indices() {
        let this = class(c);
        let is_continued = match (previous, this) {
            (Class::Letter, Class::Letter) => letters < LETTERS_PER_TOKEN,
            (Class::Digit, Class::Digit) => digits < 3,
            (Class::Space, Class::Space) => true,
            (Class::Space, Class::Letter | Class::Digit) => &text[start..at] == " ",
            _ => false,
        };
        if !is_continued && at > start {
            each(&text[start..at]);
            start = at;
            (letters, digits) = (0, 0);
        }
        match this {
            Class::Letter => letters += 1,
            Class::Digit => digits += 1,
            _ => {}
        }
        previous = this;
    }
    if start < text.len() {
        each(&text[start..]);
    }
}

/// The number of tokens of a text; at most its length in bytes.
pub fn count(text: &str) -> u64 {
    let mut tokens = 0;
    for_each_token(text, |_| tokens += 1);
    tokens
}

/// What alphabet a generated text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Script {
    /// Words with spaces: about six bytes a token.
    #[default]
    Latin,
    /// One ideograph of three bytes a token, for clients that cut inside a character.
    Wide,
}

/// Exactly `tokens` pieces of text, each one token, whose concatenation is again `tokens` tokens.
pub fn pieces(tokens: u64, script: Script, rng: &mut Rng) -> Vec<&'static str> {
    const SPACED: [&str; 32] = [
        " river", " stone", " cloud", " light", " budget", " model", " token", " answer", " small", " large", " early", " later", " plan",
        " cost", " field", " green", " north", " south", " paper", " metal", " quiet", " sharp", " round", " plain", " first", " second",
        " third", " under", " above", " while", " after", " before",
    ];
    const WIDE: [&str; 8] = ["河", "石", "云", "光", "账", "数", "纸", "金"];
    (0..tokens)
        .map(|i| match script {
            Script::Wide => *rng.pick(&WIDE).unwrap_or(&"河"),
            Script::Latin if i == 0 => *rng.pick(&WORDS).unwrap_or(&"plan"),
            Script::Latin if i % 13 == 12 => ".",
            Script::Latin => *rng.pick(&SPACED).unwrap_or(&" plan"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_what_the_table_says_and_never_above_the_bytes() {
        let table = [
            ("", 0),
            ("a", 1),
            ("the quick brown fox", 4),
            ("information", 2),
            ("a,b", 3),
            ("12345", 2),
            ("河石", 2),
            ("\n\n\n", 1),
            ("  indented", 3),
            ("{\"a\":1}", 7),
            ("naïve café", 2),
            ("🙂", 1),
        ];
        for (text, expected) in table {
            assert_eq!(count(text), expected, "{text:?}");
            assert!(count(text) <= text.len() as u64, "{text:?}");
        }
    }

    #[test]
    fn english_is_near_four_bytes_a_token() {
        let text = "Mete gives money out by measure: every call is priced, bounded and checked against each budget that \
                    matches it, before a single byte goes to the provider. What comes back is settled exactly.";
        let bytes_per_token = text.len() as f64 / count(text) as f64;
        assert!((3.5..5.5).contains(&bytes_per_token), "{bytes_per_token}");
    }

    #[test]
    fn a_made_text_has_exactly_the_tokens_asked_for() {
        for seed in 0..20 {
            for tokens in [0, 1, 2, 12, 13, 14, 27, 500] {
                for script in [Script::Latin, Script::Wide] {
                    let text: String = pieces(tokens, script, &mut Rng::new(seed)).concat();
                    assert_eq!(count(&text), tokens, "seed {seed}: {text:?}");
                }
            }
        }
    }

    #[test]
    fn the_tokens_of_a_text_are_the_text() {
        let text = "Héllo,  world 12345 河\n\n\tend";
        let mut joined = String::new();
        for_each_token(text, |token| joined.push_str(token));
        assert_eq!(joined, text);
    }
}
