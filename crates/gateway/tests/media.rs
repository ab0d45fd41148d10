//! Images, speech, transcripts, moderations and the older completions through the one pipeline: each costs what the provider
//! bills, or an estimate that says so; what can't be bounded or read is refused before it is sent.

#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod support;

use gateway::CostFrom;
use http::StatusCode;
use serde_json::{Value, json};
use store::{CallRecord, CallStatus};
use support::{Answer, World, form};

/// So many seconds of WAV at 16 kHz.
fn wav(seconds: u32) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data".to_vec();
    file.extend((seconds * 32_000).to_le_bytes());
    file.resize(file.len() + seconds as usize * 32_000, 0);
    file
}

enum Body<'a> {
    Json(Value),
    Form(Vec<(&'a str, &'a [u8])>),
}

async fn send(world: &World, path: &str, body: &Body<'_>) -> Answer {
    match body {
        Body::Json(body) => world.post(path, body).await,
        Body::Form(fields) => world.post_form(path, fields).await,
    }
}

fn flags(call: &CallRecord) -> Vec<String> {
    call.attempts.last().and_then(|attempt| attempt.end.as_ref()).map(|end| end.flags.clone()).unwrap_or_default()
}

const IMAGE: &[u8] = b"\x89PNG\r\n\x1a\n";
const GENERATE: &str = "/v1/images/generations";
const SPEAK: &str = "/v1/audio/speech";
const HEAR: &str = "/v1/audio/transcriptions";

