//! [`PriceBook::charge`]: the bill of a period, from list prices through allowances to the plan's minimum.
//!
//! Calls are priced one by one at list ([`PriceBook::cost`]); what a plan gives back or demands shows only when a period is
//! over. A charge starts with every line at list, takes off what is free, takes off what the pool of the seats covers,
//! and ends at the minimum if that is more. It is exact, is rounded once, and its lines sum to its total.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use money::{Exact, Nanos, Rate, apportion};

use crate::cost::add_line;
use crate::resolve::{Best, Scope};
use crate::{Allowance, Grant, Meter, Metered, Period, Price, PriceBook, PriceQuery, Rule, TierMode, Unpriced};

/// What was used in one period under one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodUse {
    /// Who sends the bill.
    pub seller: String,
    /// The plan; empty where there is none.
    pub plan: String,
    /// How many seats fill the pool. Their fee is a use of its own (`seat_month`).
    pub seats: u64,
    /// Which allowances start anew with this period. What is free each day is charged day by day, since a day without
    /// use leaves nothing for the next.
    pub period: Period,
    /// The start of the period, at whose prices it is charged.
    pub at: Timestamp,
    /// As known at this time.
    pub as_of: Timestamp,
    /// What was counted over the period.
    pub used: Vec<Used>,
    /// What the period's calls cost at list, each priced when it was made.
    pub calls: Nanos,
}

/// A count of one meter over a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// What was used.
    pub sku: String,
    /// Where; empty where that means nothing.
    pub region: String,
    /// What else selects the price, such as `term`.
    pub select: BTreeMap<String, String>,
    /// How much.
    pub counted: Metered,
}

/// The bill of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Rounded once, half to even; never below zero.
    pub total: Nanos,
    /// Lines whose `nanos` sum to `total`, in order: list, allowances, minimum.
    pub lines: Vec<ChargeLine>,
}

impl Charge {
    /// The sum of the lines of one kind.
    #[must_use]
    pub fn sum(&self, kind: ChargeKind) -> i64 {
        self.lines.iter().filter(|line| line.kind == kind).map(|line| line.nanos.get()).sum()
    }
}

/// One line of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeLine {
    /// What the line does.
    pub kind: ChargeKind,
    /// What it is about: `openai/vector_store gib_day`, `calls`, or the plan.
    pub what: String,
    /// How many units; 0 for amounts without units.
    pub quantity: u64,
    /// The rate of a unit at list; `None` for amounts without units and for what is given back.
    pub rate: Option<Rate>,
    /// What it adds; below zero for an allowance.
    pub nanos: Nanos,
    /// The rule or allowance, as a person can look it up.
    pub rule: String,
}

/// What a line of a charge does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChargeKind {
    /// A price at list.
    List,
    /// What the plan gives back.
    Allowance,
    /// What the plan demands on top, so that the bill reaches its minimum.
    Minimum,
}

/// Why a period can't be charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeError {
    /// A meter without a price.
    Unpriced(Unpriced),
    /// A meter whose bands are those of single requests: a period's sum doesn't tell which applied. Price the calls and
    /// pass their sum.
    PricedByCall(String),
    /// An amount or a count beyond the range of money.
    OutOfRange,
}

impl fmt::Display for ChargeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpriced(unpriced) => unpriced.fmt(f),
            Self::PricedByCall(what) => write!(f, "{what} is priced by the size of each request; price its calls and pass their sum"),
            Self::OutOfRange => f.write_str("an amount beyond the range of money"),
        }
    }
}

impl std::error::Error for ChargeError {}

/// One use at list, and what of it is free so far.
struct Listed<'a> {
    used: Used,
    best: Best<'a>,
    free: u64,
}

/// A line before the total is rounded.
struct Open {
    line: ChargeLine,
    amount: Exact,
}

impl PriceBook {
    /// The allowances of a plan at a time, as known at another: of those that replace each other the one that ranks
    /// first (the operator's, the plan's own, contract before promotion before list, the latest, the first by id).
    #[must_use]
    pub fn allowances(&self, seller: &str, plan: &str, at: Timestamp, as_of: Timestamp) -> Vec<&Allowance> {
        let applies = |row: &&Allowance| {
            let whose = row.seller == seller && (row.plan.is_empty() || row.plan == plan);
            whose && row.valid.contains(at) && row.recorded.contains(as_of)
        };
        let mut rows: Vec<&Allowance> = self.of(seller).rows().allowances.iter().filter(applies).collect();
        rows.sort_by(|a, b| {
            let rank = |row: &Allowance| (row.layer, !row.plan.is_empty(), row.price_kind, row.valid.from);
            rank(b).cmp(&rank(a)).then_with(|| a.id.cmp(&b.id))
        });
        let mut chosen: Vec<&Allowance> = Vec::new();
        for row in rows {
            let is_replaced = |other: &&Allowance| other.sku == row.sku && other.every == row.every && other.grant.is_like(&row.grant);
            if !chosen.iter().any(is_replaced) {
                chosen.push(row);
            }
        }
        chosen
    }

