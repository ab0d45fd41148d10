//! Budgets: of everything, of providers, deployments, tags, users and teams.

use std::collections::BTreeMap;

use money::{Decimal, Nanos};

use super::super::tree::At;
use super::deployments::Deployment;
use super::window::{self, Window};
use super::{Draft, vendors};
use crate::config::budgets::{self, Definition};
use crate::config::typed::{MeasureWord, OnExceedWord, WeekdayWord, WindowWord};

/// One `[[budgets]]` of the config.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub name: String,
    pub limit_usd: String,
    pub window: &'static str,
    pub matches: BTreeMap<String, String>,
    pub per: Vec<String>,
    /// Where it came from.
    pub path: String,
}

/// What a limit is on.
pub(super) struct Scope<'s> {
    pub name: &'s str,
    pub matches: &'s [(&'s str, &'s str)],
    pub per: &'s [&'s str],
    /// Whether LiteLLM counts the time from the first call on, not on the calendar.
    pub is_rolling: bool,
}

/// Decimal places of a dollar that are kept.
const NANO_PLACES: u32 = 9;
/// Attributes that only Mete sets, which no tag can be.
const TAG: &str = "tag";

/// All budgets that the config itself states.
pub(super) fn build(root: &At<'_>, deployments: &[Deployment<'_>], draft: &mut Draft) {
    let settings = root.get("litellm_settings");
    let setting = |key: &str| settings.as_ref().and_then(|settings| settings.get(key));
    let all = Scope { name: "everything", matches: &[], per: &[], is_rolling: false };
    limit(&all, setting("max_budget"), setting("budget_duration"), draft);
    let users = Scope { name: "each-user", matches: &[], per: &["user"], is_rolling: false };
    if limit(&users, setting("max_internal_user_budget"), setting("internal_user_budget_duration"), draft) {
        let what = "each value of the attribute `user` has the limit, its calls with a team's key included, and calls without one share a part; make keys with `--attribute user=…`";
        draft.report.changed("litellm_settings.max_internal_user_budget", what);
    }
    let customers = Scope { name: "each-customer", matches: &[], per: &["customer"], is_rolling: false };
    if limit(&customers, setting("max_end_user_budget"), None, draft) {
        let what = "each value of the attribute `customer` has the limit, and calls without one share a part; LiteLLM reads it from `user` of the request, Mete from `x-mete-tags`";
        draft.report.changed("litellm_settings.max_end_user_budget", what);
    }
    for (tag, at) in setting("tag_budget_config").iter().flat_map(At::entries) {
        of_tag(tag, &at, draft);
    }
    for at in setting("default_team_settings").iter().flat_map(At::items) {
        if let Some(team) = at.get("team_id").and_then(|id| id.text()) {
            of_team(team, &at, draft);
        }
    }
    let providers = root.get("router_settings").and_then(|section| section.get("provider_budget_config"));
    for (vendor, at) in providers.iter().flat_map(At::entries) {
        of_provider(vendor, &at, deployments, draft);
    }
    for deployment in deployments {
        of_deployment(deployment, deployments, draft);
    }
}

/// A team's own budget, from the config or from an export.
pub(super) fn of_team(team: &str, at: &At<'_>, draft: &mut Draft) {
    let scope = Scope { name: &format!("team-{team}"), matches: &[("team", team)], per: &[], is_rolling: false };
    limit(&scope, at.get("max_budget"), at.get("budget_duration"), draft);
    draft.teams.insert(team.to_owned());
}

fn of_tag(tag: &str, at: &At<'_>, draft: &mut Draft) {
    let split = tag.split_once(':').filter(|(name, value)| !name.is_empty() && !value.is_empty() && !gateway::is_fact(name));
    let (name, value) = split.unwrap_or((TAG, tag));
    let scope = Scope { name: &format!("tag-{tag}"), matches: &[(name, value)], per: &[], is_rolling: true };
    if limit(&scope, at.get("max_budget"), at.get("budget_duration"), draft) {
        draft.report.changed(
            &at.path,
            format!("the tag is the attribute {name}={value}: send it in `x-mete-tags`, with a key that has `--client-may-set {name}`"),
        );
    }
}

