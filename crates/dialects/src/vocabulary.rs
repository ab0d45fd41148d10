//! Public vocabularies: whose models read by which, and how many tokens they make of a text.

use bpe_openai::{Tokenizer, cl100k_base, o200k_base};

use crate::json::{Kind, Value};

/// Who serves OpenAI's models under OpenAI's names. Another seller's model of the same name may be anything.
const SELLERS: [&str; 3] = ["openai", "azure", "github-copilot"];

/// Families of models: the start of the name, which ends there or goes on with one of the marks, and the vocabulary. The
/// first that fits counts. OpenAI's tokenizer library maps the names so; that GPT-5.x reads by `o200k_base` as GPT-5 does is
/// an assumption. What isn't here is bounded by its bytes.
const FAMILIES: [(&str, &[char], Vocabulary); 11] = [
    ("gpt-5", &['-', '.'], Vocabulary::O200k),
    ("gpt-4.5", &['-'], Vocabulary::O200k),
    ("gpt-4.1", &['-'], Vocabulary::O200k),
    ("gpt-4o", &['-'], Vocabulary::O200k),
    ("chatgpt-4o", &['-'], Vocabulary::O200k),
    ("o1", &['-'], Vocabulary::O200k),
    ("o3", &['-'], Vocabulary::O200k),
    ("o4", &['-'], Vocabulary::O200k),
    ("gpt-4", &['-'], Vocabulary::Cl100k),
    ("gpt-3.5", &['-'], Vocabulary::Cl100k),
    ("gpt-35", &['-'], Vocabulary::Cl100k),
];

/// A tokenizer's public vocabulary. Both are built into the binary and unpacked at their first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    O200k,
    Cl100k,
}

impl Vocabulary {
    /// The vocabulary of a model, by its name at a seller.
    pub(crate) fn of(seller: &str, model: &str) -> Option<Self> {
        if !SELLERS.contains(&seller) {
            return None;
        }
        let fits = |start: &str, marks: &[char]| model.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(marks));
        FAMILIES.iter().find(|(start, marks, _)| fits(start, marks)).map(|(.., vocabulary)| *vocabulary)
    }

    fn tokenizer(self) -> &'static Tokenizer {
        match self {
            Self::O200k => o200k_base(),
            Self::Cl100k => cl100k_base(),
        }
    }

    /// Tokens of a text, at most its bytes; in time linear in them, whatever the text.
    pub(crate) fn count(self, text: &str) -> u64 {
        self.tokenizer().count(text) as u64
    }

    /// Tokens of JSON that the provider may write anew, such as a tool's schema in TypeScript's syntax: each string alone,
    /// as it stands and as it reads, with four marks for its quotes and what separates it.
    pub(crate) fn json(self, value: Value<'_>) -> u64 {
        match value.kind() {
            Kind::String => self.rewritten(value) + 4,
            Kind::Array => value.items().fold(2, |sum, item| sum.saturating_add(self.json(item))),
            Kind::Object => value
                .members()
                .fold(2_u64, |sum, (key, member)| sum.saturating_add(self.rewritten(key) + 4).saturating_add(self.json(member))),
            _ => value.raw().len() as u64 + 1,
        }
    }

    /// A string beyond ASCII may become escapes, so that it stays at the bytes that those take.
    fn rewritten(self, string: Value<'_>) -> u64 {
        let raw = string.raw();
        let beyond_ascii = raw.bytes().filter(|byte| !byte.is_ascii()).count();
        match string.text() {
            Some(text) if beyond_ascii == 0 && string.is_escaped() => self.count(raw).max(self.count(&text)),
            Some(text) if beyond_ascii == 0 => self.count(&text),
            _ => (raw.len() + 2 * beyond_ascii) as u64,
        }
    }
}
