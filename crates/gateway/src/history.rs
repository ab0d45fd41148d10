//! What settled calls used, by model: it sharpens what is expected of the next one, never its bound.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Calls remembered per model.
const CALLS_MAX: usize = 64;
/// Models remembered.
const MODELS_MAX: usize = 1_024;
const WHOLE: u128 = 1_000_000;

/// Used tokens by seller and model.
#[derive(Debug, Default)]
pub(crate) struct History {
    models: Mutex<HashMap<(String, String), VecDeque<Used>>>,
}

/// What one call used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    /// Input tokens as millionths of their bound.
    input_share: u64,
    output_tokens: u64,
}

/// Tokens that a call is expected to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

/// What a model's calls used, for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) calls: usize,
    pub(crate) low: Expected,
    pub(crate) median: Expected,
    pub(crate) high: Expected,
}

impl History {
    /// Learns from one settled call.
    pub(crate) fn learn(&self, seller: &str, model: &str, input_tokens: u64, input_tokens_max: u64, output_tokens: u64) {
        if input_tokens_max == 0 {
            return;
        }
        let share = u128::from(input_tokens) * WHOLE / u128::from(input_tokens_max);
        let used = Used { input_share: u64::try_from(share.min(WHOLE)).unwrap_or(0), output_tokens };
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (seller.to_owned(), model.to_owned());
        if models.len() >= MODELS_MAX && !models.contains_key(&name) {
            return;
        }
        let known = models.entry(name).or_default();
        known.push_back(used);
        if known.len() > CALLS_MAX {
            known.pop_front();
        }
    }

    /// What a call with this input bound is expected to use: the tenth, fiftieth and ninetieth percentile of what was seen.
    pub(crate) fn outlook(&self, seller: &str, model: &str, input_tokens_max: u64) -> Option<Outlook> {
        let models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let known = models.get(&(seller.to_owned(), model.to_owned())).filter(|known| !known.is_empty())?;
        let mut shares: Vec<u64> = known.iter().map(|used| used.input_share).collect();
        let mut outputs: Vec<u64> = known.iter().map(|used| used.output_tokens).collect();
        shares.sort_unstable();
        outputs.sort_unstable();
        let at = |tenths: usize| {
            let index = ((known.len() - 1) * tenths + 5) / 10;
            let input = (u128::from(input_tokens_max) * u128::from(shares[index])).div_ceil(WHOLE);
            Expected { input_tokens: u64::try_from(input).unwrap_or(input_tokens_max), output_tokens: outputs[index] }
        };
        Some(Outlook { calls: known.len(), low: at(1), median: at(5), high: at(9) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_follows_what_was_seen() {
        let history = History::default();
        assert_eq!(history.outlook("s", "m", 1_000), None);
        for output in 1..=10 {
            history.learn("s", "m", 250, 1_000, output * 100);
        }
        let outlook = history.outlook("s", "m", 4_000).unwrap();
        let expected = |output_tokens| Expected { input_tokens: 1_000, output_tokens };
        assert_eq!(outlook, Outlook { calls: 10, low: expected(200), median: expected(600), high: expected(900) });
        assert_eq!(history.outlook("s", "other", 4_000), None);
    }
}
