//! Each token lands in exactly one meter: for any counts that a provider may report, the lines of a class sum to what the
//! wire said, whole and streamed.

use std::collections::BTreeSet;

use dialects::{Counting, Operation, UsageReading};
use pricing::{Meter, Usage};
use proptest::prelude::*;
use serde_json::json;

use crate::case::read;
use crate::wire::{self, Wire};

/// What the wire says of each class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    fresh: u64,
    read: u64,
    short_writes: u64,
    long_writes: u64,
    output: u64,
    reasoning: u64,
    audio_in: u64,
    audio_out: u64,
    searches: u64,
}

fn sum(usage: &Usage, meter: &Meter, wanted: impl Fn(&pricing::Attrs) -> bool) -> u64 {
    usage.lines.iter().filter(|line| line.meter == *meter && wanted(&line.attrs)).map(|line| line.quantity).sum()
}

fn counted(usage: &Usage) -> Said {
    let is = |name: &'static str, value: &'static str| move |attrs: &pricing::Attrs| attrs.get(name).is_some_and(|have| have == value);
    Said {
        fresh: sum(usage, &Meter::InputTokens, |_| true),
        read: sum(usage, &Meter::CacheReadTokens, |_| true),
        short_writes: sum(usage, &Meter::CacheWriteTokens, is("ttl", "5m")),
        long_writes: sum(usage, &Meter::CacheWriteTokens, is("ttl", "1h")),
        output: sum(usage, &Meter::OutputTokens, |_| true),
        reasoning: usage.reasoning_tokens,
        audio_in: sum(usage, &Meter::InputTokens, is("modality", "audio")) + sum(usage, &Meter::CacheReadTokens, is("modality", "audio")),
        audio_out: sum(usage, &Meter::OutputTokens, is("modality", "audio")),
        searches: sum(usage, &Meter::ToolCall, is("tool", "web_search")),
    }
}

fn check(operation: Operation, counting: Counting, wires: &[Wire], said: &Said) -> Result<(), TestCaseError> {
    for wire in wires {
        let reading = read(operation, counting, wire);
        let UsageReading::Reported(usage) = reading.usage else {
            return Err(TestCaseError::fail(format!("{}: {:?}", wire.form, reading.usage)));
        };
        prop_assert_eq!(&counted(&usage), said, "{}", wire.form);
        let tokens = said.fresh + said.read + said.short_writes + said.long_writes + said.output;
        let lines: u64 = usage.lines.iter().filter(|line| line.meter != Meter::ToolCall).map(|line| line.quantity).sum();
        prop_assert_eq!(lines, tokens, "no line beside the classes");
        let kinds: BTreeSet<_> = usage.lines.iter().map(|line| (&line.meter, &line.attrs)).collect();
        prop_assert!(kinds.len() == usage.lines.len() && usage.lines.iter().all(|line| line.quantity > 0), "each class is one line");
    }
    Ok(())
}

/// Parts of a whole by three weights; what is left over is the last part.
fn split(whole: u64, weights: [u64; 3]) -> [u64; 4] {
    let total: u64 = weights.iter().sum::<u64>() + 1;
    let [a, b, c] = weights.map(|weight| whole * weight / total);
    [a, b, c, whole - a - b - c]
}

fn counts() -> impl Strategy<Value = (u64, u64, [u64; 3], u64, u64, u64)> {
    let size = || prop_oneof![Just(0_u64), 1_u64..2_000, 0_u64..2_000_000];
    (size(), size(), prop::array::uniform3(0_u64..5), 0_u64..=100, 0_u64..=100, 0_u64..3)
}

