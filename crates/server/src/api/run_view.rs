//! A run as a document: its budget and what its calls used, those of the runs inside it included.

use std::collections::BTreeMap;

use ledger::RunId;
use money::Nanos;
use serde::Serialize;
use store::{CallFilter, CallRecord, CallStatus, ReadError, Reader, RunSummary, run_text};
use utoipa::ToSchema;

use super::call_view::{call_costs, usage};
use super::calls::read;
use super::error::ApiError;
use super::views::{nanos, usd};
use crate::control::Control;

/// Calls read at a time.
const PAGE: usize = 1000;

/// Tokens by class.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct TokensView {
    /// Neither read from nor written to a cache.
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// Reasoning included.
    pub output: u64,
}

/// One of the dearest calls.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DearView {
    pub call_id: String,
    pub model: String,
    pub agent: Option<String>,
    pub cost_nanos: i64,
    pub cost_usd: String,
}

/// A run. Numbers include the runs inside it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunView {
    pub run_id: String,
    pub name: Option<String>,
    pub parent: Option<String>,
    pub session: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub started_at: String,
    pub ended_at: Option<String>,
    pub limit_nanos: Option<i64>,
    pub limit_usd: Option<String>,
    pub spent_nanos: i64,
    pub spent_usd: String,
    pub held_nanos: i64,
    pub held_usd: String,
    pub overage_nanos: i64,
    pub overage_usd: String,
    /// What is left on it and on every run around it.
    pub remaining_nanos: Option<i64>,
    pub remaining_usd: Option<String>,
    /// What its calls are billed.
    pub cost_nanos: i64,
    pub cost_usd: String,
    /// What they would cost at list price.
    pub list_value_nanos: i64,
    pub list_value_usd: String,
    pub calls: u64,
    pub refused: u64,
    /// Of the refused: by a budget.
    pub budget_refusals: u64,
    pub unresolved: u64,
    /// Calls without a known rate: they are in no amount.
    pub unpriced: u64,
    pub tokens: TokensView,
    /// The three dearest calls.
    pub dearest: Vec<DearView>,
    /// Runs started inside it.
    pub children: Vec<String>,
}

#[derive(Default)]
struct Totals {
    calls: u64,
    refused: u64,
    budget_refusals: u64,
    unresolved: u64,
    unpriced: u64,
    tokens: TokensView,
    cost: Nanos,
    list: Nanos,
    dearest: Vec<(Nanos, DearView)>,
}

/// The document of a run.
pub(crate) async fn view(control: &Control, run: &RunSummary) -> Result<RunView, ApiError> {
    let family = family(control, run).await?;
    let totals = read(control, move |reader| totals(reader, &family)).await?;
    let account = &run.view.account;
    let start = &run.record.start;
    Ok(RunView {
        run_id: run_text(run.record.id),
        name: start.name.clone().or_else(|| start.command.clone()),
        parent: start.parent.map(run_text),
        session: start.session.clone(),
        tags: start.tags.clone(),
        started_at: run.record.started_at.to_string(),
        ended_at: run.record.ended_at.map(|at| at.to_string()),
        limit_nanos: nanos(account.limit),
        limit_usd: usd(account.limit),
        spent_nanos: account.spent.get(),
        spent_usd: account.spent.to_usd(),
        held_nanos: account.held.get(),
        held_usd: account.held.to_usd(),
        overage_nanos: account.overage.get(),
        overage_usd: account.overage.to_usd(),
        remaining_nanos: nanos(run.view.remaining),
        remaining_usd: usd(run.view.remaining),
        cost_nanos: totals.cost.get(),
        cost_usd: totals.cost.to_usd(),
        list_value_nanos: totals.list.get(),
        list_value_usd: totals.list.to_usd(),
        calls: totals.calls,
        refused: totals.refused,
        budget_refusals: totals.budget_refusals,
        unresolved: totals.unresolved,
        unpriced: totals.unpriced,
        tokens: totals.tokens,
        dearest: totals.dearest.into_iter().map(|(_, dear)| dear).collect(),
        children: run.view.children.iter().copied().map(run_text).collect(),
    })
}

/// The run and all runs inside it.
async fn family(control: &Control, run: &RunSummary) -> Result<Vec<RunId>, ApiError> {
    let mut all = vec![run.record.id];
    let mut next = run.view.children.clone();
    while let Some(child) = next.pop() {
        if !all.contains(&child) {
            all.push(child);
            next.extend(control.books.run_view(child).await?.children);
        }
    }
    Ok(all)
}

fn totals(reader: &Reader, family: &[RunId]) -> Result<Totals, ReadError> {
    let mut totals = Totals::default();
    for run in family {
        let mut filter = CallFilter { run: Some(*run), limit: Some(PAGE), ..CallFilter::default() };
        loop {
            let calls = reader.calls(&filter)?;
            calls.iter().for_each(|call| totals.add(call));
            match calls.last() {
                Some(last) if calls.len() == PAGE => filter.before = Some(last.call),
                _ => break,
            }
        }
    }
    Ok(totals)
}

impl Totals {
    fn add(&mut self, call: &CallRecord) {
        if call.status == CallStatus::Refused {
            self.refused += 1;
            self.budget_refusals +=
                u64::from(call.refusal.as_ref().is_some_and(|refused| refused.code.starts_with("budget_") || refused.code == "never_fits"));
            return;
        }
        self.calls += 1;
        self.unresolved += u64::from(call.status == CallStatus::Unresolved);
        self.unpriced += u64::from(call.is_unpriced());
        let (billed, list) = call_costs(call);
        let (billed, list) = (billed.unwrap_or_default(), list.unwrap_or_default());
        self.cost = self.cost.checked_add(billed).unwrap_or(self.cost);
        self.list = self.list.checked_add(list).unwrap_or(self.list);
        for (meter, quantity) in usage(call) {
            self.count(&meter, quantity);
        }
        self.rank(call, list);
    }

    fn count(&mut self, meter: &str, quantity: u64) {
        let class = match meter {
            "input_tokens" | "embedding_tokens" => &mut self.tokens.input,
            "cache_read_tokens" => &mut self.tokens.cache_read,
            "cache_write_tokens" => &mut self.tokens.cache_write,
            "output_tokens" | "reasoning_tokens" => &mut self.tokens.output,
            _ => return,
        };
        *class = class.saturating_add(quantity);
    }

    fn rank(&mut self, call: &CallRecord, cost: Nanos) {
        if cost.is_zero() {
            return;
        }
        let dear = DearView {
            call_id: call.call.to_string(),
            model: call.model.clone(),
            agent: call.attributes.get("agent").cloned(),
            cost_nanos: cost.get(),
            cost_usd: cost.to_usd(),
        };
        self.dearest.push((cost, dear));
        self.dearest.sort_by_key(|(cost, _)| core::cmp::Reverse(*cost));
        self.dearest.truncate(3);
    }
}
