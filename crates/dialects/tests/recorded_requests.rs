//! Every request that a real client was recorded with is read, bounded, and shaped without touching another byte.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use dialects::{Hints, Operation, Request, Route, Shape, parse_request_with, route};
use serde_json::Value;

struct Recorded {
    case: String,
    route: Route,
    body: Vec<u8>,
    beta: String,
    content_type: String,
}

impl Recorded {
    fn hints(&self) -> Hints<'_> {
        Hints { anthropic_beta: &self.beta, content_type: &self.content_type }
    }
}

fn recorded() -> Vec<Recorded> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut folders: Vec<PathBuf> = ["openai", "anthropic", "gemini"]
        .iter()
        .flat_map(|dialect| fs::read_dir(root.join(dialect)).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|folder| folder.join("headers.json").exists())
        .collect();
    folders.sort();
    folders.iter().map(|folder| read(folder)).collect()
}

fn read(folder: &Path) -> Recorded {
    let headers: Vec<(String, String)> = serde_json::from_slice(&fs::read(folder.join("headers.json")).unwrap()).unwrap();
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let case = folder.to_string_lossy().rsplit('/').next().unwrap().to_owned();
    let route = route(&header(":method"), &header(":path"), !header("anthropic-version").is_empty(), false)
        .unwrap_or_else(|error| panic!("{case}: {error:?}"));
    let body = fs::read(folder.join("request.json")).or_else(|_| fs::read(folder.join("request.form"))).unwrap_or_default();
    Recorded { case, route, body, beta: header("anthropic-beta"), content_type: header("content-type") }
}

fn parsed(recorded: &Recorded) -> Request {
    parse_request_with(&recorded.route, &recorded.body, recorded.hints()).unwrap_or_else(|error| panic!("{}: {error:?}", recorded.case))
}

#[test]
fn every_recorded_request_is_read() {
    let all = recorded();
    assert!(all.len() > 40, "only {} recordings", all.len());
    for recorded in all.iter().filter(|recorded| !recorded.body.is_empty()) {
        let request = parsed(recorded);
        assert!(!request.model.is_empty(), "{}", recorded.case);
        let is_budgeted = !recorded.route.operation.is_free();
        let bound = request.ask.input_tokens + request.ask.embedding_tokens;
        assert!(!is_budgeted || bound > 0 || !request.ask.fixed.is_empty(), "{}", recorded.case);
        // A byte is at most a token; templates and tools add thousands at most (three searches 3,000), media aside.
        assert!(
            bound < recorded.body.len() as u64 * 11 / 10 + 4_000,
            "{}: {bound} tokens for {} bytes",
            recorded.case,
            recorded.body.len()
        );
    }
}

#[test]
fn shaping_changes_the_spliced_fields_and_no_other_byte() {
    for recorded in recorded().iter().filter(|recorded| !recorded.body.is_empty() && !recorded.route.operation.is_free()) {
        let request = parsed(recorded);
        assert_eq!(request.shape(&recorded.body, &Shape::default()), recorded.body, "{}", recorded.case);
        let generates = request.ask.generates;
        let shape =
            Shape { ceiling: generates.then_some(7_777), model: Some("other-model".into()), include_usage: true, tool_uses: Some(3) };
        let shaped = request.shape(&recorded.body, &shape);
        let again = parse_request_with(&recorded.route, &shaped, recorded.hints()).unwrap();
        let in_path = recorded.route.model.is_some();
        assert_eq!(again.model, if in_path { request.model.as_str() } else { "other-model" }, "{}", recorded.case);
        if generates {
            assert_eq!(again.ask.output_ceiling, Some(7_777), "{}", recorded.case);
            assert!(!again.has_open_tools(), "{}", recorded.case);
        }
        if recorded.route.operation == Operation::Chat && request.stream {
            assert!(again.wants_usage, "{}", recorded.case);
        }
        assert_eq!(without_spliced(&recorded.body), without_spliced(&shaped), "{}", recorded.case);
        let (last, same) = (request.blocks.len(), |(before, after): (&Range<usize>, &Range<usize>)| {
            recorded.body[before.clone()] == shaped[after.clone()]
        });
        assert_eq!(last, again.blocks.len(), "{}", recorded.case);
        assert!(request.blocks.iter().zip(&again.blocks).all(same), "{}", recorded.case);
    }
}

/// A form without the text of its field `model`.
fn without_model(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let (before, rest) = text.split_once("name=\"model\"\r\n\r\n").unwrap();
    Value::from([before, rest.split_once("\r\n").unwrap().1].concat())
}

/// A body without the members that shaping writes.
fn without_spliced(body: &[u8]) -> Value {
    let Ok(mut body) = serde_json::from_slice::<Value>(body) else { return without_model(body) };
    let members = body.as_object_mut().unwrap();
    for name in ["model", "max_tokens", "max_completion_tokens", "max_output_tokens", "stream_options", "max_tool_calls"] {
        members.shift_remove(name);
    }
    for (object, name) in [("generationConfig", "maxOutputTokens"), ("thinking", "budget_tokens")] {
        let inner = members.entry(object).or_insert_with(|| Value::Object(serde_json::Map::new()));
        inner.as_object_mut().unwrap().shift_remove(name);
        if let Some(thinking) = inner.get_mut("thinkingConfig") {
            thinking.as_object_mut().unwrap().shift_remove("thinkingBudget");
        }
    }
    body
}

#[test]
fn agents_are_known_by_what_they_send() {
    let all = recorded();
    let find = |case: &str| parsed(all.iter().find(|recorded| recorded.case == case).unwrap());
    let claude = find("claude-code-turn-3-subagent");
    assert_eq!(claude.attributes["session"], "c1e09bbe-e87d-4ea1-9fa4-3ce6fe00c281");
    assert_eq!(claude.ask.output_ceiling, Some(128_000));
    assert_eq!(claude.ask.cache_write, Some(pricing::CacheWrite::FiveMinutes));
    let codex = find("codex-turn-4");
    assert_eq!(codex.attributes["session"], "01a208d3-f4c3-73f1-bee9-ea529951e6f1");
    assert_eq!(codex.attributes["subagent"], "collab_spawn");
    assert_eq!(codex.ask.output_ceiling, None);
    assert!(codex.tools_offered.contains(&"exec".to_owned()), "{:?}", codex.tools_offered);
    let older = find("codex-older-model-turn-1");
    assert!(older.has_open_tools());
    assert_eq!(older.ask.tools[0].tool, "web_search");
}
