//! Stage 1, who is this: a virtual key, a run's token, or a client's own provider credential passing through.

use std::sync::Arc;

use dialects::{Dialect, Route};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use store::{Books, KeyRecord, RunRecord};

use crate::denied::{Denied, Step};
use crate::settings::Authentication;

/// Headers that carry credentials; none of them is ever forwarded as it came unless it is the client's own.
pub(crate) const CREDENTIAL_HEADERS: [HeaderName; 4] =
    [AUTHORIZATION, HeaderName::from_static("x-api-key"), HeaderName::from_static("x-goog-api-key"), HeaderName::from_static("api-key")];

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) credential: Credential,
    /// The run that a token in the path, a run token or the key names.
    pub(crate) run: Option<Arc<RunRecord>>,
}

/// What the client showed.
#[derive(Clone)]
pub(crate) enum Credential {
    /// Nothing.
    None,
    /// A virtual key.
    Virtual(Arc<KeyRecord>),
    /// A run's token in the place of a key.
    RunToken,
    /// The client's own key of a provider.
    Own(HeaderName, HeaderValue),
    /// The client's own login of a subscription plan.
    Subscription(HeaderName, HeaderValue),
}

impl core::fmt::Debug for Credential {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Virtual(_) => "Virtual",
            Self::RunToken => "RunToken",
            Self::Own(..) => "Own",
            Self::Subscription(..) => "Subscription",
        })
    }
}

impl Caller {
    /// The virtual key, if that is what the client showed.
    pub(crate) fn key(&self) -> Option<&Arc<KeyRecord>> {
        match &self.credential {
            Credential::Virtual(key) => Some(key),
            _ => None,
        }
    }

    /// Whether a key or a run vouches for the caller, so that the gateway's provider keys may serve it.
    pub(crate) fn is_known(&self) -> bool {
        self.run.is_some() || matches!(self.credential, Credential::Virtual(_) | Credential::RunToken)
    }
}

/// Who the address says the caller is: a run's token, or a key of a run in its place.
#[derive(Default)]
struct ByPath {
    run: Option<Arc<RunRecord>>,
    key: Option<Arc<KeyRecord>>,
}

/// A run's token in `x-mete-run`, which says the same as one in the address: agents whose address stands in their
/// arguments, where every user of the machine can read it, send it so.
fn run_in_header(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-mete-run")?.to_str().ok().map(str::trim).filter(|token| token.starts_with("rt_"))
}

/// Finds out who calls.
pub(crate) fn authenticate(books: &Books, mode: Authentication, route: &Route, headers: &HeaderMap, now: Timestamp) -> Step<Caller> {
    refuse_key_in_query(&route.upstream_path)?;
    let path = by_path(books, route.run_token.as_deref().or_else(|| run_in_header(headers)), now)?;
    let Some((header, value, secret)) = shown_secret(headers, path.run.is_some())? else {
        return without_credential(mode, path);
    };
    if secret.starts_with("mk_") {
        return with_virtual_key(books, &secret, path.run, now);
    }
    if secret.starts_with("rt_") {
        return with_run_token(books, &secret, path.run);
    }
    if ["mta_", "mtl_"].iter().any(|prefix| secret.starts_with(prefix)) {
        let message = "this is an admin token, which can't call models; make a key with `mete keys create NAME`";
        return Err(Denied::forbidden("admin_token", message));
    }
    if mode == Authentication::Keyed && path.run.is_none() {
        return Err(invalid_key());
    }
    if is_subscription(route.dialect, &header, &secret, headers) {
        return Ok(Caller { credential: Credential::Subscription(header, value), run: path.run });
    }
    match path.key {
        Some(key) => Ok(Caller { credential: Credential::Virtual(key), run: path.run }),
        None => Ok(Caller { credential: Credential::Own(header, value), run: path.run }),
    }
}

fn by_path(books: &Books, token: Option<&str>, now: Timestamp) -> Step<ByPath> {
    let Some(token) = token else { return Ok(ByPath::default()) };
    if !token.starts_with("mk_") {
        return Ok(ByPath { run: Some(run_of_token(books, token)?), key: None });
    }
    let caller = with_virtual_key(books, token, None, now)?;
    let key = caller.key().cloned();
    let run = caller.run.ok_or_else(|| {
        Denied::unauthorized("unknown_run", "the key in the address belongs to no run; send it as a header, without the `/run/…` prefix")
    })?;
    Ok(ByPath { run: Some(run), key })
}

fn without_credential(mode: Authentication, path: ByPath) -> Step<Caller> {
    if mode == Authentication::Keyed && path.run.is_none() {
        let message = "no key; send a Mete key as `Authorization: Bearer mk_…`, `x-api-key` or `x-goog-api-key`";
        return Err(Denied::unauthorized("missing_key", message));
    }
    let credential = path.key.map_or(Credential::None, Credential::Virtual);
    Ok(Caller { credential, run: path.run })
}

/// Unknown, expired and revoked keys get one answer, so that it tells nothing about which keys exist.
fn invalid_key() -> Box<Denied> {
    Denied::unauthorized("invalid_key", "the key isn't valid here; ask for one, or list yours with `mete keys list`")
}

