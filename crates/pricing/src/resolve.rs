//! Which rule prices a meter: every rule that applies is ranked, and the first one wins.
//!
//! The order: the meter's attributes, then whose row it is, then whether every request attribute is known, then the
//! sku, contract before promotion before list, the narrower region, the number of selectors, the source's priority,
//! the latest `valid.from`. Rules of equal rank with different prices are a conflict: the dearest counts and the line
//! is flagged.

use std::cmp::{Ordering, Reverse};

use jiff::Timestamp;
use money::Rate;

use crate::book::{Named, Shelf};
use crate::{Attrs, Layer, Meter, ModelFacts, Modifier, PriceBook, PriceKind, PriceQuery, Rule};

/// Request attributes that have a value even when the request doesn't name them.
const DEFAULTS: [(&str, &str); 3] = [("service_tier", "standard"), ("processing", "online"), ("speed", "standard")];
/// Request attributes that aren't seen in a request: when the operator didn't say, every value is possible.
const OPEN: [&str; 2] = ["deployment", "route"];

/// The price of a meter, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// The rate for the prompt size asked for, modifiers included.
    pub rate: Rate,
    /// The rule that won.
    pub rule: &'a Rule,
    /// The band: the price holds for prompts above this many tokens; 0 for the base.
    pub above: u64,
    /// The modifiers that applied, in order.
    pub modifiers: Vec<&'a Modifier>,
    /// Set when the meter has no rule of its own and another meter's rate counts.
    pub instead_of: Option<Meter>,
    /// Whether a rule of equal rank has another price.
    pub conflict: bool,
    /// Rules that apply too and lost, best first.
    pub losers: Vec<&'a Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    attrs: usize,
    layer: Layer,
    known: bool,
    own_sku: bool,
    kind: PriceKind,
    region: u8,
    selectors: usize,
    priority: Reverse<u8>,
    from: Option<Timestamp>,
}

/// A query with its names resolved: all that is needed to price its meters.
pub(crate) struct Scope<'a> {
    book: &'a PriceBook,
    shelf: &'a Shelf,
    pub sku: &'a str,
    region: &'a str,
    select: Vec<(&'a str, &'a str)>,
    modifiers: Vec<&'a Modifier>,
    /// The rules that hold at the query's time and place, whatever they price.
    here: Vec<&'a Rule>,
    at: Timestamp,
    as_of: Timestamp,
}

/// The rules of the best rank for one meter: usually one, several when they conflict or when the request doesn't say
/// which of them holds.
pub(crate) struct Best<'a> {
    pub rules: Vec<Candidate<'a>>,
    pub instead_of: bool,
}

/// A rule that may set the price, and the modifiers on top of it.
pub(crate) struct Candidate<'a> {
    pub rule: &'a Rule,
    pub modifiers: Vec<&'a Modifier>,
}

impl<'a> Scope<'a> {
    /// `tier` replaces the service tier that the query names.
    pub fn new(book: &'a PriceBook, query: &'a PriceQuery, tier: Option<&'a str>) -> Option<Self> {
        let book = book.of(&query.seller);
        let (shelf, Named { sku, select, region }) = book.resolve(query)?;
        let mut scope = Self {
            book,
            shelf,
            sku,
            region: &query.region,
            select: Vec::with_capacity(query.select.len() + DEFAULTS.len()),
            modifiers: Vec::new(),
            here: Vec::new(),
            at: query.at,
            as_of: query.as_of,
        };
        for (key, value) in query.select.iter().chain(select.into_iter().flatten()) {
            scope.set(key, value);
        }
        if let Some(tier) = tier {
            scope.set("service_tier", tier);
        }
        for (key, value) in DEFAULTS {
            if scope.get(key).is_none() {
                scope.select.push((key, value));
            }
        }
        if scope.region.is_empty() {
            scope.region =
                region.or_else(|| scope.get("inference_geo").filter(|geo| *geo != "global" && *geo != "not_available")).unwrap_or("");
        }
        let rows = &book.shelves.rows.modifiers;
        scope.modifiers = shelf.modifiers.iter().filter_map(|index| rows.get(*index)).filter(|row| scope.is_modified_by(row)).collect();
        scope.here = scope.rules().filter(|rule| scope.is_here(rule)).collect();
        Some(scope)
    }

