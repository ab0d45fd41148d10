//! `mete prices`: what things cost, why, and where that is known from.

mod compare;
mod import;
mod machines;
mod set;
mod show;

use std::path::Path;

use serde_json::Value;

use crate::args::Prices;
use crate::context::{Context, accepted};
use crate::exit;
use crate::output::{self, Column, Kind};

const OWN: &[Column] = &[
    Column("NUMBER", "/id", Kind::Count),
    Column("SKU", "/row/sku", Kind::Text),
    Column("METER", "/row/meter", Kind::Text),
    Column("PRICE", "/row/price", Kind::Usd),
    Column("FROM", "/row/valid/from", Kind::Text),
    Column("SET", "/time", Kind::Text),
    Column("BY", "/actor", Kind::Text),
];

const UNKNOWN: &[Column] = &[
    Column("SELLER", "/seller", Kind::Text),
    Column("MODEL", "/model", Kind::Text),
    Column("CALLS", "/calls", Kind::Count),
    Column("REFUSED", "/refused", Kind::Count),
    Column("REMEDY", "/remedy", Kind::Text),
];

/// Rows of a list that a person is shown unless all are asked for.
const SHOWN: usize = 40;

/// Shows, explains, compares, imports and sets prices.
pub async fn prices(context: &Context, command: Prices) -> anyhow::Result<u8> {
    match command {
        Prices::Show(options) => show::show(context, &options).await?,
        Prices::Why(options) => show::why(context, &options).await?,
        Prices::Set(options) => set::set(context, &options).await?,
        Prices::Import(options) => return import::import(context, &options).await,
        Prices::Accept(options) => import::accept(context, &options).await?,
        Prices::Diff(options) => compare::diff(context, &options).await?,
        Prices::Conflicts(options) => compare::conflicts(context, &options).await?,
        Prices::Verify(options) => return compare::verify(context, &options).await,
        Prices::Snapshot(options) => compare::snapshot(context, &options).await?,
        Prices::Own => list(context, "/prices/own", OWN, "no price of your own; `mete prices set` makes one").await?,
        Prices::Unknown => list(context, "/prices/unknown", UNKNOWN, "every model that was called lately has a price").await?,
        Prices::Forget { id } => {
            let rows = accepted(context.api_of_records().await?.delete(&format!("/prices/own/{id}")).await?)?;
            output::print(context.format, &rows, |rows| output::table(rows, OWN, "no price of your own is left"));
        }
    }
    Ok(exit::OK)
}

async fn list(context: &Context, path: &str, columns: &[Column], empty: &str) -> anyhow::Result<()> {
    let rows = accepted(context.api_of_records().await?.get(path).await?)?;
    output::print(context.format, &rows, |rows| output::table(rows, columns, empty));
    Ok(())
}

/// What the price routes answer, of a book or of the server or data directory.
async fn get(context: &Context, book: Option<&Path>, path: &str) -> anyhow::Result<Value> {
    accepted(context.prices_api(book).await?.get(path).await?)
}

/// The first rows of a list, and how many more there are.
fn first(rows: &Value, all: bool) -> (Value, usize) {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = if all { rows.len() } else { rows.len().min(SHOWN) };
    (Value::Array(rows[..shown].to_vec()), rows.len() - shown)
}

/// What is said of rows that aren't shown.
fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!("\n… and {} more; --all lists them", output::grouped(&count.to_string())) }
}

/// The lines that a document has for a person.
fn text(document: &Value) -> String {
    let lines = document["text"].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.iter().filter_map(Value::as_str).map(output::clean).collect::<Vec<_>>().join("\n")
}
