//! What a request used beside text: billed by its own words of the card.

use super::Line;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of images and sound. No token of them is in the classes of text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Prompt tokens of images.
    pub image_in: u64,
    /// Prompt tokens of sound.
    pub audio_in: u64,
    /// Tokens of images that were made.
    pub image_out: u64,
    /// Tokens of sound that was made.
    pub audio_out: u64,
    /// Images that were made by a model which is paid by the image.
    pub images: u64,
    /// Their quality and size, as `hd/1024x1024`.
    pub kind: String,
    /// Seconds that were listened to.
    pub seconds: u64,
    /// Characters that were spoken.
    pub characters: u64,
}

/// Words of a card that price a count of [`Media`]: a million of all but seconds.
pub const WORDS: [&str; 6] = ["image_in", "audio_in", "image_out", "audio_out", "second", "character"];

/// The lines of a bill. An image of a kind that the card lacks costs nothing here and makes the bill wrong on purpose: the
/// provider refuses such a size before.
pub fn lines(card: &BTreeMap<String, i128>, media: &Media, factor_thousandths: i128) -> Vec<Line> {
    let rate = |word: &str| card.get(word).copied().unwrap_or(0);
    let each = format!("each {}", media.kind);
    let counted = [
        ("image_in", media.image_in, rate("image_in"), 1_000_000),
        ("audio_in", media.audio_in, rate("audio_in"), 1_000_000),
        ("image_out", media.image_out, rate("image_out"), 1_000_000),
        ("audio_out", media.audio_out, rate("audio_out"), 1_000_000),
        ("image", media.images, rate(&each), 1),
        ("second", media.seconds, rate("second"), 1),
        ("character", media.characters, rate("character"), 1_000_000),
    ];
    let is_used = |line: &(&'static str, u64, i128, u64)| line.1 > 0;
    let line = |(meter, quantity, rate_nanos, per)| Line { meter, quantity, rate_nanos, per, factor_thousandths };
    counted.into_iter().filter(is_used).map(line).collect()
}
