//! What an operator changes, and what the audit says of it.

#![allow(clippy::disallowed_methods, reason = "a test lives in the present")]
#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod support;

use std::time::Duration;

use jiff::Timestamp;
use store::{
    AuditFilter, Books, BooksError, CallFilter, CallStatus, HoldAnswer, KeyChange, KeyNew, Origin, RefusedCall, Resolution, RunFilter,
    RunStart, Target,
};
use support::*;

fn audited(books: &Books) -> Vec<(String, String, String)> {
    let lines = books.reader().audit(&AuditFilter::default()).unwrap();
    lines.into_iter().rev().map(|line| (line.actor, line.action, line.subject)).collect()
}

fn line(actor: &str, action: &str, subject: &str) -> (String, String, String) {
    (actor.to_owned(), action.to_owned(), subject.to_owned())
}

#[tokio::test]
async fn budgets_of_the_file_follow_the_file_and_are_read_only_elsewhere() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let names = |records: Vec<store::BudgetRecord>| records.into_iter().map(|record| (record.spec.name, record.origin)).collect::<Vec<_>>();
    let changes = books.sync_config_budgets(vec![budget("a", "1", &[]), budget("b", "2", &[])], "mete.toml").await.unwrap();
    assert_eq!((changes.put, changes.removed), (vec!["a".to_owned(), "b".to_owned()], vec![]));
    put(&books, budget("mine", "3", &[])).await;
    for refused in [
        books.put_budget(budget("a", "9", &[]), Origin::Api, "ann").await,
        books.remove_budget("a", "ann").await,
        books.pause_budget("a", true, "ann").await,
    ] {
        assert!(matches!(&refused, Err(BooksError::Invalid(why)) if why.contains("mete.toml")), "{refused:?}");
    }
    // The same file again changes nothing; another removes what it lacks, and takes over what the API made.
    let again = books.sync_config_budgets(vec![budget("a", "1", &[]), budget("b", "2", &[])], "mete.toml").await.unwrap();
    assert_eq!(again, store::BudgetChanges::default());
    let changes = books.sync_config_budgets(vec![budget("b", "4", &[]), budget("mine", "3", &[])], "mete.toml").await.unwrap();
    assert_eq!((changes.put, changes.removed), (vec!["b".to_owned(), "mine".to_owned()], vec!["a".to_owned()]));
    assert_eq!(names(books.budgets().await.unwrap()), [("b".to_owned(), Origin::Config), ("mine".to_owned(), Origin::Config)]);
    // A bad one changes nothing at all.
    let mut bad = budget("c", "1", &[]);
    bad.time_zone = "Mars/Olympus".to_owned();
    let error = books.sync_config_budgets(vec![budget("d", "1", &[]), bad], "mete.toml").await.unwrap_err();
    assert!(error.to_string().contains("budget `c`"), "{error}");
    books.sync_config_budgets(vec![budget("d", "1", &[]), budget("d", "2", &[])], "mete.toml").await.unwrap_err();
    assert_eq!(books.budgets().await.unwrap().len(), 2);
    books.close().await.unwrap();
    let (books, _) = open(dir.path());
    assert_eq!(names(books.budgets().await.unwrap()), [("b".to_owned(), Origin::Config), ("mine".to_owned(), Origin::Config)]);
    books.close().await.unwrap();
}

#[tokio::test]
async fn a_paused_budget_refuses_nothing_and_counts_on() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "1", &[])).await;
    books.pause_budget("all", true, "ann").await.unwrap();
    let grant = hold(&books, "5", &[]).await;
    settle(&books, grant.hold, "5").await;
    books.pause_budget("all", false, "ann").await.unwrap();
    assert!(matches!(books.hold(request("0.1", &[])).await.unwrap(), HoldAnswer::Refused(..)));
    books.remove_budget("all", "ann").await.unwrap();
    hold(&books, "0.1", &[]).await;
    assert!(matches!(books.remove_budget("all", "ann").await, Err(BooksError::NotFound(_))));
    let told = [("test", "budget.put"), ("ann", "budget.paused"), ("ann", "budget.resumed"), ("ann", "budget.removed")];
    assert_eq!(audited(&books), told.map(|(actor, action)| line(actor, action, "all")));
    books.close().await.unwrap();
}