    fn is_here(&self, rule: &Rule) -> bool {
        rule.valid.contains(self.at)
            && rule.recorded.contains(self.as_of)
            && rule.schedule.as_ref().is_none_or(|schedule| schedule.contains(self.at))
            && rule.region.covers(self.region)
    }

    fn set(&mut self, key: &'a str, value: &'a str) {
        let (key, value) = canonical(key, value);
        match self.select.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => self.select.push((key, value)),
        }
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.select.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn is_modified_by(&self, row: &Modifier) -> bool {
        let here = row.region.specificity() == 0 || (!self.region.is_empty() && row.region.covers(self.region));
        let own = row.sku == Rule::ANY_SKU || row.sku == self.sku;
        own && here
            && row.valid.contains(self.at)
            && row.recorded.contains(self.as_of)
            && row.select.iter().all(|(key, value)| self.has(key, value))
    }

    fn has(&self, key: &str, value: &str) -> bool {
        let (key, value) = canonical(key, value);
        self.get(key) == Some(value)
    }

    /// What is known of the model: the seller's own row before the general one.
    pub fn facts(&self) -> Option<&'a ModelFacts> {
        let shelves = &self.book.shelves;
        let index = self.shelf.models.get(self.sku).or_else(|| shelves.models.get(self.sku))?;
        shelves.rows.models.get(*index).map(|model| &model.facts)
    }

    /// All factors of the seller, whether they apply or not.
    pub fn shelf_modifiers(&self) -> impl Iterator<Item = &'a Modifier> + use<'a> {
        let (shelf, rows) = (self.shelf, &self.book.shelves.rows.modifiers);
        shelf.modifiers.iter().filter_map(|index| rows.get(*index))
    }

    /// All rules of the sku, then those of the whole seller.
    pub fn rules(&self) -> impl Iterator<Item = &'a Rule> + use<'a> {
        let (shelf, rows) = (self.shelf, &self.book.shelves.rows.rules);
        let own = shelf.skus.get(self.sku).map_or(&[][..], Vec::as_slice);
        let wide = shelf.skus.get(Rule::ANY_SKU).map_or(&[][..], Vec::as_slice);
        own.iter().chain(wide).filter_map(|index| rows.get(*index))
    }

    /// Service tiers that rules of this sku or factors of its seller name, in no order and with repeats; not every one of
    /// them has a price for this sku.
    pub fn tiers_sold(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let rows = &self.book.shelves.rows.modifiers;
        let factors = self.shelf.modifiers.iter().filter_map(|index| rows.get(*index)).map(|row| &row.select);
        self.rules().map(|rule| &rule.select).chain(factors).filter_map(|select| select.get("service_tier")).map(String::as_str)
    }

    /// The rules that rank first for a meter: usually one, several when they conflict. A meter without a rule falls
    /// back to the meter whose price can't be lower.
    pub fn best(&self, meter: &Meter, attrs: &Attrs) -> Option<Best<'a>> {
        let own = self.first_rank(meter, attrs);
        // Another meter counts only where this one has no rule, or none for the modality.
        let is_final = own.is_some() && !attrs.contains_key("modality");
        let fallback = fallback(meter).filter(|_| !is_final).and_then(|other| self.first_rank(&other, attrs));
        let (mut rules, instead_of) = match (own, fallback) {
            (Some(own), Some(other)) if !names_modality(&own, attrs) && names_modality(&other, attrs) => (other, true),
            (Some(own), _) => (own, false),
            (None, Some(mut other)) => {
                if *meter == Meter::CacheWriteTokens {
                    other.extend(self.other_writes());
                }
                (other, true)
            }
            (None, None) => return None,
        };
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        let rules = rules.into_iter().map(|rule| Candidate { rule, modifiers: self.modifiers_on(rule) }).collect();
        Some(Best { rules, instead_of })
    }

    /// The rules that price cache writes of any lifetime now.
    fn other_writes(&self) -> Vec<&'a Rule> {
        let mut lifetimes: Vec<&Attrs> =
            self.rules().filter(|rule| rule.meter == Meter::CacheWriteTokens).map(|rule| &rule.attrs).collect();
        lifetimes.sort_unstable();
        lifetimes.dedup();
        lifetimes.into_iter().filter_map(|attrs| self.first_rank(&Meter::CacheWriteTokens, attrs)).flatten().collect()
    }

    fn first_rank(&self, meter: &Meter, attrs: &Attrs) -> Option<Vec<&'a Rule>> {
        let mut first: Option<(Rank, Vec<&'a Rule>)> = None;
        for rule in self.here.iter().copied().filter(|rule| rule.meter == *meter) {
            let Some(rank) = self.rank(rule, attrs) else { continue };
            match &mut first {
                Some((best, rules)) => match rank.cmp(best) {
                    Ordering::Less => {}
                    Ordering::Equal => rules.push(rule),
                    Ordering::Greater => first = Some((rank, vec![rule])),
                },
                None => first = Some((rank, vec![rule])),
            }
        }
        first.map(|(_, rules)| rules)
    }

    /// The rank of a rule of [`Scope::here`] for this request, or `None` when it doesn't apply.
    fn rank(&self, rule: &Rule, attrs: &Attrs) -> Option<Rank> {
        if !rule.attrs.iter().all(|(key, value)| has_attr(attrs, key, value)) {
            return None;
        }
        let mut known = rule.region.specificity() == 0 || !self.region.is_empty();
        let mut selectors = usize::from(rule.schedule.is_some());
        for (key, value) in &rule.select {
            let (key, value) = canonical(key, value);
            match self.get(key) {
                Some(have) if have == value => selectors += 1,
                None if OPEN.contains(&key) => known = false,
                _ if self.is_base_of_modifier(rule, key, value) => {}
                _ => return None,
            }
        }
        Some(Rank {
            attrs: rule.attrs.len(),
            layer: rule.layer,
            known,
            own_sku: rule.sku == self.sku,
            kind: rule.price_kind,
            region: if self.region.is_empty() { 0 } else { rule.region.specificity() },
            selectors,
            priority: Reverse(if known { rule.prov.priority() } else { 0 }),
            from: rule.valid.from.filter(|_| known),
        })
    }

    /// Whether the rule's value is the default that an applying modifier is a factor on.
    fn is_base_of_modifier(&self, rule: &Rule, key: &str, value: &str) -> bool {
        DEFAULTS.contains(&(key, value))
            && self.modifiers.iter().any(|row| row.layer >= rule.layer && row.select.contains_key(key) && row.is_for(&rule.meter))
    }

    /// The modifiers that apply to a rule: those whose attributes or region the rule doesn't price itself. The book's
    /// factors are left off an operator's price.
    fn modifiers_on(&self, rule: &Rule) -> Vec<&'a Modifier> {
        let is_explicit = |row: &Modifier| {
            let names = |key, value| rule.select.iter().any(|(own, named)| canonical(own, named) == canonical(key, value));
            let selected = row.select.iter().all(|(key, value)| names(key, value));
            let regional = row.region.specificity() == 0 || rule.region.specificity() > 0;
            selected && regional && (!row.select.is_empty() || row.region.specificity() > 0)
        };
        let applies = |row: &&Modifier| row.layer >= rule.layer && row.is_for(&rule.meter) && !is_explicit(row);
        not_excluded(self.modifiers.iter().copied().filter(applies).collect())
    }
}

