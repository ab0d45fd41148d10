//! `/metrics` in Prometheus' text format, version 0.0.4. Written by hand: the counters live in the gateway and the store.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use gateway::{BUCKETS_MICROS, HistogramSnapshot};
use jiff::Timestamp;
use ledger::Account;
use money::Nanos;

use super::error::ApiError;
use super::guard::{authenticate, check_page};
use crate::control::Control;

/// The type of the exposition.
const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Accounts of split budgets beyond this many aren't exposed, since their number has no bound.
const ACCOUNTS_MAX: usize = 500;

/// All counters. From this machine without a token, from elsewhere with the admin token.
pub(crate) async fn metrics(State(control): State<Arc<Control>>, request: Request) -> Result<Response, ApiError> {
    check_page(&control, &request)?;
    let is_near = request.extensions().get::<SocketAddr>().is_some_and(|peer| peer.ip().is_loopback());
    if !is_near {
        authenticate(&control, request.headers())?;
    }
    let text = exposition(&control).await?;
    Ok(([(header::CONTENT_TYPE, TYPE)], text).into_response())
}

async fn exposition(control: &Control) -> Result<String, ApiError> {
    let mut text = Exposition::default();
    calls(control, &mut text);
    books(control, &mut text);
    accounts(control, &mut text).await?;
    let (taken, rejected) = control.reloads();
    text.family("mete_reloads_total", "counter", "Reloads of config and prices.");
    text.sample("mete_reloads_total", &[("result", "ok")], taken);
    text.sample("mete_reloads_total", &[("result", "rejected")], rejected);
    text.single("mete_reload_failed", "gauge", "1 while the last reload was rejected.", u64::from(control.reload_error().is_some()));
    text.family("mete_info", "gauge", "Versions in force.");
    let (config, book) = (control.config().version.clone(), control.gateway.prices().version().to_owned());
    text.sample("mete_info", &[("version", env!("CARGO_PKG_VERSION")), ("config", &config), ("price_book", &book)], 1);
    Ok(text.0)
}

fn calls(control: &Control, text: &mut Exposition) {
    let counters = control.gateway.metrics();
    text.family("mete_attempts_total", "counter", "Attempts that ended.");
    for (labels, count) in &counters.calls {
        let status = labels.status.to_string();
        let labels =
            [("dialect", labels.dialect), ("provider", labels.provider.as_str()), ("outcome", labels.outcome), ("status", status.as_str())];
        text.sample("mete_attempts_total", &labels, *count);
    }
    text.family("mete_refusals_total", "counter", "Calls refused by Mete, by code.");
    for (code, count) in &counters.refusals {
        text.sample("mete_refusals_total", &[("code", code)], *count);
    }
    text.family("mete_units_total", "counter", "Units by meter, as providers reported them.");
    for (meter, count) in &counters.tokens {
        text.sample("mete_units_total", &[("meter", meter)], *count);
    }
    text.single("mete_cost_nanodollars_total", "counter", "List value settled since start, in nano-dollars.", counters.cost_nanos);
    text.single("mete_covered_nanodollars_total", "counter", "Of it covered by subscriptions.", counters.covered_nanos);
    text.single("mete_unpriced_total", "counter", "Attempts settled without a known price.", counters.unpriced);
    text.single("mete_unpriced_tokens_total", "counter", "Tokens of them.", counters.unpriced_tokens);
    text.single("mete_unresolved_total", "counter", "Attempts whose outcome is unknown.", counters.unresolved);
    text.single("mete_overages_total", "counter", "Attempts that cost more than their hold.", counters.overages);
    text.single("mete_overage_nanodollars_total", "counter", "Nano-dollars beyond holds.", counters.overage_nanos);
    text.single("mete_settle_failures_total", "counter", "Settlements that could not be written at once.", counters.settle_failures);
    text.single("mete_calls_in_flight", "gauge", "Calls under way.", counters.in_flight);
    text.histogram("mete_hold_seconds", "Time until a hold was granted or refused, waits included.", &counters.hold_wait);
    text.histogram("mete_added_latency_seconds", "Time added before dispatch, without the hold.", &counters.added_latency);
    text.histogram("mete_first_byte_seconds", "Time until the provider's first byte.", &counters.first_byte);
}

