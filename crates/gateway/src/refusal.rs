//! A budget's refusal in words: limit, spent, held, needed, when it starts anew, and the exact command to go on.

use ledger::{Account, Refusal, RefusalCode};
use money::Nanos;
use serde_json::Value;
use store::{Books, BudgetRecord, Origin, run_text};

use crate::denied::{CodexNotice, Denied};

/// The stable code. A call above the whole limit never fits, whatever is spent.
pub(crate) fn code(refusal: &Refusal) -> &'static str {
    match refusal.code {
        RefusalCode::Held => "budget_held",
        RefusalCode::NeverFits if refusal.needed > refusal.limit => "never_fits",
        RefusalCode::NeverFits => "budget_exceeded",
    }
}

/// The document of a refused hold, decided after journal line `seq`.
pub(crate) async fn document(books: &Books, reach: &str, refusal: &Refusal, seq: u64) -> Box<Denied> {
    let record = match &refusal.account {
        Account::Budget { budget, .. } => {
            books.budgets().await.ok().and_then(|all| all.into_iter().find(|record| record.spec.name == *budget))
        }
        Account::Run(_) => None,
    };
    let name = account_name(&refusal.account);
    let left = remaining(refusal);
    let go_on = how_to_go_on(refusal, record.as_ref(), reach);
    let mut denied = Denied::payment_required(code(refusal), sentence(refusal, &go_on));
    denied.codex = Some(CodexNotice { resets_at: refusal.resets_at.map(jiff::Timestamp::as_second) });
    let denied = denied
        .with("budget", name.clone())
        .with("scope", scope(&refusal.account, record.as_ref()))
        .with("waiting_helps", refusal.code == RefusalCode::Held)
        .with("resets_at", refusal.resets_at.map_or(Value::Null, |at| at.to_string().into()))
        .with("per", per_values(&refusal.account))
        .with("journal_seq", seq)
        .with("how_to_go_on", go_on);
    let amounts = [
        ("limit", refusal.limit),
        ("spent", refusal.spent),
        ("held", refusal.held),
        ("overage", refusal.overage),
        ("needed", refusal.needed),
        ("remaining", left),
    ];
    let denied = amounts.into_iter().fold(denied, |denied, (name, amount)| with_amount(denied, name, amount));
    let denied = match &refusal.account {
        Account::Run(run) => denied.with("run", run_text(*run)),
        Account::Budget { .. } => denied,
    };
    denied
        .with_header(http::HeaderName::from_static("x-mete-budget"), &header_text(&name))
        .with_header(http::HeaderName::from_static("x-mete-remaining-usd"), &left.to_usd())
}

fn with_amount(denied: Box<Denied>, name: &str, amount: Nanos) -> Box<Denied> {
    denied.with(&format!("{name}_nanos"), amount.get()).with(&format!("{name}_usd"), amount.to_usd())
}

/// What people call an account: the budget's name, or the run's id.
pub(crate) fn account_name(account: &Account) -> String {
    match account {
        Account::Budget { budget, .. } => budget.clone(),
        Account::Run(run) => run_text(*run),
    }
}

fn per_values(account: &Account) -> Vec<String> {
    match account {
        Account::Budget { per, .. } => per.clone(),
        Account::Run(_) => Vec::new(),
    }
}

/// What a shadow budget would have done, for the call's record.
pub(crate) fn would_refuse(account: &Account) -> String {
    format!("shadow: `{}` would have refused this call", account_name(account))
}

/// A name as a header value: what isn't printable ASCII becomes `?`.
pub(crate) fn header_text(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// Which part of a budget: `customer=c1`, `run`, or empty for the whole of it.
fn scope(account: &Account, record: Option<&BudgetRecord>) -> String {
    match account {
        Account::Run(_) => "run".to_owned(),
        Account::Budget { per, .. } => {
            let names = record.map_or(&[][..], |record| &record.spec.per);
            names.iter().zip(per).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
        }
    }
}

fn remaining(refusal: &Refusal) -> Nanos {
    let used = [refusal.spent, refusal.held, refusal.overage].into_iter().try_fold(Nanos::ZERO, Nanos::checked_add);
    used.and_then(|used| refusal.limit.checked_sub(used)).filter(|left| left.get() > 0).unwrap_or(Nanos::ZERO)
}

fn sentence(refusal: &Refusal, go_on: &str) -> String {
    let what = match &refusal.account {
        Account::Run(_) => "the budget of this run".to_owned(),
        Account::Budget { budget, per, .. } if per.is_empty() => format!("the budget `{budget}`"),
        Account::Budget { budget, per, .. } => format!("the budget `{budget}` for {}", per.join(", ")),
    };
    let why = match code(refusal) {
        "budget_held" => "is held by calls under way",
        "never_fits" => "is smaller than this call can cost",
        _ if remaining(refusal).is_zero() => "is used up",
        _ => "has too little left",
    };
    let overage = if refusal.overage.is_zero() { String::new() } else { format!(", {} over", usd(refusal.overage)) };
    let resets = match refusal.resets_at {
        Some(at) => format!("it starts anew at {at}"),
        None => "it doesn't start anew by itself".to_owned(),
    };
    let wait = if refusal.code == RefusalCode::Held { "; waiting for them can help" } else { "" };
    format!(
        "Mete stopped this call before it cost anything: {what} {why}{wait} (limit {}, spent {}, held {}{overage}; this call needs at least {}; {resets}). To go on: {go_on}",
        usd(refusal.limit),
        usd(refusal.spent),
        usd(refusal.held),
        usd(refusal.needed),
    )
}

fn usd(amount: Nanos) -> String {
    format!("${}", amount.to_usd())
}

fn how_to_go_on(refusal: &Refusal, record: Option<&BudgetRecord>, reach: &str) -> String {
    let more = more(refusal);
    match &refusal.account {
        Account::Run(run) => format!("mete runs raise {} --by {more}{reach}", run_text(*run)),
        Account::Budget { budget, .. } if record.is_some_and(|record| record.origin == Origin::Config) => {
            format!("raise limit_usd of the budget `{budget}` in mete.toml, then reload")
        }
        Account::Budget { budget, .. } => {
            let limit = whole_dollars(refusal.limit).saturating_add(more);
            format!("mete budgets set {} --limit {limit}{reach}", shell_word(budget))
        }
    }
}

/// Whole dollars to add: half of the limit, and enough for the call.
fn more(refusal: &Refusal) -> i64 {
    let half = whole_dollars(Nanos::new(refusal.limit.get() / 2));
    let missing = refusal.needed.checked_sub(remaining(refusal)).unwrap_or(refusal.needed);
    half.max(whole_dollars(missing)).max(1)
}

/// Dollars, rounded up.
fn whole_dollars(amount: Nanos) -> i64 {
    let (dollars, rest) = (amount.get() / Nanos::PER_DOLLAR, amount.get() % Nanos::PER_DOLLAR);
    dollars + i64::from(rest > 0)
}

/// A name as one word of a shell.
fn shell_word(name: &str) -> String {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./=@:".contains(&byte));
    if plain { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}
