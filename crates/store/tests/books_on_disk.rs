//! The directory: who owns it, what verify sees, backup, restore, migration, and a full disk.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod support;

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use store::{BackupError, Books, CallFilter, OpenError, Outcome, backup, read_owner, restore, verify};
use support::*;

#[test]
fn sqlite_is_one_without_the_wal_reset_bug() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[tokio::test]
async fn a_second_owner_is_refused_and_told_who_the_first_is() {
    let dir = TempDir::new();
    assert_eq!(read_owner(dir.path()).unwrap(), None);
    let (books, _) = open(dir.path());
    books.write_owner("127.0.0.1:4141", Some(Path::new("/data/admin-token"))).unwrap();
    let owner = read_owner(dir.path()).unwrap().unwrap();
    assert_eq!((owner.pid, owner.address.as_deref()), (std::process::id(), Some("127.0.0.1:4141")));
    let Err(OpenError::InUse { owner }) = Books::open(options(dir.path())) else { panic!("opened twice") };
    assert_eq!(owner, format!("pid {}, listening on 127.0.0.1:4141", std::process::id()));
    books.close().await.unwrap();
    assert_eq!(read_owner(dir.path()).unwrap(), None);
    let (books, _) = open(dir.path());
    books.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.path()), 0o700);
    for name in ["mete.db", "mete.db-wal", "mete.db-shm", "mete.lock"] {
        assert_eq!(mode(&dir.path().join(name)), 0o600, "{name}");
    }
    books.close().await.unwrap();
}

/// Three budgets, a few calls of each kind, and one left open.
async fn some_history(books: &Books) {
    put(books, budget("all", "100", &[])).await;
    put(books, budget("search", "100", &[("team", "search")])).await;
    for (cost, team) in [("1", "search"), ("2", "search"), ("3.5", "ads")] {
        let grant = hold(books, "3", &[("team", team)]).await;
        settle(books, grant.hold, cost).await;
    }
    let grant = hold(books, "4", &[]).await;
    books.finish(end(grant.hold, Outcome::Voided)).await.unwrap();
    hold(books, "5", &[("team", "search")]).await;
}

#[tokio::test]
async fn verify_sees_what_was_changed_behind_the_ledgers_back() {
    let tampered = [
        ("", None),
        ("UPDATE journal SET event = unhex(hex(substr(event, 1, length(event) - 1)) || '07') WHERE seq = 5", Some("chain breaks")),
        ("UPDATE meta SET value = 5 WHERE name = 'filed_seq'", Some("not open in the journal")),
        ("UPDATE meta SET value = 500 WHERE name = 'filed_seq'", Some("no end of a row")),
        ("DELETE FROM journal WHERE seq = 5", Some("chain breaks")),
        ("UPDATE attempts SET cost_nanos = 1 WHERE cost_nanos = 1000000000", Some("its record says")),
        ("DELETE FROM attempts WHERE status = 'held'", Some("has no open record")),
        ("UPDATE attempts SET status = 'voided', held_nanos = 0 WHERE status = 'held'", Some("has no open record")),
        ("UPDATE attempts SET granted_nanos = 7 WHERE status = 'voided'", Some("its record says")),
        (
            "INSERT INTO attempts SELECT hold || 'X', call_id, attempt, at_us, dialect, operation, provider, model_asked, model_sent, status, granted_nanos, held_nanos, cost_nanos, estimated, assume_us, ceiling, run, key, team, start, \"end\", unpriced_tokens FROM attempts LIMIT 1",
            Some("recorded twice"),
        ),
        (
            "UPDATE attempts SET start = unhex(hex(substr(start, 1, length(start) - 1)) || '07') WHERE rowid = 1",
            Some("isn't what the journal has"),
        ),
        (
            "UPDATE attempts SET \"end\" = unhex(hex(substr(\"end\", 1, length(\"end\") - 1)) || '07') WHERE rowid = 1",
            Some("isn't what the journal has"),
        ),
        ("UPDATE meta SET value = 5 WHERE name = 'orphaned_row'", Some("unresolved in its record")),
        ("UPDATE meta SET value = 5 WHERE name = 'spent_nanos'", Some("kept as their sum")),
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 1", Some("audit's chain")),
        ("UPDATE snapshots SET state = unhex(hex(substr(state, 1, length(state) - 1)) || '07')", Some("was changed")),
    ];
    for (sql, expected) in tampered {
        let dir = TempDir::new();
        let (books, _) = open(dir.path());
        some_history(&books).await;
        if expected != Some("was changed") {
            // A copy, as a backup tool would make it; the snapshot's row needs a clean close.
            let copy = TempDir::new();
            fs::create_dir_all(copy.path()).unwrap();
            books.backup(&copy.path().join("mete.db")).unwrap();
            check_tampered(copy.path(), sql, expected);
            books.close().await.unwrap();
        } else {
            books.close().await.unwrap();
            check_tampered(dir.path(), sql, expected);
        }
    }
}

