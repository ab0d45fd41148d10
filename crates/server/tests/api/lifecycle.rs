//! Starting, restarting, stopping, and who owns a data directory.

use server::{Api, Connect, StartError};

use crate::harness::{Server, connect, options, raw};

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_token_is_shown_once_and_works_after_a_restart() {
    let server = Server::start().await;
    let token = server.token.clone();
    assert!(token.starts_with("mta_") && token.len() >= 36, "{token}");
    let (dir, config) = server.stop().await;
    let running = server::start(options(&dir, &config)).await.unwrap();
    assert_eq!(running.admin_token(), None, "it can't be shown again");
    let (status, _) = raw(&running.addr().to_string(), "GET", "/api/v1/budgets", &[&format!("authorization: Bearer {token}")], "").await;
    assert_eq!(status, 200);
    let database = std::fs::read(dir.path().join("data/mete.db")).unwrap();
    assert!(!database.windows(token.len()).any(|window| window == token.as_bytes()), "the token is stored hashed only");
    running.shutdown();
    running.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_directory_is_refused_and_says_who_owns_it() {
    let server = Server::start().await;
    let error = server::start(options(&server.dir, &server.config)).await.unwrap_err();
    assert!(matches!(error, StartError::InUse(_)), "{error:?}");
    assert!(error.to_string().contains("another mete process"), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_the_owner_of_a_directory_and_else_open_it_themselves() {
    let server = Server::start().await;
    assert_eq!(server.api.base_url(), Some(format!("http://{}", server.running.addr()).as_str()));
    let running = Api::running(&connect(&server.dir, &server.config)).await;
    assert!(running.is_some());
    server.send("PUT", "/budgets/kept", serde_json::json!({"limit_usd": "1"})).await;
    let (dir, config) = server.stop().await;
    assert!(Api::running(&connect(&dir, &config)).await.is_none());
    let api = Api::connect(connect(&dir, &config)).await.unwrap();
    assert_eq!(api.base_url(), None, "the directory is open in this process");
    let rows = api.get("/budgets").await.unwrap();
    let names: Vec<_> = rows.body.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["from-file", "kept"]);
    api.close().await;
    let running = server::start(options(&dir, &config)).await.expect("the directory is free again");
    running.shutdown();
    running.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_server_needs_a_token_and_an_address() {
    let server = Server::start().await;
    let url = format!("http://{}/", server.running.addr());
    let remote = |url: &str, token: Option<&str>| {
        Api::connect(Connect { url: Some(url.to_owned()), token: token.map(str::to_owned), ..Connect::default() })
    };
    let api = remote(&url, Some(&server.token)).await.unwrap();
    assert!(api.get("/stats").await.unwrap().is_ok());
    let wrong = remote(&url, Some("mta_wrong")).await.unwrap().get("/stats").await.unwrap();
    assert_eq!(wrong.status, 401);
    assert!(remote(&url, None).await.unwrap_err().to_string().contains("METE_TOKEN"));
    for bad in ["ftp://x", "127.0.0.1:1", "http://h/path", "http://", "https://h"] {
        assert!(remote(bad, Some("t")).await.unwrap_err().to_string().contains("write http://HOST:PORT"), "{bad}");
    }
    let (_, closed) = (server.stop().await, remote(&url, Some("t")).await.unwrap().get("/stats").await);
    assert!(closed.unwrap_err().to_string().contains("start one with `mete serve`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_asks_ends_by_itself() {
    let server = Server::start().await;
    let (dir, config) = server.stop().await;
    let idle = server::ServeOptions { idle_exit: Some(std::time::Duration::from_millis(1)), ..options(&dir, &config) };
    let running = server::start(idle).await.unwrap();
    running.ended().await;
    running.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_listener_of_its_own_takes_the_api_from_the_data_port() {
    let server = Server::start().await;
    let token = format!("authorization: Bearer {}", server.token);
    let (dir, config) = server.stop().await;
    let running =
        server::start(server::ServeOptions { admin_listen: Some("127.0.0.1:0".to_owned()), ..options(&dir, &config) }).await.unwrap();
    let (data, admin) = (running.addr().to_string(), running.admin_addr().unwrap().to_string());
    for path in ["/api/v1/budgets", "/api", "/metrics", "/healthz"] {
        assert_eq!(raw(&data, "GET", path, &[&token], "").await.0, 404, "{path}");
    }
    assert_eq!(raw(&admin, "GET", "/api/v1/budgets", &[&token], "").await.0, 200);
    assert_eq!(raw(&admin, "GET", "/healthz", &[], "").await.0, 200);
    let api = Api::connect(connect(&dir, &config)).await.unwrap();
    assert_eq!(api.base_url(), Some(format!("http://{data}").as_str()), "the data plane, not the admin listener");
    running.shutdown();
    running.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_a_server_that_listens_on_every_address_by_loopback() {
    let server = Server::start().await;
    let (dir, config) = server.stop().await;
    let running = server::start(server::ServeOptions { listen: Some("0.0.0.0:0".to_owned()), ..options(&dir, &config) }).await.unwrap();
    let api = Api::connect(connect(&dir, &config)).await.unwrap();
    assert_eq!(api.base_url(), Some(format!("http://127.0.0.1:{}", running.addr().port()).as_str()));
    assert_eq!(api.get("/config").await.unwrap().body["authentication"], "keyed", "others could call, so a key is needed");
    running.shutdown();
    running.wait().await;
}