#[tokio::test]
async fn a_run_has_a_token_a_limit_and_children_that_share_it() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let start = RunStart {
        limit: Some(usd("5")),
        tags: attributes(&[("feature", "search")]),
        session: Some("s1".to_owned()),
        command: Some("claude".to_owned()),
        ..RunStart::default()
    };
    let (parent, token) = books.start_run(start.clone(), "ann").await.unwrap();
    let (child, _) =
        books.start_run(RunStart { parent: Some(parent), limit: Some(usd("50")), ..RunStart::default() }, "ann").await.unwrap();
    assert_eq!(format!("{token:?}"), "rt_…");
    let record = books.run_by_token(&token.0).unwrap();
    assert_eq!((record.id, &record.start), (parent, &start));
    assert!(books.run_by_token("rt_00000000000000000000000000000000").is_none());
    hold_on(&books, "3", child).await.unwrap();
    assert!(hold_on(&books, "3", child).await.is_err());
    let view = books.raise_run(parent, usd("1"), "ann").await.unwrap();
    assert_eq!((view.spec.limit, view.account.held, view.remaining), (Some(usd("6")), usd("3"), Some(usd("3"))));
    hold_on(&books, "3", child).await.unwrap();
    books.end_run(child, "ann").await.unwrap();
    assert!(books.run_by_id(child).unwrap().ended_at.is_some());
    let listed = |filter: RunFilter| async { books.runs(filter).await.unwrap().into_iter().map(|run| run.record.id).collect::<Vec<_>>() };
    assert_eq!(listed(RunFilter::default()).await, [child, parent]);
    assert_eq!(listed(RunFilter { active_only: true, ..RunFilter::default() }).await, [parent]);
    assert_eq!(listed(RunFilter { session: Some("s1".to_owned()), ..RunFilter::default() }).await, [parent]);
    assert_eq!(listed(RunFilter { parent: Some(parent), limit: Some(1), ..RunFilter::default() }).await, [child]);
    assert!(matches!(books.raise_run(ledger::RunId(7), usd("1"), "ann").await, Err(BooksError::NotFound(_))));
    books.close().await.unwrap();

    let (books, _) = open(dir.path());
    assert_eq!(books.run_by_token(&token.0).unwrap().start, start);
    assert_eq!(books.run_view(parent).await.unwrap().account.held, usd("6"));
    assert!(books.run_by_id(child).unwrap().ended_at.is_some());
    // A run that is joined goes on with another token, and the first one works on, also after a restart.
    books.end_run(parent, "ann").await.unwrap();
    let second = books.join_run(parent, "bob").await.unwrap();
    books.close().await.unwrap();
    let (books, _) = open(dir.path());
    for token in [&token, &second] {
        let run = books.run_by_token(&token.0).unwrap();
        assert_eq!((run.id, run.ended_at), (parent, None));
    }
    books.close().await.unwrap();
}

async fn hold_on(books: &Books, amount: &str, run: ledger::RunId) -> Result<(), HoldAnswer> {
    match books.hold(on_run(request(amount, &[]), run)).await.unwrap() {
        HoldAnswer::Granted(_) => Ok(()),
        other => Err(other),
    }
}

