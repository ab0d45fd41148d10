//! A plain HTTP client for traffic and tests: requests in three dialects, answers read to the end, streamed or not.

use crate::biller::{Biller, Usage};
use crate::provider::ask::Dialect;
use crate::provider::quote;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// A pool of connections to any address.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// The language.
    pub dialect: Dialect,
    /// The model.
    pub model: String,
    /// The credential, sent as the dialect's own clients do.
    pub key: String,
    /// More headers.
    pub headers: Vec<(String, String)>,
    /// The user's text.
    pub prompt: String,
    /// The ceiling to ask for.
    pub max_tokens: Option<u64>,
    /// Ask for a stream.
    pub is_streamed: bool,
}

/// How a request came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Answered to the end.
    Completed {
        /// Usage as told; `None` when the answer has none.
        usage: Option<Usage>,
    },
    /// An error status.
    Refused {
        /// HTTP status.
        status: u16,
        /// The code or type in the error, when it has one.
        code: String,
        /// Its text.
        message: String,
    },
    /// No answer, or half of one.
    Failed {
        /// What happened.
        what: String,
    },
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as far as it came.
    pub body: Bytes,
    /// The body broke off.
    pub is_broken: bool,
}

impl Default for Client {
    fn default() -> Self {
        Self { pool: Pool::builder(TokioExecutor::new()).build_http() }
    }
}

impl Client {
    /// Sends a request and hands out the answer with its body still to come.
    ///
    /// # Errors
    /// In words, when there is no answer.
    pub async fn open(&self, method: Method, url: &str, headers: &[(String, String)], body: Vec<u8>) -> Result<Response<Incoming>, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| error.to_string())?;
        self.pool.request(request).await.map_err(|error| chain(&error))
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// In words, when there is no answer. An answer that breaks off is not an error but marked.
    pub async fn send(&self, method: Method, url: &str, headers: &[(String, String)], body: Vec<u8>) -> Result<Answered, String> {
        let (head, mut incoming) = self.open(method, url, headers, body).await?.into_parts();
        let mut body = Vec::new();
        let mut is_broken = false;
        while let Some(frame) = incoming.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => body.extend_from_slice(&data),
                Ok(Err(_)) => {}
                Err(_) => {
                    is_broken = true;
                    break;
                }
            }
        }
        Ok(Answered { status: head.status.as_u16(), headers: head.headers, body: Bytes::from(body), is_broken })
    }

    /// Makes a call and says how it came out, with the headers of the answer.
    pub async fn call(&self, base_url: &str, call: &Call) -> (Outcome, HeaderMap) {
        let url = format!("{base_url}{}", call.path());
        match self.send(Method::POST, &url, &call.headers(), call.body().to_string().into_bytes()).await {
            Err(what) => (Outcome::Failed { what }, HeaderMap::new()),
            Ok(answered) => (outcome(&answered), answered.headers),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text = format!("{text}: {next}");
        source = next.source();
    }
    text
}

impl Call {
    /// The path, with `/v1`.
    pub fn path(&self) -> String {
        match (self.dialect, self.is_streamed) {
            (Dialect::OpenAi, _) => "/v1/chat/completions".to_owned(),
            (Dialect::Anthropic, _) => "/v1/messages".to_owned(),
            (Dialect::Gemini, true) => format!("/v1beta/models/{}:streamGenerateContent?alt=sse", self.model),
            (Dialect::Gemini, false) => format!("/v1beta/models/{}:generateContent", self.model),
        }
    }

    fn headers(&self) -> Vec<(String, String)> {
        let credential = match self.dialect {
            Dialect::OpenAi => ("authorization", format!("Bearer {}", self.key)),
            Dialect::Anthropic => ("x-api-key", self.key.clone()),
            Dialect::Gemini => ("x-goog-api-key", self.key.clone()),
        };
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned()), (credential.0.to_owned(), credential.1)];
        if self.dialect == Dialect::Anthropic {
            headers.push(("anthropic-version".to_owned(), "2023-06-01".to_owned()));
        }
        headers.extend(self.headers.iter().cloned());
        headers
    }

    /// What the call truly costs if it is answered as asked, caches left out, in nano-dollars.
    pub fn true_cost_nanos(&self, biller: &Biller) -> Option<i128> {
        quote(biller, 0, &self.path(), &self.body())?.1
    }

    /// The request as JSON.
    pub fn body(&self) -> Value {
        let said = json!([{ "role": "user", "content": self.prompt }]);
        match self.dialect {
            Dialect::OpenAi => {
                let mut body = json!({ "model": self.model, "messages": said, "stream": self.is_streamed });
                if self.is_streamed {
                    body["stream_options"] = json!({ "include_usage": true });
                }
                if let Some(ceiling) = self.max_tokens {
                    body["max_completion_tokens"] = json!(ceiling);
                }
                body
            }
            Dialect::Anthropic => {
                let ceiling = self.max_tokens.unwrap_or(4096);
                json!({ "model": self.model, "messages": said, "stream": self.is_streamed, "max_tokens": ceiling })
            }
            Dialect::Gemini => {
                let mut body = json!({ "contents": [{ "role": "user", "parts": [{ "text": self.prompt }] }] });
                if let Some(ceiling) = self.max_tokens {
                    body["generationConfig"] = json!({ "maxOutputTokens": ceiling });
                }
                body
            }
        }
    }
}

