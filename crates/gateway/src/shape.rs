//! Stage 5, what is sent: the client's bytes with the granted ceiling in them, to the provider's address, with the one
//! credential that belongs there.

use bytes::Bytes;
use dialects::{Dialect, Operation, Shape};
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, HeaderName, HeaderValue,
};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;

use crate::admit::Admitted;
use crate::authenticate::{CREDENTIAL_HEADERS, Credential};
use crate::call::Call;
use crate::denied::{Denied, Step};
use crate::estimate::Target;
use crate::settings::{Authentication, ProviderSettings, Secret, Settings, UseKey};

/// A request to a provider.
pub(crate) type Upstream = Request<Full<Bytes>>;

/// Headers that belong to one connection only (RFC 9110, section 7.6.1).
pub(crate) const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("te"),
    HeaderName::from_static("transfer-encoding"),
    HeaderName::from_static("upgrade"),
];

/// The credential that goes to a provider, and whether a subscription covers the call.
#[derive(Clone)]
pub(crate) struct Pass {
    header: Option<(HeaderName, HeaderValue)>,
    /// The gateway's own key, when it is what goes.
    key: Option<Secret>,
    pub(crate) covered: bool,
}

impl Pass {
    /// The gateway's own key, which no answer may repeat.
    pub(crate) fn secret(&self) -> Option<&str> {
        self.key.as_ref().map(Secret::expose)
    }
}

/// Chooses the credential: the gateway's own for callers that it knows, else the client's. A subscription's login is
/// replaced only when the config says `use_key = "always"`.
pub(crate) fn pass(call: &Call, provider: &ProviderSettings, settings: &Settings, run_key: Option<Secret>) -> Step<Pass> {
    let gateway_key = run_key.or_else(|| provider.api_key.clone());
    let always = provider.use_key == UseKey::Always && gateway_key.is_some();
    let own =
        |name: &HeaderName, value: &HeaderValue, covered: bool| Pass { header: Some((name.clone(), value.clone())), key: None, covered };
    match &call.caller.credential {
        Credential::Subscription(name, value) if !always => Ok(own(name, value, true)),
        Credential::Own(name, value) if !(always || call.caller.is_known() && gateway_key.is_some()) => match settings.authentication {
            Authentication::Keyed => Err(no_provider_key(provider)),
            Authentication::Passthrough => Ok(own(name, value, false)),
        },
        Credential::None if !always && !call.caller.is_known() => Ok(Pass { header: None, key: None, covered: false }),
        _ => {
            let header = gateway_key.as_ref().map(|key| key_header(provider.dialect, key)).transpose()?;
            Ok(Pass { header, key: gateway_key, covered: false })
        }
    }
}

fn no_provider_key(provider: &ProviderSettings) -> Box<Denied> {
    let why = "has no key of its own, and this gateway forwards no other; set `api_key_env` in mete.toml";
    Denied::unauthorized("no_provider_key", format!("provider `{}` {why}", provider.name))
}

