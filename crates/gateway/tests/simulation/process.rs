//! One process of the gateway: books, writer and gateway over a data directory, until it is killed, loses power or is stopped.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dialects::Dialect;
use gateway::{Authentication, Gateway, LimitSettings, ProviderSettings, Secret, Settings, TimeoutSettings};
use store::driver::{Died, Driver, Step, Turned};
use store::{Books, Options, Survives};

use crate::bugs::{self, Bug};
use crate::gate::Gate;
use crate::net::{Life, Wires};
use crate::plan::{Manners, Play};
use crate::prices;
use crate::sim::{Crash, Sim};
use crate::witness::Witness;

pub struct Process {
    pub number: u64,
    dir: PathBuf,
    next: PathBuf,
    dead: Gate<Crash>,
    /// Stopped by itself, with everything written.
    closed: AtomicBool,
    /// A stop has begun: it ends by itself.
    stopping: AtomicBool,
    pub disk_works: AtomicBool,
    commits: AtomicU64,
    lines: Mutex<Vec<Arc<Life>>>,
    pub parts: std::sync::OnceLock<(Books, Gateway)>,
}

impl Process {
    pub fn dir(&self) -> PathBuf {
        self.dir.clone()
    }

    pub fn books(&self) -> &Books {
        &self.parts.get().unwrap().0
    }

    pub fn gateway(&self) -> &Gateway {
        &self.parts.get().unwrap().1
    }

