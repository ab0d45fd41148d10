//! The admin API as a caller sees it: one surface, whether a server runs here, elsewhere or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use store::{Books, OpenError, Options, read_owner};
use tower::ServiceExt as _;

use crate::Environment;
use crate::api::{self, guard::InProcess};
use crate::control::{Control, Sources};
use crate::prices::Desk;

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long the API may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// How long a server that owns a data directory may take to show that it lives.
const ALIVE_MAX: Duration = Duration::from_secs(2);

/// Which server or directory to ask.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// A server's address (`--url` or `METE_URL`), with [`Connect::token`]. Wins over `data`.
    pub url: Option<String>,
    /// Its admin token (`METE_TOKEN`).
    pub token: Option<String>,
    /// The data directory: the server that owns it is asked; without one the directory is opened here.
    pub data: Option<PathBuf>,
    /// `mete.toml`, for a directory that is opened here (prices, providers). A running server has its own.
    pub config: Option<PathBuf>,
    /// A price file that replaces the embedded book where the directory is opened here.
    pub prices: Option<PathBuf>,
    /// Environment variables.
    pub env: Environment,
}

/// Why the API can't be reached. What the API itself refuses is an [`Answer`], not an error.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nothing answers.
    #[error("no mete server answers at {url} ({why}); start one with `mete serve`, or check --url")]
    Unreachable {
        /// Where.
        url: String,
        /// What happened.
        why: String,
    },
    /// The URL can't be used.
    #[error("`{0}` is not a server address; write http://HOST:PORT")]
    BadUrl(String),
    /// There is no token for a remote server.
    #[error("an admin token is needed for {0}; set METE_TOKEN to the token that the server printed at its first start")]
    NoToken(String),
    /// The data directory can't be opened.
    #[error("{0}")]
    Data(String),
    /// The config can't be used.
    #[error("{0}")]
    Config(String),
    /// The answer isn't JSON.
    #[error("the server at {url} answered something that is not the admin API: {why}")]
    NotTheApi {
        /// Where.
        url: String,
        /// What was wrong.
        why: String,
    },
}

/// An answer of the admin API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The document. Errors have `{"error":{"code","message"}}`.
    pub body: Value,
}

impl Answer {
    /// Whether the API did what was asked.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The error's sentence, when it is one.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.body.pointer("/error/message").and_then(Value::as_str)
    }
}

/// The admin API: remote over HTTP, or in this process on a data directory that no server owns.
#[derive(Debug)]
pub struct Api(Way);

enum Way {
    Remote { base: String, data_plane: String, token: String, client: Box<Client<HttpConnector, Full<Bytes>>> },
    Local { router: Router, control: Arc<Control> },
    Prices { router: Router },
}

impl core::fmt::Debug for Way {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Remote { base, .. } => write!(f, "Remote({base})"),
            Self::Local { control, .. } => write!(f, "Local({})", control.data.display()),
            Self::Prices { .. } => f.write_str("Prices"),
        }
    }
}

impl Api {
    /// Finds whom to ask: `url`, else the server that owns `data`, else `data` itself opened in this process.
    ///
    /// # Errors
    /// Says what can't be reached or opened.
    pub async fn connect(connect: Connect) -> Result<Self, AccessError> {
        if let Some(url) = &connect.url {
            let base = base_of(url)?;
            let token = connect.token.clone().or_else(|| connect.data.as_deref().and_then(|data| local_token(data, &base)));
            let token = token.filter(|token| !token.is_empty()).ok_or_else(|| AccessError::NoToken(base.clone()))?;
            return Ok(Self::remote(base, token));
        }
        if let Some(api) = Self::running(&connect).await {
            return Ok(api);
        }
        let data = connect.data.clone().ok_or_else(|| AccessError::Data("no data directory is named; use --data DIR".to_owned()))?;
        Self::local(connect, &data).await
    }

