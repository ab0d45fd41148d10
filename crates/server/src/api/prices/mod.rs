//! Prices: `/api/v1/prices`. What is known, why it is so, what was imported, and prices of one's own.

pub(crate) mod compare;
pub(crate) mod import;
pub(crate) mod machines;
mod question;
pub(crate) mod show;
pub(crate) mod why;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use pricing::PriceBook;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::CallFilter;
use utoipa::ToSchema;

use super::calls::read;
use super::error::{ApiError, ErrorDocument};
use super::guard::Actor;
use super::input::{Body, Query};
use crate::control::Control;
use crate::prices::{Desk, DeskError, read_row};

const ROWS_MAX: usize = 1000;

/// One thing that is sold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    pub seller: String,
    pub sku: String,
    /// `chat`, `embedding`, …; null when unknown.
    pub mode: Option<String>,
    pub input_tokens_max: Option<u64>,
    pub output_tokens_max: Option<u64>,
}

/// Price rows in the price book's schema: `seller`, `sku`, `meter`, `price`, …
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PricesPost {
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Map<String, Value>>,
}

/// A price row of one's own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnPrice {
    pub id: i64,
    #[schema(value_type = Object)]
    pub row: Value,
    pub time: String,
    pub actor: String,
}

/// A model that was called and has no price.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnknownView {
    pub seller: String,
    pub model: String,
    pub calls: u64,
    /// Of them refused.
    pub refused: u64,
    /// The command that gives it a price.
    pub remedy: String,
}

/// Everything that has a price.
#[utoipa::path(get, path = "/prices", tag = "prices", params(("seller" = Option<String>, Query)), responses((status = 200, body = [ModelView])))]
pub(crate) async fn list(State(desk): State<Desk>, mut query: Query) -> Result<Json<Vec<ModelView>>, ApiError> {
    let seller = query.one("seller")?;
    query.end()?;
    let book = desk.book();
    let chosen = book.models().filter(|(own, _)| seller.as_deref().is_none_or(|seller| seller == *own));
    Ok(Json(chosen.map(|(seller, sku)| model_view(&book, seller, sku)).collect()))
}

fn model_view(book: &PriceBook, seller: &str, sku: &str) -> ModelView {
    let model = book.model(seller, sku);
    ModelView {
        seller: seller.to_owned(),
        sku: sku.to_owned(),
        mode: model.map(|model| model.mode.clone()).filter(|mode| !mode.is_empty()),
        input_tokens_max: model.and_then(|model| model.facts.input_tokens_max),
        output_tokens_max: model.and_then(|model| model.facts.output_tokens_max),
    }
}

/// Prices of one's own, effective at once; they win over the embedded book and the files of `mete.toml`.
#[utoipa::path(post, path = "/prices", tag = "prices", request_body = PricesPost, responses((status = 200, body = [OwnPrice]), (status = 400, body = ErrorDocument)))]
pub(crate) async fn set(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Body(body): Body<PricesPost>,
) -> Result<Json<Vec<OwnPrice>>, ApiError> {
    if body.rows.is_empty() || body.rows.len() > ROWS_MAX {
        return Err(ApiError::invalid(format!("rows: send 1 to {ROWS_MAX} price rows")));
    }
    let now = Timestamp::now();
    let rows: Vec<String> = body.rows.into_iter().map(|row| Value::Object(dated(row, now)).to_string()).collect();
    for (index, row) in rows.iter().enumerate() {
        read_row(row).map_err(|why| ApiError::invalid(format!("rows[{index}]: {why}")))?;
    }
    control.check_prices(&rows).await.map_err(|why| ApiError::invalid(format!("rows: {why}")))?;
    for row in &rows {
        control.books.set_price(row, &actor.0).await?;
    }
    control.refresh_prices().await.map_err(ApiError::invalid)?;
    own(State(control)).await
}

/// A price without dates holds from now on, so that it follows an earlier one instead of contradicting it; and it is known
/// from now on, so that what was priced before it can be priced again as it was.
fn dated(mut row: Map<String, Value>, now: Timestamp) -> Map<String, Value> {
    let is_rule = row.get("type").is_none_or(|kind| kind == "rule");
    for span in ["valid", "recorded"].into_iter().filter(|_| is_rule) {
        if !row.contains_key(span) {
            row.insert(span.to_owned(), json!({"from": now.to_string()}));
        }
    }
    // An end without a beginning: `{"from": "now", "to": …}`.
    if let Some(from) = row.get_mut("valid").and_then(|valid| valid.get_mut("from")).filter(|from| *from == "now") {
        *from = json!(now.to_string());
    }
    row
}

/// Prices of one's own, oldest first.
#[utoipa::path(get, path = "/prices/own", tag = "prices", responses((status = 200, body = [OwnPrice])))]
pub(crate) async fn own(State(control): State<Arc<Control>>) -> Result<Json<Vec<OwnPrice>>, ApiError> {
    let rows = control.books.prices_extra().await?;
    let view = |row: store::PriceRow| OwnPrice {
        id: row.id,
        row: serde_json::from_str(&row.row).unwrap_or(Value::String(row.row)),
        time: row.at.to_string(),
        actor: row.actor,
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}

/// Forgets a price of one's own.
#[utoipa::path(delete, path = "/prices/own/{id}", tag = "prices", params(("id" = i64, Path)),
    responses((status = 200, body = [OwnPrice]), (status = 404, body = ErrorDocument)))]
pub(crate) async fn forget(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Vec<OwnPrice>>, ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found("there is no such price row; GET /prices/own lists yours"))?;
    control.books.remove_price(id, &actor.0).await?;
    control.refresh_prices().await.map_err(ApiError::invalid)?;
    own(State(control)).await
}

/// Models that were called lately and have no price.
#[utoipa::path(get, path = "/prices/unknown", tag = "prices", responses((status = 200, body = [UnknownView])))]
pub(crate) async fn unknown(State(control): State<Arc<Control>>) -> Result<Json<Vec<UnknownView>>, ApiError> {
    let calls = read(&control, |reader| reader.calls(&CallFilter { limit: Some(1000), ..CallFilter::default() })).await?;
    let config = control.config();
    let mut found: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for call in &calls {
        let refused = call.refusal.as_ref().is_some_and(|refused| refused.code == "unpriced");
        let unpriced = call.attempts.iter().find(|attempt| attempt.end.as_ref().is_some_and(|end| !end.priced));
        let seller = match unpriced {
            Some(attempt) => attempt.start.seller.clone(),
            None => config
                .providers()
                .iter()
                .find(|provider| provider.name == call.provider)
                .map(|provider| provider.seller.clone())
                .unwrap_or_default(),
        };
        if refused || unpriced.is_some() {
            let counts = found.entry((seller, call.model.clone())).or_default();
            counts.0 += 1;
            counts.1 += u64::from(refused);
        }
    }
    let view = |((seller, model), (calls, refused)): ((String, String), (u64, u64))| UnknownView {
        remedy: format!("mete prices set {seller}/{model} --input USD --output USD"),
        seller,
        model,
        calls,
        refused,
    };
    Ok(Json(found.into_iter().map(view).collect()))
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        let message = error.to_string();
        match error {
            DeskError::Refused(_) => Self::invalid(message),
            DeskError::NotFound(_) => Self::not_found(message),
            DeskError::Conflict(_) => Self::conflict("read_only", message),
            DeskError::Unwritable(_) => Self::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "not_written", message),
        }
    }
}
