//! `mete prices`.

use serde_json::{Value, json};

use super::ask;
use crate::args::{PriceAsk, PriceSet, Prices};
use crate::context::{Context, accepted};
use crate::output::{self, Column, Kind};

const RATES: &[Column] = &[
    Column("METER", "/meter", Kind::Text),
    Column("ATTRIBUTES", "/attrs", Kind::Tags),
    Column("WHEN", "/select", Kind::Tags),
    Column("ABOVE TOKENS", "/above", Kind::Count),
    Column("PRICE", "/rate", Kind::Usd),
    Column("PER", "/per", Kind::Count),
    Column("SOURCE", "/source", Kind::Text),
    Column("RULE", "/rule", Kind::Text),
];

/// Shows and sets prices.
pub async fn prices(context: &Context, command: Prices) -> anyhow::Result<()> {
    let api = context.api().await?;
    match command {
        Prices::Show(options) => {
            let document = accepted(api.get(&format!("/prices/show{}", question(&options))).await?)?;
            output::print(context.format, &document, rates);
        }
        Prices::Why(options) => {
            let document = accepted(api.get(&format!("/prices/why{}", question(&options))).await?)?;
            output::print(context.format, &document, |document| {
                let lines = document["text"].as_array().map(Vec::as_slice).unwrap_or_default();
                lines.iter().filter_map(Value::as_str).map(output::clean).collect::<Vec<_>>().join("\n")
            });
        }
        Prices::Set(options) => {
            let rows = rows(&options)?;
            let document = accepted(api.post("/prices", json!({"rows": rows})).await?)?;
            output::print(context.format, &document, |_| format!("{} has a price of your own, effective at once", options.sku));
        }
    }
    Ok(())
}

fn question(options: &PriceAsk) -> String {
    ask::query([
        ("model", Some(options.model.as_str())),
        ("seller", options.seller.as_deref()),
        ("region", options.region.as_deref()),
        ("tier", options.tier.as_deref()),
        ("at", options.at.as_deref()),
    ])
}

fn rates(document: &Value) -> String {
    let heading = format!("{}  ({})", output::cell(document.get("sku"), Kind::Text), output::cell(document.get("seller"), Kind::Text));
    let table =
        output::table(&document["rates"], RATES, "no rate is known; set one with `mete prices set SELLER/MODEL --input USD --output USD`");
    format!("{heading}\n{table}")
}

/// Price-book rows as an operator would write them by hand: seller, sku, meter and price.
fn rows(options: &PriceSet) -> anyhow::Result<Vec<Value>> {
    let Some((seller, _)) = options.sku.split_once('/').filter(|(seller, model)| !seller.is_empty() && !model.is_empty()) else {
        anyhow::bail!("`{}` is not of the form seller/model, for example openai/gpt-7", options.sku);
    };
    let meters = [
        ("input_tokens", None, &options.input),
        ("output_tokens", None, &options.output),
        ("cache_read_tokens", None, &options.cache_read),
        ("cache_write_tokens", Some("5m"), &options.cache_write),
        ("cache_write_tokens", Some("1h"), &options.cache_write_1h),
        ("embedding_tokens", None, &options.embedding),
    ];
    let row = |meter: &str, ttl: Option<&str>, price: &str| {
        let attrs = ttl.map_or_else(|| json!({}), |ttl| json!({"ttl": ttl}));
        json!({"seller": seller, "sku": options.sku, "meter": meter, "attrs": attrs, "price": price})
    };
    if options.free {
        let free = ["input_tokens", "output_tokens", "embedding_tokens"].map(|meter| {
            let mut row = row(meter, None, "0");
            row["free"] = json!(true);
            row
        });
        return Ok(free.to_vec());
    }
    let rows: Vec<_> = meters.iter().filter_map(|(meter, ttl, price)| Some(row(meter, *ttl, price.as_deref()?))).collect();
    if rows.is_empty() {
        anyhow::bail!("no price given; write for example --input 5 --output 30 (dollars for a million tokens), or --free");
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_set_by_hand_is_rows_of_the_price_book() {
        let options = |sku: &str, input: Option<&str>, free| PriceSet {
            sku: sku.to_owned(),
            input: input.map(str::to_owned),
            output: None,
            cache_read: None,
            cache_write: Some("3.75".to_owned()).filter(|_| input.is_some()),
            cache_write_1h: None,
            embedding: None,
            free,
        };
        let made = rows(&options("openai/gpt-7", Some("5"), false)).unwrap();
        assert_eq!(made[0], json!({"seller": "openai", "sku": "openai/gpt-7", "meter": "input_tokens", "attrs": {}, "price": "5"}));
        assert_eq!(made[1]["attrs"], json!({"ttl": "5m"}));
        assert!(rows(&options("gpt-7", Some("5"), false)).is_err());
        assert!(rows(&options("openai/gpt-7", None, false)).is_err());
        assert!(rows(&options("local/llama", None, true)).unwrap().iter().all(|row| row["free"] == json!(true)));
    }
}
