//! Deployments and fallbacks as providers.
//!
//! A name that several deployments share becomes a chain: the first is called, the others follow when it fails before an answer, then
//! come the fallbacks. Mete's `fallback` belongs to a provider, so that models share one only when their whole chain is the same.

use std::collections::BTreeMap;

use super::super::report::Report;
use super::super::tree::At;
use super::Draft;
use super::deployments::{Connection, Deployment};
use crate::config::typed::DialectWord;

/// One `[[providers]]` of the config.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    pub name: String,
    pub connection: Connection,
    /// Empty for one that is only a fallback.
    pub models: Vec<String>,
    pub aliases: BTreeMap<String, String>,
    pub fallback: Vec<String>,
    pub is_fallback: bool,
    /// Where it came from.
    pub paths: Vec<String>,
}

/// A name of clients, in one language, and what serves it in order.
struct Route<'d, 'a> {
    name: &'d str,
    /// What clients write in Mete: the name, or a wildcard without its provider.
    pattern: &'d str,
    chain: Vec<&'d Deployment<'a>>,
}

/// Makes the providers.
pub(super) fn build(root: &At<'_>, deployments: &[Deployment<'_>], draft: &mut Draft) {
    let aliases = group_aliases(root, deployments, &mut draft.report);
    let mut names: Vec<&str> = Vec::new();
    for deployment in deployments {
        if !names.contains(&deployment.name) {
            names.push(deployment.name);
        }
    }
    let fallbacks = fallbacks(root);
    let default = default_fallbacks(root, &fallbacks);
    let named = names.iter().map(|name| (*name, *name)).chain(aliases.iter().map(|(alias, target)| (alias.as_str(), target.as_str())));
    let mut taken = Vec::new();
    for (name, target) in named {
        for dialect in [DialectWord::OpenAi, DialectWord::Anthropic, DialectWord::Gemini] {
            let own: Vec<_> = of_group(deployments, target, dialect);
            let Some(first) = own.first() else { continue };
            let Some(pattern) = pattern(name, first, &mut taken, &mut draft.report) else { continue };
            if pattern != name {
                draft.prefixes.insert(format!("{}/", first.connection.vendor.name));
            }
            tell_once(name == target, &own, dialect, &mut draft.report);
            let next: Vec<_> = fallbacks.iter().filter(|(group, _)| group == target).flat_map(|(_, next)| next).collect();
            let next = if next.is_empty() { default.iter().collect() } else { next };
            let mut chain = own;
            for at in next {
                follow(at, deployments, dialect, &mut chain, &mut draft.report);
            }
            place(&Route { name, pattern, chain }, &mut draft.providers);
        }
    }
    draft.report.taken.models = draft.providers.iter().filter(|provider| !provider.is_fallback).map(|provider| provider.models.len()).sum();
    draft.report.taken.providers = draft.providers.len();
}

fn of_group<'d, 'a>(deployments: &'d [Deployment<'a>], group: &str, dialect: DialectWord) -> Vec<&'d Deployment<'a>> {
    deployments.iter().filter(|deployment| deployment.name == group && deployment.connection.vendor.dialect == dialect).collect()
}

/// What clients write for a name, once for each language.
fn pattern<'d>(name: &'d str, first: &Deployment<'_>, taken: &mut Vec<(DialectWord, String)>, report: &mut Report) -> Option<&'d str> {
    let path = format!("{}.model_name", first.at.path);
    let pattern = match name.split_once('/') {
        Some((vendor, rest)) if name.ends_with('*') && vendor == first.connection.vendor.name => rest,
        _ => name,
    };
    let is_wild = name.contains('*') || first.upstream.contains('*');
    let prefix = pattern.strip_suffix('*').unwrap_or(pattern);
    if is_wild && (prefix.contains('*') || pattern != first.upstream) {
        report.left(&path, "Mete takes a prefix that ends with `*` and sends the name as it came; name these models one by one");
        return None;
    }
    let dialect = first.connection.vendor.dialect;
    if taken.iter().any(|(other, known)| *other == dialect && known == pattern) {
        report.left(&path, format!("`{pattern}` already leads to another provider of this language, and Mete routes by the model's name alone; list these models in the `models` of their provider"));
        return None;
    }
    if pattern != name {
        report.changed(
            &path,
            format!(
                "clients write the model without `{}/`; each name that fits `{pattern}` and that no provider lists goes there",
                first.connection.vendor.name
            ),
        );
    }
    taken.push((dialect, pattern.to_owned()));
    Some(pattern)
}

/// What is different for a group of deployments, told once and not again for its other names.
fn tell_once(is_own_name: bool, own: &[&Deployment<'_>], dialect: DialectWord, report: &mut Report) {
    let Some(first) = own.first().filter(|_| is_own_name) else { return };
    let path = format!("{}.litellm_params.model", first.at.path);
    match dialect {
        DialectWord::OpenAi => {}
        DialectWord::Anthropic => report.changed(&path, "clients call it at `/v1/messages`: Mete doesn't translate from OpenAI's language"),
        DialectWord::Gemini => {
            report.changed(&path, "clients call it at `/v1beta/models/…`: Mete doesn't translate from OpenAI's language")
        }
    }
    for other in own.iter().skip(1) {
        report
            .changed(&other.at.path, "calls aren't spread: the first deployment of a name is called, and the others follow when it fails");
    }
}

/// `fallbacks` of both sections: a group and the names that follow it.
fn fallbacks<'a>(root: &At<'a>) -> Vec<(String, Vec<At<'a>>)> {
    let lists = ["router_settings", "litellm_settings"].iter().filter_map(|section| root.get(section)?.get("fallbacks"));
    let entries = lists.flat_map(|list| list.items()).flat_map(|item| item.entries());
    entries.map(|(group, next)| (group.to_owned(), next.items())).collect()
}

