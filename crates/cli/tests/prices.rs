//! Prices as an operator handles them: published lists imported, compared and accepted, a new model on its launch day.
//!
//! The lists are excerpts in the shape of litellm's and genai-prices' files (both MIT), with figures of our own.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use support::{Fake, Mete, command};

const LITELLM: &str = r#"{
"gpt-5.5":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":5e-06,"output_cost_per_token":3e-05},
"acme-chat":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":2e-06,"output_cost_per_token":8e-06},
"zero-chat":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":0,"output_cost_per_token":0}}"#;

/// Four weeks later: acme-chat's input costs more, and an output price has slipped by a digit and more.
const LITELLM_LATER: &str = r#"{
"gpt-5.5":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":5e-06,"output_cost_per_token":6e-04},
"acme-chat":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":3e-06,"output_cost_per_token":8e-06},
"zero-chat":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":0,"output_cost_per_token":0}}"#;

const GENAI: &str = r#"[{"id":"openai","name":"OpenAI","api_pattern":"https://api\\.openai\\.com","models":[
{"id":"gpt-5.5","match":{"equals":"gpt-5.5"},"prices":{"input_mtok":"4","output_mtok":"30"}}]}]"#;

/// A directory with the lists, and commands in it.
struct Lists(tempfile::TempDir);

