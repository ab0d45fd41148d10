//! A reference ledger, written apart: plain maps, obviously right, slow.
//!
//! It is told what a gateway was asked and what it granted, and says whether a refused call would have fitted: with its least
//! hold beside what is held (a *false* refusal) or by what it would truly have cost (an *early* one).

use std::collections::BTreeMap;

/// Nano-dollars.
pub type Nanos = i128;

/// A budget: its limit, what is spent, what is held by each call.
#[derive(Debug, Clone, Default)]
struct Budget {
    limit: Nanos,
    spent: Nanos,
    overage: Nanos,
    held: BTreeMap<String, Nanos>,
}

impl Budget {
    fn left(&self) -> Nanos {
        self.limit - self.spent - self.overage - self.held.values().sum::<Nanos>()
    }
}

/// What a call wants to reserve, and from which budgets.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The call.
    pub call: String,
    /// Every budget that matches it.
    pub budgets: Vec<String>,
    /// The least that makes sense to hold: input and a useful floor of output.
    pub min: Nanos,
    /// The full bound.
    pub want: Nanos,
}

/// What the reference finds wrong with a step that a gateway took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The budget is not known.
    NoBudget(String),
    /// The call already has a hold.
    HeldTwice(String),
    /// The call has no hold.
    NoHold(String),
    /// The hold was granted although this budget had no room for it.
    Overgranted {
        /// The budget.
        budget: String,
        /// What was left before.
        left: Nanos,
        /// What was granted.
        granted: Nanos,
    },
    /// The grant is not between the least and the full bound.
    OutOfBounds(Nanos),
}

/// All budgets.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    budgets: BTreeMap<String, Budget>,
}

impl Reference {
    /// Budgets by name and limit, nothing spent.
    pub fn new(limits: impl IntoIterator<Item = (String, Nanos)>) -> Self {
        let budget = |(name, limit)| (name, Budget { limit, ..Budget::default() });
        Self { budgets: limits.into_iter().map(budget).collect() }
    }

    /// What is left of a budget beside what is spent and held.
    pub fn left(&self, budget: &str) -> Option<Nanos> {
        self.budgets.get(budget).map(Budget::left)
    }

    /// What is spent of a budget, overage left out.
    pub fn spent(&self, budget: &str) -> Option<Nanos> {
        self.budgets.get(budget).map(|budget| budget.spent)
    }

    /// What is held of all budgets together; 0 when all calls have ended.
    pub fn open_holds(&self) -> usize {
        self.budgets.values().map(|budget| budget.held.len()).sum()
    }

    fn fits(&self, budgets: &[String], amount: Nanos) -> bool {
        budgets.iter().all(|name| self.budgets.get(name).is_some_and(|budget| amount <= budget.left()))
    }

    /// Whether the least hold of this call fits now in every budget: a refusal of such a call is false.
    pub fn would_grant(&self, wish: &Wish) -> bool {
        self.fits(&wish.budgets, wish.min)
    }

    /// Whether the call could ever be granted if all holds came to nothing: such a call should have waited.
    pub fn would_grant_when_idle(&self, wish: &Wish) -> bool {
        let idle = |budget: &Budget| budget.limit - budget.spent - budget.overage;
        wish.budgets.iter().all(|name| self.budgets.get(name).is_some_and(|budget| wish.min <= idle(budget)))
    }

    /// Whether the call's true cost fits now in every budget: a refusal of such a call is early, if not false.
    pub fn fits_by_true_cost(&self, budgets: &[String], cost: Nanos) -> bool {
        self.fits(budgets, cost)
    }

    /// The gateway granted a hold.
    ///
    /// # Errors
    /// When the grant is outside the wish, when the call is held already, or when a budget had no room. Nothing is changed then.
    pub fn hold(&mut self, wish: &Wish, granted: Nanos) -> Result<(), Fault> {
        if granted < wish.min.min(wish.want) || granted > wish.want {
            return Err(Fault::OutOfBounds(granted));
        }
        for name in &wish.budgets {
            let budget = self.budgets.get(name).ok_or_else(|| Fault::NoBudget(name.clone()))?;
            if budget.held.contains_key(&wish.call) {
                return Err(Fault::HeldTwice(wish.call.clone()));
            }
            if granted > budget.left() {
                return Err(Fault::Overgranted { budget: name.clone(), left: budget.left(), granted });
            }
        }
        for name in &wish.budgets {
            if let Some(budget) = self.budgets.get_mut(name) {
                budget.held.insert(wish.call.clone(), granted);
            }
        }
        Ok(())
    }

    /// The call cost this. What goes beyond the hold is overage.
    ///
    /// # Errors
    /// When the call has no hold.
    pub fn settle(&mut self, call: &str, cost: Nanos) -> Result<(), Fault> {
        self.end(call, |budget, held| {
            budget.spent += cost.min(held);
            budget.overage += (cost - held).max(0);
        })
    }

