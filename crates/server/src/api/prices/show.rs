//! A model's rates with their source: `/api/v1/prices/show`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use pricing::{Price, Region, Rule};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::error::{ApiError, ErrorDocument};
use super::super::input::Query;
use super::question;
use crate::prices::{Desk, schedule_text};

/// One rate of one meter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RateView {
    pub meter: String,
    pub attrs: BTreeMap<String, String>,
    /// Request attributes and region under which it applies.
    pub select: BTreeMap<String, String>,
    /// The band: prompts above so many tokens; 0 for the base.
    pub above: u64,
    /// Dollars as a decimal text.
    pub rate: String,
    /// Units that the price buys.
    pub per: u64,
    /// The hours in which it applies; null for always.
    pub schedule: Option<String>,
    pub source: String,
    /// How far the figure can be trusted, where its source says: `table`, `curated`, `secondary`, …
    pub confidence: Option<&'static str>,
    pub url: String,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    pub rule: String,
}

/// A model's rates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatesView {
    pub seller: String,
    pub model: String,
    pub sku: String,
    pub at: String,
    /// As the book knew it then.
    pub as_of: String,
    /// The price book's version.
    pub book: String,
    pub rates: Vec<RateView>,
}

/// A model's rates with their source.
#[utoipa::path(get, path = "/prices/show", tag = "prices", params(("model" = String, Query), ("seller" = Option<String>, Query),
    ("region" = Option<String>, Query), ("tier" = Option<String>, Query), ("select" = Option<Vec<String>>, Query),
    ("at" = Option<String>, Query), ("as_of" = Option<String>, Query)), responses((status = 200, body = RatesView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn show(State(desk): State<Desk>, query: Query) -> Result<Json<RatesView>, ApiError> {
    let book = desk.book();
    let question = question::read(&book, query)?;
    let sku = book.sku(&question).ok_or_else(|| question::unknown(&question))?;
    let in_force = |rule: &&Rule| {
        let asked = question.select.iter().all(|(key, value)| {
            let own = rule.select.get(key).map(String::as_str);
            own.is_none_or(|own| own == value) || (own == Some("standard") && value == "default")
        });
        let at = rule.valid.contains(question.at) && rule.recorded.contains(question.as_of);
        rule.seller == question.seller && rule.sku == sku && at && asked && rule.region.covers(&question.region)
    };
    let rates = book.rows().rules.iter().filter(in_force).flat_map(rates).collect();
    Ok(Json(RatesView {
        rates,
        sku,
        at: question.at.to_string(),
        as_of: question.as_of.to_string(),
        book: book.version().to_owned(),
        seller: question.seller,
        model: question.model,
    }))
}

fn rates(rule: &Rule) -> Vec<RateView> {
    let steps = match &rule.price {
        Price::Flat(rate) => vec![(0, *rate)],
        Price::Tiers { steps, .. } => steps.iter().map(|step| (step.above, step.rate)).collect(),
    };
    let mut select = rule.select.clone();
    if let Region::Within(_, ids) = &rule.region {
        select.insert("region".to_owned(), ids.join(","));
    }
    let view = |(above, rate): (u64, money::Rate)| RateView {
        meter: rule.meter.name().to_owned(),
        attrs: rule.attrs.clone(),
        select: select.clone(),
        above,
        rate: rate.price().to_string(),
        per: rate.per(),
        schedule: rule.schedule.as_ref().map(schedule_text),
        source: format!("{} {}", rule.prov.source, rule.prov.version).trim().to_owned(),
        confidence: rule.prov.confidence.map(pricing::Confidence::name),
        url: rule.prov.url.clone(),
        valid_from: rule.valid.from.map(|at| at.to_string()),
        valid_to: rule.valid.to.map(|at| at.to_string()),
        rule: rule.id.clone(),
    };
    steps.into_iter().map(view).collect()
}
