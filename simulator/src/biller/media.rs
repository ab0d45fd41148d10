//! What a request used beside tokens of text and sound: billed by words of the card's own.

use super::Line;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of images, seconds and characters. None of them is in the classes of tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Prompt tokens of images.
    pub image_in: u64,
    /// Images that were made by a model which is paid by the image.
    pub images: u64,
    /// Their quality and size, as `hd/1024x1024`.
    pub kind: String,
    /// Seconds that were listened to.
    pub seconds: u64,
    /// Characters that were spoken.
    pub characters: u64,
}

impl Media {
    /// Whether nothing was counted.
    pub fn is_nothing(&self) -> bool {
        self.image_in + self.images + self.seconds + self.characters == 0
    }
}

/// Words of a card that price a count of [`Media`]: a million of all but seconds.
pub const WORDS: [&str; 3] = ["image_in", "second", "character"];

/// The lines of a bill. A provider refuses an image of a kind that the card lacks before it makes it.
pub fn lines(card: &BTreeMap<String, i128>, media: &Media, factor_thousandths: i128) -> Vec<Line> {
    let rate = |word: &str| card.get(word).copied().unwrap_or(0);
    let each = format!("each {}", media.kind);
    let counted = [
        ("image_in", media.image_in, rate("image_in"), 1_000_000),
        ("image", media.images, rate(&each), 1),
        ("second", media.seconds, rate("second"), 1),
        ("character", media.characters, rate("character"), 1_000_000),
    ];
    let is_used = |line: &(&'static str, u64, i128, u64)| line.1 > 0;
    let line = |(meter, quantity, rate_nanos, per)| Line { meter, quantity, rate_nanos, per, factor_thousandths };
    counted.into_iter().filter(is_used).map(line).collect()
}