/// Members that servers leave out, write as zero or write as null when nothing was counted.
fn absent(mut usage: serde_json::Value, how: u64) -> serde_json::Value {
    if how > 0 {
        let members = usage.as_object_mut().unwrap();
        let optional = |name: &str| name.contains("details") || name.contains("cache") || name.contains("server") || name.contains("Count");
        let zeros: Vec<String> =
            members.iter().filter(|(name, value)| optional(name) && **value == json!(0)).map(|(name, _)| name.clone()).collect();
        for name in zeros.into_iter().filter(|name| name != "promptTokenCount") {
            if how == 1 { _ = members.remove(&name) } else { _ = members.insert(name, serde_json::Value::Null) }
        }
    }
    usage
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_of_openai_land_in_one_meter((input, output, weights, thought, heard, how) in counts(), searches in 0_u64..4, beside in 0_u64..4, total: bool) {
        let [read, written, _, fresh] = split(input, weights);
        let fresh = fresh + input - read - written - fresh;
        let (reasoning, audio_out) = (output * thought / 100, output * heard / 100);
        let audio_in = fresh * heard / 100;
        let counting = Counting { cache_read_inside: beside & 1 == 0, cache_write_inside: beside & 1 == 0, reasoning_inside: beside & 2 == 0 };
        // One total that two ways of counting give leaves open which it was.
        prop_assume!(reasoning == 0 || reasoning != read + written);
        // What a server counts beside is left out of its own count; audio output can't exceed what is left.
        let prompt = if counting.cache_read_inside { input } else { fresh };
        let completion = if counting.reasoning_inside { output } else { output - reasoning };
        let audio_out = audio_out.min(completion);
        let said = Said { fresh, read, short_writes: written, output, reasoning, audio_in, audio_out, searches, ..Said::default() };
        let inside = json!({"cached_tokens": read, "cache_write_tokens": written, "audio_tokens": audio_in});
        let made = json!({"reasoning_tokens": reasoning, "audio_tokens": audio_out});
        let tool = json!({"web_search_requests": searches});
        let whole = if total { json!(input + output) } else { serde_json::Value::Null };
        // The total decides where it is stated, whatever the seller's rule.
        let rule = if total && how == 2 { Counting::default() } else { counting };
        let chat = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": whole, "prompt_tokens_details": inside, "completion_tokens_details": made, "server_tool_use": tool});
        check(Operation::Chat, rule, &wire::chat(&absent(chat, how), &json!({})), &said)?;
        let responses = json!({"input_tokens": prompt, "output_tokens": completion, "total_tokens": whole, "input_tokens_details": inside, "output_tokens_details": made, "server_tool_use": tool});
        check(Operation::Responses, rule, &wire::responses(&absent(responses, how), &json!({})), &said)?;
    }

    #[test]
    fn tokens_of_anthropic_land_in_one_meter((input, output, weights, thought, _, how) in counts(), searches in 0_u64..4) {
        let [read, short_writes, long_writes, fresh] = split(input, weights);
        let reasoning = output * thought / 100;
        let said = Said { fresh, read, short_writes, long_writes, output, reasoning, searches, ..Said::default() };
        let usage = json!({"input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": short_writes + long_writes,
            "cache_creation": {"ephemeral_5m_input_tokens": short_writes, "ephemeral_1h_input_tokens": long_writes},
            "output_tokens": output, "output_tokens_details": {"thinking_tokens": reasoning}, "server_tool_use": {"web_search_requests": searches}});
        check(Operation::Messages, Counting::default(), &wire::messages(&absent(usage, how), &json!({})), &said)?;
    }

    #[test]
    fn tokens_of_gemini_land_in_one_meter((input, output, weights, thought, heard, how) in counts(), brought in 0_u64..1_000) {
        let [read, _, _, _] = split(input, weights);
        let reasoning = output * thought / 100;
        let (candidates, cached_audio) = (output - reasoning, read * heard / 100);
        let audio_in = cached_audio + (input - read) * heard / 100;
        let audio_out = candidates * heard / 100;
        let said = Said { fresh: input - read + brought, read, output, reasoning, audio_in, audio_out, ..Said::default() };
        let list = |audio: u64, all: u64| json!([{"modality": "TEXT", "tokenCount": all - audio}, {"modality": "AUDIO", "tokenCount": audio}]);
        let usage = json!({"promptTokenCount": input, "cachedContentTokenCount": read, "candidatesTokenCount": candidates, "thoughtsTokenCount": reasoning,
            "toolUsePromptTokenCount": brought, "totalTokenCount": input + brought + output, "promptTokensDetails": list(audio_in, input),
            "cacheTokensDetails": list(cached_audio, read), "candidatesTokensDetails": list(audio_out, candidates)});
        check(Operation::StreamGenerate, Counting::default(), &wire::generate(&absent(usage, how), &json!({})), &said)?;
    }
}
