//! Durable pairs of hold and settlement a second, beside one hot row of PostgreSQL.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use store::{Books, HoldAnswer, Survives};
use tempfile::TempDir;

use super::postgres::{Postgres, Settles};
use super::sync::Sync;
use super::{Plan, call};
use crate::median::median;
use crate::process::own_cpu;
use crate::section::{Goal, Section};

/// What a round gave.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Pairs a second.
    pub rate: f64,
    /// Processor time a pair, in microseconds: making the requests included.
    pub cpu_micros: f64,
}

/// Goals: pairs a second by pairs in flight, with fsync.
const GOALS: [(u64, f64); 2] = [(64, 5_000.0), (1_024, 20_000.0)];
const MODES: [(Survives, &str); 2] = [(Survives::PowerLoss, "power-loss"), (Survives::ProcessCrash, "process-crash")];

pub fn measure(plan: &Plan) -> anyhow::Result<Section> {
    let sync = Sync::measure(&plan.disk(), 300)?;
    let postgres = if plan.without_postgres { None } else { Some(Postgres::start(&plan.disk())?) };
    let mut text = format!(
        "One fsync (4 KiB) took {:.2} ms in this run, 99 of 100 less than {:.2} ms.\n\n| in flight | what | pairs a second | CPU µs a pair | × PostgreSQL's hot row |\n|---:|---|---:|---:|---:|\n",
        sync.p50 / 1e3,
        sync.p99 / 1e3
    );
    let mut goals = Vec::new();
    for in_flight in plan.in_flight.iter().copied() {
        let (mut own, mut theirs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for round in 0..plan.rounds {
            crate::talk(&format!("pairs, {in_flight} in flight, round {} of {}", round + 1, plan.rounds));
            for ((survives, _), rounds) in MODES.iter().zip(&mut own) {
                rounds.push(one_round(&plan.disk(), *survives, in_flight, Duration::from_millis(plan.millis))?);
            }
            for (settles, rates) in [Settles::Durable, Settles::Lazily].into_iter().zip(&mut theirs) {
                if let Some(postgres) = &postgres {
                    rates.push(postgres.pairs_a_second(in_flight, settles, plan.millis)?);
                }
            }
        }
        let [durable, lazily] = theirs.map(median);
        let row = durable.max(lazily);
        for ((survives, name), rounds) in MODES.iter().zip(&own) {
            let rate = median(rounds.iter().map(|round| round.rate).collect());
            let cpu = median(rounds.iter().map(|round| round.cpu_micros).collect());
            writeln!(text, "| {in_flight} | Mete, `{name}` | {rate:.0} | {cpu:.1} | {} |", ratio(rate, row))?;
            let goal = GOALS.iter().find(|(of, _)| *of == in_flight && *survives == Survives::PowerLoss);
            goals
                .extend(goal.map(|(_, least)| Goal::at_least(&format!("durable pairs a second, {in_flight} in flight"), *least, rate, "")));
        }
        for (name, rate) in [("both fsynced", durable), ("the settlement not waited for", lazily)] {
            if rate.is_finite() {
                writeln!(text, "| {in_flight} | PostgreSQL, {name} | {rate:.0} | – | {} |", ratio(rate, row))?;
            }
        }
    }
    text.push_str(super::postgres::HOW);
    Ok(super::section(30, "pairs", "Holds and settlements a second", text, goals))
}

fn ratio(rate: f64, row: f64) -> String {
    if row.is_finite() { format!("{:.1}", rate / row) } else { "–".to_owned() }
}

/// A fresh data directory each time, so that every round measures the same.
fn one_round(disk: &Path, survives: Survives, in_flight: u64, time: Duration) -> anyhow::Result<Round> {
    let dir = TempDir::new_in(disk)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let books = call::open(&dir.path().join("data"), survives, false).await?;
        load(&books, Numbers { first: 0, users: 10 }, in_flight, Duration::from_millis(200)).await?;
        let round = load(&books, Numbers { first: 1 << 40, users: 10 }, in_flight, time).await?;
        books.close().await?;
        Ok(round)
    })
}

/// Which calls: ids from `first`, spread over `users`.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    pub first: u64,
    pub users: u64,
}

/// Keeps so many pairs in flight for a time.
pub async fn load(books: &Books, numbers: Numbers, in_flight: u64, time: Duration) -> anyhow::Result<Round> {
    let (began, cpu) = (Instant::now(), own_cpu()?);
    let callers: Vec<_> =
        (0..in_flight).map(|caller| tokio::spawn(pairs_until(books.clone(), numbers, caller, in_flight, began + time))).collect();
    let mut pairs = 0;
    for caller in callers {
        pairs += caller.await??;
    }
    let cpu = own_cpu()?.saturating_sub(cpu);
    Ok(Round { rate: pairs as f64 / began.elapsed().as_secs_f64(), cpu_micros: cpu.as_secs_f64() * 1e6 / (pairs.max(1) as f64) })
}

async fn pairs_until(books: Books, numbers: Numbers, caller: u64, step: u64, until: Instant) -> anyhow::Result<u64> {
    let (mut pairs, mut number) = (0, numbers.first + caller);
    while Instant::now() < until {
        pair(&books, number, spread(number, numbers.users)).await?;
        number += step;
        pairs += 1;
    }
    Ok(pairs)
}

/// Holds and settles one call.
pub async fn pair(books: &Books, number: u64, user: u64) -> anyhow::Result<()> {
    let HoldAnswer::Granted(grant) = books.hold(call::request(u128::from(number), user)).await? else { bail!("a hold was refused") };
    books.finish(call::end(grant.hold)).await?;
    Ok(())
}

/// Whose call this is: spread over all users without going through them in order.
pub fn spread(number: u64, users: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % users.max(1)
}
