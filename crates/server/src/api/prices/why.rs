//! Which rule gives each rate, where it comes from, and what lost against it: `/api/v1/prices/why`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use dialects::catalogue::{Conflict, Item};
use pricing::{Attrs, Basis, Layer, Meter, Modifier, PriceBook, PriceKind, PriceQuery, Resolved, Rule};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::error::{ApiError, ErrorDocument};
use super::super::input::Query;
use super::question;
use crate::prices::{Desk, Stock, date, price_text, region_text, schedule_text, select_text, why_it_does_not_apply, why_it_lost};

/// Losers that a person is shown for each meter; the document has all.
const LOST_SHOWN: usize = 8;

/// Which rule gives each rate, and what lost against it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhyView {
    pub seller: String,
    pub model: String,
    pub sku: String,
    pub at: String,
    /// As the book knew it then.
    pub as_of: String,
    pub region: Option<String>,
    pub select: BTreeMap<String, String>,
    /// The price book's version.
    pub book: String,
    pub meters: Vec<MeterWhy>,
    /// For a person, line by line.
    pub text: Vec<String>,
}

/// Why one meter costs what it costs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeterWhy {
    pub meter: String,
    pub attrs: BTreeMap<String, String>,
    /// Dollars for `per` units of a small prompt, factors included.
    pub rate: String,
    pub per: u64,
    /// The rule that counts.
    pub rule: RuleView,
    /// Factors on top of it.
    pub factors: Vec<FactorView>,
    /// Whether the meter has no rule of its own and another meter's rate counts.
    pub instead: bool,
    /// Whether a rule of equal rank has another price; the dearer one counts.
    pub conflict: bool,
    /// Other sources that say the same.
    pub agree: Vec<String>,
    pub lost: Vec<LostView>,
}

/// A rule with where it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    pub id: String,
    /// The price with its bands: `$5 per 1,000,000, $10 above 272,000 prompt tokens`.
    pub price: String,
    pub sku: String,
    pub select: BTreeMap<String, String>,
    /// `everywhere`, or region names.
    pub region: String,
    /// The hours in which it applies; null for always.
    pub schedule: Option<String>,
    /// `list`, `promo` or `contract`.
    pub kind: &'static str,
    /// Whether it is a row of one's own.
    pub own: bool,
    pub source: String,
    pub version: String,
    /// Where in the source it stands.
    pub key: String,
    /// The price as the source writes it.
    pub raw: String,
    pub url: String,
    pub licence: String,
    pub confidence: Option<&'static str>,
    pub note: String,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    /// How the validity is known: `documented`, `first_seen`, `commit` or `assumed`.
    pub basis: &'static str,
    /// When the book learnt it; null for always.
    pub learnt: Option<String>,
    /// When the book stopped holding it to be true.
    pub withdrawn: Option<String>,
}

/// A factor on a rate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FactorView {
    pub id: String,
    pub factor: String,
    pub source: String,
}

/// A price that doesn't count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LostView {
    pub price: String,
    pub source: String,
    pub version: String,
    /// The rule, where it is one of the book.
    pub rule: Option<String>,
    /// Why it doesn't count.
    pub why: String,
    /// Why its source says something else, as one word: `rate_stale`, `off_peak`, `region_uplift`, …; null where it isn't known.
    pub cause: Option<String>,
}

