//! Bookkeeping of the oracle's own: what each account, hold and limit is after each line, in wide integers.

use std::collections::BTreeMap;

use super::Findings;
use super::line::{Hold, Line, Name, Posting, Share, State, by_account};

/// What the lines so far sum to.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) accounts: BTreeMap<Name, Sums>,
    /// Limits of budgets in force that block.
    pub(crate) budgets: BTreeMap<String, Option<i64>>,
    runs: BTreeMap<String, Option<i64>>,
    /// Open holds, and whether their outcome is unknown.
    pub(crate) open: BTreeMap<String, (Hold, bool)>,
    /// Where holds ended that the walk has seen, or that can still be corrected.
    pub(crate) ended: BTreeMap<String, Ended>,
}

/// One account, in nano-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) spent: i128,
    pub(crate) overage: i128,
    pub(crate) held: i128,
}

/// How a hold ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) status: &'static str,
    pub(crate) granted: i64,
    pub(crate) cost: Option<i64>,
    /// Whether the walk saw the hold itself, and not only what a snapshot kept of it.
    pub(crate) seen: bool,
    shares: Vec<Share>,
}

impl Books {
    /// Starts from a snapshot.
    pub(crate) fn from_state(state: State) -> Self {
        let mut books = Self::default();
        for budget in state.budgets {
            books.put_budget(budget);
        }
        books.runs.extend(state.runs.into_iter().map(|run| (run.id, run.limit)));
        for account in state.accounts {
            books.accounts.insert(account.account, Sums { spent: account.spent, overage: account.overage, held: 0 });
        }
        for hold in state.holds {
            books.hold_shares(&hold.held, 1);
            books.open.insert(hold.held.id.clone(), (hold.held, hold.unresolved));
        }
        for closed in state.closed {
            let ended = Ended { status: "assumed", granted: 0, cost: Some(closed.cost), seen: false, shares: closed.accounts };
            books.ended.insert(closed.id, ended);
        }
        books
    }

    fn put_budget(&mut self, budget: super::line::Budget) {
        let blocks = budget.on_exceed == "block" && !budget.paused;
        self.budgets.insert(budget.name, budget.limit.filter(|_| blocks));
    }

    fn hold_shares(&mut self, hold: &Hold, sign: i128) {
        for share in &hold.accounts {
            self.accounts.entry(share.account.clone()).or_default().held += sign * i128::from(share.amount);
        }
    }

    /// Reads one line. Returns how many lines of money it had.
    pub(crate) fn read(&mut self, line: Line, findings: &mut Findings) -> u64 {
        match line {
            Line::BudgetPut { spec } => self.put_budget(spec),
            Line::BudgetRemoved { name } => drop(self.budgets.remove(&name)),
            Line::RunStarted { spec } => drop(self.runs.insert(spec.id, spec.limit)),
            Line::RunLimitSet { run, limit } => drop(self.runs.insert(run, limit)),
            Line::RunEnded {} => {}
            Line::Held(hold) => self.held(hold, findings),
            Line::Settled { hold, cost, estimated, postings } => return self.settled(&hold, cost, estimated, &postings, findings),
            Line::Voided { hold } => drop(self.close(&hold, "voided", None, findings)),
            Line::Unresolved { hold } => match self.open.get_mut(&hold) {
                Some((_, unresolved)) => *unresolved = true,
                None => findings.add(format!("hold {hold} became unresolved but isn't open")),
            },
            Line::Assumed { hold, postings } => return self.assumed(&hold, &postings, findings),
            Line::TruedUp { hold, cost, postings } => return self.trued_up(&hold, cost, &postings, findings),
        }
        0
    }

