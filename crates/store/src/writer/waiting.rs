//! Who waits for holds to settle, in order of arrival among those that share an account.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use ledger::{Account, Ledger};

use super::job::HoldJob;

/// A waiting hold and when its wait is over, on the monotonic clock.
pub(crate) struct Waiter {
    pub(crate) job: HoldJob,
    pub(crate) until: Duration,
}

/// Waiting holds.
#[derive(Default)]
pub(crate) struct Waiting {
    waiters: VecDeque<Waiter>,
}

/// Accounts on which somebody who came earlier still waits.
#[derive(Debug, Default)]
pub(crate) struct Taken(BTreeSet<Account>);

impl Taken {
    /// Whether a hold must wait behind somebody.
    pub(crate) fn blocks(&self, ledger: &Ledger, job: &HoldJob, now: Timestamp) -> bool {
        !self.0.is_empty() && accounts(ledger, job, now).any(|account| self.0.contains(&account))
    }

    /// Everybody who comes later and shares an account waits behind this one.
    pub(crate) fn take(&mut self, ledger: &Ledger, job: &HoldJob, now: Timestamp) {
        self.0.extend(accounts(ledger, job, now));
    }
}

fn accounts(ledger: &Ledger, job: &HoldJob, now: Timestamp) -> impl Iterator<Item = Account> {
    let views = ledger.matching_accounts(&job.ask.attributes, job.ask.run, now);
    views.into_iter().filter(|view| view.limit.is_some()).map(|view| view.account)
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(crate) fn push(&mut self, waiter: Waiter) {
        self.waiters.push_back(waiter);
    }

    /// Takes everybody out, in order of arrival; those who left are forgotten.
    pub(crate) fn take_all(&mut self) -> Vec<Waiter> {
        self.waiters.drain(..).filter(|waiter| !waiter.job.reply.is_closed()).collect()
    }

    /// When the first wait is over.
    pub(crate) fn next_until(&self) -> Option<Duration> {
        self.waiters.iter().map(|waiter| waiter.until).min()
    }
}
