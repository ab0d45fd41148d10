//! The ledger's whole state as text, as binaries up to schema 4 wrote snapshots. Sums are 128 bits wide and so text.

use ledger::{AccountState, BudgetState, ClosedState, HoldId, HoldState, RunState, State};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::CodecError;
use super::event::{AccountText, HeldText, RunText, ShareText, SpecText, shares_from_text};
use super::text::{Amount, Id, Time};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateText {
    time: Option<Time>,
    budgets: Vec<BudgetText>,
    runs: Vec<RunStateText>,
    accounts: Vec<SumsText>,
    holds: Vec<HoldText>,
    closed: Vec<ClosedText>,
}

#[derive(Deserialize)]
struct BudgetText {
    spec: SpecText,
    archived: bool,
    split_at: Option<Time>,
}

#[derive(Deserialize)]
struct RunStateText {
    spec: RunText,
    started_at: Time,
    ended_at: Option<Time>,
}

#[derive(Deserialize)]
struct SumsText {
    account: AccountText,
    spent: Wide,
    overage: Wide,
    retire_at: Option<Time>,
}

#[derive(Deserialize)]
struct HoldText {
    held: HeldText,
    counts: Vec<bool>,
    unresolved: bool,
}

#[derive(Deserialize)]
struct ClosedText {
    id: Id,
    closed_at: Time,
    cost: Amount,
    accounts: Vec<ShareText>,
}

/// 128 bits as decimal text.
struct Wide(i128);

impl<'de> Deserialize<'de> for Wide {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// The state of a snapshot's text.
pub(crate) fn state_from_json(text: &str) -> Result<State, CodecError> {
    let text: StateText = serde_json::from_str(text)?;
    Ok(State {
        time: text.time.map(|time| time.0),
        budgets: text
            .budgets
            .into_iter()
            .map(|budget| BudgetState { spec: budget.spec.into(), archived: budget.archived, split_at: budget.split_at.map(|time| time.0) })
            .collect(),
        runs: text
            .runs
            .into_iter()
            .map(|run| RunState { spec: run.spec.into(), started_at: run.started_at.0, ended_at: run.ended_at.map(|time| time.0) })
            .collect(),
        accounts: text.accounts.into_iter().map(sums_from_text).collect(),
        holds: text
            .holds
            .into_iter()
            .map(|hold| HoldState { held: hold.held.into(), counts: hold.counts, unresolved: hold.unresolved })
            .collect(),
        closed: text.closed.into_iter().map(closed_from_text).collect(),
    })
}

fn sums_from_text(text: SumsText) -> AccountState {
    AccountState {
        account: text.account.into(),
        spent: text.spent.0,
        overage: text.overage.0,
        retire_at: text.retire_at.map(|time| time.0),
    }
}

fn closed_from_text(text: ClosedText) -> ClosedState {
    ClosedState { id: HoldId(text.id.0), closed_at: text.closed_at.0, cost: text.cost.0, accounts: shares_from_text(text.accounts) }
}
