//! Commands that meet: every order in which a few callers can reach the one ledger, within bounds, or many drawn at random.
//!
//! The ledger belongs to one thread, and a command is decided and applied in one turn; here a lock stands for that thread. Each case is
//! also run torn, with the turn given away between looking and changing, which the same check must notice: so a quiet run means something.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a proof tells what it counted")]

mod orders;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{Timestamp, ToSpan};
use ledger::{
    Account, BudgetSpec, Command, Event, HoldAsk, HoldId, Ledger, Measure, No, OnExceed, Queue, RefusalCode, RunId, RunSpec, Window,
};
use money::Nanos;
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

/// Everything that one turn may touch.
#[derive(Default)]
struct Desk {
    ledger: Ledger,
    queue: Queue<HoldId>,
    journal: Vec<Event>,
    waited_for: Vec<HoldId>,
    closed: bool,
}

/// Callers reach the desk in turns; `TORN` gives the turn away between looking and changing.
struct Door<const TORN: bool>(Mutex<Desk>);

impl<const TORN: bool> Door<TORN> {
    fn new(setup: &[Command]) -> Arc<Self> {
        let mut desk = Desk::default();
        for command in setup {
            let event = desk.ledger.decide(command, start()).expect("the setup fits");
            desk.apply(&event);
        }
        Arc::new(Self(Mutex::new(desk)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Desk) -> T) -> T {
        act(&mut self.0.lock().expect("no panic inside"))
    }

    /// Looks, and then changes: in one turn, as it should be.
    fn look_then<L, T>(&self, look: impl FnOnce(&mut Desk) -> L, change: impl FnOnce(&mut Desk, L) -> T) -> T {
        if TORN {
            let looked = self.with(look);
            return self.with(|desk| change(desk, looked));
        }
        self.with(|desk| {
            let looked = look(desk);
            change(desk, looked)
        })
    }

    fn tell(&self, command: &Command) -> Result<Event, No> {
        self.look_then(
            |desk| desk.ledger.decide(command, later()),
            |desk, answer| {
                answer.inspect(|event| {
                    desk.apply(event);
                    desk.serve();
                })
            },
        )
    }

    /// Asks and waits, if it must.
    fn hold_or_wait(&self, ask: &HoldAsk) {
        self.look_then(
            |desk| desk.ledger.decide(&Command::Hold(ask.clone()), later()),
            |desk, answer| match answer {
                Ok(event) => desk.apply(&event),
                Err(No::Refused(refusal)) if refusal.code == RefusalCode::Held => {
                    desk.queue.push(&desk.ledger, ask.clone(), Timestamp::MAX, ask.id, later());
                    desk.waited_for.push(ask.id);
                }
                Err(_) => {}
            },
        );
    }

    /// Admits unless closed.
    fn hold_if_open(&self, ask: &HoldAsk) -> bool {
        self.look_then(
            |desk| !desk.closed,
            |desk, open| {
                let event = desk.ledger.decide(&Command::Hold(ask.clone()), later()).ok().filter(|_| open);
                event.inspect(|event| desk.apply(event)).is_some()
            },
        )
    }
}

impl Desk {
    fn apply(&mut self, event: &Event) {
        self.ledger.apply(event);
        self.journal.push(event.clone());
    }

    fn serve(&mut self) {
        while let Some((_, answer)) = self.queue.ready(&self.ledger, later()) {
            if let Ok(event) = answer {
                self.apply(&event);
            }
        }
    }

    /// At no line of the journal is more admitted than the limits of that moment allow.
    fn nothing_is_overspent(&self) {
        let mut limits: BTreeMap<Account, Option<Nanos>> = BTreeMap::new();
        let mut read = Ledger::default();
        for event in &self.journal {
            read.apply(event);
            for view in read.known_accounts() {
                limits.insert(view.account.clone(), view.limit);
                let committed = view.spent.get() + view.held.get() + view.overage.get();
                let Event::Held(held) = event else { continue };
                let touched = held.accounts.iter().any(|(account, amount)| *account == view.account && !amount.is_zero());
                assert!(!touched || view.limit.is_none_or(|limit| committed <= limit.get()), "overspent: {view:?}");
            }
        }
        assert_eq!(read.state(), self.ledger.state(), "the journal tells another story");
    }
}

fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("an instant")
}

/// After the deadline of every hold.
fn later() -> Timestamp {
    start().checked_add(1.hour()).expect("in range")
}

