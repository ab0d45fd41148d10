//! Who waits for holds to settle, in order of arrival. Pure: the caller owns the clock and the channels.
//!
//! The caller's loop, in one place:
//!
//! 1. A hold arrives: [`Queue::turn`]. `None`: push it. `Some(ask)`: decide that ask; when it is refused as
//!    [`RefusalCode::Held`](crate::RefusalCode::Held), push the original.
//! 2. Something was released, a definition changed or a waiter left (once for a whole batch): call [`Queue::ready`] until
//!    it says `None`, applying each event before the next call.
//! 3. At [`Queue::next_deadline`]: call [`Queue::expire`] in the same way, and then `ready` again, since whoever stood
//!    behind those who left may go now.
//!
//! A call that doesn't want to wait is decided without asking the queue, so that order never refuses what fits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use money::Nanos;

use crate::account::to_nanos;
use crate::admit::{Scope, check_ask};
use crate::ledger::Ledger;
use crate::lines::{Arrival, Lines, Turn, fits};
use crate::{Command, Event, HoldAsk, No};

/// Names one waiter of one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId(Arrival);

/// Waiting holds. A waiter goes before a later one that is governed by the same limits, and never loses to a later one
/// what it waits for; a waiter whose time is up is tried once more on its own before it is refused, so that order never
/// refuses what fits.
#[derive(Debug)]
pub struct Queue<T> {
    waiters: BTreeMap<Arrival, Waiter<T>>,
    deadlines: BTreeSet<(Timestamp, Arrival)>,
    lines: Lines,
    arrivals: Arrival,
    /// The ledger's count of definitions when the lines were drawn up.
    definitions: u64,
}

#[derive(Debug)]
struct Waiter<T> {
    ask: HoldAsk,
    deadline: Timestamp,
    token: T,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiters: BTreeMap::new(), deadlines: BTreeSet::new(), lines: Lines::default(), arrivals: 0, definitions: 0 }
    }
}

impl<T> Queue<T> {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// The ask of a newcomer as it may be decided now: its `want` leaves what those who wait need. `None` when it must
    /// wait behind one of them. What wouldn't fit in any order, or makes no sense,
    /// comes back as it is, for the ledger to say why.
    pub fn turn(&mut self, ledger: &Ledger, ask: &HoldAsk, now: Timestamp) -> Option<HoldAsk> {
        self.turn_want(ledger, ask, now).map(|want| HoldAsk { want, ..ask.clone() })
    }

    /// The same as [`Queue::turn`], telling only the `want` of the ask that may be decided: for [`Ledger::decide_ask`].
    pub fn turn_want(&mut self, ledger: &Ledger, ask: &HoldAsk, now: Timestamp) -> Option<Nanos> {
        if self.is_empty() || check_ask(ask.min, ask.want).is_err() {
            return Some(ask.want);
        }
        self.draw_up(ledger, now);
        let scopes = limiting_scopes(ledger, ask, now);
        if !fits_alone(ledger, &scopes, ask, now) {
            return Some(ask.want);
        }
        let room = self.lines.room_beside(ledger, &scopes, ask.min, ledger.clock(now))?;
        Some(want_within(ask, room))
    }

    /// Whether a newcomer must wait behind somebody, though it may fit.
    pub fn must_wait(&mut self, ledger: &Ledger, ask: &HoldAsk, now: Timestamp) -> bool {
        self.turn(ledger, ask, now).is_none()
    }

    /// Waits until `deadline`. `token` is given back with the answer.
    pub fn push(&mut self, ledger: &Ledger, ask: HoldAsk, deadline: Timestamp, token: T, now: Timestamp) -> WaiterId {
        self.draw_up(ledger, now);
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.lines.append(arrival, limiting_scopes(ledger, &ask, now), ask.min);
        self.deadlines.insert((deadline, arrival));
        self.waiters.insert(arrival, Waiter { ask, deadline, token });
        WaiterId(arrival)
    }

