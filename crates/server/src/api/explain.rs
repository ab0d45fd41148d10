//! One call's arithmetic: meter by meter, rounded once, from hold to settlement.

use std::fmt::Write as _;

use money::{Decimal, Nanos, Rate};
use pricing::PriceBook;
use serde::Serialize;
use store::{AttemptRecord, AuditFilter, AuditLine, CallRecord, CallStatus, StoredLine};
use utoipa::ToSchema;

use super::call_view::{CallView, LineView, call_costs};
use super::calls::read;
use super::error::ApiError;
use super::views::{BudgetView, nanos, usd};
use crate::control::Control;

/// A call with its arithmetic.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explanation {
    pub call_id: String,
    /// `priced` or `unpriced`.
    pub status: &'static str,
    pub model: String,
    /// Sum of the lines: the list value. Null while it is open or unresolved, and where no rate is known.
    pub total_nanos: Option<i64>,
    pub total_usd: Option<String>,
    /// The lines of all attempts.
    pub lines: Vec<LineView>,
    /// The whole record.
    pub call: CallView,
    /// Budgets that match the call, as they are now.
    pub budgets: Vec<BudgetView>,
    /// The same for a person, line by line.
    pub text: Vec<String>,
}

/// Explains a call.
pub(crate) async fn explain(control: &Control, call: &CallRecord) -> Result<Explanation, ApiError> {
    let (_, list) = call_costs(call);
    let all = super::budgets::rows(control, None).await?;
    let matches = |row: &BudgetView| row.matches.iter().all(|(name, value)| call.attributes.get(name) == Some(value));
    let own =
        |row: &BudgetView| row.per.iter().flatten().all(|(name, value)| call.attributes.get(name).map_or("", String::as_str) == value);
    let budgets: Vec<_> = all.into_iter().filter(|row| matches(row) && own(row)).collect();
    let subject = call.call.to_string();
    let filter = AuditFilter { subject: Some(subject), ..AuditFilter::default() };
    let corrections = read(control, move |reader| reader.audit(&filter)).await?;
    let ends = || call.attempts.iter().filter_map(|attempt| attempt.end.as_ref());
    Ok(Explanation {
        call_id: call.call.to_string(),
        status: if ends().all(|end| end.priced) { "priced" } else { "unpriced" },
        model: call.model.clone(),
        total_nanos: nanos(list),
        total_usd: usd(list),
        lines: ends().flat_map(|end| &end.lines).map(LineView::from).collect(),
        call: CallView::from(call),
        text: text(call, &control.gateway.prices(), &budgets, &corrections),
        budgets,
    })
}

fn text(call: &CallRecord, book: &PriceBook, budgets: &[BudgetView], corrections: &[AuditLine]) -> Vec<String> {
    let mut text = vec![format!("call {}  {}  {}  {}", call.call, call.at, call.model, call.status.as_str())];
    if let Some(refused) = &call.refusal {
        text.push(format!("refused: {}; nothing was sent, nothing is owed", refused.code));
    }
    for attempt in &call.attempts {
        attempt_text(attempt, book, &mut text);
    }
    for line in corrections.iter().rev() {
        let reason = line.after["reason"].as_str().unwrap_or_default();
        text.push(format!("{} by {} at {}: {reason}", line.action.replace("call.", "").replace('_', " "), line.actor, line.at));
    }
    for row in budgets {
        let limit = row.limit_usd.as_ref().map_or("no limit".to_owned(), |limit| format!("limit ${limit}"));
        text.push(format!("budget {}: {limit}, spent ${}, held ${}, overage ${}", row.name, row.spent_usd, row.held_usd, row.overage_usd));
    }
    text
}

