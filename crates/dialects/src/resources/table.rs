//! [`Table`]: prices of machine hours as blocks of text, read row by row when a machine is asked for.
//!
//! A block starts with a line of facts (`#seller=azure term=on_demand currency=USD from=2026-06-18 …`), then a line of
//! regions, then a line for each size with a price under each region where there is one. `~` behind a price says that it was
//! rounded from a float. A region without a name means that the source names none.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use money::{Decimal, Rate};
use pricing::{Attrs, Basis, Confidence, Layer, Meter, Price, PriceKind, Provenance, Region, RegionScope, Rule, Span};

use super::{TERM, VM_HOUR};

/// A machine: one size of one cloud.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// Whose.
    pub seller: String,
    /// The size, as the seller writes it.
    pub sku: String,
}

impl Machine {
    /// The sku of the machine's rules.
    #[must_use]
    pub fn sku_in_book(&self) -> String {
        format!("{}/{}", self.seller, self.sku)
    }
}

/// What one unit of a currency was worth, from a time on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRate {
    /// The currency's code: `CNY`.
    pub currency: String,
    /// Dollars for one unit.
    pub usd: Decimal,
    /// The date of the rate: converted prices apply from then.
    pub from: Timestamp,
}

/// A price in a currency that isn't the dollar: shown, never added to dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The region.
    pub region: String,
    /// The term.
    pub term: String,
    /// The price of an hour in `currency`.
    pub price: Decimal,
    /// The currency's code.
    pub currency: String,
    /// When it applies.
    pub valid: Span,
    /// Where it comes from.
    pub prov: Provenance,
}

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for TableError {}

/// Prices of machine hours of all clouds.
#[derive(Default)]
pub(super) struct Table {
    blocks: Vec<Block>,
    /// By lower-case sku: its machines.
    machines: BTreeMap<String, Vec<Machine>>,
}

/// Prices with one origin.
struct Block {
    seller: String,
    term: String,
    currency: String,
    valid: Span,
    basis: Basis,
    prov: Provenance,
    regions: Vec<String>,
    /// By sku, the cells of its line.
    rows: BTreeMap<String, String>,
}

/// One price of a block.
struct Cell<'a> {
    region: &'a str,
    price: Decimal,
    is_normalised: bool,
}

impl Table {
    /// Adds the blocks of a text.
    ///
    /// # Errors
    /// The first line that can't be read.
    pub fn add(&mut self, text: &str) -> Result<(), TableError> {
        let mut lines = text.lines().enumerate();
        let mut block: Option<Block> = None;
        while let Some((index, line)) = lines.next() {
            let wrong = |what: String| TableError { line: index + 1, what };
            match (line.strip_prefix('#'), &mut block) {
                (Some(facts), _) => {
                    self.push(block.take());
                    let regions =
                        lines.next().and_then(|(_, line)| line.strip_prefix("sku,")).ok_or_else(|| wrong("no regions".to_owned()))?;
                    block = Some(Block::new(facts, regions).map_err(wrong)?);
                }
                (None, Some(block)) => {
                    let (sku, cells) = line.split_once(',').ok_or_else(|| wrong(format!("no prices: `{line}`")))?;
                    if cells.split(',').count() != block.regions.len() {
                        return Err(wrong(format!("{sku} has other columns than its block")));
                    }
                    block.rows.insert(sku.to_owned(), cells.to_owned());
                }
                (None, None) => return Err(wrong("a price before the facts of its block".to_owned())),
            }
        }
        self.push(block);
        Ok(())
    }

    fn push(&mut self, block: Option<Block>) {
        let Some(block) = block else { return };
        for sku in block.rows.keys() {
            let machine = Machine { seller: block.seller.clone(), sku: sku.clone() };
            let known = self.machines.entry(sku.to_lowercase()).or_default();
            if !known.contains(&machine) {
                known.push(machine);
            }
        }
        self.blocks.push(block);
    }

