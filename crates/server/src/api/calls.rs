//! Calls: `/api/v1/calls`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use store::{CallFilter, CallId, CallRecord, CallStatus, KeyId, ReadError, Reader, Resolution, Target};
use utoipa::ToSchema;

use super::call_view::CallView;
use super::error::{ApiError, ErrorDocument};
use super::explain::Explanation;
use super::guard::Actor;
use super::input::{Body, Query, Usd};
use crate::config::budgets::short;
use crate::control::Control;

/// What became of an unresolved or assumed call: `cost_usd`, or `void: true`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallResolve {
    /// What it cost, in dollars.
    #[schema(value_type = Option<String>)]
    cost_usd: Option<Usd>,
    /// It cost nothing.
    #[serde(default)]
    void: bool,
    /// Why, for the audit.
    reason: String,
}

/// Calls, newest first. Times are RFC 3339; `attribute=k=v` may be repeated; `before` is the last call id of the page before.
#[utoipa::path(get, path = "/calls", tag = "calls", params(
    ("since" = Option<String>, Query), ("until" = Option<String>, Query), ("model" = Option<String>, Query),
    ("provider" = Option<String>, Query), ("status" = Option<String>, Query), ("run" = Option<String>, Query),
    ("session" = Option<String>, Query), ("key" = Option<String>, Query), ("attribute" = Option<Vec<String>>, Query),
    ("unresolved" = Option<bool>, Query), ("refused" = Option<bool>, Query), ("before" = Option<String>, Query),
    ("limit" = Option<u32>, Query)), responses((status = 200, body = [CallView]), (status = 400, body = ErrorDocument)))]
pub(crate) async fn list(State(control): State<Arc<Control>>, query: Query) -> Result<Json<Vec<CallView>>, ApiError> {
    let filter = filter(&control, query).await?;
    let calls = read(&control, move |reader| reader.calls(&filter)).await?;
    Ok(Json(calls.iter().map(CallView::from).collect()))
}

/// One call.
#[utoipa::path(get, path = "/calls/{id}", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = CallView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn get(State(control): State<Arc<Control>>, Path(id): Path<String>) -> Result<Json<CallView>, ApiError> {
    Ok(Json(CallView::from(&known(&control, &id).await?)))
}

/// One call's arithmetic, as a person would check it.
#[utoipa::path(get, path = "/calls/{id}/explain", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = Explanation), (status = 404, body = ErrorDocument)))]
pub(crate) async fn explain(State(control): State<Arc<Control>>, Path(id): Path<String>) -> Result<Json<Explanation>, ApiError> {
    let call = known(&control, &id).await?;
    Ok(Json(super::explain::explain(&control, &call).await?))
}

/// Says what became of an unresolved or assumed call; a posting of its own corrects what was assumed.
#[utoipa::path(post, path = "/calls/{id}/resolve", tag = "calls", params(("id" = String, Path)), request_body = CallResolve,
    responses((status = 200, body = CallView), (status = 400, body = ErrorDocument), (status = 404, body = ErrorDocument)))]
pub(crate) async fn resolve(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<CallResolve>,
) -> Result<Json<CallView>, ApiError> {
    let resolution = match (&body.cost_usd, body.void) {
        (Some(cost), false) => Resolution::Cost(cost.nanos("cost_usd")?),
        (None, true) => Resolution::Void,
        _ => return Err(ApiError::invalid("say either cost_usd or void: true")),
    };
    let reason = body.reason.trim();
    if reason.is_empty() || reason.len() > 1000 {
        return Err(ApiError::invalid("reason is needed for the audit, at most 1000 bytes"));
    }
    let call = known(&control, &id).await?;
    control.books.resolve(Target::Call(call.call), resolution, reason, &actor.0).await?;
    Ok(Json(CallView::from(&known(&control, &id).await?)))
}

async fn filter(control: &Control, mut query: Query) -> Result<CallFilter, ApiError> {
    let mut filter = CallFilter {
        since: query.instant("since")?,
        until: query.instant("until")?,
        model: query.one("model")?,
        provider: query.one("provider")?,
        status: query.one("status")?.map(|word| status(&word)).transpose()?,
        run: None,
        key: query.one("key")?.map(|key| key_name(control, key)),
        attributes: query.pairs("attribute")?,
        unresolved_only: query.flag("unresolved")?,
        before: query.one("before")?.map(|id| call_id(&id)).transpose()?,
        limit: query.limit()?,
    };
    filter.attributes.extend(query.pairs("tag")?);
    if let Some(run) = query.one("run")? {
        filter.run = Some(super::runs::find(control, &run).await?);
    }
    if let Some(session) = query.one("session")? {
        filter.attributes.insert("session".to_owned(), session);
    }
    if query.flag("refused")? {
        filter.status = Some(CallStatus::Refused);
    }
    query.end()?;
    Ok(filter)
}

/// Calls are kept by their key's name; its id will do as well.
fn key_name(control: &Control, key: String) -> String {
    control.books.keys().get(&KeyId(key.clone())).map_or(key, |record| record.name.clone())
}

fn status(word: &str) -> Result<CallStatus, ApiError> {
    let wrong = || ApiError::invalid(format!("status `{}`: write held, settled, voided, unresolved, assumed or refused", short(word)));
    CallStatus::parse(word).ok_or_else(wrong)
}

fn call_id(text: &str) -> Result<CallId, ApiError> {
    CallId::parse(text).ok_or_else(|| ApiError::not_found(format!("there is no call `{}`; `mete calls list` shows them", short(text))))
}

async fn known(control: &Control, id: &str) -> Result<CallRecord, ApiError> {
    let call = call_id(id)?;
    let found = read(control, move |reader| reader.call(call)).await?;
    found.ok_or_else(|| ApiError::not_found(format!("there is no call `{}`; `mete calls list` shows them", short(id))))
}

/// Reads records off the async threads.
pub(crate) async fn read<T: Send + 'static>(
    control: &Control,
    read: impl FnOnce(&Reader) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ApiError> {
    let reader = control.books.reader();
    let done = tokio::task::spawn_blocking(move || read(&reader)).await;
    let broken =
        |error: tokio::task::JoinError| ApiError::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string());
    Ok(done.map_err(broken)??)
}
