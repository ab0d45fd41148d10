//! Rules end to end: the file is written, the binary serves, and the right budget stops the right call.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::client::{Answered, Client};
use support::{Fake, Mete, command, config};

/// How long a test waits for a reload.
const PATIENCE: Duration = Duration::from_secs(20);

const RULES: &str = r#"
[[lookups]]
name = "people"
file = "people.csv"

[[virtual_tags]]
name = "team"

[[virtual_tags.rules]]
when = 'user.startsWith("ci-")'
value = "platform"

[[virtual_tags.rules]]
lookup = "people"
by = "user"
column = "team"

[[virtual_tags]]
name = "cost_center"
default = "overhead"
rules = [
    { when = 'model.startsWith("gpt-5") && team == "search"', value = "dear", until = "2026-07-01" },
    { lookup = "people", by = "user", column = "cost_center" },
]

[[required_tags]]
name = "team"

[[required_tags]]
name = "feature"
on_missing = "mark"

[[budgets]]
name = "search"
limit_usd = "0.000001"
match = { team = "search" }

[[budgets]]
name = "company"
limit_usd = "100.00"
"#;

const PEOPLE: &str = "user,team,cost_center,valid_from\nann,search,100,\nbob,ads,200,\nann,ads,201,2100-01-01\n";

/// A call by a user of the client's own.
fn call(mete: &Mete, user: &str) -> (u16, Value) {
    let body =
        json!({ "model": "gpt-5.4", "max_completion_tokens": 500, "messages": [{ "role": "user", "content": "Hi. [[sim output=9]]" }] });
    let headers = [("authorization", "Bearer sk-own"), ("content-type", "application/json"), ("x-mete-tags", &format!("user={user}"))];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let url = format!("http://{}/v1/chat/completions", mete.address);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answer: Answered =
        runtime.block_on(Client::default().send(http::Method::POST, &url, &headers, body.to_string().into_bytes())).unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

/// Waits for something that is asked again and again.
fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_virtual_tag_takes_a_call_to_the_budget_that_stops_it_and_a_changed_table_to_another() {
    let fake = Fake::start();
    let folder = tempfile::tempdir().unwrap();
    let people = folder.path().join("people.csv");
    std::fs::write(&people, PEOPLE).unwrap();
    let mete = Mete::start(&fake, &config(&RULES.replace("people.csv", people.to_str().unwrap())));

    let (status, refused) = call(&mete, "ann");
    assert_eq!((status, &refused["mete"]["budget"]), (402, &json!("search")), "{refused}");
    let (status, refused) = call(&mete, "eve");
    assert_eq!(
        (status, &refused["mete"]["code"], &refused["mete"]["missing"]),
        (400, &json!("tag_required"), &json!(["team"])),
        "{refused}"
    );
    assert_eq!(fake.requests(), 0, "nothing was sent");
    assert_eq!(call(&mete, "bob").0, 200);
    let version =
        |mete: &Mete| mete.json(&["calls", "show", mete.calls()[0]["call_id"].as_str().unwrap()])["attempts"][0]["config"].clone();
    let before = until("the call is filed", || mete.calls().first().filter(|call| call["status"] == "settled").map(|_| version(&mete)));

    // A bad table changes nothing and is told; a good one is in force without a restart.
    std::fs::write(&people, format!("{PEOPLE}bob,web,200,\n")).unwrap();
    let told = "people.csv: line 5: `bob` is there twice from the same time, first in line 3; keep one of them";
    until("the bad table is told", || mete.log().contains(told).then_some(()));
    assert_eq!(call(&mete, "ann").0, 402);
    std::fs::write(&people, PEOPLE.replace("ann,search", "ann,web")).unwrap();
    until("ann is in another team", || (call(&mete, "ann").0 == 200).then_some(()));
    let last = until("the call is filed", || {
        let call = mete.calls().first().cloned().filter(|call| call["status"] == "settled" && call["attributes"]["user"] == "ann");
        call.map(|call| (version(&mete), call["attributes"].clone()))
    });
    let expected = [("team", "web"), ("cost_center", "100"), ("feature", "untagged"), ("user", "ann")];
    assert!(expected.iter().all(|(name, value)| last.1[name] == *value), "{}", last.1);
    let (before, after) = (before.as_str().unwrap().split_once('+').unwrap(), last.0.as_str().unwrap().split_once('+').unwrap());
    assert_eq!(before.0, after.0, "the file is the same");
    assert_ne!(before.1, after.1, "its rules aren't: a table changed");
}

fn rules_test(dir: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let config = dir.join("mete.toml");
    let Output { status, stdout, stderr } = command(dir).args(["rules", "test", "--config"]).arg(config).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// The blocks of a language on a page.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    page.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_page_s_examples_do_what_the_page_says() {
    let page = include_str!("../../../docs/attribution.md");
    let [csv, toml, console] = ["csv", "toml", "console"].map(|language| blocks(page, language));
    assert_eq!((csv.len(), toml.len(), console.len()), (1, 3, 1));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("people.csv"), csv[0]).unwrap();
    let test = |config: &str, arguments: &[&str]| {
        std::fs::write(dir.path().join("mete.toml"), config).unwrap();
        rules_test(dir.path(), arguments)
    };
    let ann = ["--attribute", "user=ann@example.org"];
    for (at, team) in [("2026-06-30", "search"), ("2026-07-01", "ads")] {
        let (code, out, said) = test(toml[0], &[&ann[..], &["--at", at]].concat());
        assert!(code == Some(0) && out.contains(&format!("team         {team}")), "{at}: {out}{said}");
    }
    let (table, _) = toml[0].split_once("[[virtual_tags]]").unwrap();
    let (line, expected) = console[0].split_once('\n').unwrap();
    let arguments: Vec<&str> = line.strip_prefix("$ mete rules test --config mete.toml ").unwrap().split(' ').collect();
    let (code, out, said) = test(&format!("{table}{}{}", toml[1], toml[2]), &arguments);
    assert_eq!((code, out.as_str()), (Some(1), expected), "{said}");
}

