//! `mete calls` and `mete explain`.

use serde_json::{Map, Value, json};

use super::ask;
use crate::args::{Calls, CallsList};
use crate::context::{Context, accepted};
use crate::output::{self, Column, Kind};

const COLUMNS: &[Column] = &[
    Column("CALL", "/call_id", Kind::Text),
    Column("TIME", "/time", Kind::Text),
    Column("MODEL", "/model", Kind::Text),
    Column("STATUS", "/status", Kind::Text),
    Column("COST", "/cost_usd", Kind::Cost),
    Column("HELD", "/held_usd", Kind::Usd),
    Column("TEAM", "/attributes/team", Kind::Text),
    Column("AGENT", "/attributes/agent", Kind::Text),
];

const ATTEMPTS: &[Column] = &[
    Column("ATTEMPT", "/attempt", Kind::Count),
    Column("PROVIDER", "/provider", Kind::Text),
    Column("MODEL", "/model_sent", Kind::Text),
    Column("STATUS", "/status", Kind::Text),
    Column("COST", "/cost_usd", Kind::Usd),
    Column("HELD", "/held_usd", Kind::Usd),
    Column("FINISH", "/finish_reason", Kind::Text),
    Column("MS", "/total_ms", Kind::Count),
];

/// Lists, shows and resolves calls.
pub async fn calls(context: &Context, command: Calls) -> anyhow::Result<()> {
    let api = context.api_of_records().await?;
    match command {
        Calls::List(options) => {
            let rows = accepted(api.get(&format!("/calls{}", filter(&options)?)).await?)?;
            output::print(context.format, &rows, |rows| format!("{}{}", output::table(rows, COLUMNS, "no such calls"), unpriced(rows)));
        }
        Calls::Show { call } => {
            let document = accepted(api.get(&format!("/calls/{}", ask::encoded(&call))).await?)?;
            output::print(context.format, &document, one_call);
        }
        Calls::Resolve { call, cost, void, reason } => {
            let mut body = Map::new();
            body.insert("reason".to_owned(), json!(reason));
            match cost {
                Some(cost) => body.insert("cost_usd".to_owned(), json!(cost)),
                None => body.insert("void".to_owned(), json!(void)),
            };
            let document = accepted(api.post(&format!("/calls/{}/resolve", ask::encoded(&call)), Value::Object(body)).await?)?;
            output::print(context.format, &document, one_call);
        }
    }
    Ok(())
}

/// What is said of listed calls without a price.
fn unpriced(rows: &Value) -> String {
    let without: Vec<&Value> = rows.as_array().into_iter().flatten().filter(|row| row["unpriced"] == json!(true)).collect();
    if without.is_empty() {
        return String::new();
    }
    let counts = without.iter().flat_map(|row| row["usage"].as_object()).flatten().filter(|(meter, _)| meter.ends_with("_tokens"));
    let tokens = counts.fold(0_u64, |sum, (_, count)| sum.saturating_add(count.as_u64().unwrap_or(0)));
    let (calls, tokens) = (output::grouped(&without.len().to_string()), output::grouped(&tokens.to_string()));
    format!("\n{calls} calls are unpriced, {tokens} tokens, in no amount here; `mete prices unknown` says how to price them")
}

/// One call's arithmetic.
pub async fn explain(context: &Context, call: &str) -> anyhow::Result<()> {
    let document = accepted(context.api_of_records().await?.get(&format!("/calls/{}/explain", ask::encoded(call))).await?)?;
    output::print(context.format, &document, |document| {
        let lines = document["text"].as_array().map(Vec::as_slice).unwrap_or_default();
        lines.iter().filter_map(Value::as_str).map(output::clean).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

fn one_call(document: &Value) -> String {
    let call = output::table(&json!([document]), COLUMNS, "");
    let attributes = output::cell(document.get("attributes"), Kind::Tags);
    format!("{call}\n\nattributes  {attributes}\n\n{}", output::table(&document["attempts"], ATTEMPTS, "no attempt was made"))
}

fn filter(options: &CallsList) -> anyhow::Result<String> {
    for attribute in &options.attributes {
        ask::split(attribute)?;
    }
    let limit = options.limit.to_string();
    let named = [
        ("since", options.since.as_deref()),
        ("until", options.until.as_deref()),
        ("model", options.model.as_deref()),
        ("provider", options.provider.as_deref()),
        ("status", options.status.as_deref()),
        ("run", options.run.as_deref()),
        ("key", options.key.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let attributes = options.attributes.iter().map(|attribute| ("attribute", Some(attribute.as_str())));
    Ok(ask::query(named.into_iter().chain(attributes)))
}
