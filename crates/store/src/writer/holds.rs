//! Granting holds: new ones and waiting ones, in one transaction that is on disk before anybody is told.

use std::time::Duration;

use ledger::{Command, Event, No, RefusalCode};

use super::job::{HoldJob, Ticket};
use super::turn::{Fault, Turn, said};
use super::waiting::{Taken, Waiter, Waiting};
use crate::disk::attempts;
use crate::{BooksError, CallId, CallStatus, HoldAnswer};

/// What became of one ask; `None` waits.
type Step = Option<Result<HoldAnswer, BooksError>>;

impl Turn<'_> {
    /// Tries everybody who waits and then everybody who is new, in order of arrival.
    pub(crate) fn admit(&mut self, waiting: &mut Waiting, new: Vec<HoldJob>, monotonic: Duration) -> Result<(), Fault> {
        let mut taken = Taken::default();
        let earlier = waiting.take_all();
        let later = new.into_iter().map(|job| Waiter { until: monotonic.saturating_add(job.wait), job });
        for waiter in earlier.into_iter().chain(later) {
            if waiter.job.reply.is_closed() {
                continue;
            }
            match self.try_hold(&waiter, &taken, monotonic)? {
                Some(answer) => self.answer(waiter.job, answer),
                None => {
                    taken.take(&self.core.ledger, &waiter.job, self.now);
                    waiting.push(waiter);
                }
            }
        }
        Ok(())
    }

    fn try_hold(&mut self, waiter: &Waiter, taken: &Taken, monotonic: Duration) -> Result<Step, Fault> {
        let job = &waiter.job;
        let over = waiter.until <= monotonic;
        if let Some(first) = self.first_call(job)? {
            return Ok(Some(Ok(HoldAnswer::Duplicate(first))));
        }
        // Whoever's time is up is tried on its own, so that order never refuses what fits.
        if !over && taken.blocks(&self.core.ledger, job, self.now) {
            return Ok(None);
        }
        match self.core.ledger.decide(&Command::Hold(job.ask.clone()), self.now) {
            Ok(Event::Held(held)) => self.grant(job, held).map(Some),
            Ok(_) => Ok(Some(Err(BooksError::Invalid("the ledger answered a hold with something else".to_owned())))),
            Err(No::Refused(refusal)) if refusal.code == RefusalCode::Held && !over => Ok(None),
            Err(No::Refused(refusal)) => Ok(Some(Ok(HoldAnswer::Refused(refusal)))),
            Err(no) => Ok(Some(Err(said(no)))),
        }
    }

    fn grant(&mut self, job: &HoldJob, held: ledger::Held) -> Result<Result<HoldAnswer, BooksError>, Fault> {
        let hold = held.id;
        self.write_hold(held, &job.start)?;
        self.remember_call(job)?;
        let missing = || BooksError::Invalid("the hold is gone".to_owned());
        Ok(self.core.ledger.grant(hold).map(HoldAnswer::Granted).ok_or_else(missing))
    }

    fn answer(&mut self, job: HoldJob, answer: Result<HoldAnswer, BooksError>) {
        let HoldJob { reply, jobs, .. } = job;
        self.replies.push(Box::new(move || {
            // A failed send drops the ticket, and with it voids what was granted.
            drop(reply.send(answer.map(|answer| Ticket::new(answer, jobs))));
        }));
    }

    /// The earlier call with the same idempotency key, unless nothing of it was ever sent.
    fn first_call(&mut self, job: &HoldJob) -> Result<Option<CallId>, Fault> {
        let Some(client_key) = &job.start.idempotency_key else { return Ok(None) };
        let conn = &self.core.conn;
        let Some(first) = attempts::first_call(conn, scope(job), client_key)?.filter(|first| *first != job.start.call) else { return Ok(None) };
        let standings = attempts::of_call(conn, first)?;
        Ok(standings.iter().any(|standing| standing.status != CallStatus::Voided).then_some(first))
    }

    fn remember_call(&mut self, job: &HoldJob) -> Result<(), Fault> {
        let at_us = self.now.as_microsecond();
        if let Some(client_key) = &job.start.idempotency_key {
            attempts::remember_call(self.conn()?, scope(job), client_key, job.start.call, at_us)?;
        }
        Ok(())
    }
}

/// Whose idempotency keys may collide: those of one virtual key.
fn scope(job: &HoldJob) -> &str {
    job.ask.attributes.get("key").map_or("", String::as_str)
}
