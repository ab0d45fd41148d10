//! [`equivalents`]: where and as what a machine is cheapest, as far as the facts go.

use std::collections::BTreeMap;

use jiff::Timestamp;
use money::Rate;
use pricing::{Price, Region, Rule};

use super::{Foreign, Machine, Shape, TERM, VM_HOUR, embedded, foreign_prices_for, names, shape_of};

/// One machine's price of an hour in one region; the rule says from which source, of which date, how trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The machine.
    pub machine: Machine,
    /// What it has, where a source says.
    pub shape: Option<Shape>,
    /// The price, with region, date, source and confidence.
    pub rule: Rule,
}

impl Offer {
    /// The price of an hour.
    #[must_use]
    pub fn hour(&self) -> Rate {
        hour(&self.rule)
    }

    /// The region; empty when the source names none.
    #[must_use]
    pub fn region(&self) -> &str {
        region(&self.rule)
    }
}

/// By what other machines were found alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The same model, memory and count of GPUs; CPUs, main memory and network may differ.
    Gpus,
    /// The same cloud, class, architecture and count of virtual CPUs by name; memory isn't in the facts.
    Name,
    /// Nothing is known to compare by.
    Unknown,
}

/// A machine's price in a region, and what could stand in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivalents {
    /// What was asked for.
    pub machine: Machine,
    /// What it has, where a source says.
    pub shape: Option<Shape>,
    /// The region asked for; empty for any.
    pub region: String,
    /// The price there; `None` when no source has one: unpriced, not free.
    pub here: Option<Offer>,
    /// The same machine in other regions, the cheapest first.
    pub regions: Vec<Offer>,
    /// The same machine's prices in other currencies, which can't be compared.
    pub foreign: Vec<Foreign>,
    /// Other machines that are alike, in every region with a price, the cheapest first.
    pub others: Vec<Offer>,
    /// By what they are alike.
    pub likeness: Likeness,
}

/// What a machine costs in a region at a time, elsewhere, and what machines like it cost. `own` are rules of a price book: the
/// operator's prices of machine hours among them win over the tables'.
#[must_use]
pub fn equivalents(machine: &Machine, in_region: &str, term: &str, at: Timestamp, own: &[Rule]) -> Equivalents {
    let offers = |machine: &Machine| offers(machine, term, at, own);
    let shape = shape_of(machine);
    let (alike, likeness) = alike(machine, shape);
    let (here, regions) = offers(machine).into_iter().partition(|offer: &Offer| offer.region() == in_region && !in_region.is_empty());
    let mut others: Vec<Offer> = alike.iter().flat_map(offers).collect();
    sort(&mut others);
    let here: Vec<Offer> = here;
    Equivalents {
        machine: machine.clone(),
        shape: shape.cloned(),
        region: in_region.to_owned(),
        here: here.into_iter().next(),
        regions,
        foreign: foreign_prices_for(machine).into_iter().filter(|price| price.term == term && price.valid.contains(at)).collect(),
        others,
        likeness,
    }
}

/// A machine's prices at a time, one a region, the cheapest first.
fn offers(machine: &Machine, term: &str, at: Timestamp, own: &[Rule]) -> Vec<Offer> {
    let mut best: BTreeMap<String, Rule> = BTreeMap::new();
    let sku = machine.sku_in_book();
    let own = own.iter().filter(|rule| rule.seller == machine.seller && rule.sku == sku && rule.meter.name() == VM_HOUR);
    for rule in embedded::table().rules(machine, &[]).into_iter().chain(own.cloned()) {
        let is_of_term = rule.select.get(TERM).is_some_and(|own| own == term);
        if !is_of_term || !rule.valid.contains(at) || !rule.recorded.contains(at) {
            continue;
        }
        let rank = |rule: &Rule| (rule.layer, rule.price_kind, rule.valid.from);
        if best.get(region(&rule)).is_none_or(|other| rank(other) < rank(&rule)) {
            best.insert(region(&rule).to_owned(), rule);
        }
    }
    let shape = shape_of(machine);
    let mut offers: Vec<Offer> = best.into_values().map(|rule| Offer { machine: machine.clone(), shape: shape.cloned(), rule }).collect();
    sort(&mut offers);
    offers
}

fn sort(offers: &mut [Offer]) {
    offers.sort_by(|a, b| (a.hour(), &a.machine, a.region()).cmp(&(b.hour(), &b.machine, b.region())));
}

fn alike(machine: &Machine, shape: Option<&Shape>) -> (Vec<Machine>, Likeness) {
    if let Some(shape) = shape {
        let same = embedded::shapes().values().filter(|other| other.has_gpus_of(shape));
        let machines = same.map(|other| Machine { seller: other.seller.clone(), sku: other.sku.clone() });
        return (machines.filter(|other| other != machine).collect(), Likeness::Gpus);
    }
    let Some(named) = names::read(machine) else { return (Vec::new(), Likeness::Unknown) };
    let others = embedded::table().machines_of(&machine.seller).filter(|other| *other != machine);
    (others.filter(|other| names::read(other).as_ref() == Some(&named)).cloned().collect(), Likeness::Name)
}

fn hour(rule: &Rule) -> Rate {
    match &rule.price {
        Price::Flat(rate) => *rate,
        Price::Tiers { .. } => rule.price.dearest_within(u64::MAX),
    }
}

fn region(rule: &Rule) -> &str {
    match &rule.region {
        Region::Within(_, ids) => ids.first().map_or("", String::as_str),
        Region::Global => "",
    }
}
