//! `/healthz`: whether calls can be admitted, and what a person should look at.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::control::Control;

/// 200 while calls can be admitted, else 503. A rejected reload is told and isn't unhealthy: the running config serves on.
pub(crate) async fn healthz(State(control): State<Arc<Control>>) -> (StatusCode, Json<Value>) {
    let stopped = control.books.stats().stopped;
    let status = if stopped.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let document = json!({
        "status": if stopped.is_some() { "stopped" } else { "ok" },
        "version": env!("CARGO_PKG_VERSION"),
        "reload": if control.reload_error().is_some() { "rejected" } else { "ok" },
        "detail": stopped.or_else(|| control.reload_error().map(|_| "the last reload was rejected; the log and GET /api/v1/stats say why".to_owned())),
    });
    (status, Json(document))
}