#[tokio::test]
async fn a_key_is_found_by_its_secret_until_it_is_rotated_away() {
    let dir = TempDir::new();
    let clock = FakeClock::new("2026-11-23T10:00:00Z");
    let (books, _) = open_at(dir.path(), &clock);
    let new = KeyNew {
        name: "search".to_owned(),
        attributes: attributes(&[("team", "search")]),
        client_may_set: vec!["feature".to_owned()],
        models: vec!["gpt-5*".to_owned()],
        limits: store::RateLimits { requests_per_minute: Some(60), tokens_per_minute: None, concurrency: Some(2) },
        ..KeyNew::default()
    };
    let (key, first) = books.create_key(new, "ann").await.unwrap();
    assert_eq!((&first.0[..3], format!("{first:?}").as_str()), ("mk_", "mk_…"));
    assert!(first.0.ends_with(&key.last_four));
    assert_eq!(*books.key_by_secret(&first.0).unwrap(), key);
    let (rotated, second) = books.rotate_key(&key.id, Duration::from_secs(60), "ann").await.unwrap();
    assert_eq!((rotated.id.clone(), rotated.attributes.clone()), (key.id.clone(), key.attributes.clone()));
    assert!(books.key_by_secret(&first.0).is_some() && books.key_by_secret(&second.0).is_some());
    clock.advance(60);
    assert!(books.key_by_secret(&first.0).is_none() && books.key_by_secret(&second.0).is_some());
    let change =
        KeyChange { models: Some(vec![]), expires_at: Some(Some("2027-01-01T00:00:00Z".parse().unwrap())), ..KeyChange::default() };
    let changed = books.update_key(&key.id, change, "bob").await.unwrap();
    assert!(changed.models.is_empty() && changed.name == "search");
    let revoked = books.revoke_key(&key.id, "bob").await.unwrap();
    assert!(revoked.revoked_at.is_some() && books.key_by_secret(&second.0).unwrap().revoked_at.is_some());
    assert!(matches!(books.rotate_key(&key.id, Duration::ZERO, "bob").await, Err(BooksError::Invalid(_))));
    books.create_key(KeyNew::default(), "ann").await.unwrap_err();
    // A name is free again once its key is revoked, and taken while it isn't.
    let named = |name: &str| KeyNew { name: name.to_owned(), ..KeyNew::default() };
    let (other, _) = books.create_key(named("search"), "ann").await.unwrap();
    assert!(matches!(books.create_key(named("search"), "ann").await, Err(BooksError::Invalid(_))));
    books.revoke_key(&other.id, "ann").await.unwrap();
    let told = [("ann", "key.created"), ("ann", "key.rotated"), ("bob", "key.updated"), ("bob", "key.revoked")];
    let of_key: Vec<_> = audited(&books).into_iter().filter(|(_, _, subject)| *subject == key.id.0).collect();
    assert_eq!(of_key, told.map(|(actor, action)| line(actor, action, &key.id.0)));
    let secrets = books.reader().audit(&AuditFilter::default()).unwrap().iter().any(|line| format!("{line:?}").contains(&second.0[3..]));
    assert!(!secrets, "a secret is in the audit");
    books.close().await.unwrap();
    let bytes = std::fs::read(dir.path().join("mete.db")).unwrap();
    assert!(!bytes.windows(32).any(|window| window == &second.0.as_bytes()[3..]), "a secret is on the disk");
    let (books, _) = open_at(dir.path(), &clock);
    assert_eq!(*books.key_by_secret(&second.0).unwrap(), revoked);
    books.close().await.unwrap();
}

#[tokio::test]
async fn prices_and_settings_are_kept_with_who_set_them() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let row = r#"{"model":"my-model","meter":"input","price":"1.25"}"#;
    let id = books.set_price(row, "ann").await.unwrap();
    books.set_price("{", "ann").await.unwrap_err();
    assert_eq!(
        books.prices_extra().await.unwrap().iter().map(|price| (price.id, price.row.as_str(), price.actor.as_str())).collect::<Vec<_>>(),
        [(id, row, "ann")]
    );
    books.remove_price(id, "bob").await.unwrap();
    books.remove_price(id, "bob").await.unwrap_err();
    assert!(books.set_price(row, "ann").await.unwrap() > id, "a number is given twice");
    assert_eq!(books.setting("grace").await.unwrap(), None);
    books.set_setting("grace", "5m", "ann").await.unwrap();
    assert_eq!(books.setting("grace").await.unwrap().as_deref(), Some("5m"));
    let filter =
        AuditFilter { actor: Some("ann".to_owned()), action: Some("price.set".to_owned()), limit: Some(1), ..AuditFilter::default() };
    let lines = books.reader().audit(&filter).unwrap();
    assert_eq!((lines.len(), lines[0].before.is_null(), lines[0].after["model"].as_str()), (1, true, Some("my-model")));
    books.close().await.unwrap();
}