fn budget(name: &str, limit: i64, team: Option<&str>) -> Command {
    Command::PutBudget(BudgetSpec {
        name: name.to_owned(),
        limit: Some(Nanos::new(limit)),
        window: Window::Total,
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches: team.map(|team| ("team".to_owned(), team.to_owned())).into_iter().collect(),
        per: Vec::new(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 1000,
        paused: false,
    })
}

fn ask(id: u128, team: &str, amount: i64, run: Option<u128>) -> HoldAsk {
    let attributes = std::sync::Arc::new([("team".to_owned(), team.to_owned())].into());
    let (amount, assume_after) = (Nanos::new(amount), jiff::SignedDuration::from_mins(1));
    HoldAsk { id: HoldId(id), attributes, run: run.map(RunId), min: amount, want: amount, covered: false, assume_after }
}

fn hold(id: u128, team: &str, amount: i64) -> Command {
    Command::Hold(ask(id, team, amount, None))
}

fn settle(id: u128, cost: i64) -> Command {
    Command::Settle { hold: HoldId(id), cost: Nanos::new(cost), estimated: true }
}

/// Each caller tells its commands, and afterwards the journal is checked; gives how many commands were accepted.
fn meet<const TORN: bool>(setup: &[Command], callers: Vec<Vec<Command>>) -> (usize, Arc<Door<TORN>>) {
    let door = Door::<TORN>::new(setup);
    let threads: Vec<_> = callers
        .into_iter()
        .map(|commands| {
            let door = Arc::clone(&door);
            thread::spawn(move || commands.iter().filter(|command| door.tell(command).is_ok()).count())
        })
        .collect();
    let accepted = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
    door.with(|desk| desk.nothing_is_overspent());
    (accepted, door)
}

/// Three at the bound of two levels: the team has room for two, the org for one and a half.
fn holds_at_the_bound_of_two_levels<const TORN: bool>() {
    let setup = [budget("org", 15, None), budget("team", 20, Some("a"))];
    let (accepted, _) = meet::<TORN>(&setup, vec![vec![hold(1, "a", 10)], vec![hold(2, "a", 5)], vec![hold(3, "b", 5)]]);
    assert_eq!(accepted, 2, "15 fit, in whatever order");
}

/// Two inside a child run and one beside it, on what the parent has left.
fn holds_of_a_run_and_its_parent<const TORN: bool>() {
    let run = |id: u128, parent: Option<u128>, limit| {
        Command::StartRun(RunSpec { id: RunId(id), parent: parent.map(RunId), limit: Some(Nanos::new(limit)) })
    };
    let of = |id, run| vec![Command::Hold(ask(id, "a", 6, Some(run)))];
    let (accepted, _) = meet::<TORN>(&[run(1, None, 10), run(2, Some(1), 10)], vec![of(1, 2), of(2, 2), of(3, 1)]);
    assert_eq!(accepted, 1, "six of ten fit once");
}

/// What a settlement gives back is given out once.
fn a_hold_and_a_settlement<const TORN: bool>() {
    let setup = [budget("org", 10, None), hold(1, "a", 10)];
    meet::<TORN>(&setup, vec![vec![settle(1, 4)], vec![hold(2, "a", 6)], vec![hold(3, "b", 6)]]);
}

/// A hold that comes with a lower limit is admitted before it or not at all.
fn a_hold_and_a_lower_limit<const TORN: bool>() {
    meet::<TORN>(&[budget("org", 10, None)], vec![vec![budget("org", 5, None)], vec![hold(1, "a", 6)]]);
}

/// A settlement and the assumption of one hold: one of them ends it.
fn a_settlement_and_an_assumption_of_one_hold<const TORN: bool>() {
    let setup = [budget("org", 10, None), hold(1, "a", 6), Command::Unresolve(HoldId(1))];
    let (accepted, door) = meet::<TORN>(&setup, vec![vec![settle(1, 4)], vec![Command::Assume(HoldId(1))], vec![Command::Void(HoldId(1))]]);
    assert_eq!(accepted, 1, "a hold ends once");
    door.with(|desk| assert!(desk.ledger.open_holds().next().is_none()));
}

/// Two corrections of one settlement: the later one counts from the earlier one.
fn two_corrections_of_one_settlement<const TORN: bool>() {
    let setup = [budget("org", 10, None), hold(1, "a", 6), settle(1, 2)];
    let correct = |cost| vec![Command::TrueUp { hold: HoldId(1), cost: Nanos::new(cost) }];
    let (_, door) = meet::<TORN>(&setup, vec![correct(4), correct(5)]);
    let spent = door.with(|desk| desk.ledger.known_accounts().next().expect("an account").spent.get());
    assert!([4, 5].contains(&spent), "{spent} was spent");
}

/// Whoever waits is told when money comes back.
fn a_wait_and_a_settlement<const TORN: bool>() {
    let door = Door::<TORN>::new(&[budget("org", 10, None), hold(1, "a", 10)]);
    let (waiter, settler) = (Arc::clone(&door), Arc::clone(&door));
    let waits = thread::spawn(move || waiter.hold_or_wait(&ask(2, "a", 5, None)));
    let settles = thread::spawn(move || settler.tell(&settle(1, 2)).is_ok());
    waits.join().expect("no panic");
    assert!(settles.join().expect("no panic"));
    door.with(|desk| {
        desk.nothing_is_overspent();
        assert!(desk.ledger.hold(HoldId(2)).is_some(), "it waits, though there is room");
    });
}

/// What was admitted is in the last snapshot.
fn a_hold_and_the_end<const TORN: bool>() {
    let door = Door::<TORN>::new(&[budget("org", 10, None)]);
    let (caller, closer) = (Arc::clone(&door), Arc::clone(&door));
    let admitted = thread::spawn(move || caller.hold_if_open(&ask(1, "a", 5, None)));
    let snapshot = thread::spawn(move || {
        closer.with(|desk| {
            desk.closed = true;
            desk.ledger.state()
        })
    });
    let (admitted, snapshot) = (admitted.join().expect("no panic"), snapshot.join().expect("no panic"));
    assert_eq!(admitted, !snapshot.holds.is_empty(), "a hold was admitted after the last snapshot");
}

type Case = (&'static str, fn(), fn());

const CASES: &[Case] = &[
    ("holds at the bound of two levels", holds_at_the_bound_of_two_levels::<false>, holds_at_the_bound_of_two_levels::<true>),
    ("holds of a run and its parent", holds_of_a_run_and_its_parent::<false>, holds_of_a_run_and_its_parent::<true>),
    ("a hold and a settlement", a_hold_and_a_settlement::<false>, a_hold_and_a_settlement::<true>),
    ("a hold and a lower limit", a_hold_and_a_lower_limit::<false>, a_hold_and_a_lower_limit::<true>),
    (
        "a settlement and an assumption of one hold",
        a_settlement_and_an_assumption_of_one_hold::<false>,
        a_settlement_and_an_assumption_of_one_hold::<true>,
    ),
    ("two corrections of one settlement", two_corrections_of_one_settlement::<false>, two_corrections_of_one_settlement::<true>),
    ("a wait and a settlement", a_wait_and_a_settlement::<false>, a_wait_and_a_settlement::<true>),
    ("a hold and the end", a_hold_and_the_end::<false>, a_hold_and_the_end::<true>),
];

#[test]
fn commands_that_meet_are_decided_one_after_the_other() {
    let (in_order, random) = match std::env::var("METE_PROOF").as_deref() {
        Ok("short") => (30_000, 40),
        Ok("long") => (1_000_000, 2_000),
        _ => (1_000, 2),
    };
    let counted = |case: fn(), schedules: &'static AtomicU64| {
        move || {
            schedules.fetch_add(1, Ordering::Relaxed);
            case();
        }
    };
    let total: &'static AtomicU64 = Box::leak(Box::default());
    let mut caught = 0;
    for (name, sound, torn) in CASES {
        if orders::are_all() {
            shuttle::check_dfs(counted(*sound, total), Some(in_order));
        }
        orders::seeds(random).for_each(|seed| orders::by_seed("orders-ledger", name, seed, counted(*sound, total)));
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let noticed = catch_unwind(AssertUnwindSafe(|| shuttle::check_dfs(*torn, Some(30_000))));
        std::panic::set_hook(loud);
        assert!(noticed.is_err(), "{name}: nobody noticed that the turn was given away");
        caught += 1;
    }
    let counts = serde_json::json!({ "cases": CASES.len(), "schedules": total.load(Ordering::Relaxed), "planted bugs caught": caught });
    let title = "orders in which commands can reach the ledger";
    println!(
        "proof {}",
        serde_json::json!({ "lane": "orders-ledger", "title": title, "counts": counts, "violations": 0, "figures": {}, "sometimes": {} })
    );
}
