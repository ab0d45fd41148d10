//! The ledger's journal, for reference checks by programs written apart: `/api/v1/journal`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::calls::read;
use super::error::{ApiError, ErrorDocument};
use super::input::Query;
use crate::control::Control;

/// Most lines of one answer.
const LINES_MAX: u32 = 10_000;

/// One line of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JournalLine {
    /// Its number, rising by one.
    pub seq: i64,
    /// What happened, as it is on disk.
    #[schema(value_type = Object)]
    pub event: Value,
}

/// The ledger's journal, for reference checks: lines after `after`, oldest first.
#[utoipa::path(get, path = "/journal", tag = "operations", params(("after" = Option<i64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = [JournalLine]), (status = 400, body = ErrorDocument)))]
pub(crate) async fn list(State(control): State<Arc<Control>>, mut query: Query) -> Result<Json<Vec<JournalLine>>, ApiError> {
    let number = |text: Option<String>, default: i64| text.map_or(Some(default), |text| text.parse().ok().filter(|number| *number >= 0));
    let after = number(query.one("after")?, 0).ok_or_else(|| ApiError::invalid("after is the number of a journal line"))?;
    let limit =
        number(query.one("limit")?, 1000).and_then(|limit| u32::try_from(limit).ok()).filter(|limit| (1..=LINES_MAX).contains(limit));
    let limit = limit.ok_or_else(|| ApiError::invalid(format!("limit is a number from 1 to {LINES_MAX}")))?;
    query.end()?;
    let lines = read(&control, move |reader| reader.journal(after, limit)).await?;
    Ok(Json(lines.into_iter().map(|(seq, event)| JournalLine { seq, event }).collect()))
}
