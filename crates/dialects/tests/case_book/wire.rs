//! A usage object inside the answers that a provider sends it in: whole, and as the stream that says the same.

use dialects::Operation;
use serde_json::{Value, json};

/// What a provider sent.
#[derive(Clone, Debug)]
pub struct Wire {
    /// How it came, for the failure's text.
    pub form: &'static str,
    /// Whether it is a stream.
    pub stream: bool,
    pub bytes: Vec<u8>,
}

fn whole(answer: &Value) -> Wire {
    Wire { form: "whole", stream: false, bytes: answer.to_string().into_bytes() }
}

fn events(events: &[(&str, Value)], end: &str) -> Wire {
    let text: String = events
        .iter()
        .map(|(name, data)| if name.is_empty() { format!("data: {data}\n\n") } else { format!("event: {name}\ndata: {data}\n\n") })
        .collect();
    Wire { form: "stream", stream: true, bytes: (text + end).into_bytes() }
}

/// The members of `head` in `answer`.
fn with(mut answer: Value, head: &Value) -> Value {
    for (name, member) in head.as_object().into_iter().flatten() {
        answer[name] = member.clone();
    }
    answer
}

/// A chat completion with this usage.
pub fn chat(usage: &Value, head: &Value) -> Vec<Wire> {
    let message = json!({"role": "assistant", "content": "Hello."});
    let answer = json!({"id": "chatcmpl-1", "object": "chat.completion", "model": "served", "usage": usage,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    let chunk = |choices: Value, usage: Value| {
        (
            "",
            with(
                json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "served", "choices": choices, "usage": usage}),
                head,
            ),
        )
    };
    let stream = [
        chunk(json!([{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]), Value::Null),
        chunk(json!([{"index": 0, "delta": {"content": "lo."}, "finish_reason": null}]), Value::Null),
        chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]), Value::Null),
        chunk(json!([]), usage.clone()),
    ];
    vec![whole(&with(answer, head)), events(&stream, "data: [DONE]\n\n")]
}

/// A response with this usage; `head` may name its `output`.
pub fn responses(usage: &Value, head: &Value) -> Vec<Wire> {
    let output = json!([{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]}]);
    let answer = with(
        json!({"id": "resp_1", "object": "response", "status": "completed", "model": "served", "output": output, "usage": usage}),
        head,
    );
    let begun = json!({"type": "response.created", "response": {"id": "resp_1", "model": "served", "service_tier": "auto", "usage": null}});
    let stream = [
        ("response.created", begun),
        ("response.output_text.delta", json!({"type": "response.output_text.delta", "delta": "Hello."})),
        ("response.completed", json!({"type": "response.completed", "response": answer})),
    ];
    vec![whole(&answer), events(&stream, "")]
}

/// A message with this usage. A stream opens with the input side and a placeholder for the output.
pub fn messages(usage: &Value, head: &Value) -> Vec<Wire> {
    let content = json!([{"type": "text", "text": "Hello."}]);
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "served", "content": content,
        "stop_reason": "end_turn", "usage": usage});
    let mut opening = with(message.clone(), head);
    if opening["usage"].is_object() {
        opening["usage"]["output_tokens"] = json!(1);
        opening["usage"].as_object_mut().into_iter().for_each(|usage| _ = usage.remove("server_tool_use"));
    }
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}});
    let stream = [
        ("message_start", json!({"type": "message_start", "message": opening})),
        ("content_block_start", json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
        ("ping", json!({"type": "ping"})),
        ("content_block_delta", delta),
        ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
        ("message_delta", json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})),
        ("message_stop", json!({"type": "message_stop"})),
    ];
    vec![whole(&with(message, head)), events(&stream, "")]
}

/// An answer of Gemini with this usage: whole, as events, and as the array that a stream without `alt=sse` is.
pub fn generate(usage: &Value, head: &Value) -> Vec<Wire> {
    let candidate = |text: &str, end: Value| json!([{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": end}]);
    let answer = with(json!({"candidates": candidate("Hello.", json!("STOP")), "usageMetadata": usage, "modelVersion": "served"}), head);
    let mut begun = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]}}], "modelVersion": "served"});
    begun["usageMetadata"] =
        json!({"promptTokenCount": usage.get("promptTokenCount"), "candidatesTokenCount": running(usage, "candidatesTokenCount")});
    let array = Wire { form: "array", stream: true, bytes: json!([begun, answer]).to_string().into_bytes() };
    vec![whole(&answer), events(&[("", begun), ("", answer)], ""), array]
}

/// A running count, which the final one is never below.
fn running(usage: &Value, name: &str) -> u64 {
    usage.get(name).and_then(Value::as_u64).unwrap_or(0).min(1)
}

/// Images that were made, whole and as the event that ends their stream.
pub fn images(operation: Operation, usage: &Value, head: &Value) -> Vec<Wire> {
    let answer = with(json!({"created": 1, "data": [{"b64_json": "AAAA"}], "usage": usage}), head);
    if usage.is_null() {
        return vec![whole(&answer)];
    }
    let name = if operation == Operation::Images { "image_generation" } else { "image_edit" };
    let partial = json!({"type": format!("{name}.partial_image"), "b64_json": "AA", "partial_image_index": 0});
    let done = json!({"type": format!("{name}.completed"), "b64_json": "AAAA", "usage": usage});
    vec![whole(&answer), events(&[("", partial), ("", done)], "")]
}

/// A transcript, whole and streamed; a stream counts tokens only.
pub fn transcript(usage: &Value, head: &Value) -> Vec<Wire> {
    let answer = with(json!({"text": "Hello.", "usage": usage}), head);
    if usage["type"] != "tokens" {
        return vec![whole(&answer)];
    }
    let done = json!({"type": "transcript.text.done", "text": "Hello.", "usage": usage});
    vec![whole(&answer), events(&[("", json!({"type": "transcript.text.delta", "delta": "Hello."})), ("", done)], "")]
}

/// Speech: sound without a word on its cost, or events that end with their usage.
pub fn speech(usage: &Value) -> Vec<Wire> {
    if usage.is_null() {
        return vec![Wire { form: "sound", stream: false, bytes: vec![0; 100] }];
    }
    let sound = json!({"type": "speech.audio.delta", "audio": "AAAA"});
    vec![events(&[("", sound), ("", json!({"type": "speech.audio.done", "usage": usage}))], "")]
}

/// Any other answer, as it is.
pub fn plain(answer: &Value) -> Vec<Wire> {
    vec![whole(answer)]
}