fn check_tampered(dir: &Path, sql: &str, expected: Option<&str>) {
    let file = dir.join("mete.db");
    Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    let report = verify(dir, true).unwrap();
    match expected {
        None => assert_eq!((report.ok, report.budgets, report.postings, report.open_holds), (true, 2, 6, 1), "{:?}", report.violations),
        Some(text) => assert!(!report.ok && report.violations.iter().any(|told| told.contains(text)), "{sql}: {:?}", report.violations),
    }
}

#[tokio::test]
async fn verify_works_beside_a_running_server_from_the_first_line_and_from_the_last_snapshot() {
    let dir = TempDir::new();
    for round in 1..=3_u64 {
        let (books, _) = open(dir.path());
        some_history(&books).await;
        let full = verify(dir.path(), true).unwrap();
        assert!(full.ok, "{:?}", full.violations);
        assert_eq!(full.open_holds, round);
        let quick = verify(dir.path(), false).unwrap();
        assert_eq!(quick, full);
        books.close().await.unwrap();
        assert_eq!(verify(dir.path(), false).unwrap(), verify(dir.path(), true).unwrap());
    }
}

#[tokio::test]
async fn a_backup_taken_while_serving_is_whole_and_comes_back() {
    let (dir, place) = (TempDir::new(), TempDir::new());
    fs::create_dir_all(place.path()).unwrap();
    let (books, _) = open(dir.path());
    some_history(&books).await;
    let file = place.path().join("backup.db");
    let accounts = books.accounts().await.unwrap();
    books.backup(&file).unwrap();
    assert!(matches!(backup(dir.path(), &file), Err(BackupError::Exists(_))));
    settle(&books, hold(&books, "1", &[]).await.hold, "1").await;
    books.close().await.unwrap();

    assert!(matches!(restore(&file, dir.path()), Err(BackupError::Exists(_))));
    let fresh = TempDir::new();
    assert!(restore(&file, fresh.path()).unwrap().ok);
    let (books, opened) = open(fresh.path());
    assert_eq!(opened.unresolved, 1);
    assert_eq!(books.accounts().await.unwrap(), accounts);
    books.close().await.unwrap();

    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x55);
    fs::write(&file, bytes).unwrap();
    let elsewhere = TempDir::new();
    assert!(matches!(restore(&file, elsewhere.path()), Err(BackupError::Damaged(_) | BackupError::Read(_))));
    assert!(!elsewhere.path().join("mete.db").exists());
}

#[tokio::test]
async fn a_file_of_the_first_schema_is_brought_up_and_a_newer_one_is_refused() {
    let dir = TempDir::new();
    fs::create_dir_all(dir.path()).unwrap();
    let old = Connection::open(dir.path().join("mete.db")).unwrap();
    old.execute_batch(include_str!("schema-1.sql")).unwrap();
    drop(old);
    // As a backup of an older binary it is checked and restored as it is.
    let restored = TempDir::new();
    let report = restore(&dir.path().join("mete.db"), restored.path()).unwrap();
    assert_eq!((report.ok, report.postings, report.open_holds), (true, 1, 1));
    let (books, opened) = open(dir.path());
    assert_eq!((opened.created, opened.unresolved), (false, 1));
    let account = &books.accounts().await.unwrap()[0];
    assert_eq!((account.spent, account.held), (usd("1.5"), usd("2")));
    assert_eq!(books.reader().calls(&CallFilter { unresolved_only: true, ..CallFilter::default() }).unwrap().len(), 1);
    assert_eq!(books.reader().unpriced(None).unwrap(), []);
    assert_eq!(books.price_sources().await.unwrap(), []);
    let report = verify(dir.path(), true).unwrap();
    assert!(report.ok, "{:?}", report.violations);
    books.close().await.unwrap();

    Connection::open(dir.path().join("mete.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Books::open(options(dir.path())), Err(OpenError::NewerSchema { found: 99, .. })));
    assert!(verify(dir.path(), true).is_err());
}

#[tokio::test]
async fn a_damaged_journal_is_not_served() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    some_history(&books).await;
    books.close().await.unwrap();
    let conn = Connection::open(dir.path().join("mete.db")).unwrap();
    conn.execute_batch(
        "DELETE FROM snapshots; UPDATE journal SET event = unhex(hex(substr(event, 1, length(event) - 1)) || '07') WHERE seq = 5",
    )
    .unwrap();
    drop(conn);
    assert!(matches!(Books::open(options(dir.path())), Err(OpenError::Damaged(_))));
}
