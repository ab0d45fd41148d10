//! Keys, runs, prices, estimates, operations.

use serde_json::{Value, json};

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_shows_its_secret_once() {
    let server = Server::start().await;
    let made = server
        .send(
            "POST",
            "/keys",
            json!({"name": "ci", "attributes": {"team": "a"}, "models": ["claude-*"], "expires_at": "2030-01-01", "concurrency": 4}),
        )
        .await;
    let (id, secret) = (made["key"]["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned());
    assert!(secret.starts_with("mk_"), "{secret}");
    let list = server.get("/keys").await;
    assert!(!list.to_string().contains(&secret));
    assert_eq!(
        (&list[0]["expires_at"], &list[0]["concurrency"], &list[0]["attributes"]),
        (&json!("2030-01-01T00:00:00Z"), &json!(4), &json!({"team": "a"}))
    );
    let rotated = server.send("POST", &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 60})).await;
    assert_eq!(rotated["key"]["id"], json!(id), "rotation keeps the id");
    assert_ne!(rotated["secret"], json!(secret));
    let patched = server.send("PATCH", &format!("/keys/{id}"), json!({"expires_at": null, "models": []})).await;
    assert_eq!((&patched["expires_at"], &patched["models"], &patched["concurrency"]), (&Value::Null, &json!([]), &json!(4)));
    assert_eq!(server.refused("POST", "/keys", json!({"name": "ci"})).await.0, 409, "budgets match keys by name");
    assert!(server.send("DELETE", &format!("/keys/{id}"), json!({})).await["revoked_at"].is_string());
    server.send("POST", "/keys", json!({"name": "ci"})).await;
    for (body, expected) in [
        (json!({}), "missing field `name`"),
        (json!({"name": ""}), "name is empty"),
        (json!({"name": "x", "secret": "mk_mine"}), "unknown field `secret`"),
        (json!({"name": "x", "concurrency": -1}), "the body can't be used"),
        (json!({"name": "x", "requests_per_minute": 1.5}), "the body can't be used"),
        (json!({"name": "x", "expires_at": "tomorrow"}), "is not a time"),
    ] {
        let (status, message) = server.refused("POST", "/keys", body.clone()).await;
        assert!(status == 400 && message.contains(expected), "{body}: {status} {message}");
    }
    assert_eq!(server.refused("POST", "/keys/key_none/rotate", json!({})).await.0, 404);
    let audit = server.get("/audit").await.to_string();
    assert!(!audit.contains(&secret) && audit.contains("key.rotated"), "{audit}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_raised_found_by_a_part_of_its_id_and_ended() {
    let server = Server::start().await;
    let made = server
        .send("POST", "/runs", json!({"name": "claude", "limit_usd": "5", "tags": {"team": "a"}, "credentials": {"openai": "sk-canary"}}))
        .await;
    let run = made["run_id"].as_str().unwrap().to_owned();
    assert!(made["token"].as_str().unwrap().starts_with("rt_") && made["key"].as_str().unwrap().starts_with("mk_"), "{made}");
    let child = server.send("POST", "/runs", json!({"parent": run, "limit_usd": "9"})).await;
    let child = server.get(&format!("/runs/{}", child["run_id"].as_str().unwrap())).await;
    assert_eq!(child["remaining_usd"], "5.00", "a child can't exceed what its parent has left");
    let view = server.get(&format!("/runs/{}", &run[20..])).await;
    assert_eq!(
        (&view["run_id"], &view["limit_usd"], &view["spent_nanos"], &view["calls"]),
        (&json!(run), &json!("5.00"), &json!(0), &json!(0))
    );
    assert_eq!(view["tokens"], json!({"input": 0, "cache_read": 0, "cache_write": 0, "output": 0}));
    assert_eq!(server.send("POST", &format!("/runs/{run}/raise"), json!({"by_usd": "3"})).await["limit_usd"], "8.00");
    for by in [json!("0"), json!("-1"), json!("NaN"), json!(null), json!("1e400")] {
        assert_eq!(server.refused("POST", &format!("/runs/{run}/raise"), json!({"by_usd": by})).await.0, 400, "{by}");
    }
    let ended = server.send("POST", &format!("/runs/{run}/end"), json!({})).await;
    assert!(ended["ended_at"].is_string(), "{ended}");
    let keys = server.get("/keys").await;
    let own: Vec<_> = keys.as_array().unwrap().iter().filter(|key| key["run"] == json!(run)).collect();
    assert!(own.len() == 1 && own[0]["revoked_at"].is_string(), "the run's key ends with it: {own:?}");
    assert_eq!(server.get("/runs?active=true").await.as_array().unwrap().len(), 1, "the child goes on");
    let joined = server.send("POST", &format!("/runs/{run}/join"), json!({})).await;
    assert_ne!(joined["token"], made["token"], "each that joins has a token of its own");
    let again = server.get(&format!("/runs/{run}")).await;
    assert_eq!((&again["ended_at"], &again["limit_usd"]), (&Value::Null, &json!("8.00")), "a run that is joined goes on");
    assert!(server.send("POST", &format!("/runs/{run}/end"), json!({})).await["ended_at"].is_string());
    for path in ["/runs/00000000000000000000000000", "/runs/short", "/runs/%27%20OR%201=1"] {
        assert_eq!(server.refused("GET", path, json!({})).await.0, 404, "{path}");
    }
    assert!(!server.get("/audit").await.to_string().contains("sk-canary"), "provider keys stay in memory");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_of_ones_own_is_effective_at_once_and_the_later_one_wins() {
    let server = Server::start().await;
    let cost = async || {
        let body = json!({"dialect": "openai", "model": "my-model", "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 0}});
        server.send("POST", "/cost", body).await
    };
    assert_eq!(cost().await["status"], "unpriced");
    for (price, nanos) in [("1.5", 1_500_000_000_i64), ("2", 2_000_000_000)] {
        server
            .send(
                "POST",
                "/prices",
                json!({"rows": [{"seller": "openai", "sku": "openai/my-model", "meter": "input_tokens", "price": price}]}),
            )
            .await;
        assert_eq!(cost().await["total_nanos"], nanos);
    }
    let shown = server.get("/prices/show?model=my-model").await;
    assert_eq!(
        (&shown["seller"], &shown["sku"], &shown["rates"][0]["per"]),
        (&json!("openai"), &json!("openai/my-model"), &json!(1_000_000))
    );
    let why = server.get("/prices/why?model=my-model&seller=openai").await;
    let input = &why["meters"][0];
    assert_eq!(
        (&input["rate"], &input["rule"]["own"], &input["lost"][0]["price"]),
        (&json!("2"), &json!(true), &json!("$1.5 per 1,000,000")),
        "{why}"
    );
    assert!(input["lost"][0]["why"].as_str().unwrap().contains("an earlier price"), "{why}");
    assert!(why["text"].as_array().unwrap().iter().any(|line| line == "input_tokens  $2 per 1,000,000"), "{why}");
    for (rows, expected) in [
        (json!([]), "send 1 to"),
        (json!([{"seller": "openai", "sku": "openai/m", "meter": "input_tokens", "price": "-1"}]), "rows[0]"),
        (json!([{"seller": "openai", "sku": "openai/m", "meter": "input_tokens", "price": "0"}]), "free"),
        (json!([{"seller": "openai", "sku": "openai/m", "meter": "input_tokens", "price": "NaN"}]), "rows[0]"),
        (json!([{"seller": "openai", "sku": "openai/m", "meter": "input_tokens"}]), "rows[0]"),
        (json!([{"seller": "openai", "sku": "openai/m", "meter": "input_tokens", "price": "1", "prise": "2"}]), "rows[0]"),
    ] {
        let (status, message) = server.refused("POST", "/prices", json!({"rows": rows})).await;
        assert!(status == 400 && message.contains(expected), "{rows}: {status} {message}");
    }
    let own = server.get("/prices/own").await;
    assert_eq!(own.as_array().unwrap().len(), 2);
    server.send("DELETE", &format!("/prices/own/{}", own[1]["id"]), json!({})).await;
    assert_eq!(cost().await["total_nanos"], 1_500_000_000_i64);
    assert_eq!(server.refused("GET", "/prices/show?model=nobody-knows", json!({})).await.0, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_are_verified_backed_up_and_restored() {
    let server = Server::start().await;
    server.send("PUT", "/budgets/kept", json!({"limit_usd": "7"})).await;
    let report = server.send("POST", "/verify", json!({"full": true})).await;
    assert_eq!((&report["ok"], &report["violations"], &report["budgets"]), (&json!(true), &json!([]), &json!(2)), "{report}");
    let file = server.dir.path().join("copy.db");
    server.send("POST", "/backup", json!({"path": file.display().to_string()})).await;
    assert_eq!(server.refused("POST", "/backup", json!({"path": file.display().to_string()})).await.0, 409, "nothing is overwritten");
    assert_eq!(server.refused("POST", "/backup", json!({"path": "relative.db"})).await.0, 400);
    let (dir, _) = server.stop().await;
    let restored = dir.path().join("restored");
    server::restore(&file, &restored).unwrap();
    assert_eq!(server::verify(&restored, true).unwrap()["ok"], true);
    assert!(server::restore(&file, &dir.path().join("data")).is_err(), "a directory with data is left alone");
    let api = server::Api::connect(server::Connect { data: Some(restored), ..server::Connect::default() }).await.unwrap();
    assert_eq!(api.get("/budgets/kept").await.unwrap().body[0]["limit_usd"], "7.00");
    api.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_take_filters_and_refuse_what_they_do_not_know() {
    let server = Server::start().await;
    for path in [
        "/calls",
        "/calls?status=refused&limit=1&attribute=team%3Da&since=2026-01-01T00:00:00Z",
        "/calls?unresolved=true",
        "/runs?active=true",
        "/audit?limit=5",
        "/prices/unknown",
        "/prices",
    ] {
        server.get(path).await;
    }
    for (path, expected) in [
        ("/calls?stauts=held", "unknown query parameter `stauts`"),
        ("/calls?status=lost", "write held, settled"),
        ("/calls?limit=0", "1 to 10000"),
        ("/calls?limit=10001", "1 to 10000"),
        ("/calls?limit=-1", "1 to 10000"),
        ("/calls?since=yesterday", "is not a time"),
        ("/calls?attribute=team", "k=v"),
        ("/calls?model=a&model=b", "given twice"),
        ("/runs?active=maybe", "true or false"),
        ("/prices/show", "model is needed"),
    ] {
        let answer = server.api.get(path).await.unwrap();
        let message = answer.error().unwrap_or_default();
        assert!(answer.status == 400 && message.contains(expected), "{path}: {answer:?}");
    }
    for path in ["/calls/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/calls/x", "/calls/x/explain"] {
        assert_eq!(server.refused("GET", path, json!({})).await.0, 404, "{path}");
    }
    for body in [
        json!({"reason": "r"}),
        json!({"reason": "r", "void": true, "cost_usd": "1"}),
        json!({"void": true}),
        json!({"void": true, "reason": " "}),
        json!({"cost_usd": "-1", "reason": "r"}),
    ] {
        assert_eq!(server.refused("POST", "/calls/01ARZ3NDEKTSV4RRFFQ69G5FAV/resolve", body.clone()).await.0, 400, "{body}");
    }
    server.stop().await;
}
