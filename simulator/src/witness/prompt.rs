//! Text, images and sound by chance, and the most tokens that a provider can make of them.

use super::Case;
use super::choices::Choices;

/// Text of many languages; every byte of it can be a token of its own.
const TEXTS: [&str; 8] = [
    "Hi",
    "The river runs past the old mill, and nobody counts the water.",
    "Übermäßig große Öfen heizen schöne Häuser.",
    "请把下面的账单翻译成英文,并核对每一行的金额。",
    "予算を超える前に、費用を見積もってください。",
    "fn main() { println!(\"{}\", 42u64.pow(3)); }\n\t// tabs and\r\nline ends",
    "🙂🧮💶 \u{200d} zero\u{0} width \"quotes\" \\ back\\slashes",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==",
];
/// Marks that a template puts around a message, and around a request.
const MESSAGE_TOKENS: u64 = 3;
const REQUEST_TOKENS: u64 = 5;
/// A declaration in a model's own syntax may take so many marks beyond its bytes.
const DECLARATION_TOKENS: u64 = 20;

impl Case {
    /// A JSON string of drawn text, counted at its bytes.
    pub(super) fn say(&mut self, choices: &mut Choices) -> String {
        let text = choices.pick(&TEXTS).repeat(1 + choices.below(3) as usize);
        self.legal.text += text.len() as u64;
        quoted(&text, choices.one_in(4))
    }

    /// A message's text: now and then one that ends just beyond the limit of the long rates.
    pub(super) fn tell(&mut self, choices: &mut Choices) -> String {
        self.legal.text += MESSAGE_TOKENS;
        match self.long_above() {
            Some(limit) if !self.legal.hidden && choices.one_in(40) => {
                let missing = (limit + 2).saturating_sub(self.legal.text) + choices.below(50);
                self.legal.text += missing;
                self.has("large body");
                quoted(&"many words ".repeat(missing as usize / 11 + 1)[..missing as usize], false)
            }
            _ => self.say(choices),
        }
    }

    /// Counts what a template adds to a request.
    pub(super) fn begin(&mut self) {
        self.legal.text += REQUEST_TOKENS;
    }

    /// Counts JSON that is declared to the model: a tool or a schema.
    pub(super) fn declare(&mut self, json: &str) {
        self.legal.text += json.len() as u64 + DECLARATION_TOKENS;
    }

    /// A JSON schema of a tool's arguments.
    pub(super) fn schema(&mut self, choices: &mut Choices) -> String {
        let said: &&str = choices.pick(&TEXTS[..3]);
        let about = quoted(said, false);
        format!(
            r#"{{"type":"object","properties":{{"path":{{"type":"string","description":{about}}},"count":{{"type":"integer"}}}},"required":["path"]}}"#
        )
    }
}

/// Text as a JSON string, with escapes for all that isn't ASCII when asked.
pub(super) fn quoted(text: &str, escaped: bool) -> String {
    let plain = serde_json::Value::from(text).to_string();
    if !escaped {
        return plain;
    }
    let mut out = String::with_capacity(plain.len());
    for character in plain.chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        let mut pair = [0; 2];
        character.encode_utf16(&mut pair).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
    }
    out
}

/// Base64 that stands for so many bytes.
pub(super) fn base64(bytes: u64) -> String {
    "QUJD".repeat(bytes.div_ceil(3) as usize)
}
