//! What operators, disks and clocks do while calls are under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ledger::OnExceed;
use money::Nanos;
use simulator::rng::Rng;
use store::{Origin, Resolution, Target};

use crate::plan::{self, Play};
use crate::prices;
use crate::process::{Process, settings};
use crate::sim::{Crash, Sim};
use crate::witness::Standing;

const ACTOR: &str = "chaos";

/// Starts the next process whenever one has ended.
pub async fn supervise(sim: Arc<Sim>) {
    let mut chance = sim.fork();
    loop {
        let process = sim.up.get().unwrap();
        process.died().await;
        tokio::time::sleep(Duration::from_millis(*chance.pick(&[1, 50, 3_000]).unwrap())).await;
        // What the dead process's tasks still hold goes with its books.
        Process::start(&sim);
        sim.seen(if process.is_closed() { "started after a stop" } else { "started after a crash" });
    }
}

/// Plays one operation after the other until everything is healed.
pub async fn disturb(sim: Arc<Sim>) {
    let mut chance = sim.fork();
    let plays: Vec<Play> = [
        Play::FailingDisk,
        Play::Reloads,
        Play::PriceReloads,
        Play::LimitChanges,
        Play::BudgetRemovals,
        Play::KeyRevocations,
        Play::ClockJumps,
        Play::Stops,
        Play::Runs,
        Play::Resolving,
    ]
    .into_iter()
    .filter(|play| sim.plan.has(*play))
    .collect();
    let pace = (sim.plan.span_ms / 12).max(5);
    while !sim.is_healed() {
        tokio::time::sleep(Duration::from_millis(chance.between(1, 2 * pace))).await;
        let (Some(play), Some(process)) = (chance.pick(&plays), sim.up.get()) else { continue };
        if process.is_dead() || sim.is_healed() {
            continue;
        }
        tokio::select! {
            biased;
            () = process.died() => {}
            () = act(&sim, &process, *play, &mut chance) => {}
        }
    }
}

async fn act(sim: &Arc<Sim>, process: &Arc<Process>, play: Play, chance: &mut Rng) {
    sim.note("plays", &format!("{play:?}"));
    match play {
        Play::FailingDisk => fail_disk(process, chance).await,
        Play::Reloads => {
            sim.settings_version.fetch_add(1, Ordering::Relaxed);
            if process.gateway().in_flight() > 0 {
                sim.seen("settings reloaded during a call");
            }
            process.gateway().reload(Arc::new(settings(sim)));
        }
        Play::PriceReloads => {
            let times = 3 - sim.price_times.load(Ordering::Relaxed);
            sim.price_times.store(times, Ordering::Relaxed);
            if process.gateway().in_flight() > 0 {
                sim.seen("prices reloaded during a call");
            }
            process.gateway().set_prices(prices::book(times));
        }
        Play::LimitChanges => change_limit(sim, process, chance).await,
        Play::BudgetRemovals => remove_budget(sim, process, chance).await,
        Play::KeyRevocations => revoke(sim, process, chance).await,
        Play::ClockJumps => jump(sim, chance),
        Play::Stops => process.stop(sim, Duration::from_millis(*chance.pick(&[0, 100, 20_000]).unwrap())).await,
        Play::Runs => raise_run(sim, process, chance).await,
        Play::Resolving => resolve(sim, process, chance).await,
        _ => {}
    }
}

async fn fail_disk(process: &Process, chance: &mut Rng) {
    process.disk_works.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(*chance.pick(&[20, 500, 6_000]).unwrap())).await;
    process.disk_works.store(true, Ordering::Relaxed);
}

async fn change_limit(sim: &Sim, process: &Process, chance: &mut Rng) {
    let Some(mut spec) = chance.pick(&sim.plan.budgets).cloned() else { return };
    let limit = plan::limit(sim.plan.unit, chance);
    spec.limit = Some(Nanos::new(if chance.chance(15) { 0 } else { limit }));
    if chance.chance(10) {
        spec.paused = true;
    }
    if sim.plan.has(Play::Shadows) && chance.chance(20) {
        spec.on_exceed = OnExceed::Shadow;
    }
    // An error is the failing disk's, which the journal shows.
    let _ = process.books().put_budget(spec, Origin::Api, ACTOR).await;
}

async fn remove_budget(sim: &Sim, process: &Process, chance: &mut Rng) {
    let Some(spec) = chance.pick(&sim.plan.budgets) else { return };
    if process.books().remove_budget(&spec.name, ACTOR).await.is_ok() {
        sim.seen("a budget was removed");
        tokio::time::sleep(Duration::from_millis(chance.between(1, 500))).await;
        let _ = process.books().put_budget(spec.clone(), Origin::Api, ACTOR).await;
    }
}

async fn revoke(sim: &Sim, process: &Process, chance: &mut Rng) {
    let keys = &sim.tokens.get().unwrap().keys;
    // One key is left to probe with.
    if let Some((key, _)) = keys[1..].get(usize::try_from(chance.between(0, 7)).unwrap()) {
        let _ = process.books().revoke_key(key, ACTOR).await;
    }
}

fn jump(sim: &Sim, chance: &mut Rng) {
    let hour = 3_600_000_i64;
    let by = *chance.pick(&[-1, 1, -hour, hour, 30 * 24 * hour, -30 * 24 * hour, 87_600 * hour, -87_600 * hour, 61_000]).unwrap();
    sim.time.jump(by);
    sim.seen(if by < 0 { "the clock went back" } else { "the clock went ahead" });
}

async fn raise_run(sim: &Sim, process: &Process, chance: &mut Rng) {
    let Some((run, _)) = chance.pick(&sim.tokens.get().unwrap().runs) else { return };
    let _ = process.books().raise_run(*run, Nanos::new(sim.plan.unit), ACTOR).await;
}

/// Resolves an unresolved hold by what the provider's record says of its call.
async fn resolve(sim: &Sim, process: &Process, chance: &mut Rng) {
    let open: Vec<(String, u64, String, String)> = {
        let witness = sim.witness.lock().unwrap();
        let unknown = witness.holds.values().filter(|hold| matches!(hold.standing, Standing::Unresolved | Standing::Assumed));
        let known = unknown.filter_map(|hold| Some((hold.id.clone(), hold.call?, hold.provider.clone(), hold.price_book.clone())));
        // One attempt of the call at this provider, so that there is no doubt whose record it is.
        known.filter(|(_, call, provider, _)| witness.of_call(*call).filter(|hold| hold.provider == *provider).count() == 1).collect()
    };
    let Some((hold, call, provider, book)) = chance.pick(&open).cloned() else { return };
    let records = sim.providers[usize::from(provider.ends_with("-two"))].books().since(0);
    let mine: Vec<_> = records.iter().filter(|record| record.headers.get("x-client-request-id") == Some(&call.to_string())).collect();
    let [record] = mine.as_slice() else { return };
    if record.status == simulator::provider::books::Status::Received {
        return;
    }
    let Some(bill) = record.bill_nanos.zip(prices::times(&book)).and_then(|(bill, times)| i64::try_from(bill * times).ok()) else { return };
    let id = store::parse_hold(&hold).unwrap();
    if process.books().resolve(Target::Hold(id), Resolution::Cost(Nanos::new(bill)), "the provider's record", ACTOR).await.is_ok() {
        sim.seen("resolved by the provider's record");
    }
}

/// Ends the history's last process before its time, so that the end is after a restart too.
pub fn last_crash(sim: &Sim) {
    if sim.plan.has(Play::Crashes)
        && let Some(process) = sim.up.get()
    {
        process.kill(sim, Crash::Kill);
    }
}
