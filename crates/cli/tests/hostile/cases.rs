//! `tests/hostile/cases.toml`, each request against the live binary: one clear answer, the effect on money that the row
//! states and no other, and a server that serves the next caller.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::floods::Flood;
use crate::raw::{self, Answer};
use crate::target::{GOOD_BODY, Sums, Target};

/// Servers that take the rows beside each other, in keyed and in passthrough mode.
const KEYED: usize = 5;
const PASSTHROUGH: usize = 1;

#[derive(Deserialize)]
pub struct Table {
    pub case: Vec<Case>,
    pub flood: Vec<Flood>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    #[serde(default = "keyed")]
    mode: String,
    #[serde(default = "key")]
    auth: String,
    #[serde(default)]
    headers: String,
    #[serde(default = "json_type")]
    content_type: String,
    #[serde(default = "chat")]
    request: String,
    body: Option<String>,
    body_hex: Option<String>,
    fill: Option<Fill>,
    raw: Option<String>,
    #[serde(default)]
    half: bool,
    #[serde(default)]
    each: Vec<String>,
    status: OneOrMore<u64>,
    #[serde(default)]
    code: OneOrMore<String>,
    says: Option<String>,
    #[serde(default = "nothing")]
    sent: OneOrMore<u64>,
    #[serde(default)]
    ledger: Effect,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    before: String,
    unit: String,
    times: usize,
    after: String,
}

/// What a case does to money.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Effect {
    /// Nothing spent, held or over.
    #[default]
    Untouched,
    /// Exactly what the provider bills is spent; nothing stays held.
    Billed,
    /// At least what the provider bills is spent; nothing stays held.
    AtLeast,
    /// As [`Effect::AtLeast`] where the provider saw the request, and untouched where it didn't.
    Any,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl<T: PartialEq> OneOrMore<T> {
    fn has(&self, value: &T) -> bool {
        match self {
            Self::One(one) => one == value,
            Self::More(more) => more.contains(value),
        }
    }
}

fn nothing() -> OneOrMore<u64> {
    OneOrMore::One(0)
}

fn keyed() -> String {
    "keyed".to_owned()
}

fn key() -> String {
    "key".to_owned()
}

fn json_type() -> String {
    "application/json".to_owned()
}

fn chat() -> String {
    "POST /v1/chat/completions".to_owned()
}

/// The whole table.
pub fn table() -> Table {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hostile/cases.toml")).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    Table { case: table.case.iter().flat_map(Case::spread).collect(), ..table }
}

impl Case {
    /// One case for each entry of `each`.
    fn spread(&self) -> Vec<Self> {
        if self.each.is_empty() {
            return vec![self.clone()];
        }
        let of = |(index, entry): (usize, &String)| {
            let with = |text: &String| text.replace("{each}", entry);
            Self {
                id: format!("{} [{index}]", self.id),
                auth: with(&self.auth),
                headers: with(&self.headers),
                content_type: with(&self.content_type),
                request: with(&self.request),
                body: self.body.as_ref().map(with),
                raw: self.raw.as_ref().map(with),
                ..self.clone()
            }
        };
        self.each.iter().enumerate().map(of).collect()
    }

