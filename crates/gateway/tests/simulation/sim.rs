//! What all parts of one history share: the plan, chance, time, the trace, the witness, the process that is up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use simulator::provider::{Options, Provider};
use simulator::rng::{Fnv, Rng};

use crate::bugs::Bug;
use crate::disk::{Room, Synced};
use crate::gate::Gate;
use crate::plan::{Plan, Play};
use crate::process::Process;
use crate::time::Time;
use crate::witness::{Seen, Standing, Witness};

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    Kill,
    Power,
}

/// Lines of the trace that are kept for a failure's report.
const KEPT: usize = 400;

struct Trace {
    hash: Fnv,
    last: VecDeque<String>,
    is_loud: bool,
}

pub struct Sim {
    pub seed: u64,
    /// The mistake that is planted in this history.
    pub bug: Option<Bug>,
    pub plan: Plan,
    pub time: Arc<Time>,
    pub room: Room,
    pub witness: Mutex<Witness>,
    pub synced: Mutex<Synced>,
    /// Who is up: the number of the process counts its starts.
    pub up: Gate<Arc<Process>>,
    pub providers: [Provider; 2],
    pub tokens: OnceLock<Tokens>,
    /// Holds whose request went out.
    pub sent: Mutex<BTreeMap<String, u64>>,
    pub sends: Mutex<BTreeMap<u64, usize>>,
    pub price_times: AtomicUsize,
    pub settings_version: AtomicU64,
    chance: Mutex<Rng>,
    trace: Mutex<Trace>,
    seen: Mutex<BTreeMap<&'static str, u64>>,
    wrong: Mutex<Vec<String>>,
    crashes: Mutex<VecDeque<(u64, Crash)>>,
    events: AtomicU64,
    healed: AtomicBool,
    pub starts: AtomicU64,
    /// Providers' names with work that a model did on purpose beyond its ceiling or its word.
    pub lied: Mutex<BTreeSet<u64>>,
    /// The idempotency key of each call whose client sent one.
    pub keyed: Mutex<BTreeMap<u64, u64>>,
    /// The last refusal, for a gateway that would give it again.
    pub refusal: Mutex<Option<serde_json::Value>>,
}

/// Secrets of keys and runs, once they are made.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    pub keys: Vec<(store::KeyId, String)>,
    pub runs: Vec<(ledger::RunId, String)>,
}

impl Sim {
    /// What a seed plays.
    pub fn plan_of(seed: u64) -> Plan {
        Plan::draw(&mut chance_of(seed))
    }

    pub fn new(seed: u64, is_loud: bool, bug: Option<Bug>) -> Arc<Self> {
        let mut chance = chance_of(seed);
        let plan = Plan::draw(&mut chance);
        let options = |seed| Options { seed, ..Options::default() };
        let providers = [1, 2].map(|number| Provider::unplugged(options(number)).unwrap());
        let time = Arc::new(Time::new(seed, chance.clone(), bug == Some(Bug::WaitsByTheWall)));
        let crashes = crashes(&plan, &mut chance);
        Arc::new(Self {
            seed,
            bug,
            room: Room::new(seed),
            time,
            witness: Mutex::default(),
            synced: Mutex::default(),
            up: Gate::default(),
            providers,
            tokens: OnceLock::new(),
            sent: Mutex::default(),
            sends: Mutex::default(),
            price_times: AtomicUsize::new(1),
            settings_version: AtomicU64::new(0),
            chance: Mutex::new(chance),
            trace: Mutex::new(Trace { hash: Fnv::default(), last: VecDeque::new(), is_loud }),
            seen: Mutex::default(),
            wrong: Mutex::default(),
            crashes: Mutex::new(crashes),
            events: AtomicU64::new(0),
            healed: AtomicBool::new(false),
            starts: AtomicU64::new(0),
            lied: Mutex::default(),
            keyed: Mutex::default(),
            refusal: Mutex::default(),
            plan,
        })
    }

    /// A chance of one's own.
    pub fn fork(&self) -> Rng {
        Rng::new(self.chance.lock().unwrap().next_u64())
    }

    /// A fault or operation that this seed plays, until everything is healed.
    pub fn plays(&self, play: Play) -> bool {
        !self.is_healed() && self.plan.has(play)
    }

