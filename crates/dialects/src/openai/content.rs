//! Parts of OpenAI content that aren't text, and what an image can cost at most.

use crate::input::{Media, audio_tokens};
use crate::json::Value;

/// OpenAI hears 10 tokens a second and takes WAV and MP3, of which the smallest rate is 8 kbit/s: 100 bytes a token.
const AUDIO_BYTES_PER_TOKEN: u64 = 64;

/// The reader of parts for a model.
pub(super) fn media(model: &str) -> impl Fn(Value<'_>) -> Media + use<> {
    let images = image_tokens(model);
    move |part| part_of(part, images)
}

/// Most tokens of an image at detail `low`, and at any other.
#[derive(Clone, Copy)]
struct Images {
    low: u64,
    high: u64,
    /// At `original` or `auto`, which newer models may read at full size.
    original: u64,
}

/// By OpenAI's documentation of vision. Tiles: base + tile × 8 (an image becomes at most 768 × 2,048). Patches: at most
/// 1,536, from GPT-5.4 on 2,500 at `high` and 10,000 at `original`; each × at most 2.46 (nano models). A model that isn't
/// listed gets the largest.
fn image_tokens(model: &str) -> Images {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let all = |low, high| Images { low, high, original: high };
    match () {
        () if starts(&["gpt-4o-mini"]) => all(2_833, 2_833 + 8 * 5_667),
        () if starts(&["gpt-4.1-mini", "gpt-4.1-nano", "o4-mini", "gpt-5-mini", "gpt-5-nano"]) => all(3_779, 3_779),
        () if starts(&["gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-4-turbo", "gpt-5-20", "gpt-5-chat", "gpt-5.1"])
            || ["gpt-5", "o1", "o3"].contains(&name.as_str()) =>
        {
            all(85, 85 + 8 * 170)
        }
        () => Images { low: 6_150, high: 6_150, original: 24_600 },
    }
}

fn part_of(part: Value<'_>, images: Images) -> Media {
    const IMAGE: &[&str] = &["image_url", "file_id"];
    let kind = part.get("type").and_then(Value::text).unwrap_or_default();
    match kind.as_ref() {
        "image_url" | "input_image" | "computer_screenshot" => Media::Image { tokens: image(part, images), payload: IMAGE },
        "image_generation_call" => Media::Image { tokens: images.original, payload: &["result"] },
        "input_audio" => audio(part),
        "file" | "input_file" if part.get("file_data").or_else(|| part.get_in(&["file", "file_data"])).is_some() => Media::Unbounded,
        "file" | "input_file" | "item_reference" | "input_video" | "video_url" => Media::Hidden,
        // An earlier answer's audio is named by id; what was said isn't in the body.
        _ if part.get_in(&["audio", "id"]).is_some() => Media::Hidden,
        _ => Media::None,
    }
}

fn audio(part: Value<'_>) -> Media {
    match part.get_in(&["input_audio", "data"]).or_else(|| part.get("data")) {
        Some(data) => Media::Audio { tokens: audio_tokens(data.text_bytes(), AUDIO_BYTES_PER_TOKEN), payload: &["input_audio", "data"] },
        None => Media::Hidden,
    }
}

fn image(part: Value<'_>, images: Images) -> u64 {
    let detail = part.get("detail").or_else(|| part.get_in(&["image_url", "detail"])).and_then(Value::text);
    match detail.as_deref() {
        Some("low") => images.low,
        Some("high") => images.high,
        _ => images.original,
    }
}
