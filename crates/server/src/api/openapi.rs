//! The OpenAPI document of the admin API, made from the handlers: `docs/openapi.json` and `GET /api/v1/openapi.json`.

use axum::Json;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::{budgets, calls, journal, keys, money, operations, prices, runs};

#[derive(OpenApi)]
#[openapi(
    info(title = "Mete admin API", description = "Amounts are integers in nano-dollars (`*_nanos`), each with a decimal string (`*_usd`); times are RFC 3339 in UTC. Every route needs `Authorization: Bearer TOKEN`."),
    servers((url = "/api/v1")),
    paths(
        budgets::list, budgets::get, budgets::put, budgets::delete, budgets::pause, budgets::resume,
        keys::list, keys::create, keys::update, keys::rotate, keys::revoke,
        calls::list, calls::get, calls::explain, calls::resolve,
        runs::list, runs::get, runs::start, runs::join, runs::raise, runs::end,
        prices::list, prices::show::show, prices::why::why, prices::set, prices::own, prices::forget, prices::unknown,
        prices::import::import, prices::import::quarantine, prices::import::accept,
        prices::compare::conflicts, prices::compare::verify, prices::compare::snapshot,
        money::estimate, money::cost,
        operations::stats, operations::audit, operations::verify, operations::backup, operations::config, operations::reload,
        journal::list, show,
    ),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Document;

struct Token;

impl utoipa::Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// The document as JSON text, as it is committed.
#[must_use]
pub fn document() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, body = Object)))]
pub(crate) async fn show() -> Json<Value> {
    Json(serde_json::from_str(&document()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::document;

    #[test]
    fn every_route_is_described_and_every_description_has_its_route() {
        let source = include_str!("mod.rs");
        let lines = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")?.split_once("\", "));
        let verbs = ["get", "put", "post", "patch", "delete"];
        let of_line = |(path, rest): (&str, &str)| {
            let has = |verb: &&str| rest.contains(&format!("{verb}(")) || rest.contains(&format!(".{verb}("));
            verbs.iter().filter(|verb| has(verb)).map(|verb| format!("{verb} {path}")).collect::<Vec<_>>()
        };
        let routed: BTreeSet<String> = lines.filter(|(path, _)| !["/healthz", "/metrics"].contains(path)).flat_map(of_line).collect();
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let described = document["paths"].as_object().unwrap().iter();
        let described: BTreeSet<String> =
            described.flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |verb| format!("{verb} {path}"))).collect();
        assert_eq!(routed, described);
    }

    #[test]
    fn the_committed_document_is_what_the_code_makes() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        if std::env::var_os("METE_WRITE_DOCS").is_some() {
            std::fs::write(&file, document()).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(committed == document(), "docs/openapi.json is stale; run `METE_WRITE_DOCS=1 cargo test -p server`");
    }
}
