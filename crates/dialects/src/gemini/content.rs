//! Parts of Gemini content that aren't text.

use crate::input::{Media, audio_tokens};
use crate::json::Value;

/// Most tokens of an image, by Google's documentation of tokens: 258 for each tile. An image of at most 3,072 pixels is
/// cut into tiles of 256 to 768 pixels, two thirds of its shorter side: at most 24. Gemini 3's largest resolution is 2,240.
const IMAGE_TOKENS: u64 = 24 * 258;

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
        (Some("image"), _) => Media::Image { tokens: IMAGE_TOKENS, payload: INLINE },
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
