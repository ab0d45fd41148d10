//! Images to make, and what each can cost at most.

use pricing::{Ask, Attrs, Meter, Metered, Usage};

use super::{Implied, modality};

/// What each partial image of a stream costs (OpenAI's guide to image generation).
const PARTIAL_TOKENS: u64 = 100;
/// Text that gpt-image-1.5 writes besides the image (`output_tokens_details.text_tokens`); no ceiling is published.
const TEXT_OUT_TOKENS: u64 = 2_048;

/// Images to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageWork {
    /// How many.
    pub(crate) count: u64,
    /// Tokens of the prompt at most.
    pub(crate) prompt_tokens: u64,
    /// Images that the prompt has, a mask included.
    pub(crate) given: u64,
    /// Width and height; `None` lets the model choose.
    pub(crate) size: Option<(u64, u64)>,
    /// `None` lets the model choose.
    pub(crate) quality: Option<String>,
    pub(crate) partials: u64,
}

/// How a model's images are billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Tokens by fixed sizes: gpt-image-1, -mini and 1.5.
    Sizes,
    /// Tokens by area: gpt-image-2 and what follows it.
    Area,
    /// A price for each image: DALL·E, and other vendors' models on this path.
    Each,
}

fn family(model: &str) -> Family {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    match () {
        () if name.starts_with("gpt-image-1") || name.starts_with("chatgpt-image-1") => Family::Sizes,
        () if name.starts_with("gpt-image") || name.starts_with("chatgpt-image") => Family::Area,
        () => Family::Each,
    }
}

/// Whether a model writes text too: those that have a price for text that is written beside the one for images.
fn writes(model: &str) -> bool {
    model.contains("gpt-image-1.5") || model.contains("chatgpt-image")
}

/// Output tokens of one image at most, by OpenAI's guide to image generation: 1,024 × 1,024 and the two oblong sizes.
fn tokens_by_size(size: Option<(u64, u64)>, quality: Option<&str>) -> u64 {
    let is_square = size == Some((1_024, 1_024));
    let is_wide = size.is_some_and(|(width, height)| width > height);
    let (square, tall, wide) = match quality {
        Some("low") => (272, 408, 400),
        Some("medium") => (1_056, 1_584, 1_568),
        _ => (4_160, 6_240, 6_208),
    };
    match (is_square, is_wide) {
        (true, _) => square,
        (_, true) => wide,
        _ => tall,
    }
}

/// Pixels of the largest image, a side at most 3,840.
const PIXELS_MAX: u64 = 8_294_400;

/// Output tokens of one image of gpt-image-2 at most, by the arithmetic of OpenAI's own calculator: a grid of `axis` cells on the
/// longer side, weighed by the area. The largest square costs most, so that it bounds a size that is left open.
fn tokens_by_area(size: Option<(u64, u64)>, quality: Option<&str>) -> u64 {
    let axis: u64 = match quality {
        Some("low") => 16,
        Some("medium") => 48,
        _ => 96,
    };
    let (width, height) = size.filter(|(width, height)| width.min(height) > &0).unwrap_or((2_880, 2_880));
    let (long, short) = (width.max(height), width.min(height));
    let pixels = long.saturating_mul(short).min(PIXELS_MAX);
    let across = (2 * axis).saturating_mul(short).saturating_add(long) / long.saturating_mul(2).max(1);
    (axis * across * (2_000_000 + pixels)).div_ceil(4_000_000)
}

/// Tokens of one given image at most. Up to 1.5: 65 and 129 a tile, of which there are at most eight, and 6,240 more at high
/// fidelity. Later models always look closely; no formula is published, so 16,384 covers the 10,000 patches (each 1.2 tokens)
/// of their largest.
const fn given_tokens(family: Family) -> u64 {
    match family {
        Family::Sizes => 65 + 8 * 129 + 6_240,
        _ => 16_384,
    }
}

impl ImageWork {
    /// Puts what the images can cost into an ask. Several images are billed as so many requests, prompt included.
    pub(crate) fn bound(&self, model: &str, ask: &mut Ask) {
        let family = family(model);
        if family == Family::Each {
            ask.fixed.push(Metered { meter: image(), attrs: self.attrs(model), quantity: self.count });
            return;
        }
        let each = match family {
            Family::Sizes => tokens_by_size(self.size, self.quality.as_deref()),
            _ => tokens_by_area(self.size, self.quality.as_deref()),
        };
        let times = |tokens: u64| tokens.saturating_mul(self.count);
        let line = |meter, attrs, quantity| Metered { meter, attrs, quantity };
        ask.input_tokens = times(self.prompt_tokens);
        ask.other_input.push(line(Meter::InputTokens, modality("image"), times(given_tokens(family).saturating_mul(self.given))));
        let output = each.saturating_add(self.partials.saturating_mul(PARTIAL_TOKENS));
        ask.fixed.push(line(Meter::OutputTokens, modality("image"), times(output)));
        let text_out = if writes(model) { TEXT_OUT_TOKENS } else { 0 };
        ask.fixed.push(line(Meter::OutputTokens, Attrs::new(), times(text_out)));
        for lines in [&mut ask.other_input, &mut ask.fixed] {
            lines.retain(|line| line.quantity > 0);
        }
    }

