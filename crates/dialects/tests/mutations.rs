//! Recorded requests, damaged at random: nothing panics, what is still read can be shaped, and a message stays short.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use dialects::{Operation, Route, Shape, parse_request, read_response, route};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Smaller recordings, with their routes.
static RECORDED: LazyLock<Vec<(Route, Vec<u8>)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let folders = ["openai", "anthropic", "gemini"].iter().flat_map(|dialect| fs::read_dir(root.join(dialect)).unwrap());
    let mut recorded: Vec<_> = folders.filter_map(|folder| read(&folder.unwrap().path())).filter(|(_, body)| body.len() < 6_000).collect();
    recorded.sort_by(|a, b| a.1.cmp(&b.1));
    recorded
});

fn read(folder: &Path) -> Option<(Route, Vec<u8>)> {
    let body = fs::read(folder.join("request.json")).ok()?;
    let headers: Vec<(String, String)> = serde_json::from_slice(&fs::read(folder.join("headers.json")).unwrap()).unwrap();
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    Some((route(&header(":method"), &header(":path"), !header("anthropic-version").is_empty(), false).unwrap(), body))
}

/// A piece of JSON to put somewhere, and how many bytes it takes the place of.
fn edit() -> impl Strategy<Value = (Index, Vec<u8>, usize)> {
    let pieces = [
        "null",
        "{}",
        "[]",
        "0",
        "-1",
        "1e9",
        "\"x\"",
        "18446744073709551615",
        "true",
        "\\u0061",
        "\"type\":\"image\",",
        "\"max_tokens\":5,",
        "\"stream_options\":null,",
        ",",
        "}",
        "{",
        "\"",
        "]",
        "[",
        ":",
        "",
    ];
    let piece = prop_oneof![select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()), any::<u8>().prop_map(|byte| vec![byte])];
    (any::<Index>(), piece, 0_usize..12)
}

fn damaged(body: &[u8], edits: &[(Index, Vec<u8>, usize)]) -> Vec<u8> {
    let mut body = body.to_vec();
    for (index, piece, gone) in edits {
        let at = index.index(body.len() + 1);
        // Half of the edits go where a value starts, so that more of the bodies stay JSON.
        let colon = body[at..].iter().position(|byte| *byte == b':').filter(|_| gone % 2 == 0);
        let start = colon.map_or(at, |colon| at + colon + 1);
        let value = body[start..].iter().position(|byte| matches!(byte, b',' | b'}')).unwrap_or(0);
        let end = (start + if colon.is_some() { value } else { *gone }).min(body.len());
        body.splice(start..end, piece.iter().copied());
    }
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn damaged_recordings_are_read_or_refused(which in any::<Index>(), edits in prop::collection::vec(edit(), 1..4)) {
        let (route, body) = &RECORDED[which.index(RECORDED.len())];
        let body = damaged(body, &edits);
        for operation in [Operation::Chat, Operation::Messages, Operation::Responses, Operation::Generate, Operation::StreamGenerate, Operation::Embeddings] {
            let _ = read_response(operation, &body);
        }
        match parse_request(route, &body) {
            Err(bad) => prop_assert!(bad.message.len() < 260, "{}", bad.message),
            Ok(request) => {
                let shape = Shape { ceiling: request.ask.generates.then_some(77), model: Some("other".into()), include_usage: true, tool_uses: Some(2) };
                let shaped = request.shape(&body, &shape);
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&shaped).is_ok(), "{}", String::from_utf8_lossy(&shaped));
                if let Ok(again) = parse_request(route, &shaped) {
                    prop_assert_eq!(again.ask.output_ceiling, shape.ceiling);
                } else {
                    // A Gemini body that repeats its model contradicts a path that wasn't renamed here.
                    prop_assert!(route.model.is_some());
                }
            }
        }
    }
}
