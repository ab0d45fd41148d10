//! What every source says of the items of one sku, as known at a time: the base's own rows and what was imported.
//!
//! A row of the base is what its source said on the day on which that source was read for the base. Before that day it stands in for
//! what nobody knew; an import of an earlier day is better knowledge of that earlier time, and no knowledge of the time after. What a
//! source already said when the base was made, and the base prices without it, is no news: it votes but isn't chosen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use money::{Decimal, Rate};
use pricing::{Basis, Layer, Price, PriceBook, Provenance, Rule, Span, Step, TierMode};

use super::amount::{current, is_same};
use super::choose::{BySource, Groups, Said, Seen};
use super::item::ByItem;
use super::renew::renew;
use super::{Catalogue, Item, SourceBook};
use crate::price_book;

/// Everything that bears on one item.
#[derive(Default)]
pub(super) struct Rows<'a> {
    /// The base's rows.
    pub base: Vec<&'a Rule>,
    /// What was imported, by source.
    pub said: BTreeMap<&'a str, Vec<&'a Rule>>,
}

/// Everything that bears on one sku of one seller: its items in order.
pub(super) type Unit<'a> = Vec<(Item, Rows<'a>)>;

/// All skus, and when their sources were read.
pub(super) struct Evidence<'a> {
    pub units: Vec<Unit<'a>>,
    imports: BTreeMap<&'a str, &'a SourceBook>,
    /// When each source of the base was read.
    base_seen: Seen,
    /// When the last of them was.
    base_made: Option<Timestamp>,
}

impl<'a> Evidence<'a> {
    /// Rows of operators are no evidence: they win without it.
    pub fn new(catalogue: &'a Catalogue, base: &'a PriceBook) -> Self {
        let mut rows: BTreeMap<ByItem<'a>, Rows<'a>> = BTreeMap::new();
        let mut base_seen = Seen::new();
        for rule in base.rows().rules.iter().filter(|rule| rule.layer == Layer::Embedded) {
            rows.entry(ByItem(rule)).or_default().base.push(rule);
            note_read(&mut base_seen, &rule.prov.source, &rule.prov.version);
            let differ = rule.prov.differ.iter().filter_map(|text| told(text)).map(|(source, _)| source);
            rule.prov.agree.iter().map(String::as_str).chain(differ).for_each(|source| note_read(&mut base_seen, source, ""));
        }
        let mut imports = BTreeMap::new();
        for (name, book) in catalogue.published() {
            imports.insert(name, book);
            for rule in &book.rows.rules {
                rows.entry(ByItem(rule)).or_default().said.entry(name).or_default().push(rule);
            }
        }
        let mut units: Vec<Unit<'a>> = Vec::new();
        for (ByItem(rule), rows) in rows {
            let item = Item::of(rule);
            match units.last_mut() {
                Some(unit) if unit.first().is_some_and(|(first, _)| (&first.seller, &first.sku) == (&item.seller, &item.sku)) => {
                    unit.push((item, rows));
                }
                _ => units.push(vec![(item, rows)]),
            }
        }
        let base_made = base_seen.values().max().copied();
        Self { units, imports, base_seen, base_made }
    }

    /// The times at which what is known of a unit can change, in order; `true` where its rows themselves change.
    pub fn epochs(&self, unit: &Unit<'_>) -> BTreeMap<Timestamp, bool> {
        let mut epochs = BTreeMap::new();
        let sources: BTreeSet<&str> = unit.iter().flat_map(|(_, rows)| rows.said.keys().copied()).collect();
        for source in sources {
            let imports = self.imports.get(source).map_or(&[][..], |book| &book.imports);
            let base_seen = self.base_seen.get(source);
            for import in imports {
                epochs.entry(import.as_of).or_insert(false);
                if let Some(seen) = base_seen.filter(|seen| import.as_of < **seen) {
                    epochs.insert(*seen, true);
                }
            }
            let Some(first) = imports.iter().map(|import| import.as_of).min() else { continue };
            epochs.insert(first, true);
            let rules = unit.iter().filter_map(|(_, rows)| rows.said.get(source)).flatten();
            let turns = rules.flat_map(|rule| [rule.recorded.from, rule.recorded.to]).flatten();
            // What a source took back before it was first imported is no time of this book.
            epochs.extend(turns.filter(|turn| first <= *turn).map(|turn| (turn, true)));
        }
        if let Some(first) = epochs.keys().next().copied() {
            let turns = unit.iter().flat_map(|(_, rows)| &rows.base).flat_map(|rule| [rule.recorded.from, rule.recorded.to]).flatten();
            epochs.extend(turns.filter(|turn| first <= *turn).map(|turn| (turn, true)));
        }
        epochs
    }

