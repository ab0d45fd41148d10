//! Virtual keys: `/api/v1/keys`. A secret is in exactly one answer, and in no list.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use store::{KeyChange, KeyId, KeyNew, KeyRecord, KeySecret, RateLimits, run_text};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorDocument};
use super::guard::Actor;
use super::input::{Body, instant, label, labels};
use crate::config::budgets::{check_text, short};
use crate::control::Control;

/// Longest time for which an old secret works beside a new one.
const OVERLAP_SECONDS_MAX: u64 = 30 * 86_400;

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    /// Its id; rotation keeps it, and so keeps the spend.
    pub id: String,
    pub name: String,
    /// Last four characters of the secret.
    pub last_four: String,
    /// Attributes of every call; they win over what a client says.
    pub attributes: BTreeMap<String, String>,
    /// Attributes that a client may set.
    pub client_may_set: Vec<String>,
    /// Allowed models; empty allows all.
    pub models: Vec<String>,
    pub expires_at: Option<String>,
    pub revoked_at: Option<String>,
    pub created_at: String,
    pub requests_per_minute: Option<u64>,
    pub tokens_per_minute: Option<u64>,
    pub concurrency: Option<u64>,
    /// The run that it belongs to.
    pub run: Option<String>,
}

impl From<&KeyRecord> for KeyView {
    fn from(key: &KeyRecord) -> Self {
        Self {
            id: key.id.0.clone(),
            name: key.name.clone(),
            last_four: key.last_four.clone(),
            attributes: key.attributes.clone(),
            client_may_set: key.client_may_set.clone(),
            models: key.models.clone(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
            created_at: key.created_at.to_string(),
            requests_per_minute: key.limits.requests_per_minute,
            tokens_per_minute: key.limits.tokens_per_minute,
            concurrency: key.limits.concurrency,
            run: key.run.map(run_text),
        }
    }
}

/// A key with its secret, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyMade {
    key: KeyView,
    /// `mk_…`; it can't be shown again.
    secret: String,
}

impl KeyMade {
    fn new((key, secret): (KeyRecord, KeySecret)) -> Json<Self> {
        Json(Self { key: KeyView::from(&key), secret: secret.0 })
    }
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyPost {
    name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    client_may_set: Vec<String>,
    #[serde(default)]
    models: Vec<String>,
    /// RFC 3339.
    expires_at: Option<String>,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    concurrency: Option<u64>,
}

/// What of a key changes; what is absent stays. Null ends an expiry or a limit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyPatch {
    name: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    client_may_set: Option<Vec<String>>,
    models: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    requests_per_minute: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    tokens_per_minute: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    concurrency: Option<Option<u64>>,
}

/// Tells a null from an absent field.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KeyRotate {
    /// For so long the old secret works on.
    overlap_seconds: u64,
}

/// Every key, revoked ones included; no secrets.
#[utoipa::path(get, path = "/keys", tag = "keys", responses((status = 200, body = [KeyView])))]
pub(crate) async fn list(State(control): State<Arc<Control>>) -> Json<Vec<KeyView>> {
    Json(control.books.keys().iter().map(|key| KeyView::from(key.as_ref())).collect())
}

/// Makes a key; its secret is shown once.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = KeyPost, responses((status = 200, body = KeyMade), (status = 400, body = ErrorDocument)))]
pub(crate) async fn create(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Body(body): Body<KeyPost>,
) -> Result<Json<KeyMade>, ApiError> {
    let limits = rate_limits(body.requests_per_minute, body.tokens_per_minute, body.concurrency)?;
    let new = KeyNew {
        name: free(&control, text("name", body.name)?, None)?,
        attributes: labels("attributes", body.attributes)?,
        client_may_set: settable(body.client_may_set)?,
        models: texts("models", body.models)?,
        expires_at: body.expires_at.map(|at| instant("expires_at", &at)).transpose()?,
        limits,
        run: None,
    };
    let made = control.books.create_key(new, &actor.0).await?;
    control.refresh_settings();
    Ok(KeyMade::new(made))
}

