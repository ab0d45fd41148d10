//! Runs tests/hostile/cases.toml against the live binary: each hostile request gets one clear answer, nothing that it
//! shouldn't reaches the provider, nothing is charged for what wasn't sent, and the server lives on.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use support::{Fake, Mete};

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    #[serde(default = "keyed")]
    mode: String,
    #[serde(default = "key")]
    auth: String,
    #[serde(default = "chat")]
    request: String,
    body: Option<String>,
    body_hex: Option<String>,
    fill: Option<Fill>,
    raw: Option<String>,
    #[serde(default)]
    half: bool,
    status: OneOrMore,
    code: Option<String>,
    says: Option<String>,
    #[serde(default)]
    sent: OneOrMore,
}

#[derive(Deserialize)]
struct Fill {
    before: String,
    unit: String,
    times: usize,
    after: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(u64),
    More(Vec<u64>),
}

impl Default for OneOrMore {
    fn default() -> Self {
        Self::One(0)
    }
}

impl OneOrMore {
    fn has(&self, value: u64) -> bool {
        match self {
            Self::One(one) => *one == value,
            Self::More(more) => more.contains(&value),
        }
    }
}

impl std::fmt::Display for OneOrMore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(one) => write!(f, "{one}"),
            Self::More(more) => write!(f, "one of {more:?}"),
        }
    }
}

fn keyed() -> String {
    "keyed".to_owned()
}

fn key() -> String {
    "key".to_owned()
}

fn chat() -> String {
    "POST /v1/chat/completions".to_owned()
}

const GOOD_BODY: &str = r#"{"model":"gpt-5.5","messages":[{"role":"user","content":"hi [[sim output=5]]"}],"max_completion_tokens":64}"#;

const CONFIG: &str = r#"
[server]
authentication = "MODE"

[[providers]]
name = "openai"
dialect = "openai"
base_url = "{upstream}"
api_key_env = "FAKE_KEY"

[[providers]]
name = "anthropic"
dialect = "anthropic"
base_url = "{upstream}"
api_key_env = "FAKE_KEY"

[[providers]]
name = "gemini"
dialect = "gemini"
base_url = "{upstream}"
api_key_env = "FAKE_KEY"

[[budgets]]
name = "everything"
limit_usd = "1000.00"

[[budgets]]
name = "small"
limit_usd = "0.001"
match = { team = "small" }

[ledger]
wait_ms = 0

[timeouts]
header_ms = 700
body_idle_ms = 700
keep_alive_ms = 1500
stream_idle_ms = 3000
"#;

/// A server in one mode, with its keys.
struct Target {
    fake: Fake,
    mete: Mete,
    key: String,
    small: String,
}

impl Target {
    fn start(mode: &str) -> Self {
        let fake = Fake::start();
        let mete = Mete::start(&fake, &CONFIG.replace("MODE", mode));
        let is_keyed = mode == "keyed";
        let key = if is_keyed { mete.key("good", &["team=hostile"]) } else { "sk-own-provider-key".to_owned() };
        let small = if is_keyed { mete.key("small", &["team=small"]) } else { String::new() };
        Self { fake, mete, key, small }
    }

    /// Fills the placeholders of a case.
    fn filled(&self, text: &str) -> String {
        let cut = &self.key[..self.key.len() - 1];
        text.replace("{key-cut}", cut)
            .replace("{key}", &self.key)
            .replace("{admin}", &self.mete.admin_token)
            .replace("{host}", &self.mete.address)
            .replace("{64k}", &"k".repeat(65_536))
    }

