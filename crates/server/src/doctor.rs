//! `mete doctor`: what is misconfigured, and how to mend it. It looks at everything and changes nothing.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::ProviderSettings;
use jiff::Timestamp;
use money::Nanos;
use pricing::{Cost, Meter, PriceBook, PriceQuery, Usage};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Environment;
use crate::access::{Api, Connect};
use crate::config::{self, Config};
use crate::prices::{Stock, age};

/// How long a provider may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Input of a typical agent's call, for which a budget should have room.
const TYPICAL_INPUT_TOKENS: u64 = 20_000;
const GIBIBYTE: u64 = 1 << 30;

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct DoctorOptions {
    /// `mete.toml`, if any.
    pub config: Option<PathBuf>,
    /// The data directory.
    pub data: PathBuf,
    /// A price file that replaces the embedded book.
    pub prices: Option<PathBuf>,
    /// Whether to try a TCP connection to each provider (bounded to 3 s each).
    pub connect: bool,
    /// Environment variables.
    pub env: Environment,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but should be looked at.
    Warning,
    /// Doesn't work, or the guarantee doesn't hold.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do; empty when all is well.
    pub remedy: String,
}

impl Finding {
    fn ok(what: impl Into<String>) -> Self {
        Self { level: Level::Ok, what: what.into(), remedy: String::new() }
    }

    fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warning, what: what.into(), remedy: remedy.into() }
    }

    fn error(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Error, what: what.into(), remedy: remedy.into() }
    }
}

/// Looks at everything and changes nothing.
pub async fn doctor(options: &DoctorOptions) -> Vec<Finding> {
    let mut findings = vec![clock(Timestamp::now())];
    directory(&options.data, &mut findings);
    let connect = Connect { data: Some(options.data.clone()), env: options.env.clone(), ..Connect::default() };
    let api = Api::running(&connect).await;
    server(api.as_ref(), &mut findings).await;
    let config = configuration(options, &mut findings);
    let book = price_book(options, config.as_ref(), &mut findings);
    let Some(config) = config else { return findings };
    listeners(&config, &mut findings);
    for provider in config.providers() {
        self::provider(provider, options, &mut findings).await;
    }
    budgets(api.as_ref(), &config, book.as_ref(), &mut findings).await;
    findings
}

fn clock(now: Timestamp) -> Finding {
    // The year in which this was written: an earlier clock is wrong, and windows would be wrong with it.
    let built: Timestamp = Timestamp::from_second(1_767_225_600).unwrap_or_default();
    if now < built {
        return Finding::error(
            format!("the clock says {now}, which is in the past"),
            "set the machine's clock; budgets with a window follow it",
        );
    }
    Finding::ok(format!("the clock says {now}"))
}

fn directory(data: &Path, findings: &mut Vec<Finding>) {
    let shown = data.display();
    let Ok(metadata) = std::fs::metadata(data) else {
        findings.push(Finding::ok(format!("data directory {shown} doesn't exist yet; the first start makes it")));
        return;
    };
    if !metadata.is_dir() {
        findings.push(Finding::error(format!("{shown} is not a directory"), "name another with --data DIR"));
        return;
    }
    findings.push(Finding::ok(format!("data directory {shown}")));
    findings.extend([data.to_owned(), data.join("mete.db"), data.join("admin.token")].iter().filter_map(|path| permissions(path)));
    findings.extend(disk(data));
    if data.join("mete.db").exists() {
        findings.push(verified(data));
    }
}

#[cfg(unix)]
fn permissions(path: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let what = format!("{} can be read by others (mode {mode:o})", path.display());
    (mode & 0o077 != 0).then(|| Finding::warning(what, format!("chmod go= '{}'", path.display())))
}

#[cfg(not(unix))]
fn permissions(_path: &Path) -> Option<Finding> {
    None
}

fn disk(data: &Path) -> Option<Finding> {
    let free = fs4::available_space(data).ok()?;
    let what = format!("{} MiB are free on the disk of the data directory", free >> 20);
    let remedy = "free some space, or move the directory; without space no call is admitted";
    Some(match free {
        free if free < GIBIBYTE / 10 => Finding::error(what, remedy),
        free if free < GIBIBYTE => Finding::warning(what, remedy),
        _ => Finding::ok(what),
    })
}

