//! What is asked in each language: every operation that generates, whole and streamed.

use serde_json::{Value, json};

/// One way to ask a fake model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub name: &'static str,
    pub path: &'static str,
    pub streamed: bool,
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON document.
    Whole,
    /// Server-sent events.
    Events,
    /// One JSON document, relayed as it comes.
    Document,
}

pub const SHAPES: [Shape; 13] = [
    shape("chat", "/v1/chat/completions", false),
    shape("chat stream", "/v1/chat/completions", true),
    shape("responses", "/v1/responses", false),
    shape("responses stream", "/v1/responses", true),
    shape("completions", "/v1/completions", false),
    shape("completions stream", "/v1/completions", true),
    shape("messages", "/v1/messages", false),
    shape("messages stream", "/v1/messages", true),
    shape("gemini", "/v1beta/models/gemini-2.5-flash:generateContent", false),
    shape("gemini stream", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", true),
    shape("gemini array", "/v1beta/models/gemini-2.5-flash:streamGenerateContent", true),
    shape("embeddings", "/v1/embeddings", false),
    shape("images", "/v1/images/generations", false),
];

const fn shape(name: &'static str, path: &'static str, streamed: bool) -> Shape {
    Shape { name, path, streamed }
}

impl Shape {
    pub fn form(self) -> Form {
        match (self.streamed, self.name) {
            (_, "gemini array") => Form::Document,
            (true, _) => Form::Events,
            (false, _) => Form::Whole,
        }
    }

    /// A request of this shape with these words, and a ceiling of output.
    pub fn body(self, words: &str, ceiling: u64) -> Value {
        let user = json!([{ "role": "user", "content": words }]);
        match self.name.split(' ').next().unwrap_or_default() {
            "chat" => json!({ "model": "gpt-5", "stream": self.streamed, "max_completion_tokens": ceiling, "messages": user }),
            "responses" => json!({ "model": "gpt-5", "stream": self.streamed, "max_output_tokens": ceiling, "input": words }),
            "completions" => json!({ "model": "gpt-3.5-turbo-instruct", "stream": self.streamed, "max_tokens": ceiling, "prompt": words }),
            "messages" => json!({ "model": "claude-sonnet-5", "stream": self.streamed, "max_tokens": ceiling, "messages": user }),
            "gemini" => json!({
                "generationConfig": { "maxOutputTokens": ceiling },
                "contents": [{ "role": "user", "parts": [{ "text": words }] }],
            }),
            "embeddings" => json!({ "model": "text-embedding-3-small", "input": words }),
            _ => json!({ "model": "gpt-image-1", "prompt": words, "size": "1024x1024", "quality": "low" }),
        }
    }
}