    pub fn is_dead(&self) -> bool {
        self.dead.get().is_some()
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Ends when the process does.
    pub async fn died(&self) {
        self.dead.wait_for(|_| true).await;
    }

    pub fn wire(&self, life: Arc<Life>) {
        self.lines.lock().unwrap().push(life);
    }

    /// Ends the process here and now: what the disk has is put aside, and nothing that its tasks still do reaches anybody.
    pub fn kill(&self, sim: &Sim, crash: Crash) {
        if self.is_dead() {
            return;
        }
        match crash {
            Crash::Kill => crate::disk::copy(&self.dir, &self.next),
            Crash::Power => {
                let lost = sim.synced.lock().unwrap().cut_power(&self.dir, &self.next, &mut sim.fork());
                sim.note("power cut, sectors lost:", &lost.to_string());
            }
        }
        self.end(crash);
        sim.witness.lock().unwrap().close();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn end(&self, crash: Crash) {
        self.dead.set(crash);
        self.lines.lock().unwrap().drain(..).for_each(|life| life.end());
    }

    /// Drains and closes, as on SIGTERM.
    pub async fn stop(&self, sim: &Sim, deadline: Duration) {
        self.stopping.store(true, Ordering::Relaxed);
        let before = self.gateway().in_flight();
        self.gateway().drain(deadline).await;
        if self.is_dead() {
            return;
        }
        if self.gateway().in_flight() != 0 {
            sim.wrong(format!("a drain left {} of {before} calls in flight", self.gateway().in_flight()));
        }
        let closed = self.books().close().await;
        if let Err(error) = closed {
            sim.note("closed badly", &error.to_string());
        }
    }

    /// The books are closed: the directory is free for the next process.
    fn is_closed_now(&self, sim: &Sim) {
        sim.observe();
        crate::disk::copy(&self.dir, &self.next);
        self.closed.store(true, Ordering::Relaxed);
        sim.seen("stopped in order");
        self.end(Crash::Kill);
        sim.witness.lock().unwrap().close();
    }

    /// Starts on a directory, after what the process before left there.
    pub fn start(sim: &Arc<Sim>) -> Arc<Self> {
        let number = sim.starts.fetch_add(1, Ordering::Relaxed);
        let dir = sim.room.path.join(number.to_string());
        let next = sim.room.path.join((number + 1).to_string());
        let survives = if sim.plan.has(Play::PowerCuts) {
            Survives::PowerLoss
        } else {
            *sim.fork().pick(&[Survives::PowerLoss, Survives::ProcessCrash]).unwrap()
        };
        let opened = Books::open_driven(&Options { dir: dir.clone(), survives }, Arc::clone(&sim.time) as Arc<dyn store::Clock>);
        let (books, driver, opened) = opened.unwrap_or_else(|error| panic!("seed {}: start {number} failed: {error}", sim.seed));
        let process = Arc::new(Self {
            number,
            dir,
            next,
            dead: Gate::default(),
            closed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            disk_works: AtomicBool::new(true),
            commits: AtomicU64::new(0),
            lines: Mutex::default(),
            parts: std::sync::OnceLock::new(),
        });
        sim.note("started", &format!("{number}, unresolved {}", opened.unresolved));
        process.recover(sim);
        let wires = Wires { sim: Arc::downgrade(sim), process: Arc::downgrade(&process) };
        let book = prices::book(sim.price_times.load(Ordering::Relaxed));
        let gateway = Gateway::with_network(books.clone(), Arc::new(settings(sim)), book, Arc::new(wires));
        assert!(process.parts.set((books, gateway)).is_ok());
        tokio::spawn(drive(Arc::clone(sim), Arc::clone(&process), driver));
        if sim.bug == Some(Bug::RefundsAfterCrash) {
            tokio::spawn(bugs::refund_all(Arc::clone(sim), Arc::clone(&process)));
        }
        sim.up.set(Arc::clone(&process));
        process
    }

    /// Reads the journal anew and holds it against what was there before.
    fn recover(&self, sim: &Sim) {
        let mut seen = crate::witness::Seen::new();
        let mut fresh = Witness::open(&self.dir, sim.bug);
        if let Err(why) = fresh.read(&mut seen) {
            sim.wrong(format!("after a restart: {why}"));
        }
        let mut old = sim.witness.lock().unwrap();
        let same = old.lines.iter().zip(&fresh.lines).take_while(|(old, new)| old == new).count();
        let was_power = sim.plan.has(Play::PowerCuts);
        let due = if was_power { old.synced } else { old.seq };
        if (same as u64) < due {
            sim.wrong(format!(
                "A RECORD IS LOST: {same} of {due} lines came back after a {}",
                if was_power { "power cut" } else { "kill" }
            ));
        }
        if (same as u64) < old.seq {
            sim.seen("a power cut lost a settlement");
        }
        for hold in sim.sent.lock().unwrap().keys() {
            if !fresh.holds.contains_key(hold) {
                sim.wrong(format!("A HOLD IS LOST whose request was sent: {hold}"));
            }
        }
        if self.number > 0 && fresh.holds.values().any(|hold| hold.standing == crate::witness::Standing::Unresolved) {
            sim.seen("a crash left a hold unresolved");
        }
        fresh.is_slow = [Play::SlowDisk, Play::FailingDisk, Play::ClockJumps].iter().any(|play| sim.plan.has(*play));
        fresh.fullest = old.fullest;
        fresh.synced = fresh.seq;
        *old = fresh;
        drop(old);
        if was_power {
            sim.synced.lock().unwrap().note(&self.dir);
        }
    }
}

/// Takes the writer's turns for as long as the process lives.
async fn drive(sim: Arc<Sim>, process: Arc<Process>, mut driver: Driver) {
    let mut chance = sim.fork();
    let base = sim.plan.disk_ms;
    let mut rest = base;
    let mut worked = true;
    loop {
        let works = process.disk_works.load(Ordering::Relaxed) || sim.is_healed();
        if works != worked {
            driver.set_writable(works).unwrap();
            sim.note("disk", if works { "works" } else { "fails" });
            worked = works;
        }
        let turned = driver.turn(|step| look(&sim, &process, step));
        if process.is_dead() {
            return;
        }
        let served = match turned {
            Turned::Died => return,
            Turned::Closed => return process.is_closed_now(&sim),
            Turned::Served(served) => served,
        };
        if sim.plan.has(Play::PowerCuts) {
            let is_checkpoint = sim.synced.lock().unwrap().note_checkpoint(&process.dir());
            let behind = { sim.witness.lock().unwrap().synced } < sim.witness.lock().unwrap().seq;
            if is_checkpoint || behind && !process.books().stats().unsynced {
                sim.note_synced(&process);
            }
        }
        rest = if served > 0 { base } else { (rest * 2).min(if sim.is_healed() { 250 } else { 16 }) };
        if sim.plays(Play::SlowDisk) && served > 0 && chance.chance(15) {
            rest = *chance.pick(&[30, 400, 4_000]).unwrap();
            sim.seen("the disk was slow");
        }
        let pause = Duration::from_millis(rest);
        tokio::select! {
            biased;
            () = process.died() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn look(sim: &Sim, process: &Arc<Process>, step: Step) -> Result<(), Died> {
    let name = match step {
        Step::EndsWritten => "ends written",
        Step::EndsTold => "ends told",
        Step::HoldsWritten => "holds written",
        Step::HoldsTold => "holds told",
        Step::EndsSynced => "ends synced",
    };
    // Looking into the file takes several locks, so it is left out when nothing was committed since.
    let commits = process.books().stats().batches;
    let is_new = process.commits.swap(commits, Ordering::Relaxed) != commits;
    if is_new {
        sim.observe();
    }
    if is_new || matches!(step, Step::HoldsTold | Step::EndsTold) && process.books_asked() {
        sim.event(process, name);
    }
    if step == Step::HoldsTold && sim.plan.has(Play::PowerCuts) && !process.is_dead() && !process.books().stats().unsynced {
        sim.note_synced(process);
    }
    if process.is_dead() { Err(Died) } else { Ok(()) }
}

impl Process {
    fn books_asked(&self) -> bool {
        self.parts.get().is_some_and(|(_, gateway)| gateway.in_flight() > 0)
    }
}

/// The settings as this seed has them now.
pub fn settings(sim: &Sim) -> Settings {
    let manners: &Manners = &sim.plan.manners;
    let version = sim.settings_version.load(Ordering::Relaxed);
    let provider = |name: &str, dialect: Dialect, seller: &str, is_first: bool| ProviderSettings {
        name: if is_first { name.to_owned() } else { format!("{name}-two") },
        api_key: Some(Secret::new(format!("sk-gateway-{name}"))),
        models: if is_first { vec!["*".to_owned()] } else { Vec::new() },
        fallback: if is_first && manners.fallback { vec![format!("{name}-two")] } else { Vec::new() },
        retries: if is_first { manners.retries } else { 0 },
        ..ProviderSettings::plain(name, dialect, if is_first { "http://one" } else { "http://two" }.parse().unwrap(), seller)
    };
    let named =
        [("openai", Dialect::OpenAi, "openai"), ("anthropic", Dialect::Anthropic, "anthropic"), ("gemini", Dialect::Gemini, "google")];
    let providers = [true, false].into_iter().flat_map(|first| named.map(|(name, dialect, seller)| provider(name, dialect, seller, first)));
    Settings {
        reach: String::new(),
        version: format!("v{version}"),
        authentication: Authentication::Keyed,
        providers: providers.collect(),
        // Every other version asks for twice the floor.
        floor_output_tokens: manners.floor * (1 + version % 2),
        clamp: manners.clamp,
        wait: manners.wait,
        unpriced: std::collections::BTreeMap::new(),
        server_tool_uses: 2,
        rules: None,
        timeouts: TimeoutSettings {
            header: Duration::from_secs(5),
            body_idle: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            connect: manners.connect,
            first_byte: manners.first_byte,
            stream_idle: manners.idle,
            total: manners.total,
            assume_grace: manners.grace,
            drain: Duration::from_secs(5),
        },
        limits: LimitSettings { body_bytes_max: 1 << 20, answer_bytes_max: 4 << 20, bodies_bytes_max: 1 << 30, connections_max: 1_000 },
    }
}