    /// The server that owns the data directory, if one runs and answers; never opens the directory.
    pub async fn running(connect: &Connect) -> Option<Self> {
        let owner = read_owner(connect.data.as_deref()?).ok()??;
        let token = std::fs::read_to_string(owner.token_file?).ok()?;
        let api = Self::remote(format!("http://{}", owner.address?), token.trim().to_owned());
        let stats = tokio::time::timeout(ALIVE_MAX, api.get("/stats")).await.ok()?.ok()?;
        let api = api.with_data_plane(stats.body["address"].as_str());
        stats.is_ok().then_some(api)
    }

    fn remote(base: String, token: String) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self(Way::Remote { data_plane: base.clone(), base, token, client: Box::new(client) })
    }

    fn with_data_plane(mut self, address: Option<&str>) -> Self {
        if let (Way::Remote { data_plane, .. }, Some(address)) = (&mut self.0, address) {
            *data_plane = format!("http://{address}");
        }
        self
    }

    /// Opens the directory in this process.
    async fn local(connect: Connect, data: &Path) -> Result<Self, AccessError> {
        let sources = Sources { config: connect.config, flags: Vec::new(), prices: connect.prices, env: connect.env };
        let loaded = sources.load().map_err(|error| AccessError::Config(error.to_string()))?;
        let options = Options { dir: data.to_owned(), survives: loaded.config.survives };
        let (books, _) = Books::open(options).map_err(|error| AccessError::Data(open_error(data, &error)))?;
        let control = Control::new(books, data, sources, loaded).await.map_err(AccessError::Data)?;
        Ok(Self(Way::Local { router: api::router(Arc::clone(&control)), control }))
    }

    /// The price routes on a book without a data directory: the embedded one, or the file of `prices`. It is only read.
    ///
    /// # Errors
    /// The file can't be used.
    pub fn of_prices(prices: Option<&Path>) -> Result<Self, AccessError> {
        Desk::of_prices(prices).map(Self::at_desk).map_err(AccessError::Config)
    }

    /// The price routes on a book of imported sources in a file, which needn't exist yet; imports are written to it.
    ///
    /// # Errors
    /// The file can't be used.
    pub fn of_book(file: &Path) -> Result<Self, AccessError> {
        Desk::of_book(file).map(Self::at_desk).map_err(AccessError::Config)
    }

    /// Whether it is a price book alone, asked in this process.
    #[must_use]
    pub fn is_book(&self) -> bool {
        matches!(self.0, Way::Prices { .. })
    }

    fn at_desk(desk: Desk) -> Self {
        Self(Way::Prices { router: api::price_router(desk) })
    }

    /// The base address of a running server (`http://127.0.0.1:4141`), where the data plane is; `None` when the directory is open here.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        match &self.0 {
            Way::Remote { data_plane, .. } => Some(data_plane),
            Way::Local { .. } | Way::Prices { .. } => None,
        }
    }

    /// Writes everything and frees a directory that is open here. Dropping does so too, without waiting for it.
    pub async fn close(self) {
        if let Way::Local { control, .. } = self.0
            && let Err(error) = control.books.close().await
        {
            tracing::error!(%error, "failed to close the data directory");
        }
    }

    /// `GET /api/v1{path}`; `path` starts with `/` and may have a query.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn get(&self, path: &str) -> Result<Answer, AccessError> {
        self.send("GET", path, None).await
    }

    /// `POST /api/v1{path}` with a JSON body.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer, AccessError> {
        self.send("POST", path, Some(body)).await
    }

    /// `POST /api/v1{path}` with a file as its body.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn post_file(&self, path: &str, file: Vec<u8>) -> Result<Answer, AccessError> {
        self.timed("POST", path, Some(Sent::File(file))).await
    }

    /// `PUT /api/v1{path}` with a JSON body.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn put(&self, path: &str, body: Value) -> Result<Answer, AccessError> {
        self.send("PUT", path, Some(body)).await
    }

    /// `PATCH /api/v1{path}` with a JSON body.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn patch(&self, path: &str, body: Value) -> Result<Answer, AccessError> {
        self.send("PATCH", path, Some(body)).await
    }

    /// `DELETE /api/v1{path}`.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn delete(&self, path: &str) -> Result<Answer, AccessError> {
        self.send("DELETE", path, None).await
    }

    /// Any request.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer, AccessError> {
        self.timed(method, path, body.map(Sent::Json)).await
    }

    async fn timed(&self, method: &str, path: &str, body: Option<Sent>) -> Result<Answer, AccessError> {
        match tokio::time::timeout(ANSWER_MAX, self.sent(method, path, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.unreachable("no answer within two minutes")),
        }
    }

    async fn sent(&self, method: &str, path: &str, body: Option<Sent>) -> Result<Answer, AccessError> {
        match &self.0 {
            Way::Remote { base, token, client, .. } => {
                let mut request = request(method, &format!("{base}/api/v1{path}"), body)?;
                let bearer = format!("Bearer {token}").parse().map_err(|_| AccessError::NoToken(base.clone()))?;
                request.headers_mut().insert(header::AUTHORIZATION, bearer);
                let answer = client.request(request).await.map_err(|error| self.unreachable(&cause(&error)))?;
                self.read(answer).await
            }
            Way::Local { router, .. } | Way::Prices { router } => {
                let mut request = request(method, &format!("/api/v1{path}"), body)?.map(Body::new);
                request.extensions_mut().insert(InProcess);
                let answer = match router.clone().oneshot(request).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                };
                self.read(answer).await
            }
        }
    }

    async fn read<B>(&self, answer: Response<B>) -> Result<Answer, AccessError>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let status = answer.status().as_u16();
        let bytes = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| self.unreachable(&error.to_string()))?
            .to_bytes();
        let wrong = |why: serde_json::Error| AccessError::NotTheApi {
            url: self.base_url().unwrap_or("here").to_owned(),
            why: format!("status {status}, {why}"),
        };
        Ok(Answer { status, body: serde_json::from_slice(&bytes).map_err(wrong)? })
    }

    fn unreachable(&self, why: &str) -> AccessError {
        AccessError::Unreachable { url: self.base_url().unwrap_or("this process").to_owned(), why: why.to_owned() }
    }
}

