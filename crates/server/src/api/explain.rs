//! One call's arithmetic: meter by meter, rounded once, from hold to settlement.

mod fields;
mod sums;

use pricing::PriceBook;
use serde::Serialize;
use store::{AttemptRecord, AuditFilter, AuditLine, CallRecord};
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
    /// What the provider itself says each attempt cost, beside ours.
    pub provider: Vec<ProviderCost>,
    /// The whole record.
    pub call: CallView,
    /// Budgets that match the call, as they are now.
    pub budgets: Vec<BudgetView>,
    /// The same for a person, line by line.
    pub text: Vec<String>,
}

/// What a provider says that an attempt cost, beside what the price book says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderCost {
    pub attempt: u32,
    /// In dollars, as the provider wrote it.
    pub says_usd: String,
    /// What the price book says.
    pub book_nanos: i64,
    /// The provider's figure less the price book's, in dollars; null where the figure can't be read.
    pub difference_usd: Option<String>,
    /// `provider` or `book`: whose figure is the cost.
    pub binds: &'static str,
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
    let book = control.gateway.prices();
    let ends = || call.attempts.iter().filter_map(|attempt| attempt.end.as_ref());
    Ok(Explanation {
        call_id: call.call.to_string(),
        status: if ends().all(|end| end.priced) { "priced" } else { "unpriced" },
        model: call.model.clone(),
        total_nanos: nanos(list),
        total_usd: usd(list),
        lines: ends().flat_map(|end| &end.lines).map(LineView::from).collect(),
        provider: call.attempts.iter().filter_map(sums::provider_cost).collect(),
        call: CallView::from(call),
        text: text(call, &book, &budgets, &corrections),
        budgets,
    })
}

fn text(call: &CallRecord, book: &PriceBook, budgets: &[BudgetView], corrections: &[AuditLine]) -> Vec<String> {
    let mut text = vec![format!("call {}  {}  {}  {}", call.call, call.at, call.model, call.status.as_str())];
    if let Some(refused) = &call.refusal {
        text.push(format!("refused: {}; nothing was sent, nothing is owed", refused.code));
        text.extend(refused.details["message"].as_str().map(|message| format!("  {message}")));
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
        "attempt {}  {}  {} as {}  prices of {}, book {}{}",
        start.attempt,
        start.provider,
        start.model_asked,
        start.model_sent,
        start.seller,
        start.price_book,
        if book.version() == start.price_book { "" } else { " (another is in force now)" }
    ));
    text.push(sums::hold_text(attempt));
    let Some(end) = &attempt.end else {
        return text.push(sums::end_text(attempt));
    };
    text.extend(fields::mapping(&start.dialect, &start.operation, &end.lines).into_iter().map(|line| format!("  {line}")));
    if attempt.is_unpriced() {
        text.extend(end.lines.iter().map(|line| format!("  {}  {}  no rate", sums::named(line), line.quantity)));
        let sku = format!("{}/{}", start.seller, start.model_sent);
        return text
            .push(format!("  unpriced: no rate is known, so nobody knows what it cost; `mete prices set {sku} …` prices later calls"));
    }
    sums::lines(end, book, text);
    if attempt.estimated {
        text.push("  an estimate: the provider's own count of the whole answer is missing or can't be believed".to_owned());
    }
    text.extend(sums::provider_text(attempt));
    text.push(sums::end_text(attempt));
    text.extend(sums::credit_text(attempt, book));
    text.extend(end.flags.iter().map(|flag| format!("  note: {flag}")));
}
