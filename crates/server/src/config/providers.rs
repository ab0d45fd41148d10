//! Providers: where calls go, checked before any is sent.

use std::collections::BTreeMap;

use dialects::Dialect;
use gateway::{CostFrom, ProviderSettings, Secret, UseKey, ZeroUsage};

use super::meaning::Faults;
use super::typed::{CostFromWord, DialectWord, ProviderSection, UseKeyWord, ZeroUsageWord};
use crate::Environment;

/// The providers of a config without any: the vendors, or whom the environment's base-URL variables name instead.
pub(crate) fn built_in(env: &Environment) -> Vec<ProviderSection> {
    [
        ("openai", DialectWord::OpenAi, "https://api.openai.com", "OPENAI_API_KEY"),
        ("anthropic", DialectWord::Anthropic, "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
        ("gemini", DialectWord::Gemini, "https://generativelanguage.googleapis.com", "GEMINI_API_KEY"),
    ]
    .into_iter()
    .map(|(name, dialect, base_url, api_key_env)| ProviderSection {
        name: name.to_owned(),
        dialect,
        base_url: from_environment(dialect, env).unwrap_or_else(|| base_url.to_owned()),
        subscription_url: String::new(),
        api_key_env: api_key_env.to_owned(),
        use_key: UseKeyWord::Virtual,
        seller: vendor(dialect).to_owned(),
        region: String::new(),
        deployment: String::new(),
        select: BTreeMap::new(),
        models: vec!["*".to_owned()],
        aliases: BTreeMap::new(),
        stream_usage: true,
        fallback: Vec::new(),
        retries: 0,
        cost_from: CostFromWord::Book,
        zero_usage: ZeroUsageWord::Doubted,
    })
    .collect()
}

/// The variable with which clients of a dialect are pointed elsewhere.
pub(crate) const fn base_url_env(dialect: DialectWord) -> &'static str {
    match dialect {
        DialectWord::OpenAi => "OPENAI_BASE_URL",
        DialectWord::Anthropic => "ANTHROPIC_BASE_URL",
        DialectWord::Gemini => "GOOGLE_GEMINI_BASE_URL",
    }
}

/// Whom a client of this environment would call; never another Mete's run, which would be a circle.
pub(crate) fn from_environment(dialect: DialectWord, env: &Environment) -> Option<String> {
    let url = env.get(base_url_env(dialect))?.trim().trim_end_matches('/');
    let url = url.strip_suffix("/v1").unwrap_or(url);
    (!url.is_empty() && !url.contains("/run/")).then(|| url.to_owned())
}

/// Whose prices a dialect has by default.
pub(crate) const fn vendor(dialect: DialectWord) -> &'static str {
    match dialect {
        DialectWord::OpenAi => "openai",
        DialectWord::Anthropic => "anthropic",
        DialectWord::Gemini => "google",
    }
}

const fn dialect(word: DialectWord) -> Dialect {
    match word {
        DialectWord::OpenAi => Dialect::OpenAi,
        DialectWord::Anthropic => Dialect::Anthropic,
        DialectWord::Gemini => Dialect::Gemini,
    }
}

/// Judges the providers; `notices` gets what works but should be known.
pub(crate) fn mean(
    sections: &[ProviderSection],
    env: &Environment,
    faults: &mut Faults,
    notices: &mut Vec<String>,
) -> Vec<ProviderSettings> {
    let mut all = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let mut fault = |key: &str, problem: String| faults.push((format!("providers[{index}].{key}"), problem));
        check_name(section, &sections[..index], &mut fault);
        let is_fallback = sections.iter().any(|other| other.fallback.contains(&section.name));
        check_models(section, is_fallback, &mut fault);
        check_fallback(section, sections, &mut fault);
        if section.retries > 10 {
            fault("retries", format!("{} is too many; write a number from 0 to 10", section.retries));
        }
        let subscription = match section.subscription_url.as_str() {
            "" => None,
            text => base_url(text).map_err(|problem| fault("subscription_url", problem)).ok(),
        };
        match base_url(&section.base_url) {
            Ok(url) => all.push(ProviderSettings { subscription_url: subscription, ..settings(section, url, env, notices) }),
            Err(problem) => fault("base_url", problem),
        }
    }
    all
}

