//! Lines of waiting holds: one line for each set of limits that governs its waiters.
//!
//! Within a line the order is strict. Between lines it is the order in which their heads arrived, with one freedom: a
//! later head may go first when every limit that it shares with an earlier one has room for both. So one team that has
//! run dry doesn't stop the teams beside it, and nobody takes what somebody before them waits for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use money::Nanos;

use crate::admit::{Room, Scope};
use crate::ledger::Ledger;

/// The place in the order of arrival.
pub(crate) type Arrival = u64;

type LineId = u64;

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
    scopes: Vec<Scope>,
    waiting: BTreeMap<Arrival, Nanos>,
    by_need: BTreeSet<(Nanos, Arrival)>,
}

/// All lines, in order of their heads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    lines: BTreeMap<LineId, Line>,
    by_scopes: BTreeMap<Vec<Scope>, LineId>,
    heads: BTreeMap<Arrival, LineId>,
    line_of: BTreeMap<Arrival, LineId>,
    /// What the heads need, summed for each limit.
    kept: BTreeMap<Scope, i128>,
}

impl Lines {
    /// Appends to the line of `scopes`. Arrivals are appended in their order.
    pub(crate) fn append(&mut self, arrival: Arrival, scopes: Vec<Scope>, need: Nanos) {
        let id = match self.by_scopes.get(&scopes) {
            Some(id) => *id,
            None => {
                self.by_scopes.insert(scopes.clone(), arrival);
                self.lines.insert(arrival, Line { scopes, ..Line::default() });
                arrival
            }
        };
        let Some(line) = self.lines.get_mut(&id) else { return };
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
            self.by_scopes.remove(&line.scopes);
        }
    }

    /// The first whose turn it is now.
    pub(crate) fn next(&self, ledger: &Ledger, now: Timestamp) -> Option<Turn> {
        let mut rooms: BTreeMap<&Scope, Room> = BTreeMap::new();
        for (head, id) in &self.heads {
            let Some(line) = self.lines.get(id) else { continue };
            for scope in &line.scopes {
                rooms.entry(scope).or_insert_with(|| ledger.room(scope, now));
            }
            let of_line = || line.scopes.iter().filter_map(|scope| rooms.get(scope));
            let without_holds = of_line().map(|room| room.without_holds).min().unwrap_or(i128::MAX);
            if let Some((need, largest)) = line.by_need.last().filter(|(need, _)| !fits(*need, without_holds)) {
                debug_assert!(!need.is_zero(), "what costs nothing always fits");
                return Some(Turn::Never(*largest));
            }
            let need = line.waiting.get(head).copied().unwrap_or_default();
            let available = of_line().map(|room| room.available).min().unwrap_or(i128::MAX);
            if fits(need, available) {
                return Some(Turn::Fits(*head, available));
            }
            for scope in &line.scopes {
                if let Some(room) = rooms.get_mut(scope) {
                    room.available -= i128::from(need.get());
                }
            }
        }
        None
    }

    /// The most that a newcomer may take; `None` when it must wait behind somebody, which what needs nothing never must.
    pub(crate) fn room_beside(&self, ledger: &Ledger, scopes: &[Scope], need: Nanos, now: Timestamp) -> Option<i128> {
        if !need.is_zero() && self.by_scopes.contains_key(scopes) {
            return None;
        }
        let mut least = i128::MAX;
        for scope in scopes {
            let Some(kept) = self.kept.get(scope) else { continue };
            least = least.min(ledger.room(scope, now).available - kept);
        }
        fits(need, least).then_some(least)
    }

    fn lead(&mut self, id: LineId) {
        let Some(line) = self.lines.get(&id) else { return };
        let Some((head, need)) = line.waiting.first_key_value() else { return };
        self.heads.insert(*head, id);
        for scope in &line.scopes {
            *self.kept.entry(scope.clone()).or_default() += i128::from(need.get());
        }
    }

    fn unlead(&mut self, id: LineId) {
        let Some(line) = self.lines.get(&id) else { return };
        let Some((head, need)) = line.waiting.first_key_value() else { return };
        self.heads.remove(head);
        for scope in &line.scopes {
            if let Some(kept) = self.kept.get_mut(scope) {
                *kept -= i128::from(need.get());
                if *kept == 0 {
                    self.kept.remove(scope);
                }
            }
        }
    }
}

fn fits(need: Nanos, room: i128) -> bool {
    need.is_zero() || i128::from(need.get()) <= room
}
