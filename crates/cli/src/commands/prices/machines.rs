//! What `mete prices show` prints for a machine: its price in a region, where it is cheaper, and what could stand in.

use serde_json::{Value, json};

use crate::output::{self, Column, Kind};

/// Regions and machines that no more than this many are printed; `--format json` has them all.
const ROWS_MAX: usize = 12;
/// A price older than this is marked: a quarter's worth of changes.
const OLD_DAYS: i64 = 90;

const ELSEWHERE: &[Column] = &[
    Column("REGION", "/region", Kind::Text),
    Column("HOUR", "/hour_usd", Kind::Usd),
    Column("AS OF", "/as_of", Kind::Text),
    Column("CONFIDENCE", "/confidence", Kind::Text),
    Column("SOURCE", "/source", Kind::Text),
];

const OTHERS: &[Column] = &[
    Column("MACHINE", "/machine", Kind::Text),
    Column("CHEAPEST IN", "/region", Kind::Text),
    Column("HOUR", "/hour_usd", Kind::Usd),
    Column("DEAREST IN", "/dearest_region", Kind::Text),
    Column("HOUR", "/dearest_usd", Kind::Usd),
    Column("HERE", "/here_usd", Kind::Usd),
    Column("REGIONS", "/count", Kind::Count),
    Column("AS OF", "/as_of", Kind::Text),
    Column("CONFIDENCE", "/confidence", Kind::Text),
    Column("SOURCE", "/source", Kind::Text),
];

/// The document of `GET /prices/show` for a machine, as a person reads it.
pub fn human(document: &Value) -> String {
    let machines = document["machines"].as_array().map(Vec::as_slice).unwrap_or_default();
    machines.iter().map(|machine| one(document, machine)).collect::<Vec<_>>().join("\n\n")
}

fn one(document: &Value, machine: &Value) -> String {
    let sku = text(machine, "sku");
    let mut parts = vec![format!("{sku}  ({})  {}", text(machine, "seller"), shape(machine))];
    parts.push(here(document, machine));
    for foreign in rows(machine, "foreign").iter().take(ROWS_MAX) {
        let at =
            [text(foreign, "region"), text(foreign, "hour"), text(foreign, "currency"), text(foreign, "as_of"), text(foreign, "source")];
        parts.push(format!(
            "{}: {} {} an hour, as of {} ({}); unpriced in dollars without a rate of exchange",
            at[0], at[1], at[2], at[3], at[4]
        ));
    }
    let regions = rows(machine, "regions");
    if !regions.is_empty() {
        let heading = if document["region"].is_null() { "By region, the cheapest first:" } else { "Elsewhere, the cheapest first:" };
        parts.push(format!("\n{heading}\n{}", limited(regions.iter().map(dated).collect(), ELSEWHERE)));
    }
    let others = rows(machine, "others");
    if !others.is_empty() {
        parts.push(format!("\n{}\n{}", alike(machine), limited(others.iter().map(|other| stand_in(document, other)).collect(), OTHERS)));
    }
    parts.join("\n")
}

fn here(document: &Value, machine: &Value) -> String {
    let what = format!("an hour {}", text(document, "term").replace('_', " "));
    let offer = &machine["here"];
    match document["region"].as_str() {
        None => format!("Prices of {what}."),
        Some(region) if offer.is_null() => {
            let remedy = machine["remedy"].as_str().map_or(String::new(), |remedy| format!("\nYour own: {}", output::clean(remedy)));
            format!("{}: unpriced; no source has a price of {what} there.{remedy}", output::clean(region))
        }
        Some(region) => {
            let offer = dated(offer);
            let source = format!("as of {}, {}, {}", text(&offer, "as_of"), text(&offer, "source"), text(&offer, "confidence"));
            format!("{}: {} {what} ({source})", output::clean(region), output::cell(offer.get("hour_usd"), Kind::Usd))
        }
    }
}

fn shape(machine: &Value) -> String {
    let shape = &machine["shape"];
    if shape.is_null() {
        return "shape not known".to_owned();
    }
    let with = |name: &str, unit: &str| match &shape[name] {
        Value::Null => String::new(),
        value => format!(", {} {unit}", output::cell(Some(value), Kind::Text)),
    };
    let memory = shape["gpu_memory_gb"].as_u64().map_or(String::new(), |memory| format!(" {memory} GB"));
    format!("{} × {}{memory}{}{}", text(shape, "gpus"), text(shape, "gpu"), with("vcpus", "vCPU"), with("memory_gib", "GiB"))
}

