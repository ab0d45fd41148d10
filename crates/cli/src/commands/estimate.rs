//! `mete estimate` and `mete cost`: before and after a call.

use anyhow::Context as _;
use serde_json::{Map, Value};
use server::CostAsk;

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
    let usage = if options.usage.trim_start().starts_with('{') { options.usage } else { ask::read(&options.usage)? };
    let select = options.select.iter().map(|pair| ask::split(pair).map(|(key, value)| (key.to_owned(), value.to_owned())));
    let question = CostAsk {
        dialect: options.dialect,
        model: options.model,
        seller: options.seller,
        region: options.region,
        select: select.collect::<anyhow::Result<_>>()?,
        usage,
        at: options.at,
        prices: context.prices.clone(),
    };
    let asks_server = context.prices.is_none() && (context.is_remote() || context.has_records().unwrap_or(false));
    let document =
        if asks_server { accepted(context.api().await?.post("/cost", as_body(&question)?).await?)? } else { server::cost(&question)? };
    output::print(context.format, &document, |document| {
        let lines = output::table(&document["lines"], LINES, "nothing was used");
        let total = match document["status"].as_str() {
            Some("priced") => output::cell(document.get("total_usd"), Kind::Usd),
            _ => "unpriced: set a price with `mete prices set`".to_owned(),
        };
        format!("{lines}\ntotal  {total}")
    });
    Ok(())
}

/// The question as the admin API reads it. The usage stays as it was typed, so that what can't be a count is refused by name.
fn as_body(question: &CostAsk) -> anyhow::Result<Value> {
    let mut body = Map::new();
    body.insert("dialect".to_owned(), question.dialect.clone().into());
    body.insert("model".to_owned(), question.model.clone().into());
    ask::put(&mut body, "seller", question.seller.clone());
    ask::put(&mut body, "region", question.region.clone());
    ask::put(&mut body, "at", question.at.clone());
    body.insert("select".to_owned(), question.select.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect());
    body.insert("usage".to_owned(), serde_json::from_str(&question.usage).context("the usage is not JSON")?);
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
