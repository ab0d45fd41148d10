//! One day at the books and at the reference beside them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use ledger::{AccountView, Command, Event, HoldAsk, HoldId, RefusalCode, RunId, RunSpec};
use money::Nanos;
use store::{Books, BooksError, CallId, HoldAnswer, HoldRequest, Origin, Outcome, Resolution, RunFilter, RunStart, Target, verify};
use tokio::task::JoinHandle;

use crate::file::{Journal, account_text, attempts, hold_name};
use crate::oracle::lane::Met;
use crate::oracle::line::Line;
use crate::oracle::model::{Model, Numbers, Said, Standing, wide};
use crate::oracle::ops::{Day, Op, cost_of};
use crate::oracle::sights;
use crate::support::*;

type Checked = Result<(), String>;
type Answer = Result<HoldAnswer, BooksError>;

/// What an answer to a hold should be.
#[derive(Clone, Debug)]
enum Expected {
    Said(Said),
    Duplicate(CallId),
}

/// How often the writer looks for forgotten holds, and how long after their time it does.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
const SWEEP_GRACE: SignedDuration = SignedDuration::from_secs(60);

pub struct Desk<'a> {
    day: &'a Day,
    dir: TempDir,
    clock: Arc<FakeClock>,
    books: Books,
    journal: Journal,
    model: Model,
    line: Line<u64>,
    /// Who waits: the caller's task, and what it asked.
    waiting: BTreeMap<u64, (JoinHandle<Answer>, HoldRequest)>,
    tokens: u64,
    wall: Timestamp,
    steady: Duration,
    /// When something happened last by the journal's time, and the steady clock then.
    last: Cell<(Timestamp, Duration)>,
    /// The journal's time that an orderly end left far ahead of the wall clock.
    kept: Timestamp,
    last_sweep: Duration,
    /// Runs by their number in the day.
    runs: BTreeMap<u128, RunId>,
    /// Every attempt's status.
    status: BTreeMap<HoldId, &'static str>,
    calls: BTreeMap<CallId, Vec<HoldId>>,
    latest_call: Option<CallId>,
    client_keys: BTreeMap<(String, String), CallId>,
    restarted: bool,
    compared: usize,
    met: Met,
}

impl<'a> Desk<'a> {
    pub fn open(day: &'a Day) -> Self {
        let (dir, clock) = (TempDir::in_memory(), FakeClock::new(&day.begins));
        let (books, _) = open_at(dir.path(), &clock);
        Self {
            day,
            clock,
            books,
            journal: Journal::default(),
            model: Model::default(),
            line: Line::default(),
            waiting: BTreeMap::new(),
            tokens: 0,
            wall: day.begins.parse().unwrap(),
            steady: Duration::ZERO,
            last: Cell::new((Timestamp::MIN, Duration::ZERO)),
            kept: Timestamp::MIN,
            last_sweep: Duration::ZERO,
            runs: BTreeMap::new(),
            status: BTreeMap::new(),
            calls: BTreeMap::new(),
            latest_call: None,
            client_keys: BTreeMap::new(),
            restarted: false,
            compared: 0,
            met: Met::default(),
            dir,
        }
    }