    /// The machines of a name, with or without its seller and Azure's `Standard_`.
    pub fn find(&self, name: &str) -> Vec<Machine> {
        let name = name.trim().to_lowercase().replace(' ', "_");
        let known = |name: &str| {
            let machines = self.machines.get(name).or_else(|| self.machines.get(&format!("standard_{name}")));
            machines.cloned().unwrap_or_default()
        };
        let whole = known(&name);
        match name.split_once('/') {
            Some((seller, rest)) if whole.is_empty() => known(rest).into_iter().filter(|machine| machine.seller == seller).collect(),
            _ => whole,
        }
    }

    /// All machines of a seller.
    pub fn machines_of(&self, seller: &str) -> impl Iterator<Item = &Machine> {
        self.machines.values().flatten().filter(move |machine| machine.seller == seller)
    }

    pub fn rules(&self, machine: &Machine, rates: &[ExchangeRate]) -> Vec<Rule> {
        let blocks = self.blocks.iter().filter(|block| block.seller == machine.seller);
        blocks.flat_map(|block| block.rules(machine, rates)).collect()
    }

    pub fn foreign(&self, machine: &Machine) -> Vec<Foreign> {
        let blocks = self.blocks.iter().filter(|block| block.seller == machine.seller && block.currency != "USD");
        let foreign = blocks.flat_map(|block| {
            block.cells(&machine.sku).map(|cell| Foreign {
                region: cell.region.to_owned(),
                term: block.term.clone(),
                price: cell.price,
                currency: block.currency.clone(),
                valid: block.valid,
                prov: block.prov_of(machine, &cell),
            })
        });
        foreign.collect()
    }

    /// Every price that can't be read: of a shipped table none, which a test holds.
    #[cfg(test)]
    pub fn unreadable(&self) -> Vec<String> {
        let cells = |block: &Block, (sku, cells): (&String, &String)| {
            let bad = cells.split(',').filter(|cell| !cell.is_empty() && Decimal::parse(cell.trim_end_matches('~')).is_err());
            bad.map(|cell| format!("{} {sku} {cell}", block.seller)).collect::<Vec<_>>()
        };
        self.blocks.iter().flat_map(|block| block.rows.iter().flat_map(|row| cells(block, row))).collect()
    }
}

impl Block {
    fn new(facts: &str, regions: &str) -> Result<Self, String> {
        let facts: BTreeMap<&str, &str> = facts.split(' ').filter_map(|fact| fact.split_once('=')).collect();
        let get = |key: &str| facts.get(key).copied().ok_or_else(|| format!("the facts lack `{key}`"));
        let time = |key: &str| match get(key)? {
            "" => Ok(None),
            day => format!("{day}T00:00:00Z").parse().map(Some).map_err(|_| format!("`{key}` is `{day}`, not a day")),
        };
        let confidence = get("confidence")?;
        Ok(Self {
            seller: get("seller")?.to_owned(),
            term: get("term")?.to_owned(),
            currency: get("currency")?.to_owned(),
            valid: Span { from: time("from")?, to: time("to")? },
            basis: if get("basis")? == "commit" { Basis::Commit } else { Basis::FirstSeen },
            prov: Provenance {
                source: get("source")?.to_owned(),
                version: get("version")?.to_owned(),
                licence: get("licence")?.to_owned(),
                url: get("url")?.to_owned(),
                confidence: Some(Confidence::from_name(confidence).ok_or_else(|| format!("unknown confidence `{confidence}`"))?),
                ..Provenance::default()
            },
            regions: regions.split(',').map(str::to_owned).collect(),
            rows: BTreeMap::new(),
        })
    }

