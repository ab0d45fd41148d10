//! Reads a promise as a table, one command and its outcome a line, and keeps it.
//!
//! ```text
//! at 2026-03-01T12:00:00Z                 sets the clock
//! budget NAME LIMIT [OPTION…]             a limit of `-` only observes; without `for`/`any` it matches team=NAME
//!   any | for k=v,k2=v2 | per=a,b | window=day | zone=Europe/Berlin | sunday | shadow | paused | list | share=250
//! remove NAME
//! run ID LIMIT [in PARENT]                raise RUN BY / limit RUN LIMIT / end RUN
//! hold ID WHO… MIN[..WANT] OUTCOME        WHO: a team, k=v, run:ID, or `covered`
//! settle|estimate ID COST OUTCOME         void|unresolve|assume ID OUTCOME, correct ID COST OUTCOME
//! show NAME[/value…]|run:ID NUMBERS       of the current period; `show NAME[/value…]@INSTANT` of the one then
//! wait ID WHO… MIN[..WANT]                waits in the queue for 20 s; `arrive` is held if it is its turn, else waits
//! ready | expire | cancel ID              who has an answer now, in order
//! restart                                 goes on from a snapshot
//! ```
//!
//! An outcome is the beginning of what the ledger says, whole words; a line without one must succeed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ledger::{
    Account, AccountView, Attributes, BudgetSpec, Command, Event, HoldAsk, HoldId, Ledger, Measure, No, OnExceed, Period, PostingKind,
    Queue, Refusal, RefusalCode, RunId, RunSpec, WaiterId, Window,
};
use money::Nanos;

/// How long a hold of these tables waits.
const WAIT_S: i64 = 20;

/// How long after its admission a hold of these tables may be assumed.
const ASSUME_AFTER_S: i64 = 600;

pub fn check(table: &str) {
    let mut book = Book::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let before = book.ledger.state();
        let (outcome, expected, changed) = book.obey(line);
        let rest = outcome.strip_prefix(expected.as_str());
        let fits = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',', ':']));
        assert!(fits || (expected.is_empty() && changed), "{line}\n  expected: {expected}\n  got:      {outcome}");
        if !changed {
            assert_eq!(book.ledger.state(), before, "{line}: an answer of no changes nothing");
        }
        book.balance(line);
    }
}

struct Book {
    ledger: Ledger,
    now: Timestamp,
    posted: BTreeMap<(Account, PostingKind), i128>,
    queue: Queue<HoldAsk>,
    waiters: BTreeMap<HoldId, WaiterId>,
}

