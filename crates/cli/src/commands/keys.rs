//! `mete keys`.

use serde_json::{Map, Value, json};
use server::Api;

use super::ask;
use crate::args::{Format, KeyRules, Keys};
use crate::context::{Context, accepted};
use crate::output::{self, Column, Kind};

const COLUMNS: &[Column] = &[
    Column("ID", "/id", Kind::Text),
    Column("NAME", "/name", Kind::Text),
    Column("ENDS IN", "/last_four", Kind::Text),
    Column("ATTRIBUTES", "/attributes", Kind::Tags),
    Column("MODELS", "/models", Kind::Text),
    Column("EXPIRES", "/expires_at", Kind::Text),
    Column("REVOKED", "/revoked_at", Kind::Text),
];

/// Lists, makes and ends keys.
pub async fn keys(context: &Context, command: Keys) -> anyhow::Result<()> {
    let is_new = matches!(command, Keys::Create(_));
    let api = if is_new { context.api().await? } else { context.api_of_records().await? };
    let path = |id: &str| format!("/keys/{}", ask::encoded(id));
    match command {
        Keys::List => {
            let rows = accepted(api.get("/keys").await?)?;
            output::print(context.format, &rows, |rows| output::table(rows, COLUMNS, "no keys yet; make one with `mete keys create NAME`"));
        }
        Keys::Create(options) => {
            let mut body = rules(&options.rules)?;
            body.insert("name".to_owned(), json!(options.name));
            let made = accepted(api.post("/keys", Value::Object(body)).await?)?;
            show_secret(context, &made);
        }
        Keys::Update(options) => {
            let id = id_of(&api, &options.id).await?;
            let key = accepted(api.patch(&path(&id), Value::Object(rules(&options.rules)?)).await?)?;
            output::print(context.format, &key, |key| output::table(&json!([key]), COLUMNS, ""));
        }
        Keys::Rotate { id, overlap } => {
            let id = id_of(&api, &id).await?;
            let made = accepted(api.post(&format!("{}/rotate", path(&id)), json!({"overlap_seconds": overlap})).await?)?;
            show_secret(context, &made);
        }
        Keys::Revoke { id } => {
            let id = id_of(&api, &id).await?;
            accepted(api.delete(&path(&id)).await?)?;
            output::talk(&format!("key {id} is revoked"));
        }
    }
    Ok(())
}

/// The secret alone on stdout, so that it can be caught; the rest is talk.
fn show_secret(context: &Context, made: &Value) {
    if context.format == Format::Json {
        return output::data(&made.to_string());
    }
    let id = made["key"]["id"].as_str().unwrap_or_default();
    output::talk(&format!("key {id}; this secret is shown once:"));
    output::data(made["secret"].as_str().unwrap_or_default());
}

/// A key's id, from its id or its name. An unknown word is left to the server to refuse.
async fn id_of(api: &Api, word: &str) -> anyhow::Result<String> {
    let keys = accepted(api.get("/keys").await?)?;
    let named = keys.as_array().into_iter().flatten().find(|key| key["name"] == word && key["revoked_at"].is_null());
    Ok(named.and_then(|key| key["id"].as_str()).unwrap_or(word).to_owned())
}

/// Only what was typed: what a new key isn't given has its default, what a known key isn't given stays.
fn rules(rules: &KeyRules) -> anyhow::Result<Map<String, Value>> {
    let mut body = Map::new();
    if !rules.attributes.is_empty() {
        body.insert("attributes".to_owned(), Value::Object(ask::pairs(&rules.attributes)?));
    }
    for (name, words) in [("client_may_set", &rules.client_may_set), ("models", &rules.models)] {
        ask::put(&mut body, name, Some(words).filter(|words| !words.is_empty()).map(|words| json!(words)));
    }
    ask::put(&mut body, "expires_at", rules.expires_at.clone());
    ask::put(&mut body, "requests_per_minute", rules.requests_per_minute);
    ask::put(&mut body, "tokens_per_minute", rules.tokens_per_minute);
    ask::put(&mut body, "concurrency", rules.concurrency);
    Ok(body)
}
