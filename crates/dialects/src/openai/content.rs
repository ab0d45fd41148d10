//! Parts of OpenAI content that aren't text.

use super::vision::{Detail, Images};
use crate::input::{Media, audio_tokens};
use crate::json::Value;
use crate::pixels::Pixels;

/// OpenAI hears 10 tokens a second and takes WAV and MP3, of which the smallest rate is 8 kbit/s: 100 bytes a token.
const AUDIO_BYTES_PER_TOKEN: u64 = 64;

/// The reader of parts for a model.
pub(super) fn media(model: &str) -> impl Fn(Value<'_>) -> Media + use<> {
    let images = Images::of(model);
    move |part| part_of(part, images)
}

fn part_of(part: Value<'_>, images: Images) -> Media {
    const IMAGE: &[&str] = &["image_url", "file_id"];
    let kind = part.get("type").and_then(Value::text).unwrap_or_default();
    match kind.as_ref() {
        "image_url" | "input_image" | "computer_screenshot" => image(part, images, IMAGE),
        "image_generation_call" => {
            let pixels = part.get("result").and_then(Value::text).and_then(|image| Pixels::of_base64(&image));
            let tokens = |images: Images| images.tokens(Detail::Original, pixels);
            Media::Image { tokens: tokens(images), renamed: tokens(Images::Any), payload: &["result"] }
        }
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

fn image(part: Value<'_>, images: Images, payload: &'static [&'static str]) -> Media {
    let detail = part.get("detail").or_else(|| part.get_in(&["image_url", "detail"])).and_then(Value::text);
    let detail = match detail.as_deref() {
        Some("low") => Detail::Low,
        Some("high") => Detail::High,
        _ => Detail::Original,
    };
    let url = part.get_in(&["image_url", "url"]).or_else(|| part.get("image_url")).and_then(Value::text);
    let pixels = url.and_then(|url| Pixels::of_data_url(&url));
    let tokens = |images: Images| images.tokens(detail, pixels);
    Media::Image { tokens: tokens(images), renamed: tokens(Images::Any), payload }
}
