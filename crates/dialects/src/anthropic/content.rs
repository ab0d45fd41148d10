//! Blocks of Anthropic content that aren't text.

use crate::input::Media;
use crate::json::Value;

/// Most tokens of an image: width × height / 750 after it is scaled down, which Anthropic's documentation of vision puts
/// at about 1,600, and at 4,784 for the models that read up to 2,576 pixels; with room for the block itself.
const IMAGE_TOKENS: u64 = 5_000;

/// What a block is.
pub(super) fn media(block: Value<'_>) -> Media {
    let kind = block.get("type").and_then(Value::text).unwrap_or_default();
    match kind.as_ref() {
        "image" => Media::Image { tokens: IMAGE_TOKENS, payload: &["source"] },
        "document" => document(block),
        "container_upload" => Media::Hidden,
        _ => Media::None,
    }
}

/// A document of text or content blocks counts itself; a PDF, a URL or a file has pages that its bytes don't bound.
fn document(block: Value<'_>) -> Media {
    let kind = block.get_in(&["source", "type"]).and_then(Value::text).unwrap_or_default();
    match kind.as_ref() {
        "text" | "content" => Media::None,
        "base64" => Media::Unbounded,
        _ => Media::Hidden,
    }
}
