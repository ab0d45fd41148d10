//! LiteLLM's proxy config, and what its API says of teams and keys, as a plan for Mete.
//!
//! The config is read for its meaning, one file a subject: `deployments`, `routes`, `budgets`, `prices`, `exports`. Whatever no
//! reader took is listed with a reason from `reasons`.

mod budgets;
mod deployments;
mod exports;
mod prices;
mod reasons;
mod routes;
#[cfg(test)]
mod tests;
mod variables;
mod vendors;
mod window;
mod write;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use jiff::tz::TimeZone;

use super::report::{KeyToMake, Report};
use super::tree::{At, Kind};
use super::{ImportError, Plan, json, yaml};
use crate::{Environment, config};
use variables::Variables;

/// A file to read: its name for people, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// How errors and comments name it.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// What a plan is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The proxy's `config.yaml`.
    pub config: Source<'a>,
    /// What `GET /team/list` answered.
    pub teams: Option<Source<'a>>,
    /// What `GET /key/list?return_full_object=true` answered.
    pub keys: Option<Source<'a>>,
    /// The environment, for addresses that the config takes from variables. No secret is read from it.
    pub environment: &'a Environment,
    /// When this is: what the price book knows is asked as of then.
    pub now: SystemTime,
    /// How the config will name the price file.
    pub prices_file: &'a str,
}

/// A plan while it is made.
#[derive(Default)]
struct Draft {
    providers: Vec<routes::Provider>,
    budgets: Vec<budgets::Budget>,
    prices: Vec<serde_json::Value>,
    /// Names of teams with a budget or a key.
    teams: BTreeSet<String>,
    /// Paths whose own reason is told, and with it that of everything below.
    skipped: Vec<String>,
    /// Prefixes of wildcards, with the slash, that clients of Mete leave out.
    prefixes: BTreeSet<String>,
    /// The file that is being read, for errors.
    file: String,
    time_zone: String,
    first_byte: Option<(String, i64)>,
    report: Report,
}

impl Draft {
    fn expect_map(&self, at: &At<'_>) -> Result<(), ImportError> {
        let is_map = matches!(at.kind(), Kind::Map(_)) || at.is_null();
        if is_map { Ok(()) } else { Err(self.wrong(at, "a mapping")) }
    }

    fn expect_list(&self, at: &At<'_>) -> Result<(), ImportError> {
        if matches!(at.kind(), Kind::List(_)) { Ok(()) } else { Err(self.wrong(at, "a list")) }
    }

    fn wrong(&self, at: &At<'_>, wanted: &str) -> ImportError {
        let place = if at.path.is_empty() { "the file" } else { at.path.as_str() };
        ImportError { file: self.file.clone(), line: Some(at.line()), problem: format!("{place} must be {wanted}") }
    }

    /// The models that a name of clients leads to, by their name at the provider; the name itself where nothing says.
    fn upstreams(&self, name: &str) -> Vec<String> {
        let serving = self
            .providers
            .iter()
            .filter(|provider| provider.models.iter().any(|model| model == name) || provider.aliases.contains_key(name));
        let all: BTreeSet<String> = serving.map(|provider| provider.aliases.get(name).map_or(name, String::as_str).to_owned()).collect();
        if all.is_empty() { vec![name.to_owned()] } else { all.into_iter().collect() }
    }
}

/// Reads everything and makes the plan. What it makes is read back by the config's own reader.
///
/// # Errors
/// A file isn't what it says, or is beyond its bounds.
pub fn plan(sources: &Sources<'_>) -> Result<Plan, ImportError> {
    let tree = yaml::read(sources.config.name, sources.config.bytes)?;
    let root = At::root(&tree, "");
    let mut draft = Draft { file: sources.config.name.to_owned(), ..Draft::default() };
    draft.expect_map(&root)?;
    for section in ["litellm_settings", "router_settings", "general_settings", "environment_variables"] {
        root.get(section).iter().try_for_each(|at| draft.expect_map(at))?;
    }
    let variables = Variables::of(&root, sources.environment);
    settings(&root, &mut draft);
    let deployments = deployments::read(&root, &variables, &mut draft)?;
    routes::build(&root, &deployments, &mut draft);
    budgets::build(&root, &deployments, &mut draft);
    prices::build(&deployments, &prices::Known::at(sources.now), &mut draft);
    list_left(&root, &mut draft);
    exports(sources, &mut draft)?;
    finish(sources, draft)
}

