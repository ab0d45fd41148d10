//! `mete prices set`: rows of the price book, as an operator would write them by hand.

use serde_json::{Value, json};

use super::super::ask;
use crate::args::PriceSet;
use crate::context::{Context, accepted};
use crate::output;

/// Sets prices of one's own; earlier ones stay and are followed, never edited.
pub async fn set(context: &Context, options: &PriceSet) -> anyhow::Result<()> {
    let rows = rows(options)?;
    let document = accepted(context.api().await?.post("/prices", json!({"rows": rows})).await?)?;
    output::print(context.format, &document, |_| match &options.from {
        Some(from) => format!("{} has a price of your own from {from} on", options.sku),
        None => format!("{} has a price of your own, effective at once", options.sku),
    });
    Ok(())
}

/// One row for each price that was typed.
fn rows(options: &PriceSet) -> anyhow::Result<Vec<Value>> {
    let Some((seller, _)) = options.sku.split_once('/').filter(|(seller, model)| !seller.is_empty() && !model.is_empty()) else {
        anyhow::bail!("`{}` is not of the form seller/model, for example openai/gpt-7", options.sku);
    };
    let mut base = json!({"seller": seller, "sku": options.sku});
    if !options.select.is_empty() {
        base["select"] = Value::Object(ask::pairs(&options.select)?);
    }
    for (field, value) in [("region", options.region.as_deref()), ("price_kind", options.contract.then_some("contract"))] {
        if let Some(value) = value {
            base[field] = json!(value);
        }
    }
    if options.from.is_some() || options.to.is_some() {
        base["valid"] = json!({"from": options.from.as_deref().unwrap_or("now"), "to": options.to});
    }
    let row = |meter: &str, attrs: Value, price: &str| {
        let mut row = base.clone();
        (row["meter"], row["attrs"], row["price"]) = (json!(meter), attrs, json!(price));
        row
    };
    if options.free {
        let free = ["input_tokens", "output_tokens", "embedding_tokens"].map(|meter| {
            let mut row = row(meter, json!({}), "0");
            row["free"] = json!(true);
            row
        });
        return Ok(free.to_vec());
    }
    let mut rows: Vec<Value> = tokens(options).map(|(meter, attrs, price)| row(meter, attrs, price)).collect();
    if let (Some(meter), Some(price)) = (&options.meter, &options.price) {
        let mut row = row(meter, Value::Object(ask::pairs(&options.attr)?), price);
        if let Some(per) = options.per {
            row["per"] = json!(per.to_string());
        }
        rows.push(row);
    }
    if rows.is_empty() {
        anyhow::bail!(
            "no price given; write for example --input 5 --output 30 (dollars for a million tokens), --meter image --price 0.04, or --free"
        );
    }
    Ok(rows)
}

/// The meters of tokens that have a flag of their own.
fn tokens(options: &PriceSet) -> impl Iterator<Item = (&'static str, Value, &str)> {
    let meters = [
        ("input_tokens", None, &options.input),
        ("output_tokens", None, &options.output),
        ("cache_read_tokens", None, &options.cache_read),
        ("cache_write_tokens", Some("5m"), &options.cache_write),
        ("cache_write_tokens", Some("1h"), &options.cache_write_1h),
        ("reasoning_tokens", None, &options.reasoning),
        ("embedding_tokens", None, &options.embedding),
    ];
    meters.into_iter().filter_map(|(meter, ttl, price)| {
        let attrs = ttl.map_or_else(|| json!({}), |ttl| json!({"ttl": ttl}));
        Some((meter, attrs, price.as_deref()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_set_by_hand_is_rows_of_the_price_book() {
        let options = |sku: &str, input: Option<&str>, free| PriceSet {
            sku: sku.to_owned(),
            input: input.map(str::to_owned),
            cache_write: Some("3.75".to_owned()).filter(|_| input.is_some()),
            free,
            ..PriceSet::default()
        };
        let made = rows(&options("openai/gpt-7", Some("5"), false)).unwrap();
        assert_eq!(made[0], json!({"seller": "openai", "sku": "openai/gpt-7", "meter": "input_tokens", "attrs": {}, "price": "5"}));
        assert_eq!(made[1]["attrs"], json!({"ttl": "5m"}));
        assert!(rows(&options("gpt-7", Some("5"), false)).is_err());
        assert!(rows(&options("openai/gpt-7", None, false)).is_err());
        assert!(rows(&options("local/llama", None, true)).unwrap().iter().all(|row| row["free"] == json!(true)));
    }

    #[test]
    fn any_meter_has_its_price_dates_and_selectors() {
        let text = |text: &str| Some(text.to_owned());
        let options = PriceSet {
            sku: "openai/gpt-image-9".to_owned(),
            meter: text("image"),
            price: text("40"),
            per: Some(1000),
            attr: vec!["quality=high".to_owned()],
            select: vec!["service_tier=priority".to_owned()],
            region: text("us"),
            from: text("2026-12-01"),
            contract: true,
            ..PriceSet::default()
        };
        let expected = json!({"seller": "openai", "sku": "openai/gpt-image-9", "meter": "image", "attrs": {"quality": "high"}, "price": "40",
            "per": "1000", "select": {"service_tier": "priority"}, "region": "us", "price_kind": "contract",
            "valid": {"from": "2026-12-01", "to": null}});
        assert_eq!(rows(&options).unwrap(), [expected]);
    }
}
