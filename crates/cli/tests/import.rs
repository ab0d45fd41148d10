//! `mete import litellm` as a shell sees it, and a gateway that serves what it wrote.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use support::{Fake, Mete, command};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/litellm/team-proxy");

/// A made-up proxy in front of one provider: an alias, a price of its own, a team with a budget.
const CONFIG: &str = "
model_list:
  - model_name: smart
    litellm_params:
      model: openai/gpt-5.5
      api_base: {upstream}/v1
      api_key: sk-canary-written-into-the-file
litellm_settings:
  default_team_settings: [{team_id: search, max_budget: 2.50, budget_duration: 30d}]
  num_retries: 1
";

fn import(dir: &Path, arguments: &[&str]) -> Output {
    command(dir).current_dir(dir).args(["import", "litellm"]).args(arguments).output().unwrap()
}

fn words(key: &Value) -> Vec<String> {
    key["arguments"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_call_through_an_imported_alias_is_answered_and_its_team_s_budget_counts_it() {
    let fake = Fake::start();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.yaml"), CONFIG.replace("{upstream}", &fake.provider.base_url())).unwrap();
    let output = import(dir.path(), &["config.yaml", "--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["taken"], json!({"providers": 1, "models": 1, "teams": 1, "budgets": 1, "prices": 0}));
    let written = std::fs::read_to_string(dir.path().join("mete.toml")).unwrap();
    let both = format!("{report}{written}");
    assert!(!both.contains("canary"), "a secret came out: {both}");

    let mete = Mete::start_with(&fake, &written, &[("OPENAI_API_KEY", "sk-of-the-environment")]);
    let make = words(&report["keys"][0]);
    let secret = mete.json(&make.iter().map(String::as_str).collect::<Vec<_>>())["secret"].as_str().unwrap().to_owned();
    let body = json!({"model": "smart", "max_completion_tokens": 50, "messages": [{"role": "user", "content": "Say hello."}]});
    let headers = [("authorization".to_owned(), format!("Bearer {secret}")), ("content-type".to_owned(), "application/json".to_owned())];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = format!("http://{}/v1/chat/completions", mete.address);
    let client = simulator::client::Client::default();
    let answered = runtime.block_on(client.send(http::Method::POST, &url, &headers, body.to_string().into_bytes())).unwrap();
    let answer = String::from_utf8_lossy(&answered.body).into_owned();
    assert_eq!(answered.status, 200, "{answer}");

    let calls = mete.calls();
    assert_eq!((calls.len(), calls[0]["attributes"]["model"].as_str()), (1, Some("gpt-5.5")), "{calls:?}");
    let bill = fake.bill_nanos();
    assert!(bill > 0);
    let budgets = mete.json(&["budgets", "list"]);
    let team = budgets.as_array().unwrap().iter().find(|budget| budget["name"] == "team-search").unwrap();
    assert_eq!(team["match"], json!({"team": "search"}));
    assert_eq!((team["limit_nanos"].as_i64(), team["spent_nanos"].as_i64()), (Some(2_500_000_000), Some(bill)), "{team}");
}

#[test]
fn the_whole_fixture_is_served_and_its_own_price_counts() {
    let fake = Fake::start();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| format!("{FIXTURE}/{name}");
    let (config, teams, keys) = (file("config.yaml"), file("teams.json"), file("keys.json"));
    let output = import(dir.path(), &[&config, "--teams", &teams, "--keys", &keys, "--output", "there.toml", "--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["config"].as_str(), report["prices"].as_str()), (Some("there.toml"), Some("there.prices.jsonl")));
    let written = std::fs::read_to_string(dir.path().join("there.toml")).unwrap();
    let prices = dir.path().join("there.prices.jsonl").display().to_string();
    let mete = Mete::start(&fake, &written.replace("there.prices.jsonl", &prices));
    let budgets = mete.json(&["budgets", "list"]);
    let names: Vec<_> = budgets.as_array().unwrap().iter().filter_map(|budget| budget["name"].as_str()).collect();
    assert!(
        ["everything", "each-user", "provider-openai", "team-search", "team-support"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    for key in report["keys"].as_array().unwrap() {
        mete.json(&words(key).iter().map(String::as_str).collect::<Vec<_>>());
    }
    let body = json!({"dialect": "openai", "seller": "hosted_vllm", "model": "qwen3-32b", "usage": {"prompt_tokens": 1_000, "completion_tokens": 10}});
    let cost = mete.post("/api/v1/cost", &body);
    assert_eq!(cost["total_nanos"], json!(1_255_000), "{cost}");
}

#[test]
fn nothing_is_written_over_and_nothing_is_written_of_a_config_that_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let in_dir = |name: &str| dir.path().join(name);
    std::fs::write(
        in_dir("good.yaml"),
        "model_list: [{model_name: a, litellm_params: {model: openai_like/m, api_base: http://h/v1, input_cost_per_token: 1e-6}}]",
    )
    .unwrap();
    std::fs::write(in_dir("bad.yaml"), "model_list: 5").unwrap();
    let cases: &[(&[&str], &str, &str, i32)] = &[
        (&["bad.yaml"], "", "bad.yaml:1: model_list must be a list", 1),
        (&["nowhere.yaml"], "", "reading nowhere.yaml", 1),
        (&["good.yaml", "--teams", "bad.yaml"], "", "bad.yaml: this is no JSON", 1),
        (&["good.yaml"], "mete.toml", "mete.toml is there already", 1),
        (&["good.yaml"], "mete.prices.jsonl", "mete.prices.jsonl is there already", 1),
        (&["good.yaml", "--force"], "mete.toml", "", 0),
        (&[], "", "CONFIG", 2),
    ];
    for (arguments, there, said, code) in cases {
        for name in ["mete.toml", "mete.prices.jsonl"] {
            let _ = std::fs::remove_file(in_dir(name));
        }
        if !there.is_empty() {
            std::fs::write(in_dir(there), "mine").unwrap();
        }
        let output = import(dir.path(), arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        for name in ["mete.toml", "mete.prices.jsonl"] {
            let now = std::fs::read_to_string(in_dir(name)).ok();
            let before = (name == *there).then(|| "mine".to_owned());
            assert_eq!(*code == 0, now != before, "{arguments:?}: {name} is {now:?}");
        }
        assert_eq!(output.stdout.is_empty(), *code != 0, "the report is data: {arguments:?}");
    }
}

#[test]
fn a_person_reads_one_sentence_and_the_paths_that_it_is_said_of() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!("{FIXTURE}/config.yaml");
    let output = import(dir.path(), &[&config]);
    let said = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "PROVIDERS  MODELS  TEAMS  BUDGETS  PRICES\n",
        "means something else now:\n",
        "  Mete limits requests a minute by key: `mete keys create NAME --requests-per-minute N`\n    x-common.rpm\n    model_list[0].litellm_params.rpm\n",
        "keys to make; each shows its secret once:\n  mete keys create research --attribute team=research\n",
        "variables that `mete serve` reads:\n",
        "written: mete.toml and mete.prices.jsonl\nnext: mete serve --config mete.toml\n",
    ] {
        assert!(said.contains(expected), "{expected} is not in\n{said}");
    }
}
