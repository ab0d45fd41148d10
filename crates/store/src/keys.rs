//! Virtual keys: shown once, stored hashed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use ledger::{Attributes, RunId};
use sha2::{Digest, Sha256};

/// Names a key (`key_…`); not a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub String);

/// A key's secret text `mk_…`, at least 128 bits of it random. Has no `Debug` output of its content.
pub struct KeySecret(pub String);

impl core::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("mk_…")
    }
}

/// Limits on how often a key may be used; `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests a minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens (input bound + granted ceiling) a minute.
    pub tokens_per_minute: Option<u64>,
    /// Calls in flight.
    pub concurrency: Option<u64>,
}

/// A virtual key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id; rotation keeps it, and so keeps the spend.
    pub id: KeyId,
    /// A name for people.
    pub name: String,
    /// SHA-256 of the secret; the previous one too while a rotation's overlap lasts.
    pub hashes: Vec<([u8; 32], Option<Timestamp>)>,
    /// Last four characters of the secret, to recognise it.
    pub last_four: String,
    /// Attributes that every call of this key has; they win over what a client says.
    pub attributes: Attributes,
    /// Attribute names that a client may set by header or body.
    pub client_may_set: Vec<String>,
    /// Models that the key may use; empty allows all. A trailing `*` matches a prefix.
    pub models: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// Revoked keys stay for history.
    pub revoked_at: Option<Timestamp>,
    /// Rate limits.
    pub limits: RateLimits,
    /// The run that this key belongs to (made by `mete run`).
    pub run: Option<RunId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All keys at one instant, found by secret without touching the disk.
#[derive(Clone, Debug, Default)]
pub struct KeyTable {
    by_hash: HashMap<[u8; 32], Arc<KeyRecord>>,
    by_id: BTreeMap<KeyId, Arc<KeyRecord>>,
}

impl KeyTable {
    pub(crate) fn new(records: impl IntoIterator<Item = KeyRecord>) -> Self {
        let by_id: BTreeMap<KeyId, Arc<KeyRecord>> = records.into_iter().map(|record| (record.id.clone(), Arc::new(record))).collect();
        let by_hash = by_id.values().flat_map(|record| record.hashes.iter().map(|(hash, _)| (*hash, Arc::clone(record)))).collect();
        Self { by_hash, by_id }
    }

    /// The key with this secret, whatever its state: the caller checks expiry and revocation. `None` also for the earlier secret
    /// of a rotated key whose overlap was over at `now`. The look-up is by SHA-256, so its time tells nothing of the secret.
    #[must_use]
    pub fn by_secret(&self, secret: &str, now: Timestamp) -> Option<Arc<KeyRecord>> {
        let hash = hash_secret(secret);
        let record = self.by_hash.get(&hash)?;
        let until = record.hashes.iter().find(|(known, _)| *known == hash).and_then(|(_, until)| *until);
        until.is_none_or(|until| now < until).then(|| Arc::clone(record))
    }

    /// The key with this id.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&Arc<KeyRecord>> {
        self.by_id.get(id)
    }

    /// All keys, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KeyRecord>> {
        self.by_id.values()
    }

    /// How many there are, revoked ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// SHA-256 of a key's or a run's secret text.
pub(crate) fn hash_secret(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