/// Changes a key.
#[utoipa::path(patch, path = "/keys/{id}", tag = "keys", params(("id" = String, Path)), request_body = KeyPatch,
    responses((status = 200, body = KeyView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn update(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<KeyPatch>,
) -> Result<Json<KeyView>, ApiError> {
    let key = known(&control, &id)?;
    let old = &key.limits;
    let pick = |new: Option<Option<u64>>, old: Option<u64>| new.unwrap_or(old);
    let limits = rate_limits(
        pick(body.requests_per_minute, old.requests_per_minute),
        pick(body.tokens_per_minute, old.tokens_per_minute),
        pick(body.concurrency, old.concurrency),
    )?;
    let change = KeyChange {
        name: body.name.map(|name| text("name", name).and_then(|name| free(&control, name, Some(&key.id)))).transpose()?,
        attributes: body.attributes.map(|all| labels("attributes", all)).transpose()?,
        client_may_set: body.client_may_set.map(settable).transpose()?,
        models: body.models.map(|all| texts("models", all)).transpose()?,
        expires_at: body.expires_at.map(|at| at.map(|at| instant("expires_at", &at)).transpose()).transpose()?,
        limits: Some(limits).filter(|limits| limits != old),
    };
    let key = control.books.update_key(&key.id, change, &actor.0).await?;
    Ok(Json(KeyView::from(&key)))
}

/// Gives a key a new secret; its id, attributes and spend stay.
#[utoipa::path(post, path = "/keys/{id}/rotate", tag = "keys", params(("id" = String, Path)), request_body = KeyRotate,
    responses((status = 200, body = KeyMade), (status = 404, body = ErrorDocument)))]
pub(crate) async fn rotate(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<KeyRotate>,
) -> Result<Json<KeyMade>, ApiError> {
    if body.overlap_seconds > OVERLAP_SECONDS_MAX {
        return Err(ApiError::invalid(format!("overlap_seconds is a number from 0 to {OVERLAP_SECONDS_MAX}")));
    }
    let key = known(&control, &id)?;
    let made = control.books.rotate_key(&key.id, Duration::from_secs(body.overlap_seconds), &actor.0).await?;
    Ok(KeyMade::new(made))
}

/// Revokes a key at once.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys", params(("id" = String, Path)),
    responses((status = 200, body = KeyView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn revoke(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<KeyView>, ApiError> {
    let key = known(&control, &id)?;
    let key = control.books.revoke_key(&key.id, &actor.0).await?;
    control.refresh_settings();
    Ok(Json(KeyView::from(&key)))
}

fn known(control: &Control, id: &str) -> Result<Arc<KeyRecord>, ApiError> {
    let keys = control.books.keys();
    let missing = || ApiError::not_found(format!("there is no key `{}`; `mete keys list` shows all", short(id)));
    keys.get(&KeyId(id.to_owned())).cloned().ok_or_else(missing)
}

/// A name that no other key in force has: budgets match keys by name.
fn free(control: &Control, name: String, own: Option<&KeyId>) -> Result<String, ApiError> {
    let keys = control.books.keys();
    let is_taken = keys.iter().any(|key| key.name == name && key.revoked_at.is_none() && Some(&key.id) != own);
    if is_taken {
        return Err(ApiError::conflict(
            "name_taken",
            format!("there is a key `{}` already, and budgets match keys by name; choose another name, or rotate that key", short(&name)),
        ));
    }
    Ok(name)
}

fn text(field: &str, text: String) -> Result<String, ApiError> {
    check_text(&text).map_err(|problem| ApiError::invalid(format!("{field}: {problem}")))?;
    Ok(text)
}

fn texts(field: &str, all: Vec<String>) -> Result<Vec<String>, ApiError> {
    if all.len() > 1000 {
        return Err(ApiError::invalid(format!("{field} has more than 1000 entries; send fewer")));
    }
    all.into_iter().map(|one| text(field, one)).collect()
}

/// Which attributes clients may set; facts never are.
fn settable(names: Vec<String>) -> Result<Vec<String>, ApiError> {
    names.iter().try_for_each(|name| label("client_may_set", name))?;
    texts("client_may_set", names)
}

fn rate_limits(requests: Option<u64>, tokens: Option<u64>, concurrency: Option<u64>) -> Result<RateLimits, ApiError> {
    let named = [("requests_per_minute", requests), ("tokens_per_minute", tokens), ("concurrency", concurrency)];
    if let Some((field, _)) = named.iter().find(|(_, value)| value.is_some_and(|value| value > 1_000_000_000_000)) {
        return Err(ApiError::invalid(format!("{field} is absurdly large; leave it out for no limit")));
    }
    Ok(RateLimits { requests_per_minute: requests, tokens_per_minute: tokens, concurrency })
}