    fn bytes(&self, target: &Target) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return target.filled(raw).into_bytes();
        }
        let body = match (&self.body, &self.body_hex, &self.fill) {
            (Some(body), _, _) => target.filled(body).into_bytes(),
            (_, Some(hex), _) => (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect(),
            (_, _, Some(fill)) => [fill.before.clone(), fill.unit.repeat(fill.times), fill.after.clone()].concat().into_bytes(),
            _ if self.request.starts_with("POST") => GOOD_BODY.as_bytes().to_vec(),
            _ => Vec::new(),
        };
        let credential = match self.auth.as_str() {
            "none" => String::new(),
            "key" => target.filled("authorization: Bearer {key}\r\n"),
            name @ ("small" | "revoked" | "expired" | "admin") => target.filled(&format!("authorization: Bearer {{{name}}}\r\n")),
            line => format!("{}\r\n", target.filled(line)),
        };
        let more = if self.headers.is_empty() { String::new() } else { format!("{}\r\n", target.filled(&self.headers)) };
        let typed = if self.content_type.is_empty() { String::new() } else { format!("content-type: {}\r\n", self.content_type) };
        let host = if more.lines().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
            String::new()
        } else {
            target.filled("host: {host}\r\n")
        };
        let head = format!(
            "{} HTTP/1.1\r\n{host}{credential}{more}{typed}content-length: {}\r\nconnection: close\r\n\r\n",
            target.filled(&self.request),
            body.len()
        );
        [head.into_bytes(), body].concat()
    }

    fn check(&self, target: &Target, before: Sums) -> Result<Sums, String> {
        let is_open = self.raw.is_some() && !self.half;
        let answer = raw::exchange(&target.mete.address, self.bytes(target), is_open);
        self.judge(target, &answer)?;
        let after = target.sums();
        self.judge_effect(before, after).map_err(|why| format!("{why}: {}", answer.shown()))?;
        if !target.serves() {
            return Err("the next caller isn't served".to_owned());
        }
        Ok(after)
    }

    fn judge(&self, target: &Target, answer: &Answer) -> Result<(), String> {
        let wrong = |what: String| Err(format!("{what}: {}", answer.shown()));
        if !self.status.has(&answer.status.into()) {
            return wrong(format!("status {} and code {:?} instead of {:?}", answer.status, answer.code(), self.status));
        }
        let code = answer.code().filter(|_| answer.status >= 400 && answer.status != 431);
        if code.as_ref().is_some_and(|code| !self.code.has(code)) {
            return wrong(format!("code {code:?} instead of {:?}", self.code));
        }
        // The HTTP parser refuses what isn't HTTP by a bare status, before anything of Mete has seen it.
        if answer.status >= 400 && self.raw.is_none() && answer.status != 431 && answer.code().is_none() && !self.sent.has(&1) {
            return wrong("no document with a code".to_owned());
        }
        if self.says.as_ref().is_some_and(|words| !answer.text.contains(words.as_str())) {
            return wrong(format!("it doesn't say `{}`", self.says.as_deref().unwrap_or_default()));
        }
        if target.secrets().any(|secret| answer.text.contains(secret)) {
            return wrong("the answer has a secret in it".to_owned());
        }
        match answer.answers() {
            0 | 1 => Ok(()),
            count => wrong(format!("{count} answers to one request")),
        }
    }

    fn judge_effect(&self, before: Sums, after: Sums) -> Result<(), String> {
        let (spent, billed, seen) = (after.spent - before.spent, after.billed - before.billed, after.seen - before.seen);
        if !self.sent.has(&seen) {
            return Err(format!("the provider saw {seen} requests instead of {:?}", self.sent));
        }
        let is_right = match self.ledger {
            Effect::Untouched => spent == 0,
            Effect::Billed => spent == billed && spent > 0,
            Effect::AtLeast => spent >= billed && spent > 0,
            Effect::Any => spent >= billed && (spent == 0 || seen > 0),
        };
        if !is_right || after.held != 0 || after.overage != before.overage {
            return Err(format!("spent {spent} where the provider bills {billed}, held {}, overage {}", after.held, after.overage));
        }
        if after.things != before.things {
            return Err("a budget, a key or a price was made or ended".to_owned());
        }
        Ok(())
    }
}

/// Runs what is left of `cases` on one server, in turn.
fn work(target: &mut Target, cases: &[&Case], next: &AtomicUsize, wrong: &Mutex<Vec<String>>) {
    let mut before = target.sums();
    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.check(target, before)));
        before = match outcome {
            Ok(Ok(after)) => after,
            Ok(Err(why)) => {
                wrong.lock().unwrap().push(format!("{}: {why}", case.id));
                target.sums()
            }
            Err(_) => {
                wrong.lock().unwrap().push(format!("{}: no answer", case.id));
                target.sums()
            }
        };
        if !target.mete.is_alive() {
            wrong.lock().unwrap().push(format!("{}: the server did not survive it", case.id));
            return;
        }
    }
}

#[test]
fn hostile_requests_get_one_clear_answer_and_change_nothing() {
    let table = table();
    let seed: Option<usize> = std::env::var("METE_SEED").ok().and_then(|seed| seed.parse().ok());
    let chosen: Vec<&Case> =
        table.case.iter().enumerate().filter(|(index, _)| seed.is_none_or(|seed| seed == *index)).map(|(_, case)| case).collect();
    let (wrong, verified) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for (mode, servers) in [("keyed", KEYED), ("passthrough", PASSTHROUGH)] {
            let cases: Vec<&Case> = chosen.iter().copied().filter(|case| case.mode == mode).collect();
            let shared = std::sync::Arc::new((cases, AtomicUsize::new(0)));
            for _ in 0..servers {
                let (shared, wrong, verified) = (std::sync::Arc::clone(&shared), &wrong, &verified);
                scope.spawn(move || {
                    let mut target = Target::start(mode);
                    work(&mut target, &shared.0, &shared.1, wrong);
                    assert_eq!(target.mete.json(&["verify"])["ok"], Value::Bool(true));
                    verified.fetch_add(1, Ordering::Relaxed);
                });
            }
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let again = |line: &String| {
        let id = line.split(": ").next().unwrap_or_default();
        let seed = table.case.iter().position(|case| case.id == id).unwrap_or_default();
        format!("{line}\n  again: cargo xtask prove --lane bad-input --seed {seed}")
    };
    let lines: Vec<String> = wrong.iter().map(again).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), table.case.len(), lines.join("\n"));
    let proof = json!({
        "lane": "bad-input", "title": "hostile requests against the live binary",
        "counts": {"requests": chosen.len(), "servers verified afterwards": verified.into_inner()}, "violations": 0,
    });
    println!("proof {proof}");
}