    /// What each source says of each item of a unit, as known at `at`, and when each was last read.
    pub fn at<'u>(&self, unit: &'u Unit<'_>, at: Timestamp) -> (Groups<'u>, Seen) {
        let mut reads: BTreeMap<String, Reads> = BTreeMap::new();
        let mut groups = Groups::new();
        for (item, rows) in unit {
            let base = of_base(&rows.base, at);
            let mut sources = BySource::new();
            for source in base.keys().map(String::as_str).chain(rows.said.keys().copied()) {
                if sources.contains_key(source) {
                    continue;
                }
                let new = || Reads::of(self.imports.get(source).copied(), self.base_seen.get(source).copied(), at);
                let reads = reads.entry(source.to_owned()).or_insert_with(new);
                let mut known = known(base.get(source), rows.said.get(source).map_or(&[], Vec::as_slice), reads, at);
                let is_news = base.is_empty() || self.is_news(source, base.get(source), &known, reads, at);
                known.only_votes |= !is_news;
                if !known.rules.is_empty() {
                    sources.insert(source.to_owned(), known);
                }
            }
            groups.insert(item, sources);
        }
        let seen = reads.into_iter().filter_map(|(source, reads)| Some((source, reads.last?))).collect();
        (groups, seen)
    }

    /// Whether a source says something that the base's makers didn't know when they chose another.
    fn is_news(&self, source: &str, base: Option<&Said>, known: &Said, reads: &Reads, at: Timestamp) -> bool {
        let price = |said: &Said| current(&said.rules, at).map(|rule| rule.price.clone());
        match base {
            None => reads.last > self.base_made,
            Some(chosen) if !chosen.only_votes => true,
            Some(left_out) => {
                let has_moved = price(left_out).zip(price(known)).is_none_or(|(old, new)| !is_same(&old, &new));
                has_moved && reads.last > self.base_seen.get(source).copied()
            }
        }
    }

    /// When the base read a source.
    pub fn base_seen(&self, source: &str) -> Option<Timestamp> {
        self.base_seen.get(source).copied()
    }
}

impl Catalogue {
    /// Sources that aren't the operator's own lists.
    pub(super) fn published(&self) -> impl Iterator<Item = (&str, &SourceBook)> {
        self.sources().filter(|(name, _)| !is_own(name))
    }
}

pub(super) fn is_own(source: &str) -> bool {
    crate::price_sources::Source::from_name(source).is_some_and(crate::price_sources::Source::is_own)
}

/// The base read a source on the date in its version where that is one, else when the embedded book was made.
fn note_read(seen: &mut Seen, source: &str, version: &str) {
    let date = || version.get(..10).and_then(|date| format!("{date}T00:00:00Z").parse::<Timestamp>().ok());
    if seen.contains_key(source) {
        return;
    }
    let read = date().or_else(|| price_book::embedded_seen(source)).unwrap_or_else(price_book::embedded_as_of);
    seen.insert(source.to_owned(), read);
}

/// When a source was read, before and after the base read it.
struct Reads {
    /// The newest import before the base's own reading.
    earlier: Option<Timestamp>,
    /// The first import since the base's own reading.
    first_since: Option<Timestamp>,
    base: Option<Timestamp>,
    /// The last reading that counts at the time.
    last: Option<Timestamp>,
}

impl Reads {
    fn of(book: Option<&SourceBook>, base: Option<Timestamp>, at: Timestamp) -> Self {
        let imports = || book.into_iter().flat_map(|book| &book.imports).map(|import| import.as_of).filter(|as_of| *as_of <= at);
        let earlier = imports().filter(|as_of| base.is_some_and(|base| *as_of < base)).max();
        let first_since = imports().find(|as_of| base.is_none_or(|base| base <= *as_of));
        // Until the base reads the source, an earlier import is what is known.
        let counts = base.filter(|base| earlier.is_none() || *base <= at);
        Self { earlier, first_since, base, last: imports().max().max(counts) }
    }
}

