//! What settled calls cost compared with their bounds, by model: it sharpens what is expected, never the bound.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use money::Nanos;

/// Calls remembered per model.
const CALLS_MAX: usize = 64;
/// Models remembered.
const MODELS_MAX: usize = 1_024;
const WHOLE: i64 = 1_000_000;

/// Costs as millionths of their bounds.
#[derive(Debug, Default)]
pub(crate) struct History {
    shares: Mutex<HashMap<(String, String), VecDeque<i64>>>,
}

/// What a call is expected to cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) low: Nanos,
    pub(crate) median: Nanos,
    pub(crate) high: Nanos,
    pub(crate) basis: String,
}

impl History {
    /// Learns from one settled call.
    pub(crate) fn learn(&self, seller: &str, model: &str, cost: Nanos, bound: Nanos) {
        if bound.get() <= 0 {
            return;
        }
        let share = i128::from(cost.get()) * i128::from(WHOLE) / i128::from(bound.get());
        let share = i64::try_from(share.clamp(0, i128::from(WHOLE))).unwrap_or(WHOLE);
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (seller.to_owned(), model.to_owned());
        if shares.len() >= MODELS_MAX && !shares.contains_key(&name) {
            return;
        }
        let known = shares.entry(name).or_default();
        known.push_back(share);
        if known.len() > CALLS_MAX {
            known.pop_front();
        }
    }

    /// What a call with this bound is expected to cost.
    pub(crate) fn expected(&self, seller: &str, model: &str, bound: Nanos) -> Expected {
        let shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = shares.get(&(seller.to_owned(), model.to_owned())).filter(|known| !known.is_empty()) else {
            return Expected { low: bound, median: bound, high: bound, basis: format!("no settled call of {model} yet: the bound") };
        };
        let mut sorted: Vec<i64> = known.iter().copied().collect();
        sorted.sort_unstable();
        let at = |tenths: usize| of(bound, sorted[(sorted.len() - 1) * tenths / 10]);
        Expected { low: at(1), median: at(5), high: at(9), basis: basis(sorted.len(), model) }
    }
}

fn basis(calls: usize, model: &str) -> String {
    match calls {
        1 => format!("1 settled call of {model}"),
        calls => format!("{calls} settled calls of {model}"),
    }
}

/// A share of a bound, rounded up.
fn of(bound: Nanos, share: i64) -> Nanos {
    let exact = i128::from(bound.get()) * i128::from(share);
    let rounded = (exact + i128::from(WHOLE) - 1) / i128::from(WHOLE);
    Nanos::new(i64::try_from(rounded).unwrap_or(bound.get()))
}
