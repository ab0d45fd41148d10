//! The binary as a shell sees it: exit codes, what goes to stdout, and the demo's summary.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use serde_json::{Value, json};
use support::{Fake, Mete, command};

const CONFIG: &str = r#"
[[providers]]
name = "openai"
dialect = "openai"
base_url = "{upstream}"

[[budgets]]
name = "from-the-file"
limit_usd = "1.00"
"#;

#[test]
fn exit_codes_are_as_documented() {
    let fake = Fake::start();
    let mete = Mete::start(&fake, CONFIG);
    let empty = tempfile::tempdir().unwrap();
    let on_server: &[(&[&str], i32)] = &[
        (&["budgets", "list"], 0),
        (&["budgets", "set", "b", "--limit", "1.00"], 0),
        (&["budgets", "set", "b", "--limit=-7"], 4),
        (&["budgets", "set", "b", "--limit", "NaN"], 4),
        (&["budgets", "set", "from-the-file", "--limit", "2.00"], 4),
        (&["budgets", "show", "nobody"], 4),
        (&["calls", "show", "nobody"], 4),
        (&["calls", "resolve", "nobody", "--reason", "x"], 2),
        (&["runs", "raise", "nobody", "--by", "3"], 4),
        (&["prices", "set", "gpt", "--input", "1"], 1),
        (&["verify"], 0),
        (&["no-such-verb"], 2),
    ];
    let elsewhere: &[(&[&str], i32)] = &[
        (&["cost", "--dialect", "openai", "--model", "gpt-5.5", "--usage", r#"{"prompt_tokens":-1,"completion_tokens":1}"#], 1),
        (&["--url", "http://127.0.0.1:9", "budgets", "list"], 3),
        (&["completions", "bash"], 0),
        (&["serve", "--print-config"], 0),
        (&["--config", "nowhere.toml", "serve", "--print-config"], 1),
    ];
    let cases = on_server.iter().map(|case| (mete.dir.path(), case)).chain(elsewhere.iter().map(|case| (empty.path(), case)));
    for (data, (arguments, expected)) in cases {
        let output = command(data).env("METE_TOKEN", "mta_x").args(*arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*expected), "mete {arguments:?}: {said}");
        assert!(*expected == 0 || !said.trim().is_empty(), "mete {arguments:?} fails without a word");
    }
}

#[test]
fn a_cost_is_exact_and_shows_its_arithmetic() {
    let dir = tempfile::tempdir().unwrap();
    let usage = r#"{"prompt_tokens":300000,"completion_tokens":1000,"prompt_tokens_details":{"cached_tokens":100000}}"#;
    let arguments = ["cost", "--dialect", "openai", "--model", "gpt-5.5", "--usage", usage, "--format", "json"];
    let output = command(dir.path()).args(arguments).output().unwrap();
    let cost: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Above 272,000 prompt tokens GPT-5.5 costs $10, $1 (cached) and $45 a million.
    assert_eq!((&cost["status"], &cost["total_nanos"]), (&json!("priced"), &json!(2_145_000_000_i64)), "{cost}");
    let lines: Vec<_> =
        cost["lines"].as_array().unwrap().iter().map(|line| (line["meter"].as_str().unwrap(), line["nanos"].as_i64().unwrap())).collect();
    assert_eq!(lines, [("input_tokens", 2_000_000_000), ("cache_read_tokens", 100_000_000), ("output_tokens", 45_000_000)]);
}

#[test]
fn the_demo_ends_with_its_summary() {
    let dir = tempfile::tempdir().unwrap();
    let output = command(dir.path()).args(["demo", "--calls", "90", "--exit", "--listen", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, expected) in [("overspend_nanos", 0), ("false_refusals", 0), ("unresolved", 0)] {
        assert_eq!(summary[name], json!(expected), "{summary}");
    }
    let count = |name: &str| summary[name].as_i64().unwrap_or_else(|| panic!("no {name} in {summary}"));
    assert_eq!(count("calls"), count("settled") + count("refused"), "{summary}");
    assert!(count("refused") > 0 && count("early_refusals") <= count("refused"), "{summary}");
    assert!(0 < count("spent_nanos") && count("spent_nanos") <= count("limit_nanos"), "{summary}");
    assert!(said.contains("check, then charge") && said.contains("beyond the limit"), "{said}");
}
