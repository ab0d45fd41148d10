//! What Mete wrote down, read as anyone would: through its admin API.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Sums over the settled calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Calls that are settled.
    pub calls: u64,
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// What the calls cost, by their records.
    pub cost_nanos: u64,
    /// What is spent, by the first budget without parts.
    pub spent_nanos: u64,
}

const PAGE: usize = 5_000;

/// Waits until nothing is held, then adds up all calls.
pub fn sums(mete: SocketAddr, data: &Path, calls: u64) -> anyhow::Result<Sums> {
    let token = std::fs::read_to_string(data.join("admin.token")).context("read the admin token")?;
    let token = token.trim();
    let mut sums = Sums { spent_nanos: quiet(mete, token)?, ..Sums::default() };
    let mut before = String::new();
    loop {
        let page = get(mete, &format!("/api/v1/calls?limit={PAGE}{before}"), Some(token))?;
        let page: Vec<Value> = serde_json::from_str(&page).context("a page of calls")?;
        for call in page.iter().filter(|call| call["status"] == "settled") {
            sums.calls += 1;
            sums.input += call["usage"]["input_tokens"].as_u64().unwrap_or(0);
            sums.output += call["usage"]["output_tokens"].as_u64().unwrap_or(0);
            sums.cost_nanos += call["cost_nanos"].as_u64().unwrap_or(0);
        }
        match page.last().and_then(|call| call["call_id"].as_str()) {
            Some(last) if page.len() == PAGE => before = format!("&before={last}"),
            _ => break,
        }
        if sums.calls > calls * 2 {
            bail!("the list of calls does not end");
        }
    }
    Ok(sums)
}

/// What is spent once nothing is held any more.
fn quiet(mete: SocketAddr, token: &str) -> anyhow::Result<u64> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let budgets: Vec<Value> = serde_json::from_str(&get(mete, "/api/v1/budgets?name=organisation", Some(token))?)?;
        let budget = budgets.first().context("the organisation's budget")?;
        if budget["held_nanos"] == 0 {
            return budget["spent_nanos"].as_u64().context("what is spent");
        }
        if Instant::now() > until {
            bail!("{} nano-dollars are still held after half a minute", budget["held_nanos"]);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One request without ceremony; the answer's body.
pub fn get(address: SocketAddr, path: &str, token: Option<&str>) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let token = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n{token}connection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
    if head.split(' ').nth(1) != Some("200") {
        bail!("{path} was answered {}", head.lines().next().unwrap_or_default());
    }
    Ok(body.to_owned())
}
