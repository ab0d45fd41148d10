//! Runs: `/api/v1/runs`. What `mete run` starts, raises and ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use gateway::Secret;
use ledger::RunId;
use serde::{Deserialize, Serialize};
use store::{KeyNew, RateLimits, RunFilter, RunStart, RunSummary, RunToken, parse_run, run_text};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorDocument};
use super::guard::Actor;
use super::input::{Body, Query, Usd, labels};
use super::run_view::RunView;
use crate::config::budgets::{check_text, limit, short};
use crate::control::Control;

/// Runs that are looked through for a part of an id.
const RUNS_MAX: usize = 100_000;

/// A run to begin.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunPost {
    /// A name for people.
    name: Option<String>,
    /// The run inside which it starts.
    parent: Option<String>,
    /// The most that it may spend, in dollars; without it the run is only observed.
    #[schema(value_type = Option<String>)]
    limit_usd: Option<Usd>,
    /// Attributes of each of its calls.
    tags: BTreeMap<String, String>,
    session: Option<String>,
    /// Provider keys by provider name or dialect; kept in memory for calls of this run and the runs inside it.
    credentials: BTreeMap<String, String>,
}

/// How a run is joined.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunJoin {
    /// Provider keys by provider name or dialect; kept in memory.
    credentials: BTreeMap<String, String>,
}

/// A run with what its calls need. Neither secret can be shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunMade {
    run_id: String,
    /// For the path prefix `/run/{token}/{dialect}/…`.
    token: String,
    /// A virtual key of the run; it ends with the run.
    key: String,
}

/// More money for a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRaise {
    /// How much more, in dollars.
    #[schema(value_type = String)]
    by_usd: Usd,
}

/// Runs, newest first; numbers include the runs inside.
#[utoipa::path(get, path = "/runs", tag = "runs", params(("active" = Option<bool>, Query), ("session" = Option<String>, Query),
    ("parent" = Option<String>, Query), ("since" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = [RunView])))]
pub(crate) async fn list(State(control): State<Arc<Control>>, mut query: Query) -> Result<Json<Vec<RunView>>, ApiError> {
    let parent = query.one("parent")?;
    let filter = RunFilter {
        active_only: query.flag("active")?,
        since: query.instant("since")?,
        session: query.one("session")?,
        parent: None,
        limit: Some(query.limit()?.unwrap_or(50)),
    };
    query.end()?;
    let parent = match parent {
        Some(text) => Some(find(&control, &text).await?),
        None => None,
    };
    let runs = control.books.runs(RunFilter { parent, ..filter }).await?;
    let mut rows = Vec::with_capacity(runs.len());
    for run in &runs {
        rows.push(super::run_view::view(&control, run).await?);
    }
    Ok(Json(rows))
}

/// One run; `id` may be a unique prefix or suffix of at least six characters.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn get(State(control): State<Arc<Control>>, Path(id): Path<String>) -> Result<Json<RunView>, ApiError> {
    let run = find(&control, &id).await?;
    one(&control, run).await
}

/// Begins a run.
#[utoipa::path(post, path = "/runs", tag = "runs", request_body = RunPost, responses((status = 200, body = RunMade), (status = 400, body = ErrorDocument)))]
pub(crate) async fn start(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Body(body): Body<RunPost>,
) -> Result<Json<RunMade>, ApiError> {
    let limit = match &body.limit_usd {
        Some(text) => limit(&text.0).map_err(|problem| ApiError::invalid(format!("limit_usd {problem}")))?,
        None => None,
    };
    let parent = match &body.parent {
        Some(parent) => Some(find(&control, parent).await?),
        None => None,
    };
    for (field, text) in [("name", &body.name), ("session", &body.session)] {
        let problem = text.as_ref().and_then(|text| check_text(text).err());
        problem.map_or(Ok(()), |problem| Err(ApiError::invalid(format!("{field}: {problem}"))))?;
    }
    let credentials = secrets(body.credentials)?;
    let start = RunStart { parent, limit, tags: labels("tags", body.tags)?, session: body.session, command: None, name: body.name };
    let (run, token) = control.books.start_run(start, &actor.0).await?;
    control.gateway.set_run_credentials(run, credentials);
    made(&control, run, token, &actor).await
}

/// Another token and key for a run, with its budget and what it has spent; a run that had ended goes on.
#[utoipa::path(post, path = "/runs/{id}/join", tag = "runs", params(("id" = String, Path)), request_body = RunJoin,
    responses((status = 200, body = RunMade), (status = 404, body = ErrorDocument)))]
