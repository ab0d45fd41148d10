//! A walk over every route: each with every credential, each method that it doesn't take, and each path in odd spellings.
//! Nobody is served who may not be, and nothing is served that isn't in the table.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::effort;
use crate::raw::{self, Answer};
use crate::routes::{self, Role, Route};
use crate::target::Target;

const METHODS: [&str; 10] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"];

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    WrongKey,
    Caller,
    Run,
    Admin,
}

const EVERYBODY: [Who; 5] = [Who::Nobody, Who::WrongKey, Who::Caller, Who::Run, Who::Admin];

impl Who {
    fn line(self, target: &Target, run: &str) -> String {
        match self {
            Self::Nobody => String::new(),
            Self::WrongKey => "authorization: Bearer mk_0000000000000000000000000000000000000000000\r\n".to_owned(),
            Self::Caller => target.filled("authorization: Bearer {key}\r\n"),
            Self::Run => format!("authorization: Bearer {run}\r\n"),
            Self::Admin => target.filled("authorization: Bearer {admin}\r\n"),
        }
    }

    fn may(self, role: Role) -> bool {
        match role {
            Role::Anyone => true,
            Role::Caller => matches!(self, Self::Caller | Self::Run),
            Role::Admin => self == Self::Admin,
        }
    }
}

/// A server to walk, with a run that goes on.
struct Walk {
    target: Target,
    run: String,
}

impl Walk {
    fn start() -> Self {
        let target = Target::start("keyed");
        let made = target.admin("POST", "/runs", r#"{"name":"walk"}"#).json();
        let run = made["token"].as_str().unwrap().to_owned();
        Self { target, run }
    }

    fn ask(&self, method: &str, path: &str, who: Who, route: &Route) -> Answer {
        let typed = if route.content_type.is_empty() { String::new() } else { format!("content-type: {}\r\n", route.content_type) };
        let lines = who.line(&self.target, &self.run) + &typed;
        raw::request(&self.target.mete.address, method, path, &lines, route.body.as_bytes())
    }
}

/// One question of the walk: a request, and whether a 2xx to it is as it should be.
struct Question<'a> {
    route: &'a Route,
    method: &'a str,
    path: String,
    who: Who,
    may_be_served: bool,
}

/// Spellings that name the same route to anybody: what stands behind `?` or `#` isn't path.
fn same(path: &str) -> Vec<String> {
    ["?", "?x=y", "?/../x", "?a=b&a=c;d", "#x"].iter().map(|end| format!("{path}{end}")).collect()
}

/// Spellings that some server somewhere takes for the same path. None of them is a route.
fn odd(path: &str, host: &str, known: &BTreeSet<&str>) -> Vec<String> {
    let last = path.rfind('/').unwrap_or(0) + 1;
    let (before, after) = path.split_at(last);
    let hex = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let first = after.get(..1).unwrap_or_default();
    let flipped = |text: &str| {
        let flip = |letter: char| if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        text.chars().map(flip).collect::<String>()
    };
    let mut all: Vec<String> = [
        "/", "//", "/.", "/..", ";x=y", ";", "%00", "%20", "%09", "%0a", "%0d%0a", "\\", ".", "..", ".json", "%3f", "%23", "~", "*", "/*",
        "/x", "%2f", "%5c", ",", "+", ":",
    ]
    .iter()
    .map(|end| format!("{path}{end}"))
    .collect();
    all.extend(
        [
            "/",
            "/.",
            "/./.",
            "/x/..",
            "/%2e",
            "/%2e%2e",
            "/..",
            "/..;",
            "/;",
            "/%2f",
            "/\\",
            "/%5c",
            "/api/v1/..",
            "/api",
            "/v1/..",
            "/v1/api",
            "/healthz/..",
            "/healthz/%2e%2e",
            "/metrics/..",
            "/run",
            "/run/x",
            "/run/rt_0/openai",
            "/proxy",
            "/%00",
            "/openai",
            "/*",
        ]
        .iter()
        .map(|start| format!("{start}{path}")),
    );
    all.extend([
        path.replace('/', "//"),
        path.replace('/', "%2f"),
        path.replace('/', "%2F"),
        path.replace('/', "%252f"),
        path.replace('/', "\\"),
        path.replace('/', "/./"),
        path.replace('/', "/%c0%af"),
        path.replace('/', "／"),
        format!("{before}{}", flipped(after)),
        flipped(path),
        format!("{before}{}{}", hex(first), after.get(1..).unwrap_or_default()),
        format!("{before}{}", hex(after)),
        format!("{before}./{after}"),
        format!("{before}../{after}"),
        format!("{before}x/../{after}"),
        format!("{before}x/%2e%2e/{after}"),
        format!("{before}%00{after}"),
        format!("{before} {after}"),
        format!("{before}\t{after}"),
        format!("{before}\u{200b}{after}"),
        path.trim_start_matches('/').to_owned(),
        format!("?{path}"),
        format!("/?{path}"),
        format!("http://{host}{path}"),
        format!("http://evil.example{path}"),
        format!("https://{host}{path}"),
        format!("//evil.example{path}"),
        format!("http://{host}@evil.example{path}"),
        format!("*{path}"),
    ]);
    // `/` + `messages` and the like are rows of their own.
    all.retain(|spelling| !known.contains(spelling.split(['?', '#']).next().unwrap_or_default()));
    all.sort();
    all.dedup();
    all
}

