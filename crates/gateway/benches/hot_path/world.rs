//! The gateway as it is shipped: real books in a directory of its own, the embedded price book, budgets, a key.

#![allow(clippy::unwrap_used, reason = "a benchmark may end by a panic")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dialects::Dialect;
use gateway::{Authentication, Gateway, LimitSettings, ProviderSettings, Secret, Settings, TimeoutSettings, listener};
use http::Request;
use hyper::body::Incoming;
use ledger::{Attributes, BudgetSpec, Measure, OnExceed, Window};
use money::Nanos;
use store::{Books, KeyNew, Options, Origin, Survives};
use tokio::net::TcpListener;

pub struct World {
    pub address: SocketAddr,
    pub key: String,
    gateway: Gateway,
    books: Books,
    dir: PathBuf,
}

impl World {
    pub async fn new(provider: SocketAddr, budgets: usize) -> Self {
        let dir = std::env::temp_dir().join(format!("mete-hot-path-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let (books, _) = Books::open(Options { dir: dir.clone(), survives: Survives::ProcessCrash }).unwrap();
        for spec in hierarchy().into_iter().take(budgets) {
            books.put_budget(spec, Origin::Api, "bench").await.unwrap();
        }
        let new = KeyNew { name: "bench".to_owned(), attributes: attributes(), ..KeyNew::default() };
        let key = books.create_key(new, "bench").await.unwrap().1.0;
        let settings = settings(provider);
        let limits = listener::Limits::of(&settings);
        let gateway = Gateway::new(books.clone(), Arc::new(settings), Arc::new(dialects::price_book::embedded()));
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let serving = gateway.clone();
        let service = move |request: Request<Incoming>, peer| {
            let gateway = serving.clone();
            async move { gateway.handle(request, peer).await }
        };
        tokio::spawn(listener::serve(socket, service, limits, std::future::pending()));
        Self { address, key, gateway, books, dir }
    }

    /// Sees that every call was settled at its cost, and takes the directory away.
    pub async fn end(self, calls: u32) {
        self.gateway.drain(Duration::from_secs(10)).await;
        self.books.close().await.unwrap();
        let (stats, metrics) = (self.books.stats(), self.gateway.metrics());
        let _ = std::fs::remove_dir_all(&self.dir);
        assert_eq!((stats.open_holds, metrics.unpriced, metrics.overages), (0, 0, 0), "every call is settled");
        assert_eq!(metrics.calls.values().sum::<u64>(), u64::from(calls), "every call reached the provider once");
    }
}

fn attributes() -> Attributes {
    let named = [("team", "search"), ("project", "ranking"), ("env", "production")];
    named.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Company, team, project and key: every call counts on all four.
fn hierarchy() -> Vec<BudgetSpec> {
    let budget = |name: &str, window: Window, matches: &[(&str, &str)], per: &[&str]| BudgetSpec {
        name: name.to_owned(),
        limit: Some(Nanos::from_usd("1000000").unwrap()),
        window,
        time_zone: "Europe/Berlin".to_owned(),
        week_starts_monday: true,
        matches: matches.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        per: per.iter().map(|name| (*name).to_owned()).collect(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 250,
        paused: false,
    };
    vec![
        budget("each-key", Window::Day, &[], &["key"]),
        budget("company", Window::Month, &[], &[]),
        budget("search-team", Window::Week, &[("team", "search")], &[]),
        budget("ranking", Window::Total, &[("team", "search"), ("project", "ranking")], &[]),
    ]
}

fn settings(provider: SocketAddr) -> Settings {
    let openai = ProviderSettings {
        api_key: Some(Secret::new("sk-bench-0123456789".to_owned())),
        ..ProviderSettings::plain("openai", Dialect::OpenAi, format!("http://{provider}").parse().unwrap(), "openai")
    };
    Settings {
        reach: String::new(),
        version: "0123456789abcdef".to_owned(),
        authentication: Authentication::Keyed,
        providers: vec![openai],
        floor_output_tokens: 4_096,
        clamp: true,
        wait: Duration::from_secs(20),
        unpriced: BTreeMap::new(),
        server_tool_uses: 10,
        rules: None,
        timeouts: TimeoutSettings {
            header: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            keep_alive: Duration::from_secs(60),
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(600),
            stream_idle: Duration::from_secs(300),
            total: Duration::from_secs(3_600),
            assume_grace: Duration::from_secs(600),
            drain: Duration::from_secs(10),
        },
        limits: LimitSettings { body_bytes_max: 32 << 20, answer_bytes_max: 64 << 20, bodies_bytes_max: 1 << 30, connections_max: 1_000 },
    }
}