impl<'a> Best<'a> {
    /// The dearest rate at a prompt size, the candidate that sets it and its band.
    pub fn at(&self, prompt_tokens: u64) -> Option<(Rate, &Candidate<'a>, u64)> {
        let mut dearest: Option<(Rate, &Candidate<'a>, u64)> = None;
        for candidate in &self.rules {
            let (rate, above) = candidate.rule.price.step_at(prompt_tokens);
            let rate = candidate.modified(rate)?;
            if dearest.is_none_or(|(best, ..)| rate > best) {
                dearest = Some((rate, candidate, above));
            }
        }
        dearest
    }

    /// The dearest rate that a prompt of at most this size can reach.
    pub fn dearest_within(&self, prompt_tokens_max: u64) -> Option<Rate> {
        let rates = self.rules.iter().map(|candidate| candidate.modified(candidate.rule.price.dearest_within(prompt_tokens_max)));
        rates.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Whether rules of equal rank have different prices.
    pub fn is_conflict(&self) -> bool {
        !self.instead_of && self.rules.windows(2).any(|pair| pair[0].rule.price != pair[1].rule.price)
    }
}

impl Candidate<'_> {
    /// A rate with the modifiers on top.
    pub fn modified(&self, rate: Rate) -> Option<Rate> {
        self.modifiers.iter().try_fold(rate, |rate, row| rate.scaled(row.factor).ok())
    }
}

/// Without those that another leaves no room for; of two that exclude each other, the first stays.
fn not_excluded(rows: Vec<&Modifier>) -> Vec<&Modifier> {
    let excludes = |row: &Modifier, other: &Modifier| row.excludes.contains(&other.id);
    let mut kept: Vec<&Modifier> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let by_earlier = kept.iter().any(|other| excludes(other, row));
        let by_later = rows[index..].iter().any(|other| excludes(other, row) && !excludes(row, other));
        if !by_earlier && !by_later {
            kept.push(row);
        }
    }
    kept
}

