//! Blocks of Anthropic content that aren't text.

use crate::input::{FOREIGN_TOKENS, Media};
use crate::json::Value;
use crate::pixels::Pixels;

/// Most tokens of an image, by Anthropic's documentation of vision: about 1,600 after it is scaled down, and 4,784 for the models
/// that read up to 2,576 pixels; with room for the block itself.
const IMAGE_TOKENS: u64 = 5_000;
/// Room for the block.
const BLOCK_TOKENS: u64 = 16;

/// Of one image in the body: a token for each patch of 28 pixels, or for 750 pixels as the documentation said before.
fn image_tokens(block: Value<'_>) -> u64 {
    let pixels = block.get_in(&["source", "data"]).and_then(Value::text).and_then(|data| Pixels::of_base64(&data));
    let of = |pixels: Pixels| pixels.squares(28).max(pixels.area().div_ceil(750)).saturating_add(BLOCK_TOKENS);
    pixels.map_or(IMAGE_TOKENS, |pixels| of(pixels).min(IMAGE_TOKENS))
}

/// The reader of blocks for a model.
pub(super) fn media(model: &str) -> impl Fn(Value<'_>) -> Media + use<> {
    let is_claude = model.to_ascii_lowercase().contains("claude");
    move |block| block_of(block, is_claude)
}

fn block_of(block: Value<'_>, is_claude: bool) -> Media {
    let kind = block.get("type").and_then(Value::text).unwrap_or_default();
    match kind.as_ref() {
        "image" => {
            let tokens = if is_claude { image_tokens(block) } else { FOREIGN_TOKENS };
            Media::Image { tokens, renamed: FOREIGN_TOKENS, payload: &["source"] }
        }
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
