//! Rules in the gateway: virtual tags drive budgets, and a call without a required tag isn't sent.

#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod support;

use std::sync::Arc;

use dialects::{Dialect, Operation};
use gateway::{Authentication, EstimateAsk, FACTS};
use http::{Method, StatusCode};
use rules::{Definitions, Missing, Required, Rule, RuleSet, Table, Value as Given, VirtualTag};
use serde_json::{Value, json};
use store::{CallFilter, CallStatus};
use support::World;

const CHAT: &str = "/v1/chat/completions";

fn chat(model: &str) -> Value {
    json!({ "model": model, "max_completion_tokens": 4096, "messages": [{ "role": "user", "content": "Hi. [[sim output=20]]" }] })
}

fn rule(when: Option<&str>, value: Given) -> Rule {
    Rule { from: None, until: None, when: when.map(str::to_owned), value }
}

fn literal(value: &str) -> Given {
    Given::Literal(value.to_owned())
}

fn tag(name: &str, rules: Vec<Rule>) -> VirtualTag {
    VirtualTag { name: name.to_owned(), rules, default: None }
}

fn compiled(tags: Vec<VirtualTag>, required: Vec<Required>) -> Option<Arc<RuleSet>> {
    let people = Table::read(b"user,team\nann,search\nbob,ads\n").unwrap();
    let definitions = Definitions { tables: [("people".to_owned(), people)].into(), tags, required };
    Some(Arc::new(RuleSet::compile(definitions, &FACTS).unwrap()))
}

/// `team` by user, and `tier_of_model` by the model that was asked for.
fn tags() -> Vec<VirtualTag> {
    let by_user = Given::LookUp { table: "people".to_owned(), by: "user".to_owned(), column: "team".to_owned() };
    let dear = rule(Some("model.matches('^gpt-5$') && team == 'search'"), literal("dear"));
    vec![tag("team", vec![rule(None, by_user)]), tag("kind", vec![dear, rule(None, literal("cheap"))])]
}

