//! `cargo xtask prove`: every lane of the proof, one after the other or `--jobs` at a time, and one table of what they counted.
//!
//! A lane is a test that prints lines beginning with `proof ` and a JSON object (`lane`, `title`, `counts`, `violations`,
//! `figures`, `sometimes`). The environment tells it how long to look: `METE_PROOF` is `short` or `long`, `METE_SEED` repeats
//! one history. `docs/reliability.md` is written from what the long run printed.

mod kept;
mod lanes;
mod page;
mod planted;
mod tally;

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::say;
use lanes::{LANES, Lane};
use tally::Tally;

/// How much of what a lane said is shown when it fails.
const LAST_LINES: usize = 80;

/// Runs what the words ask for.
pub fn run(words: &[&str]) -> anyhow::Result<()> {
    if let ["--planted", rest @ ..] = words {
        return planted::run(rest.first().copied());
    }
    if words == ["--page"] {
        return page::write(&kept::all()?);
    }
    let asked = Asked::read(words)?;
    let programs = asked.build()?;
    let begun = Instant::now();
    let mut told = asked.run_all(&programs)?;
    told.sort_by_key(|told| told.place);
    let mut tally = Tally::default();
    for told in &told {
        told.lines.iter().try_for_each(|line| tally.read(line, told.lane.name))?;
    }
    let mut failed: Vec<&str> = told.iter().filter(|told| !told.passed).map(|told| told.lane.name).collect();
    print(&tally.table());
    for word in tally.never() {
        failed.push("sometimes");
        say(&format!("prove: never seen: {word}"));
    }
    let took = length(begun.elapsed());
    print(&format!(
        "{} passed, {} failed (lanes of the proof, {took}, {} violations)",
        asked.lanes.len() - failed.len().min(asked.lanes.len()),
        failed.len(),
        tally.violations()
    ));
    if !failed.is_empty() {
        bail!("{} failed; each printed above the command that repeats it", failed.join(", "));
    }
    if asked.is_long && asked.seed.is_none() {
        page::write(&kept::all()?)?;
    }
    Ok(())
}

/// What the command line asks for.
struct Asked {
    is_long: bool,
    lanes: Vec<&'static Lane>,
    seed: Option<String>,
    /// Lanes at a time.
    jobs: usize,
}

/// What a lane said.
struct Told {
    /// Where it stands among those that were asked for.
    place: usize,
    lane: &'static Lane,
    passed: bool,
    lines: Vec<String>,
}

/// A lane's test program and the folder that it runs in.
struct Program {
    test: String,
    package: PathBuf,
    path: PathBuf,
}

impl Asked {
    fn read(words: &[&str]) -> anyhow::Result<Self> {
        let mut asked = Self { is_long: false, lanes: Vec::new(), seed: None, jobs: 1 };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match *word {
                "--long" => asked.is_long = true,
                "--lane" => {
                    let name = value()?;
                    let found = LANES.iter().filter(|lane| lane.name == *name || lane.name.split('-').next() == Some(name));
                    asked.lanes.extend(found);
                    if asked.lanes.is_empty() {
                        bail!("there is no lane `{name}`; there are {}", LANES.iter().map(|lane| lane.name).collect::<Vec<_>>().join(", "));
                    }
                }
                "--seed" => asked.seed = Some((*value()?).to_owned()),
                "--jobs" => asked.jobs = value()?.parse().context("--jobs takes a number of lanes at a time")?,
                other => bail!("prove doesn't know `{other}`; it takes --long, --lane NAME, --seed N, --jobs N"),
            }
        }
        if asked.lanes.is_empty() {
            asked.lanes = LANES.iter().collect();
        }
        Ok(asked)
    }

    /// Builds all test programs once. The short run takes those of `cargo test --workspace`, so that CI builds them once.
    fn build(&self) -> anyhow::Result<Vec<Program>> {
        say("prove: building");
        let mut command = Command::new(env!("CARGO"));
        command.args(["test", "--no-run", "--message-format=json-render-diagnostics", "--quiet"]).current_dir(crate::check::root());
        if self.is_long {
            command.args(["--profile", "proof"]);
            self.lanes.iter().for_each(|lane| _ = command.args(["-p", lane.package]));
            // Tests of whole programs start these.
            command.args(["-p", "cli", "-p", "simulator"]);
        } else {
            command.arg("--workspace");
        }
        let output = command.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            bail!("the tests don't build");
        }
        Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(program).collect())
    }

    /// Runs the lanes, so many at a time as were asked for.
    fn run_all(&self, programs: &[Program]) -> anyhow::Result<Vec<Told>> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut told = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(lane) = self.lanes.get(place) else { return Ok(told) };
                let started = Instant::now();
                let (passed, lines) = self.run(lane, programs)?;
                say(&format!("prove: {:<22} {} after {}", lane.name, if passed { "held" } else { "FAILED" }, length(started.elapsed())));
                if passed && self.is_long && self.seed.is_none() {
                    kept::keep(lane.name, started.elapsed(), &lines)?;
                }
                told.push(Told { place, lane, passed, lines });
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.jobs.max(1)).map(|_| scope.spawn(work)).collect();
            let ended = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_panic| bail!("a worker panicked")));
            ended.collect::<anyhow::Result<Vec<_>>>().map(|told| told.into_iter().flatten().collect())
        })
    }

    /// Runs one lane: whether it held, and what it counted.
    fn run(&self, lane: &Lane, programs: &[Program]) -> anyhow::Result<(bool, Vec<String>)> {
        let is_it = |program: &&Program| program.test == lane.test && program.package.ends_with(lane.folder);
        let program = programs.iter().find(is_it).with_context(|| format!("no test program `{}` in {}", lane.test, lane.folder))?;
        say(&format!("prove: {} …", lane.name));
        let mut command = Command::new(&program.path);
        command.args(lane.filter).args(["--nocapture", "--test-threads", "1"]);
        command.current_dir(&program.package).env("CARGO_MANIFEST_DIR", &program.package);
        command.env("METE_PROOF", if self.is_long { "long" } else { "short" });
        if let Some(seed) = &self.seed {
            command.env("METE_SEED", seed);
        }
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let (mut last, mut counted) = (VecDeque::new(), Vec::new());
        if let Some(out) = child.stdout.take() {
            for line in BufReader::new(out).split(b'\n') {
                let line = String::from_utf8_lossy(&line?).into_owned();
                if line.contains("proof {") {
                    counted.push(line.clone());
                }
                last.push_back(line);
                if last.len() > LAST_LINES {
                    last.pop_front();
                }
            }
        }
        let passed = child.wait()?.success();
        if !passed {
            last.iter().for_each(|line| say(line));
        }
        Ok((passed, counted))
    }
}

/// A line of cargo's: a test program that was built.
fn program(line: &str) -> Option<Program> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let path = message["executable"].as_str()?;
    message["profile"]["test"].as_bool().filter(|test| *test)?;
    let package = Path::new(message["manifest_path"].as_str()?).parent()?;
    Some(Program { test: message["target"]["name"].as_str()?.to_owned(), package: package.to_owned(), path: PathBuf::from(path) })
}

fn length(took: Duration) -> String {
    format!("{} min {:02} s", took.as_secs() / 60, took.as_secs() % 60)
}

/// What was counted is data: it goes to stdout.
pub fn print(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}
