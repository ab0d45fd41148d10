//! Many calls at once against little money: the provider's own bill never passes the limit, and nearly all that can be
//! afforded is served.

#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod support;

use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, StatusCode};
use ledger::Measure;
use money::Nanos;
use serde_json::json;
use store::RunStart;
use support::{World, read};

const CHAT: &str = "/v1/chat/completions";
/// Output tokens of each call, which are its ceiling too.
const OUTPUT: u64 = 1_000;

/// A call of just under a cent: a thousand tokens of output at $10 a million.
fn call(seed: usize) -> String {
    let content = format!("Count. [[sim output={OUTPUT} chunks=4 delay_ms={}]]", 5 + seed % 17);
    json!({ "model": "gpt-5", "stream": true, "max_completion_tokens": OUTPUT, "messages": [{ "role": "user", "content": content }] })
        .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_streams_against_money_for_forty() {
    let world = World::start().await;
    // One call's bound, as the ledger takes it, tells how much forty of them are.
    world.budget("measure", "10").await;
    let probe = world.send(Method::POST, CHAT, &[("authorization", "Bearer sk-own")], &call(0)).await;
    world.quiet().await;
    let (bound, cost) = (probe.nanos("x-mete-held-usd"), world.account("measure").await.spent.get());
    let before = world.billed();
    let limit = Nanos::new(cost * 40 + (bound - cost));
    for name in ["all", "team", "project"] {
        world.budget_with(name, "1", |spec| spec.limit = Some(if name == "project" { limit } else { Nanos::new(limit.get() * 2) })).await;
    }
    let (_, token) =
        world.books.start_run(RunStart { limit: Some(Nanos::new(limit.get() * 3)), ..RunStart::default() }, "test").await.unwrap();
    let path = format!("/run/{}/openai{CHAT}", token.0);
    let calls = (0..64).map(|seed| {
        let request = world.request(Method::POST, &path, &[("authorization", "Bearer sk-own")], &call(seed));
        let response = world.client.request(request);
        async move {
            let response = response.await.unwrap();
            let status = response.status();
            let (body, broken) = read(response.into_body()).await;
            (status, body.contains("[DONE]") && !broken, body)
        }
    });
    let answers = join_all(calls).await;
    world.quiet().await;
    let served = answers.iter().filter(|(status, whole, _)| *status == StatusCode::OK && *whole).count();
    let refused = answers.iter().filter(|(status, ..)| *status == StatusCode::PAYMENT_REQUIRED).count();
    assert_eq!(served + refused, 64, "{:?}", answers.iter().find(|(status, whole, _)| !*whole && *status != StatusCode::PAYMENT_REQUIRED));
    let billed = world.billed() - before;
    assert!(billed <= limit.get(), "the provider billed {billed} of {}", limit.get());
    assert!((38..=40).contains(&served), "{served} of 40 affordable calls were served");
    for name in ["all", "team", "project"] {
        let account = world.account(name).await;
        assert_eq!((account.spent.get(), account.held, account.overage), (billed, Nanos::ZERO, Nanos::ZERO), "{name}");
    }
    assert!(world.books.open_holds().await.unwrap().is_empty());
}

/// An agent that asks for 128,000 tokens, with three sub-agents beside it, on five dollars.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_asks_for_everything_leaves_room_for_its_sub_agents() {
    let world = World::start().await;
    world
        .budget_with("agent", "5", |spec| {
            spec.grant_share_thousandths = 250;
            spec.measure = Measure::Billed;
        })
        .await;
    let body = |turn: usize| {
        let content = format!("Turn {turn}. [[sim output=300 chunks=3 delay_ms=10]]");
        json!({ "model": "claude-sonnet-5", "stream": true, "max_tokens": 128_000, "messages": [{ "role": "user", "content": content }] })
            .to_string()
    };
    let agents = (0..4).map(|agent| {
        let (world, body) = (&world, &body);
        async move {
            for turn in 0..5 {
                let answer = world.send(Method::POST, "/v1/messages", &[("x-api-key", "sk-own")], &body(agent * 100 + turn)).await;
                assert_eq!(answer.status, StatusCode::OK, "agent {agent}, turn {turn}: {}", answer.body);
                assert!(answer.body.contains("message_stop"));
            }
        }
    });
    join_all(agents).await;
    world.quiet().await;
    let account = world.account("agent").await;
    assert_eq!((account.spent.get(), account.held), (world.billed(), Nanos::ZERO));
    assert!(
        world.provider.books().since(0).iter().all(|record| record.ceiling.is_some_and(|ceiling| (4_096..=128_000).contains(&ceiling)))
    );
}

/// Without waiting and clamping, exactly what fits is admitted (case 1: twenty calls of three cents on five).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_calls_on_money_for_one_admit_exactly_one() {
    let world = World::with(|settings| {
        settings.clamp = false;
        settings.wait = Duration::ZERO;
    })
    .await;
    world.budget("all", "0.05").await;
    let body = json!({ "model": "gpt-5", "max_completion_tokens": 3_000, "messages": [{ "role": "user", "content": "[[sim output=10 first_ms=2000]]" }] }).to_string();
    let calls = (0..20).map(|_| world.send(Method::POST, CHAT, &[("authorization", "Bearer sk-own")], &body));
    let answers = join_all(calls).await;
    let served = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(served, 1);
    assert!(answers.iter().filter(|answer| answer.status != StatusCode::OK).all(|answer| answer.code() == "budget_held"));
    assert_eq!(world.requests(), 1);
}
