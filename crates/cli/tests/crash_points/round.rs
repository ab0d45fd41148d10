//! One round: a gateway under strace that is killed, or whose disk errs, at one system call; and the start after it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::script::{self, Heard};
use crate::support::{Fake, command, config};

/// What happens to the chosen call of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The process is killed before it.
    Kill,
    /// It fails once.
    Once(&'static str),
    /// It and each later one fails, for so many calls.
    For(&'static str, u32),
    /// It and all later ones fail.
    Forever(&'static str),
}

/// A kind of round; with a number it is a case.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// System calls, as strace names them.
    pub calls: &'static str,
    pub deed: Deed,
    pub survives: &'static str,
    /// On an empty directory, instead of one that has been served from.
    pub is_new: bool,
}

/// What a data directory looks like before a round, and where its provider is.
pub struct Stand {
    pub fake: Fake,
    used: TempDir,
}

/// What a round left behind.
pub struct Played {
    pub dir: TempDir,
    pub heard: Vec<Heard>,
    /// Whether strace came to the chosen call.
    pub is_hit: bool,
    /// How the process ended, and whether it did so without being asked.
    pub ended: Option<ExitStatus>,
    pub ended_alone: bool,
    /// It was serving when the script began.
    pub served: bool,
    /// A call failed before the process was asked to end.
    pub hit_while_serving: bool,
    /// After an error that went away, a call was answered again.
    pub healed: bool,
    pub said: String,
}

const MORE: &str = r#"
[ledger]
survives = "{survives}"

[[budgets]]
name = "everything"
limit_usd = "1000.00"

[[budgets]]
name = "teams"
limit_usd = "0.000001"
match = { team = "poor" }

[timeouts]
drain_ms = 1000
"#;

/// The number of the call that asks whether an error has gone away; it may be made several times.
pub const PROBE: u64 = 15;
/// How long anything may take that should take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn temp() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A running gateway; killed when dropped.
pub struct Server {
    child: Child,
    lines: Receiver<String>,
    pub said: Vec<String>,
    pub address: Option<String>,
    pub took: Duration,
    ended: Option<ExitStatus>,
}

impl Server {
    /// Starts on a directory that has its config in it, and waits until it is ready or has ended.
    pub fn start(dir: &Path, tracer: &[String]) -> Self {
        let mut mete = command(dir);
        mete.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(dir.join("mete.toml"));
        let mut start = match tracer.split_first() {
            None => mete,
            Some((program, arguments)) => {
                let mut traced = std::process::Command::new(program);
                traced.args(arguments).arg(mete.get_program()).args(mete.get_args()).env_clear();
                traced.envs(mete.get_envs().filter_map(|(name, value)| Some((name, value?))));
                traced
            }
        };
        // One worker, so that the numbers of its calls mean the same each time.
        start.env("TOKIO_WORKER_THREADS", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = start.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || BufReader::new(stderr).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let mut server = Self { child, lines, said: Vec::new(), address: None, took: Duration::ZERO, ended: None };
        server.hear(PATIENCE, |line| line == "ready");
        server.took = begun.elapsed();
        let address = server.said.iter().find_map(|line| line.strip_prefix("mete listens on http://").map(str::to_owned));
        server.address = address.filter(|_| server.said.iter().any(|line| line == "ready"));
        server
    }

    /// Reads what it says until a line, its end, or the end of patience. Tells whether it has ended.
    fn hear(&mut self, patience: Duration, until: impl Fn(&str) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let is_last = until(&line);
                    self.said.push(line);
                    if is_last {
                        return false;
                    }
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                    self.ended = self.child.wait().ok();
                    return true;
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.ended = self.ended.or_else(|| self.child.try_wait().unwrap());
        self.ended.is_some()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.hear(PATIENCE, |_| false);
        }
        self.ended
    }

    /// The gateway's own process, under strace or not.
    pub fn pid(&self) -> Option<Pid> {
        let own = i32::try_from(self.child.id()).ok()?;
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let traced = children.split(' ').next().and_then(|pid| pid.parse().ok());
        Pid::from_raw(traced.unwrap_or(own))
    }

    pub fn signal(&mut self, signal: Signal) {
        if !self.has_ended()
            && let Some(pid) = self.pid()
        {
            let _ = kill_process(pid, signal);
        }
    }

    pub fn token(&self, dir: &Path) -> String {
        std::fs::read_to_string(dir.join("admin.token")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Stand {
    /// A provider, and a directory that has been served from.
    pub fn new() -> Self {
        let stand = Self { fake: Fake::start(), used: temp() };
        stand.configure(stand.used.path(), "power-loss");
        let mut server = Server::start(stand.used.path(), &[]);
        let address = server.address.clone().unwrap_or_else(|| panic!("{}", server.said.join("\n")));
        assert_baseline(&script::session(&address, 1000));
        server.signal(Signal::TERM);
        assert!(server.wait().is_some_and(|status| status.success()), "{}", server.said.join("\n"));
        stand
    }

    fn configure(&self, dir: &Path, survives: &str) {
        let config = config(MORE).replace("{upstream}", &self.fake.provider.base_url()).replace("{survives}", survives);
        std::fs::write(dir.join("mete.toml"), config).unwrap();
    }

    fn lay_out(&self, kind: &Kind) -> TempDir {
        let dir = temp();
        if !kind.is_new {
            for entry in std::fs::read_dir(self.used.path()).unwrap().map(Result::unwrap) {
                // The reserve is only room; the next start makes it again.
                if entry.file_type().unwrap().is_file() && entry.file_name() != "mete.reserve" {
                    std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
                }
            }
        }
        self.configure(dir.path(), kind.survives);
        dir
    }

    /// Plays one case. `base` makes the calls' names.
    pub fn play(&self, kind: &Kind, when: u32, base: u64) -> Played {
        let dir = self.lay_out(kind);
        let place = temp();
        let log = place.path().join("trace");
        let mut server = Server::start(dir.path(), &tracer(kind, when, &log));
        let address = server.address.clone();
        let heard = address.as_deref().map(|address| script::session(address, base)).unwrap_or_default();
        let is_hit = || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("INJECTED"));
        let hit_while_serving = kind.deed != Deed::Kill && is_hit();
        let alive = address.as_deref().filter(|_| hit_while_serving);
        let healed = alive.is_some_and(|address| heals(&mut server, address, kind.deed, base));
        let ended_alone = server.has_ended();
        if address.is_some() || is_hit() {
            server.signal(Signal::TERM);
        }
        let ended = server.wait();
        Played {
            is_hit: is_hit() || kind.deed == Deed::Kill && !ended.is_some_and(|status| status.success()),
            served: address.is_some(),
            hit_while_serving,
            dir,
            heard,
            ended,
            ended_alone,
            healed,
            said: server.said.join("\n"),
        }
    }

    /// Starts again without strace.
    pub fn restart(&self, dir: &Path) -> Server {
        Server::start(dir, &[])
    }
}

/// Whether a call is answered again after an error that goes away, before patience ends. A process that ends has not healed.
fn heals(server: &mut Server, address: &str, deed: Deed, base: u64) -> bool {
    let patience = if matches!(deed, Deed::Forever(_)) { Duration::from_secs(1) } else { PATIENCE };
    let deadline = Instant::now() + patience;
    while !server.has_ended() && Instant::now() < deadline {
        if script::call(address, 1, base + PROBE, "").status == Some(200) {
            return true;
        }
        server.hear(Duration::from_millis(50), |_| false);
    }
    false
}

fn tracer(kind: &Kind, when: u32, log: &Path) -> Vec<String> {
    let what = match kind.deed {
        Deed::Kill => format!("signal=KILL:when={when}"),
        Deed::Once(error) => format!("error={error}:when={when}"),
        Deed::For(error, more) => format!("error={error}:when={when}..{}", when + more),
        Deed::Forever(error) => format!("error={error}:when={when}+"),
    };
    // With --seccomp-bpf, or with a delay besides, strace 6.1 injects no signal.
    let words = ["strace", "-f", "-qq", "-s", "0", "-e", &format!("trace={}", kind.calls), "-e"];
    let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    words.extend([format!("inject={}:{what}", kind.calls), "-o".to_owned(), log.to_str().unwrap().to_owned()]);
    words
}

/// Without faults each call of the session ends as it was written to end.
fn assert_baseline(heard: &[Heard]) {
    for call in heard {
        let expected = match call.number {
            script::ERROR => (Some(500), false),
            script::REPEAT_OF_KEY => (Some(409), false),
            script::REFUSED => (Some(402), false),
            script::UNANSWERED => (Some(504), false),
            script::LEAVES | 10 => (Some(200), false),
            _ => (Some(200), true),
        };
        assert_eq!((call.status, call.cost.is_some_and(|cost| cost > 0)), expected, "{call:?}");
    }
}

/// The JSON of a command on a directory.
pub fn json(dir: &Path, arguments: &[&str]) -> Result<Value, String> {
    let output = command(dir).args(arguments).args(["--format", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
}
