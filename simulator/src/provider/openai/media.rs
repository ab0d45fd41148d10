//! Images, speech and transcripts: what the fake models use for them, and how they answer.

use super::super::ask::{Ask, Reject, Speaker, text_field};
use super::super::plan::Answer;
use super::super::reply::{Event, Finish, Frame, Kind, Reply, attach, groups, told};
use super::super::route::Operation;
use super::embeddings::base64;
use super::start;
use crate::biller::{Media, Usage};
use crate::faults::Fault;
use crate::tokens;
use serde_json::{Value, json};

/// Tokens of an image that is given to be edited.
const GIVEN: u64 = 323;
/// Tokens of a partial image.
const PARTIAL: u64 = 100;
/// Characters that are spoken in a second.
const CHARACTERS_PER_SECOND: u64 = 15;
/// Tokens of a minute of speech.
const SPEECH_TOKENS_PER_MINUTE: u64 = 1_250;

/// Whether an operation makes or hears media.
pub fn is_media(operation: &Operation) -> bool {
    matches!(operation, Operation::Images | Operation::ImageEdits | Operation::Speech | Operation::Transcriptions)
}

/// Reads a request of any of them.
pub fn read(operation: &Operation, body: &Value) -> Result<Ask, Reject> {
    let named = json!({ "model": "omni-moderation-latest", "input": body.get("input") });
    let body = if *operation == Operation::Moderations && body.get("model").is_none() { &named } else { body };
    let mut ask = start(body)?;
    ask.prompt.clear();
    ask.ceiling = Some(0);
    ask.is_streamed |= text_field(body, "stream_format") == "sse";
    for field in ["prompt", "input", "instructions"] {
        ask.say(Speaker::User, text_field(body, field));
    }
    let needs = |field: &'static str| match body.get(field).or_else(|| body.get(format!("{field}[]"))) {
        Some(_) => Ok(()),
        None => Err(Reject::field(field, format!("Missing required parameter: '{field}'."))),
    };
    match operation {
        Operation::Speech => needs("input")?,
        Operation::ImageEdits => needs("image").or_else(|_| needs("images"))?,
        Operation::Transcriptions => {
            needs("file")?;
            // Four tokens of text a second of sound.
            ask.ceiling = Some(seconds(body) * 4 + 4);
        }
        _ => {}
    }
    Ok(ask)
}

fn number(body: &Value, field: &str) -> u64 {
    body.get(field).and_then(Value::as_u64).unwrap_or(0)
}

fn images_wanted(body: &Value) -> u64 {
    number(body, "n").max(1)
}

fn millis(body: &Value) -> u64 {
    body.pointer("/file/millis").and_then(Value::as_u64).unwrap_or(0)
}

fn seconds(body: &Value) -> u64 {
    millis(body).div_ceil(1000)
}

/// Size and quality that are made: what was asked for, else the model's own choice.
fn made(model: &str, body: &Value) -> (String, String) {
    let or = |field: &str, other: &str| match text_field(body, field) {
        "" | "auto" => other.to_owned(),
        given => given.to_owned(),
    };
    (or("size", "1024x1024"), or("quality", if model.starts_with("dall-e") { "standard" } else { "high" }))
}

/// Tokens of one image, from the vendor's table and calculator.
fn image_tokens(model: &str, size: &str, quality: &str) -> u64 {
    let (width, height) = size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?))).unwrap_or((1024_u64, 1024_u64));
    if model.starts_with("gpt-image-2") {
        let axis = match quality {
            "low" => 16,
            "medium" => 48,
            _ => 96,
        };
        let short = (axis as f64 * width.min(height) as f64 / width.max(height) as f64).round();
        return (axis as f64 * short * (2_000_000 + width * height) as f64 / 4_000_000.0).ceil() as u64;
    }
    let row = match quality {
        "low" => [272, 408, 400],
        "medium" => [1056, 1584, 1568],
        _ => [4160, 6240, 6208],
    };
    row[if width == height { 0 } else { 1 + usize::from(width > height) }]
}

fn given(body: &Value) -> u64 {
    let of = |field: &str| match body.get(field) {
        Some(Value::Array(list)) => list.len() as u64,
        Some(Value::Null) | None => 0,
        Some(_) => 1,
    };
    ["image", "image[]", "images", "mask"].into_iter().map(of).sum()
}

