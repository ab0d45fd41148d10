//! Seeded traffic of three teams, told as it goes: what is spent, held and refused.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use simulator::client::Outcome;
use simulator::judge::TrueCosts;
use simulator::traffic::{self, Event, What};
use tokio::sync::mpsc;

use super::scene::{COMPANY, Scene, WHO};
use crate::args::Demo;
use crate::context::accepted;
use crate::output::{self, Kind};

/// Agents at work at one time.
const CONCURRENCY: usize = 12;

/// What the traffic came to.
#[derive(Debug, Default)]
pub struct Played {
    /// What each agent's refused calls would truly have cost; `None` where the provider has no price.
    pub refused_true_costs: TrueCosts,
    refused: u64,
    completed: u64,
    failed: u64,
    told: BTreeMap<String, u64>,
}

/// Plays the traffic.
pub async fn play(scene: &Scene, options: &Demo) -> anyhow::Result<Played> {
    let mut keys = BTreeMap::new();
    for agent in traffic::cast(|_, _| (String::new(), Vec::new())) {
        let key = scene.key(&agent.team, &agent.name).await?;
        keys.insert((agent.team, agent.name), key);
    }
    let agents = traffic::cast(|team, agent| {
        let key = keys.get(&(team.to_owned(), agent.to_owned())).cloned().unwrap_or_default();
        (key, vec![(WHO.to_owned(), format!("demo/{team}/{agent}"))])
    });
    let plan = traffic::Options {
        base_url: scene.base_url(),
        seed: options.seed,
        calls: options.calls,
        concurrency: CONCURRENCY,
        agents,
        delay_ms: 2,
        think_ms: if options.exit { 0 } else { 60 },
    };
    output::talk(&format!("\n{} calls of three teams; search/crawler runs away", options.calls));
    let (tell, mut told) = mpsc::channel(1024);
    let work = tokio::spawn(traffic::run(plan, tell));
    let mut played = Played::default();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let start = Instant::now();
    loop {
        tokio::select! {
            event = told.recv() => match event {
                Some(event) => played.note(&event),
                None => break,
            },
            _ = tick.tick() => played.say(scene, start).await?,
        }
    }
    work.await?;
    played.say(scene, start).await?;
    Ok(played)
}

impl Played {
    /// Calls that came to an end, however.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed + self.refused
    }

    fn note(&mut self, event: &Event) {
        let What::Ended { outcome, .. } = &event.what else { return };
        match outcome {
            Outcome::Completed { .. } => self.completed += 1,
            Outcome::Failed { what } => {
                self.failed += 1;
                output::talk(&format!("  failed: {}/{}: {what}", event.team, event.agent));
            }
            Outcome::Refused { message, .. } => {
                self.refused += 1;
                self.refused_true_costs.entry(event.agent.clone()).or_default().push_back(event.true_cost_nanos);
                let who = format!("{}/{}", event.team, event.agent);
                let times = self.told.entry(who.clone()).or_insert(0);
                *times += 1;
                if *times == 1 {
                    output::talk(&format!("  stopped: {who}: {message}"));
                }
            }
        }
    }

    async fn say(&self, scene: &Scene, start: Instant) -> anyhow::Result<()> {
        let budgets = accepted(scene.api.get("/budgets").await?)?;
        let company = budgets.as_array().into_iter().flatten().find(|budget| budget["name"] == COMPANY);
        let usd = |name: &str| output::cell(company.and_then(|company: &Value| company.get(name)), Kind::Usd);
        let refused = self.refused;
        output::talk(&format!(
            "  {:>3} s  {:>4} answered  {refused:>3} refused  spent {:>14}  held {:>14}  of {}",
            start.elapsed().as_secs(),
            self.completed,
            usd("spent_usd"),
            usd("held_usd"),
            usd("limit_usd")
        ));
        Ok(())
    }
}
