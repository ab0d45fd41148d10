//! The queries behind lists of calls.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use ledger::Attributes;
use money::Nanos;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::{AttemptRecord, CallFilter, CallRecord, ReadError};
use crate::admin::most;
use crate::codec::{self, Id};
use crate::disk::attempts::STATUS;
use crate::{AttemptEnd, AttemptStart, CallStatus, RefusedCall};

/// A list of conditions and the values that they bind.
#[derive(Default)]
pub(super) struct Terms {
    sql: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Terms {
    /// `term` ends where its one value goes.
    fn add(&mut self, term: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        self.sql.push(format!("{term} ?{}", self.values.len()));
    }

    pub(super) fn add_some(&mut self, term: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(term, value);
        }
    }

    pub(super) fn sql(&self) -> String {
        if self.sql.is_empty() { "1".to_owned() } else { self.sql.join(" AND ") }
    }

    /// What attempts and refusals are both asked.
    fn of_calls(filter: &CallFilter) -> Self {
        let mut terms = Self::default();
        terms.add_some("at_us >=", filter.since.map(Timestamp::as_microsecond));
        terms.add_some("at_us <", filter.until.map(Timestamp::as_microsecond));
        terms.add_some("provider =", filter.provider.clone());
        terms.add_some("run =", filter.run.map(|run| Id(run.0).to_string()));
        terms.add_some("key =", filter.key.clone());
        terms.add_some("call_id <", filter.before.map(|before| before.to_string()));
        terms
    }
}

pub(super) fn attempted(conn: &Connection, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
    if filter.status == Some(CallStatus::Refused) {
        return Ok(Vec::new());
    }
    let status = if filter.unresolved_only { Some(CallStatus::Unresolved) } else { filter.status };
    let mut terms = Terms::of_calls(filter);
    match status {
        // The index of open rows knows them by the word that they were filed with.
        Some(open @ (CallStatus::Held | CallStatus::Unresolved)) => {
            terms.sql.push("status IN ('held', 'unresolved')".to_owned());
            terms.add(&format!("{STATUS} ="), open.as_str().to_owned());
        }
        status => terms.add_some("status =", status.map(|status| status.as_str().to_owned())),
    }
    if let Some(model) = &filter.model {
        terms.values.push(model.clone().into());
        let place = terms.values.len();
        terms.sql.push(format!("(model_asked = ?{place} OR model_sent = ?{place})"));
    }
    let sql = format!("SELECT call_id, start FROM attempts WHERE {} ORDER BY call_id DESC", terms.sql());
    let mut select = conn.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(terms.values))?;
    let (mut calls, mut seen) = (Vec::new(), BTreeSet::new());
    let limit = most(filter.limit);
    while calls.len() < limit
        && let Some(row) = rows.next()?
    {
        let call: String = row.get(0)?;
        if !has_all(filter, || Ok(start(row.get_ref(1)?)?.attributes))? || !seen.insert(call.clone()) {
            continue;
        }
        let record = load_call(conn, &call)?;
        calls.extend(record.filter(|record| status.is_none_or(|status| record.status == status)));
    }
    Ok(calls)
}

/// Refused calls that had no attempt.
pub(super) fn refused(conn: &Connection, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
    if filter.unresolved_only || filter.status.is_some_and(|status| status != CallStatus::Refused) {
        return Ok(Vec::new());
    }
    let mut terms = Terms::of_calls(filter);
    for (name, value) in &filter.attributes {
        terms.values.push(format!("$.attributes.{}", serde_json::Value::from(name.as_str())).into());
        let path = terms.values.len();
        terms.add(&format!("json_extract(body, ?{path}) ="), value.clone());
    }
    terms.add_some("model =", filter.model.clone());
    let limit = most(filter.limit);
    let sql = format!(
        "SELECT body FROM refusals WHERE {} AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.call_id = refusals.call_id) ORDER BY call_id DESC LIMIT {limit}",
        terms.sql()
    );
    let mut select = conn.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(terms.values))?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        calls.push(refused_call(codec::refused_from_json(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?));
    }
    Ok(calls)
}

