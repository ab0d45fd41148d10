//! Bodies to measure with: chat of a size, and an agent's turn with tools and history.

use std::fmt::Write as _;

/// A request body.
pub struct Body {
    pub name: &'static str,
    pub path: &'static str,
    pub bytes: Vec<u8>,
}

const TEXT: &str = "The river runs past the old mill, and nobody counts the water. Überall fließt es weiter; fn main() { let x = 42; }\\n";

/// A complete answer with usage.
pub const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1795435200,"model":"gpt-5.5-2026-04-23","service_tier":"default","choices":[{"index":0,"message":{"role":"assistant","content":"The mill still turns, though nobody counts the water that runs past it.","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":92000,"completion_tokens":1000,"total_tokens":93000,"prompt_tokens_details":{"cached_tokens":90000,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":640,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}"#;

/// A chat whose messages are about so many bytes.
pub fn chat(bytes: usize) -> Body {
    let mut body =
        String::from(r#"{"model":"gpt-5.5","max_completion_tokens":4096,"messages":[{"role":"system","content":"You are brief."}"#);
    while body.len() < bytes {
        let _ = write!(body, r#",{{"role":"user","content":"{}"}}"#, TEXT.repeat(8));
    }
    body.push_str("]}");
    Body { name: "chat", path: "/v1/chat/completions", bytes: body.into_bytes() }
}

/// A turn of an agent: tools, then calls and their results.
pub fn agent(bytes: usize) -> Body {
    let mut body = String::from(r#"{"model":"claude-sonnet-5","max_tokens":32000,"stream":true,"tools":["#);
    for tool in 0..24 {
        let comma = if tool > 0 { "," } else { "" };
        let _ = write!(
            body,
            r#"{comma}{{"name":"tool_{tool}","description":"{TEXT}","input_schema":{{"type":"object","properties":{{"path":{{"type":"string"}},"limit":{{"type":"integer","minimum":1}}}},"required":["path"]}}}}"#
        );
    }
    body.push_str(r#"],"system":[{"type":"text","text":"You work in a repository.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Mend the test."}"#);
    let mut call = 0;
    while body.len() < bytes {
        call += 1;
        let _ = write!(
            body,
            r#",{{"role":"assistant","content":[{{"type":"tool_use","id":"toolu_{call}","name":"tool_1","input":{{"path":"src/main.rs","limit":40}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_{call}","content":"{}"}}]}}"#,
            TEXT.repeat(12)
        );
    }
    body.push_str("]}");
    Body { name: "agent's turn", path: "/v1/messages", bytes: body.into_bytes() }
}
