//! The queue on random traffic: nobody is lost, nobody barges, nobody waits for nothing.
//!
//! `PROPTEST_RNG_SEED=n` replays a seed that a failure printed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};
use ledger::{
    Account, Attributes, BudgetSpec, Command, Event, HoldAsk, HoldId, Ledger, Measure, No, OnExceed, Queue, RefusalCode, WaiterId, Window,
};
use money::Nanos;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

const CASES: u32 = 200;

#[derive(Clone, Debug)]
enum Op {
    Arrive { who: usize, min: i64, more: i64, covered: bool, patience_s: i64 },
    Settle { nth: usize, cost: i64 },
    Void { nth: usize },
    Cancel { nth: usize },
    Limit { budget: usize, limit: i64 },
    Step { seconds: i64 },
}

type Pairs = &'static [(&'static str, &'static str)];

/// An org above two teams, one of them split by customer, and one budget of each minute.
const BUDGETS: [(&str, Pairs, &[&str], Window); 4] = [
    ("org", &[], &[], Window::Total),
    ("a", &[("team", "a")], &[], Window::Total),
    ("b", &[("team", "b")], &["customer"], Window::Total),
    ("minute", &[("customer", "x")], &[], Window::Minute),
];

const CALLERS: [Pairs; 5] = [
    &[("team", "a")],
    &[("team", "b"), ("customer", "x")],
    &[("team", "b"), ("customer", "y")],
    &[("team", "c")],
    &[("team", "a"), ("customer", "x")],
];

