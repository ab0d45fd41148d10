//! `mete demo`: a working system without keys, and what it shows: a runaway agent that is stopped, and the same burst
//! through a check-then-charge gateway and through Mete, each billed by the provider's own biller.

mod burst;
mod scene;
mod show;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::Demo;
use crate::context::{Context, accepted};
use crate::exit;
use crate::output;
use scene::Scene;
use server::Api;
use simulator::judge;

/// Plays the demo; serves on afterwards unless `--exit` is given.
pub async fn demo(context: &Context, options: &Demo) -> anyhow::Result<u8> {
    let scene = Scene::start(context, options).await?;
    scene.say_where();
    let played = show::play(&scene, options).await?;
    let burst = burst::compare(&scene).await?;
    output::talk(&burst.table());
    let summary = summary(&scene, &played, &burst).await?;
    if options.exit {
        output::data(&summary.to_string());
        scene.end().await;
        let is_clean = ["overspend_nanos", "false_refusals"].iter().all(|name| summary[*name] == json!(0));
        return Ok(if is_clean { exit::OK } else { exit::FAILED });
    }
    output::talk(&format!("in all: {summary}"));
    scene.say_where();
    output::talk("it serves on until you press Ctrl-C");
    scene.serve_on().await?;
    Ok(exit::OK)
}

/// All lines of the journal.
async fn journal(api: &Api) -> anyhow::Result<Vec<Value>> {
    let mut lines = Vec::new();
    loop {
        let after = lines.last().and_then(|line: &Value| line["seq"].as_u64()).unwrap_or(0);
        let page = accepted(api.get(&format!("/journal?after={after}&limit=5000")).await?)?;
        let page = page.as_array().cloned().unwrap_or_default();
        if page.is_empty() {
            return Ok(lines);
        }
        lines.extend(page);
    }
}

/// Every call's record. A refusal's record doesn't wait for the disk, so the last ones may come a moment later than the answer.
async fn all_calls(scene: &Scene, expected: u64) -> anyhow::Result<Vec<Value>> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let calls = accepted(scene.api.get("/calls?limit=10000").await?)?;
        let calls = calls.as_array().cloned().unwrap_or_default();
        if u64::try_from(calls.len()).is_ok_and(|count| count >= expected) || Instant::now() > deadline {
            return Ok(calls);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The numbers of the whole demo. `overspend_nanos` is the provider's own bill beyond a limit; refusals are judged by the
/// reference ledger, which is told the journal.
async fn summary(scene: &Scene, played: &show::Played, burst: &burst::Compared) -> anyhow::Result<Value> {
    let calls = all_calls(scene, played.ended() + burst.calls()).await?;
    let count = |status: &str| calls.iter().filter(|call| call["status"] == status).count();
    let journal = journal(&scene.api).await?;
    let mut true_costs = played.refused_true_costs.clone();
    true_costs.insert("burst".to_owned(), burst.refused_true_costs().collect());
    let verdict = judge::judge(&journal, &calls, true_costs)?;
    let budgets = accepted(scene.api.get("/budgets").await?)?;
    let company = budgets.as_array().into_iter().flatten().find(|budget| budget["name"] == scene::COMPANY).cloned().unwrap_or_default();
    let overspend = scene.overspend_nanos(&budgets);
    Ok(json!({
        "calls": calls.len(),
        "settled": count("settled"),
        "refused": count("refused"),
        "spent_nanos": company["spent_nanos"],
        "spent_usd": company["spent_usd"],
        "limit_nanos": company["limit_nanos"],
        "limit_usd": company["limit_usd"],
        "overspend_nanos": overspend,
        "false_refusals": verdict.false_refusals,
        "early_refusals": verdict.early_refusals,
        "unresolved": count("unresolved") + count("held"),
    }))
}
