//! What an image costs OpenAI's models at most, by its documentation of vision.

use crate::input::FOREIGN_TOKENS;
use crate::pixels::Pixels;

/// How closely an image is to be looked at. `auto` and no word may be `original`, which newer models read at full size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Low,
    High,
    Original,
}

/// How a family of models counts an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Images {
    /// So many tokens, and so many for each tile of 512 pixels, once its shorter side has 768 and its longer at most 2,048.
    Tiles { base: u64, each: u64 },
    /// A patch of 32 pixels is at most 2.46 tokens (nano models), of at most 1,536 patches.
    Patches,
    /// Another maker's: Pixtral takes patches of 16 pixels, Qwen of 28, whatever the detail, so that the size says too little.
    Foreign,
    /// A model of OpenAI's that isn't listed: the dearer of 85 tokens and 170 for each tile, and of patches at 2.46 tokens, of which newer models read
    /// at most 2,500 at `high` and 10,000 at `original`.
    Unknown,
    /// The dearest of all.
    Any,
}

const MINI: Images = Images::Tiles { base: 2_833, each: 5_667 };

impl Images {
    /// How a model counts.
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        match () {
            () if starts(&["gpt-4o-mini"]) => MINI,
            () if starts(&["gpt-4.1-mini", "gpt-4.1-nano", "o4-mini", "gpt-5-mini", "gpt-5-nano"]) => Self::Patches,
            () if starts(&["gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-4-turbo", "gpt-5-20", "gpt-5-chat", "gpt-5.1"])
                || ["gpt-5", "o1", "o3"].contains(&name.as_str()) =>
            {
                Self::Tiles { base: 85, each: 170 }
            }
            () if starts(&["gpt-", "chatgpt-", "codex-", "computer-use", "o1-", "o3-", "o4-", "ft:gpt-"]) => Self::Unknown,
            () => Self::Foreign,
        }
    }

    /// Tokens of an image at most; without its size those of the largest.
    pub(super) fn tokens(self, detail: Detail, pixels: Option<Pixels>) -> u64 {
        match self {
            Self::Tiles { base, .. } if detail == Detail::Low => base,
            Self::Tiles { base, each } => base + each * tiles(pixels),
            Self::Patches => patches(pixels, 1_536),
            Self::Unknown => {
                let most = if detail == Detail::Original { 10_000 } else { 2_500 };
                patches(pixels, most).max(Self::Tiles { base: 85, each: 170 }.tokens(detail, pixels))
            }
            Self::Foreign => FOREIGN_TOKENS,
            Self::Any => FOREIGN_TOKENS.max(MINI.tokens(detail, pixels)),
        }
    }
}

/// Tiles, small images taken to be enlarged; at most 2 × 4.
fn tiles(pixels: Option<Pixels>) -> u64 {
    pixels.map_or(8, |pixels| pixels.with_shorter(768, 2_048).squares(512))
}

/// Tokens of patches.
fn patches(pixels: Option<Pixels>, most: u64) -> u64 {
    let patches = pixels.map_or(most, |pixels| pixels.squares(32).min(most));
    (patches * 246).div_ceil(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of OpenAI's documentation, of which ours are upper bounds.
    #[test]
    fn an_image_is_never_below_the_documented_figure() {
        let size = |width, height| Some(Pixels { width, height });
        let table = [
            ("gpt-4o", Detail::High, size(1_024, 1_024), 765, 765),
            ("gpt-4o", Detail::High, size(2_048, 4_096), 1_105, 1_445),
            ("gpt-4o", Detail::Low, size(4_096, 8_192), 85, 85),
            ("gpt-4o", Detail::Original, None, 1_445, 1_445),
            ("gpt-4o-mini", Detail::High, size(1_024, 1_024), 25_501, 25_501),
            ("gpt-4.1-mini", Detail::High, size(1_024, 1_024), 1_659, 2_520),
            ("gpt-4.1-nano", Detail::High, size(1_800, 2_400), 3_572, 3_779),
            ("gpt-5-mini", Detail::High, None, 3_779, 3_779),
            ("gpt-6-sol", Detail::Original, size(1_920, 1_080), 2_040, 5_100),
            ("gpt-6-sol", Detail::Original, size(64, 64), 4, 765),
            ("gpt-6-sol", Detail::High, None, 6_150, 6_150),
            ("gpt-6-sol", Detail::Original, None, 24_600, 24_600),
            ("pixtral-12b", Detail::High, size(1_024, 1_024), 4_160, 24_600),
            ("qwen2.5-vl-72b-instruct", Detail::Low, size(4_000, 3_000), 15_301, 24_600),
        ];
        for (model, detail, pixels, documented, most) in table {
            let tokens = Images::of(model).tokens(detail, pixels);
            assert!((documented..=most).contains(&tokens), "{model} {detail:?} {pixels:?}: {tokens}");
            assert!(Images::Any.tokens(detail, pixels) >= tokens);
        }
    }
}
