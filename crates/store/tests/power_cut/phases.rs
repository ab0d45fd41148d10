//! The phases of a store's life in which the power is cut, and what each begins with.

use std::path::Path;
use std::process::Stdio;

use rusqlite::Connection;
use store::{Books, Options, Survives};

use crate::data;
use crate::disk::Disk;
use crate::image::Told;
use crate::support::*;
use crate::trace::{self, Call};

/// What is there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Not even the data directory.
    Nothing,
    /// A directory that has been served from: a call settled, one unresolved.
    Used,
    /// A file of an earlier schema, with the same in it.
    Schema(u32),
    /// A backup file.
    Backup,
}

pub struct Phase {
    pub name: &'static str,
    /// What the child does.
    pub part: &'static str,
    pub before: Before,
    pub survives: Survives,
    pub in_taste: bool,
}

const fn phase(name: &'static str, part: &'static str, before: Before) -> Phase {
    Phase { name, part, before, survives: Survives::PowerLoss, in_taste: false }
}

pub const PHASES: [Phase; 12] = [
    Phase { in_taste: true, ..phase("calls one after the other", "pairs", Before::Used) },
    Phase { in_taste: true, ..phase("the first creation of a ledger", "pairs", Before::Nothing) },
    phase("start, calls and stop, three times", "cycles", Before::Used),
    phase("a checkpoint between calls", "checkpoint", Before::Used),
    phase("a file of schema 1 brought up", "pairs", Before::Schema(1)),
    phase("a file of schema 2 brought up", "pairs", Before::Schema(2)),
    phase("a file of schema 3 brought up", "pairs", Before::Schema(3)),
    phase("a file of schema 4 brought up", "pairs", Before::Schema(4)),
    Phase { in_taste: true, ..phase("a backup while serving", "backup", Before::Used) },
    Phase { in_taste: true, ..phase("a restore", "restore", Before::Backup) },
    Phase { survives: Survives::ProcessCrash, ..phase("calls, to survive a crash only", "process-crash", Before::Used) },
    Phase { survives: Survives::ProcessCrash, ..phase("the first creation, to survive a crash only", "process-crash", Before::Nothing) },
];

/// What a phase did, and to what.
pub struct Stage {
    pub disk: Disk,
    pub told: Told,
    pub calls: Vec<Call>,
}

impl Phase {
    /// Plays the phase in a child and records it.
    pub fn record(&self) -> Stage {
        let (root, place) = (TempDir::in_memory(), TempDir::in_memory());
        std::fs::create_dir_all(root.path()).unwrap();
        std::fs::create_dir_all(place.path()).unwrap();
        let told = self.prepare(root.path());
        let disk = Disk::of(root.path());
        let log = place.path().join("trace");
        let mut arguments = trace::ARGUMENTS[..8].to_vec();
        arguments.extend(["-o", log.to_str().unwrap()]);
        let mut command =
            crate::child::traced(&data(root.path()), self.part, &arguments).expect("this proof needs strace: install the package");
        let output = command.stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        Stage { disk, told, calls: trace::read(&std::fs::read_to_string(log).unwrap()) }
    }

    fn prepare(&self, root: &Path) -> Told {
        let mut told = Told::new(self.survives == Survives::PowerLoss);
        match self.before {
            Before::Nothing => {}
            Before::Used => told = use_it(&data(root), told),
            Before::Schema(version) => {
                std::fs::create_dir_all(data(root)).unwrap();
                let file = Connection::open(data(root).join("mete.db")).unwrap();
                let steps =
                    [include_str!("../../src/disk/v2.sql"), include_str!("../../src/disk/v3.sql"), include_str!("../../src/disk/v4.sql")];
                file.execute_batch(include_str!("../schema-1.sql")).unwrap();
                for sql in &steps[..version as usize - 1] {
                    file.execute_batch(sql).unwrap();
                }
                file.pragma_update(None, "user_version", version).unwrap();
                // As its own binary would leave it.
                file.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
                drop(file);
                told.has_budget();
                told.has("01M84FK9VWX7SPQB2MSSEYY23H", "settled", 1_500_000_000);
                told.has("01M84FK9Y13QHJZM21Y1ZKTN76", "held", 0);
            }
            Before::Backup => {
                let elsewhere = TempDir::in_memory();
                told = use_it(elsewhere.path(), told);
                store::backup(elsewhere.path(), &root.join("backup.db")).unwrap();
            }
        }
        told
    }
}

fn use_it(dir: &Path, mut told: Told) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (books, _) = Books::open(Options { dir: dir.to_owned(), survives: Survives::PowerLoss }).unwrap();
    runtime.block_on(async {
        put(&books, budget("all", "1000000", &[])).await;
        told.has_budget();
        let first = hold(&books, "1", &[]).await.hold;
        settle(&books, first, "0.25").await;
        told.has(&store::hold_text(first), "settled", 250_000_000);
        let second = hold(&books, "1", &[]).await.hold;
        told.has(&store::hold_text(second), "held", 0);
        books.close().await.unwrap();
    });
    told
}