    /// The bill of a period.
    ///
    /// # Errors
    /// A meter without a price or priced by the size of a request, or an amount beyond the range of money.
    pub fn charge(&self, period: &PeriodUse) -> Result<Charge, ChargeError> {
        let used = merged(&period.used)?;
        let queries: Vec<PriceQuery> = used.iter().map(|used| query(period, used)).collect();
        let listed = used.into_iter().zip(&queries).map(|(used, query)| self.listed(used, query));
        let mut listed: Vec<Listed<'_>> = listed.collect::<Result<_, _>>()?;
        let mut open = Vec::new();
        for listed in &listed {
            open.extend(listed.lines()?);
        }
        if period.calls > Nanos::ZERO {
            open.push(plain(ChargeKind::List, "calls", "priced call by call", period.calls.into()));
        }
        let allowances = self.allowances(&period.seller, &period.plan, period.at, period.as_of);
        let allowances = || allowances.iter().filter(|row| row.every == period.period);
        for row in allowances() {
            open.extend(free_units(row, &mut listed)?);
        }
        open.extend(pooled(allowances().copied(), period)?);
        open.extend(topped_up(allowances().copied(), &open)?);
        close(open)
    }

    fn listed<'a>(&'a self, used: Used, query: &'a PriceQuery) -> Result<Listed<'a>, ChargeError> {
        let unpriced = |meter: Option<&Meter>| {
            let meter = meter.map(|meter| crate::cost::described(meter, &used.counted.attrs));
            ChargeError::Unpriced(Unpriced { seller: query.seller.clone(), model: query.model.clone(), meter })
        };
        let scope = Scope::new(self, query, None).ok_or_else(|| unpriced(None))?;
        let best = scope.best(&used.counted.meter, &used.counted.attrs).ok_or_else(|| unpriced(Some(&used.counted.meter)))?;
        if best.rules.iter().any(|rule| matches!(rule.rule.price, Price::Tiers { mode: TierMode::WholeRequest, .. })) {
            return Err(ChargeError::PricedByCall(used.what()));
        }
        Ok(Listed { used, best, free: 0 })
    }
}

impl Used {
    fn what(&self) -> String {
        format!("{} {}", self.sku, crate::cost::described(&self.counted.meter, &self.counted.attrs))
    }

    fn is_like(&self, other: &Self) -> bool {
        (&self.sku, &self.region, &self.select, &self.counted.meter, &self.counted.attrs)
            == (&other.sku, &other.region, &other.select, &other.counted.meter, &other.counted.attrs)
    }
}

impl Listed<'_> {
    /// The lines of the first `quantity` units.
    fn first(&self, quantity: u64) -> Result<Vec<(u64, Rate, Exact, String)>, ChargeError> {
        let counted = Metered { quantity, ..self.used.counted.clone() };
        let (mut lines, mut amounts) = (Vec::new(), Vec::new());
        add_line(&self.best, &counted, 0, &mut lines, &mut amounts).ok_or(ChargeError::OutOfRange)?;
        Ok(lines.into_iter().zip(amounts).map(|(line, amount)| (line.quantity, line.rate, amount, line.rule)).collect())
    }

    fn lines(&self) -> Result<Vec<Open>, ChargeError> {
        let what = self.used.what();
        let open = |(quantity, rate, amount, rule)| Open {
            line: ChargeLine { kind: ChargeKind::List, what: what.clone(), quantity, rate: Some(rate), nanos: Nanos::ZERO, rule },
            amount,
        };
        Ok(self.first(self.used.counted.quantity)?.into_iter().map(open).collect())
    }

    fn first_rate(&self) -> Rate {
        self.best.at(0).map_or(Rate::FREE, |(rate, _, _)| rate)
    }
}

fn query(period: &PeriodUse, used: &Used) -> PriceQuery {
    PriceQuery {
        seller: period.seller.clone(),
        model: used.sku.clone(),
        region: used.region.clone(),
        select: used.select.clone(),
        at: period.at,
        as_of: period.as_of,
    }
}

/// Uses of the same thing are one quantity, so that its bands count all of it; a use of nothing is left out.
fn merged(used: &[Used]) -> Result<Vec<Used>, ChargeError> {
    let mut merged: Vec<Used> = Vec::new();
    for used in used.iter().filter(|used| used.counted.quantity > 0) {
        match merged.iter_mut().find(|other| other.is_like(used)) {
            Some(other) => {
                other.counted.quantity = other.counted.quantity.checked_add(used.counted.quantity).ok_or(ChargeError::OutOfRange)?;
            }
            None => merged.push(used.clone()),
        }
    }
    Ok(merged)
}