#[tokio::test]
async fn every_kind_of_media_costs_what_the_provider_bills() {
    let world = World::start().await;
    world.budget("all", "1000").await;
    let (short, minute) = (wav(2), wav(60));
    let ogg = [b"OggS".to_vec(), vec![7; 50_000]].concat();
    let cases: Vec<(&str, &str, Body<'_>)> = vec![
        (
            "image by tokens",
            GENERATE,
            Body::Json(json!({"model": "gpt-image-1", "prompt": "a cat", "size": "1024x1536", "quality": "medium"})),
        ),
        ("image of the model's choice", GENERATE, Body::Json(json!({"model": "gpt-image-1", "prompt": "a cat", "quality": "auto"}))),
        (
            "several images",
            GENERATE,
            Body::Json(json!({"model": "gpt-image-1", "prompt": "two cats", "n": 3, "size": "1024x1024", "quality": "low"})),
        ),
        ("image by area", GENERATE, Body::Json(json!({"model": "gpt-image-2", "prompt": "a cat", "size": "1792x1024", "quality": "high"}))),
        ("image streamed", GENERATE, Body::Json(json!({"model": "gpt-image-1", "prompt": "a cat", "stream": true, "partial_images": 2}))),
        (
            "image by size and quality",
            GENERATE,
            Body::Json(json!({"model": "dall-e-3", "prompt": "a cat", "size": "1024x1792", "quality": "hd"})),
        ),
        ("image of a plain price", GENERATE, Body::Json(json!({"model": "dall-e-2", "prompt": "a cat", "n": 4, "size": "512x512"}))),
        (
            "edit",
            "/v1/images/edits",
            Body::Form(vec![
                ("model", b"gpt-image-1"),
                ("prompt", b"a hat"),
                ("@image[]", IMAGE),
                ("@image[]", IMAGE),
                ("@mask", IMAGE),
                ("n", b"2"),
            ]),
        ),
        ("edit in JSON", "/v1/images/edits", Body::Json(json!({"model": "gpt-image-1", "prompt": "a hat", "images": [{"file_id": "f"}]}))),
        (
            "edit streamed",
            "/v1/images/edits",
            Body::Form(vec![("stream", b"true"), ("model", b"gpt-image-1"), ("prompt", b"a hat"), ("@image", IMAGE)]),
        ),
        ("variation", "/v1/images/variations", Body::Form(vec![("model", b"dall-e-2"), ("@image", IMAGE), ("size", b"256x256")])),
        ("speech by characters", SPEAK, Body::Json(json!({"model": "tts-1", "voice": "alloy", "input": "Ein Satz, höchstens zwei."}))),
        (
            "speech streamed",
            SPEAK,
            Body::Json(json!({"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello there.", "stream_format": "sse"})),
        ),
        ("transcript by seconds", HEAR, Body::Form(vec![("model", b"whisper-1"), ("@file", &short)])),
        ("transcript, verbose", HEAR, Body::Form(vec![("@file", &ogg), ("model", b"whisper-1"), ("response_format", b"verbose_json")])),
        ("transcript as text", HEAR, Body::Form(vec![("model", b"whisper-1"), ("@file", &minute), ("response_format", b"srt")])),
        ("transcript by tokens", HEAR, Body::Form(vec![("model", b"gpt-4o-transcribe"), ("@file", &minute), ("prompt", b"Mete, a word")])),
        ("transcript streamed", HEAR, Body::Form(vec![("model", b"gpt-4o-transcribe"), ("@file", &minute), ("stream", b"true")])),
        ("translation", "/v1/audio/translations", Body::Form(vec![("model", b"whisper-1"), ("@file", &minute)])),
        (
            "completion",
            "/v1/completions",
            Body::Json(json!({"model": "gpt-3.5-turbo-instruct", "prompt": ["one", "two"], "max_tokens": 40})),
        ),
        ("completion without a ceiling", "/v1/completions", Body::Json(json!({"model": "gpt-3.5-turbo-instruct", "prompt": "one"}))),
        (
            "completion streamed",
            "/v1/completions",
            Body::Json(json!({"model": "gpt-3.5-turbo-instruct", "prompt": "one", "stream": true, "max_tokens": 40})),
        ),
    ];
    for (name, path, body) in &cases {
        let (billed, spent) = (world.billed(), world.account("all").await.spent.get());
        let answer = send(&world, path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
        assert!(!answer.broken, "{name}: broke off");
        world.quiet().await;
        let account = world.account("all").await;
        let bill = world.billed() - billed;
        assert!(bill > 0, "{name}: the provider billed nothing");
        assert_eq!(account.spent.get() - spent, bill, "{name}: {:?}", world.provider.books().since(0).last());
        assert_eq!((account.held.get(), account.overage.get()), (0, 0), "{name}: left held, or beyond its hold");
        assert!(answer.nanos("x-mete-held-usd") >= bill, "{name}: the hold is a bound");
        let call = world.calls().await.pop().unwrap();
        assert_eq!(flags(&call), [""; 0], "{name}");
        assert!(!call.attempts[0].estimated, "{name}");
    }
    let sent = world.provider.books().since(0);
    let uncapped = sent.iter().find(|record| record.operation == "completions" && record.ceiling == Some(16));
    assert!(uncapped.is_some(), "a completion always goes out with a ceiling");
    // Relayed as it came.
    let speech = world.post(SPEAK, &json!({"model": "tts-1", "voice": "a", "input": "x"})).await;
    assert_eq!(speech.header("content-type"), Some("audio/mpeg"));
}

#[tokio::test]
async fn what_an_answer_does_not_say_is_estimated_and_flagged_and_never_free() {
    let world = World::start().await;
    world.budget("all", "1000").await;
    let minute = wav(60);
    let ogg = [b"OggS".to_vec(), vec![7; 50_000]].concat();
    let no_usage = |fault: &str| json!({"model": "gpt-image-1", "prompt": format!("a cat [[sim fault={fault}]]"), "size": "1024x1024", "quality": "low"});
    let cases: Vec<(&str, &str, Body<'_>, &str)> = vec![
        (
            "sound by tokens",
            SPEAK,
            Body::Json(json!({"model": "gpt-4o-mini-tts", "voice": "a", "input": "A sentence that is spoken for a while."})),
            "estimated: the answer states no usage",
        ),
        (
            "samples by tokens",
            SPEAK,
            Body::Json(json!({"model": "gpt-4o-mini-tts", "voice": "a", "input": "Another.", "response_format": "pcm"})),
            "estimated: the answer states no usage",
        ),
        (
            "text of a recording in another form",
            HEAR,
            Body::Form(vec![("model", b"whisper-1"), ("@file", &ogg), ("response_format", b"text")]),
            "estimated: the answer states no usage",
        ),
        (
            "text by tokens",
            HEAR,
            Body::Form(vec![("model", b"gpt-4o-transcribe"), ("@file", &minute), ("response_format", b"text")]),
            "estimated: the answer states no usage",
        ),
        ("image without usage", GENERATE, Body::Json(no_usage("usage_missing")), "nothing in the answer could be read"),
        ("image with impossible usage", GENERATE, Body::Json(no_usage("usage_negative")), "usage refused: input_tokens is negative"),
        ("image with usage in quotes", GENERATE, Body::Json(no_usage("usage_string")), "usage refused: input_tokens is a string"),
        ("image with enormous usage", GENERATE, Body::Json(no_usage("usage_huge")), "usage refused: input_tokens is above 10,000,000"),
    ];
    for (name, path, body, flag) in &cases {
        let (billed, spent) = (world.billed(), world.account("all").await.spent.get());
        let answer = send(&world, path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
        world.quiet().await;
        let account = world.account("all").await;
        let (bill, cost) = (world.billed() - billed, account.spent.get() - spent);
        assert!(bill > 0 && cost >= bill, "{name}: {cost} for a bill of {bill}");
        assert!(cost <= answer.nanos("x-mete-held-usd"), "{name}");
        assert_eq!((account.held.get(), account.overage.get()), (0, 0), "{name}");
        let call = world.calls().await.pop().unwrap();
        assert!(call.attempts[0].estimated, "{name}");
        assert_eq!(flags(&call), [*flag], "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_paid_for_what_was_ordered() {
    let world = World::start().await;
    world.budget("all", "1000").await;
    let prompt = |fault: &str| format!("a cat [[sim fault={fault}]]");
    let cases = [
        (
            "image cut in its stream",
            GENERATE,
            json!({"model": "gpt-image-1", "prompt": prompt("no_terminal"), "stream": true, "partial_images": 1}),
            "cut: stream ended early",
        ),
        ("image reset", GENERATE, json!({"model": "dall-e-3", "prompt": prompt("reset_after_head")}), "cut: answer broke off"),
        (
            "speech cut",
            SPEAK,
            json!({"model": "tts-1", "voice": "a", "input": format!("{} [[sim fault=reset_after_chunks_1]]", "word ".repeat(200))}),
            "cut: stream broke off",
        ),
    ];
    for (name, path, body, flag) in cases {
        let (billed, spent) = (world.billed(), world.account("all").await.spent.get());
        world.post(path, &body).await;
        world.quiet().await;
        let account = world.account("all").await;
        let (bill, cost) = (world.billed() - billed, account.spent.get() - spent);
        assert!(bill > 0 && cost >= bill, "{name}: {cost} for a bill of {bill}");
        assert_eq!(account.held.get(), 0, "{name}");
        let call = world.calls().await.pop().unwrap();
        assert!(flags(&call).iter().any(|known| known == flag), "{name}: {:?}", flags(&call));
    }
}

#[tokio::test]
async fn an_error_costs_nothing() {
    let world = World::start().await;
    world.budget("all", "1000").await;
    for (path, input) in [(GENERATE, "prompt"), (SPEAK, "input")] {
        let mut body = json!({"model": "tts-1", "voice": "a"});
        body[input] = json!("x [[sim fault=http_400]]");
        body["model"] = json!(if path == GENERATE { "gpt-image-1" } else { "tts-1" });
        assert_eq!(world.post(path, &body).await.status, StatusCode::BAD_REQUEST);
    }
    let account = world.account("all").await;
    assert_eq!((account.spent.get(), account.held.get()), (0, 0));
}

#[tokio::test]
async fn what_does_not_fit_or_has_no_price_is_refused_before_it_is_sent() {
    let world = World::start().await;
    world.budget("all", "0.005").await;
    let sound = wav(60);
    let cases: Vec<(&str, Body<'_>, &str)> = vec![
        (GENERATE, Body::Json(json!({"model": "gpt-image-1", "prompt": "a cat"})), "never_fits"),
        (GENERATE, Body::Json(json!({"model": "dall-e-3", "prompt": "a cat"})), "never_fits"),
        (SPEAK, Body::Json(json!({"model": "tts-1", "voice": "a", "input": "x".repeat(1_000)})), "never_fits"),
        (HEAR, Body::Form(vec![("model", b"whisper-1"), ("@file", &sound)]), "never_fits"),
        (GENERATE, Body::Json(json!({"model": "somebody-s-painter", "prompt": "a cat"})), "unpriced"),
        (GENERATE, Body::Json(json!({"model": "dall-e-3", "prompt": "a cat", "size": "1x1"})), "unpriced"),
        (SPEAK, Body::Json(json!({"model": "somebody-s-voice", "voice": "a", "input": "x"})), "unpriced"),
        (HEAR, Body::Form(vec![("model", b"somebody-s-ear"), ("@file", &sound)]), "unpriced"),
    ];
    for (path, body, code) in &cases {
        let answer = send(&world, path, body).await;
        assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED, "{path}: {}", answer.body);
        assert!(answer.code().starts_with(code), "{path}: {}", answer.body);
    }
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn moderation_is_free_where_it_is_and_metered_where_it_is_not() {
    let world = World::start().await;
    world.budget("all", "0.000001").await;
    for body in [json!({"input": "x".repeat(10_000)}), json!({"model": "omni-moderation-latest", "input": ["a", "b"]})] {
        let answer = world.post("/v1/moderations", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    assert_eq!(world.calls().await.len(), 0, "a free call leaves no record");
    let paid = world.post("/v1/moderations", &json!({"model": "paid-moderation", "input": "x".repeat(10_000)})).await;
    assert_eq!(paid.status, StatusCode::PAYMENT_REQUIRED, "{}", paid.body);
    let unknown = world.post("/v1/moderations", &json!({"model": "mistral-moderation", "input": "x"})).await;
    assert_eq!(unknown.code(), "unpriced");
}

#[tokio::test]
async fn the_model_s_own_name_decides_and_what_was_checked_is_what_is_sent() {
    let world = World::with(|settings| {
        settings.providers[0].aliases.insert("painter".to_owned(), "gpt-image-1".to_owned());
        settings.providers[0].aliases.insert("ear".to_owned(), "whisper-1".to_owned());
    })
    .await;
    world.budget("all", "1000").await;
    let spent = |world: &World| world.billed();
    let before = spent(&world);
    let answer = world.post(GENERATE, &json!({"model": "painter", "prompt": "a cat", "size": "1024x1024", "quality": "low"})).await;
    assert_eq!(answer.nanos("x-mete-cost-usd"), world.billed() - before, "{}", answer.body);
    let sound = wav(1);
    let answer = world.post_form(HEAR, &[("@file", &sound), ("model", b"ear"), ("language", b"en")]).await;
    assert_eq!(answer.nanos("x-mete-cost-usd"), 100_000, "{}", answer.body);
    let record = world.provider.books().since(0).pop().unwrap();
    let expected = form(&[("@file", &sound), ("model", b"whisper-1"), ("language", b"en")]);
    assert_eq!((record.model.as_str(), record.body_bytes), ("whisper-1", expected.len() as u64));
}

#[tokio::test]
async fn forms_that_could_mean_two_things_are_refused() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let sound = wav(1);
    let good = form(&[("model", b"whisper-1"), ("@file", &sound)]);
    let kind = "multipart/form-data; boundary=XX";
    let cases: Vec<(&str, &str, Vec<u8>, u16, &str)> = vec![
        ("no boundary", "multipart/form-data", good.clone(), 400, "invalid_multipart"),
        ("two boundaries", "multipart/form-data; boundary=XX; boundary=YY", good.clone(), 400, "invalid_multipart"),
        ("another boundary", "multipart/form-data; boundary=YY", good.clone(), 400, "invalid_multipart"),
        ("text before it", kind, [b"hello\r\n".to_vec(), good.clone()].concat(), 400, "invalid_multipart"),
        ("text behind it", kind, [good.clone(), b"hello".to_vec()].concat(), 400, "invalid_multipart"),
        ("no end", kind, good[..good.len() - 8].to_vec(), 400, "invalid_multipart"),
        ("empty", kind, Vec::new(), 400, "invalid_multipart"),
        ("a field twice", kind, form(&[("model", b"whisper-1"), ("@file", &sound), ("model", b"gpt-4o-transcribe")]), 400, "duplicate_key"),
        ("a file twice", kind, form(&[("model", b"whisper-1"), ("@file", &sound), ("@file", &sound)]), 400, "duplicate_key"),
        ("a look-alike", kind, form(&[("model", b"whisper-1"), ("@file", &sound), ("MODEL", b"gpt-4o-transcribe")]), 400, "look_alike_key"),
        ("a model as a file", kind, form(&[("@model", b"whisper-1"), ("@file", &sound)]), 400, "invalid_value"),
        ("a recording as text", kind, form(&[("model", b"whisper-1"), ("file", &sound)]), 400, "missing"),
        ("no model", kind, form(&[("@file", &sound)]), 400, "missing"),
        ("many parts", kind, form(&vec![("a[]", &b"x"[..]); 65]), 400, "invalid_multipart"),
        ("JSON", "application/json", br#"{"model":"whisper-1"}"#.to_vec(), 415, "content_type"),
        ("both", "multipart/json; boundary=XX", good.clone(), 400, "invalid_multipart"),
        ("neither", "text/plain", good.clone(), 415, "content_type"),
    ];
    for (name, kind, body, status, code) in cases {
        let answer = world.post_bytes(HEAR, kind, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{name}: {}", answer.body);
    }
    let chat = world.post_bytes("/v1/chat/completions", kind, good).await;
    assert_eq!((chat.status.as_u16(), chat.code().as_str()), (415, "content_type"));
    assert_eq!(world.requests(), 0);
    assert!(world.calls().await.iter().all(|call| call.status == CallStatus::Refused));
}

#[tokio::test]
async fn what_is_not_served_is_named_and_not_forwarded() {
    let world = World::start().await;
    for known in dialects::UNSERVED {
        let path = match known.path.strip_prefix('*') {
            Some(action) => format!("/v1beta/models/m{action}"),
            None => format!("{}{}", known.path, if known.path.ends_with('/') { "x" } else { "" }),
        };
        let answer = world.post(&path, &json!({})).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "unserved_route"), "{path}: {}", answer.body);
        assert!(answer.body.contains(known.what), "{path}: {}", answer.body);
    }
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn a_provider_that_names_the_cost_is_believed_where_the_config_says_so() {
    for from in [CostFrom::Book, CostFrom::Provider] {
        let world = World::with(|settings| settings.providers[0].cost_from = from).await;
        world.budget("all", "5").await;
        world.provider.script(&json!({"match": {"path": "/v1/chat"}, "script": "cost=0.0123456785"})).unwrap();
        let answer = world.post("/v1/chat/completions", &json!({"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let call = world.calls().await.pop().unwrap();
        let end = call.attempts[0].end.clone().unwrap();
        assert_eq!(end.provider_cost_usd.as_deref(), Some("0.0123456785"));
        let sum: i64 = end.lines.iter().map(|line| line.nanos).sum();
        assert_eq!(sum, call.cost.get());
        match from {
            CostFrom::Book => assert_eq!((call.cost.get(), end.flags), (world.billed(), vec!["provider says $0.012345678".to_owned()])),
            CostFrom::Provider => {
                assert_eq!(call.cost.get(), 12_345_678, "rounded once, half to even");
                assert!(end.flags[0].starts_with("cost from provider: $0.012345678, the book says $0.00"), "{:?}", end.flags);
            }
        }
        assert_eq!(world.account("all").await.spent, call.cost);
    }
}
