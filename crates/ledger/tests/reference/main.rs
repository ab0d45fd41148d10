//! The ledger against the reference ledger: random days, every answer and the whole state compared after every step.
//!
//! Bugs that were planted in the ledger, and made this test fail, are listed in `crates/store/tests/random_days.rs`.

#[path = "../oracle/mod.rs"]
mod oracle;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use ledger::{Account, AccountView, Command, Event, HoldAsk, HoldId, Ledger, No, Queue, RefusalCode, WaiterId};
use oracle::lane::{Lane, Met};
use oracle::line::Line;
use oracle::model::{Model, Said};
use oracle::ops::{Day, Op};
use oracle::sights;

const LANE: Lane = Lane {
    name: "ledger",
    title: "random days on the pure ledger, every answer and the whole state compared with the reference after every step",
    kept: env!("CARGO_MANIFEST_DIR"),
    histories: [25, 400, 20_000],
    must_happen: MUST_HAPPEN,
};

/// Beside what every lane must meet.
const MUST_HAPPEN: &[&str] = &[
    "held in a repeated or cut hour",
    "settled in a later window",
    "settled over the end of a day of 23 hours",
    "settled over the end of a day of 25 hours",
    "trued up",
    "trued up down to nothing",
    "not open",
    "clock set back by up to two hours",
    "clock set ahead by a month",
];

const OPS: usize = 200;

#[test]
fn the_ledger_agrees_with_the_reference_after_every_step() {
    LANE.prove(OPS, |day| {
        let mut both = Both::new(day);
        for (number, op) in day.ops.iter().enumerate() {
            both.step(op).map_err(|why| format!("op {number}, {op:?}: {why}"))?;
        }
        both.read_again()?;
        both.met.count("operations", day.ops.len());
        both.met.count("journal lines", both.journal.len());
        Ok(both.met)
    });
}

/// The ledger with its queue, the reference with its own, and the journal.
struct Both<'a> {
    day: &'a Day,
    ledger: Ledger,
    queue: Queue<HoldId>,
    model: Model,
    line: Line<HoldId>,
    waiters: BTreeMap<HoldId, WaiterId>,
    now: Timestamp,
    /// A clock that never jumps.
    steady: Timestamp,
    journal: Vec<Event>,
    restarted: bool,
    met: Met,
}

impl<'a> Both<'a> {
    fn new(day: &'a Day) -> Self {
        let now: Timestamp = day.begins.parse().expect("an instant");
        Self {
            day,
            ledger: Ledger::default(),
            queue: Queue::default(),
            model: Model::default(),
            line: Line::default(),
            waiters: BTreeMap::new(),
            now,
            steady: now,
            journal: Vec::new(),
            restarted: false,
            met: Met::default(),
        }
    }

    fn step(&mut self, op: &Op) -> Result<(), String> {
        self.serve_ready()?;
        match op {
            Op::Step { .. } | Op::Jump { .. } | Op::ToBoundary { .. } => self.move_clock(op),
            Op::Restart => {
                let state = self.ledger.state();
                self.reopen(Ledger::from_state(state.clone()));
                same("state after a restart", &self.ledger.state(), &state)?;
            }
            Op::Crash => self.read_again()?,
            Op::Leave { nth } => self.leave(*nth)?,
            Op::Hold { wait_s, .. } => {
                if let Some(Command::Hold(ask)) = self.day.command(op, &self.model, self.now) {
                    self.arrive(&ask, *wait_s)?;
                }
            }
            _ => {
                if let Some(command) = self.day.command(op, &self.model, self.now) {
                    self.tell(&command)?;
                }
            }
        }
        self.serve_ready()?;
        self.serve_late()?;
        self.serve_ready()?;
        self.compare()
    }

    fn move_clock(&mut self, op: &Op) {
        let Some(to) = self.day.moved(op, &self.model, self.now) else { return };
        sights::clock_moved(&mut self.met, self.now, to);
        if !matches!(op, Op::Jump { .. }) {
            let passed = to.duration_since(self.now).max(SignedDuration::ZERO);
            self.steady = self.steady.saturating_add(passed).expect("in range");
        }
        self.now = to;
    }

    /// Another process: nobody waits any more.
    fn reopen(&mut self, ledger: Ledger) {
        self.ledger = ledger;
        (self.queue, self.line, self.waiters) = (Queue::default(), Line::default(), BTreeMap::new());
        self.restarted = true;
    }

    /// The journal, read from its start with every line twice, ends in the same state.
    fn read_again(&mut self) -> Result<(), String> {
        let mut read = Ledger::default();
        for event in &self.journal {
            read.apply(event);
            read.apply(event);
        }
        same("state after reading the journal", &read.state(), &self.ledger.state())?;
        self.balance()?;
        self.reopen(read);
        Ok(())
    }

