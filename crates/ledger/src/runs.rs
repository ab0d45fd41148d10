//! What happens to runs: they begin, get another limit, and end.

use std::collections::BTreeSet;

use jiff::Timestamp;
use money::Nanos;

use crate::ledger::Ledger;
use crate::run::{RUN_DEPTH_MAX, Run};
use crate::{Account, Event, No, RunId, RunSpec};

impl Ledger {
    pub(crate) fn decide_start(&self, spec: &RunSpec, at: Timestamp) -> Result<Event, No> {
        check_limit(spec.limit)?;
        if self.runs.contains_key(&spec.id) {
            return Err(No::invalid("a run with this id has begun before"));
        }
        if let Some(parent) = spec.parent
            && self.lineage(parent)?.len() >= RUN_DEPTH_MAX
        {
            return Err(No::Invalid(format!("runs nest at most {RUN_DEPTH_MAX} deep")));
        }
        Ok(Event::RunStarted { at, spec: spec.clone() })
    }

    pub(crate) fn decide_raise(&self, run: RunId, by: Nanos, at: Timestamp) -> Result<Event, No> {
        let limit = self.run_named(run)?.spec.limit;
        let Some(limit) = limit else {
            return Err(No::invalid("this run has no limit to raise"));
        };
        if by <= Nanos::ZERO {
            return Err(No::invalid("raise a run by more than zero"));
        }
        self.decide_run_limit(run, Some(limit.checked_add(by).unwrap_or(Nanos::new(i64::MAX))), at)
    }

    pub(crate) fn decide_run_limit(&self, run: RunId, limit: Option<Nanos>, at: Timestamp) -> Result<Event, No> {
        self.run_named(run)?;
        check_limit(limit)?;
        Ok(Event::RunLimitSet { at, run, limit })
    }

    pub(crate) fn decide_end(&self, run: RunId, at: Timestamp) -> Result<Event, No> {
        match self.run_named(run)?.ended_at {
            None => Ok(Event::RunEnded { at, run }),
            Some(_) => Err(No::invalid("this run has ended before")),
        }
    }

    pub(crate) fn start_run(&mut self, spec: &RunSpec, at: Timestamp) {
        if self.runs.contains_key(&spec.id) {
            return;
        }
        let slot = self.accounts.insert(Account::Run(spec.id), None);
        let run = Run { spec: spec.clone(), started_at: at, ended_at: None, children: BTreeSet::new(), slot };
        self.runs.insert(spec.id, run);
        if let Some(parent) = spec.parent.and_then(|parent| self.runs.get_mut(&parent)) {
            parent.children.insert(spec.id);
        }
    }

    /// Tells every parent of its children, for runs that were restored in order of their ids.
    pub(crate) fn adopt_children(&mut self) {
        let pairs: Vec<(RunId, RunId)> = self.runs.values().filter_map(|run| run.spec.parent.map(|parent| (parent, run.spec.id))).collect();
        for (parent, child) in pairs {
            if let Some(parent) = self.runs.get_mut(&parent) {
                parent.children.insert(child);
            }
        }
    }

    pub(crate) fn set_run_limit(&mut self, run: RunId, limit: Option<Nanos>) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.spec.limit = limit;
            self.definitions += 1;
        }
    }

    pub(crate) fn end_run(&mut self, run: RunId, at: Timestamp) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.ended_at = Some(at);
        }
    }

    /// The run and its ancestors, itself first.
    pub(crate) fn lineage(&self, run: RunId) -> Result<Vec<RunId>, No> {
        let mut lineage = vec![run];
        let mut parent = self.run_named(run)?.spec.parent;
        while let Some(id) = parent
            && lineage.len() < RUN_DEPTH_MAX
        {
            lineage.push(id);
            parent = self.run_named(id)?.spec.parent;
        }
        Ok(lineage)
    }

    pub(crate) fn run_named(&self, run: RunId) -> Result<&Run, No> {
        self.runs.get(&run).ok_or(No::UnknownRun(run))
    }
}

fn check_limit(limit: Option<Nanos>) -> Result<(), No> {
    match limit {
        Some(limit) if limit < Nanos::ZERO || limit > Nanos::MAX => {
            Err(No::invalid("a limit is zero or more and at most one billion dollars"))
        }
        _ => Ok(()),
    }
}