impl Book {
    fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            now: instant("2026-01-01T00:00:00Z"),
            posted: BTreeMap::new(),
            queue: Queue::default(),
            waiters: BTreeMap::new(),
        }
    }

    /// Does what a line says: the outcome, the rest of the line, and whether anything may have changed.
    fn obey(&mut self, line: &str) -> (String, String, bool) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (verb, args) = words.split_first().expect("a verb");
        let (said, used) = match *verb {
            "at" => {
                self.now = instant(args[0]);
                (Ok(String::new()), 1)
            }
            "restart" => {
                let state = self.ledger.state();
                self.ledger = Ledger::from_state(state.clone());
                assert_eq!(self.ledger.state(), state, "a restart changes nothing");
                (Ok(String::new()), 0)
            }
            "budget" => {
                let options = args.iter().position(|word| *word == "invalid:").unwrap_or(args.len());
                (self.tell(&Command::PutBudget(budget(&args[..options]))), options)
            }
            "remove" => (self.tell(&Command::RemoveBudget(args[0].to_owned())), 1),
            "run" => self.start_run(args),
            "raise" => (self.tell(&Command::RaiseRun { run: run_id(args[0]), by: usd(args[1]) }), 2),
            "limit" => (self.tell(&Command::SetRunLimit { run: run_id(args[0]), limit: limit(args[1]) }), 2),
            "end" => (self.tell(&Command::EndRun(run_id(args[0]))), 1),
            "hold" => self.with_ask(args, Self::place),
            "wait" => self.with_ask(args, Self::wait),
            "arrive" => self.with_ask(args, Self::arrive),
            "ready" => (Ok(self.answers(Queue::ready)), 0),
            "expire" => (Ok(self.answers(Queue::expire)), 0),
            "cancel" => {
                let gone = self.waiters.get(&hold_id(args[0])).and_then(|waiter| self.queue.cancel(*waiter));
                (Err(gone.map_or_else(|| "not waiting".to_owned(), |_| "cancelled".to_owned())), 1)
            }
            "settle" => (self.end(args[0], |hold| Command::Settle { hold, cost: usd(args[1]), estimated: false }), 2),
            "estimate" => (self.end(args[0], |hold| Command::Settle { hold, cost: usd(args[1]), estimated: true }), 2),
            "correct" => (self.end(args[0], |hold| Command::TrueUp { hold, cost: usd(args[1]) }), 2),
            "void" => (self.end(args[0], Command::Void), 1),
            "unresolve" => (self.end(args[0], Command::Unresolve), 1),
            "assume" => (self.end(args[0], Command::Assume), 1),
            "show" => (Err(self.show(args[0])), 1),
            other => panic!("no such verb: {other}"),
        };
        let changed = said.is_ok();
        (said.unwrap_or_else(|no| no), args[used..].join(" "), changed)
    }

    fn tell(&mut self, command: &Command) -> Result<String, String> {
        let event = self.ledger.decide(command, self.now).map_err(|no| no_text(&no))?;
        self.ledger.apply(&event);
        self.record(&event);
        Ok(String::new())
    }

    fn start_run(&mut self, args: &[&str]) -> (Result<String, String>, usize) {
        let parent = (args.get(2) == Some(&"in")).then(|| run_id(args[3]));
        let spec = RunSpec { id: run_id(args[0]), parent, limit: limit(args[1]) };
        (self.tell(&Command::StartRun(spec)), if parent.is_some() { 4 } else { 2 })
    }

    fn with_ask(&mut self, args: &[&str], act: impl Fn(&mut Self, HoldAsk) -> Result<String, String>) -> (Result<String, String>, usize) {
        let amount_at = args.iter().skip(1).position(|word| amounts(word).is_some()).expect("an amount") + 1;
        let (min, want) = amounts(args[amount_at]).expect("an amount");
        let mut attributes = Attributes::new();
        let mut ask = HoldAsk {
            id: hold_id(args[0]),
            attributes: Arc::default(),
            run: None,
            min,
            want,
            covered: false,
            assume_after: jiff::SignedDuration::from_secs(ASSUME_AFTER_S),
        };
        for who in &args[1..amount_at] {
            match who.split_once(['=', ':']) {
                Some(("run", run)) => ask.run = Some(run_id(run)),
                Some((name, value)) => drop(attributes.insert(name.to_owned(), value.to_owned())),
                None if *who == "covered" => ask.covered = true,
                None => drop(attributes.insert("team".to_owned(), (*who).to_owned())),
            }
        }
        ask.attributes = Arc::new(attributes);
        (act(self, ask), amount_at + 1)
    }

    fn place(&mut self, ask: HoldAsk) -> Result<String, String> {
        let (id, want) = (ask.id, ask.want);
        let headroom = self.ledger.headroom(&ask, self.now);
        let decided = self.ledger.decide(&Command::Hold(ask), self.now);
        if let (Ok(headroom), Ok(Event::Held(held))) = (&headroom, &decided) {
            assert_eq!(headroom.would_grant, Some(held.granted), "headroom says what is granted");
        }
        if let (Ok(headroom), Err(No::Refused(refusal))) = (&headroom, &decided) {
            assert_eq!(headroom.refusal.as_ref(), Some(&**refusal), "headroom says what is refused");
        }
        let event = decided.map_err(|no| no_text(&no))?;
        self.ledger.apply(&event);
        let grant = self.ledger.grant(id).expect("a hold just granted");
        let amount = if grant.granted == want { "held".to_owned() } else { format!("granted {}", grant.granted.to_usd()) };
        let left = grant.tightest.map(|view| format!(" {} left on {}", left(&view), name(&view.account)));
        let shadowed: String = grant.shadowed.iter().map(|account| format!(", over {}", name(account))).collect();
        Ok(format!("{amount}{}{shadowed}", left.unwrap_or_default()))
    }

    fn wait(&mut self, ask: HoldAsk) -> Result<String, String> {
        let deadline = Timestamp::from_second(self.now.as_second() + WAIT_S).expect("in range");
        let waiter = self.queue.push(&self.ledger, ask.clone(), deadline, ask.clone(), self.now);
        self.waiters.insert(ask.id, waiter);
        Err("waits".to_owned())
    }

    fn arrive(&mut self, ask: HoldAsk) -> Result<String, String> {
        match self.queue.turn(&self.ledger, &ask, self.now) {
            None => self.wait(ask),
            Some(shaped) => match self.place(shaped) {
                Err(no) if no.starts_with("refused held") => self.wait(ask),
                placed => placed.map(|outcome| {
                    let granted = self.ledger.grant(ask.id).expect("just granted").granted;
                    if granted == ask.want { outcome } else { format!("granted {}", granted.to_usd()) }
                }),
            },
        }
    }

    fn answers(&mut self, next: impl Fn(&mut Queue<HoldAsk>, &Ledger, Timestamp) -> Option<(HoldAsk, Result<Event, No>)>) -> String {
        let mut told = Vec::new();
        while let Some((ask, answer)) = next(&mut self.queue, &self.ledger, self.now) {
            let outcome = match &answer {
                Ok(Event::Held(held)) if held.granted == ask.want => "held".to_owned(),
                Ok(Event::Held(held)) => format!("granted {}", held.granted.to_usd()),
                Ok(other) => panic!("{other:?} isn't a hold"),
                Err(no) => no_text(no).split(':').next().unwrap_or_default().to_owned(),
            };
            told.push(format!("h{} {outcome}", ask.id.0));
            answer.iter().for_each(|event| self.ledger.apply(event));
        }
        if told.is_empty() { "nobody".to_owned() } else { told.join(", ") }
    }

    fn end(&mut self, id: &str, command: impl Fn(HoldId) -> Command) -> Result<String, String> {
        let account = self.ledger.hold(hold_id(id)).and_then(|hold| hold.accounts.first().cloned());
        let event = self.ledger.decide(&command(hold_id(id)), self.now).map_err(|no| no_text(&no))?;
        self.ledger.apply(&event);
        self.record(&event);
        let verb = match event {
            Event::Settled { .. } => "settled",
            Event::Voided { .. } => "voided",
            Event::Unresolved { .. } => "unresolved",
            Event::Assumed { .. } => "assumed",
            Event::TruedUp { .. } => "corrected",
            other => panic!("{other:?} isn't an end"),
        };
        let view = account.and_then(|(account, _)| self.ledger.account(&account));
        Ok(view.map_or_else(|| verb.to_owned(), |view| format!("{verb} {} left", left(&view))))
    }

    fn show(&self, what: &str) -> String {
        let (what, when) = match what.split_once('@') {
            Some((what, when)) => (what, Some(instant(when))),
            None => (what, None),
        };
        let current = self.ledger.accounts(self.now).into_iter();
        let runs = self.ledger.runs().map(|run| run.account);
        let known: Vec<AccountView> = match when {
            None => current.chain(runs).collect(),
            Some(when) => self.ledger.known_accounts().filter(|view| period(&view.account).contains(when)).collect(),
        };
        let Some(view) = known.iter().find(|view| name(&view.account) == what) else { return "nothing".to_owned() };
        let (spent, held, overage) = (view.spent.to_usd(), view.held.to_usd(), view.overage.to_usd());
        format!("spent {spent} held {held} overage {overage} left {}", left(view))
    }

    fn record(&mut self, event: &Event) {
        let (Event::Settled { postings, .. } | Event::Assumed { postings, .. } | Event::TruedUp { postings, .. }) = event else {
            return;
        };
        for posting in postings {
            *self.posted.entry((posting.account.clone(), posting.kind)).or_default() += i128::from(posting.amount.get());
        }
    }

    /// The oracle: postings sum to spent and overage, open holds to held, on every account.
    fn balance(&self, line: &str) {
        let mut held: BTreeMap<Account, i128> = BTreeMap::new();
        for (account, amount) in self.ledger.open_holds().flat_map(|hold| hold.accounts) {
            *held.entry(account).or_default() += i128::from(amount.get());
        }
        for view in self.ledger.known_accounts() {
            let posted = |kind| self.posted.get(&(view.account.clone(), kind)).copied().unwrap_or_default();
            assert_eq!(i128::from(view.spent.get()), posted(PostingKind::Spent), "{line}: spent of {:?}", view.account);
            assert_eq!(i128::from(view.overage.get()), posted(PostingKind::Overage), "{line}: overage");
            assert_eq!(i128::from(view.held.get()), held.get(&view.account).copied().unwrap_or_default(), "{line}: held");
        }
    }
}

