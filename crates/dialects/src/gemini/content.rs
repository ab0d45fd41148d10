//! Parts of Gemini content that aren't text.

use crate::input::Media;
use crate::json::Value;

/// Most tokens of an image, by Google's documentation of tokens: 258 for each tile. An image of at most 3,072 pixels is
/// cut into tiles of 256 to 768 pixels, two thirds of its shorter side: at most 24. Gemini 3's largest resolution is 2,240.
const IMAGE_TOKENS: u64 = 24 * 258;

/// Gemini hears 32 tokens a second: 31 bytes a token at MP3's smallest rate, and WAV is denser.
const DENSE_BYTES_PER_TOKEN: u64 = 24;
/// Speech codecs go down to 6 kbit/s, 23 bytes a token, and lower in silence.
const AUDIO_BYTES_PER_TOKEN: u64 = 8;

/// What a part is.
pub(super) fn media(part: Value<'_>) -> Media<'_> {
    if part.get("fileData").or_else(|| part.get("file_data")).is_some() {
        return Media::Hidden;
    }
    let Some(inline) = part.get("inlineData").or_else(|| part.get("inline_data")) else { return Media::None };
    let mime = inline.get("mimeType").or_else(|| inline.get("mime_type")).and_then(Value::text).unwrap_or_default().to_ascii_lowercase();
    match mime.split('/').next() {
        Some("image") => Media::Image(IMAGE_TOKENS),
        Some("audio") => inline.get("data").map_or(Media::Hidden, |data| {
            let is_dense = ["audio/wav", "audio/x-wav", "audio/mp3", "audio/mpeg"].iter().any(|dense| mime.starts_with(dense));
            Media::Audio {
                bytes: data.text_bytes() / 4 * 3,
                bytes_per_token: if is_dense { DENSE_BYTES_PER_TOKEN } else { AUDIO_BYTES_PER_TOKEN },
            }
        }),
        // Base64 is longer than the text inside it.
        Some("text") => Media::Only(inline),
        // Frames of a video and pages of a PDF aren't bounded by bytes.
        _ => Media::Hidden,
    }
}