/// Puts what is really used into a planned answer.
pub fn count(operation: &Operation, body: &Value, answer: &mut Answer) {
    if !is_media(operation) {
        return;
    }
    let model = text_field(body, "model").to_owned();
    let text = answer.usage.prompt();
    let usage = &mut answer.usage;
    let written = usage.output;
    *usage = Usage { tier: usage.tier.clone(), ..Usage::default() };
    match operation {
        Operation::Images | Operation::ImageEdits => images(&model, body, text, usage),
        Operation::Speech if model.starts_with("gpt-") => {
            usage.input = text;
            usage.output = (speech_millis(body) * SPEECH_TOKENS_PER_MINUTE).div_ceil(60_000);
        }
        Operation::Speech => usage.media.characters = text_field(body, "input").chars().count() as u64,
        _ if model.starts_with("gpt-4o") => {
            let said = text_field(body, "prompt");
            (usage.input, usage.audio_in, usage.output) = (tokens::count(said), (millis(body) * 10).div_ceil(1000), written);
        }
        _ => usage.media.seconds = seconds(body),
    }
}

fn images(model: &str, body: &Value, text: u64, usage: &mut Usage) {
    let n = images_wanted(body);
    let (size, quality) = made(model, body);
    if !model.starts_with("gpt-image") {
        usage.media = Media { images: n, kind: format!("{quality}/{size}"), ..Media::default() };
        return;
    }
    usage.input = text * n;
    usage.media.image_in = given(body) * GIVEN * n;
    usage.image_out = (image_tokens(model, &size, &quality) + number(body, "partial_images") * PARTIAL) * n;
}

fn speech_millis(body: &Value) -> u64 {
    (text_field(body, "input").chars().count() as u64 * 1000).div_ceil(CHARACTERS_PER_SECOND)
}

/// The usage as told, where the model tells any.
fn told_usage(operation: &Operation, answer: &Answer) -> Option<Value> {
    let usage = &answer.usage;
    let lie = answer.fault.and_then(Fault::lie);
    let (input, output) = (usage.input + usage.audio_in + usage.media.image_in, usage.output + usage.image_out);
    let told = |value: Value| told(value, lie);
    match operation {
        Operation::Transcriptions if usage.media.seconds > 0 => told(json!({ "type": "duration", "seconds": usage.media.seconds })),
        Operation::Transcriptions => told(json!({
            "type": "tokens", "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
            "input_token_details": { "text_tokens": usage.input, "audio_tokens": usage.audio_in },
        })),
        Operation::Speech => told(json!({ "input_tokens": input, "output_tokens": output, "total_tokens": input + output })),
        _ if usage.media.images > 0 => None,
        _ => told(json!({
            "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
            "input_tokens_details": { "text_tokens": usage.input, "image_tokens": usage.media.image_in },
            "output_tokens_details": { "image_tokens": usage.image_out, "text_tokens": 0 },
        })),
    }
}

/// A smallest picture.
fn picture() -> String {
    base64(b"\x89PNG\r\n\x1a\n not really a picture")
}

/// The whole answer as JSON.
pub fn whole(operation: &Operation, body: &Value, answer: &Answer, created: u64) -> Value {
    let mut whole = match operation {
        Operation::Transcriptions => {
            let text = answer.choices.first().map(super::super::plan::Choice::text).unwrap_or_default();
            match text_field(body, "response_format") {
                "verbose_json" => {
                    json!({ "task": "transcribe", "language": "english", "duration": millis(body) as f64 / 1000.0, "text": text, "segments": [] })
                }
                _ => json!({ "text": text }),
            }
        }
        _ => {
            let (size, quality) = made(&answer.model, body);
            let each = json!({ "b64_json": picture() });
            let data = vec![each; usize::try_from(images_wanted(body)).unwrap_or(1)];
            match answer.model.starts_with("gpt-image") {
                true => {
                    json!({ "created": created, "data": data, "size": size, "quality": quality, "background": "opaque", "output_format": "png" })
                }
                false => json!({ "created": created, "data": data }),
            }
        }
    };
    attach(&mut whole, "usage", told_usage(operation, answer));
    whole
}

