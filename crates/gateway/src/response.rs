//! Stage 9, what the client gets: the provider's answer with what it cost beside it, or Mete's own in the same shape.

use bytes::Bytes;
use dialects::{Denial, Dialect, Operation};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};
use ledger::AccountView;
use money::Nanos;
use store::{CallId, Outcome};

use crate::admit::Admitted;
use crate::body::Body;
use crate::denied::Denied;
use crate::refusal::{account_name, header_text};
use crate::settle::Verdict;
use crate::shape::{HOP_BY_HOP, connection_names};

const CALL_ID: HeaderName = HeaderName::from_static("x-mete-call-id");
const COST: HeaderName = HeaderName::from_static("x-mete-cost-usd");
const HELD: HeaderName = HeaderName::from_static("x-mete-held-usd");
const BUDGET: HeaderName = HeaderName::from_static("x-mete-budget");
const REMAINING: HeaderName = HeaderName::from_static("x-mete-remaining-usd");
const MAX_TOKENS: HeaderName = HeaderName::from_static("x-mete-max-tokens");
const PROMO_MESSAGE: HeaderName = HeaderName::from_static("x-codex-promo-message");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// The head of an answer as the provider gave it, without what belongs to its connection.
pub(crate) fn head(status: StatusCode, upstream: &HeaderMap) -> Response<()> {
    let named = connection_names(upstream);
    let mut response = Response::new(());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in upstream {
        let ends_here = HOP_BY_HOP.contains(name)
            || [CONTENT_LENGTH, SET_COOKIE].contains(name)
            || ["alt-svc", "strict-transport-security", "trailer"].contains(&name.as_str())
            || name.as_str().starts_with("x-mete-")
            || named.iter().any(|connection| connection == name.as_str());
        if !ends_here {
            headers.append(name.clone(), value.clone());
        }
    }
    response
}

/// Adds what Mete knows before the cost: call, hold, tightest budget, granted ceiling.
pub(crate) fn with_admission(response: &mut Response<()>, call: CallId, admitted: &Admitted, asked: Option<u64>) {
    let headers = response.headers_mut();
    set(headers, CALL_ID, &call.to_string());
    set(headers, HELD, &held_of(admitted).to_usd());
    if let Some(view) = &admitted.grant.tightest {
        with_remaining(headers, view, view.remaining.unwrap_or(Nanos::ZERO));
    }
    if let Some(ceiling) = admitted.ceiling.filter(|ceiling| admitted.ceiling_sent.is_some() && asked.is_none_or(|asked| *ceiling < asked))
    {
        set(headers, MAX_TOKENS, &ceiling.to_string());
    }
}

/// Adds the cost, and what is left after it.
pub(crate) fn with_cost(response: &mut Response<()>, admitted: &Admitted, verdict: &Verdict) {
    let headers = response.headers_mut();
    let billed = billed(verdict, admitted.covered);
    // An unknown price isn't a price of zero, so nothing is said.
    if verdict.priced || admitted.covered {
        set(headers, COST, &billed.to_usd());
    }
    if let Some(view) = &admitted.grant.tightest
        && let Some(remaining) = view.remaining
    {
        let freed = held_of(admitted).checked_sub(billed).and_then(|freed| remaining.checked_add(freed));
        let left = freed.map_or(remaining, |left| left.max(Nanos::ZERO));
        with_remaining(headers, view, left);
    }
}

/// What is owed: nothing for what a subscription covers.
fn billed(verdict: &Verdict, covered: bool) -> Nanos {
    if covered { Nanos::ZERO } else { verdict.cost() }
}

/// What the call holds of billed money.
fn held_of(admitted: &Admitted) -> Nanos {
    if admitted.covered { Nanos::ZERO } else { admitted.grant.granted }
}

fn with_remaining(headers: &mut HeaderMap, view: &AccountView, remaining: Nanos) {
    set(headers, BUDGET, &header_text(&account_name(&view.account)));
    set(headers, REMAINING, &remaining.to_usd());
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The last comment of a stream, for clients that asked for it; SSE parsers skip comments.
pub(crate) fn trailer(call: CallId, covered: bool, verdict: &Verdict) -> Bytes {
    let cost = billed(verdict, covered).to_usd();
    let call = call.to_string();
    let mut fields = vec![("x-mete-call-id", call.as_str())];
    if verdict.priced || covered {
        fields.push(("x-mete-cost-usd", cost.as_str()));
    }
    if matches!(verdict.outcome, Outcome::Settled { estimated: true, .. }) {
        fields.push(("x-mete-estimated", "true"));
    }
    dialects::trailer_comment(&fields)
}

/// Mete's own answer.
pub(crate) fn denied(dialect: Dialect, is_codex: bool, call: Option<CallId>, denied: &Denied) -> Response<Body> {
    let mut denial = denied.denial.clone();
    if let Some(call) = call {
        denial.details.insert("call_id".to_owned(), call.to_string().into());
    }
    let mut response = match &denied.codex {
        Some(notice) if is_codex => codex(&denial, notice.resets_at),
        _ => plain(dialect, &denial),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if denied.is_final() {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    for (name, value) in &denied.headers {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(call) = call {
        set(headers, CALL_ID, &call.to_string());
    }
    response
}

fn plain(dialect: Dialect, denial: &Denial) -> Response<Body> {
    let mut response = Response::new(Body::from(dialects::denial_body(dialect, denial)));
    *response.status_mut() = StatusCode::from_u16(denial.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// The one document that stops Codex at once with readable text. The reset is told only where there is one.
fn codex(denial: &Denial, resets_at: Option<i64>) -> Response<Body> {
    let document = dialects::codex_denial(denial, resets_at);
    let mut response = Response::new(Body::from(document.body));
    *response.status_mut() = StatusCode::from_u16(document.status).unwrap_or(StatusCode::TOO_MANY_REQUESTS);
    set(response.headers_mut(), PROMO_MESSAGE, &document.promo_message);
    response
}

/// An error inside a stream that has begun, behind whatever event was cut.
pub(crate) fn stream_error(dialect: Dialect, operation: Operation, denial: &Denial) -> Bytes {
    let event = dialects::stream_error_event(dialect, operation, &denial.message);
    [b"\n\n", event.as_ref()].concat().into()
}

/// A provider's error text without the gateway's own key, which some providers repeat.
pub(crate) fn scrub(status: StatusCode, body: Bytes, secret: Option<&str>) -> Bytes {
    let Some(secret) = secret.filter(|secret| secret.len() >= 8 && !status.is_success()) else { return body };
    if !body.windows(secret.len()).any(|window| window == secret.as_bytes()) {
        return body;
    }
    String::from_utf8_lossy(&body).replace(secret, "[key removed by mete]").into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_s_error_does_not_give_the_gateway_s_key_away() {
        let body = Bytes::from_static(b"{\"error\":\"wrong key sk-gateway-1234\"}");
        let scrubbed = scrub(StatusCode::UNAUTHORIZED, body.clone(), Some("sk-gateway-1234"));
        assert_eq!(scrubbed, Bytes::from_static(b"{\"error\":\"wrong key [key removed by mete]\"}"));
        assert_eq!(scrub(StatusCode::UNAUTHORIZED, body.clone(), Some("sk-other-key")), body);
        assert_eq!(scrub(StatusCode::UNAUTHORIZED, body.clone(), None), body);
    }
}
