//! The reference ledger: says what the ledger should say, from the list of everything that was ever held.
//!
//! Written apart from the ledger and as plainly as it can be: it keeps no sums, no index and no cache. A sum is added up
//! from all holds whenever it is asked for; a budget matches when each pair of its selector is found; a period is looked
//! up on the calendar of its zone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};
use ledger::{
    Account, AccountState, AccountView, Attributes, BudgetSpec, BudgetState, ClosedState, Command, Event, Held, HoldAsk, HoldId, HoldState,
    Measure, OnExceed, Posting, PostingKind, Refusal, RefusalCode, RunId, RunSpec, RunState, State,
};
use money::Nanos;

use super::calendar::calendar_period;

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

/// Who is still open, or what it cost in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Open,
    Unresolved,
    Void,
    /// The cost as it is known now.
    Cost(i128),
}

#[derive(Clone, Debug)]
struct Hold {
    held: Held,
    granted: i128,
    lines: Vec<Line>,
    fate: Fate,
    /// How many others had ended before it did.
    ended: usize,
    assumed: bool,
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
    runs: BTreeMap<RunId, RunState>,
    holds: Vec<Hold>,
    /// Accounts by first use, with the end of the period after their own.
    used: BTreeMap<Account, Option<Timestamp>>,
    endings: usize,
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

pub fn wide(amount: Nanos) -> i128 {
    i128::from(amount.get())
}

pub fn narrow(amount: i128) -> Nanos {
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
                Some(known) => match known.spec.limit.map(|limit| wide(limit) + wide(*by)) {
                    Some(raised) if wide(*by) > 0 && raised <= wide(Nanos::MAX) => {
                        Said::Yes(Event::RunLimitSet { at, run: *run, limit: Some(narrow(raised)) })
                    }
                    _ => Said::Invalid,
                },
            },
            Command::SetRunLimit { run, limit } => match self.runs.get(run) {
                None => Said::UnknownRun(*run),
                Some(_) => Said::Yes(Event::RunLimitSet { at, run: *run, limit: *limit }),
            },
            Command::EndRun(run) => match self.runs.get(run) {
                None => Said::UnknownRun(*run),
                Some(known) if known.ended_at.is_some() => Said::Invalid,
                Some(_) => Said::Yes(Event::RunEnded { at, run: *run }),
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
                Some(open) if open.fate == Fate::Unresolved && open.held.assume_at <= at => {
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
            Command::StartRun(spec) => {
                self.runs.insert(spec.id, RunState { spec: spec.clone(), started_at: at, ended_at: None });
            }
            Command::RaiseRun { run, .. } | Command::SetRunLimit { run, .. } => {
                let Event::RunLimitSet { limit, .. } = answer else { panic!("{answer:?}") };
                self.runs.get_mut(run).expect("it exists").spec.limit = *limit;
            }
            Command::EndRun(run) => self.runs.get_mut(run).expect("it exists").ended_at = Some(at),
            Command::Hold(ask) => self.hold(ask, answer, at),
            Command::Settle { hold, cost, estimated } => {
                self.end(*hold, Fate::Cost { cost: wide(*cost), closed_at: at, correctable: *estimated });
            }
            Command::Void(hold) => self.end(*hold, Fate::Void),
            Command::Unresolve(hold) => self.end(*hold, Fate::Unresolved),
            Command::Assume(hold) => {
                let granted = self.open(*hold).expect("it is open").granted;
                self.end(*hold, Fate::Cost { cost: granted, closed_at: at, correctable: true });
                self.holds.iter_mut().rev().find(|known| known.held.id == *hold).expect("it is there").assumed = true;
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
    pub fn known(&self, numbers: &BTreeMap<Account, Numbers>) -> BTreeMap<Account, AccountView> {
        let in_use: BTreeSet<&Account> = self.holds.iter().filter(|hold| self.may_change(hold)).flat_map(accounts_in_use).collect();
        let kept = numbers.iter().filter(|(account, _)| {
            let retire_at = self.used.get(account).copied().flatten();
            in_use.contains(account) || retire_at.is_none_or(|at| Some(at) > self.time)
        });
        kept.map(|(account, numbers)| (account.clone(), self.view(account.clone(), *numbers))).collect()
    }

    /// The accounts that are current: of budgets without `per` always, of others when used.
    pub fn current(&self, numbers: &BTreeMap<Account, Numbers>, now: Timestamp) -> BTreeMap<Account, AccountView> {
        let at = self.clock(now);
        let mut current = BTreeMap::new();
        for budget in self.budgets.values().filter(|budget| !budget.archived) {
            let (start, end) = period(budget, at);
            if budget.spec.per.is_empty() {
                let account = Account::Budget { budget: budget.spec.name.clone(), per: vec![], period_start: start, period_end: end };
                current.insert(account.clone(), self.view(account, Numbers::default()));
            }
            for (account, numbers) in numbers {
                let Account::Budget { budget: name, period_start, period_end, .. } = account else { continue };
                if *name == budget.spec.name && (*period_start, *period_end) == (start, end) {
                    current.insert(account.clone(), self.view(account.clone(), *numbers));
                }
            }
        }
        current
    }

    /// The whole state, as a snapshot has it.
    pub fn state(&self, numbers: &BTreeMap<Account, Numbers>) -> State {
        let used = |account: &Account| self.used.get(account).copied().flatten();
        let account_state = |account: Account| {
            let Numbers { spent, overage, .. } = numbers[&account];
            AccountState { retire_at: used(&account), account, spent, overage }
        };
        let open = |hold: &&Hold| matches!(hold.fate, Fate::Open | Fate::Unresolved);
        let mut open: Vec<&Hold> = self.holds.iter().filter(open).collect();
        open.sort_by_key(|hold| hold.held.id);
        let mut closed: Vec<&Hold> = self.holds.iter().filter(|hold| self.is_correctable(hold)).collect();
        closed.sort_by_key(|hold| hold.ended);
        State {
            time: self.time,
            budgets: self.budgets.values().map(Budget::state).collect(),
            runs: self.runs.values().cloned().collect(),
            accounts: self.known(numbers).into_keys().map(account_state).collect(),
            holds: open.into_iter().map(Hold::open_state).collect(),
            closed: closed.into_iter().map(Hold::closed_state).collect(),
        }
    }

    /// How a hold stands, as its record says.
    pub fn standing(&self, id: HoldId) -> Option<Standing> {
        let hold = self.holds.iter().rev().find(|hold| hold.held.id == id)?;
        Some(match hold.fate {
            Fate::Open => Standing::Open,
            Fate::Unresolved => Standing::Unresolved,
            Fate::Void => Standing::Void,
            Fate::Cost { cost, .. } => Standing::Cost(cost),
        })
    }

    /// The definition of an active budget.
    pub fn budget(&self, name: &str) -> Option<&BudgetSpec> {
        self.budgets.get(name).filter(|budget| !budget.archived).map(|budget| &budget.spec)
    }

    /// Every limit that can refuse an ask: what it is on, what is left without holds, and what is left.
    pub fn limits(&self, numbers: &BTreeMap<Account, Numbers>, ask: &HoldAsk, now: Timestamp) -> BTreeMap<Account, (i128, i128)> {
        let at = self.clock(now);
        let places = self.places(&ask.attributes, ask.run, ask.covered, at).unwrap_or_default();
        let left = |place: Place| {
            let numbers = numbers.get(&place.account).copied().unwrap_or_default();
            let without_holds = place.block? - numbers.spent - numbers.overage;
            Some((place.account, (without_holds, without_holds - numbers.held)))
        };
        places.into_iter().filter_map(left).collect()
    }

    pub fn open_holds(&self) -> BTreeSet<HoldId> {
        self.holds.iter().filter(|hold| matches!(hold.fate, Fate::Open | Fate::Unresolved)).map(|hold| hold.held.id).collect()
    }

    /// Settlements that can still be corrected.
    pub fn corrigible(&self) -> Vec<HoldId> {
        let settled = |hold: &&Hold| matches!(hold.fate, Fate::Cost { correctable: true, .. });
        self.holds.iter().filter(settled).filter(|hold| self.may_change(hold)).map(|hold| hold.held.id).collect()
    }

    /// Unresolved holds whose time is over, in the order in which it was.
    pub fn due(&self, now: Timestamp) -> Vec<HoldId> {
        let at = self.clock(now);
        let due = self.holds.iter().filter(|hold| hold.fate == Fate::Unresolved && hold.held.assume_at <= at);
        let due: BTreeSet<(Timestamp, HoldId)> = due.map(|hold| (hold.held.assume_at, hold.held.id)).collect();
        due.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether a hold was settled because nobody said anything in time.
    pub fn was_assumed(&self, id: HoldId) -> bool {
        self.holds.iter().rev().find(|hold| hold.held.id == id).is_some_and(|hold| hold.assumed)
    }

    /// Open holds on a budget's accounts, and the most that is committed on a current one.
    pub fn on_budget(&self, name: &str, now: Timestamp) -> (usize, i128) {
        let of_it = |account: &Account| matches!(account, Account::Budget { budget, .. } if budget == name);
        let open = self.holds.iter().filter(|hold| matches!(hold.fate, Fate::Open | Fate::Unresolved));
        let holds = open.filter(|hold| hold.lines.iter().any(|line| of_it(&line.account))).count();
        let views = self.current(&self.numbers(), now).into_values().filter(|view| of_it(&view.account));
        let committed = views.map(|view| wide(view.spent) + wide(view.held) + wide(view.overage)).max();
        (holds, committed.unwrap_or(0))
    }

    pub fn granted(&self, hold: HoldId) -> Option<Nanos> {
        self.holds.iter().rev().find(|known| known.held.id == hold).map(|hold| narrow(hold.granted))
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

    /// A run and those above it, itself first.
    pub fn line_of(&self, run: RunId) -> Result<Vec<RunId>, RunId> {
        let mut line = vec![run];
        if let Some(parent) = self.runs.get(&run).ok_or(run)?.spec.parent {
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
            assume_at: at.checked_add(ask.assume_after).unwrap_or(Timestamp::MAX),
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
            let block = if covered { None } else { self.runs[&run].spec.limit.map(wide) };
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
        self.holds.push(Hold { held: held.clone(), granted: wide(held.granted), lines, fate: Fate::Open, ended: 0, assumed: false });
    }

    fn open(&self, id: HoldId) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.held.id == id && matches!(hold.fate, Fate::Open | Fate::Unresolved))
    }

    fn end(&mut self, id: HoldId, fate: Fate) {
        let open = self.holds.iter_mut().find(|hold| hold.held.id == id && matches!(hold.fate, Fate::Open | Fate::Unresolved));
        let hold = open.expect("it is open");
        hold.fate = fate;
        hold.ended = self.endings;
        self.endings += 1;
    }

    fn correctable(&self, id: HoldId) -> Option<(&Hold, i128)> {
        self.holds.iter().find_map(|hold| match hold.fate {
            Fate::Cost { cost, correctable: true, .. } if hold.held.id == id && self.may_change(hold) => Some((hold, cost)),
            _ => None,
        })
    }

    fn correct(&mut self, id: HoldId, new_cost: i128) {
        let index = self
            .holds
            .iter()
            .position(|hold| hold.held.id == id && matches!(hold.fate, Fate::Cost { correctable: true, .. }) && self.may_change(hold));
        let Fate::Cost { cost, .. } = &mut self.holds[index.expect("it can be corrected")].fate else { return };
        *cost = new_cost;
    }

    fn may_change(&self, hold: &Hold) -> bool {
        matches!(hold.fate, Fate::Open | Fate::Unresolved) || self.is_correctable(hold)
    }

    fn is_correctable(&self, hold: &Hold) -> bool {
        let Fate::Cost { correctable: true, closed_at, .. } = hold.fate else { return false };
        self.time.is_none_or(|time| time.as_second() - closed_at.as_second() <= CORRECTABLE_S)
    }

    fn view(&self, account: Account, numbers: Numbers) -> AccountView {
        let limit = match &account {
            Account::Budget { budget, .. } => self.budgets[budget].spec.limit,
            Account::Run(run) => self.runs[run].spec.limit,
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

impl Budget {
    fn state(&self) -> BudgetState {
        BudgetState { spec: self.spec.clone(), archived: self.archived, split_at: self.split_at }
    }
}

impl Hold {
    fn open_state(&self) -> HoldState {
        let counts = self.lines.iter().map(|line| line.counts).collect();
        HoldState { held: self.held.clone(), counts, unresolved: self.fate == Fate::Unresolved }
    }

    fn closed_state(&self) -> ClosedState {
        let Fate::Cost { cost, closed_at, .. } = self.fate else { panic!("{self:?} has no cost") };
        let counting = self.lines.iter().filter(|line| line.counts);
        let accounts = counting.map(|line| (line.account.clone(), narrow(line.held))).collect();
        ClosedState { id: self.held.id, closed_at, cost: narrow(cost), accounts }
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

/// Spent, overage and held of every account, added up from the lines of a journal.
pub fn sums_of(journal: &[Event]) -> BTreeMap<&Account, [i128; 3]> {
    let mut sums: BTreeMap<&Account, [i128; 3]> = BTreeMap::new();
    let mut open: BTreeMap<HoldId, &[(Account, Nanos)]> = BTreeMap::new();
    for event in journal {
        match event {
            Event::Held(held) => drop(open.insert(held.id, &held.accounts)),
            Event::Voided { hold, .. } => drop(open.remove(hold)),
            Event::Settled { hold, postings, .. } | Event::Assumed { hold, postings, .. } | Event::TruedUp { hold, postings, .. } => {
                if !matches!(event, Event::TruedUp { .. }) {
                    open.remove(hold);
                }
                for posting in postings {
                    sums.entry(&posting.account).or_default()[posting.kind as usize] += wide(posting.amount);
                }
            }
            _ => {}
        }
    }
    for (account, amount) in open.values().copied().flatten() {
        sums.entry(account).or_default()[2] += wide(*amount);
    }
    sums
}
