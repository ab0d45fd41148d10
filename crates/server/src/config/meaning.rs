//! What the file means: addresses, settings of the gateway, budgets. Every fault is found, not only the first.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::{Authentication, LimitSettings, ProviderSettings, Settings, TimeoutSettings, UnpricedPolicy};
use ledger::BudgetSpec;
use store::Survives;

use super::attribution;
use super::budgets::{self, Definition};
use super::providers;
use super::typed::{AuthenticationWord, LogFormat, SurvivesWord, Typed, UnpricedWord};
use crate::Environment;

/// Faults found so far: key and problem.
pub(crate) type Faults = Vec<(String, String)>;

/// A validated config. Nothing was opened to make it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the admin API listens, when apart.
    pub admin_listen: Option<SocketAddr>,
    /// Names by which the admin API may be reached.
    pub hosts: Vec<String>,
    /// What a hold survives.
    pub survives: Survives,
    /// The config's budgets.
    pub budgets: Vec<BudgetSpec>,
    /// Price files, absolute or relative to the working directory.
    pub prices: Vec<PathBuf>,
    /// Files of look-up tables, absolute or relative to the working directory.
    pub lookups: Vec<PathBuf>,
    /// The log's filter.
    pub log_level: String,
    /// The log's form.
    pub log_format: LogFormat,
    /// What a person should know at start.
    pub notices: Vec<String>,
    /// Who may call, before it is known whether there are keys.
    pub(crate) authentication: AuthenticationWord,
    /// Names this version of the config; with rules, behind a `+`, the version of the rules and of what their tables have.
    pub(crate) version: String,
    settings: Settings,
    /// Every effective value and its source.
    pub(crate) effective: Vec<super::Effective>,
}

impl Config {
    /// The gateway's settings, given whether any virtual key exists.
    #[must_use]
    pub fn settings(&self, has_keys: bool) -> Settings {
        let passthrough = match self.authentication {
            AuthenticationWord::Auto => self.listen.ip().is_loopback() && !has_keys,
            AuthenticationWord::Keyed => false,
            AuthenticationWord::Passthrough => true,
        };
        let authentication = if passthrough { Authentication::Passthrough } else { Authentication::Keyed };
        Settings { authentication, ..self.settings.clone() }
    }

    /// The providers.
    #[must_use]
    pub fn providers(&self) -> &[ProviderSettings] {
        &self.settings.providers
    }
}

/// Judges what was typed. `base` is the directory that relative paths start from.
pub(crate) fn mean(typed: &Typed, base: &Path, version: String, env: &Environment) -> Result<Config, Faults> {
    let mut faults = Faults::new();
    let listen = address("server.listen", &typed.server.listen, &mut faults);
    let admin_listen =
        Some(&typed.server.admin_listen).filter(|text| !text.is_empty()).and_then(|text| address("server.admin_listen", text, &mut faults));
    check_passthrough(typed, listen, &mut faults);
    check_log(typed, &mut faults);
    let mut notices = Vec::new();
    let providers = providers::mean(&typed.providers, env, &mut faults, &mut notices);
    let (budgets, unpriced) = mean_budgets(typed, &mut faults);
    let rules = attribution::mean(typed, base, &mut faults);
    let version = rules.as_ref().map_or(version.clone(), |rules| format!("{version}+{}", rules.version()));
    let settings = Settings { rules, ..settings(typed, version.clone(), providers, unpriced, &mut faults) };
    let (Some(listen), true) = (listen, faults.is_empty()) else { return Err(faults) };
    Ok(Config {
        listen,
        admin_listen,
        hosts: typed.server.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
        survives: match typed.ledger.survives {
            SurvivesWord::PowerLoss => Survives::PowerLoss,
            SurvivesWord::ProcessCrash => Survives::ProcessCrash,
        },
        budgets,
        prices: typed.prices.extra.iter().map(|file| base.join(file)).collect(),
        lookups: typed.lookups.iter().map(|section| base.join(&section.file)).collect(),
        log_level: typed.log.level.clone(),
        log_format: typed.log.format,
        notices,
        authentication: typed.server.authentication,
        version,
        settings,
        effective: Vec::new(),
    })
}

fn address(key: &str, text: &str, faults: &mut Faults) -> Option<SocketAddr> {
    let found = text.parse().ok().or_else(|| localhost(text));
    if found.is_none() {
        faults.push((
            key.to_owned(),
            format!("`{text}` is not an address; write an IP address and a port, such as \"127.0.0.1:4141\" or \"0.0.0.0:4141\""),
        ));
    }
    found
}

/// `localhost:PORT`, the one name that needs no resolver to be trusted.
fn localhost(text: &str) -> Option<SocketAddr> {
    text.strip_prefix("localhost:")?;
    text.to_socket_addrs().ok()?.find(SocketAddr::is_ipv4)
}

