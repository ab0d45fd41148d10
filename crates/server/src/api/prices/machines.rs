//! Machines by the hour: what `prices/show` answers when the name is a machine's: its price in the region asked for, where
//! it is sold for less, and which machines could stand in, each with source, date and confidence.

use dialects::resources::{self, Equivalents, Foreign, Likeness, Machine, Offer, Shape};
use pricing::{PriceBook, PriceQuery, Rule, Span};
use serde::Serialize;
use utoipa::ToSchema;

/// Machines that no more than this many are named as standing in, the cheapest first.
const OTHERS_MAX: usize = 40;
const DAY_SECONDS: i64 = 86_400;

/// The machines of a name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MachinesView {
    /// The region asked for; null for any.
    pub region: Option<String>,
    /// `on_demand` or `spot`.
    pub term: String,
    pub at: String,
    /// Usually one; several where clouds share a name.
    pub machines: Vec<MachineView>,
}

/// One machine.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MachineView {
    pub seller: String,
    pub sku: String,
    /// What it has; null when no source says.
    pub shape: Option<ShapeView>,
    /// `priced` when the region asked for has a price, or any when none was asked for; else `unpriced`, which isn't free.
    pub status: &'static str,
    /// The price in the region asked for.
    pub here: Option<OfferView>,
    /// The same machine in other regions, the cheapest first.
    pub regions: Vec<OfferView>,
    /// Prices in other currencies, which aren't compared with dollars.
    pub foreign: Vec<ForeignView>,
    /// By what other machines are alike: `gpus` (model, memory and count), `name` (class, architecture and virtual CPUs of
    /// the same cloud; memory isn't known) or `unknown`.
    pub likeness: &'static str,
    /// The command that gives the machine a price of one's own where it has none; null where it has one.
    pub remedy: Option<String>,
    /// Machines that are alike, the cheapest first.
    pub others: Vec<OtherView>,
}

/// What a machine has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShapeView {
    pub vcpus: Option<u32>,
    pub memory_gib: Option<String>,
    pub gpu: String,
    /// A whole number, or a fraction such as `1/8`.
    pub gpus: String,
    pub gpu_memory_gb: Option<u32>,
    pub source: String,
}

/// A machine that could stand in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OtherView {
    pub seller: String,
    pub sku: String,
    pub shape: Option<ShapeView>,
    /// Its prices, the cheapest first.
    pub regions: Vec<OfferView>,
}

/// The price of an hour in a region.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfferView {
    /// Null when the source names no region.
    pub region: Option<String>,
    pub hour_nanos: Option<i64>,
    /// Exact, as a decimal text.
    pub hour_usd: String,
    /// The date from which the price is known to hold; null for a price of one's own without a date.
    pub as_of: Option<String>,
    /// How many days that is before the time asked for.
    pub age_days: Option<i64>,
    pub source: String,
    /// `table`, `corroborated`, `curated`, `secondary`, `conflict` or `default`; null when the source doesn't say.
    pub confidence: Option<&'static str>,
    pub note: Option<String>,
    pub rule: String,
}

/// A price in a currency that isn't the dollar.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForeignView {
    pub region: String,
    pub hour: String,
    pub currency: String,
    pub as_of: Option<String>,
    pub source: String,
}

/// Whether the book's rows of a sku are a machine's, which an operator may have set.
pub(super) fn is_hourly(book: &PriceBook, seller: &str, sku: &str) -> bool {
    let mut rules = book.rows().rules.iter().filter(|rule| rule.seller == seller && rule.sku == sku).peekable();
    rules.peek().is_some() && rules.all(|rule| rule.meter.name() == resources::VM_HOUR)
}

/// The machines that a question's model name means, or nothing; a seller narrows them. `own` are the rules of the book in
/// force, of which the operator's prices of machine hours count.
pub(super) fn machines(question: &PriceQuery, own: &[Rule]) -> Option<MachinesView> {
    let term = question.select.get(resources::TERM).map_or(resources::ON_DEMAND, String::as_str);
    let found: Vec<Machine> =
        resources::find(&question.model).into_iter().filter(|machine| ["", &machine.seller].contains(&question.seller.as_str())).collect();
    let view = |machine: &Machine| {
        let region = region_name(&machine.seller, &question.region);
        machine_view(question, resources::equivalents(machine, &region, term, question.at, own))
    };
    (!found.is_empty()).then(|| MachinesView {
        region: said(&question.region),
        term: term.to_owned(),
        at: question.at.to_string(),
        machines: found.iter().map(view).collect(),
    })
}

