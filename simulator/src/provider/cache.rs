//! The fake provider's prompt cache: prefixes by hash, seen or not.

use super::ask::{Segment, Term};
use crate::rng::Fnv;
use crate::tokens;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The shortest prefix that is cached, in tokens.
pub const LEAST_TOKENS: u64 = 1024;
/// Automatic caches count in steps of so many tokens.
const STEP: u64 = 128;
/// How many pieces before a breakpoint are looked at for an older entry.
const LOOK_BACK: usize = 20;

/// What of a prompt came from the cache and what went into it; the rest is plain input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cached {
    /// Tokens read.
    pub read: u64,
    /// Tokens written for five minutes (or the only term).
    pub write_5m: u64,
    /// Tokens written for an hour.
    pub write_1h: u64,
}

/// All prefixes that are still warm.
#[derive(Debug, Default)]
pub struct PromptCache {
    until: HashMap<u64, Instant>,
}

impl PromptCache {
    fn is_warm(&self, prefix: u64, now: Instant) -> bool {
        self.until.get(&prefix).is_some_and(|until| *until > now)
    }

    /// The automatic cache of OpenAI and Gemini: whole steps of 128 tokens from 1,024 on. All is written at once.
    pub fn automatic(&mut self, scope: &str, prompt: &[Segment], now: Instant) -> Cached {
        let mut steps = Vec::new();
        let mut fnv = Fnv::default();
        fnv.write(scope.as_bytes());
        let mut total = 0;
        for segment in prompt {
            fnv.write(b"\x1e");
            step_over(&mut steps, &mut total, segment.extra, fnv.value());
            tokens::for_each_token(&segment.text, |token| {
                fnv.write(token.as_bytes());
                step_over(&mut steps, &mut total, 1, fnv.value());
            });
        }
        let warm = steps.iter().filter(|(_, prefix)| self.is_warm(*prefix, now)).map(|(tokens, _)| *tokens);
        let read = warm.max().unwrap_or(0);
        let written = steps.last().map_or(0, |(tokens, _)| tokens - read);
        for (_, prefix) in steps {
            self.until.insert(prefix, now + Duration::from_secs(600));
        }
        Cached { read, write_5m: written, write_1h: 0 }
    }

    /// Anthropic's cache: only up to marked pieces. The longest warm prefix is read, the rest up to the last mark is written.
    pub fn marked(&mut self, scope: &str, prompt: &[Segment], now: Instant) -> Cached {
        let prefixes = prefixes(scope, prompt);
        let marks: Vec<usize> = (0..prompt.len()).filter(|at| prompt[*at].mark.is_some()).collect();
        let is_read = |at: usize| prefixes[at].1 >= LEAST_TOKENS && self.is_warm(prefixes[at].0, now);
        let read_to = marks.iter().rev().find_map(|mark| (mark.saturating_sub(LOOK_BACK)..=*mark).rev().find(|at| is_read(*at)));
        let mut cached = Cached { read: read_to.map_or(0, |at| prefixes[at].1), ..Cached::default() };
        let mut done = cached.read;
        for mark in marks {
            let (prefix, tokens) = prefixes[mark];
            if tokens < LEAST_TOKENS {
                continue;
            }
            let new = tokens.saturating_sub(done);
            done = done.max(tokens);
            let term = match prompt[mark].mark {
                Some(Term::Hour) => {
                    cached.write_1h += new;
                    Duration::from_secs(3600)
                }
                _ => {
                    cached.write_5m += new;
                    Duration::from_secs(300)
                }
            };
            self.until.insert(prefix, now + term);
        }
        cached
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.until.clear();
    }
}

fn step_over(steps: &mut Vec<(u64, u64)>, total: &mut u64, tokens: u64, prefix: u64) {
    let before = *total / STEP;
    *total += tokens;
    let after = *total / STEP;
    if after > before && after * STEP >= LEAST_TOKENS {
        steps.push((after * STEP, prefix));
    }
}

/// For each piece: the hash of the prompt up to and with it, and the tokens up to there.
fn prefixes(scope: &str, prompt: &[Segment]) -> Vec<(u64, u64)> {
    let mut fnv = Fnv::default();
    fnv.write(scope.as_bytes());
    let mut total = 0;
    prompt
        .iter()
        .map(|segment| {
            fnv.write(b"\x1e");
            fnv.write(segment.text.as_bytes());
            total += segment.tokens();
            (fnv.value(), total)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(tokens: usize, mark: Option<Term>) -> Segment {
        Segment { text: "river ".repeat(tokens).trim_end().to_owned(), extra: 0, mark }
    }

    #[test]
    fn an_automatic_cache_reads_whole_steps_of_what_it_has_seen() {
        let (mut cache, now) = (PromptCache::default(), Instant::now());
        let prompt = [segment(1000, None), segment(500, None)];
        assert_eq!(cache.automatic("m", &prompt, now), Cached { read: 0, write_5m: 1408, write_1h: 0 });
        assert_eq!(cache.automatic("m", &prompt, now).read, 1408);
        assert_eq!(cache.automatic("other model", &prompt, now).read, 0);
        let longer = [segment(1000, None), segment(500, None), segment(300, None)];
        assert_eq!(cache.automatic("m", &longer, now), Cached { read: 1408, write_5m: 384, write_1h: 0 });
        assert_eq!(cache.automatic("m", &longer, now + Duration::from_secs(601)).read, 0);
        assert_eq!(cache.automatic("m", &[segment(1000, None)], now), Cached::default());
    }

    #[test]
    fn a_marked_cache_writes_once_and_then_reads() {
        let (mut cache, now) = (PromptCache::default(), Instant::now());
        let first = [segment(1500, Some(Term::Hour)), segment(100, Some(Term::Minutes5)), segment(9, None)];
        assert_eq!(cache.marked("m", &first, now), Cached { read: 0, write_5m: 100, write_1h: 1500 });
        assert_eq!(cache.marked("m", &first, now), Cached { read: 1600, ..Cached::default() });
        let later = now + Duration::from_secs(301);
        assert_eq!(cache.marked("m", &first, later), Cached { read: 1500, write_5m: 100, write_1h: 0 });
        let next_turn = [first[0].clone(), segment(100, None), segment(9, None), segment(50, Some(Term::Minutes5))];
        assert_eq!(cache.marked("m", &next_turn, later), Cached { read: 1600, write_5m: 59, write_1h: 0 });
        assert_eq!(cache.marked("m", &[segment(1023, Some(Term::Hour))], now), Cached::default());
    }
}
