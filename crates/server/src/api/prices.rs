//! Prices: `/api/v1/prices`. What is known, why it is so, and prices of one's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use pricing::{Attrs, Meter, Price, PriceBook, PriceQuery, Rule};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::CallFilter;
use utoipa::ToSchema;

use super::calls::read;
use super::error::{ApiError, ErrorDocument};
use super::guard::Actor;
use super::input::{Body, Query};
use crate::config::budgets::short;
use crate::control::Control;
use crate::prices::read_row;

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
    pub source: String,
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
    /// The price book's version.
    pub book: String,
    pub rates: Vec<RateView>,
}

/// Which rule gives each rate, and what lost against it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhyView {
    pub seller: String,
    pub model: String,
    pub sku: String,
    pub book: String,
    /// For a person, line by line.
    pub text: Vec<String>,
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
pub(crate) async fn list(State(control): State<Arc<Control>>, mut query: Query) -> Result<Json<Vec<ModelView>>, ApiError> {
    let seller = query.one("seller")?;
    query.end()?;
    let book = control.gateway.prices();
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

/// A model's rates with their source.
#[utoipa::path(get, path = "/prices/show", tag = "prices", params(("model" = String, Query), ("seller" = Option<String>, Query),
    ("region" = Option<String>, Query), ("tier" = Option<String>, Query), ("select" = Option<Vec<String>>, Query),
    ("at" = Option<String>, Query)), responses((status = 200, body = RatesView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn show(State(control): State<Arc<Control>>, query: Query) -> Result<Json<RatesView>, ApiError> {
    let book = control.gateway.prices();
    let (question, sku) = question(&book, query)?;
    let in_force = |rule: &&Rule| {
        let tier = question.select.get("service_tier");
        let of_tier = tier.is_none_or(|tier| rule.select.get("service_tier").map_or("standard", String::as_str) == tier);
        let at = rule.valid.contains(question.at) && rule.recorded.contains(question.as_of);
        rule.seller == question.seller && rule.sku == sku && at && of_tier && rule.region.covers(&question.region)
    };
    let rates = book.rows().rules.iter().filter(in_force).flat_map(rates).collect();
    Ok(Json(RatesView {
        rates,
        sku,
        at: question.at.to_string(),
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
    if let pricing::Region::Within(_, ids) = &rule.region {
        select.insert("region".to_owned(), ids.join(","));
    }
    let view = |(above, rate): (u64, money::Rate)| RateView {
        meter: rule.meter.name().to_owned(),
        attrs: rule.attrs.clone(),
        select: select.clone(),
        above,
        rate: rate.price().to_string(),
        per: rate.per(),
        source: format!("{} {}", rule.prov.source, rule.prov.version).trim().to_owned(),
        url: rule.prov.url.clone(),
        valid_from: rule.valid.from.map(|at| at.to_string()),
        valid_to: rule.valid.to.map(|at| at.to_string()),
        rule: rule.id.clone(),
    };
    steps.into_iter().map(view).collect()
}

/// Which rule gives each rate, and what lost against it.
#[utoipa::path(get, path = "/prices/why", tag = "prices", params(("model" = String, Query), ("seller" = Option<String>, Query),
    ("region" = Option<String>, Query), ("tier" = Option<String>, Query), ("select" = Option<Vec<String>>, Query),
    ("at" = Option<String>, Query)), responses((status = 200, body = WhyView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn why(State(control): State<Arc<Control>>, query: Query) -> Result<Json<WhyView>, ApiError> {
    let book = control.gateway.prices();
    let (question, sku) = question(&book, query)?;
    let mut text = vec![format!("{} of seller {} is {sku}, at {}", question.model, question.seller, question.at)];
    let own = book.rows().rules.iter().filter(|rule| rule.seller == question.seller && (rule.sku == sku || rule.sku == Rule::ANY_SKU));
    let meters: BTreeSet<(Meter, Attrs)> = own.map(|rule| (rule.meter.clone(), rule.attrs.clone())).collect();
    for (meter, attrs) in meters {
        why_text(&book, &question, &meter, &attrs, &mut text);
    }
    Ok(Json(WhyView { sku, book: book.version().to_owned(), text, seller: question.seller, model: question.model }))
}

fn why_text(book: &PriceBook, question: &PriceQuery, meter: &Meter, attrs: &Attrs, text: &mut Vec<String>) {
    let Some(found) = book.price_for(question, meter, attrs, 0) else { return };
    let attrs: Vec<String> = attrs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let attrs = if attrs.is_empty() { String::new() } else { format!(" ({})", attrs.join(", ")) };
    let conflict = if found.conflict { "; another rule of equal rank differs, the dearest counts" } else { "" };
    text.push(format!(
        "{}{attrs}: ${} for {} by rule {}, source {} {}{conflict}",
        meter.name(),
        found.rate.price(),
        found.rate.per(),
        found.rule.id,
        found.rule.prov.source,
        found.rule.prov.version
    ));
    text.extend(found.modifiers.iter().map(|modifier| format!("  times {} by modifier {}", modifier.factor, modifier.id)));
    if let Price::Tiers { steps, .. } = &found.rule.price {
        text.extend(
            steps
                .iter()
                .skip(1)
                .map(|step| format!("  ${} for {} when the prompt is above {} tokens", step.rate.price(), step.rate.per(), step.above)),
        );
    }
    for loser in found.losers.iter().take(5) {
        text.push(format!(
            "  lost: rule {}, ${} for {}, source {}",
            loser.id,
            loser.price.rate_at(0).price(),
            loser.price.rate_at(0).per(),
            loser.prov.source
        ));
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
    let rows: Vec<String> = body.rows.into_iter().map(|row| Value::Object(dated(row)).to_string()).collect();
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

/// A price without dates holds from now on, so that it follows an earlier one instead of contradicting it.
fn dated(mut row: Map<String, Value>) -> Map<String, Value> {
    let is_rule = row.get("type").is_none_or(|kind| kind == "rule");
    if is_rule && !row.contains_key("valid") {
        row.insert("valid".to_owned(), json!({"from": Timestamp::now().to_string()}));
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

/// What is asked, and the sku that it means.
fn question(book: &PriceBook, mut query: Query) -> Result<(PriceQuery, String), ApiError> {
    let model = query.one("model")?.ok_or_else(|| ApiError::invalid("model is needed"))?;
    let at = query.instant("at")?.unwrap_or_else(Timestamp::now);
    let mut question = PriceQuery::new("", &model, at);
    question.region = query.one("region")?.unwrap_or_default();
    question.select = query.pairs("select")?;
    if let Some(tier) = query.one("tier")? {
        question.select.insert("service_tier".to_owned(), tier);
    }
    let seller = query.one("seller")?;
    query.end()?;
    question.seller = seller.or_else(|| vendor(book, &question)).unwrap_or_default();
    let missing = || {
        ApiError::not_found(format!(
            "no price is known for `{}`; set one with `mete prices set SELLER/{} --input USD --output USD`",
            short(&model),
            short(&model)
        ))
    };
    let sku = book.sku(&question).ok_or_else(missing)?;
    Ok((question, sku))
}

/// Who sells a model, where nobody is named: the maker itself before others.
fn vendor(book: &PriceBook, question: &PriceQuery) -> Option<String> {
    let sellers: BTreeSet<&str> = book.models().map(|(seller, _)| seller).collect();
    let sells = |seller: &&str| {
        let query = PriceQuery { seller: (*seller).to_owned(), ..question.clone() };
        let sku = book.sku(&query)?;
        Some((sku.split('/').next() == Some(*seller), (*seller).to_owned()))
    };
    let known: Vec<(bool, String)> = sellers.iter().filter_map(sells).collect();
    known.iter().find(|(own, _)| *own).or(known.first()).map(|(_, seller)| seller.clone())
}
