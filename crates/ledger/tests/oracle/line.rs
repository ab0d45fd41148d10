//! The reference queue: who goes next among those who wait, found by looking at everybody in order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ledger::{Account, HoldAsk};
use money::Nanos;

use super::model::{Model, narrow, wide};

/// Who waits, in order of arrival.
#[derive(Clone, Debug)]
pub struct Line<T> {
    pub waiting: Vec<(T, HoldAsk, Timestamp)>,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: Vec::new() }
    }
}

impl<T: Copy + Eq> Line<T> {
    /// What a newcomer may ask for now; `None` when it must wait behind somebody.
    pub fn turn(&self, model: &Model, ask: &HoldAsk, now: Timestamp) -> Option<HoldAsk> {
        let limits = model.limits(&model.numbers(), ask, now);
        let senseless = wide(ask.min) < 0 || ask.want < ask.min || ask.want > Nanos::MAX;
        if self.waiting.is_empty() || senseless || !limits.values().all(|(_, available)| fits(ask, *available)) {
            return Some(ask.clone());
        }
        let heads = self.heads(model, now);
        if wide(ask.min) > 0 && heads.iter().any(|head| head.limits.keys().eq(limits.keys())) {
            return None;
        }
        let kept = |account: &Account| -> i128 {
            heads.iter().filter(|head| head.limits.contains_key(account)).map(|head| wide(self.waiting[head.index].1.min)).sum()
        };
        let room = limits.iter().map(|(account, (_, available))| available - kept(account)).min().unwrap_or(i128::MAX);
        fits(ask, room).then(|| within(ask, room))
    }

    /// The next one who has an answer, and what to ask the ledger for it.
    pub fn ready(&mut self, model: &Model, now: Timestamp) -> Option<(T, HoldAsk)> {
        let mut kept: BTreeMap<Account, i128> = BTreeMap::new();
        for head in self.heads(model, now) {
            if let Some(hopeless) = head.hopeless {
                let (token, ask, _) = self.waiting.remove(hopeless);
                return Some((token, ask));
            }
            let ask = &self.waiting[head.index].1;
            let left = |(account, (_, available)): (&Account, &(i128, i128))| available - kept.get(account).copied().unwrap_or(0);
            let room = head.limits.iter().map(left).min().unwrap_or(i128::MAX);
            if fits(ask, room) {
                let (token, ask, _) = self.waiting.remove(head.index);
                return Some((token, within(&ask, room)));
            }
            for account in head.limits.keys() {
                *kept.entry(account.clone()).or_default() += wide(ask.min);
            }
        }
        None
    }

    /// The next one whose time is up.
    pub fn expire(&mut self, until: Timestamp) -> Option<(T, HoldAsk)> {
        let due = self.waiting.iter().enumerate().filter(|(_, (_, _, deadline))| *deadline <= until);
        let (index, _) = due.min_by_key(|(index, (_, _, deadline))| (*deadline, *index))?;
        let (token, ask, _) = self.waiting.remove(index);
        Some((token, ask))
    }

    pub fn leave(&mut self, token: T) {
        self.waiting.retain(|(waiting, _, _)| *waiting != token);
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|(_, _, deadline)| *deadline).min()
    }

    /// The first of those who wait for the same limits, in order of arrival.
    fn heads(&self, model: &Model, now: Timestamp) -> Vec<Head> {
        let mut heads: Vec<Head> = Vec::new();
        let mut lines: BTreeMap<BTreeSet<Account>, usize> = BTreeMap::new();
        if self.waiting.is_empty() {
            return heads;
        }
        let numbers = model.numbers();
        for (index, (_, ask, _)) in self.waiting.iter().enumerate() {
            let limits = model.limits(&numbers, ask, now);
            let line = *lines.entry(limits.keys().cloned().collect()).or_insert(heads.len());
            let hopeless = limits.values().any(|(without_holds, _)| !fits(ask, *without_holds));
            if line == heads.len() {
                heads.push(Head { index, limits, hopeless: None });
            }
            // Of those in a line who never fit any more, the one that needs the most is told first, and of equals the last.
            let most = heads[line].hopeless.map(|index| self.waiting[index].1.min);
            if hopeless && most.is_none_or(|most| most <= ask.min) {
                heads[line].hopeless = Some(index);
            }
        }
        heads
    }
}

struct Head {
    index: usize,
    limits: BTreeMap<Account, (i128, i128)>,
    /// Somebody in its line who never fits any more.
    hopeless: Option<usize>,
}

fn fits(ask: &HoldAsk, room: i128) -> bool {
    wide(ask.min) == 0 || wide(ask.min) <= room
}

fn within(ask: &HoldAsk, room: i128) -> HoldAsk {
    HoldAsk { want: ask.want.min(narrow(room)).max(ask.min), ..ask.clone() }
}
