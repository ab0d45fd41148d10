//! The journal's lines and the snapshot's state as the oracle reads them: only what money needs.

use std::collections::BTreeMap;

use ledger::{Account, Event, HoldId, PostingKind};
use money::Nanos;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::codec::{CodecError, Id, account_to_json, event_to_json, spec_to_json};

/// An account's name: its JSON as it is written.
pub(crate) type Name = String;

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Line {
    BudgetPut { spec: Budget },
    BudgetRemoved { name: String },
    RunStarted { spec: Run },
    RunLimitSet { run: String, limit: Option<i64> },
    RunEnded {},
    Held(Hold),
    Settled { hold: String, cost: i64, estimated: bool, postings: Vec<Posting> },
    Voided { hold: String },
    Unresolved { hold: String },
    Assumed { hold: String, postings: Vec<Posting> },
    TruedUp { hold: String, cost: i64, postings: Vec<Posting> },
}

impl Line {
    /// An event of the journal in these words. Nothing is reckoned here.
    pub(crate) fn of(event: &Event) -> Result<Self, CodecError> {
        let text = |hold: &HoldId| Id(hold.0).to_string();
        Ok(match event {
            Event::Held(hold) => Self::Held(held(hold)?),
            Event::Settled { hold, cost, estimated, postings, .. } => {
                Self::Settled { hold: text(hold), cost: cost.get(), estimated: *estimated, postings: lines(postings)? }
            }
            Event::Voided { hold, .. } => Self::Voided { hold: text(hold) },
            Event::Unresolved { hold, .. } => Self::Unresolved { hold: text(hold) },
            Event::Assumed { hold, postings, .. } => Self::Assumed { hold: text(hold), postings: lines(postings)? },
            Event::TruedUp { hold, cost, postings, .. } => Self::TruedUp { hold: text(hold), cost: cost.get(), postings: lines(postings)? },
            _ => serde_json::from_str(&event_to_json(event)?)?,
        })
    }
}

fn share((account, amount): &(Account, Nanos)) -> Result<Share, CodecError> {
    Ok(Share { account: account_to_json(account)?, amount: amount.get() })
}

fn lines(postings: &[ledger::Posting]) -> Result<Vec<Posting>, CodecError> {
    let line = |posting: &ledger::Posting| {
        let kind = match posting.kind {
            PostingKind::Spent => Kind::Spent,
            PostingKind::Overage => Kind::Overage,
        };
        Ok(Posting { account: account_to_json(&posting.account)?, kind, amount: posting.amount.get() })
    };
    postings.iter().map(line).collect()
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Budget {
    pub(crate) name: String,
    pub(crate) limit: Option<i64>,
    pub(crate) on_exceed: String,
    pub(crate) paused: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) limit: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hold {
    pub(crate) id: String,
    pub(crate) granted: i64,
    pub(crate) accounts: Vec<Share>,
    pub(crate) covered: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Share {
    #[serde(deserialize_with = "name")]
    pub(crate) account: Name,
    pub(crate) amount: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Posting {
    #[serde(deserialize_with = "name")]
    pub(crate) account: Name,
    pub(crate) kind: Kind,
    pub(crate) amount: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Spent,
    Overage,
}

/// A snapshot's state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) budgets: Vec<Budget>,
    pub(crate) runs: Vec<Run>,
    pub(crate) accounts: Vec<StateAccount>,
    pub(crate) holds: Vec<StateHold>,
    pub(crate) closed: Vec<StateClosed>,
}

#[derive(Debug)]
pub(crate) struct StateAccount {
    pub(crate) account: Name,
    pub(crate) spent: i128,
    pub(crate) overage: i128,
}

#[derive(Debug)]
pub(crate) struct StateHold {
    pub(crate) held: Hold,
    pub(crate) unresolved: bool,
}

#[derive(Debug)]
pub(crate) struct StateClosed {
    pub(crate) id: String,
    pub(crate) cost: i64,
    pub(crate) accounts: Vec<Share>,
}

impl State {
    /// A snapshot's state in these words. Nothing is reckoned here.
    pub(crate) fn of(state: &ledger::State) -> Result<Self, CodecError> {
        let active = state.budgets.iter().filter(|budget| !budget.archived);
        Ok(Self {
            budgets: active.map(|budget| Ok(serde_json::from_value(spec_to_json(&budget.spec)?)?)).collect::<Result<_, CodecError>>()?,
            runs: state.runs.iter().map(|run| Run { id: Id(run.spec.id.0).to_string(), limit: run.spec.limit.map(Nanos::get) }).collect(),
            accounts: state
                .accounts
                .iter()
                .map(|sums| Ok(StateAccount { account: account_to_json(&sums.account)?, spent: sums.spent, overage: sums.overage }))
                .collect::<Result<_, CodecError>>()?,
            holds: state
                .holds
                .iter()
                .map(|hold| Ok(StateHold { held: held(&hold.held)?, unresolved: hold.unresolved }))
                .collect::<Result<_, CodecError>>()?,
            closed: state
                .closed
                .iter()
                .map(|closed| {
                    let accounts = closed.accounts.iter().map(share).collect::<Result<_, _>>()?;
                    Ok(StateClosed { id: Id(closed.id.0).to_string(), cost: closed.cost.get(), accounts })
                })
                .collect::<Result<_, CodecError>>()?,
        })
    }
}

fn held(held: &ledger::Held) -> Result<Hold, CodecError> {
    Ok(Hold {
        id: Id(held.id.0).to_string(),
        granted: held.granted.get(),
        accounts: held.accounts.iter().map(share).collect::<Result<_, _>>()?,
        covered: held.covered,
    })
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
    Value::deserialize(deserializer).map(|value| value.to_string())
}

/// The sums of some postings, account by account: (spent, overage).
pub(crate) fn by_account(postings: &[Posting]) -> BTreeMap<&str, (i128, i128)> {
    let mut sums: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    for posting in postings {
        let sum = sums.entry(&posting.account).or_default();
        match posting.kind {
            Kind::Spent => sum.0 += i128::from(posting.amount),
            Kind::Overage => sum.1 += i128::from(posting.amount),
        }
    }
    sums
}
