//! The admin API: one router, the same for a socket and for a command that opens the data directory itself.

mod budgets;
mod call_view;
mod calls;
pub(crate) mod error;
mod explain;
pub(crate) mod guard;
mod health;
pub(crate) mod input;
mod journal;
mod keys;
mod metrics;
mod money;
mod openapi;
mod operations;
mod prices;
mod run_view;
mod runs;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post};

use crate::control::Control;
use crate::prices::Desk;
use error::ApiError;

pub use openapi::document as openapi;

/// Everything that isn't the data plane: the admin API behind its guard, `/healthz` and `/metrics`.
pub(crate) fn router(control: Arc<Control>) -> Router {
    let guarded = routes().route_layer(from_fn_with_state(Arc::clone(&control), guard::guard));
    Router::new()
        .nest("/api/v1", guarded)
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(metrics::metrics))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(control)
}

/// The routes of the admin API; `openapi` describes exactly these.
fn routes() -> Router<Arc<Control>> {
    price_routes::<Arc<Control>>()
        .route("/budgets", get(budgets::list))
        .route("/budgets/{name}", get(budgets::get).put(budgets::put).delete(budgets::delete))
        .route("/budgets/{name}/pause", post(budgets::pause))
        .route("/budgets/{name}/resume", post(budgets::resume))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{id}", patch(keys::update).delete(keys::revoke))
        .route("/keys/{id}/rotate", post(keys::rotate))
        .route("/calls", get(calls::list))
        .route("/calls/{id}", get(calls::get))
        .route("/calls/{id}/explain", get(calls::explain))
        .route("/calls/{id}/resolve", post(calls::resolve))
        .route("/runs", get(runs::list).post(runs::start))
        .route("/runs/{id}", get(runs::get))
        .route("/runs/{id}/join", post(runs::join))
        .route("/runs/{id}/raise", post(runs::raise))
        .route("/runs/{id}/end", post(runs::end))
        .route("/prices", post(prices::set))
        .route("/prices/own", get(prices::own))
        .route("/prices/own/{id}", delete(prices::forget))
        .route("/prices/unknown", get(prices::unknown))
        .route("/estimate", post(money::estimate))
        .route("/stats", get(operations::stats))
        .route("/audit", get(operations::audit))
        .route("/journal", get(journal::list))
        .route("/verify", post(operations::verify))
        .route("/backup", post(operations::backup))
        .route("/config", get(operations::config))
        .route("/reload", post(operations::reload))
        .route("/openapi.json", get(openapi::show))
}

/// The routes that a price book without a data directory has too.
fn price_routes<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Desk: FromRef<S>,
{
    Router::new()
        .route("/prices", get(prices::list))
        .route("/prices/show", get(prices::show::show))
        .route("/prices/why", get(prices::why::why))
        .route("/prices/import", post(prices::import::import))
        .route("/prices/quarantine", get(prices::import::quarantine))
        .route("/prices/quarantine/{id}/accept", post(prices::import::accept))
        .route("/prices/conflicts", get(prices::compare::conflicts))
        .route("/prices/verify", get(prices::compare::verify))
        .route("/prices/snapshot", get(prices::compare::snapshot))
        .route("/cost", post(money::cost))
}

/// A price book without a data directory, for commands of its owner.
pub(crate) fn price_router(desk: Desk) -> Router {
    let routes = price_routes::<Desk>().layer(axum::Extension(guard::Actor::local()));
    Router::new().nest("/api/v1", routes).fallback(needs_a_directory).method_not_allowed_fallback(needs_a_directory).with_state(desk)
}

async fn needs_a_directory() -> ApiError {
    ApiError::not_found("this needs a data directory, not a price book alone; leave --book and --prices out")
}

async fn unknown() -> ApiError {
    ApiError::not_found("there is no such route; docs/openapi.json lists them")
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "the route doesn't take this method; docs/openapi.json lists what it takes",
    )
}
