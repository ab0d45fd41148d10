//! Requests made of real text, bounded by the product.

use anyhow::Context as _;
use dialects::{Vocabulary, parse_request, route};
use serde_json::{Value, json};

use super::actual::Actual;

/// One request: its bounds, and what it comes to elsewhere.
#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub kind: String,
    /// Input tokens by stage 1.
    pub bytes: u64,
    /// Input tokens by the exact stage.
    pub exact: Option<u64>,
    pub actual: u64,
}

/// What OpenAI's cookbook says of one message by a user: 3 around it, 1 for its role, 3 for the answer. Every template known here
/// adds as much, so that the actual count is never below it: the least is taken.
const ONE_MESSAGE: u64 = 7;
/// Of other families' templates the least: a mark for the role and one before the answer.
const ONE_MESSAGE_ELSEWHERE: u64 = 2;

/// All samples of a family.
pub fn samples(actual: &Actual, family: &str, vocabulary: Option<Vocabulary>) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let is_openai = matches!(vocabulary, Some(Vocabulary::O200k | Vocabulary::Cl100k));
    for (file, pieces) in actual.pieces()? {
        for (at, piece) in pieces.iter().enumerate() {
            let tokens = actual.tokens(family, &file, at, piece)? + if is_openai { ONE_MESSAGE } else { ONE_MESSAGE_ELSEWHERE };
            let body = json!({"model": "m", "messages": [{"role": "user", "content": piece}]});
            samples.push(sample("/v1/chat/completions", &file, at, kind(&file), &body, vocabulary, tokens)?);
        }
        if file == "schemas.txt"
            && let Some((_, tokens)) = actual.tools(family)
        {
            let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": tools(&pieces.concat())?});
            samples.push(sample("/v1/chat/completions", "tools", 0, "tools, declared", &body, vocabulary, tokens)?);
        }
    }
    if vocabulary == Some(Vocabulary::O200k) {
        for (at, (case, body, tokens)) in actual.bodies()?.into_iter().enumerate() {
            let body: Value = serde_json::from_slice(&body)?;
            samples.push(sample("/v1/responses", &case, at, "agents' requests", &body, vocabulary, tokens)?);
        }
    }
    Ok(samples)
}

/// Requests with texts made by chance, for soundness alone.
pub fn random(actual: &Actual, family: &str, vocabulary: Option<Vocabulary>) -> anyhow::Result<Vec<Sample>> {
    let texts = actual.random(family)?;
    let of = |(at, (text, tokens)): (usize, &(&str, u64))| {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
        let file = format!("{family}, random text of seed {}", actual.seed());
        sample("/v1/chat/completions", &file, at, "random", &body, vocabulary, tokens + ONE_MESSAGE_ELSEWHERE)
    };
    texts.iter().enumerate().map(of).collect()
}

/// As chat takes them: what stands beside `type` goes into `function`.
fn tools(schemas: &str) -> anyhow::Result<Vec<Value>> {
    let list: Vec<Value> = serde_json::from_str(schemas).context("schemas.txt is cut where a piece is left out")?;
    Ok(list
        .into_iter()
        .map(|mut tool| {
            if let Some(members) = tool.as_object_mut() {
                members.remove("type");
            }
            json!({"type": "function", "function": tool})
        })
        .collect())
}

fn sample(
    path: &str,
    file: &str,
    at: usize,
    kind: &str,
    body: &Value,
    vocabulary: Option<Vocabulary>,
    actual: u64,
) -> anyhow::Result<Sample> {
    let name = format!("{file}, piece {at}");
    let route = route("POST", path, false, false).map_err(|error| anyhow::anyhow!("{name}: {error:?}"))?;
    let body = body.to_string().into_bytes();
    let request = parse_request(&route, &body).map_err(|bad| anyhow::anyhow!("{name}: {bad:?}"))?;
    let exact = match vocabulary {
        Some(vocabulary) => Some(
            request.ask_by_vocabulary(&route, &body, "m", vocabulary).with_context(|| format!("{name} has no exact count"))?.input_tokens,
        ),
        None => None,
    };
    Ok(Sample { name, kind: kind.to_owned(), bytes: request.ask.input_tokens, exact, actual })
}

fn kind(file: &str) -> &str {
    match file.trim_end_matches(".txt") {
        "rust" | "python" | "javascript" => "source code",
        "schemas" => "JSON tool schemas",
        "base64" => "Base64",
        "english" => "English",
        "german" => "German",
        "chinese" => "Chinese",
        "japanese" => "Japanese",
        "arabic" => "Arabic",
        "russian" => "Russian",
        "hindi" => "Hindi",
        "korean" => "Korean",
        other => other,
    }
}
