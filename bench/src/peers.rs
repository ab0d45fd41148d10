//! Who is measured: Mete in several settings, a bare proxy, nginx, HAProxy, and whatever address is named.

use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::process::{Family, Started};

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
    _dir: Option<TempDir>,
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
        Ok(Self { name, address, family, users: 0, _process: Some(process), _dir: dir })
    }

    /// Whatever listens at `NAME=URL`; its processor time is counted when it is a process of this machine.
    pub fn named(text: &str) -> anyhow::Result<Self> {
        let (name, url) = text.split_once('=').context("--peer takes NAME=URL")?;
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let address = address.parse().with_context(|| format!("{url} must be http://IP:PORT, without a path"))?;
        wait_for(address)?;
        Ok(Self { name: name.to_owned(), address, family: Family::listening_at(address)?, users: 0, _process: None, _dir: None })
    }

    /// Mete, with its data directory below `disk`.
    pub fn mete(binary: &Path, disk: &Path, upstream: SocketAddr, budgets: Budgets, survives: Survives) -> anyhow::Result<Self> {
        let dir = TempDir::new_in(disk)?;
        let config = dir.path().join("mete.toml");
        std::fs::write(&config, mete_toml(upstream, budgets, survives))?;
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

fn mete_toml(upstream: SocketAddr, budgets: Budgets, survives: Survives) -> String {
    let levels: &[(&str, &str)] = match budgets {
        Budgets::None => &[],
        Budgets::One => &[("all", "")],
        Budgets::Four => &[("organisation", ""), ("teams", "\"team\""), ("projects", "\"project\""), ("users", "\"user\"")],
    };
    let mut text = format!("[[providers]]\nname = \"openai\"\ndialect = \"openai\"\nbase_url = \"http://{upstream}\"\n");
    for (name, per) in levels {
        text.push_str(&format!("[[budgets]]\nname = \"{name}\"\nlimit_usd = \"1000000.00\"\nwindow = \"month\"\nper = [{per}]\n"));
    }
    format!("{text}[ledger]\nsurvives = \"{survives}\"\n")
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
    if path.exists() {
        return Ok(path);
    }
    crate::talk(&format!("installing {package}"));
    let _ = Command::new("apt-get").args(["-qq", "update"]).stdout(Stdio::null()).status();
    let status = Command::new("apt-get")
        .args(["-qq", "install", "-y", "--no-install-recommends", package])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) || !path.exists() {
        bail!("{program} isn't here and can't be installed; leave it out with --without {program}");
    }
    Ok(path)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() {
        if Instant::now() > until {
            bail!("nothing listens at {address}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
