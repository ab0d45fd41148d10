//! `mete prices show` and `mete prices why`.

use serde_json::Value;

use super::super::ask;
use super::{get, machines, text};
use crate::args::PriceAsk;
use crate::context::Context;
use crate::output::{self, Column, Kind};

const RATES: &[Column] = &[
    Column("METER", "/meter", Kind::Text),
    Column("ATTRIBUTES", "/attrs", Kind::Tags),
    Column("WHEN", "/select", Kind::Tags),
    Column("HOURS", "/schedule", Kind::Text),
    Column("ABOVE TOKENS", "/above", Kind::Count),
    Column("PRICE", "/rate", Kind::Usd),
    Column("PER", "/per", Kind::Count),
    Column("SOURCE", "/source", Kind::Text),
    Column("CONFIDENCE", "/confidence", Kind::Text),
    Column("RULE", "/rule", Kind::Text),
];

const ALLOWANCES: &[Column] = &[
    Column("PLAN", "/plan", Kind::Text),
    Column("EVERY", "/every", Kind::Text),
    Column("WHAT", "/what", Kind::Text),
    Column("FROM", "/valid_from", Kind::Text),
    Column("TO", "/valid_to", Kind::Text),
    Column("CONFIDENCE", "/confidence", Kind::Text),
    Column("SOURCE", "/source", Kind::Text),
];

/// A model's rates with their source, or a machine's price of an hour and what could stand in.
pub async fn show(context: &Context, options: &PriceAsk) -> anyhow::Result<()> {
    let document = get(context, options.book.book.as_deref(), &format!("/prices/show{}", question(options))).await?;
    let human = if document["machines"].is_array() { machines::human } else { rates };
    output::print(context.format, &document, human);
    Ok(())
}

/// Which rule gives each rate, and what lost against it.
pub async fn why(context: &Context, options: &PriceAsk) -> anyhow::Result<()> {
    let document = get(context, options.book.book.as_deref(), &format!("/prices/why{}", question(options))).await?;
    output::print(context.format, &document, text);
    Ok(())
}

fn question(options: &PriceAsk) -> String {
    let deployment = options.deployment.as_ref().map(|kind| format!("deployment={kind}"));
    let named = [
        ("model", options.named.as_deref().or(options.model.as_deref())),
        ("seller", options.seller.as_deref()),
        ("region", options.region.as_deref()),
        ("tier", options.tier.as_deref()),
        ("select", deployment.as_deref()),
        ("at", options.at.as_deref()),
        ("as_of", options.as_of.as_deref()),
    ];
    ask::query(named.into_iter().chain(options.select.iter().map(|pair| ("select", Some(pair.as_str())))))
}

fn rates(document: &Value) -> String {
    let heading = format!("{}  ({})", output::cell(document.get("sku"), Kind::Text), output::cell(document.get("seller"), Kind::Text));
    let table =
        output::table(&document["rates"], RATES, "no rate is known; set one with `mete prices set SELLER/MODEL --input USD --output USD`");
    let allowances = match document["allowances"].as_array() {
        Some(rows) if !rows.is_empty() => {
            format!("\n\nBy the period, which no hold relies on:\n{}", output::table(&document["allowances"], ALLOWANCES, ""))
        }
        _ => String::new(),
    };
    format!("{heading}\n{table}{allowances}")
}
