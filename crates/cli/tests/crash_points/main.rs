//! The whole gateway, killed at every system call of a scripted session, and with a disk that errs at every call.
//!
//! Each round starts `mete serve` under strace, which kills it (or makes a call fail) at the N-th system call of a kind, while a
//! session of twelve calls runs against a provider that keeps its own receipts. Then the gateway starts again as it is, and the
//! provider's receipts, what clients were told and the ledger are compared.
//!
//! Bugs that were planted and seen: an answer before the commit (a receipt without a record, disk-errors 60020), open holds not marked
//! at start (`held` after a restart, kill 20), a settlement without its hold's line (kill 100020), a failed sync taken for
//! retryable (disk-errors 6 and 8), and exit status 0 after a failed sync, which was no plant. The store's own lanes see these
//! and a commit that doesn't sync, and a directory whose name isn't synced when it is made (power-cut).
//!
//! `METE_PROOF=short` plays every seventh N from a random phase, `long` every N, nothing a handful. `METE_SEED=N` repeats one case.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a proof says what it did")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod check;
mod round;
mod script;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use check::{Tally, check};
use round::{Deed, Kind, Stand};
use serde_json::json;

/// Cases are told apart by `kind * PER_KIND + when`.
const PER_KIND: u64 = 10_000;
/// Rounds at the same time.
const WORKERS: usize = 2;

const fn kill(calls: &'static str) -> Kind {
    Kind { calls, deed: Deed::Kill, survives: "power-loss", is_new: false }
}

const fn err(calls: &'static str, deed: Deed) -> Kind {
    Kind { calls, deed, survives: "power-loss", is_new: false }
}

/// Add at the end: a case's number must go on meaning the same.
const KILLS: [Kind; 24] = [
    kill("pwrite64"),
    kill("fsync"),
    kill("fdatasync"),
    kill("write"),
    kill("writev"),
    kill("rename,renameat,renameat2"),
    kill("unlink,unlinkat"),
    kill("ftruncate,fallocate"),
    kill("connect"),
    kill("sendto,sendmsg"),
    kill("recvfrom,recvmsg"),
    kill("openat"),
    kill("accept4"),
    kill("close"),
    kill("fcntl,flock"),
    kill("pread64"),
    kill("epoll_wait"),
    kill("mmap,munmap"),
    kill("shutdown,socket"),
    Kind { survives: "process-crash", ..kill("pwrite64") },
    Kind { survives: "process-crash", ..kill("sendto,sendmsg") },
    Kind { is_new: true, ..kill("pwrite64,fsync,fdatasync,ftruncate") },
    Kind { is_new: true, ..kill("openat,mkdir,rename,unlink,write") },
    kill("pwritev,pwritev2,preadv,io_uring_enter,msync,sync_file_range,copy_file_range"),
];

const ERRORS: [Kind; 20] = [
    err("fsync,fdatasync", Deed::Once("EIO")),
    err("fsync,fdatasync", Deed::Forever("EIO")),
    err("pwrite64,pwritev", Deed::Once("EIO")),
    err("pwrite64,pwritev", Deed::Once("ENOSPC")),
    err("pwrite64,pwritev", Deed::For("ENOSPC", 25)),
    err("pwrite64,pwritev", Deed::For("EIO", 25)),
    err("pwrite64,pwritev", Deed::Forever("ENOSPC")),
    err("ftruncate,fallocate", Deed::Once("EIO")),
    err("ftruncate,fallocate", Deed::Once("ENOSPC")),
    err("unlink,unlinkat", Deed::Once("EIO")),
    err("rename,renameat,renameat2", Deed::Once("EIO")),
    err("pread64", Deed::Once("EIO")),
    err("pread64", Deed::For("EIO", 10)),
    err("openat", Deed::Once("EIO")),
    err("openat", Deed::Once("ENOSPC")),
    err("openat", Deed::Once("EMFILE")),
    err("fcntl,flock", Deed::Once("EIO")),
    Kind { is_new: true, ..err("pwrite64,fsync,fdatasync,ftruncate,mkdir,openat", Deed::Once("EIO")) },
    Kind { is_new: true, ..err("pwrite64,fsync,fdatasync,ftruncate,mkdir,openat", Deed::Once("ENOSPC")) },
    Kind { survives: "process-crash", ..err("pwrite64,pwritev", Deed::For("ENOSPC", 25)) },
];

struct Lane {
    name: &'static str,
    title: &'static str,
    kinds: &'static [Kind],
    /// What must have been seen in the short and the long lane.
    sometimes: &'static [&'static str],
    /// Kinds that take too long for the short lane.
    long_only: &'static [usize],
    /// Steps of N in the short lane.
    step: u32,
    regressions: &'static str,
}

/// Which N of which kinds are played.
struct Plan {
    cases: Vec<(usize, u32, u32)>,
    repeat: bool,
}

