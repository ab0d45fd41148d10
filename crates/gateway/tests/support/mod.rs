//! A world for one test: real books in a directory of its own, a gateway on a real socket, and a fake provider that
//! writes its own bill.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dialects::Dialect;
use gateway::{Authentication, Gateway, LimitSettings, ProviderSettings, Secret, Settings, TimeoutSettings, listener};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ledger::{AccountView, BudgetSpec, Measure, OnExceed, Window};
use money::Nanos;
use pricing::PriceBook;
use serde_json::Value;
use simulator::provider::{Options as ProviderOptions, Provider};
use store::{Books, CallFilter, CallRecord, KeyNew, Options, Origin, Survives};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct World {
    keys_made: std::sync::atomic::AtomicU64,
    pub gateway: Gateway,
    pub books: Books,
    pub provider: Provider,
    pub address: SocketAddr,
    pub client: Client<HttpConnector, Full<Bytes>>,
    dir: PathBuf,
    stop: Option<oneshot::Sender<()>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    /// Whether the body broke off.
    pub broken: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn code(&self) -> String {
        self.json()["mete"]["code"].as_str().unwrap_or_else(|| panic!("no code in {}", self.body)).to_owned()
    }

    pub fn nanos(&self, name: &str) -> i64 {
        Nanos::from_usd(self.header(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))).unwrap().get()
    }
}