/// What follows groups without fallbacks of their own.
fn default_fallbacks<'a>(root: &At<'a>, fallbacks: &[(String, Vec<At<'a>>)]) -> Vec<At<'a>> {
    let sections = ["router_settings", "litellm_settings"].iter().filter_map(|section| root.get(section)?.get("default_fallbacks"));
    let any = fallbacks.iter().filter(|(group, _)| group == "*").flat_map(|(_, next)| next.clone());
    sections.flat_map(|list| list.items()).chain(any).collect()
}

/// Puts the deployments of one fallback behind the chain.
fn follow<'d, 'a>(
    at: &At<'_>,
    deployments: &'d [Deployment<'a>],
    dialect: DialectWord,
    chain: &mut Vec<&'d Deployment<'a>>,
    report: &mut Report,
) {
    let Some(group) = at.look() else { return };
    let next = of_group(deployments, group, dialect);
    let is_told = report.left.iter().any(|left| left.path == at.path);
    if next.is_empty() && !is_told {
        let known = deployments.iter().any(|deployment| deployment.name == group);
        let why = if known {
            "it speaks another language than what it would follow, and Mete doesn't translate; let the client ask again there"
        } else {
            "no deployment of this name was taken over"
        };
        report.left(&at.path, why);
    }
    at.take();
    for deployment in next {
        if !deployment.upstream.contains('*') && !chain.iter().any(|known| core::ptr::eq(*known, deployment)) {
            chain.push(deployment);
        }
    }
}

/// Gives a route its provider, and each that follows one that is only a fallback.
fn place(route: &Route<'_, '_>, providers: &mut Vec<Provider>) {
    let Some((first, rest)) = route.chain.split_first() else { return };
    let mut fallback: Vec<String> = Vec::new();
    for deployment in rest {
        let is_free = |provider: &Provider| {
            provider.is_fallback
                && provider.connection == deployment.connection
                && !fallback.contains(&provider.name)
                && provider.aliases.get(route.name).is_none_or(|known| known == deployment.upstream)
        };
        let index = providers.iter().position(is_free).unwrap_or_else(|| add(providers, deployment, true));
        serve(&mut providers[index], route, deployment);
        fallback.push(providers[index].name.clone());
    }
    let same = |provider: &Provider| !provider.is_fallback && provider.connection == first.connection && provider.fallback == fallback;
    let index = providers.iter().position(same).unwrap_or_else(|| add(providers, first, false));
    providers[index].fallback = fallback;
    if !providers[index].models.iter().any(|known| known == route.pattern) {
        providers[index].models.push(route.pattern.to_owned());
    }
    serve(&mut providers[index], route, first);
}

fn serve(provider: &mut Provider, route: &Route<'_, '_>, deployment: &Deployment<'_>) {
    if !deployment.upstream.contains('*') && (provider.is_fallback || route.name != deployment.upstream) {
        provider.aliases.insert(route.name.to_owned(), deployment.upstream.to_owned());
    }
    if !provider.paths.contains(&deployment.at.path) {
        provider.paths.push(deployment.at.path.clone());
    }
}

fn add(providers: &mut Vec<Provider>, deployment: &Deployment<'_>, is_fallback: bool) -> usize {
    let base = format!("{}{}", deployment.connection.vendor.name, if is_fallback { "-fallback" } else { "" });
    let name = super::unused(&base, |name| providers.iter().any(|provider| provider.name == name));
    providers.push(Provider {
        name,
        connection: deployment.connection.clone(),
        models: Vec::new(),
        aliases: BTreeMap::new(),
        fallback: Vec::new(),
        is_fallback,
        paths: Vec::new(),
    });
    providers.len() - 1
}

/// `router_settings.model_group_alias`: further names of a group.
fn group_aliases(root: &At<'_>, deployments: &[Deployment<'_>], report: &mut Report) -> Vec<(String, String)> {
    let Some(aliases) = root.get("router_settings").and_then(|section| section.get("model_group_alias")) else { return Vec::new() };
    let mut found = Vec::new();
    for (alias, at) in aliases.entries() {
        let Some(target) = at.get("model").unwrap_or_else(|| at.clone()).text() else { continue };
        let is_new = !deployments.iter().any(|deployment| deployment.name == alias);
        let is_name = crate::config::budgets::check_text(alias).is_ok();
        if !is_new || !is_name || alias.contains('*') || !deployments.iter().any(|deployment| deployment.name == target) {
            report.left(&at.path, "it names no group that was taken over, or a name that already is a model");
        } else {
            found.push((alias.to_owned(), target.to_owned()));
        }
    }
    found
}
