//! A lane of proof: kept failures first, then fresh histories, each from a seed of its own.
//!
//! `METE_PROOF` says how many (unset: a taste, `short`, `long`); `METE_SEED=n` runs just that one. A history that fails is made
//! as short as it can be and kept as a file, which every run replays first.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a proof reads its kept failures and tells what it counted")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::ops::{Day, day};
use super::sights;

/// What histories met, by name; added up over all of them.
#[derive(Clone, Debug, Default)]
pub struct Met {
    pub counts: BTreeMap<&'static str, u64>,
    pub sometimes: BTreeMap<&'static str, u64>,
}

impl Met {
    pub fn count(&mut self, what: &'static str, by: usize) {
        *self.counts.entry(what).or_default() += by as u64;
    }

    pub fn notice(&mut self, what: &'static str) {
        *self.sometimes.entry(what).or_default() += 1;
    }

    fn add(&mut self, other: Self) {
        other.counts.into_iter().for_each(|(what, times)| *self.counts.entry(what).or_default() += times);
        other.sometimes.into_iter().for_each(|(what, times)| *self.sometimes.entry(what).or_default() += times);
    }
}

/// One lane.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    pub name: &'static str,
    pub title: &'static str,
    /// Where failures are kept.
    pub kept: &'static str,
    /// Histories when nothing is asked for, in the short lane, and in the long one.
    pub histories: [u64; 3],
    /// What must have happened in the short and in the long lane, beside what every lane must meet.
    pub must_happen: &'static [&'static str],
}

impl Lane {
    /// Runs `test` on days of so many operations.
    pub fn prove(&self, operations: usize, test: impl Fn(&Day) -> Result<Met, String>) {
        let asked = std::env::var("METE_PROOF").unwrap_or_default();
        let size = ["", "short", "long"].iter().position(|size| *size == asked).expect("METE_PROOF is unset, short or long");
        let mut met = Met::default();
        for file in self.files() {
            let text = std::fs::read_to_string(&file).expect("a kept failure can be read");
            let day = serde_json::from_str(&text).expect("a kept failure is a day");
            met.add(tried(&test, &day).unwrap_or_else(|why| panic!("{} fails again\n{why}", file.display())));
            met.count("kept failures replayed", 1);
        }
        let one: Option<u64> = std::env::var("METE_SEED").ok().map(|seed| seed.parse().expect("METE_SEED is a number"));
        let first = one.unwrap_or_else(fresh_seed);
        let histories = one.map_or(self.histories[size], |_| 1);
        for seed in (0..histories).map(|index| first.wrapping_add(index)) {
            let day = drawn(seed, operations);
            met.add(tried(&test, &day).unwrap_or_else(|_| self.fail(seed, &test, day)));
            met.count("histories", 1);
        }
        let Met { counts, sometimes } = &met;
        let line = serde_json::json!({ "lane": self.name, "title": self.title, "counts": counts, "violations": 0, "figures": {}, "sometimes": sometimes });
        println!("proof {line}");
        if size > 0 && one.is_none() {
            let missed: Vec<_> =
                sights::MUST_HAPPEN.iter().chain(self.must_happen).filter(|what| !sometimes.contains_key(**what)).collect();
            assert!(missed.is_empty(), "never happened in {histories} histories from seed {first}: {missed:?}");
        }
    }

    /// Keeps the failure, as short as it can be made.
    fn fail(&self, seed: u64, test: &impl Fn(&Day) -> Result<Met, String>, day: Day) -> ! {
        let day = shortened(day, |day| tried(test, day).is_err());
        let why = tried(test, &day).err().unwrap_or_else(|| "it fails only now and then".to_owned());
        let file = self.folder().join(format!("{}-{seed}.json", self.name));
        std::fs::create_dir_all(self.folder()).expect("a folder for failures");
        std::fs::write(&file, serde_json::to_string_pretty(&day).expect("a day can be written")).expect("a failure can be kept");
        let ops: Vec<String> = day.ops.iter().map(|op| format!("  {op:?}")).collect();
        panic!(
            "{} {}\n{}\n{why}\nkept as {}\nrepeat it with: cargo xtask prove --lane {} --seed {seed}",
            day.begins,
            day.zone,
            ops.join("\n"),
            file.display(),
            self.name
        );
    }

    fn folder(&self) -> PathBuf {
        Path::new(self.kept).join("tests/regressions")
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder()).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
        let of_lane = |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{}-", self.name)));
        let mut files: Vec<PathBuf> = entries.filter(of_lane).collect();
        files.sort();
        files
    }
}

/// The day of a seed.
fn drawn(seed: u64, operations: usize) -> Day {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    day(operations).new_tree(&mut runner).expect("a day can be drawn").current()
}

/// A panic is a failure like any other.
fn tried(test: &impl Fn(&Day) -> Result<Met, String>, day: &Day) -> Result<Met, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(day))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(text.unwrap_or_else(|| "it panicked".to_owned()))
    })
}

/// Leaves out operations, many at a time and then fewer, as long as the rest still fails.
fn shortened(mut day: Day, fails: impl Fn(&Day) -> bool) -> Day {
    let mut length = day.ops.len();
    while length > 0 {
        let mut from = 0;
        while from < day.ops.len() {
            let mut shorter = day.clone();
            shorter.ops.drain(from..(from + length).min(day.ops.len()));
            if fails(&shorter) { day = shorter } else { from += length }
        }
        length /= 2;
    }
    day
}

#[allow(clippy::disallowed_types, reason = "new seeds each run; they are printed")]
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Short enough to be typed.
    RandomState::new().hash_one(0_u8) >> 24
}
