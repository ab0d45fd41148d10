//! Who may use the admin API: a bearer token on every route, from no browser page, under no foreign host name.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::error::ApiError;
use crate::control::Control;

/// Who changes something, as the audit names them.
#[derive(Clone, Debug)]
pub(crate) struct Actor(pub String);

impl Actor {
    /// Whoever can read the data directory.
    pub fn local() -> Self {
        Self("local user".to_owned())
    }
}

/// Marks requests that never came through a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InProcess;

/// Lets a request through with its [`Actor`], or answers for it.
pub(crate) async fn guard(State(control): State<Arc<Control>>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let actor = if request.extensions().get::<InProcess>().is_some() {
        Actor::local()
    } else {
        check_page(&control, &request)?;
        authenticate(&control, request.headers())?
    };
    request.extensions_mut().insert(actor);
    let answer = next.run(request).await;
    let is_json = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if answer.status().is_client_error() && !is_json {
        return Err(ApiError::new(answer.status(), "invalid", "the path can't be read; names in it are percent-encoded UTF-8"));
    }
    Ok(answer)
}

/// Refuses what only a browser page would send.
pub(crate) fn check_page<B>(control: &Control, request: &axum::http::Request<B>) -> Result<(), ApiError> {
    check_host(request.headers(), request.uri().host(), &control.hosts())?;
    check_origin(request.headers())
}

/// The holder of the request's token.
pub(crate) fn authenticate(control: &Control, headers: &HeaderMap) -> Result<Actor, ApiError> {
    let refuse = || {
        let message = "the admin API needs `Authorization: Bearer TOKEN`; the token was printed at the first start, and commands on this machine read theirs from the data directory";
        ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    };
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|value| value.len() <= 512).ok_or_else(refuse)?;
    if values.next().is_some() {
        return Err(refuse());
    }
    let token = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(refuse)?;
    control.tokens().actor(token).ok_or_else(refuse)
}

/// A name that resolves to this machine but isn't its own would come from a page that rebinds DNS.
fn check_host(headers: &HeaderMap, target: Option<&str>, own: &[String]) -> Result<(), ApiError> {
    let header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = header.map(without_port).or(target).unwrap_or_default().to_ascii_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare == "localhost" || bare.parse::<IpAddr>().is_ok() || own.contains(&host) {
        return Ok(());
    }
    let message =
        "this host name isn't one of the server's own; add it to `hosts` in the section [server] of mete.toml, or use its address";
    Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_host", message))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}

fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.contains_key(header::ORIGIN) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "browser_origin",
            "the admin API doesn't take requests from browser pages; use the command line",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_and_addresses_are_hosts() {
        let own = ["mete.example".to_owned()];
        let cases = [
            ("127.0.0.1:4141", true),
            ("localhost", true),
            ("LOCALHOST:1", true),
            ("[::1]:4141", true),
            ("[::1]", true),
            ("192.168.0.7:4141", true),
            ("mete.example:4141", true),
            ("evil.example", false),
            ("mete.example.evil.example", false),
            ("127.0.0.1.evil.example:80", false),
            ("localhost:x", false),
            ("", false),
        ];
        for (host, allowed) in cases {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(check_host(&headers, None, &own).is_ok(), allowed, "{host}");
        }
    }
}
