//! What settled calls used, by model and by who called: it sharpens what is expected of the next one, never its bound.
//!
//! Input is learned as a share of the bound by bytes, which every call has; output as tokens, because a ceiling says little of
//! an answer's length. A restart reads the latest records again. The same calls in the same order give the same figures.

use std::collections::{HashMap, VecDeque};
use std::sync::PoisonError;

use ledger::{Attributes, RunId};
use store::{AttemptRecord, CallFilter, CallStatus, Reader};

use super::sync::Mutex;

/// Calls remembered for each model and caller.
const CALLS_MAX: usize = 64;
/// Models and callers remembered; with the figure above 4 MB at most.
const KEYS_MAX: usize = 4_096;
/// Calls of one caller that say more than all of its model's.
const CALLS_MIN: usize = 5;
/// Calls that are read again at a start.
const READ_MAX: usize = 1_000;
/// Attributes that tell callers apart, the most telling first.
const CALLERS: [&str; 2] = ["feature", "agent"];
const WHOLE: u128 = 1_000_000;

/// Used tokens by seller, model and caller.
#[derive(Debug, Default)]
pub(crate) struct History {
    known: Mutex<HashMap<Key, VecDeque<Used>>>,
}

/// Seller, model, and a caller such as `agent=claude-code`; an empty caller is all of them.
type Key = (String, String, String);

/// Whose calls to learn from or to foresee.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    pub(crate) seller: &'a str,
    pub(crate) model: &'a str,
    pub(crate) attributes: &'a Attributes,
    pub(crate) run: Option<RunId>,
}

/// What one call used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    /// Input tokens as millionths of their bound by bytes.
    input_share: u64,
    output_tokens: u64,
}

/// Tokens that a call is expected to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

/// What such calls used, for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) calls: usize,
    /// Whose calls they were: `feature=search`, `this run`; empty for all of the model's.
    pub(crate) caller: String,
    pub(crate) low: Expected,
    pub(crate) median: Expected,
    pub(crate) high: Expected,
}

impl Whose<'_> {
    /// Callers that this call is one of, the narrowest first, the model's all last.
    fn keys(&self) -> impl Iterator<Item = Key> {
        let run = self.run.map(|run| format!("run={}", store::run_text(run)));
        let named = CALLERS.iter().filter_map(|name| Some(format!("{name}={}", self.attributes.get(*name)?)));
        let callers: Vec<String> = run.into_iter().chain(named).chain([String::new()]).collect();
        callers.into_iter().map(|caller| (self.seller.to_owned(), self.model.to_owned(), caller))
    }
}

impl History {
    /// What the latest recorded calls used.
    pub(crate) fn of(records: &Reader) -> Self {
        let history = Self::default();
        let filter = CallFilter { status: Some(CallStatus::Settled), limit: Some(READ_MAX), ..CallFilter::default() };
        let calls = records.calls(&filter).unwrap_or_default();
        calls.iter().rev().flat_map(|call| &call.attempts).for_each(|attempt| history.learn_again(attempt));
        history
    }

    fn learn_again(&self, attempt: &AttemptRecord) {
        let Some(end) = attempt.end.as_ref().filter(|_| !attempt.estimated) else { return };
        let sum = |meters: &[&str]| {
            let lines = end.lines.iter().filter(|line| meters.contains(&line.meter.as_str()));
            lines.fold(0_u64, |sum, line| sum.saturating_add(line.quantity))
        };
        let start = &attempt.start;
        let whose = Whose { seller: &start.seller, model: &start.model_sent, attributes: &start.attributes, run: start.run };
        let input = sum(&["input_tokens", "cache_read_tokens", "cache_write_tokens", "embedding_tokens"]);
        self.learn(&whose, input, start.input_bytes_max, sum(&["output_tokens", "reasoning_tokens"]));
    }

    /// Learns from one settled call; `input_bytes_max` is its bound by bytes, 0 where it isn't known.
    pub(crate) fn learn(&self, whose: &Whose<'_>, input_tokens: u64, input_bytes_max: u64, output_tokens: u64) {
        if input_bytes_max == 0 {
            return;
        }
        let share = u128::from(input_tokens) * WHOLE / u128::from(input_bytes_max);
        let used = Used { input_share: u64::try_from(share.min(WHOLE)).unwrap_or(0), output_tokens };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for key in whose.keys() {
            if known.len() >= KEYS_MAX && !known.contains_key(&key) {
                continue;
            }
            let calls = known.entry(key).or_default();
            calls.push_back(used);
            if calls.len() > CALLS_MAX {
                calls.pop_front();
            }
        }
    }

