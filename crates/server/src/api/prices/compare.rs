//! Where sources disagree, what can't be right, and the book as one file: `/api/v1/prices/conflicts`, `/verify`, `/snapshot`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dialects::catalogue::{Conflict, Offer};
use dialects::price_book;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::error::ApiError;
use super::super::input::Query;
use crate::prices::{Desk, findings_of};

/// Where sources disagree on one price.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConflictView {
    pub seller: String,
    pub sku: String,
    /// Meter, attributes, selectors and region.
    pub what: String,
    /// Why the best of the others differs, as one word: `rate_stale`, `off_peak`, `region_uplift`, …
    pub cause: &'static str,
    /// The price that counts.
    pub chosen: OfferView,
    pub others: Vec<OfferView>,
}

/// What one source says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfferView {
    pub source: String,
    pub version: String,
    /// Dollars for the meter's usual unit, bands as `5/10`.
    pub price: String,
    /// Null where it agrees.
    pub cause: Option<&'static str>,
    /// What the cause follows from.
    pub evidence: String,
}

/// The book in force as one text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SnapshotView {
    /// The version that is stored with costs; the book that is read from the text has the same.
    pub book: String,
    pub rules: usize,
    /// Rows in the price book's schema, one a line.
    pub text: String,
}

/// Where sources disagree.
#[utoipa::path(get, path = "/prices/conflicts", tag = "prices", params(("seller" = Option<String>, Query), ("model" = Option<String>, Query),
    ("cause" = Option<String>, Query), ("at" = Option<String>, Query)), responses((status = 200, body = [ConflictView])))]
pub(crate) async fn conflicts(State(desk): State<Desk>, mut query: Query) -> Result<Json<Vec<ConflictView>>, ApiError> {
    let (seller, model, cause) = (query.one("seller")?, query.one("model")?, query.one("cause")?);
    let at = query.instant("at")?.unwrap_or_else(Timestamp::now);
    query.end()?;
    let stock = desk.stock();
    let found = blocking(move || stock.catalogue.conflicts(&stock.base, at)).await?;
    let is_asked = |conflict: &&Conflict| {
        let item = &conflict.item;
        let named = |model: &str| item.sku == model || item.sku.split_once('/').is_some_and(|(_, bare)| bare == model);
        seller.as_deref().is_none_or(|seller| seller == item.seller)
            && model.as_deref().is_none_or(named)
            && cause.as_deref().is_none_or(|cause| cause == conflict.cause.name())
    };
    Ok(Json(found.iter().filter(is_asked).map(view).collect()))
}

fn view(conflict: &Conflict) -> ConflictView {
    let item = &conflict.item;
    let what = item.to_string();
    ConflictView {
        seller: item.seller.clone(),
        sku: item.sku.clone(),
        what: what.strip_prefix(&format!("{} {} ", item.seller, item.sku)).unwrap_or(&what).to_owned(),
        cause: conflict.cause.name(),
        chosen: offer(&conflict.chosen),
        others: conflict.others.iter().map(offer).collect(),
    }
}

fn offer(offer: &Offer) -> OfferView {
    OfferView {
        source: offer.source.clone(),
        version: offer.version.clone(),
        price: offer.price.clone(),
        cause: offer.cause.map(dialects::catalogue::Cause::name),
        evidence: offer.evidence.clone(),
    }
}

/// What is wrong or unusual in the book in force, errors first: `{"level","row","what","why"}`.
#[utoipa::path(get, path = "/prices/verify", tag = "prices", responses((status = 200, body = [Object])))]
pub(crate) async fn verify(State(desk): State<Desk>) -> Result<Json<Value>, ApiError> {
    let book = desk.book();
    blocking(move || findings_of(book.rows())).await.map(Json)
}

/// The book in force as one text, whose version is the one that is stored with costs.
#[utoipa::path(get, path = "/prices/snapshot", tag = "prices", responses((status = 200, body = SnapshotView)))]
pub(crate) async fn snapshot(State(desk): State<Desk>) -> Result<Json<SnapshotView>, ApiError> {
    let book = desk.book();
    let text = blocking(move || {
        let version = book.version().to_owned();
        let head = format!("# mete price book {version}; `mete cost --prices FILE` prices by it\n");
        SnapshotView { book: version, rules: book.rows().rules.len(), text: head + &price_book::write(book.rows()) }
    });
    text.await.map(Json)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let broken = |error: tokio::task::JoinError| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string());
    tokio::task::spawn_blocking(work).await.map_err(broken)
}