/// All providers of one vendor have one seller, so that its budget counts them together.
fn of_provider(vendor: &str, at: &At<'_>, deployments: &[Deployment<'_>], draft: &mut Draft) {
    let seller = vendors::named(vendor).map(|known| known.seller);
    let used = seller.filter(|seller| deployments.iter().any(|deployment| deployment.connection.vendor.seller == *seller));
    let Some(seller) = used else {
        draft.report.left(&at.path, "no deployment of this provider was taken over, so that there is nothing to limit");
        draft.skipped.push(at.path.clone());
        return;
    };
    let scope = Scope { name: &format!("provider-{vendor}"), matches: &[("seller", seller)], per: &[], is_rolling: true };
    limit(
        &scope,
        at.get("budget_limit").or_else(|| at.get("max_budget")),
        at.get("time_period").or_else(|| at.get("budget_duration")),
        draft,
    );
}

fn of_deployment(deployment: &Deployment<'_>, all: &[Deployment<'_>], draft: &mut Draft) {
    let Some(params) = deployment.at.get("litellm_params") else { return };
    let seller = deployment.connection.vendor.seller;
    let scope = Scope {
        name: &format!("model-{}", deployment.name),
        matches: &[("seller", seller), ("model", deployment.upstream)],
        per: &[],
        is_rolling: true,
    };
    let is_limited = limit(&scope, params.get("max_budget"), params.get("budget_duration"), draft);
    let same = |other: &&Deployment<'_>| other.connection.vendor.seller == seller && other.upstream == deployment.upstream;
    if is_limited && all.iter().filter(same).count() > 1 {
        draft.report.changed(&deployment.at.path, "the budget counts every deployment of this model and seller together");
    }
}

/// A limit on each model of a key.
pub(super) fn of_models(name: &str, key: &str, at: &At<'_>, draft: &mut Draft) {
    for (model, own) in at.entries() {
        let upstream: Vec<String> = draft.upstreams(model);
        let [upstream] = upstream.as_slice() else {
            draft.report.left(&own.path, "the name leads to several models, and a budget of Mete matches one; set one budget a model");
            draft.skipped.push(own.path.clone());
            continue;
        };
        let matches = [("key", key), ("model", upstream.as_str())];
        let scope = Scope { name: &format!("{name}-{model}"), matches: &matches, per: &[], is_rolling: true };
        let amount = ["budget_limit", "max_budget"].iter().find_map(|field| own.get(field)).or_else(|| own.look().map(|_| own.clone()));
        let duration = ["time_period", "budget_duration"].iter().find_map(|field| own.get(field));
        limit(&scope, amount, duration, draft);
    }
}

/// Adds a budget. Whether there is one; what can't be read is told.
pub(super) fn limit(scope: &Scope<'_>, amount: Option<At<'_>>, duration: Option<At<'_>>, draft: &mut Draft) -> bool {
    let Some((at, text)) = amount.and_then(|at| at.text().map(|text| (at, text))) else { return false };
    let (window, period) = match duration.and_then(|at| at.text().map(|text| (at, text))) {
        None => (Window::TOTAL, None),
        Some((at, text)) => match window::read(text) {
            Some(window) => (window, Some((at, text))),
            None => {
                draft.report.left(&at.path, "no window of Mete is as strict; its budget was left too: make one with `mete budgets set`");
                return false;
            }
        },
    };
    let Some((nanos, is_cut)) = nanos(text, window.parts) else {
        draft.report.left(&at.path, "this is no amount of dollars from 0 up; write one and import again");
        return false;
    };
    let name = super::unused(scope.name, |name| draft.budgets.iter().any(|budget| budget.name == name));
    let matches: BTreeMap<String, String> = scope.matches.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let budget = Budget {
        name,
        limit_usd: nanos.to_usd(),
        window: window.word,
        matches,
        per: scope.per.iter().map(|name| (*name).to_owned()).collect(),
        path: at.path.clone(),
    };
    if let Err((key, problem)) = budgets::mean(&budget.name, &definition(&budget)) {
        draft.report.left(&at.path, format!("its {key} can't be used: {problem}"));
        return false;
    }
    if is_cut {
        draft.report.changed(
            &at.path,
            format!("the limit is {} USD: a nano-dollar is the smallest amount, and a share is rounded down", budget.limit_usd),
        );
    }
    tell_window(window, period, scope.is_rolling, draft);
    draft.budgets.push(budget);
    true
}