/// One spelling for request attributes that have several, in requests and in rows.
fn canonical<'k>(key: &'k str, value: &'k str) -> (&'k str, &'k str) {
    match (key, value) {
        ("service_tier", "" | "auto" | "default" | "on_demand") => (key, "standard"),
        ("service_tier", "batch") => ("processing", "batch"),
        ("speed", "" | "normal") => (key, "standard"),
        other => other,
    }
}

/// The meter whose rate counts where a meter has none of its own: never a cheaper one.
fn fallback(meter: &Meter) -> Option<Meter> {
    match meter {
        Meter::CacheReadTokens | Meter::CacheWriteTokens | Meter::EmbeddingTokens => Some(Meter::InputTokens),
        Meter::ReasoningTokens => Some(Meter::OutputTokens),
        _ => None,
    }
}

/// Text is the modality, and five minutes the cache time, of what names none.
fn has_attr(attrs: &Attrs, key: &str, value: &str) -> bool {
    match attrs.get(key) {
        Some(have) => have == value,
        None => matches!((key, value), ("ttl", "5m") | ("modality", "text")),
    }
}

fn names_modality(rules: &[&Rule], attrs: &Attrs) -> bool {
    attrs.get("modality").is_some_and(|modality| modality != "text") && rules.iter().any(|rule| rule.attrs.contains_key("modality"))
}

impl PriceBook {
    /// The price of one meter for a prompt size, with what lost.
    #[must_use]
    pub fn price_for<'a>(&'a self, query: &'a PriceQuery, meter: &Meter, attrs: &Attrs, prompt_tokens: u64) -> Option<Resolved<'a>> {
        let scope = Scope::new(self, query, None)?;
        let best = scope.best(meter, attrs)?;
        let (rate, &Candidate { rule, ref modifiers }, above) = best.at(prompt_tokens)?;
        let mut losers: Vec<(Rank, &Rule)> = scope
            .here
            .iter()
            .copied()
            .filter(|other| other.meter == rule.meter && other.id != rule.id)
            .filter_map(|other| Some((scope.rank(other, attrs)?, other)))
            .collect();
        losers.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.id.cmp(&other.id)));
        Some(Resolved {
            rate,
            rule,
            above,
            instead_of: best.instead_of.then(|| meter.clone()),
            conflict: best.is_conflict(),
            modifiers: modifiers.clone(),
            losers: losers.into_iter().map(|(_, loser)| loser).collect(),
        })
    }
}
