//! A started server in a directory of its own, and a client that says exactly what it is told.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use server::{Api, Connect, Environment, Running, ServeOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A directory that goes away with its owner.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("mete-server-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A config whose one provider is a port on which nobody listens.
pub const CONFIG: &str = r#"
[[providers]]
name = "openai"
dialect = "openai"
base_url = "http://127.0.0.1:9"

[[budgets]]
name = "from-file"
limit_usd = "25.00"
window = "month"
time_zone = "Europe/Berlin"
match = { team = "search" }
"#;

pub struct Server {
    pub dir: Dir,
    pub config: PathBuf,
    pub running: Running,
    pub api: Api,
    pub token: String,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(CONFIG).await
    }

    pub async fn start_with(config: &str) -> Self {
        let dir = Dir::new();
        let config = dir.write("mete.toml", config);
        let running = server::start(options(&dir, &config)).await.unwrap();
        let token = running.admin_token().expect("the first start shows a token").to_owned();
        let api = Api::connect(connect(&dir, &config)).await.unwrap();
        Self { dir, config, running, api, token }
    }

    pub async fn stop(self) -> (Dir, PathBuf) {
        self.running.shutdown();
        self.running.wait().await;
        (self.dir, self.config)
    }

    /// Sends a request with exactly these header lines; gives status and body.
    pub async fn raw(&self, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, String) {
        raw(&self.running.addr().to_string(), method, path, headers, body).await
    }

    /// `GET` that must go well.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.api.get(path).await.unwrap();
        assert!(answer.is_ok(), "{path}: {answer:?}");
        answer.body
    }

    /// A change that must go well.
    pub async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.api.send(method, path, Some(body)).await.unwrap();
        assert!(answer.is_ok(), "{method} {path}: {answer:?}");
        answer.body
    }

    /// A change that must be refused; gives status and sentence.
    pub async fn refused(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let answer = self.api.send(method, path, Some(body)).await.unwrap();
        assert!(!answer.is_ok(), "{method} {path} should be refused: {answer:?}");
        (answer.status, answer.error().unwrap_or_default().to_owned())
    }
}

pub fn options(dir: &Dir, config: &Path) -> ServeOptions {
    ServeOptions {
        config: Some(config.to_owned()),
        data: dir.path().join("data"),
        listen: Some("127.0.0.1:0".to_owned()),
        ..ServeOptions::default()
    }
}

pub fn connect(dir: &Dir, config: &Path) -> Connect {
    Connect { data: Some(dir.path().join("data")), config: Some(config.to_owned()), env: Environment::new(), ..Connect::default() }
}

/// One HTTP/1.1 request, byte for byte.
pub async fn raw(addr: &str, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let host =
        if headers.iter().any(|line| line.to_ascii_lowercase().starts_with("host:")) { String::new() } else { format!("host: {addr}\r\n") };
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\n{host}{lines}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status, body)
}
