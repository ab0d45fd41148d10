//! A recording to write down, billed by its seconds or by tokens.

use pricing::{Ask, Meter, Metered, Usage};

use super::{Implied, modality};
use crate::audio::Length;

/// The transcribing models of the GPT family refuse recordings that are longer, unless they may cut them into pieces.
const WHOLE_SECONDS_MAX: u64 = 1_500;
/// They hear ten tokens a second; what is left over is for rounding.
const AUDIO_TOKENS_PER_SECOND: u64 = 12;
/// Fast speech in a language whose words take many tokens, with its punctuation.
const TEXT_TOKENS_PER_SECOND: u64 = 12;
/// Around both, for marks.
const MARGIN_TOKENS: u64 = 256;

/// A recording to write down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TranscriptWork {
    pub(crate) length: Length,
    /// Tokens of the prompt at most.
    pub(crate) prompt_tokens: u64,
    /// Whether the service may cut the recording into pieces.
    pub(crate) is_chunked: bool,
}

/// Whether the model is billed by tokens: the transcribing models that are built on GPT-4o. Whisper, gpt-transcribe and
/// other vendors' models are billed by the second.
fn is_by_tokens(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    name.starts_with("gpt-4o") && name.contains("-transcribe")
}

pub(crate) fn second() -> Meter {
    Meter::Other("second".to_owned())
}

impl TranscriptWork {
    /// What the recording can be billed for.
    fn most(&self, model: &str) -> Usage {
        let mut usage = Usage::default();
        let seconds = self.length.seconds();
        if !is_by_tokens(model) {
            usage.add(second(), seconds);
            return usage;
        }
        let seconds = if self.is_chunked { seconds } else { seconds.min(WHOLE_SECONDS_MAX) };
        usage.add(Meter::InputTokens, self.prompt_tokens);
        let heard = seconds.saturating_mul(AUDIO_TOKENS_PER_SECOND).saturating_add(MARGIN_TOKENS);
        usage.add_with(Meter::InputTokens, modality("audio"), heard);
        usage.add(Meter::OutputTokens, seconds.saturating_mul(TEXT_TOKENS_PER_SECOND).saturating_add(MARGIN_TOKENS));
        usage
    }

    pub(crate) fn bound(&self, model: &str, ask: &mut Ask) {
        let is_text = |line: &Metered| line.meter == Meter::InputTokens && line.attrs.is_empty();
        for line in self.most(model).lines {
            match line.meter {
                Meter::InputTokens if is_text(&line) => ask.input_tokens = line.quantity,
                Meter::InputTokens => ask.other_input.push(line),
                _ => ask.fixed.push(line),
            }
        }
    }

    /// What an answer without usage (plain text, subtitles) is billed for.
    pub(crate) fn heard(&self, model: &str) -> Implied {
        match self.length.is_exact && !is_by_tokens(model) {
            true => Implied::Exact(self.most(model)),
            false => Implied::Estimate(self.most(model)),
        }
    }
}
