//! Events of the ledger.

use ledger::{Account, Attributes, BudgetSpec, Event, Held, HoldId, Measure, OnExceed, Posting, PostingKind, RunId, RunSpec, Window};
use serde::{Deserialize, Serialize};

use super::CodecError;
use super::text::{Amount, Id, Time};

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    BudgetPut { at: Time, spec: SpecText },
    BudgetRemoved { at: Time, name: String },
    RunStarted { at: Time, spec: RunText },
    RunLimitSet { at: Time, run: Id, limit: Option<Amount> },
    RunEnded { at: Time, run: Id },
    Held(HeldText),
    Settled { at: Time, hold: Id, cost: Amount, estimated: bool, postings: Vec<PostingText> },
    Voided { at: Time, hold: Id },
    Unresolved { at: Time, hold: Id },
    Assumed { at: Time, hold: Id, postings: Vec<PostingText> },
    TruedUp { at: Time, hold: Id, cost: Amount, postings: Vec<PostingText> },
}

#[derive(Serialize, Deserialize)]
pub(super) struct HeldText {
    id: Id,
    at: Time,
    granted: Amount,
    accounts: Vec<ShareText>,
    assume_at: Time,
    covered: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shadowed: Vec<AccountText>,
}

/// An amount on an account.
#[derive(Serialize, Deserialize)]
pub(super) struct ShareText {
    account: AccountText,
    amount: Amount,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AccountText {
    Budget {
        name: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        per: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<Time>,
    },
    Run(Id),
}

#[derive(Serialize, Deserialize)]
struct PostingText {
    account: AccountText,
    kind: KindText,
    amount: Amount,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindText {
    Spent,
    Overage,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SpecText {
    name: String,
    limit: Option<Amount>,
    window: WindowText,
    time_zone: String,
    week_starts_monday: bool,
    matches: Attributes,
    per: Vec<String>,
    on_exceed: ExceedText,
    measure: MeasureText,
    grant_share_thousandths: u16,
    paused: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WindowText {
    Total,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ExceedText {
    Block,
    Shadow,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MeasureText {
    Billed,
    List,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RunText {
    id: Id,
    parent: Option<Id>,
    limit: Option<Amount>,
}

/// A journal line's text.
pub(crate) fn event_to_json(event: &Event) -> Result<String, CodecError> {
    Ok(serde_json::to_string(&Line::from(event))?)
}

/// The event of a journal line's text.
pub(crate) fn event_from_json(text: &str) -> Result<Event, CodecError> {
    Ok(serde_json::from_str::<Line>(text)?.into())
}

/// An account's name.
pub(crate) fn account_to_json(account: &Account) -> Result<String, CodecError> {
    Ok(serde_json::to_string(&AccountText::from(account))?)
}

/// A budget's definition, as the audit shows it.
pub(crate) fn spec_to_json(spec: &BudgetSpec) -> Result<serde_json::Value, CodecError> {
    Ok(serde_json::to_value(SpecText::from(spec))?)
}

impl From<&Event> for Line {
    fn from(event: &Event) -> Self {
        match event {
            Event::BudgetPut { at, spec } => Self::BudgetPut { at: Time(*at), spec: spec.into() },
            Event::BudgetRemoved { at, name } => Self::BudgetRemoved { at: Time(*at), name: name.clone() },
            Event::RunStarted { at, spec } => Self::RunStarted { at: Time(*at), spec: spec.into() },
            Event::RunLimitSet { at, run, limit } => Self::RunLimitSet { at: Time(*at), run: Id(run.0), limit: limit.map(Amount) },
            Event::RunEnded { at, run } => Self::RunEnded { at: Time(*at), run: Id(run.0) },
            Event::Held(held) => Self::Held(held.into()),
            Event::Settled { at, hold, cost, estimated, postings } => Self::Settled {
                at: Time(*at),
                hold: Id(hold.0),
                cost: Amount(*cost),
                estimated: *estimated,
                postings: postings_to_text(postings),
            },
            Event::Voided { at, hold } => Self::Voided { at: Time(*at), hold: Id(hold.0) },
            Event::Unresolved { at, hold } => Self::Unresolved { at: Time(*at), hold: Id(hold.0) },
            Event::Assumed { at, hold, postings } => {
                Self::Assumed { at: Time(*at), hold: Id(hold.0), postings: postings_to_text(postings) }
            }
            Event::TruedUp { at, hold, cost, postings } => {
                Self::TruedUp { at: Time(*at), hold: Id(hold.0), cost: Amount(*cost), postings: postings_to_text(postings) }
            }
        }
    }
}

impl From<Line> for Event {
    fn from(line: Line) -> Self {
        match line {
            Line::BudgetPut { at, spec } => Self::BudgetPut { at: at.0, spec: spec.into() },
            Line::BudgetRemoved { at, name } => Self::BudgetRemoved { at: at.0, name },
            Line::RunStarted { at, spec } => Self::RunStarted { at: at.0, spec: spec.into() },
            Line::RunLimitSet { at, run, limit } => Self::RunLimitSet { at: at.0, run: RunId(run.0), limit: limit.map(|limit| limit.0) },
            Line::RunEnded { at, run } => Self::RunEnded { at: at.0, run: RunId(run.0) },
            Line::Held(held) => Self::Held(held.into()),
            Line::Settled { at, hold, cost, estimated, postings } => {
                Self::Settled { at: at.0, hold: HoldId(hold.0), cost: cost.0, estimated, postings: postings_from_text(postings) }
            }
            Line::Voided { at, hold } => Self::Voided { at: at.0, hold: HoldId(hold.0) },
            Line::Unresolved { at, hold } => Self::Unresolved { at: at.0, hold: HoldId(hold.0) },
            Line::Assumed { at, hold, postings } => {
                Self::Assumed { at: at.0, hold: HoldId(hold.0), postings: postings_from_text(postings) }
            }
            Line::TruedUp { at, hold, cost, postings } => {
                Self::TruedUp { at: at.0, hold: HoldId(hold.0), cost: cost.0, postings: postings_from_text(postings) }
            }
        }
    }
}

impl From<&Held> for HeldText {
    fn from(held: &Held) -> Self {
        Self {
            id: Id(held.id.0),
            at: Time(held.at),
            granted: Amount(held.granted),
            accounts: shares_to_text(&held.accounts),
            assume_at: Time(held.assume_at),
            covered: held.covered,
            shadowed: held.shadowed.iter().map(AccountText::from).collect(),
        }
    }
}

impl From<HeldText> for Held {
    fn from(text: HeldText) -> Self {
        Self {
            id: HoldId(text.id.0),
            at: text.at.0,
            granted: text.granted.0,
            accounts: shares_from_text(text.accounts),
            assume_at: text.assume_at.0,
            covered: text.covered,
            shadowed: text.shadowed.into_iter().map(Account::from).collect(),
        }
    }
}

pub(super) fn shares_to_text(shares: &[(Account, money::Nanos)]) -> Vec<ShareText> {
    shares.iter().map(|(account, amount)| ShareText { account: account.into(), amount: Amount(*amount) }).collect()
}

pub(super) fn shares_from_text(shares: Vec<ShareText>) -> Vec<(Account, money::Nanos)> {
    shares.into_iter().map(|share| (share.account.into(), share.amount.0)).collect()
}

fn postings_to_text(postings: &[Posting]) -> Vec<PostingText> {
    let kind = |kind| match kind {
        PostingKind::Spent => KindText::Spent,
        PostingKind::Overage => KindText::Overage,
    };
    postings
        .iter()
        .map(|posting| PostingText { account: (&posting.account).into(), kind: kind(posting.kind), amount: Amount(posting.amount) })
        .collect()
}

fn postings_from_text(postings: Vec<PostingText>) -> Vec<Posting> {
    let kind = |kind| match kind {
        KindText::Spent => PostingKind::Spent,
        KindText::Overage => PostingKind::Overage,
    };
    postings
        .into_iter()
        .map(|posting| Posting { account: posting.account.into(), kind: kind(posting.kind), amount: posting.amount.0 })
        .collect()
}

impl From<&Account> for AccountText {
    fn from(account: &Account) -> Self {
        match account {
            Account::Budget { budget, per, period_start, period_end } => {
                Self::Budget { name: budget.clone(), per: per.clone(), start: period_start.map(Time), end: period_end.map(Time) }
            }
            Account::Run(run) => Self::Run(Id(run.0)),
        }
    }
}

impl From<AccountText> for Account {
    fn from(text: AccountText) -> Self {
        match text {
            AccountText::Budget { name, per, start, end } => {
                Self::Budget { budget: name, per, period_start: start.map(|time| time.0), period_end: end.map(|time| time.0) }
            }
            AccountText::Run(run) => Self::Run(RunId(run.0)),
        }
    }
}

impl From<&BudgetSpec> for SpecText {
    fn from(spec: &BudgetSpec) -> Self {
        Self {
            name: spec.name.clone(),
            limit: spec.limit.map(Amount),
            window: spec.window.into(),
            time_zone: spec.time_zone.clone(),
            week_starts_monday: spec.week_starts_monday,
            matches: spec.matches.clone(),
            per: spec.per.clone(),
            on_exceed: match spec.on_exceed {
                OnExceed::Block => ExceedText::Block,
                OnExceed::Shadow => ExceedText::Shadow,
            },
            measure: match spec.measure {
                Measure::Billed => MeasureText::Billed,
                Measure::List => MeasureText::List,
            },
            grant_share_thousandths: spec.grant_share_thousandths,
            paused: spec.paused,
        }
    }
}

impl From<SpecText> for BudgetSpec {
    fn from(text: SpecText) -> Self {
        Self {
            name: text.name,
            limit: text.limit.map(|limit| limit.0),
            window: text.window.into(),
            time_zone: text.time_zone,
            week_starts_monday: text.week_starts_monday,
            matches: text.matches,
            per: text.per,
            on_exceed: match text.on_exceed {
                ExceedText::Block => OnExceed::Block,
                ExceedText::Shadow => OnExceed::Shadow,
            },
            measure: match text.measure {
                MeasureText::Billed => Measure::Billed,
                MeasureText::List => Measure::List,
            },
            grant_share_thousandths: text.grant_share_thousandths,
            paused: text.paused,
        }
    }
}

impl From<Window> for WindowText {
    fn from(window: Window) -> Self {
        match window {
            Window::Total => Self::Total,
            Window::Minute => Self::Minute,
            Window::Hour => Self::Hour,
            Window::Day => Self::Day,
            Window::Week => Self::Week,
            Window::Month => Self::Month,
        }
    }
}

impl From<WindowText> for Window {
    fn from(text: WindowText) -> Self {
        match text {
            WindowText::Total => Self::Total,
            WindowText::Minute => Self::Minute,
            WindowText::Hour => Self::Hour,
            WindowText::Day => Self::Day,
            WindowText::Week => Self::Week,
            WindowText::Month => Self::Month,
        }
    }
}

impl From<&RunSpec> for RunText {
    fn from(spec: &RunSpec) -> Self {
        Self { id: Id(spec.id.0), parent: spec.parent.map(|run| Id(run.0)), limit: spec.limit.map(Amount) }
    }
}

impl From<RunText> for RunSpec {
    fn from(text: RunText) -> Self {
        Self { id: RunId(text.id.0), parent: text.parent.map(|run| RunId(run.0)), limit: text.limit.map(|limit| limit.0) }
    }
}
