//! Where sources disagree, and why.

use jiff::Timestamp;
use pricing::{PriceBook, Rule};

use super::amount::{brief, current, is_same};
use super::cause::{Case, Namesakes};
use super::choose::Said;
use super::evidence::Evidence;
use super::{Catalogue, Item, effective};

/// Where sources disagree on the price of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What is priced.
    pub item: Item,
    /// The price that counts.
    pub chosen: Offer,
    /// The others, best source first; `cause` says why each differs from the chosen one, `None` where it agrees.
    pub others: Vec<Offer>,
    /// The cause of the best of the others that differs.
    pub cause: Cause,
}

/// What one source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The source.
    pub source: String,
    /// Its version.
    pub version: String,
    /// The price as text: dollars for the meter's usual unit, bands as `5/10`.
    pub price: String,
    /// Why it differs from the chosen price.
    pub cause: Option<Cause>,
    /// The rows from which the cause follows, in words.
    pub evidence: String,
}

/// Why two sources differ, as far as rows show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// One side holds a price that has changed since.
    Stale,
    /// An announced price that hasn't come about.
    FutureNotHappened,
    /// One side knows a later price that the other doesn't.
    FuturePrice,
    /// Peak hours and other hours taken for each other.
    OffPeak,
    /// A promotion, known to one side only.
    Promo,
    /// A name that moves from model to model.
    MovingAlias,
    /// A retired id that its seller answers by a successor.
    RetiredRedirect,
    /// Another region, or an uplift for one.
    Region,
    /// Another deployment or route.
    Deployment,
    /// Another service tier, batch, or context band.
    Tier,
    /// Text, image or audio tokens taken for each other.
    Modality,
    /// The same price with fewer digits.
    Rounding,
    /// The price of another meter.
    WrongField,
    /// Unknown written as 0.
    UnknownAsZero,
    /// A price with the wrong unit: a factor of a thousand or a million.
    WrongUnit,
    /// The rows don't tell.
    Unexplained,
}

impl Cause {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stale => "rate_stale",
            Self::FutureNotHappened => "future_not_happened",
            Self::FuturePrice => "future_price",
            Self::OffPeak => "off_peak",
            Self::Promo => "promo",
            Self::MovingAlias => "moving_alias",
            Self::RetiredRedirect => "retired_redirect",
            Self::Region => "region_uplift",
            Self::Deployment => "deployment",
            Self::Tier => "tier",
            Self::Modality => "modality",
            Self::Rounding => "rounding",
            Self::WrongField => "wrong_field",
            Self::UnknownAsZero => "unknown_as_zero",
            Self::WrongUnit => "wrong_unit",
            Self::Unexplained => "unexplained",
        }
    }
}

impl Catalogue {
    /// Every item on whose price at `at` sources disagree, in order, by all that is known. Without any import it tells what the
    /// base's rows say of their rivals.
    #[must_use]
    pub fn conflicts(&self, base: &PriceBook, at: Timestamp) -> Vec<Conflict> {
        let evidence = Evidence::new(self, base);
        let mut found = Vec::new();
        let mut namesakes = None;
        for unit in &evidence.units {
            let (groups, seen) = evidence.at(unit, Timestamp::MAX);
            if groups.values().all(|sources| sources.len() < 2) {
                continue;
            }
            let rules = effective::rules_of(&evidence, unit);
            let all = unit.iter().flat_map(|(_, rows)| rows.base.iter().chain(rows.said.values().flatten()));
            let past: Vec<&Rule> = all.copied().filter(|rule| rule.recorded.to.is_some()).collect();
            for ((item, _), rules) in unit.iter().zip(&rules) {
                let Some(chosen) = current(rules.iter().filter(|rule| rule.recorded.to.is_none()), at) else { continue };
                let sources = &groups[item];
                if !sources.iter().any(|(name, said)| differs(chosen, name, said, at)) {
                    continue;
                }
                let namesakes = namesakes.get_or_insert_with(|| Namesakes::new(&evidence, at));
                let case = Case { item, chosen, sources, groups: &groups, seen: &seen, past: &past, namesakes, at };
                found.extend(conflict(&case));
            }
        }
        found.sort_by(|a, b| a.item.cmp(&b.item));
        found
    }
}

/// Whether a source has another price, or knows of another later one.
fn differs(chosen: &Rule, name: &str, said: &Said, at: Timestamp) -> bool {
    name != chosen.prov.source && current(&said.rules, at).is_some_and(|rule| !is_same(&rule.price, &chosen.price))
        || !is_told(said) && said.rules.iter().any(|rule| rule.schedule.is_none() && rule.valid.from.is_some_and(|from| at < from))
}

/// Whether only a chosen row tells what this source says, without its dates.
pub(super) fn is_told(said: &Said) -> bool {
    said.only_votes && said.rules.iter().all(|rule| rule.prov.version.is_empty())
}

fn conflict(case: &Case<'_>) -> Option<Conflict> {
    let mut others: Vec<(u8, Offer)> = Vec::new();
    for (name, said) in case.sources.iter().filter(|(name, _)| **name != case.chosen.prov.source) {
        let Some(theirs) = current(&said.rules, case.at) else { continue };
        let cause = if is_same(&theirs.price, &case.chosen.price) { case.later(name, said) } else { Some(case.cause(name, theirs)) };
        let (cause, evidence) = cause.map_or((None, String::new()), |(cause, evidence)| (Some(cause), evidence));
        others.push((theirs.prov.priority(), Offer { cause, evidence, ..offer(name, theirs) }));
    }
    others.sort_by(|a, b| (a.0, &a.1.source).cmp(&(b.0, &b.1.source)));
    let others: Vec<Offer> = others.into_iter().map(|(_, offer)| offer).collect();
    let cause = others.iter().find_map(|offer| offer.cause)?;
    Some(Conflict { item: case.item.clone(), chosen: offer(&case.chosen.prov.source, case.chosen), others, cause })
}

fn offer(source: &str, rule: &Rule) -> Offer {
    Offer { source: source.to_owned(), version: rule.prov.version.clone(), price: brief(&rule.price), cause: None, evidence: String::new() }
}
