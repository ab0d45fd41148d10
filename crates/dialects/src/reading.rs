//! What an answer says of itself: usage, served model, finish reason.

use pricing::Usage;

use crate::Operation;

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
    /// The model that the answer names.
    pub served_model: Option<String>,
    /// The tier that the answer names (`service_tier`), and other price selectors it states (`speed`, `inference_geo`).
    pub select: std::collections::BTreeMap<String, String>,
    /// Why it ended, in the provider's word.
    pub finish_reason: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Names of tools that the answer called.
    pub tools_called: Vec<String>,
    /// What the provider itself says it cost, in dollars as written (`usage.cost`), kept beside ours.
    pub provider_cost_usd: Option<String>,
    /// UTF-8 bytes of generated text that were seen (text, reasoning and tool arguments): an estimate's lower bound.
    pub output_bytes: u64,
    /// Whether the stream's terminal event was seen (always true for a complete JSON answer).
    pub complete: bool,
    /// An error that came inside a 200 stream, by its code.
    pub error: Option<String>,
}

/// Reads a complete, not streamed answer.
#[must_use]
pub fn read_response(_operation: Operation, _body: &[u8]) -> Reading {
    Reading::default()
}
