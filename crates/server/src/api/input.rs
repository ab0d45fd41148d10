//! What comes in: JSON bodies, queries and amounts, each refused with a sentence when it isn't what it should be.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{StatusCode, header, request::Parts};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use money::Nanos;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::error::ApiError;
use crate::config::budgets::{check_text, check_value, short};

const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
const BODY_IDLE_USUAL: Duration = Duration::from_secs(30);

/// A JSON body; an empty one counts as `{}`. Unknown fields are refused by the types themselves.
pub(crate) struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_vec());
        let bytes = whole(request, BODY_BYTES_MAX, "the body is larger than 4 MiB; send less at a time").await?;
        let is_json = kind.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().starts_with(b"application/json"));
        if !bytes.is_empty() && !is_json {
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "send JSON with `content-type: application/json`"));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        // Serde would also take a list of the fields' values in their order, which no one means.
        if text.trim_ascii_start().first() == Some(&b'[') {
            return Err(ApiError::invalid("the body can't be used: send a JSON object"));
        }
        // Serde keeps the last of two equal keys of a map, which is a second limit or selector beside the one that was read.
        dialects::check_json(text).map_err(|bad| ApiError::invalid(format!("the body can't be used: {}", bad.message)))?;
        serde_json::from_slice(text).map(Self).map_err(|error| ApiError::invalid(format!("the body can't be used: {error}")))
    }
}

/// A file as the body of a request, of a bounded size.
pub(crate) async fn file_body(request: Request) -> Result<Vec<u8>, ApiError> {
    Ok(whole(request, FILE_BYTES_MAX, "the file is larger than 64 MiB; send less at a time").await?.to_vec())
}

/// Reads a body within its size and, piece by piece, within the time that the config allows.
async fn whole(request: Request, most: usize, too_large: &'static str) -> Result<Bytes, ApiError> {
    if !request.headers().get_all(header::CONTENT_ENCODING).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let message = "compressed bodies aren't read; send it as it is";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding", message));
    }
    let idle = request.extensions().get::<BodyIdle>().map_or(BODY_IDLE_USUAL, |idle| idle.0);
    let mut body = request.into_body();
    let mut bytes = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(idle, body.frame()).await;
        let Some(frame) =
            frame.map_err(|_| ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "no piece of the body came for too long"))?
        else {
            return Ok(bytes.freeze());
        };
        let frame = frame.map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "body_broken", "the body broke off before its end"))?;
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > most {
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", too_large));
        }
        bytes.extend_from_slice(&piece);
    }
}

/// How long the next piece of a body may take, for requests that come through a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyIdle(pub Duration);

/// An amount in dollars: a decimal string or a JSON number, read exactly from its text.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Usd(pub String);

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            _ => Err(serde::de::Error::custom("an amount is a decimal string such as \"25.00\"")),
        }
    }
}

impl Usd {
    /// The amount.
    pub fn nanos(&self, field: &str) -> Result<Nanos, ApiError> {
        Nanos::from_usd(&self.0).map_err(|why| ApiError::invalid(format!("{field} `{}`: {why}", short(&self.0))))
    }
}

/// Attributes with names and values that can be kept.
pub(crate) fn attributes(field: &str, attributes: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ApiError> {
    if attributes.len() > 64 {
        return Err(ApiError::invalid(format!("{field} has more than 64 attributes; send fewer")));
    }
    for (name, value) in &attributes {
        check_text(name).and_then(|()| check_value(value)).map_err(|problem| ApiError::invalid(format!("{field}: {problem}")))?;
    }
    Ok(attributes)
}

/// Attributes of a key or a run: what Mete itself says of a call can't be among them.
pub(crate) fn labels(field: &str, labels: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ApiError> {
    for name in labels.keys() {
        label(field, name)?;
    }
    attributes(field, labels)
}

/// A name that isn't a fact of calls.
pub(crate) fn label(field: &str, name: &str) -> Result<(), ApiError> {
    match gateway::is_fact(name) {
        true => Err(ApiError::invalid(format!(
            "{field}: `{}` is a fact of each call that Mete finds out itself; choose another name",
            short(name)
        ))),
        false => Ok(()),
    }
}

/// An instant: RFC 3339, or a date, which is its first instant in UTC.
pub(crate) fn instant(field: &str, text: &str) -> Result<Timestamp, ApiError> {
    let date = || TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok();
    let wrong = || ApiError::invalid(format!("{field} `{}` is not a time; write RFC 3339, such as 2026-11-23T12:00:00Z", short(text)));
    text.parse().ok().or_else(date).ok_or_else(wrong)
}

/// The query of a request. Each name is taken once; what is left in the end is refused.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        pairs.map(|pairs| Self(pairs.0)).map_err(|error| ApiError::invalid(format!("the query can't be read: {error}")))
    }
}

impl Query {
    /// The value of a name that may be there once.
    pub fn one(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let mut all = self.all(name);
        match all.len() {
            0 | 1 => Ok(all.pop()),
            _ => Err(ApiError::invalid(format!("`{name}` is given twice; give it once"))),
        }
    }

    /// All values of a name.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|(key, _)| key == name);
        self.0 = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// `name=k=v`, any number of times.
    pub fn pairs(&mut self, name: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let split = |pair: String| {
            let found = pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
            found.ok_or_else(|| ApiError::invalid(format!("{name} `{}` is not of the form k=v", short(&pair))))
        };
        let all: BTreeMap<_, _> = self.all(name).into_iter().map(split).collect::<Result<_, _>>()?;
        attributes(name, all)
    }

    /// An instant.
    pub fn instant(&mut self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        self.one(name)?.map(|text| instant(name, &text)).transpose()
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Result<bool, ApiError> {
        match self.one(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(_) => Err(ApiError::invalid(format!("{name} is true or false"))),
        }
    }

    /// How many to list: 1 to 10,000.
    pub fn limit(&mut self) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.one("limit")? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (1..=10_000).contains(number));
        number.map(Some).ok_or_else(|| ApiError::invalid("limit is a number from 1 to 10000"))
    }

    /// Refuses names that nobody took.
    pub fn end(self) -> Result<(), ApiError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(ApiError::invalid(format!("unknown query parameter `{}`; docs/openapi.json lists those of each route", short(name))))
            }
        }
    }
}