fn outcome(answered: &Answered) -> Outcome {
    if answered.status >= 400 {
        return refusal(answered);
    }
    let usage = read_usage(&answered.body);
    if answered.is_broken {
        return Outcome::Failed { what: "the answer broke off".to_owned() };
    }
    match stream_error(&answered.body) {
        Some(what) => Outcome::Failed { what },
        None => Outcome::Completed { usage },
    }
}

fn refusal(answered: &Answered) -> Outcome {
    let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    let error = body.get("error").cloned().unwrap_or_default();
    let text = |field: &str| error.get(field).and_then(Value::as_str).map(str::to_owned);
    let code = text("code").or_else(|| text("type")).or_else(|| text("status")).unwrap_or_default();
    Outcome::Refused { status: answered.status, code, message: text("message").unwrap_or_default() }
}

/// The JSON documents of an answer: the `data:` lines of a stream, or the whole body.
fn documents(body: &[u8]) -> Vec<Value> {
    if let Ok(whole) = serde_json::from_slice::<Value>(body) {
        return match whole {
            Value::Array(items) => items,
            whole => vec![whole],
        };
    }
    let text = String::from_utf8_lossy(body);
    text.split(['\n', '\r'])
        .filter_map(|line| line.strip_prefix("data:"))
        .filter_map(|data| serde_json::from_str(data.trim()).ok())
        .collect()
}

fn stream_error(body: &[u8]) -> Option<String> {
    documents(body).iter().find_map(|document| {
        let error = document.get("error").filter(|error| error.is_object())?;
        Some(error.get("message").and_then(Value::as_str).unwrap_or("error event").to_owned())
    })
}

/// The usage that an answer tells, in disjoint classes, from a whole body or a stream of any dialect. The last word wins.
pub fn read_usage(body: &[u8]) -> Option<Usage> {
    let mut found = None;
    for document in documents(body) {
        let places = ["/usage", "/response/usage", "/message/usage", "/usageMetadata"];
        for place in places {
            if let Some(told) = document.pointer(place).filter(|told| told.is_object()) {
                found = Some(merge(found.unwrap_or_default(), told));
            }
        }
    }
    found
}

fn merge(mut usage: Usage, told: &Value) -> Usage {
    let count = |path: &str| told.pointer(path).and_then(Value::as_u64);
    if told.get("promptTokenCount").is_some() {
        let cached = count("/cachedContentTokenCount").unwrap_or(0);
        let thoughts = count("/thoughtsTokenCount").unwrap_or(0);
        usage.input = count("/promptTokenCount").unwrap_or(0).saturating_sub(cached) + count("/toolUsePromptTokenCount").unwrap_or(0);
        usage.cache_read = cached;
        usage.reasoning = thoughts;
        usage.output = count("/candidatesTokenCount").unwrap_or(0) + thoughts;
        return usage;
    }
    let details = ["/prompt_tokens_details", "/input_tokens_details"];
    let detail = |name: &str| details.iter().find_map(|details| count(&format!("{details}/{name}")));
    if let Some(cached) = detail("cached_tokens") {
        let written = detail("cache_write_tokens").unwrap_or(0);
        let prompt = count("/prompt_tokens").or_else(|| count("/input_tokens")).unwrap_or(0);
        usage.input = prompt.saturating_sub(cached + written);
        (usage.cache_read, usage.cache_write_5m) = (cached, written);
    } else {
        usage.input = count("/prompt_tokens").or_else(|| count("/input_tokens")).unwrap_or(usage.input);
        usage.cache_read = count("/cache_read_input_tokens").unwrap_or(usage.cache_read);
        usage.cache_write_1h = count("/cache_creation/ephemeral_1h_input_tokens").unwrap_or(usage.cache_write_1h);
        let written = count("/cache_creation_input_tokens").unwrap_or(usage.cache_write_5m + usage.cache_write_1h);
        usage.cache_write_5m = written.saturating_sub(usage.cache_write_1h);
        usage.web_searches = count("/server_tool_use/web_search_requests").unwrap_or(usage.web_searches);
    }
    usage.output = count("/completion_tokens").or_else(|| count("/output_tokens")).unwrap_or(usage.output);
    let reasoning = [
        "/completion_tokens_details/reasoning_tokens",
        "/output_tokens_details/reasoning_tokens",
        "/output_tokens_details/thinking_tokens",
    ];
    usage.reasoning = reasoning.iter().find_map(|path| count(path)).unwrap_or(usage.reasoning);
    usage
}
