//! Fees of server tools that hold for every model of a seller, from the table of facts written by hand.

use anyhow::Context as _;
use pricing::Rows;

/// (seller, tool) in the table → tool here.
const TAKEN: &[(&str, &str, &str)] = &[
    ("openai", "file_search", "file_search"),
    ("openai", "code_interpreter", "code_interpreter"),
    ("azure", "code_interpreter", "code_interpreter"),
];

/// Rows of the table (`kind,seller,sku,meter,price_usd,per,…`).
pub fn seed(table: &str) -> anyhow::Result<Rows> {
    let mut text = String::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [_, seller, tool, _, price, per, ..] = cells.as_slice() else { continue };
        let Some((_, _, name)) = TAKEN.iter().find(|(who, what, _)| who == seller && what == tool) else { continue };
        let per = per.split(' ').next().context("per")?;
        let row = serde_json::json!({
            "seller": seller, "sku": "*", "meter": "tool_call", "attrs": {"tool": name}, "kind": "tool", "per": per, "price": price,
            "prov": {"source": "seed-table", "version": "2026-11", "key": format!("{seller} {tool}"), "licence": "facts"},
        });
        text.push_str(&format!("{row}\n"));
    }
    dialects::price_book::read(&text).map_err(|errors| anyhow::anyhow!("seed table: {}", errors[0]))
}
