//! `cargo xtask prices --from DIR --out prices/`: the facts of published sources as rows of the embedded price book.
//!
//! `dialects::price_sources` reads the files, as at run time; here is what we take from them and what we know better. Which source
//! is believed for what is said in `prices/README.md`. Every row keeps where it comes from, who agrees and who doesn't.

mod history;
mod judgements;
mod models;
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use dialects::catalogue::choose;
use dialects::price_sources::{Names, ReadOptions, Reading, Source, prefixed_names, read_with, semantics};
use jiff::Timestamp;
use pricing::{Alias, PriceBook, Rows, Rule};

/// When sources are compared.
const TODAY: &str = "2026-11-23T00:00:00Z";

/// The files, in the order in which they name models: source, file, version, date of its facts.
const FILES: &[(Source, &str, &str, &str)] = &[
    (Source::GenaiPrices, "prices/genai-prices_0.2.3.json", "0.2.3", "2026-11-09T00:00:00Z"),
    (Source::Litellm, "prices/litellm_1.109.1_model_prices.json", "1.109.1", TODAY),
    (Source::GithubCopilot, "prices/github-docs_copilot_models-and-pricing.json", "024f6b0f", "2026-08-01T00:00:00Z"),
    (Source::Metergraph, "prices/metergraph-core_0.7.4_prices.json", "0.7.4", "2026-10-25T00:00:00Z"),
    (Source::ModelPrices, "prices/model-prices_0.0.5_dated-history.json", "0.0.5", "2026-10-26T00:00:00Z"),
    (Source::AzureRetail, "prices/azure-genai-prices_0.2.0_retail-meters_2026-08-11.json", "2026-08-11", "2026-08-11T00:00:00Z"),
];

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
    for note in notes {
        crate::say(&note);
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
    Ok(())
}

fn convert(from: &Path) -> anyhow::Result<(Rows, Vec<String>)> {
    let at: Timestamp = TODAY.parse()?;
    let mut notes = Vec::new();
    let mut read = Rows::default();
    for reading in readings(from)? {
        notes.push(summary(&reading));
        append(&mut read, reading.rows);
    }
    let seed = std::fs::read_to_string(from.join("infra/ai_adjacent_seed_prices.csv")).context("infra/ai_adjacent_seed_prices.csv")?;
    append(&mut read, tools::seed(&seed)?);
    judgements::correct(&mut read);
    read.rules.retain(|rule| judgements::is_embedded(&rule.seller));
    let aside = history::set_aside(&mut read.rules);
    let mut chosen = choose(std::mem::take(&mut read.rules), &seen()?, at);
    history::date(&mut chosen.rules, aside, at);
    notes.extend(chosen.notes);
    judgements::drop_dear_cache_reads(&mut chosen.rules, &mut notes);
    let mut rows = Rows { rules: chosen.rules, ..Rows::default() };
    judgements::add_by_hand(&mut rows)?;
    without_the_dead(&mut rows, at);
    for rule in &mut rows.rules {
        rule.id = dialects::price_book::derived_id(rule);
    }
    let sold: BTreeSet<(String, String)> =
        rows.rules.iter().filter(|rule| rule.sku != Rule::ANY_SKU).map(|rule| (rule.seller.clone(), rule.sku.clone())).collect();
    let alive: BTreeSet<(String, String)> =
        rows.rules.iter().filter(|rule| is_alive(rule, at)).map(|rule| (rule.seller.clone(), rule.sku.clone())).collect();
    rows.models = models::models(&alive, read.models);
    models::correct_modes(&mut rows.models, &rows.rules);
    rows.modifiers = models::modifiers(&sold, read.modifiers);
    rows.aliases.extend(aliases(&sold, read.aliases));
    rows.semantics = semantics();
    let told: BTreeSet<String> = rows.semantics.iter().map(|row| row.seller.clone()).collect();
    rows.semantics.extend(read.semantics.into_iter().filter(|row| !told.contains(&row.seller) && judgements::is_embedded(&row.seller)));
    Ok((rows, notes))
}

