//! Parts of Gemini content that aren't text.

use crate::input::Media;
use crate::json::Value;

/// Most tokens of an image, by Google's documentation of tokens: 258 for each tile. An image of at most 3,072 pixels is
/// cut into tiles of 256 to 768 pixels, two thirds of its shorter side: at most 24. Gemini 3's largest resolution is 2,240.
const IMAGE_TOKENS: u64 = 24 * 258;

/// What a part is.
pub(super) fn media(part: Value<'_>) -> Media<'_> {
    if part.get("fileData").or_else(|| part.get("file_data")).is_some() {
        return Media::Hidden;
    }
    let Some(inline) = part.get("inlineData").or_else(|| part.get("inline_data")) else { return Media::None };
    let mime = inline.get("mimeType").or_else(|| inline.get("mime_type")).and_then(Value::text).unwrap_or_default().to_ascii_lowercase();
    match mime.split('/').next() {
        Some("image") => Media::Image(IMAGE_TOKENS),
        Some("audio") => inline.get("data").map_or(Media::Hidden, |data| Media::Audio(data.text_bytes() / 4 * 3)),
        // Base64 is longer than the text inside it.
        Some("text") => Media::Only(inline),
        // Frames of a video and pages of a PDF aren't bounded by bytes.
        _ => Media::Hidden,
    }
}
