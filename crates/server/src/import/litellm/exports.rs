//! Teams and keys, which LiteLLM keeps in its database: what `/team/list` and `/key/list?return_full_object=true` answer.

use std::collections::BTreeMap;

use super::super::report::KeyToMake;
use super::super::short;
use super::super::tree::{At, Kind};
use super::routes::Provider;
use super::{Draft, ImportError, budgets};
use crate::config::budgets::check_text;

/// A team's name and the models that its keys may use.
pub(super) type Teams = BTreeMap<String, Team>;

/// What keys need to know of their team.
#[derive(Clone, Debug)]
pub(super) struct Team {
    pub name: String,
    pub models: Vec<String>,
    pub is_blocked: bool,
}

/// Words of LiteLLM in a list of models that stand for all.
const EVERY_MODEL: &[&str] = &["all-proxy-models", "all-team-models", "*"];

/// Budgets of teams.
pub(super) fn teams(root: &At<'_>, draft: &mut Draft) -> Result<Teams, ImportError> {
    let mut teams = Teams::new();
    for at in rows(root, "teams", draft)? {
        draft.expect_map(&at)?;
        let Some(id) = at.get("team_id").and_then(|id| id.text()) else {
            draft.report.left(&at.path, "it has no `team_id`, so that no key can belong to it");
            continue;
        };
        let alias = at.get("team_alias").and_then(|alias| alias.text()).filter(|alias| check_text(alias).is_ok()).unwrap_or(id);
        let is_used = teams.values().any(|team: &Team| team.name == alias);
        let name = if is_used { id } else { alias };
        rename(id, name, draft);
        budgets::of_team(name, &at, draft);
        let is_blocked = at.get("blocked").is_some_and(|blocked| is_blocked(&blocked));
        if is_blocked {
            draft.report.left(&format!("{}.blocked", at.path), "the team is blocked, so that no key is to be made for it");
            draft.teams.remove(name);
        }
        let Ok(models) = models_of(at.get("models").as_ref(), draft) else {
            draft.report.left(&at.path, "its keys can't be told, because a model that they may use can't be read");
            draft.teams.remove(name);
            continue;
        };
        teams.insert(id.to_owned(), Team { name: name.to_owned(), models, is_blocked });
    }
    Ok(teams)
}

/// The config knows teams by their id only: its budgets follow the name that keys will carry.
fn rename(id: &str, name: &str, draft: &mut Draft) {
    if draft.teams.remove(id) {
        draft.teams.insert(name.to_owned());
    }
    let teams = draft.budgets.iter_mut().filter_map(|budget| budget.matches.get_mut("team"));
    teams.filter(|team| *team == id).for_each(|team| name.clone_into(team));
}

/// Whether it says so; a plain no counts as taken.
fn is_blocked(at: &At<'_>) -> bool {
    at.take();
    at.truth() == Some(true)
}

/// Budgets of keys, and the commands that make keys like them.
pub(super) fn keys(root: &At<'_>, teams: &Teams, draft: &mut Draft) -> Result<(), ImportError> {
    for at in rows(root, "keys", draft)? {
        if at.look().is_some() {
            draft.report.left(&at.path, "this is only a key's hash; export keys with `/key/list?return_full_object=true`");
            at.take();
            continue;
        }
        draft.expect_map(&at)?;
        key(&at, teams, draft);
    }
    Ok(())
}

fn key(at: &At<'_>, teams: &Teams, draft: &mut Draft) {
    let id = at.get("team_id").and_then(|id| id.look());
    let team = id.and_then(|id| teams.get(id));
    let refusal = match team {
        _ if at.get("blocked").is_some_and(|blocked| is_blocked(&blocked)) => {
            Some("the key is blocked, so that none is to be made".to_owned())
        }
        Some(team) if team.is_blocked => Some(format!("its team {} is blocked, so that none is to be made", short(&team.name))),
        _ => None,
    };
    let models = match refusal {
        Some(refusal) => Err(refusal),
        None => models_of(at.get("models").as_ref(), draft).and_then(|models| within(models, team)),
    };
    let models = match models {
        Ok(models) => models,
        Err(refusal) => {
            draft.report.left(&at.path, refusal);
            return draft.skipped.push(at.path.clone());
        }
    };
    let names: Vec<_> = ["key_alias", "key_name"].iter().filter_map(|field| at.get(field)?.text()).collect();
    let alias = names.first().copied().filter(|alias| check_text(alias).is_ok() && !alias.starts_with("sk-"));
    let name = super::unused(alias.unwrap_or("key"), |name| draft.report.keys.iter().any(|key| key.name == name));
    let mut words: Vec<String> = ["keys", "create", &name].map(str::to_owned).to_vec();
    attributes(at, team, &mut words, draft);
    models.into_iter().for_each(|model| words.extend(["--model".to_owned(), model]));
    limits(at, &mut words, draft);
    let budget = format!("key-{name}");
    let scope = budgets::Scope { name: &budget, matches: &[("key", &name)], per: &[], is_rolling: false };
    budgets::limit(&scope, field(at, "max_budget"), field(at, "budget_duration"), draft);
    field(at, "model_max_budget").iter().for_each(|limits| budgets::of_models(&budget, &name, limits, draft));
    draft.report.keys.push(KeyToMake { name, arguments: words });
}

