//! How what a source says now continues what was known of one item: the rule of two times.
//!
//! A source that dates its prices is taken at its word: its rows replace what was known from their first `valid.from` on. A source
//! that dates nothing has said something about now, so what differs counts from when it was seen, and what was known of
//! the time before stays. Either way a price that is only dated anew (a later sighting, a new verification) doesn't move.

use jiff::Timestamp;
use pricing::{Alias, Allowance, Basis, Modifier, PriceKind, Rule, Span};

use super::amount::is_same;

/// A row that holds in two times.
pub(super) trait Timed: Clone {
    fn valid(&mut self) -> &mut Span;
    fn recorded(&mut self) -> &mut Span;
    fn is_valid_in(&self) -> Span;
    fn is_recorded_in(&self) -> Span;
    /// Whether two rows of one key say the same, apart from when.
    fn is_one(&self, other: &Self) -> bool;
    /// Whether its source says itself from when it applies.
    fn is_dated(&self) -> bool {
        self.is_valid_in().from.is_some()
    }
    /// It counts from when it was first seen.
    fn set_first_seen(&mut self) {}
    /// Names the row anew, after its times were set.
    fn rename(&mut self) {}
}

impl Timed for Rule {
    fn valid(&mut self) -> &mut Span {
        &mut self.valid
    }
    fn recorded(&mut self) -> &mut Span {
        &mut self.recorded
    }
    fn is_valid_in(&self) -> Span {
        self.valid
    }
    fn is_recorded_in(&self) -> Span {
        self.recorded
    }
    fn is_one(&self, other: &Self) -> bool {
        (self.price_kind, self.free) == (other.price_kind, other.free)
            && self.schedule == other.schedule
            && is_same(&self.price, &other.price)
    }
    fn is_dated(&self) -> bool {
        matches!(self.basis, Basis::Documented | Basis::Commit)
    }
    fn set_first_seen(&mut self) {
        self.basis = Basis::FirstSeen;
    }
    fn rename(&mut self) {
        self.id = crate::price_book::derived_id(self);
    }
}

/// Rows that have nothing to know about time but the two spans.
macro_rules! timed {
    ($row:ty, $own:ident, $other:ident, $is_one:expr) => {
        impl Timed for $row {
            fn valid(&mut self) -> &mut Span {
                &mut self.valid
            }
            fn recorded(&mut self) -> &mut Span {
                &mut self.recorded
            }
            fn is_valid_in(&self) -> Span {
                self.valid
            }
            fn is_recorded_in(&self) -> Span {
                self.recorded
            }
            fn is_one(&self, $other: &Self) -> bool {
                let $own = self;
                $is_one
            }
        }
    };
}

timed!(Alias, a, b, (&a.sku, &a.select) == (&b.sku, &b.select));
timed!(
    Modifier,
    a,
    b,
    (&a.sku, &a.select, &a.region, &a.meters, a.factor, a.order, &a.excludes)
        == (&b.sku, &b.select, &b.region, &b.meters, b.factor, b.order, &b.excludes)
);
timed!(Allowance, a, b, (&a.plan, &a.sku, &a.grant, a.every, a.price_kind) == (&b.plan, &b.sku, &b.grant, b.every, b.price_kind));

/// Whether two rows of one key say the same, and when. Where it comes from may differ.
pub(super) fn says_the_same<T: Timed>(a: &T, b: &T) -> bool {
    a.is_valid_in() == b.is_valid_in() && a.is_one(b)
}

/// Whether two sets of rows of one key say the same.
pub(super) fn say_the_same<T: Timed>(a: &[&T], b: &[T]) -> bool {
    a.len() == b.len() && a.iter().all(|row| b.iter().any(|other| says_the_same(*row, other)))
}

/// The rows of one item after a source was seen to say `said`, of which `before` was known. Rows that stay are those of
/// `before`; the others' `recorded` and id are still to be set.
pub(super) fn renew(before: &[&Rule], said: &[&Rule], seen: Timestamp) -> Vec<Rule> {
    let mut strands: Vec<(PriceKind, bool)> = before.iter().chain(said).map(|rule| strand(rule)).collect();
    strands.sort_unstable();
    strands.dedup();
    let of = |rules: &[&Rule], own: (PriceKind, bool)| -> Vec<Rule> {
        rules.iter().filter(|rule| strand(rule) == own).map(|rule| (*rule).clone()).collect()
    };
    strands.into_iter().flat_map(|own| renew_rows(of(before, own), of(said, own), seen)).collect()
}