    fn bytes_of(&self, case: &Case) -> Vec<u8> {
        if let Some(raw) = &case.raw {
            return self.filled(raw).into_bytes();
        }
        let body = match (&case.body, &case.body_hex, &case.fill) {
            (Some(body), _, _) => body.clone().into_bytes(),
            (_, Some(hex), _) => (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect(),
            (_, _, Some(fill)) => [fill.before.clone(), fill.unit.repeat(fill.times), fill.after.clone()].concat().into_bytes(),
            _ if case.request.starts_with("POST") => GOOD_BODY.as_bytes().to_vec(),
            _ => Vec::new(),
        };
        let credential = match case.auth.as_str() {
            "key" => format!("authorization: Bearer {}\r\n", self.key),
            "small" => format!("authorization: Bearer {}\r\n", self.small),
            "none" => String::new(),
            line => format!("{}\r\n", self.filled(line)),
        };
        let typed = if credential.contains("content-type:") { "" } else { "content-type: application/json\r\n" };
        let head = format!(
            "{} HTTP/1.1\r\nhost: {}\r\n{credential}{typed}content-length: {}\r\nconnection: close\r\n\r\n",
            self.filled(&case.request),
            self.mete.address,
            body.len()
        );
        [head.into_bytes(), body].concat()
    }

    /// Sends the bytes and gives status (0 for a connection closed without an answer) and the whole answer.
    fn answer(&self, case: &Case) -> (u64, String) {
        let mut stream = TcpStream::connect(&self.mete.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut reading = stream.try_clone().unwrap();
        let bytes = self.bytes_of(case);
        let half = case.half;
        // Written beside reading: the server may answer and close before it has taken all.
        let writer = std::thread::spawn(move || {
            let _ = stream.write_all(&bytes);
            if !half {
                let _ = stream.flush();
            }
            stream
        });
        let mut answer = Vec::new();
        let mut piece = [0; 16_384];
        let is_raw = case.raw.is_some() && !case.half;
        loop {
            match reading.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => answer.extend_from_slice(&piece[..count]),
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => panic!("{}: no answer within 30 s", case.id),
                Err(_) => break,
            }
            // A raw request may keep its connection open after the answer; the answer's head is enough then.
            if is_raw && answer.windows(4).any(|window| window == b"\r\n\r\n") && complete(&answer) {
                break;
            }
        }
        drop(writer.join().unwrap());
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|word| word.get(..3)).and_then(|word| word.parse().ok()).unwrap_or(0);
        (status, answer)
    }

    fn check(&self, case: &Case) -> Result<(), String> {
        let before = self.fake.requests();
        let (status, answer) = self.answer(case);
        let sent = self.fake.requests() - before;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let shown: String = answer.chars().take(600).collect();
        if !case.status.has(status) {
            return Err(format!("status {status} instead of {}: {shown}", case.status));
        }
        if !case.sent.has(sent) {
            return Err(format!("the provider saw {sent} requests instead of {}: {shown}", case.sent));
        }
        if let Some(code) = &case.code
            && code_of(body).as_deref() != Some(code)
        {
            return Err(format!("code {:?} instead of {code}: {shown}", code_of(body)));
        }
        if let Some(words) = &case.says
            && !answer.contains(words.as_str())
        {
            return Err(format!("the answer doesn't say `{words}`: {shown}"));
        }
        // 431 is the HTTP parser's own answer to a head that it doesn't take in; nothing of Mete has seen it.
        let is_error = status >= 400 && status != 431 && !case.request.starts_with("HEAD");
        if is_error && case.raw.is_none() && code_of(body).is_none() {
            return Err(format!("no JSON document with a code: {shown}"));
        }
        for secret in [self.key.as_str(), "sk-canary-provider-key", self.mete.admin_token.as_str()] {
            if !secret.is_empty() && answer.contains(secret) {
                return Err(format!("the answer has a secret in it: {shown}"));
            }
        }
        Ok(())
    }
}

/// Whether an answer with a content length is all there.
fn complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:").map(str::trim).and_then(|length| length.parse::<usize>().ok())
    });
    length.is_none_or(|length| body.len() >= length)
}

/// The stable code of an error document in any dialect's shape.
fn code_of(body: &str) -> Option<String> {
    let start = body.find('{')?;
    let end = body.rfind('}')?;
    let document: Value = serde_json::from_str(body.get(start..=end)?).ok()?;
    ["/mete/code", "/error/mete/code", "/error/code"].iter().find_map(|pointer| document.pointer(pointer)?.as_str().map(str::to_owned))
}

#[test]
fn hostile_requests_get_one_clear_answer_and_change_nothing() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hostile/cases.toml")).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    let mut keyed = Target::start("keyed");
    let mut passthrough = Target::start("passthrough");
    let mut wrong = Vec::new();
    for case in &table.case {
        let target = if case.mode == "passthrough" { &passthrough } else { &keyed };
        if let Err(why) = target.check(case) {
            wrong.push(format!("{}: {why}", case.id));
        }
    }
    for target in [&mut keyed, &mut passthrough] {
        assert!(target.mete.is_alive(), "the server did not survive");
        let verified = target.mete.json(&["verify"]);
        assert_eq!(verified["ok"], Value::Bool(true), "{verified}");
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), table.case.len(), wrong.join("\n"));
}