    /// What a call with this bound by bytes is expected to use: the tenth, fiftieth and ninetieth percentile of what the
    /// narrowest caller used of which enough is known.
    pub(crate) fn outlook(&self, whose: &Whose<'_>, input_bytes_max: u64) -> Option<Outlook> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = |key: &Key, calls: &VecDeque<Used>| calls.len() >= if key.2.is_empty() { 1 } else { CALLS_MIN };
        let (caller, calls) = whose.keys().find_map(|key| {
            let calls = known.get(&key).filter(|calls| enough(&key, calls))?;
            Some((if key.2.starts_with("run=") { "this run".to_owned() } else { key.2 }, calls))
        })?;
        let mut shares: Vec<u64> = calls.iter().map(|used| used.input_share).collect();
        let mut outputs: Vec<u64> = calls.iter().map(|used| used.output_tokens).collect();
        shares.sort_unstable();
        outputs.sort_unstable();
        let at = |tenths: usize| {
            let index = ((calls.len() - 1) * tenths + 5) / 10;
            let input = (u128::from(input_bytes_max) * u128::from(shares[index])).div_ceil(WHOLE);
            Expected { input_tokens: u64::try_from(input).unwrap_or(input_bytes_max), output_tokens: outputs[index] }
        };
        Some(Outlook { calls: calls.len(), caller, low: at(1), median: at(5), high: at(9) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(attributes: &Attributes) -> Whose<'_> {
        Whose { seller: "s", model: "m", attributes, run: None }
    }

    #[test]
    fn what_is_expected_follows_what_was_seen() {
        let (history, anybody) = (History::default(), Attributes::new());
        assert_eq!(history.outlook(&whose(&anybody), 1_000), None);
        for output in 1..=10 {
            history.learn(&whose(&anybody), 250, 1_000, output * 100);
        }
        let outlook = history.outlook(&whose(&anybody), 4_000).unwrap();
        let expected = |output_tokens| Expected { input_tokens: 1_000, output_tokens };
        let (low, median, high) = (expected(200), expected(600), expected(900));
        assert_eq!(outlook, Outlook { calls: 10, caller: String::new(), low, median, high });
        assert_eq!(history.outlook(&Whose { model: "other", ..whose(&anybody) }, 4_000), None);
    }

    #[test]
    fn a_callers_own_calls_say_more_than_the_models() {
        let history = History::default();
        let of = |agent: &str| Attributes::from([("agent".to_owned(), agent.to_owned())]);
        let (short, long, new) = (of("short"), of("long"), of("new"));
        for _ in 0..CALLS_MIN {
            history.learn(&whose(&short), 200, 1_000, 10);
            history.learn(&whose(&long), 400, 1_000, 5_000);
        }
        let median = |attributes: &Attributes| {
            let outlook = history.outlook(&whose(attributes), 1_000).unwrap();
            (outlook.caller, outlook.median.input_tokens, outlook.median.output_tokens)
        };
        assert_eq!(median(&short), ("agent=short".to_owned(), 200, 10));
        assert_eq!(median(&long), ("agent=long".to_owned(), 400, 5_000));
        assert_eq!(median(&new).0, "");
    }

    #[test]
    fn memory_is_bounded_and_what_is_old_is_forgotten() {
        let history = History::default();
        for at in 0..2 * KEYS_MAX {
            let model = at.to_string();
            history.learn(&Whose { model: &model, ..whose(&Attributes::new()) }, 1, 10, 1);
        }
        assert_eq!(history.known.lock().unwrap().len(), KEYS_MAX);
        let history = History::default();
        let anybody = Attributes::new();
        for used in (0..CALLS_MAX).map(|_| 100).chain((0..CALLS_MAX).map(|_| 900)) {
            history.learn(&whose(&anybody), used, 1_000, used);
        }
        let outlook = history.outlook(&whose(&anybody), 1_000).unwrap();
        assert_eq!((outlook.calls, outlook.low.input_tokens, outlook.median.output_tokens), (CALLS_MAX, 900, 900));
    }
}
