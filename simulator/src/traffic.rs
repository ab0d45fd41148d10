//! Seeded traffic: several teams and their agents at work through a gateway, one of them running away.
//!
//! [`run`] drives every agent as a task of its own and tells what happens through a channel; the caller renders it.
//! Attribution is the caller's: keys and headers come with each agent.

mod burst;

pub use burst::{Burst, burst};

use crate::biller::Biller;
use crate::client::{Call, Client, Outcome};
use crate::provider::ask::Dialect;
use crate::rng::{Rng, hash};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};

/// A runaway agent gives up after so many refusals for want of money, as stubborn agents do.
const STOPS_MAX: u64 = 3;
/// A runaway agent starts its history anew when it is longer than this.
const HISTORY_BYTES_MAX: usize = 300_000;

/// One agent of a team.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The team it works for.
    pub team: String,
    /// Its name.
    pub name: String,
    /// The credential that it uses.
    pub key: String,
    /// Headers that it sends besides, such as a run or tags.
    pub headers: Vec<(String, String)>,
    /// The models that it calls, each in its dialect.
    pub models: Vec<(Dialect, String)>,
    /// It goes on until it is refused, with a longer prompt each time.
    pub is_runaway: bool,
}

/// What traffic to make.
#[derive(Debug, Clone)]
pub struct Options {
    /// The gateway, without `/v1`.
    pub base_url: String,
    /// Seeds prompts, lengths and models; the same seed makes the same calls for each agent.
    pub seed: u64,
    /// Calls in all.
    pub calls: u64,
    /// Calls at one time.
    pub concurrency: usize,
    /// Who works.
    pub agents: Vec<Agent>,
    /// Pause between the chunks of a streamed answer, in milliseconds; paces the fake provider.
    pub delay_ms: u64,
    /// How long an agent thinks between two calls, at most, in milliseconds.
    pub think_ms: u64,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// The number of the call within its agent, from 0.
    pub call: u64,
    /// The team.
    pub team: String,
    /// The agent.
    pub agent: String,
    /// The model.
    pub model: String,
    /// What the call truly costs if it is answered as asked, caches left out, in nano-dollars; `None` when it has no price.
    pub true_cost_nanos: Option<i128>,
    /// What happened.
    pub what: What,
}

/// What happened to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "an event is read as it comes and kept nowhere")]
pub enum What {
    /// It was sent.
    Started,
    /// It came to an end.
    Ended {
        /// How.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
        /// The gateway's own headers of the answer (`x-mete-*`), by name.
        told: Vec<(String, String)>,
    },
}

/// How many calls ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Calls made.
    pub calls: u64,
    /// Answered to the end.
    pub completed: u64,
    /// Refused with an error status.
    pub refused: u64,
    /// Broken or unanswered.
    pub failed: u64,
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        self.calls += 1;
        match outcome {
            Outcome::Completed { .. } => self.completed += 1,
            Outcome::Refused { .. } => self.refused += 1,
            Outcome::Failed { .. } => self.failed += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.completed += other.completed;
        self.refused += other.refused;
        self.failed += other.failed;
    }
}

