//! Every input that was kept, and damage to it by chance. `METE_SEED=N` repeats one input that failed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fuzz::{Chance, TARGETS, Target};

/// Inputs by chance in plain `cargo test`; the short lane goes by time.
const TASTE: u64 = 400;
const SHORT: Duration = Duration::from_secs(6);
const LONG: Duration = Duration::from_secs(30);

fn folder(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target)
}

fn inputs(kind: &str, target: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder(kind, target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn lane() -> Option<Duration> {
    match std::env::var("METE_PROOF").as_deref() {
        Ok("short") => Some(SHORT),
        Ok("long") => Some(LONG),
        _ => None,
    }
}

/// Runs inputs made from seeds that follow `first`, and tells the seed of one that fails.
fn by_chance(target: Target, kept: &[Vec<u8>], first: u64) -> u64 {
    let until = lane().map(|length| Instant::now() + length);
    let mut seed = first;
    while until.map_or(seed - first < TASTE, |until| Instant::now() < until) {
        let input = Chance(seed).damaged(kept, target.words);
        run(target, &input, &format!("cargo xtask prove --lane fuzz-{} --seed {seed}", target.name));
        seed += 1;
    }
    seed - first
}

fn run(target: Target, input: &[u8], again: &str) {
    if let Err(panic) = std::panic::catch_unwind(|| (target.run)(input)) {
        eprintln!("target {}: {:?}\nrepeat it by: {again}", target.name, String::from_utf8_lossy(&input[..input.len().min(2_000)]));
        std::panic::resume_unwind(panic);
    }
}

fn replay(name: &str) {
    let target = fuzz::target(name).unwrap();
    let kept: Vec<Vec<u8>> = inputs("corpus", name).into_iter().chain(inputs("regressions", name)).collect();
    assert!(!kept.is_empty(), "{name} has no corpus");
    if let Ok(seed) = std::env::var("METE_SEED") {
        return run(target, &Chance(seed.parse().unwrap()).damaged(&kept, target.words), "the same command");
    }
    for (number, input) in kept.iter().enumerate() {
        run(target, input, &format!("input {number} of fuzz/corpus/{name} and fuzz/regressions/{name}"));
    }
    let first = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
    println!("{name}: seeds from {first}");
    let drawn = by_chance(target, &kept, first);
    let counts = BTreeMap::from([("kept inputs", kept.len() as u64), ("damaged inputs", drawn)]);
    println!(
        "proof {}",
        serde_json::json!({"lane": format!("fuzz-{name}"), "title": format!("any bytes: {name}"), "counts": counts, "violations": 0})
    );
}

macro_rules! targets {
    ($($name:ident),+) => {
        $(#[test] fn $name() { replay(stringify!($name)); })+
        #[test]
        fn every_target_is_tested() {
            assert_eq!([$(stringify!($name)),+].as_slice(), TARGETS.map(|target| target.name).as_slice());
        }
    };
}

targets!(stream, request, form, answer, route, headers, config, price_file, price_source, catalogue, import);
