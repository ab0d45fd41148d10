//! A model's rates with their source: `/api/v1/prices/show`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use pricing::{Allowance, Grant, Period, Price, Region, Rule};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::error::{ApiError, ErrorDocument};
use super::super::input::Query;
use super::machines::{self, MachinesView};
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
    /// What plans give or demand beside these prices, by the period; a hold never relies on them.
    pub allowances: Vec<AllowanceView>,
}

/// What a plan gives or demands in each period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AllowanceView {
    pub id: String,
    /// Null for everyone who buys from the seller.
    pub plan: Option<String>,
    /// `day` or `month`.
    pub every: &'static str,
    /// What it gives or demands, for a person.
    pub what: String,
    pub source: String,
    pub confidence: Option<&'static str>,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
}

/// What is shown of a name: a model's rates, or machines by the hour.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Shown {
    Rates(RatesView),
    Machines(MachinesView),
}

/// A model's rates with their source; or, for a machine such as `p5.48xlarge`, its price in the region, where it is cheaper, and
/// which machines could stand in. `select=term=spot` asks for spot.
#[utoipa::path(get, path = "/prices/show", tag = "prices", params(("model" = String, Query), ("seller" = Option<String>, Query),
    ("region" = Option<String>, Query), ("tier" = Option<String>, Query), ("select" = Option<Vec<String>>, Query),
    ("at" = Option<String>, Query), ("as_of" = Option<String>, Query)), responses((status = 200, body = Shown), (status = 404, body = ErrorDocument)))]
pub(crate) async fn show(State(desk): State<Desk>, query: Query) -> Result<Json<Shown>, ApiError> {
    let book = desk.book();
    let question = question::read(&book, query)?;
    let Some(sku) = book.sku(&question).filter(|sku| !machines::is_hourly(&book, &question.seller, sku)) else {
        let machines = machines::machines(&question, &book.rows().rules).ok_or_else(|| question::unknown(&question))?;
        return Ok(Json(Shown::Machines(machines)));
    };
    let in_force = |rule: &&Rule| {
        let asked = question.select.iter().all(|(key, value)| {
            let own = rule.select.get(key).map(String::as_str);
            own.is_none_or(|own| own == value) || (own == Some("standard") && value == "default")
        });
        let at = rule.valid.contains(question.at) && rule.recorded.contains(question.as_of);
        rule.seller == question.seller && rule.sku == sku && at && asked && rule.region.covers(&question.region)
    };
    let rates = book.rows().rules.iter().filter(in_force).flat_map(rates).collect();
    let allowances = book.rows().allowances.iter().filter(|row| {
        let of = row.seller == question.seller && (row.sku == sku || row.sku == Rule::ANY_SKU);
        of && row.valid.contains(question.at) && row.recorded.contains(question.as_of)
    });
    Ok(Json(Shown::Rates(RatesView {
        rates,
        allowances: allowances.map(allowance).collect(),
        sku,
        at: question.at.to_string(),
        as_of: question.as_of.to_string(),
        book: book.version().to_owned(),
        seller: question.seller,
        model: question.model,
    })))
}

fn allowance(row: &Allowance) -> AllowanceView {
    let what = match &row.grant {
        Grant::Free { meter, units, .. } => format!("the first {units} {} are free", meter.name()),
        Grant::Pool { per_seat } => format!("calls up to ${} a seat are free, pooled over all seats", per_seat.to_usd()),
        Grant::Minimum { floor } => format!("at least ${}", floor.to_usd()),
    };
    AllowanceView {
        id: row.id.clone(),
        plan: Some(row.plan.clone()).filter(|plan| !plan.is_empty()),
        every: if row.every == Period::Day { "day" } else { "month" },
        what,
        source: format!("{} {}", row.prov.source, row.prov.version).trim().to_owned(),
        confidence: row.prov.confidence.map(pricing::Confidence::name),
        valid_from: row.valid.from.map(|at| at.to_string()),
        valid_to: row.valid.to.map(|at| at.to_string()),
    }
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