/// Whose calls a key makes.
fn attributes(at: &At<'_>, team: Option<&Team>, words: &mut Vec<String>, draft: &mut Draft) {
    for (field, attribute) in [("team_id", "team"), ("user_id", "user"), ("project_id", "project"), ("agent_id", "agent")] {
        let Some(value) = at.get(field).and_then(|value| value.text()) else { continue };
        let value = team.filter(|_| field == "team_id").map_or(value, |team| team.name.as_str());
        if field == "team_id" {
            draft.teams.insert(value.to_owned());
        }
        words.extend(["--attribute".to_owned(), format!("{attribute}={value}")]);
    }
}

/// How often, how many at a time and until when.
fn limits(at: &At<'_>, words: &mut Vec<String>, draft: &mut Draft) {
    for (name, flag) in
        [("rpm_limit", "--requests-per-minute"), ("tpm_limit", "--tokens-per-minute"), ("max_parallel_requests", "--concurrency")]
    {
        let Some(limit) = field(at, name) else { continue };
        match limit.text().map(str::parse::<u64>) {
            Some(Ok(count)) => words.extend([flag.to_owned(), count.to_string()]),
            Some(Err(_)) => draft.report.left(&limit.path, format!("this is no count; give the key {flag} by hand")),
            None => {}
        }
    }
    if let Some(expires) = at.get("expires")
        && let Some(text) = expires.text()
    {
        match instant(text) {
            Some(time) => words.extend(["--expires-at".to_owned(), time]),
            None => draft.report.left(&expires.path, "this is no time; give the key --expires-at by hand"),
        }
    }
}

/// A limit of a key: its own, else that of the budget that LiteLLM keeps apart and shows inside.
fn field<'a>(at: &At<'a>, name: &str) -> Option<At<'a>> {
    let own = at.get(name).filter(|at| !at.is_null());
    own.or_else(|| at.get("litellm_budget_table")?.get(name))
}

/// A time as RFC 3339; LiteLLM leaves the zone out where it means UTC.
fn instant(text: &str) -> Option<String> {
    let time = text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}Z").parse());
    time.ok().map(|time| time.to_string())
}

/// The models of a list as clients of Mete write them; none for all. A name that can't be read is an error, because a list without it
/// could be one for all.
fn models_of(at: Option<&At<'_>>, draft: &mut Draft) -> Result<Vec<String>, String> {
    let Some(at) = at else { return Ok(Vec::new()) };
    let items = at.items();
    if !matches!(at.kind(), Kind::List(_)) && !at.is_null() {
        return Err(format!("{} is no list of models", at.path));
    }
    if items.is_empty() {
        at.take();
    }
    let mut models = Vec::new();
    for item in items {
        match item.text() {
            Some(model) if EVERY_MODEL.contains(&model) => return Ok(Vec::new()),
            Some(model) if check_text(model).is_ok() => models.push(served(model, &item, draft)?),
            _ => return Err(format!("{} is no name of a model, and without it the key could use every model", item.path)),
        }
    }
    Ok(models)
}

/// A model's name without the prefix that Mete's clients leave out. An error where the name would then let the key use more.
fn served(model: &str, at: &At<'_>, draft: &mut Draft) -> Result<String, String> {
    let renamed = draft.prefixes.iter().find_map(|prefix| Some((prefix.strip_suffix('/')?, model.strip_prefix(prefix.as_str())?)));
    let (vendor, name) = renamed.map_or((None, model), |(vendor, rest)| (Some(vendor), rest));
    let is_of_others = |provider: &Provider| vendor.is_some_and(|vendor| provider.connection.vendor.name != vendor);
    if draft.providers.iter().filter(|provider| is_of_others(provider)).any(|provider| provider.models.iter().any(|own| overlap(own, name)))
    {
        let (path, name) = (&at.path, short(name));
        return Err(format!("{path} is `{name}` in Mete, which fits models of other providers too; name the models that the key may use"));
    }
    if !draft.providers.iter().any(|provider| provider.models.iter().any(|own| overlap(own, name))) {
        draft.report.changed(&at.path, "nothing of this name was taken over, so that the key lists it and can't use it");
    }
    Ok(name.to_owned())
}

/// Whether some model fits both names, each of which may end with `*`.
fn overlap(one: &str, other: &str) -> bool {
    match (one.strip_suffix('*'), other.strip_suffix('*')) {
        (None, None) => one == other,
        (Some(prefix), None) => other.starts_with(prefix),
        (None, Some(prefix)) => one.starts_with(prefix),
        (Some(one), Some(other)) => one.starts_with(other) || other.starts_with(one),
    }
}

/// A key's models that its team may use too.
fn within(models: Vec<String>, team: Option<&Team>) -> Result<Vec<String>, String> {
    let Some(team) = team.filter(|team| !team.models.is_empty()) else { return Ok(models) };
    if models.is_empty() {
        return Ok(team.models.clone());
    }
    let fits = |model: &String| {
        team.models.iter().any(|pattern| pattern.strip_suffix('*').map_or(pattern == model, |prefix| model.starts_with(prefix)))
    };
    let both: Vec<String> = models.into_iter().filter(fits).collect();
    if both.is_empty() { Err(format!("its team {} may use none of its models", short(&team.name))) } else { Ok(both) }
}

/// The rows of an export: a list, or an object that has one.
fn rows<'a>(root: &At<'a>, name: &str, draft: &Draft) -> Result<Vec<At<'a>>, ImportError> {
    let inside = [name, "data"].iter().find_map(|key| root.get(key));
    let list = inside.unwrap_or_else(|| root.clone());
    draft.expect_list(&list)?;
    Ok(list.items())
}
