//! Images, speech, transcripts, moderations and the older completions: what they may cost at most, and what answers say.

#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod told;

use bytes::Bytes;
use dialects::{Hints, Implied, Operation, Reading, Request, Shape, StreamReader, parse_request_with, read_response, route};
use pricing::{Ask, Usage};
use serde_json::{Value, json};

const FORM: &str = "multipart/form-data; boundary=XX";

fn read(path: &str, body: &[u8], content_type: &str) -> Result<Request, String> {
    let route = route("POST", path, false, false).unwrap();
    let hints = Hints { content_type, ..Hints::default() };
    parse_request_with(&route, body, hints).map_err(|bad| format!("{}: {} at {}", bad.code, bad.message, bad.param.unwrap_or_default()))
}

fn asked(path: &str, body: &Value) -> Result<Request, String> {
    read(path, body.to_string().as_bytes(), "application/json")
}

/// A form of fields; one whose name begins with `@` is a file.
fn form(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in fields {
        let head = match name.strip_prefix('@') {
            Some(name) => format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n"),
            None => format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n"),
        };
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    body
}

/// What an ask may consume, in the words of a usage.
fn most(ask: &Ask) -> String {
    let mut usage = Usage::default();
    usage.add(pricing::Meter::InputTokens, ask.input_tokens);
    for line in ask.other_input.iter().chain(&ask.fixed) {
        usage.add_with(line.meter.clone(), line.attrs.clone(), line.quantity);
    }
    assert!(!ask.generates || ask.fixed.is_empty());
    told::usage(&usage)
}

/// A second of WAV at 16 kHz.
fn wav(seconds: usize) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data".to_vec();
    file.extend((seconds as u32 * 32_000).to_le_bytes());
    file.resize(file.len() + seconds * 32_000, 0);
    file
}

#[test]
fn images_are_bounded_by_tokens_or_by_size_and_quality() {
    let table = [
        (json!({"model": "gpt-image-1", "prompt": "a cat"}), "in 133 out[image] 6240"),
        (json!({"model": "gpt-image-1", "prompt": "a cat", "size": "1024x1024", "quality": "low"}), "in 133 out[image] 272"),
        (json!({"model": "gpt-image-1-mini", "prompt": "", "n": 3, "quality": "medium", "size": "1536x1024"}), "in 384 out[image] 4704"),
        (json!({"model": "gpt-image-2", "prompt": "", "size": "1024x1024", "quality": "high"}), "in 128 out[image] 7024"),
        (json!({"model": "gpt-image-2", "prompt": "", "size": "auto", "quality": "auto"}), "in 128 out[image] 23719"),
        (
            json!({"model": "gpt-image-1.5", "prompt": "", "size": "1024x1024", "quality": "low", "stream": true, "partial_images": 2}),
            "in 128 out[image] 472 out 2048",
        ),
        (json!({"model": "dall-e-2", "prompt": "a cat", "n": 2, "size": "256x256"}), "image[standard,256x256] 2"),
        (json!({"model": "dall-e-3", "prompt": "a cat"}), "image[standard,1024x1024] 1"),
        (json!({"model": "dall-e-3", "prompt": "a cat", "quality": "hd", "size": "1024x1792"}), "image[hd,1024x1792] 1"),
        (json!({"model": "dall-e-3", "prompt": "a cat", "quality": "auto"}), "image[hd,1024x1024] 1"),
        (json!({"model": "grok-imagine-image", "prompt": "a cat", "n": 4}), "image 4"),
    ];
    for (body, expected) in table {
        assert_eq!(most(&asked("/v1/images/generations", &body).unwrap().ask), expected, "{body}");
    }
    let image = b"\x89PNG".as_slice();
    let forms: [(&[(&str, &[u8])], &str); 4] = [
        (&[("model", b"gpt-image-1"), ("prompt", b"a hat"), ("@image", image)], "in 133 in[image] 7337 out[image] 6240"),
        (
            &[
                ("@image[]", image),
                ("@image[]", image),
                ("@mask", image),
                ("model", b"gpt-image-1"),
                ("prompt", b""),
                ("size", b"1024x1024"),
                ("quality", b"low"),
            ],
            "in 128 in[image] 22011 out[image] 272",
        ),
        (&[("model", b"gpt-image-2"), ("@image", image), ("n", b"2"), ("size", b"1024x1024")], "in 256 in[image] 32768 out[image] 14048"),
        (&[("model", b"dall-e-2"), ("@image", image), ("prompt", b"x"), ("size", b"512x512")], "image[standard,512x512] 1"),
    ];
    for (fields, expected) in forms {
        assert_eq!(most(&read("/v1/images/edits", &form(fields), FORM).unwrap().ask), expected, "{fields:?}");
    }
    let json_edit =
        json!({"model": "gpt-image-1", "prompt": "", "images": [{"image_url": "https://x/1"}, {"file_id": "f"}], "mask": {"file_id": "m"}});
    assert_eq!(most(&asked("/v1/images/edits", &json_edit).unwrap().ask), "in 128 in[image] 22011 out[image] 6240");
}

