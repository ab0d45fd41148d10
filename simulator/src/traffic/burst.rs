//! Many calls at the same instant: what a budget is really tested by.

use crate::biller::Biller;
use crate::client::{Call, Client, Outcome};
use crate::provider::ask::Dialect;
use std::sync::Arc;
use tokio::sync::Barrier;

/// A burst of equal streamed calls.
#[derive(Debug, Clone)]
pub struct Burst {
    /// The gateway, without `/v1`.
    pub base_url: String,
    /// The language.
    pub dialect: Dialect,
    /// The model.
    pub model: String,
    /// The credential of each call: call `i` takes key `i % len`.
    pub keys: Vec<String>,
    /// More headers, the same way; empty for none.
    pub headers: Vec<Vec<(String, String)>>,
    /// How many calls.
    pub calls: usize,
    /// The ceiling that each asks for.
    pub max_tokens: u64,
    /// What the model will write.
    pub output: u64,
    /// Words of the prompt.
    pub prompt_words: u64,
    /// Chunks of each answer, and the pause before each in milliseconds: how long the calls overlap.
    pub chunks: u64,
    /// Pause before each chunk, in milliseconds.
    pub delay_ms: u64,
}

impl Burst {
    /// What each of the calls truly costs, in nano-dollars; they differ by the digits of their number at most.
    pub fn true_costs_nanos(&self) -> Vec<Option<i128>> {
        let biller = Biller::standard();
        (0..self.calls).map(|at| self.call(at).true_cost_nanos(&biller)).collect()
    }

    fn call(&self, at: usize) -> Call {
        let words = crate::tokens::pieces(self.prompt_words, crate::tokens::Script::Latin, &mut crate::rng::Rng::new(at as u64)).concat();
        let directive = format!("[[sim output={} chunks={} delay_ms={}]]", self.output, self.chunks, self.delay_ms);
        let pick = |list: &[String]| list.get(at % list.len().max(1)).cloned().unwrap_or_default();
        Call {
            dialect: self.dialect,
            model: self.model.clone(),
            key: pick(&self.keys),
            headers: self.headers.get(at % self.headers.len().max(1)).cloned().unwrap_or_default(),
            prompt: format!("{words} Call {at}. {directive}"),
            max_tokens: Some(self.max_tokens),
            is_streamed: true,
        }
    }
}

/// Sends all calls at once and says how each came out, in the order of the calls.
pub async fn burst(burst: Burst) -> Vec<Outcome> {
    let client = Client::default();
    let start = Arc::new(Barrier::new(burst.calls.max(1)));
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..burst.calls {
        let (client, start) = (client.clone(), Arc::clone(&start));
        let (call, base_url) = (burst.call(at), burst.base_url.clone());
        tasks.spawn(async move {
            start.wait().await;
            (at, client.call(&base_url, &call).await.0)
        });
    }
    let mut outcomes: Vec<(usize, Outcome)> = Vec::with_capacity(burst.calls);
    while let Some(done) = tasks.join_next().await {
        outcomes.extend(done.ok());
    }
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}