fn check_passthrough(typed: &Typed, listen: Option<SocketAddr>, faults: &mut Faults) {
    let open = listen.is_some_and(|listen| !listen.ip().is_loopback());
    if open && typed.server.authentication == AuthenticationWord::Passthrough {
        let problem = "`passthrough` on an address that others can reach would let anyone call; write \"keyed\", or listen on 127.0.0.1";
        faults.push(("server.authentication".to_owned(), problem.to_owned()));
    }
}

fn check_log(typed: &Typed, faults: &mut Faults) {
    if let Err(why) = typed.log.level.parse::<tracing_subscriber::EnvFilter>() {
        faults.push(("log.level".to_owned(), format!("{why}; write error, warn, info, debug or trace")));
    }
}

fn mean_budgets(typed: &Typed, faults: &mut Faults) -> (Vec<BudgetSpec>, BTreeMap<String, UnpricedPolicy>) {
    let mut specs: Vec<BudgetSpec> = Vec::new();
    let mut unpriced = BTreeMap::new();
    for (index, section) in typed.budgets.iter().enumerate() {
        let at = |key: &str| format!("budgets[{index}].{key}");
        if specs.iter().any(|spec| spec.name == section.name) {
            faults.push((at("name"), format!("`{}` is defined twice; give each budget a name of its own", section.name)));
        }
        match budgets::mean(&section.name, &Definition::from(section)) {
            Ok(spec) => specs.push(spec),
            Err((key, problem)) => faults.push((at(key), problem)),
        }
        unpriced.insert(section.name.clone(), policy(section.unpriced));
    }
    (specs, unpriced)
}

const fn policy(word: UnpricedWord) -> UnpricedPolicy {
    match word {
        UnpricedWord::Refuse => UnpricedPolicy::Refuse,
        UnpricedWord::Dearest => UnpricedPolicy::Dearest,
        UnpricedWord::Allow => UnpricedPolicy::Allow,
    }
}

fn settings(
    typed: &Typed,
    version: String,
    providers: Vec<ProviderSettings>,
    unpriced: BTreeMap<String, UnpricedPolicy>,
    faults: &mut Faults,
) -> Settings {
    let ledger = &typed.ledger;
    Settings {
        version,
        reach: String::new(),
        authentication: Authentication::Keyed,
        providers,
        floor_output_tokens: within("ledger.floor_output_tokens", ledger.floor_output_tokens, 1, 10_000_000, faults),
        clamp: ledger.clamp,
        wait: Duration::from_millis(within("ledger.wait_ms", ledger.wait_ms, 0, 600_000, faults)),
        unpriced,
        rules: None,
        server_tool_uses: within("ledger.server_tool_uses", ledger.server_tool_uses, 0, 10_000, faults),
        timeouts: timeouts(typed, faults),
        limits: limits(typed, faults),
    }
}

fn timeouts(typed: &Typed, faults: &mut Faults) -> TimeoutSettings {
    let section = &typed.timeouts;
    let day = 86_400_000;
    let mut time = |key: &str, value: u64| Duration::from_millis(within(&format!("timeouts.{key}"), value, 1, day, faults));
    TimeoutSettings {
        header: time("header_ms", section.header_ms),
        body_idle: time("body_idle_ms", section.body_idle_ms),
        keep_alive: time("keep_alive_ms", section.keep_alive_ms),
        connect: time("connect_ms", section.connect_ms),
        first_byte: time("first_byte_ms", section.first_byte_ms),
        stream_idle: time("stream_idle_ms", section.stream_idle_ms),
        total: time("total_ms", section.total_ms),
        assume_grace: time("assume_grace_ms", section.assume_grace_ms),
        drain: time("drain_ms", section.drain_ms),
    }
}

fn limits(typed: &Typed, faults: &mut Faults) -> LimitSettings {
    let section = &typed.limits;
    let gibibyte = 1 << 30;
    let mut size =
        |key: &str, value: u64, most: u64| usize::try_from(within(&format!("limits.{key}"), value, 1, most, faults)).unwrap_or(usize::MAX);
    LimitSettings {
        body_bytes_max: size("body_bytes_max", section.body_bytes_max, gibibyte),
        answer_bytes_max: size("answer_bytes_max", section.answer_bytes_max, gibibyte),
        bodies_bytes_max: size("bodies_bytes_max", section.bodies_bytes_max, 1 << 40),
        connections_max: size("connections_max", section.connections_max, 1_000_000),
    }
}

fn within(key: &str, value: u64, least: u64, most: u64, faults: &mut Faults) -> u64 {
    if !(least..=most).contains(&value) {
        faults.push((key.to_owned(), format!("{value} is out of range; write a number from {least} to {most}")));
    }
    value
}
