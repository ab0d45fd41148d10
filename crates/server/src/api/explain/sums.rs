//! The sums of one attempt as a person does them by hand: quantity × rate ÷ units, added exactly, rounded once.

use std::fmt::Write as _;

use money::{Decimal, Exact, Nanos, Rate};
use pricing::{PriceBook, Rule};
use store::{AttemptEnd, AttemptRecord, CallStatus, StoredLine};

use super::ProviderCost;

/// The meter of the line by which a provider's own figure differs from the price book's.
const PROVIDER_COST: &str = "provider_cost";

/// Each line, the sum and its rounding.
pub(super) fn lines(end: &AttemptEnd, book: &PriceBook, text: &mut Vec<String>) {
    if end.lines.is_empty() {
        return;
    }
    let own = || end.lines.iter().filter(|line| line.meter != PROVIDER_COST);
    for line in own() {
        text.push(line_text(line));
        text.extend(source_text(line, book));
    }
    let sum = own().try_fold(Exact::ZERO, |sum, line| sum.checked_add(exact(line)?));
    let rounded = Nanos::new(own().fold(0, |sum, line| sum.saturating_add(line.nanos)));
    match sum {
        Some(sum) => {
            text.push(format!("  sum      {sum}"));
            text.push(format!("  rounded  ${}  once for the row, half to even, to the nano-dollar", rounded.to_usd()));
        }
        None => text.push(format!("  sum      ${}", rounded.to_usd())),
    }
}

/// `input_tokens (modality=audio)`.
pub(super) fn named(line: &StoredLine) -> String {
    let attrs: Vec<String> = line.attrs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if attrs.is_empty() { line.meter.clone() } else { format!("{} ({})", line.meter, attrs.join(", ")) }
}

fn line_text(line: &StoredLine) -> String {
    let amount = exact(line).map_or("?".to_owned(), |amount| amount.to_string());
    format!("  {}  {} × ${} / {} = {amount}", named(line), line.quantity, line.rate, line.per)
}

fn exact(line: &StoredLine) -> Option<Exact> {
    let price = Decimal::parse(&line.rate).ok()?;
    Rate::new(price, line.per).ok()?.times(line.quantity)
}

/// The rule of a line, and where the book in force has it from.
fn source_text(line: &StoredLine, book: &PriceBook) -> Vec<String> {
    let mut text = vec![format!("    by {}", line.rule)];
    let known = |rule: &&Rule| line.rule.contains(rule.id.as_str());
    if let Some(rule) = book.rows().rules.iter().find(known).filter(|rule| !rule.prov.url.is_empty()) {
        text.push(format!("    {}", rule.prov.url));
    }
    text
}

/// What was held before the call was sent.
pub(super) fn hold_text(attempt: &AttemptRecord) -> String {
    let start = &attempt.start;
    let mut text = format!("  held     ${}: input up to {} tokens", attempt.granted.to_usd(), start.input_tokens_max);
    match (start.ceiling_asked, start.ceiling_granted) {
        (Some(asked), Some(granted)) => _ = write!(text, ", output ceiling {granted} of {asked} asked"),
        (None, Some(granted)) => _ = write!(text, ", output ceiling {granted}, none was asked"),
        _ => {}
    }
    text
}

/// Where the money is now.
pub(super) fn end_text(attempt: &AttemptRecord) -> String {
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
        CallStatus::Unresolved => {
            format!("  unresolved: nobody knows what it cost; ${} counts as held, assumed spent from {}", held.to_usd(), attempt.assume_at)
        }
        CallStatus::Assumed => {
            format!("  assumed spent at ${}: its outcome stayed unknown; `mete calls resolve` corrects it", cost.to_usd())
        }
        CallStatus::Held | CallStatus::Refused => format!("  under way: ${} held", held.to_usd()),
    }
}

/// What the provider says, beside what the price book says.
pub(super) fn provider_cost(attempt: &AttemptRecord) -> Option<ProviderCost> {
    let end = attempt.end.as_ref()?;
    let says = end.provider_cost_usd.clone()?;
    let is_bound = |line: &&StoredLine| line.meter == PROVIDER_COST;
    let book = end.lines.iter().filter(|line| !is_bound(line)).fold(0_i64, |sum, line| sum.saturating_add(line.nanos));
    Some(ProviderCost {
        attempt: attempt.start.attempt,
        difference_usd: difference(&says, Nanos::new(book)),
        says_usd: says,
        book_nanos: book,
        binds: if end.lines.iter().any(|line| is_bound(&line)) { "provider" } else { "book" },
    })
}

/// A figure less the price book's, with its sign and to its last digit.
fn difference(says: &str, book: Nanos) -> Option<String> {
    let amount = |price: Decimal| Rate::new(price, 1).ok()?.times(1);
    let theirs = amount(Decimal::parse(says).ok()?)?;
    Some(theirs.checked_sub(Exact::from(book))?.to_string().replace('$', ""))
}

pub(super) fn provider_text(attempt: &AttemptRecord) -> Option<String> {
    let told = provider_cost(attempt)?;
    let book = Nanos::new(told.book_nanos).to_usd();
    let difference = told.difference_usd.map_or("it can't be read".to_owned(), |difference| format!("difference {difference}"));
    let binds = if told.binds == "provider" { "the provider's figure binds" } else { "the price book binds" };
    Some(format!("  provider says ${}, the price book ${book}: {difference}; {binds} (cost_from)", told.says_usd))
}

/// The cost in the seller's own pricing currency, where it has one.
pub(super) fn credit_text(attempt: &AttemptRecord, book: &PriceBook) -> Option<String> {
    let (start, cost) = (&attempt.start, attempt.known_cost()?);
    let credit = book.credit(&start.seller, start.at, jiff::Timestamp::now())?;
    Some(format!("  in {} of ${}: {}", credit.name, credit.usd, credit.of(cost)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_figure_is_compared_to_its_last_digit() {
        let book = Nanos::from_usd("0.0125").unwrap();
        for (says, expected) in [
            ("0.0125", Some("0.00")),
            ("0.013", Some("0.0005")),
            ("0.01", Some("-0.0025")),
            ("0.0125000000004", Some("0.0000000000004")),
            ("1.25e-2", Some("0.00")),
            ("a lot", None),
        ] {
            assert_eq!(difference(says, book).as_deref(), expected, "{says}");
        }
    }
}
