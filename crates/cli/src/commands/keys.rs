//! `mete keys`.

use serde_json::{Map, Value, json};
use server::Api;

use super::ask;
use crate::args::{Format, KeyCreate, KeyUpdate, Keys};
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
            let made = accepted(api.post("/keys", definition(&options)?).await?)?;
            show_secret(context, &made);
        }
        Keys::Update(options) => {
            let id = id_of(&api, &options.id).await?;
            let key = accepted(api.patch(&path(&id), change(&options)?).await?)?;
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

/// Only what was typed.
fn change(options: &KeyUpdate) -> anyhow::Result<Value> {
    let mut body = Map::new();
    if !options.attributes.is_empty() {
        body.insert("attributes".to_owned(), Value::Object(ask::pairs(&options.attributes)?));
    }
    for (name, words) in [("client_may_set", &options.client_may_set), ("models", &options.models)] {
        ask::put(&mut body, name, Some(words).filter(|words| !words.is_empty()).map(|words| json!(words)));
    }
    ask::put(&mut body, "expires_at", options.expires_at.clone());
    ask::put(&mut body, "requests_per_minute", options.requests_per_minute);
    ask::put(&mut body, "tokens_per_minute", options.tokens_per_minute);
    ask::put(&mut body, "concurrency", options.concurrency);
    Ok(Value::Object(body))
}

fn definition(options: &KeyCreate) -> anyhow::Result<Value> {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(options.name));
    body.insert("attributes".to_owned(), Value::Object(ask::pairs(&options.attributes)?));
    body.insert("client_may_set".to_owned(), json!(options.client_may_set));
    body.insert("models".to_owned(), json!(options.models));
    ask::put(&mut body, "expires_at", options.expires_at.clone());
    ask::put(&mut body, "requests_per_minute", options.requests_per_minute);
    ask::put(&mut body, "tokens_per_minute", options.tokens_per_minute);
    ask::put(&mut body, "concurrency", options.concurrency);
    Ok(Value::Object(body))
}
