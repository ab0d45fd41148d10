//! Compares the arrow table of ARCHITECTURE.md with what `cargo metadata` says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Third-party crates that layers 0 and 1 must never meet.
const NEVER_BELOW_LAYER_2: &[&str] = &["tokio", "serde", "serde_json", "hyper", "http", "axum", "rusqlite", "rand", "getrandom"];

/// Every arrow that exists stands in the table, and layers 0 and 1 stay free of I/O crates.
pub fn check(root: &Path) -> anyhow::Result<()> {
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).context("reading ARCHITECTURE.md")?;
    let table = Table::read(&page)?;
    let output = Command::new(env!("CARGO")).args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(root).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
    let wrong = violations(&table, &metadata);
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// The table: crate → layer and crates that it may use.
#[derive(Debug, Default)]
pub struct Table {
    layers: BTreeMap<String, u8>,
    arrows: Arrows,
}

impl Table {
    /// Reads rows such as ``| 2 | `store` | … | ledger, pricing, money | … |`` under the header that starts with `| layer | crate`.
    pub fn read(page: &str) -> anyhow::Result<Self> {
        let mut table = Self::default();
        let rows = page.lines().skip_while(|line| !line.starts_with("| layer | crate")).skip(2).take_while(|line| line.starts_with('|'));
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [layer, name, _, uses, ..] = cells.as_slice() else { bail!("a row of the arrow table has too few cells: {row}") };
            let name = name.trim_matches('`').to_owned();
            let uses = uses.split(',').map(|word| word.trim().trim_matches('`').to_owned()).filter(|word| !word.is_empty() && word != "–");
            table.arrows.insert(name.clone(), uses.collect());
            table.layers.insert(name, layer.parse().with_context(|| format!("layer of {row}"))?);
        }
        if table.arrows.is_empty() {
            bail!("ARCHITECTURE.md has no arrow table");
        }
        Ok(table)
    }
}

/// What the workspace does that the table doesn't allow, one sentence each.
pub fn violations(table: &Table, metadata: &serde_json::Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let members: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut wrong = Vec::new();
    for package in packages {
        let Some(name) = package["name"].as_str() else { continue };
        let Some(allowed) = table.arrows.get(name) else {
            wrong.push(format!("crate `{name}` isn't in the arrow table"));
            continue;
        };
        let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"].is_null()) {
            let Some(used) = dependency["name"].as_str() else { continue };
            if members.contains(used) && !allowed.contains(used) {
                wrong.push(format!("`{name}` uses `{used}`, an arrow that the table lacks"));
            }
            if table.layers.get(name).is_some_and(|layer| *layer < 2) && NEVER_BELOW_LAYER_2.contains(&used) {
                wrong.push(format!("`{name}` is of layer 0 or 1 and uses `{used}`"));
            }
        }
    }
    let missing = table.arrows.keys().filter(|name| !members.contains(name.as_str()));
    wrong.extend(missing.map(|name| format!("the arrow table names `{name}`, which isn't in the workspace")));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
| layer | crate | its one reason to exist | may use | must never know |
|---|---|---|---|---|
| 0 | `money` | amounts | – | floats |
| 1 | `ledger` | budgets | money | clocks |
";

    fn package(name: &str, uses: &[&str]) -> serde_json::Value {
        let dependencies: Vec<_> = uses.iter().map(|used| serde_json::json!({"name": used, "kind": null})).collect();
        serde_json::json!({"name": name, "dependencies": dependencies})
    }

    #[test]
    fn the_workspace_is_as_the_page_draws_it() {
        check(&crate::check::root()).unwrap();
    }

    #[test]
    fn an_arrow_that_the_table_lacks_is_named() {
        let table = Table::read(PAGE).unwrap();
        let metadata =
            |money: &[&str], ledger: &[&str]| serde_json::json!({"packages": [package("money", money), package("ledger", ledger)]});
        assert_eq!(violations(&table, &metadata(&[], &["money", "jiff"])), Vec::<String>::new());
        assert_eq!(violations(&table, &metadata(&["ledger"], &[])), ["`money` uses `ledger`, an arrow that the table lacks"]);
        assert_eq!(violations(&table, &metadata(&[], &["tokio"])), ["`ledger` is of layer 0 or 1 and uses `tokio`"]);
    }
}
