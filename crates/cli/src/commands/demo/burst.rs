//! The same burst twice, against the same limit: through a gateway that checks what is spent and charges afterwards, and
//! through Mete. The provider's own record says what each was billed.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use serde_json::Value;
use simulator::client::Outcome;
use simulator::provider::ask::Dialect;
use simulator::standin::{self, StandIn};
use simulator::traffic::{Burst, burst};

use super::scene::{BURST, Scene, WHO, usd};
use crate::context::accepted;

const CALLS: usize = 64;

/// One way through.
#[derive(Debug, Default)]
struct Side {
    completed: usize,
    refused: usize,
    failed: usize,
    billed_nanos: i64,
}

/// Both ways, and the limit.
pub struct Compared {
    limit_nanos: i64,
    standin: Side,
    mete: Side,
    /// What one call of the burst is billed; they are all alike.
    one_call_nanos: Option<i128>,
}

/// Sends the burst both ways.
pub async fn compare(scene: &Scene) -> anyhow::Result<Compared> {
    let budgets = accepted(scene.api.get("/budgets").await?)?;
    let limit =
        budgets.as_array().into_iter().flatten().find(|budget| budget["name"] == BURST).and_then(|budget| budget["limit_nanos"].as_i64());
    let limit_nanos = limit.context("the demo's burst budget is gone")?;
    let options = standin::Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        upstream: scene.provider.base_url(),
        key: "sk-standin".to_owned(),
        limit_nanos,
    };
    let gateway = StandIn::start(options).await.context("starting the check-then-charge stand-in")?;
    let (standin, _) = one_side(scene, gateway.base_url(), "sk-client".to_owned(), "standin").await;
    let key = scene.key("burst", "burst").await?;
    let (mete, one_call_nanos) = one_side(scene, scene.base_url(), key, "demo/burst/burst").await;
    Ok(Compared { limit_nanos, standin, mete, one_call_nanos })
}

async fn one_side(scene: &Scene, base_url: String, key: String, who: &str) -> (Side, Option<i128>) {
    let before = last_seq(&scene.provider.books().bill(0));
    let outcomes = burst(Burst {
        base_url,
        dialect: Dialect::Anthropic,
        model: "claude-sonnet-5".to_owned(),
        keys: vec![key],
        headers: vec![vec![(WHO.to_owned(), who.to_owned())]],
        calls: CALLS,
        max_tokens: 2000,
        output: 900,
        prompt_words: 150,
        chunks: 20,
        delay_ms: 20,
    })
    .await;
    let bill = scene.provider.books().bill(before);
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    let bills: Vec<i64> = bill["requests"].as_array().into_iter().flatten().filter_map(|request| request["bill_nanos"].as_i64()).collect();
    let side = Side {
        completed: count(|outcome| matches!(outcome, Outcome::Completed { .. })),
        refused: count(|outcome| matches!(outcome, Outcome::Refused { .. })),
        failed: count(|outcome| matches!(outcome, Outcome::Failed { .. })),
        billed_nanos: bills.iter().copied().fold(0, i64::saturating_add),
    };
    (side, bills.iter().copied().min().map(i128::from))
}

fn last_seq(bill: &Value) -> u64 {
    bill["requests"].as_array().into_iter().flatten().filter_map(|request| request["seq"].as_u64()).max().unwrap_or(0)
}

impl Compared {
    /// Calls that went through Mete.
    pub fn calls(&self) -> u64 {
        u64::try_from(CALLS).unwrap_or(u64::MAX)
    }

    /// What each call that Mete refused would have cost: the calls are alike, so what the cheapest of them was billed.
    pub fn refused_true_costs(&self) -> impl Iterator<Item = Option<i128>> {
        std::iter::repeat_n(self.one_call_nanos, self.mete.refused)
    }

    /// Two columns for a person.
    pub fn table(&self) -> String {
        let row = |what: &str, left: String, right: String| format!("  {what:<26}{left:>20}{right:>20}");
        let over = |side: &Side| usd(side.billed_nanos.saturating_sub(self.limit_nanos).max(0));
        let counts = |side: &Side| format!("{} / {} / {}", side.completed, side.refused, side.failed);
        [
            format!("\nthe same {CALLS} calls at once, against the same limit of {}", usd(self.limit_nanos)),
            row("", "check, then charge".to_owned(), "Mete".to_owned()),
            row("answered/refused/failed", counts(&self.standin), counts(&self.mete)),
            row("billed by the provider", usd(self.standin.billed_nanos), usd(self.mete.billed_nanos)),
            row("beyond the limit", over(&self.standin), over(&self.mete)),
            String::new(),
        ]
        .join("\n")
    }
}
