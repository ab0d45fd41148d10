//! The call records beside the journal: one row for each hold, saying the same.

use std::collections::{BTreeSet, HashMap};

use ledger::HoldId;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::Findings;
use super::sums::Books;
use super::walk::{Documents, Walked};
use crate::ReadError;
use crate::codec::Id;
use crate::disk::attempts::STATUS;

/// Checks the rows against the journal as it was when they were filed last.
pub(crate) fn check(conn: &Connection, walked: &Walked, full: bool, findings: &mut Findings) -> Result<(), ReadError> {
    check_open(conn, &walked.books, findings)?;
    check_ended(conn, &walked.books, findings)?;
    check_sums(conn, findings)?;
    if full {
        check_all(conn, &walked.books, findings)?;
        check_documents(conn, &walked.documents, findings)?;
    }
    Ok(())
}

/// The documents in the rows are the journal's. Text is of older binaries, whose journal had none.
fn check_documents(conn: &Connection, documents: &HashMap<HoldId, Documents>, findings: &mut Findings) -> Result<(), ReadError> {
    let mut select = conn.prepare("SELECT hold, start, \"end\" FROM attempts")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let hold: String = row.get(0)?;
        let id = hold.parse::<Id>().map_or(HoldId(0), |id| HoldId(id.0));
        let due = documents.get(&id).copied().unwrap_or_default();
        for (kept, due) in [(row.get_ref(1)?, due.start), (row.get_ref(2)?, due.end)] {
            let same = match kept {
                ValueRef::Blob(bytes) => due == Some(Documents::hash(bytes)),
                _ => due.is_none(),
            };
            findings.check(same, || format!("the record of hold {hold} isn't what the journal has of it"));
        }
    }
    Ok(())
}

/// Exactly the journal's open holds are open in the records.
fn check_open(conn: &Connection, books: &Books, findings: &mut Findings) -> Result<(), ReadError> {
    let mut select =
        conn.prepare(&format!("SELECT hold, {STATUS}, granted_nanos, held_nanos FROM attempts WHERE status IN ('held', 'unresolved')"))?;
    let mut rows = select.query([])?;
    let mut recorded = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let (hold, status): (String, String) = (row.get(0)?, row.get(1)?);
        let (granted, held): (i64, i64) = (row.get(2)?, row.get(3)?);
        match books.open.get(&hold) {
            Some((open, unresolved)) => {
                let word = if *unresolved { "unresolved" } else { "held" };
                let same = status == word && granted == open.granted && held == open.granted;
                findings.check(same, || {
                    format!("hold {hold} is {word} in the journal with {} nano-dollars, {status} in its record with {held}", open.granted)
                });
            }
            None => findings.add(format!("hold {hold} is {status} in its record but not open in the journal")),
        }
        recorded.insert(hold);
    }
    for hold in books.open.keys().filter(|hold| !recorded.contains(*hold)) {
        findings.add(format!("hold {hold} is open in the journal but has no open record"));
    }
    Ok(())
}

/// Every hold that ended on the walk has one record with the same end.
fn check_ended(conn: &Connection, books: &Books, findings: &mut Findings) -> Result<(), ReadError> {
    let mut select = conn.prepare("SELECT status, granted_nanos, cost_nanos, held_nanos FROM attempts WHERE hold = ?1")?;
    for (hold, ended) in books.ended.iter().filter(|(_, ended)| ended.seen) {
        let record = select
            .query_row([hold], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?, row.get::<_, i64>(3)?))
            })
            .optional()?;
        let due = (ended.status.to_owned(), ended.granted, ended.cost, 0);
        findings.check(record.as_ref() == Some(&due), || {
            format!("hold {hold} ended as {due:?} (status, granted, cost, held), its record says {record:?}")
        });
    }
    Ok(())
}

/// The sum that is kept is the sum of the records.
fn check_sums(conn: &Connection, findings: &mut Findings) -> Result<(), ReadError> {
    let kept = crate::disk::meta::spent(conn)?;
    // Dollars and the rest apart, because a sum of nano-dollars may be more than 64 bits can count.
    let sql = "SELECT coalesce(sum(cost_nanos / 1000000000), 0), coalesce(sum(cost_nanos % 1000000000), 0) FROM attempts";
    let parts = conn.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let summed = i128::from(parts.0) * 1_000_000_000 + i128::from(parts.1);
    findings.check(kept == summed, || format!("the records' costs sum to {summed} nano-dollars, {kept} is kept as their sum"));
    Ok(())
}

/// No record without a hold, and no attempt twice.
fn check_all(conn: &Connection, books: &Books, findings: &mut Findings) -> Result<(), ReadError> {
    let records: i64 = conn.query_row("SELECT count(*) FROM attempts", [], |row| row.get(0))?;
    let holds = books.open.len() + books.ended.len();
    findings.check(i64::try_from(holds).is_ok_and(|holds| holds == records), || format!("{holds} holds in the journal, {records} records"));
    let twice: i64 =
        conn.query_row("SELECT count(*) FROM (SELECT 1 FROM attempts GROUP BY call_id, attempt HAVING count(*) > 1)", [], |row| {
            row.get(0)
        })?;
    findings.check(twice == 0, || format!("{twice} attempts of calls are recorded twice"));
    Ok(())
}
