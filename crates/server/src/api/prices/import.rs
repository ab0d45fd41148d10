//! Importing price lists, and accepting what an import put aside: `/api/v1/prices/import`, `/api/v1/prices/quarantine`.

use axum::extract::{Path, Request, State};
use axum::{Extension, Json};
use dialects::catalogue::{self, Counts, ImportOptions, Imported, Quarantined};
use dialects::price_sources::{self, Source};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::error::{ApiError, ErrorDocument};
use super::super::guard::Actor;
use super::super::input::{Query, file_body};
use crate::config::budgets::short;
use crate::prices::{Changed, Desk, DeskError, Keep, Stock, age, change_view, unknown_source};

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportView {
    pub source: String,
    /// The version that the file names itself by.
    pub version: String,
    /// The file's date: what it changed counts from then.
    pub as_of: String,
    pub file: String,
    /// Whether nothing was kept because only a look was asked for.
    pub dry_run: bool,
    /// The file was the last one once more; nothing changed.
    pub same_file: bool,
    pub read: usize,
    pub unchanged: usize,
    /// `{"what","old","new","permille"}`.
    #[schema(value_type = Vec<Object>)]
    pub added: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    pub changed: Vec<Value>,
    /// Names, factors and facts that were added or changed.
    #[schema(value_type = Vec<Object>)]
    pub names: Vec<Value>,
    /// Priced by an earlier file and not listed by this one; they stay priced.
    pub gone: Vec<String>,
    pub quarantined: Vec<QuarantinedView>,
    /// `{"key","why"}`.
    #[schema(value_type = Vec<Object>)]
    pub skipped: Vec<Value>,
    /// `{"level","row","what","why"}`.
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<Value>,
    /// The version of the book in force after it.
    pub book: String,
}

/// A price that isn't believed until a person accepts it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuarantinedView {
    pub id: String,
    pub source: String,
    /// When it was first seen.
    pub as_of: String,
    pub what: String,
    /// The price that counts until then.
    pub old: Option<String>,
    pub new: String,
    pub why: String,
    /// The command that takes it.
    pub accept: String,
}

/// A quarantined price that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedView {
    pub id: String,
    /// `{"what","old","new","permille"}`.
    #[schema(value_type = Object)]
    pub change: Value,
    pub book: String,
}

/// How a file is imported.
struct Ask {
    source: Option<Source>,
    name: String,
    /// As said, or as the file's name says.
    as_of: Option<Timestamp>,
    now: Timestamp,
    dry_run: bool,
    may_shrink: bool,
}

/// Imports a price list: the body is the file. Nothing changes when it can't be read, contradicts itself or is half gone.
#[utoipa::path(post, path = "/prices/import", tag = "prices", params(("source" = Option<String>, Query), ("name" = Option<String>, Query),
    ("as_of" = Option<String>, Query), ("dry_run" = Option<bool>, Query), ("may_shrink" = Option<bool>, Query)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = ImportView), (status = 400, body = ErrorDocument)))]
pub(crate) async fn import(
    State(desk): State<Desk>,
    Extension(actor): Extension<Actor>,
    query: Query,
    request: Request,
) -> Result<Json<ImportView>, ApiError> {
    let ask = ask(query, Timestamp::now())?;
    let bytes = file_body(request).await?;
    let keep = Keep { keep: !ask.dry_run, action: "price.imported", actor: actor.0 };
    let (mut view, book) = desk.change(keep, move |stock| imported(stock, &bytes, &ask)).await?;
    view.book = book;
    Ok(Json(view))
}

fn ask(mut query: Query, now: Timestamp) -> Result<Ask, ApiError> {
    let source = query.one("source")?.map(|name| {
        let known = || Source::ALL.map(Source::name).join(", ");
        Source::from_name(&name).ok_or_else(|| ApiError::invalid(format!("source `{}`: write one of {}", short(&name), known())))
    });
    let name = query.one("name")?.unwrap_or_else(|| "the file".to_owned());
    let named = query.instant("as_of")?.or_else(|| date_in(&name));
    let ask = Ask {
        source: source.transpose()?,
        as_of: named,
        now,
        dry_run: query.flag("dry_run")?,
        may_shrink: query.flag("may_shrink")?,
        name,
    };
    query.end()?;
    if let Some(as_of) = ask.as_of.filter(|as_of| *as_of > now) {
        return Err(ApiError::invalid(format!("as_of {as_of} is in the future; a file can't be from then")));
    }
    Ok(ask)
}

/// The first date in a file's name: `retail-meters_2026-08-11.json`.
fn date_in(name: &str) -> Option<Timestamp> {
    let candidates = name.char_indices().filter_map(|(at, _)| name.get(at..at + 10));
    let mut dates = candidates.filter(|text| text.as_bytes()[4] == b'-').filter_map(|text| text.parse::<Date>().ok());
    TimeZone::UTC.to_timestamp(dates.next()?.at(0, 0, 0, 0)).ok()
}

