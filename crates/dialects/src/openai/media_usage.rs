//! Usage of images, speech and transcripts: tokens by modality, or seconds.

use pricing::{Attrs, Meter, Usage};

use super::usage::modality;
use crate::json::{Kind, Value};
use crate::reading::{Reading, UsageReading, error_code, tally, tally_in, text_inside};
use crate::work::second;

/// What a count without details is made of.
#[derive(Clone, Copy)]
struct Otherwise {
    input: &'static str,
    output: &'static str,
}

const MODALITIES: [(&str, &str); 3] = [("text_tokens", "text"), ("audio_tokens", "audio"), ("image_tokens", "image")];

/// Reads `usage` of an image: text and images in, images and text out. Without details the input of an edit is an image and
/// that of a generation text.
pub(super) fn read_images_usage(usage: Value<'_>, is_edit: bool) -> UsageReading {
    by_modality(usage, Otherwise { input: if is_edit { "image" } else { "text" }, output: "image" })
}

/// Reads `usage` of a transcript: `{type: duration, seconds}` or `{type: tokens, …}`.
fn read_transcript_usage(usage: Value<'_>) -> UsageReading {
    match usage.get("seconds") {
        Some(stated) => in_seconds(stated, "seconds"),
        None => by_modality(usage, Otherwise { input: "audio", output: "text" }),
    }
}

/// A duration, begun seconds counting as whole ones.
fn in_seconds(stated: Value<'_>, name: &str) -> UsageReading {
    match whole_seconds(stated) {
        Ok(seconds) => {
            let mut usage = Usage::default();
            usage.add(second(), seconds);
            UsageReading::Reported(usage)
        }
        Err(wrong) => UsageReading::Refused { why: format!("{name} {wrong}") },
    }
}

/// Seconds as a decimal, which older servers quote.
fn whole_seconds(stated: Value<'_>) -> Result<u64, &'static str> {
    const SECONDS_MAX: u64 = 10_000_000;
    let text = match stated.kind() {
        Kind::Number | Kind::String => stated.text().map_or_else(|| stated.raw().to_owned(), |text| text.into_owned()),
        _ => return Err("isn't a number"),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.len() <= 32 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err("isn't a plain decimal of at least zero");
    }
    let begun = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    match whole.parse::<u64>().ok().and_then(|whole| whole.checked_add(begun)).filter(|seconds| *seconds <= SECONDS_MAX) {
        Some(seconds) => Ok(seconds),
        None => Err("is above 10,000,000"),
    }
}

fn by_modality(usage: Value<'_>, otherwise: Otherwise) -> UsageReading {
    if usage.kind() != Kind::Object {
        return UsageReading::Missing;
    }
    match meters(usage, otherwise) {
        Ok(Some(usage)) => UsageReading::Reported(usage),
        Ok(None) => UsageReading::Missing,
        Err(why) => UsageReading::Refused { why },
    }
}

fn meters(usage: Value<'_>, otherwise: Otherwise) -> Result<Option<Usage>, String> {
    let (Some(input), Some(output)) = (tally(usage, "input_tokens")?, tally(usage, "output_tokens")?) else { return Ok(None) };
    let named = ["input_tokens_details", "input_token_details"].into_iter().find(|name| usage.get(name).is_some()).unwrap_or("");
    let mut fresh = split(usage, named, input, otherwise.input)?;
    let mut told = Usage::default();
    for (modality, cached) in cached(usage, named, &fresh)? {
        let line = fresh.iter_mut().find(|(known, _)| *known == modality);
        let left = line.filter(|(_, count)| *count >= cached).ok_or("more tokens are cached than the prompt has")?;
        left.1 -= cached;
        told.add_with(Meter::CacheReadTokens, attrs(modality), cached);
    }
    let outside = ["output_tokens_details", "output_token_details"].into_iter().find(|name| usage.get(name).is_some()).unwrap_or("");
    let made = split(usage, outside, output, otherwise.output)?;
    let mut lines = Usage::default();
    fresh.iter().for_each(|(modality, count)| lines.add_with(Meter::InputTokens, attrs(modality), *count));
    lines.lines.append(&mut told.lines);
    made.iter().for_each(|(modality, count)| lines.add_with(Meter::OutputTokens, attrs(modality), *count));
    Ok(Some(lines))
}

/// A total by modality; what the details leave out is of the usual one.
fn split(usage: Value<'_>, details: &str, total: u64, usual: &'static str) -> Result<Vec<(&'static str, u64)>, String> {
    let mut parts = Vec::new();
    let mut left = total;
    for (member, modality) in MODALITIES {
        let count = tally_in(usage, details, member)?.unwrap_or(0);
        left = left.checked_sub(count).ok_or("a part is larger than its whole")?;
        parts.push((modality, count));
    }
    if let Some(part) = parts.iter_mut().find(|(modality, _)| *modality == usual) {
        part.1 += left;
    }
    Ok(parts)
}

/// Cached tokens by modality. Where it isn't said which were cached, text is taken first: it is the cheapest, so that what
/// stays fresh is the dearer.
fn cached(usage: Value<'_>, details: &str, fresh: &[(&'static str, u64)]) -> Result<Vec<(&'static str, u64)>, String> {
    let total = tally_in(usage, details, "cached_tokens")?.unwrap_or(0);
    let stated = usage.get(details).and_then(|details| details.get("cached_tokens_details")).filter(|stated| stated.kind() == Kind::Object);
    let mut left = total;
    let mut parts = Vec::new();
    for (member, modality) in MODALITIES {
        let count = match stated {
            Some(stated) => tally(stated, member)?.unwrap_or(0),
            None => fresh.iter().find(|(known, _)| *known == modality).map_or(0, |(_, count)| left.min(*count)),
        };
        left = left.checked_sub(count).ok_or("a part is larger than its whole")?;
        parts.push((modality, count));
    }
    if left > 0 {
        return Err("more tokens are cached than the prompt has".to_owned());
    }
    Ok(parts)
}

