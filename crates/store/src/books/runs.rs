//! Runs: begun with a token, raised, ended.

use std::sync::Arc;

use ledger::{Command, Event, RunId, RunSpec, RunView};
use money::Nanos;
use serde_json::{Value, json};

use crate::disk::run_rows;
use crate::keys::hash_secret;
use crate::writer::turn::{Fault, Publish, Turn};
use crate::{Books, BooksError, RunFilter, RunRecord, RunStart, RunSummary, RunToken, run_text, secret};

impl Books {
    /// Begins a run; its token is shown once.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn start_run(&self, start: RunStart, actor: &str) -> Result<(RunId, RunToken), BooksError> {
        let run = RunId(self.new_id());
        let token = secret::new_secret("rt_").map_err(BooksError::Unavailable)?;
        let (hash, actor) = (hash_secret(&token), actor.to_owned());
        self.change(move |turn| turn.start_run(run, start, hash, &actor)).await?;
        Ok((run, RunToken(token)))
    }

    /// The run with this token, without touching the disk. A run that ended more than a day before the start isn't found.
    #[must_use]
    pub fn run_by_token(&self, token: &str) -> Option<Arc<RunRecord>> {
        self.shared.run_by_hash(&hash_secret(token))
    }

    /// The run with this id, without touching the disk. A run that ended more than a day before the start isn't found.
    #[must_use]
    pub fn run_by_id(&self, run: RunId) -> Option<Arc<RunRecord>> {
        self.shared.run(run)
    }

    /// Raises a run's limit.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn raise_run(&self, run: RunId, by: Nanos, actor: &str) -> Result<RunView, BooksError> {
        let actor = actor.to_owned();
        self.change(move |turn| turn.raise_run(run, by, &actor)).await
    }

    /// Ends a run; late calls still count on it.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn end_run(&self, run: RunId, actor: &str) -> Result<(), BooksError> {
        let actor = actor.to_owned();
        let record = self.run_by_id(run);
        self.change(move |turn| turn.end_run(run, record.as_deref(), &actor)).await
    }

    /// Another token for a run, with its limit and what it has spent; a run that had ended goes on. Earlier tokens go
    /// on working.
    ///
    /// # Errors
    /// There is no such run, or the ledger can't be written; nothing changed.
    pub async fn join_run(&self, run: RunId, actor: &str) -> Result<RunToken, BooksError> {
        let token = secret::new_secret("rt_").map_err(BooksError::Unavailable)?;
        let (hash, actor) = (hash_secret(&token), actor.to_owned());
        self.change(move |turn| turn.join_run(run, hash, &actor)).await?;
        Ok(RunToken(token))
    }

    /// A run's numbers.
    ///
    /// # Errors
    /// There is no such run, or the writer has ended.
    pub async fn run_view(&self, run: RunId) -> Result<RunView, BooksError> {
        self.look(move |core| core.ledger.run(run)).await?.ok_or_else(|| BooksError::NotFound(format!("run {}", run_text(run))))
    }

    /// Runs, newest first, with their numbers.
    ///
    /// # Errors
    /// The records can't be read, or the writer has ended.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<RunSummary>, BooksError> {
        self.look(move |core| {
            let records = run_rows::list(&core.conn, &filter).map_err(super::unreadable)?;
            Ok(records.into_iter().filter_map(|record| Some(RunSummary { view: core.ledger.run(record.id)?, record })).collect())
        })
        .await?
    }
}

impl Turn<'_> {
    fn start_run(&mut self, run: RunId, start: RunStart, token_hash: [u8; 32], actor: &str) -> Result<(), Fault> {
        let spec = RunSpec { id: run, parent: start.parent, limit: start.limit };
        self.make(&Command::StartRun(spec))?;
        let record = RunRecord { id: run, start, started_at: self.now, ended_at: None };
        run_rows::insert(self.conn()?, &record, &token_hash)?;
        let after = json!({
            "parent": record.start.parent.map(run_text),
            "limit_nanos": record.start.limit.map(Nanos::get),
            "tags": record.start.tags,
            "session": record.start.session,
            "command": record.start.command,
            "name": record.start.name,
        });
        self.audit(actor, "run.started", &run_text(run), Value::Null, after)?;
        self.publish.push(Publish::Run(Box::new(record), Some(token_hash)));
        Ok(())
    }

    fn raise_run(&mut self, run: RunId, by: Nanos, actor: &str) -> Result<RunView, Fault> {
        let before = self.core.ledger.run(run).and_then(|view| view.spec.limit);
        let event = self.make(&Command::RaiseRun { run, by })?;
        let Event::RunLimitSet { limit, .. } = event else { return Err(Fault::invalid("the run's limit didn't change")) };
        let shown = |limit: Option<Nanos>| json!({ "limit_nanos": limit.map(Nanos::get) });
        self.audit(actor, "run.raised", &run_text(run), shown(before), shown(limit))?;
        self.core.ledger.run(run).ok_or_else(|| Fault::not_found(format!("run {}", run_text(run))))
    }

    fn join_run(&mut self, run: RunId, token_hash: [u8; 32], actor: &str) -> Result<(), Fault> {
        let before = run_rows::get(self.conn()?, run)?.ok_or_else(|| Fault::not_found(format!("run {}", run_text(run))))?;
        run_rows::join(self.conn()?, run, &token_hash)?;
        let ended = before.ended_at.map(|at| at.to_string());
        self.audit(actor, "run.joined", &run_text(run), json!({ "ended_at": ended }), json!({ "ended_at": null }))?;
        self.publish.push(Publish::Run(Box::new(RunRecord { ended_at: None, ..before }), Some(token_hash)));
        Ok(())
    }

    fn end_run(&mut self, run: RunId, record: Option<&RunRecord>, actor: &str) -> Result<(), Fault> {
        // The ledger ends a run once; one that was joined afterwards goes on and ends only in its record.
        let is_joined =
            record.is_some_and(|record| record.ended_at.is_none()) && self.core.ledger.run(run).is_some_and(|view| view.ended_at.is_some());
        if !is_joined {
            self.make(&Command::EndRun(run))?;
        }
        let now = self.now;
        run_rows::end(self.conn()?, run, now)?;
        self.audit(actor, "run.ended", &run_text(run), Value::Null, json!({ "ended_at": now.to_string() }))?;
        if let Some(record) = record {
            self.publish.push(Publish::Run(Box::new(RunRecord { ended_at: Some(now), ..record.clone() }), None));
        }
        Ok(())
    }
}