#[test]
fn rules_are_tried_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("people.csv"), PEOPLE).unwrap();
    std::fs::write(dir.path().join("mete.toml"), RULES).unwrap();
    let call = ["--attribute", "user=ann", "--attribute", "model=gpt-5.4"];

    let (code, out, said) = rules_test(dir.path(), &[&call[..], &["--at", "2026-06-30"]].concat());
    let expected = "TAG          VALUE     SET BY\nteam         search    rule 2\ncost_center  dear      rule 1\nfeature      untagged  required tag, mark\n";
    assert_eq!((code, out.as_str(), said.as_str()), (Some(0), expected, ""));

    let (code, out, _) = rules_test(dir.path(), &[&call[..], &["--at", "2026-07-01T00:00:00Z", "--format", "json"]].concat());
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(told["set"][1], json!({"tag": "cost_center", "value": "100", "set_by": "rule 2", "rule": 2}), "{told}");
    assert_eq!(told["attributes"], json!({"user": "ann", "team": "search", "cost_center": "100", "feature": "untagged"}), "{told}");
    assert_eq!((&told["missing"], &told["at"], told["rules"].as_str().unwrap().len()), (&json!([]), &json!("2026-07-01T00:00:00Z"), 12));

    let (code, out, _) = rules_test(dir.path(), &["--attribute", "user=eve"]);
    let expected = "TAG          VALUE     SET BY\ncost_center  overhead  default\nfeature      untagged  required tag, mark\nrefused: this call lacks `team`\n";
    assert_eq!((code, out.as_str()), (Some(1), expected));

    for (arguments, expected) in [
        (&["--at", "soon"][..], "--at `soon` is not a time; write a date"),
        (
            &["--attribute", "provider=openai"],
            "`provider` isn't known yet when rules are applied; facts that are known are key, run, model",
        ),
    ] {
        let (code, out, said) = rules_test(dir.path(), arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(said.contains(expected), "{said}");
    }
    std::fs::write(dir.path().join("mete.toml"), "").unwrap();
    assert!(rules_test(dir.path(), &[]).2.contains("has no rules; write [[virtual_tags]] or [[required_tags]]"));
    std::fs::write(dir.path().join("mete.toml"), RULES.replace("column = \"team\"", "column = \"boss\"")).unwrap();
    let (code, _, said) = rules_test(dir.path(), &[]);
    let expected = "mete.toml:16: virtual_tags[0].rules[1].column: `people` has no column `boss`; the columns are `team`, `cost_center`";
    assert!(code == Some(1) && said.contains(expected), "{said}");
}
