//! `mete estimate` and `mete cost`: before and after a call.

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::ask;
use crate::args::{Cost, Estimate};
use crate::context::{Context, accepted};
use crate::output::{self, Column, Kind};

const LINES: &[Column] = &[
    Column("METER", "/meter", Kind::Text),
    Column("ATTRIBUTES", "/attrs", Kind::Tags),
    Column("QUANTITY", "/quantity", Kind::Count),
    Column("RATE", "/rate", Kind::Usd),
    Column("PER", "/per", Kind::Count),
    Column("NANO-DOLLARS", "/nanos", Kind::Count),
    Column("RULE", "/rule", Kind::Text),
];

const BUDGETS: &[Column] = &[
    Column("BUDGET", "/name", Kind::Text),
    Column("LIMIT", "/limit_usd", Kind::Usd),
    Column("SPENT", "/spent_usd", Kind::Usd),
    Column("HELD", "/held_usd", Kind::Usd),
    Column("LEFT", "/remaining_usd", Kind::Usd),
];

const ALTERNATIVES: &[Column] = &[Column("MODEL", "/model", Kind::Text), Column("AT MOST", "/max_usd", Kind::Usd)];

/// What a usage document costs: by the prices of the server or data directory, own ones included, where there is one.
pub async fn cost(context: &Context, options: Cost) -> anyhow::Result<()> {
    let api = context.prices_api(options.book.book.as_deref()).await?;
    let answer = api.post("/cost", as_body(options)?).await?;
    // Without a server nobody refused anything: what was typed can't be used.
    anyhow::ensure!(answer.is_ok() || !api.is_book(), answer.error().unwrap_or("the usage can't be read").to_owned());
    let document = accepted(answer)?;
    output::print(context.format, &document, |document| {
        let lines = output::table(&document["lines"], LINES, "nothing was used");
        let total = match document["status"].as_str() {
            Some("priced") => output::cell(document.get("total_usd"), Kind::Usd),
            _ => "unpriced: set a price with `mete prices set`".to_owned(),
        };
        let told =
            document["provider_cost_usd"].as_str().map_or(String::new(), |told| format!("\nthe provider says ${}", output::clean(told)));
        let credits = &document["credits"];
        let text = |name: &str| output::cell(credits.get(name), Kind::Text);
        let credits = if credits.is_null() {
            String::new()
        } else {
            format!("\n       {} {}s at ${} each", text("amount"), text("name"), text("usd_each"))
        };
        format!("{lines}\ntotal  {total}{credits}{told}")
    });
    Ok(())
}

/// The question as the admin API reads it. The usage stays as it was typed, so that what can't be a count is refused by name.
fn as_body(options: Cost) -> anyhow::Result<Value> {
    let inline = options.usage.trim_start().starts_with(['{', '[']);
    let usage = if inline { options.usage } else { ask::read(&options.usage)? };
    let mut body = Map::new();
    body.insert("dialect".to_owned(), options.dialect.into());
    body.insert("model".to_owned(), options.model.into());
    body.insert("usage".to_owned(), usage.into());
    body.insert("select".to_owned(), Value::Object(ask::pairs(&options.select)?));
    for (field, value) in [
        ("operation", options.operation),
        ("seller", options.seller),
        ("region", options.region),
        ("at", options.at),
        ("as_of", options.as_of),
    ] {
        ask::put(&mut body, field, value);
    }
    Ok(Value::Object(body))
}

/// What a request would cost.
pub async fn estimate(context: &Context, options: &Estimate) -> anyhow::Result<()> {
    let request: Value = serde_json::from_str(&ask::read(&options.file)?).context("the request is not JSON")?;
    let mut body = Map::new();
    body.insert("request".to_owned(), request);
    ask::put(&mut body, "operation", options.operation.clone());
    ask::put(&mut body, "model", options.model.clone());
    ask::put(&mut body, "run", options.run.clone());
    body.insert("attributes".to_owned(), Value::Object(ask::pairs(&options.attributes)?));
    let document = accepted(context.api().await?.post("/estimate", Value::Object(body)).await?)?;
    output::print(context.format, &document, |document| {
        let amount = |pointer: &str| output::cell(document.pointer(pointer), Kind::Usd);
        let summary = document["no_bound"].as_str().map(|why| format!("no amount is known: {}", output::clean(why))).unwrap_or_else(|| {
            format!(
                "at least  {}\nexpected  {}  ({} to {}; {})\nat most   {}",
                amount("/min_usd"),
                amount("/expected_usd"),
                amount("/expected_low_usd"),
                amount("/expected_high_usd"),
                output::cell(document.get("basis"), Kind::Text),
                amount("/max_usd")
            )
        });
        let budgets = output::table(&document["budgets"], BUDGETS, "no budget matches");
        let cheaper = output::table(&document["alternatives"], ALTERNATIVES, "no cheaper model is known");
        format!("{summary}\n\n{budgets}\n\n{cheaper}")
    });
    Ok(())
}
