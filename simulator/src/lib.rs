//! A world to test against: fake providers with a biller of their own, traffic, and what other gateways do.
//!
//! Nothing here is shared with the product, on purpose. [`provider`] answers like OpenAI, Anthropic and Gemini and writes down
//! what it was really used for; [`biller`] says what that costs. The README of this crate is the manual: the directive
//! language, the control API and all faults. [`traffic`] plays teams and agents, [`standin`] is the gateway that checks first and
//! charges later, [`mod@reference`] a plain ledger, and
//! [`mod@judge`] tells it a gateway's journal and asks it about every refusal. [`mod@witness`] draws requests and the dearest legal use of them.

pub mod biller;
pub mod client;
pub mod faults;
pub mod judge;
pub mod provider;
pub mod reference;
pub mod rng;
pub mod script;
pub mod standin;
pub mod tokens;
pub mod traffic;
pub mod witness;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks even when another thread died holding the lock: the records are still the best there is.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
