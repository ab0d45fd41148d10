//! Random days: after any mix of calls, changes, restarts and crashes, what comes back is what was, and it adds up.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod support;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ledger::{AccountView, HoldId, RunId, Window};
use proptest::prelude::*;
use store::{Books, Clock, HoldAnswer, Outcome, Resolution, RunStart, Target, restore, verify};
use support::*;

#[derive(Clone, Debug)]
enum Step {
    Hold { team: u8, cents: u16, on_run: bool, covered: bool },
    Settle { which: u16, cents: u16, estimated: bool },
    Void { which: u16 },
    Unresolve { which: u16 },
    Resolve { which: u16, cents: u16 },
    Limit { team: u8, cents: u16 },
    Remove { team: u8 },
    StartRun { inside: bool, cents: u16 },
    RaiseRun { cents: u16 },
    EndRun,
    Advance { seconds: u16 },
    Restart,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let cents = || 0_u16..400;
    let team = || 0_u8..3;
    let which = any::<u16>;
    prop_oneof![
        8 => (team(), cents(), any::<bool>(), any::<bool>()).prop_map(|(team, cents, on_run, covered)| Step::Hold { team, cents, on_run, covered: covered && on_run }),
        5 => (which(), cents(), any::<bool>()).prop_map(|(which, cents, estimated)| Step::Settle { which, cents, estimated }),
        2 => which().prop_map(|which| Step::Void { which }),
        2 => which().prop_map(|which| Step::Unresolve { which }),
        2 => (which(), cents()).prop_map(|(which, cents)| Step::Resolve { which, cents }),
        1 => (team(), cents()).prop_map(|(team, cents)| Step::Limit { team, cents }),
        1 => team().prop_map(|team| Step::Remove { team }),
        1 => (any::<bool>(), cents()).prop_map(|(inside, cents)| Step::StartRun { inside, cents }),
        1 => cents().prop_map(|cents| Step::RaiseRun { cents }),
        1 => Just(Step::EndRun),
        2 => (0_u16..40_000).prop_map(|seconds| Step::Advance { seconds }),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
    ]
}

struct Day {
    dir: TempDir,
    clock: Arc<FakeClock>,
    books: Books,
    holds: Vec<HoldId>,
    runs: Vec<RunId>,
}

fn cents(cents: u16) -> money::Nanos {
    money::Nanos::new(i64::from(cents) * 10_000_000)
}

fn team_name(team: u8) -> String {
    format!("team-{team}")
}

impl Day {
    async fn begin() -> Self {
        let (dir, clock) = (TempDir::new(), FakeClock::new("2026-11-23T20:00:00Z"));
        let (books, _) = open_at(dir.path(), &clock);
        let day = Self { dir, clock, books, holds: Vec::new(), runs: Vec::new() };
        put(&day.books, budget("all", "40", &[])).await;
        for team in 0..3 {
            day.limit(team, 900).await;
        }
        day
    }

    async fn limit(&self, team: u8, limit: u16) {
        let name = team_name(team);
        let mut spec = budget(&name, "1", &[("team", &name)]);
        spec.limit = Some(cents(limit));
        spec.window = [Window::Day, Window::Total, Window::Hour][usize::from(team)];
        spec.grant_share_thousandths = 500;
        put(&self.books, spec).await;
    }