fn attributes(pairs: Pairs) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn budget(index: usize, limit: i64) -> Command {
    let (name, matches, per, window) = BUDGETS[index];
    Command::PutBudget(BudgetSpec {
        name: name.to_owned(),
        limit: Some(Nanos::new(limit)),
        window,
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches: attributes(matches),
        per: per.iter().map(|name| (*name).to_owned()).collect(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 500,
        paused: false,
    })
}

fn op() -> impl Strategy<Value = Op> {
    let arrive = (0_usize..5, 0_i64..30, 0_i64..30, prop::bool::weighted(0.05), 0_i64..40)
        .prop_map(|(who, min, more, covered, patience_s)| Op::Arrive { who, min, more, covered, patience_s });
    prop_oneof![
        10 => arrive,
        4 => (any::<usize>(), 0_i64..40).prop_map(|(nth, cost)| Op::Settle { nth, cost }),
        4 => any::<usize>().prop_map(|nth| Op::Void { nth }),
        1 => any::<usize>().prop_map(|nth| Op::Cancel { nth }),
        1 => (0_usize..4, 10_i64..400).prop_map(|(budget, limit)| Op::Limit { budget, limit }),
        3 => (0_i64..30).prop_map(|seconds| Op::Step { seconds }),
    ]
}

struct Desk {
    ledger: Ledger,
    queue: Queue<u128>,
    now: Timestamp,
    waiting: BTreeMap<u128, (HoldAsk, WaiterId)>,
    arrived: u128,
    answered: BTreeSet<u128>,
    waited: usize,
}

impl Desk {
    fn new(limits: [i64; 4]) -> Self {
        let mut desk = Self {
            ledger: Ledger::default(),
            queue: Queue::default(),
            now: Timestamp::UNIX_EPOCH,
            waiting: BTreeMap::new(),
            arrived: 0,
            answered: BTreeSet::new(),
            waited: 0,
        };
        for (index, limit) in limits.into_iter().enumerate() {
            desk.tell(&budget(index, limit));
        }
        desk
    }

    fn tell(&mut self, command: &Command) {
        if let Ok(event) = self.ledger.decide(command, self.now) {
            self.ledger.apply(&event);
        }
    }

    fn step(&mut self, op: &Op) {
        let open: Vec<HoldId> = self.ledger.open_holds().map(|hold| hold.id).collect();
        let nth = |nth: usize| open.get(nth % open.len().max(1)).copied().unwrap_or(HoldId(u128::MAX));
        match op {
            Op::Arrive { who, min, more, covered, patience_s } => self.arrive(*who, *min, *more, *covered, *patience_s),
            Op::Settle { nth: n, cost } => self.tell(&Command::Settle { hold: nth(*n), cost: Nanos::new(*cost), estimated: false }),
            Op::Void { nth: n } => self.tell(&Command::Void(nth(*n))),
            Op::Cancel { nth } => self.cancel(*nth),
            Op::Limit { budget: index, limit } => self.tell(&budget(*index, *limit)),
            Op::Step { seconds } => self.now = self.now.checked_add(seconds.seconds()).expect("in range"),
        }
        self.serve();
    }

    fn arrive(&mut self, who: usize, min: i64, more: i64, covered: bool, patience_s: i64) {
        let id = self.arrived;
        self.arrived += 1;
        let ask = HoldAsk {
            id: HoldId(id),
            attributes: attributes(CALLERS[who]).into(),
            run: None,
            min: Nanos::new(min),
            want: Nanos::new(min + more),
            covered,
            assume_after: jiff::SignedDuration::MAX,
        };
        if let Some(shaped) = self.queue.turn(&self.ledger, &ask, self.now) {
            let decided = self.ledger.decide(&Command::Hold(shaped), self.now);
            let held = matches!(&decided, Err(No::Refused(refusal)) if refusal.code == RefusalCode::Held);
            if !held {
                return self.answer(id, &ask, &decided, true);
            }
        }
        let deadline = self.now.checked_add(patience_s.seconds()).expect("in range");
        let waiter = self.queue.push(&self.ledger, ask.clone(), deadline, id, self.now);
        self.waiting.insert(id, (ask, waiter));
        self.waited += 1;
    }

    fn cancel(&mut self, nth: usize) {
        let Some((&id, (_, waiter))) = self.waiting.iter().nth(nth % self.waiting.len().max(1)) else { return };
        assert_eq!(self.queue.cancel(*waiter), Some(id));
        assert_eq!(self.queue.cancel(*waiter), None);
        self.waiting.remove(&id);
        self.answered.insert(id);
    }

    fn serve(&mut self) {
        self.serve_ready();
        while let Some((id, decided)) = self.queue.expire(&self.ledger, self.now) {
            let (ask, _) = self.waiting.remove(&id).expect("it waited");
            assert_eq!(decided.is_ok(), self.fits_alone(&ask), "{id}: at its deadline, what fits is granted");
            self.answer(id, &ask, &decided, false);
        }
        self.serve_ready();
        self.nobody_waits_for_nothing();
        assert_eq!(self.queue.len(), self.waiting.len());
        assert!(self.queue.next_deadline().is_none_or(|deadline| deadline > self.now));
    }

    fn serve_ready(&mut self) {
        while let Some((id, decided)) = self.queue.ready(&self.ledger, self.now) {
            let (ask, _) = self.waiting.remove(&id).expect("it waited");
            let refused_for_now = matches!(&decided, Err(No::Refused(refusal)) if refusal.code == RefusalCode::Held);
            assert!(!refused_for_now, "{id} was told to wait, though it waits");
            self.answer(id, &ask, &decided, true);
        }
    }

    fn answer(&mut self, id: u128, ask: &HoldAsk, decided: &Result<Event, No>, in_order: bool) {
        assert!(self.answered.insert(id), "{id} is answered once");
        let before = self.available();
        if let Ok(event) = decided {
            self.ledger.apply(event);
        }
        if in_order {
            self.nobody_lost(id, ask, &before);
        }
    }

    /// Whoever waited before and could have gone as far as a shared limit is concerned still can.
    fn nobody_lost(&self, id: u128, ask: &HoldAsk, before: &BTreeMap<Account, i64>) {
        let after = self.available();
        let touched = self.limits(ask);
        for (earlier, (waiting, _)) in self.heads().into_iter().filter(|(earlier, _)| *earlier < id) {
            for limit in self.limits(waiting).intersection(&touched) {
                let need = waiting.min.get();
                let (had, has) = (before.get(limit).copied(), after.get(limit).copied());
                let lost = had != has && has.is_some_and(|has| has < need);
                assert!(!lost, "{id} took {had:?} → {has:?} of {limit:?}, on which {earlier} waits for {need}");
            }
        }
    }

    /// Who shares no limit with anybody before it waits only for what doesn't fit.
    fn nobody_waits_for_nothing(&self) {
        let mut before: BTreeSet<Account> = BTreeSet::new();
        for (id, (ask, _)) in &self.waiting {
            let limits = self.limits(ask);
            if limits.is_disjoint(&before) {
                assert!(!self.fits_alone(ask), "{id} waits, though it fits and nobody is before it");
            }
            before.extend(limits);
        }
    }

    /// The first of those who wait for the same limits.
    fn heads(&self) -> Vec<(u128, &(HoldAsk, WaiterId))> {
        let mut seen: BTreeSet<BTreeSet<Account>> = BTreeSet::new();
        self.waiting.iter().filter(|(_, (ask, _))| seen.insert(self.limits(ask))).map(|(id, waiter)| (*id, waiter)).collect()
    }

    fn limits(&self, ask: &HoldAsk) -> BTreeSet<Account> {
        if ask.covered {
            return BTreeSet::new();
        }
        self.ledger.matching_accounts(&ask.attributes, ask.run, self.now).into_iter().map(|view| view.account).collect()
    }

    fn available(&self) -> BTreeMap<Account, i64> {
        let views = CALLERS.iter().flat_map(|caller| self.ledger.matching_accounts(&attributes(caller), None, self.now));
        views.map(|view| (view.account, view.remaining.expect("a limit").get())).collect()
    }

    fn fits_alone(&self, ask: &HoldAsk) -> bool {
        self.ledger.decide(&Command::Hold(ask.clone()), self.now).is_ok()
    }

    /// When every hold is given back, everybody has an answer.
    fn close(&mut self) {
        loop {
            let first = self.ledger.open_holds().map(|hold| hold.id).next();
            let Some(hold) = first else { break };
            self.tell(&Command::Void(hold));
            self.serve();
        }
        assert!(self.waiting.is_empty(), "left waiting: {:?}", self.waiting);
        assert_eq!(self.answered.len() as u128, self.arrived, "everybody has an answer");
    }
}

#[test]
fn everybody_gets_an_answer_in_turn() {
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => fresh_seed(),
    };
    println!("PROPTEST_RNG_SEED={seed}");
    let waited = std::cell::Cell::new(0);
    let days = ([20_i64..200, 20_i64..100, 20_i64..60, 20_i64..60], prop::collection::vec(op(), 120));
    let outcome = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..config }).run(&days, |(limits, ops)| {
        let mut desk = Desk::new(limits);
        ops.iter().for_each(|op| desk.step(op));
        desk.close();
        waited.set(waited.get() + desk.waited);
        Ok(())
    });
    if let Err(why) = outcome {
        panic!("PROPTEST_RNG_SEED={seed}\n{why}");
    }
    assert!(waited.get() > 1000, "only {} waited: this test proves little", waited.get());
}

#[expect(clippy::disallowed_types, reason = "a new seed each run; it is printed")]
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8)
}
