//! How many input tokens a request can be billed for at most, from its bytes alone.
//!
//! The rule: a byte-level tokenizer makes at most one token of a byte, so text counts its UTF-8 bytes after unescaping.
//! All that stands in the body counts unless it is known not to reach the model. On top come what providers add by
//! themselves (templates, tool preambles), each a named constant here. Media count by the provider's own formulas at
//! their largest; what no formula bounds (files, stored conversations) is `hidden`, which pricing bounds by the window.

use pricing::{Attrs, Meter, Metered};

use crate::json::{Kind, Value};
use crate::{Vocabulary, normal, rendering};

/// What any provider's template adds once.
pub(crate) const REQUEST_TOKENS: u64 = 128;

/// What a provider's template adds to what it is given, at most, in tokens.
#[derive(Debug)]
pub(crate) struct Template {
    /// Once for a request.
    pub(crate) request: u64,
    /// To a message, beyond its own text and keys.
    pub(crate) message: u64,
    /// Once for offering tools.
    pub(crate) tools: u64,
    /// To a tool's declaration, beyond its own JSON.
    pub(crate) tool: u64,
    /// To a key and to a string, for quotes and separators.
    pub(crate) marks: (u64, u64),
}

/// Of any provider. Measured ones: OpenAI chat 3 and SmolLM2's default system prompt 22, Llama 3's 25, gpt-oss's harmony
/// preamble 75 for a request; OpenAI's cookbook says 3 for a message, ChatML and Llama 3 take 5; Hermes and Qwen take about 200
/// for offering tools.
const ANY: Template = Template { request: REQUEST_TOKENS, message: 8, tools: 256, tool: 64, marks: (4, 2) };
/// Of OpenAI: by its cookbook 3 for an answer and 3 for a message (4 where it has a name), by its published `harmony` format 4
/// for a message, 22 for a namespace of tools and 9 for a tool.
const OPENAI: Template = Template { request: 16, message: 6, tools: 40, tool: 12, marks: (2, 2) };
/// Of open models, by the templates beside them: up to 25 for a default system prompt, 5 for a message; DeepSeek's newest takes about 350 for
/// offering tools.
const OPEN: Template = Template { request: 64, message: 8, tools: 512, tool: 24, marks: (2, 2) };

/// A tool that the provider declares by itself, such as `bash_20250124` (245), `text_editor_20250429` (700) or a computer
/// tool (735), by Anthropic's documentation; server tools are of the same order.
pub(crate) const PROVIDER_TOOL_TOKENS: u64 = 2_048;
/// The largest image of any model that is known: 10,000 of OpenAI's patches at 2.46 tokens.
pub(crate) const FOREIGN_TOKENS: u64 = 24_600;
/// A part of content that isn't text. Members that aren't its `payload` count as text all the same, so that nothing hides
/// beside an image.
pub(crate) enum Media {
    /// An image, at most this many tokens; so many for a model of another name, which the config may put in its place.
    Image { tokens: u64, renamed: u64, payload: &'static [&'static str] },
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
    /// What images cost more when the config puts another model in place of the one that was named.
    pub(crate) renamed: u64,
    /// Counts text by this vocabulary instead of by its bytes.
    pub(crate) vocabulary: Option<Vocabulary>,
}

impl Input {
    pub(crate) fn measured_by(vocabulary: Option<Vocabulary>) -> Self {
        Self { vocabulary, ..Self::default() }
    }

    /// What the template adds.
    pub(crate) fn template(&self) -> &'static Template {
        match self.vocabulary {
            None => &ANY,
            Some(vocabulary) if vocabulary.prints_tools_as_types() => &OPENAI,
            Some(_) => &OPEN,
        }
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
    /// because `中` may become `\u4e2d`. By a vocabulary: the dearest known form of it.
    pub(crate) fn json(&mut self, value: Value<'_>) {
        if let Some(vocabulary) = self.vocabulary {
            return self.add(rendering::tokens(vocabulary, value));
        }
        let raw = value.raw();
        let beyond_ascii = raw.bytes().filter(|byte| !byte.is_ascii()).count();
        self.add((raw.len() + 2 * beyond_ascii) as u64 + normal::growth_of(raw));
    }

    /// Counts content: keys and strings as text, numbers as they stand, media as `media` says.
    pub(crate) fn content(&mut self, value: Value<'_>, media: &impl Fn(Value<'_>) -> Media) {
        match value.kind() {
            Kind::String => self.add(self.text(value) + self.template().marks.1),
            Kind::Array => value.items().for_each(|item| self.content(item, media)),
            Kind::Object => {
                let payload = self.media(media(value));
                for (key, member) in value.members().filter(|(key, _)| !payload.iter().any(|name| key.is_text(name))) {
                    self.add(self.text(key) + self.template().marks.0);
                    match OPAQUE.iter().any(|name| key.is_text(name)) {
                        true => self.json(member),
                        false => self.content(member, media),
                    }
                }
            }
            _ => self.add(value.raw().len() as u64),
        }
    }

    /// Tokens of a string: by the vocabulary, else its bytes and what normalisation makes of them.
    pub(crate) fn text(&self, string: Value<'_>) -> u64 {
        match (self.vocabulary, string.text()) {
            (Some(vocabulary), Some(text)) => vocabulary.count(&text),
            _ => string.text_bytes().saturating_add(normal::growth(string)),
        }
    }

    /// Counts a message or item with its template. Where the template is known, it has the role's and the content's names.
    pub(crate) fn message(&mut self, message: Value<'_>, media: &impl Fn(Value<'_>) -> Media) {
        self.add(self.template().message);
        let is_plain =
            |key: &Value<'_>, member: &Value<'_>| member.kind() == Kind::String && ["role", "content"].iter().any(|name| key.is_text(name));
        let plain = match self.vocabulary {
            Some(_) if message.kind() == Kind::Object => message.members().all(|(key, member)| is_plain(&key, &member)),
            _ => false,
        };
        match plain {
            true => message.members().for_each(|(_, member)| self.add(self.text(member) + 1)),
            false => self.content(message, media),
        }
    }

    /// Adds what the media itself costs; gives the members that are paid for with it.
    fn media(&mut self, found: Media) -> &'static [&'static str] {
        match found {
            Media::Image { tokens, renamed, payload } => {
                self.add(tokens);
                self.renamed = self.renamed.saturating_add(renamed.saturating_sub(tokens));
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