#[test]
fn an_alias_is_bounded_as_the_model_that_it_stands_for() {
    let request = asked("/v1/images/generations", &json!({"model": "my-images", "prompt": "a cat", "n": 2})).unwrap();
    assert_eq!(most(&request.ask), "image 2");
    assert_eq!(most(&request.ask_for("gpt-image-1")), "in 266 out[image] 12480");
    assert_eq!(most(&request.ask_for("my-images")), "image 2");
    let body = form(&[("@file", &wav(1)), ("model", b"ears")]);
    let request = read("/v1/audio/transcriptions", &body, FORM).unwrap();
    let shaped = request.shape(&body, &Shape { model: Some("whisper-1".into()), ..Shape::default() });
    assert_eq!(shaped, form(&[("@file", &wav(1)), ("model", b"whisper-1")]));
    let hostile = request.shape(&body, &Shape { model: Some("a\r\n--XX--".into()), ..Shape::default() });
    assert_eq!(hostile, body);
}

#[test]
fn speech_is_bounded_by_its_characters_or_the_sound_that_it_can_make() {
    let table = [
        (json!({"model": "tts-1", "voice": "alloy", "input": "Hello."}), "character 6"),
        (json!({"model": "tts-1-hd", "voice": "alloy", "input": "e\u{301}, 中, 😀"}), "character 9"),
        (json!({"model": "openai/tts-1", "voice": "alloy", "input": "a\u{0}b"}), "character 3"),
        (json!({"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello. 中", "instructions": "Sing."}), "in 143 out[audio] 1104"),
        (json!({"model": "kokoro", "voice": "a", "input": ""}), ""),
    ];
    for (body, expected) in table {
        assert_eq!(most(&asked("/v1/audio/speech", &body).unwrap().ask), expected, "{body}");
    }
}

#[test]
fn a_transcript_is_bounded_by_the_length_of_its_recording() {
    let (second, minute) = (wav(1), wav(60));
    let unknown = [b"OggS".to_vec(), vec![0; 75_000 - 4]].concat();
    let long = wav(2_000);
    let tokens = b"gpt-4o-transcribe".as_slice();
    let table: [(&[(&str, &[u8])], &str); 7] = [
        (&[("@file", &minute), ("model", b"whisper-1"), ("prompt", b"free of charge")], "second 60"),
        (&[("@file", &second), ("model", b"gpt-transcribe")], "second 1"),
        (&[("@file", &unknown), ("model", b"whisper-1")], "second 100"),
        (&[("@file", &minute), ("model", tokens), ("prompt", b"Mete")], "in 132 in[audio] 976 out 976"),
        (&[("@file", &unknown), ("model", b"gpt-4o-mini-transcribe")], "in 128 in[audio] 1456 out 1456"),
        (&[("@file", &long[..long.len() / 80]), ("model", b"whisper-1"), ("language", b"en")], "second 25"),
        (
            &[
                ("model", tokens),
                ("@file", &minute),
                ("chunking_strategy", b"auto"),
                ("include[]", b"logprobs"),
                ("timestamp_granularities[]", b"word"),
                ("timestamp_granularities[]", b"segment"),
            ],
            "in 128 in[audio] 976 out 976",
        ),
    ];
    for (fields, expected) in table {
        for path in ["/v1/audio/transcriptions", "/v1/audio/translations"] {
            assert_eq!(most(&read(path, &form(fields), FORM).unwrap().ask), expected);
        }
    }
    // The vendor refuses a whole recording of more than 25 minutes; one that it may cut counts in full.
    let ogg = [b"OggS".to_vec(), vec![0; (25 << 20) - 4]].concat();
    let whole = read("/v1/audio/transcriptions", &form(&[("@file", &ogg), ("model", tokens)]), FORM).unwrap();
    assert_eq!(most(&whole.ask), "in 128 in[audio] 18256 out 18256");
    let cut = read("/v1/audio/transcriptions", &form(&[("@file", &ogg), ("model", tokens), ("chunking_strategy", b"auto")]), FORM).unwrap();
    assert_eq!(most(&cut.ask), "in 128 in[audio] 419692 out 419692");
}