fn check_name(section: &ProviderSection, before: &[ProviderSection], fault: &mut impl FnMut(&str, String)) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if section.name.is_empty() || section.name.len() > 64 || !section.name.chars().all(plain) {
        fault("name", "a provider's name has 1 to 64 lower-case letters, digits, `-`, `_` or `.`; choose another".to_owned());
    }
    if before.iter().any(|other| other.name == section.name) {
        fault("name", format!("`{}` is defined twice; give each provider a name of its own", section.name));
    }
}

fn check_models(section: &ProviderSection, is_fallback: bool, fault: &mut impl FnMut(&str, String)) {
    if section.models.is_empty() && !is_fallback {
        fault(
            "models",
            "no model would be routed here; write [\"*\"] for every model, or name this provider in another's fallback".to_owned(),
        );
    }
    for (index, pattern) in section.models.iter().enumerate() {
        let prefix = pattern.strip_suffix('*').unwrap_or(pattern);
        if pattern.is_empty() || prefix.contains('*') {
            fault(
                &format!("models[{index}]"),
                format!("`{pattern}` can't be matched; write an exact name, or a prefix that ends with `*`"),
            );
        }
    }
}

fn check_fallback(section: &ProviderSection, all: &[ProviderSection], fault: &mut impl FnMut(&str, String)) {
    for (index, name) in section.fallback.iter().enumerate() {
        let key = format!("fallback[{index}]");
        match all.iter().find(|other| other.name == *name) {
            None => fault(&key, format!("there is no provider `{name}`; write the name of one that this file defines")),
            Some(other) if other.name == section.name => {
                fault(&key, format!("`{name}` is this provider itself; use `retries` to try it again"))
            }
            Some(other) if other.dialect != section.dialect => {
                fault(&key, format!("`{name}` speaks another dialect; a call can only fall back to the same one"))
            }
            Some(_) => {}
        }
    }
}

fn base_url(text: &str) -> Result<http::Uri, String> {
    let usage = "write scheme, host and port without /v1, such as \"https://api.openai.com\"";
    let url: http::Uri = text.trim_end_matches('/').parse().map_err(|_| format!("`{text}` is not a URL; {usage}"))?;
    let Some(authority) = url.authority() else { return Err(format!("`{text}` has no host; {usage}")) };
    if authority.as_str().contains('@') {
        return Err(format!("a URL with a password would end up in logs; name a variable in api_key_env instead; {usage}"));
    }
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(format!("`{text}` is neither http nor https; {usage}"));
    }
    if url.query().is_some() {
        return Err(format!("`{text}` has a query; {usage}"));
    }
    match url.path().rsplit('/').next() {
        Some("v1" | "v1beta") => Err(format!("`{text}` ends with the API's version, which each call brings itself; {usage}")),
        _ => Ok(url),
    }
}

fn settings(section: &ProviderSection, base_url: http::Uri, env: &Environment, notices: &mut Vec<String>) -> ProviderSettings {
    let api_key = env.get(&section.api_key_env).filter(|key| !key.trim().is_empty()).map(|key| Secret::new(key.trim().to_owned()));
    if api_key.is_none() && !section.api_key_env.is_empty() {
        notices.push(format!("provider {}: {} is not set, so calls with a virtual key can't use it", section.name, section.api_key_env));
    }
    let mut select = section.select.clone();
    if !section.deployment.is_empty() {
        select.insert("deployment".to_owned(), section.deployment.clone());
    }
    ProviderSettings {
        name: section.name.clone(),
        dialect: dialect(section.dialect),
        base_url,
        subscription_url: None,
        api_key,
        use_key: match section.use_key {
            UseKeyWord::Virtual => UseKey::Virtual,
            UseKeyWord::Always => UseKey::Always,
        },
        seller: if section.seller.is_empty() { vendor(section.dialect).to_owned() } else { section.seller.clone() },
        region: section.region.clone(),
        select,
        models: section.models.clone(),
        aliases: section.aliases.clone(),
        stream_usage: section.stream_usage,
        fallback: section.fallback.clone(),
        retries: section.retries,
        cost_from: match section.cost_from {
            CostFromWord::Book => CostFrom::Book,
            CostFromWord::Provider => CostFrom::Provider,
        },
        zero_usage: match section.zero_usage {
            ZeroUsageWord::Doubted => ZeroUsage::Doubted,
            ZeroUsageWord::Trusted => ZeroUsage::Trusted,
        },
    }
}
