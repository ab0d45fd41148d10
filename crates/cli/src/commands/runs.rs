//! `mete runs`.

use serde_json::{Value, json};

use super::ask;
use crate::args::Runs;
use crate::context::{Context, accepted};
use crate::output::{self, Column, Kind};

const COLUMNS: &[Column] = &[
    Column("RUN", "/run_id", Kind::Text),
    Column("NAME", "/name", Kind::Text),
    Column("STARTED", "/started_at", Kind::Text),
    Column("ENDED", "/ended_at", Kind::Text),
    Column("CALLS", "/calls", Kind::Count),
    Column("REFUSED", "/refused", Kind::Count),
    Column("LIMIT", "/limit_usd", Kind::Usd),
    Column("SPENT", "/spent_usd", Kind::Usd),
    Column("HELD", "/held_usd", Kind::Usd),
    Column("LEFT", "/remaining_usd", Kind::Usd),
];

/// Lists, shows, raises and ends runs.
pub async fn runs(context: &Context, command: Runs) -> anyhow::Result<()> {
    let api = context.api_of_records().await?;
    let path = |run: &str| format!("/runs/{}", ask::encoded(run));
    match command {
        Runs::List { active, limit } => {
            let limit = limit.to_string();
            let query = ask::query([("active", active.then_some("true")), ("limit", Some(limit.as_str()))]);
            let rows = accepted(api.get(&format!("/runs{query}")).await?)?;
            output::print(context.format, &rows, |rows| {
                output::table(rows, COLUMNS, "no runs yet; start one with `mete run --budget 5 -- CMD`")
            });
        }
        Runs::Show { run } => {
            let document = accepted(api.get(&path(&run)).await?)?;
            output::print(context.format, &document, one_run);
        }
        Runs::Raise { run, by } => {
            let document = accepted(api.post(&format!("{}/raise", path(&run)), json!({"by_usd": by})).await?)?;
            output::print(context.format, &document, one_run);
        }
        Runs::End { run } => {
            let document = accepted(api.post(&format!("{}/end", path(&run)), json!({})).await?)?;
            output::print(context.format, &document, one_run);
        }
    }
    Ok(())
}

fn one_run(run: &Value) -> String {
    output::table(&json!([run]), COLUMNS, "")
}
