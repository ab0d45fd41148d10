//! Price rows and settings of the instance.

use serde_json::{Value, json};

use crate::disk::{meta, prices};
use crate::writer::turn::Fault;
use crate::{Books, BooksError, PriceRow, PriceSource};

impl Books {
    /// Keeps a price row (JSON text in the price book's schema, checked by the caller) and gives its number.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn set_price(&self, row: &str, actor: &str) -> Result<i64, BooksError> {
        let shown: Value = serde_json::from_str(row).map_err(|why| BooksError::Invalid(format!("the price row isn't JSON: {why}")))?;
        let (row, actor) = (row.to_owned(), actor.to_owned());
        self.change(move |turn| {
            let now = turn.now;
            let id = prices::add(turn.conn()?, &row, now, &actor)?;
            turn.audit(&actor, "price.set", &id.to_string(), Value::Null, shown)?;
            Ok(id)
        })
        .await
    }

    /// Forgets a price row.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn remove_price(&self, id: i64, actor: &str) -> Result<(), BooksError> {
        let actor = actor.to_owned();
        self.change(move |turn| {
            let row = prices::remove(turn.conn()?, id)?.ok_or_else(|| Fault::not_found(format!("price row {id}")))?;
            let before = serde_json::from_str(&row).unwrap_or_else(|_| row.into());
            turn.audit(&actor, "price.removed", &id.to_string(), before, Value::Null)
        })
        .await
    }

    /// Price rows that the operator set, oldest first.
    ///
    /// # Errors
    /// The records can't be read, or the writer has ended.
    pub async fn prices_extra(&self) -> Result<Vec<PriceRow>, BooksError> {
        self.look(|core| prices::all(&core.conn).map_err(super::unreadable)).await?
    }

    /// Keeps the texts of imported price sources in place of their last ones, all of them or none. `action` and `summary` are
    /// what the audit says; the texts themselves are too long for it.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn put_price_sources(
        &self,
        texts: Vec<(String, String)>,
        action: &'static str,
        summary: Value,
        actor: &str,
    ) -> Result<(), BooksError> {
        let actor = actor.to_owned();
        self.change(move |turn| {
            let now = turn.now;
            for (name, body) in &texts {
                prices::put_source(turn.conn()?, name, body, now, &actor)?;
            }
            let names: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
            turn.audit(&actor, action, &names.join(","), Value::Null, summary)
        })
        .await
    }

    /// Forgets what was imported from a source.
    ///
    /// # Errors
    /// Nothing was imported from it, or the ledger can't be written; nothing changed.
    pub async fn remove_price_source(&self, name: &str, actor: &str) -> Result<(), BooksError> {
        let (name, actor) = (name.to_owned(), actor.to_owned());
        self.change(move |turn| {
            if !prices::remove_source(turn.conn()?, &name)? {
                return Err(Fault::not_found(format!("price source {name}")));
            }
            turn.audit(&actor, "price.source_removed", &name, Value::Null, Value::Null)
        })
        .await
    }

    /// Imported price sources, by name.
    ///
    /// # Errors
    /// The records can't be read, or the writer has ended.
    pub async fn price_sources(&self) -> Result<Vec<PriceSource>, BooksError> {
        self.look(|core| prices::sources(&core.conn).map_err(super::unreadable)).await?
    }

    /// Keeps a setting of the instance. Never a secret: the audit shows values.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn set_setting(&self, name: &str, value: &str, actor: &str) -> Result<(), BooksError> {
        let (name, value, actor) = (name.to_owned(), value.to_owned(), actor.to_owned());
        self.change(move |turn| {
            let before = meta::setting(turn.conn()?, &name)?;
            meta::set_setting(turn.conn()?, &name, &value)?;
            turn.audit(&actor, "setting.set", &name, json!(before), json!(value))
        })
        .await
    }

    /// A setting.
    ///
    /// # Errors
    /// The records can't be read, or the writer has ended.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, BooksError> {
        let name = name.to_owned();
        self.look(move |core| meta::setting(&core.conn, &name).map_err(super::unreadable)).await?
    }
}