#[tokio::test]
async fn a_virtual_tag_drives_a_budget_and_is_part_of_the_record() {
    let world = World::with(|settings| settings.rules = compiled(tags(), Vec::new())).await;
    world.budget_with("search", "0.001", |spec| spec.matches = [("team".to_owned(), "search".to_owned())].into()).await;
    world.budget_with("kinds", "10", |spec| spec.per = vec!["kind".to_owned()]).await;
    let send = async |user: &str, model: &str| {
        let headers = [("authorization", "Bearer sk-own-test-key"), ("x-mete-tags", user)];
        world.send(Method::POST, CHAT, &headers, &chat(model).to_string()).await
    };
    let refused = send("user=ann", "gpt-5").await;
    assert_eq!((refused.status, refused.header("x-mete-budget")), (StatusCode::PAYMENT_REQUIRED, Some("search")), "{}", refused.body);
    assert_eq!(send("user=ann,team=ads", "gpt-5").await.status, StatusCode::PAYMENT_REQUIRED, "the rule wins over what a client says");
    assert_eq!(world.requests(), 0);
    assert_eq!(send("user=bob", "gpt-5").await.status, StatusCode::OK);
    assert_eq!(send("user=eve", "gpt-5").await.status, StatusCode::OK);
    let calls = world.calls().await;
    let told: Vec<_> =
        calls.iter().map(|call| (call.status, call.attributes.get("team").map(String::as_str), call.attributes["kind"].as_str())).collect();
    let expected = [
        (CallStatus::Refused, Some("search"), "dear"),
        (CallStatus::Refused, Some("search"), "dear"),
        (CallStatus::Settled, Some("ads"), "cheap"),
        (CallStatus::Settled, None, "cheap"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_estimate_names_the_budgets_that_virtual_tags_lead_to() {
    let world = World::with(|settings| settings.rules = compiled(tags(), Vec::new())).await;
    world.budget_with("search", "1", |spec| spec.matches = [("team".to_owned(), "search".to_owned())].into()).await;
    for (user, expected) in [("ann", 1), ("bob", 0)] {
        let ask = EstimateAsk {
            dialect: Dialect::OpenAi,
            operation: Operation::Chat,
            model: None,
            body: chat("gpt-5").to_string().into(),
            attributes: [("user".to_owned(), user.to_owned())].into(),
            run: None,
        };
        assert_eq!(world.gateway.estimate(ask).await.unwrap().budgets.len(), expected, "{user}");
    }
}

#[tokio::test]
async fn a_call_without_a_required_tag_is_refused_in_every_dialect_and_nothing_is_sent_or_held() {
    let required = |name: &str, missing| Required { name: name.to_owned(), missing };
    let list = vec![required("team", Missing::Refuse), required("cost.center", Missing::Refuse), required("env", Missing::Mark)];
    let world = World::with(|settings| settings.rules = compiled(tags(), list)).await;
    world.budget("all", "10").await;
    let calls: [(&str, Value, fn(&Value) -> bool); 4] = [
        (CHAT, chat("gpt-5"), |body| body["error"]["code"] == "tag_required" && body["error"].get("param").is_some()),
        ("/v1/responses", json!({ "model": "gpt-5", "input": "Hi." }), |body| body["error"]["code"] == "tag_required"),
        (
            "/v1/messages",
            json!({ "model": "claude-sonnet-5", "max_tokens": 4096, "messages": [{ "role": "user", "content": "Hi." }] }),
            |body| body["type"] == "error" && body["error"]["type"] == "invalid_request_error",
        ),
        ("/v1beta/models/gemini-2.5-flash:generateContent", json!({ "contents": [{ "parts": [{ "text": "Hi." }] }] }), |body| {
            body["error"]["code"] == 400 && body["error"]["status"] == "INVALID_ARGUMENT"
        }),
    ];
    for (path, body, fits) in &calls {
        let answer = world.post(path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.body);
        let document = answer.json();
        assert!(fits(&document), "{path}: {document}");
        assert_eq!(document["mete"]["code"], "tag_required", "{path}");
        assert_eq!(document["mete"]["missing"], json!(["team", "cost.center"]), "{path}");
        let expected = "this call lacks `team`, `cost.center`, which every call needs here; send the header `x-mete-tags: team=VALUE,cost.center=VALUE`";
        assert_eq!(document["error"]["message"], expected, "{path}");
    }
    world.until("refusals are recorded", || world.books.reader().calls(&CallFilter::default()).unwrap().len() == calls.len()).await;
    for call in world.calls().await {
        assert_eq!((call.status, call.attributes["env"].as_str()), (CallStatus::Refused, "untagged"));
    }
    assert_eq!(world.requests(), 0, "nothing reached the provider");
    assert!(world.books.accounts().await.unwrap().iter().all(|view| view.held.is_zero() && view.spent.is_zero()), "nothing was held");

    // What costs nothing needs no tags, and a call that has them all is served.
    let own = ("authorization", "Bearer sk-own-test-key");
    assert_eq!(world.send(Method::GET, "/v1/models", &[own], "").await.status, StatusCode::OK);
    let tagged = [own, ("x-mete-tags", "user=ann,cost.center=100")];
    assert_eq!(world.send(Method::POST, CHAT, &tagged, &chat("gpt-5").to_string()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_may_not_set_a_required_tag_is_told_who_can() {
    let required = |name: &str| Required { name: name.to_owned(), missing: Missing::Refuse };
    let list = vec![required("team"), required("session"), required("project")];
    let world = World::with(|settings| {
        settings.authentication = Authentication::Keyed;
        settings.rules = compiled(Vec::new(), list);
    })
    .await;
    let key = world.key(|new| new.client_may_set = vec!["project".to_owned()]).await;
    let bearer = format!("Bearer {key}");
    let answer = world.send(Method::POST, CHAT, &[("authorization", &bearer)], &chat("gpt-5").to_string()).await;
    let expected = "this call lacks `team`, `session`, `project`, which every call needs here; \
                    send the header `x-mete-tags: session=VALUE,project=VALUE`, \
                    and use a key that has them, made by `mete keys create NAME --attribute team=VALUE`";
    assert_eq!(answer.json()["error"]["message"], expected);
    let key = world.key(|new| new.attributes = ["team", "session", "project"].map(|name| (name.to_owned(), "x".to_owned())).into()).await;
    let bearer = format!("Bearer {key}");
    let answer = world.send(Method::POST, CHAT, &[("authorization", &bearer)], &chat("gpt-5").to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}
