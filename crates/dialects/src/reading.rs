//! What an answer says of itself: usage, served model, finish reason.

use std::collections::BTreeMap;

use pricing::Usage;

use crate::json::{Kind, Value};

/// Usage as the provider reported it, normalised to disjoint meters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UsageReading {
    /// Reported and plausible.
    Reported(Usage),
    /// Not reported.
    #[default]
    Missing,
    /// Reported and impossible (negative, fractional, quoted, above 10⁷, cached > prompt …): refused as usage, the row is flagged.
    Refused {
        /// What was wrong, without content.
        why: String,
    },
}

/// All that is kept of an answer; never its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The counts.
    pub usage: UsageReading,
    /// What is known while `usage` is missing: the input side of a cut Anthropic stream, the last running count of a cut
    /// stream, llama.cpp's `timings`. An estimate; a line of output is only there when output was counted.
    pub partial: Option<Usage>,
    /// The model that the answer names.
    pub served_model: Option<String>,
    /// The tier that the answer names (`service_tier`, as the price book says it), and other price selectors it states
    /// (`speed`, `inference_geo`). They win over the request's own.
    pub select: BTreeMap<String, String>,
    /// Why it ended, in the provider's word.
    pub finish_reason: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Names of tools that the answer called.
    pub tools_called: Vec<String>,
    /// What the provider itself says it cost, in dollars as written (`usage.cost`), kept beside ours.
    pub provider_cost_usd: Option<String>,
    /// Images that were made.
    pub images: u64,
    /// What an image tool used of its own model, where the answer states it; it isn't part of `usage`.
    pub tool_images: Option<Usage>,
    /// Bytes of sound that came, and how long they last where they are MPEG audio.
    pub bytes: u64,
    /// Milliseconds of MPEG audio.
    pub mpeg_millis: u64,
    /// UTF-8 bytes of generated text that were seen (text, reasoning and tool arguments): an estimate's lower bound.
    pub output_bytes: u64,
    /// Documents of a stream that could be read.
    pub events: u64,
    /// Whether the stream's terminal event was seen (always true for a complete JSON answer).
    pub complete: bool,
    /// Whether a stream said something of the answer before any error: then work was begun, even if no text came.
    pub opened: bool,
    /// An error that came inside a 200 stream, by its code.
    pub error: Option<String>,
}

/// Largest count of tokens or calls that is believed.
const COUNT_MAX: u64 = 10_000_000;
/// Most tool names kept of one answer.
const TOOLS_MAX: usize = 256;

/// The code of an error object: `code`, else `status`, else `type`.
pub(crate) fn error_code(error: Value<'_>) -> String {
    let named = ["code", "status", "type"].into_iter().filter_map(|name| error.get(name)).find_map(|value| match value.kind() {
        Kind::String => value.text().map(|text| text.into_owned()),
        Kind::Number => Some(value.raw().to_owned()),
        _ => None,
    });
    crate::fields::clip(&named.unwrap_or_else(|| "error".to_owned()), 64)
}

/// A count in an answer: absent and null are `None`; the error says what is wrong with it.
pub(crate) fn tally(usage: Value<'_>, name: &str) -> Result<Option<u64>, String> {
    let Some(value) = usage.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let wrong = match value.kind() {
        Kind::Number if value.raw().starts_with('-') => "is negative",
        Kind::Number if value.raw().contains(['.', 'e', 'E']) => "isn't a whole number",
        Kind::Number => match value.raw().parse::<u64>() {
            Ok(count) if count <= COUNT_MAX => return Ok(Some(count)),
            _ => "is above 10,000,000",
        },
        Kind::String => "is a string",
        _ => "isn't a number",
    };
    Err(format!("{name} {wrong}"))
}

/// A count in a nested object of the usage.
pub(crate) fn tally_in(usage: Value<'_>, object: &str, name: &str) -> Result<Option<u64>, String> {
    match usage.get(object).filter(|inner| inner.kind() == Kind::Object) {
        Some(inner) => tally(inner, name).map_err(|why| format!("{object}.{why}")),
        None => Ok(None),
    }
}

impl Reading {
    /// Keeps a short text under an optional field.
    pub(crate) fn short(value: Option<Value<'_>>) -> Option<String> {
        value.and_then(Value::text).map(|text| crate::fields::clip(&text, 256)).filter(|text| !text.is_empty())
    }

    pub(crate) fn called(&mut self, name: Option<Value<'_>>) {
        if let Some(name) = Self::short(name).filter(|_| self.tools_called.len() < TOOLS_MAX) {
            self.tools_called.push(name);
        }
    }

    /// Sets `field` to the value when there is one. A stream says most things again with every event.
    pub(crate) fn keep(field: &mut Option<String>, value: Option<Value<'_>>) {
        if let (Some(known), Some(value)) = (&field, value)
            && value.is_text(known)
        {
            return;
        }
        if let Some(text) = Self::short(value) {
            *field = Some(text);
        }
    }

    /// Takes counts of a stream that replace what was counted before. Cumulative counts can't shrink, and an empty object
    /// doesn't undo what is known.
    pub(crate) fn counted(&mut self, newer: UsageReading) {
        let output = |usage: &Usage| usage.total(&pricing::Meter::OutputTokens);
        let known = match &self.usage {
            UsageReading::Reported(known) => Some(known),
            _ => self.partial.as_ref(),
        };
        self.usage = match (newer, known) {
            (UsageReading::Reported(newer), Some(known)) if output(known) > output(&newer) => UsageReading::Reported(known.clone()),
            (UsageReading::Missing, Some(_)) if matches!(self.usage, UsageReading::Reported(_)) => return,
            (newer, _) => newer,
        };
    }

    pub(crate) fn saw(&mut self, bytes: u64) {
        self.output_bytes = self.output_bytes.saturating_add(bytes);
    }
}

/// Bytes of generated text inside a value: all strings but names and ids.
pub(crate) fn text_inside(value: Value<'_>) -> u64 {
    const NOT_TEXT: [&str; 12] = [
        "role",
        "type",
        "id",
        "call_id",
        "item_id",
        "status",
        "signature",
        "audio",
        "images",
        "index",
        "encrypted_content",
        "thoughtSignature",
    ];
    match value.kind() {
        Kind::String => value.text_bytes(),
        Kind::Array => value.items().map(text_inside).sum(),
        Kind::Object => {
            let is_text = |key: Value<'_>| !NOT_TEXT.iter().any(|name| key.is_text(name));
            value.members().filter(|(key, _)| is_text(*key)).map(|(_, member)| text_inside(member)).sum()
        }
        _ => 0,
    }
}