    pub fn is_healed(&self) -> bool {
        self.healed.load(Ordering::Relaxed)
    }

    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
        self.crashes.lock().unwrap().clear();
        self.note("healed", "");
    }

    pub fn provider(&self, host: &str) -> &Provider {
        &self.providers[usize::from(host == "two")]
    }

    /// Writes a line of the trace.
    pub fn note(&self, what: &str, more: &str) {
        let mut trace = self.trace.lock().unwrap();
        let mut line = String::with_capacity(64);
        let _ = write!(line, "{:>8} ms  {what} {more}", self.time.millis());
        trace.hash.write(line.as_bytes());
        if trace.is_loud {
            if trace.last.len() == KEPT {
                trace.last.pop_front();
            }
            trace.last.push_back(line);
        }
    }

    /// Something that must happen in some history.
    pub fn seen(&self, what: &'static str) {
        *self.seen.lock().unwrap().entry(what).or_default() += 1;
    }

    pub fn seen_all(&self, seen: Seen) {
        seen.into_iter().for_each(|what| self.seen(what));
    }

    /// A promise that was broken.
    pub fn wrong(&self, what: String) {
        self.note("WRONG", &what);
        self.wrong.lock().unwrap().push(what);
    }

    /// The hash of the history so far, what was seen, what is wrong, and the last lines.
    pub fn report(&self) -> (u64, BTreeMap<&'static str, u64>, Vec<String>, Vec<String>) {
        let trace = self.trace.lock().unwrap();
        (trace.hash.value(), self.seen.lock().unwrap().clone(), self.wrong.lock().unwrap().clone(), trace.last.iter().cloned().collect())
    }

    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// One more event; some of them are the process's last.
    pub fn event(&self, process: &Arc<Process>, what: &'static str) {
        let number = self.events.fetch_add(1, Ordering::Relaxed) + 1;
        if process.is_dead() || self.tokens.get().is_none() {
            return;
        }
        let crash = {
            let mut crashes = self.crashes.lock().unwrap();
            if crashes.front().is_some_and(|(at, _)| *at <= number) { crashes.pop_front() } else { None }
        };
        if let Some((_, crash)) = crash {
            self.note("crash at", what);
            process.kill(self, crash);
        }
    }

    /// Reads the journal on and checks it.
    pub fn observe(&self) {
        let mut seen = Seen::new();
        let read = self.witness.lock().unwrap().read(&mut seen);
        self.seen_all(seen);
        match read {
            Ok(texts) => texts.iter().for_each(|text| self.note("journal", text)),
            Err(why) => self.wrong(why),
        }
    }

    /// All that is written now is synced.
    pub fn note_synced(&self, process: &Process) {
        let mut witness = self.witness.lock().unwrap();
        witness.synced = witness.seq;
        if self.bug != Some(Bug::AnswersUnsynced) {
            self.synced.lock().unwrap().note(&process.dir());
        }
    }

    /// Looks at what goes to a provider: a request for a model's work must have a hold of its own, open and on disk.
    pub fn check_sending(&self, bytes: &[u8]) {
        if !bytes.starts_with(b"POST ") {
            return;
        }
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4_096)]).to_ascii_lowercase();
        if head.contains("count_tokens")
            || head.contains("input_tokens ")
            || head.contains("/input_tokens")
            || head.contains(":counttokens")
        {
            self.seen("tokens counted by the provider");
            return;
        }
        let number = head.split("x-client-request-id: ").nth(1).and_then(|rest| rest.split("\r\n").next()).and_then(|n| n.parse().ok());
        let Some(call) = number else { return self.wrong(format!("a request without its number goes out: {head}")) };
        let count = {
            let mut sends = self.sends.lock().unwrap();
            let count = sends.entry(call).or_insert(0);
            *count += 1;
            *count
        };
        self.note("sent", &call.to_string());
        let witness = self.witness.lock().unwrap();
        let holds: Vec<_> = witness.of_call(call).collect();
        let open = holds.last().filter(|hold| matches!(hold.standing, Standing::Held | Standing::Unresolved) || hold.was_assumed);
        match open {
            Some(hold) if count <= holds.len() => {
                self.sent.lock().unwrap().insert(hold.id.clone(), call);
            }
            _ => {
                let stands: Vec<_> = holds.iter().map(|hold| hold.standing).collect();
                drop(witness);
                self.wrong(format!("SENT WITHOUT A HOLD: call {call} goes out for the {count}. time, with holds {stands:?} on disk"));
            }
        }
    }
}

fn chance_of(seed: u64) -> Rng {
    Rng::new(seed.wrapping_mul(0x9E37_79B9).wrapping_add(7))
}

fn crashes(plan: &Plan, chance: &mut Rng) -> VecDeque<(u64, Crash)> {
    let mut at = 0;
    let mut crashes = VecDeque::new();
    let kinds: Vec<Crash> = [(Play::Crashes, Crash::Kill), (Play::PowerCuts, Crash::Power)]
        .into_iter()
        .filter(|(play, _)| plan.has(*play))
        .map(|(_, crash)| crash)
        .collect();
    if let Some(most) = (!kinds.is_empty()).then(|| chance.between(1, 3)) {
        for _ in 0..most {
            at += chance.between(1, plan.calls * 12);
            crashes.push_back((at, *chance.pick(&kinds).unwrap()));
        }
    }
    crashes
}
