//! What a provider itself says a call cost, beside what the price book says. Which of the two binds is `cost_from` of the
//! provider's config; the hold is by the book either way.

use money::{Decimal, Nanos};
use store::{Outcome, StoredLine};

use crate::settings::CostFrom;
use crate::settle::Verdict;

/// A figure above this many times the hold is a slip of units and no price.
const TIMES_HOLD_MAX: i64 = 100;
/// The most that is believed of a call that had no bound.
const UNBOUNDED_MAX: Nanos = Nanos::new(1_000_000_000_000);

/// What is known when a provider names a cost.
pub(crate) struct Reported<'a> {
    /// In dollars, as the provider wrote it.
    pub(crate) said: &'a str,
    pub(crate) from: CostFrom,
    /// The hold; `None` for a call without a bound.
    pub(crate) granted: Option<Nanos>,
    /// Whether the usage was refused as impossible, so that nothing of the answer is believed.
    pub(crate) is_refused: bool,
}

impl Reported<'_> {
    /// Puts the provider's figure beside the book's, or in its place. Lines still sum to the cost: the difference is a line.
    pub(crate) fn apply(&self, mut verdict: Verdict) -> Verdict {
        let Outcome::Settled { cost: computed, .. } = verdict.outcome else { return verdict };
        let said = match self.believed(computed, verdict.priced) {
            Ok(said) => said,
            Err(why) => return verdict.flagged(format!("provider cost refused: {why}")),
        };
        let book = if verdict.priced { format!("${}", computed.to_usd()) } else { "nothing".to_owned() };
        if self.from == CostFrom::Book {
            let differs = !verdict.priced || said != computed;
            return if differs { verdict.flagged(format!("provider says ${}", said.to_usd())) } else { verdict };
        }
        let Some(difference) = said.checked_sub(computed) else { return verdict };
        if !difference.is_zero() {
            verdict.lines.push(line(self.said, difference));
        }
        verdict.outcome = Outcome::Settled { cost: said, estimated: false };
        verdict.priced = true;
        verdict.flagged(format!("cost from provider: ${}, the book says {book}", said.to_usd()))
    }

    /// The figure as nano-dollars, where it can be true.
    fn believed(&self, computed: Nanos, priced: bool) -> Result<Nanos, &'static str> {
        if self.is_refused {
            return Err("its usage can't be true");
        }
        let decimal = Decimal::parse(self.said).map_err(|_| "not a decimal")?;
        if decimal.is_negative() {
            return Err("below zero");
        }
        let said = rounded(decimal).ok_or("beyond the range of money")?;
        let most = match self.granted.filter(|granted| !granted.is_zero()) {
            Some(granted) => Nanos::new(granted.get().saturating_mul(TIMES_HOLD_MAX)),
            None => UNBOUNDED_MAX,
        };
        match () {
            () if said > most => Err("far beyond the hold"),
            // A provider that says nothing where work has a price is silent, not free.
            () if said.is_zero() && !(priced && computed.is_zero()) => Err("zero for work that has a price"),
            () => Ok(said),
        }
    }
}

/// A decimal of dollars as nano-dollars, rounded once, half to even.
fn rounded(decimal: Decimal) -> Option<Nanos> {
    let (mantissa, scale) = decimal.parts();
    let Some(beyond) = scale.checked_sub(9).filter(|beyond| *beyond > 0) else {
        return i64::try_from(mantissa.checked_mul(10_i128.checked_pow(9_u32.checked_sub(scale)?)?)?).ok().map(Nanos::new);
    };
    // A divisor beyond the range leaves less than half of a nano-dollar.
    let Some(divisor) = 10_i128.checked_pow(beyond) else { return Some(Nanos::ZERO) };
    let (whole, rest) = (mantissa / divisor, mantissa % divisor);
    let up = rest > divisor - rest || (rest == divisor - rest && whole % 2 == 1);
    i64::try_from(whole + i128::from(up)).ok().map(Nanos::new)
}