    /// What so many images are billed for, where each has a price.
    pub(crate) fn made(&self, model: &str, images: u64) -> Option<Implied> {
        if images == 0 || family(model) != Family::Each {
            return None;
        }
        let mut usage = Usage::default();
        usage.add_with(image(), self.attrs(model), images);
        // Left to the model, the quality that was made isn't known.
        Some(if self.quality.as_deref() == Some("auto") { Implied::Estimate(usage) } else { Implied::Exact(usage) })
    }

    /// Size and quality as price rows name them; DALL·E's own defaults where the request is silent, its dearer quality where it
    /// lets the model choose. What another vendor's model does by default isn't known: only a price for all sizes fits then.
    fn attrs(&self, model: &str) -> Attrs {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let (size, quality) = match name.starts_with("dall-e") {
            true => (Some((1_024, 1_024)), Some("standard")),
            false => (None, None),
        };
        let chosen = match self.quality.as_deref() {
            Some("auto") if name.starts_with("dall-e-3") => Some("hd"),
            Some("auto") | None => quality,
            Some(given) => Some(given),
        };
        let size = self.size.or(size).map(|(width, height)| ("size".to_owned(), format!("{width}x{height}")));
        let quality = chosen.map(|quality| ("quality".to_owned(), quality.to_owned()));
        size.into_iter().chain(quality).collect()
    }
}

/// What a conversation's model can write for one image, which becomes the image model's prompt: OpenAI takes 32,000 characters.
const TOOL_PROMPT_TOKENS: u64 = 32_000;
/// The model that the tool uses when it names none (OpenAI's reference of the tool).
const TOOL_MODEL: &str = "gpt-image-1";

/// An image tool of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageTool {
    /// The image model whose prices apply.
    pub model: String,
    /// The largest number of uses; `None` where neither the request nor the gateway says.
    pub uses_max: Option<u64>,
    work: ImageWork,
    /// Whether the request leaves the model open, so that it may be a later one, which makes larger images.
    is_open: bool,
}

impl ImageTool {
    pub(crate) fn of(model: Option<String>, size: Option<(u64, u64)>, quality: Option<String>, partials: u64, has_mask: bool) -> Self {
        let work = ImageWork { count: 1, prompt_tokens: TOOL_PROMPT_TOKENS, given: u64::from(has_mask), size, quality, partials };
        let is_open = model.is_none();
        Self { model: model.unwrap_or_else(|| TOOL_MODEL.to_owned()), uses_max: None, work, is_open }
    }

    /// Notes so many pictures that the tool may be given. An image that it made before may be given to it too.
    pub(crate) fn sees(&mut self, pictures: u64) {
        self.work.given = self.work.given.saturating_add(pictures).saturating_add(1).min(17);
    }

    /// What so many uses can consume of the image model.
    #[must_use]
    pub fn ask(&self, uses: u64) -> Ask {
        let mut ask = Ask { choices: 1, ..Ask::default() };
        ImageWork { count: uses, ..self.work.clone() }.bound(&self.model, &mut ask);
        if self.is_open {
            let most = tokens_by_area(self.work.size, self.work.quality.as_deref()).saturating_mul(uses);
            ask.fixed.iter_mut().filter(|line| !line.attrs.is_empty()).for_each(|line| line.quantity = line.quantity.max(most));
        }
        ask
    }
}

fn image() -> Meter {
    Meter::Other("image".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_an_image_follow_the_published_tables() {
        let by_size = [
            (Some((1_024, 1_024)), "low", 272),
            (Some((1_024, 1_536)), "medium", 1_584),
            (Some((1_536, 1_024)), "high", 6_208),
            (None, "auto", 6_240),
            (Some((640, 480)), "low", 400),
        ];
        for (size, quality, tokens) in by_size {
            assert_eq!(tokens_by_size(size, Some(quality)), tokens, "{size:?} {quality}");
        }
        // The figures that OpenAI's calculator shows.
        let by_area = [
            (Some((1_024, 1_024)), "high", 7_024),
            (Some((1_536, 1_024)), "high", 5_488),
            (Some((1_792, 1_024)), "high", 5_063),
            (Some((3_584, 2_048)), "high", 12_329),
        ];
        for (size, quality, tokens) in by_area {
            assert_eq!(tokens_by_area(size, Some(quality)), tokens, "{size:?} {quality}");
        }
    }

    #[test]
    fn an_open_size_or_quality_is_bounded_by_the_dearest() {
        for quality in ["low", "medium", "high"] {
            for width in (16..=3_840).step_by(16) {
                for height in [16, 512, 1_024, 1_536, 2_160, 2_880, 3_840].into_iter().filter(|height| width * height <= PIXELS_MAX) {
                    let one = tokens_by_area(Some((width, height)), Some(quality));
                    assert!(one <= tokens_by_area(None, Some(quality)), "{width}x{height} {quality}");
                    assert!(one <= tokens_by_area(None, None), "{width}x{height} {quality}");
                }
            }
        }
        for size in [Some((1_024, 1_024)), Some((1_024, 1_536)), Some((1_536, 1_024))] {
            assert!(tokens_by_size(size, Some("low")) <= tokens_by_size(None, None), "{size:?}");
        }
    }
}
