//! Records as text: of refusals, and of attempts as binaries up to schema 4 wrote them. Fields that are added later have
//! defaults, so that old rows stay readable.

use std::sync::Arc;

use ledger::{Attributes, HoldId, RunId};
use serde::{Deserialize, Serialize};

use super::CodecError;
use super::text::{Amount, Id, Time};
use crate::{AttemptEnd, AttemptStart, CallId, Outcome, RefusedCall, StoredLine};

#[derive(Deserialize)]
#[serde(default)]
struct StartText {
    call: Id,
    attempt: u32,
    hold: Id,
    at: Time,
    dialect: String,
    operation: String,
    provider: String,
    seller: String,
    model_asked: String,
    model_sent: String,
    attributes: Arc<Attributes>,
    run: Option<Id>,
    stream: bool,
    ceiling_asked: Option<u64>,
    input_tokens_max: u64,
    input_bytes_max: u64,
    covered: bool,
    tools_offered: Vec<String>,
    block_hashes: Vec<u64>,
    price_book: String,
    config: String,
    idempotency_key: Option<String>,
}

impl Default for StartText {
    fn default() -> Self {
        Self {
            call: Id(0),
            attempt: 1,
            hold: Id(0),
            at: Time(jiff::Timestamp::UNIX_EPOCH),
            dialect: String::new(),
            operation: String::new(),
            provider: String::new(),
            seller: String::new(),
            model_asked: String::new(),
            model_sent: String::new(),
            attributes: Arc::default(),
            run: None,
            stream: false,
            ceiling_asked: None,
            input_tokens_max: 0,
            input_bytes_max: 0,
            covered: false,
            tools_offered: Vec::new(),
            block_hashes: Vec::new(),
            price_book: String::new(),
            config: String::new(),
            idempotency_key: None,
        }
    }
}

/// The start of a text and its ceiling column.
pub(crate) fn start_from_json(text: &str, ceiling_granted: Option<u64>) -> Result<AttemptStart, CodecError> {
    let text: StartText = serde_json::from_str(text)?;
    Ok(AttemptStart {
        call: CallId(text.call.0),
        attempt: text.attempt,
        hold: HoldId(text.hold.0),
        at: text.at.0,
        dialect: text.dialect,
        operation: text.operation,
        provider: text.provider,
        seller: text.seller,
        model_asked: text.model_asked,
        model_sent: text.model_sent,
        attributes: text.attributes,
        run: text.run.map(|run| RunId(run.0)),
        stream: text.stream,
        ceiling_asked: text.ceiling_asked,
        ceiling_granted,
        input_tokens_max: text.input_tokens_max,
        input_bytes_max: text.input_bytes_max,
        covered: text.covered,
        tools_offered: text.tools_offered,
        block_hashes: text.block_hashes,
        price_book: text.price_book,
        config: text.config,
        idempotency_key: text.idempotency_key,
    })
}

#[derive(Deserialize)]
struct EndText {
    hold: Id,
    at: Time,
    outcome: OutcomeText,
    #[serde(default)]
    status: String,
    #[serde(default)]
    http_status: Option<u16>,
    #[serde(default)]
    lines: Vec<StoredLine>,
    #[serde(default)]
    priced: bool,
    #[serde(default)]
    reasoning_tokens: u64,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    model_served: Option<String>,
    #[serde(default)]
    response_id: Option<String>,
    #[serde(default)]
    provider_request_id: Option<String>,
    #[serde(default)]
    tools_called: Vec<String>,
    #[serde(default)]
    provider_cost_usd: Option<String>,
    #[serde(default)]
    first_byte_ms: Option<u64>,
    #[serde(default)]
    total_ms: u64,
    #[serde(default)]
    flags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeText {
    Settled { cost: Amount, estimated: bool },
    Voided,
    Unresolved,
}

/// The end of a text.
pub(crate) fn end_from_json(text: &str) -> Result<AttemptEnd, CodecError> {
    let text: EndText = serde_json::from_str(text)?;
    Ok(AttemptEnd {
        hold: HoldId(text.hold.0),
        at: text.at.0,
        outcome: match text.outcome {
            OutcomeText::Settled { cost, estimated } => Outcome::Settled { cost: cost.0, estimated },
            OutcomeText::Voided => Outcome::Voided,
            OutcomeText::Unresolved => Outcome::Unresolved,
        },
        status: text.status,
        http_status: text.http_status,
        lines: text.lines,
        priced: text.priced,
        reasoning_tokens: text.reasoning_tokens,
        finish_reason: text.finish_reason,
        model_served: text.model_served,
        response_id: text.response_id,
        provider_request_id: text.provider_request_id,
        tools_called: text.tools_called,
        provider_cost_usd: text.provider_cost_usd,
        first_byte_ms: text.first_byte_ms,
        total_ms: text.total_ms,
        flags: text.flags,
    })
}

#[derive(Serialize, Deserialize)]
struct RefusedText {
    call: Id,
    at: Time,
    dialect: String,
    operation: String,
    model: String,
    provider: String,
    attributes: Arc<Attributes>,
    run: Option<Id>,
    code: String,
    details: serde_json::Value,
}

/// A refused call as text.
pub(crate) fn refused_to_json(refused: &RefusedCall) -> Result<String, CodecError> {
    let text = RefusedText {
        call: Id(refused.call.0),
        at: Time(refused.at),
        dialect: refused.dialect.clone(),
        operation: refused.operation.clone(),
        model: refused.model.clone(),
        provider: refused.provider.clone(),
        attributes: Arc::clone(&refused.attributes),
        run: refused.run.map(|run| Id(run.0)),
        code: refused.code.clone(),
        details: refused.details.clone(),
    };
    Ok(serde_json::to_string(&text)?)
}

/// The refused call of a text.
pub(crate) fn refused_from_json(text: &str) -> Result<RefusedCall, CodecError> {
    let text: RefusedText = serde_json::from_str(text)?;
    Ok(RefusedCall {
        call: CallId(text.call.0),
        at: text.at.0,
        dialect: text.dialect,
        operation: text.operation,
        model: text.model,
        provider: text.provider,
        attributes: text.attributes,
        run: text.run.map(|run| RunId(run.0)),
        code: text.code,
        details: text.details,
    })
}