fn tell_window(window: Window, period: Option<(At<'_>, &str)>, is_rolling: bool, draft: &mut Draft) {
    let Some((at, text)) = period else { return };
    let text = super::super::short(text);
    if window.parts > 1 {
        let what = format!("Mete has no window of {text}: each {} has 1/{} of the limit, which is stricter", window.word, window.parts);
        draft.report.changed(&at.path, what);
    } else if !window.is_exact {
        draft
            .report
            .changed(&at.path, format!("Mete has no window of {text}: the limit holds for a whole {}, which is stricter", window.word));
    } else if is_rolling {
        draft.report.changed(&at.path, format!("the {} is the calendar's; LiteLLM counts {text} from the first call on", window.word));
    }
}

/// An amount as nano-dollars, a part of it, and whether any of it was cut off.
fn nanos(text: &str, parts: i64) -> Option<(Nanos, bool)> {
    let (mantissa, scale) = decimal(text)?.parts();
    let (whole, rest) = match scale.checked_sub(NANO_PLACES) {
        None | Some(0) => (mantissa.checked_mul(10_i128.checked_pow(NANO_PLACES - scale)?)?, 0),
        Some(finer) => {
            let unit = 10_i128.checked_pow(finer)?;
            (mantissa / unit, mantissa % unit)
        }
    };
    let parts = i128::from(parts);
    let share = i64::try_from(whole / parts).ok()?;
    Some((Nanos::new(share), rest != 0 || whole % parts != 0))
}

/// The same as the config's own reader would have it, so that no budget is written that it refuses.
fn definition(budget: &Budget) -> Definition {
    Definition {
        limit_usd: budget.limit_usd.clone(),
        window: WindowWord::Total,
        time_zone: crate::config::typed::utc(),
        week_starts: WeekdayWord::Monday,
        matches: budget.matches.clone(),
        per: budget.per.clone(),
        on_exceed: OnExceedWord::Block,
        measure: MeasureWord::Billed,
        grant_share_percent: crate::config::typed::a_quarter(),
    }
}

/// A number from 0 up, exactly as it was written.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let text = text.strip_prefix('+').unwrap_or(text).replace('_', "");
    let text = if text.starts_with('.') { format!("0{text}") } else { text };
    let text = text.strip_suffix('.').unwrap_or(&text).replace(".e", ".0e");
    let is_octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    Decimal::parse(&text).ok().filter(|number| !number.is_negative() && !is_octal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_exact_or_cut_down_and_never_read_as_another() {
        let cases = [
            ("25", 1, Some((25_000_000_000, false))),
            ("100.0", 1, Some((100_000_000_000, false))),
            ("1234567890.123456789", 1, Some((1_234_567_890_123_456_789, false))),
            ("1e2", 1, Some((100_000_000_000, false))),
            ("1.0e-06", 1, Some((1_000, false))),
            ("0.1", 3, Some((33_333_333, true))),
            ("0.0000000019", 1, Some((1, true))),
            ("0.000000000001", 1, Some((0, true))),
            ("0", 1, Some((0, false))),
            ("1_000", 1, Some((1_000_000_000_000, false))),
            (".5", 1, Some((500_000_000, false))),
            ("-1", 1, None),
            (".inf", 1, None),
            ("nan", 1, None),
            ("010", 1, None),
            ("1:30", 1, None),
            ("9e18", 1, None),
            ("$5", 1, None),
        ];
        for (text, parts, expected) in cases {
            assert_eq!(nanos(text, parts).map(|(nanos, is_cut)| (nanos.get(), is_cut)), expected, "{text} / {parts}");
        }
    }
}