    /// The promise itself: spent + held + overage ≤ limit after every admission, on every account that can refuse.
    fn held(&mut self, hold: Hold, findings: &mut Findings) {
        let known = self.open.contains_key(&hold.id) || self.ended.contains_key(&hold.id);
        findings.check(!known, || format!("hold {} was granted twice", hold.id));
        self.hold_shares(&hold, 1);
        for share in hold.accounts.iter().filter(|share| share.amount > 0) {
            findings.check(share.amount == hold.granted, || format!("hold {} holds another amount on {}", hold.id, share.account));
            let Some(limit) = self.limit(&share.account) else { continue };
            let sums = self.accounts.get(&share.account).copied().unwrap_or_default();
            let committed = sums.spent + sums.overage + sums.held;
            findings.check(committed <= i128::from(limit), || {
                format!("hold {} was granted beyond the limit of {}: {committed} > {limit} nano-dollars", hold.id, share.account)
            });
        }
        self.open.insert(hold.id.clone(), (hold, false));
    }

    fn limit(&self, account: &str) -> Option<i64> {
        let value: serde_json::Value = serde_json::from_str(account).ok()?;
        match value.get("run") {
            Some(run) => *self.runs.get(run.as_str()?)?,
            None => *self.budgets.get(value.get("budget")?.get("name")?.as_str()?)?,
        }
    }

    fn close(&mut self, id: &str, status: &'static str, cost: Option<i64>, findings: &mut Findings) -> Option<Hold> {
        let Some((hold, _)) = self.open.remove(id) else {
            findings.add(format!("hold {id} was {status} but isn't open"));
            return None;
        };
        self.hold_shares(&hold, -1);
        self.ended.insert(id.to_owned(), Ended { status, granted: hold.granted, cost, seen: true, shares: hold.accounts.clone() });
        Some(hold)
    }

    fn settled(&mut self, id: &str, cost: i64, _estimated: bool, postings: &[Posting], findings: &mut Findings) -> u64 {
        if let Some(hold) = self.close(id, "settled", Some(cost), findings) {
            check_postings(id, &hold.accounts, hold.covered, 0, cost, postings, findings);
        }
        self.post(postings)
    }

    fn assumed(&mut self, id: &str, postings: &[Posting], findings: &mut Findings) -> u64 {
        let granted = self.open.get(id).map(|(hold, _)| hold.granted);
        let unresolved = self.open.get(id).is_some_and(|(_, unresolved)| *unresolved);
        findings.check(unresolved, || format!("hold {id} was assumed spent but its outcome wasn't unknown"));
        if let Some(hold) = self.close(id, "assumed", granted, findings) {
            check_postings(id, &hold.accounts, hold.covered, 0, hold.granted, postings, findings);
        }
        self.post(postings)
    }

    fn trued_up(&mut self, id: &str, cost: i64, postings: &[Posting], findings: &mut Findings) -> u64 {
        match self.ended.get_mut(id) {
            Some(ended) if ended.status != "voided" => {
                let before = ended.cost.replace(cost).unwrap_or(0);
                ended.status = "settled";
                check_postings(id, &ended.shares, true, before, cost, postings, findings);
            }
            _ => findings.add(format!("hold {id} was trued up but never settled")),
        }
        self.post(postings)
    }

    fn post(&mut self, postings: &[Posting]) -> u64 {
        for (account, (spent, overage)) in by_account(postings) {
            let sums = self.accounts.entry(account.to_owned()).or_default();
            sums.spent += spent;
            sums.overage += overage;
        }
        postings.len() as u64
    }
}

/// The lines of a settlement bring each of the hold's accounts from cost `before` to cost `after`: within the hold as
/// spent, beyond it as overage. Where a covered call counts as nothing there is no line.
fn check_postings(id: &str, shares: &[Share], covered: bool, before: i64, after: i64, postings: &[Posting], findings: &mut Findings) {
    let mut posted = by_account(postings);
    for share in shares {
        let found = posted.remove(share.account.as_str()).unwrap_or_default();
        let split = |cost: i64| (i128::from(cost.min(share.amount)), i128::from(cost - cost.min(share.amount)));
        let (was, is) = (split(before), split(after));
        let due = (is.0 - was.0, is.1 - was.1);
        let counts_as_nothing = covered && share.amount == 0 && found == (0, 0);
        findings.check(found == due || counts_as_nothing, || {
            format!("hold {id} posted {found:?} (spent, overage) on {}, its cost says {due:?} nano-dollars", share.account)
        });
    }
    for account in posted.keys() {
        findings.add(format!("hold {id} posted on {account}, which it doesn't count on"));
    }
}
