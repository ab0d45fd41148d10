//! What a run cost, for a person on stderr and for a program as JSON.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use server::Api;

use super::code_after_budget;
use crate::args::Run;
use crate::commands::ask;
use crate::context::{Context, accepted, quoted};
use crate::output::{self, Kind};

/// How long the last settlements may take after the command's end.
const SETTLE_MAX: Duration = Duration::from_secs(3);

/// How many calls of the run a budget has refused so far.
pub async fn refusals(api: &Api, run: &str) -> anyhow::Result<u64> {
    let document = accepted(api.get(&format!("/runs/{}", ask::encoded(run))).await?)?;
    Ok(document["budget_refusals"].as_u64().unwrap_or(0))
}

/// Prints the receipt, writes it where asked, and gives the run's exit code. `before` is how many refusals the run had
/// before this command, when it goes on in an earlier run.
pub async fn hand_over(context: &Context, api: &Api, run: &str, options: &Run, child: u8, before: u64) -> anyhow::Result<u8> {
    let document = settled(api, run).await?;
    output::talk(&text(&document));
    let refused = document["budget_refusals"].as_u64().unwrap_or(0).saturating_sub(before);
    if refused > 0 {
        let raise = raise(api, run).await?;
        output::talk(&format!("the budget ended. To go on: {}", way_on(context, &raise, run, options)));
    }
    if let Some(file) = &options.receipt {
        std::fs::write(file, format!("{document}\n")).with_context(|| file.display().to_string())?;
    }
    Ok(code_after_budget(child, refused))
}

/// What the last refusal said that lets the work go on: it may be a parent's budget that ended.
async fn raise(api: &Api, run: &str) -> anyhow::Result<String> {
    let calls = accepted(api.get(&format!("/calls?status=refused&limit=1&run={}", ask::encoded(run))).await?)?;
    let said = calls.pointer("/0/refusal/details/how_to_go_on").and_then(Value::as_str).map(str::to_owned);
    Ok(said.unwrap_or_else(|| format!("mete runs raise {run} --by 3")))
}

/// The run's document once nothing is held any more, or as it is after a short while: a call that was cut settles on its own.
async fn settled(api: &Api, run: &str) -> anyhow::Result<Value> {
    let path = format!("/runs/{}", ask::encoded(run));
    let deadline = Instant::now() + SETTLE_MAX;
    loop {
        let document = accepted(api.get(&path).await?)?;
        if document["held_nanos"].as_i64() == Some(0) || Instant::now() > deadline {
            return Ok(document);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn text(run: &Value) -> String {
    let usd = |name: &str| output::cell(run.get(name), Kind::Usd);
    let count = |pointer: &str| output::cell(run.pointer(pointer), Kind::Count);
    let mut lines = vec![
        format!("── mete receipt · run {} ──", output::cell(run.get("run_id"), Kind::Text)),
        format!("calls    {} ({} refused, {} unresolved)", count("/calls"), count("/refused"), count("/unresolved")),
        format!(
            "tokens   {} input, {} cache read, {} cache write, {} output",
            count("/tokens/input"),
            count("/tokens/cache_read"),
            count("/tokens/cache_write"),
            count("/tokens/output")
        ),
        format!("cost     {}   held {}", usd("spent_usd"), usd("held_usd")),
    ];
    if run["unpriced"].as_u64().is_some_and(|unpriced| unpriced > 0) {
        lines.push(format!("unpriced {} calls without a known rate, in no amount here; `mete calls list` shows them", count("/unpriced")));
    }
    if run["list_value_nanos"].as_i64() != run["cost_nanos"].as_i64() && run["list_value_usd"].is_string() {
        lines.push(format!("value    {} at list price; the part that a subscription covers is billed $0", usd("list_value_usd")));
    }
    if run["overage_nanos"].as_i64().is_some_and(|overage| overage > 0) {
        lines.push(format!("overage  {} beyond what was held", usd("overage_usd")));
    }
    if let Some(limit) = run["limit_nanos"].as_i64() {
        let used = run["spent_nanos"].as_i64().unwrap_or(0).saturating_add(run["held_nanos"].as_i64().unwrap_or(0));
        lines.push(format!(
            "budget   {} {} of {}, {} left",
            output::bar(used, limit, 24),
            usd("spent_usd"),
            usd("limit_usd"),
            usd("remaining_usd")
        ));
    }
    for call in run["dearest"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let cost = output::cell(call.get("cost_usd"), Kind::Usd);
        lines.push(format!(
            "dearest  {cost}  {}  {}",
            output::cell(call.get("model"), Kind::Text),
            output::cell(call.get("call_id"), Kind::Text)
        ));
    }
    lines.join("\n")
}

/// The exact commands that let the same session go on.
fn way_on(context: &Context, raise: &str, run: &str, options: &Run) -> String {
    let reach = context.to_reach();
    let raise = if raise.starts_with("mete ") && !raise.contains(&reach) { format!("{raise}{reach}") } else { raise.to_owned() };
    let words: Vec<String> = options.command.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    let program = words.first().map(String::as_str).unwrap_or_default();
    let has = |word: &str| words.iter().any(|found| found == word);
    let resume = match program.rsplit('/').next() {
        Some("claude") if has("-p") || has("--print") => format!("{program} --continue -p \"Go on.\""),
        Some("claude") => format!("{program} --continue"),
        Some("codex") if has("exec") => format!("{program} exec resume --last \"Go on.\""),
        Some("codex") => format!("{program} resume --last"),
        _ => words.join(" "),
    };
    format!("{raise} && mete run{reach} --run {run} -- {resume}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_receipt_shows_what_a_person_asks_for() {
        let document = json!({"run_id": "R", "calls": 3, "refused": 1, "unresolved": 0,
            "tokens": {"input": 12_345, "cache_read": 0, "cache_write": 0, "output": 678},
            "cost_nanos": 1_250_000_000, "spent_nanos": 1_250_000_000, "spent_usd": "1.25", "held_nanos": 0, "held_usd": "0.00",
            "limit_nanos": 5_000_000_000_i64, "limit_usd": "5.00", "remaining_usd": "3.75", "list_value_nanos": 1_250_000_000,
            "dearest": [{"call_id": "C", "model": "m", "cost_usd": "1.00"}]});
        assert_eq!(
            text(&document),
            "── mete receipt · run R ──\n\
             calls    3 (1 refused, 0 unresolved)\n\
             tokens   12,345 input, 0 cache read, 0 cache write, 678 output\n\
             cost     $1.25   held $0.00\n\
             budget   ██████░░░░░░░░░░░░░░░░░░ $1.25 of $5.00, $3.75 left\n\
             dearest  $1.00  m  C"
        );
    }
}
