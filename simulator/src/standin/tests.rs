use super::*;
use crate::client::Outcome;
use crate::provider::ask::Dialect;
use crate::provider::{self, Provider};
use crate::traffic::{Burst, burst};

async fn world(limit_nanos: i64) -> (Provider, StandIn) {
    let provider = Provider::start(provider::Options::default()).await.unwrap();
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = Options { listen, upstream: provider.base_url(), key: "sk-provider".to_owned(), limit_nanos };
    let standin = StandIn::start(options).await.unwrap();
    (provider, standin)
}

fn calls(standin: &StandIn, dialect: Dialect, model: &str, calls: usize) -> Burst {
    Burst {
        base_url: standin.base_url(),
        dialect,
        model: model.to_owned(),
        keys: vec!["client-key".to_owned()],
        headers: Vec::new(),
        calls,
        max_tokens: 1000,
        output: 500,
        prompt_words: 100,
        chunks: 10,
        delay_ms: 20,
    }
}

#[tokio::test]
async fn one_after_the_other_it_charges_what_the_provider_bills() {
    for (dialect, model) in [(Dialect::OpenAi, "gpt-5.5"), (Dialect::Anthropic, "claude-sonnet-5"), (Dialect::Gemini, "gemini-2.5-pro")] {
        let (provider, standin) = world(i64::MAX).await;
        for _ in 0..3 {
            let outcomes = burst(Burst { delay_ms: 0, ..calls(&standin, dialect, model, 1) }).await;
            assert!(matches!(outcomes[0], Outcome::Completed { .. }), "{outcomes:?}");
        }
        let billed: i128 = provider.books().since(0).iter().filter_map(|record| record.bill_nanos).sum();
        assert_eq!(i128::from(standin.state().spent_nanos), billed, "{model}");
        assert!(provider.books().since(0).iter().all(|record| record.key_last4 == "ider"));
    }
}

#[tokio::test]
async fn a_spent_budget_refuses_and_a_burst_overspends() {
    let one = 17_000_000;
    let (provider, standin) = world(one).await;
    let outcomes = burst(calls(&standin, Dialect::OpenAi, "gpt-5.5", 20)).await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Completed { .. })).count(), 20);
    let billed: i128 = provider.books().since(0).iter().filter_map(|record| record.bill_nanos).sum();
    assert!(billed > 15 * i128::from(one), "{billed}");
    let after = burst(calls(&standin, Dialect::OpenAi, "gpt-5.5", 2)).await;
    assert!(after.iter().all(|outcome| matches!(outcome, Outcome::Refused { status: 402, code, .. } if code == "budget_exceeded")));
    assert_eq!((standin.state().admitted, standin.state().refused), (20, 2));
}
