//! Lines of waiting holds: one line for each set of limits that governs its waiters.
//!
//! Within a line the order is strict. Between lines it is the order in which their heads arrived, with one freedom: a
//! later head may go first when every limit that it shares with an earlier one has room for both. So one team that has
//! run dry doesn't stop the teams beside it, and nobody takes what somebody before them waits for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use money::Nanos;

use crate::admit::{Room, Scope, Site};
use crate::ledger::Ledger;

/// The place in the order of arrival.
pub(crate) type Arrival = u64;

type LineId = u64;
type LimitId = usize;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It fits, and may take up to this much without taking what others before it wait for.
    Fits(Arrival, i128),
    /// It never fits any more.
    Never(Arrival),
}

#[derive(Clone, Debug, Default)]
struct Line {
    limits: Vec<LimitId>,
    waiting: BTreeMap<Arrival, Nanos>,
    by_need: BTreeSet<(Nanos, Arrival)>,
}

impl Line {
    fn head(&self) -> Option<(Arrival, Nanos)> {
        self.waiting.first_key_value().map(|(arrival, need)| (*arrival, *need))
    }
}

/// One limit that somebody waits for.
#[derive(Clone, Debug)]
struct Limit {
    scope: Scope,
    site: Option<Site>,
    /// What the heads of its lines need.
    kept: i128,
    /// How many lines wait for it.
    lines: usize,
}

/// All lines, in order of their heads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    lines: BTreeMap<LineId, Line>,
    by_limits: BTreeMap<Vec<LimitId>, LineId>,
    heads: BTreeMap<Arrival, LineId>,
    line_of: BTreeMap<Arrival, LineId>,
    limits: Vec<Limit>,
    limit_of: BTreeMap<Scope, LimitId>,
    /// How many limits somebody waits for.
    awaited: usize,
}

impl Lines {
    /// Whether most of the limits that are known are waited for by nobody, so that the lines should be drawn up anew.
    pub(crate) fn are_worn(&self) -> bool {
        self.limits.len() > 64 + 2 * self.awaited
    }

    /// Appends to the line of `scopes`. Arrivals are appended in their order.
    pub(crate) fn append(&mut self, arrival: Arrival, scopes: Vec<Scope>, need: Nanos) {
        let limits: Vec<LimitId> = scopes.into_iter().map(|scope| self.limit(scope)).collect();
        let id = *self.by_limits.entry(limits.clone()).or_insert(arrival);
        if id == arrival {
            self.await_all(&limits);
        }
        let line = self.lines.entry(id).or_insert_with(|| Line { limits, ..Line::default() });
        line.waiting.insert(arrival, need);
        line.by_need.insert((need, arrival));
        self.line_of.insert(arrival, id);
        if line.waiting.len() == 1 {
            self.lead(id);
        }
    }

    pub(crate) fn remove(&mut self, arrival: Arrival) {
        let Some(id) = self.line_of.remove(&arrival) else { return };
        self.unlead(id);
        let Some(line) = self.lines.get_mut(&id) else { return };
        if let Some(need) = line.waiting.remove(&arrival) {
            line.by_need.remove(&(need, arrival));
        }
        if !line.waiting.is_empty() {
            return self.lead(id);
        }
        if let Some(line) = self.lines.remove(&id) {
            self.by_limits.remove(&line.limits);
            self.leave_all(&line.limits);
        }
    }

    /// The first whose turn it is now.
    pub(crate) fn next(&mut self, ledger: &Ledger, now: Timestamp) -> Option<Turn> {
        let mut rooms: Vec<Option<Room>> = vec![None; self.limits.len()];
        for id in self.heads.values() {
            let Some(line) = self.lines.get(id) else { continue };
            let (mut without_holds, mut available) = (i128::MAX, i128::MAX);
            for limit in &line.limits {
                let room = rooms[*limit].get_or_insert_with(|| self.limits[*limit].room(ledger, now));
                without_holds = without_holds.min(room.without_holds);
                available = available.min(room.available);
            }
            if let Some((_, largest)) = line.by_need.last().filter(|(need, _)| !fits(*need, without_holds)) {
                return Some(Turn::Never(*largest));
            }
            let Some((head, need)) = line.head() else { continue };
            if fits(need, available) {
                return Some(Turn::Fits(head, available));
            }
            for limit in &line.limits {
                rooms[*limit].iter_mut().for_each(|room| room.available -= i128::from(need.get()));
            }
        }
        None
    }

    /// The most that a newcomer may take that fits by itself; `None` when it must wait behind somebody, which what
    /// needs nothing never must.
    pub(crate) fn room_beside(&mut self, ledger: &Ledger, scopes: &[Scope], need: Nanos, now: Timestamp) -> Option<i128> {
        let known: Vec<LimitId> = scopes.iter().filter_map(|scope| self.limit_of.get(scope).copied()).collect();
        let stands_in_line = known.len() == scopes.len() && self.by_limits.contains_key(&known);
        if !need.is_zero() && stands_in_line {
            return None;
        }
        let beside = known.into_iter().map(|limit| self.limits[limit].room(ledger, now).available - self.limits[limit].kept);
        let least = beside.min().unwrap_or(i128::MAX);
        fits(need, least).then_some(least)
    }

    fn await_all(&mut self, limits: &[LimitId]) {
        for limit in limits {
            self.limits[*limit].lines += 1;
            self.awaited += usize::from(self.limits[*limit].lines == 1);
        }
    }

    fn leave_all(&mut self, limits: &[LimitId]) {
        for limit in limits {
            self.limits[*limit].lines -= 1;
            self.awaited -= usize::from(self.limits[*limit].lines == 0);
        }
    }

    fn limit(&mut self, scope: Scope) -> LimitId {
        let next = self.limits.len();
        let id = *self.limit_of.entry(scope.clone()).or_insert(next);
        if id == next {
            self.limits.push(Limit { scope, site: None, kept: 0, lines: 0 });
        }
        id
    }

    fn lead(&mut self, id: LineId) {
        let Some((head, need)) = self.lines.get(&id).and_then(Line::head) else { return };
        self.heads.insert(head, id);
        self.keep(id, i128::from(need.get()));
    }

    fn unlead(&mut self, id: LineId) {
        let Some((head, need)) = self.lines.get(&id).and_then(Line::head) else { return };
        self.heads.remove(&head);
        self.keep(id, -i128::from(need.get()));
    }

    fn keep(&mut self, id: LineId, amount: i128) {
        let Some(line) = self.lines.get(&id) else { return };
        for limit in &line.limits {
            self.limits[*limit].kept += amount;
        }
    }
}

impl Limit {
    fn room(&mut self, ledger: &Ledger, now: Timestamp) -> Room {
        let site = match self.site {
            Some(site) if !site.is_stale(now) => site,
            _ => ledger.site(&self.scope, now),
        };
        self.site = Some(site);
        ledger.room(&site)
    }
}

pub(crate) fn fits(need: Nanos, room: i128) -> bool {
    need.is_zero() || i128::from(need.get()) <= room
}
