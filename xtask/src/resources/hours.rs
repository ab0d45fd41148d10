//! Machine hours of the clouds as blocks: one term, currency and date each, a row a size, a column a region.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use money::Decimal;
use serde_json::Value;

use super::clouds::Gpus;

/// A price as it stands in the table: a decimal, with `~` behind it when it was rounded.
type Cell = String;

/// Prices of one cloud with one origin.
pub struct Block {
    seller: &'static str,
    term: &'static str,
    currency: &'static str,
    from: &'static str,
    to: &'static str,
    basis: &'static str,
    origin: Origin,
    rows: BTreeMap<String, BTreeMap<String, Cell>>,
    /// Prices of nothing, which were left out.
    pub zeros: usize,
}

/// Where a block comes from.
#[derive(Clone, Copy)]
struct Origin {
    source: &'static str,
    version: &'static str,
    licence: &'static str,
    confidence: &'static str,
    url: &'static str,
}

const AWS: Origin = Origin {
    source: "karpenter-provider-aws",
    version: "1d92708",
    licence: "Apache-2.0",
    confidence: "table",
    url: "https://github.com/aws/karpenter-provider-aws",
};
const AZURE: Origin = Origin {
    source: "karpenter-provider-azure",
    version: "352646f",
    licence: "Apache-2.0",
    confidence: "table",
    url: "https://github.com/Azure/karpenter-provider-azure",
};
const GCP: Origin = Origin {
    source: "karpenter-provider-gcp",
    version: "417f047",
    licence: "Apache-2.0",
    confidence: "table",
    url: "https://github.com/cloudpilot-ai/karpenter-provider-gcp",
};
const CLOUD_GPUS: Origin = Origin {
    source: "cloud-gpus",
    version: "2025-04-21",
    licence: "MIT",
    confidence: "curated",
    url: "https://github.com/the-full-stack/website",
};
const SKYPILOT: Origin = Origin {
    source: "skypilot-catalog",
    version: "2026-11",
    licence: "facts",
    confidence: "secondary",
    url: "https://github.com/skypilot-org/skypilot-catalog",
};

impl Block {
    fn new(seller: &'static str, from: &'static str, origin: Origin) -> Self {
        Self { seller, term: "on_demand", currency: "USD", from, to: "", basis: "first_seen", origin, rows: BTreeMap::new(), zeros: 0 }
    }

    fn add(&mut self, sku: &str, region: &str, cell: Cell) {
        self.rows.entry(sku.trim().to_owned()).or_default().insert(region.to_owned(), cell);
    }

    /// How many prices it holds.
    pub fn len(&self) -> usize {
        self.rows.values().map(BTreeMap::len).sum()
    }

    /// A line of its facts, a line of regions, a line for each size.
    pub fn text(&self) -> String {
        let Self { seller, term, currency, from, to, basis, origin, .. } = self;
        let Origin { source, version, licence, confidence, url } = origin;
        let mut text = format!(
            "#seller={seller} term={term} currency={currency} from={from} to={to} basis={basis} source={source} version={version} \
             licence={licence} confidence={confidence} url={url}\nsku"
        );
        let regions: BTreeSet<&String> = self.rows.values().flat_map(BTreeMap::keys).collect();
        regions.iter().for_each(|region| _ = write!(text, ",{region}"));
        text.push('\n');
        for (sku, prices) in &self.rows {
            text.push_str(sku);
            for region in &regions {
                text.push(',');
                text.push_str(prices.get(*region).map_or("", String::as_str));
            }
            text.push('\n');
        }
        text
    }
}

/// A literal as the table holds it. One with more than twelve significant digits is noise of a float: rounded half to even
/// to six digits after the point, and marked.
fn cell(literal: &str) -> anyhow::Result<Cell> {
    let decimal = Decimal::parse(literal).map_err(anyhow::Error::msg).with_context(|| literal.to_owned())?;
    let (mantissa, scale) = decimal.parts();
    if mantissa.unsigned_abs() < 1_000_000_000_000 || scale <= 6 {
        return Ok(decimal.to_string());
    }
    let unit = 10_i128.pow(scale - 6);
    let (floor, rest) = (mantissa.div_euclid(unit), mantissa.rem_euclid(unit));
    let up = rest * 2 > unit || (rest * 2 == unit && floor % 2 != 0);
    Ok(format!("{}~", Decimal::new(floor + i128::from(up), 6)))
}