/// A row of [`cast`]: team, agent, what it calls, and whether it runs away.
type Role<'a> = (&'a str, &'a str, &'a [(Dialect, &'a str)], bool);

/// Three teams, six agents, three dialects; `search/crawler` runs away. `key` says which credential and headers an agent gets.
pub fn cast(mut key: impl FnMut(&str, &str) -> (String, Vec<(String, String)>)) -> Vec<Agent> {
    use Dialect::{Anthropic, Gemini, OpenAi};
    let rows: [Role; 6] = [
        ("search", "ranker", &[(OpenAi, "gpt-5.4-mini"), (Gemini, "gemini-3.5-flash")], false),
        ("search", "crawler", &[(Anthropic, "claude-sonnet-5")], true),
        ("support", "triage", &[(Anthropic, "claude-haiku-4-5"), (OpenAi, "gpt-5-mini")], false),
        ("support", "replies", &[(OpenAi, "gpt-5.4"), (Anthropic, "claude-sonnet-5")], false),
        ("payments", "reviewer", &[(Anthropic, "claude-opus-5"), (OpenAi, "gpt-5.5")], false),
        ("payments", "reports", &[(Gemini, "gemini-2.5-pro"), (Gemini, "gemini-2.5-flash")], false),
    ];
    rows.into_iter()
        .map(|(team, name, models, is_runaway)| {
            let (key, headers) = key(team, name);
            let models = models.iter().map(|(dialect, model)| (*dialect, (*model).to_owned())).collect();
            Agent { team: team.to_owned(), name: name.to_owned(), key, headers, models, is_runaway }
        })
        .collect()
}

/// Makes the traffic and returns when all calls have ended. Events that nobody takes are dropped.
pub async fn run(options: Options, events: mpsc::Sender<Event>) -> Summary {
    let client = Client::default();
    let slots = Arc::new(Semaphore::new(options.concurrency.max(1)));
    let biller = Arc::new(Biller::standard());
    let count = options.agents.len() as u64;
    let mut tasks = tokio::task::JoinSet::new();
    for (at, agent) in options.agents.iter().enumerate() {
        let share = options.calls / count.max(1) + u64::from((at as u64) < options.calls % count.max(1));
        let work = Work {
            agent: agent.clone(),
            base_url: options.base_url.clone(),
            rng: Rng::new(options.seed ^ hash(&format!("{}/{}", agent.team, agent.name))),
            client: client.clone(),
            slots: Arc::clone(&slots),
            biller: Arc::clone(&biller),
            events: events.clone(),
            delay_ms: options.delay_ms,
            think_ms: options.think_ms,
        };
        tasks.spawn(work.run(share));
    }
    let mut summary = Summary::default();
    while let Some(done) = tasks.join_next().await {
        summary.add(done.unwrap_or_default());
    }
    summary
}

struct Work {
    agent: Agent,
    base_url: String,
    rng: Rng,
    client: Client,
    slots: Arc<Semaphore>,
    biller: Arc<Biller>,
    events: mpsc::Sender<Event>,
    delay_ms: u64,
    think_ms: u64,
}

impl Work {
    async fn run(mut self, share: u64) -> Summary {
        let mut summary = Summary::default();
        let mut stops = 0;
        let mut history = String::new();
        for number in 0..share {
            let call = self.next_call(number, &mut history);
            let outcome = self.make(number, &call).await;
            summary.count(&outcome);
            stops += u64::from(matches!(outcome, Outcome::Refused { status: 402, .. }));
            if self.agent.is_runaway && stops >= STOPS_MAX {
                break;
            }
            if self.think_ms > 0 && !self.agent.is_runaway {
                tokio::time::sleep(Duration::from_millis(self.rng.between(0, self.think_ms))).await;
            }
        }
        summary
    }

    fn next_call(&mut self, number: u64, history: &mut String) -> Call {
        let (dialect, model) = self.rng.pick(&self.agent.models).cloned().unwrap_or((Dialect::OpenAi, "gpt-5-mini".to_owned()));
        let (output, words) = match self.agent.is_runaway {
            true => (self.rng.between(800, 2000), 2500),
            false => (self.rng.between(40, 700), self.rng.between(20, 1200)),
        };
        let text = crate::tokens::pieces(words, crate::tokens::Script::Latin, &mut self.rng).concat();
        if !self.agent.is_runaway || history.len() > HISTORY_BYTES_MAX {
            history.clear();
        }
        history.push_str(&text);
        let prompt = format!("{history} Step {number}. [[sim output={output} delay_ms={}]]", self.delay_ms);
        let max_tokens = self.rng.chance(60).then(|| self.rng.between(500, 8000));
        let is_streamed = self.rng.chance(70);
        Call { dialect, model, key: self.agent.key.clone(), headers: self.agent.headers.clone(), prompt, max_tokens, is_streamed }
    }

    async fn make(&self, number: u64, call: &Call) -> Outcome {
        let Ok(_slot) = self.slots.acquire().await else {
            return Outcome::Failed { what: "traffic has ended".to_owned() };
        };
        self.tell(number, call, What::Started).await;
        let start = Instant::now();
        let (outcome, headers) = self.client.call(&self.base_url, call).await;
        let told = headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-mete-"))
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        self.tell(number, call, What::Ended { outcome: outcome.clone(), took: start.elapsed(), told }).await;
        outcome
    }

    async fn tell(&self, number: u64, call: &Call, what: What) {
        let (team, agent) = (self.agent.team.clone(), self.agent.name.clone());
        let true_cost_nanos = call.true_cost_nanos(&self.biller);
        // A closed channel only means that nobody watches.
        let _ = self.events.send(Event { call: number, team, agent, model: call.model.clone(), true_cost_nanos, what }).await;
    }
}

#[cfg(test)]
mod tests;