    fn arrive(&mut self, ask: &HoldAsk, wait_s: Option<u32>) -> Result<(), String> {
        let Some(wait_s) = wait_s.filter(|_| !self.waiters.contains_key(&ask.id)) else {
            return self.tell(&Command::Hold(ask.clone())).map(drop);
        };
        let (turn, expected) = (self.queue.turn(&self.ledger, ask, self.now), self.line.turn(&self.model, ask, self.now));
        let decided = turn.map(|ask| self.ledger.decide(&Command::Hold(ask), self.now));
        let expected = expected.map(|ask| self.model.ask(&Command::Hold(ask), self.now));
        same("a newcomer's turn", &decided.as_ref().map(said), &expected)?;
        let waits = match decided {
            None => true,
            Some(Err(No::Refused(refusal))) if refusal.code == RefusalCode::Held => true,
            Some(answer) => {
                self.make(&Command::Hold(ask.clone()), answer);
                false
            }
        };
        if waits {
            let deadline = self.steady.saturating_add(SignedDuration::from_secs(wait_s.into())).expect("in range");
            let waiter = self.queue.push(&self.ledger, ask.clone(), deadline, ask.id, self.now);
            self.waiters.insert(ask.id, waiter);
            self.line.waiting.push((ask.id, ask.clone(), deadline));
            self.met.notice("waited");
        }
        Ok(())
    }

    fn leave(&mut self, nth: usize) -> Result<(), String> {
        let Some((&id, &waiter)) = self.waiters.iter().nth(nth % self.waiters.len().max(1)) else { return Ok(()) };
        self.line.leave(id);
        self.waiters.remove(&id);
        self.met.notice("left while it waited");
        same("who left", &self.queue.cancel(waiter), &Some(id))
    }

    fn serve_ready(&mut self) -> Result<(), String> {
        loop {
            let expected = self.line.ready(&self.model, self.now);
            let answer = self.queue.ready(&self.ledger, self.now);
            if !self.answer("whose turn it is", answer, expected)? {
                return Ok(());
            }
        }
    }

    fn serve_late(&mut self) -> Result<(), String> {
        loop {
            let expected = self.line.expire(self.steady);
            let answer = self.queue.expire_until(self.steady, &self.ledger, self.now);
            if !self.answer("whose wait is over", answer, expected)? {
                return Ok(());
            }
        }
    }

    fn answer(
        &mut self,
        what: &str,
        answer: Option<(HoldId, Result<Event, No>)>,
        expected: Option<(HoldId, HoldAsk)>,
    ) -> Result<bool, String> {
        let expected = expected.map(|(id, ask)| (id, Command::Hold(ask)));
        let said_of = |(id, command): &(HoldId, Command)| (*id, self.model.ask(command, self.now));
        same(what, &answer.as_ref().map(|(id, answer)| (*id, said(answer))), &expected.as_ref().map(said_of))?;
        let Some(((id, answer), (_, command))) = answer.zip(expected) else { return Ok(false) };
        self.waiters.remove(&id);
        self.met.notice(if answer.is_ok() { "waited and was granted" } else { "waited and was refused" });
        self.make(&command, answer);
        Ok(true)
    }

    fn tell(&mut self, command: &Command) -> Result<(), String> {
        let answer = self.ledger.decide(command, self.now);
        same("answer", &said(&answer), &self.model.ask(command, self.now))?;
        self.make(command, answer);
        Ok(())
    }

    fn make(&mut self, command: &Command, answer: Result<Event, No>) {
        sights::told(&mut self.met, &self.model, command, &said(&answer), self.now, self.restarted);
        if let Ok(event) = answer {
            self.ledger.apply(&event);
            self.model.make(command, &event, self.now);
            self.journal.push(event);
        }
    }

    fn compare(&mut self) -> Result<(), String> {
        let numbers = self.model.numbers();
        let known = by_account(self.ledger.known_accounts());
        same("state", &self.ledger.state(), &self.model.state(&numbers))?;
        same("accounts in memory", &known, &self.model.known(&numbers))?;
        same("current accounts", &by_account(self.ledger.accounts(self.now)), &self.model.current(&numbers, self.now))?;
        same("due holds", &self.ledger.due(self.now), &self.model.due(self.now))?;
        same(
            "who waits",
            &self.waiters.keys().copied().collect(),
            &self.line.waiting.iter().map(|(id, _, _)| *id).collect::<BTreeSet<_>>(),
        )?;
        same("next deadline", &self.queue.next_deadline(), &self.line.next_deadline())?;
        if numbers.len() > known.len() {
            self.met.notice("an old account was forgotten");
        }
        Ok(())
    }

    /// The oracle, from the journal alone: postings sum to spent and overage, open holds to held.
    fn balance(&self) -> Result<(), String> {
        let known = by_account(self.ledger.known_accounts());
        let sums = oracle::model::sums_of(&self.journal);
        for (account, view) in &known {
            let summed = sums.get(account).copied().unwrap_or_default().map(|sum| sum.min(i128::from(i64::MAX)));
            same("sums of the journal", &[view.spent, view.overage, view.held].map(|amount| i128::from(amount.get())), &summed)?;
        }
        Ok(())
    }
}

fn by_account(views: impl IntoIterator<Item = AccountView>) -> BTreeMap<Account, AccountView> {
    views.into_iter().map(|view| (view.account.clone(), view)).collect()
}

fn said(answer: &Result<Event, No>) -> Said {
    match answer {
        Ok(event) => Said::Yes(event.clone()),
        Err(No::Refused(refusal)) => Said::Refused((**refusal).clone()),
        Err(No::NotOpen(_)) => Said::NotOpen,
        Err(No::UnknownRun(run)) => Said::UnknownRun(*run),
        Err(No::UnknownBudget(_)) => Said::UnknownBudget,
        Err(No::Invalid(_)) => Said::Invalid,
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, ledger: &T, reference: &T) -> Result<(), String> {
    if ledger == reference {
        return Ok(());
    }
    Err(format!("{what} differ\n  ledger:    {ledger:?}\n  reference: {reference:?}"))
}
