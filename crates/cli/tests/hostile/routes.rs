//! Every route that the binary serves, with who may use it and a request that is served: the data plane's table, the admin
//! API's document, and the two open routes.

use dialects::{Operation, TABLE};
use serde_json::Value;

use crate::target::GOOD_BODY;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whoever reaches this machine's port.
    Anyone,
    /// A virtual key or a run.
    Caller,
    /// An admin token.
    Admin,
}

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: String,
    /// As the table or the document spells it.
    pub pattern: String,
    /// The same with names filled in.
    pub path: String,
    pub role: Role,
    pub content_type: &'static str,
    pub body: String,
    /// What a matching budget does with it.
    pub budget: &'static str,
    /// The largest body that it takes.
    pub body_max: &'static str,
}

/// All routes.
pub fn all() -> Vec<Route> {
    data().into_iter().chain(admin()).chain(open()).collect()
}

/// The data plane's table, each path and method once.
pub fn data() -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for row in TABLE {
        if routes.iter().any(|known| known.method == row.method && known.pattern == row.path) {
            continue;
        }
        let model = if row.path.contains(':') || row.path.contains("v1beta") { "gemini-2.5-pro" } else { "gpt-5.5" };
        let (content_type, body) = request(row.operation, row.path);
        routes.push(Route {
            method: row.method.to_owned(),
            pattern: row.path.to_owned(),
            path: row.path.replace("{model}", model),
            role: if row.operation == Operation::Probe { Role::Anyone } else { Role::Caller },
            content_type,
            body,
            budget: if row.operation.is_free() { "free" } else { "held before it is sent" },
            body_max: if row.method == "POST" { "`limits.body_bytes_max`" } else { "not read" },
        });
    }
    routes
}

fn request(operation: Operation, path: &str) -> (&'static str, String) {
    let json = "application/json";
    let of = |text: &str| (json, text.to_owned());
    let gemini = r#"{"contents":[{"role":"user","parts":[{"text":"hi [[sim output=5]]"}]}],"generationConfig":{"maxOutputTokens":64}}"#;
    match operation {
        Operation::Chat => of(GOOD_BODY),
        Operation::Responses => of(r#"{"model":"gpt-5.5","input":"hi [[sim output=5]]","max_output_tokens":64}"#),
        Operation::Embeddings => of(r#"{"model":"text-embedding-3-small","input":"hi"}"#),
        Operation::Completions => of(r#"{"model":"gpt-3.5-turbo-instruct","prompt":"hi [[sim output=5]]","max_tokens":16}"#),
        Operation::Images => of(r#"{"model":"gpt-image-1","prompt":"a dot","size":"1024x1024","quality":"low"}"#),
        Operation::Speech => of(r#"{"model":"tts-1","input":"hi","voice":"alloy"}"#),
        Operation::Moderations => of(r#"{"model":"omni-moderation-latest","input":"hi"}"#),
        Operation::Messages => {
            of(r#"{"model":"claude-sonnet-5","max_tokens":64,"messages":[{"role":"user","content":"hi [[sim output=5]]"}]}"#)
        }
        Operation::CountTokens if path.contains("messages") => {
            of(r#"{"model":"claude-sonnet-5","messages":[{"role":"user","content":"hi"}]}"#)
        }
        Operation::CountTokens if path.contains("responses") => of(r#"{"model":"gpt-5.5","input":"hi"}"#),
        Operation::CountTokens => of(r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#),
        Operation::Generate | Operation::StreamGenerate => of(gemini),
        Operation::GeminiEmbed if path.contains("batch") => {
            of(r#"{"requests":[{"model":"models/gemini-2.5-pro","content":{"parts":[{"text":"hi"}]}}]}"#)
        }
        Operation::GeminiEmbed => of(r#"{"content":{"parts":[{"text":"hi"}]}}"#),
        Operation::Transcriptions | Operation::Translations => form("whisper-1", "file", ""),
        Operation::ImageEdits => form("gpt-image-1", "image", "a dot"),
        Operation::ImageVariations => form("dall-e-2", "image", ""),
        Operation::Models | Operation::Probe => ("", String::new()),
    }
}

/// A form with a model, a file and, where one is needed, a prompt.
fn form(model: &str, file: &str, prompt: &str) -> (&'static str, String) {
    let part = |head: &str, content: &str| format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
    let prompt = if prompt.is_empty() { String::new() } else { part("name=\"prompt\"", prompt) };
    let content = part("name=\"model\"", model) + &prompt + &part(&format!("name=\"{file}\"; filename=\"f\""), "OggS");
    ("multipart/form-data; boundary=XX", content + "--XX--\r\n")
}

/// The operations of the admin API's document.
pub fn admin() -> Vec<Route> {
    let document: Value = serde_json::from_str(&server::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_file = path == "/prices/import";
            let has_body = is_file || operation.get("requestBody").is_some();
            routes.push(Route {
                method: method.to_ascii_uppercase(),
                pattern: format!("/api/v1{path}"),
                path: format!("/api/v1{}", path.replace("{name}", "walked").replace("{id}", "nobody")),
                role: Role::Admin,
                content_type: if has_body { "application/json" } else { "" },
                body: if has_body { body_of(path, method).to_owned() } else { String::new() },
                budget: "no call",
                body_max: if is_file {
                    "64 MiB"
                } else if has_body {
                    "4 MiB"
                } else {
                    "not read"
                },
            });
        }
    }
    routes
}

/// A body that the route would carry out for an admin.
fn body_of(path: &str, method: &str) -> &'static str {
    match (path, method) {
        ("/budgets/{name}", "put") => r#"{"limit_usd":"5"}"#,
        ("/keys", "post") => r#"{"name":"walked"}"#,
        ("/runs", "post") => r#"{"name":"walked"}"#,
        ("/runs/{id}/raise", "post") => r#"{"by_usd":"5"}"#,
        ("/calls/{id}/resolve", "post") => r#"{"void":true,"reason":"walked"}"#,
        ("/cost", "post") => r#"{"dialect":"openai","model":"gpt-5.5","usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
        ("/estimate", "post") => r#"{"request":{"model":"gpt-5.5","messages":[{"role":"user","content":"hi"}]}}"#,
        _ => "{}",
    }
}

fn open() -> Vec<Route> {
    let route = |path: &str| Route {
        method: "GET".to_owned(),
        pattern: path.to_owned(),
        path: path.to_owned(),
        role: Role::Anyone,
        content_type: "",
        body: String::new(),
        budget: "no call",
        body_max: "not read",
    };
    vec![route("/healthz"), route("/metrics")]
}