/// Free units go to the cheapest uses first, from their first unit: sellers don't say which, and this is never too little.
fn free_units(row: &Allowance, listed: &mut [Listed<'_>]) -> Result<Vec<Open>, ChargeError> {
    let Grant::Free { meter, attrs, units } = &row.grant else { return Ok(Vec::new()) };
    let is_covered = |listed: &&mut Listed<'_>| {
        let counted = &listed.used.counted;
        (row.sku == Rule::ANY_SKU || row.sku == listed.used.sku) && (&counted.meter, &counted.attrs) == (meter, attrs)
    };
    let mut covered: Vec<&mut Listed<'_>> = listed.iter_mut().filter(is_covered).collect();
    covered.sort_by_key(|listed| listed.first_rate());
    let (mut left, mut open) = (*units, Vec::new());
    for listed in covered {
        let units = left.min(listed.used.counted.quantity - listed.free);
        if units == 0 {
            continue;
        }
        let before = sum(&listed.first(listed.free)?)?;
        let after = sum(&listed.first(listed.free + units)?)?;
        (left, listed.free) = (left - units, listed.free + units);
        let amount = before.checked_sub(after).ok_or(ChargeError::OutOfRange)?;
        let line = plain(ChargeKind::Allowance, &listed.used.what(), &described(row), amount);
        open.push(Open { line: ChargeLine { quantity: units, ..line.line }, amount });
    }
    Ok(open)
}

fn sum(lines: &[(u64, Rate, Exact, String)]) -> Result<Exact, ChargeError> {
    lines.iter().try_fold(Exact::ZERO, |sum, line| sum.checked_add(line.2)).ok_or(ChargeError::OutOfRange)
}

/// What the pool of all seats covers of the period's calls.
fn pooled<'a>(allowances: impl Iterator<Item = &'a Allowance>, period: &PeriodUse) -> Result<Vec<Open>, ChargeError> {
    let (mut left, mut open) = (Exact::from(period.calls), Vec::new());
    for row in allowances {
        let Grant::Pool { per_seat } = row.grant else { continue };
        let pool = Exact::from(per_seat).checked_mul(period.seats).ok_or(ChargeError::OutOfRange)?;
        let covered = pool.min(left);
        if covered > Exact::ZERO {
            left = left.checked_sub(covered).ok_or(ChargeError::OutOfRange)?;
            let amount = Exact::ZERO.checked_sub(covered).ok_or(ChargeError::OutOfRange)?;
            open.push(plain(ChargeKind::Allowance, "calls", &described(row), amount));
        }
    }
    Ok(open)
}

/// What is missing to the highest minimum, if anything is.
fn topped_up<'a>(allowances: impl Iterator<Item = &'a Allowance>, open: &[Open]) -> Result<Option<Open>, ChargeError> {
    let so_far = open.iter().try_fold(Exact::ZERO, |sum, open| sum.checked_add(open.amount)).ok_or(ChargeError::OutOfRange)?;
    let floors = allowances.filter_map(|row| match row.grant {
        Grant::Minimum { floor } => Some((Exact::from(floor), row)),
        _ => None,
    });
    let Some((floor, row)) = floors.max_by_key(|(floor, _)| *floor).filter(|(floor, _)| *floor > so_far) else { return Ok(None) };
    let missing = floor.checked_sub(so_far).ok_or(ChargeError::OutOfRange)?;
    Ok(Some(plain(ChargeKind::Minimum, &row.plan, &described(row), missing)))
}

fn plain(kind: ChargeKind, what: &str, rule: &str, amount: Exact) -> Open {
    let line = ChargeLine { kind, what: what.to_owned(), quantity: 0, rate: None, nanos: Nanos::ZERO, rule: rule.to_owned() };
    Open { line, amount }
}

/// How a person looks an allowance up.
fn described(row: &Allowance) -> String {
    let confidence = row.prov.confidence.map_or(String::new(), |confidence| format!(", {}", confidence.name()));
    format!("{} ({} {}{confidence})", row.id, row.prov.source, row.prov.version)
}

fn close(open: Vec<Open>) -> Result<Charge, ChargeError> {
    let amounts: Vec<Exact> = open.iter().map(|open| open.amount).collect();
    let exact = amounts.iter().try_fold(Exact::ZERO, |sum, amount| sum.checked_add(*amount)).ok_or(ChargeError::OutOfRange)?;
    let total = exact.round_half_even().ok_or(ChargeError::OutOfRange)?;
    let shares = apportion(&amounts, total);
    let lines = open.into_iter().zip(shares).map(|(open, nanos)| ChargeLine { nanos, ..open.line }).collect();
    Ok(Charge { total, lines })
}
