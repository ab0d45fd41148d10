//! The ledger against the reference ledger: random days, every answer and every number compared after every step.
//!
//! `PROPTEST_RNG_SEED=n` replays a seed that a failure printed; `PROPTEST_CASES=n` runs more.

mod calendar;
mod model;
mod ops;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};
use ledger::{Account, AccountView, Command, Event, HoldAsk, HoldId, Ledger, No, PostingKind, RunId, RunSpec};
use model::{Model, Said};
use money::Nanos;
use ops::{Amount, NAMES, Op, day, spec, who};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

const CASES: u32 = 300;
const OPS: usize = 200;

#[test]
fn the_ledger_agrees_with_the_reference_after_every_step() {
    let asked = Config::default();
    let config = Config { cases: asked.cases.max(CASES), failure_persistence: None, max_shrink_iters: 4000, ..asked };
    let RngSeed::Fixed(seed) = seed(config.rng_seed) else { panic!("a seed was chosen") };
    println!("PROPTEST_RNG_SEED={seed}");
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..config });
    let seen: RefCell<BTreeMap<&'static str, usize>> = RefCell::default();
    let outcome = runner.run(&day(OPS), |ops| {
        let mut both = Both::new();
        for op in &ops {
            both.step(op).map_err(|why| TestCaseError::fail(format!("{op:?}: {why}")))?;
        }
        both.replay().map_err(TestCaseError::fail)?;
        for (what, times) in both.seen {
            *seen.borrow_mut().entry(what).or_default() += times;
        }
        Ok(())
    });
    if let Err(why) = outcome {
        panic!("PROPTEST_RNG_SEED={seed}\n{why}");
    }
    println!("{:#?}", seen.borrow());
    for what in MUST_HAPPEN {
        assert!(seen.borrow().contains_key(what), "{what:?} never happened in {CASES} days (seed {seed})");
    }
}

/// What a run of this test must have met; else it proves less than it seems to.
const MUST_HAPPEN: [&str; 17] = [
    "granted",
    "granted less than wanted",
    "granted the last nano-dollar",
    "granted over a shadow budget",
    "covered",
    "refused: held",
    "refused: never fits",
    "refused by an ancestor",
    "settled beyond the hold",
    "settled in a later period",
    "assumed",
    "trued up",
    "trued up after a restart",
    "retired",
    "not open",
    "clock set back",
    "limit cut below what is committed",
];

fn seed(configured: RngSeed) -> RngSeed {
    match configured {
        RngSeed::Random => RngSeed::Fixed(fresh_seed()),
        fixed @ RngSeed::Fixed(_) => fixed,
    }
}

#[expect(clippy::disallowed_types, reason = "a new seed each run; it is printed")]
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8)
}

/// The ledger, the reference, and the journal.
struct Both {
    ledger: Ledger,
    model: Model,
    now: Timestamp,
    journal: Vec<Event>,
    restarted: bool,
    seen: BTreeMap<&'static str, usize>,
}

impl Both {
    fn new() -> Self {
        // A day before clocks change in Berlin and three hours before they do in São Paulo, in 2018.
        let now = "2018-02-17T22:59:00Z".parse().expect("an instant");
        let (ledger, model) = (Ledger::default(), Model::default());
        Self { ledger, model, now, journal: Vec::new(), restarted: false, seen: BTreeMap::new() }
    }

