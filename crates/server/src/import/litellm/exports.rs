//! Teams and keys, which LiteLLM keeps in its database: what `/team/list` and `/key/list?return_full_object=true` answer.

use std::collections::BTreeMap;

use super::super::report::KeyToMake;
use super::super::tree::At;
use super::{Draft, ImportError, budgets};
use crate::config::budgets::check_text;

/// A team's name and the models that its keys may use.
pub(super) type Teams = BTreeMap<String, Team>;

/// What keys need to know of their team.
#[derive(Clone, Debug)]
pub(super) struct Team {
    pub name: String,
    pub models: Vec<String>,
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
        budgets::of_team(name, &at, draft);
        if let Some(blocked) = at.get("blocked").filter(|blocked| blocked.truth() == Some(false)) {
            blocked.take();
        }
        let models = at.get("models").map(|models| models_of(&models, draft)).unwrap_or_default();
        teams.insert(id.to_owned(), Team { name: name.to_owned(), models });
    }
    Ok(teams)
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
    let blocked = at.get("blocked");
    if blocked.as_ref().and_then(At::truth) == Some(true) {
        draft.report.left(&format!("{}.blocked", at.path), "the key is blocked, so that none is to be made");
        draft.skipped.push(at.path.clone());
        return;
    }
    blocked.iter().for_each(At::take);
    let names: Vec<_> = ["key_alias", "key_name"].iter().filter_map(|field| at.get(field)?.text()).collect();
    let alias = names.first().copied().filter(|alias| check_text(alias).is_ok() && !alias.starts_with("sk-"));
    let name = super::unused(alias.unwrap_or("key"), |name| draft.report.keys.iter().any(|key| key.name == name));
    let mut words: Vec<String> = ["keys", "create", &name].map(str::to_owned).to_vec();
    let mut flag = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
    let mut models = at.get("models").map(|models| models_of(&models, draft)).unwrap_or_default();
    if let Some(id) = at.get("team_id").and_then(|id| id.text()) {
        let team = teams.get(id);
        flag("--attribute", &format!("team={}", team.map_or(id, |team| team.name.as_str())));
        draft.teams.insert(team.map_or(id, |team| team.name.as_str()).to_owned());
        if models.is_empty() {
            models = team.map(|team| team.models.clone()).unwrap_or_default();
        }
    }
    for (field, attribute) in [("user_id", "user"), ("project_id", "project"), ("agent_id", "agent")] {
        if let Some(value) = at.get(field).and_then(|value| value.text()) {
            flag("--attribute", &format!("{attribute}={value}"));
        }
    }
    models.iter().for_each(|model| flag("--model", model));
    for (field, name) in
        [("rpm_limit", "--requests-per-minute"), ("tpm_limit", "--tokens-per-minute"), ("max_parallel_requests", "--concurrency")]
    {
        let Some(limit) = at.get(field) else { continue };
        match limit.text().map(str::parse::<u64>) {
            Some(Ok(count)) => flag(name, &count.to_string()),
            Some(Err(_)) => draft.report.left(&limit.path, format!("this is no count; give the key {name} by hand")),
            None => {}
        }
    }
    if let Some(expires) = at.get("expires")
        && let Some(text) = expires.text()
    {
        match instant(text) {
            Some(time) => flag("--expires-at", &time),
            None => draft.report.left(&expires.path, "this is no time; give the key --expires-at by hand"),
        }
    }
    let budget = format!("key-{name}");
    let scope = budgets::Scope { name: &budget, matches: &[("key", &name)], per: &[], is_rolling: false };
    budgets::limit(&scope, at.get("max_budget"), at.get("budget_duration"), draft);
    at.get("model_max_budget").iter().for_each(|limits| budgets::of_models(&budget, &name, limits, draft));
    draft.report.keys.push(KeyToMake { name, arguments: words });
}

/// A time as RFC 3339; LiteLLM leaves the zone out where it means UTC.
fn instant(text: &str) -> Option<String> {
    let time = text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}Z").parse());
    time.ok().map(|time| time.to_string())
}

/// The models of a list; none for all of them.
fn models_of(at: &At<'_>, draft: &mut Draft) -> Vec<String> {
    let items = at.items();
    if items.is_empty() {
        at.take();
    }
    let mut models = Vec::new();
    for item in items {
        match item.text() {
            Some(model) if EVERY_MODEL.contains(&model) => {}
            Some(model) if check_text(model).is_ok() => models.push(model.to_owned()),
            _ => draft.report.left(&item.path, "this is no name of a model"),
        }
    }
    models
}

/// The rows of an export: a list, or an object that has one.
fn rows<'a>(root: &At<'a>, name: &str, draft: &Draft) -> Result<Vec<At<'a>>, ImportError> {
    let inside = [name, "data"].iter().find_map(|key| root.get(key));
    let list = inside.unwrap_or_else(|| root.clone());
    draft.expect_list(&list)?;
    Ok(list.items())
}
