//! How many input tokens a request can be billed for at most, from its bytes alone.
//!
//! The rule: a byte-level tokenizer makes at most one token of a byte, so text counts its UTF-8 bytes after unescaping.
//! All that stands in the body counts unless it is known not to reach the model. On top come what providers add by
//! themselves (templates, tool preambles), each a named constant here. Media count by the provider's own formulas at
//! their largest; what no formula bounds (files, stored conversations) is `hidden`, which pricing bounds by the window.

use pricing::{Attrs, Meter, Metered};

use crate::json::{Kind, Value};
use crate::vocabulary::Vocabulary;

/// What a chat template adds once. Measured ones: OpenAI chat 3, SmolLM2's default system prompt 22, Llama 3's 25,
/// gpt-oss's harmony preamble 75.
pub(crate) const REQUEST_TOKENS: u64 = 128;
/// What a template adds to a message beyond its JSON keys; OpenAI's cookbook says 3, ChatML and Llama 3 take 5.
pub(crate) const MESSAGE_TOKENS: u64 = 8;
/// What offering tools adds once: Hermes and Qwen templates take about 200, OpenAI's namespace a dozen.
pub(crate) const TOOLS_TOKENS: u64 = 256;
/// What a tool's declaration adds beyond its own JSON (namespaces, type syntax).
pub(crate) const TOOL_TOKENS: u64 = 64;
/// A tool that the provider declares by itself, such as `bash_20250124` (245), `text_editor_20250429` (700) or a computer
/// tool (735), by Anthropic's documentation; server tools are of the same order.
pub(crate) const PROVIDER_TOOL_TOKENS: u64 = 2_048;
/// A part of content that isn't text. Members that aren't its `payload` count as text all the same, so that nothing hides
/// beside an image.
pub(crate) enum Media {
    /// An image, at most this many tokens.
    Image { tokens: u64, payload: &'static [&'static str] },
    /// Audio, at most this many tokens.
    Audio { tokens: u64, payload: &'static [&'static str] },
    /// Something in the body that no formula bounds, such as a PDF; the provider's counter sees it.
    Unbounded,
    /// Something outside the body.
    Hidden,
    /// Not media.
    None,
}

/// Most tokens of audio of so many Base64 characters.
pub(crate) fn audio_tokens(base64_bytes: u64, bytes_per_token: u64) -> u64 {
    base64_bytes / 4 * 3 / bytes_per_token.max(1) + 64
}

/// Members whose JSON is the client's own, such as a tool's arguments: nothing in them is media.
const OPAQUE: [&str; 4] = ["input", "args", "arguments", "response"];

/// A sum of upper bounds.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) tokens: u64,
    pub(crate) other: Vec<Metered>,
    pub(crate) hidden: bool,
    /// Whether some of it is outside the body, so that a provider's own count may lack it too.
    pub(crate) uncounted: bool,
    /// Counts text by this vocabulary instead of by its bytes.
    pub(crate) vocabulary: Option<Vocabulary>,
}

impl Input {
    pub(crate) fn measured_by(vocabulary: Option<Vocabulary>) -> Self {
        Self { vocabulary, ..Self::default() }
    }

    pub(crate) fn add(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// Notes input that isn't in the body.
    pub(crate) fn remote(&mut self) {
        self.hidden = true;
        self.uncounted = true;
    }

    /// Counts JSON that the provider may write anew for the model: its bytes as sent, and each non-ASCII byte three times,
    /// because `中` may become `\u4e2d`.
    ///
    /// By a vocabulary each string counts alone, with the quotes and separators beside it; all else stays at its bytes.
    pub(crate) fn json(&mut self, value: Value<'_>) {
        let raw = value.raw();
        if let Some(vocabulary) = self.vocabulary {
            return self.add(vocabulary.json(value));
        }
        let beyond_ascii = raw.bytes().filter(|byte| !byte.is_ascii()).count();
        self.add((raw.len() + 2 * beyond_ascii) as u64);
    }

    /// Counts content: keys and strings as text, numbers as they stand, media as `media` says.
    pub(crate) fn content(&mut self, value: Value<'_>, media: &impl Fn(Value<'_>) -> Media) {
        match value.kind() {
            Kind::String => self.add(self.text(value) + 2),
            Kind::Array => value.items().for_each(|item| self.content(item, media)),
            Kind::Object => {
                let payload = self.media(media(value));
                for (key, member) in value.members().filter(|(key, _)| !payload.iter().any(|name| key.is_text(name))) {
                    self.add(self.text(key) + 4);
                    match OPAQUE.iter().any(|name| key.is_text(name)) {
                        true => self.json(member),
                        false => self.content(member, media),
                    }
                }
            }
            _ => self.add(value.raw().len() as u64),
        }
    }

    fn text(&self, string: Value<'_>) -> u64 {
        match (self.vocabulary, string.text()) {
            (Some(vocabulary), Some(text)) => vocabulary.count(&text),
            _ => string.text_bytes(),
        }
    }

    /// Counts a message or item with its template.
    pub(crate) fn message(&mut self, message: Value<'_>, media: &impl Fn(Value<'_>) -> Media) {
        self.add(MESSAGE_TOKENS);
        self.content(message, media);
    }

    /// Adds what the media itself costs; gives the members that are paid for with it.
    fn media(&mut self, found: Media) -> &'static [&'static str] {
        match found {
            Media::Image { tokens, payload } => {
                self.add(tokens);
                payload
            }
            Media::Audio { tokens, payload } => {
                let attrs = Attrs::from([("modality".to_owned(), "audio".to_owned())]);
                self.other.push(Metered { meter: Meter::InputTokens, attrs, quantity: tokens });
                payload
            }
            Media::Unbounded => {
                self.hidden = true;
                &[]
            }
            Media::Hidden => {
                self.remote();
                &[]
            }
            Media::None => &[],
        }
    }
}