fn verified(data: &Path) -> Finding {
    match store::verify(data, false) {
        Ok(report) if report.ok => {
            Finding::ok(format!("the journal adds up: {} budgets, {} open holds", report.budgets, report.open_holds))
        }
        Ok(report) => Finding::error(
            format!("the journal doesn't add up: {}", report.violations.join("; ")),
            "`mete verify --full`, then restore a backup with `mete backup restore`",
        ),
        Err(error) => Finding::error(format!("the journal can't be read: {error}"), "restore a backup with `mete backup restore`"),
    }
}

async fn server(api: Option<&Api>, findings: &mut Vec<Finding>) {
    let Some(api) = api else {
        findings.push(Finding::ok("no server runs on this data directory"));
        return;
    };
    let address = api.base_url().unwrap_or_default();
    let stats = api.get("/stats").await.map(|answer| answer.body).unwrap_or_default();
    findings.push(Finding::ok(format!("a server runs at {address}, version {}", stats["version"].as_str().unwrap_or("?"))));
    if let Some(why) = stats["reload_error"].as_str() {
        findings.push(Finding::warning(
            format!("its last reload was rejected: {why}"),
            "mend the file; the running configuration is the one before",
        ));
    }
    if let Some(why) = stats["stopped"].as_str() {
        findings.push(Finding::error(format!("it admits nothing: {why}"), "restart it; what the disk has is read again"));
    }
    if let Some(unresolved) = stats["unresolved"].as_u64().filter(|unresolved| *unresolved > 0) {
        let what = format!("{unresolved} calls have an unknown outcome and count as held");
        findings.push(Finding::warning(what, "`mete calls list --status unresolved`, then `mete calls resolve CALL --cost USD --reason WHY`; else they are assumed spent in time"));
    }
}

fn configuration(options: &DoctorOptions, findings: &mut Vec<Finding>) -> Option<Config> {
    match config::load(options.config.as_deref(), &[], &options.env) {
        Ok(config) => {
            let from =
                options.config.as_ref().map_or("no mete.toml: the built-in configuration".to_owned(), |file| file.display().to_string());
            findings.push(Finding::ok(format!("{from}: {} providers, {} budgets", config.providers().len(), config.budgets.len())));
            Some(config)
        }
        Err(error) => {
            findings.extend(
                error
                    .to_string()
                    .lines()
                    .map(|line| Finding::error(line, "mend that line; `mete serve --print-config` shows what is in force")),
            );
            None
        }
    }
}

fn price_book(options: &DoctorOptions, config: Option<&Config>, findings: &mut Vec<Finding>) -> Option<PriceBook> {
    let files = config.map(|config| config.prices.clone()).unwrap_or_default();
    let sources = kept_sources(&options.data).unwrap_or_default();
    let loaded = Stock::load(options.prices.as_deref(), &files).map(|stock| stock.with_kept(&sources));
    let loaded = loaded.and_then(|(stock, error)| Ok((stock.book(&[])?, stock.as_of(), error)));
    let (book, as_of, error) = loaded.map_err(|why| findings.push(Finding::error(why, "mend the price file"))).ok()?;
    findings.extend(error.map(|why| Finding::error(why, "`mete prices import --file FILE` with a new file of each source")));
    let (now, count) = (Timestamp::now(), book.rows().rules.len());
    findings.push(match (age::warning(as_of, now), as_of) {
        (Some(warning), _) => Finding::warning(warning, age::REMEDY),
        (None, Some(as_of)) => Finding::ok(format!("{count} prices, the newest facts {} days old", age::days(as_of, now).max(0))),
        (None, None) => Finding::ok(format!("{count} prices without dates")),
    });
    Some(book)
}

/// What the data directory keeps of imported price lists; read beside a server that may run on it.
fn kept_sources(data: &Path) -> Option<Vec<store::PriceSource>> {
    data.join("mete.db").exists().then(|| store::Reader::open(data).ok()?.price_sources().ok())?
}

