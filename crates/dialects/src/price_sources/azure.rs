//! Azure retail meters: a meter's name says model, direction, deployment, tier and context. `azure_names` reads it.
//!
//! Two shapes are read: meters with a list of regions, and the answer of prices.azure.com with one item a region.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use money::Decimal;
use pricing::{Attrs, Basis, Region, RegionScope, Rule, Span};
use serde_json::Value;

use super::azure_names::{Meter, Unit, parsed};
use super::names::Names;
use super::rows::{Counted, Fact, Gathered, Steps, decimal, instant, pairs};
use super::{ReadError, Source};

const URL: &str = "https://prices.azure.com/api/retail/prices";

/// Region → since when, the price for [`Counted::per`] units, the meter's name.
type ByRegion = BTreeMap<String, (Timestamp, Decimal, String)>;
/// Prices by band, as text so that they can be compared.
type Bands = Vec<(u64, String)>;

pub(super) fn read(file: &Value, names: &mut Names, out: &mut Gathered) -> Result<(), ReadError> {
    let items = [&file["items"], &file["Items"]].into_iter().find_map(Value::as_array);
    let items = items.ok_or_else(|| ReadError::new(Source::AzureRetail, "`items`", "a list of meters was expected"))?;
    let mut prices: BTreeMap<Meter, ByRegion> = BTreeMap::new();
    let mut unread: BTreeSet<(String, String)> = BTreeSet::new();
    for item in items {
        let field = |name: &str| item[name].as_str().unwrap_or_default();
        let (product, meter, unit) = (field("productName"), field("meterName"), field("unitOfMeasure"));
        let key = format!("{product}: {meter} ({unit})");
        match one(item, product, meter, unit, names) {
            Ok((read, since, price)) => {
                let regions = prices.entry(read).or_default();
                for region in regions_of(item) {
                    let latest = regions.entry(region).or_insert_with(|| (since, price, meter.to_owned()));
                    if since > latest.0 {
                        *latest = (since, price, meter.to_owned());
                    }
                }
            }
            Err(why) => _ = unread.insert((key, why)),
        }
    }
    unread.into_iter().for_each(|(key, why)| out.skip(&key, why));
    rules(&prices, names, out);
    Ok(())
}

fn regions_of(item: &Value) -> Vec<String> {
    let listed = item["regions"].as_array().into_iter().flatten().filter_map(Value::as_str);
    listed.chain(item["armRegionName"].as_str()).filter(|region| !region.is_empty()).map(str::to_owned).collect()
}

fn one(item: &Value, product: &str, meter: &str, unit: &str, names: &Names) -> Result<(Meter, Timestamp, Decimal), String> {
    if item["currencyCode"].as_str().is_some_and(|currency| currency != "USD") {
        return Err("not in USD".to_owned());
    }
    let read = parsed(product, meter, unit, names)?;
    let price = decimal(&item["retailPrice"]).filter(|price| !price.is_zero()).ok_or("0 without a word that it is free: unpriced")?;
    let price = match read.unit {
        Unit::ThousandTokens => price.checked_mul(Decimal::new(1_000, 0)).ok_or("a price out of range")?,
        _ => price,
    };
    let since = instant(item["effectiveStartDate"].as_str().ok_or("no `effectiveStartDate`")?)?;
    // A thousand and a million are two ways to write one meter.
    let unit = if read.unit == Unit::ThousandTokens { Unit::MillionTokens } else { read.unit };
    Ok((Meter { unit, ..read }, since, price))
}

fn rules(prices: &BTreeMap<Meter, ByRegion>, names: &mut Names, out: &mut Gathered) {
    for (meter, regions) in prices.iter().filter(|(meter, _)| meter.long == 0) {
        // The bands above: the same meter with a size.
        let longer: Vec<(u64, &ByRegion)> = prices
            .iter()
            .filter(|(other, _)| other.long > 0 && **other == Meter { long: other.long, ..(*meter).clone() })
            .map(|(other, regions)| (other.long, regions))
            .collect();
        // Regions with the same steps since the same time share a rule.
        let mut alike: BTreeMap<(Bands, Timestamp), (Vec<String>, String)> = BTreeMap::new();
        for (region, (since, price, name)) in regions {
            let mut steps = vec![(0, price.to_string())];
            for (above, prices) in &longer {
                steps.extend(prices.get(region).map(|(_, price, _)| (*above, price.to_string())));
            }
            alike.entry((steps, *since)).or_insert_with(|| (Vec::new(), name.clone())).0.push(region.clone());
        }
        let one_price = alike.keys().map(|(steps, _)| steps).collect::<BTreeSet<_>>().len() == 1;
        if meter.deployment == "global" && one_price {
            let since = alike.keys().map(|(_, since)| *since).min();
            if let Some(((steps, _), (_, name))) = alike.iter().next() {
                push(meter, steps, since, Region::Global, name, names, out);
            }
            continue;
        }
        for ((steps, since), (regions, name)) in &alike {
            let region = Region::Within(RegionScope::Set, regions.clone());
            push(meter, steps, Some(*since), region, name, names, out);
        }
    }
}

fn push(meter: &Meter, bands: &Bands, since: Option<Timestamp>, region: Region, name: &str, names: &mut Names, out: &mut Gathered) {
    let steps: Steps = bands.iter().filter_map(|(above, price)| Some((*above, decimal(&Value::String(price.clone()))?))).collect();
    let raw = bands.iter().map(|(_, price)| price.clone()).collect::<Vec<_>>().join(", ");
    for attrs in sizes(meter) {
        let counted = Counted { meter: meter.meter, attrs, per: meter.unit.per() };
        let Some(mut rule) =
            out.rule(Fact { seller: "azure", sku: &meter.sku, key: name, counted, steps: steps.clone(), raw: raw.clone() })
        else {
            continue;
        };
        if meter.sku != Rule::ANY_SKU {
            names.add_sku("azure", &meter.sku);
        }
        if !meter.deployment.is_empty() {
            rule.select.extend(pairs(&[("deployment", meter.deployment)]));
        }
        match meter.tier {
            "batch" => rule.select.extend(pairs(&[("processing", "batch")])),
            "standard" => {}
            tier => rule.select.extend(pairs(&[("service_tier", tier)])),
        }
        rule.region = region.clone();
        rule.valid = Span { from: since, to: None };
        rule.basis = Basis::Documented;
        URL.clone_into(&mut rule.prov.url);
        out.push(rule);
    }
}

/// `HighRes` is two sizes of DALL-E 3.
fn sizes(meter: &Meter) -> Vec<Attrs> {
    match meter.attrs.get("size").and_then(|size| size.split_once('|')) {
        Some((first, second)) => [first, second]
            .map(|size| {
                let mut attrs = meter.attrs.clone();
                attrs.insert("size".to_owned(), size.to_owned());
                attrs
            })
            .to_vec(),
        None => vec![meter.attrs.clone()],
    }
}
