//! The ends of the range: amounts that fill 64 bits, many of them, and what is remembered for how long.

use jiff::Timestamp;
use ledger::{
    Attributes, BudgetSpec, Command, Event, HoldAsk, HoldId, Ledger, Measure, No, OnExceed, Queue, RunId, RunSpec, TRUE_UP_HOLDS_MAX,
    Window,
};
use money::Nanos;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn budget(name: &str, limit: Option<Nanos>, matches: Attributes) -> BudgetSpec {
    BudgetSpec {
        name: name.to_owned(),
        limit,
        window: Window::Month,
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches,
        per: Vec::new(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 1000,
        paused: false,
    }
}

fn ask(id: u128, attributes: Attributes, min: Nanos, want: Nanos) -> Command {
    Command::Hold(HoldAsk {
        id: HoldId(id),
        attributes: attributes.into(),
        run: None,
        min,
        want,
        covered: false,
        assume_after: jiff::SignedDuration::ZERO,
    })
}

fn tell(ledger: &mut Ledger, command: &Command) -> Result<Event, No> {
    let event = ledger.decide(command, NOW)?;
    ledger.apply(&event);
    Ok(event)
}

#[test]
fn twenty_thousand_holds_of_the_largest_amount_overflow_nothing() {
    const HOLDS: u128 = 20_000;
    let mut ledger = Ledger::default();
    tell(&mut ledger, &Command::PutBudget(budget("seen", None, Attributes::new()))).unwrap();
    for id in 0..HOLDS {
        tell(&mut ledger, &ask(id, Attributes::new(), Nanos::MAX, Nanos::MAX)).unwrap();
    }
    let view = &ledger.accounts(NOW)[0];
    assert_eq!((view.held, view.remaining), (Nanos::new(i64::MAX), None), "more than 64 bits shows as the largest amount");
    for id in 0..HOLDS {
        tell(&mut ledger, &Command::Settle { hold: HoldId(id), cost: Nanos::new(i64::MAX), estimated: false }).unwrap();
    }
    let state = ledger.state();
    let largest = i128::from(Nanos::MAX.get());
    assert_eq!(state.accounts[0].spent, largest * HOLDS.cast_signed());
    assert_eq!(state.accounts[0].overage, (i128::from(i64::MAX) - largest) * HOLDS.cast_signed());
    tell(&mut ledger, &Command::PutBudget(budget("seen", Some(Nanos::MAX), Attributes::new()))).unwrap();
    let refused = tell(&mut ledger, &ask(HOLDS, Attributes::new(), Nanos::new(1), Nanos::MAX));
    assert!(matches!(refused, Err(No::Refused(_))), "{refused:?}");
    assert_eq!(ledger.accounts(NOW)[0].remaining, Some(Nanos::ZERO));
}

#[test]
fn amounts_outside_of_money_are_refused() {
    let mut ledger = Ledger::default();
    let (below, above) = (Nanos::new(-1), Nanos::MAX.checked_add(Nanos::new(1)).unwrap());
    tell(&mut ledger, &Command::PutBudget(budget("b", Some(Nanos::MAX), Attributes::new()))).unwrap();
    tell(&mut ledger, &Command::StartRun(RunSpec { id: RunId(1), parent: None, limit: Some(Nanos::MAX) })).unwrap();
    tell(&mut ledger, &ask(1, Attributes::new(), Nanos::ZERO, Nanos::new(5))).unwrap();
    tell(&mut ledger, &ask(2, Attributes::new(), Nanos::ZERO, Nanos::new(5))).unwrap();
    tell(&mut ledger, &Command::Settle { hold: HoldId(2), cost: Nanos::ZERO, estimated: true }).unwrap();
    let commands = [
        Command::PutBudget(budget("c", Some(below), Attributes::new())),
        Command::PutBudget(budget("c", Some(above), Attributes::new())),
        Command::PutBudget(budget("", None, Attributes::new())),
        Command::StartRun(RunSpec { id: RunId(2), parent: None, limit: Some(below) }),
        Command::StartRun(RunSpec { id: RunId(2), parent: None, limit: Some(above) }),
        Command::RaiseRun { run: RunId(1), by: below },
        Command::RaiseRun { run: RunId(1), by: Nanos::new(1) },
        Command::RaiseRun { run: RunId(1), by: Nanos::new(i64::MAX) },
        Command::SetRunLimit { run: RunId(1), limit: Some(above) },
        Command::Settle { hold: HoldId(1), cost: below, estimated: false },
        Command::TrueUp { hold: HoldId(2), cost: below },
        ask(3, Attributes::new(), below, Nanos::ZERO),
        ask(3, Attributes::new(), Nanos::ZERO, below),
        ask(3, Attributes::new(), Nanos::ZERO, above),
        ask(3, Attributes::new(), Nanos::new(i64::MIN), Nanos::new(i64::MAX)),
    ];
    let before = ledger.state();
    for command in commands {
        let answer = tell(&mut ledger, &command);
        assert!(matches!(answer, Err(No::Invalid(_))), "{command:?}: {answer:?}");
    }
    assert_eq!(ledger.state(), before);
}

#[test]
fn the_latest_estimates_can_be_corrected_and_older_ones_are_forgotten() {
    let mut ledger = Ledger::default();
    tell(&mut ledger, &Command::PutBudget(budget("b", None, Attributes::new()))).unwrap();
    let count = TRUE_UP_HOLDS_MAX as u128 + 1;
    for id in 0..count {
        tell(&mut ledger, &ask(id, Attributes::new(), Nanos::new(3), Nanos::new(3))).unwrap();
        tell(&mut ledger, &Command::Settle { hold: HoldId(id), cost: Nanos::new(2), estimated: true }).unwrap();
    }
    let correct = |id| Command::TrueUp { hold: HoldId(id), cost: Nanos::new(1) };
    assert_eq!(tell(&mut ledger, &correct(0)), Err(No::NotOpen(HoldId(0))));
    assert!(tell(&mut ledger, &correct(1)).is_ok());
    assert!(tell(&mut ledger, &correct(count - 1)).is_ok());
    assert_eq!(ledger.state().closed.len(), TRUE_UP_HOLDS_MAX);
}

#[test]
fn a_call_looks_at_its_own_budgets_and_not_at_all_of_them() {
    const BUDGETS: u128 = 10_000;
    let customer = |n: u128| Attributes::from([("customer".to_owned(), n.to_string()), ("team".to_owned(), "t".to_owned())]);
    let mut ledger = Ledger::default();
    for n in 0..BUDGETS {
        tell(&mut ledger, &Command::PutBudget(budget(&format!("c{n}"), Some(Nanos::new(10)), customer(n)))).unwrap();
    }
    // A scan of every budget for every call would make these 2 × 10⁸ comparisons, a minute instead of a moment.
    for n in 0..BUDGETS {
        let held = tell(&mut ledger, &ask(n, customer(n), Nanos::new(10), Nanos::new(10))).unwrap();
        assert!(matches!(held, Event::Held(held) if held.accounts.len() == 1));
        assert!(tell(&mut ledger, &ask(BUDGETS + n, customer(n), Nanos::new(1), Nanos::new(1))).is_err());
    }
    assert_eq!(Ledger::from_state(ledger.state()).state(), ledger.state());
}

#[test]
fn a_wait_on_a_steady_clock_ends_in_the_window_that_is_open_now() {
    let mut ledger = Ledger::default();
    let minute = BudgetSpec { window: Window::Minute, ..budget("b", Some(Nanos::new(10)), Attributes::new()) };
    tell(&mut ledger, &Command::PutBudget(minute)).unwrap();
    tell(&mut ledger, &ask(1, Attributes::new(), Nanos::new(10), Nanos::new(10))).unwrap();
    let Command::Hold(waits) = ask(2, Attributes::new(), Nanos::new(10), Nanos::new(10)) else { panic!("a hold") };
    let (mut queue, deadline) = (Queue::default(), Timestamp::from_second(-40).unwrap());
    queue.push(&ledger, waits, deadline, "h2", NOW);
    let next_minute = Timestamp::from_second(60).unwrap();
    assert!(queue.expire_until(Timestamp::from_second(-41).unwrap(), &ledger, next_minute).is_none());
    let answer = queue.expire_until(deadline, &ledger, next_minute);
    assert!(matches!(answer, Some(("h2", Ok(Event::Held(held)))) if held.at == next_minute));
}
