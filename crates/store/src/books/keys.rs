//! Virtual keys: made, rotated, changed, revoked.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::disk::key_rows;
use crate::keys::hash_secret;
use crate::writer::turn::{Fault, Publish, Turn};
use crate::{Books, BooksError, KeyChange, KeyId, KeyNew, KeyRecord, KeySecret, KeyTable, secret};

impl Books {
    /// Makes a key; its secret is shown once.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn create_key(&self, new: KeyNew, actor: &str) -> Result<(KeyRecord, KeySecret), BooksError> {
        if new.name.trim().is_empty() {
            return Err(BooksError::Invalid("a key needs a name".to_owned()));
        }
        let id = KeyId(format!("key_{}", crate::codec::Id(self.new_id()).to_string().to_lowercase()));
        let text = secret::new_secret("mk_").map_err(BooksError::Unavailable)?;
        let (hash, last_four, actor) = (hash_secret(&text), last_four(&text), actor.to_owned());
        let record = self
            .change(move |turn| {
                let record = KeyRecord {
                    id,
                    name: new.name,
                    hashes: vec![(hash, None)],
                    last_four,
                    attributes: new.attributes,
                    client_may_set: new.client_may_set,
                    models: new.models,
                    expires_at: new.expires_at,
                    revoked_at: None,
                    limits: new.limits,
                    run: new.run,
                    created_at: turn.now,
                };
                turn.put_key(record, None, &actor, "key.created")
            })
            .await?;
        Ok((record, KeySecret(text)))
    }

    /// Gives a key a new secret; the old one works until the overlap is over. Id, attributes and spend stay.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn rotate_key(&self, key: &KeyId, overlap: Duration, actor: &str) -> Result<(KeyRecord, KeySecret), BooksError> {
        let text = secret::new_secret("mk_").map_err(BooksError::Unavailable)?;
        let (hash, last_four, actor, key) = (hash_secret(&text), last_four(&text), actor.to_owned(), key.clone());
        let record = self
            .change(move |turn| {
                let before = turn.key(&key)?;
                if before.revoked_at.is_some() {
                    return Err(Fault::invalid("the key is revoked; make a new one"));
                }
                let until = turn.now.saturating_add(overlap).unwrap_or(Timestamp::MAX);
                let old = before.hashes.iter().filter(|(_, over)| over.is_none_or(|over| over > turn.now));
                let hashes =
                    old.map(|(hash, over)| (*hash, Some(over.map_or(until, |over| over.min(until))))).chain([(hash, None)]).collect();
                let record = KeyRecord { hashes, last_four, ..before.clone() };
                turn.put_key(record, Some(&before), &actor, "key.rotated")
            })
            .await?;
        Ok((record, KeySecret(text)))
    }

    /// Revokes a key at once.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn revoke_key(&self, key: &KeyId, actor: &str) -> Result<KeyRecord, BooksError> {
        let (key, actor) = (key.clone(), actor.to_owned());
        self.change(move |turn| {
            let before = turn.key(&key)?;
            if before.revoked_at.is_some() {
                return Ok(before);
            }
            let record = KeyRecord { revoked_at: Some(turn.now), ..before.clone() };
            turn.put_key(record, Some(&before), &actor, "key.revoked")
        })
        .await
    }

    /// Changes a key.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn update_key(&self, key: &KeyId, change: KeyChange, actor: &str) -> Result<KeyRecord, BooksError> {
        let (key, actor) = (key.clone(), actor.to_owned());
        self.change(move |turn| {
            let before = turn.key(&key)?;
            turn.put_key(changed(before.clone(), change), Some(&before), &actor, "key.updated")
        })
        .await
    }

    /// All keys at this instant, without touching the disk.
    #[must_use]
    pub fn keys(&self) -> Arc<KeyTable> {
        self.shared.keys()
    }

    /// The key with this secret, without touching the disk. The caller checks expiry and revocation; the earlier secret of a
    /// rotated key is found until the overlap is over.
    #[must_use]
    pub fn key_by_secret(&self, secret: &str) -> Option<Arc<KeyRecord>> {
        self.shared.keys().by_secret(secret, self.shared.now())
    }
}

fn last_four(secret: &str) -> String {
    secret.chars().skip(secret.chars().count().saturating_sub(4)).collect()
}

fn changed(mut record: KeyRecord, change: KeyChange) -> KeyRecord {
    let KeyChange { name, attributes, client_may_set, models, expires_at, limits } = change;
    record.name = name.unwrap_or(record.name);
    record.attributes = attributes.unwrap_or(record.attributes);
    record.client_may_set = client_may_set.unwrap_or(record.client_may_set);
    record.models = models.unwrap_or(record.models);
    record.expires_at = expires_at.unwrap_or(record.expires_at);
    record.limits = limits.unwrap_or(record.limits);
    record
}

impl Turn<'_> {
    /// A key as this transaction has it so far.
    fn key(&mut self, key: &KeyId) -> Result<KeyRecord, Fault> {
        key_rows::get(self.conn()?, key)?.ok_or_else(|| Fault::not_found(format!("key `{}`", key.0)))
    }

    fn put_key(&mut self, record: KeyRecord, before: Option<&KeyRecord>, actor: &str, action: &str) -> Result<KeyRecord, Fault> {
        self.check_name(&record)?;
        key_rows::put(self.conn()?, &record)?;
        self.audit(actor, action, &record.id.0, before.map_or(Value::Null, key_rows::shown), key_rows::shown(&record))?;
        self.publish.push(Publish::Key(Box::new(record.clone())));
        Ok(record)
    }

    /// Budgets match keys by name, so two keys that work can't share one. Keys of runs are named by Mete and match by run.
    fn check_name(&mut self, record: &KeyRecord) -> Result<(), Fault> {
        if record.run.is_some() || record.revoked_at.is_some() {
            return Ok(());
        }
        let others = key_rows::all(self.conn()?)?;
        let taken = others.iter().any(|other| other.id != record.id && other.name == record.name && other.revoked_at.is_none());
        if taken {
            return Err(Fault::invalid(format!(
                "there is a key `{}` already, and budgets match keys by name; choose another name",
                record.name
            )));
        }
        Ok(())
    }
}