    /// The next waiter that has an answer: a hold to apply before the next call, or why it never fits any more.
    pub fn ready(&mut self, ledger: &Ledger, now: Timestamp) -> Option<(T, Result<Event, No>)> {
        self.draw_up(ledger, now);
        match self.lines.next(ledger, ledger.clock(now))? {
            Turn::Fits(arrival, room) => self.answer(arrival, ledger, now, |ask| within(ask, room)),
            Turn::Never(arrival) => self.answer(arrival, ledger, now, HoldAsk::clone),
        }
    }

    /// The next waiter whose deadline has passed, tried once more on its own: a hold to apply before the next call, or
    /// its refusal. For deadlines on the ledger's own clock.
    pub fn expire(&mut self, ledger: &Ledger, now: Timestamp) -> Option<(T, Result<Event, No>)> {
        self.expire_until(now, ledger, now)
    }

    /// The same for deadlines on another clock, one that never jumps, which shows `until`; the hold is decided at `now`.
    pub fn expire_until(&mut self, until: Timestamp, ledger: &Ledger, now: Timestamp) -> Option<(T, Result<Event, No>)> {
        let (_, arrival) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= until)?;
        self.answer(arrival, ledger, now, HoldAsk::clone)
    }

    /// Stops waiting; gives the token back when it still waited.
    pub fn cancel(&mut self, waiter: WaiterId) -> Option<T> {
        self.take(waiter.0).map(|waiter| waiter.token)
    }

    /// When the first waiter's time is up.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    fn answer(
        &mut self,
        arrival: Arrival,
        ledger: &Ledger,
        now: Timestamp,
        shape: impl Fn(&HoldAsk) -> HoldAsk,
    ) -> Option<(T, Result<Event, No>)> {
        let waiter = self.take(arrival)?;
        Some((waiter.token, ledger.decide(&Command::Hold(shape(&waiter.ask)), now)))
    }

    fn take(&mut self, arrival: Arrival) -> Option<Waiter<T>> {
        let waiter = self.waiters.remove(&arrival)?;
        self.deadlines.remove(&(waiter.deadline, arrival));
        self.lines.remove(arrival);
        Some(waiter)
    }

    /// Draws the lines up anew when budgets or runs have changed, since other limits may govern the waiters now, and when
    /// they are worn.
    fn draw_up(&mut self, ledger: &Ledger, now: Timestamp) {
        if self.definitions == ledger.definitions && !self.lines.are_worn() {
            return;
        }
        self.definitions = ledger.definitions;
        self.lines = Lines::default();
        for (arrival, waiter) in &self.waiters {
            self.lines.append(*arrival, limiting_scopes(ledger, &waiter.ask, now), waiter.ask.min);
        }
    }
}

/// The limits that can refuse an ask. An ask of a run that doesn't exist has none, and is told so when it is decided.
fn limiting_scopes(ledger: &Ledger, ask: &HoldAsk, now: Timestamp) -> Vec<Scope> {
    let now = ledger.clock(now);
    let scopes = ledger.scopes(&ask.attributes, ask.run, now).unwrap_or_default();
    let limits = |scope: &Scope| ledger.place(scope, ask.covered, now).is_some_and(|place| place.enforced.is_some());
    scopes.into_iter().filter(limits).collect()
}

fn fits_alone(ledger: &Ledger, scopes: &[Scope], ask: &HoldAsk, now: Timestamp) -> bool {
    let available = |scope: &Scope| ledger.room(&ledger.site(scope, ledger.clock(now))).available;
    scopes.iter().all(|scope| fits(ask.min, available(scope)))
}

fn within(ask: &HoldAsk, room: i128) -> HoldAsk {
    HoldAsk { want: want_within(ask, room), ..ask.clone() }
}

fn want_within(ask: &HoldAsk, room: i128) -> Nanos {
    ask.want.min(to_nanos(room)).max(ask.min)
}
