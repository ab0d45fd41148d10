//! The process that is killed or cut off: this same test binary, started again to do what the environment says.

#![allow(clippy::disallowed_methods, reason = "a test bounds its own waits")]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use store::{Books, HoldAnswer, Options, Survives, hold_text};

use crate::support::*;

const DIR: &str = "METE_STORE_CHILD_DIR";
const PART: &str = "METE_STORE_CHILD_PART";

/// Not a test of its own: the child of the tests below.
#[test]
fn child() {
    let (Ok(dir), Ok(part)) = (std::env::var(DIR), std::env::var(PART)) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let survives = if part == "process-crash" { Survives::ProcessCrash } else { Survives::PowerLoss };
    let dir = std::path::PathBuf::from(dir);
    if part == "restore" {
        store::restore(&dir.with_file_name("backup.db"), &dir).unwrap();
        say("restored");
    }
    let open = || Books::open(Options { dir: dir.clone(), survives }).unwrap().0;
    let books = open();
    runtime.block_on(async {
        match part.as_str() {
            "load" => load(&books).await,
            "stubborn" => stubborn(&books).await,
            "checkpoint" => checkpoint(&books, &dir).await,
            "backup" => back_up(&books, &dir.join("out.db")).await,
            "cycles" => {
                pairs(&books, 2).await;
                pairs(&open(), 2).await;
                pairs(&open(), 2).await;
            }
            _ => pairs(&books, CALLS).await,
        }
    });
}

/// One write, so that a line is there whole or not at all.
fn say(line: &str) {
    std::io::stdout().lock().write_all(format!("\n@{line}\n").as_bytes()).unwrap();
}

/// Twelve callers who hold and settle for ever, saying what they were told.
async fn load(books: &Books) {
    put(books, budget("all", "1000000", &[])).await;
    let callers: Vec<_> = (0..12).map(|_| tokio::spawn(call_for_ever(books.clone()))).collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

async fn call_for_ever(books: Books) {
    loop {
        let request = request("1", &[]);
        let hold = request.ask.id;
        if let Ok(HoldAnswer::Granted(_)) = books.hold(request).await {
            say(&format!("held {}", hold_text(hold)));
            books.finish(end(hold, settled("0.25"))).await.unwrap();
            say(&format!("settled {}", hold_text(hold)));
        }
    }
}

/// A few calls one after the other, saying before and after each step; then the end.
async fn pairs(books: &Books, count: usize) {
    if limit(books).await && some(books, count).await {
        end_it(books).await;
    }
}

async fn limit(books: &Books) -> bool {
    let is_put = books.put_budget(budget("all", "1000", &[]), store::Origin::Api, "child").await.is_ok();
    say(if is_put { "limited" } else { "unavailable" });
    is_put
}

/// Enough commits for a checkpoint when nobody asks any more, the checkpoint, and calls after it.
async fn checkpoint(books: &Books, dir: &Path) {
    limit(books).await;
    some(books, 30).await;
    checkpointed(&dir.join("mete.db")).await;
    some(books, 3).await;
    end_it(books).await;
}

/// Waits until the file itself was written, which only a checkpoint does; not for ever, since the disk may be one that errs.
async fn checkpointed(file: &Path) {
    let written = || std::fs::metadata(file).and_then(|meta| meta.modified()).unwrap();
    let (before, deadline) = (written(), std::time::Instant::now() + std::time::Duration::from_secs(5));
    while written() == before && std::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn back_up(books: &Books, file: &Path) {
    limit(books).await;
    some(books, 1).await;
    books.backup(file).unwrap();
    say("backed up");
    some(books, 1).await;
    end_it(books).await;
}

async fn some(books: &Books, count: usize) -> bool {
    for _ in 0..count {
        let request = request("1", &[]);
        let hold = request.ask.id;
        say("asks hold");
        match books.hold(request).await {
            Ok(_) => say(&format!("held {}", hold_text(hold))),
            Err(_) => return unavailable(),
        }
        say("asks settle");
        if books.finish(end(hold, settled("0.25"))).await.is_err() {
            return unavailable();
        }
        say(&format!("settled {}", hold_text(hold)));
    }
    true
}

fn unavailable() -> bool {
    say("unavailable");
    false
}

async fn end_it(books: &Books) {
    while books.stats().unsynced {
        books.tick().await.unwrap();
    }
    say("synced");
    say(if books.close().await.is_ok() { "closed" } else { "unavailable" });
}

/// Calls one after the other, each step again and again for a while: what a gateway does when the disk errs.
async fn stubborn(books: &Books) {
    let is_there = |put: &Result<(), _>| put.is_ok();
    if again(books, is_there, || books.put_budget(budget("all", "1000", &[]), store::Origin::Api, "child")).await.is_none() {
        return;
    }
    for _ in 0..CALLS {
        let Some(Ok(HoldAnswer::Granted(grant))) = again(books, Result::is_ok, || books.hold(request("1", &[]))).await else { return };
        say(&format!("held {}", hold_text(grant.hold)));
        if again(books, Result::is_ok, || books.finish(end(grant.hold, settled("0.25")))).await.is_none() {
            return;
        }
        say(&format!("settled {}", hold_text(grant.hold)));
    }
    drop(books.close().await);
    say("ends well");
}

/// Tries until it works, the writer has stopped, or half a second is over.
async fn again<T, F: Future<Output = T>>(books: &Books, works: impl Fn(&T) -> bool, step: impl Fn() -> F) -> Option<T> {
    let started = std::time::Instant::now();
    while started.elapsed() < std::time::Duration::from_millis(500) {
        let value = step().await;
        if works(&value) {
            return Some(value);
        }
        if books.stats().stopped.is_some() {
            let after = books.hold(request("1", &[])).await;
            say(if after.is_err() { "stopped now" } else { "admitted after a stop" });
            return None;
        }
    }
    say("gives up");
    None
}

/// Calls that a child makes one after the other.
pub const CALLS: usize = 12;

pub fn command(program: &str, dir: &Path, part: &str) -> Command {
    let mut command = Command::new(program);
    command.env(DIR, dir).env(PART, part).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Runs only the child.
pub const ARGUMENTS: [&str; 4] = ["child::child", "--exact", "--nocapture", "--test-threads=1"];

pub fn this() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

/// strace with these arguments around the child; `None` where there is no strace, or it may not trace.
pub fn traced(dir: &Path, part: &str, arguments: &[&str]) -> Option<Command> {
    let allowed = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine has no strace that may trace a child");
        return None;
    }
    let mut command = command("strace", dir, part);
    command.arg("-f").args(arguments).arg(this()).args(ARGUMENTS);
    Some(command)
}
