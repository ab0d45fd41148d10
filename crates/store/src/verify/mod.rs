//! The oracle: does what is on disk add up? It shares no arithmetic with the ledger: it reads the journal's text with types
//! of its own, sums the lines of money itself, and compares the sums with what everything else on disk says.

mod line;
mod records;
mod sums;
mod walk;

use std::path::Path;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::ReadError;
use crate::disk::{audit, connect, journal, schema};

use self::sums::Books;

/// Violations that are told one by one; more are only counted.
const TOLD_MAX: usize = 100;

/// What was checked, and what doesn't add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Whether everything adds up.
    pub ok: bool,
    /// Budgets in force.
    pub budgets: u64,
    /// Lines of money in the journal.
    pub postings: u64,
    /// Holds without a terminal record.
    pub open_holds: u64,
    /// What is wrong, one sentence each.
    pub violations: Vec<String>,
}

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    told: Vec<String>,
    untold: usize,
}

impl Findings {
    pub(crate) fn add(&mut self, what: impl Into<String>) {
        if self.told.len() < TOLD_MAX {
            self.told.push(what.into());
        } else {
            self.untold += 1;
        }
    }

    pub(crate) fn check(&mut self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.add(what());
        }
    }

    fn into_violations(mut self) -> Vec<String> {
        if self.untold > 0 {
            self.told.push(format!("and {} more", self.untold));
        }
        self.told
    }
}

/// Checks a data directory or a backup file, also beside a running server. `full` walks the journal from its first line,
/// else from the last snapshot.
///
/// # Errors
/// There is nothing to check, or it can't be opened.
pub fn verify(path: &Path, full: bool) -> Result<VerifyReport, ReadError> {
    let file = if path.is_dir() { connect::database(path) } else { path.to_owned() };
    let mut conn = connect::reader(&file)?;
    let (found, known) = (schema::version(&conn)?, schema::KNOWN);
    if found < 1 {
        return Err(ReadError::Damaged("it isn't a database of mete".to_owned()));
    }
    if found > known {
        return Err(ReadError::Schema { found, known });
    }
    let mut findings = Findings::default();
    if let Err(error) = check_pages(&conn, full, &mut findings) {
        findings.add(format!("the file can't be read: {error}"));
    }
    if !findings.told.is_empty() {
        return Ok(VerifyReport { violations: findings.into_violations(), ..VerifyReport::default() });
    }
    if found < known {
        conn = brought_up(&conn)?;
    }
    check_contents(&conn, full, findings)
}

/// A copy in memory with this binary's schema; the file stays as it is, for its own binary or for a restore.
fn brought_up(old: &Connection) -> Result<Connection, ReadError> {
    let mut copy = Connection::open_in_memory()?;
    if rusqlite::backup::Backup::new(old, &mut copy)?.step(-1)? != rusqlite::backup::StepResult::Done {
        return Err(ReadError::Damaged("the copy ended early".to_owned()));
    }
    schema::migrate(&mut copy).map_err(|error| ReadError::Damaged(error.to_string()))?;
    Ok(copy)
}

/// SQLite's own check of pages and indices.
fn check_pages(conn: &Connection, full: bool, findings: &mut Findings) -> rusqlite::Result<()> {
    let mut select = conn.prepare(if full { "PRAGMA integrity_check" } else { "PRAGMA quick_check" })?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        findings.check(line == "ok", || format!("database file: {line}"));
    }
    Ok(())
}

fn check_contents(conn: &Connection, full: bool, mut findings: Findings) -> Result<VerifyReport, ReadError> {
    let unchanging = conn.unchecked_transaction()?;
    let walked = walk::walk(&unchanging, full, &mut findings)?;
    check_replay(&unchanging, &walked.books, &mut findings);
    check_audit(&unchanging, &mut findings)?;
    let violations = findings.into_violations();
    Ok(VerifyReport {
        ok: violations.is_empty(),
        budgets: walked.books.budgets.len() as u64,
        postings: walked.postings,
        open_holds: walked.books.open.len() as u64,
        violations,
    })
}

/// A ledger that starts now must show the sums of the postings and of the open holds.
fn check_replay(conn: &Connection, books: &Books, findings: &mut Findings) {
    let ledger = match journal::load(conn) {
        Ok(ledger) => ledger,
        Err(error) => return findings.add(format!("the ledger can't be rebuilt: {error}")),
    };
    for view in ledger.known_accounts() {
        let name = match crate::codec::account_to_json(&view.account) {
            Ok(name) => name,
            Err(error) => return findings.add(format!("an account can't be named: {error}")),
        };
        let sums = books.accounts.get(&name).copied().unwrap_or_default();
        let shown = [view.spent, view.overage, view.held].map(|amount| i128::from(amount.get()));
        // A view shows what 64 bits can count.
        let summed = [sums.spent, sums.overage, sums.held].map(|sum| sum.min(i64::MAX.into()));
        findings.check(shown == summed, || {
            format!("account {name}: the ledger says spent, overage, held = {shown:?}, the journal's lines sum to {summed:?} nano-dollars")
        });
    }
    let open = ledger.open_holds().count();
    findings.check(open == books.open.len(), || format!("the ledger has {open} open holds, the journal {}", books.open.len()));
}

fn check_audit(conn: &Connection, findings: &mut Findings) -> Result<(), ReadError> {
    let mut select = conn.prepare("SELECT seq, at_us, actor, action, subject, before, after, hash FROM audit ORDER BY seq")?;
    let mut rows = select.query([])?;
    let mut tip = journal::GENESIS;
    while let Some(row) = rows.next()? {
        let text = |index: usize| row.get::<_, String>(index);
        let covered = audit::covered(row.get(1)?, &text(2)?, &text(3)?, &text(4)?, &text(5)?, &text(6)?);
        tip = journal::link(&tip, tip.seq + 1, covered.as_bytes());
        let right = row.get::<_, i64>(0)? == tip.seq && row.get::<_, [u8; 32]>(7)? == tip.hash;
        if !right {
            findings.add(format!("the audit's chain breaks at line {}", tip.seq));
            return Ok(());
        }
    }
    Ok(())
}