/// When each source was last read.
fn seen() -> anyhow::Result<BTreeMap<String, Timestamp>> {
    FILES.iter().map(|(source, _, _, at)| Ok((source.name().to_owned(), at.parse()?))).collect()
}

fn readings(from: &Path) -> anyhow::Result<Vec<Reading>> {
    let mut names = Names::default();
    let mut readings = Vec::new();
    for (source, file, version, as_of) in FILES {
        let path = from.join(file);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let mut reading = read_with(*source, &bytes, &mut names, as_of.parse()?, ReadOptions::default())?;
        let (rows, version) = (&mut reading.rows, (*version).to_owned());
        rows.rules.iter_mut().for_each(|row| row.prov.version.clone_from(&version));
        rows.aliases.iter_mut().filter(|row| row.prov.source == source.name()).for_each(|row| row.prov.version.clone_from(&version));
        rows.models.iter_mut().for_each(|row| row.prov.version.clone_from(&version));
        rows.modifiers.iter_mut().for_each(|row| row.prov.version.clone_from(&version));
        rows.semantics.iter_mut().for_each(|row| row.prov.version.clone_from(&version));
        judgements::forget_moved(*source, &mut names, &mut reading);
        readings.push(reading);
    }
    Ok(readings)
}

fn append(rows: &mut Rows, mut more: Rows) {
    rows.rules.append(&mut more.rules);
    rows.aliases.append(&mut more.aliases);
    rows.modifiers.append(&mut more.modifiers);
    rows.models.append(&mut more.models);
    rows.semantics.append(&mut more.semantics);
}

/// What of a file wasn't read, by reason.
fn summary(reading: &Reading) -> String {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for skipped in &reading.skipped {
        let reason = skipped.why.split(['`', '(', ':']).next().unwrap_or_default().trim();
        *reasons.entry(reason.to_owned()).or_default() += 1;
    }
    let reasons: Vec<String> = reasons.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!("{}: {} rules; not read: {}", reading.source.name(), reading.rows.rules.len(), reasons.join("; "))
}

fn is_alive(rule: &Rule, at: Timestamp) -> bool {
    rule.valid.to.is_none_or(|to| at < to) && rule.recorded.to.is_none_or(|to| at < to)
}

/// Drops skus that have no price now or later, unless their name is answered by another.
fn without_the_dead(rows: &mut Rows, at: Timestamp) {
    let sold: BTreeSet<(String, String)> =
        rows.rules.iter().filter(|rule| is_alive(rule, at)).map(|rule| (rule.seller.clone(), rule.sku.clone())).collect();
    let redirected: BTreeSet<(String, String)> = rows.aliases.iter().map(|row| (row.seller.clone(), row.name.clone())).collect();
    rows.rules.retain(|rule| {
        let name = rule.sku.split_once('/').map_or("", |(_, model)| model);
        sold.contains(&(rule.seller.clone(), rule.sku.clone())) || redirected.contains(&(rule.seller.clone(), name.to_owned()))
    });
}

/// Names of what is sold that aren't a sku's own.
fn aliases(sold: &BTreeSet<(String, String)>, read: Vec<Alias>) -> Vec<Alias> {
    let own: BTreeSet<(&str, &str)> = sold.iter().filter_map(|(seller, sku)| Some((seller.as_str(), sku.split_once('/')?.1))).collect();
    let is_plain = |row: &Alias| row.select.is_empty() && row.valid == pricing::Span::ALWAYS;
    let mut seen = BTreeSet::new();
    let mut rows: Vec<Alias> = read
        .into_iter()
        .filter(|row| sold.contains(&(row.seller.clone(), row.sku.clone())))
        .filter(|row| !(is_plain(row) && own.contains(&(row.seller.as_str(), row.name.as_str()))))
        .filter(|row| seen.insert((row.seller.clone(), row.name.clone(), row.valid.from, row.valid.to)))
        .collect();
    let sellers: BTreeSet<&str> = sold.iter().map(|(seller, _)| seller.as_str()).collect();
    rows.extend(sellers.into_iter().flat_map(prefixed_names));
    rows
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
