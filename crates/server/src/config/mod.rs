//! `mete.toml`: what was typed becomes what it means, with no port opened and no file written.

mod attribution;
pub(crate) mod budgets;
mod effective;
mod keys;
mod locate;
mod meaning;
mod providers;
mod reference;

#[cfg(test)]
mod tests;
pub(crate) mod typed;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Environment;
use locate::Lines;
use typed::Typed;

pub use effective::Effective;
pub use meaning::Config;
pub use reference::reference;
pub use typed::LogFormat;

/// What is wrong with a config file: every fault with its line, key, problem and remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ConfigError {
    /// The file; `flags` for a value of the command line.
    pub file: PathBuf,
    /// All faults that were found.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file, from 1, when it is known.
    pub line: Option<usize>,
    /// The key: `budgets[0].limit_usd`.
    pub key: String,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl ConfigError {
    fn text(&self) -> String {
        let line = |fault: &Fault| fault.line.map(|line| format!(":{line}")).unwrap_or_default();
        let one = |fault: &Fault| format!("{}{}: {}: {}", self.file.display(), line(fault), fault.key, fault.problem);
        self.faults.iter().map(one).collect::<Vec<_>>().join("\n")
    }
}

/// Reads the file, if any, and lets `flags` (by key, such as `server.listen`) win over it.
///
/// # Errors
/// Names every fault with its line and key.
pub fn load(file: Option<&Path>, flags: &[(String, String)], env: &Environment) -> Result<Config, ConfigError> {
    let text = match file {
        Some(file) => read(file)?,
        None => String::new(),
    };
    let name = file.unwrap_or(Path::new("built-in defaults"));
    load_text(&text, name, flags, env)
}

/// As [`load`], from a text that was read already. `file` names it in faults, and relative paths start from its folder.
///
/// # Errors
/// As for [`load`].
pub fn load_text(text: &str, file: &Path, flags: &[(String, String)], env: &Environment) -> Result<Config, ConfigError> {
    let error = |faults: Vec<Fault>| ConfigError { file: file.to_owned(), faults };
    let mut typed = locate::parse(text).map_err(|fault| error(vec![fault]))?;
    let is_built_in = typed.providers.is_empty();
    if is_built_in {
        typed.providers = providers::built_in(env);
    }
    set_flags(&mut typed, flags);
    let lines = Lines::of(text);
    let base = file.parent().unwrap_or(Path::new(""));
    let mut config = meaning::mean(&typed, base, version(text, flags), env).map_err(|faults| {
        let fault = |(key, problem): (String, String)| Fault { line: lines.line(&key).filter(|_| !is_flag(flags, &key)), key, problem };
        error(faults.into_iter().map(fault).collect())
    })?;
    fill_sellers(&mut typed);
    let all = toml::Table::try_from(&typed).unwrap_or_default();
    let shown = file.file_name().unwrap_or_default().to_string_lossy();
    config.effective =
        effective::list(&all, &shown, Some(&lines), flags, |variable| env.get(variable).is_some_and(|value| !value.trim().is_empty()));
    if is_built_in {
        tell_environment(&typed, env, &mut config.effective);
    }
    Ok(config)
}

/// Marks the built-in providers' addresses that the environment names.
fn tell_environment(typed: &Typed, env: &Environment, effective: &mut [Effective]) {
    for (index, provider) in typed.providers.iter().enumerate() {
        let key = format!("providers[{index}].base_url");
        let is_from_env = providers::from_environment(provider.dialect, env).is_some();
        if let Some(row) = effective.iter_mut().find(|row| row.key == key).filter(|_| is_from_env) {
            row.source = format!("env {}", providers::base_url_env(provider.dialect));
        }
    }
}

/// Every effective value and where it came from, as `mete.toml` text with comments: `mete serve --print-config`.
/// `flags` are values from the command line, by key (`server.listen`).
///
/// # Errors
/// The file can't be used.
pub fn print(file: Option<&Path>, flags: &[(String, String)], env: &Environment) -> Result<String, ConfigError> {
    Ok(effective::text(&load(file, flags, env)?.effective))
}

fn read(file: &Path) -> Result<String, ConfigError> {
    let fault =
        |problem: String| ConfigError { file: file.to_owned(), faults: vec![Fault { line: None, key: "file".to_owned(), problem }] };
    let size = std::fs::metadata(file).map_err(|why| fault(format!("can't be read ({why}); check --config")))?.len();
    if size > 4 * 1024 * 1024 {
        return Err(fault("is larger than 4 MiB; that is no config".to_owned()));
    }
    std::fs::read_to_string(file).map_err(|why| fault(format!("can't be read ({why}); check --config")))
}

fn is_flag(flags: &[(String, String)], key: &str) -> bool {
    flags.iter().any(|(flag, _)| flag == key)
}

fn set_flags(typed: &mut Typed, flags: &[(String, String)]) {
    for (key, value) in flags {
        match key.as_str() {
            "server.listen" => typed.server.listen.clone_from(value),
            "server.admin_listen" => typed.server.admin_listen.clone_from(value),
            "log.level" => typed.log.level.clone_from(value),
            _ => {}
        }
    }
}

fn fill_sellers(typed: &mut Typed) {
    for provider in &mut typed.providers {
        if provider.seller.is_empty() {
            provider.seller = providers::vendor(provider.dialect).to_owned();
        }
    }
}

/// Names a version: the first twelve hexadecimal digits of SHA-256 over the text and the flags.
fn version(text: &str, flags: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    for (key, value) in flags {
        hash.update(format!("\0{key}={value}").as_bytes());
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
