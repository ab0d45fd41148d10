//! What infrastructure costs: hours of machines by cloud, region and term, and the cheapest machines that could stand in.
//!
//! The clouds have eighty thousand prices, so they ship compressed, apart from the price book, and are unpacked when
//! first asked for, never at start. [`rules_for`] answers with ordinary rules of the book (kind `vm`, meter `vm_hour`,
//! selected by `term`), so that a machine hour is priced, explained and overridden like a token; [`equivalents`] says where and
//! as what the same is cheapest, each with source, date and confidence.

mod embedded;
mod equivalents;
mod names;
mod shape;
mod table;

pub use equivalents::{Equivalents, Likeness, Offer, equivalents};
pub use shape::Shape;
pub use table::{ExchangeRate, Foreign, Machine, TableError};

use pricing::{Meter, PriceQuery, Rule};

/// The meter of machine hours.
pub const VM_HOUR: &str = "vm_hour";
/// The request attribute that tells on-demand from spot.
pub const TERM: &str = "term";
/// The term that is meant where none is named.
pub const ON_DEMAND: &str = "on_demand";
/// Capacity that the cloud may take back.
pub const SPOT: &str = "spot";

/// The machines that a name means: `p5.48xlarge`, `aws/p5.48xlarge`, `ND96isr_H100_v5`, in any letter case. Usually one;
/// several where clouds share a name.
#[must_use]
pub fn find(name: &str) -> Vec<Machine> {
    embedded::table().find(name)
}

/// Every price of a machine in dollars, in all regions and terms, as rules of the price book. Prices in another currency
/// are left out unless a dated rate of exchange is given: [`foreign_prices_for`] lists them.
#[must_use]
pub fn rules_for(machine: &Machine, rates: &[ExchangeRate]) -> Vec<Rule> {
    embedded::table().rules(machine, rates)
}

/// The prices of a machine in currencies other than the dollar, as they are published.
#[must_use]
pub fn foreign_prices_for(machine: &Machine) -> Vec<Foreign> {
    embedded::table().foreign(machine)
}

/// What the machine has, where it is known.
#[must_use]
pub fn shape_of(machine: &Machine) -> Option<&'static Shape> {
    embedded::shapes().get(&(machine.seller.clone(), machine.sku.clone()))
}

/// A question to a book that holds [`rules_for`] the machine.
#[must_use]
pub fn query(machine: &Machine, region: &str, term: &str, at: jiff::Timestamp) -> PriceQuery {
    PriceQuery::new(&machine.seller, &machine.sku_in_book(), at).in_region(region).with(TERM, term)
}

/// The meter of machine hours.
#[must_use]
pub fn vm_hour() -> Meter {
    Meter::Other(VM_HOUR.to_owned())
}
