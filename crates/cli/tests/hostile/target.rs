//! A server in one mode with its keys and its fake provider, and the sums by which a case's effect on money is judged.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::raw::{self, Answer};
use crate::support::{Fake, Mete};

pub const GOOD_BODY: &str =
    r#"{"model":"gpt-5.5","messages":[{"role":"user","content":"hi [[sim output=5]]"}],"max_completion_tokens":64}"#;

/// The config of every target; `MODE` and `{upstream}` are filled in.
pub const CONFIG: &str = r#"
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

# Every case goes through conditions as well.
[[virtual_tags]]
name = "kind"
default = "other"
rules = [
    { when = 'model.matches("^(a+)+$") || session.matches("(x|y)*z$")', value = "odd" },
    { when = 'feature.startsWith("a") && attributes["mete.internal"] != "1"', copy = "feature" },
]

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
pub struct Target {
    pub fake: Fake,
    pub mete: Mete,
    /// A good credential of the mode.
    pub key: String,
    small: String,
    revoked: String,
    expired: String,
    ended_run: String,
}

/// What the books and the provider say at one moment with no call under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    pub spent: i64,
    pub held: i64,
    pub overage: i64,
    /// What the provider bills, by its own biller.
    pub billed: i64,
    /// Requests that the provider saw.
    pub seen: u64,
    /// Budgets, keys and prices of one's own that exist.
    pub things: u64,
}

impl Target {
    pub fn start(mode: &str) -> Self {
        let fake = Fake::start();
        let mete = Mete::start(&fake, &CONFIG.replace("MODE", mode));
        let mut target = Self {
            fake,
            mete,
            key: "sk-own-provider-key".to_owned(),
            small: String::new(),
            revoked: String::new(),
            expired: String::new(),
            ended_run: String::new(),
        };
        if mode == "keyed" {
            target.key =
                target.make_key(json!({"name": "good", "attributes": {"team": "hostile"}, "client_may_set": ["feature"]}))["secret"]
                    .as_str()
                    .unwrap()
                    .to_owned();
            target.small = secret(&target.make_key(json!({"name": "small", "attributes": {"team": "small"}})));
            target.expired = secret(&target.make_key(json!({"name": "expired", "expires_at": "2020-01-01"})));
            let made = target.make_key(json!({"name": "revoked"}));
            target.admin("DELETE", &format!("/keys/{}", made["key"]["id"].as_str().unwrap()), "");
            target.revoked = secret(&made);
            let run = target.admin("POST", "/runs", r#"{"name":"over"}"#).json();
            target.admin("POST", &format!("/runs/{}/end", run["run_id"].as_str().unwrap()), "");
            target.ended_run = run["token"].as_str().unwrap().to_owned();
        }
        target
    }

    fn make_key(&self, body: Value) -> Value {
        let answer = self.admin("POST", "/keys", &body.to_string());
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// A request to the admin API with the right token.
    pub fn admin(&self, method: &str, path: &str, body: &str) -> Answer {
        let lines = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", self.mete.admin_token);
        raw::request(&self.mete.address, method, &format!("/api/v1{path}"), &lines, body.as_bytes())
    }

    /// Fills the placeholders of a case.
    pub fn filled(&self, text: &str) -> String {
        let cut = &self.key[..self.key.len() - 1];
        text.replace("{key-cut}", cut)
            .replace("{key-upper}", &self.key.to_ascii_uppercase())
            .replace("{key}", &self.key)
            .replace("{small}", &self.small)
            .replace("{revoked}", &self.revoked)
            .replace("{expired}", &self.expired)
            .replace("{ended-run}", &self.ended_run)
            .replace("{admin}", &self.mete.admin_token)
            .replace("{host}", &self.mete.address)
            .replace("{64k}", &"k".repeat(65_536))
            .replace("{8k}", &"k".repeat(8_192))
            .replace("{300}", &"k".repeat(300))
            .replace("{200 headers}", &(0..200).map(|n| format!("x-h{n}: v\r\n")).collect::<String>())
    }

    /// The sums once nothing is under way and nothing is held.
    pub fn sums(&self) -> Sums {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let stats = self.admin("GET", "/stats", "").json();
            let quiet = stats["calls_in_flight"] == 0 && stats["open_holds"] == 0;
            if quiet || Instant::now() > deadline {
                return self.sums_now(&stats);
            }
            std::thread::yield_now();
        }
    }

    fn sums_now(&self, stats: &Value) -> Sums {
        let budgets = self.admin("GET", "/budgets", "").json();
        let whole = budgets.as_array().unwrap().iter().find(|row| row["name"] == "everything").unwrap().clone();
        let sum = |name: &str| whole[name].as_i64().unwrap();
        let own = self.admin("GET", "/prices/own", "").json();
        let things = [&stats["budgets"], &stats["keys"]].iter().filter_map(|count| count.as_u64()).sum::<u64>();
        Sums {
            spent: sum("spent_nanos"),
            held: sum("held_nanos"),
            overage: sum("overage_nanos"),
            billed: self.fake.bill_nanos(),
            seen: self.fake.requests(),
            things: things + own.as_array().map_or(0, |rows| rows.len() as u64),
        }
    }

    /// Whether a new caller is served: a free question, which no budget or key limits.
    pub fn serves(&self) -> bool {
        raw::request(&self.mete.address, "HEAD", "/", "", b"").status == 200
    }

    /// Secrets that no answer may have in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        [self.key.as_str(), &self.small, &self.mete.admin_token, "sk-canary-provider-key"].into_iter().filter(|secret| !secret.is_empty())
    }
}

fn secret(made: &Value) -> String {
    made["secret"].as_str().unwrap().to_owned()
}