/// Azure writes regions in two ways: `West Europe` is `westeurope`.
fn region_name(seller: &str, region: &str) -> String {
    let region = region.trim().to_lowercase();
    if seller == "azure" { region.replace(' ', "") } else { region }
}

fn machine_view(question: &PriceQuery, found: Equivalents) -> MachineView {
    let Equivalents { machine, shape, region, here, regions, foreign, others, likeness } = found;
    let is_priced = here.is_some() || (region.is_empty() && !regions.is_empty());
    let offer = |offer: &Offer| offer_view(question, offer);
    let place = if region.is_empty() { String::new() } else { format!(" --region {region}") };
    let term = question.select.get(resources::TERM).map_or(resources::ON_DEMAND, String::as_str);
    let remedy =
        format!("mete prices set {} --meter {} --price USD{place} --select term={term}", machine.sku_in_book(), resources::VM_HOUR);
    MachineView {
        remedy: (!is_priced).then_some(remedy),
        seller: machine.seller,
        sku: machine.sku,
        shape: shape.map(shape_view),
        status: if is_priced { "priced" } else { "unpriced" },
        here: here.as_ref().map(offer),
        regions: regions.iter().map(offer).collect(),
        foreign: foreign.into_iter().map(foreign_view).collect(),
        likeness: match likeness {
            Likeness::Gpus => "gpus",
            Likeness::Name => "name",
            Likeness::Unknown => "unknown",
        },
        others: others_by_machine(question, others),
    }
}

/// Offers are sorted by price; a machine stands where its cheapest one does.
fn others_by_machine(question: &PriceQuery, offers: Vec<Offer>) -> Vec<OtherView> {
    let mut others: Vec<OtherView> = Vec::new();
    for offer in offers {
        let view = offer_view(question, &offer);
        let Machine { seller, sku } = offer.machine;
        match others.iter_mut().find(|other| other.seller == seller && other.sku == sku) {
            Some(other) => other.regions.push(view),
            None => others.push(OtherView { seller, sku, shape: offer.shape.map(shape_view), regions: vec![view] }),
        }
    }
    others.truncate(OTHERS_MAX);
    others
}

fn shape_view(shape: Shape) -> ShapeView {
    let Shape { vcpus, memory_gib, gpu, gpus, gpu_memory_gb, source, .. } = shape;
    ShapeView { vcpus, memory_gib: said(&memory_gib), gpu, gpus, gpu_memory_gb, source }
}

fn offer_view(question: &PriceQuery, offer: &Offer) -> OfferView {
    let (hour, prov) = (offer.hour(), &offer.rule.prov);
    let age = offer.rule.valid.from.map(|from| (question.at.as_second() - from.as_second()).div_euclid(DAY_SECONDS));
    OfferView {
        region: said(offer.region()),
        hour_nanos: hour.times(1).and_then(money::Exact::round_half_even).map(money::Nanos::get),
        hour_usd: hour.times(1).map_or_else(|| hour.price().to_string(), |exact| exact.to_string().replacen('$', "", 1)),
        as_of: day(offer.rule.valid),
        age_days: age,
        source: format!("{} {}", prov.source, prov.version).trim().to_owned(),
        confidence: prov.confidence.map(pricing::Confidence::name),
        note: said(&prov.note),
        rule: offer.rule.id.clone(),
    }
}

fn foreign_view(price: Foreign) -> ForeignView {
    let Foreign { region, price: hour, currency, valid, prov, .. } = price;
    let source = format!("{} {}", prov.source, prov.version);
    ForeignView { region, hour: hour.to_string(), currency, as_of: day(valid), source }
}

fn day(valid: Span) -> Option<String> {
    valid.from.map(|at| at.strftime("%Y-%m-%d").to_string())
}

fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
