//! `docs/bad-input.md`: every row of the bad-input matrix with the cases that try it, or why nothing does. Written by
//! `METE_WRITE_DOCS=1`, compared otherwise, so that a row can't lose its cases unseen.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::cases;
use crate::routes::{self, Role};

const ROWS: u32 = 70;

/// What each row is about, and what shows it beside the table of cases: a test by its place, or why there is nothing to try.
const BESIDE: &[(u32, &str, &str)] = &[
    (1, "no key, wrong key, empty bearer, key in the query", ""),
    (2, "hostile credentials", ""),
    (3, "two credentials in one request", ""),
    (4, "credentials that share a beginning", "keys are found by the hash of the whole secret (`crates/store`)"),
    (5, "fabricated tokens", ""),
    (6, "password hashes", "not there: Mete has no passwords; keys and tokens are stored as SHA-256 of 256 random bits and never answered"),
    (7, "hosts, forwarded headers, absolute addresses", "the walk over every route"),
    (8, "low roles at the admin API", "the walk over every route"),
    (9, "raising one's own limit by a side field", ""),
    (10, "other people's ids", "there is one tenant and one admin role today; what isn't there is 404"),
    (11, "mass assignment", ""),
    (12, "the client names the upstream", ""),
    (13, "the same by another route", "the walk over every route"),
    (14, "the client's own provider key", ""),
    (
        15,
        "targets set through the API",
        "not there: no route of the admin API takes an address; the walk's table below lists them all. A backup's place is a new file on the server's machine",
    ),
    (16, "redirects", ""),
    (
        17,
        "changing an upstream's address under a stored key",
        "not there: addresses and keys come from the config file and the environment only",
    ),
    (18, "addresses in the body", "Mete fetches nothing"),
    (19, "`HTTP_PROXY` of the host", "no test: the client that asks providers reads no proxy from the environment"),
    (20, "unknown models", ""),
    (21, "prices that can't be", "`crates/dialects/tests/price_file.rs`"),
    (22, "prices and usage that the client sends", ""),
    (23, "multiplied outputs", ""),
    (24, "output ceilings", ""),
    (25, "contradictory ceilings", ""),
    (26, "duplicate keys", "`crates/dialects/src/json/tests.rs`, and the fuzz target of requests"),
    (27, "look-alikes and parser differentials", "`crates/dialects/tests/bad_requests.rs`"),
    (28, "unknown fields", ""),
    (29, "service tiers", "`cargo xtask witness` draws every tier"),
    (30, "server tools", "`crates/dialects/tests/case_book`"),
    (31, "hidden input", ""),
    (32, "work without a bound", "`docs/endpoints.md` names all that is refused"),
    (33, "images of unknown size", "`crates/dialects/tests/bounds.rs`"),
    (
        34,
        "a prompt beyond every context",
        "the bound is by bytes or vocabulary and holds; whether it fits the window is the provider's answer",
    ),
    (35, "labels without end", "`crates/ledger/src/budget.rs`: values beyond a budget's million accounts share one, `_other`"),
    (36, "spoofed labels", ""),
    (37, "many calls at the last dollar", "`crates/cli/tests/burst.rs`, `crates/gateway/tests/burst.rs`"),
    (38, "a key that goes while its call is under way", "`crates/server/tests/api/lifecycle.rs`"),
    (39, "amounts and definitions", "`crates/server/tests/api/budgets.rs`; a limit of 0 admits nothing (`crates/ledger/tests/edges.rs`)"),
    (40, "overflow", "`crates/ledger/tests/edges.rs`, `crates/money/tests/amounts.rs`"),
    (41, "routes outside the table", "the walk over every route"),
    (42, "free routes", ""),
    (43, "admin credentials for inference", "the walk over every route"),
    (
        44,
        "request smuggling",
        "two forms stay that RFC 9112 allows: bare line feeds as line ends (section 2.2), and length beside chunks, read as chunks with the connection closed behind it (section 6.3). What is forwarded is always built anew",
    ),
    (45, "floods over HTTP/2", "each case is a flood of frames written by hand, `crates/cli/tests/hostile/floods.rs`"),
    (46, "slow clients", "`crates/gateway/tests/hostile.rs`, and a thousand at a time in `crates/cli/tests/memory.rs`"),
    (
        47,
        "connections without end",
        "`crates/gateway/tests/hostile.rs` for all, `crates/gateway/src/listener.rs` for one address, `crates/cli/tests/memory.rs` for ten thousand that are idle",
    ),
    (48, "compressed bodies", ""),
    (49, "hostile answers of the provider", "the lane of the evil provider"),
    (50, "JSON bombs", ""),
    (51, "forms", "`crates/dialects/src/multipart/tests.rs`"),
    (52, "hostile streams", "the lane of the evil provider"),
    (53, "control characters", ""),
    (54, "markup in names", "names are text in JSON; the page that would show them lands with the dashboard. Mete prints no CSV yet"),
    (55, "requests from other origins", "the admin API refuses every `Origin` (row S7); cookies and frames land with the dashboard"),
    (56, "a key after its revocation", "`crates/cli/tests/hostile/canary.rs`: the next call is refused"),
    (
        57,
        "brute force",
        "256 random bits, found by their hash, tokens compared in constant time; no back-off by address, which a proxy in front would turn on everybody behind it",
    ),
    (
        58,
        "errors that tell",
        "`crates/cli/tests/hostile/canary.rs`; a panic answers 500 and logs its place only (`crates/server/src/serve.rs`)",
    ),
    (59, "what isn't forwarded", "`crates/cli/tests/hostile/canary.rs` reads the headers that the provider got"),
    (60, "SQL of analysts", "not there: there is no query language yet"),
    (61, "filters and searches", "filters are exact matches with bound parameters; there is no search yet"),
    (62, "names as paths", "files are named by Mete; names stand inside them"),
    (63, "webhooks", "not there: Mete sends none"),
    (64, "MCP", "not there yet"),
    (65, "text that a terminal would obey", "`crates/cli/src/output.rs`"),
    (
        66,
        "code in the config",
        "TOML without templates (`crates/server/src/config/tests.rs`); conditions can't loop, fail or recurse (`crates/rules/tests/expressions.rs`)",
    ),
    (67, "prompts at rest", "no body is ever stored: `crates/cli/tests/hostile/canary.rs`"),
    (68, "supply chain", "no test: the lock file is committed, the build needs no network of its own, no action of others runs in CI"),
    (
        69,
        "keys in memory",
        "provider keys come from the environment and are never written or answered: `crates/cli/tests/hostile/canary.rs`",
    ),
    (70, "tampering with the journal", "`mete verify`, `crates/store/src/verify`"),
];

