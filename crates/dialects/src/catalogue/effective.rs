//! The effective book: a base and everything imported, one source believed for each item at each time.
//!
//! - Asked as of a time before the first import, it answers exactly as the base does: what the base said is kept, and only
//!   `recorded.to` of a row is set where an import changed it. Importing what the base was made of changes nothing.
//! - An embedded row is what its source said when the base was made ([`super::evidence`]); a newer import of the same source
//!   takes its place, an older one doesn't.
//! - Undated evidence never rewrites the past: where the believed price changes, the new one counts from the import, and what
//!   the book said of the time before stays ([`super::renew`]). A source that dates its prices is taken at its word.
//! - A price never vanishes because a list leaves it out, or because no source that knows the base price has it any more.
//! - Which source is believed is decided anew at each import, from what was known then ([`super::choose`]).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pricing::{Alias, Allowance, Basis, BookError, Layer, Model, PriceBook, Rows, Rule};

use super::Catalogue;
use super::amount::{current, is_same};
use super::choose::{BySource, Outcome, outcomes, votes};
use super::evidence::{Evidence, Unit, is_own, noted};
use super::renew::{Timed, record, renew, renew_rows, says_the_same};

impl Catalogue {
    /// The book that calls are priced with. Lists of the operator's own (CSV, JSON Lines) win over all others.
    ///
    /// # Errors
    /// Rows that contradict each other.
    pub fn book_over(&self, base: &PriceBook) -> Result<PriceBook, Vec<BookError>> {
        if self.sources.is_empty() {
            return Ok(base.clone());
        }
        let mut rows = Rows { rules: self.rules_over(base), ..Rows::default() };
        self.add_facts(base, &mut rows);
        let book = PriceBook::from_rows(rows)?;
        let mut own = Rows::default();
        for (_, source) in self.sources().filter(|(name, _)| is_own(name)) {
            add_own(&mut own, source.rows.clone(), base);
        }
        if own == Rows::default() { Ok(book) } else { book.with_extra(own) }
    }

    fn rules_over(&self, base: &PriceBook) -> Vec<Rule> {
        let evidence = Evidence::new(self, base);
        let mut rules: Vec<Rule> = base.rows().rules.iter().filter(|rule| rule.layer != Layer::Embedded).cloned().collect();
        for unit in &evidence.units {
            rules.extend(rules_of(&evidence, unit).into_iter().flatten());
        }
        rules
    }
}

/// The rows of each item of a unit, in two times.
pub(super) fn rules_of(evidence: &Evidence<'_>, unit: &Unit<'_>) -> Vec<Vec<Rule>> {
    let epochs = evidence.epochs(unit);
    // What the base itself learnt later becomes known at its time, if its source is still believed then.
    let first = epochs.keys().next();
    let is_known = |rule: &&&Rule| first.is_none_or(|first| rule.recorded.from.is_none_or(|from| from < *first));
    let rules = unit.iter().map(|(_, rows)| rows.base.iter().filter(is_known).map(|rule| (*rule).clone()).collect()).collect();
    let mut shelf = Shelf { rules, is_settled: true };
    for (at, has_turned) in epochs {
        // An import that changes no row of the sku can only matter where sources disagree: a better one was read anew.
        if has_turned || !shelf.is_settled {
            shelf.turn(evidence, unit, at);
        }
    }
    shelf.rules
}

/// The rows of each item of one sku while the book's history is gone through.
struct Shelf {
    rules: Vec<Vec<Rule>>,
    /// Whether every source had the same price of everything when last looked at.
    is_settled: bool,
}

impl Shelf {
    fn turn(&mut self, evidence: &Evidence<'_>, unit: &Unit<'_>, at: Timestamp) {
        let (groups, seen) = evidence.at(unit, at);
        self.is_settled = groups.values().all(|sources| is_settled(sources, at));
        for (item, outcome) in outcomes(&groups, &seen, at, &mut Vec::new()) {
            let Some(place) = unit.iter().position(|(own, _)| std::ptr::eq(own, item)) else { continue };
            let rules = &mut self.rules[place];
            let own: Vec<usize> = (0..rules.len()).filter(|index| rules[*index].recorded.contains(at)).collect();
            let before: Vec<&Rule> = own.iter().map(|index| &rules[*index]).collect();
            let (name, next) = match &outcome {
                Outcome::NoneFits => continue,
                Outcome::CoveredElsewhere => ("", Vec::new()),
                Outcome::Source(name) => (name.as_str(), continued(evidence, &before, &groups[item][name].rules, at)),
            };
            record(rules, &own, next, at);
            vote(rules, name, &groups[item], at);
        }
    }
}