/// Which rule gives each rate, and what lost against it.
#[utoipa::path(get, path = "/prices/why", tag = "prices", params(("model" = String, Query), ("seller" = Option<String>, Query),
    ("region" = Option<String>, Query), ("tier" = Option<String>, Query), ("select" = Option<Vec<String>>, Query),
    ("at" = Option<String>, Query), ("as_of" = Option<String>, Query)), responses((status = 200, body = WhyView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn why(State(desk): State<Desk>, query: Query) -> Result<Json<WhyView>, ApiError> {
    let book = desk.book();
    let question = question::read(&book, query)?;
    let sku = book.sku(&question).ok_or_else(|| question::unknown(&question))?;
    let stock = desk.stock();
    let done = tokio::task::spawn_blocking(move || document(&book, &stock, question, sku)).await;
    done.map(Json).map_err(|error| ApiError::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))
}

fn document(book: &PriceBook, stock: &Stock, question: PriceQuery, sku: String) -> WhyView {
    let conflicts = stock.catalogue.conflicts(&stock.base, question.at);
    let meters: Vec<MeterWhy> =
        meters(book, &question, &sku).iter().filter_map(|(meter, attrs)| meter_why(book, &conflicts, &question, meter, attrs)).collect();
    let mut text = heading(&question, &sku, book.version());
    meters.iter().for_each(|meter| meter_text(meter, &mut text));
    if meters.is_empty() {
        text.push("no rate applies: a call would be unpriced; `mete prices show` lists what is known".to_owned());
    }
    WhyView {
        sku,
        at: question.at.to_string(),
        as_of: question.as_of.to_string(),
        region: Some(question.region.clone()).filter(|region| !region.is_empty()),
        select: question.select.clone(),
        book: book.version().to_owned(),
        meters,
        text,
        seller: question.seller,
        model: question.model,
    }
}

/// Every meter that has a rule of the model, then those of the seller's rules for everything.
fn meters(book: &PriceBook, question: &PriceQuery, sku: &str) -> Vec<(Meter, Attrs)> {
    let of = |sku: &str| {
        let own = book.rows().rules.iter().filter(|rule| rule.seller == question.seller && rule.sku == sku);
        own.map(|rule| (rule.meter.clone(), rule.attrs.clone())).collect::<BTreeSet<_>>()
    };
    let own = of(sku);
    let wide: Vec<_> = of(Rule::ANY_SKU).into_iter().filter(|meter| !own.contains(meter)).collect();
    own.into_iter().chain(wide).collect()
}

fn meter_why(book: &PriceBook, conflicts: &[Conflict], question: &PriceQuery, meter: &Meter, attrs: &Attrs) -> Option<MeterWhy> {
    let found = book.price_for(question, meter, attrs, 0)?;
    let mut lost = beaten(question, &found);
    lost.extend(elsewhere(book, question, &found));
    lost.extend(other_sources(conflicts, found.rule));
    Some(MeterWhy {
        meter: meter.name().to_owned(),
        attrs: attrs.clone(),
        rate: found.rate.price().to_string(),
        per: found.rate.per(),
        rule: rule_view(found.rule),
        factors: found.modifiers.iter().map(|row| factor_view(row)).collect(),
        instead: found.instead_of.is_some(),
        conflict: found.conflict,
        agree: found.rule.prov.agree.clone(),
        lost,
    })
}

/// Rules that apply too.
fn beaten(question: &PriceQuery, found: &Resolved<'_>) -> Vec<LostView> {
    found.losers.iter().map(|loser| lost(loser, why_it_lost(question, found.rule, loser))).collect()
}

/// Rules for the same thing that don't apply: at another time, in another region or deployment.
fn elsewhere(book: &PriceBook, question: &PriceQuery, found: &Resolved<'_>) -> Vec<LostView> {
    let winner = found.rule;
    let is_alike = |rule: &&Rule| {
        (&rule.seller, &rule.sku, &rule.meter, &rule.attrs) == (&winner.seller, &winner.sku, &winner.meter, &winner.attrs)
            && rule.id != winner.id
            && found.losers.iter().all(|loser| loser.id != rule.id)
    };
    let is_near = |rule: &&Rule| {
        let open = ["deployment", "route"];
        let named = |rule: &Rule| {
            rule.select
                .iter()
                .filter(|(key, _)| !open.contains(&key.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        named(rule) == named(winner)
    };
    let rules = book.rows().rules.iter().filter(is_alike).filter(is_near);
    rules.filter_map(|rule| Some(lost(rule, why_it_does_not_apply(question, &winner.select, rule)?))).collect()
}

/// What other sources say: of imported ones with the cause, of the embedded book's as it was noted when it was made.
fn other_sources(conflicts: &[Conflict], winner: &Rule) -> Vec<LostView> {
    let item = Item::of(winner);
    let known: Vec<&Conflict> = conflicts.iter().filter(|conflict| conflict.item == item).collect();
    let offers = known.iter().flat_map(|conflict| &conflict.others).filter_map(|offer| {
        let cause = offer.cause?;
        let why = if offer.evidence.is_empty() { format!("{} is believed", winner.prov.source) } else { offer.evidence.clone() };
        Some(LostView {
            price: format!("${}", offer.price),
            source: offer.source.clone(),
            version: offer.version.clone(),
            rule: None,
            why,
            cause: Some(cause.name().to_owned()),
        })
    });
    let mut lost: Vec<LostView> = offers.collect();
    for differing in &winner.prov.differ {
        let (source, price) = differing.split_once(' ').unwrap_or((differing, ""));
        if lost.iter().all(|known| known.source != source) {
            let why = format!("{} is believed before it", winner.prov.source);
            lost.push(LostView {
                price: format!("${price}"),
                source: source.to_owned(),
                version: String::new(),
                rule: None,
                why,
                cause: None,
            });
        }
    }
    lost
}

fn lost(rule: &Rule, why: String) -> LostView {
    LostView {
        price: price_text(&rule.price),
        source: rule.prov.source.clone(),
        version: rule.prov.version.clone(),
        rule: Some(rule.id.clone()),
        why,
        cause: None,
    }
}

fn factor_view(row: &Modifier) -> FactorView {
    FactorView { id: row.id.clone(), factor: row.factor.to_string(), source: format!("{} {}", row.prov.source, row.prov.version) }
}

fn rule_view(rule: &Rule) -> RuleView {
    let at = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    let prov = &rule.prov;
    RuleView {
        id: rule.id.clone(),
        price: price_text(&rule.price),
        sku: rule.sku.clone(),
        select: rule.select.clone(),
        region: region_text(&rule.region),
        schedule: rule.schedule.as_ref().map(schedule_text),
        kind: match rule.price_kind {
            PriceKind::List => "list",
            PriceKind::Promo => "promo",
            PriceKind::Contract => "contract",
        },
        own: rule.layer == Layer::Operator,
        source: prov.source.clone(),
        version: prov.version.clone(),
        key: prov.key.clone(),
        raw: prov.raw.clone(),
        url: prov.url.clone(),
        licence: prov.licence.clone(),
        confidence: prov.confidence.map(pricing::Confidence::name),
        note: prov.note.clone(),
        valid_from: at(rule.valid.from),
        valid_to: at(rule.valid.to),
        basis: basis(rule.basis),
        learnt: at(rule.recorded.from),
        withdrawn: at(rule.recorded.to),
    }
}

const fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Documented => "documented",
        Basis::FirstSeen => "first_seen",
        Basis::Commit => "commit",
        Basis::Assumed => "assumed",
    }
}

fn heading(question: &PriceQuery, sku: &str, version: &str) -> Vec<String> {
    let named = if question.model == sku { sku.to_owned() } else { format!("{} is {sku}", question.model) };
    let region = if question.region.is_empty() { String::new() } else { format!(" in {}", question.region) };
    let select = if question.select.is_empty() { String::new() } else { format!(", {}", select_text(&question.select)) };
    vec![
        format!("{named}, sold by {}{region}{select}", question.seller),
        format!("at {}, as known at {}, price book {version}", date(question.at), date(question.as_of)),
    ]
}

fn meter_text(why: &MeterWhy, text: &mut Vec<String>) {
    let attrs = if why.attrs.is_empty() { String::new() } else { format!(" ({})", select_text(&why.attrs)) };
    let instead = if why.instead { "  no rate of its own, so another meter's counts" } else { "" };
    text.push(String::new());
    text.push(format!("{}{attrs}  {}{instead}", why.meter, why.rule.price));
    for factor in &why.factors {
        text.push(format!("  times    {} {} ({}) = ${} for {}", factor.factor, factor.id, factor.source, why.rate, why.per));
    }
    rule_text(&why.rule, text);
    if why.conflict {
        text.push("  conflict another rule of equal rank has another price; the dearer one counts".to_owned());
    }
    if !why.agree.is_empty() {
        text.push(format!("  agree    {}", why.agree.join(", ")));
    }
    for loser in why.lost.iter().take(LOST_SHOWN) {
        let cause = loser.cause.as_ref().map_or(String::new(), |cause| format!("{cause}: "));
        let source = format!("{} {}", loser.source, loser.version);
        text.push(format!("  lost     {}  {}: {cause}{}", loser.price, source.trim(), loser.why));
    }
    if let Some(more) = why.lost.len().checked_sub(LOST_SHOWN + 1) {
        text.push(format!("           and {} more; --format json has all", more + 1));
    }
}

fn rule_text(rule: &RuleView, text: &mut Vec<String>) {
    let select = if rule.select.is_empty() { String::new() } else { format!("  {}", select_text(&rule.select)) };
    let region = if rule.region == "everywhere" { String::new() } else { format!("  in {}", rule.region) };
    let kind = if rule.kind == "list" { String::new() } else { format!("  {}", rule.kind) };
    text.push(format!("  rule     {}{select}{region}{kind}", rule.id));
    if let Some(schedule) = &rule.schedule {
        text.push(format!("  hours    {schedule}"));
    }
    let licence = if rule.licence.is_empty() { String::new() } else { format!(" ({})", rule.licence) };
    let confidence = rule.confidence.map_or(String::new(), |word| format!(", confidence {word}"));
    let source = format!("{} {}", rule.source, rule.version);
    let own = if rule.own { ", your own price" } else { "" };
    text.push(format!("  source   {}{licence}{confidence}{own}", source.trim()));
    match (rule.key.as_str(), rule.raw.as_str()) {
        ("", "") => {}
        (key, "") => text.push(format!("           at {key}")),
        (key, raw) => text.push(format!("           {}", format!("{key} says {raw}").trim_start())),
    }
    for line in [&rule.url, &rule.note].into_iter().filter(|line| !line.is_empty()) {
        text.push(format!("           {line}"));
    }
    let learnt = rule.learnt.as_ref().map_or("with the book".to_owned(), |at| at.clone());
    text.push(format!("  learnt   {learnt}"));
    text.push(format!("  valid    {} ({})", span_text(rule), rule.basis));
}

fn span_text(rule: &RuleView) -> String {
    match (&rule.valid_from, &rule.valid_to) {
        (None, None) => "always".to_owned(),
        (Some(from), None) => format!("from {from}"),
        (None, Some(to)) => format!("until {to}"),
        (Some(from), Some(to)) => format!("{from} until {to}"),
    }
}
