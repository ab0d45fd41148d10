//! A live `mete serve` in front of the simulator's fake provider, each on a free port of 127.0.0.1.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod books;
pub mod proof;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use simulator::provider::{Options, Provider};
use tempfile::TempDir;

/// A config for clients with keys of their own, with the fake provider in its three languages, and what comes behind.
pub fn config(more: &str) -> String {
    let provider = |name: &str| format!("[[providers]]\nname = \"{name}\"\ndialect = \"{name}\"\nbase_url = \"{{upstream}}\"\n");
    let providers: String = ["openai", "anthropic", "gemini"].map(provider).concat();
    format!("[server]\nauthentication = \"passthrough\"\n{providers}{more}")
}

/// The same for clients with virtual keys.
pub fn keyed(more: &str) -> String {
    config(more).replace("passthrough", "keyed").replace("base_url", "api_key_env = \"FAKE_KEY\"\nbase_url")
}

/// A running fake provider.
pub struct Fake {
    pub provider: Provider,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let provider = runtime.block_on(Provider::start(Options::default())).unwrap();
        Self { provider, _runtime: runtime }
    }

    /// Requests that reached the provider so far.
    pub fn requests(&self) -> u64 {
        self.provider.books().bill(0)["totals"]["requests"].as_u64().unwrap()
    }

    /// The number of the last request that reached the provider.
    pub fn last_seq(&self) -> u64 {
        self.requests_after(0).iter().filter_map(|request| request["seq"].as_u64()).max().unwrap_or(0)
    }

    /// What each later request is billed.
    pub fn bills_after(&self, seq: u64) -> Vec<i64> {
        self.requests_after(seq).iter().filter_map(|request| request["bill_nanos"].as_i64()).collect()
    }

    fn requests_after(&self, seq: u64) -> Vec<Value> {
        self.provider.books().bill(seq)["requests"].as_array().cloned().unwrap_or_default()
    }

    /// What the provider bills in all, by its own biller.
    pub fn bill_nanos(&self) -> i64 {
        self.provider.books().bill(0)["totals"]["bill_nanos"].as_i64().unwrap()
    }
}

