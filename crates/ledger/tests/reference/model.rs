//! The reference ledger: says what the ledger should say, from the list of everything that was ever held.
//!
//! Written apart from the ledger and as plainly as it can be: it keeps no sums, no index and no cache. A sum is added up
//! from all holds whenever it is asked for; a budget matches when each pair of its selector is found; a period is looked
//! up on the calendar of its zone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};
use ledger::{
    Account, AccountView, Attributes, BudgetSpec, Command, Event, Held, HoldAsk, HoldId, Measure, OnExceed, Posting, PostingKind, Refusal,
    RefusalCode, RunId, RunSpec,
};
use money::Nanos;

use crate::calendar::calendar_period;

/// Days for which an estimate or an assumption can be corrected.
const CORRECTABLE_S: i64 = 45 * 24 * 3600;

/// A quarter: what one grant takes at most of what a run has left.
const RUN_SHARE: i128 = 250;

const DEEPEST_RUN: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Yes(Event),
    Refused(Refusal),
    NotOpen,
    UnknownRun(RunId),
    UnknownBudget,
    Invalid,
}

#[derive(Clone, Debug)]
struct Budget {
    spec: BudgetSpec,
    archived: bool,
    split_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Line {
    account: Account,
    held: i128,
    counts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Unresolved,
    Void,
    Cost { cost: i128, closed_at: Timestamp, correctable: bool },
}

#[derive(Clone, Debug)]
struct Hold {
    id: HoldId,
    granted: i128,
    assume_at: Timestamp,
    lines: Vec<Line>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    pub spent: i128,
    pub held: i128,
    pub overage: i128,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub time: Option<Timestamp>,
    budgets: BTreeMap<String, Budget>,
    runs: BTreeMap<RunId, (RunSpec, bool)>,
    holds: Vec<Hold>,
    /// Accounts by first use, with the end of the period after their own.
    used: BTreeMap<Account, Option<Timestamp>>,
}

/// One account as a call meets it.
struct Place {
    account: Account,
    /// Block limit, shadow limit.
    block: Option<i128>,
    shadow: Option<i128>,
    share: i128,
    counts: bool,
    resets_at: Option<Timestamp>,
}

fn wide(amount: Nanos) -> i128 {
    i128::from(amount.get())
}

fn narrow(amount: i128) -> Nanos {
    Nanos::new(amount.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

impl Model {
    /// What the ledger should answer; changes nothing.
    pub fn ask(&self, command: &Command, now: Timestamp) -> Said {
        let at = self.clock(now);
        match command {
            Command::PutBudget(spec) => match spec.limit.is_none_or(|limit| (0..=wide(Nanos::MAX)).contains(&wide(limit))) {
                true => Said::Yes(Event::BudgetPut { at, spec: spec.clone() }),
                false => Said::Invalid,
            },
            Command::RemoveBudget(name) => match self.budgets.get(name) {
                Some(budget) if !budget.archived => Said::Yes(Event::BudgetRemoved { at, name: name.clone() }),
                _ => Said::UnknownBudget,
            },
            Command::StartRun(spec) => self.ask_start(spec, at),
            Command::RaiseRun { run, by } => match self.runs.get(run) {
                None => Said::UnknownRun(*run),
                Some((RunSpec { limit: Some(limit), .. }, _)) if wide(*by) > 0 && wide(*limit) + wide(*by) <= wide(Nanos::MAX) => {
                    Said::Yes(Event::RunLimitSet { at, run: *run, limit: Some(narrow(wide(*limit) + wide(*by))) })
                }
                Some(_) => Said::Invalid,
            },
            Command::SetRunLimit { run, limit } => match self.runs.get(run) {
                None => Said::UnknownRun(*run),
                Some(_) => Said::Yes(Event::RunLimitSet { at, run: *run, limit: *limit }),
            },
            Command::EndRun(run) => match self.runs.get(run) {
                None => Said::UnknownRun(*run),
                Some((_, true)) => Said::Invalid,
                Some((_, false)) => Said::Yes(Event::RunEnded { at, run: *run }),
            },
            Command::Hold(ask) => self.ask_hold(ask, at),
            Command::Settle { hold, cost, estimated } => match self.open(*hold) {
                None => Said::NotOpen,
                Some(_) if wide(*cost) < 0 => Said::Invalid,
                Some(open) => {
                    let postings = postings(&open.lines, 0, wide(*cost));
                    Said::Yes(Event::Settled { at, hold: *hold, cost: *cost, estimated: *estimated, postings })
                }
            },
            Command::Void(hold) => match self.open(*hold) {
                None => Said::NotOpen,
                Some(_) => Said::Yes(Event::Voided { at, hold: *hold }),
            },
            Command::Unresolve(hold) => match self.open(*hold) {
                Some(open) if open.fate == Fate::Open => Said::Yes(Event::Unresolved { at, hold: *hold }),
                _ => Said::NotOpen,
            },
            Command::Assume(hold) => match self.open(*hold) {
                Some(open) if open.fate == Fate::Unresolved && open.assume_at <= at => {
                    Said::Yes(Event::Assumed { at, hold: *hold, postings: postings(&open.lines, 0, open.granted) })
                }
                _ => Said::NotOpen,
            },
            Command::TrueUp { hold, cost } => match self.correctable(*hold) {
                None => Said::NotOpen,
                Some(_) if wide(*cost) < 0 => Said::Invalid,
                Some((settled, before)) => {
                    let postings = postings(&settled.lines, before, wide(*cost));
                    Said::Yes(Event::TruedUp { at, hold: *hold, cost: *cost, postings })
                }
            },
        }
    }

    /// Does what was asked and answered with yes.
    pub fn make(&mut self, command: &Command, answer: &Event, now: Timestamp) {
        let at = self.clock(now);
        match command {
            Command::PutBudget(spec) => self.put(spec, at),
            Command::RemoveBudget(name) => self.budgets.get_mut(name).expect("it exists").archived = true,
            Command::StartRun(spec) => drop(self.runs.insert(spec.id, (spec.clone(), false))),
            Command::RaiseRun { run, .. } | Command::SetRunLimit { run, .. } => {
                let Event::RunLimitSet { limit, .. } = answer else { panic!("{answer:?}") };
                self.runs.get_mut(run).expect("it exists").0.limit = *limit;
            }
            Command::EndRun(run) => self.runs.get_mut(run).expect("it exists").1 = true,
            Command::Hold(ask) => self.hold(ask, answer, at),
            Command::Settle { hold, cost, estimated } => {
                self.end(*hold, Fate::Cost { cost: wide(*cost), closed_at: at, correctable: *estimated });
            }
            Command::Void(hold) => self.end(*hold, Fate::Void),
            Command::Unresolve(hold) => self.end(*hold, Fate::Unresolved),
            Command::Assume(hold) => {
                let granted = self.open(*hold).expect("it is open").granted;
                self.end(*hold, Fate::Cost { cost: granted, closed_at: at, correctable: true });
            }
            Command::TrueUp { hold, cost } => self.correct(*hold, wide(*cost)),
        }
        self.time = Some(at);
    }

    pub fn clock(&self, now: Timestamp) -> Timestamp {
        self.time.map_or(now, |time| now.max(time))
    }

    /// Sums over everything that was ever held there.
    pub fn numbers(&self) -> BTreeMap<Account, Numbers> {
        let mut all: BTreeMap<Account, Numbers> = self.used.keys().map(|account| (account.clone(), Numbers::default())).collect();
        all.extend(self.runs.keys().map(|run| (Account::Run(*run), Numbers::default())));
        for hold in &self.holds {
            for line in &hold.lines {
                let numbers = all.get_mut(&line.account).expect("every line's account was used");
                match hold.fate {
                    Fate::Open | Fate::Unresolved => numbers.held += line.held,
                    Fate::Cost { cost, .. } if line.counts => {
                        numbers.spent += cost.min(line.held);
                        numbers.overage += (cost - line.held).max(0);
                    }
                    Fate::Cost { .. } | Fate::Void => {}
                }
            }
        }
        all
    }

    /// What is in memory: all runs, and accounts that are young enough or that something may still change.
    pub fn known(&self) -> BTreeMap<Account, AccountView> {
        let in_use: BTreeSet<&Account> = self.holds.iter().filter(|hold| self.may_change(hold)).flat_map(accounts_in_use).collect();
        let numbers = self.numbers();
        let kept = numbers.into_iter().filter(|(account, _)| {
            let retire_at = self.used.get(account).copied().flatten();
            in_use.contains(account) || retire_at.is_none_or(|at| Some(at) > self.time)
        });
        kept.map(|(account, numbers)| (account.clone(), self.view(account, numbers))).collect()
    }

    /// The accounts that are current: of budgets without `per` always, of others when used.
    pub fn current(&self, now: Timestamp) -> BTreeMap<Account, AccountView> {
        let (at, numbers) = (self.clock(now), self.numbers());
        let mut current = BTreeMap::new();
        for budget in self.budgets.values().filter(|budget| !budget.archived) {
            let (start, end) = period(budget, at);
            if budget.spec.per.is_empty() {
                let account = Account::Budget { budget: budget.spec.name.clone(), per: vec![], period_start: start, period_end: end };
                current.insert(account.clone(), self.view(account, Numbers::default()));
            }
            for (account, numbers) in &numbers {
                let Account::Budget { budget: name, period_start, period_end, .. } = account else { continue };
                if *name == budget.spec.name && (*period_start, *period_end) == (start, end) {
                    current.insert(account.clone(), self.view(account.clone(), *numbers));
                }
            }
        }
        current
    }

    pub fn open_holds(&self) -> BTreeSet<HoldId> {
        self.holds.iter().filter(|hold| matches!(hold.fate, Fate::Open | Fate::Unresolved)).map(|hold| hold.id).collect()
    }

    /// Settlements that can still be corrected.
    pub fn corrigible(&self) -> Vec<HoldId> {
        let settled = |hold: &&Hold| matches!(hold.fate, Fate::Cost { correctable: true, .. });
        self.holds.iter().filter(settled).filter(|hold| self.may_change(hold)).map(|hold| hold.id).collect()
    }

    pub fn due(&self, now: Timestamp) -> BTreeSet<HoldId> {
        let at = self.clock(now);
        self.holds.iter().filter(|hold| hold.fate == Fate::Unresolved && hold.assume_at <= at).map(|hold| hold.id).collect()
    }

    pub fn granted(&self, hold: HoldId) -> Option<Nanos> {
        self.holds.iter().rev().find(|known| known.id == hold).map(|hold| narrow(hold.granted))
    }

    /// What is left of the least of the limits that can refuse an ask.
    pub fn least_available(&self, attributes: &Attributes, run: Option<RunId>, now: Timestamp) -> Option<i128> {
        let numbers = self.numbers();
        let places = self.places(attributes, run, false, self.clock(now)).ok()?;
        places.iter().filter_map(|place| Some(place.block? - committed(&numbers, &place.account))).min()
    }

    /// The first instant of the period after the current one of some budget.
    pub fn next_boundary(&self, nth: usize, now: Timestamp) -> Option<Timestamp> {
        let budgets: Vec<&Budget> = self.budgets.values().collect();
        period(budgets.get(nth % budgets.len().max(1))?, self.clock(now)).1
    }

    fn ask_start(&self, spec: &RunSpec, at: Timestamp) -> Said {
        if self.runs.contains_key(&spec.id) {
            return Said::Invalid;
        }
        match spec.parent.map(|parent| self.line_of(parent)) {
            Some(Err(unknown)) => Said::UnknownRun(unknown),
            Some(Ok(line)) if line.len() >= DEEPEST_RUN => Said::Invalid,
            _ => Said::Yes(Event::RunStarted { at, spec: spec.clone() }),
        }
    }

    fn line_of(&self, run: RunId) -> Result<Vec<RunId>, RunId> {
        let (spec, _) = self.runs.get(&run).ok_or(run)?;
        let mut line = vec![run];
        if let Some(parent) = spec.parent {
            line.extend(self.line_of(parent)?);
        }
        Ok(line)
    }

    fn ask_hold(&self, ask: &HoldAsk, at: Timestamp) -> Said {
        if !(0 <= wide(ask.min) && ask.min <= ask.want && ask.want <= Nanos::MAX) {
            return Said::Invalid;
        }
        if self.open(ask.id).is_some() || self.correctable(ask.id).is_some() {
            return Said::Invalid;
        }
        let places = match self.places(&ask.attributes, ask.run, ask.covered, at) {
            Ok(places) => places,
            Err(unknown) => return Said::UnknownRun(unknown),
        };
        let numbers = self.numbers();
        let mut refusals: Vec<(bool, i128, Refusal)> = Vec::new();
        let mut granted = wide(ask.want);
        for place in &places {
            let Some(limit) = place.block else { continue };
            let available = limit - committed(&numbers, &place.account);
            if ask.min > Nanos::ZERO && wide(ask.min) > available {
                let refusal = refusal(place, limit, numbers.get(&place.account).copied().unwrap_or_default(), ask.min);
                refusals.push((refusal.code == RefusalCode::Held, available, refusal));
            }
            let share = if available > 0 { available * place.share / 1000 } else { 0 };
            granted = granted.min(share.max(wide(ask.min)));
        }
        refusals.sort_by(|a, b| (a.0, a.1, &a.2.account).cmp(&(b.0, b.1, &b.2.account)));
        if let Some((_, _, worst)) = refusals.into_iter().next() {
            return Said::Refused(worst);
        }
        let over = |place: &&Place| {
            place.shadow.is_some_and(|limit| wide(ask.min) > 0 && wide(ask.min) > limit - committed(&numbers, &place.account))
        };
        Said::Yes(Event::Held(Held {
            id: ask.id,
            at,
            granted: narrow(granted),
            accounts: places
                .iter()
                .map(|place| (place.account.clone(), if place.counts { narrow(granted) } else { Nanos::ZERO }))
                .collect(),
            assume_at: ask.assume_at,
            covered: ask.covered,
            shadowed: places.iter().filter(over).map(|place| place.account.clone()).collect(),
        }))
    }

    fn places(&self, attributes: &Attributes, run: Option<RunId>, covered: bool, at: Timestamp) -> Result<Vec<Place>, RunId> {
        let mut places = Vec::new();
        for budget in self.budgets.values() {
            let matches = budget.spec.matches.iter().all(|(name, value)| attributes.get(name).is_some_and(|has| has == value));
            if budget.archived || !matches {
                continue;
            }
            let (period_start, period_end) = period(budget, at);
            let per = budget.spec.per.iter().map(|name| attributes.get(name).cloned().unwrap_or(String::new())).collect();
            let counts = !(covered && budget.spec.measure == Measure::Billed);
            let limit = if counts && !budget.spec.paused { budget.spec.limit.map(wide) } else { None };
            places.push(Place {
                account: Account::Budget { budget: budget.spec.name.clone(), per, period_start, period_end },
                block: if budget.spec.on_exceed == OnExceed::Block { limit } else { None },
                shadow: if budget.spec.on_exceed == OnExceed::Shadow { limit } else { None },
                share: i128::from(budget.spec.grant_share_thousandths),
                counts,
                resets_at: period_end,
            });
        }
        for run in run.map_or(Ok(Vec::new()), |run| self.line_of(run))? {
            let block = if covered { None } else { self.runs[&run].0.limit.map(wide) };
            places.push(Place { account: Account::Run(run), block, shadow: None, share: RUN_SHARE, counts: !covered, resets_at: None });
        }
        Ok(places)
    }

    fn put(&mut self, spec: &BudgetSpec, at: Timestamp) {
        let mut split_at = None;
        if let Some(old) = self.budgets.get(&spec.name) {
            split_at = old.split_at;
            if old.spec.per != spec.per {
                let latest = old.split_at.unwrap_or(at).max(at);
                split_at = Some(latest.checked_add(1.nanosecond()).expect("in range"));
            }
        }
        self.budgets.insert(spec.name.clone(), Budget { spec: spec.clone(), archived: false, split_at });
    }

    fn hold(&mut self, ask: &HoldAsk, answer: &Event, at: Timestamp) {
        let Event::Held(held) = answer else { panic!("{answer:?}") };
        let places = self.places(&ask.attributes, ask.run, ask.covered, at).expect("it was granted");
        let mut lines = Vec::new();
        for place in places {
            if let Account::Budget { budget, .. } = &place.account {
                let next_end = place.resets_at.and_then(|end| period(&self.budgets[budget], end).1);
                self.used.entry(place.account.clone()).or_insert(next_end);
            }
            lines.push(Line { held: if place.counts { wide(held.granted) } else { 0 }, counts: place.counts, account: place.account });
        }
        self.holds.push(Hold { id: ask.id, granted: wide(held.granted), assume_at: ask.assume_at, lines, fate: Fate::Open });
    }

    fn open(&self, id: HoldId) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.id == id && matches!(hold.fate, Fate::Open | Fate::Unresolved))
    }

    fn end(&mut self, id: HoldId, fate: Fate) {
        let open = self.holds.iter_mut().find(|hold| hold.id == id && matches!(hold.fate, Fate::Open | Fate::Unresolved));
        open.expect("it is open").fate = fate;
    }

    fn correctable(&self, id: HoldId) -> Option<(&Hold, i128)> {
        self.holds.iter().find_map(|hold| match hold.fate {
            Fate::Cost { cost, correctable: true, .. } if hold.id == id && self.may_change(hold) => Some((hold, cost)),
            _ => None,
        })
    }

    fn correct(&mut self, id: HoldId, new_cost: i128) {
        let index = self
            .holds
            .iter()
            .position(|hold| hold.id == id && matches!(hold.fate, Fate::Cost { correctable: true, .. }) && self.may_change(hold));
        let Fate::Cost { cost, .. } = &mut self.holds[index.expect("it can be corrected")].fate else { return };
        *cost = new_cost;
    }

    fn may_change(&self, hold: &Hold) -> bool {
        match hold.fate {
            Fate::Open | Fate::Unresolved => true,
            Fate::Cost { correctable: true, closed_at, .. } => {
                self.time.is_none_or(|time| time.as_second() - closed_at.as_second() <= CORRECTABLE_S)
            }
            Fate::Cost { .. } | Fate::Void => false,
        }
    }

    fn view(&self, account: Account, numbers: Numbers) -> AccountView {
        let limit = match &account {
            Account::Budget { budget, .. } => self.budgets[budget].spec.limit,
            Account::Run(run) => self.runs[run].0.limit,
        };
        let left = limit.map(|limit| wide(limit) - numbers.spent - numbers.held - numbers.overage);
        AccountView {
            account,
            limit,
            spent: narrow(numbers.spent),
            held: narrow(numbers.held),
            overage: narrow(numbers.overage),
            remaining: left.map(|left| narrow(left.max(0))),
        }
    }
}

fn accounts_in_use(hold: &Hold) -> impl Iterator<Item = &Account> {
    let open = matches!(hold.fate, Fate::Open | Fate::Unresolved);
    hold.lines.iter().filter(move |line| open || line.counts).map(|line| &line.account)
}

fn committed(numbers: &BTreeMap<Account, Numbers>, account: &Account) -> i128 {
    numbers.get(account).map_or(0, |numbers| numbers.spent + numbers.held + numbers.overage)
}

fn refusal(place: &Place, limit: i128, numbers: Numbers, needed: Nanos) -> Refusal {
    let never = wide(needed) > limit - numbers.spent - numbers.overage;
    Refusal {
        code: if never { RefusalCode::NeverFits } else { RefusalCode::Held },
        account: place.account.clone(),
        limit: narrow(limit),
        spent: narrow(numbers.spent),
        held: narrow(numbers.held),
        overage: narrow(numbers.overage),
        needed,
        resets_at: place.resets_at,
    }
}

/// The lines that turn `before` into `after` on each account where the cost counts.
fn postings(lines: &[Line], before: i128, after: i128) -> Vec<Posting> {
    let mut postings = Vec::new();
    for line in lines.iter().filter(|line| line.counts) {
        let spent = after.min(line.held) - before.min(line.held);
        let overage = (after - line.held).max(0) - (before - line.held).max(0);
        for (kind, amount) in [(PostingKind::Spent, spent), (PostingKind::Overage, overage)] {
            if amount != 0 {
                postings.push(Posting { account: line.account.clone(), kind, amount: narrow(amount) });
            }
        }
    }
    postings
}

fn period(budget: &Budget, at: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    match budget.split_at {
        None => calendar_period(&budget.spec, at),
        Some(split) => {
            let (start, end) = calendar_period(&budget.spec, at.max(split));
            (Some(start.map_or(split, |start| start.max(split))), end)
        }
    }
}
