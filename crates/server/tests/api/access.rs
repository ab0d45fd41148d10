//! Every route with no, a wrong and the right token, from browsers and under foreign names.

use serde_json::Value;

use crate::harness::Server;

/// Every route and method of the committed document.
fn described() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&server::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            all.push((method.to_ascii_uppercase(), path.replace("{name}", "x").replace("{id}", "1")));
        }
    }
    assert!(all.len() > 30, "{all:?}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_the_token() {
    let server = Server::start().await;
    let right = format!("authorization: Bearer {}", server.token);
    let key_like = "authorization: Bearer mk_0000";
    let basic = "authorization: Basic bWV0ZTptZXRl";
    for (method, path) in described() {
        let path = format!("/api/v1{path}");
        for wrong in [&[][..], &[key_like], &["authorization: Bearer "], &[basic], &["x-api-key: mta_x"], &[&right, &right]] {
            let (status, body) = server.raw(&method, &path, wrong, "").await;
            assert_eq!(status, 401, "{method} {path} with {wrong:?}: {body}");
        }
        let (status, body) = server.raw(&method, &path, &[&right], "").await;
        assert_ne!(status, 401, "{method} {path}: {body}");
        assert_ne!(status, 405, "{method} {path} is described but not served: {body}");
        assert!(status < 500, "{method} {path}: {status} {body}");
        let (status, _) = server.raw(&method, &path, &[&right, "origin: http://127.0.0.1:4141"], "").await;
        assert_eq!(status, 403, "{method} {path} from a browser page");
        let (status, _) = server.raw(&method, &path, &[&right, "host: evil.example"], "").await;
        assert_eq!(status, 403, "{method} {path} under a foreign name");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_are_not_the_admin_api() {
    let server = Server::start().await;
    let right = format!("authorization: Bearer {}", server.token);
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/budgets",
        "/api/v1/budgets/",
        "/api/v1//budgets",
        "/api/v1/Budgets",
        "/api/v1/budgets;x",
        "/api/v1/../v1/budgets",
    ] {
        for headers in [&[][..], &[right.as_str()]] {
            let (status, body) = server.raw("GET", path, headers, "").await;
            assert_eq!(status, 404, "{path} {headers:?}: {body}");
        }
    }
    for path in ["/api/v1/stats", "/api/v1/budgets"] {
        assert_eq!(server.raw("DELETE", path, &[&right], "").await.0, 405, "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_open_on_this_machine() {
    let server = Server::start().await;
    let (status, health) = server.raw("GET", "/healthz", &[], "").await;
    assert_eq!(
        (status, serde_json::from_str::<Value>(&health).unwrap()["status"].as_str().map(str::to_owned)),
        (200, Some("ok".to_owned()))
    );
    let (status, metrics) = server.raw("GET", "/metrics", &[], "").await;
    assert_eq!(status, 200);
    for line in ["mete_budget_limit_nanodollars{budget=\"from-file\",per=\"\"} 25000000000", "mete_open_holds 0", "mete_reload_failed 0"] {
        assert!(metrics.lines().any(|own| own == line), "{line} is not in\n{metrics}");
    }
    server.stop().await;
}