    fn step(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::Step { seconds } => self.now = self.now.checked_add(seconds.seconds()).unwrap_or(self.now),
            Op::ToBoundary { nth, plus } => {
                let boundary = self.model.next_boundary(*nth, self.now);
                self.now = boundary.and_then(|at| at.checked_add(plus.nanoseconds()).ok()).unwrap_or(self.now);
            }
            Op::Restart => {
                let state = self.ledger.state();
                self.ledger = Ledger::from_state(state.clone());
                same("state after a restart", &self.ledger.state(), &state)?;
                self.restarted = true;
            }
            _ => {
                if let Some(command) = self.command(op) {
                    self.tell(&command)?;
                }
            }
        }
        self.compare()
    }

    fn command(&self, op: &Op) -> Option<Command> {
        let open: Vec<HoldId> = self.model.open_holds().into_iter().collect();
        let nth = |nth: &usize| open.get(nth % (open.len() + 1)).copied().unwrap_or(HoldId(*nth as u128 % 200));
        Some(match op {
            Op::Put { name, shape } => Command::PutBudget(spec(*name, shape)),
            Op::Cut { name, limit } => {
                let mut spec = self.ledger.budget(NAMES[*name])?.clone();
                spec.limit = Some(self.amount(*limit, self.model.least_available(&spec.matches, None, self.now)));
                Command::PutBudget(spec)
            }
            Op::Remove { name } => Command::RemoveBudget(NAMES[*name].to_owned()),
            Op::StartRun { run, parent, limit } => {
                let limit = limit.map(|limit| Nanos::new(limit.clamp(0, Nanos::MAX.get())));
                Command::StartRun(RunSpec { id: RunId(*run), parent: parent.map(RunId), limit })
            }
            Op::RaiseRun { run, by } => Command::RaiseRun { run: RunId(*run), by: Nanos::new(*by) },
            Op::LimitRun { run, limit } => Command::SetRunLimit { run: RunId(*run), limit: limit.map(Nanos::new) },
            Op::EndRun { run } => Command::EndRun(RunId(*run)),
            Op::Hold { id, who: index, run, min, more, covered, patience_s } => {
                let (attributes, run) = (who(*index), run.map(RunId));
                let left = self.model.least_available(&attributes, run, self.now);
                let min = self.amount(*min, left);
                let want = match more {
                    Amount::Plain(more) => min.checked_add(Nanos::new(*more))?,
                    other => self.amount(*other, left).max(min),
                };
                let assume_at = self.now.checked_add(patience_s.seconds()).ok()?;
                Command::Hold(HoldAsk { id: HoldId(*id), attributes, run, min, want, covered: *covered, assume_at })
            }
            Op::Settle { nth: n, cost, estimated } => {
                let hold = nth(n);
                Command::Settle { hold, cost: self.cost(*cost, hold), estimated: *estimated }
            }
            Op::Void { nth: n } => Command::Void(nth(n)),
            Op::Unresolve { nth: n } => Command::Unresolve(nth(n)),
            Op::Assume { nth: n } => Command::Assume(self.model.due(self.now).first().copied().unwrap_or_else(|| nth(n))),
            Op::TrueUp { nth, cost } => {
                let settled = self.model.corrigible();
                let hold = settled.get(nth % (settled.len() + 1)).copied().unwrap_or(HoldId(*nth as u128 % 200));
                Command::TrueUp { hold, cost: self.cost(*cost, hold) }
            }
            Op::ToBoundary { .. } | Op::Step { .. } | Op::Restart => return None,
        })
    }

    fn amount(&self, amount: Amount, left: Option<i128>) -> Nanos {
        Nanos::new(match amount {
            Amount::Plain(nanos) => nanos,
            Amount::Max => Nanos::MAX.get(),
            Amount::Edge(plus) => i64::try_from(left.unwrap_or(100) + i128::from(plus)).unwrap_or(7),
        })
    }

    /// A cost may be larger than any amount that is accepted from outside, since a provider decides it.
    fn cost(&self, amount: Amount, hold: HoldId) -> Nanos {
        match amount {
            Amount::Max => Nanos::new(i64::MAX),
            other => self.amount(other, self.model.granted(hold).map(|granted| i128::from(granted.get()))),
        }
    }

    fn tell(&mut self, command: &Command) -> Result<(), String> {
        let expected = self.model.ask(command, self.now);
        let answer = self.ledger.decide(command, self.now);
        same("answer", &said(&answer), &expected)?;
        self.notice(command, &expected);
        if let Ok(event) = answer {
            self.ledger.apply(&event);
            self.model.make(command, &event, self.now);
            self.journal.push(event);
        }
        Ok(())
    }

    /// Counts the rare things that were met.
    fn notice(&mut self, command: &Command, answer: &Said) {
        let mut notice = |what: &'static str| *self.seen.entry(what).or_default() += 1;
        if self.model.time.is_some_and(|time| time > self.now) {
            notice("clock set back");
        }
        match (command, answer) {
            (Command::Hold(ask), Said::Yes(Event::Held(held))) => {
                notice("granted");
                if held.granted < ask.want {
                    notice("granted less than wanted");
                }
                if held.covered {
                    notice("covered");
                }
                if !held.shadowed.is_empty() {
                    notice("granted over a shadow budget");
                }
                let left = self.model.least_available(&ask.attributes, ask.run, self.now);
                if !ask.covered && !held.granted.is_zero() && left == Some(i128::from(held.granted.get())) {
                    notice("granted the last nano-dollar");
                }
            }
            (Command::Hold(ask), Said::Refused(refusal)) => {
                notice(if refusal.code == ledger::RefusalCode::Held { "refused: held" } else { "refused: never fits" });
                if matches!(refusal.account, Account::Run(run) if Some(run) != ask.run) {
                    notice("refused by an ancestor");
                }
            }
            (_, Said::Yes(Event::Settled { postings, at, .. })) => {
                if postings.iter().any(|posting| posting.kind == PostingKind::Overage) {
                    notice("settled beyond the hold");
                }
                let ended = |account: &Account| matches!(account, Account::Budget { period_end: Some(end), .. } if end <= at);
                if postings.iter().any(|posting| ended(&posting.account)) {
                    notice("settled in a later period");
                }
            }
            (_, Said::Yes(Event::Assumed { .. })) => notice("assumed"),
            (_, Said::Yes(Event::TruedUp { .. })) => {
                notice("trued up");
                if self.restarted {
                    notice("trued up after a restart");
                }
            }
            (Command::PutBudget(spec), Said::Yes(_)) => {
                let views = self.ledger.accounts(self.now);
                let cut = |view: &AccountView| {
                    let committed = i128::from(view.spent.get()) + i128::from(view.held.get()) + i128::from(view.overage.get());
                    let of_it = matches!(&view.account, Account::Budget { budget, .. } if *budget == spec.name);
                    of_it && spec.limit.is_some_and(|limit| i128::from(limit.get()) < committed)
                };
                if views.iter().any(cut) {
                    notice("limit cut below what is committed");
                }
            }
            (_, Said::NotOpen) => notice("not open"),
            _ => {}
        }
    }

    fn compare(&mut self) -> Result<(), String> {
        let known = by_account(self.ledger.known_accounts());
        same("accounts in memory", &known, &self.model.known())?;
        same("current accounts", &by_account(self.ledger.accounts(self.now)), &self.model.current(self.now))?;
        let open: BTreeSet<HoldId> = self.ledger.open_holds().map(|hold| hold.id).collect();
        same("open holds", &open, &self.model.open_holds())?;
        same("due holds", &self.ledger.due(self.now).into_iter().collect(), &self.model.due(self.now))?;
        if self.model.numbers().len() > known.len() {
            *self.seen.entry("retired").or_default() += 1;
        }
        self.balance(&known)
    }

    /// The oracle, from the journal alone: postings sum to spent and overage, open holds to held.
    fn balance(&self, known: &BTreeMap<Account, AccountView>) -> Result<(), String> {
        let mut sums: BTreeMap<&Account, [i128; 3]> = BTreeMap::new();
        let mut open: BTreeMap<HoldId, &[(Account, Nanos)]> = BTreeMap::new();
        for event in &self.journal {
            match event {
                Event::Held(held) => drop(open.insert(held.id, &held.accounts)),
                Event::Voided { hold, .. } => drop(open.remove(hold)),
                Event::Settled { hold, postings, .. } | Event::Assumed { hold, postings, .. } | Event::TruedUp { hold, postings, .. } => {
                    if !matches!(event, Event::TruedUp { .. }) {
                        open.remove(hold);
                    }
                    for posting in postings {
                        sums.entry(&posting.account).or_default()[posting.kind as usize] += i128::from(posting.amount.get());
                    }
                }
                _ => {}
            }
        }
        for (account, amount) in open.values().copied().flatten() {
            sums.entry(account).or_default()[2] += i128::from(amount.get());
        }
        for (account, view) in known {
            let summed = sums.get(account).copied().unwrap_or_default().map(|sum| sum.min(i128::from(i64::MAX)));
            same("sums of the journal", &[view.spent, view.overage, view.held].map(|amount| i128::from(amount.get())), &summed)?;
        }
        Ok(())
    }

    /// The journal, read from its start, ends in the same state.
    fn replay(&self) -> Result<(), String> {
        let mut replayed = Ledger::default();
        for event in &self.journal {
            replayed.apply(event);
        }
        same("state after a replay", &replayed.state(), &self.ledger.state())
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
