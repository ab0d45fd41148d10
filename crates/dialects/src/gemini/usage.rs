//! Gemini's usage as disjoint meters.

use pricing::{Attrs, Meter, Usage};

use crate::json::{Kind, Value};
use crate::reading::{UsageReading, tally};

/// Reads `usageMetadata`. Its zero counts are left out by Google's encoder, so that an absent one is zero as long as
/// any is there.
pub(super) fn read(metadata: Value<'_>) -> UsageReading {
    if metadata.kind() != Kind::Object || ["promptTokenCount", "totalTokenCount"].iter().all(|name| metadata.get(name).is_none()) {
        return UsageReading::Missing;
    }
    match meters(metadata) {
        Ok(usage) => UsageReading::Reported(usage),
        Err(why) => UsageReading::Refused { why },
    }
}

/// The prompt includes what was cached; candidates leave out thoughts; what tools brought in is input of its own.
fn meters(metadata: Value<'_>) -> Result<Usage, String> {
    let count = |name| tally(metadata, name).map(Option::unwrap_or_default);
    let (prompt, cached, brought) = (count("promptTokenCount")?, count("cachedContentTokenCount")?, count("toolUsePromptTokenCount")?);
    let (candidates, thoughts) = (count("candidatesTokenCount")?, count("thoughtsTokenCount")?);
    count("totalTokenCount")?;
    let fresh = prompt.checked_sub(cached).ok_or("more tokens are cached than the prompt has")?;
    let of = |list, modality| of_modality(metadata, list, modality);
    let cached_audio = of("cacheTokensDetails", "AUDIO")?.min(cached);
    let audio_in = of("promptTokensDetails", "AUDIO")?.saturating_sub(cached_audio).min(fresh);
    let audio_out = of("candidatesTokensDetails", "AUDIO")?.min(candidates);
    let image_out = of("candidatesTokensDetails", "IMAGE")?.min(candidates - audio_out);
    let mut usage = Usage { reasoning_tokens: thoughts, ..Usage::default() };
    usage.add(Meter::InputTokens, fresh - audio_in + brought);
    usage.add_with(Meter::InputTokens, modality("audio"), audio_in);
    usage.add(Meter::CacheReadTokens, cached - cached_audio);
    usage.add_with(Meter::CacheReadTokens, modality("audio"), cached_audio);
    usage.add(Meter::OutputTokens, candidates - audio_out - image_out + thoughts);
    usage.add_with(Meter::OutputTokens, modality("audio"), audio_out);
    usage.add_with(Meter::OutputTokens, modality("image"), image_out);
    Ok(usage)
}

/// The count of one modality in a list of details.
fn of_modality(metadata: Value<'_>, list: &str, name: &str) -> Result<u64, String> {
    let lines = metadata.get(list).into_iter().flat_map(Value::items).take(32);
    let mut sum: u64 = 0;
    for line in lines.filter(|line| line.get("modality").is_some_and(|modality| modality.is_text(name))) {
        sum = sum.saturating_add(tally(line, "tokenCount")?.unwrap_or(0));
    }
    Ok(sum)
}

fn modality(name: &str) -> Attrs {
    Attrs::from([("modality".to_owned(), name.to_owned())])
}