fn attrs(name: &str) -> Attrs {
    if name == "text" { Attrs::new() } else { modality(name) }
}

/// Reads a whole answer with images; their data was passed over.
pub(crate) fn read_images(root: Value<'_>, is_edit: bool, reading: &mut Reading) {
    Reading::keep(&mut reading.served_model, root.get("model"));
    reading.images = root.get("data").map_or(0, |data| data.items().count() as u64);
    if let Some(usage) = root.get("usage") {
        reading.usage = read_images_usage(usage, is_edit);
        reading.provider_cost_usd = super::usage::provider_cost(usage);
    }
}

/// Reads an event of a stream with images.
pub(crate) fn images_event(root: Value<'_>, is_edit: bool, reading: &mut Reading) {
    let kind = root.get("type").and_then(Value::text).unwrap_or_default();
    if kind == "error" || root.get("error").is_some_and(|error| !error.is_null()) {
        reading.error = Some(error_code(root.get("error").filter(|error| !error.is_null()).unwrap_or(root)));
    }
    if kind.ends_with(".completed") {
        reading.images += 1;
        reading.complete = true;
        if let Some(usage) = root.get("usage") {
            add(&mut reading.usage, read_images_usage(usage, is_edit));
        }
    }
}

/// Every image of a stream states its own usage.
fn add(known: &mut UsageReading, more: UsageReading) {
    match (known, more) {
        (UsageReading::Reported(sum), UsageReading::Reported(more)) => more.lines.into_iter().for_each(|line| {
            match sum.lines.iter_mut().find(|known| known.meter == line.meter && known.attrs == line.attrs) {
                Some(known) => known.quantity = known.quantity.saturating_add(line.quantity),
                None => sum.lines.push(line),
            }
        }),
        (UsageReading::Refused { .. }, _) | (_, UsageReading::Missing) => {}
        (known, more) => *known = more,
    }
}

/// Reads a whole transcript. `verbose_json` states the duration apart where a server sends no usage.
pub(crate) fn read_transcript(root: Value<'_>, reading: &mut Reading) {
    reading.saw(root.get("text").map_or(0, text_inside));
    if let Some(usage) = root.get("usage") {
        reading.usage = read_transcript_usage(usage);
        reading.provider_cost_usd = super::usage::provider_cost(usage);
    } else if let Some(duration) = root.get("duration").filter(|duration| !duration.is_null()) {
        reading.usage = in_seconds(duration, "duration");
    }
}

/// Reads an event of a transcript or of speech.
pub(crate) fn audio_event(root: Value<'_>, is_speech: bool, reading: &mut Reading) {
    let kind = root.get("type").and_then(Value::text).unwrap_or_default();
    match kind.as_ref() {
        "transcript.text.delta" => reading.saw(root.get("delta").map_or(0, Value::text_bytes)),
        "transcript.text.done" | "speech.audio.done" => {
            reading.complete = true;
            let Some(usage) = root.get("usage") else { return };
            reading.usage = match is_speech {
                true => by_modality(usage, Otherwise { input: "text", output: "audio" }),
                false => read_transcript_usage(usage),
            };
        }
        "error" => reading.error = Some(error_code(root.get("error").unwrap_or(root))),
        _ => {}
    }
}
