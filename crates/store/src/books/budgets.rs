//! Budgets: made and changed, with who did it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ledger::{BudgetSpec, Command};
use serde_json::{Value, json};

use crate::codec::spec_to_json;
use crate::disk::budgets;
use crate::writer::core::Core;
use crate::writer::turn::{Fault, Turn, said};
use crate::{Books, BooksError, BudgetChanges, BudgetRecord, Origin};

impl Books {
    /// Makes or changes a budget. One from the config can't be changed with [`Origin::Api`].
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn put_budget(&self, spec: BudgetSpec, origin: Origin, actor: &str) -> Result<(), BooksError> {
        let actor = actor.to_owned();
        self.change(move |turn| {
            turn.check_origin(&spec.name, origin)?;
            turn.put_budget(&spec, origin, &actor, "budget.put")
        })
        .await
    }

    /// Archives a budget; its open holds settle on it.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn remove_budget(&self, name: &str, actor: &str) -> Result<(), BooksError> {
        let (name, actor) = (name.to_owned(), actor.to_owned());
        self.change(move |turn| {
            turn.check_origin(&name, Origin::Api)?;
            turn.remove_budget(&name, &actor)
        })
        .await
    }

    /// Pauses a budget (it counts on and refuses nothing) or resumes it. A budget from the config can be paused only there.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn pause_budget(&self, name: &str, paused: bool, actor: &str) -> Result<(), BooksError> {
        let (name, actor) = (name.to_owned(), actor.to_owned());
        self.change(move |turn| {
            turn.check_origin(&name, Origin::Api)?;
            let mut spec = turn.core.ledger.budget(&name).cloned().ok_or_else(|| Fault::not_found(format!("budget `{name}`")))?;
            if spec.paused == paused {
                return Ok(());
            }
            spec.paused = paused;
            turn.put_budget(&spec, Origin::Api, &actor, if paused { "budget.paused" } else { "budget.resumed" })
        })
        .await
    }

    /// Makes the config's budgets equal to these, in one transaction. A budget that was made through the API keeps its spend
    /// and becomes the config's.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn sync_config_budgets(&self, specs: Vec<BudgetSpec>, actor: &str) -> Result<BudgetChanges, BooksError> {
        let actor = actor.to_owned();
        self.change(move |turn| turn.sync_budgets(&specs, &actor)).await
    }

    /// Budgets in force, by name.
    ///
    /// # Errors
    /// The writer has ended.
    pub async fn budgets(&self) -> Result<Vec<BudgetRecord>, BooksError> {
        self.look(records).await
    }
}

fn records(core: &Core) -> Vec<BudgetRecord> {
    core.ledger
        .budgets()
        .map(|spec| BudgetRecord { spec: spec.clone(), origin: core.origins.get(&spec.name).copied().unwrap_or(Origin::Api) })
        .collect()
}

impl Turn<'_> {
    fn check_origin(&self, name: &str, origin: Origin) -> Result<(), Fault> {
        if origin == Origin::Api && self.core.origins.get(name) == Some(&Origin::Config) {
            return Err(Fault::invalid(format!(
                "budget `{name}` comes from mete.toml and is read-only here; change it in the file and reload"
            )));
        }
        Ok(())
    }

    fn put_budget(&mut self, spec: &BudgetSpec, origin: Origin, actor: &str, action: &str) -> Result<(), Fault> {
        let before = self.shown(&spec.name)?;
        self.make(&Command::PutBudget(spec.clone()))?;
        budgets::put(self.conn()?, &spec.name, origin)?;
        self.core.origins.insert(spec.name.clone(), origin);
        let after = self.shown(&spec.name)?;
        self.audit(actor, action, &spec.name, before, after)
    }

    fn remove_budget(&mut self, name: &str, actor: &str) -> Result<(), Fault> {
        let (before, now) = (self.shown(name)?, self.now);
        self.make(&Command::RemoveBudget(name.to_owned()))?;
        budgets::remove(self.conn()?, name, Timestamp::as_microsecond(now))?;
        self.core.origins.remove(name);
        self.audit(actor, "budget.removed", name, before, Value::Null)
    }

    fn sync_budgets(&mut self, specs: &[BudgetSpec], actor: &str) -> Result<BudgetChanges, Fault> {
        let wanted: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        if wanted.len() != specs.len() {
            return Err(Fault::invalid("two budgets in mete.toml have one name; rename one of them"));
        }
        for spec in specs {
            // Checked before anything is written, so that a wrong one changes nothing.
            self.core
                .ledger
                .decide(&Command::PutBudget(spec.clone()), self.now)
                .map_err(|no| Fault::Said(in_budget(&spec.name, said(no))))?;
        }
        let mut changes = BudgetChanges::default();
        let gone: Vec<String> = self
            .core
            .origins
            .iter()
            .filter(|(name, origin)| **origin == Origin::Config && !wanted.contains(name.as_str()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.remove_budget(&name, actor)?;
            changes.removed.push(name);
        }
        for spec in specs {
            let same = self.core.ledger.budget(&spec.name) == Some(spec) && self.core.origins.get(&spec.name) == Some(&Origin::Config);
            if !same {
                self.put_budget(spec, Origin::Config, actor, "budget.put")?;
                changes.put.push(spec.name.clone());
            }
        }
        Ok(changes)
    }

    fn shown(&self, name: &str) -> Result<Value, Fault> {
        let Some(spec) = self.core.ledger.budget(name) else { return Ok(Value::Null) };
        Ok(json!({ "origin": self.core.origins.get(name), "spec": spec_to_json(spec)? }))
    }
}

fn in_budget(name: &str, error: BooksError) -> BooksError {
    match error {
        BooksError::Invalid(why) => BooksError::Invalid(format!("budget `{name}`: {why}")),
        other => other,
    }
}
