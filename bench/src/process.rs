//! Processes that are measured: their address, processor time and memory; ended by their number.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use procfs::process::{FDTarget, Process, all_processes};

/// A process that this one started; it ends when this is dropped.
pub struct Started {
    child: Child,
    input: Option<ChildStdin>,
    lines: Box<dyn Iterator<Item = std::io::Result<String>> + Send>,
}

impl Started {
    /// Starts it; its standard output is read line by line.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        let out = child.stdout.take().context("a pipe from the process")?;
        Ok(Self { input: child.stdin.take(), lines: Box::new(BufReader::new(out).lines()), child })
    }

    /// One of this program's own parts.
    pub fn own(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).args(arguments))
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> anyhow::Result<String> {
        match self.lines.next() {
            Some(line) => Ok(line?),
            None => bail!("the process ended early: {}", self.child.wait()?),
        }
    }

    /// Writes a line to it.
    pub fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("a pipe to the process")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(-1)
    }

    /// Ends it without a goodbye.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits.
    pub fn end(&mut self) {
        let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
        for _ in 0..500 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.end();
    }
}

/// A process and those that it started, such as nginx's workers.
#[derive(Clone, Debug)]
pub struct Family(Vec<i32>);

impl Family {
    /// This process alone.
    pub fn own() -> Self {
        Self(vec![Pid::this().as_raw()])
    }

    /// The process and its children as they are now.
    pub fn of(pid: i32) -> anyhow::Result<Self> {
        let mut pids = vec![pid];
        for process in all_processes()?.flatten() {
            if process.stat().is_ok_and(|stat| stat.ppid == pid) {
                pids.push(process.pid);
            }
        }
        Ok(Self(pids))
    }

    /// The local process that listens at an address, if it is one.
    pub fn listening_at(address: SocketAddr) -> anyhow::Result<Option<Self>> {
        let mut inodes = procfs::net::tcp()?.into_iter().chain(procfs::net::tcp6().unwrap_or_default());
        let at =
            |entry: &procfs::net::TcpNetEntry| entry.state == procfs::net::TcpState::Listen && entry.local_address.port() == address.port();
        let Some(inode) = inodes.find(at).map(|entry| entry.inode) else { return Ok(None) };
        let mut owners: Vec<i32> = all_processes()?.flatten().filter(|process| owns(process, inode)).map(|process| process.pid).collect();
        owners.sort_unstable();
        owners.first().map(|pid| Self::of(*pid)).transpose()
    }

    /// User and system time so far, to the nanosecond, threads that ended included.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let mut sum = Duration::ZERO;
        for pid in &self.0 {
            let clock = clock_getcpuclockid(Pid::from_raw(*pid)).with_context(|| format!("the clock of process {pid}"))?;
            sum += Duration::from(clock_gettime(clock)?);
        }
        Ok(sum)
    }

    /// Memory that it occupies now, in bytes.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for pid in &self.0 {
            sum += Process::new(*pid)?.status()?.vmrss.unwrap_or(0) * 1024;
        }
        Ok(sum)
    }
}

/// This process' own user and system time so far.
pub fn own_cpu() -> anyhow::Result<Duration> {
    Family::own().cpu()
}

fn owns(process: &Process, inode: u64) -> bool {
    let Ok(open) = process.fd() else { return false };
    open.flatten().any(|open| matches!(open.target, FDTarget::Socket(socket) if socket == inode))
}
