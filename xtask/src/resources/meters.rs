//! Meters beside models' tokens: storage of caches and vectors, databases' units, searches, guardrails, seats, credits and
//! what plans give, each with how far its source can be trusted.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use pricing::Rows;
use serde_json::{Map, Value, json};

/// How a row of the hand-made table is read: (kind, seller, sku) there, then our seller, sku, kind, meter and unit.
struct Reading {
    from: (&'static str, &'static str, &'static str),
    seller: &'static str,
    sku: &'static str,
    kind: &'static str,
    meter: &'static str,
    unit: &'static str,
}

const fn reading(
    from: (&'static str, &'static str, &'static str),
    to: (&'static str, &'static str, &'static str),
    meter: &'static str,
    unit: &'static str,
) -> Reading {
    Reading { from, seller: to.0, sku: to.1, kind: to.2, meter, unit }
}

/// The rows that are taken; a sku of the table may hold several of ours, by `|`. Fees of server tools that models call are
/// rows of their sellers' own files.
const TABLE: &[Reading] = &[
    reading(("cache_storage", "google-vertex", "*"), ("vertex", "google/", "storage"), "cache_storage", "token-hour"),
    reading(("cache_storage", "google", "*"), ("google", "google/", "storage"), "cache_storage", "token-hour"),
    reading(("vector_store", "openai", "vector_store"), ("openai", "openai/vector_store", "storage"), "gib_day", "GiB-day"),
    reading(("tool", "openai", "code_interpreter"), ("openai", "openai/container", "tool"), "container_session", "session"),
    reading(("tool", "azure", "code_interpreter"), ("azure", "azure/container", "tool"), "container_session", "session"),
    reading(("tool", "perplexity", "*"), ("perplexity", "*", "tool"), "request", "request"),
    reading(("rerank", "aws-bedrock", "*"), ("bedrock", "amazon/rerank-v1:0", "rerank"), "query", "query"),
    reading(("search", "google-vertex", "search_api"), ("vertex", "google/search_api", "search"), "query", "query"),
    reading(("vector_db", "pinecone", "serverless standard"), ("pinecone", "pinecone/serverless-standard", "vector_db"), "", ""),
    reading(("vector_db", "pinecone", "serverless enterprise"), ("pinecone", "pinecone/serverless-enterprise", "vector_db"), "", ""),
    reading(("vector_db", "weaviate", "*"), ("weaviate", "weaviate/cloud", "vector_db"), "dimension_month", "dimension-month"),
    reading(("vector_db", "qdrant", "*"), ("qdrant", "qdrant/cloud-smallest-node", "vector_db"), "node_hour", "node-hour"),
    reading(("vector_db", "turbopuffer", "base"), ("turbopuffer", "turbopuffer/base", "vector_db"), "queried_gb", "GB"),
    reading(("vector_db", "aws", "s3-vectors"), ("aws", "aws/s3-vectors", "vector_db"), "", ""),
    reading(("vector_db", "aws", "opensearch-serverless"), ("aws", "aws/opensearch-serverless", "vector_db"), "ocu_hour", "OCU-hour"),
    reading(("k8s_default", "opencost", "custom"), ("opencost", "opencost/default", "machine"), "", ""),
];

/// Meters of rows whose sku has several, by the table's name: ours and the unit.
const METERS: &[(&str, &str, &str)] = &[
    ("read_unit", "read_unit", "read unit"),
    ("storage_gb_month", "gb_month", "GB-month"),
    ("put_gb", "put_gb", "GB"),
    ("vcpu_hour", "vcpu_hour", "vCPU-hour"),
    ("ram_gib_hour", "gib_hour", "GiB-hour"),
    ("gpu_hour", "gpu_hour", "GPU-hour"),
    ("storage_gb_hour", "gb_hour", "GB-hour"),
];

/// The rows of `meters.jsonl`, and what wasn't read.
pub fn read(from: &Path) -> anyhow::Result<(Rows, Vec<String>)> {
    let text = |name: &str| std::fs::read_to_string(from.join(name)).with_context(|| name.to_owned());
    let file = |name: &str| -> anyhow::Result<Value> { serde_json::from_str(&text(name)?).with_context(|| name.to_owned()) };
    let mut notes = vec!["egress: no source has a price; it is priced by rows of one's own".to_owned()];
    let mut lines = seed(&text("infra/ai_adjacent_seed_prices.csv")?, &mut notes)?;
    lines.extend(queries(&file("prices/litellm_1.109.1_model_prices.json")?)?);
    lines.extend(plans(&file("prices/model-prices_0.0.5_dated-history.json")?)?);
    lines.extend(copilot(&file("prices/github-docs_copilot_models-and-pricing.json")?)?);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let rows = dialects::price_book::read(&text).map_err(|errors| anyhow!("{}: {}", errors[0], lines[errors[0].line - 1]))?;
    Ok((rows, notes))
}

fn seed(table: &str, notes: &mut Vec<String>) -> anyhow::Result<Vec<Value>> {
    let mut lines = Vec::new();
    for line in table.lines().skip(1).filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.splitn(10, ',').collect();
        let [kind, seller, sku, meter, price, per, region, at, source, confidence] = cells.as_slice() else { bail!("ten cells: {line}") };
        let row = SeedRow { sku, meter, price, per, region, at, source, confidence };
        if *meter == "monthly_minimum" {
            lines.push(row.minimum(seller));
            continue;
        }
        let known = TABLE.iter().find(|known| (known.from.0, known.from.1) == (*kind, *seller) && [*sku, "*"].contains(&known.from.2));
        match known {
            Some(known) => lines.extend(row.rules(known)?),
            None => notes.push(format!("seed table: {seller} {sku} {meter} isn't taken here")),
        }
    }
    lines.push(json!({"type": "allowance", "id": "openai-vector-store-first-gib", "seller": "openai", "sku": "openai/vector_store",
        "meter": "gib_day", "free_units": "1", "every": "day",
        "prov": {"source": "seed-table", "version": "2026-03-12", "confidence": "secondary", "licence": "facts"}}));
    Ok(lines)
}

/// A line of the hand-made table.
struct SeedRow<'a> {
    sku: &'a str,
    meter: &'a str,
    price: &'a str,
    per: &'a str,
    region: &'a str,
    at: &'a str,
    source: &'a str,
    confidence: &'a str,
}

impl SeedRow<'_> {
    fn prov(&self) -> Value {
        let (source, rest) = self.source.split_once([' ', ';']).unwrap_or((self.source, ""));
        let mut prov = json!({"source": source, "version": self.at, "key": format!("{} {}", self.sku, self.meter), "raw": self.price,
            "licence": "facts", "confidence": self.confidence});
        if !rest.is_empty() {
            prov["note"] = json!(self.source);
        }
        if self.confidence == "conflict" && self.meter == "storage_gb_month" {
            prov["differ"] = json!(["leanopstech.com 16.00"]);
        }
        prov
    }