    fn cells(&self, sku: &str) -> impl Iterator<Item = Cell<'_>> {
        let cells = self.rows.get(sku).map_or("", String::as_str).split(',');
        self.regions.iter().zip(cells).filter_map(|(region, cell)| {
            let price = Decimal::parse(cell.trim_end_matches('~')).ok()?;
            Some(Cell { region, price, is_normalised: cell.ends_with('~') })
        })
    }

    fn prov_of(&self, machine: &Machine, cell: &Cell<'_>) -> Provenance {
        let note = if cell.is_normalised { "normalised: rounded half to even to 6 digits from a float" } else { "" };
        Provenance {
            key: format!("{} {}", machine.sku, cell.region).trim_end().to_owned(),
            raw: cell.price.to_string(),
            note: note.to_owned(),
            ..self.prov.clone()
        }
    }

    fn rules(&self, machine: &Machine, rates: &[ExchangeRate]) -> Vec<Rule> {
        let exchange = rates.iter().find(|rate| rate.currency == self.currency);
        if self.currency != "USD" && exchange.is_none() {
            return Vec::new();
        }
        self.cells(&machine.sku).filter_map(|cell| self.rule(machine, &cell, exchange)).collect()
    }

    /// A price in dollars as a rule; `exchange` for a block in another currency.
    fn rule(&self, machine: &Machine, cell: &Cell<'_>, exchange: Option<&ExchangeRate>) -> Option<Rule> {
        let mut prov = self.prov_of(machine, cell);
        let mut valid = self.valid;
        let mut price = cell.price;
        if let Some(exchange) = exchange {
            price = price.checked_mul(exchange.usd)?;
            prov.note = format!("{} {} at {} USD, the rate of {}", cell.price, self.currency, exchange.usd, exchange.from);
            valid.from = valid.from.max(Some(exchange.from));
        }
        let day = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string()[..10].to_owned());
        let Machine { seller, sku } = machine;
        Some(Rule {
            id: format!("{seller}:{sku}:{}:{}:{}..{}", cell.region, self.term, day(valid.from), day(valid.to)),
            seller: seller.clone(),
            publisher: seller.clone(),
            kind: "vm".to_owned(),
            sku: machine.sku_in_book(),
            meter: Meter::Other(VM_HOUR.to_owned()),
            attrs: Attrs::new(),
            select: BTreeMap::from([(TERM.to_owned(), self.term.clone())]),
            region: match cell.region {
                "" => Region::Global,
                region => Region::Within(RegionScope::Region, vec![region.to_owned()]),
            },
            unit: "hour".to_owned(),
            price: Price::Flat(Rate::new(price, 1).ok()?),
            schedule: None,
            valid,
            basis: self.basis,
            recorded: Span::ALWAYS,
            price_kind: PriceKind::List,
            free: false,
            prov,
            layer: Layer::Embedded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: &str =
        "#seller=c term=spot currency=USD from=2026-01-01 to= basis=commit source=s version=1 licence=MIT confidence=table url=u\n";

    #[test]
    fn a_table_is_read_whole_or_not_at_all() {
        for (text, says) in [
            ("m,1\n", "line 1: a price before the facts"),
            ("#seller=c\nsku,a\n", "line 1: the facts lack"),
            (FACTS, "line 1: no regions"),
            (&format!("{FACTS}sku,a,b\nm,1\n"), "line 3: m has other columns"),
            (&FACTS.replace("2026-01-01", "soon").replace("url=u\n", "url=u\nsku,a\n"), "line 1: `from` is `soon`"),
            (&FACTS.replace("=table", "=sure").replace("url=u\n", "url=u\nsku,a\n"), "line 1: unknown confidence `sure`"),
        ] {
            let error = Table::default().add(text).expect_err(says);
            assert!(error.to_string().starts_with(says), "{error}");
        }
        let mut table = Table::default();
        table.add(&format!("{FACTS}sku,a,b\nM1,1.5,\n")).expect("a table");
        let rules = table.rules(&table.find("c/m1")[0], &[]);
        assert_eq!(rules.len(), 1);
        assert_eq!((rules[0].id.as_str(), rules[0].basis), ("c:M1:a:spot:2026-01-01..", Basis::Commit));
    }

    #[test]
    fn every_price_that_ships_can_be_read() {
        assert_eq!(super::super::embedded::table().unreadable(), Vec::<String>::new());
    }
}
