//! `mete budgets`.

use serde_json::{Map, Value, json};

use super::ask;
use crate::args::{BudgetSet, Budgets};
use crate::context::{Context, accepted};
use crate::output::{self, Column, Kind};

const COLUMNS: &[Column] = &[
    Column("BUDGET", "/name", Kind::Text),
    Column("PER", "/per", Kind::Tags),
    Column("MATCH", "/match", Kind::Tags),
    Column("FROM", "/origin", Kind::Text),
    Column("WINDOW", "/window", Kind::Text),
    Column("LIMIT", "/limit_usd", Kind::Usd),
    Column("SPENT", "/spent_usd", Kind::Usd),
    Column("HELD", "/held_usd", Kind::Usd),
    Column("OVERAGE", "/overage_usd", Kind::Usd),
    Column("LEFT", "/remaining_usd", Kind::Usd),
    Column("UNPRICED CALLS", "/unpriced_calls", Kind::Count),
    Column("THEIR TOKENS", "/unpriced_tokens", Kind::Count),
];

/// Lists, shows and changes budgets.
pub async fn budgets(context: &Context, command: Budgets) -> anyhow::Result<()> {
    let is_new = matches!(command, Budgets::Set(_));
    let api = if is_new { context.api().await? } else { context.api_of_records().await? };
    let path = |name: &str| format!("/budgets/{}", ask::encoded(name));
    match command {
        Budgets::List { name } => {
            let mut rows = accepted(api.get("/budgets").await?)?;
            if let (Some(name), Some(rows)) = (name, rows.as_array_mut()) {
                rows.retain(|row| row["name"] == name.as_str());
            }
            output::print(context.format, &rows, table);
        }
        Budgets::Show { name } => {
            let budget = accepted(api.get(&path(&name)).await?)?;
            output::print(context.format, &budget, |budget| table(&as_rows(budget)));
        }
        Budgets::Set(options) => {
            let budget = accepted(api.put(&path(&options.name), definition(&options)?).await?)?;
            output::print(context.format, &budget, |budget| table(&as_rows(budget)));
        }
        Budgets::Remove { name } => {
            accepted(api.delete(&path(&name)).await?)?;
            output::talk(&format!("budget {name} is archived; what is held settles on it"));
        }
        Budgets::Pause { name } => {
            accepted(api.post(&format!("{}/pause", path(&name)), json!({})).await?)?;
            output::talk(&format!("budget {name} is paused: it counts and refuses nothing; `mete budgets resume {name}` ends that"));
        }
        Budgets::Resume { name } => {
            accepted(api.post(&format!("{}/resume", path(&name)), json!({})).await?)?;
            output::talk(&format!("budget {name} is in force"));
        }
    }
    Ok(())
}

fn table(rows: &Value) -> String {
    output::table(rows, COLUMNS, "no budgets yet; make one with `mete budgets set NAME --limit 25 --window month`")
}

fn as_rows(document: &Value) -> Value {
    if document.is_array() { document.clone() } else { json!([document]) }
}

/// Only what was typed; what is absent keeps its value or its default.
fn definition(options: &BudgetSet) -> anyhow::Result<Value> {
    let mut body = Map::new();
    ask::put(&mut body, "limit_usd", options.limit.clone());
    ask::put(&mut body, "window", options.window.clone());
    ask::put(&mut body, "time_zone", options.time_zone.clone());
    ask::put(&mut body, "on_exceed", options.on_exceed.clone());
    ask::put(&mut body, "measure", options.measure.clone());
    ask::put(&mut body, "unpriced", options.unpriced.clone());
    if !options.matches.is_empty() {
        body.insert("match".to_owned(), Value::Object(ask::pairs(&options.matches)?));
    }
    if !options.per.is_empty() {
        body.insert("per".to_owned(), json!(options.per));
    }
    Ok(Value::Object(body))
}