    /// What the row says holds from its date. Rows that contradict each other count from the later one's date, so that both stand.
    fn from(&self) -> String {
        let at = if self.meter == "vector_dimensions_month" { "2026-03" } else { self.at };
        let at = at.split("..").next().unwrap_or(at);
        format!("{at}{}", &"0000-01-01"[at.len().min(10)..])
    }

    fn rules(&self, known: &Reading) -> anyhow::Result<Vec<Value>> {
        let (meter, unit) = match METERS.iter().find(|(name, ..)| *name == self.meter) {
            Some((_, meter, unit)) if known.meter.is_empty() => (*meter, *unit),
            _ => (known.meter, known.unit),
        };
        // A petabyte is counted in gigabytes, of which a person has a whole number.
        let per: u64 =
            if self.per == "1 PB" { 1_000_000 } else { self.per.split(' ').next().unwrap_or_default().parse().context("per")? };
        let mut row = json!({"seller": known.seller, "kind": known.kind, "meter": meter, "unit": unit, "per": per, "price": self.price,
            "valid": {"from": self.from(), "basis": "first_seen"}, "prov": self.prov()});
        if let Some(regions) = regions(self.region) {
            row["region"] = regions;
        }
        if let Some(size) = self.sku.strip_prefix("search_request_") {
            row["select"] = json!({"search_context": size});
        }
        let skus =
            self.sku.split('|').map(|sku| if known.sku.ends_with('/') { format!("{}{sku}", known.sku) } else { known.sku.to_owned() });
        Ok(skus
            .map(|sku| {
                row["sku"] = json!(sku);
                row.clone()
            })
            .collect())
    }

    fn minimum(&self, seller: &str) -> Value {
        json!({"type": "allowance", "id": format!("{seller}-{}-minimum", self.sku), "seller": seller, "plan": self.sku,
            "minimum_usd": self.price, "valid": {"from": self.from()}, "prov": self.prov()})
    }
}

fn regions(text: &str) -> Option<Value> {
    let ids: Vec<&str> = match text {
        "global" => return None,
        _ => text.split('|').map(|id| id.trim_start_matches("aws ").trim_start_matches("gcp ").trim_end_matches(" class")).collect(),
    };
    Some(json!({"scope": if ids.len() == 1 { "region" } else { "set" }, "ids": ids}))
}

/// litellm's prices for one query of a reranker or a search service, and for a unit of Bedrock's guardrails. Its zeros mean
/// that nobody wrote a price down.
fn queries(models: &Value) -> anyhow::Result<Vec<Value>> {
    let mut lines = Vec::new();
    for (key, model) in models.as_object().context("an object of models")? {
        let prov = |field: &str, raw: &Value| {
            json!({"source": "litellm", "version": "1.109.1", "key": format!("{key} {field}"), "raw": raw.to_string(), "licence": "MIT",
                "url": model["source"].as_str().unwrap_or_default(), "confidence": "curated"})
        };
        if let Some(units) = model["guardrail_cost_per_unit"].as_object() {
            for (policy, price) in units.iter().filter(|(_, price)| !is_zero(price)) {
                let policy = policy.trim_end_matches("Units");
                lines.push(json!({"seller": "bedrock", "sku": "amazon/guardrails", "publisher": "amazon", "kind": "guardrail",
                    "meter": "guardrail_unit", "unit": "unit", "attrs": {"policy": policy}, "price": price, "prov": prov("guardrail", price)}));
            }
        }
        let price = &model["input_cost_per_query"];
        let kind = model["mode"].as_str().unwrap_or_default();
        if !price.is_number() || is_zero(price) || !["rerank", "search"].contains(&kind) {
            continue;
        }
        let (seller, sku) = sold_as(key, model["litellm_provider"].as_str().unwrap_or_default());
        // The hand-made table has the first with its region, Azure's own meters have the others by region.
        if sku != "amazon/rerank-v1:0" && !sku.starts_with("cohere/cohere-rerank-v4") {
            lines.push(json!({"seller": seller, "sku": sku, "kind": kind, "meter": "query", "unit": "query", "price": price,
                "prov": prov("input_cost_per_query", price)}));
        }
    }
    Ok(lines)
}