impl Lists {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("litellm_2026-10-25.json", LITELLM),
            ("litellm_2026-11-20.json", LITELLM_LATER),
            ("genai_2026-11-01.json", GENAI),
            ("broken.json", r#"{"gpt-5.5":{"litellm_provider":"openai","input_cost"#),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Runs a command whose words `@name` are files of this directory.
    fn run(&self, line: &str) -> Output {
        let words = line.split(' ').map(|word| word.strip_prefix('@').map_or(word.to_owned(), |name| self.path(name)));
        command(&self.0.path().join("data")).args(words).output().unwrap()
    }

    /// Its standard output as text; it must go well.
    fn said(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "mete {line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.said(&format!("{line} --format json"))).unwrap()
    }

    fn cost(&self, more: &str) -> Value {
        let usage = r#"{"prompt_tokens":1000000,"completion_tokens":0}"#;
        self.json(&format!("cost --dialect openai --model acme-chat --usage {usage} {more}"))["total_nanos"].clone()
    }
}

fn import(lists: &Lists, file: &str) -> Value {
    lists.json(&format!("prices import --book @book --file @{file}"))[0].clone()
}

#[test]
fn sources_are_imported_from_scratch_and_history_stays_costable() {
    let lists = Lists::new();
    let first = import(&lists, "litellm_2026-10-25.json");
    assert_eq!(
        (&first["source"], &first["as_of"], &first["read"]),
        (&json!("litellm"), &json!("2026-10-25T00:00:00Z"), &json!(4)),
        "{first}"
    );
    assert_eq!(
        (first["added"].as_array().unwrap().len(), &first["skipped"][0]["key"]),
        (4, &json!("zero-chat")),
        "a zero is no price: {first}"
    );
    let later = import(&lists, "litellm_2026-11-20.json");
    let changed = &later["changed"];
    assert_eq!((changed.as_array().unwrap().len(), &changed[0]["old"], &changed[0]["new"]), (1, &json!("2"), &json!("3")), "{later}");
    assert_eq!(import(&lists, "litellm_2026-11-20.json")["same_file"], json!(true));
    // Exactly the changed price has a new validity, and the old knowledge still prices as it did.
    for (more, nanos) in [
        ("--book @book", 3_000_000_000_i64),
        ("--book @book --at 2026-11-01", 2_000_000_000),
        ("--book @book --as-of 2026-11-01", 2_000_000_000),
    ] {
        assert_eq!(lists.cost(more), json!(nanos), "{more}");
    }
}

#[test]
fn an_absurd_change_waits_until_a_person_accepts_it() {
    let lists = Lists::new();
    import(&lists, "litellm_2026-10-25.json");
    let later = import(&lists, "litellm_2026-11-20.json");
    let waiting = &later["quarantined"][0];
    assert_eq!((&waiting["old"], &waiting["new"]), (&json!("30"), &json!("600")), "{later}");
    let output = || {
        lists.json("prices why --book @book --model gpt-5.5")["meters"]
            .as_array()
            .unwrap()
            .iter()
            .find(|meter| meter["meter"] == "output_tokens")
            .unwrap()["rate"]
            .clone()
    };
    assert_eq!(output(), json!("30"), "the last good price stays");
    let text = lists.said("prices accept --book @book");
    assert!(text.contains(waiting["id"].as_str().unwrap()) && text.contains("more than 10 times"), "{text}");
    let command_line = waiting["accept"].as_str().unwrap().strip_prefix("mete ").unwrap();
    let taken = lists.said(&format!("{command_line} --book @book"));
    assert!(taken.contains("30 → 600"), "{taken}");
    assert_eq!(output(), json!("600"));
    assert_eq!(lists.run("prices accept q-nothing --book @book").status.code(), Some(4));
    assert_eq!(lists.json("prices accept --book @book"), json!([]));
}

#[test]
fn sources_that_disagree_are_listed_and_why_names_what_lost() {
    let lists = Lists::new();
    let both = format!(
        "prices import --book @book --file {} --file {}",
        lists.path("litellm_2026-10-25.json"),
        lists.path("genai_2026-11-01.json")
    );
    assert_eq!(lists.json(&both).as_array().unwrap().len(), 2);
    let conflicts = lists.json("prices conflicts --book @book --model gpt-5.5");
    let conflict = &conflicts[0];
    assert_eq!((&conflict["chosen"]["source"], &conflict["chosen"]["price"]), (&json!("genai-prices"), &json!("4")), "{conflicts}");
    assert_eq!((&conflict["others"][0]["source"], &conflict["others"][0]["price"]), (&json!("litellm"), &json!("5")), "{conflicts}");
    assert!(conflict["cause"].is_string() && conflicts.as_array().unwrap().len() == 1, "{conflicts}");
    let cause = conflict["cause"].as_str().unwrap();
    assert_eq!(lists.json(&format!("prices conflicts --book @book --cause {cause}")).as_array().unwrap().len(), 1);
    assert_eq!(lists.json("prices conflicts --book @book --seller anthropic"), json!([]));
    let why = lists.said("prices why --book @book --model gpt-5.5 --at 2026-11-15");
    for part in [
        "gpt-5.5 is openai/gpt-5.5, sold by openai",
        "at 2026-11-15, as known at",
        "input_tokens  $4 per 1,000,000",
        "source   genai-prices",
        "says 4",
        "lost     $5",
        cause,
        "agree    genai-prices",
    ] {
        assert!(why.contains(part), "{part} is not in\n{why}");
    }
    let changes = lists.json("prices diff @litellm_2026-10-25.json @litellm_2026-11-20.json");
    let changed: Vec<_> = changes.as_array().unwrap().iter().map(|change| (&change["old"], &change["new"])).collect();
    assert_eq!(changed, [(&json!("2"), &json!("3")), (&json!("30"), &json!("600"))], "{changes}");
    assert!(lists.said("prices diff @litellm_2026-10-25.json @litellm_2026-10-25.json").contains("they say the same"));
}

#[test]
fn a_bad_list_leaves_the_last_good_one() {
    let lists = Lists::new();
    import(&lists, "litellm_2026-10-25.json");
    let before = std::fs::read(lists.path("book")).unwrap();
    std::fs::write(lists.path("words.json"), "not a price list").unwrap();
    std::fs::write(lists.path("empty.json"), r#"{"a":{"litellm_provider":"openai","mode":"chat"}}"#).unwrap();
    for (arguments, says) in [
        ("--file @broken.json", "the import of 2026-10-25T00:00:00Z stays in force"),
        ("--file @words.json", "name what it is with --source"),
        ("--file @empty.json", "holds no price"),
        ("--file @words.json --source rumours", "write one of litellm"),
        ("--file @litellm_2026-11-20.json --as-of 2026-10-01", "pass --as-of"),
        ("--file @litellm_2026-11-20.json --as-of 2999-01-01", "in the future"),
        ("--file @nowhere.json", "nowhere.json"),
    ] {
        let output = lists.run(&format!("prices import --book @book {arguments}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
        assert!(said.contains(says), "{arguments}: {said}");
        assert_eq!(std::fs::read(lists.path("book")).unwrap(), before, "{arguments} changed the book");
    }
    let dry = lists.json("prices import --book @book --dry-run --file @litellm_2026-11-20.json");
    assert_eq!((&dry[0]["dry_run"], dry[0]["changed"].as_array().unwrap().len()), (&json!(true), 1));
    assert_eq!(std::fs::read(lists.path("book")).unwrap(), before, "a look changes nothing");
    let good = lists.said("prices verify --book @book");
    assert!(good.contains("nothing is wrong"), "{good}");
    std::fs::write(lists.path("zero.jsonl"), r#"{"seller":"a","sku":"a/m","meter":"input_tokens","price":"2","valid":{"from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}}"#).unwrap();
    assert_eq!(lists.run("prices verify @zero.jsonl").status.code(), Some(1));
}

const CONFIG: &str = r#"
[[providers]]
name = "openai"
dialect = "openai"
base_url = "{upstream}"
api_key_env = "FAKE_KEY"
use_key = "always"

[[budgets]]
name = "all"
limit_usd = "5.00"
match = { team = "search" }

[[budgets]]
name = "loose"
limit_usd = "5.00"
unpriced = "allow"
match = { team = "research" }
"#;

fn ask(mete: &Mete, model: &str, key: &str) -> (u16, Value) {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi [[sim output=5]]"}], "max_completion_tokens": 64});
    let headers = [("authorization".to_owned(), format!("Bearer {key}")), ("content-type".to_owned(), "application/json".to_owned())];
    let url = format!("http://{}/v1/chat/completions", mete.address);
    let client = simulator::client::Client::default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answered = runtime.block_on(client.send(http::Method::POST, &url, &headers, body.to_string().into_bytes())).unwrap();
    (answered.status, serde_json::from_slice(&answered.body).unwrap())
}

/// The command in a refusal's text, with prices in place of its letters.
fn named_command(refusal: &Value) -> Vec<String> {
    let message = refusal["error"]["message"].as_str().unwrap();
    let at = message.find("mete prices set").unwrap_or_else(|| panic!("no command in {message}"));
    let price = |word: &str| match word {
        "X" => "2".to_owned(),
        "Y" => "8".to_owned(),
        other => other.to_owned(),
    };
    message[at..].split(' ').skip(1).map(price).collect()
}

#[test]
fn a_model_is_refused_on_its_launch_day_and_passes_once_the_named_command_has_run() {
    let fake = Fake::start();
    let mete = Mete::start(&fake, CONFIG);
    let key = mete.key("launch", &["team=search"]);
    let (status, refusal) = ask(&mete, "gpt-9-launch", &key);
    assert_eq!(status, 402, "{refusal}");
    assert_eq!(fake.requests(), 0, "nothing was sent");
    let mut words = named_command(&refusal);
    assert_eq!(&words[..3], ["prices", "set", "openai/gpt-9-launch"], "{refusal}");
    words.retain(|word| !word.is_empty());
    // As a person would type it: with nothing that the text doesn't say.
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_mete")).env_clear().env("HOME", "/nonexistent").args(&words).output().unwrap();
    assert!(output.status.success(), "mete {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    let (status, body) = ask(&mete, "gpt-9-launch", &key);
    assert_ne!(status, 402, "the next call is let through: {body}");
    assert_eq!(fake.requests(), 1, "and reaches the provider");
}

#[test]
fn a_call_without_a_price_is_counted_apart_and_never_as_zero() {
    let fake = Fake::start();
    let mete = Mete::start(&fake, CONFIG);
    let key = mete.key("research", &["team=research"]);
    let (status, body) = ask(&mete, "gpt-5.5-internal", &key);
    assert_eq!(status, 200, "{body}");
    let tokens = body["usage"]["total_tokens"].as_u64().unwrap();
    let calls = mete.json(&["calls", "list"]);
    assert_eq!((&calls[0]["unpriced"], &calls[0]["cost_nanos"]), (&json!(true), &Value::Null), "{calls}");
    let budget = mete.json(&["budgets", "show", "loose"])[0].clone();
    assert_eq!((&budget["unpriced_calls"], &budget["unpriced_tokens"]), (&json!(1), &json!(tokens)), "{budget}");
    assert_eq!(mete.json(&["budgets", "show", "all"])[0]["unpriced_calls"], json!(0));
    for (arguments, says) in [
        (&["calls", "list"][..], "1 calls are unpriced"),
        (&["calls", "list"][..], "  unpriced  "),
        (&["prices", "unknown"][..], "mete prices set openai/gpt-5.5-internal"),
        (&["explain", calls[0]["call_id"].as_str().unwrap()][..], "unpriced: no rate is known"),
    ] {
        let output = command(mete.dir.path()).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(says), "{arguments:?}: {says} is not in\n{text}");
    }
}

#[test]
fn an_import_is_effective_at_once_in_the_running_server_and_survives_a_kill() {
    let lists = Lists::new();
    let fake = Fake::start();
    let mete = Mete::start(&fake, CONFIG);
    let usage = r#"{"prompt_tokens":1000000,"completion_tokens":0}"#;
    let cost = |mete: &Mete| mete.json(&["cost", "--dialect", "openai", "--model", "acme-chat", "--usage", usage])["total_nanos"].clone();
    assert_eq!(cost(&mete), Value::Null);
    mete.json(&["prices", "import", "--file", &lists.path("litellm_2026-10-25.json")]);
    assert_eq!(cost(&mete), json!(2_000_000_000_i64));
    // A snapshot has the version that is stored with costs, and prices as the book in force does.
    let snapshot = lists.path("snapshot.jsonl");
    let written = mete.json(&["prices", "snapshot", "--output", &snapshot]);
    let line = mete.json(&["cost", "--dialect", "openai", "--model", "acme-chat", "--usage", usage]);
    assert_eq!(written["book"], line["book"]);
    let again = mete.json(&["cost", "--prices", &snapshot, "--dialect", "openai", "--model", "acme-chat", "--usage", usage]);
    assert_eq!((&again["book"], &again["total_nanos"]), (&line["book"], &line["total_nanos"]));
    assert!(mete.json(&["prices", "diff", "embedded", "current"]).as_array().unwrap().len() >= 2);
    // Killed in the middle of the next import, the server has the old prices or the new ones, whole.
    let file = lists.path("litellm_2026-11-20.json");
    let mut importing = command(mete.dir.path())
        .args(["prices", "import", "--file", &file])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mete = mete.kill_and_restart_after(|| _ = importing.wait().unwrap());
    let after = cost(&mete);
    assert!(after == json!(2_000_000_000_i64) || after == json!(3_000_000_000_i64), "{after}");
    assert_eq!(mete.json(&["verify"])["ok"], json!(true));
    let actions: Vec<_> = mete.json(&["audit"]).as_array().unwrap().iter().map(|line| line["action"].clone()).collect();
    assert!(actions.contains(&json!("price.imported")), "{actions:?}");
}

#[test]
fn a_killed_import_leaves_the_old_book_or_the_new_one() {
    let lists = Lists::new();
    import(&lists, "litellm_2026-10-25.json");
    let (old, mut seen) = (std::fs::read(lists.path("book")).unwrap(), Vec::new());
    for _ in 0..5 {
        let (book, file) = (lists.path("book"), lists.path("litellm_2026-11-20.json"));
        let data = lists.0.path().join("data");
        let mut child = command(&data)
            .args(["prices", "import", "--book", &book, "--file", &file])
            .stderr(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut String::new()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let now = std::fs::read(Path::new(&book)).unwrap();
        assert!(now == old || lists.cost("--book @book") == json!(3_000_000_000_i64), "neither the old book nor the new one");
        seen.push(now == old);
        std::fs::write(&book, &old).unwrap();
    }
    assert_eq!(seen.len(), 5);
}

#[test]
fn an_old_price_book_is_told_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("old.jsonl");
    std::fs::write(
        &file,
        r#"{"seller":"openai","sku":"openai/m","meter":"input_tokens","price":"2","valid":{"from":"2026-01-01T00:00:00Z"}}"#,
    )
    .unwrap();
    let output = command(dir.path()).args(["doctor", "--prices"]).arg(&file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("days old (facts of 2026-01-01)") && text.contains("mete prices import"), "{text}");
}
