//! The stage: a fake provider, a Mete in front of it with budgets and a key for each agent, all on 127.0.0.1.

use std::path::PathBuf;

use anyhow::Context as _;
use money::Nanos;
use serde_json::{Value, json};
use server::{Api, Connect, Environment, Running, ServeOptions};
use simulator::provider::{Options, Provider};

use crate::args::Demo;
use crate::commands::serve;
use crate::context::{Context, accepted};
use crate::output;

/// The budget over everything.
pub const COMPANY: &str = "company";
/// The budget of the burst, which a check-then-charge gateway gets as well.
pub const BURST: &str = "burst";
/// The header in which the demo's clients say who they are, so that the provider's own record can be told apart.
pub const WHO: &str = "user-agent";

const CONFIG: &str = r#"# Written by `mete demo`.
[[providers]]
name = "openai"
dialect = "openai"
base_url = "UPSTREAM"
api_key_env = "DEMO_KEY"

[[providers]]
name = "anthropic"
dialect = "anthropic"
base_url = "UPSTREAM"
api_key_env = "DEMO_KEY"

[[providers]]
name = "gemini"
dialect = "gemini"
base_url = "UPSTREAM"
api_key_env = "DEMO_KEY"

[[budgets]]
name = "company"
limit_usd = "20.00"
window = "month"
time_zone = "Europe/Berlin"

[[budgets]]
name = "team"
limit_usd = "8.00"
window = "month"
per = ["team"]

[[budgets]]
name = "crawler"
limit_usd = "0.60"
match = { agent = "crawler" }

[[budgets]]
name = "burst"
limit_usd = "0.20"
match = { team = "burst" }

[log]
level = "warn"
"#;

/// What runs.
pub struct Scene {
    /// The fake provider with its own biller.
    pub provider: Provider,
    /// The admin API of this demo's Mete.
    pub api: Api,
    running: Running,
    data: PathBuf,
    is_own_data: bool,
    token: Option<String>,
}

impl Scene {
    /// Starts the provider and Mete.
    pub async fn start(context: &Context, options: &Demo) -> anyhow::Result<Self> {
        let provider = Provider::start(Options { seed: options.seed, ..Options::default() }).await.context("starting the fake provider")?;
        let (data, is_own_data) = match context.named_data() {
            Some(data) => (data, false),
            None => (std::env::temp_dir().join(format!("mete-demo-{}", std::process::id())), true),
        };
        std::fs::create_dir_all(&data).with_context(|| data.display().to_string())?;
        let config = data.join("demo.toml");
        std::fs::write(&config, CONFIG.replace("UPSTREAM", &provider.base_url())).with_context(|| config.display().to_string())?;
        let mut env = Environment::new();
        env.insert("DEMO_KEY".to_owned(), "sk-demo".to_owned());
        let listen = Some(options.listen.clone());
        let serve = ServeOptions { config: Some(config), data: data.clone(), listen, env: env.clone(), ..ServeOptions::default() };
        let running = server::start(serve).await?;
        let token = running.admin_token().map(str::to_owned);
        let api = Api::connect(Connect { data: Some(data.clone()), env, ..Connect::default() }).await?;
        Ok(Self { provider, api, running, data, is_own_data, token })
    }

    /// The gateway's address.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.running.addr())
    }

    /// Makes a virtual key with attributes.
    pub async fn key(&self, team: &str, agent: &str) -> anyhow::Result<String> {
        let body = json!({"name": format!("{team}/{agent}"), "attributes": {"team": team, "agent": agent}});
        let made = accepted(self.api.post("/keys", body).await?)?;
        made["secret"].as_str().map(str::to_owned).context("the server made a key without a secret")
    }

    /// Tells a person where to look.
    pub fn say_where(&self) {
        let data = self.data.display();
        let mete = std::env::current_exe().map_or_else(|_| "mete".to_owned(), |file| file.display().to_string());
        output::talk(&format!("gateway       {}   (admin API under /api/v1, Prometheus under /metrics)", self.base_url()));
        if let Some(token) = &self.token {
            output::talk(&format!("admin token   {token}"));
        }
        output::talk(&format!("fake provider {}   (its own record: /sim/bill)", self.provider.base_url()));
        output::talk(&format!("look at it    {mete} budgets list --data {data}"));
        output::talk(&format!("              {mete} calls list --data {data} --status refused"));
        output::talk(&format!("              {mete} verify --data {data}"));
    }

    /// What the provider billed beyond any budget's limit, by the provider's own biller and the client's own name.
    pub fn overspend_nanos(&self, budgets: &Value) -> i64 {
        let bill = self.provider.books().bill(0);
        let requests = bill["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
        let budgets = budgets.as_array().map(Vec::as_slice).unwrap_or_default();
        let beyond = |budget: &Value| {
            let billed =
                requests.iter().filter(|request| counts(budget, who(request))).filter_map(|request| request["bill_nanos"].as_i64());
            billed.fold(0_i64, i64::saturating_add).saturating_sub(budget["limit_nanos"].as_i64().unwrap_or(i64::MAX)).max(0)
        };
        budgets.iter().map(beyond).fold(0, i64::saturating_add)
    }

    /// Serves until Ctrl-C.
    pub async fn serve_on(self) -> anyhow::Result<()> {
        let Self { running, data, is_own_data, provider, .. } = self;
        serve::until_told(running).await?;
        provider.stop();
        tidy(&data, is_own_data);
        Ok(())
    }

    /// Ends it.
    pub async fn end(self) {
        let Self { running, data, is_own_data, provider, .. } = self;
        running.shutdown();
        running.wait().await;
        provider.stop();
        tidy(&data, is_own_data);
    }
}

/// A folder that the demo made itself goes with it; one that was named stays.
fn tidy(data: &std::path::Path, is_own_data: bool) {
    if is_own_data {
        let _ = std::fs::remove_dir_all(data);
    }
}

/// `team/agent` of a provider's record; empty for requests that came another way.
fn who(request: &Value) -> &str {
    request["headers"][WHO].as_str().and_then(|text| text.strip_prefix("demo/")).unwrap_or_default()
}

/// Whether a budget of the demo counts what this `team/agent` does.
fn counts(budget: &Value, who: &str) -> bool {
    let (team, agent) = who.split_once('/').unwrap_or_default();
    let has = |name: &str| match name {
        "team" => team,
        "agent" => agent,
        _ => "",
    };
    let all = |wanted: &Value| wanted.as_object().is_none_or(|wanted| wanted.iter().all(|(name, value)| value == has(name)));
    !who.is_empty() && all(&budget["match"]) && all(&budget["per"])
}

/// Dollars for a person.
pub fn usd(nanos: i64) -> String {
    Nanos::new(nanos).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_counts_whom_it_matches() {
        let cases = [
            (json!({"match": {}, "per": null}), "search/ranker", true),
            (json!({"match": {}, "per": {"team": "search"}}), "search/ranker", true),
            (json!({"match": {}, "per": {"team": "support"}}), "search/ranker", false),
            (json!({"match": {"agent": "crawler"}, "per": null}), "search/crawler", true),
            (json!({"match": {"agent": "crawler"}, "per": null}), "search/ranker", false),
            (json!({"match": {}, "per": null}), "", false),
        ];
        for (budget, who, expected) in cases {
            assert_eq!(counts(&budget, who), expected, "{budget} {who}");
        }
    }
}
