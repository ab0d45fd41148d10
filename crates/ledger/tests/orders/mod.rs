//! Orders drawn at random, by seeds: `METE_SEED=n` tries those of one seed again, which a failure names.

#![allow(clippy::disallowed_methods, reason = "a proof reads the seed that it is asked for")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::Runner;
use shuttle::scheduler::PctScheduler;

/// Schedules of one seed.
const OF_A_SEED: usize = 50;

/// The seeds to try orders by: one that is asked for, or many.
pub fn seeds(many: u64) -> std::ops::Range<u64> {
    match std::env::var("METE_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..many,
    }
}

/// Tries the orders of one seed; a failure says how to try them again.
pub fn by_seed(lane: &str, name: &str, seed: u64, case: impl Fn() + Send + Sync + 'static) {
    let scheduler = PctScheduler::new_from_seed(seed, 3, OF_A_SEED);
    let tried = catch_unwind(AssertUnwindSafe(|| Runner::new(scheduler, shuttle::Config::default()).run(case)));
    assert!(tried.is_ok(), "{name}: repeat it with cargo xtask prove --lane {lane} --seed {seed}");
}

/// Whether all is to be tried, so also what no seed changes.
pub fn are_all() -> bool {
    std::env::var_os("METE_SEED").is_none()
}
