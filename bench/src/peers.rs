//! Who is measured: Mete in several settings, a bare proxy, nginx, HAProxy, and whatever address is named.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::process::{Family, Started};
use crate::trace::{MODEL, NANOS};

/// Users of the four-level hierarchy; with teams, projects and the organisation above them.
pub const USERS: u64 = 10_000;

/// Something that takes calls.
pub struct Peer {
    /// As the table names it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its processes; unknown for an address on another machine.
    pub family: Option<Family>,
    /// Users over whom its calls are spread.
    pub users: u64,
    _process: Option<Started>,
    dir: Option<TempDir>,
}

/// How many budgets match a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Budgets {
    /// None: the call is held and written down all the same.
    None,
    /// One for all calls.
    One,
    /// Organisation, team, project and user, [`USERS`] users.
    Four,
}

impl fmt::Display for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no budget",
            Self::One => "one budget",
            Self::Four => "four budgets of 10,111",
        })
    }
}

/// What an answered hold survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Survives {
    /// Waits for the disk.
    PowerLoss,
    /// Doesn't.
    ProcessCrash,
}

impl fmt::Display for Survives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowerLoss => "power-loss",
            Self::ProcessCrash => "process-crash",
        })
    }
}

/// How Mete is set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// How many budgets match a call.
    pub budgets: Budgets,
    /// What an answered hold survives.
    pub survives: Survives,
    /// Whether there is a price file beside the embedded book, with the trace's model.
    pub own_prices: bool,
}

impl Peer {
    /// The provider itself, without anything between.
    pub fn upstream() -> anyhow::Result<Self> {
        Self::own("direct", &["upstream"])
    }

    /// The bare proxy.
    pub fn bare(upstream: SocketAddr) -> anyhow::Result<Self> {
        Self::own("bare hyper proxy", &["bare", &upstream.to_string()])
    }

    fn own(name: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut process = Started::own(arguments)?;
        let address = process.line()?.parse()?;
        Self::running(name.to_owned(), address, process, None)
    }

    fn running(name: String, address: SocketAddr, process: Started, dir: Option<TempDir>) -> anyhow::Result<Self> {
        wait_for(address)?;
        let family = Some(Family::of(process.pid())?);
        Ok(Self { name, address, family, users: 0, _process: Some(process), dir })
    }

    /// Whatever listens at `NAME=URL`; its processor time is counted when it is a process of this machine.
    pub fn named(text: &str) -> anyhow::Result<Self> {
        let (name, url) = text.split_once('=').context("--peer takes NAME=URL")?;
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let address = address.parse().with_context(|| format!("{url} must be http://IP:PORT, without a path"))?;
        wait_for(address)?;
        Ok(Self { name: name.to_owned(), address, family: Family::listening_at(address)?, users: 0, _process: None, dir: None })
    }

    /// Mete, with its data directory below `disk`.
    pub fn mete(binary: &Path, disk: &Path, upstream: SocketAddr, setting: Setting) -> anyhow::Result<Self> {
        let Setting { budgets, survives, .. } = setting;
        let dir = TempDir::new_in(disk)?;
        let config = dir.path().join("mete.toml");
        std::fs::write(&config, mete_toml(upstream, setting))?;
        std::fs::write(dir.path().join("prices.jsonl"), prices())?;
        let address = free_address()?;
        let mut command = Command::new(binary);
        command.arg("serve").arg("--config").arg(&config).arg("--data").arg(dir.path().join("data"));
        command.args(["--listen", &address.to_string()]);
        command.stderr(std::fs::File::create(dir.path().join("log"))?);
        let process = Started::start(&mut command)?;
        let mut peer = Self::running(format!("mete, {budgets}, {survives}"), address, process, Some(dir))?;
        peer.users = if budgets == Budgets::Four { USERS } else { 0 };
        Ok(peer)
    }

    /// Mete's data directory.
    pub fn data_dir(&self) -> Option<PathBuf> {
        self.dir.as_ref().map(|dir| dir.path().join("data"))
    }

    /// nginx, installed when it is absent.
    pub fn nginx(upstream: SocketAddr) -> anyhow::Result<Self> {
        let binary = debian("nginx", "nginx-light")?;
        let (dir, address) = (TempDir::new()?, free_address()?);
        let config = dir.path().join("nginx.conf");
        std::fs::write(&config, nginx_conf(dir.path(), address, upstream))?;
        let mut command = Command::new(binary);
        command.arg("-c").arg(&config).arg("-p").arg(dir.path()).stderr(Stdio::null());
        let process = Started::start(&mut command)?;
        Self::running("nginx".to_owned(), address, process, Some(dir))
    }