impl World {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose settings differ from the usual ones. The fake provider's address is `settings.providers[i].base_url`.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let provider = Provider::start(ProviderOptions::default()).await.unwrap();
        let dir = fresh_dir();
        let (books, _) = Books::open(Options { dir: dir.clone(), survives: Survives::ProcessCrash }).unwrap();
        let mut settings = settings(&provider.base_url());
        change(&mut settings);
        let limits = listener::Limits::of(&settings);
        let gateway = Gateway::new(books.clone(), Arc::new(settings), Arc::new(prices()));
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = gateway.clone();
        let service = move |request: Request<Incoming>, peer| {
            let gateway = serving.clone();
            async move { gateway.handle(request, peer).await }
        };
        tokio::spawn(listener::serve(socket, service, limits, async move {
            let _ = stopped.await;
        }));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { keys_made: std::sync::atomic::AtomicU64::default(), gateway, books, provider, address, client, dir, stop: Some(stop) }
    }

    pub async fn budget(&self, name: &str, limit_usd: &str) {
        self.budget_with(name, limit_usd, |_| {}).await;
    }

    pub async fn budget_with(&self, name: &str, limit_usd: &str, change: impl FnOnce(&mut BudgetSpec)) {
        let mut spec = budget(name, limit_usd);
        change(&mut spec);
        self.books.put_budget(spec, Origin::Api, "test").await.unwrap();
    }

    pub async fn key(&self, change: impl FnOnce(&mut KeyNew)) -> String {
        let number = self.keys_made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut new = KeyNew { name: format!("test-{number}"), ..KeyNew::default() };
        change(&mut new);
        self.books.create_key(new, "test").await.unwrap().1.0
    }

    pub fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.header("content-type", "application/json").body(Full::new(Bytes::from(body.to_owned()))).unwrap()
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let response = self.client.request(self.request(method, path, headers, body)).await.unwrap();
        let (head, body) = response.into_parts();
        let (body, broken) = read(body).await;
        Answer { status: head.status, headers: head.headers, body, broken }
    }

    /// A call with a provider credential of the client's own.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("authorization", "Bearer sk-own-test-key")], &body.to_string()).await
    }

    /// Sends a form with a provider credential of the client's own. A field whose name begins with `@` is a file.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &[u8])]) -> Answer {
        self.post_bytes(path, "multipart/form-data; boundary=XX", form(fields)).await
    }

    /// Sends bytes as they are.
    pub async fn post_bytes(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder().method(Method::POST).uri(format!("http://{}{path}", self.address));
        let request = request.header("authorization", "Bearer sk-own-test-key").header("content-type", content_type);
        let response = self.client.request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let (body, broken) = read(body).await;
        Answer { status: head.status, headers: head.headers, body, broken }
    }

    /// Waits until every call has settled.
    pub async fn quiet(&self) {
        self.until("all calls settle", || self.gateway.in_flight() == 0).await;
    }

    /// Polls what can be observed.
    pub async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !is_so() {
            assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn account(&self, budget: &str) -> AccountView {
        let is_it = |view: &AccountView| matches!(&view.account, ledger::Account::Budget { budget: name, .. } if name == budget);
        self.books.accounts().await.unwrap().into_iter().find(is_it).unwrap_or_else(|| panic!("no account of {budget}"))
    }

    /// All records, oldest first.
    pub async fn calls(&self) -> Vec<CallRecord> {
        self.quiet().await;
        let mut calls = self.books.reader().calls(&CallFilter::default()).unwrap();
        calls.reverse();
        calls
    }

    /// What the provider says it is owed.
    pub fn billed(&self) -> i64 {
        let bill = self.provider.books().bill(0);
        bill["totals"]["bill_nanos"].as_i64().unwrap_or_else(|| panic!("{bill}"))
    }

    /// Requests that reached the provider and that a model worked on.
    pub fn generations(&self) -> u64 {
        self.provider.books().bill(0)["totals"]["generations"].as_u64().unwrap()
    }

    /// Requests that reached the provider.
    pub fn requests(&self) -> u64 {
        self.provider.books().bill(0)["totals"]["requests"].as_u64().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A form with the boundary `XX`.
pub fn form(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in fields {
        let head = match name.strip_prefix('@') {
            Some(name) => format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n"),
            None => format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n"),
        };
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    body
}

/// Reads a body; tells whether it broke off.
pub async fn read(mut body: Incoming) -> (String, bool) {
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            Err(_) => return (String::from_utf8_lossy(&text).into_owned(), true),
        }
    }
    (String::from_utf8_lossy(&text).into_owned(), false)
}

fn fresh_dir() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("mete-gateway-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let dir = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

pub fn budget(name: &str, limit_usd: &str) -> BudgetSpec {
    BudgetSpec {
        name: name.to_owned(),
        limit: Some(Nanos::from_usd(limit_usd).unwrap()),
        window: Window::Total,
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches: BTreeMap::new(),
        per: Vec::new(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 1_000,
        paused: false,
    }
}

fn settings(base_url: &str) -> Settings {
    let provider = |name: &str, dialect: Dialect, seller: &str| ProviderSettings {
        api_key: Some(Secret::new(format!("sk-gateway-{name}"))),
        ..ProviderSettings::plain(name, dialect, base_url.parse().unwrap(), seller)
    };
    Settings {
        reach: String::new(),
        version: "test".to_owned(),
        authentication: Authentication::Passthrough,
        providers: vec![
            provider("openai", Dialect::OpenAi, "openai"),
            provider("anthropic", Dialect::Anthropic, "anthropic"),
            provider("gemini", Dialect::Gemini, "google"),
        ],
        floor_output_tokens: 4_096,
        clamp: true,
        wait: Duration::from_secs(20),
        unpriced: BTreeMap::new(),
        server_tool_uses: 10,
        rules: None,
        timeouts: TimeoutSettings {
            header: Duration::from_secs(5),
            body_idle: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(10),
            stream_idle: Duration::from_secs(10),
            total: Duration::from_secs(60),
            assume_grace: Duration::from_secs(60),
            drain: Duration::from_secs(5),
        },
        limits: LimitSettings { body_bytes_max: 4 << 20, answer_bytes_max: 4 << 20, bodies_bytes_max: 1 << 30, connections_max: 1_000 },
    }
}

/// Prices of the models that the fake provider bills, from the same published figures: dollars for a million tokens.
pub fn prices() -> PriceBook {
    prices_of("openai")
}

/// Images, speech, transcripts and the older completions.
fn media_prices(rule: &mut impl FnMut(&str, &str, &str, &str, &str, &str, &str)) {
    let image = r#""modality":"image""#;
    let audio = r#""modality":"audio""#;
    let tokens = [
        ("gpt-image-1", "input_tokens", "", "5"),
        ("gpt-image-1", "input_tokens", image, "10"),
        ("gpt-image-1", "output_tokens", "", "40"),
        ("gpt-image-2", "input_tokens", "", "5"),
        ("gpt-image-2", "input_tokens", image, "8"),
        ("gpt-image-2", "output_tokens", "", "30"),
        ("gpt-4o-mini-tts", "input_tokens", "", "0.6"),
        ("gpt-4o-mini-tts", "output_tokens", "", "12"),
        ("gpt-4o-transcribe", "input_tokens", "", "2.5"),
        ("gpt-4o-transcribe", "input_tokens", audio, "6"),
        ("gpt-4o-transcribe", "output_tokens", "", "10"),
        ("gpt-3.5-turbo-instruct", "input_tokens", "", "1.5"),
        ("gpt-3.5-turbo-instruct", "output_tokens", "", "2"),
        ("tts-1", "character", "", "15"),
        ("tts-1-hd", "character", "", "30"),
        ("paid-moderation", "input_tokens", "", "0.1"),
    ];
    for (model, meter, attrs, price) in tokens {
        rule("openai", &format!("openai/{model}"), meter, attrs, "", price, "1000000");
    }
    rule("openai", "openai/whisper-1", "second", "", "", "0.0001", "1");
    let kinds = [("standard", "1024x1024", "0.04"), ("hd", "1024x1024", "0.08"), ("hd", "1024x1792", "0.12")];
    for (quality, size, price) in kinds {
        rule("openai", "openai/dall-e-3", "image", &format!(r#""quality":"{quality}","size":"{size}""#), "", price, "1");
    }
    for (size, price) in [("256x256", "0.016"), ("512x512", "0.018"), ("1024x1024", "0.02")] {
        rule("openai", "openai/dall-e-2", "image", &format!(r#""size":"{size}""#), "", price, "1");
    }
}

/// The same with OpenAI's models sold by somebody else.
pub fn prices_of(reseller: &str) -> PriceBook {
    let models = [
        (
            "openai",
            "openai/gpt-5",
            [("input_tokens", "1.25", "2.5"), ("cache_read_tokens", "0.125", "0.25"), ("output_tokens", "10", "20")],
        ),
        (
            "openai",
            "openai/gpt-5-mini",
            [("input_tokens", "0.25", "0.45"), ("cache_read_tokens", "0.025", "0.045"), ("output_tokens", "2", "3.6")],
        ),
        (
            "google",
            "google/gemini-2.5-flash",
            [("input_tokens", "0.3", "0.54"), ("cache_read_tokens", "0.03", "0.054"), ("output_tokens", "2.5", "4.5")],
        ),
        (
            "anthropic",
            "anthropic/claude-sonnet-5",
            [("input_tokens", "2", ""), ("cache_read_tokens", "0.2", ""), ("output_tokens", "10", "")],
        ),
    ];
    let mut rows = String::new();
    let mut rule = |seller: &str, sku: &str, meter: &str, attrs: &str, select: &str, price: &str, per: &str| {
        rows.push_str(&format!(
            r#"{{"seller":"{seller}","sku":"{sku}","meter":"{meter}","attrs":{{{attrs}}},"select":{{{select}}},"price":"{price}","per":"{per}","prov":{{"source":"test","version":"1"}}}}"#
        ));
        rows.push('\n');
    };
    for (seller, sku, meters) in models {
        for (meter, standard, priority) in meters {
            rule(seller, sku, meter, "", r#""service_tier":"standard""#, standard, "1000000");
            if !priority.is_empty() {
                rule(seller, sku, meter, "", r#""service_tier":"priority""#, priority, "1000000");
            }
        }
        rule(seller, sku, "tool_call", r#""tool":"web_search""#, "", "10", "1000");
    }
    rule("anthropic", "anthropic/claude-sonnet-5", "cache_write_tokens", r#""ttl":"5m""#, "", "2.5", "1000000");
    rule("anthropic", "anthropic/claude-sonnet-5", "cache_write_tokens", r#""ttl":"1h""#, "", "4", "1000000");
    media_prices(&mut rule);
    rule("openai", "openai/text-embedding-3-small", "input_tokens", "", "", "0.02", "1000000");
    for meter in ["input_tokens", "output_tokens"] {
        rows.push_str(&format!(r#"{{"seller":"openai","sku":"openai/free","meter":"{meter}","price":"0","free":true,"prov":{{"source":"test","version":"1"}}}}"#));
        rows.push('\n');
    }
    for (seller, sku, input, output) in [
        ("openai", "openai/gpt-5", 272_000, 128_000),
        ("openai", "openai/gpt-5-mini", 272_000, 128_000),
        ("google", "google/gemini-2.5-flash", 1_048_576, 65_536),
        ("anthropic", "anthropic/claude-sonnet-5", 1_000_000, 128_000),
        ("openai", "openai/text-embedding-3-small", 8_192, 0),
        ("openai", "openai/free", 128_000, 16_384),
    ] {
        rows.push_str(&format!(
            r#"{{"type":"model","seller":"{seller}","sku":"{sku}","input_tokens_max":{input},"output_tokens_max":{output},"prov":{{"source":"test","version":"1"}}}}"#
        ));
        rows.push('\n');
    }
    let rows = rows.replace(r#""seller":"openai""#, &format!(r#""seller":"{reseller}""#));
    let rows = dialects::price_book::read(&rows).unwrap_or_else(|errors| panic!("{errors:?}"));
    PriceBook::from_rows(rows).unwrap_or_else(|errors| panic!("{errors:?}"))
}