#[test]
fn a_completion_is_bounded_by_its_prompts_and_always_has_a_ceiling() {
    let told = |body: Value| {
        let request = asked("/v1/completions", &body).unwrap();
        (request.ask.input_tokens, request.ask.choices, request.ask.output_ceiling, request.ceiling_usual())
    };
    assert_eq!(told(json!({"model": "m", "prompt": "abc"})), (131, 1, Some(16), Some(16)));
    assert_eq!(told(json!({"model": "m", "prompt": ["abc", "de"], "max_tokens": 50, "n": 2, "best_of": 3})), (261, 6, Some(50), None));
    assert_eq!(told(json!({"model": "m", "prompt": [1, 2, 3], "max_tokens": 0})), (131, 1, Some(0), None));
    assert_eq!(told(json!({"model": "m", "prompt": [[1, 2], [3]], "suffix": "x"})), (262, 2, Some(16), Some(16)));
    let body = json!({"model": "m", "prompt": "abc"}).to_string();
    let request = asked("/v1/completions", &json!({"model": "m", "prompt": "abc"})).unwrap();
    let shaped = request.shape(body.as_bytes(), &Shape { ceiling: request.ceiling_usual(), ..Shape::default() });
    assert_eq!(String::from_utf8(shaped).unwrap(), r#"{"model":"m","prompt":"abc","max_tokens":16}"#);
}

#[test]
fn what_contradicts_or_misleads_is_refused() {
    let table = [
        ("/v1/images/generations", json!({"prompt": "x"}), "missing"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "n": 11}), "invalid_value"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "n": "3"}), "invalid_value"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "size": "1024 x 1024"}), "invalid_value"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "size": "99999x1"}), "invalid_value"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "quality": "cheap"}), "invalid_value"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "Quality": "low"}), "look_alike_key"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "partial_images": 4}), "invalid_value"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "image": "data:"}), "invalid_value"),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "api_base": "http://x"}), "forbidden_field"),
        ("/v1/images/variations", json!({"model": "dall-e-2"}), "content_type"),
        ("/v1/audio/speech", json!({"model": "tts-1"}), "missing"),
        ("/v1/audio/speech", json!({"model": "tts-1", "input": ["a"]}), "invalid_value"),
        ("/v1/audio/transcriptions", json!({"model": "whisper-1"}), "content_type"),
        ("/v1/completions", json!({"model": "m", "prompt": {"a": 1}}), "invalid_value"),
        ("/v1/completions", json!({"model": "m", "prompt": "a", "best_of": 129}), "invalid_value"),
        ("/v1/moderations", json!({"model": "m"}), "missing"),
    ];
    for (path, body, code) in table {
        let told = asked(path, &body).err().unwrap_or_default();
        assert!(told.starts_with(code), "{told:?} for {path} {body}");
    }
    let sound = wav(1);
    let forms: [(&str, &[(&str, &[u8])], &str); 9] = [
        ("/v1/audio/transcriptions", &[("@file", &sound)], "missing"),
        ("/v1/audio/transcriptions", &[("model", b"whisper-1")], "missing"),
        ("/v1/audio/transcriptions", &[("model", b"whisper-1"), ("file", &sound)], "missing"),
        ("/v1/audio/transcriptions", &[("model", b"whisper-1"), ("@file", &sound), ("model", b"other")], "duplicate_key"),
        ("/v1/audio/transcriptions", &[("model", b"whisper-1"), ("@file", &sound), ("Model", b"other")], "look_alike_key"),
        ("/v1/audio/transcriptions", &[("@model", b"whisper-1"), ("@file", &sound)], "invalid_value"),
        ("/v1/audio/transcriptions", &[("model", b"whisper-1"), ("@file", &sound), ("api_key", b"k")], "forbidden_field"),
        ("/v1/images/edits", &[("model", b"gpt-image-1"), ("prompt", b"x")], "invalid_value"),
        ("/v1/images/edits", &[("model", b"gpt-image-1"), ("@image", b"x"), ("n", b"-1")], "invalid_value"),
    ];
    for (path, fields, code) in forms {
        let told = read(path, &form(fields), FORM).err().unwrap_or_default();
        assert!(told.starts_with(code), "{told:?} for {path} {fields:?}");
    }
    let large = vec![0; (25 << 20) + 1];
    let too_large = read("/v1/audio/transcriptions", &form(&[("model", b"whisper-1"), ("@file", &large)]), FORM);
    assert!(too_large.is_err_and(|told| told.starts_with("too_large")));
    assert!(read("/v1/chat/completions", &form(&[("model", b"m")]), FORM).is_err_and(|told| told.starts_with("content_type")));
    assert!(read("/v1/images/generations", &form(&[("model", b"m")]), FORM).is_err_and(|told| told.starts_with("content_type")));
}