    fn pick(&self, which: u16) -> Option<HoldId> {
        self.holds.get(usize::from(which) % self.holds.len().max(1)).copied()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Hold { team, cents: amount, on_run: runs, covered } => self.hold(team, amount, runs, covered).await,
            Step::Settle { which, cents: cost, estimated } => self.end(which, Outcome::Settled { cost: cents(cost), estimated }).await,
            Step::Void { which } => self.end(which, Outcome::Voided).await,
            Step::Unresolve { which } => self.end(which, Outcome::Unresolved).await,
            Step::Resolve { which, cents: cost } => {
                if let Some(hold) = self.pick(which) {
                    let resolution = if cost % 3 == 0 { Resolution::Void } else { Resolution::Cost(cents(cost)) };
                    drop(self.books.resolve(Target::Hold(hold), resolution, "evidence", "ann").await);
                }
            }
            Step::Limit { team, cents } => self.limit(team, cents).await,
            Step::Remove { team } => drop(self.books.remove_budget(&team_name(team), "ann").await),
            Step::StartRun { inside, cents: limit } => {
                let parent = self.runs.last().copied().filter(|_| inside);
                let run = self.books.start_run(RunStart { parent, limit: Some(cents(limit)), ..RunStart::default() }, "ann").await;
                self.runs.extend(run.map(|(run, _)| run));
            }
            Step::RaiseRun { cents: by } => {
                if let Some(run) = self.runs.last() {
                    drop(self.books.raise_run(*run, cents(by), "ann").await);
                }
            }
            Step::EndRun => {
                if let Some(run) = self.runs.last() {
                    drop(self.books.end_run(*run, "ann").await);
                }
            }
            Step::Advance { seconds } => {
                self.clock.advance(u64::from(seconds));
                self.books.tick().await.unwrap();
            }
            Step::Restart => self.restart().await,
            Step::Crash => self.crash().await,
        }
    }

    async fn hold(&mut self, team: u8, amount: u16, on_runs: bool, covered: bool) {
        let name = team_name(team);
        let mut asked = request("1", &[("team", &name)]);
        (asked.ask.min, asked.ask.want) = (cents(amount), cents(amount * 3));
        (asked.ask.covered, asked.start.covered) = (covered, covered);
        asked.ask.assume_at = self.clock.now() + SignedDuration::from_mins(15);
        if let Some(run) = self.runs.last().filter(|_| on_runs) {
            asked = on_run(asked, *run);
        }
        if let Ok(HoldAnswer::Granted(grant)) = self.books.hold(asked).await {
            self.holds.push(grant.hold);
        }
    }

    async fn end(&self, which: u16, outcome: Outcome) {
        if let Some(hold) = self.pick(which) {
            self.books.finish(end(hold, outcome)).await.unwrap();
        }
    }

    async fn restart(&mut self) {
        let (before, stats, budgets) = (self.shown().await, self.books.stats(), self.books.budgets().await.unwrap());
        self.books.close().await.unwrap();
        let (books, opened) = open_at(self.dir.path(), &self.clock);
        self.books = books;
        assert_eq!((self.shown().await, opened.replayed), (before, 0));
        let after = self.books.stats();
        assert_eq!((after.held, after.spent, after.open_holds), (stats.held, stats.spent, stats.open_holds));
        assert_eq!((after.unresolved, opened.unresolved), (stats.open_holds, stats.open_holds));
        assert_eq!(self.books.budgets().await.unwrap(), budgets);
    }

    /// The file as it is at this instant, opened elsewhere without a snapshot.
    async fn crash(&mut self) {
        let before = self.shown().await;
        let (place, image) = (TempDir::new(), TempDir::new());
        std::fs::create_dir_all(place.path()).unwrap();
        let file = place.path().join("image.db");
        self.books.backup(&file).unwrap();
        let report = restore(&file, image.path()).unwrap();
        assert_eq!(report.open_holds, self.books.stats().open_holds as u64);
        let (books, _) = open_at(image.path(), &self.clock);
        assert_eq!(shown(&books, self.clock.now()).await, before);
        books.close().await.unwrap();
        assert!(verify(image.path(), true).unwrap().ok);
    }

    async fn shown(&self) -> (Vec<AccountView>, Vec<ledger::RunView>) {
        shown(&self.books, self.clock.now()).await
    }
}

async fn shown(books: &Books, _now: Timestamp) -> (Vec<AccountView>, Vec<ledger::RunView>) {
    let runs = books.runs(store::RunFilter::default()).await.unwrap();
    (books.accounts().await.unwrap(), runs.into_iter().map(|run| run.view).collect())
}

/// Few, because each case syncs the disk about a hundred times; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(16)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn what_comes_back_is_what_was(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut day = Day::begin().await;
            for step in steps {
                day.take(step).await;
            }
            day.crash().await;
            day.restart().await;
            // At the end of time nothing is held, and everything that was granted has one terminal record.
            day.clock.advance(40 * 86_400);
            day.books.tick().await.unwrap();
            assert_eq!((day.books.stats().open_holds, day.books.stats().held), (0, money::Nanos::ZERO));
            day.books.close().await.unwrap();
            for full in [true, false] {
                let report = verify(day.dir.path(), full).unwrap();
                assert!(report.ok, "{:?}", report.violations);
            }
        });
    }
}