fn listeners(config: &Config, findings: &mut Vec<Finding>) {
    for addr in [Some(config.listen), config.admin_listen].into_iter().flatten() {
        if !addr.ip().is_loopback() {
            findings.push(Finding::warning(
                format!("{addr} can be reached from other machines, without TLS"),
                "put a TLS proxy in front of it, and give the admin API a loopback listener with admin_listen",
            ));
        }
    }
}

async fn provider(provider: &ProviderSettings, options: &DoctorOptions, findings: &mut Vec<Finding>) {
    let name = &provider.name;
    if provider.api_key.is_some() {
        findings.push(Finding::ok(format!("provider {name} at {}: has a key", provider.base_url)));
    } else {
        findings.push(Finding::warning(
            format!("provider {name} at {}: no key, so only a client's own credential reaches it", provider.base_url),
            format!("set the environment variable that api_key_env of `{name}` names, then restart"),
        ));
    }
    let host = provider.base_url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let is_plain = provider.base_url.scheme_str() == Some("http");
    if is_plain && !is_near {
        findings.push(Finding::warning(
            format!("provider {name} is reached without TLS, its key in the clear"),
            "write https:// in its base_url",
        ));
    }
    if options.connect {
        let port = provider.base_url.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        findings.push(reached(name, host, port).await);
    }
}

async fn reached(name: &str, host: &str, port: u16) -> Finding {
    let remedy = "check base_url, the network and any firewall";
    match tokio::time::timeout(CONNECT_MAX, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Finding::ok(format!("provider {name}: {host}:{port} accepts connections")),
        Ok(Err(why)) => Finding::error(format!("provider {name}: {host}:{port} can't be reached ({why})"), remedy),
        Err(_) => Finding::error(format!("provider {name}: {host}:{port} did not answer within 3 s"), remedy),
    }
}

async fn budgets(api: Option<&Api>, config: &Config, book: Option<&PriceBook>, findings: &mut Vec<Finding>) {
    let live = match api {
        Some(api) => api.get("/budgets").await.ok().and_then(|answer| answer.body.as_array().cloned()),
        None => None,
    };
    let limits: Vec<(String, Option<Nanos>)> = match live {
        Some(rows) => rows.iter().map(|row| (text(row, "name"), row["limit_nanos"].as_i64().map(Nanos::new))).collect(),
        None => config.budgets.iter().map(|budget| (budget.name.clone(), budget.limit)).collect(),
    };
    if limits.iter().all(|(_, limit)| limit.is_none()) {
        findings.push(Finding::warning(
            "no budget limits anything; calls are only observed",
            "`mete budgets set all --limit 100 --window month`, or [[budgets]] in mete.toml",
        ));
        return;
    }
    let typical = book.and_then(|book| typical_call(book, config));
    for (name, limit) in limits {
        let (Some(limit), Some((model, cost))) = (limit, &typical) else { continue };
        findings.push(if limit < *cost {
            Finding::warning(
                format!("budget {name}: {limit} is less than one typical call of {model} may cost ({cost})"),
                format!("`mete budgets set {name} --limit USD` with more, or a cheaper model"),
            )
        } else {
            Finding::ok(format!("budget {name}: {limit}"))
        });
    }
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap_or_default().to_owned()
}

/// What an agent's usual call costs at the dearest model of the first provider with prices.
fn typical_call(book: &PriceBook, config: &Config) -> Option<(String, Nanos)> {
    let now = Timestamp::now();
    let seller = config.providers().iter().map(|provider| &provider.seller).find(|seller| book.dearest_of(seller, now).is_some())?;
    let model = book.dearest_of(seller, now)?;
    let mut usage = Usage::default();
    usage.add(Meter::InputTokens, TYPICAL_INPUT_TOKENS);
    usage.add(Meter::OutputTokens, config.settings(false).floor_output_tokens);
    match book.cost(&PriceQuery::new(seller, &model, now), &usage) {
        Cost::Priced(priced) => Some((model, priced.total)),
        Cost::Unpriced(_) => None,
    }
}