#[tokio::test]
async fn only_what_is_unknown_can_be_resolved_and_the_reason_is_kept() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let one = request("1", &[]);
    granted(books.hold(one.clone()).await.unwrap());
    let call = Target::Call(one.start.call);
    assert!(matches!(books.resolve(call, Resolution::Void, "", "ann").await, Err(BooksError::Invalid(_))));
    books.finish(end(one.ask.id, store::Outcome::Unresolved)).await.unwrap();
    let too_much = Resolution::Cost(money::Nanos::new(-1));
    assert!(matches!(books.resolve(call, too_much, "", "ann").await, Err(BooksError::Invalid(_))));
    assert_eq!(books.resolve(call, Resolution::Cost(usd("0.4")), "the provider's log", "ann").await.unwrap(), one.ask.id);
    assert!(matches!(books.resolve(call, Resolution::Void, "", "ann").await, Err(BooksError::Invalid(_))));
    assert!(matches!(books.resolve(Target::Call(store::CallId(1)), Resolution::Void, "", "ann").await, Err(BooksError::NotFound(_))));
    // An estimate can be corrected later; a certain cost can't.
    let two = hold(&books, "1", &[]).await;
    books.finish(end(two.hold, store::Outcome::Settled { cost: usd("0.5"), estimated: true })).await.unwrap();
    books.true_up(two.hold, usd("0.7"), "invoice", "bob").await.unwrap();
    assert!(matches!(books.true_up(one.ask.id, usd("0.7"), "invoice", "bob").await, Err(BooksError::Invalid(_))));
    assert_eq!(books.stats().spent, usd("1.1"));
    let lines = books.reader().audit(&AuditFilter::default()).unwrap();
    let told: Vec<_> =
        lines.iter().map(|line| (line.actor.as_str(), line.action.as_str(), line.after["reason"].as_str().unwrap())).collect();
    assert_eq!(told, [("bob", "call.trued_up", "invoice"), ("ann", "call.resolved", "the provider's log")]);
    books.close().await.unwrap();
    assert!(store::verify(dir.path(), true).unwrap().ok);
}

#[tokio::test]
async fn calls_are_found_by_what_is_known_of_them() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "3", &[])).await;
    let mut named = Vec::new();
    for (team, feature) in [("search", "a'b"), ("ads", "x"), ("search", "$.y\"")] {
        let mut request = request("1", &[("team", team), ("feature", feature), ("key", "key_1")]);
        request.start.at = Timestamp::now();
        named.push(request.start.call);
        granted(books.hold(request).await.unwrap());
    }
    let mut second = request_for(named[0], 2, "0", &[("team", "search"), ("feature", "a'b"), ("key", "key_1")]);
    second.start.provider = "azure".to_owned();
    let grant = granted(books.hold(second).await.unwrap());
    settle(&books, grant.hold, "0").await;
    books.note_ceiling(grant.hold, 4096);
    let refused = request("1", &[("team", "ads")]);
    assert!(matches!(books.hold(refused.clone()).await.unwrap(), HoldAnswer::Refused(..)));
    books.record_refusal(RefusedCall {
        call: refused.start.call,
        at: Timestamp::now(),
        dialect: "openai".to_owned(),
        operation: "chat".to_owned(),
        model: "gpt-5.5".to_owned(),
        provider: "openai".to_owned(),
        attributes: refused.ask.attributes,
        run: None,
        code: "budget_held".to_owned(),
        details: serde_json::json!({ "needed_nanos": 1 }),
    });
    books.tick().await.unwrap();
    named.push(refused.start.call);
    let found = |filter: CallFilter| {
        let calls = books.reader().calls(&filter).unwrap();
        calls.iter().map(|call| named.iter().position(|name| *name == call.call).unwrap()).collect::<Vec<_>>()
    };
    let with = |name: &str, value: &str| CallFilter { attributes: attributes(&[(name, value)]), ..CallFilter::default() };
    let some = |change: fn(&mut CallFilter)| {
        let mut filter = CallFilter::default();
        change(&mut filter);
        filter
    };
    for (what, filter, expected) in [
        ("all", CallFilter::default(), vec![3, 2, 1, 0]),
        ("team", with("team", "search"), vec![2, 0]),
        ("quote", with("feature", "a'b"), vec![0]),
        ("path", with("feature", "$.y\""), vec![2]),
        ("odd name", with("x\".y", "1"), vec![]),
        ("provider", some(|filter| filter.provider = Some("azure".to_owned())), vec![0]),
        ("model", some(|filter| filter.model = Some("gpt-5.5".to_owned())), vec![3, 2, 1, 0]),
        ("refused", some(|filter| filter.status = Some(CallStatus::Refused)), vec![3]),
        ("held", some(|filter| filter.status = Some(CallStatus::Held)), vec![2, 1, 0]),
        ("settled", some(|filter| filter.status = Some(CallStatus::Settled)), vec![]),
        ("unresolved", some(|filter| filter.unresolved_only = true), vec![]),
        ("key", some(|filter| filter.key = Some("key_1".to_owned())), vec![2, 1, 0]),
        ("two", some(|filter| filter.limit = Some(2)), vec![3, 2]),
        ("until", some(|filter| filter.until = Some(Timestamp::UNIX_EPOCH)), vec![]),
    ] {
        assert_eq!(found(filter), expected, "{what}");
    }
    let call = books.reader().call(named[0]).unwrap().unwrap();
    let attempts: Vec<_> =
        call.attempts.iter().map(|attempt| (attempt.start.attempt, attempt.status, attempt.start.ceiling_granted)).collect();
    assert_eq!(attempts, [(1, CallStatus::Held, None), (2, CallStatus::Settled, Some(4096))]);
    assert_eq!((call.status, call.held, call.provider.as_str()), (CallStatus::Held, usd("1"), "azure"));
    assert_eq!(books.reader().call_of_hold(grant.hold).unwrap(), Some(named[0]));
    books.close().await.unwrap();
}

