//! What a random day looks like: many holds near the limits, few definitions, clocks that step and jump, around an instant
//! at which some zone changes its clocks.

use jiff::{SignedDuration, Timestamp, ToSpan};
use ledger::{Attributes, BudgetSpec, Command, HoldAsk, HoldId, Measure, OnExceed, RunId, RunSpec, Window};
use money::Nanos;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::model::Model;

/// A history: where it begins, whose clock it lives by, and what happens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Day {
    pub begins: String,
    pub zone: String,
    pub ops: Vec<Op>,
}

/// An amount that is fixed when it is used, so that it lies at an edge of what is left then.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Amount {
    Plain(i64),
    /// What is left on the tightest limit, or what was granted, plus this much.
    Edge(i64),
    Max,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Op {
    Put {
        name: usize,
        shape: Shape,
    },
    /// Another limit for a budget that exists.
    Cut {
        name: usize,
        limit: Amount,
    },
    Remove {
        name: usize,
    },
    StartRun {
        run: u128,
        parent: Option<u128>,
        limit: Option<i64>,
    },
    RaiseRun {
        run: u128,
        by: i64,
    },
    LimitRun {
        run: u128,
        limit: Option<i64>,
    },
    EndRun {
        run: u128,
    },
    Hold {
        id: u128,
        who: usize,
        run: Option<u128>,
        min: Amount,
        more: Amount,
        covered: bool,
        /// Until an unknown outcome is assumed.
        patience_s: i64,
        /// How long it waits for room; doesn't wait.
        wait_s: Option<u32>,
        /// The client's idempotency key.
        client_key: Option<u8>,
        /// Another attempt of the latest call.
        retry: bool,
        /// The caller leaves while the answer is on its way.
        leaves: bool,
    },
    Settle {
        nth: usize,
        cost: Amount,
        estimated: bool,
    },
    Void {
        nth: usize,
    },
    Unresolve {
        nth: usize,
    },
    Assume {
        nth: usize,
    },
    TrueUp {
        nth: usize,
        cost: Amount,
    },
    /// An end that comes when the hold has ended.
    Late {
        nth: usize,
        cost: Amount,
    },
    /// A person says what became of a hold; `None` says that nothing was sent.
    Resolve {
        nth: usize,
        cost: Option<Amount>,
    },
    /// Somebody who waits leaves.
    Leave {
        nth: usize,
    },
    /// To a boundary of some budget's period, plus nanoseconds.
    ToBoundary {
        nth: usize,
        plus: i64,
    },
    /// Time passes.
    Step {
        seconds: i64,
    },
    /// The wall clock is set.
    Jump {
        seconds: i64,
    },
    /// Closed and opened again.
    Restart,
    /// Killed and opened again.
    Crash,
}

/// Everything of a budget but its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shape {
    limit: Option<i64>,
    window: usize,
    /// The day's own zone, or one of [`ZONES`].
    zone: Option<usize>,
    monday: bool,
    matches: usize,
    per: usize,
    shadow: bool,
    list: bool,
    share: u16,
    paused: bool,
}

const WINDOWS: [Window; 6] = [Window::Total, Window::Minute, Window::Hour, Window::Day, Window::Week, Window::Month];
const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"];

/// Zones, and instants at which something happens to their clocks or dates.
const SCENES: [(&str, &str); 14] = [
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    // No midnight, and midnight twice.
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    ("Asia/Beirut", "2026-03-28T22:00:00Z"),
    // Half an hour.
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    // Back over midnight by a minute less than an hour.
    ("America/St_Johns", "2010-11-07T02:31:00Z"),
    // A date that never was.
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    // An offset of 5:45; the end of a year, and of a February with 29 days.
    ("Asia/Kathmandu", "2025-12-31T18:15:00Z"),
    ("UTC", "2027-01-01T00:00:00Z"),
    ("UTC", "2028-03-01T00:00:00Z"),
];

