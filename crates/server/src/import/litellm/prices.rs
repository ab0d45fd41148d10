//! Prices of a deployment's own, as rows of the price book; and names of deployments whose model is known (`base_model`).

use std::collections::BTreeSet;
use std::time::SystemTime;

use jiff::Timestamp;
use money::Decimal;
use pricing::PriceQuery;
use serde_json::{Map, Value, json};

use super::super::tree::At;
use super::Draft;
use super::budgets::decimal;
use super::deployments::Deployment;

/// LiteLLM's field, the meter, its attribute, and how many units the row's price buys.
type Field = (&'static str, &'static str, Option<(&'static str, &'static str)>, Units);

/// What a price is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Units {
    /// One token; the book prices a million.
    Tokens,
    /// One of it.
    One,
}

const FIELDS: &[Field] = &[
    ("input_cost_per_token", "input_tokens", None, Units::Tokens),
    ("output_cost_per_token", "output_tokens", None, Units::Tokens),
    ("output_cost_per_reasoning_token", "reasoning_tokens", None, Units::Tokens),
    ("cache_read_input_token_cost", "cache_read_tokens", None, Units::Tokens),
    ("cache_creation_input_token_cost", "cache_write_tokens", None, Units::Tokens),
    ("cache_creation_input_token_cost_above_1hr", "cache_write_tokens", Some(("ttl", "1h")), Units::Tokens),
    ("input_cost_per_audio_token", "input_tokens", Some(("modality", "audio")), Units::Tokens),
    ("output_cost_per_audio_token", "output_tokens", Some(("modality", "audio")), Units::Tokens),
    ("input_cost_per_second", "second", None, Units::One),
    ("input_cost_per_character", "character", None, Units::One),
    ("output_cost_per_image", "image", None, Units::One),
];

/// Adds the rows of all deployments.
pub(super) fn build(deployments: &[Deployment<'_>], known: &Known, draft: &mut Draft) {
    let mut told = BTreeSet::new();
    for deployment in deployments {
        let is_priced = of_deployment(deployment, known, draft);
        let is_named = base_model(deployment, known, is_priced, draft);
        let seller = deployment.connection.vendor.seller;
        let is_known = is_priced || is_named || deployment.upstream.contains('*') || known.sku(seller, deployment.upstream).is_some();
        if !is_known && told.insert((seller, deployment.upstream)) {
            let what = "Mete's price book has no price for it, and a budget refuses calls without one: `mete prices set` or `base_model` gives it one";
            draft.report.changed(&format!("{}.litellm_params.model", deployment.at.path), what);
        }
    }
}

/// What the embedded price book knows at a time.
pub(super) struct Known(Timestamp);

impl Known {
    pub fn at(now: SystemTime) -> Self {
        Self(Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The book's name of a model.
    fn sku(&self, seller: &str, model: &str) -> Option<String> {
        crate::prices::embedded().sku(&PriceQuery::new(seller, model, self.0))
    }
}

/// Rows for the prices that stand in the deployment. Whether there are any.
fn of_deployment(deployment: &Deployment<'_>, known: &Known, draft: &mut Draft) -> bool {
    let seller = deployment.connection.vendor.seller;
    let own = format!("{seller}/{}", deployment.upstream);
    let known = known.sku(seller, deployment.upstream);
    let sku = known.clone().unwrap_or_else(|| own.clone());
    let mut is_priced = false;
    for (field, meter, attribute, units) in FIELDS {
        let Some(at) = place(deployment, field) else { continue };
        let Some(text) = at.text() else { continue };
        let price = decimal(text).and_then(|price| match units {
            Units::Tokens => price.checked_mul(Decimal::new(1_000_000, 0)),
            Units::One => Some(price),
        });
        let Some(price) = price else {
            draft.report.left(&at.path, "this is no price from 0 up; write one, or use `mete prices set`");
            continue;
        };
        let attrs: Map<String, Value> = attribute.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let mut row = json!({"seller": seller, "sku": sku, "meter": meter, "price": price.to_string()});
        if !attrs.is_empty() {
            row["attrs"] = Value::Object(attrs);
        }
        if price.is_zero() {
            row["free"] = json!(true);
        }
        is_priced |= add_price(&row, &at, draft);
    }
    if is_priced && known.is_none() {
        add(json!({"type": "alias", "seller": seller, "name": deployment.upstream, "sku": own}), draft);
    }
    is_priced
}

/// A price stands in `litellm_params` or in `model_info`; the first counts.
fn place<'a>(deployment: &Deployment<'a>, field: &str) -> Option<At<'a>> {
    let find = |section: &str| deployment.at.get(section)?.get(field).filter(|at| !at.is_null());
    find("litellm_params").or_else(|| find("model_info"))
}

/// Adds a price that the book takes. Two deployments of one model and seller with different prices: the book takes the dearest.
fn add_price(row: &Value, at: &At<'_>, draft: &mut Draft) -> bool {
    if let Err(errors) = dialects::price_book::read(&row.to_string()) {
        let why = errors.first().map(|error| error.what.clone()).unwrap_or_default();
        draft.report.left(&at.path, format!("the price book doesn't take it: {why}"));
        return false;
    }
    let is_same_item = |other: &&Value| ["seller", "sku", "meter", "attrs"].iter().all(|key| other[*key] == row[*key]);
    let differs = draft.prices.iter().filter(is_same_item).any(|other| other["price"] != row["price"]);
    if differs {
        draft.report.changed(&at.path, "another deployment of this model and seller has another price; the dearest counts for both");
    }
    if add(row.clone(), draft) {
        draft.report.taken.prices += 1;
    }
    true
}

fn add(row: Value, draft: &mut Draft) -> bool {
    let is_new = !draft.prices.contains(&row);
    if is_new {
        draft.prices.push(row);
    }
    is_new
}

/// `model_info.base_model`: the model behind a name that the operator chose. Whether the book knows it.
fn base_model(deployment: &Deployment<'_>, known: &Known, is_priced: bool, draft: &mut Draft) -> bool {
    let places = ["model_info", "litellm_params"];
    let Some(at) = places.iter().find_map(|section| deployment.at.get(section)?.get("base_model")) else { return false };
    let Some(text) = at.text() else { return false };
    let vendor = deployment.connection.vendor;
    let model = text.strip_prefix(vendor.name).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
    let Some(sku) = known.sku(vendor.seller, model) else {
        draft.report.left(&at.path, "Mete's price book doesn't know this model of this seller; `mete prices set` gives it a price");
        return false;
    };
    if is_priced {
        draft.report.left(&at.path, "the deployment has prices of its own, which count instead");
        return true;
    }
    let row = json!({"type": "alias", "seller": vendor.seller, "name": deployment.upstream, "sku": sku});
    let is_other = |other: &Value| {
        other["type"] == "alias" && other["seller"] == row["seller"] && other["name"] == row["name"] && other["sku"] != row["sku"]
    };
    if draft.prices.iter().any(is_other) {
        draft
            .report
            .left(&at.path, "another deployment of this name stands for another model, and a name has one price; rename one of them");
        return false;
    }
    if deployment.upstream != model {
        add(row, draft);
    }
    true
}
