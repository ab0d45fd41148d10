//! The power goes at any instant: every write since a file's last sync may be there, be gone, or be torn at 512 bytes, and names
//! of files that came or went may be back as they were.
//!
//! A child does one phase of the store's life under strace: each system call on the data directory and each word of the child is
//! recorded, whatever files the store keeps there. Then the disk is put together as it may look after each of these events, and
//! the books are opened on it. What was answered must be there, it must add up, and it must serve.
//!
//! `METE_PROOF=short` looks at a sample of the images, `long` at all and at several random ones for each event. `METE_SEED=N`
//! repeats the dice.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a proof says what it did")]
#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

#[path = "../child/mod.rs"]
mod child;
mod damage;
mod disk;
mod image;
mod phases;
#[path = "../support/mod.rs"]
mod support;
mod trace;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use disk::{Dice, Keeps, Part, Step};
use image::{Found, Told, check};
use phases::{PHASES, Phase};
use support::*;

/// Kinds of cuts after one event. A write changes nothing that is sure, so only a random rest is new after it.
const CUTS: [Keeps; 5] = [
    Keeps { names: Part::Some, contents: Part::Some },
    Keeps { names: Part::Nothing, contents: Part::Nothing },
    Keeps { names: Part::Everything, contents: Part::Everything },
    Keeps { names: Part::Everything, contents: Part::Nothing },
    Keeps { names: Part::Nothing, contents: Part::Everything },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Taste,
    Short,
    Long,
}

fn depth() -> Depth {
    match std::env::var("METE_PROOF").as_deref() {
        Ok("short") => Depth::Short,
        Ok("long") => Depth::Long,
        _ => Depth::Taste,
    }
}

/// One image to look at: what the disk looks like, and what was promised when the power went.
struct Cut {
    dir: TempDir,
    told: Told,
    what: String,
}

/// Sums over all images.
#[derive(Default)]
struct Sums {
    images: u64,
    found: Found,
    wrong: Vec<String>,
}

fn cut(phase: &Phase, seed: u64, depth: Depth) -> Sums {
    let stage = phase.record();
    let mut disk = stage.disk;
    let mut told = stage.told;
    let mut dice = Dice(seed);
    let wanted = match depth {
        Depth::Taste => 25,
        Depth::Short => 60,
        Depth::Long => u64::MAX,
    };
    let repeats = if depth == Depth::Long { 4 } else { 1 };
    let events = stage.calls.len() as u64;
    let (sums, (sender, receiver)) = (Mutex::new(Sums::default()), sync_channel::<Cut>(4));
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Ok(cut) = { receiver.lock().unwrap().recv() } {
                    look(phase, cut, &sums);
                }
            });
        }
        let steps: Vec<_> = stage.calls.iter().map(|call| (call, is_step(call))).collect();
        let all = steps.iter().filter(|(_, is_step)| *is_step).count() as u64 * 2;
        for (number, (call, _)) in steps.iter().enumerate() {
            let step = disk.take(call);
            let cuts: &[Keeps] = match &step {
                Step::Nothing => continue,
                Step::Write => &CUTS[..1],
                Step::Said(word) => {
                    told.hear(word);
                    &CUTS
                }
                Step::Name | Step::Sync => &CUTS,
            };
            let random = std::iter::repeat_n(&CUTS[0], repeats - 1);
            for keeps in cuts.iter().chain(random) {
                // Names and syncs are few and matter most.
                let is_rare = step != Step::Write && *keeps != CUTS[0];
                if dice.roll() % all.max(1) >= if is_rare { wanted.saturating_mul(2) } else { wanted } {
                    continue;
                }
                let dir = TempDir::in_memory();
                disk.lay_out(*keeps, &mut dice, dir.path());
                let what = format!("{}: after event {number} of {events} ({step:?}), keeping {keeps:?}", phase.name);
                sender.send(Cut { dir, told: told.clone(), what }).unwrap();
            }
        }
        drop(sender);
    });
    sums.into_inner().unwrap()
}

fn is_step(call: &trace::Call) -> bool {
    !matches!(call.name.as_str(), "read" | "lseek" | "mmap" | "openat")
}

fn look(phase: &Phase, cut: Cut, sums: &Mutex<Sums>) {
    let checked = std::panic::catch_unwind(|| check(phase, cut.dir.path(), &cut.told));
    let mut sums = sums.lock().unwrap();
    sums.images += 1;
    match checked {
        Ok((found, wrong)) => {
            sums.found.add(found);
            sums.wrong.extend(wrong.into_iter().map(|wrong| format!("{}: {wrong}", cut.what)));
        }
        Err(_) => sums.wrong.push(format!("{}: the check panicked", cut.what)),
    }
}

#[test]
fn a_power_cut_at_any_instant_loses_no_answered_hold_and_makes_no_call_cheaper() {
    let depth = depth();
    let seed = std::env::var("METE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| (random() >> 64) as u64 >> 16);
    eprintln!("power-cut: seed {seed}; repeat with METE_SEED={seed}");
    let (mut counts, mut sometimes, mut wrong) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for phase in PHASES.iter().filter(|phase| depth != Depth::Taste || phase.in_taste) {
        let sums = cut(phase, seed, depth);
        assert!(sums.images > 0, "{}: no image", phase.name);
        eprintln!("{}: {} images, {} wrong", phase.name, sums.images, sums.wrong.len());
        let mut add = |what: &str, more: u64| *counts.entry(what.to_owned()).or_insert(0) += more;
        add("images opened", sums.images);
        add("holds looked for", sums.found.holds);
        add("settlements looked for", sums.found.settled);
        add("images that also served a call", sums.found.served);
        let mut seen = |what: &str, times: u64| *sometimes.entry(what.to_owned()).or_insert(0) += times;
        seen(&format!("cut: {}", phase.name), sums.images);
        seen("a settlement of the last milliseconds was unresolved", sums.found.unresolved);
        seen("with process-crash a power cut lost an answered hold", sums.found.lost_as_said);
        wrong.extend(sums.wrong);
    }
    let line = serde_json::json!({"lane": "power-cut", "title": "power cuts, as disks put together", "counts": counts,
        "violations": wrong.len(), "figures": {}, "sometimes": sometimes});
    println!("proof {line}");
    let repeat = format!("cargo xtask prove --lane power-cut --seed {seed}");
    assert!(wrong.is_empty(), "{} of the images are wrong; {repeat}\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    let never: Vec<_> = sometimes.iter().filter(|(_, times)| **times == 0).collect();
    assert!(depth == Depth::Taste || never.is_empty(), "never seen: {never:?}; {repeat}");
}

/// Where a directory's files are, below the root that a phase plays in.
pub fn data(root: &Path) -> std::path::PathBuf {
    root.join("data")
}
