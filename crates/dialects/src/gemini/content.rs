//! Parts of Gemini content that aren't text.

use crate::input::{Media, audio_tokens};
use crate::json::Value;
use crate::pixels::Pixels;

/// Most tokens of an image, by Google's documentation of tokens: 258 for each tile. An image of at most 3,072 pixels is
/// cut into tiles of 256 to 768 pixels, two thirds of its shorter side: at most 24. Gemini 3's largest resolution is 2,240.
const IMAGE_TOKENS: u64 = 24 * 258;
/// Gemini 3's largest, which an image of any size may be given.
const RESOLUTION_TOKENS: u64 = 2_240;

/// Of an image of this size, by the dearer of both ways. The smaller the tile, the more of them.
fn image_tokens(pixels: Pixels) -> u64 {
    let tile = (pixels.shorter() * 2 / 3).clamp(256, 768);
    let tiles = if pixels.longer() <= 384 { 1 } else { pixels.squares(tile) };
    tiles.saturating_mul(258).clamp(RESOLUTION_TOKENS, IMAGE_TOKENS)
}

/// Gemini hears 32 tokens a second: 31 bytes a token at MP3's smallest rate, and WAV is denser.
const DENSE_BYTES_PER_TOKEN: u64 = 24;
/// Speech codecs go down to 6 kbit/s, 23 bytes a token, and lower in silence.
const AUDIO_BYTES_PER_TOKEN: u64 = 8;

/// What a part is.
pub(super) fn media(part: Value<'_>) -> Media {
    const INLINE: &[&str] = &["inlineData", "inline_data"];
    if part.get("fileData").or_else(|| part.get("file_data")).is_some() {
        return Media::Hidden;
    }
    let Some(inline) = INLINE.iter().find_map(|name| part.get(name)) else { return Media::None };
    let mime = inline.get("mimeType").or_else(|| inline.get("mime_type")).and_then(Value::text).unwrap_or_default().to_ascii_lowercase();
    match (mime.split('/').next(), inline.get("data")) {
        (Some("image"), data) => {
            let pixels = data.and_then(Value::text).and_then(|data| Pixels::of_base64(&data));
            let tokens = pixels.map_or(IMAGE_TOKENS, image_tokens);
            Media::Image { tokens, renamed: tokens, payload: INLINE }
        }
        (Some("audio"), Some(data)) => {
            let is_dense = ["audio/wav", "audio/x-wav", "audio/mp3", "audio/mpeg"].iter().any(|dense| mime.starts_with(dense));
            let bytes_per_token = if is_dense { DENSE_BYTES_PER_TOKEN } else { AUDIO_BYTES_PER_TOKEN };
            Media::Audio { tokens: audio_tokens(data.text_bytes(), bytes_per_token), payload: INLINE }
        }
        // Base64 is longer than the text inside it, so that counting it as text is enough.
        (Some("text"), _) => Media::None,
        // Frames of a video and pages of a PDF aren't bounded by bytes.
        _ => Media::Unbounded,
    }
}