/// The rows of one source for one item, as known at a time.
fn known(base: Option<&Said>, said: &[&Rule], reads: &Reads, at: Timestamp) -> Said {
    let said_at = |at: Timestamp| -> Vec<&Rule> { said.iter().copied().filter(|rule| rule.recorded.contains(at)).collect() };
    let owned = |rules: Vec<&Rule>| Said { rules: rules.into_iter().cloned().collect(), only_votes: false };
    let now = if reads.earlier.is_some() || reads.first_since.is_some() { said_at(at) } else { Vec::new() };
    let (Some(base), Some(base_read)) = (base, reads.base) else { return owned(now) };
    let earlier = reads.earlier.map(said_at).unwrap_or_default();
    if !earlier.is_empty() && at < base_read {
        return owned(now);
    }
    if now.is_empty() {
        return base.clone();
    }
    if base.only_votes && base.rules.iter().any(|rule| rule.prov.raw != AGREES) {
        // The text of a chosen row tells a rival's price without its dates, which an import of the same price has.
        let price = |rules: &[Rule]| current(rules, base_read).map(|rule| rule.price.clone());
        let now = owned(now);
        let is_told = price(&now.rules).zip(price(&base.rules)).is_some_and(|(now, told)| is_same(&now, &told));
        return match (reads.first_since, is_told) {
            (Some(_), _) => now,
            (None, true) => Said { only_votes: true, ..now },
            (None, false) => base.clone(),
        };
    }
    let mut base_rules = base.rules.clone();
    noted(&mut base_rules, &now);
    let base_rules: Vec<&Rule> = base_rules.iter().collect();
    let at_base = if earlier.is_empty() { base_rules.into_iter().cloned().collect() } else { renew(&earlier, &base_rules, base_read) };
    match reads.first_since {
        Some(first) => Said { rules: renew(&at_base.iter().collect::<Vec<_>>(), &now, first), only_votes: false },
        None => Said { rules: at_base, only_votes: base.only_votes },
    }
}

/// Rows with the remarks, such as that a model was retired, that their source makes now.
pub(super) fn noted(rules: &mut [Rule], now: &[&Rule]) {
    for rule in rules {
        if let Some(now) =
            now.iter().find(|now| !now.prov.note.is_empty() && now.schedule == rule.schedule && is_same(&now.price, &rule.price))
        {
            rule.prov.note.clone_from(&now.prov.note);
        }
    }
}

/// Marks the row of a rival that has the chosen price itself, not one read from a text.
const AGREES: &str = "agrees";

/// The base's rows of one item by source, with what chosen rows tell of their rivals.
fn of_base(rules: &[&Rule], at: Timestamp) -> BySource {
    let mut sources = BySource::new();
    for rule in rules.iter().filter(|rule| rule.recorded.contains(at)) {
        sources.entry(rule.prov.source.clone()).or_default().rules.push((*rule).clone());
    }
    for rule in rules.iter().filter(|rule| rule.recorded.contains(at)) {
        for source in &rule.prov.agree {
            hear(&mut sources, source, hearsay(rule, source, rule.price.clone(), AGREES));
        }
        for (source, price) in rule.prov.differ.iter().filter_map(|text| told(text)) {
            if let Some(price) = price_told(price, &rule.price) {
                hear(&mut sources, source, hearsay(rule, source, price, ""));
            }
        }
    }
    sources
}

fn hear(sources: &mut BySource, source: &str, rule: Rule) {
    sources.entry(source.to_owned()).or_insert(Said { rules: vec![rule], only_votes: true });
}

fn hearsay(rule: &Rule, source: &str, price: Price, raw: &str) -> Rule {
    Rule {
        id: String::new(),
        price,
        schedule: None,
        valid: Span::ALWAYS,
        basis: Basis::Assumed,
        recorded: Span::ALWAYS,
        prov: Provenance { source: source.to_owned(), raw: raw.to_owned(), ..Provenance::default() },
        ..rule.clone()
    }
}

/// `litellm 0.15` as the source and its price.
fn told(text: &str) -> Option<(&str, &str)> {
    text.split_once(' ')
}

/// A price as [`super::amount::brief`] writes it, with the unit and bands of the chosen price where the text doesn't tell them.
fn price_told(text: &str, chosen: &Price) -> Option<Price> {
    let own = chosen.rates().next().map_or(1_000_000, Rate::per);
    let usual = if matches!(own, 1 | 1_000_000) { own } else { 1 };
    let rates = text.split('/').map(|part| {
        let (price, per) = part.split_once(" per ").map_or((part, usual), |(price, per)| (price, per.parse().unwrap_or(usual)));
        Rate::new(Decimal::parse(price.trim()).ok()?, per).ok()
    });
    let rates: Vec<Rate> = rates.collect::<Option<_>>()?;
    let [rate] = rates.as_slice() else {
        let above = |index: usize| match chosen {
            Price::Tiers { steps, .. } => steps.get(index).map(|step| step.above),
            Price::Flat(_) => None,
        };
        let unknown = |index: usize| above(index).unwrap_or(index as u64);
        let steps = rates.iter().enumerate().map(|(index, rate)| Step { above: unknown(index), rate: *rate }).collect();
        return Some(Price::Tiers { mode: TierMode::WholeRequest, steps });
    };
    Some(Price::Flat(*rate))
}