/// A running `mete serve`; ended by its pid.
pub struct Mete {
    pub address: String,
    pub admin_token: String,
    pub dir: TempDir,
    config: PathBuf,
    environment: Vec<(String, String)>,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Mete {
    /// Starts the binary on `config`, in which `{upstream}` is the provider's address.
    pub fn start(fake: &Fake, config: &str) -> Self {
        Self::start_with(fake, config, &[])
    }

    /// The same with variables of its environment.
    pub fn start_with(fake: &Fake, config: &str, environment: &[(&str, &str)]) -> Self {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mete.toml");
        std::fs::write(&file, config.replace("{upstream}", &fake.provider.base_url())).unwrap();
        Self::start_in(dir, file, environment)
    }

    /// Kills the process (no drain, no goodbye) and starts it again on the same data.
    pub fn kill_and_restart(self) -> Self {
        self.kill_and_restart_after(|| {})
    }

    /// Asks the process to end (SIGTERM), waits for it, and starts it again on the same data.
    pub fn end_and_restart(self) -> Self {
        let pid = rustix::process::Pid::from_child(&self.child);
        self.restart_after(|child| {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            let status = child.wait().unwrap();
            assert!(status.success(), "a process that is asked to end ends well: {status}");
        })
    }

    /// The same with something to wait for in between.
    pub fn kill_and_restart_after(self, between: impl FnOnce()) -> Self {
        self.restart_after(|child| {
            child.kill().unwrap();
            child.wait().unwrap();
            between();
        })
    }

    fn restart_after(mut self, end: impl FnOnce(&mut Child)) -> Self {
        end(&mut self.child);
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        let token = self.admin_token.clone();
        let mut again = Self::start_in(dir, self.config.clone(), self.environment.clone());
        again.admin_token = token;
        again
    }

    fn start_in(dir: TempDir, config: PathBuf, environment: Vec<(String, String)>) -> Self {
        let mut child = command(dir.path())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        let mut admin_token = String::new();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(token) = line.strip_prefix("admin token, shown this once: ") {
                admin_token = token.to_owned();
            }
            if let Some(rest) = line.strip_prefix("mete listens on http://") {
                address = Some(rest.to_owned());
            }
            said.push(line);
            if said.last().is_some_and(|line| line == "ready") {
                break;
            }
        }
        // Whatever is said later must be read, or the process would block on a full pipe.
        let log = Arc::new(Mutex::new(said.clone()));
        let later = Arc::clone(&log);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| later.lock().unwrap().push(line)));
        let Some(address) = address else { panic!("mete serve did not start:\n{}", said.join("\n")) };
        Self { address, admin_token, dir, config, environment, child, log }
    }

    /// What the process has written to stderr since its start.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Runs a command of the binary on this server's data directory and gives its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = command(self.dir.path()).args(arguments).args(["--format", "json"]).output().unwrap();
        assert!(output.status.success(), "mete {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|why| panic!("mete {arguments:?}: {why}: {}", String::from_utf8_lossy(&output.stdout)))
    }

    /// The ledger's journal, line by line, over the admin API.
    pub fn journal(&self) -> Vec<Value> {
        self.pages("/api/v1/journal?limit=5000", |last| format!("&after={}", last.map_or(0, |line| line["seq"].as_u64().unwrap())))
    }

    /// Every call, newest first, over the admin API.
    pub fn calls(&self) -> Vec<Value> {
        self.pages("/api/v1/calls?limit=5000", |last| {
            last.map_or_else(String::new, |call| format!("&before={}", call["call_id"].as_str().unwrap()))
        })
    }

    /// All pages of a list; `next` says what follows on the last row so far.
    fn pages(&self, path: &str, next: impl Fn(Option<&Value>) -> String) -> Vec<Value> {
        let token = std::fs::read_to_string(self.dir.path().join("admin.token")).unwrap();
        let url = format!("http://{}{path}", self.address);
        let headers = [("authorization".to_owned(), format!("Bearer {}", token.trim()))];
        let client = simulator::client::Client::default();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let url = format!("{url}{}", next(rows.last()));
            let answered = runtime.block_on(client.send(http::Method::GET, &url, &headers, Vec::new())).unwrap();
            let page: Vec<Value> = serde_json::from_slice(&answered.body)
                .unwrap_or_else(|why| panic!("{url}: {why}: {}", String::from_utf8_lossy(&answered.body)));
            if page.is_empty() {
                return rows;
            }
            rows.extend(page);
        }
    }

    /// Posts to the admin API.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let token = std::fs::read_to_string(self.dir.path().join("admin.token")).unwrap();
        let headers = [("authorization", format!("Bearer {}", token.trim())), ("content-type", "application/json".to_owned())];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        let url = format!("http://{}{path}", self.address);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let client = simulator::client::Client::default();
        let answered = runtime.block_on(client.send(http::Method::POST, &url, &headers, body.to_string().into_bytes())).unwrap();
        assert_eq!(answered.status, 200, "{path}: {}", String::from_utf8_lossy(&answered.body));
        serde_json::from_slice(&answered.body).unwrap()
    }

    /// The counters of this process.
    pub fn metrics(&self) -> String {
        let token = std::fs::read_to_string(self.dir.path().join("admin.token")).unwrap();
        let headers = [("authorization".to_owned(), format!("Bearer {}", token.trim()))];
        let client = simulator::client::Client::default();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let url = format!("http://{}/metrics", self.address);
        let answered = runtime.block_on(client.send(http::Method::GET, &url, &headers, Vec::new())).unwrap();
        assert_eq!(answered.status, 200, "{}", String::from_utf8_lossy(&answered.body));
        String::from_utf8_lossy(&answered.body).into_owned()
    }

    /// A counter or gauge without labels.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.metrics();
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// Makes a virtual key and gives its secret.
    pub fn key(&self, name: &str, attributes: &[&str]) -> String {
        let mut arguments = vec!["keys", "create", name];
        for attribute in attributes {
            arguments.extend(["--attribute", attribute]);
        }
        self.json(&arguments)["secret"].as_str().unwrap().to_owned()
    }
}

impl Drop for Mete {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary on a data directory, with nothing of the caller's environment but the path.
pub fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mete"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", data);
    command.env("FAKE_KEY", "sk-canary-provider-key").arg("--data").arg(data);
    command
}
