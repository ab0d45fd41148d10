//! What a pair of hold and settlement takes as the books grow: in budgets, and in past calls.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use store::{Books, Survives};
use tempfile::TempDir;

use super::pairs::{Numbers, Round, load, pair, spread};
use super::{Plan, call};
use crate::process::Family;
use crate::section::{Goal, Section};

const IN_FLIGHT: u64 = 64;
/// A cost that grows no more than this much over all sizes is flat.
const GROWTH_MAX: f64 = 1.25;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Budgets,
    Calls,
}

pub fn measure(plan: &Plan) -> anyhow::Result<Section> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut text = String::from(
        "| budgets | past calls | CPU µs a pair | × the smallest | pairs a second | memory MiB |\n|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut goals = Vec::new();
    for axis in [Axis::Budgets, Axis::Calls] {
        let growth = runtime.block_on(grow(plan, axis, &mut text))?;
        goals.extend(growth.map(|(what, growth)| Goal::at_most(&what, GROWTH_MAX, growth, " ×")));
    }
    text.push_str("\nPairs with 64 in flight, `process-crash`, spread over all budgets, one process; sizes are made by the same books.\n");
    Ok(super::section(32, "flat", "Cost by size", text, goals))
}

/// Grows books tenfold and tenfold, and measures at every size. What the last size takes, by the first.
async fn grow(plan: &Plan, axis: Axis, text: &mut String) -> anyhow::Result<Option<(String, f64)>> {
    let (least, most) = match axis {
        Axis::Budgets => (10, plan.budgets_max),
        Axis::Calls => (1_000, plan.calls_max),
    };
    let dir = TempDir::new_in(plan.disk())?;
    let books = call::open(&dir.path().join("data"), Survives::ProcessCrash, true).await?;
    let began = Instant::now();
    let (mut size, mut made, mut costs) = (least, 0, Vec::new());
    while size <= most {
        let users = if axis == Axis::Budgets { size } else { 10 };
        crate::talk(&format!("growing to {size} {}", if axis == Axis::Budgets { "budgets" } else { "calls" }));
        if !fill(&books, made, size, began + Duration::from_secs(plan.grow_seconds), axis).await? {
            crate::talk("growing took too long; stopped");
            break;
        }
        made = size;
        let round = settled_round(&books, costs.len() as u64, users, plan.millis).await?;
        costs.push((size, round.cpu_micros));
        let first = costs.first().map_or(round.cpu_micros, |(_, cost)| *cost);
        let memory = Family::own().resident_bytes()? as f64 / f64::from(1 << 20);
        let (budgets, calls) = if axis == Axis::Budgets { (size + 1, "–".to_owned()) } else { (11, size.to_string()) };
        let ratio = round.cpu_micros / first;
        writeln!(text, "| {budgets} | {calls} | {:.1} | {ratio:.2} | {:.0} | {memory:.0} |", round.cpu_micros, round.rate)?;
        size *= 10;
    }
    books.close().await?;
    let (Some((least, first)), Some((most, last))) = (costs.first(), costs.last()) else { return Ok(None) };
    let what = if axis == Axis::Budgets { "budgets" } else { "past calls" };
    Ok(Some((format!("growth of a call's cost from {least} to {most} {what}"), last / first)))
}

/// Short rounds before the one that counts: caches are as warm at every size.
async fn settled_round(books: &Books, step: u64, users: u64, millis: u64) -> anyhow::Result<Round> {
    let first = |round: u64| Numbers { first: (step * 2 + round) << 40, users };
    load(books, first(1), IN_FLIGHT, Duration::from_millis(300)).await?;
    load(books, first(2), IN_FLIGHT, Duration::from_millis(millis)).await
}

/// Makes what is missing between two sizes; false when the time was over before.
async fn fill(books: &Books, from: u64, to: u64, until: Instant, axis: Axis) -> anyhow::Result<bool> {
    const WORKERS: u64 = 2_048;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..WORKERS.min(to - from) {
        let books = books.clone();
        tasks.spawn(async move {
            let mut number = from + worker;
            while number < to {
                if Instant::now() > until {
                    return anyhow::Ok(false);
                }
                // One after the other, so that every budget comes into being.
                let user = if axis == Axis::Budgets { number } else { spread(number, 10) };
                pair(&books, number, user).await?;
                number += WORKERS.min(to - from);
            }
            Ok(true)
        });
    }
    let mut whole = true;
    while let Some(ended) = tasks.join_next().await {
        whole &= ended??;
    }
    Ok(whole)
}
