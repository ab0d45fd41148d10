//! The fate of single holds, decided by a person.

use ledger::{Command, HoldId};
use money::Nanos;
use serde_json::{Value, json};

use crate::disk::attempts::{self, Standing};
use crate::writer::turn::{Fault, Turn};
use crate::{Books, BooksError, CallStatus, Resolution, Target, hold_text};

impl Books {
    /// Says what became of an unresolved or assumed hold.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn resolve(&self, target: Target, resolution: Resolution, reason: &str, actor: &str) -> Result<HoldId, BooksError> {
        if let Resolution::Cost(cost) = resolution {
            super::check_cost(cost)?;
        }
        let (reason, actor) = (reason.to_owned(), actor.to_owned());
        self.change(move |turn| turn.resolve(target, resolution, &reason, &actor)).await
    }

    /// Corrects an assumed or estimated attempt.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn true_up(&self, hold: HoldId, cost: Nanos, reason: &str, actor: &str) -> Result<(), BooksError> {
        super::check_cost(cost)?;
        let (reason, actor) = (reason.to_owned(), actor.to_owned());
        self.change(move |turn| {
            let standing = turn.standing(hold)?;
            turn.correct(&standing, cost)?;
            turn.audit_fate("call.trued_up", &standing, &reason, &actor)
        })
        .await
    }
}

impl Turn<'_> {
    fn standing(&mut self, hold: HoldId) -> Result<Standing, Fault> {
        self.file()?;
        attempts::of_hold(self.conn()?, hold)?.ok_or_else(|| Fault::not_found(format!("hold {}", hold_text(hold))))
    }

    fn target(&mut self, target: Target) -> Result<Standing, Fault> {
        let call = match target {
            Target::Hold(hold) => return self.standing(hold),
            Target::Call(call) => call,
        };
        self.file()?;
        let standings = attempts::of_call(self.conn()?, call)?;
        if standings.is_empty() {
            return Err(Fault::not_found(format!("call {call}")));
        }
        let unknown = |standing: &&Standing| matches!(standing.status, CallStatus::Unresolved | CallStatus::Assumed);
        let mut open = standings.iter().filter(unknown);
        match (open.next(), open.next()) {
            (Some(only), None) => Ok(only.clone()),
            (Some(_), Some(_)) => Err(Fault::invalid(format!("call {call} has several attempts whose outcome is unknown; name the hold"))),
            (None, _) => Err(Fault::invalid(format!("the outcome of call {call} is known; nothing to resolve"))),
        }
    }

    fn resolve(&mut self, target: Target, resolution: Resolution, reason: &str, actor: &str) -> Result<HoldId, Fault> {
        let standing = self.target(target)?;
        let hold = standing.hold;
        match (standing.status, resolution) {
            (CallStatus::Unresolved, Resolution::Cost(cost)) => self.make(&Command::Settle { hold, cost, estimated: false }).map(drop)?,
            (CallStatus::Unresolved, Resolution::Void) => self.make(&Command::Void(hold)).map(drop)?,
            (CallStatus::Assumed, Resolution::Cost(cost)) => self.correct(&standing, cost)?,
            (CallStatus::Assumed, Resolution::Void) => self.correct(&standing, Nanos::ZERO)?,
            (CallStatus::Held, _) => {
                return Err(Fault::invalid(format!(
                    "hold {} is still in use; it can be resolved once its outcome is unknown",
                    hold_text(hold)
                )));
            }
            _ => return Err(Fault::invalid(format!("the outcome of hold {} is known; nothing to resolve", hold_text(hold)))),
        }
        self.audit_fate("call.resolved", &standing, reason, actor)?;
        Ok(hold)
    }

    fn correct(&mut self, standing: &Standing, cost: Nanos) -> Result<(), Fault> {
        match self.make(&Command::TrueUp { hold: standing.hold, cost }) {
            Ok(_) => Ok(()),
            Err(Fault::Said(BooksError::NotFound(_))) => Err(Fault::invalid(format!(
                "hold {} can't be corrected: only assumed and estimated costs can, for {} days",
                hold_text(standing.hold),
                ledger::TRUE_UP_DAYS_MAX
            ))),
            Err(fault) => Err(fault),
        }
    }

    fn audit_fate(&mut self, action: &str, before: &Standing, reason: &str, actor: &str) -> Result<(), Fault> {
        let after = self.standing(before.hold)?;
        let mut after_text = shown(&after);
        if let Some(fields) = after_text.as_object_mut() {
            fields.insert("reason".to_owned(), reason.into());
        }
        self.audit(actor, action, &before.call.to_string(), shown(before), after_text)
    }
}

fn shown(standing: &Standing) -> Value {
    json!({
        "hold": hold_text(standing.hold),
        "status": standing.status.as_str(),
        "granted_nanos": standing.granted.get(),
        "cost_nanos": standing.cost.map(Nanos::get),
        "estimated": standing.estimated,
    })
}
