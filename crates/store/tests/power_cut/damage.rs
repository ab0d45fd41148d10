//! Bits that flip in the file: found, or without any effect on money. Never a silent zero.

use std::collections::BTreeMap;
use std::path::Path;

use money::Nanos;
use store::{Books, CallFilter, CallStatus, OpenError, hold_text, verify};

use crate::disk::Dice;
use crate::support::*;
use crate::{Depth, depth};

/// What a ledger says of money: calls by hold, and accounts.
type Money = (BTreeMap<String, (CallStatus, Nanos)>, Vec<(Nanos, Nanos, Nanos)>);

/// What became of one damaged file.
enum Fate {
    /// It doesn't open; the text.
    Refused(String),
    /// It opens and says something else, and `verify` finds it.
    Found,
    /// It opens and says the same.
    Same,
    /// It opens and says something else, and nothing finds it.
    Silent(String),
}

fn history(dir: &Path, runtime: &tokio::runtime::Runtime) {
    runtime.block_on(async {
        let (books, _) = open(dir);
        put(&books, budget("all", "1000", &[])).await;
        for cents in 10..40 {
            let granted = hold(&books, "1", &[("team", "search")]).await;
            settle(&books, granted.hold, &format!("0.{cents}")).await;
        }
        let _open = hold(&books, "2", &[]).await;
        books.close().await.unwrap();
        // An end after the last snapshot is read line by line at the next start.
        let (books, _) = open(dir);
        let granted = hold(&books, "1", &[]).await;
        settle(&books, granted.hold, "0.77").await;
        drop(books);
    });
}

fn money(dir: &Path, runtime: &tokio::runtime::Runtime) -> Result<Money, String> {
    let (books, _) = Books::open(options(dir)).map_err(|error| error.to_string())?;
    let every = CallFilter { limit: Some(usize::MAX), ..CallFilter::default() };
    let calls = books.reader().calls(&every).map_err(|error| error.to_string());
    let accounts = runtime.block_on(async {
        let accounts = books.accounts().await.map_err(|error| error.to_string());
        drop(books.close().await);
        accounts
    })?;
    let calls = calls?.iter().map(|call| (hold_text(call.attempts[0].start.hold), (call.status, call.cost))).collect();
    Ok((calls, accounts.iter().map(|account| (account.spent, account.held, account.overage)).collect()))
}

fn fate(file: &[u8], truth: &Money, runtime: &tokio::runtime::Runtime) -> Fate {
    let dir = TempDir::in_memory();
    std::fs::create_dir_all(dir.path()).unwrap();
    std::fs::write(dir.path().join("mete.db"), file).unwrap();
    // As an operator would look, before anything is changed.
    let is_found = !verify(dir.path(), true).is_ok_and(|report| report.ok);
    match money(dir.path(), runtime) {
        Err(text) => Fate::Refused(text),
        Ok(said) if said == *truth => Fate::Same,
        Ok(_) if is_found => Fate::Found,
        Ok(said) => Fate::Silent(format!("{said:?}")),
    }
}

#[test]
fn a_bit_that_flips_in_the_file_never_changes_money_unseen() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dir = TempDir::in_memory();
    history(dir.path(), &runtime);
    let truth = money(dir.path(), &runtime).unwrap();
    let file = std::fs::read(dir.path().join("mete.db")).unwrap();
    assert!(truth.0.len() == 32 && !truth.1.is_empty());
    let seed = std::env::var("METE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| (random() >> 64) as u64 >> 16);
    eprintln!("damage: seed {seed}; repeat with METE_SEED={seed}");
    let rounds = match depth() {
        Depth::Taste => 60,
        Depth::Short => 300,
        Depth::Long => 20_000,
    };
    let (mut dice, mut counts, mut wrong) = (Dice(seed), BTreeMap::new(), Vec::new());
    for _ in 0..rounds {
        // The file's header says how all the rest is read.
        let within = if dice.roll().is_multiple_of(4) { 100 } else { file.len() };
        let bit = usize::try_from(dice.roll()).unwrap() % (within * 8);
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let what = match fate(&damaged, &truth, &runtime) {
            Fate::Refused(text) if !names_next_step(&text) => {
                wrong.push(format!("bit {bit}: refused without a next step: {text}"));
                "files refused at start"
            }
            Fate::Refused(_) => "files refused at start",
            Fate::Found => "changes found by verify",
            Fate::Same => "flips that touch no money",
            Fate::Silent(said) => {
                wrong.push(format!("bit {bit}: {said} instead of {truth:?}"));
                "silent"
            }
        };
        *counts.entry(what).or_insert(0_u64) += 1;
    }
    let line = serde_json::json!({"lane": "damage", "title": "flipped bits in the ledger's file", "counts": counts,
        "violations": wrong.len(), "figures": {}, "sometimes": {}});
    println!("proof {line}");
    let repeat = format!("cargo xtask prove --lane damage --seed {seed}");
    assert!(wrong.is_empty(), "{repeat}\n{}", wrong[..wrong.len().min(10)].join("\n"));
    assert!(counts.get("files refused at start").is_some_and(|refused| *refused > 0), "{counts:?}");
}

fn names_next_step(text: &str) -> bool {
    ["restore a backup", "install that version", "start again", "mete verify"].iter().any(|step| text.contains(step))
}

#[test]
fn an_empty_file_beside_a_log_and_a_file_of_another_program_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for content in [&b"SQLite format 3\0 but not really"[..], &[0; 4096][..]] {
        let dir = TempDir::in_memory();
        std::fs::create_dir_all(dir.path()).unwrap();
        std::fs::write(dir.path().join("mete.db"), content).unwrap();
        let refused = Books::open(options(dir.path())).map(drop);
        assert!(matches!(&refused, Err(OpenError::Damaged(_))), "{refused:?}");
    }
    // The file of a ledger was emptied, its log is still there: that was no new ledger.
    let dir = TempDir::in_memory();
    history(dir.path(), &runtime);
    std::fs::write(dir.path().join("mete.db"), b"").unwrap();
    std::fs::write(dir.path().join("mete.db-wal"), vec![1; 5000]).unwrap();
    let refused = Books::open(options(dir.path())).map(drop);
    assert!(matches!(&refused, Err(OpenError::Damaged(_))), "{refused:?}");
}
