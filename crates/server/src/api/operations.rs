//! Running things: stats, audit, verify, backup, config, reload.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::AuditFilter;
use utoipa::ToSchema;

use super::calls::read;
use super::error::{ApiError, ErrorDocument};
use super::guard::Actor;
use super::input::{Body, Query};
use crate::config::Effective;
use crate::control::Control;

/// How things stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsView {
    pub version: &'static str,
    pub started_at: String,
    /// Where the data plane listens; null in a process that serves nothing.
    pub address: Option<String>,
    pub config_version: String,
    pub price_book: String,
    /// When the newest facts of the price book were gathered; null where it names no date.
    pub price_book_as_of: Option<String>,
    /// What should be known of the price book: that it is old, or that imports are left out; null when all is well.
    pub price_book_warning: Option<String>,
    pub calls_in_flight: u64,
    pub open_holds: usize,
    pub unresolved: usize,
    pub held_nanos: i64,
    pub held_usd: String,
    pub spent_nanos: i64,
    pub spent_usd: String,
    /// Calls that wait for money.
    pub waiting: usize,
    pub budgets: usize,
    pub keys: usize,
    pub journal_seq: u64,
    pub commits: u64,
    pub commit_last_micros: u64,
    pub commit_max_micros: u64,
    /// Why the last reload changed nothing.
    pub reload_error: Option<String>,
    /// Why nothing is admitted, if so.
    pub stopped: Option<String>,
}

/// One admin change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    pub seq: i64,
    pub time: String,
    pub actor: String,
    pub action: String,
    pub subject: String,
    #[schema(value_type = Object)]
    pub before: Value,
    #[schema(value_type = Object)]
    pub after: Value,
}

/// How far to look.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct VerifyPost {
    /// From the journal's first line instead of the last snapshot.
    full: bool,
}

/// What was checked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyView {
    pub ok: bool,
    pub budgets: u64,
    pub postings: u64,
    pub open_holds: u64,
    pub violations: Vec<String>,
}

impl From<store::VerifyReport> for VerifyView {
    fn from(report: store::VerifyReport) -> Self {
        let store::VerifyReport { ok, budgets, postings, open_holds, violations, .. } = report;
        Self { ok, budgets, postings, open_holds, violations }
    }
}

/// Where to write a copy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupPost {
    /// An absolute path on the server's machine; nothing may be there yet.
    path: String,
}

/// A copy that was written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackupView {
    pub path: String,
    pub bytes: u64,
}

/// A provider as it is configured, without its key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderView {
    pub name: String,
    pub dialect: &'static str,
    pub base_url: String,
    pub seller: String,
    /// Whether the gateway has a key of its own for it.
    pub has_key: bool,
}

/// Every effective value and where it came from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigView {
    /// The file that it was read from; null for the built-in configuration.
    pub file: Option<String>,
    pub version: String,
    /// `keyed` or `passthrough`, as it is now.
    pub authentication: &'static str,
    pub providers: Vec<ProviderView>,
    pub values: Vec<Effective>,
}

/// The versions in force after a reload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReloadView {
    pub config_version: String,
    pub price_book: String,
}

/// How things stand.
#[utoipa::path(get, path = "/stats", tag = "operations", responses((status = 200, body = StatsView)))]
pub(crate) async fn stats(State(control): State<Arc<Control>>) -> Result<Json<StatsView>, ApiError> {
    let stats = control.books.stats();
    let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Ok(Json(StatsView {
        version: env!("CARGO_PKG_VERSION"),
        started_at: control.started_at.to_string(),
        address: control.address().map(|address| address.to_string()),
        config_version: control.config().version.clone(),
        price_book: control.gateway.prices().version().to_owned(),
        price_book_as_of: control.stock().as_of().map(|at| at.to_string()),
        price_book_warning: control.prices_warning(Timestamp::now()),
        calls_in_flight: control.gateway.in_flight(),
        open_holds: stats.open_holds,
        unresolved: stats.unresolved,
        held_nanos: stats.held.get(),
        held_usd: stats.held.to_usd(),
        spent_nanos: stats.spent.get(),
        spent_usd: stats.spent.to_usd(),
        waiting: stats.waiting,
        budgets: control.books.budgets().await?.len(),
        keys: control.books.keys().len(),
        journal_seq: stats.journal_seq,
        commits: stats.batches,
        commit_last_micros: micros(stats.commit_last),
        commit_max_micros: micros(stats.commit_max),
        reload_error: control.reload_error(),
        stopped: stats.stopped,
    }))
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/audit", tag = "operations", params(("since" = Option<String>, Query), ("until" = Option<String>, Query),
    ("actor" = Option<String>, Query), ("action" = Option<String>, Query), ("subject" = Option<String>, Query),
    ("limit" = Option<u32>, Query)), responses((status = 200, body = [AuditView])))]