fn questions<'a>(all: &'a [Route], host: &str) -> Vec<Question<'a>> {
    let mut questions = Vec::new();
    let paths: BTreeSet<&str> = all.iter().map(|route| route.path.as_str()).collect();
    for route in all {
        for who in EVERYBODY {
            let mut add = |method, path: String, may_be_served| questions.push(Question { route, method, path, who, may_be_served });
            add(route.method.as_str(), route.path.clone(), who.may(route.role));
            for path in same(&route.path) {
                add(route.method.as_str(), path, who.may(route.role));
            }
            for method in METHODS {
                let known = all.iter().find(|other| other.path == route.path && other.method == method);
                // The admin API answers HEAD as GET without the body, to those who may GET.
                let as_get = all
                    .iter()
                    .find(|other| other.path == route.path && method == "HEAD" && other.method == "GET" && other.role != Role::Caller);
                if known.is_none() {
                    add(method, route.path.clone(), as_get.is_some_and(|other| who.may(other.role)));
                }
            }
            if [Who::Nobody, Who::Caller, Who::Admin].contains(&who) {
                for path in odd(&route.path, host, &paths) {
                    // A name with something behind it is another name, and every run has the probe.
                    let is_name = (route.pattern.ends_with('}') || path.ends_with("/models/x")) && who.may(route.role);
                    let is_probe = route.path == "/" && path.starts_with("/run/");
                    add(route.method.as_str(), path, is_name || is_probe);
                }
            }
        }
    }
    questions
}

#[test]
fn nobody_is_served_who_may_not_be_and_nothing_outside_the_table() {
    let walk = Walk::start();
    let all = routes::all();
    let questions = questions(&all, &walk.target.mete.address);
    // The taste takes every 23rd question, from another one each day that the number of questions changes.
    let step = if effort::is_whole() || effort::only().is_some() { 1 } else { 23 };
    let before = walk.target.sums();
    let (next, wrong, asked) = (AtomicUsize::new(0), Mutex::new(Vec::new()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(question) = questions.get(next.fetch_add(step, Ordering::Relaxed)) {
                    // Who may be served is asked below, one at a time.
                    if question.may_be_served {
                        continue;
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                    let answer = walk.ask(question.method, &question.path, question.who, question.route);
                    if (200..400).contains(&answer.status) || answer.status >= 500 || answer.answers() > 1 {
                        let Question { method, path, who, .. } = question;
                        wrong.lock().unwrap().push(format!("{method} {path} as {who:?}: {}", answer.shown()));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} unexpected answers:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(walk.target.sums(), before, "something was forwarded, spent or made");
    assert!(walk.target.mete.json(&["verify"])["ok"] == true);
    effort::proof(
        "a walk over every route",
        &[
            ("routes", all.len()),
            ("credentials", EVERYBODY.len()),
            ("spellings of a path", odd("/v1/chat/completions", "h", &BTreeSet::new()).len() + same("/").len() + 1),
            ("requests that nobody may be served", asked.into_inner()),
            ("unexpected answers of success", wrong.len()),
        ],
        &[],
    );
}

#[test]
fn every_route_serves_whom_it_is_for() {
    let walk = Walk::start();
    for route in routes::all() {
        let who = [Who::Nobody, Who::Caller, Who::Admin].into_iter().find(|who| who.may(route.role)).unwrap();
        let answer = walk.ask(&route.method, &route.path, who, &route);
        let is_right = match route.role {
            // One model of an older endpoint has no price in the book, and is refused for that and nothing else.
            Role::Anyone | Role::Caller => answer.status == 200 || answer.code().as_deref() == Some("unpriced"),
            // Nothing is called `nobody`, and not every body does something; but nobody asks who it is.
            Role::Admin => ![0, 401, 403, 405, 500].contains(&answer.status),
        };
        assert!(is_right, "{} {}: {}", route.method, route.path, answer.shown());
        // Some questions of the admin API read the whole price book, so that one spelling must do there.
        let spellings = if route.role == Role::Admin { 1 } else { usize::MAX };
        for spelling in same(&route.path).into_iter().take(spellings) {
            let again = walk.ask(&route.method, &spelling, who, &route);
            assert!(
                !again.text.contains("no such route") && again.code().as_deref() != Some("unknown_route"),
                "{} {spelling}: {}",
                route.method,
                again.shown()
            );
        }
    }
    assert!(walk.target.sums().seen > 20, "the data plane forwards");
}

#[test]
fn a_body_beyond_its_route_s_limit_is_refused() {
    let walk = Walk::start();
    for route in routes::all().iter().filter(|route| !route.body.is_empty()) {
        let (who, bytes) = match (route.role, route.body_max) {
            (Role::Caller, _) => (Who::Caller, 33 << 20),
            (_, "64 MiB") => (Who::Admin, 65 << 20),
            _ => (Who::Admin, (4 << 20) + 1),
        };
        // Only in whole runs: some thirty bodies of 33 MiB.
        if bytes > 5 << 20 && !effort::is_whole() && route.pattern != "/v1/messages" {
            continue;
        }
        let large = Route { body: " ".repeat(bytes), ..route.clone() };
        let answer = walk.ask(&route.method, &route.path, who, &large);
        let told = answer.status == 413 && answer.code().as_deref() == Some("too_large");
        // A client that is still sending may find the connection closed before it reads the answer.
        assert!(told || answer.status == 0, "{} {}: {}", route.method, route.path, answer.shown());
    }
    assert!(walk.target.serves());
}
