//! What an operator changes: budgets, runs, keys, prices, and the fate of single holds. Every change is audited.

use std::time::Duration;

use jiff::Timestamp;
use ledger::{AccountView, Attributes, BudgetSpec, HoldId, RunId};
use money::Nanos;
use serde::{Deserialize, Serialize};

use crate::{CallId, RateLimits};

/// Where a budget's definition lives, and so who may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `mete.toml`: read-only through the API.
    Config,
    /// The admin API or the CLI.
    Api,
}

/// A budget and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRecord {
    /// Its definition.
    pub spec: BudgetSpec,
    /// Who may change it.
    pub origin: Origin,
}

/// What [`crate::Books::sync_config_budgets`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetChanges {
    /// Names made or changed.
    pub put: Vec<String>,
    /// Names archived because the file no longer has them.
    pub removed: Vec<String>,
}

/// A run to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunStart {
    /// The run inside which it starts.
    pub parent: Option<RunId>,
    /// The most that it may spend; `None` only observes.
    pub limit: Option<Nanos>,
    /// Attributes that each of its calls gets.
    pub tags: Attributes,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// The command that runs, for people; arguments are left out.
    pub command: Option<String>,
    /// A name for people.
    pub name: Option<String>,
}

/// A run's secret token `rt_…`: whoever has it may spend on the run. Has no `Debug` output of its content.
#[derive(Clone, PartialEq, Eq)]
pub struct RunToken(pub String);

impl core::fmt::Debug for RunToken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("rt_…")
    }
}

/// A run as it is kept, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// What was asked when it began; `limit` is the first one, the ledger knows the present one.
    pub start: RunStart,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Which runs to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only runs that haven't ended.
    pub active_only: bool,
    /// Only runs that began at or after.
    pub since: Option<Timestamp>,
    /// Only runs of this session.
    pub session: Option<String>,
    /// Only direct children of this run.
    pub parent: Option<RunId>,
    /// At most so many; `None` is 100.
    pub limit: Option<usize>,
}

/// A run with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// What was asked.
    pub record: RunRecord,
    /// What the ledger says.
    pub view: ledger::RunView,
}

/// A key to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyNew {
    /// A name for people.
    pub name: String,
    /// Attributes of all its calls.
    pub attributes: Attributes,
    /// Attribute names that a client may set.
    pub client_may_set: Vec<String>,
    /// Allowed models; empty allows all.
    pub models: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// Rate limits.
    pub limits: RateLimits,
    /// The run that it belongs to.
    pub run: Option<RunId>,
}

/// What of a key changes; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// A name for people.
    pub name: Option<String>,
    /// Attributes of all its calls.
    pub attributes: Option<Attributes>,
    /// Attribute names that a client may set.
    pub client_may_set: Option<Vec<String>>,
    /// Allowed models.
    pub models: Option<Vec<String>>,
    /// When it stops working; `Some(None)` is never.
    pub expires_at: Option<Option<Timestamp>>,
    /// Rate limits.
    pub limits: Option<RateLimits>,
}

/// What [`crate::Books::resolve`] acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One hold.
    Hold(HoldId),
    /// The one attempt of a call whose outcome is unknown or assumed.
    Call(CallId),
}

/// What became known of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It cost this much.
    Cost(Nanos),
    /// It cost nothing.
    Void,
}

/// An account that a call would count on, for estimates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchView {
    /// Its numbers now.
    pub account: AccountView,
    /// Whether it blocks (false: shadow or paused).
    pub blocks: bool,
    /// Whether `min` fits now.
    pub fits: bool,
}

/// What a call with some attributes could still spend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headroom {
    /// The blocking account with the least remaining.
    pub tightest: Option<AccountView>,
    /// Its remaining; `None` when nothing limits the call.
    pub remaining: Option<Nanos>,
}

/// A price row that the operator set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// Its number, rising; a later row wins over an earlier one.
    pub id: i64,
    /// The row as JSON text in the price book's schema.
    pub row: String,
    /// When it was set.
    pub at: Timestamp,
    /// Who set it.
    pub actor: String,
}

/// An imported price source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceSource {
    /// Its name, for example `litellm`.
    pub name: String,
    /// What was learnt from it, as a text that this crate doesn't read.
    pub body: String,
    /// When it was imported last.
    pub at: Timestamp,
    /// Who imported it.
    pub actor: String,
}

/// An attempt that was let through without a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpricedAttempt {
    /// When it was admitted.
    pub at: Timestamp,
    /// All attributes.
    pub attributes: ledger::Attributes,
    /// Its tokens, all meters together.
    pub tokens: u64,
}

/// Which audit lines to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// At or after.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this kind, for example `budget.put`.
    pub action: Option<String>,
    /// About this thing, for example a budget's name or a key's id.
    pub subject: Option<String>,
    /// At most so many; `None` is 100.
    pub limit: Option<usize>,
}

/// One admin change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Rising number; the lines are chained by hash.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What: `budget.put`, `budget.removed`, `budget.paused`, `run.started`, `run.raised`, `run.joined`, `run.ended`, `key.created`, `key.rotated`,
    /// `key.revoked`, `key.updated`, `call.resolved`, `call.trued_up`, `price.set`, `price.removed`, `price.imported`, `price.accepted`, `setting.set`.
    pub action: String,
    /// On what.
    pub subject: String,
    /// As it was.
    pub before: serde_json::Value,
    /// As it is now.
    pub after: serde_json::Value,
}

/// How the writer is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that wait for the writer.
    pub queue_depth: usize,
    /// Holds that wait for money.
    pub waiting: usize,
    /// Transactions committed.
    pub batches: u64,
    /// Requests answered by them.
    pub batched: u64,
    /// Requests in the largest batch.
    pub batch_max: u64,
    /// Commits that were synced to the disk.
    pub synced: u64,
    /// Time of the last commit.
    pub commit_last: Duration,
    /// Time of the slowest commit.
    pub commit_max: Duration,
    /// Sum of all commits' times.
    pub commit_total: Duration,
    /// Ends (settlements, voids) that couldn't be written and are retried.
    pub ends_pending: usize,
    /// Whether there are settlements that no sync covers yet.
    pub unsynced: bool,
    /// Open holds.
    pub open_holds: usize,
    /// Of them, those whose outcome is unknown.
    pub unresolved: usize,
    /// Sum of open holds.
    pub held: Nanos,
    /// Sum of settled, assumed and trued-up costs, overage and the list value of covered calls included.
    pub spent: Nanos,
    /// The journal's last line.
    pub journal_seq: u64,
    /// Why nothing is admitted for now: the file can't be written, and is tried again.
    pub failing: Option<String>,
    /// Why nothing is admitted for good: this process must end.
    pub stopped: Option<String>,
}

/// How many lines of a list are meant; 100 when nothing is said.
pub(crate) fn most(limit: Option<usize>) -> usize {
    limit.unwrap_or(100).min(1_000_000_000)
}