fn attempt_text(attempt: &AttemptRecord, book: &PriceBook, text: &mut Vec<String>) {
    let start = &attempt.start;
    text.push(format!(
        "attempt {}  {}  {} as {}  prices of {}, book {}",
        start.attempt, start.provider, start.model_asked, start.model_sent, start.seller, start.price_book
    ));
    text.push(hold_text(attempt));
    let Some(end) = &attempt.end else {
        return text.push(end_text(attempt));
    };
    text.extend(end.lines.iter().map(line_text));
    let sum: i64 = end.lines.iter().fold(0, |sum, line| sum.saturating_add(line.nanos));
    if attempt.is_unpriced() {
        let sku = format!("{}/{}", start.seller, start.model_sent);
        return text
            .push(format!("  unpriced: no rate is known, so nobody knows what it cost; `mete prices set {sku} …` prices later calls"));
    }
    if !end.lines.is_empty() {
        text.push(format!("  = ${}  (summed exactly, rounded once to the nano-dollar, half to even)", Nanos::new(sum).to_usd()));
    }
    text.extend(credits_text(attempt, book, Nanos::new(sum)));
    text.push(end_text(attempt));
    text.extend(end.flags.iter().map(|flag| format!("  note: {flag}")));
}

/// The same in the seller's own pricing currency, where it has one.
fn credits_text(attempt: &AttemptRecord, book: &PriceBook, sum: Nanos) -> Option<String> {
    let credit = book.credit(&attempt.start.seller, attempt.start.at, attempt.start.at)?;
    let amount = credit.of(sum).filter(|amount| !amount.is_zero())?;
    Some(format!("  = {amount} {}s at ${} each", credit.name, credit.usd))
}

fn hold_text(attempt: &AttemptRecord) -> String {
    let start = &attempt.start;
    let mut text = format!("  held ${}: input up to {} tokens", attempt.granted.to_usd(), start.input_tokens_max);
    match (start.ceiling_asked, start.ceiling_granted) {
        (Some(asked), Some(granted)) => _ = write!(text, ", output ceiling {granted} of {asked} asked"),
        (None, Some(granted)) => _ = write!(text, ", output ceiling {granted}, none was asked"),
        _ => {}
    }
    text
}

fn line_text(line: &StoredLine) -> String {
    let attrs: Vec<String> = line.attrs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let attrs = if attrs.is_empty() { String::new() } else { format!(" ({})", attrs.join(", ")) };
    let exact =
        Decimal::parse(&line.rate).ok().and_then(|price| Rate::new(price, line.per).ok()).and_then(|rate| rate.times(line.quantity));
    let exact = exact.map_or("?".to_owned(), |exact| exact.to_string());
    format!("  {}{attrs}  {} × ${} / {} = {exact}  [{}]", line.meter, line.quantity, line.rate, line.per, line.rule)
}

fn end_text(attempt: &AttemptRecord) -> String {
    let cost = attempt.cost.unwrap_or(Nanos::ZERO);
    let held = attempt.granted;
    let billed = if attempt.start.covered { "; covered by a subscription, billed $0.00" } else { "" };
    let estimated = if attempt.estimated { " (estimated)" } else { "" };
    match attempt.status {
        CallStatus::Settled if cost > held => {
            let overage = cost.checked_sub(held).unwrap_or(Nanos::ZERO);
            format!("  settled at ${}{estimated}: ${} held, ${} overage{billed}", cost.to_usd(), held.to_usd(), overage.to_usd())
        }
        CallStatus::Settled => {
            let back = held.checked_sub(cost).unwrap_or(Nanos::ZERO);
            format!("  settled at ${}{estimated}: ${} of the hold given back{billed}", cost.to_usd(), back.to_usd())
        }
        CallStatus::Voided => format!("  voided: ${} given back, nothing is owed", held.to_usd()),
        CallStatus::Unresolved => format!("  unresolved: ${} counts as held, assumed spent from {}", held.to_usd(), attempt.assume_at),
        CallStatus::Assumed => format!("  assumed spent at ${}; `mete calls resolve` corrects it", cost.to_usd()),
        CallStatus::Held | CallStatus::Refused => format!("  under way: ${} held", held.to_usd()),
    }
}