const HEAD: &str = "# Bad input

Every row of the bad-input matrix, with what tries it. The cases stand in `tests/hostile/cases.toml`; `crates/cli/tests/hostile`
sends each to the live binary and looks that there is one clear answer with a stable code, that the effect on money is the
one stated (nothing spent, held or over, unless a case says what), that no secret is in the answer, and that the next caller
is served. This page is written by `METE_WRITE_DOCS=1 cargo test -p cli --test hostile`.

";

fn rows() -> String {
    let mut counts: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let table = cases::table();
    for id in table.case.into_iter().map(|case| case.id).chain(table.flood.into_iter().map(|flood| flood.id)) {
        let digits: String = id[1..].chars().take_while(char::is_ascii_digit).collect();
        counts.entry(digits.parse().unwrap()).or_default().push(id);
    }
    let mut text = String::from("## Rows\n\n| row | about | cases | beside them |\n|---|---|---|---|\n");
    for (row, about, beside) in BESIDE {
        let count = counts.get(row).map_or(0, Vec::len);
        assert!(count > 0 || !beside.is_empty(), "row S{row} has neither a case nor a reason");
        let shown = if count == 0 { "–".to_owned() } else { count.to_string() };
        writeln!(text, "| S{row} | {about} | {shown} | {beside} |").unwrap();
    }
    let all: usize = counts.values().map(Vec::len).sum();
    writeln!(text, "\n{all} requests in all.").unwrap();
    text
}

fn table() -> String {
    let mut text = String::from(
        "\n## Routes\n\nNothing else is served. The walk asks each with every credential, with the methods that it doesn't take, and in some ninety
spellings.\n\n| method | path | who | budgets | largest body |\n|---|---|---|---|---|\n",
    );
    for route in routes::all() {
        let who = match route.role {
            Role::Anyone if route.pattern == "/metrics" => "this machine; from elsewhere an admin token",
            Role::Anyone => "anyone",
            Role::Caller => "a virtual key or a run; passing through, anyone",
            Role::Admin => "an admin token",
        };
        writeln!(text, "| {} | `{}` | {who} | {} | {} |", route.method, route.pattern, route.budget, route.body_max).unwrap();
    }
    text
}

#[test]
fn the_page_of_rows_is_what_is_tried() {
    assert_eq!(BESIDE.iter().map(|(row, ..)| *row).collect::<Vec<_>>(), (1..=ROWS).collect::<Vec<_>>(), "every row once");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for named in BESIDE.iter().flat_map(|(_, _, beside)| beside.split('`')).filter(|part| part.starts_with("crates/")) {
        assert!(root.join(named).exists(), "`{named}` isn't there");
    }
    let page = root.join("docs/bad-input.md");
    let text = HEAD.to_owned() + &rows() + &table();
    if std::env::var_os("METE_WRITE_DOCS").is_some() {
        std::fs::write(&page, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(committed == text, "docs/bad-input.md is stale; run `METE_WRITE_DOCS=1 cargo test -p cli --test hostile rows`");
}