fn budget(args: &[&str]) -> BudgetSpec {
    let mut spec = BudgetSpec {
        name: args[0].to_owned(),
        limit: limit(args[1]),
        window: Window::Total,
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches: Attributes::from([("team".to_owned(), args[0].to_owned())]),
        per: Vec::new(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 1000,
        paused: false,
    };
    let mut options = args[2..].iter();
    while let Some(option) = options.next() {
        match option.split_once('=') {
            Some(("per", names)) => spec.per = names.split(',').map(str::to_owned).collect(),
            Some(("window", window)) => spec.window = window_named(window),
            Some(("zone", zone)) => spec.time_zone = zone.to_owned(),
            Some(("share", share)) => spec.grant_share_thousandths = share.parse().expect("a share"),
            None if *option == "any" => spec.matches.clear(),
            None if *option == "for" => spec.matches = pairs(options.next().expect("a selector")),
            None if *option == "sunday" => spec.week_starts_monday = false,
            None if *option == "shadow" => spec.on_exceed = OnExceed::Shadow,
            None if *option == "paused" => spec.paused = true,
            None if *option == "list" => spec.measure = Measure::List,
            _ => panic!("no such option: {option}"),
        }
    }
    spec
}

fn window_named(name: &str) -> Window {
    match name {
        "total" => Window::Total,
        "minute" => Window::Minute,
        "hour" => Window::Hour,
        "day" => Window::Day,
        "week" => Window::Week,
        "month" => Window::Month,
        other => panic!("no such window: {other}"),
    }
}

fn pairs(text: &str) -> Attributes {
    let pair = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.split(',').map(|text| pair(text).expect("k=v")).collect()
}

fn amounts(word: &str) -> Option<(Nanos, Nanos)> {
    let (min, want) = word.split_once("..").unwrap_or((word, word));
    Some((Nanos::from_usd(min).ok()?, Nanos::from_usd(want).ok()?))
}

fn usd(text: &str) -> Nanos {
    Nanos::from_usd(text).expect("an amount")
}

fn limit(text: &str) -> Option<Nanos> {
    (text != "-").then(|| usd(text))
}

fn hold_id(text: &str) -> HoldId {
    HoldId(text.trim_start_matches('h').parse().expect("a hold such as h1"))
}

fn run_id(text: &str) -> RunId {
    RunId(text.trim_start_matches('r').parse().expect("a run such as r1"))
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn period(account: &Account) -> Period {
    match account {
        Account::Budget { period_start, period_end, .. } => Period { start: *period_start, end: *period_end },
        Account::Run(_) => Period::default(),
    }
}

fn name(account: &Account) -> String {
    match account {
        Account::Budget { budget, per, .. } => {
            std::iter::once(budget.as_str()).chain(per.iter().map(String::as_str)).collect::<Vec<_>>().join("/")
        }
        Account::Run(run) => format!("run:r{}", run.0),
    }
}

fn left(view: &AccountView) -> String {
    view.remaining.map_or_else(|| "-".to_owned(), Nanos::to_usd)
}

fn no_text(no: &No) -> String {
    match no {
        No::Refused(refusal) => refusal_text(refusal),
        No::NotOpen(_) => "not open".to_owned(),
        No::UnknownRun(_) => "no such run".to_owned(),
        No::UnknownBudget(_) => "no such budget".to_owned(),
        No::Invalid(why) => format!("invalid: {why}"),
    }
}

fn refusal_text(refusal: &Refusal) -> String {
    let number = |amount: Nanos| i128::from(amount.get());
    let without_holds = number(refusal.limit) - number(refusal.spent) - number(refusal.overage);
    let (code, available) = match refusal.code {
        RefusalCode::Held => ("held", without_holds - number(refusal.held)),
        RefusalCode::NeverFits => ("never fits", without_holds),
    };
    let available = Nanos::new(i64::try_from(available).expect("small amounts")).to_usd();
    let resets = refusal.resets_at.map(|at| format!(", resets {at}")).unwrap_or_default();
    let (needed, account) = (refusal.needed.to_usd(), name(&refusal.account));
    format!("refused {code}: {needed} needed, {available} available on {account}{resets}")
}