/// Answers that are no JSON: sound, and transcripts as text.
pub fn plain(operation: &Operation, body: &Value, is_streamed: bool, answer: &Answer) -> Option<Reply> {
    match operation {
        Operation::Speech if !is_streamed => Some(sound(body, answer)),
        Operation::Transcriptions if !is_streamed && matches!(text_field(body, "response_format"), "text" | "srt" | "vtt") => {
            let text = answer.choices.first().map(super::super::plan::Choice::text).unwrap_or_default();
            Some(Reply::bytes(200, "text/plain; charset=utf-8", text.into_bytes()))
        }
        _ => None,
    }
}

/// Sound of the right length: frames of MPEG-2 layer III at 64 kbit/s and 24 kHz (192 bytes, 24 ms), or samples.
fn sound(body: &Value, answer: &Answer) -> Reply {
    let millis = speech_millis(body);
    let (kind, bytes) = match text_field(body, "response_format") {
        "pcm" | "wav" => ("audio/pcm", vec![0; usize::try_from(millis * 48).unwrap_or(0)]),
        _ => {
            let mut frame = [0; 192];
            frame[..4].copy_from_slice(&[0xff, 0xf3, 0x84, 0xc0]);
            ("audio/mpeg", frame.repeat(usize::try_from(millis / 24).unwrap_or(0)))
        }
    };
    let pieces: Vec<&[u8]> = bytes.chunks(4_096).collect();
    let last = pieces.len().saturating_sub(1);
    let frame = |(at, piece): (usize, &&[u8])| Frame {
        bytes: piece.to_vec(),
        tokens: if at == last { u64::MAX } else { answer.usage.output * at as u64 / pieces.len() as u64 },
        pause_ms: answer.pause.each_ms,
    };
    let mut frames: Vec<Frame> = pieces.iter().enumerate().map(frame).collect();
    if frames.is_empty() {
        frames.push(Frame { bytes: Vec::new(), tokens: u64::MAX, pause_ms: 0 });
    }
    Reply { status: 200, headers: vec![("content-type".to_owned(), kind.to_owned())], frames, finish: Finish::End }
}

/// The answer as a stream of events.
pub fn events(operation: &Operation, body: &Value, answer: &Answer) -> Vec<Event> {
    let usage = told_usage(operation, answer);
    let done = |name: &'static str, fields: Value| {
        let mut event = Event::typed(Kind::Usage, name, fields, u64::MAX);
        if let (Some(usage), Ok(mut data)) = (usage.clone(), serde_json::from_str::<Value>(&event.data)) {
            attach(&mut data, "usage", Some(usage));
            event.data = data.to_string();
        }
        event
    };
    match operation {
        Operation::Speech => vec![
            Event::typed(Kind::Content, "speech.audio.delta", json!({ "audio": base64(b"sound") }), 0),
            done("speech.audio.done", json!({})),
        ],
        Operation::Transcriptions => {
            let choice = answer.choices.first();
            let pieces = choice.map(|choice| groups(&choice.pieces, answer.chunks)).unwrap_or_default();
            let delta =
                |(text, tokens): (String, u64)| Event::typed(Kind::Content, "transcript.text.delta", json!({ "delta": text }), tokens);
            let text = choice.map(super::super::plan::Choice::text).unwrap_or_default();
            pieces.into_iter().map(delta).chain([done("transcript.text.done", json!({ "text": text }))]).collect()
        }
        _ => {
            let names = match operation {
                Operation::Images => ("image_generation.partial_image", "image_generation.completed"),
                _ => ("image_edit.partial_image", "image_edit.completed"),
            };
            let partial = |at: u64| Event::typed(Kind::Content, names.0, json!({ "b64_json": picture(), "partial_image_index": at }), 0);
            (0..number(body, "partial_images")).map(partial).chain([done(names.1, json!({ "b64_json": picture() }))]).collect()
        }
    }
}

/// The answer of a moderation: nothing is flagged.
pub fn moderation(model: &str) -> Value {
    json!({ "id": "modr-sim", "model": model, "results": [{ "flagged": false, "categories": {}, "category_scores": {} }] })
}