fn alike(machine: &Value) -> &'static str {
    match machine["likeness"].as_str() {
        Some("gpus") => "Machines with the same GPUs (CPUs, memory and network may differ), the cheapest first:",
        _ => "Machines of the same class and CPUs by name (memory isn't in the facts), the cheapest first:",
    }
}

/// An offer whose date says so when it is old.
fn dated(offer: &Value) -> Value {
    let mut offer = offer.clone();
    let age = offer["age_days"].as_i64().filter(|age| *age > OLD_DAYS);
    if let (Some(age), Some(day)) = (age, offer["as_of"].as_str()) {
        offer["as_of"] = json!(format!("{day} ({age} days old)"));
    }
    offer
}

/// A machine's cheapest offer, with its dearest and that of the region asked for beside it.
fn stand_in(document: &Value, other: &Value) -> Value {
    let offers = rows(other, "regions");
    let mut row = offers.first().map_or(Value::Null, dated);
    row["machine"] = json!(format!("{}/{}", text(other, "seller"), text(other, "sku")));
    row["count"] = json!(offers.len());
    let here = offers.iter().find(|offer| offer["region"] == document["region"] && !offer["region"].is_null());
    row["here_usd"] = here.map_or(Value::Null, |offer| offer["hour_usd"].clone());
    if let Some(dearest) = offers.last().filter(|_| offers.len() > 1) {
        row["dearest_region"] = dearest["region"].clone();
        row["dearest_usd"] = dearest["hour_usd"].clone();
    }
    row
}

fn limited(mut rows: Vec<Value>, columns: &[Column]) -> String {
    let left = rows.len().saturating_sub(ROWS_MAX);
    rows.truncate(ROWS_MAX);
    let table = output::table(&Value::Array(rows), columns, "");
    if left == 0 { table } else { format!("{table}\nand {left} more; --format json has them all") }
}

fn rows<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value, name: &str) -> String {
    output::cell(value.get(name), Kind::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(region: Option<&str>, usd: &str, age: i64) -> Value {
        json!({"region": region, "hour_usd": usd, "as_of": "2025-04-21", "age_days": age, "source": "list 1", "confidence": "curated"})
    }

    fn document(region: Option<&str>, here: Value) -> Value {
        let shape = json!({"gpus": "8", "gpu": "H100", "gpu_memory_gb": 80, "vcpus": 192, "memory_gib": "2048"});
        let others = json!([
            {"seller": "oracle", "sku": "BM", "regions": [offer(None, "80", 581)]},
            {"seller": "gcp", "sku": "a3", "regions": [offer(Some("us"), "88.49", 1), offer(Some("asia"), "126", 1)]},
        ]);
        let machine = json!({"seller": "aws", "sku": "p5", "shape": shape, "here": here, "regions": [offer(Some("us-east-1"), "55.04", 5)],
            "remedy": "mete prices set aws/p5", "foreign": [{"region": "cn", "hour": "5", "currency": "CNY", "as_of": "2024-11-06", "source": "s"}], "likeness": "gpus",
            "others": others});
        json!({"region": region, "term": "on_demand", "machines": [machine]})
    }

    #[test]
    fn an_unpriced_region_is_said_and_what_could_stand_in_is_named() {
        let said = human(&document(Some("eu-west-1"), Value::Null));
        for part in [
            "p5  (aws)  8 × H100 80 GB, 192 vCPU, 2048 GiB",
            "eu-west-1: unpriced; no source has a price of an hour on demand there.\nYour own: mete prices set aws/p5",
            "cn: 5 CNY an hour, as of 2024-11-06 (s); unpriced in dollars",
            "Elsewhere, the cheapest first:",
            "2025-04-21 (581 days old)",
            "oracle/BM",
            "gcp/a3",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        assert!(!said.contains("(5 days old)"), "{said}");
        let priced = human(&document(Some("us-west-2"), offer(Some("us-west-2"), "60.5", 2)));
        assert!(priced.contains("us-west-2: $60.5 an hour on demand (as of 2025-04-21, list 1, curated)"), "{priced}");
        assert!(human(&document(None, Value::Null)).contains("By region, the cheapest first:"));
    }

    #[test]
    fn a_long_list_says_how_much_was_left_out() {
        let rows = (0..20).map(|_| offer(Some("r"), "1", 1)).collect();
        assert!(limited(rows, ELSEWHERE).ends_with("and 8 more; --format json has them all"));
    }
}