fn is_zero(price: &Value) -> bool {
    price.as_f64().is_none_or(|price| price == 0.0)
}

/// Who sells a litellm key, and as what.
fn sold_as(key: &str, provider: &str) -> (String, String) {
    let name = key.split_once('/').map_or(key, |(_, name)| name);
    match provider {
        "bedrock" => ("bedrock".to_owned(), key.replacen('.', "/", 1)),
        "azure_ai" => ("azure".to_owned(), format!("cohere/{name}")),
        "vertex_ai" => ("vertex".to_owned(), format!("google/{name}")),
        _ => (provider.to_owned(), format!("{provider}/{name}")),
    }
}

/// Subscriptions as seats by the month.
fn plans(history: &Value) -> anyhow::Result<Vec<Value>> {
    let plans = history["plans"].as_array().context("plans")?;
    plans.iter().map(|plan| {
        let [seller, id, name, url, checked] = ["provider", "id", "name", "source", "checked"].map(|field| plan[field].as_str());
        let (seller, id) = (seller.context("provider")?, id.context("id")?);
        let price = &plan["usd_per_month"];
        let mut valid = Map::new();
        for (field, end) in [("valid_from", "from"), ("valid_until", "to")] {
            if let Some(at) = plan[field].as_str() {
                valid.insert(end.to_owned(), json!(at));
            }
        }
        Ok(json!({"seller": seller, "sku": format!("{seller}/plan-{id}"), "kind": "seat", "meter": "seat_month", "unit": "seat-month",
            "price": price, "valid": valid, "prov": {"source": "model-prices", "version": "0.0.5", "key": name, "raw": price.to_string(),
            "url": url, "licence": "MIT", "note": format!("{} Checked on {}.", plan["note"].as_str().unwrap_or_default(), checked.unwrap_or_default()).trim(),
            "confidence": "curated"}}))
    }).collect()
}

/// Copilot's credit, its plans' seats and what they give.
fn copilot(file: &Value) -> anyhow::Result<Vec<Value>> {
    const FROM: &str = "2026-06-01";
    let prov = |key: &str, raw: &Value, confidence: &str| {
        json!({"source": "github-docs", "version": "024f6b0f", "licence": "CC-BY-4.0", "key": key, "raw": raw.to_string().trim_matches('"'),
            "confidence": confidence, "url": "https://docs.github.com/en/copilot/reference/copilot-billing/models-and-pricing"})
    };
    let usd = &file["credit"]["usd_per_credit"];
    let mut lines = vec![json!({"seller": "github-copilot", "sku": "*", "publisher": "github", "kind": "credit", "meter": "credit",
        "unit": "AI credit", "price": usd, "prov": prov("credit", usd, "corroborated")})];
    for (plan, facts) in file["plans_monthly_credits"].as_object().context("plans")? {
        let seat = if facts["usd"].is_null() { &facts["usd_per_seat"] } else { &facts["usd"] };
        if seat.is_string() {
            lines.push(json!({"seller": "github-copilot", "sku": format!("github/plan-{plan}"), "kind": "seat", "meter": "seat_month",
                "unit": "seat-month", "price": seat, "valid": {"from": FROM, "basis": "first_seen"}, "prov": prov(plan, seat, "secondary")}));
        }
        let credits = if facts["credits"].is_null() { &facts["credits_per_seat"] } else { &facts["credits"] };
        let pool = |id: String, credits: u64, valid: Value, kind: &str| {
            json!({"type": "allowance", "id": id, "seller": "github-copilot", "plan": plan, "pool_usd_per_seat":
                format!("{}.{:02}", credits / 100, credits % 100), "valid": valid, "price_kind": kind,
                "prov": prov(plan, &json!(credits), "secondary")})
        };
        if let Some(credits) = credits.as_u64() {
            lines.push(pool(format!("copilot-{plan}-credits"), credits, json!({"from": FROM}), "list"));
        }
        if let Some(credits) = facts["promo_2026-06-01_2026-09-01"].as_u64() {
            lines.push(pool(format!("copilot-{plan}-credits-promo"), credits, json!({"from": FROM, "to": "2026-09-01"}), "promo"));
        }
    }
    Ok(lines)
}
