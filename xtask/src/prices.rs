//! `cargo xtask prices --from DIR --out prices/`: the facts of published sources as rows of the embedded price book.
//!
//! Which source is believed for what is said in `prices/README.md`. Every row keeps where it comes from, who agrees and who doesn't.

mod azure;
mod bedrock;
mod choose;
mod copilot;
mod genai;
mod litellm;
mod metergraph;
mod models;
mod names;
mod rows;
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use pricing::{PriceBook, Rows, Rule};
use serde_json::Value;

use names::Names;

/// The day for which sources are compared and retired models are left out.
const TODAY: &str = "2026-11-23";

pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let ["--from", from, "--out", out] = arguments else { bail!("usage: cargo xtask prices --from DIR --out DIR") };
    let (rows, notes) = convert(Path::new(from))?;
    if let Err(errors) = PriceBook::from_rows(rows.clone()) {
        bail!(
            "{} rows contradict each other: {}",
            errors.len(),
            errors.iter().take(20).map(ToString::to_string).collect::<Vec<_>>().join("; ")
        );
    }
    for (seller, part) in by_seller(rows) {
        let path = Path::new(out).join(format!("{seller}.jsonl"));
        std::fs::write(&path, dialects::price_book::write(&part)).with_context(|| path.display().to_string())?;
        crate::say(&format!(
            "{seller}: {} rules, {} models, {} names, {} factors",
            part.rules.len(),
            part.models.len(),
            part.aliases.len(),
            part.modifiers.len()
        ));
    }
    for note in notes {
        crate::say(&note);
    }
    Ok(())
}

fn convert(from: &Path) -> anyhow::Result<(Rows, Vec<String>)> {
    let json = |name: &str| -> anyhow::Result<Value> {
        let path = from.join(name);
        serde_json::from_slice(&std::fs::read(&path).with_context(|| path.display().to_string())?)
            .with_context(|| path.display().to_string())
    };
    let at: Timestamp = rows::instant(TODAY)?;
    let history = json("prices/model-prices_0.0.5_dated-history.json")?;
    let mut names = Names::default();
    let mut candidates = genai::read(&json("prices/genai-prices_0.2.3.json")?, &mut names, &peak(&history)?)?;
    let regions = json("infra/gcp_vm_ondemand_spot_karpenter_2026-08-03.json")?;
    let mut vertex_regions: Vec<String> = regions["prices"].as_object().context("an object of regions")?.keys().cloned().collect();
    vertex_regions.extend(["us", "eu"].map(str::to_owned));
    let litellm = litellm::read(&json("prices/litellm_1.109.1_model_prices.json")?, &mut names, TODAY.parse::<Date>()?, &vertex_regions)?;
    candidates.extend(litellm.rules);
    candidates.extend(copilot::read(&json("prices/github-docs_copilot_models-and-pricing.json")?, &mut names)?);
    candidates.extend(metergraph::read(&json("prices/metergraph-core_0.7.4_prices.json")?, &mut names)?);
    let seed = std::fs::read_to_string(from.join("infra/ai_adjacent_seed_prices.csv")).context("infra/ai_adjacent_seed_prices.csv")?;
    candidates.extend(tools::read(&seed)?);
    let (azure, unread) = azure::read(&json("prices/azure-genai-prices_0.2.0_retail-meters_2026-08-11.json")?, &mut names)?;
    candidates.extend(azure);
    let mut chosen = choose::choose(candidates, at);
    chosen.notes.push(format!("azure: {} meters of other models, units or fine-tuning weren't read", unread.len()));
    without_the_dead(&mut chosen.rules, at);
    for rule in &mut chosen.rules {
        rule.id = dialects::price_book::derived_id(rule);
    }
    let sold: BTreeSet<(String, String)> =
        chosen.rules.iter().filter(|rule| rule.sku != Rule::ANY_SKU).map(|rule| (rule.seller.clone(), rule.sku.clone())).collect();
    let mut models = models::models(&sold, litellm.models, &json("prices/genai-prices_0.2.3.json")?, &names);
    models::correct_modes(&mut models, &chosen.rules);
    let modifiers = models::modifiers(&sold, litellm.modifiers);
    let aliases = names.aliases(&sold);
    Ok((Rows { rules: chosen.rules, aliases, modifiers, models, semantics: models::semantics(), ..Rows::default() }, chosen.notes))
}

/// Drops skus that have no price now or later.
fn without_the_dead(rules: &mut Vec<Rule>, at: Timestamp) {
    let alive = |rule: &Rule| rule.valid.to.is_none_or(|to| at < to);
    let sold: BTreeSet<(String, String)> =
        rules.iter().filter(|rule| alive(rule)).map(|rule| (rule.seller.clone(), rule.sku.clone())).collect();
    rules.retain(|rule| sold.contains(&(rule.seller.clone(), rule.sku.clone())));
}

/// When DeepSeek's peak hours began and which days have none.
fn peak(history: &Value) -> anyhow::Result<genai::Peak> {
    let schedules = history["schedules"]["schedule"].as_array().context("schedules")?;
    let peak =
        schedules.iter().find(|row| row["provider"] == "deepseek" && row["peak_hours_utc"].is_array()).context("DeepSeek's peak hours")?;
    let dates = history["schedules"]["holidays"]["cn"]["dates"].as_array().context("holidays")?;
    let holidays = dates.iter().filter_map(Value::as_str).map(str::parse::<Date>).collect::<Result<_, _>>()?;
    Ok(genai::Peak { from: rows::instant(peak["valid_from"].as_str().context("valid_from")?)?, holidays })
}

fn by_seller(rows: Rows) -> BTreeMap<String, Rows> {
    let mut parts: BTreeMap<String, Rows> = BTreeMap::new();
    rows.rules.into_iter().for_each(|row| parts.entry(row.seller.clone()).or_default().rules.push(row));
    rows.aliases.into_iter().for_each(|row| parts.entry(row.seller.clone()).or_default().aliases.push(row));
    rows.modifiers.into_iter().for_each(|row| parts.entry(row.seller.clone()).or_default().modifiers.push(row));
    rows.models.into_iter().for_each(|row| parts.entry(row.seller.clone()).or_default().models.push(row));
    rows.semantics.into_iter().for_each(|row| parts.entry(row.seller.clone()).or_default().semantics.push(row));
    parts
}