/// The book's rows of one item after its source was believed at a time.
fn continued(evidence: &Evidence<'_>, before: &[&Rule], said: &[Rule], at: Timestamp) -> Vec<Rule> {
    // A row of the base stands in for the time before its source was read only until something is known of that time. What
    // doesn't say from when it holds is assumed to have held before.
    let stands_in = |rule: &&Rule| rule.recorded.from.is_none() && evidence.base_seen(&rule.prov.source).is_some_and(|seen| at < seen);
    if before.iter().all(stands_in) && said.iter().any(|rule| rule.valid.from.is_none()) {
        return said.to_vec();
    }
    let said: Vec<&Rule> = said.iter().collect();
    renew(before, &said, seen_since(before, &said, at))
}

/// Says of the rows of now who else has their price.
fn vote(rules: &mut [Rule], name: &str, sources: &BySource, at: Timestamp) {
    for rule in rules.iter_mut().filter(|rule| rule.recorded.contains(at) && rule.valid.contains(at) && rule.schedule.is_none()) {
        let name = if rule.prov.source == name { name } else { rule.prov.source.as_str() };
        (rule.prov.agree, rule.prov.differ) = votes(name, Some(&rule.price), sources, at);
        if let Some(said) = sources.get(name) {
            noted(std::slice::from_mut(rule), &said.rules.iter().collect::<Vec<_>>());
        }
    }
}

/// From when on what is said counts. A source that goes on being believed may have been seen to say it earlier than it was believed:
/// a price that was accepted after some days counts from its first day.
fn seen_since(before: &[&Rule], said: &[&Rule], at: Timestamp) -> Timestamp {
    let (Some(old), Some(new)) = (current(before.iter().copied(), at), current(said.iter().copied(), at)) else { return at };
    let first_seen = new.valid.from.filter(|_| new.basis == Basis::FirstSeen && new.prov.source == old.prov.source);
    first_seen.map_or(at, |first| first.min(at))
}

fn is_settled(sources: &BySource, at: Timestamp) -> bool {
    let mut prices = sources.values().filter_map(|said| current(&said.rules, at)).map(|rule| &rule.price);
    let first = prices.next();
    prices.all(|price| first.is_some_and(|first| is_same(first, price)))
}

/// Rows of the operator's own list, without those that the base already has from one of his files.
fn add_own(own: &mut Rows, mut rows: Rows, base: &PriceBook) {
    let operator = base.rows().rules.iter().filter(|rule| rule.layer == Layer::Operator);
    let known: BTreeSet<String> = operator.chain(&own.rules).map(|rule| rule.id.clone()).collect();
    rows.rules.retain(|rule| !known.contains(&rule.id));
    own.rules.append(&mut rows.rules);
    own.aliases.append(&mut rows.aliases);
    own.modifiers.append(&mut rows.modifiers);
    own.models.append(&mut rows.models);
    own.semantics.append(&mut rows.semantics);
    own.allowances.append(&mut rows.allowances);
}

impl Catalogue {
    /// Names, factors, allowances and facts: those of the base, renewed by a newer import of the same source, and what imports know of
    /// skus and names that the base doesn't have, the better source first.
    fn add_facts(&self, base: &PriceBook, rows: &mut Rows) {
        let base = base.rows();
        let sold: BTreeSet<(String, String)> = rows.rules.iter().map(|rule| (rule.seller.clone(), rule.sku.clone())).collect();
        let bare: BTreeSet<(&str, &str)> =
            sold.iter().filter_map(|(seller, sku)| Some((seller.as_str(), sku.split_once('/')?.1))).collect();
        let is_sold = |seller: &str, sku: &str| sku == Rule::ANY_SKU || sold.contains(&(seller.to_owned(), sku.to_owned()));
        let names = |row: &Alias| {
            (row.is_nested() || is_sold(&row.seller, &row.sku))
                && !(row.select.is_empty() && bare.contains(&(row.seller.as_str(), row.name.as_str())))
        };
        rows.aliases = self.renewed(&base.aliases, |rows| &rows.aliases, |row| (row.seller.clone(), row.name.clone()), names);
        rows.modifiers = self.renewed(&base.modifiers, |rows| &rows.modifiers, |row| row.id.clone(), |row| is_sold(&row.seller, &row.sku));
        rows.allowances = self.renewed(&base.allowances, |rows| &rows.allowances, |row| row.id.clone(), |_: &Allowance| true);
        rows.models = self.models_over(&base.models, |row| row.seller.is_empty() || is_sold(&row.seller, &row.sku));
        rows.semantics.clone_from(&base.semantics);
        for row in self.by_priority().flat_map(|(_, rows)| &rows.semantics) {
            if !rows.semantics.iter().any(|known| known.seller == row.seller) {
                rows.semantics.push(row.clone());
            }
        }
    }