fn with_virtual_key(books: &Books, secret: &str, by_path: Option<Arc<RunRecord>>, now: Timestamp) -> Step<Caller> {
    let key = books.key_by_secret(secret).ok_or_else(invalid_key)?;
    if key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= now) {
        return Err(invalid_key());
    }
    let of_key = key.run.and_then(|run| books.run_by_id(run));
    if let (Some(path), Some(own)) = (&by_path, key.run)
        && path.id != own
    {
        return Err(Denied::forbidden("run_mismatch", "the key belongs to another run than the address; use the run's own key"));
    }
    if of_key.as_ref().is_some_and(|run| run.ended_at.is_some()) {
        return Err(run_ended());
    }
    Ok(Caller { credential: Credential::Virtual(key), run: by_path.or(of_key) })
}

fn with_run_token(books: &Books, token: &str, by_path: Option<Arc<RunRecord>>) -> Step<Caller> {
    let run = run_of_token(books, token)?;
    if by_path.is_some_and(|path| path.id != run.id) {
        return Err(Denied::forbidden("run_mismatch", "the token belongs to another run than the address"));
    }
    Ok(Caller { credential: Credential::RunToken, run: Some(run) })
}

/// The run of a token, if it still runs.
pub(crate) fn run_of_token(books: &Books, token: &str) -> Step<Arc<RunRecord>> {
    let run = books.run_by_token(token).ok_or_else(|| {
        Denied::unauthorized("unknown_run", "the run in the address isn't known or ended long ago; start one with `mete run -- COMMAND`")
    })?;
    if run.ended_at.is_some() {
        return Err(run_ended());
    }
    Ok(run)
}

fn run_ended() -> Box<Denied> {
    Denied::forbidden("run_ended", "the run has ended; start another with `mete run -- COMMAND`")
}

/// Names under which clients and servers pass a credential in an address.
const KEY_NAMES: [&str; 10] =
    ["key", "api_key", "api-key", "apikey", "access_token", "token", "authorization", "auth", "x-api-key", "x-goog-api-key"];

/// Keys in addresses end up in logs of every proxy on the way, so they are refused and not read; and a provider would take
/// one there for its own, beside the credential that Mete sends. Names are compared as a server would decode them.
fn refuse_key_in_query(path_and_query: &str) -> Step<()> {
    let Some((_, query)) = path_and_query.split_once('?') else { return Ok(()) };
    let is_key = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, pair));
        let name: String = decoded(name).chars().filter(|letter| !letter.is_control() && !letter.is_whitespace()).collect();
        KEY_NAMES.contains(&name.to_ascii_lowercase().as_str()) || is_mete_s(&decoded(value))
    };
    // Some servers split at `;` too.
    if query.split(['&', ';']).any(is_key) {
        return Err(Denied::unauthorized(
            "key_in_query",
            "a key in the address isn't accepted; send it as a header, such as `x-goog-api-key`",
        ));
    }
    Ok(())
}

/// Percent-encoding undone as far as it can be read: this only looks for what must not be there.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        let code = hex.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        plain.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The one secret that the request shows, in whichever header. The same secret twice is one. Under a run's address, where
/// agents add keys of their user's settings beside the run's, Mete's own counts and the other goes nowhere.
fn shown_secret(headers: &HeaderMap, of_run: bool) -> Step<Option<(HeaderName, HeaderValue, String)>> {
    let mut shown: Option<(HeaderName, HeaderValue, String)> = None;
    for name in CREDENTIAL_HEADERS {
        for value in headers.get_all(&name) {
            let Some(secret) = secret_of(&name, value)? else { continue };
            match &shown {
                Some((_, _, first)) if *first == secret => {}
                Some((_, _, first)) if of_run && is_mete_s(first) && !is_mete_s(&secret) => {}
                Some((_, _, first)) if !(of_run && is_mete_s(&secret) && !is_mete_s(first)) => {
                    let message = "two different credentials in one request; send one of `authorization`, `x-api-key` and `x-goog-api-key`";
                    return Err(Denied::bad_request("ambiguous_credentials", message));
                }
                _ => shown = Some((name.clone(), value.clone(), secret)),
            }
        }
    }
    Ok(shown)
}

fn is_mete_s(secret: &str) -> bool {
    ["mk_", "rt_", "mta_", "mtl_"].iter().any(|prefix| secret.starts_with(prefix))
}

fn secret_of(name: &HeaderName, value: &HeaderValue) -> Step<Option<String>> {
    let text = value.to_str().map_err(|_not_ascii| invalid_key())?.trim();
    if name != AUTHORIZATION {
        return Ok(Some(text.to_owned()).filter(|text| !text.is_empty()));
    }
    let (scheme, secret) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denied::unauthorized("invalid_key", "the `authorization` header must be `Bearer KEY`"));
    }
    Ok(Some(secret.trim().to_owned()).filter(|secret| !secret.is_empty()))
}

/// Logins of Claude plans are `sk-ant-oat…`; of ChatGPT plans a JSON web token beside an account id. Nothing is verified
/// here: the token grants nothing at Mete and goes to its own host, which verifies it.
fn is_subscription(dialect: Dialect, header: &HeaderName, secret: &str, headers: &HeaderMap) -> bool {
    if header != AUTHORIZATION {
        return false;
    }
    match dialect {
        Dialect::Anthropic => secret.starts_with("sk-ant-oat"),
        Dialect::OpenAi => headers.contains_key("chatgpt-account-id") && secret.starts_with("eyJ") && secret.split('.').count() == 3,
        Dialect::Gemini => false,
    }
}
