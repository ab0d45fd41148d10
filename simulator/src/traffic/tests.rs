use super::*;
use crate::provider::{self, Provider};

async fn made(seed: u64) -> (Summary, Vec<String>, Provider) {
    let provider = Provider::start(provider::Options::default()).await.unwrap();
    let (sender, mut receiver) = mpsc::channel::<Event>(16);
    let agents = cast(|team, _| (format!("sk-{team}"), Vec::new()));
    let options = Options { base_url: provider.base_url(), seed, calls: 40, concurrency: 8, agents, delay_ms: 0, think_ms: 0 };
    let events = tokio::spawn(async move {
        let mut ended = Vec::new();
        while let Some(event) = receiver.recv().await {
            if let What::Ended { outcome: Outcome::Completed { usage: Some(usage) }, .. } = event.what {
                ended.push(format!("{}/{}/{} {} {}+{}", event.team, event.agent, event.call, event.model, usage.prompt(), usage.output));
            }
        }
        ended.sort();
        ended
    });
    let summary = run(options, sender).await;
    (summary, events.await.unwrap(), provider)
}

#[tokio::test]
async fn the_same_seed_makes_the_same_calls_and_every_one_is_on_the_bill() {
    let (summary, first, provider) = made(5).await;
    assert_eq!(summary, Summary { calls: 40, completed: 40, refused: 0, failed: 0 });
    let records = provider.books().since(0);
    assert_eq!(records.len(), 40);
    assert!(records.iter().all(|record| record.bill_nanos.is_some_and(|nanos| nanos > 0)));
    assert_eq!(made(5).await.1, first);
    assert_ne!(made(6).await.1, first);
}

#[tokio::test]
async fn a_burst_reports_every_call_in_order() {
    let provider = Provider::start(provider::Options::default()).await.unwrap();
    provider.script(&serde_json::json!({ "times": 5, "script": "fault=http_402" })).unwrap();
    let many = Burst {
        base_url: provider.base_url(),
        dialect: Dialect::OpenAi,
        model: "gpt-5.5".to_owned(),
        keys: vec!["sk-a".to_owned(), "sk-b".to_owned()],
        headers: Vec::new(),
        calls: 20,
        max_tokens: 50,
        output: 30,
        prompt_words: 20,
        chunks: 3,
        delay_ms: 5,
    };
    let costs = many.true_costs_nanos();
    let outcomes = burst(many).await;
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    assert_eq!(count(|outcome| matches!(outcome, Outcome::Completed { usage: Some(usage) } if usage.output == 30)), 15);
    assert_eq!(count(|outcome| matches!(outcome, Outcome::Refused { status: 402, .. })), 5);
    let mut billed: Vec<Option<i128>> =
        provider.books().since(0).iter().map(|record| record.bill_nanos).filter(|nanos| *nanos != Some(0)).collect();
    let mut quoted: Vec<Option<i128>> =
        outcomes.iter().zip(costs).filter(|(outcome, _)| matches!(outcome, Outcome::Completed { .. })).map(|(_, cost)| cost).collect();
    billed.sort();
    quoted.sort();
    assert_eq!(quoted, billed);
}