    /// Imported rows, the better source first.
    fn by_priority(&self) -> impl Iterator<Item = (&str, &Rows)> {
        let mut sources: Vec<(&str, &Rows)> = self.published().map(|(name, book)| (name, &book.rows)).collect();
        let priority = |name: &str| pricing::Provenance { source: name.to_owned(), ..Default::default() }.priority();
        sources.sort_by_key(|(name, _)| (priority(name), *name));
        sources.into_iter()
    }

    fn renewed<T: Timed + Sourced, K: Ord>(
        &self,
        base: &[T],
        rows: impl Fn(&Rows) -> &Vec<T>,
        key: impl Fn(&T) -> K,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Vec<T> {
        let mut all: Vec<T> = base.to_vec();
        let mut known: BTreeMap<K, (String, Vec<usize>)> = BTreeMap::new();
        for (index, row) in base.iter().enumerate() {
            known.entry(key(row)).or_insert_with(|| (row.source().to_owned(), Vec::new())).1.push(index);
        }
        for (source, imported) in self.by_priority() {
            let newer = self.source(source).and_then(|book| {
                book.imports.iter().map(|import| import.as_of).find(|as_of| crate::price_book::embedded_as_of() <= *as_of)
            });
            let mut said: BTreeMap<K, Vec<&T>> = BTreeMap::new();
            for row in rows(imported).iter().filter(|row| is_wanted(row)) {
                said.entry(key(row)).or_default().push(row);
            }
            for (key, said) in said {
                match (known.get(&key), newer) {
                    (None, _) => {
                        let first = all.len();
                        all.extend(said.into_iter().cloned());
                        known.insert(key, (source.to_owned(), (first..all.len()).collect()));
                    }
                    (Some((owner, own)), Some(newer)) if owner == source && own.iter().all(|index| *index < base.len()) => {
                        renew_base(&mut all, own, &said, newer);
                    }
                    _ => {}
                }
            }
        }
        all
    }

    fn models_over(&self, base: &[Model], is_wanted: impl Fn(&Model) -> bool) -> Vec<Model> {
        let mut models = base.to_vec();
        let mut known: BTreeMap<(String, String), usize> =
            base.iter().enumerate().map(|(index, row)| ((row.seller.clone(), row.sku.clone()), index)).collect();
        for row in self.by_priority().flat_map(|(_, rows)| &rows.models).filter(|row| is_wanted(row)) {
            let key = (row.seller.clone(), row.sku.clone());
            match known.get(&key).and_then(|index| models.get_mut(*index)) {
                Some(model) if model.layer == Layer::Embedded => learn(model, row),
                Some(_) => {}
                None => {
                    known.insert(key, models.len());
                    models.push(row.clone());
                }
            }
        }
        models
    }
}

/// The larger limits count, because a bound must hold for what may be served; of a cache's least prompt the smaller.
fn learn(model: &mut Model, row: &Model) {
    let smallest = |a: u64, b: u64| if a == 0 || b == 0 { a.max(b) } else { a.min(b) };
    model.facts.input_tokens_max = model.facts.input_tokens_max.max(row.facts.input_tokens_max);
    model.facts.output_tokens_max = model.facts.output_tokens_max.max(row.facts.output_tokens_max);
    model.facts.cache_tokens_min = smallest(model.facts.cache_tokens_min, row.facts.cache_tokens_min);
    if model.facts.tokenizer.is_empty() {
        model.facts.tokenizer.clone_from(&row.facts.tokenizer);
    }
}

/// Rows of the base renewed by what a newer import of their source says now.
fn renew_base<T: Timed>(all: &mut Vec<T>, own: &[usize], said: &[&T], newer: Timestamp) {
    let open: Vec<usize> = own.iter().copied().filter(|index| all[*index].is_recorded_in().to.is_none()).collect();
    let before: Vec<T> = open.iter().map(|index| all[*index].clone()).collect();
    let now: Vec<T> = said.iter().filter(|row| row.is_recorded_in().to.is_none()).map(|row| (*row).clone()).collect();
    let next = renew_rows(before.clone(), now, newer);
    let is_same = before.len() == next.len() && before.iter().all(|row| next.iter().any(|other| says_the_same(row, other)));
    if !is_same {
        record(all, &open, next, newer);
    }
}

/// A row that names its source.
trait Sourced {
    fn source(&self) -> &str;
}

impl Sourced for Alias {
    fn source(&self) -> &str {
        &self.prov.source
    }
}

impl Sourced for pricing::Modifier {
    fn source(&self) -> &str {
        &self.prov.source
    }
}

impl Sourced for Allowance {
    fn source(&self) -> &str {
        &self.prov.source
    }
}
