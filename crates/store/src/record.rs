//! What is kept of a call: enough for every later question, and never a prompt or a completion.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ledger::{Attributes, HoldId, RunId};
use money::Nanos;
use serde::{Deserialize, Serialize};

/// Names a call; a ULID, written as 26 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u128);

impl CallId {
    /// Reads the 26 characters of a ULID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        read_id(text).map(Self)
    }
}

/// An id's number. Twenty-six characters have room for more than 128 bits, and what doesn't fit is no id.
fn read_id(text: &str) -> Option<u128> {
    let id = text.parse::<ulid::Ulid>().ok()?;
    text.starts_with(|first: char| ('0'..='7').contains(&first)).then_some(id.0)
}

impl core::fmt::Display for CallId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        ulid::Ulid(self.0).fmt(f)
    }
}

/// A hold as text: 26 characters of a ULID.
#[must_use]
pub fn hold_text(hold: HoldId) -> String {
    ulid::Ulid(hold.0).to_string()
}

/// A run as text: 26 characters of a ULID.
#[must_use]
pub fn run_text(run: RunId) -> String {
    ulid::Ulid(run.0).to_string()
}

/// Reads a run's text.
#[must_use]
pub fn parse_run(text: &str) -> Option<RunId> {
    read_id(text).map(RunId)
}

/// Reads a hold's text.
#[must_use]
pub fn parse_hold(text: &str) -> Option<HoldId> {
    read_id(text).map(HoldId)
}

/// An attempt before anything is sent. Written in the same transaction as its hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptStart {
    /// The call that this attempt serves.
    pub call: CallId,
    /// 1 for the first attempt, 2 for its first retry or fallback, …
    pub attempt: u32,
    /// Its hold.
    pub hold: HoldId,
    /// When it was admitted.
    pub at: Timestamp,
    /// `openai`, `anthropic`, `gemini`.
    pub dialect: String,
    /// `chat`, `responses`, `messages`, …
    pub operation: String,
    /// The provider's name in the config.
    pub provider: String,
    /// Whose prices.
    pub seller: String,
    /// The model as the client asked.
    pub model_asked: String,
    /// The model sent upstream.
    pub model_sent: String,
    /// All attributes, `key` included; shared with what the ledger was asked.
    pub attributes: Arc<Attributes>,
    /// The run, if any.
    pub run: Option<RunId>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// The output ceiling that the client asked for, and the one that was granted.
    pub ceiling_asked: Option<u64>,
    /// The granted ceiling; `None` until granted or where there is none.
    pub ceiling_granted: Option<u64>,
    /// Input bound in tokens.
    pub input_tokens_max: u64,
    /// Input bound by bytes alone, which what was learned is a share of; 0 where it wasn't recorded.
    pub input_bytes_max: u64,
    /// Covered by a subscription.
    pub covered: bool,
    /// Names of tools offered.
    pub tools_offered: Vec<String>,
    /// Salted hashes of message blocks, to find repeats.
    pub block_hashes: Vec<u64>,
    /// Version of the price book and of the config that decided.
    pub price_book: String,
    /// Version of the config and, behind a `+`, of its rules, if it has any.
    pub config: String,
    /// The client's own idempotency key, when it sent one.
    pub idempotency_key: Option<String>,
}

/// How an attempt ended, for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has a cost.
    Settled {
        /// List value of the attempt (equals what is billed unless covered).
        cost: Nanos,
        /// Whether it is an estimate.
        estimated: bool,
    },
    /// Nothing was sent, or the provider answered a complete error without usage.
    Voided,
    /// Unknown: counted as held until resolved or assumed.
    Unresolved,
}

/// One line of a cost as it is stored; shaped like `mete cost`'s lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLine {
    /// Meter name.
    pub meter: String,
    /// What splits the meter.
    pub attrs: BTreeMap<String, String>,
    /// Units.
    pub quantity: u64,
    /// Published price as a decimal text.
    pub rate: String,
    /// Units that the price buys.
    pub per: u64,
    /// This line's share.
    pub nanos: i64,
    /// The rule and its source.
    pub rule: String,
}

/// An attempt's end. Written in the same transaction as its settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEnd {
    /// The hold that ends.
    pub hold: HoldId,
    /// When.
    pub at: Timestamp,
    /// For the ledger.
    pub outcome: Outcome,
    /// `ok`, `provider_error`, `client_left`, `timeout`, `cut`, `connect_failed`, …
    pub status: String,
    /// HTTP status from the provider.
    pub http_status: Option<u16>,
    /// Usage by meter, as stored JSON lines: meter, attrs, quantity.
    pub lines: Vec<StoredLine>,
    /// Whether the cost is known (false: unpriced).
    pub priced: bool,
    /// Reasoning tokens inside the output, for display.
    pub reasoning_tokens: u64,
    /// The provider's finish reason.
    pub finish_reason: Option<String>,
    /// The model that the answer named.
    pub model_served: Option<String>,
    /// The provider's ids: of the answer and of the request.
    pub response_id: Option<String>,
    /// The provider's request id header.
    pub provider_request_id: Option<String>,
    /// Names of tools that the answer called.
    pub tools_called: Vec<String>,
    /// What the provider itself says it cost, in dollars as written.
    pub provider_cost_usd: Option<String>,
    /// Milliseconds until the first body byte from the provider.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds until the end.
    pub total_ms: u64,
    /// Things that a person should know: `usage refused: negative count`, `estimated: client left`, …
    pub flags: Vec<String>,
}

/// A call that was refused before any attempt; kept so that refusals can be counted and explained.
#[derive(Clone, Debug)]
pub struct RefusedCall {
    /// The call.
    pub call: CallId,
    /// When.
    pub at: Timestamp,
    /// Dialect, operation and model.
    pub dialect: String,
    /// `chat`, `responses`, …
    pub operation: String,
    /// The model as the client asked.
    pub model: String,
    /// The provider that it would have gone to.
    pub provider: String,
    /// All attributes.
    pub attributes: Arc<Attributes>,
    /// The run, if any.
    pub run: Option<RunId>,
    /// The refusal's stable code.
    pub code: String,
    /// The refusal's details as they were told.
    pub details: serde_json::Value,
}

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallStatus {
    /// Its hold is open.
    Held,
    /// It has a cost.
    Settled,
    /// Nothing was sent, or it cost nothing by the provider's word.
    Voided,
    /// Its outcome is unknown; the hold counts.
    Unresolved,
    /// Its outcome stayed unknown; it was settled at the hold.
    Assumed,
    /// A budget said no; nothing was sent.
    Refused,
}

impl CallStatus {
    /// The word that API and CLI use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Settled => "settled",
            Self::Voided => "voided",
            Self::Unresolved => "unresolved",
            Self::Assumed => "assumed",
            Self::Refused => "refused",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Held, Self::Settled, Self::Voided, Self::Unresolved, Self::Assumed, Self::Refused]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}
