//! Budgets: `/api/v1/budgets`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use ledger::{Account, AccountView, BudgetSpec, Measure, OnExceed, Window};
use money::Nanos;
use serde::Deserialize;
use store::{BudgetRecord, Origin, UnpricedAttempt};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorDocument};
use super::guard::Actor;
use super::input::{Body, Query, Usd};
use super::views::BudgetView;
use crate::config::budgets::{self, Definition, short};
use crate::config::typed::{MeasureWord, OnExceedWord, WeekdayWord, WindowWord};
use crate::control::{Control, parse_word};

type Answer = Result<Json<Vec<BudgetView>>, ApiError>;

/// A budget's definition. What is absent keeps its value, or takes its default in a new budget.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BudgetPut {
    /// Dollars in one window as a decimal string, or `none`. Needed for a new budget.
    #[schema(value_type = Option<String>)]
    limit_usd: Option<Usd>,
    window: Option<WindowWord>,
    /// IANA name.
    time_zone: Option<String>,
    week_starts: Option<WeekdayWord>,
    /// Attributes that a call must have, all of them.
    #[serde(rename = "match")]
    matches: Option<BTreeMap<String, String>>,
    /// Attributes that split the budget.
    per: Option<Vec<String>>,
    on_exceed: Option<OnExceedWord>,
    measure: Option<MeasureWord>,
    /// `refuse`, `dearest` or `allow`.
    unpriced: Option<String>,
    /// 1 to 100.
    grant_share_percent: Option<u16>,
}

/// Every budget, one row for each account of the period now.
#[utoipa::path(get, path = "/budgets", tag = "budgets", params(("name" = Option<String>, Query, description = "Only this budget")),
    responses((status = 200, body = [BudgetView]), (status = 401, body = ErrorDocument)))]
pub(crate) async fn list(State(control): State<Arc<Control>>, mut query: Query) -> Answer {
    let name = query.one("name")?;
    query.end()?;
    rows(&control, name.as_deref()).await.map(Json)
}

/// One budget, one row for each account of the period now.
#[utoipa::path(get, path = "/budgets/{name}", tag = "budgets", params(("name" = String, Path)),
    responses((status = 200, body = [BudgetView]), (status = 404, body = ErrorDocument)))]
pub(crate) async fn get(State(control): State<Arc<Control>>, Path(name): Path<String>) -> Answer {
    one(&control, &name).await
}

/// Makes or changes a budget.
#[utoipa::path(put, path = "/budgets/{name}", tag = "budgets", params(("name" = String, Path)), request_body = BudgetPut,
    responses((status = 200, body = [BudgetView]), (status = 400, body = ErrorDocument), (status = 409, body = ErrorDocument)))]
pub(crate) async fn put(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    Body(body): Body<BudgetPut>,
) -> Answer {
    let present = find(&control, &name).await?;
    if let Some(present) = &present {
        writable(present, "limit_usd")?;
    }
    let unpriced = body.unpriced.as_deref().map(|word| {
        parse_word(word).ok_or_else(|| ApiError::invalid(format!("unpriced `{}`: write refuse, dearest or allow", short(word))))
    });
    let unpriced = unpriced.transpose()?;
    let definition = merged(body, present.as_ref().map(|present| &present.spec))?;
    let mut spec = budgets::mean(&name, &definition).map_err(|(field, problem)| ApiError::invalid(format!("{field}: {problem}")))?;
    spec.paused = present.is_some_and(|present| present.spec.paused);
    control.books.put_budget(spec, Origin::Api, &actor.0).await?;
    if let Some(policy) = unpriced {
        control.set_unpriced(&name, policy, &actor.0).await?;
    }
    one(&control, &name).await
}

/// Archives a budget: it admits and refuses nothing more, and what is held settles on it.
#[utoipa::path(delete, path = "/budgets/{name}", tag = "budgets", params(("name" = String, Path)),
    responses((status = 200, body = [BudgetView]), (status = 404, body = ErrorDocument), (status = 409, body = ErrorDocument)))]
pub(crate) async fn delete(State(control): State<Arc<Control>>, Extension(actor): Extension<Actor>, Path(name): Path<String>) -> Answer {
    let last = rows(&control, Some(&name)).await?;
    writable(&known(&control, &name).await?, "[[budgets]]")?;
    control.books.remove_budget(&name, &actor.0).await?;
    Ok(Json(last))
}

/// Lets calls pass and counts on.
#[utoipa::path(post, path = "/budgets/{name}/pause", tag = "budgets", params(("name" = String, Path)),
    responses((status = 200, body = [BudgetView]), (status = 409, body = ErrorDocument)))]
pub(crate) async fn pause(control: State<Arc<Control>>, actor: Extension<Actor>, name: Path<String>) -> Answer {
    set_paused(control, actor, name, true).await
}

/// Ends a pause.
#[utoipa::path(post, path = "/budgets/{name}/resume", tag = "budgets", params(("name" = String, Path)),
    responses((status = 200, body = [BudgetView]), (status = 409, body = ErrorDocument)))]
