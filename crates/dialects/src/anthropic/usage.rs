//! Anthropic's usage as disjoint meters, merged over the events of a stream.

use std::collections::BTreeMap;

use pricing::{Attrs, Meter, Usage};

use crate::json::{Kind, Value};
use crate::reading::{Reading, UsageReading, tally, tally_in};

/// The counts as last reported. Anthropic's are cumulative: a later event replaces, and is never added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_creation: Option<u64>,
    written_5m: Option<u64>,
    written_1h: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
    /// Input, cache reads, cache writes and output of server-side compaction, which the top level leaves out.
    compaction: [u64; 4],
    wrong: Option<String>,
}

impl Counts {
    /// Takes a usage object over what was reported before.
    pub(super) fn take(&mut self, usage: Value<'_>) {
        if usage.kind() != Kind::Object {
            return;
        }
        match Self::read(usage) {
            Ok(newer) => self.replace(newer),
            Err(why) => self.wrong = Some(why),
        }
    }

    /// Forgets the output side of a stream's first event, which is a placeholder.
    pub(super) fn without_placeholder(&mut self) {
        self.output = None;
    }

    fn read(usage: Value<'_>) -> Result<Self, String> {
        Ok(Self {
            input: tally(usage, "input_tokens")?,
            cache_read: tally(usage, "cache_read_input_tokens")?,
            cache_creation: tally(usage, "cache_creation_input_tokens")?,
            written_5m: tally_in(usage, "cache_creation", "ephemeral_5m_input_tokens")?,
            written_1h: tally_in(usage, "cache_creation", "ephemeral_1h_input_tokens")?,
            output: tally(usage, "output_tokens")?,
            thinking: tally_in(usage, "output_tokens_details", "thinking_tokens")?,
            searches: tally_in(usage, "server_tool_use", "web_search_requests")?,
            compaction: compaction(usage)?,
            wrong: None,
        })
    }

    fn replace(&mut self, newer: Self) {
        // Some compatible servers close with zeros on the input side; a count that is known never falls back to nothing.
        if newer.prompt() > 0 || self.prompt() == 0 {
            self.input = newer.input.or(self.input);
            self.cache_read = newer.cache_read.or(self.cache_read);
            self.cache_creation = newer.cache_creation.or(self.cache_creation);
            self.written_5m = newer.written_5m.or(self.written_5m);
            self.written_1h = newer.written_1h.or(self.written_1h);
        }
        // Cumulative, so that a smaller count can't be true.
        self.output = newer.output.max(self.output);
        self.thinking = newer.thinking.or(self.thinking);
        self.searches = newer.searches.or(self.searches);
        if newer.compaction != [0; 4] {
            self.compaction = newer.compaction;
        }
        self.wrong = None;
    }

    fn prompt(&self) -> u64 {
        let split = self.written_5m.unwrap_or(0) + self.written_1h.unwrap_or(0);
        self.input.unwrap_or(0) + self.cache_read.unwrap_or(0) + self.cache_creation.unwrap_or(0).max(split)
    }

    /// The counts as final.
    pub(super) fn reading(&self) -> UsageReading {
        match (&self.wrong, self.input, self.output) {
            (Some(why), ..) => UsageReading::Refused { why: why.clone() },
            (None, Some(_), Some(output)) => UsageReading::Reported(self.meters(output)),
            (None, ..) => UsageReading::Missing,
        }
    }

    /// The input side alone, while the output count is a placeholder.
    pub(super) fn input_side(&self) -> Option<Usage> {
        (self.wrong.is_none() && self.input.is_some()).then(|| self.meters(0))
    }

    fn meters(&self, output: u64) -> Usage {
        let [more_input, more_read, more_written, more_output] = self.compaction;
        let (short, long) = self.written();
        let mut usage = Usage { reasoning_tokens: self.thinking.unwrap_or(0).min(output), ..Usage::default() };
        usage.add(Meter::InputTokens, self.input.unwrap_or(0) + more_input);
        usage.add(Meter::CacheReadTokens, self.cache_read.unwrap_or(0) + more_read);
        usage.add_with(Meter::CacheWriteTokens, ttl("5m"), short + more_written);
        usage.add_with(Meter::CacheWriteTokens, ttl("1h"), long);
        usage.add(Meter::OutputTokens, output + more_output);
        usage.add_with(Meter::ToolCall, Attrs::from([("tool".into(), "web_search".into())]), self.searches.unwrap_or(0));
        usage
    }

    /// Cache writes of five minutes and of one hour. What the split leaves out of the total lives five minutes, unless
    /// the split knows only the hour.
    fn written(&self) -> (u64, u64) {
        let (short, long) = (self.written_5m.unwrap_or(0), self.written_1h.unwrap_or(0));
        let rest = self.cache_creation.unwrap_or(0).saturating_sub(short + long);
        if long > 0 && short == 0 { (0, long + rest) } else { (short + rest, long) }
    }
}

/// Sums the compaction passes among `iterations`.
fn compaction(usage: Value<'_>) -> Result<[u64; 4], String> {
    let mut sums = [0; 4];
    let passes = usage.get("iterations").into_iter().flat_map(Value::items).take(64);
    for pass in passes.filter(|pass| pass.get("type").is_some_and(|kind| kind.is_text("compaction"))) {
        let names = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"];
        for (sum, name) in sums.iter_mut().zip(names) {
            *sum += tally(pass, name)?.unwrap_or(0);
        }
    }
    Ok(sums)
}

fn ttl(name: &str) -> Attrs {
    Attrs::from([("ttl".to_owned(), name.to_owned())])
}

/// Price selectors that a usage object states.
pub(super) fn selectors(usage: Value<'_>, select: &mut BTreeMap<String, String>) {
    for name in ["service_tier", "speed", "inference_geo"] {
        if let Some(value) = Reading::short(usage.get(name)) {
            select.insert(name.to_owned(), value);
        }
    }
}