    /// The call never reached a provider.
    ///
    /// # Errors
    /// When the call has no hold.
    pub fn void(&mut self, call: &str) -> Result<(), Fault> {
        self.end(call, |_, _| {})
    }

    fn end(&mut self, call: &str, with: impl Fn(&mut Budget, Nanos)) -> Result<(), Fault> {
        let mut is_known = false;
        for budget in self.budgets.values_mut() {
            if let Some(held) = budget.held.remove(call) {
                with(budget, held);
                is_known = true;
            }
        }
        if is_known { Ok(()) } else { Err(Fault::NoHold(call.to_owned())) }
    }

    /// A new limit, also below what is spent and held.
    ///
    /// # Errors
    /// When the budget is not known.
    pub fn set_limit(&mut self, budget: &str, limit: Nanos) -> Result<(), Fault> {
        let budget = self.budgets.get_mut(budget).ok_or_else(|| Fault::NoBudget(budget.to_owned()))?;
        budget.limit = limit;
        Ok(())
    }

    /// Budgets in which spent and held are above the limit, by how much. Empty unless a limit was lowered.
    pub fn violations(&self) -> Vec<(String, Nanos)> {
        let over = |budget: &Budget| budget.spent + budget.held.values().sum::<Nanos>() - budget.limit;
        self.budgets.iter().filter(|(_, budget)| over(budget) > 0).map(|(name, budget)| (name.clone(), over(budget))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(call: &str, min: Nanos, want: Nanos) -> Wish {
        Wish { call: call.to_owned(), budgets: vec!["team".to_owned(), "org".to_owned()], min, want }
    }

    fn reference() -> Reference {
        Reference::new([("team".to_owned(), 100), ("org".to_owned(), 150)])
    }

    #[test]
    fn a_hold_fits_in_every_budget_or_in_none() {
        let mut reference = reference();
        reference.hold(&wish("a", 40, 60), 60).unwrap();
        assert_eq!((reference.left("team"), reference.left("org")), (Some(40), Some(90)));
        assert!(reference.would_grant(&wish("b", 40, 90)));
        assert!(!reference.would_grant(&wish("b", 41, 90)));
        assert!(reference.would_grant_when_idle(&wish("b", 41, 90)));
        let refused = reference.hold(&wish("b", 41, 90), 50);
        assert_eq!(refused, Err(Fault::Overgranted { budget: "team".to_owned(), left: 40, granted: 50 }));
        assert_eq!((reference.left("team"), reference.left("org"), reference.open_holds()), (Some(40), Some(90), 2));
    }

    #[test]
    fn settling_gives_back_and_overage_stays_apart() {
        let mut reference = reference();
        reference.hold(&wish("a", 40, 60), 60).unwrap();
        reference.settle("a", 10).unwrap();
        assert_eq!((reference.spent("team"), reference.left("team")), (Some(10), Some(90)));
        reference.hold(&wish("b", 40, 40), 40).unwrap();
        reference.settle("b", 70).unwrap();
        assert_eq!((reference.spent("team"), reference.left("team")), (Some(50), Some(20)));
        reference.hold(&wish("c", 20, 20), 20).unwrap();
        reference.void("c").unwrap();
        assert_eq!((reference.left("team"), reference.open_holds()), (Some(20), 0));
        assert_eq!(reference.void("c"), Err(Fault::NoHold("c".to_owned())));
        assert!(reference.fits_by_true_cost(&["team".to_owned()], 20) && !reference.fits_by_true_cost(&["team".to_owned()], 21));
        assert_eq!(reference.settle("c", 1), Err(Fault::NoHold("c".to_owned())));
    }

    #[test]
    fn wrong_steps_are_named() {
        let mut reference = reference();
        assert_eq!(reference.hold(&wish("a", 40, 60), 61), Err(Fault::OutOfBounds(61)));
        assert_eq!(reference.hold(&wish("a", 40, 60), 39), Err(Fault::OutOfBounds(39)));
        reference.hold(&wish("a", 40, 60), 50).unwrap();
        assert_eq!(reference.hold(&wish("a", 10, 60), 10), Err(Fault::HeldTwice("a".to_owned())));
        let nowhere = Wish { budgets: vec!["none".to_owned()], ..wish("b", 1, 1) };
        assert!(!reference.would_grant(&nowhere));
        assert_eq!(reference.hold(&nowhere, 1), Err(Fault::NoBudget("none".to_owned())));
        reference.set_limit("team", 20).unwrap();
        assert_eq!(reference.violations(), [("team".to_owned(), 30)]);
    }
}
