//! Text to speak, billed by its characters or by the tokens of the sound.

use pricing::{Ask, Attrs, Meter, Metered, ModelFacts, Usage};

use super::{Implied, modality};
use crate::Reading;

/// OpenAI's figure for gpt-4o-mini-tts: $0.015 a minute at $12 a million tokens.
const TOKENS_PER_MINUTE: u64 = 1_250;
/// Tokens of sound that a letter takes at most: a quarter of the pace of slow reading.
const TOKENS_PER_LETTER: u64 = 8;
/// The same for what is read as words of its own: digits, signs, and characters beyond ASCII.
const TOKENS_PER_SIGN: u64 = 24;
/// Silence and breath around it.
const TOKENS_AROUND: u64 = 1_024;

/// A text to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpeechWork {
    /// Characters as code points, which is how OpenAI's own limit counts them.
    characters: u64,
    /// Characters as UTF-16 units, which is the most that any counting makes of them.
    units: u64,
    /// Tokens of the text and of the instructions at most.
    text_tokens: u64,
    /// Tokens of the sound at most.
    sound_tokens: u64,
    format: Format,
}

/// The form of the sound that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Mpeg,
    /// WAV and bare samples: 24,000 a second of two bytes (OpenAI's guide to speech).
    Samples,
    /// What no rule measures; counts at its lowest plausible rate in bytes a second.
    Packed(u64),
}

/// Whether the model is billed by tokens: gpt-4o-mini-tts and its kin. All else on this path is billed by characters.
fn is_by_tokens(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    name.starts_with("gpt-") && name.contains("-tts")
}

fn character() -> Meter {
    Meter::Other("character".to_owned())
}

impl SpeechWork {
    /// `marks` are tokens that the service may add to the text.
    pub(crate) fn of(text: &str, instructions: &str, marks: u64, format: Format) -> Self {
        Self {
            characters: text.chars().count() as u64,
            units: text.encode_utf16().count() as u64,
            text_tokens: ((text.len() + instructions.len()) as u64).saturating_add(marks),
            sound_tokens: sound_tokens(text),
            format,
        }
    }

    pub(crate) fn bound(&self, model: &str, ask: &mut Ask) {
        if is_by_tokens(model) {
            ask.input_tokens = self.text_tokens;
            ask.fixed.push(Metered { meter: Meter::OutputTokens, attrs: modality("audio"), quantity: self.sound_tokens });
        } else if self.units > 0 {
            ask.fixed.push(Metered { meter: character(), attrs: Attrs::new(), quantity: self.units });
        }
    }

    /// What the answer is billed for: its characters exactly, or the tokens of so much sound.
    /// Of an answer that was cut, at least as much counts as can have been made in the time.
    pub(crate) fn spoken(&self, model: &str, reading: &Reading, cut_after_ms: Option<u64>) -> Implied {
        let mut usage = Usage::default();
        if !is_by_tokens(model) {
            usage.add(character(), self.characters);
            return Implied::Exact(usage);
        }
        let millis = match self.format {
            Format::Mpeg => reading.mpeg_millis,
            Format::Samples => reading.bytes.saturating_mul(1_000).div_ceil(48_000),
            Format::Packed(rate) => reading.bytes.saturating_mul(1_000).div_ceil(rate),
        };
        usage.add(Meter::InputTokens, self.text_tokens);
        let heard = millis.saturating_mul(TOKENS_PER_MINUTE).div_ceil(60_000);
        let made = cut_after_ms.map_or(0, |ms| ms.saturating_mul(ModelFacts::DECODE_TOKENS_PER_SECOND).div_ceil(1_000));
        usage.add_with(Meter::OutputTokens, modality("audio"), heard.max(made.min(self.sound_tokens)));
        Implied::Estimate(usage)
    }
}

fn sound_tokens(text: &str) -> u64 {
    let of = |character: char| match character {
        'a'..='z' | 'A'..='Z' | ' ' | '\n' | '.' | ',' => TOKENS_PER_LETTER,
        _ => TOKENS_PER_SIGN,
    };
    text.chars().fold(TOKENS_AROUND, |sum, character| sum.saturating_add(of(character)))
}
