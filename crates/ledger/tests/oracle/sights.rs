//! What a lane must have met; else it proves less than it seems to.

use jiff::{SignedDuration, Timestamp};
use ledger::{Account, Command, Event, Posting, PostingKind, RefusalCode};

use super::lane::Met;
use super::model::{Model, Said, Standing, wide};

/// In every lane.
pub const MUST_HAPPEN: &[&str] = &[
    "granted",
    "granted less than wanted",
    "granted the last nano-dollar",
    "granted over a shadow budget",
    "granted to a covered call",
    "held in a day of 23 hours",
    "held in a day of 25 hours",
    "held in a day that half an hour changes",
    "held in a week from Sunday",
    "refused: held",
    "refused: never fits",
    "refused by the parent",
    "refused by a grandparent",
    "refused by overage",
    "settled beyond the hold",
    "settled in the next window",
    "settled though unresolved",
    "voided though unresolved",
    "assumed",
    "assumed, and its usage came later",
    "trued up after a restart",
    "limit cut below what is committed",
    "budget removed with open holds",
    "budget moved with open holds",
    "an old account was forgotten",
    "waited",
    "waited and was granted",
    "waited and was refused",
    "left while it waited",
    "clock set back by a month",
    "clock set back by ten years",
    "clock set ahead by ten years",
    "clock stood behind the journal",
];

/// Counts how a clock moved.
pub fn clock_moved(met: &mut Met, from: Timestamp, to: Timestamp) {
    const DAY: i64 = 86_400;
    match to.duration_since(from).as_secs() {
        by if by < -3000 * DAY => met.notice("clock set back by ten years"),
        by if by < -20 * DAY => met.notice("clock set back by a month"),
        by if by < 0 => met.notice("clock set back by up to two hours"),
        by if by > 3000 * DAY => met.notice("clock set ahead by ten years"),
        by if by > 20 * DAY => met.notice("clock set ahead by a month"),
        _ => {}
    }
}

/// Counts what is rare in a command and its answer; `model` is as it was before.
pub fn told(met: &mut Met, model: &Model, command: &Command, answer: &Said, now: Timestamp, restarted: bool) {
    if model.time.is_some_and(|time| time > now) {
        met.notice("clock stood behind the journal");
    }
    match (command, answer) {
        (Command::Hold(ask), Said::Yes(Event::Held(held))) => {
            met.notice("granted");
            met.count("holds", 1);
            if held.granted < ask.want {
                met.notice("granted less than wanted");
            }
            if held.covered {
                met.notice("granted to a covered call");
            }
            if !held.shadowed.is_empty() {
                met.notice("granted over a shadow budget");
            }
            let left = model.least_available(&ask.attributes, ask.run, now);
            if !ask.covered && !held.granted.is_zero() && left == Some(wide(held.granted)) {
                met.notice("granted the last nano-dollar");
            }
            held.accounts.iter().filter_map(|(account, _)| odd_period(model, account)).for_each(|what| met.notice(what));
        }
        (Command::Hold(ask), Said::Refused(refusal)) => {
            met.count("refusals", 1);
            met.notice(if refusal.code == RefusalCode::Held { "refused: held" } else { "refused: never fits" });
            if wide(refusal.needed) <= wide(refusal.limit) - wide(refusal.spent) - wide(refusal.held) {
                met.notice("refused by overage");
            }
            if let (Account::Run(run), Some(asked)) = (&refusal.account, ask.run) {
                let above = model.line_of(asked).expect("it is known").iter().position(|above| above == run);
                match above {
                    Some(0) | None => {}
                    Some(1) => met.notice("refused by the parent"),
                    Some(_) => met.notice("refused by a grandparent"),
                }
            }
        }
        (Command::Settle { hold, .. }, Said::Yes(Event::Settled { postings, at, .. })) => {
            met.count("settlements", 1);
            if model.standing(*hold) == Some(Standing::Unresolved) {
                met.notice("settled though unresolved");
            }
            settled(met, postings, *at);
        }
        (Command::Void(hold), Said::Yes(_)) if model.standing(*hold) == Some(Standing::Unresolved) => {
            met.notice("voided though unresolved")
        }
        (_, Said::Yes(Event::Assumed { .. })) => met.notice("assumed"),
        (Command::TrueUp { hold, .. }, Said::Yes(Event::TruedUp { cost, .. })) => {
            met.notice("trued up");
            if model.was_assumed(*hold) {
                met.notice("assumed, and its usage came later");
            }
            if restarted {
                met.notice("trued up after a restart");
            }
            if cost.is_zero() {
                met.notice("trued up down to nothing");
            }
        }
        (Command::PutBudget(spec), Said::Yes(_)) => {
            let (holds, committed) = model.on_budget(&spec.name, now);
            let before = model.budget(&spec.name);
            let moved =
                |before: &ledger::BudgetSpec| (&before.matches, &before.per, before.window) != (&spec.matches, &spec.per, spec.window);
            if holds > 0 && before.is_some_and(moved) {
                met.notice("budget moved with open holds");
            }
            if spec.limit.is_some_and(|limit| wide(limit) < committed) {
                met.notice("limit cut below what is committed");
            }
        }
        (Command::RemoveBudget(name), Said::Yes(_)) if model.on_budget(name, now).0 > 0 => met.notice("budget removed with open holds"),
        (_, Said::NotOpen) => met.notice("not open"),
        _ => {}
    }
}

fn settled(met: &mut Met, postings: &[Posting], at: Timestamp) {
    if postings.iter().any(|posting| posting.kind == PostingKind::Overage) {
        met.notice("settled beyond the hold");
    }
    for posting in postings {
        let Some((start, end)) = period(&posting.account).filter(|(_, end)| *end <= at) else { continue };
        let length = end.duration_since(start);
        met.notice(if at.duration_since(end) < length { "settled in the next window" } else { "settled in a later window" });
        if length == SignedDuration::from_hours(23) {
            met.notice("settled over the end of a day of 23 hours");
        }
        if length == SignedDuration::from_hours(25) {
            met.notice("settled over the end of a day of 25 hours");
        }
    }
}

fn odd_period(model: &Model, account: &Account) -> Option<&'static str> {
    let (start, end) = period(account)?;
    let Account::Budget { budget, .. } = account else { return None };
    let spec = model.budget(budget)?;
    let minutes = end.duration_since(start).as_mins();
    match spec.window {
        ledger::Window::Day if minutes == 23 * 60 => Some("held in a day of 23 hours"),
        ledger::Window::Day if minutes == 25 * 60 => Some("held in a day of 25 hours"),
        ledger::Window::Day if [23 * 60 + 30, 24 * 60 + 30].contains(&minutes) => Some("held in a day that half an hour changes"),
        ledger::Window::Hour if minutes == 30 => Some("held in a repeated or cut hour"),
        ledger::Window::Week if !spec.week_starts_monday => Some("held in a week from Sunday"),
        _ => None,
    }
}

fn period(account: &Account) -> Option<(Timestamp, Timestamp)> {
    match account {
        Account::Budget { period_start: Some(start), period_end: Some(end), .. } => Some((*start, *end)),
        _ => None,
    }
}
