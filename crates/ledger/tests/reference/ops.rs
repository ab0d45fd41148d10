//! What a random day looks like: many holds near the limits, few definitions, clocks that step and jump.

use ledger::{Attributes, BudgetSpec, Measure, OnExceed, Window};
use money::Nanos;
use proptest::prelude::*;

/// An amount that is fixed when it is used, so that it lies at an edge of what is left then.
#[derive(Clone, Copy, Debug)]
pub enum Amount {
    Plain(i64),
    /// What is left on the tightest limit, or what was granted, plus this much.
    Edge(i64),
    Max,
}

#[derive(Clone, Debug)]
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
        patience_s: i64,
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
    /// To a boundary of some budget's period, plus nanoseconds.
    ToBoundary {
        nth: usize,
        plus: i64,
    },
    Step {
        seconds: i64,
    },
    Restart,
}

/// Everything of a budget but its name.
#[derive(Clone, Debug)]
pub struct Shape {
    limit: Option<i64>,
    window: Window,
    zone: &'static str,
    monday: bool,
    matches: usize,
    per: usize,
    shadow: bool,
    list: bool,
    share: u16,
    paused: bool,
}

pub const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Attributes of calls, some of them absent.
pub fn who(index: usize) -> Attributes {
    const CALLS: [&[(&str, &str)]; 7] = [
        &[("team", "t1"), ("customer", "x")],
        &[("team", "t1"), ("customer", "y")],
        &[("team", "t2"), ("customer", "x")],
        &[("team", "t1")],
        &[("customer", "y"), ("env", "prod")],
        &[],
        &[("team", "x"), ("customer", "t1")],
    ];
    attributes(CALLS[index % CALLS.len()])
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn spec(name: usize, shape: &Shape) -> BudgetSpec {
    const SELECTORS: [&[(&str, &str)]; 5] =
        [&[], &[("team", "t1")], &[("team", "t1"), ("customer", "x")], &[("customer", "y")], &[("env", "prod")]];
    const SPLITS: [&[&str]; 4] = [&[], &["customer"], &["team"], &["team", "customer"]];
    BudgetSpec {
        name: NAMES[name].to_owned(),
        limit: shape.limit.map(Nanos::new),
        window: shape.window,
        time_zone: shape.zone.to_owned(),
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
        8 => (20_i64..200).prop_map(Some),
        2 => Just(Some(Nanos::MAX.get())),
        1 => prop::sample::select(vec![Some(Nanos::MAX.get() + 1), Some(-1)]),
    ]
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        10 => (0_i64..30).prop_map(Amount::Plain),
        2 => (0_i64..2).prop_map(Amount::Plain),
        4 => (-1_i64..=1).prop_map(Amount::Edge),
        1 => Just(Amount::Max),
        1 => Just(Amount::Plain(-1)),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    use Window::{Day, Hour, Minute, Month, Total, Week};
    let window = prop_oneof![Just(Total), Just(Minute), Just(Hour), Just(Day), Just(Week), Just(Month)];
    let zone = prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"]);
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

pub fn op() -> impl Strategy<Value = Op> {
    let run = || 0_u128..6;
    let maybe_run = || prop::option::weighted(0.5, 0_u128..6);
    let hold = (0_u128..200, 0_usize..7, maybe_run(), amount(), amount(), prop::bool::weighted(0.15), -5_i64..600)
        .prop_map(|(id, who, run, min, more, covered, patience_s)| Op::Hold { id, who, run, min, more, covered, patience_s });
    let settle = (any::<usize>(), amount(), any::<bool>()).prop_map(|(nth, cost, estimated)| Op::Settle { nth, cost, estimated });
    let plus = prop_oneof![Just(-1_i64), Just(0), Just(1), Just(1_000_000_000)];
    let step = prop_oneof![4 => 0_i64..120, 2 => -7200_i64..0, 1 => Just(86_400), 1 => -40 * 86_400_i64..0, 1 => prop::sample::select(vec![7 * 86_400, 40 * 86_400])];
    prop_oneof![
        40 => hold,
        20 => settle,
        4 => any::<usize>().prop_map(|nth| Op::Void { nth }),
        6 => any::<usize>().prop_map(|nth| Op::Unresolve { nth }),
        6 => any::<usize>().prop_map(|nth| Op::Assume { nth }),
        8 => (any::<usize>(), amount()).prop_map(|(nth, cost)| Op::TrueUp { nth, cost }),
        4 => (0_usize..5, shape()).prop_map(|(name, shape)| Op::Put { name, shape }),
        3 => (0_usize..5, amount()).prop_map(|(name, limit)| Op::Cut { name, limit }),
        1 => (0_usize..5).prop_map(|name| Op::Remove { name }),
        3 => (run(), maybe_run(), limit()).prop_map(|(run, parent, limit)| Op::StartRun { run, parent, limit }),
        1 => (run(), -1_i64..50).prop_map(|(run, by)| Op::RaiseRun { run, by }),
        1 => (run(), prop::option::weighted(0.8, 0_i64..150)).prop_map(|(run, limit)| Op::LimitRun { run, limit }),
        1 => run().prop_map(|run| Op::EndRun { run }),
        4 => (any::<usize>(), plus).prop_map(|(nth, plus)| Op::ToBoundary { nth, plus }),
        4 => step.prop_map(|seconds| Op::Step { seconds }),
        2 => Just(Op::Restart),
    ]
}

/// A day begins with a few definitions, so that its holds have something to hit.
pub fn day(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let puts = prop::collection::vec((0_usize..5, shape()).prop_map(|(name, shape)| Op::Put { name, shape }), 1..5);
    let runs = prop::collection::vec(
        (0_u128..6, prop::option::weighted(0.7, 0_u128..6), limit()).prop_map(|(run, parent, limit)| Op::StartRun { run, parent, limit }),
        0..6,
    );
    (puts, runs, prop::collection::vec(op(), length..=length))
        .prop_map(|(puts, runs, ops)| puts.into_iter().chain(runs).chain(ops).collect())
}