fn answered(operation: Operation, body: &Value) -> String {
    told::reading(&read_response(operation, body.to_string().as_bytes()))
}

#[test]
fn usage_of_media_is_read_into_meters_of_their_own() {
    use Operation::{Completions, ImageEdits, Images, Moderations, Transcriptions, Translations};
    let usage = |usage: Value| json!({"created": 1, "data": [{"b64_json": "AAAA"}], "usage": usage});
    let heard = |usage: Value| json!({"text": "hi", "usage": usage});
    let table = [
        (
            Images,
            usage(
                json!({"input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}, "output_tokens": 272, "total_tokens": 322}),
            ),
            "in 10 in[image] 40 out[image] 272",
        ),
        (
            Images,
            usage(json!({"input_tokens": 50, "output_tokens": 300, "output_tokens_details": {"image_tokens": 272, "text_tokens": 28}})),
            "in 50 out 28 out[image] 272",
        ),
        (ImageEdits, usage(json!({"input_tokens": 50, "output_tokens": 272})), "in[image] 50 out[image] 272"),
        (
            ImageEdits,
            usage(
                json!({"input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40, "cached_tokens": 30, "cached_tokens_details": {"text_tokens": 4, "image_tokens": 26}}, "output_tokens": 1}),
            ),
            "in 6 in[image] 14 read 4 read[image] 26 out[image] 1",
        ),
        (
            ImageEdits,
            usage(
                json!({"input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40, "cached_tokens": 30}, "output_tokens": 1}),
            ),
            "in[image] 20 read 10 read[image] 20 out[image] 1",
        ),
        (
            Images,
            usage(json!({"input_tokens": 5, "input_tokens_details": {"text_tokens": 6}, "output_tokens": 1})),
            "refused: a part is larger than its whole",
        ),
        (
            Images,
            usage(json!({"input_tokens": 5, "input_tokens_details": {"cached_tokens": 6}, "output_tokens": 1})),
            "refused: more tokens are cached than the prompt has",
        ),
        (Images, usage(json!({"input_tokens": "5", "output_tokens": 1})), "refused: input_tokens is a string"),
        (Images, usage(json!(null)), "missing"),
        (Transcriptions, heard(json!({"type": "duration", "seconds": 42})), "second 42"),
        (Transcriptions, heard(json!({"type": "duration", "seconds": 41.2})), "second 42"),
        (Translations, heard(json!({"type": "duration", "seconds": -1})), "refused: seconds isn't a plain decimal of at least zero"),
        (Translations, heard(json!({"type": "duration", "seconds": 1e3})), "second 1000"),
        (Transcriptions, heard(json!({"type": "duration", "seconds": null})), "refused: seconds isn't a number"),
        (Transcriptions, heard(json!({"type": "duration", "seconds": 99_999_999})), "refused: seconds is above 10,000,000"),
        (
            Transcriptions,
            heard(
                json!({"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 4, "audio_tokens": 10}, "output_tokens": 45}),
            ),
            "in 4 in[audio] 10 out 45",
        ),
        (
            Transcriptions,
            heard(
                json!({"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 4, "audio_tokens": 10, "cached_tokens": 8, "cached_tokens_details": {"audio_tokens": 8}}, "output_tokens": 45}),
            ),
            "in 4 in[audio] 2 read[audio] 8 out 45",
        ),
        (Transcriptions, json!({"text": "hi", "duration": "8.470000267028809", "language": "english"}), "second 9"),
        (Transcriptions, json!({"text": "hi", "duration": 3.0}), "second 3"),
        (Transcriptions, json!({"text": "hi"}), "missing"),
        (
            Completions,
            json!({"choices": [{"text": "hi", "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
            "in 3 out 2",
        ),
        (Moderations, json!({"results": [], "usage": {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}}), "in 7"),
    ];
    for (operation, body, expected) in table {
        assert_eq!(answered(operation, &body), expected, "{operation:?} {body}");
    }
}

fn streamed(operation: Operation, events: &[Value]) -> Reading {
    let mut reader = StreamReader::new(operation, false);
    for event in events {
        reader.push(Bytes::from(format!("data: {event}\n\n"))).unwrap();
    }
    reader.finish().1
}

#[test]
fn streams_of_media_end_with_their_usage() {
    let image_usage = json!({"input_tokens": 5, "input_tokens_details": {"text_tokens": 5}, "output_tokens": 372});
    let done = |kind: &str| json!({"type": kind, "b64_json": "AAAA", "usage": image_usage});
    let partial = json!({"type": "image_generation.partial_image", "b64_json": "AA", "partial_image_index": 0});
    let table = [
        (Operation::Images, vec![partial.clone(), done("image_generation.completed")], "in 5 out[image] 372"),
        (Operation::Images, vec![done("image_generation.completed"), done("image_generation.completed")], "in 10 out[image] 744"),
        (Operation::ImageEdits, vec![done("image_edit.completed")], "in 5 out[image] 372"),
        (Operation::Images, vec![partial], "missing"),
        (Operation::Images, vec![json!({"type": "error", "error": {"code": "moderation_blocked"}})], "missing"),
        (
            Operation::Transcriptions,
            vec![
                json!({"type": "transcript.text.delta", "delta": "hi"}),
                json!({"type": "transcript.text.done", "text": "hi", "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 2}}),
            ],
            "in[audio] 9 out 2",
        ),
        (Operation::Transcriptions, vec![json!({"type": "transcript.text.delta", "delta": "hi"})], "missing"),
        (
            Operation::Speech,
            vec![
                json!({"type": "speech.audio.delta", "audio": "AAAA"}),
                json!({"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}}),
            ],
            "in 14 out[audio] 101",
        ),
        (
            Operation::Completions,
            vec![
                json!({"choices": [{"index": 0, "text": "hi", "finish_reason": "stop"}]}),
                json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
            ],
            "in 3 out 2",
        ),
    ];
    for (operation, events, expected) in table {
        assert_eq!(told::reading(&streamed(operation, &events)), expected, "{operation:?} {events:?}");
    }
}

#[test]
fn an_answer_without_usage_is_billed_for_what_the_request_says() {
    let words = |implied: Option<Implied>| match implied {
        None => "nothing".to_owned(),
        Some(Implied::Exact(usage)) => format!("exactly {}", told::usage(&usage)),
        Some(Implied::Estimate(usage)) => format!("about {}", told::usage(&usage)),
    };
    let of = |path: &str, body: Value, reading: &Reading, cut: Option<u64>| {
        let request = asked(path, &body).unwrap();
        words(request.implied(&request.model, reading, cut))
    };
    let images = |count: u64| Reading { images: count, ..Reading::default() };
    let (generate, say) = ("/v1/images/generations", "/v1/audio/speech");
    let dalle = |extra: Value| {
        let mut body = json!({"model": "dall-e-3", "prompt": "x", "n": 2});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    assert_eq!(of(generate, dalle(json!({})), &images(1), None), "exactly image[standard,1024x1024] 1");
    assert_eq!(of(generate, dalle(json!({})), &images(0), None), "nothing");
    assert_eq!(of(generate, dalle(json!({})), &images(0), Some(10)), "exactly image[standard,1024x1024] 2");
    assert_eq!(of(generate, dalle(json!({"quality": "auto"})), &images(2), None), "about image[hd,1024x1024] 2");
    assert_eq!(of(generate, json!({"model": "gpt-image-1", "prompt": "x"}), &images(1), None), "nothing");
    let speak = |model: &str, format: &str| json!({"model": model, "input": "Hi 😀", "voice": "a", "response_format": format});
    let sound = Reading { bytes: 96_000, mpeg_millis: 60_000, ..Reading::default() };
    assert_eq!(of(say, speak("tts-1", "mp3"), &sound, None), "exactly character 4");
    assert_eq!(of(say, speak("gpt-4o-mini-tts", "mp3"), &sound, None), "about in 135 out[audio] 1250");
    assert_eq!(of(say, speak("gpt-4o-mini-tts", "pcm"), &sound, None), "about in 135 out[audio] 42");
    assert_eq!(of(say, speak("gpt-4o-mini-tts", "opus"), &sound, None), "about in 135 out[audio] 2667");
    assert_eq!(of(say, speak("gpt-4o-mini-tts", "pcm"), &sound, Some(1_000)), "about in 135 out[audio] 300");
    let transcript = |model: &[u8], file: &[u8]| {
        let request = read("/v1/audio/transcriptions", &form(&[("@file", file), ("model", model)]), FORM).unwrap();
        words(request.implied(&request.model, &Reading::default(), None))
    };
    assert_eq!(transcript(b"whisper-1", &wav(3)), "exactly second 3");
    assert_eq!(transcript(b"whisper-1", b"OggS"), "about second 1");
    assert_eq!(transcript(b"gpt-4o-transcribe", &wav(1)), "about in 128 in[audio] 268 out 268");
}

#[test]
fn sound_is_passed_on_as_it_comes_and_measured() {
    let mut frame = vec![0; 417];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
    let sound = frame.repeat(100);
    let mut reader = StreamReader::of_sound(Operation::Speech);
    for piece in sound.chunks(1_000) {
        assert_eq!(reader.push(Bytes::copy_from_slice(piece)).unwrap(), piece);
    }
    let (rest, reading) = reader.finish();
    assert_eq!((rest.len(), reading.bytes, reading.mpeg_millis, reading.complete), (0, 41_700, 2_613, false));
}

#[test]
fn what_a_provider_says_a_call_cost_is_kept_as_it_says_it() {
    let usage = |more: Value| {
        let mut usage = json!({"prompt_tokens": 3, "completion_tokens": 2});
        usage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"choices": [], "usage": usage})
    };
    let copilot = |details: Value| json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}, "copilot_usage": {"token_details": details}});
    let batch =
        |count: u64| json!({"batch_size": 1_000_000, "cost_per_batch": 500_000_000_000_u64, "token_count": count, "token_type": "input"});
    let table = [
        (usage(json!({})), None),
        (usage(json!({"cost": 0.00014, "cost_details": {}})), Some("0.00014")),
        (usage(json!({"estimated_cost": 1.5e-6})), Some("1.5e-6")),
        (usage(json!({"cost": "0.1"})), Some("0.1")),
        (usage(json!({"cost": {"total_cost": 0.006}})), Some("0.006")),
        (usage(json!({"cost": null})), None),
        // $5 a million tokens is 500 credits, or 5 × 10¹¹ billionths of a credit.
        (copilot(json!([batch(1_000_000), batch(3)])), Some("5.000015")),
        (copilot(json!([{"batch_size": 1, "cost_per_batch": 7, "token_count": 1}])), Some("0.00000000007")),
        (copilot(json!([])), None),
        (copilot(json!([{"batch_size": 3, "cost_per_batch": 7, "token_count": 1}])), None),
        (copilot(json!([{"batch_size": 1, "cost_per_batch": -7, "token_count": 1}])), None),
    ];
    for (body, expected) in table {
        let text = body.to_string();
        assert_eq!(read_response(Operation::Chat, text.as_bytes()).provider_cost_usd.as_deref(), expected, "{body}");
        assert_eq!(streamed(Operation::Chat, &[body]).provider_cost_usd.as_deref(), expected);
    }
}

#[test]
fn an_image_tool_of_a_conversation_is_bounded_by_its_own_model() {
    let told = |tool: Value, more: Value| {
        let mut body = json!({"model": "gpt-5", "input": "draw a cat", "tools": [tool]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut request = asked("/v1/responses", &body).unwrap();
        assert!(request.ask.tools.is_empty(), "its tokens are priced, not its uses");
        request.allow_tool_uses(10);
        let tool = request.image_tool.unwrap();
        let uses = tool.uses_max.unwrap();
        format!("{} × {uses}: {}", tool.model, most(&tool.ask(uses)))
    };
    let low = json!({"type": "image_generation", "model": "gpt-image-1", "size": "1024x1024", "quality": "low"});
    assert_eq!(told(low.clone(), json!({"max_tool_calls": 2})), "gpt-image-1 × 2: in 64000 in[image] 14674 out[image] 544");
    assert_eq!(told(low.clone(), json!({})), "gpt-image-1 × 10: in 320000 in[image] 73370 out[image] 2720");
    assert_eq!(told(low, json!({"max_tool_calls": 0})), "gpt-image-1 × 0: ");
    let open = json!({"type": "image_generation", "size": "auto", "quality": "somehow"});
    assert_eq!(told(open, json!({"max_tool_calls": 1})), "gpt-image-1 × 1: in 32000 in[image] 7337 out[image] 23719");
    let sees = json!({"max_tool_calls": 1, "input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:"}, {"type": "input_text", "text": "this"}]}]});
    let second = json!({"type": "image_generation", "model": "gpt-image-2", "size": "1024x1024", "quality": "low", "input_image_mask": {"file_id": "f"}});
    assert_eq!(told(second, sees), "gpt-image-2 × 1: in 32000 in[image] 49152 out[image] 196");
    let body = json!({"model": "gpt-5", "input": "x", "tools": [{"type": "image_generation"}]}).to_string();
    let request = asked("/v1/responses", &serde_json::from_str(&body).unwrap()).unwrap();
    let shaped = request.shape(body.as_bytes(), &Shape { tool_uses: Some(10), ..Shape::default() });
    assert!(String::from_utf8(shaped).unwrap().ends_with(r#""max_tool_calls":10}"#), "the ceiling is sent too");
}

#[test]
fn what_an_image_tool_used_is_read_apart() {
    let answer = |more: Value| {
        let mut body = json!({"status": "completed", "usage": {"input_tokens": 10, "output_tokens": 5}, "output": [{"type": "image_generation_call", "result": "AAAA"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reading = read_response(Operation::Responses, body.to_string().as_bytes());
        format!("{} | {}", told::reading(&reading), reading.tool_images.as_ref().map(told::usage).unwrap_or_default())
    };
    let used = json!({"input_tokens": 12, "input_tokens_details": {"text_tokens": 12, "image_tokens": 0}, "output_tokens": 196, "output_tokens_details": {"text_tokens": 0, "image_tokens": 196}});
    assert_eq!(answer(json!({"tool_usage": {"image_gen": used}})), "in 10 out 5 | in 12 out[image] 196");
    assert_eq!(answer(json!({"tool_usage": {"image_gen": used}, "output": []})), "in 10 out 5 | in 12 out[image] 196");
    assert_eq!(answer(json!({"tool_usage": {"image_gen": {"input_tokens": 0, "output_tokens": 0}}})), "in 10 out 5 image_generation 1 | ");
    assert_eq!(answer(json!({"tool_usage": {"image_gen": {"input_tokens": 0, "output_tokens": 0}}, "output": []})), "in 10 out 5 | ");
    assert_eq!(answer(json!({})), "in 10 out 5 image_generation 1 | ");
    assert_eq!(
        answer(json!({"tool_usage": {"image_gen": {"input_tokens": -1, "output_tokens": 0}}})),
        "refused: image_gen.input_tokens is negative | "
    );
}

#[test]
fn the_page_of_endpoints_says_what_the_tables_say() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/endpoints.md")).unwrap();
    let (served, unserved) = page.split_once("## Not served").unwrap();
    for row in dialects::TABLE {
        let named = row
            .path
            .split_once("{model}")
            .map_or(row.path, |(before, action)| if action.is_empty() { before.trim_end_matches('/') } else { action });
        assert!(row.path == "/" || served.contains(&format!("`{named}`")), "{} isn't on the page", row.path);
    }
    for known in dialects::UNSERVED {
        let path = known.path.trim_start_matches('*');
        let line = format!("| {} | `{path}` | {} |", known.dialect.name(), known.what);
        assert!(if known.is_paid { unserved.contains(&line) } else { unserved.contains(&format!("`{path}`")) }, "{path} isn't on the page");
    }
}
