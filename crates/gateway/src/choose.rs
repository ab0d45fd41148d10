//! Which provider a call goes to, and which come next when it fails before an answer.

use dialects::Dialect;

use crate::denied::{Denied, Step, echo};
use crate::settings::{ProviderSettings, Settings};

/// The providers to try, in order, each as often as it may be tried.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    pub(crate) providers: Vec<&'a ProviderSettings>,
}

/// The provider that serves a model of a dialect: the most specific pattern wins, then the order of the config.
pub(crate) fn provider<'a>(settings: &'a Settings, dialect: Dialect, model: Option<&str>) -> Step<&'a ProviderSettings> {
    let speaking = || settings.providers.iter().filter(|provider| provider.dialect == dialect);
    let Some(model) = model else {
        return speaking().next().ok_or_else(|| none_speaks(dialect));
    };
    let mut best: Option<(usize, &ProviderSettings)> = None;
    for provider in speaking() {
        let Some(rank) = rank(provider, model) else { continue };
        if best.is_none_or(|(known, _)| rank > known) {
            best = Some((rank, provider));
        }
    }
    best.map(|(_, provider)| provider).ok_or_else(|| match speaking().next() {
        None => none_speaks(dialect),
        Some(_) => {
            let message = format!("no provider serves model `{}`; add it to `models` of a `[[providers]]` in mete.toml", echo(model));
            Denied::new(http::StatusCode::NOT_FOUND, "unknown_model", message)
        }
    })
}

fn none_speaks(dialect: Dialect) -> Box<Denied> {
    let message = format!("no provider speaks {}; add a `[[providers]]` with `dialect = \"{0}\"` to mete.toml", dialect.name());
    Denied::new(http::StatusCode::NOT_FOUND, "no_provider", message)
}

/// Whether a provider serves a model.
pub(crate) fn serves(provider: &ProviderSettings, model: &str) -> bool {
    rank(provider, model).is_some()
}

/// How specifically a provider names a model; `None` when it doesn't serve it. One without `models` is only a fallback.
fn rank(provider: &ProviderSettings, model: &str) -> Option<usize> {
    if provider.models.is_empty() {
        return None;
    }
    if provider.aliases.contains_key(model) {
        return Some(usize::MAX);
    }
    provider.models.iter().filter_map(|pattern| pattern_rank(pattern, model)).max()
}

fn pattern_rank(pattern: &str, model: &str) -> Option<usize> {
    match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix).then_some(prefix.len()),
        None => (pattern == model).then_some(usize::MAX),
    }
}

/// Whether a list of names and prefixes (with a trailing `*`) has the model; an empty list has all.
pub(crate) fn lists_model(patterns: &[String], model: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern_rank(pattern, model).is_some())
}

impl<'a> Chain<'a> {
    /// `first` and its retries, then its fallbacks with theirs. A client's own credential belongs to one provider, so
    /// such a call stays there.
    pub(crate) fn of(settings: &'a Settings, first: &'a ProviderSettings, own_credential: bool) -> Self {
        let mut providers = Vec::new();
        let mut add = |provider: &'a ProviderSettings| (0..=provider.retries).for_each(|_| providers.push(provider));
        add(first);
        if !own_credential {
            for name in &first.fallback {
                let next = settings.providers.iter().find(|provider| provider.name == *name && provider.dialect == first.dialect);
                next.into_iter().for_each(&mut add);
            }
        }
        Self { providers }
    }
}
