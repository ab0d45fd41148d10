//! How clients are known, and what they are told.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

use std::collections::BTreeMap;

use dialects::{
    Denial, Dialect, Operation, attributes_from_headers, codex_denial, denial_body, parse_request, route, stream_error_event,
    trailer_comment,
};
use serde_json::{Value, json};

fn attributes(path: &str, body: &str) -> String {
    let request = parse_request(&route("POST", path, false, false).unwrap(), body.as_bytes()).unwrap();
    words(&request.attributes)
}

fn words(attributes: &BTreeMap<String, String>) -> String {
    attributes.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn bodies_say_who_asks() {
    let claude =
        |user_id: &str| attributes("/v1/messages", &json!({"model": "m", "messages": [], "metadata": {"user_id": user_id}}).to_string());
    assert_eq!(claude(r#"{"device_id":"d","account_uuid":"","session_id":"s","team":"pay"}"#), "device=d session=s team=pay");
    assert_eq!(claude("user_ab_account_cd_session_ef-1"), "session=ef-1");
    assert_eq!(claude("alice"), "user=alice");
    assert_eq!(claude(r#"{"session_id":"a","session_id":"b"}"#), r#"user={"session_id":"a","session_id":"b"}"#);
    assert_eq!(claude(r#"{"session_id":{"x":1},"run":"r","key":"k","model":"free"}"#), "");
    let chat = |members: Value| {
        let mut body = json!({"model": "m", "messages": []});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        attributes("/v1/chat/completions", &body.to_string())
    };
    assert_eq!(chat(json!({"user": "u", "safety_identifier": "v", "prompt_cache_key": "p"})), "prompt_cache_key=p user=u");
    assert_eq!(chat(json!({"safety_identifier": "v", "metadata": {"team": "t", "n": 5, "provider": "x"}})), "team=t user=v");
    assert_eq!(chat(json!({"user": "a\u{0}\u{1b}[31mb\r\nc"})), "user=a[31mbc");
    assert_eq!(chat(json!({"user": "é".repeat(1_000)})).len(), "user=".len() + 256);
    assert_eq!(chat(json!({"user": 5, "metadata": []})), "");
}

#[test]
fn headers_say_which_agent_it_is() {
    type Headers = &'static [(&'static str, &'static str)];
    let table: &[(Headers, &str, bool)] = &[
        (
            &[("User-Agent", "claude-cli/2.1.330 (external, sdk-cli)"), ("X-Claude-Code-Session-Id", "s")],
            "agent=claude-code session=s",
            false,
        ),
        (
            &[("session-id", "s"), ("thread-id", "t"), ("originator", "codex_exec"), ("user-agent", "codex_exec/0.169.0")],
            "agent=codex originator=codex_exec session=s thread=t",
            true,
        ),
        (&[("originator", "codex_vscode")], "agent=codex originator=codex_vscode", true),
        (&[("user-agent", "opencode/1.18"), ("x-session-id", "o")], "agent=opencode session=o", false),
        (&[("user-agent", "GeminiCLI-tui/0.61.0/gemini-3")], "agent=gemini-cli", false),
        (&[("user-agent", "OpenAI/Python 3.54.0"), ("openai-project", "p")], "agent=openai-python openai_project=p", false),
        (&[("user-agent", "curl/8")], "", false),
        (&[("x-team", "pay"), ("x-mete-run", "r")], "", false),
    ];
    for (headers, expected, is_codex) in table {
        let found = attributes_from_headers(headers.iter().copied());
        assert_eq!((words(&found.attributes).as_str(), found.is_codex), (*expected, *is_codex));
    }
}

fn denial() -> Denial {
    let details = json!({"budget": "team", "limit_usd": "25.00", "call_id": "c1"}).as_object().unwrap().clone();
    Denial {
        status: 402,
        code: "budget_exceeded".into(),
        message: "the budget \"team\" is spent — raise it: mete budgets set".into(),
        details,
    }
}

#[test]
fn a_denial_has_the_shape_of_the_dialect() {
    let body = |dialect| serde_json::from_slice::<Value>(&denial_body(dialect, &denial())).unwrap();
    let mete = json!({"code": "budget_exceeded", "budget": "team", "limit_usd": "25.00", "call_id": "c1"});
    let message = denial().message;
    assert_eq!(
        body(Dialect::OpenAi),
        json!({"error": {"message": message, "type": "insufficient_quota", "param": null, "code": "budget_exceeded"}, "mete": mete})
    );
    assert_eq!(
        body(Dialect::Anthropic),
        json!({"type": "error", "error": {"type": "billing_error", "message": message}, "request_id": "c1", "mete": mete})
    );
    assert_eq!(body(Dialect::Gemini), json!({"error": {"code": 402, "message": message, "status": "FAILED_PRECONDITION"}, "mete": mete}));
    let codex = codex_denial(&denial(), Some(1_795_525_380));
    let document: Value = serde_json::from_slice(&codex.body).unwrap();
    assert_eq!(
        (codex.status, &document["error"]["type"], &document["error"]["resets_at"]),
        (429, &json!("usage_limit_reached"), &json!(1_795_525_380))
    );
    assert_eq!(codex.promo_message, "the budget \"team\" is spent - raise it: mete budgets set");
}

#[test]
fn an_error_inside_a_stream_is_one_event_whatever_the_text() {
    let text = "line\r\n\r\ndata: {\"forged\":1}\n\n";
    for (dialect, operation) in [
        (Dialect::OpenAi, Operation::Chat),
        (Dialect::OpenAi, Operation::Responses),
        (Dialect::Anthropic, Operation::Messages),
        (Dialect::Gemini, Operation::StreamGenerate),
    ] {
        let event = stream_error_event(dialect, operation, text);
        let event = std::str::from_utf8(&event).unwrap();
        assert!(event.ends_with("\n\n") && event.matches("\n\n").count() == 1 && !event.contains('\r'), "{event}");
        let data: Value = serde_json::from_str(event.trim_end().split_once("data: ").unwrap().1).unwrap();
        let message = data["error"]["message"].as_str().or(data["message"].as_str());
        assert_eq!(message, Some(text));
    }
    assert_eq!(
        trailer_comment(&[("x-mete-cost-usd", "0.01"), ("x-mete-call-id", "c\r\n\r\ndata: x")]),
        ": x-mete-cost-usd=0.01 x-mete-call-id=c    data: x\n\n"
    );
}