/// Teams and keys. A team without a key is told how to make one.
fn exports(sources: &Sources<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let mut teams = exports::Teams::new();
    if let Some(source) = sources.teams {
        source.name.clone_into(&mut draft.file);
        let tree = json::read(source.name, source.bytes)?;
        let root = At::root(&tree, "teams");
        root.take_nulls();
        teams = exports::teams(&root, draft)?;
        list_left(&root, draft);
    }
    if let Some(source) = sources.keys {
        source.name.clone_into(&mut draft.file);
        let tree = json::read(source.name, source.bytes)?;
        let root = At::root(&tree, "keys");
        root.take_nulls();
        exports::keys(&root, &teams, draft)?;
        list_left(&root, draft);
    }
    for team in draft.teams.clone() {
        let attribute = format!("team={team}");
        if !draft.report.keys.iter().any(|key| key.arguments.contains(&attribute)) {
            let name = unused(&team, |name| draft.report.keys.iter().any(|key| key.name == name));
            let arguments = ["keys", "create", &name, "--attribute", &attribute].map(str::to_owned).to_vec();
            draft.report.keys.push(KeyToMake { name, arguments });
        }
    }
    Ok(())
}

/// Settings of the proxy that have one place in Mete.
fn settings(root: &At<'_>, draft: &mut Draft) {
    let setting = |section: &str, key: &str| root.get(section)?.get(key);
    if let Some(at) = setting("litellm_settings", "timezone")
        && let Some(name) = at.text()
    {
        if TimeZone::get(name).is_ok() {
            name.clone_into(&mut draft.time_zone);
        } else {
            draft.report.left(&at.path, "this is no IANA time zone; LiteLLM takes UTC then, and so does Mete");
        }
    }
    let places = [("router_settings", "timeout"), ("litellm_settings", "request_timeout")];
    let Some(at) = places.iter().find_map(|(section, key)| setting(section, key)) else { return };
    let Some(text) = at.text() else { return };
    let milliseconds = budgets::decimal(text).and_then(|seconds| seconds.to_integer_at_scale(3)).and_then(|ms| i64::try_from(ms).ok());
    match milliseconds.filter(|ms| (1..=86_400_000).contains(ms)) {
        Some(ms) => {
            draft
                .report
                .changed(&at.path, "it is the time to the first byte of an answer, for every provider; later pauses have `stream_idle_ms`");
            draft.first_byte = Some((at.path.clone(), ms));
        }
        None => draft.report.left(&at.path, "Mete takes 1 millisecond to a day, in whole milliseconds; set `[timeouts]`"),
    }
}

fn list_left(root: &At<'_>, draft: &mut Draft) {
    for path in root.left() {
        let why = reasons::of(&path, &draft.skipped);
        draft.report.left(&path, why);
    }
}

fn finish(sources: &Sources<'_>, mut draft: Draft) -> Result<Plan, ImportError> {
    for provider in &draft.providers {
        draft.report.needs(&provider.connection.api_key_env);
    }
    draft.report.taken.budgets = draft.budgets.len();
    draft.report.taken.teams = draft.teams.len();
    let text = write::config(&draft, sources.config.name, sources.prices_file);
    let prices: String = draft.prices.iter().map(|row| format!("{row}\n")).collect();
    let broken = |problem: String| ImportError { file: sources.config.name.to_owned(), line: None, problem };
    config::load_text(&text, Path::new("mete.toml"), &[], sources.environment)
        .map_err(|error| broken(format!("what would be written is no config of Mete: {error}")))?;
    dialects::price_book::read(&prices)
        .map_err(|errors| broken(format!("what would be written is no price file of Mete: {}", crate::prices::joined(&errors))))?;
    Ok(Plan { config: text, prices, report: draft.report })
}

/// A name that is free: the name itself, else with a number behind it.
fn unused(name: &str, is_used: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !is_used(name)).unwrap_or_default()
}