impl Plan {
    fn of(lane: &Lane) -> Self {
        if let Some(seed) = number("METE_SEED") {
            let (kind, when) = (usize::try_from(seed / PER_KIND).unwrap(), u32::try_from(seed % PER_KIND).unwrap());
            return Self { cases: vec![(kind, when, 0)], repeat: true };
        }
        let phase = number("METE_PHASE").unwrap_or_else(|| u64::from(std::process::id()));
        let (step, kinds): (u32, Vec<usize>) = match std::env::var("METE_PROOF").as_deref() {
            Ok("long") => (1, (0..lane.kinds.len()).collect()),
            // A round in which SQLite loses a lock takes as long as the writer's patience with locks.
            Ok("short") => (lane.step, (0..lane.kinds.len()).filter(|kind| !lane.long_only.contains(kind)).collect()),
            // A taste: a few kinds, few N.
            _ => (97, vec![0, 3, 9].into_iter().filter(|kind| *kind < lane.kinds.len()).collect()),
        };
        eprintln!("{}: every {step}. call, phase {phase}; repeat with METE_PHASE={phase}", lane.name);
        let first = |kind: usize| 1 + u32::try_from((phase + kind as u64) % u64::from(step)).unwrap();
        let known = lane.regressions.lines().filter_map(|line| line.split('#').next()?.trim().parse::<u64>().ok());
        let known = known.map(|seed| (usize::try_from(seed / PER_KIND).unwrap(), u32::try_from(seed % PER_KIND).unwrap(), 0));
        Self { cases: known.chain(kinds.into_iter().map(|kind| (kind, first(kind), step))).collect(), repeat: false }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays a lane and prints its line.
fn prove(lane: &Lane) {
    let allowed = std::process::Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).status();
    assert!(
        allowed.is_ok_and(|status| status.success()),
        "this proof needs strace, and leave to trace a child: install the package strace"
    );
    let plan = Plan::of(lane);
    let (next, base, all) = (AtomicUsize::new(0), AtomicU64::new(2000), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(plan.cases.len()) {
            scope.spawn(|| {
                let stand = Stand::new();
                let mut tally = Tally::default();
                while let Some((kind, first, step)) = plan.cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    play_kind(lane, &stand, *kind, *first, *step, &base, &mut tally);
                }
                check_late(&stand, &mut tally);
                all.lock().unwrap().add(tally);
            });
        }
    });
    report(lane, &plan, all.into_inner().unwrap());
}

/// Plays one kind from N = `first` until the session comes to its end.
fn play_kind(lane: &Lane, stand: &Stand, kind: usize, first: u32, step: u32, base: &AtomicU64, tally: &mut Tally) {
    let mut when = first;
    loop {
        let names = base.fetch_add(20, Ordering::Relaxed);
        let mut one = Tally::default();
        let played = stand.play(&lane.kinds[kind], when, names);
        check(stand, &lane.kinds[kind], &played, names, &mut one);
        one.count("rounds", 1);
        one.count("faults injected", usize::from(played.is_hit));
        one.seen("the start itself was hit", played.is_hit && !played.served);
        one.seen("the process ended by itself", played.ended_alone && played.hit_while_serving);
        one.seen("an error went away and calls were served again", played.healed);
        let seed = kind as u64 * PER_KIND + u64::from(when);
        for wrong in &mut one.violations {
            *wrong = format!("{:?} at {when}: {wrong}\n    cargo xtask prove --lane {} --seed {seed}", lane.kinds[kind], lane.name);
            eprintln!("{wrong}");
        }
        tally.add(one);
        if step == 0 || !played.is_hit {
            return;
        }
        when += step;
    }
}

/// No request reached the provider after its round without being in that round's ledger.
fn check_late(stand: &Stand, tally: &mut Tally) {
    for receipt in stand.fake.provider.books().since(0) {
        let name = receipt.ceiling.unwrap_or_default();
        let is_later = name < 2000 || name % 20 > 14;
        if !is_later && !tally.known.contains(&name) {
            tally.violations.push(format!("a receipt of call {name} came after its round and is in no ledger"));
        }
    }
}

fn report(lane: &Lane, plan: &Plan, mut tally: Tally) {
    tally.restarts_ms.sort_unstable();
    let at = |hundredths: usize| tally.restarts_ms.get((tally.restarts_ms.len() * hundredths / 100).min(tally.restarts_ms.len() - 1));
    let figures = json!({
        "restart, median": format!("{} ms", at(50).unwrap()),
        "restart, largest": format!("{} ms", at(100).unwrap()),
    });
    tally.sometimes.retain(|what, _| lane.sometimes.contains(what));
    let line = json!({"lane": lane.name, "title": lane.title, "counts": tally.counts, "violations": tally.violations.len(),
        "figures": figures, "sometimes": tally.sometimes});
    println!("proof {line}");
    assert!(tally.violations.is_empty(), "{} violations:\n{}", tally.violations.len(), tally.violations.join("\n"));
    let is_proof = std::env::var("METE_PROOF").is_ok_and(|depth| depth == "short" || depth == "long") && !plan.repeat;
    let missed: Vec<_> = lane.sometimes.iter().filter(|what| tally.sometimes.get(**what).copied().unwrap_or_default() == 0).collect();
    assert!(!is_proof || missed.is_empty(), "never seen: {missed:?}");
}

#[test]
fn killed_at_any_call_the_gateway_starts_again_and_every_receipt_has_one_record() {
    prove(&Lane {
        name: "kill",
        title: "the gateway killed at a system call",
        kinds: &KILLS,
        sometimes: &[
            "the start itself was hit",
            "a call was unresolved after the restart",
            "a hold was durable though nothing was sent",
            "an idempotency key was repeated after the crash and refused",
            "an idempotency key of a call that never was is free after the crash",
        ],
        long_only: &[],
        step: 7,
        regressions: include_str!("kill.seeds"),
    });
}

#[test]
fn with_a_disk_that_errs_nothing_is_sent_without_a_hold_and_nothing_is_lost() {
    prove(&Lane {
        name: "disk-errors",
        title: "the gateway with a disk that errs or is full",
        kinds: &ERRORS,
        sometimes: &[
            "the start itself was hit",
            "the process ended by itself",
            "an error went away and calls were served again",
            "a call was answered with 503 while the ledger couldn't be written",
        ],
        long_only: &[16],
        step: 29,
        regressions: include_str!("disk-errors.seeds"),
    });
}