    /// HAProxy, installed when it is absent.
    pub fn haproxy(upstream: SocketAddr) -> anyhow::Result<Self> {
        let binary = debian("haproxy", "haproxy")?;
        let (dir, address) = (TempDir::new()?, free_address()?);
        let config = dir.path().join("haproxy.cfg");
        std::fs::write(&config, haproxy_cfg(address, upstream))?;
        let mut command = Command::new(binary);
        command.args(["-db", "-f"]).arg(&config).stderr(Stdio::null());
        let process = Started::start(&mut command)?;
        Self::running("HAProxy".to_owned(), address, process, Some(dir))
    }
}

fn mete_toml(upstream: SocketAddr, setting: Setting) -> String {
    let levels: &[(&str, &str)] = match setting.budgets {
        Budgets::None => &[],
        Budgets::One => &[("all", "")],
        Budgets::Four => &[("organisation", ""), ("teams", "\"team\""), ("projects", "\"project\""), ("users", "\"user\"")],
    };
    let mut text = format!("[[providers]]\nname = \"openai\"\ndialect = \"openai\"\nbase_url = \"http://{upstream}\"\n");
    for (name, per) in levels {
        text.push_str(&format!("[[budgets]]\nname = \"{name}\"\nlimit_usd = \"1000000.00\"\nwindow = \"month\"\nper = [{per}]\n"));
    }
    let prices = if setting.own_prices { "[prices]\nextra = [\"prices.jsonl\"]\n" } else { "" };
    format!("{text}[ledger]\nsurvives = \"{}\"\n{prices}", setting.survives)
}

/// What the trace's model costs, in the price book's schema: dollars for a million tokens.
fn prices() -> String {
    let row = |meter: &str, nanos: u64| {
        let price = format!("{}.{:03}", nanos / 1_000, nanos % 1_000);
        format!("{{\"seller\":\"openai\",\"sku\":\"openai/{MODEL}\",\"meter\":\"{meter}\",\"price\":\"{price}\"}}\n")
    };
    row("input_tokens", NANOS.0) + &row("output_tokens", NANOS.1)
}

fn nginx_conf(dir: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let dir = dir.display();
    format!(
        "daemon off; worker_processes 2; pid {dir}/pid; error_log {dir}/error.log; user root;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 64m; client_body_buffer_size 256k;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  upstream provider {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen {address} backlog=4096;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
  }}
}}
"
    )
}

fn haproxy_cfg(address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "global
  nbthread 2
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse always
  option http-keep-alive
frontend front
  bind {address}
  default_backend provider
backend provider
  server one {upstream} pool-max-conn 512
"
    )
}

/// Where a program of Debian is, after installing it if need be.
fn debian(program: &str, package: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new("/usr/sbin").join(program);
    if !path.exists() {
        install(package)?;
    }
    if !path.exists() {
        bail!("{program} isn't here and can't be installed; leave it out with --without {program}");
    }
    Ok(path)
}

/// Installs a package of Debian; whether that worked is for the caller to see.
pub fn install(package: &str) -> anyhow::Result<()> {
    crate::talk(&format!("installing {package}"));
    for words in [&["-qq", "update"][..], &["-qq", "install", "-y", "--no-install-recommends", package]] {
        Command::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()).status()?;
    }
    Ok(())
}

/// The binary of Mete: the one that was named, or the one beside this program.
pub fn mete_binary(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name("mete"),
    };
    if !path.exists() {
        bail!("there is no {}; build it in the same profile, or name it with --mete", path.display());
    }
    Ok(path)
}

/// An address on which nobody listens.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until someone listens.
fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    until(|| TcpStream::connect(address).is_ok()).with_context(|| format!("nothing listens at {address}"))
}

/// Waits until Mete says that it is well.
pub fn wait_for_answer(address: SocketAddr) -> anyhow::Result<()> {
    until(|| is_well(address).unwrap_or(false)).with_context(|| format!("nothing answers at {address}"))
}

fn is_well(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

fn until(mut there: impl FnMut() -> bool) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while !there() {
        if Instant::now() > end {
            bail!("waited a minute");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