fn line(said: &str, difference: Nanos) -> StoredLine {
    StoredLine {
        meter: "provider_cost".to_owned(),
        attrs: std::collections::BTreeMap::new(),
        quantity: 1,
        rate: said.to_owned(),
        per: 1,
        nanos: difference.get(),
        rule: format!("provider: says ${said}; this line is what that is more than the book"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(cost: i64, priced: bool) -> Verdict {
        let lines = if cost == 0 { Vec::new() } else { vec![line("0", Nanos::new(cost))] };
        Verdict { outcome: Outcome::Settled { cost: Nanos::new(cost), estimated: false }, lines, priced, status: "ok", flags: Vec::new() }
    }

    /// Cost, whether it is priced, and the flags.
    fn told(said: &str, from: CostFrom, computed: i64, priced: bool, granted: Option<i64>) -> String {
        let reported = Reported { said, from, granted: granted.map(Nanos::new), is_refused: false };
        let verdict = reported.apply(verdict(computed, priced));
        let sum: i64 = verdict.lines.iter().map(|line| line.nanos).sum();
        assert_eq!(sum, verdict.cost().get(), "lines sum to the cost");
        format!("{} {}{}", verdict.cost().get(), if verdict.priced { "" } else { "unpriced " }, verdict.flags.join("; "))
    }

    #[test]
    fn the_provider_s_figure_stands_beside_the_book_s_or_binds() {
        use CostFrom::{Book, Provider};
        let table = [
            ("0.0000012", Book, 1_200, true, Some(9_000), "1200 "),
            ("0.0000013", Book, 1_200, true, Some(9_000), "1200 provider says $0.0000013"),
            ("0.0000013", Provider, 1_200, true, Some(9_000), "1300 cost from provider: $0.0000013, the book says $0.0000012"),
            ("1.1e-6", Provider, 1_200, true, Some(9_000), "1100 cost from provider: $0.0000011, the book says $0.0000012"),
            ("0.0000000005", Provider, 0, false, None, "0 unpriced provider cost refused: zero for work that has a price"),
            ("0.0000000015", Provider, 0, false, None, "2 cost from provider: $0.000000002, the book says nothing"),
            ("0.0000000025", Provider, 1, true, Some(9), "2 cost from provider: $0.000000002, the book says $0.000000001"),
            ("0.00000000250000000000000001", Provider, 1, true, Some(9), "3 cost from provider: $0.000000003, the book says $0.000000001"),
            ("0.01", Provider, 0, false, None, "10000000 cost from provider: $0.01, the book says nothing"),
            ("0.01", Book, 0, false, None, "0 unpriced provider says $0.01"),
            ("0", Provider, 0, true, Some(0), "0 cost from provider: $0.00, the book says $0.00"),
            ("0", Provider, 5, true, Some(9), "5 provider cost refused: zero for work that has a price"),
            ("-0.1", Provider, 5, true, Some(9), "5 provider cost refused: below zero"),
            ("free", Provider, 5, true, Some(9), "5 provider cost refused: not a decimal"),
            ("NaN", Provider, 5, true, Some(9), "5 provider cost refused: not a decimal"),
            ("1e40", Provider, 5, true, Some(9), "5 provider cost refused: not a decimal"),
            ("1e25", Provider, 5, true, Some(9), "5 provider cost refused: beyond the range of money"),
            ("0.000000901", Provider, 5, true, Some(9), "5 provider cost refused: far beyond the hold"),
            ("1000.1", Provider, 0, false, None, "0 unpriced provider cost refused: far beyond the hold"),
        ];
        for (said, from, computed, priced, granted, expected) in table {
            assert_eq!(told(said, from, computed, priced, granted), expected, "{said} {from:?} {computed}");
        }
    }

    #[test]
    fn nothing_is_believed_beside_impossible_usage_nor_of_what_was_not_settled() {
        let reported = Reported { said: "0.1", from: CostFrom::Provider, granted: None, is_refused: true };
        assert_eq!(reported.apply(verdict(5, true)).flags, ["provider cost refused: its usage can't be true"]);
        let voided = Verdict { outcome: Outcome::Voided, ..verdict(0, true) };
        assert_eq!(Reported { is_refused: false, ..reported }.apply(voided.clone()), voided);
    }
}
