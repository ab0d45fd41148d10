//! `cargo xtask bench pricing`: what pricing takes, beside things that every gateway does, measured in the same run.
//!
//! Figures of one machine mean little elsewhere; the ratios are what counts. Every figure is the best of many short batches, so
//! that a busy machine, which takes the processor away every few milliseconds, doesn't blur it.

mod bodies;
mod callgrind;
mod round_trip;
mod speed;

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use dialects::{Hints, Operation, Vocabulary, parse_request_with, read_response, route};
use pricing::{Attrs, Meter, PriceBook, PriceQuery, Usage};
use sha2::{Digest as _, Sha256};

use bodies::Body;

const BATCH: Duration = Duration::from_micros(500);
/// Batches of one figure: as many as fit into this time, within limits.
const FIGURE: Duration = Duration::from_millis(200);
const BATCHES: (u32, u32) = (12, 300);

/// `cargo xtask bench pricing [--docs FILE]`, `bench callgrind [--write]`, and those of [`speed`].
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let docs = match arguments {
        ["callgrind", rest @ ..] => return callgrind::run(rest),
        ["all" | "gateway" | "store" | "trace" | "page", ..] => return speed::run(arguments),
        ["pricing"] => None,
        ["pricing", "--docs", file] => Some(*file),
        _ => bail!("bench all|gateway|store|trace|page|pricing|callgrind"),
    };
    if cfg!(debug_assertions) {
        return optimised(arguments);
    }
    let text = measure()?;
    crate::say(&text);
    if let Some(file) = docs {
        splice(file, &text)?;
    }
    Ok(())
}

/// The same command in the profile for long runs: optimised, with overflow checks; what is shipped is faster.
fn optimised(arguments: &[&str]) -> anyhow::Result<()> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--profile", "proof", "--package", "xtask", "--", "bench"]).args(arguments);
    match cargo.current_dir(crate::check::root()).status()?.success() {
        true => Ok(()),
        false => bail!("the benchmark failed"),
    }
}

/// Puts the figures between the marks of a page.
fn splice(file: &str, text: &str) -> anyhow::Result<()> {
    const MARKS: [&str; 2] = ["<!-- cargo xtask bench pricing -->\n", "<!-- end -->\n"];
    let page = std::fs::read_to_string(file).with_context(|| format!("read {file}"))?;
    let (before, rest) = page.split_once(MARKS[0]).with_context(|| format!("{file} has no {}", MARKS[0].trim()))?;
    let (_, after) = rest.split_once(MARKS[1]).with_context(|| format!("{file} has no {}", MARKS[1].trim()))?;
    std::fs::write(file, format!("{before}{}{text}{}{after}", MARKS[0], MARKS[1])).with_context(|| format!("write {file}"))
}

/// Nanoseconds of one run, the best of many batches.
fn nanos<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut batch = |times: u32| {
        let start = Instant::now();
        (0..times).for_each(|_| _ = black_box(work()));
        start.elapsed()
    };
    let mut times = 1_u32;
    while batch(times) < BATCH && times < 1 << 24 {
        times *= 2;
    }
    let lasts = (0..4).map(|_| batch(times)).min().unwrap_or(BATCH).max(Duration::from_nanos(1));
    let batches = u32::try_from(FIGURE.as_nanos() / lasts.as_nanos()).unwrap_or(BATCHES.1).clamp(BATCHES.0, BATCHES.1);
    let best = (0..batches).map(|_| batch(times)).min().unwrap_or(lasts).min(lasts);
    best.as_secs_f64() * 1e9 / f64::from(times)
}

fn measure() -> anyhow::Result<String> {
    let book = dialects::price_book::embedded();
    let trip = round_trip::nanos_of_one()?;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "One HTTP round trip over loopback (2 KiB, keep-alive, no TLS) took {:.1} µs in this run; it is 1 below.\n",
        trip / 1e3
    );
    calls(&book, trip, &mut text)?;
    requests(trip, &mut text)?;
    loads(&mut text);
    Ok(text)
}