pub(super) fn load_call(conn: &Connection, call: &str) -> Result<Option<CallRecord>, ReadError> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT start, ceiling, granted_nanos, {STATUS}, cost_nanos, held_nanos, estimated, \"end\", assume_us FROM attempts WHERE call_id = ?1 ORDER BY attempt, at_us"
    ))?;
    let mut rows = select.query([call])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(attempt(row)?);
    }
    let body: Option<String> =
        conn.prepare_cached("SELECT body FROM refusals WHERE call_id = ?1")?.query_row([call], |row| row.get(0)).optional()?;
    let refusal = body.map(|body| codec::refused_from_json(&body)).transpose()?;
    Ok(match attempts.last() {
        Some(_) => Some(attempted_call(attempts, refusal)),
        None => refusal.map(refused_call),
    })
}

/// Whether a call has every attribute that is asked for.
fn has_all(filter: &CallFilter, attributes: impl FnOnce() -> Result<Arc<Attributes>, ReadError>) -> Result<bool, ReadError> {
    if filter.attributes.is_empty() {
        return Ok(true);
    }
    let attributes = attributes()?;
    Ok(filter.attributes.iter().all(|(name, value)| attributes.get(name) == Some(value)))
}

/// An attempt's start: bytes, or text of an older binary.
pub(super) fn start(document: ValueRef<'_>) -> Result<AttemptStart, ReadError> {
    Ok(match document {
        ValueRef::Blob(bytes) => codec::start_from_bytes(bytes)?,
        text => codec::start_from_json(text.as_str().map_err(rusqlite::Error::from)?, None)?,
    })
}

fn end(document: ValueRef<'_>) -> Result<Option<AttemptEnd>, ReadError> {
    Ok(match document {
        ValueRef::Null => None,
        ValueRef::Blob(bytes) => Some(codec::end_from_bytes(bytes)?),
        text => Some(codec::end_from_json(text.as_str().map_err(rusqlite::Error::from)?)?),
    })
}

fn attempt(row: &Row<'_>) -> Result<AttemptRecord, ReadError> {
    let ceiling = row.get::<_, Option<i64>>(1)?.and_then(|ceiling| u64::try_from(ceiling).ok());
    let status = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(AttemptRecord {
        start: AttemptStart { ceiling_granted: ceiling, ..start(row.get_ref(0)?)? },
        granted: Nanos::new(row.get(2)?),
        status: CallStatus::parse(status).ok_or_else(|| ReadError::Damaged(format!("status {status}")))?,
        cost: row.get::<_, Option<i64>>(4)?.map(Nanos::new),
        held: Nanos::new(row.get(5)?),
        estimated: row.get(6)?,
        end: end(row.get_ref(7)?)?,
        assume_at: Timestamp::from_microsecond(row.get(8)?).unwrap_or_default(),
    })
}

fn attempted_call(attempts: Vec<AttemptRecord>, refusal: Option<RefusedCall>) -> CallRecord {
    let sum = |amount: fn(&AttemptRecord) -> Nanos| {
        attempts.iter().fold(Nanos::ZERO, |sum, attempt| sum.checked_add(amount(attempt)).unwrap_or(Nanos::MAX))
    };
    let first = &attempts[0].start;
    CallRecord {
        call: first.call,
        at: first.at,
        model: first.model_asked.clone(),
        provider: attempts[attempts.len() - 1].start.provider.clone(),
        status: status_of(&attempts),
        cost: sum(|attempt| attempt.cost.unwrap_or_default()),
        held: sum(|attempt| attempt.held),
        attributes: Attributes::clone(&first.attributes),
        run: first.run,
        attempts,
        refusal,
    }
}

/// A call is open while any attempt is, and as uncertain as its most uncertain attempt.
fn status_of(attempts: &[AttemptRecord]) -> CallStatus {
    let order = [CallStatus::Held, CallStatus::Unresolved, CallStatus::Assumed, CallStatus::Settled];
    let any = |status: &CallStatus| attempts.iter().any(|attempt| attempt.status == *status);
    order.into_iter().find(any).unwrap_or(CallStatus::Voided)
}

fn refused_call(refused: RefusedCall) -> CallRecord {
    CallRecord {
        call: refused.call,
        at: refused.at,
        model: refused.model.clone(),
        provider: refused.provider.clone(),
        status: CallStatus::Refused,
        cost: Nanos::ZERO,
        held: Nanos::ZERO,
        attributes: Attributes::clone(&refused.attributes),
        run: refused.run,
        attempts: Vec::new(),
        refusal: Some(refused),
    }
}