/// List prices, promotions and peak hours change apart from each other.
fn strand(rule: &Rule) -> (PriceKind, bool) {
    (rule.price_kind, rule.schedule.is_some())
}

/// The same for rows of any one key.
pub(super) fn renew_rows<T: Timed>(before: Vec<T>, said: Vec<T>, seen: Timestamp) -> Vec<T> {
    if before.is_empty() {
        return said;
    }
    // Still listed, but without its promotion or peak hours: they ended.
    if said.is_empty() {
        return until(before, Some(seen));
    }
    let is_dated = said.iter().any(T::is_dated) || said.iter().all(|row| row.is_valid_in().from.is_some());
    let start = if is_dated { said.iter().map(|row| row.is_valid_in().from).min().flatten() } else { Some(seen) };
    let known = before.clone();
    let next = joined(until(before, start), since(said, start), start);
    // Cut elsewhere but saying the same at every time is no news.
    if say_the_same(&seamless(&known).iter().collect::<Vec<_>>(), &seamless(&next)) { known } else { next }
}

/// The rows with those that say one thing and follow each other as one.
fn seamless<T: Timed>(rows: &[T]) -> Vec<T> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| row.is_valid_in().from);
    let mut all: Vec<T> = Vec::new();
    for next in sorted {
        let span = next.is_valid_in();
        let follows = |row: &&mut T| row.is_valid_in().to.is_some() && row.is_valid_in().to == span.from && row.is_one(&next);
        match all.iter_mut().find(follows) {
            Some(row) => row.valid().to = span.to,
            None => all.push(next),
        }
    }
    all
}

fn until<T: Timed>(mut rows: Vec<T>, end: Option<Timestamp>) -> Vec<T> {
    let Some(end) = end else { return Vec::new() };
    rows.retain(|row| row.is_valid_in().from.is_none_or(|from| from < end));
    for row in &mut rows {
        let to = &mut row.valid().to;
        *to = Some(to.map_or(end, |to| to.min(end)));
    }
    rows
}

fn since<T: Timed>(mut rows: Vec<T>, start: Option<Timestamp>) -> Vec<T> {
    let Some(start) = start else { return rows };
    rows.retain(|row| row.is_valid_in().to.is_none_or(|to| start < to));
    for row in rows.iter_mut().filter(|row| row.is_valid_in().from.is_none_or(|from| from < start)) {
        row.valid().from = Some(start);
        row.set_first_seen();
    }
    rows
}

/// A row that goes on where one of before was cut, with the same price, is that row, which lasts longer. Rows that either side has
/// apart stay apart.
fn joined<T: Timed>(mut head: Vec<T>, tail: Vec<T>, cut: Option<Timestamp>) -> Vec<T> {
    let mut added = Vec::new();
    for next in tail {
        let span = next.is_valid_in();
        let goes_on = |row: &T| cut.is_some() && span.from == cut && row.is_valid_in().to == cut && row.is_one(&next);
        match head.iter_mut().find(|row| goes_on(row)) {
            Some(earlier) => earlier.valid().to = span.to,
            None => added.push(next),
        }
    }
    head.append(&mut added);
    head
}

/// Ends what isn't said any more and adds what is said anew, both as known from `known` on. `own` are the indexes of the
/// key's open rows.
pub(super) fn record<T: Timed>(rows: &mut Vec<T>, own: &[usize], next: Vec<T>, known: Timestamp) {
    let mut is_kept = vec![false; next.len()];
    for index in own {
        let same = next.iter().position(|row| says_the_same(&rows[*index], row));
        match same {
            Some(kept) => is_kept[kept] = true,
            None => rows[*index].recorded().to = Some(known),
        }
    }
    for (mut row, _) in next.into_iter().zip(is_kept).filter(|(_, is_kept)| !is_kept) {
        *row.recorded() = Span { from: Some(known), to: None };
        row.rename();
        rows.push(row);
    }
}
