//! A hot row of PostgreSQL on the same disk: the conditional update that admits a call, and the one that settles it.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::unistd::{Uid, User};
use tempfile::TempDir;

use crate::process::Started;

/// How it was done, for the page.
pub const HOW: &str = "
PostgreSQL is Debian's, with its defaults (fsync on) and 256 MB of shared buffers, on the same file system, driven by pgbench with two threads. A hold is one
statement: `UPDATE budget SET held = held + $r WHERE id = 1 AND settled + held + overage + $r <= limit`, which also inserts the hold. A settlement is
one statement that ends the hold and moves the money. Each is a transaction of its own in one round trip. Of 8, 16, 32 and 64 connections the number that
is fastest in this run is taken; what is in flight beyond it would wait in a pool. Mete answers a settlement before its fsync and PostgreSQL can do so too, so both ways are
shown, and the ratio is to the faster. PostgreSQL keeps a hold as a row of four numbers; Mete also writes the call's record.
";

/// Whether PostgreSQL waits for the disk when it settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// Yes.
    Durable,
    /// No.
    Lazily,
}

const TABLES: &str = "
CREATE TABLE budget (id int PRIMARY KEY, lim bigint NOT NULL, settled bigint NOT NULL, held bigint NOT NULL, overage bigint NOT NULL)
  WITH (fillfactor = 10);
CREATE TABLE hold (id bigserial PRIMARY KEY, budget int NOT NULL, amount bigint NOT NULL, cost bigint) WITH (fillfactor = 50);
INSERT INTO budget VALUES (1, 9000000000000000000, 0, 0, 0);
";
const HOLD: &str = "WITH b AS (UPDATE budget SET held = held + 40000000 WHERE id = 1 AND settled + held + overage + 40000000 <= lim RETURNING id) \
    INSERT INTO hold (budget, amount) SELECT id, 40000000 FROM b RETURNING id \\gset\n";
const SETTLE: &str = "WITH h AS (UPDATE hold SET cost = 12345678 WHERE id = :id AND cost IS NULL RETURNING budget, amount) \
    UPDATE budget SET held = held - h.amount, settled = settled + 12345678 FROM h WHERE budget.id = h.budget";
/// Numbers of connections that are tried.
const CONNECTIONS: [u64; 4] = [8, 16, 32, 64];

/// A cluster of its own in a temporary directory; it ends when this is dropped.
pub struct Postgres {
    bin: PathBuf,
    dir: TempDir,
    port: u16,
    user: Option<User>,
    connections: u64,
    _server: Started,
}

impl Postgres {
    /// Installs it if need be, makes a cluster and starts it.
    pub fn start(disk: &Path) -> anyhow::Result<Self> {
        let bin = installed()?;
        let dir = TempDir::new_in(disk)?;
        let user = unprivileged()?;
        if let Some(user) = &user {
            chown(dir.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        let data = dir.path().join("cluster");
        let as_user = |program: &str| command(&bin, program, user.as_ref(), dir.path());
        done(as_user("initdb").args(["--username=bench", "--auth=trust", "--no-sync", "-D"]).arg(&data).stdout(Stdio::null()))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = as_user("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-c", "max_connections=120", "-k"]).arg(dir.path());
        server.args(["-c", "fsync=on", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"]).stderr(Stdio::null());
        let server = Started::start(&mut server)?;
        let mut postgres = Self { port, user: user.clone(), connections: 1, _server: server, bin: bin.clone(), dir };
        postgres.wait()?;
        done(postgres.command("psql").args(["-q", "-c", TABLES]))?;
        postgres.connections = postgres.fastest()?;
        Ok(postgres)
    }

    /// How many connections give the most pairs.
    fn fastest(&mut self) -> anyhow::Result<u64> {
        let mut best = (0.0, 1);
        for connections in CONNECTIONS {
            self.connections = connections;
            let rate = self.pairs_a_second(connections, Settles::Lazily, 2_000)?;
            crate::talk(&format!("PostgreSQL with {connections} connections: {rate:.0} pairs a second"));
            if rate > best.0 {
                best = (rate, connections);
            }
        }
        Ok(best.1)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command(&self.bin, program, self.user.as_ref(), self.dir.path());
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string()).env("PGUSER", "bench").env("PGDATABASE", "postgres");
        command
    }

    fn wait(&self) -> anyhow::Result<()> {
        for _ in 0..300 {
            if self.command("pg_isready").stdout(Stdio::null()).status()?.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("PostgreSQL does not answer")
    }

    /// Pairs of hold and settlement a second.
    pub fn pairs_a_second(&self, in_flight: u64, settles: Settles, millis: u64) -> anyhow::Result<f64> {
        let script = self.dir.path().join("pair.sql");
        let (settle, mode) = match settles {
            Settles::Durable => (format!("{SETTLE};\n"), "prepared"),
            Settles::Lazily => (format!("BEGIN\\; SET LOCAL synchronous_commit TO off\\; {SETTLE}\\; COMMIT;\n"), "simple"),
        };
        std::fs::write(&script, format!("{HOLD}{settle}"))?;
        done(self.command("psql").args(["-q", "-c", "TRUNCATE hold", "-c", "VACUUM budget"]))?;
        let connections = in_flight.min(self.connections).to_string();
        let seconds = millis.div_ceil(1_000).max(2).to_string();
        let mut bench = self.command("pgbench");
        bench.args(["-n", "-j", "2", "-c", &connections, "-T", &seconds, "-M", mode, "-f"]).arg(&script);
        let output = bench.output().context("run pgbench")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench gave no rate: {said}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn command(bin: &Path, program: &str, user: Option<&User>, dir: &Path) -> Command {
    let mut command = Command::new(bin.join(program));
    command.current_dir(dir);
    if let Some(user) = user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("run {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{} failed: {status}", command.get_program().display());
    }
    Ok(())
}

/// PostgreSQL refuses to run as root.
fn unprivileged() -> anyhow::Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(user));
        }
    }
    bail!("there is no user `postgres` or `nobody` to run PostgreSQL as; leave it out with --without-postgres")
}

/// The folder of its programs.
fn installed() -> anyhow::Result<PathBuf> {
    if let Some(bin) = newest() {
        return Ok(bin);
    }
    crate::peers::install("postgresql")?;
    newest().context("PostgreSQL isn't here and can't be installed; leave it out with --without-postgres")
}

fn newest() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|bin| bin.join("postgres").exists() && bin.join("pgbench").exists());
    found.sort();
    found.pop()
}