fn key_header(dialect: Dialect, key: &Secret) -> Step<(HeaderName, HeaderValue)> {
    let (name, text) = match dialect {
        Dialect::OpenAi => (AUTHORIZATION, format!("Bearer {}", key.expose())),
        Dialect::Anthropic => (HeaderName::from_static("x-api-key"), key.expose().to_owned()),
        Dialect::Gemini => (HeaderName::from_static("x-goog-api-key"), key.expose().to_owned()),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| internal("the provider's key isn't valid in a header"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn internal(message: &str) -> Box<Denied> {
    Denied::new(http::StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
}

/// The request for an admitted attempt.
pub(crate) fn shape(call: &Call, target: &Target<'_>, admitted: &Admitted, pass: &Pass, settings: &Settings) -> Step<Upstream> {
    let shape = Shape {
        ceiling: admitted.ceiling_sent.or(call.request.ceiling_usual()),
        model: renamed(call, target),
        include_usage: asks_for_usage(call, target.provider),
        tool_uses: call.request.has_open_tools().then_some(settings.server_tool_uses),
    };
    let body = if shape == Shape::default() { call.body.clone() } else { call.request.shape(&call.body, &shape).into() };
    shaped(call, target, pass, body)
}

/// The request for a free operation: nothing changes but the model's name.
pub(crate) fn shape_free(call: &Call, target: &Target<'_>, pass: &Pass) -> Step<Upstream> {
    let shape = Shape { model: renamed(call, target), ..Shape::default() };
    let body = if shape == Shape::default() { call.body.clone() } else { call.request.shape(&call.body, &shape).into() };
    shaped(call, target, pass, body)
}

fn renamed(call: &Call, target: &Target<'_>) -> Option<String> {
    (target.model_sent != call.request.model).then(|| target.model_sent.clone())
}

/// Whether Mete asks for usage that the client didn't ask for, and takes the extra chunk out again.
pub(crate) fn asks_for_usage(call: &Call, provider: &ProviderSettings) -> bool {
    let is_chat = matches!(call.route.operation, Operation::Chat | Operation::Completions);
    is_chat && call.request.stream && !call.request.wants_usage && provider.stream_usage
}

fn shaped(call: &Call, target: &Target<'_>, pass: &Pass, body: Bytes) -> Step<Upstream> {
    match renamed(call, target) {
        Some(model) => request(call, target, pass, &call.route.path_for_model(&model), body),
        None => request(call, target, pass, &call.route.upstream_path, body),
    }
}

/// A request to a path of the provider, with the client's headers and the one credential that belongs there.
pub(crate) fn request(call: &Call, target: &Target<'_>, pass: &Pass, path: &str, body: Bytes) -> Step<Upstream> {
    let uri =
        address(target.provider, path, pass.covered).ok_or_else(|| Denied::bad_request("invalid_path", "the path can't be forwarded"))?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers(&call.headers);
    if let Some((name, value)) = &pass.header {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    if call.method == Method::POST {
        request.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    }
    Ok(request)
}

/// Where ChatGPT logins are served; the API's host doesn't take them.
const CHATGPT: &str = "https://chatgpt.com/backend-api/codex";

/// Base address plus path. Only the config names hosts; nothing of the request does.
fn address(provider: &ProviderSettings, path: &str, covered: bool) -> Option<Uri> {
    let chatgpt = covered && provider.dialect == Dialect::OpenAi;
    let vendor_host = provider.base_url.host() == Some("api.openai.com");
    let base = match &provider.subscription_url {
        Some(base) if covered => base.to_string(),
        None if chatgpt && vendor_host => CHATGPT.to_owned(),
        _ => provider.base_url.to_string(),
    };
    let moved = chatgpt && (vendor_host || provider.subscription_url.is_some());
    let path = if moved { path.strip_prefix("/v1").unwrap_or(path) } else { path };
    format!("{}{path}", base.trim_end_matches('/')).parse().ok()
}

/// The client's headers without those that end here: credentials, cookies, hop-by-hop, Mete's own, and what hyper writes.
fn headers(client: &HeaderMap) -> HeaderMap {
    let named = connection_names(client);
    let mut headers = HeaderMap::with_capacity(client.len() + 2);
    for (name, value) in client {
        let ends_here = HOP_BY_HOP.contains(name)
            || CREDENTIAL_HEADERS.contains(name)
            || [HOST, CONTENT_LENGTH, ACCEPT_ENCODING, EXPECT, COOKIE].contains(name)
            || name.as_str().starts_with("x-mete-")
            || named.iter().any(|connection| connection == name.as_str());
        if !ends_here {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
}

/// Names that the `Connection` header adds to the hop-by-hop ones.
pub(crate) fn connection_names(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(dialect: Dialect, base: &str, subscription: Option<&str>) -> ProviderSettings {
        ProviderSettings {
            subscription_url: subscription.map(|url| url.parse().unwrap()),
            ..ProviderSettings::plain("p", dialect, base.parse().unwrap(), "s")
        }
    }

    #[test]
    fn a_path_goes_to_the_provider_s_own_address_and_a_plan_s_login_to_its_own_host() {
        use Dialect::{Anthropic, OpenAi};
        let cases = [
            (OpenAi, "https://api.openai.com", None, false, "/v1/responses", "https://api.openai.com/v1/responses"),
            (OpenAi, "https://api.openai.com/", None, true, "/v1/responses", "https://chatgpt.com/backend-api/codex/responses"),
            (OpenAi, "http://127.0.0.1:9", None, true, "/v1/responses", "http://127.0.0.1:9/v1/responses"),
            (OpenAi, "http://127.0.0.1:9", Some("http://127.0.0.1:8/x"), true, "/v1/responses?a=1", "http://127.0.0.1:8/x/responses?a=1"),
            (OpenAi, "http://127.0.0.1:9", Some("http://127.0.0.1:8/x"), false, "/v1/responses", "http://127.0.0.1:9/v1/responses"),
            (OpenAi, "http://router/api/", None, false, "/v1/chat/completions", "http://router/api/v1/chat/completions"),
            (
                Anthropic,
                "https://api.anthropic.com",
                None,
                true,
                "/v1/messages?beta=true",
                "https://api.anthropic.com/v1/messages?beta=true",
            ),
            (Anthropic, "http://router", Some("https://api.anthropic.com"), true, "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ];
        for (dialect, base, subscription, covered, path, expected) in cases {
            let uri = address(&provider(dialect, base, subscription), path, covered).unwrap();
            assert_eq!(uri.to_string(), expected);
        }
    }
}
