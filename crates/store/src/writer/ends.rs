//! How attempts end. These transactions don't sync at commit: a killed process loses none of them, and a power cut turns
//! at most the last few milliseconds' into unresolved holds.

use jiff::{SignedDuration, Timestamp};
use ledger::{Command, HoldId};
use money::Nanos;

use super::turn::{Fault, Turn, said};
use crate::disk::attempts;
use crate::{AttemptEnd, BooksError, CallStatus, Outcome};

impl Turn<'_> {
    /// Writes an attempt's end. One that ended before is left as it is; one that was assumed is trued up.
    pub(crate) fn end(&mut self, end: &AttemptEnd) -> Result<(), Fault> {
        let hold = end.hold;
        let command = match end.outcome {
            Outcome::Settled { cost, estimated } => Command::Settle { hold, cost, estimated },
            Outcome::Voided => Command::Void(hold),
            Outcome::Unresolved => Command::Unresolve(hold),
        };
        match self.make(&command) {
            Ok(_) => {}
            Err(Fault::Said(BooksError::NotFound(_))) => return self.end_late(end),
            Err(fault) => return Err(fault),
        }
        self.write_end(end)
    }

    /// The hold isn't open any more: if it was assumed, the truth has come late.
    fn end_late(&mut self, end: &AttemptEnd) -> Result<(), Fault> {
        // Only what may still be corrected is worth a look at the disk.
        self.file()?;
        let assumed = attempts::of_hold(&self.core.conn, end.hold)?.is_some_and(|standing| standing.status == CallStatus::Assumed);
        let cost = match end.outcome {
            Outcome::Settled { cost, .. } => cost,
            Outcome::Voided => Nanos::ZERO,
            Outcome::Unresolved => return Ok(()),
        };
        if !assumed {
            return Ok(());
        }
        match self.make(&Command::TrueUp { hold: end.hold, cost }) {
            Ok(_) => self.write_end(end),
            // Too long ago to be corrected: the assumed amount stays.
            Err(Fault::Said(BooksError::NotFound(_))) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Settles at the hold what nobody could say anything about in time.
    pub(crate) fn assume_due(&mut self) -> Result<usize, Fault> {
        let due = self.core.ledger.due(self.now);
        for hold in &due {
            self.make(&Command::Assume(*hold))?;
        }
        Ok(due.len())
    }

    /// Marks as unresolved the open holds whose deadline and grace are over though nobody ended them, so that no hold stays
    /// for ever.
    pub(crate) fn sweep(&mut self) -> Result<(), Fault> {
        let late: Vec<HoldId> = self
            .core
            .ledger
            .open_amounts()
            .filter(|(_, _, assume_at, unresolved)| !unresolved && assume_at.saturating_add(SWEEP_GRACE).is_ok_and(|at| at <= self.now))
            .map(|(hold, ..)| hold)
            .collect();
        for hold in late {
            tracing::warn!(hold = %crate::hold_text(hold), "a hold outlived its deadline; it is unresolved now");
            self.make(&Command::Unresolve(hold))?;
        }
        Ok(())
    }

    /// Marks as unresolved every open hold of an earlier process. Their rows stay as they are: a mark says which they are, so that
    /// a start with very many of them doesn't rewrite all of these.
    pub(crate) fn orphan_all(&mut self) -> Result<(), Fault> {
        self.file()?;
        let open = self.core.ledger.open_amounts().filter(|(.., unresolved)| !unresolved);
        let open: Vec<HoldId> = open.map(|(hold, ..)| hold).collect();
        for hold in open {
            let event = self.core.ledger.decide(&Command::Unresolve(hold), self.now).map_err(|no| Fault::Said(said(no)))?;
            self.core.frame.event(&event)?;
            self.core.apply(&event);
        }
        attempts::orphan_all(self.conn()?)?;
        Ok(self.file()?)
    }
}

/// How long after a live hold's `assume_at` it counts as forgotten.
const SWEEP_GRACE: SignedDuration = SignedDuration::from_secs(60);

/// The end of a grant that nobody received.
pub(crate) fn unclaimed(hold: HoldId, at: Timestamp) -> AttemptEnd {
    AttemptEnd {
        hold,
        at,
        outcome: Outcome::Voided,
        status: "client_left".to_owned(),
        http_status: None,
        lines: Vec::new(),
        priced: true,
        reasoning_tokens: 0,
        finish_reason: None,
        model_served: None,
        response_id: None,
        provider_request_id: None,
        tools_called: Vec::new(),
        provider_cost_usd: None,
        first_byte_ms: None,
        total_ms: 0,
        flags: vec!["the client left before anything was sent".to_owned()],
    }
}