/// The body of a request.
enum Sent {
    Json(Value),
    File(Vec<u8>),
}

fn request(method: &str, uri: &str, body: Option<Sent>) -> Result<Request<Full<Bytes>>, AccessError> {
    let mut builder = Request::builder().method(method).uri(uri);
    let bytes = match body {
        Some(Sent::Json(body)) => {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
            Bytes::from(body.to_string())
        }
        Some(Sent::File(bytes)) => {
            builder = builder.header(header::CONTENT_TYPE, "application/octet-stream");
            Bytes::from(bytes)
        }
        None => Bytes::new(),
    };
    builder.body(Full::new(bytes)).map_err(|_| AccessError::BadUrl(uri.to_owned()))
}

/// The innermost reason: the outer ones only say that the client failed.
fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

fn base_of(url: &str) -> Result<String, AccessError> {
    let text = url.trim_end_matches('/');
    let wrong = || AccessError::BadUrl(url.to_owned());
    let parsed: Uri = text.parse().map_err(|_| wrong())?;
    let plain = parsed.scheme_str() == Some("http") && parsed.host().is_some() && matches!(parsed.path(), "" | "/");
    if plain { Ok(text.to_owned()) } else { Err(wrong()) }
}

/// The token of a server on this machine that owns the data directory and listens at this very address.
fn local_token(data: &Path, base: &str) -> Option<String> {
    let owner = read_owner(data).ok()??;
    let own = format!("http://{}", owner.address?) == base;
    let text = own.then(|| std::fs::read_to_string(owner.token_file?).ok())??;
    Some(text.trim().to_owned())
}

/// Says whose directory can't be opened.
pub(crate) fn open_error(data: &Path, error: &OpenError) -> String {
    format!("{}: {error}", data.display())
}