/// Costs and bounds of single calls.
fn calls(book: &PriceBook, trip: f64, text: &mut String) -> anyhow::Result<()> {
    let _ = writeln!(text, "| one call, prices only | a second on one core | of a round trip |\n|---|---:|---:|");
    let at = "2026-11-23T12:00:00Z".parse().context("a time")?;
    let azure = PriceQuery::new("azure", "gpt-5.5", at).in_region("eastus").with("deployment", "data_zone");
    let queries = [
        ("flat (mistral)", PriceQuery::new("mistral", "mistral-large-latest", at)),
        ("bands and tiers (openai)", PriceQuery::new("openai", "gpt-5.5-2026-04-23", at)),
        ("region and deployment (azure)", azure),
    ];
    for (name, query) in &queries {
        let usage = usage();
        row(text, &format!("cost, four meters, {name}"), nanos(|| book.cost(query, &usage)), trip);
        let request = request_of(&bodies::chat(2 << 10), &query.model)?;
        row(text, &format!("bound, {name}"), nanos(|| book.bound(query, &request.ask)), trip);
        row(
            text,
            &format!("price_for one meter, {name}"),
            nanos(|| book.price_for(query, &Meter::InputTokens, &Attrs::new(), 1_000).map(|found| found.rate)),
            trip,
        );
    }
    let answer = bodies::ANSWER.as_bytes();
    row(text, "usage read from a whole chat answer", nanos(|| read_response(Operation::Chat, answer)), trip);
    text.push('\n');
    Ok(())
}

fn row(text: &mut String, what: &str, nanos: f64, trip: f64) {
    let _ = writeln!(text, "| {what} | {:.0} | {:.4} |", 1e9 / nanos, nanos / trip);
}

fn usage() -> Usage {
    let mut usage = Usage::default();
    usage.add(Meter::InputTokens, 2_000);
    usage.add(Meter::CacheReadTokens, 90_000);
    usage.add(Meter::OutputTokens, 1_000);
    usage.add_with(Meter::ToolCall, Attrs::from([("tool".to_owned(), "web_search".to_owned())]), 1);
    usage
}

fn request_of(body: &Body, model: &str) -> anyhow::Result<dialects::Request> {
    let route = route("POST", body.path, false, false).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut request = parse_request_with(&route, &body.bytes, Hints::default()).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    model.clone_into(&mut request.model);
    Ok(request)
}

/// The first stage of the bound by size, beside what else is done with the same bytes.
fn requests(trip: f64, text: &mut String) -> anyhow::Result<()> {
    let _ = writeln!(
        text,
        "| request body | stage 1, ns a KiB | of `serde_json` to a `Value` | of one SHA-256 | of one copy | of a round trip | exact stage ÷ stage 1 |\n|---|---:|---:|---:|---:|---:|---:|"
    );
    for body in [bodies::chat(2 << 10), bodies::agent(64 << 10), bodies::chat(1 << 20), bodies::agent(1 << 20)] {
        let route = route("POST", body.path, body.path == "/v1/messages", false).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let bytes = &body.bytes;
        let stage = nanos(|| parse_request_with(&route, bytes, Hints::default()).map(|request| request.ask));
        let parsed = nanos(|| serde_json::from_slice::<serde_json::Value>(bytes));
        let hashed = nanos(|| Sha256::digest(bytes));
        let copied = nanos(|| bytes.clone());
        let request = parse_request_with(&route, bytes, Hints::default()).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let exact = match Vocabulary::of("openai/gpt-5.5").filter(|_| route.operation == Operation::Chat) {
            Some(vocabulary) => format!("{:.0}", nanos(|| request.ask_by_vocabulary(&route, bytes, "gpt-5.5", vocabulary)) / stage),
            None => "–".to_owned(),
        };
        let kibibytes = bytes.len() as f64 / 1024.0;
        let _ = writeln!(
            text,
            "| {}, {kibibytes:.0} KiB | {:.0} | {:.2} | {:.2} | {:.1} | {:.3} | {exact} |",
            body.name,
            stage / kibibytes,
            stage / parsed,
            stage / hashed,
            stage / copied,
            stage / trip
        );
    }
    text.push('\n');
    Ok(())
}

/// What the embedded book takes, which is read seller by seller.
fn loads(text: &mut String) {
    let book = dialects::price_book::embedded();
    let named = timed(|| _ = black_box(book.version()));
    let one = timed(|| _ = black_box(book.sku(&pricing::PriceQuery::new("openai", "gpt-5.5", jiff::Timestamp::UNIX_EPOCH))));
    let all = timed(|| _ = black_box(dialects::price_book::embedded().rows()));
    let rules = book.rows().rules.len();
    let _ = writeln!(
        text,
        "The embedded book has {rules} rules. A seller's are read and checked when they are first asked for: OpenAI's in {one:.0?}. All of \
         them, which imports and prices of one's own need, take {all:.0?}; the version's hash takes {named:.0?}, once."
    );
}

/// How long something takes once.
fn timed(work: impl FnOnce()) -> std::time::Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