fn imported(stock: &Stock, bytes: &[u8], ask: &Ask) -> Result<Changed<ImportView>, DeskError> {
    let name = short(&ask.name);
    let refused = |why: String| DeskError::Refused(why);
    let source = ask.source.or_else(|| price_sources::detect(bytes)).ok_or_else(|| refused(unknown_source(&name)))?;
    let mut catalogue = dialects::catalogue::Catalogue::clone(&stock.catalogue);
    let known = stock.names();
    let stays = |source: Source| match stock.catalogue.source(source.name()).and_then(|book| book.last()) {
        Some(last) => format!("the import of {} stays in force", last.as_of),
        None => "nothing was imported".to_owned(),
    };
    let read = |as_of: Timestamp| {
        price_sources::read(source, bytes, &known, as_of)
            .map_err(|error| refused(format!("{name} can't be read as {}: {error}; {}", source.name(), stays(source))))
    };
    let (mut reading, mut as_of) = (read(ask.as_of.unwrap_or(ask.now))?, ask.as_of);
    // Some files say in themselves of which day they are.
    if let Some(own) = date_in(&reading.version).filter(|own| as_of.is_none() && age::days(*own, ask.now) > 0) {
        (reading, as_of) = (read(own)?, Some(own));
    }
    let as_of = as_of.unwrap_or(ask.now);
    let version = reading.version.clone();
    let options = ImportOptions { sha256: catalogue::sha256(bytes), may_shrink: ask.may_shrink };
    let done = catalogue.import(reading, as_of, &options).map_err(|error| refused(format!("{name}: {error}")))?;
    let summary = json!({"file": name, "version": version, "as_of": as_of.to_string(), "sha256": options.sha256,
        "counts": counts(&done.counts)});
    let told = view(&done, ask, as_of, version);
    Ok(Changed { catalogue, source: source.name().to_owned(), summary, told })
}

fn counts(counts: &Counts) -> Value {
    let Counts { rows, added, changed, unchanged, gone, quarantined, skipped } = *counts;
    json!({"read": rows, "added": added, "changed": changed, "unchanged": unchanged, "gone": gone, "quarantined": quarantined, "skipped": skipped})
}

fn view(done: &Imported, ask: &Ask, as_of: Timestamp, version: String) -> ImportView {
    ImportView {
        source: done.source.clone(),
        version,
        as_of: as_of.to_string(),
        file: ask.name.clone(),
        dry_run: ask.dry_run,
        same_file: done.same_file,
        read: done.counts.rows,
        unchanged: done.counts.unchanged,
        added: done.added.iter().map(change_view).collect(),
        changed: done.changed.iter().map(change_view).collect(),
        names: done.names.iter().map(change_view).collect(),
        gone: done.gone.iter().map(ToString::to_string).collect(),
        quarantined: done.quarantined.iter().map(quarantined_view).collect(),
        skipped: done.skipped.iter().map(|entry| json!({"key": entry.key, "why": entry.why})).collect(),
        warnings: done.warnings.iter().map(crate::prices::finding_view).collect(),
        book: String::new(),
    }
}

fn quarantined_view(waiting: &Quarantined) -> QuarantinedView {
    let what = waiting.item.to_string();
    let why = waiting.why.strip_prefix(&format!("{what}: ")).unwrap_or(&waiting.why);
    QuarantinedView {
        id: waiting.id.clone(),
        source: waiting.source.clone(),
        as_of: waiting.as_of.to_string(),
        old: waiting.old.clone(),
        new: waiting.new.clone(),
        why: why.to_owned(),
        what,
        accept: format!("mete prices accept {}", waiting.id),
    }
}

/// What waits for a person.
#[utoipa::path(get, path = "/prices/quarantine", tag = "prices", responses((status = 200, body = [QuarantinedView])))]
pub(crate) async fn quarantine(State(desk): State<Desk>) -> Json<Vec<QuarantinedView>> {
    Json(desk.stock().catalogue.quarantine().map(quarantined_view).collect())
}

/// Takes a quarantined price: it counts as known from now.
#[utoipa::path(post, path = "/prices/quarantine/{id}/accept", tag = "prices", params(("id" = String, Path)),
    responses((status = 200, body = AcceptedView), (status = 404, body = ErrorDocument)))]
pub(crate) async fn accept(
    State(desk): State<Desk>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<AcceptedView>, ApiError> {
    let keep = Keep { keep: true, action: "price.accepted", actor: actor.0 };
    let (mut view, book) = desk.change(keep, move |stock| accepted(stock, &id, Timestamp::now())).await?;
    view.book = book;
    Ok(Json(view))
}

fn accepted(stock: &Stock, id: &str, now: Timestamp) -> Result<Changed<AcceptedView>, DeskError> {
    let mut catalogue = dialects::catalogue::Catalogue::clone(&stock.catalogue);
    let source = catalogue.quarantine().find(|waiting| waiting.id == id).map(|waiting| waiting.source.clone());
    let unknown =
        || DeskError::NotFound(format!("no quarantined price has the id `{}`; `mete prices accept` lists those that wait", short(id)));
    let source = source.ok_or_else(unknown)?;
    let change = catalogue.accept(id, now).map_err(|error| DeskError::Refused(error.to_string()))?;
    let told = AcceptedView { id: id.to_owned(), change: change_view(&change), book: String::new() };
    Ok(Changed { catalogue, source, summary: json!({"id": id, "change": told.change}), told })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_date_is_taken_from_its_name() {
        for (name, date) in [
            ("azure-genai-prices_0.2.0_retail-meters_2026-08-11.json", Some("2026-08-11T00:00:00Z")),
            ("litellm_1.109.1_model_prices.json", None),
            ("2026-02-30.json", None),
            ("é2026-01-02", Some("2026-01-02T00:00:00Z")),
            ("", None),
        ] {
            assert_eq!(date_in(name).map(|at| at.to_string()), date.map(str::to_owned), "{name}");
        }
    }
}