pub(crate) async fn resume(control: State<Arc<Control>>, actor: Extension<Actor>, name: Path<String>) -> Answer {
    set_paused(control, actor, name, false).await
}

async fn set_paused(
    State(control): State<Arc<Control>>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    paused: bool,
) -> Answer {
    writable(&known(&control, &name).await?, "limit_usd")?;
    control.books.pause_budget(&name, paused, &actor.0).await?;
    one(&control, &name).await
}

async fn one(control: &Control, name: &str) -> Answer {
    known(control, name).await?;
    rows(control, Some(name)).await.map(Json)
}

async fn find(control: &Control, name: &str) -> Result<Option<BudgetRecord>, ApiError> {
    Ok(control.books.budgets().await?.into_iter().find(|budget| budget.spec.name == name))
}

async fn known(control: &Control, name: &str) -> Result<BudgetRecord, ApiError> {
    let missing = || ApiError::not_found(format!("there is no budget `{}`; `mete budgets list` shows all", short(name)));
    find(control, name).await?.ok_or_else(missing)
}

fn writable(budget: &BudgetRecord, what: &str) -> Result<(), ApiError> {
    match budget.origin {
        Origin::Api => Ok(()),
        Origin::Config => {
            let message = format!("this budget comes from mete.toml; edit {what} of `{}` there, it takes effect at once", budget.spec.name);
            Err(ApiError::conflict("read_only", message))
        }
    }
}

/// Rows of all budgets, or of one.
pub(crate) async fn rows(control: &Control, name: Option<&str>) -> Result<Vec<BudgetView>, ApiError> {
    let budgets = control.books.budgets().await?;
    let accounts = control.books.accounts().await?;
    let unpriced = super::calls::read(control, |reader| reader.unpriced(None)).await?;
    let chosen = budgets.iter().filter(|budget| name.is_none_or(|name| budget.spec.name == name));
    Ok(chosen.flat_map(|budget| budget_rows(control, budget, &accounts, &unpriced)).collect())
}

fn budget_rows(control: &Control, budget: &BudgetRecord, accounts: &[AccountView], calls: &[UnpricedAttempt]) -> Vec<BudgetView> {
    let unpriced = control.unpriced(&budget.spec.name);
    let row = |view: Option<&AccountView>| BudgetView::new(budget, view, unpriced).with_unpriced(budget, view, calls);
    let own = |view: &&AccountView| matches!(&view.account, Account::Budget { budget: name, .. } if *name == budget.spec.name);
    let rows: Vec<_> = accounts.iter().filter(own).map(|view| row(Some(view))).collect();
    if rows.is_empty() { vec![row(None)] } else { rows }
}

fn merged(body: BudgetPut, present: Option<&BudgetSpec>) -> Result<Definition, ApiError> {
    let limit = body.limit_usd.map(|limit| limit.0).or_else(|| present.map(|spec| spec.limit.map_or("none".to_owned(), Nanos::to_usd)));
    let needed =
        || ApiError::invalid("limit_usd is needed for a new budget; write an amount such as \"25.00\", or \"none\" to only observe");
    Ok(Definition {
        limit_usd: limit.ok_or_else(needed)?,
        window: body.window.or(present.map(|spec| window_word(spec.window))).unwrap_or_default(),
        time_zone: body.time_zone.or(present.map(|spec| spec.time_zone.clone())).unwrap_or_else(|| "UTC".to_owned()),
        week_starts: body.week_starts.or(present.map(week_word)).unwrap_or_default(),
        matches: body.matches.or(present.map(|spec| spec.matches.clone())).unwrap_or_default(),
        per: body.per.or(present.map(|spec| spec.per.clone())).unwrap_or_default(),
        on_exceed: body.on_exceed.or(present.map(|spec| exceed_word(spec.on_exceed))).unwrap_or_default(),
        measure: body.measure.or(present.map(|spec| measure_word(spec.measure))).unwrap_or_default(),
        grant_share_percent: body.grant_share_percent.or(present.map(|spec| spec.grant_share_thousandths / 10)).unwrap_or(25),
    })
}

const fn window_word(window: Window) -> WindowWord {
    match window {
        Window::Total => WindowWord::Total,
        Window::Minute => WindowWord::Minute,
        Window::Hour => WindowWord::Hour,
        Window::Day => WindowWord::Day,
        Window::Week => WindowWord::Week,
        Window::Month => WindowWord::Month,
    }
}

const fn week_word(spec: &BudgetSpec) -> WeekdayWord {
    if spec.week_starts_monday { WeekdayWord::Monday } else { WeekdayWord::Sunday }
}

const fn exceed_word(on_exceed: OnExceed) -> OnExceedWord {
    match on_exceed {
        OnExceed::Block => OnExceedWord::Block,
        OnExceed::Shadow => OnExceedWord::Shadow,
    }
}

const fn measure_word(measure: Measure) -> MeasureWord {
    match measure {
        Measure::Billed => MeasureWord::Billed,
        Measure::List => MeasureWord::List,
    }
}
