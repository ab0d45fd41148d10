//! What a request may cost, and what usage did cost: `/api/v1/estimate` and `/api/v1/cost`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use dialects::{Dialect, Operation};
use gateway::{EstimateAsk, EstimateError};
use jiff::Timestamp;
use ledger::{Account, AccountView};
use money::Nanos;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::run_text;
use utoipa::ToSchema;

use super::error::{ApiError, ErrorDocument};
use super::input::{self, Body, attributes};
use super::views::{nanos, usd};
use crate::control::Control;
use crate::offline::{self, CostAsk};
use crate::prices::Desk;

/// A request to estimate, as it would be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EstimatePost {
    /// The request's JSON.
    #[schema(value_type = Object)]
    request: Value,
    /// `openai`, `anthropic` or `gemini`; by default by the request's shape.
    dialect: Option<String>,
    /// `chat`, `responses`, `embeddings`, `messages` or `generate`; by default by the request's shape.
    operation: Option<String>,
    /// The model, where the request doesn't name it (Gemini).
    model: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// The run that it would be part of.
    run: Option<String>,
}

/// An account that the call would count on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountDoc {
    /// The budget's name; null for a run.
    pub name: Option<String>,
    /// The run's id; null for a budget.
    pub run: Option<String>,
    /// Values of the attributes that split the budget.
    pub per: Vec<String>,
    pub limit_nanos: Option<i64>,
    pub limit_usd: Option<String>,
    pub spent_nanos: i64,
    pub spent_usd: String,
    pub held_nanos: i64,
    pub held_usd: String,
    pub overage_nanos: i64,
    pub remaining_nanos: Option<i64>,
    pub remaining_usd: Option<String>,
}

/// A cheaper model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlternativeDoc {
    pub model: String,
    pub max_nanos: i64,
    pub max_usd: String,
}

/// What a request may cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EstimateDoc {
    /// The least that it can cost. All amounts are null where no price or no bound is known (`no_bound` says why).
    pub min_nanos: Option<i64>,
    pub min_usd: Option<String>,
    pub expected_nanos: Option<i64>,
    pub expected_usd: Option<String>,
    pub expected_low_nanos: Option<i64>,
    pub expected_low_usd: Option<String>,
    pub expected_high_nanos: Option<i64>,
    pub expected_high_usd: Option<String>,
    /// The full bound.
    pub max_nanos: Option<i64>,
    pub max_usd: Option<String>,
    /// The smallest hold that lets it pass.
    pub needed_nanos: Option<i64>,
    pub needed_usd: Option<String>,
    /// What `expected` rests on.
    pub basis: String,
    pub provider: String,
    pub seller: String,
    pub model: String,
    pub input_tokens_max: u64,
    /// Output ceiling of the full bound.
    pub ceiling: u64,
    /// Why there is no bound; all amounts are zero then.
    pub no_bound: Option<String>,
    pub budgets: Vec<AccountDoc>,
    pub alternatives: Vec<AlternativeDoc>,
}

/// Usage to price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostPost {
    /// `openai`, `anthropic` or `gemini`: the shape of `usage`.
    dialect: String,
    model: String,
    /// The usage object exactly as the provider sends it; or, as text, a whole answer or the events of a stream.
    #[schema(value_type = Object)]
    usage: Value,
    /// `chat`, `responses`, `embeddings`, `messages`, `generate`, …; by default by the usage's shape.
    operation: Option<String>,
    seller: Option<String>,
    region: Option<String>,
    #[serde(default)]
    select: BTreeMap<String, String>,
    /// RFC 3339 or a date; by default now.
    at: Option<String>,
    /// As the price book knew it then; by default now.
    as_of: Option<String>,
}

/// What a request may cost. Nothing is held or sent.
#[utoipa::path(post, path = "/estimate", tag = "money", request_body = EstimatePost, responses((status = 200, body = EstimateDoc), (status = 400, body = ErrorDocument)))]
pub(crate) async fn estimate(State(control): State<Arc<Control>>, Body(body): Body<EstimatePost>) -> Result<Json<EstimateDoc>, ApiError> {
    let (dialect, operation) = language(&body)?;
    let run = match &body.run {
        Some(run) => Some(super::runs::find(&control, run).await?),
        None => None,
    };
    let model = body.model.filter(|_| dialect == Dialect::Gemini || body.request.get("model").is_none());
    let ask = EstimateAsk {
        dialect,
        operation,
        model,
        body: Bytes::from(body.request.to_string()),
        attributes: attributes("attributes", body.attributes)?,
        run,
    };
    let found = control.gateway.estimate(ask).await.map_err(refused)?;
    let known = |amount: Nanos| Some(amount).filter(|_| found.no_bound.is_none());
    Ok(Json(EstimateDoc {
        min_nanos: nanos(known(found.min)),
        min_usd: usd(known(found.min)),
        expected_nanos: nanos(known(found.expected)),
        expected_usd: usd(known(found.expected)),
        expected_low_nanos: nanos(known(found.expected_low)),
        expected_low_usd: usd(known(found.expected_low)),
        expected_high_nanos: nanos(known(found.expected_high)),
        expected_high_usd: usd(known(found.expected_high)),
        max_nanos: nanos(known(found.max)),
        max_usd: usd(known(found.max)),
        needed_nanos: nanos(known(found.needed)),
        needed_usd: usd(known(found.needed)),
        basis: found.basis,
        provider: found.provider,
        seller: found.seller,
        model: found.model,
        input_tokens_max: found.input_tokens_max,
        ceiling: found.ceiling,
        no_bound: found.no_bound.as_ref().map(|(code, why)| format!("{code}: {why}")),
        budgets: found.budgets.iter().map(account).collect(),
        alternatives: found
            .alternatives
            .into_iter()
            .map(|other| AlternativeDoc { model: other.model, max_nanos: other.max.get(), max_usd: other.max.to_usd() })
            .collect(),
    }))
}