pub const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Attributes of calls, some of them absent.
pub fn who(index: usize) -> Attributes {
    const CALLS: [&[(&str, &str)]; 8] = [
        &[("team", "t1"), ("customer", "x")],
        &[("team", "t1"), ("customer", "y")],
        &[("team", "t2"), ("customer", "x")],
        &[("team", "t1")],
        &[("customer", "y"), ("env", "prod")],
        &[],
        &[("team", "x"), ("customer", "t1")],
        &[("team", "t1"), ("key", "k1")],
    ];
    attributes(CALLS[index % CALLS.len()])
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn spec(name: usize, shape: &Shape, home: &str) -> BudgetSpec {
    const SELECTORS: [&[(&str, &str)]; 5] =
        [&[], &[("team", "t1")], &[("team", "t1"), ("customer", "x")], &[("customer", "y")], &[("env", "prod")]];
    const SPLITS: [&[&str]; 4] = [&[], &["customer"], &["team"], &["team", "customer"]];
    BudgetSpec {
        name: NAMES[name].to_owned(),
        limit: shape.limit.map(Nanos::new),
        window: WINDOWS[shape.window],
        time_zone: shape.zone.map_or(home, |zone| ZONES[zone]).to_owned(),
        week_starts_monday: shape.monday,
        matches: attributes(SELECTORS[shape.matches]),
        per: SPLITS[shape.per].iter().map(|name| (*name).to_owned()).collect(),
        on_exceed: if shape.shadow { OnExceed::Shadow } else { OnExceed::Block },
        measure: if shape.list { Measure::List } else { Measure::Billed },
        grant_share_thousandths: shape.share,
        paused: shape.paused,
    }
}

fn limit() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(0)),
        1 => Just(Some(1)),
        8 => (40_i64..300).prop_map(Some),
        2 => Just(Some(Nanos::MAX.get())),
        1 => prop::sample::select(vec![Some(Nanos::MAX.get() + 1), Some(-1)]),
    ]
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        10 => (0_i64..50).prop_map(Amount::Plain),
        2 => (0_i64..2).prop_map(Amount::Plain),
        4 => (-1_i64..=1).prop_map(Amount::Edge),
        1 => Just(Amount::Max),
        1 => Just(Amount::Plain(-1)),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let window = prop::sample::select(vec![0, 1, 2, 2, 3, 3, 3, 4, 5]);
    let zone = prop::option::weighted(0.3, 0_usize..ZONES.len());
    let share = prop_oneof![3 => Just(1000_u16), 1 => Just(250), 1 => 0_u16..=1000];
    let flags = (prop::bool::weighted(0.15), prop::bool::weighted(0.2), prop::bool::weighted(0.1), any::<bool>());
    (limit(), window, zone, 0_usize..5, 0_usize..4, share, flags).prop_map(
        |(limit, window, zone, matches, per, share, (shadow, list, paused, monday))| Shape {
            limit,
            window,
            zone,
            monday,
            matches,
            per,
            shadow,
            list,
            share,
            paused,
        },
    )
}

fn hold() -> impl Strategy<Value = Op> {
    let ids = (0_u128..300, 0_usize..8, prop::option::weighted(0.4, 0_u128..6));
    let wait = prop::option::weighted(0.4, 0_u32..400);
    let client = (prop::option::weighted(0.15, 0_u8..3), prop::bool::weighted(0.1), prop::bool::weighted(0.05));
    let patience = prop_oneof![3 => -5_i64..600, 2 => 3600_i64..400_000];
    (ids, amount(), amount(), prop::bool::weighted(0.15), patience, wait, client).prop_map(
        |((id, who, run), min, more, covered, patience_s, wait_s, (client_key, retry, leaves))| Op::Hold {
            id,
            who,
            run,
            min,
            more,
            covered,
            patience_s,
            wait_s,
            client_key,
            retry,
            leaves,
        },
    )
}

pub fn op() -> impl Strategy<Value = Op> {
    const DAY: i64 = 86_400;
    let run = || 0_u128..6;
    let maybe_run = || prop::option::weighted(0.5, 0_u128..6);
    let settle = (any::<usize>(), amount(), any::<bool>()).prop_map(|(nth, cost, estimated)| Op::Settle { nth, cost, estimated });
    let plus = prop_oneof![Just(-1_i64), Just(0), Just(1), Just(1_000_000_000)];
    let step = prop_oneof![6 => 0_i64..120, 2 => 600_i64..7200, 1 => prop::sample::select(vec![DAY, 7 * DAY, 40 * DAY])];
    let jump = prop_oneof![8 => -7200_i64..7200, 2 => prop::sample::select(vec![-3600, 3600, -30 * DAY, 30 * DAY]), 1 => prop::sample::select(vec![-3652 * DAY, 3652 * DAY])];
    let index = any::<usize>;
    prop_oneof![
        50 => hold(),
        16 => settle,
        4 => index().prop_map(|nth| Op::Void { nth }),
        6 => index().prop_map(|nth| Op::Unresolve { nth }),
        6 => index().prop_map(|nth| Op::Assume { nth }),
        6 => (index(), amount()).prop_map(|(nth, cost)| Op::TrueUp { nth, cost }),
        3 => (index(), amount()).prop_map(|(nth, cost)| Op::Late { nth, cost }),
        3 => (index(), prop::option::weighted(0.7, amount())).prop_map(|(nth, cost)| Op::Resolve { nth, cost }),
        2 => index().prop_map(|nth| Op::Leave { nth }),
        4 => (0_usize..5, shape()).prop_map(|(name, shape)| Op::Put { name, shape }),
        3 => (0_usize..5, amount()).prop_map(|(name, limit)| Op::Cut { name, limit }),
        1 => (0_usize..5).prop_map(|name| Op::Remove { name }),
        3 => (run(), maybe_run(), limit()).prop_map(|(run, parent, limit)| Op::StartRun { run, parent, limit }),
        1 => (run(), -1_i64..50).prop_map(|(run, by)| Op::RaiseRun { run, by }),
        1 => (run(), prop::option::weighted(0.8, 0_i64..150)).prop_map(|(run, limit)| Op::LimitRun { run, limit }),
        1 => run().prop_map(|run| Op::EndRun { run }),
        6 => (index(), plus).prop_map(|(nth, plus)| Op::ToBoundary { nth, plus }),
        4 => step.prop_map(|seconds| Op::Step { seconds }),
        1 => jump.prop_map(|seconds| Op::Jump { seconds }),
        1 => Just(Op::Restart),
        1 => Just(Op::Crash),
    ]
}