/// Rows of a CSV with a head line `provider,region,instance_type,price`.
fn table(text: &str) -> anyhow::Result<Vec<(&str, &str, &str)>> {
    let rows = text.lines().skip(1).filter(|line| !line.is_empty());
    rows.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let [_, region, sku, price] = cells.as_slice() else { bail!("four cells expected: {line}") };
        Ok((*region, *sku, *price))
    })
    .collect()
}

/// Everything in dollars is of one day; the Chinese region is in yuan and older. p5.48xlarge's cut is dated by the source's history.
pub fn aws(text: &str) -> anyhow::Result<Vec<Block>> {
    let mut dollars = Block::new("aws", "2026-07-20", AWS);
    let mut yuan = Block { currency: "CNY", ..Block::new("aws", "2024-11-06", AWS) };
    for (region, sku, price) in table(text)? {
        let block = if region.starts_with("cn-") { &mut yuan } else { &mut dollars };
        put(block, sku, region, price)?;
    }
    let commit = |from, to| Block { to, basis: "commit", ..Block::new("aws", from, AWS) };
    let mut before = commit("", "2025-06-23");
    before.add("p5.48xlarge", "us-east-1", cell("98.32")?);
    let mut after = commit("2025-06-23", "");
    after.add("p5.48xlarge", "us-east-1", cell("55.04")?);
    Ok(vec![dollars, yuan, before, after])
}

pub fn azure(text: &str) -> anyhow::Result<Vec<Block>> {
    let mut block = Block::new("azure", "2026-06-18", AZURE);
    for (region, sku, price) in table(text)? {
        put(&mut block, sku, region, price)?;
    }
    Ok(vec![block])
}

pub fn gcp(text: &str) -> anyhow::Result<Vec<Block>> {
    let file: Value = serde_json::from_str(text)?;
    let mut blocks = ["on_demand", "spot"].map(|term| Block { term, ..Block::new("gcp", "2026-08-03", GCP) });
    for (region, terms) in file["prices"].as_object().context("an object of regions")? {
        for block in &mut blocks {
            for (sku, price) in terms[block.term].as_object().with_context(|| format!("{} of {region}", block.term))? {
                put(block, sku, region, &price.to_string())?;
            }
        }
    }
    Ok(blocks.into())
}

/// A price of nothing is a price that the source didn't have: left out, so that it is unpriced.
fn put(block: &mut Block, sku: &str, region: &str, literal: &str) -> anyhow::Result<()> {
    let cell = cell(literal)?;
    if cell == "0" {
        block.zeros += 1;
    } else {
        block.add(sku, region, cell);
    }
    Ok(())
}

/// The other clouds. They name no regions, so each has one column without a name.
pub fn clouds(gpus: &Gpus) -> Vec<Block> {
    let mut blocks: BTreeMap<(&str, &str), Block> = BTreeMap::new();
    for machine in gpus.machines.iter().filter(|machine| !machine.is_hyperscaler()) {
        for (term, price) in [("on_demand", &machine.on_demand), ("spot", &machine.spot)] {
            let Some(price) = price else { continue };
            let block = blocks.entry((machine.seller, term)).or_insert_with(|| Block {
                term,
                basis: "first_seen",
                ..Block::new(machine.seller, "2025-04-21", CLOUD_GPUS)
            });
            block.add(&machine.sku, "", price.to_string());
        }
    }
    let mut lambda = Block::new("lambda", "2026-11-23", SKYPILOT);
    lambda.add("gpu_8x_h100_sxm5", "", "31.92".to_owned());
    let mut blocks: Vec<Block> = blocks.into_values().collect();
    blocks.push(lambda);
    blocks
}

#[cfg(test)]
mod tests {
    #[test]
    fn float_noise_is_rounded_and_marked_and_nothing_else_is() {
        for (literal, expected) in [
            ("88.4899999025753", "88.49~"),
            ("126.643390632548", "126.643391~"),
            ("0.0000015000000000001", "0.000002~"),
            ("0.1250005000000000", "0.1250005"),
            ("55.040000", "55.04"),
            ("0.00605475", "0.00605475"),
            ("1e-2", "0.01"),
        ] {
            assert_eq!(super::cell(literal).expect(literal), expected, "{literal}");
        }
        assert!(super::cell("NaN").is_err());
    }
}
