//! The tools of the benchmark work together: load, provider, bare proxy, replay, and the comparison of provider and books. No times are looked at.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A part of the benchmark, ended with the test.
struct Part {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Part {
    fn start(words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        let mut child = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, lines: BufReader::new(out).lines() }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// A part that serves, and where.
    fn serving(words: &[&str]) -> (Self, String) {
        let mut part = Self::start(words);
        let address = part.line();
        (part, address)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn load(target: &str, more: &[&str]) -> Value {
    let words = [&["load", "--target", target, "--callers", "4", "--millis", "150", "--warm-millis", "20"], more].concat();
    let mut load = Part::start(&words);
    assert_eq!(load.line(), "ready");
    writeln!(load.input, "go").unwrap();
    serde_json::from_str(&load.line()).unwrap()
}

#[test]
fn every_call_of_the_load_comes_back_through_the_bare_proxy() {
    let (_provider, address) = Part::serving(&["upstream"]);
    let (_bare, proxy) = Part::serving(&["bare", &address]);
    for target in [&address, &proxy] {
        for more in [&[][..], &["--events", "5"], &["--users", "7"]] {
            let tally = load(target, more);
            assert!(tally["calls"].as_u64().unwrap() > 0 && tally["errors"] == 0, "{tally}");
        }
    }
}

#[test]
fn after_a_replay_the_books_hold_what_the_provider_served() {
    let (_provider, provider) = Part::serving(&["upstream"]);
    let dir = tempfile::tempdir().unwrap();
    let mete = Mete::start(dir.path(), &provider);
    let (address, data) = (mete.running.addr().to_string(), dir.path().join("data"));
    let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/azure_2023");
    let mut replay = Part::start(&["replay", "--target", &address, "--trace", trace, "--speed", "100", "--minutes", "1"]);
    let tally: Value = serde_json::from_str(&replay.line()).unwrap();
    assert_eq!((tally["errors"].as_u64(), tally["calls"].as_u64().unwrap() > 50), (Some(0), true), "{tally}");
    let words = ["compare", "--provider", &provider, "--mete", &address, "--data", data.to_str().unwrap()];
    assert_eq!(ends(&words), Some(0));
    // A call that the books don't know must be noticed.
    assert_eq!(load(&provider, &[])["errors"], 0);
    assert_eq!(ends(&words), Some(1));
}

fn ends(words: &[&str]) -> Option<i32> {
    Command::new(env!("CARGO_BIN_EXE_bench")).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().code()
}

/// Mete within this process: the same composition as the binary's.
struct Mete {
    running: server::Running,
    _runtime: tokio::runtime::Runtime,
}

impl Mete {
    fn start(dir: &Path, provider: &str) -> Self {
        let config = dir.join("mete.toml");
        let prices = [("input_tokens", "1.25"), ("output_tokens", "10")]
            .map(|(meter, price)| format!(r#"{{"seller":"openai","sku":"openai/trace-model","meter":"{meter}","price":"{price}"}}"#));
        std::fs::write(dir.join("prices.jsonl"), prices.join("\n")).unwrap();
        let provider: SocketAddr = provider.parse().unwrap();
        std::fs::write(
            &config,
            format!(
                "[[providers]]\nname = \"openai\"\ndialect = \"openai\"\nbase_url = \"http://{provider}\"\n\
                 [[budgets]]\nname = \"organisation\"\nlimit_usd = \"1000\"\n\
                 [prices]\nextra = [\"prices.jsonl\"]\n"
            ),
        )
        .unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let options = server::ServeOptions {
            config: Some(config),
            data: dir.join("data"),
            listen: Some("127.0.0.1:0".to_owned()),
            ..server::ServeOptions::default()
        };
        let running = runtime.block_on(server::start(options)).unwrap();
        Self { running, _runtime: runtime }
    }
}
