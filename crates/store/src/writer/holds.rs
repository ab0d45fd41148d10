//! Granting holds: new ones and waiting ones, in one transaction that is on disk before anybody is told.

use std::sync::Arc;

use jiff::Timestamp;
use ledger::{Event, No, RefusalCode};
use tokio::sync::oneshot;

use super::job::{HoldJob, Job, Ticket};
use super::queue::Sender;
use super::turn::{Fault, Turn, said};
use super::waiting::Waiting;
use crate::disk::attempts;
use crate::{AttemptStart, BooksError, CallId, CallStatus, HoldAnswer};

type Answer = Result<HoldAnswer, BooksError>;

impl Turn<'_> {
    /// Tries everybody who waits and then everybody who is new, in order of arrival; then those whose wait is over.
    /// `steady` is the time by which waits are measured.
    pub(crate) fn admit(&mut self, waiting: &mut Waiting, new: Vec<HoldJob>, steady: Timestamp) -> Result<(), Fault> {
        waiting.forget_gone();
        self.admit_waiting(waiting)?;
        for job in new {
            self.admit_new(waiting, job, steady)?;
        }
        while let Some((job, decided)) = waiting.expire(steady, &self.core.ledger, self.now) {
            self.tell(job, decided)?;
        }
        // Whoever stood behind those who left may go now.
        self.admit_waiting(waiting)
    }

    fn admit_waiting(&mut self, waiting: &mut Waiting) -> Result<(), Fault> {
        while let Some((job, decided)) = waiting.ready(&self.core.ledger, self.now) {
            self.tell(job, decided)?;
        }
        Ok(())
    }

    fn admit_new(&mut self, waiting: &mut Waiting, job: HoldJob, steady: Timestamp) -> Result<(), Fault> {
        if job.reply.is_closed() {
            return Ok(());
        }
        let patient = !job.wait.is_zero();
        let want = if patient { waiting.turn(&self.core.ledger, &job.ask, self.now) } else { Some(job.ask.want) };
        let decided = want.map(|want| self.core.ledger.decide_ask(&job.ask, want, self.now));
        let waits = match &decided {
            None => true,
            Some(Err(No::Refused(refusal))) => patient && refusal.code == RefusalCode::Held,
            Some(_) => false,
        };
        match decided {
            Some(decided) if !waits => self.tell(job, decided),
            _ => self.wait(waiting, job, steady),
        }
    }

    fn wait(&mut self, waiting: &mut Waiting, job: HoldJob, steady: Timestamp) -> Result<(), Fault> {
        if let Some(first) = self.first_call(&job)? {
            self.answer(job, Ok(HoldAnswer::Duplicate(first)));
            return Ok(());
        }
        let deadline = steady.saturating_add(job.wait).unwrap_or(Timestamp::MAX);
        waiting.push(&self.core.ledger, job, deadline, self.now);
        Ok(())
    }

    /// Writes what was decided for one caller, who hears of it after the commit.
    fn tell(&mut self, job: HoldJob, decided: Result<Event, No>) -> Result<(), Fault> {
        let answer = match (self.first_call(&job)?, decided) {
            (Some(first), _) => Ok(HoldAnswer::Duplicate(first)),
            (None, Ok(Event::Held(held))) => return self.grant(job, held),
            (None, Ok(_)) => Err(BooksError::Invalid("the ledger answered a hold with something else".to_owned())),
            (None, Err(No::Refused(refusal))) => Ok(HoldAnswer::Refused(refusal, self.core.line().unsigned_abs())),
            (None, Err(no)) => Err(said(no)),
        };
        self.answer(job, answer);
        Ok(())
    }

    fn grant(&mut self, job: HoldJob, held: ledger::Held) -> Result<(), Fault> {
        let hold = held.id;
        if self.is_known(&job.start)? {
            let answer = Err(BooksError::Invalid("this hold, or this attempt of the call, was asked for before".to_owned()));
            self.answer(job, answer);
            return Ok(());
        }
        self.remember_call(&job)?;
        let HoldJob { start, reply, jobs, .. } = job;
        self.write_hold(held, start)?;
        let missing = || BooksError::Invalid("the hold is gone".to_owned());
        let answer = self.core.ledger.grant(hold).map(HoldAnswer::Granted).ok_or_else(missing);
        self.reply(reply, answer, jobs);
        Ok(())
    }

    /// Whether the hold, or the same attempt of the same call, was recorded before.
    fn is_known(&self, start: &AttemptStart) -> Result<bool, Fault> {
        let unfiled = &self.core.unfiled;
        let known = unfiled.knows(start.hold, start.call, start.attempt);
        Ok(known || unfiled.may_be_filed(start.hold, start.call) && attempts::is_known(&self.core.conn, start)?)
    }

    fn answer(&mut self, job: HoldJob, answer: Answer) {
        self.reply(job.reply, answer, job.jobs);
    }

    fn reply(&mut self, reply: oneshot::Sender<Result<Ticket, BooksError>>, answer: Answer, jobs: Arc<Sender<Job>>) {
        self.replies.push(Box::new(move || {
            // A failed send drops the ticket, and with it voids what was granted.
            drop(reply.send(answer.map(|answer| Ticket::new(answer, jobs))));
        }));
    }

    /// The earlier call with the same idempotency key, unless nothing of it was ever sent.
    fn first_call(&mut self, job: &HoldJob) -> Result<Option<CallId>, Fault> {
        let Some(client_key) = &job.start.idempotency_key else { return Ok(None) };
        let conn = &self.core.conn;
        let Some(first) = attempts::first_call(conn, scope(job), client_key)?.filter(|first| *first != job.start.call) else {
            return Ok(None);
        };
        self.file()?;
        let standings = attempts::of_call(&self.core.conn, first)?;
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
