//! The admin API as a caller sees it: one surface, whether a server runs here, elsewhere or not at all.

use std::path::PathBuf;

use serde_json::Value;

use crate::Environment;

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
pub struct Api {}

impl Api {
    /// Finds whom to ask: `url`, else the server that owns `data`, else `data` itself opened in this process.
    ///
    /// # Errors
    /// Says what can't be reached or opened.
    pub async fn connect(_connect: Connect) -> Result<Self, AccessError> {
        Err(AccessError::Data("not built".to_owned()))
    }

    /// The server that owns the data directory, if one runs and answers; never opens the directory.
    pub async fn running(_connect: &Connect) -> Option<Self> {
        None
    }

    /// The base address of a running server (`http://127.0.0.1:4141`), where the data plane is; `None` when the directory is open here.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        None
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
    pub async fn send(&self, _method: &str, _path: &str, _body: Option<Value>) -> Result<Answer, AccessError> {
        Err(AccessError::Data("not built".to_owned()))
    }
}
