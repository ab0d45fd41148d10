//! The table of routes, as a table.

use super::*;

/// `METHOD PATH` → what it is, in words.
fn told(line: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let (method, upgrade) = method.strip_suffix("+upgrade").map_or((method, false), |method| (method, true));
    let (method, version) = method.strip_suffix("+version").map_or((method, false), |method| (method, true));
    let (method, goog) = method.strip_suffix("+goog").map_or((method, false), |method| (method, true));
    match route_with(method, path, RouteHints { anthropic_version: version, goog_api_key: goog, upgrade }) {
        Ok(route) => format!(
            "{}{:?} {:?} {}{}",
            route.run_token.map(|token| format!("[{token}] ")).unwrap_or_default(),
            route.dialect,
            route.operation,
            route.upstream_path,
            route.model.map(|model| format!(" {model}")).unwrap_or_default()
        ),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn paths_are_the_providers_own() {
    let table = [
        ("POST /v1/chat/completions", "OpenAi Chat /v1/chat/completions"),
        ("POST /v1/responses", "OpenAi Responses /v1/responses"),
        ("POST /v1/responses/input_tokens", "OpenAi CountTokens /v1/responses/input_tokens"),
        ("POST /v1/embeddings", "OpenAi Embeddings /v1/embeddings"),
        ("GET /v1/models", "OpenAi Models /v1/models"),
        ("GET+version /v1/models", "Anthropic Models /v1/models"),
        ("GET+goog /v1/models", "Gemini Models /v1/models"),
        ("POST+goog /v1/chat/completions", "OpenAi Chat /v1/chat/completions"),
        ("GET /v1/models/ft:gpt-4o:org::x", "OpenAi Models /v1/models/ft:gpt-4o:org::x ft:gpt-4o:org::x"),
        ("GET+version /v1/models/claude-opus-5-5", "Anthropic Models /v1/models/claude-opus-5-5 claude-opus-5-5"),
        ("POST /v1/messages?beta=true", "Anthropic Messages /v1/messages?beta=true"),
        ("POST /messages", "Anthropic Messages /v1/messages"),
        ("POST /v1/messages/count_tokens?beta=true", "Anthropic CountTokens /v1/messages/count_tokens?beta=true"),
        ("HEAD /", "Anthropic Probe /"),
        ("POST /v1beta/models/gemini-3-pro:generateContent", "Gemini Generate /v1beta/models/gemini-3-pro:generateContent gemini-3-pro"),
        ("POST /v1/models/gemini-3-pro:generateContent", "Gemini Generate /v1/models/gemini-3-pro:generateContent gemini-3-pro"),
        ("POST /v1beta/models/g:streamGenerateContent?alt=sse", "Gemini StreamGenerate /v1beta/models/g:streamGenerateContent?alt=sse g"),
        ("POST /v1beta/models/g:countTokens", "Gemini CountTokens /v1beta/models/g:countTokens g"),
        ("POST /v1beta/models/e:embedContent", "Gemini GeminiEmbed /v1beta/models/e:embedContent e"),
        ("POST /v1/models/e:batchEmbedContents", "Gemini GeminiEmbed /v1/models/e:batchEmbedContents e"),
        ("GET /v1beta/models", "Gemini Models /v1beta/models"),
        ("GET /v1beta/models/gemini-3-pro", "Gemini Models /v1beta/models/gemini-3-pro gemini-3-pro"),
    ];
    for (line, expected) in table {
        assert_eq!(told(line), expected, "{line}");
    }
}

#[test]
fn a_run_prefix_takes_base_urls_with_and_without_version() {
    let table = [
        ("POST /run/T/openai/chat/completions", "[T] OpenAi Chat /v1/chat/completions"),
        ("POST /run/T/openai/v1/chat/completions", "[T] OpenAi Chat /v1/chat/completions"),
        ("POST /run/T/openai/responses", "[T] OpenAi Responses /v1/responses"),
        ("GET /run/T/openai/models", "[T] OpenAi Models /v1/models"),
        ("GET+version /run/T/openai/v1/models", "[T] OpenAi Models /v1/models"),
        ("GET /run/T/anthropic/v1/models", "[T] Anthropic Models /v1/models"),
        ("POST /run/T/anthropic/messages", "[T] Anthropic Messages /v1/messages"),
        ("POST /run/T/anthropic/v1/messages?beta=true", "[T] Anthropic Messages /v1/messages?beta=true"),
        ("HEAD /run/T/anthropic", "[T] Anthropic Probe /"),
        ("HEAD /run/T/anthropic/", "[T] Anthropic Probe /"),
        ("POST /run/T/gemini/models/g:generateContent", "[T] Gemini Generate /v1beta/models/g:generateContent g"),
        ("POST /run/T/gemini/v1/models/g:generateContent", "[T] Gemini Generate /v1/models/g:generateContent g"),
        ("GET+upgrade /run/T/openai/v1/responses", "Upgrade"),
        ("POST /run/T/openai/v1/messages", "Unknown"),
        ("POST /run/T/mistral/v1/chat/completions", "Unknown"),
        ("POST /run//openai/v1/responses", "Unknown"),
        ("POST /run/a%20b/openai/v1/responses", "Unknown"),
        ("POST /run/T", "Unknown"),
    ];
    for (line, expected) in table {
        assert_eq!(told(line), expected, "{line}");
    }
}

#[test]
fn nothing_else_is_served() {
    let table = [
        ("GET /v1/chat/completions", r#"Method { allow: "POST" }"#),
        ("POST /v1/models", r#"Method { allow: "GET" }"#),
        ("DELETE /v1/models/gpt-5", r#"Method { allow: "GET" }"#),
        ("GET /", r#"Method { allow: "HEAD" }"#),
        ("GET+upgrade /v1/responses", "Upgrade"),
        ("POST //v1/chat/completions", "Unknown"),
        ("POST /v1//chat/completions", "Unknown"),
        ("POST /v1/chat/completions/", "Unknown"),
        ("POST /v1/./chat/completions", "Unknown"),
        ("POST /v1/x/../chat/completions", "Unknown"),
        ("POST /v1/chat%2fcompletions", "Unknown"),
        ("POST /v1/%63hat/completions", "Unknown"),
        ("POST /V1/chat/completions", "Unknown"),
        ("POST /v1/Chat/Completions", "Unknown"),
        ("POST /v1/chat/completions;x=1", "Unknown"),
        ("POST /v1/chat/completions#x", "Unknown"),
        ("POST http://evil/v1/chat/completions", "Unknown"),
        ("POST /v1/proxy/chat/completions", "Unknown"),
        ("POST /openai/v1/chat/completions", "Unknown"),
        ("POST /v1/completions/", "Unknown"),
        ("POST /v1/batches", "Unknown"),
        ("GET /v1/images/generations", r#"Method { allow: "POST" }"#),
        ("GET /v1/responses/resp_1", "Unknown"),
        ("GET /v1/models/..", "Unknown"),
        ("GET /v1/models/a/b", "Unknown"),
        ("POST /v1beta/models/a/b:generateContent", "Unknown"),
        ("POST /v1beta/models/:generateContent", "Unknown"),
        ("POST /v1beta/models/g:batchGenerateContent", "Unknown"),
        ("POST /v1beta/models/g:GenerateContent", "Unknown"),
        ("GET /v1beta/models/g:generateContent", r#"Method { allow: "POST" }"#),
        ("DELETE /v1beta/models/g", r#"Method { allow: "GET" }"#),
        ("POST ", "Unknown"),
    ];
    for (line, expected) in table {
        assert_eq!(told(line), expected, "{line}");
    }
}

#[test]
fn every_row_of_the_table_matches_itself() {
    for row in TABLE {
        let path = row.path.replace("{model}", "some-model");
        let path = format!("/run/T/{}{path}", row.dialect.name());
        let found = route(row.method, &path, false, false).unwrap();
        assert_eq!((found.dialect, found.operation), (row.dialect, row.operation), "{path}");
    }
}

#[test]
fn a_model_in_the_path_can_be_renamed() {
    let found = route("POST", "/v1beta/models/g:streamGenerateContent?alt=sse", false, false).unwrap();
    assert_eq!(found.path_for_model("gemini-3-flash"), "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse");
    let chat = route("POST", "/v1/chat/completions", false, false).unwrap();
    assert_eq!(chat.path_for_model("x"), "/v1/chat/completions");
}

#[test]
fn what_vendors_have_and_mete_does_not_serve_is_known_by_name() {
    let table = [
        ("/v1/batches", Some("batches")),
        ("/v1/batches/b_1/cancel?x=1", Some("batches")),
        ("/run/T/openai/v1/realtime/sessions", Some("realtime sessions")),
        ("/run/T/openai/videos", Some("videos")),
        ("/v1/responses/resp_1", Some("stored responses")),
        ("/v1/responses/compact", Some("compaction of responses")),
        ("/v1/messages/batches", Some("message batches")),
        ("/v1beta/models/veo-3.1:predictLongRunning", Some("Veo and other long-running predictions")),
        ("/v1beta/models/imagen-4.0:predict", Some("Imagen and other prediction models")),
        ("/v1/batchesx", None),
        ("/elsewhere:predict", None),
        ("/", None),
    ];
    for (path, what) in table {
        assert_eq!(unserved(path).map(|known| known.what), what, "{path}");
    }
}