/// A day begins with a few definitions, so that its holds have something to hit.
pub fn day(length: usize) -> impl Strategy<Value = Day> {
    let puts = prop::collection::vec((0_usize..5, shape()).prop_map(|(name, shape)| Op::Put { name, shape }), 1..5);
    let runs = prop::collection::vec((prop::bool::weighted(0.7), limit()), 0..6).prop_map(|runs| {
        let start = |(run, (inside, limit)): (u128, (bool, Option<i64>))| {
            let parent = run.checked_sub(1).filter(|_| inside);
            Op::StartRun { run, parent, limit }
        };
        (0..).zip(runs).map(start).collect::<Vec<Op>>()
    });
    let before = prop_oneof![0_i64..3 * 3600, 20 * 3600_i64..26 * 3600];
    (prop::sample::select(SCENES.to_vec()), before, puts, runs, prop::collection::vec(op(), length..=length)).prop_map(
        |((zone, instant), before, puts, runs, ops)| {
            let begins = instant.parse::<Timestamp>().expect("an instant").checked_sub(before.seconds()).expect("in range");
            let ops = puts.into_iter().chain(runs).chain(ops).collect();
            Day { begins: begins.to_string(), zone: zone.to_owned(), ops }
        },
    )
}

impl Day {
    /// What an op asks of the ledger now, if it is about the ledger.
    pub fn command(&self, op: &Op, model: &Model, now: Timestamp) -> Option<Command> {
        let open: Vec<HoldId> = model.open_holds().into_iter().collect();
        let nth = |nth: &usize| open.get(nth % (open.len() + 1)).copied().unwrap_or(HoldId(*nth as u128 % 300));
        Some(match op {
            Op::Put { name, shape } => Command::PutBudget(spec(*name, shape, &self.zone)),
            Op::Cut { name, limit } => {
                let mut spec = model.budget(NAMES[*name])?.clone();
                spec.limit = Some(resolve(*limit, model.least_available(&spec.matches, None, now)));
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
            Op::Hold { id, who: index, run, min, more, covered, patience_s, .. } => {
                let (attributes, run) = (who(*index), run.map(RunId));
                let left = model.least_available(&attributes, run, now);
                let min = resolve(*min, left);
                let want = match more {
                    Amount::Plain(more) => min.checked_add(Nanos::new(*more))?,
                    other => resolve(*other, left).max(min),
                };
                let assume_after = SignedDuration::from_secs(*patience_s);
                Command::Hold(HoldAsk { id: HoldId(*id), attributes: attributes.into(), run, min, want, covered: *covered, assume_after })
            }
            Op::Settle { nth: n, cost, estimated } => {
                let hold = nth(n);
                Command::Settle { hold, cost: cost_of(*cost, hold, model), estimated: *estimated }
            }
            Op::Void { nth: n } => Command::Void(nth(n)),
            Op::Unresolve { nth: n } => Command::Unresolve(nth(n)),
            Op::Assume { nth: n } => Command::Assume(model.due(now).first().copied().unwrap_or_else(|| nth(n))),
            Op::TrueUp { nth, cost } => {
                let settled = model.corrigible();
                let hold = settled.get(nth % (settled.len() + 1)).copied().unwrap_or(HoldId(*nth as u128 % 300));
                Command::TrueUp { hold, cost: cost_of(*cost, hold, model) }
            }
            _ => return None,
        })
    }

    /// Where an op sets the wall clock, if it does.
    pub fn moved(&self, op: &Op, model: &Model, now: Timestamp) -> Option<Timestamp> {
        match op {
            Op::Step { seconds } | Op::Jump { seconds } => now.checked_add(seconds.seconds()).ok(),
            Op::ToBoundary { nth, plus } => model.next_boundary(*nth, now)?.checked_add(plus.nanoseconds()).ok(),
            _ => None,
        }
    }
}

fn resolve(amount: Amount, left: Option<i128>) -> Nanos {
    Nanos::new(match amount {
        Amount::Plain(nanos) => nanos,
        Amount::Max => Nanos::MAX.get(),
        Amount::Edge(plus) => i64::try_from(left.unwrap_or(100) + i128::from(plus)).unwrap_or(7),
    })
}

/// A cost may be larger than any amount that is accepted from outside, since a provider decides it.
pub fn cost_of(amount: Amount, hold: HoldId, model: &Model) -> Nanos {
    match amount {
        Amount::Max => Nanos::new(i64::MAX),
        other => resolve(other, model.granted(hold).map(|granted| i128::from(granted.get()))),
    }
}