pub(crate) async fn audit(State(control): State<Arc<Control>>, mut query: Query) -> Result<Json<Vec<AuditView>>, ApiError> {
    let filter = AuditFilter {
        since: query.instant("since")?,
        until: query.instant("until")?,
        actor: query.one("actor")?,
        action: query.one("action")?,
        subject: query.one("subject")?,
        limit: query.limit()?,
    };
    query.end()?;
    let lines = read(&control, move |reader| reader.audit(&filter)).await?;
    let view = |line: store::AuditLine| AuditView {
        seq: line.seq,
        time: line.at.to_string(),
        actor: line.actor,
        action: line.action,
        subject: line.subject,
        before: line.before,
        after: line.after,
    };
    Ok(Json(lines.into_iter().map(view).collect()))
}

/// Checks that everything adds up.
#[utoipa::path(post, path = "/verify", tag = "operations", request_body = VerifyPost, responses((status = 200, body = VerifyView)))]
pub(crate) async fn verify(State(control): State<Arc<Control>>, Body(body): Body<VerifyPost>) -> Result<Json<VerifyView>, ApiError> {
    let data = control.data.clone();
    Ok(Json(read(&control, move |_| store::verify(&data, body.full)).await?.into()))
}

/// Writes a consistent copy while serving. Whoever has the admin token may name the file; nothing is overwritten.
#[utoipa::path(post, path = "/backup", tag = "operations", request_body = BackupPost,
    responses((status = 200, body = BackupView), (status = 400, body = ErrorDocument), (status = 409, body = ErrorDocument)))]
pub(crate) async fn backup(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Body(body): Body<BackupPost>,
) -> Result<Json<BackupView>, ApiError> {
    let path = PathBuf::from(&body.path);
    if !path.is_absolute() || body.path.len() > 4096 || body.path.contains('\0') {
        return Err(ApiError::invalid("path is an absolute path on the server's machine"));
    }
    let (books, file) = (control.books.clone(), path.clone());
    let done = tokio::task::spawn_blocking(move || books.backup(&file)).await;
    let internal = |error: String| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "backup_failed", error);
    done.map_err(|error| internal(error.to_string()))?.map_err(|error| match error {
        store::BackupError::Exists(_) => ApiError::conflict("exists", error.to_string()),
        other => internal(other.to_string()),
    })?;
    tracing::info!(actor = %actor.0, path = %path.display(), "backup written");
    let bytes = std::fs::metadata(&path).map(|metadata| metadata.len()).unwrap_or(0);
    Ok(Json(BackupView { path: body.path, bytes }))
}

/// Every effective value and where it came from; secrets only as set or not set.
#[utoipa::path(get, path = "/config", tag = "operations", responses((status = 200, body = ConfigView)))]
pub(crate) async fn config(State(control): State<Arc<Control>>) -> Json<ConfigView> {
    let config = control.config();
    let view = |provider: &gateway::ProviderSettings| ProviderView {
        name: provider.name.clone(),
        dialect: provider.dialect.name(),
        base_url: provider.base_url.to_string(),
        seller: provider.seller.clone(),
        has_key: provider.api_key.is_some(),
    };
    let authentication = match control.gateway.settings().authentication {
        gateway::Authentication::Keyed => "keyed",
        gateway::Authentication::Passthrough => "passthrough",
    };
    Json(ConfigView {
        version: config.version.clone(),
        file: control.config_file(),
        authentication,
        providers: config.providers().iter().map(view).collect(),
        values: config.effective.clone(),
    })
}

/// Reads config and prices again. A bad file changes nothing and is answered 409.
#[utoipa::path(post, path = "/reload", tag = "operations", responses((status = 200, body = ReloadView), (status = 409, body = ErrorDocument)))]
pub(crate) async fn reload(State(control): State<Arc<Control>>) -> Result<Json<ReloadView>, ApiError> {
    control
        .reload()
        .await
        .map_err(|why| ApiError::conflict("reload_rejected", format!("{why}; the running configuration is unchanged")))?;
    Ok(Json(ReloadView { config_version: control.config().version.clone(), price_book: control.gateway.prices().version().to_owned() }))
}