#[tokio::test]
async fn headroom_is_what_the_tightest_budget_leaves() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "10", &[])).await;
    put(&books, budget("search", "4", &[("team", "search")])).await;
    let mut shadow = budget("shadow", "1", &[]);
    shadow.on_exceed = ledger::OnExceed::Shadow;
    put(&books, shadow).await;
    hold(&books, "3", &[("team", "search")]).await;
    for (team, left) in [("search", "1"), ("ads", "7")] {
        let headroom = books.headroom(attributes(&[("team", team)]), None).await.unwrap();
        assert_eq!(headroom.remaining, Some(usd(left)), "{team}");
    }
    let matching = books.matching(attributes(&[("team", "search")]), None, usd("2")).await.unwrap();
    let shown: Vec<_> = matching.iter().map(|view| (view.blocks, view.fits)).collect();
    assert_eq!(shown, [(true, true), (true, false), (false, false)]);
    assert_eq!(books.preview(request("1", &[("team", "search")]).ask).await.unwrap().would_grant, Some(usd("1")));
    books.close().await.unwrap();
    assert!(matches!(books.accounts().await, Err(BooksError::Unavailable(_))));
}

#[tokio::test]
async fn an_imported_source_is_replaced_whole_and_audited_without_its_text() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let put = |texts: &[(&str, &str)]| {
        let texts = texts.iter().map(|(name, body)| ((*name).to_owned(), (*body).to_owned())).collect();
        books.put_price_sources(texts, "price.imported", serde_json::json!({"read": 2}), "ann")
    };
    put(&[("litellm", "old")]).await.unwrap();
    put(&[("litellm", "new"), ("azure-retail", "meters")]).await.unwrap();
    books.close().await.unwrap();
    let (books, _) = open(dir.path());
    let kept: Vec<_> = books.price_sources().await.unwrap().into_iter().map(|source| (source.name, source.body, source.actor)).collect();
    let expected =
        [("azure-retail", "meters"), ("litellm", "new")].map(|(name, body)| (name.to_owned(), body.to_owned(), "ann".to_owned()));
    assert_eq!(kept, expected);
    books.remove_price_source("litellm", "ann").await.unwrap();
    assert!(matches!(books.remove_price_source("litellm", "ann").await, Err(BooksError::NotFound(_))));
    let told = [("price.imported", "litellm"), ("price.imported", "litellm,azure-retail"), ("price.source_removed", "litellm")];
    assert_eq!(audited(&books), told.map(|(action, subject)| line("ann", action, subject)));
    books.close().await.unwrap();
}

#[tokio::test]
async fn a_call_without_a_price_is_counted_with_its_tokens_until_its_cost_is_told() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "10", &[])).await;
    let counted = |meter: &str, quantity| store::StoredLine {
        meter: meter.to_owned(),
        attrs: std::collections::BTreeMap::new(),
        quantity,
        rate: String::new(),
        per: 1,
        nanos: 0,
        rule: "unpriced".to_owned(),
    };
    let priced = hold(&books, "1", &[]).await;
    settle(&books, priced.hold, "0").await;
    let unknown = hold(&books, "1", &[("team", "search")]).await;
    let mut last = end(unknown.hold, settled("0"));
    last.priced = false;
    last.lines = vec![counted("input_tokens", 1000), counted("output_tokens", 50), counted("tool_call", 3)];
    books.finish(last).await.unwrap();
    let found = books.reader().unpriced(None).unwrap();
    assert_eq!(found.iter().map(|call| (call.tokens, call.attributes["team"].as_str())).collect::<Vec<_>>(), [(1050, "search")]);
    books.close().await.unwrap();
}
