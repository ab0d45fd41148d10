//! Stage 0, what came: one request line looked up in the table of routes, one body within its limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialects::{Dialect, Hints, Operation, Request, Route, RouteError, RouteHints};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST, RETRY_AFTER, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri, Version};
use tokio::time::Instant;

use crate::body::{Bounds, ReadError, RequestBody, Room, read_whole};
use crate::denied::{Denied, Step, echo};
use crate::settings::Settings;
use crate::stored::Stored;

/// What two servers could read differently of a head: a request to a proxy, several hosts, or several codings of the body.
/// `None` when all is well; RFC 9112, sections 3.2 and 6.1. What hyper refuses by itself never comes here.
#[must_use]
pub fn ambiguity(version: Version, target: &Uri, headers: &HeaderMap) -> Option<(&'static str, &'static str)> {
    // In HTTP/2 the address always names a host; in HTTP/1.1 only a request to a proxy does.
    if version <= Version::HTTP_11 && target.authority().is_some() {
        return Some(("absolute_uri", "Mete isn't a forward proxy; send the path alone, for example `POST /v1/messages`"));
    }
    let hosts = headers.get_all(HOST).iter().count();
    if hosts > 1 || (version == Version::HTTP_11 && hosts == 0) {
        return Some(("invalid_host", "a request names exactly one `host`; send it once"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_plain = codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !is_plain || codings.next().is_some() {
        return Some(("invalid_framing", "the only transfer encoding that is read is `chunked`, once"));
    }
    None
}

/// Looks the request line up. Whatever isn't in the table is answered here and never forwarded.
pub(crate) fn route(head: &Parts) -> Step<Route> {
    if let Some((code, message)) = ambiguity(head.version, &head.uri, &head.headers) {
        return Err(Denied::bad_request(code, message));
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let upgrade = head.headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let hints = RouteHints {
        anthropic_version: head.headers.contains_key("anthropic-version"),
        goog_api_key: head.headers.contains_key("x-goog-api-key"),
        upgrade,
    };
    dialects::route_with(head.method.as_str(), path, hints).map_err(|error| match error {
        RouteError::Unknown => {
            if let Some(known) = dialects::unserved(path) {
                return unserved(head, known);
            }
            let asked = format!("`{} {}` isn't a path that Mete serves; nothing was forwarded", head.method, echo(head.uri.path()));
            // The commonest slip of a configuration is a base URL without its version.
            let versioned = format!("/v1{path}");
            let message = match dialects::route_with(head.method.as_str(), &versioned, hints) {
                Ok(_) => format!("{asked}; did you mean `{}`? end the base URL with /v1", echo(&versioned)),
                Err(_) => asked,
            };
            Denied::new(StatusCode::NOT_FOUND, "unknown_route", message)
        }
        RouteError::Method { allow } => {
            Denied::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("this path takes {allow}")).with_header(ALLOW, allow)
        }
        RouteError::Upgrade => {
            Denied::new(StatusCode::UPGRADE_REQUIRED, "websocket", "Mete speaks HTTP here and no WebSocket; send a POST")
        }
    })
}

/// What the vendor has and Mete doesn't: said by its name, so that nobody looks for a slip in the address.
fn unserved(head: &Parts, known: &dialects::Unserved) -> Box<Denied> {
    let why = if known.is_paid { "it can't be priced and bounded before it runs" } else { "it isn't part of a metered call" };
    let message = format!(
        "`{} {}` ({}) isn't served by Mete yet, because {why}; nothing was forwarded. Send it to the provider directly, outside of every budget",
        head.method,
        echo(head.uri.path()),
        known.what
    );
    Denied::new(StatusCode::NOT_FOUND, "unserved_route", message)
}

/// The dialect whose error shape fits a path that isn't served.
pub(crate) fn likely_dialect(head: &Parts) -> Dialect {
    let path = head.uri.path();
    let gemini = path.contains("/v1beta") || path.contains(":generateContent") || head.headers.contains_key("x-goog-api-key");
    let anthropic = path.contains("/messages") || head.headers.contains_key("anthropic-version");
    match (gemini, anthropic) {
        (true, _) => Dialect::Gemini,
        (false, true) => Dialect::Anthropic,
        (false, false) => Dialect::OpenAi,
    }
}

/// Reads the body of a request that has one, into the room that there is for all.
pub(crate) async fn body(headers: &HeaderMap, route: &Route, body: RequestBody, settings: &Settings, room: &Arc<Room>) -> Step<Bytes> {
    if route.operation == Operation::Models {
        return Ok(Bytes::new());
    }
    check_content(headers, route.operation)?;
    let (limit, room_bytes, idle) = (settings.limits.body_bytes_max, settings.limits.bodies_bytes_max, settings.timeouts.body_idle);
    let bounds = Bounds { bytes_max: limit, room, room_bytes, idle, deadline: Instant::now() + settings.timeouts.total };
    read_whole(body, bounds, &mut 0).await.map_err(|error| match error {
        ReadError::TooLarge => Denied::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("the body is larger than {limit} bytes")),
        ReadError::NoRoom => {
            let message = "there is no room for another large body at the moment; try again";
            Denied::new(StatusCode::SERVICE_UNAVAILABLE, "no_room", message).with_header(RETRY_AFTER, "1")
        }
        ReadError::Idle => Denied::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", idle_text(settings.timeouts.body_idle)),
        ReadError::Broken(error) => {
            tracing::debug!(%error, "a request body broke off");
            Denied::bad_request("body_broken", "the body broke off before its end")
        }
    })
}

fn idle_text(idle: Duration) -> String {
    format!("no piece of the body came for {} s, or the whole took too long", idle.as_secs_f32())
}

fn check_content(headers: &HeaderMap, operation: Operation) -> Step<()> {
    if headers.get_all(CONTENT_TYPE).iter().count() > 1 {
        return Err(Denied::bad_request("content_type", "content-type is given twice; send it once"));
    }
    if !headers.get_all(CONTENT_ENCODING).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Denied::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_encoding",
            "compressed bodies aren't read; send the JSON as it is",
        ));
    }
    // One that isn't ASCII would be read as JSON here and perhaps as a form elsewhere.
    if headers.get(CONTENT_TYPE).is_some_and(|value| value.to_str().is_err()) {
        return Err(Denied::bad_request("content_type", "content-type has letters that can't stand there; send `application/json`"));
    }
    let content_type = headers.get(CONTENT_TYPE).map_or(&b"application/json"[..], |value| value.as_bytes());
    let content_type = content_type.to_ascii_lowercase();
    // What a form says is checked where it is read.
    if content_type.starts_with(b"multipart/") && operation.takes_form() {
        return Ok(());
    }
    if !content_type.windows(4).any(|part| part == b"json") || content_type.starts_with(b"multipart/") {
        return Err(Denied::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_type",
            match operation.takes_form() {
                true => "the body must be a form and say so: send `content-type: multipart/form-data; boundary=…` (curl: -F file=@FILE)",
                false => {
                    "the body must be JSON and say so: send `content-type: application/json` (curl: -H 'content-type: application/json')"
                }
            },
        ));
    }
    Ok(())
}

/// Reads the request strictly, and bounds its server tools and what it goes on from.
pub(crate) fn parse(route: &Route, body: &[u8], settings: &Settings, stored: &Stored, hints: Hints<'_>) -> Step<Request> {
    let mut request = dialects::parse_request_with(route, body, hints).map_err(|bad| {
        let status = StatusCode::from_u16(bad.status).unwrap_or(StatusCode::BAD_REQUEST);
        let denied = Denied::new(status, bad.code, bad.message);
        match bad.param {
            Some(param) => denied.with("param", param),
            None => denied,
        }
    })?;
    request.allow_tool_uses(settings.server_tool_uses);
    if let Some(tokens) = request.continues.as_deref().and_then(|response| stored.tokens(response)) {
        request.continue_from(tokens);
    }
    Ok(request)
}