pub(crate) async fn join(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<RunJoin>,
) -> Result<Json<RunMade>, ApiError> {
    let run = find(&control, &id).await?;
    let credentials = secrets(body.credentials)?;
    let token = control.books.join_run(run, &actor.0).await?;
    if !credentials.is_empty() {
        control.gateway.set_run_credentials(run, credentials);
    }
    made(&control, run, token, &actor).await
}

/// Gives a run more: the same session goes on.
#[utoipa::path(post, path = "/runs/{id}/raise", tag = "runs", params(("id" = String, Path)), request_body = RunRaise,
    responses((status = 200, body = RunView), (status = 400, body = ErrorDocument), (status = 404, body = ErrorDocument)))]
pub(crate) async fn raise(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<RunRaise>,
) -> Result<Json<RunView>, ApiError> {
    let by = body.by_usd.nanos("by_usd")?;
    if by.is_zero() {
        return Err(ApiError::invalid("by_usd is zero; write how much more the run may spend, such as \"3\""));
    }
    let run = find(&control, &id).await?;
    control.books.raise_run(run, by, &actor.0).await?;
    one(&control, run).await
}

/// Ends a run and its keys; late calls still count on it.
#[utoipa::path(post, path = "/runs/{id}/end", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn end(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<RunView>, ApiError> {
    let run = find(&control, &id).await?;
    control.books.end_run(run, &actor.0).await?;
    for key in control.books.keys().iter().filter(|key| key.run == Some(run) && key.revoked_at.is_none()) {
        control.books.revoke_key(&key.id, &actor.0).await?;
    }
    control.gateway.drop_run_credentials(run);
    one(&control, run).await
}

async fn made(control: &Control, run: RunId, token: RunToken, actor: &Actor) -> Result<Json<RunMade>, ApiError> {
    let new = KeyNew {
        name: format!("run {}", run_text(run)),
        client_may_set: vec!["*".to_owned()],
        limits: RateLimits::default(),
        run: Some(run),
        ..KeyNew::default()
    };
    let (_, secret) = control.books.create_key(new, &actor.0).await?;
    Ok(Json(RunMade { run_id: run_text(run), token: token.0, key: secret.0 }))
}

async fn one(control: &Control, run: RunId) -> Result<Json<RunView>, ApiError> {
    super::run_view::view(control, &summary(control, run).await?).await.map(Json)
}

/// A run and its numbers. One that ended long ago is looked up on disk.
async fn summary(control: &Control, run: RunId) -> Result<RunSummary, ApiError> {
    let view = control.books.run_view(run).await.map_err(|_| unknown(&run_text(run)))?;
    if let Some(record) = control.books.run_by_id(run) {
        return Ok(RunSummary { record: (*record).clone(), view });
    }
    let all = control.books.runs(RunFilter { limit: Some(RUNS_MAX), ..RunFilter::default() }).await?;
    all.into_iter().find(|summary| summary.record.id == run).ok_or_else(|| unknown(&run_text(run)))
}

/// The run of an id, or of a unique prefix or suffix of at least six characters.
pub(crate) async fn find(control: &Control, text: &str) -> Result<RunId, ApiError> {
    if let Some(run) = parse_run(text) {
        control.books.run_view(run).await.map_err(|_| unknown(text))?;
        return Ok(run);
    }
    if text.len() < 6 || text.len() > 26 {
        return Err(unknown(text));
    }
    let part = text.to_ascii_uppercase();
    let all = control.books.runs(RunFilter { limit: Some(RUNS_MAX), ..RunFilter::default() }).await?;
    let mut found = all.iter().map(|run| run.record.id).filter(|id| {
        let id = run_text(*id);
        id.starts_with(&part) || id.ends_with(&part)
    });
    match (found.next(), found.next()) {
        (Some(run), None) => Ok(run),
        (Some(_), Some(_)) => Err(ApiError::invalid(format!("`{text}` is part of several run ids; write more of it"))),
        _ => Err(unknown(text)),
    }
}

fn unknown(text: &str) -> ApiError {
    ApiError::not_found(format!("there is no run `{}`; `mete runs list` shows them", short(text)))
}

fn secrets(credentials: BTreeMap<String, String>) -> Result<BTreeMap<String, Secret>, ApiError> {
    let is_header = |secret: &str| !secret.is_empty() && secret.len() <= 8192 && secret.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if credentials.len() > 64 || credentials.values().any(|secret| !is_header(secret)) {
        return Err(ApiError::invalid(
            "credentials: a provider key has 1 to 8192 printable characters without spaces, and there are at most 64",
        ));
    }
    Ok(credentials.into_iter().map(|(name, secret)| (name, Secret::new(secret))).collect())
}