fn books(control: &Control, text: &mut Exposition) {
    let stats = control.books.stats();
    text.single(
        "mete_price_book_age_seconds",
        "gauge",
        "Time since the newest facts of the price book were gathered; 0 where it names no date.",
        control.stock().as_of().map_or(0, |as_of| u64::try_from(Timestamp::now().as_second() - as_of.as_second()).unwrap_or(0)),
    );
    text.single("mete_open_holds", "gauge", "Open holds.", stats.open_holds as u64);
    text.single("mete_unresolved_holds", "gauge", "Open holds whose outcome is unknown.", stats.unresolved as u64);
    text.single("mete_held_nanodollars", "gauge", "Sum of open holds.", unsigned(stats.held));
    text.single("mete_waiting_calls", "gauge", "Calls that wait for money.", stats.waiting as u64);
    text.single("mete_writer_queue", "gauge", "Requests that wait for the writer.", stats.queue_depth as u64);
    text.single("mete_commits_total", "counter", "Transactions committed.", stats.batches);
    text.single("mete_committed_requests_total", "counter", "Requests answered by them.", stats.batched);
    text.single(
        "mete_commit_microseconds_total",
        "counter",
        "Time spent in commits.",
        u64::try_from(stats.commit_total.as_micros()).unwrap_or(u64::MAX),
    );
    text.single("mete_ends_pending", "gauge", "Settlements that are retried.", stats.ends_pending as u64);
    text.single(
        "mete_stopped",
        "gauge",
        "1 when nothing is admitted because the ledger can't be written.",
        u64::from(stats.stopped.is_some()),
    );
}

async fn accounts(control: &Control, text: &mut Exposition) -> Result<(), ApiError> {
    let accounts = control.books.accounts().await?;
    for (name, help, of) in [
        ("mete_budget_limit_nanodollars", "Limit of the period.", (|view| view.limit) as fn(&ledger::AccountView) -> Option<Nanos>),
        ("mete_budget_spent_nanodollars", "Spent in the period.", |view| Some(view.spent)),
        ("mete_budget_held_nanodollars", "Held now.", |view| Some(view.held)),
        ("mete_budget_overage_nanodollars", "Actual beyond holds.", |view| Some(view.overage)),
    ] {
        text.family(name, "gauge", help);
        for view in accounts.iter().take(ACCOUNTS_MAX) {
            let (Account::Budget { budget, per, .. }, Some(amount)) = (&view.account, of(view)) else { continue };
            text.sample(name, &[("budget", budget), ("per", &per.join(","))], unsigned(amount));
        }
    }
    Ok(())
}

fn unsigned(amount: Nanos) -> u64 {
    u64::try_from(amount.get()).unwrap_or(0)
}

#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl core::fmt::Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            _ = write!(self.0, "{label}=\"{}\"", escaped(text));
        }
        self.0.push_str(if labels.is_empty() { "" } else { "}" });
        _ = writeln!(self.0, " {value}");
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &HistogramSnapshot) {
        self.family(name, "histogram", help);
        let mut sum = 0;
        for (index, count) in histogram.counts.iter().enumerate() {
            sum += count;
            let bound = BUCKETS_MICROS.get(index).map_or("+Inf".to_owned(), |micros| seconds(*micros));
            self.sample(&format!("{name}_bucket"), &[("le", &bound)], sum);
        }
        self.sample(&format!("{name}_sum"), &[], seconds(histogram.sum_micros));
        self.sample(&format!("{name}_count"), &[], histogram.count());
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// A label's value: backslash, quote and newline escaped, as the format asks.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_buckets_are_written_as_the_format_asks() {
        let mut text = Exposition::default();
        text.sample("m", &[("a", "x\"y\\z\n"), ("b", "")], 1);
        let mut histogram = HistogramSnapshot { sum_micros: 1_500_000, ..HistogramSnapshot::default() };
        histogram.counts[0] = 2;
        histogram.counts[BUCKETS_MICROS.len()] = 1;
        text.histogram("h", "Help.", &histogram);
        assert!(text.0.starts_with("m{a=\"x\\\"y\\\\z\\n\",b=\"\"} 1\n"), "{}", text.0);
        assert!(text.0.contains("h_bucket{le=\"0.000100\"} 2\n"), "{}", text.0);
        assert!(text.0.contains("h_bucket{le=\"+Inf\"} 3\nh_sum 1.500000\nh_count 3\n"), "{}", text.0);
    }
}