fn account(view: &AccountView) -> AccountDoc {
    let (name, run, per) = match &view.account {
        Account::Budget { budget, per, .. } => (Some(budget.clone()), None, per.clone()),
        Account::Run(run) => (None, Some(run_text(*run)), Vec::new()),
    };
    AccountDoc {
        name,
        run,
        per,
        limit_nanos: nanos(view.limit),
        limit_usd: usd(view.limit),
        spent_nanos: view.spent.get(),
        spent_usd: view.spent.to_usd(),
        held_nanos: view.held.get(),
        held_usd: view.held.to_usd(),
        overage_nanos: view.overage.get(),
        remaining_nanos: nanos(view.remaining),
        remaining_usd: usd(view.remaining),
    }
}

fn refused(error: EstimateError) -> ApiError {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    ApiError::new(status, error.code, error.message)
}

/// The request's dialect and operation: as named, else by its shape.
fn language(body: &EstimatePost) -> Result<(Dialect, Operation), ApiError> {
    let named = |word: &str| match word {
        "chat" => Some((Dialect::OpenAi, Operation::Chat)),
        "responses" => Some((Dialect::OpenAi, Operation::Responses)),
        "embeddings" => Some((Dialect::OpenAi, Operation::Embeddings)),
        "completions" => Some((Dialect::OpenAi, Operation::Completions)),
        "images" => Some((Dialect::OpenAi, Operation::Images)),
        "speech" => Some((Dialect::OpenAi, Operation::Speech)),
        "messages" => Some((Dialect::Anthropic, Operation::Messages)),
        "generate" => Some((Dialect::Gemini, Operation::Generate)),
        _ => None,
    };
    if let Some(word) = &body.operation {
        return named(word).ok_or_else(|| {
            ApiError::invalid("operation: write chat, responses, embeddings, completions, images, speech, messages or generate")
        });
    }
    let has = |field: &str| body.request.get(field).is_some();
    let model = body.request.get("model").and_then(Value::as_str).unwrap_or_default();
    match body.dialect.as_deref() {
        None if has("contents") => Ok((Dialect::Gemini, Operation::Generate)),
        None if has("messages") && (model.contains("claude") || has("system") || has("stop_sequences")) => {
            Ok((Dialect::Anthropic, Operation::Messages))
        }
        Some("anthropic") => Ok((Dialect::Anthropic, Operation::Messages)),
        Some("gemini") => Ok((Dialect::Gemini, Operation::Generate)),
        None | Some("openai") if has("messages") => Ok((Dialect::OpenAi, Operation::Chat)),
        None | Some("openai") if model.contains("embedding") => Ok((Dialect::OpenAi, Operation::Embeddings)),
        None | Some("openai") => Ok((Dialect::OpenAi, Operation::Responses)),
        Some(_) => Err(ApiError::invalid("dialect: write openai, anthropic or gemini")),
    }
}

/// What usage costs by the price book in force.
#[utoipa::path(post, path = "/cost", tag = "money", request_body = CostPost, responses((status = 200, body = Object), (status = 400, body = ErrorDocument)))]
pub(crate) async fn cost(State(desk): State<Desk>, Body(body): Body<CostPost>) -> Result<Json<Value>, ApiError> {
    let instant = |field: &str, text: Option<String>| text.map(|text| input::instant(field, &text)).transpose();
    let now = Timestamp::now();
    let usage = match body.usage {
        Value::String(text) => text,
        document => document.to_string(),
    };
    let ask = CostAsk {
        dialect: body.dialect,
        model: body.model,
        seller: body.seller,
        region: body.region,
        select: body.select.into_iter().collect(),
        usage,
        operation: body.operation,
        at: instant("at", body.at)?.unwrap_or(now),
        as_of: instant("as_of", body.as_of)?.unwrap_or(now),
    };
    offline::cost_by(&desk.book(), &ask).map(Json).map_err(|error| ApiError::invalid(error.to_string()))
}