    /// The writer's now, in whole microseconds: never back; after a step back of an hour or more it goes on with the steady clock.
    fn now(&self) -> Timestamp {
        let whole = |at: Timestamp| at.round(TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Floor)).unwrap();
        let happened = self.model.clock(Timestamp::MIN);
        if happened > self.last.get().0 {
            self.last.set((happened, self.steady));
        }
        let (last, since) = self.last.get();
        let is_far_ahead = last.duration_since(self.wall) >= SignedDuration::from_hours(1);
        whole(if is_far_ahead { last + (self.steady - since) } else { self.wall }).max(last)
    }

    fn until(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(self.steady).unwrap()
    }

    pub async fn step(&mut self, op: &Op) -> Checked {
        match op {
            Op::Step { .. } | Op::Jump { .. } | Op::ToBoundary { .. } => {
                // The writer has just answered and sleeps, so it sees both clocks move at once.
                self.books.tick().await.map_err(|error| error.to_string())?;
                self.now();
                self.move_clock(op);
                // Those whom the first tick sweeps are due at the second.
                self.tick().await?;
            }
            Op::Restart => self.restart().await?,
            Op::Crash => self.crash().await?,
            Op::Leave { nth } => self.leave(*nth).await,
            Op::Hold { .. } => self.hold(op).await?,
            Op::Settle { .. } | Op::Void { .. } | Op::Unresolve { .. } => match self.day.command(op, &self.model, self.now()) {
                Some(Command::Settle { hold, cost, estimated }) => self.finish(hold, Outcome::Settled { cost, estimated }).await?,
                Some(Command::Void(hold)) => self.finish(hold, Outcome::Voided).await?,
                Some(Command::Unresolve(hold)) => self.finish(hold, Outcome::Unresolved).await?,
                _ => {}
            },
            Op::Late { nth, cost } => {
                let ended: Vec<HoldId> = self.status.iter().filter(|(_, status)| **status == "assumed").map(|(hold, _)| *hold).collect();
                let Some(hold) = ended.get(nth % ended.len().max(1)).copied() else { return Ok(()) };
                let cost = cost_of(*cost, hold, &self.model);
                self.finish(hold, Outcome::Settled { cost, estimated: nth % 2 == 0 }).await?;
            }
            Op::TrueUp { .. } | Op::Resolve { .. } => self.decide_fate(op).await?,
            Op::StartRun { .. } | Op::RaiseRun { .. } | Op::EndRun { .. } => self.change_run(op).await?,
            Op::Put { .. } | Op::Cut { .. } | Op::Remove { .. } => self.change_budget(op).await?,
            Op::Assume { .. } | Op::LimitRun { .. } => {}
        }
        self.tick().await?;
        self.compare()
            .await
            .map_err(|why| format!("{why}\nthe journal's latest lines, oldest first:{}", self.journal.latest(&self.books.reader())))
    }

    pub async fn close(mut self) -> Result<Met, String> {
        self.met.count("operations", self.day.ops.len());
        self.met.count("journal lines", usize::try_from(self.journal.seq).unwrap());
        self.nobody_waits();
        self.books.close().await.map_err(|error| error.to_string())?;
        for full in [true, false] {
            let report = verify(self.dir.path(), full).map_err(|error| error.to_string())?;
            same("violations", &report.violations, &Vec::new())?;
        }
        Ok(self.met)
    }

    fn move_clock(&mut self, op: &Op) {
        let Some(to) = self.day.moved(op, &self.model, self.wall) else { return };
        sights::clock_moved(&mut self.met, self.wall, to);
        if !matches!(op, Op::Jump { .. }) {
            self.steady += Duration::try_from(to.duration_since(self.wall)).unwrap_or_default();
        }
        self.wall = to;
        self.clock.set(self.wall, self.steady);
    }

    /// Lets the writer look at the clock, and the reference too.
    async fn tick(&mut self) -> Checked {
        self.books.tick().await.map_err(|error| error.to_string())?;
        let now = self.now();
        match self.last.get().0.duration_since(self.wall) {
            ahead if ahead >= SignedDuration::from_hours(1) => self.met.notice("journal went on ahead of the clock"),
            ahead if ahead > SignedDuration::ZERO => self.met.notice("clock stood behind the journal"),
            _ => {}
        }
        for hold in self.model.due(now) {
            self.make(&Command::Assume(hold), now)?;
        }
        if self.steady - self.last_sweep >= SWEEP_EVERY {
            self.last_sweep = self.steady;
            let at = self.model.clock(now);
            let late = |held: &ledger::HoldState| !held.unresolved && held.held.assume_at.saturating_add(SWEEP_GRACE).unwrap() <= at;
            let state = self.model.state(&self.model.numbers());
            for hold in state.holds.iter().filter(|held| late(held)) {
                self.met.notice("a forgotten hold was swept");
                self.make(&Command::Unresolve(hold.held.id), now)?;
            }
        }
        self.serve().await
    }

    /// Does at the reference what the books must have done.
    fn make(&mut self, command: &Command, now: Timestamp) -> Result<Said, String> {
        let said = self.model.ask(command, now);
        sights::told(&mut self.met, &self.model, command, &said, now, self.restarted);
        if let Said::Yes(event) = &said {
            self.model.make(command, event, now);
            match event {
                Event::Held(held) => drop(self.status.insert(held.id, "held")),
                Event::Settled { hold, .. } | Event::TruedUp { hold, .. } => drop(self.status.insert(*hold, "settled")),
                Event::Voided { hold, .. } => drop(self.status.insert(*hold, "voided")),
                Event::Unresolved { hold, .. } => drop(self.status.insert(*hold, "unresolved")),
                Event::Assumed { hold, .. } => drop(self.status.insert(*hold, "assumed")),
                _ => {}
            }
        }
        Ok(said)
    }

    fn no_run(&self, slot: u128) -> RunId {
        self.runs.get(&slot).copied().unwrap_or(RunId(slot))
    }

    async fn hold(&mut self, op: &Op) -> Checked {
        let Op::Hold { run, wait_s, client_key, retry, leaves, .. } = op else { return Ok(()) };
        let Some(Command::Hold(mut ask)) = self.day.command(op, &self.model, self.now()) else { return Ok(()) };
        ask.run = run.map(|run| self.no_run(run));
        let call = self.latest_call.filter(|_| *retry).unwrap_or(CallId(id()));
        let attempt = self.calls.get(&call).map_or(1, |holds| holds.len() + 1);
        let mut request = request_for(call, u32::try_from(attempt).unwrap(), "1", &[]);
        (request.start.hold, request.start.attributes, request.start.run) = (ask.id, ask.attributes.clone(), ask.run);
        request.start.idempotency_key = client_key.map(|key| key.to_string());
        request.wait = Duration::from_secs(wait_s.unwrap_or(0).into());
        request.ask = ask;
        if self.waiting.values().any(|(_, other)| other.ask.id == request.ask.id || other.start.call == call) {
            return Ok(());
        }
        if *leaves { self.ask_and_leave(request).await } else { self.ask(request).await }
    }

    async fn ask(&mut self, request: HoldRequest) -> Checked {
        let books = self.books.clone();
        let asked = request.clone();
        let task = tokio::spawn(async move { books.hold(asked).await });
        match self.arrive(&request) {
            Some(expected) => {
                let answer = task.await.unwrap();
                self.check(&answer, &expected, &request)?;
                self.serve().await
            }
            None => {
                tokio::task::yield_now().await;
                self.wait(task, request);
                Ok(())
            }
        }
    }

    fn wait(&mut self, task: JoinHandle<Answer>, request: HoldRequest) {
        let token = self.tokens;
        self.tokens += 1;
        let deadline = self.until().saturating_add(request.wait).unwrap();
        self.line.waiting.push((token, request.ask.clone(), deadline));
        self.waiting.insert(token, (task, request));
        self.met.notice("waited");
    }

    /// Asks, and goes before the answer is taken.
    async fn ask_and_leave(&mut self, mut request: HoldRequest) -> Checked {
        request.wait = Duration::ZERO;
        let mut future = Box::pin(self.books.hold(request.clone()));
        let polled = std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context))).await;
        if let std::task::Poll::Ready(answer) = polled {
            // On a busy machine the answer was there at once: the caller has it and gives it back.
            drop(future);
            let expected = self.arrive(&request).expect("it doesn't wait");
            self.check(&answer, &expected, &request)?;
            self.serve().await?;
            return if answer.is_ok_and(|answer| matches!(answer, HoldAnswer::Granted(_))) {
                self.finish(request.ask.id, Outcome::Voided).await
            } else {
                Ok(())
            };
        }
        self.books.tick().await.map_err(|error| error.to_string())?;
        drop(future);
        let expected = self.arrive(&request);
        if let Some(Expected::Said(Said::Yes(_))) = expected {
            self.met.notice("left with a grant on its way");
            self.serve().await?;
            self.make(&Command::Void(request.ask.id), self.now())?;
        }
        self.books.tick().await.map_err(|error| error.to_string())?;
        self.serve().await
    }

    /// What a newcomer is told; `None` when it waits.
    fn arrive(&mut self, request: &HoldRequest) -> Option<Expected> {
        let (now, ask) = (self.now(), &request.ask);
        let patient = !request.wait.is_zero();
        let turn = if patient { self.line.turn(&self.model, ask, now) } else { Some(ask.clone()) };
        let said = turn.map(|ask| self.model.ask(&Command::Hold(ask), now));
        let waits = match &said {
            None => true,
            Some(Said::Refused(refusal)) => patient && refusal.code == RefusalCode::Held,
            Some(_) => false,
        };
        if waits {
            return self.first_call(request).map(Expected::Duplicate);
        }
        Some(self.answer(request, said?))
    }

    /// What somebody is told when the ledger says this.
    fn answer(&mut self, request: &HoldRequest, said: Said) -> Expected {
        if let Some(first) = self.first_call(request) {
            self.met.notice("a client's key came twice");
            return Expected::Duplicate(first);
        }
        if matches!(said, Said::Yes(_)) && self.status.contains_key(&request.ask.id) {
            self.met.notice("a hold's id came twice");
            return Expected::Said(Said::Invalid);
        }
        let command = Command::Hold(request.ask.clone());
        let now = self.now();
        sights::told(&mut self.met, &self.model, &command, &said, now, self.restarted);
        if let Said::Yes(event) = &said {
            self.model.make(&command, event, now);
            self.status.insert(request.ask.id, "held");
            self.calls.entry(request.start.call).or_default().push(request.ask.id);
            self.latest_call = Some(request.start.call);
            if let Some(key) = client_key(request)
                && self.client_keys.insert(key, request.start.call).is_some_and(|first| first != request.start.call)
            {
                self.met.notice("a client's key was free again");
            }
        }
        Expected::Said(said)
    }

    /// The earlier call with this client key, unless nothing of it was sent.
    fn first_call(&self, request: &HoldRequest) -> Option<CallId> {
        let first = self.client_keys.get(&client_key(request)?).copied().filter(|first| *first != request.start.call)?;
        self.calls[&first].iter().any(|hold| self.status[hold] != "voided").then_some(first)
    }

    fn check(&self, answer: &Answer, expected: &Expected, request: &HoldRequest) -> Checked {
        let differ = || Err(format!("answers differ\n  books:     {answer:?}\n  reference: {expected:?}"));
        match (answer, expected) {
            (Ok(HoldAnswer::Granted(grant)), Expected::Said(Said::Yes(Event::Held(held)))) => {
                let same = (grant.hold, grant.granted, &grant.shadowed) == (held.id, held.granted, &held.shadowed);
                if same { self.check_tightest(grant, request) } else { differ() }
            }
            (Ok(HoldAnswer::Refused(refusal, _)), Expected::Said(Said::Refused(expected))) if **refusal == *expected => Ok(()),
            (Ok(HoldAnswer::Duplicate(call)), Expected::Duplicate(first)) if call == first => Ok(()),
            (Err(BooksError::Invalid(_)), Expected::Said(Said::Invalid)) => Ok(()),
            (Err(BooksError::NotFound(_)), Expected::Said(Said::UnknownRun(_))) => Ok(()),
            _ => differ(),
        }
    }

    fn check_tightest(&self, grant: &ledger::Grant, request: &HoldRequest) -> Checked {
        let limits = self.model.limits(&self.model.numbers(), &request.ask, self.now());
        let least = limits.iter().min_by_key(|(account, (_, left))| (*left, *account));
        let told = grant.tightest.as_ref().map(|view| (&view.account, wide(view.remaining.unwrap())));
        same("the tightest account", &told, &least.map(|(account, (_, left))| (account, (*left).max(0))))
    }

    /// Whoever waits and has an answer now.
    async fn serve(&mut self) -> Checked {
        self.serve_ready().await?;
        while let Some((token, ask)) = self.line.expire(self.until()) {
            self.tell(token, ask).await?;
        }
        self.serve_ready().await
    }

    async fn serve_ready(&mut self) -> Checked {
        while let Some((token, ask)) = self.line.ready(&self.model, self.now()) {
            self.tell(token, ask).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, token: u64, ask: HoldAsk) -> Checked {
        let (task, request) = self.waiting.remove(&token).unwrap();
        let said = self.model.ask(&Command::Hold(ask), self.now());
        self.met.notice(if matches!(said, Said::Yes(_)) { "waited and was granted" } else { "waited and was refused" });
        let expected = self.answer(&request, said);
        let answer = tokio::time::timeout(Duration::from_secs(60), task).await;
        let Ok(answer) = answer else { return Err(format!("{request:?} still waits; it should be told {expected:?}")) };
        // What others took since then isn't in this answer.
        match (&answer.unwrap(), &expected) {
            (Ok(HoldAnswer::Granted(grant)), Expected::Said(Said::Yes(Event::Held(held)))) => {
                same("what a waiter was granted", &(grant.hold, grant.granted), &(held.id, held.granted))
            }
            (answer, expected) => self.check(answer, expected, &request),
        }
    }

    async fn leave(&mut self, nth: usize) {
        let Some(token) = self.waiting.keys().nth(nth % self.waiting.len().max(1)).copied() else { return };
        let (task, _) = self.waiting.remove(&token).unwrap();
        task.abort();
        let _ = task.await;
        self.line.leave(token);
        self.met.notice("left while it waited");
    }

    async fn finish(&mut self, hold: HoldId, outcome: Outcome) -> Checked {
        let outcome = match outcome {
            Outcome::Settled { cost, estimated } => Outcome::Settled { cost: cost.min(Nanos::MAX), estimated },
            other => other,
        };
        let answer = self.books.finish(end(hold, outcome.clone())).await;
        let (command, late) = match outcome {
            Outcome::Settled { cost, .. } if cost < Nanos::ZERO => return same("a cost below zero", &answer.is_err(), &true),
            Outcome::Settled { cost, estimated } => (Command::Settle { hold, cost, estimated }, Some(cost)),
            Outcome::Voided => (Command::Void(hold), Some(Nanos::ZERO)),
            Outcome::Unresolved => (Command::Unresolve(hold), None),
        };
        let said = self.make(&command, self.now())?;
        if said == Said::NotOpen
            && self.status.get(&hold) == Some(&"assumed")
            && let Some(cost) = late
        {
            self.met.notice("an end came late");
            self.make(&Command::TrueUp { hold, cost }, self.now())?;
        }
        answer.map_err(|error| error.to_string())?;
        self.serve().await
    }

    async fn decide_fate(&mut self, op: &Op) -> Checked {
        let now = self.now();
        let (hold, answer, command) = match op {
            Op::Resolve { nth, cost } => {
                let Some(hold) = self.status.keys().nth(nth % self.status.len().max(1)).copied() else { return Ok(()) };
                let cost = cost.map(|cost| cost_of(cost, hold, &self.model).min(Nanos::MAX).max(Nanos::ZERO));
                let resolution = cost.map_or(Resolution::Void, Resolution::Cost);
                let answer = self.books.resolve(Target::Hold(hold), resolution, "evidence", "ann").await.map(drop);
                let command = match (self.status[&hold], cost) {
                    ("unresolved", Some(cost)) => Some(Command::Settle { hold, cost, estimated: false }),
                    ("unresolved", None) => Some(Command::Void(hold)),
                    ("assumed", cost) => Some(Command::TrueUp { hold, cost: cost.unwrap_or_default() }),
                    _ => None,
                };
                (hold, answer, command)
            }
            _ => {
                let Some(Command::TrueUp { hold, cost }) = self.day.command(op, &self.model, now) else { return Ok(()) };
                let cost = cost.min(Nanos::MAX);
                let answer = self.books.true_up(hold, cost, "evidence", "ann").await;
                (hold, answer, (cost >= Nanos::ZERO).then_some(Command::TrueUp { hold, cost }))
            }
        };
        let said = command.map(|command| self.make(&command, now)).transpose()?;
        let expected = said.is_some_and(|said| matches!(said, Said::Yes(_)));
        same(&format!("whether the fate of {} changed", hold_name(hold)), &answer.is_ok(), &expected)?;
        self.serve().await
    }

    async fn change_run(&mut self, op: &Op) -> Checked {
        let now = self.now();
        let (kind, command) = match op {
            Op::StartRun { run, .. } if self.runs.contains_key(run) => return Ok(()),
            Op::StartRun { run, parent, limit } => {
                let parent = parent.map(|parent| self.no_run(parent));
                let limit = limit.map(Nanos::new);
                let started = self.books.start_run(RunStart { parent, limit, ..RunStart::default() }, "ann").await;
                let new = started.as_ref().map_or(RunId(u128::MAX), |(new, _)| *new);
                if started.is_ok() {
                    self.runs.insert(*run, new);
                }
                let valid = limit.is_none_or(|limit| (0..=wide(Nanos::MAX)).contains(&wide(limit)));
                let command = valid.then_some(Command::StartRun(RunSpec { id: new, parent, limit }));
                (kind(&started.map(drop)), command)
            }
            Op::RaiseRun { run, by } => {
                let run = self.no_run(*run);
                let by = Nanos::new(*by);
                (kind(&self.books.raise_run(run, by, "ann").await.map(drop)), Some(Command::RaiseRun { run, by }))
            }
            Op::EndRun { run } => {
                let run = self.no_run(*run);
                (kind(&self.books.end_run(run, "ann").await), Some(Command::EndRun(run)))
            }
            _ => return Ok(()),
        };
        self.changed(kind, command, now).await
    }

    async fn change_budget(&mut self, op: &Op) -> Checked {
        let now = self.now();
        let Some(command) = self.day.command(op, &self.model, now) else { return Ok(()) };
        let answer = match &command {
            Command::PutBudget(spec) => self.books.put_budget(spec.clone(), Origin::Api, "ann").await,
            Command::RemoveBudget(name) => self.books.remove_budget(name, "ann").await,
            _ => return Ok(()),
        };
        self.changed(kind(&answer), Some(command), now).await
    }

    async fn changed(&mut self, answer: &'static str, command: Option<Command>, now: Timestamp) -> Checked {
        let said = command.map(|command| self.make(&command, now)).transpose()?.unwrap_or(Said::Invalid);
        let expected = match said {
            Said::Yes(_) => "done",
            Said::Invalid | Said::Refused(_) => "invalid",
            _ => "not found",
        };
        same("answer to a change", &answer, &expected)?;
        self.serve().await
    }

    fn nobody_waits(&mut self) {
        self.waiting.values().for_each(|(task, _)| task.abort());
        self.waiting.clear();
        self.line = Line::default();
    }

    async fn restart(&mut self) -> Checked {
        if !self.status.is_empty() && !self.model.open_holds().is_empty() {
            self.met.notice("restarted with open holds");
        }
        self.nobody_waits();
        if self.now().duration_since(self.wall) >= SignedDuration::from_hours(1) {
            self.kept = self.now();
        }
        self.books.close().await.map_err(|error| error.to_string())?;
        let (books, opened) = open_at(self.dir.path(), &self.clock);
        self.books = books;
        same("lines read again after a restart", &opened.replayed, &0)?;
        self.orphan(opened.unresolved)
    }

    /// The files as they are at this instant, opened elsewhere.
    async fn crash(&mut self) -> Checked {
        if !self.model.open_holds().is_empty() {
            self.met.notice("crashed with open holds");
        }
        if !self.waiting.is_empty() {
            self.met.notice("crashed while somebody waited");
        }
        let image = TempDir::in_memory();
        std::fs::create_dir_all(image.path()).unwrap();
        for file in ["mete.db", "mete.db-wal"] {
            std::fs::copy(self.dir.path().join(file), image.path().join(file)).unwrap();
        }
        self.nobody_waits();
        self.books.close().await.map_err(|error| error.to_string())?;
        let (books, opened) = open_at(image.path(), &self.clock);
        (self.books, self.dir) = (books, image);
        // Read from its first line again.
        self.journal = Journal::default();
        self.orphan(opened.unresolved)
    }

    /// A process that begins finds every hold's outcome unknown.
    fn orphan(&mut self, unresolved: usize) -> Checked {
        self.restarted = true;
        self.last_sweep = self.steady;
        self.last.set((self.model.clock(self.kept), self.steady));
        for hold in self.model.open_holds() {
            self.make(&Command::Unresolve(hold), self.now())?;
        }
        same("unresolved after a restart", &unresolved, &self.model.open_holds().len())
    }

    async fn compare(&mut self) -> Checked {
        let (now, numbers) = (self.now(), self.model.numbers());
        let unwell = |error: BooksError| error.to_string();
        let accounts = self.books.accounts().await.map_err(unwell)?.into_iter();
        let accounts: BTreeMap<_, AccountView> = accounts.map(|view| (view.account.clone(), view)).collect();
        same("current accounts", &accounts, &self.model.current(&numbers, now))?;
        let state = self.model.state(&numbers);
        if state.accounts.len() < numbers.len() {
            self.met.notice("an old account was forgotten");
        }
        let open = self.books.open_holds().await.map_err(unwell)?.into_iter();
        let open: Vec<_> = open.map(|hold| (hold.id, hold.at, hold.granted, hold.assume_at, hold.unresolved, hold.accounts)).collect();
        let expected = |hold: &ledger::HoldState| {
            let held = &hold.held;
            (held.id, held.at, held.granted, held.assume_at, hold.unresolved, held.accounts.clone())
        };
        same("open holds", &open, &state.holds.iter().map(expected).collect())?;
        let budgets: Vec<_> = self.books.budgets().await.map_err(unwell)?.into_iter().map(|record| record.spec).collect();
        same("budgets", &budgets, &state.budgets.iter().filter(|budget| !budget.archived).map(|budget| budget.spec.clone()).collect())?;
        self.compare_runs(&state, &numbers).await?;
        self.compare_file(&numbers)?;
        self.compare_stats()
    }

    async fn compare_runs(&self, state: &ledger::State, numbers: &BTreeMap<ledger::Account, Numbers>) -> Checked {
        let runs = self.books.runs(RunFilter::default()).await.map_err(|error| error.to_string())?;
        let shown = |run: store::RunSummary| (run.view.spec.id, (run.view.spec, run.view.started_at, run.view.ended_at, run.view.account));
        let runs: BTreeMap<_, _> = runs.into_iter().map(shown).collect();
        let known = self.model.known(numbers);
        let expected = state
            .runs
            .iter()
            .map(|run| (run.spec.id, (run.spec.clone(), run.started_at, run.ended_at, known[&ledger::Account::Run(run.spec.id)].clone())));
        same("runs", &runs, &expected.collect())
    }

    fn compare_file(&mut self, numbers: &BTreeMap<ledger::Account, Numbers>) -> Checked {
        let sums = |numbers: &Numbers| [numbers.spent, numbers.overage, numbers.held];
        let used = numbers.iter().filter(|(_, numbers)| **numbers != Numbers::default());
        same(
            "sums of the journal's lines",
            &self.journal.sums(&self.books.reader()),
            &used.map(|(account, numbers)| (account_text(account), sums(numbers))).collect(),
        )?;
        self.compared += 1;
        if !self.compared.is_multiple_of(8) {
            return Ok(());
        }
        let rows = self.status.iter().map(|(hold, status)| {
            let granted = self.model.granted(*hold).unwrap().get();
            let held = if matches!(*status, "held" | "unresolved") { granted } else { 0 };
            let cost = match self.model.standing(*hold) {
                Some(Standing::Cost(cost)) => Some(i64::try_from(cost).unwrap()),
                _ => None,
            };
            (hold_name(*hold), ((*status).to_owned(), granted, held, cost))
        });
        same("attempts", &attempts(&self.books.reader()), &rows.collect())
    }

    fn compare_stats(&self) -> Checked {
        let stats = self.books.stats();
        let standings: Vec<Standing> = self.status.keys().filter_map(|hold| self.model.standing(*hold)).collect();
        let cost = |standing: &Standing| if let Standing::Cost(cost) = standing { *cost } else { 0 };
        let unresolved = standings.iter().filter(|standing| **standing == Standing::Unresolved).count();
        let expected = (self.model.open_holds().len(), unresolved, self.waiting.len());
        same("counts", &(stats.open_holds, stats.unresolved, stats.waiting), &expected)?;
        same("spent in all", &wide(stats.spent), &standings.iter().map(cost).sum::<i128>().min(i64::MAX.into()))
    }
}

fn client_key(request: &HoldRequest) -> Option<(String, String)> {
    let scope = request.ask.attributes.get("key").cloned().unwrap_or_default();
    Some((scope, request.start.idempotency_key.clone()?))
}

fn kind<T>(answer: &Result<T, BooksError>) -> &'static str {
    match answer {
        Ok(_) => "done",
        Err(BooksError::Invalid(_)) => "invalid",
        Err(BooksError::NotFound(_)) => "not found",
        Err(BooksError::Unavailable(_)) => "unavailable",
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, books: &T, reference: &T) -> Checked {
    if books == reference {
        return Ok(());
    }
    Err(format!("{what} differ\n  books:     {books:?}\n  reference: {reference:?}"))
}
